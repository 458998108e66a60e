//! ADAC certificates in Arm's binary form: a 52-byte header, then public key, extensions hash, signature and extensions.
//!
//! For P-256 the whole is 212 bytes; the signature covers the first 148 (Arm `psa_adac_cryptosystems.h`). Extensions are carried and
//! their hash is checked, but they are not interpreted: no certificate of ST has any.

mod builder;

pub use self::builder::Builder;
use crate::crypto::CryptoSystem;
use crate::extensions::{self, BadExtensionsHash, Flaw};
use crate::key::{BadSignature, KeyError, PublicKey, PublicKeyBytes, Signature};
use crate::permission::PermissionMask;
pub use crate::role::Role;
use crate::scope::{Scope, Usage};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 52;
/// Bytes the signature covers: header, public key, extensions hash.
pub const SIGNED_BYTES: usize = 148;
/// Bytes of a P-256 certificate without extensions.
pub const BODY_BYTES: usize = 212;

/// A byte that breaks a rule of the certificate format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("certificate byte {offset}: {rule}")]
#[non_exhaustive]
pub struct CertificateError {
    /// Where the field that breaks the rule starts.
    pub offset: usize,
    /// The rule.
    pub rule: CertificateRule,
}

provost_codes::codes!(CertificateError, self => self.rule, {
    CertificateRule::Truncated { .. } => "certificate-truncated",
    CertificateRule::FormatVersion { .. } => "certificate-version",
    CertificateRule::CryptoSystem { .. } => "certificate-crypto-system",
    CertificateRule::Role { .. } => "certificate-role",
    CertificateRule::Length { .. } => "certificate-length",
    CertificateRule::PaddingNotZero => "certificate-padding",
});

/// A rule of the certificate format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateRule {
    /// Header, key, hash and signature are all there.
    #[error("a P-256 certificate has at least {BODY_BYTES} bytes, got {have}")]
    Truncated {
        /// How many bytes came.
        have: usize,
    },
    /// The format is version 1.
    #[error("format version must be 1.x, found {major}.{minor}")]
    FormatVersion {
        /// The major version that stands there; 1 is due.
        major: u8,
        /// The minor version that stands there; any will do.
        minor: u8,
    },
    /// Key and signature are of the crypto system STM32H5 has.
    #[error("must be {}, found {found}", CryptoSystem::EcdsaP256Sha256)]
    CryptoSystem {
        /// What stands there.
        found: CryptoSystem,
    },
    /// The role is root, intermediate or leaf.
    #[error("role must be 1, 2 or 3, found {found}")]
    Role {
        /// What stands there.
        found: u8,
    },
    /// The bytes end where the extensions, filled up to words, end.
    #[error("{announced} extension bytes announced, {have} bytes follow the signature")]
    Length {
        /// extensions_bytes.
        announced: u32,
        /// Bytes after the signature.
        have: usize,
    },
    /// The fill after the extensions is zero.
    #[error("padding after the extensions must be zero")]
    PaddingNotZero,
}

/// The header, 52 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Version of the format: major 1, minor 0 from ST.
    pub format_version: (u8, u8),
    /// How this certificate is signed.
    pub signature_type: CryptoSystem,
    /// What the public key in it is.
    pub key_type: CryptoSystem,
    /// Place in the chain.
    pub role: Role,
    /// Reserved, 0; policies in ADAC 1.1.
    pub policies: u16,
    /// Bytes of extensions, without padding.
    pub extensions_bytes: u32,
    /// Where the certificate holds.
    pub scope: Scope,
    /// What it allows at most; every other mask may withhold more.
    pub permissions_mask: PermissionMask,
}

impl Header {
    /// The bytes on the wire.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let (major, minor) = self.format_version;
        bytes[0] = major;
        bytes[1] = minor;
        bytes[2] = self.signature_type.value();
        bytes[3] = self.key_type.value();
        bytes[4] = self.role.value();
        bytes[5] = self.scope.usage.value();
        bytes[6..8].copy_from_slice(&self.policies.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.scope.lifecycle.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.scope.oem_constraint.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.extensions_bytes.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.scope.soc_class.to_le_bytes());
        bytes[20..36].copy_from_slice(&self.scope.soc_id);
        bytes[36..52].copy_from_slice(&self.permissions_mask.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, CertificateError> {
        let fail = |offset, rule| Err(CertificateError { offset, rule });
        let [
            major,
            minor,
            signature_type,
            key_type,
            role,
            usage,
            p0,
            p1,
            l0,
            l1,
            o0,
            o1,
            e0,
            e1,
            e2,
            e3,
            c0,
            c1,
            c2,
            c3,
            ids @ ..,
        ] = *bytes;
        if major != 1 {
            return fail(0, CertificateRule::FormatVersion { major, minor });
        }
        for (offset, value) in [(2, signature_type), (3, key_type)] {
            let found = CryptoSystem::from(value);
            if found != CryptoSystem::EcdsaP256Sha256 {
                return fail(offset, CertificateRule::CryptoSystem { found });
            }
        }
        let Some(role) = Role::from_value(role) else {
            return fail(4, CertificateRule::Role { found: role });
        };
        let (mut soc_id, mut permissions) = ([0; 16], [0; 16]);
        soc_id.copy_from_slice(&ids[..16]);
        permissions.copy_from_slice(&ids[16..]);
        Ok(Self {
            format_version: (major, minor),
            signature_type: signature_type.into(),
            key_type: key_type.into(),
            role,
            policies: u16::from_le_bytes([p0, p1]),
            extensions_bytes: u32::from_le_bytes([e0, e1, e2, e3]),
            scope: Scope {
                usage: Usage::from(usage),
                lifecycle: u16::from_le_bytes([l0, l1]),
                oem_constraint: u16::from_le_bytes([o0, o1]),
                soc_class: u32::from_le_bytes([c0, c1, c2, c3]),
                soc_id,
            },
            permissions_mask: PermissionMask::from_le_bytes(permissions),
        })
    }
}

/// A P-256 certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    header: Header,
    public_key: PublicKeyBytes,
    extensions_hash: [u8; 32],
    signature: Signature,
    extensions: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate; does not check its signature nor that its key is on the curve.
    ///
    /// # Errors
    /// The offset and the rule that is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        let Some((body, rest)) = bytes.split_first_chunk::<BODY_BYTES>() else {
            return Err(CertificateError { offset: 0, rule: CertificateRule::Truncated { have: bytes.len() } });
        };
        let (mut header, mut public_key, mut extensions_hash, mut signature) =
            ([0; HEADER_BYTES], [0; 64], [0; 32], [0; 64]);
        header.copy_from_slice(&body[..HEADER_BYTES]);
        public_key.copy_from_slice(&body[HEADER_BYTES..116]);
        extensions_hash.copy_from_slice(&body[116..SIGNED_BYTES]);
        signature.copy_from_slice(&body[SIGNED_BYTES..]);
        let header = Header::parse(&header)?;
        let extensions = extensions::split(rest, header.extensions_bytes).map_err(|found| match found {
            Flaw::Length => CertificateError {
                offset: 12,
                rule: CertificateRule::Length { announced: header.extensions_bytes, have: rest.len() },
            },
            Flaw::Padding(at) => CertificateError { offset: BODY_BYTES + at, rule: CertificateRule::PaddingNotZero },
        })?;
        Ok(Self { header, public_key, extensions_hash, signature, extensions: extensions.to_vec() })
    }

    /// The bytes on the wire, a multiple of four.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BODY_BYTES + self.extensions.len() + 3);
        bytes.extend_from_slice(&self.signed_bytes());
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.extensions);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// The bytes the signature covers.
    pub fn signed_bytes(&self) -> [u8; SIGNED_BYTES] {
        let mut bytes = [0; SIGNED_BYTES];
        bytes[..HEADER_BYTES].copy_from_slice(&self.header.to_bytes());
        bytes[HEADER_BYTES..116].copy_from_slice(&self.public_key);
        bytes[116..].copy_from_slice(&self.extensions_hash);
        bytes
    }

    /// The header: who it is for, where it holds, what it allows.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Place in the chain.
    pub const fn role(&self) -> Role {
        self.header.role
    }

    /// The key this certificate is about.
    ///
    /// # Errors
    /// The bytes are not a point of the curve.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_bytes(&self.public_key)
    }

    /// The key this certificate is about, as it stands there.
    pub const fn public_key_bytes(&self) -> &PublicKeyBytes {
        &self.public_key
    }

    /// Hash of the extensions; zeros without extensions.
    pub const fn extensions_hash(&self) -> &[u8; 32] {
        &self.extensions_hash
    }

    /// The signature: `r ‖ s`, whether it is good or not.
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The extensions, without padding.
    pub fn extensions(&self) -> &[u8] {
        &self.extensions
    }

    /// Checks that the extensions are those whose hash is signed; without extensions that is zeros.
    ///
    /// # Errors
    /// [`BadExtensionsHash`].
    pub fn verify_extensions(&self) -> Result<(), BadExtensionsHash> {
        extensions::verify(&self.extensions, &self.extensions_hash)
    }

    /// The same with another signature.
    pub(crate) fn with_signature(self, signature: Signature) -> Self {
        Self { signature, ..self }
    }

    /// Checks the signature under the issuer's key; for a root that is its own.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, issuer: &PublicKey) -> Result<(), BadSignature> {
        issuer.verify(&self.signed_bytes(), &self.signature)
    }
}
