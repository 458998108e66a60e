//! New certificates, field by field.

use super::{Certificate, Header, Role};
use crate::crypto::CryptoSystem;
use crate::extensions;
use crate::key::{PublicKey, Signer, SignerError};
use crate::permission::PermissionMask;
use crate::scope::{Scope, Usage};

/// What a new certificate shall say. Starts with the scope and the permissions that ST's tool writes unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Builder {
    role: Role,
    scope: Scope,
    permissions: PermissionMask,
    extensions: Vec<u8>,
}

impl Certificate {
    /// Starts a certificate with standard scope and every permission of STM32H5.
    pub const fn builder(role: Role) -> Builder {
        Builder { role, scope: Scope::STANDARD, permissions: PermissionMask::STM32H5, extensions: Vec::new() }
    }
}

impl Builder {
    /// Restricts where the certificate holds; sets all five fields.
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets what the certificate is for.
    pub const fn usage(mut self, usage: Usage) -> Self {
        self.scope.usage = usage;
        self
    }

    /// Restricts it to one PSA life-cycle word; 0 for any.
    pub const fn lifecycle(mut self, lifecycle: u16) -> Self {
        self.scope.lifecycle = lifecycle;
        self
    }

    /// Sets the OEM constraint; 0 for none.
    pub const fn oem_constraint(mut self, oem_constraint: u16) -> Self {
        self.scope.oem_constraint = oem_constraint;
        self
    }

    /// Restricts it to one class of chips, the DEV_ID of STM32; 0 for any.
    pub const fn soc_class(mut self, soc_class: u32) -> Self {
        self.scope.soc_class = soc_class;
        self
    }

    /// Restricts it to one chip; zeros for any.
    pub const fn soc_id(mut self, soc_id: [u8; 16]) -> Self {
        self.scope.soc_id = soc_id;
        self
    }

    /// Sets what the certificate allows.
    pub const fn permissions(mut self, mask: PermissionMask) -> Self {
        self.permissions = mask;
        self
    }

    /// Appends extensions, filled up with zeros to words, the only length on which Arm's implementations agree. They have fewer than
    /// 2^32 bytes.
    pub fn extensions(mut self, extensions: &[u8]) -> Self {
        self.extensions = extensions::filled(extensions);
        self
    }

    /// The certificate for the key `subject` with a signature of zeros.
    pub(crate) fn unsigned(self, subject: &PublicKey) -> Certificate {
        Certificate {
            header: Header {
                format_version: (1, 0),
                signature_type: CryptoSystem::EcdsaP256Sha256,
                key_type: CryptoSystem::EcdsaP256Sha256,
                role: self.role,
                policies: 0,
                extensions_bytes: self.extensions.len() as u32,
                scope: self.scope,
                permissions_mask: self.permissions,
            },
            public_key: subject.to_bytes(),
            extensions_hash: extensions::hash(&self.extensions),
            signature: [0; 64],
            extensions: self.extensions,
        }
    }

    /// Signs a certificate for the key `subject` with the key of `issuer`.
    ///
    /// # Errors
    /// The issuer cannot sign.
    pub fn sign(self, subject: &PublicKey, issuer: &(impl Signer + ?Sized)) -> Result<Certificate, SignerError> {
        let certificate = self.unsigned(subject);
        let signature = issuer.sign(&certificate.signed_bytes())?;
        Ok(certificate.with_signature(signature))
    }

    /// Signs a certificate for the signer's own key: a root.
    ///
    /// # Errors
    /// The signer cannot sign.
    pub fn self_sign(self, signer: &(impl Signer + ?Sized)) -> Result<Certificate, SignerError> {
        self.sign(&signer.public_key(), signer)
    }
}
