//! ADAC tokens in Arm's binary form: what the holder of the chain's last key asks for, signed over the target's challenge.
//!
//! For P-256 a token is 120 bytes; the signature covers its first 56 and then the 32 bytes of the challenge, which are not part of the
//! token (psa-adac).

use crate::challenge::Challenge;
use crate::crypto::{CryptoSystem, Hash};
use crate::extensions::{self, BadExtensionsHash, Flaw};
use crate::key::{BadSignature, PublicKey, Signature, Signer, SignerError};
use crate::permission::PermissionMask;
use crate::tlv::{HEADER_BYTES, Padding, Reader, TlvRule, TypeId, Writer};

/// Bytes of the token the signature covers: header and extensions hash.
pub const SIGNED_BYTES: usize = 56;
/// Bytes of a P-256 token without extensions.
pub const BODY_BYTES: usize = 120;
/// Bytes that are hashed and signed: those of the token and the challenge.
pub const MESSAGE_BYTES: usize = SIGNED_BYTES + 32;

/// A byte that breaks a rule of the token format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token byte {offset}: {rule}")]
#[non_exhaustive]
pub struct TokenError {
    /// Where the field that breaks the rule starts.
    pub offset: usize,
    /// The rule.
    pub rule: TokenRule,
}

impl TokenError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self.rule {
            TokenRule::Truncated { .. } => "token-truncated",
            TokenRule::FormatVersion { .. } => "token-version",
            TokenRule::CryptoSystem { .. } => "token-crypto-system",
            TokenRule::Reserved { .. } => "token-reserved",
            TokenRule::Length { .. } => "token-length",
            TokenRule::PaddingNotZero => "token-padding",
            TokenRule::Tlv(_) => "token-tlv",
            TokenRule::Type { .. } => "token-type",
            TokenRule::TrailingBytes { .. } => "token-trailing-bytes",
        }
    }
}

/// A rule of the token format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRule {
    /// Header, hash and signature are all there.
    #[error("a P-256 token has at least {BODY_BYTES} bytes, got {have}")]
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
    /// The signature is of the crypto system STM32H5 has.
    #[error("must be {}, found {found}", CryptoSystem::EcdsaP256Sha256)]
    CryptoSystem {
        /// What stands there.
        found: CryptoSystem,
    },
    /// The reserved byte is zero.
    #[error("the reserved byte must be 0, found {found:#04x}")]
    Reserved {
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
    /// A fragment is a TLV.
    #[error("{0}")]
    Tlv(TlvRule),
    /// The fragment is a token.
    #[error("a {} TLV is due, found {found}", TypeId::BinaryToken)]
    Type {
        /// The type that stands there.
        found: TypeId,
    },
    /// Nothing follows the token.
    #[error("{count} bytes follow the token")]
    TrailingBytes {
        /// How many bytes too many.
        count: usize,
    },
}

/// A P-256 token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    format_version: (u8, u8),
    requested_permissions: PermissionMask,
    extensions_hash: [u8; 32],
    signature: Signature,
    extensions: Vec<u8>,
}

impl Token {
    /// Asks for permissions in answer to a challenge.
    ///
    /// # Errors
    /// The signer cannot sign.
    pub fn sign(
        requested: impl Into<PermissionMask>,
        challenge: &Challenge,
        signer: &(impl Signer + ?Sized),
    ) -> Result<Self, SignerError> {
        Self::sign_with_extensions(requested, &[], challenge, signer)
    }

    /// Asks for permissions and says more in extensions. They are filled up with zeros to words, the only length on which Arm's
    /// implementations agree, and have fewer than 2^32 bytes.
    ///
    /// # Errors
    /// The signer cannot sign.
    pub fn sign_with_extensions(
        requested: impl Into<PermissionMask>,
        extensions: &[u8],
        challenge: &Challenge,
        signer: &(impl Signer + ?Sized),
    ) -> Result<Self, SignerError> {
        let token = Self::unsigned(requested.into(), extensions);
        let signature = signer.sign(&token.message(challenge))?;
        Ok(token.with_signature(signature))
    }

    /// A token with a signature of zeros.
    pub(crate) fn unsigned(requested_permissions: PermissionMask, extensions: &[u8]) -> Self {
        Self {
            format_version: (1, 0),
            requested_permissions,
            extensions_hash: extensions::hash(extensions),
            signature: [0; 64],
            extensions: extensions::filled(extensions),
        }
    }

    /// The same with another signature.
    pub(crate) fn with_signature(self, signature: Signature) -> Self {
        Self { signature, ..self }
    }

    /// Reads a fragment: one TLV that holds a token.
    ///
    /// # Errors
    /// The offset in the fragment and the rule that is broken.
    pub fn from_tlv(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut reader = Reader::new(bytes, Padding::Padded);
        let tlv = match reader.next() {
            Some(Ok(tlv)) => tlv,
            Some(Err(error)) => return Err(TokenError { offset: error.offset, rule: TokenRule::Tlv(error.rule) }),
            None => return Err(TokenError { offset: 0, rule: TokenRule::Truncated { have: 0 } }),
        };
        if tlv.type_id != TypeId::BinaryToken {
            return Err(TokenError { offset: 2, rule: TokenRule::Type { found: tlv.type_id } });
        }
        let count = reader.rest().len();
        if count != 0 {
            return Err(TokenError { offset: bytes.len() - count, rule: TokenRule::TrailingBytes { count } });
        }
        Self::parse(tlv.value).map_err(|error| TokenError { offset: HEADER_BYTES + error.offset, ..error })
    }

    /// The fragment that is sent: one TLV.
    pub fn to_tlv(&self) -> Vec<u8> {
        let mut writer = Writer::new(Padding::Padded);
        writer.push(TypeId::BinaryToken, &self.to_bytes());
        writer.finish()
    }

    /// Reads a token; does not check its signature.
    ///
    /// # Errors
    /// The offset and the rule that is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let fail = |offset, rule| Err(TokenError { offset, rule });
        let Some((body, rest)) = bytes.split_first_chunk::<BODY_BYTES>() else {
            return fail(0, TokenRule::Truncated { have: bytes.len() });
        };
        let [major, minor, signature_type, reserved, e0, e1, e2, e3, fields @ ..] = body;
        let announced = u32::from_le_bytes([*e0, *e1, *e2, *e3]);
        if *major != 1 {
            return fail(0, TokenRule::FormatVersion { major: *major, minor: *minor });
        }
        let found = CryptoSystem::from(*signature_type);
        if found != CryptoSystem::EcdsaP256Sha256 {
            return fail(2, TokenRule::CryptoSystem { found });
        }
        if *reserved != 0 {
            return fail(3, TokenRule::Reserved { found: *reserved });
        }
        let extensions = match extensions::split(rest, announced) {
            Ok(extensions) => extensions.to_vec(),
            Err(Flaw::Length) => return fail(4, TokenRule::Length { announced, have: rest.len() }),
            Err(Flaw::Padding(at)) => return fail(BODY_BYTES + at, TokenRule::PaddingNotZero),
        };
        let (mut permissions, mut extensions_hash, mut signature) = ([0; 16], [0; 32], [0; 64]);
        permissions.copy_from_slice(&fields[..16]);
        extensions_hash.copy_from_slice(&fields[16..48]);
        signature.copy_from_slice(&fields[48..]);
        Ok(Self {
            format_version: (*major, *minor),
            requested_permissions: PermissionMask::from_le_bytes(permissions),
            extensions_hash,
            signature,
            extensions,
        })
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

    /// The bytes of the token the signature covers; the challenge follows them.
    pub fn signed_bytes(&self) -> [u8; SIGNED_BYTES] {
        let mut bytes = [0; SIGNED_BYTES];
        let (major, minor) = self.format_version;
        bytes[0] = major;
        bytes[1] = minor;
        bytes[2] = CryptoSystem::EcdsaP256Sha256.value();
        bytes[4..8].copy_from_slice(&(self.extensions.len() as u32).to_le_bytes());
        bytes[8..24].copy_from_slice(&self.requested_permissions.to_le_bytes());
        bytes[24..].copy_from_slice(&self.extensions_hash);
        bytes
    }

    /// What is asked for.
    pub const fn requested_permissions(&self) -> PermissionMask {
        self.requested_permissions
    }

    /// The signature: `r ‖ s`, whether it is good or not.
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Version of the format: major, minor.
    pub const fn format_version(&self) -> (u8, u8) {
        self.format_version
    }

    /// Hash of the extensions; zeros without extensions.
    pub const fn extensions_hash(&self) -> &Hash {
        &self.extensions_hash
    }

    /// Checks that the extensions are those whose hash is signed; without extensions that is zeros.
    ///
    /// # Errors
    /// [`BadExtensionsHash`].
    pub fn verify_extensions(&self) -> Result<(), BadExtensionsHash> {
        extensions::verify(&self.extensions, &self.extensions_hash)
    }

    /// The extensions, without padding; carried but not interpreted, ST has none.
    pub fn extensions(&self) -> &[u8] {
        &self.extensions
    }

    /// Checks the signature over token and challenge under the key of the chain's last certificate.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, signer: &PublicKey, challenge: &Challenge) -> Result<(), BadSignature> {
        signer.verify(&self.message(challenge), &self.signature)
    }

    /// What is signed: the first bytes of the token and the challenge.
    pub(crate) fn message(&self, challenge: &Challenge) -> [u8; MESSAGE_BYTES] {
        let mut message = [0; MESSAGE_BYTES];
        message[..SIGNED_BYTES].copy_from_slice(&self.signed_bytes());
        message[SIGNED_BYTES..].copy_from_slice(challenge);
        message
    }
}
