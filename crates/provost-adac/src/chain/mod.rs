//! Certificate chains: their file form and the rules that make one good.
//!
//! Usable are root alone, root + leaf, and root + any number of intermediates + leaf (AN6008 §5.4.2). The root verifies under its own
//! key, every other certificate under the key before it; scope fields that are not neutral agree; permissions intersect.

mod file;

use subtle::ConstantTimeEq as _;

pub use self::file::{ChainForm, ChainFormatError};
use crate::certificate::{Certificate, Role};
use crate::crypto::Hash;
use crate::key::PublicKey;
use crate::permission::{Effective, MaskSource, PermissionMask};
use crate::scope::{Scope, ScopeField};

/// A rule of the chain that is broken. `index` is the position in the chain, the root is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// There is no certificate.
    #[error("the chain has no certificate")]
    Empty,
    /// The chain ends with an intermediate certificate.
    #[error("the chain ends with an intermediate certificate, a leaf is due")]
    Incomplete,
    /// The role is not allowed here.
    #[error("certificate {index}: a {role} certificate cannot stand here")]
    WrongOrder {
        /// Its position in the chain; that of the root is 0.
        index: usize,
        /// Role of the certificate.
        role: Role,
    },
    /// The root key is not the one whose hash is provisioned.
    #[error("the root key is not the provisioned one")]
    RootHashMismatch,
    /// The public key is not a point of the curve.
    #[error("certificate {index} ({role}): the public key is not a point of the curve")]
    BadPublicKey {
        /// Its position in the chain; that of the root is 0.
        index: usize,
        /// Role of the certificate.
        role: Role,
    },
    /// The signature does not verify under the issuer's key.
    #[error("certificate {index} ({role}): the signature does not verify under the issuer's key")]
    BadSignature {
        /// Its position in the chain; that of the root is 0.
        index: usize,
        /// Role of the certificate.
        role: Role,
    },
    /// The extensions are not those whose hash is signed.
    #[error("certificate {index} ({role}): the extensions hash is not that of the extensions")]
    BadExtensionsHash {
        /// Its position in the chain; that of the root is 0.
        index: usize,
        /// Role of the certificate.
        role: Role,
    },
    /// A scope field contradicts a certificate before.
    #[error("certificate {index}: {field} contradicts the certificates before")]
    ScopeConflict {
        /// Its position in the chain; that of the root is 0.
        index: usize,
        /// The field that names another chip, state or use than before.
        field: ScopeField,
    },
}

provost_codes::codes!(ChainError, self => self, {
    Self::Empty => "chain-empty",
    Self::Incomplete => "chain-incomplete",
    Self::WrongOrder { .. } => "chain-order",
    Self::RootHashMismatch => "chain-root-hash",
    Self::BadPublicKey { .. } => "chain-public-key",
    Self::BadSignature { .. } => "chain-signature",
    Self::BadExtensionsHash { .. } => "chain-extensions-hash",
    Self::ScopeConflict { .. } => "chain-scope-conflict",
});

impl ChainError {
    /// Position of the certificate to blame, the root is 0.
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::Empty | Self::Incomplete => None,
            Self::RootHashMismatch => Some(0),
            Self::WrongOrder { index, .. }
            | Self::BadPublicKey { index, .. }
            | Self::BadSignature { index, .. }
            | Self::BadExtensionsHash { index, .. }
            | Self::ScopeConflict { index, .. } => Some(*index),
        }
    }
}

/// Certificates from the root on. May be a part of a usable chain: [`Chain::verify`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    certificates: Vec<Certificate>,
}

impl Chain {
    /// A chain of certificates, the root first.
    pub fn new(certificates: Vec<Certificate>) -> Self {
        Self { certificates }
    }

    /// The certificates, the root first.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Checks every rule of a usable chain but the provisioned hash.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn verify(&self) -> Result<VerifiedChain, ChainError> {
        self.verify_with(Verifier::new())
    }

    /// Checks every rule of a usable chain under a provisioned root hash.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn verify_under(&self, root_key_hash: Hash) -> Result<VerifiedChain, ChainError> {
        self.verify_with(Verifier::under(root_key_hash))
    }

    fn verify_with(&self, mut verifier: Verifier) -> Result<VerifiedChain, ChainError> {
        self.certificates.iter().try_for_each(|certificate| verifier.accept(certificate))?;
        verifier.finish()
    }
}

/// What a good chain says as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedChain {
    /// The key that signs tokens: that of the last certificate.
    pub token_key: PublicKey,
    /// Where the chain holds.
    pub scope: Scope,
    /// What each certificate allows.
    pub permissions: Effective,
}

impl VerifiedChain {
    /// All masks in the order in which they are spoken of: product, object, certificates, token (AN6008 §5.4.3). One that is not
    /// known is left out, which says that it withholds nothing.
    pub fn effective(
        &self,
        product: Option<PermissionMask>,
        object: Option<PermissionMask>,
        token: Option<PermissionMask>,
    ) -> Effective {
        let mut effective = Effective::default();
        let mut add =
            |source, mask: Option<PermissionMask>| mask.into_iter().for_each(|mask| effective.and(source, mask));
        add(MaskSource::Product, product);
        add(MaskSource::Object, object);
        self.permissions.masks().iter().for_each(|named| add(named.source, Some(named.mask)));
        add(MaskSource::Token, token);
        effective
    }
}

/// Takes certificates one by one, as a target receives them, and keeps to the rules.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    anchor: Option<Hash>,
    last: Option<(Role, PublicKey)>,
    scope: Option<Scope>,
    permissions: Effective,
}

impl Verifier {
    /// Believes any root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes the root whose key has this hash.
    pub fn under(root_key_hash: Hash) -> Self {
        Self { anchor: Some(root_key_hash), ..Self::default() }
    }

    /// The last certificate accepted, if any: its role and its key.
    pub const fn last(&self) -> Option<&(Role, PublicKey)> {
        self.last.as_ref()
    }

    /// Takes the next certificate.
    ///
    /// # Errors
    /// The rule it breaks; the state does not change.
    pub fn accept(&mut self, certificate: &Certificate) -> Result<(), ChainError> {
        let index = self.permissions.masks().len();
        let role = certificate.role();
        let fits = match self.last {
            None => role == Role::Root,
            Some((Role::Root | Role::Intermediate, _)) => role != Role::Root,
            Some((Role::Leaf, _)) => false,
        };
        if !fits {
            return Err(ChainError::WrongOrder { index, role });
        }
        let subject = certificate.public_key().map_err(|_| ChainError::BadPublicKey { index, role })?;
        let issuer = match self.last {
            Some((_, issuer)) => issuer,
            None => {
                if self.anchor.is_some_and(|anchor| !bool::from(anchor.ct_eq(&subject.root_hash()))) {
                    return Err(ChainError::RootHashMismatch);
                }
                subject
            }
        };
        certificate.verify(&issuer).map_err(|_| ChainError::BadSignature { index, role })?;
        certificate.verify_extensions().map_err(|_| ChainError::BadExtensionsHash { index, role })?;
        let header = certificate.header();
        let scope = self.scope.unwrap_or(Scope::NEUTRAL).merge(header.scope);
        self.scope = Some(scope.map_err(|field| ChainError::ScopeConflict { index, field })?);
        self.permissions.and(MaskSource::Certificate { index, role }, header.permissions_mask);
        self.last = Some((role, subject));
        Ok(())
    }

    /// What the chain says, now that a token may follow: after a root alone or a leaf.
    ///
    /// # Errors
    /// [`ChainError::Empty`] or [`ChainError::Incomplete`].
    pub fn finish(&self) -> Result<VerifiedChain, ChainError> {
        match self.last {
            None => Err(ChainError::Empty),
            Some((Role::Intermediate, _)) => Err(ChainError::Incomplete),
            Some((Role::Root | Role::Leaf, token_key)) => Ok(VerifiedChain {
                token_key,
                scope: self.scope.unwrap_or(Scope::NEUTRAL),
                permissions: self.permissions.clone(),
            }),
        }
    }
}
