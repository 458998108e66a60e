//! P-256 keys and signatures as Debug Authentication uses them.
//!
//! Signatures are deterministic ECDSA (RFC 6979) with SHA-256, `r ‖ s`, and `s` is left as it comes: ST's own certificates have
//! values of `s` above n/2, so normalising would neither reproduce them nor accept them.

use core::fmt;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use zeroize::Zeroizing;

use crate::crypto::{Hash, sha256};

/// `X ‖ Y` of a public key, big-endian, without the 0x04 of SEC 1.
pub type PublicKeyBytes = [u8; 64];

/// `r ‖ s` of a signature, big-endian.
pub type Signature = [u8; 64];

/// What is wrong with a key. Never tells anything of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not a point of P-256.
    #[error("not a point of the curve P-256")]
    NotOnCurve,
    /// The number is zero or not below the order of the curve.
    #[error("not a private key of P-256: zero, or not below the order of the curve")]
    ScalarOutOfRange,
    /// No PEM block of a kind that can hold the key wanted.
    #[error("no PEM block \"{expected}\"")]
    NoPemBlock {
        /// The labels that would do.
        expected: &'static str,
    },
    /// The PEM block is encrypted.
    #[error("the private key is encrypted; decrypt it first (openssl pkcs8)")]
    Encrypted,
    /// The PEM block does not decode to a P-256 key.
    #[error("the PEM block \"{label}\" is not a P-256 key")]
    Malformed {
        /// Label of the block.
        label: &'static str,
    },
    /// The key could not be written.
    #[error("the key cannot be encoded")]
    Encoding,
    /// The operating system gave no randomness.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

/// The signature is not that of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A key holder failed to sign: a token was pulled, a PIN is missing.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot sign")]
pub struct SignerError(#[source] Box<dyn core::error::Error + Send + Sync>);

impl SignerError {
    /// Wraps the key holder's own error.
    pub fn new(error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// Holds a private key and signs with it: a file, a smart card, a vault.
pub trait Signer {
    /// The public key that verifies what this signs.
    fn public_key(&self) -> PublicKey;

    /// ECDSA P-256 over SHA-256 of `message`.
    ///
    /// # Errors
    /// The key is out of reach.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError>;
}

/// A public key: a point that is on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    point: p256::PublicKey,
    bytes: PublicKeyBytes,
}

impl PublicKey {
    const PEM_LABEL: &'static str = "PUBLIC KEY";

    /// From `X ‖ Y`.
    ///
    /// # Errors
    /// [`KeyError::NotOnCurve`].
    pub fn from_bytes(bytes: &PublicKeyBytes) -> Result<Self, KeyError> {
        let mut sec1 = [4; 65];
        sec1[1..].copy_from_slice(bytes);
        let point = p256::PublicKey::from_sec1_bytes(&sec1).map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self { point, bytes: *bytes })
    }

    fn from_point(point: p256::PublicKey) -> Result<Self, KeyError> {
        let sec1 = point.to_sec1_point(false);
        // 0x04 and 64 bytes; only the point at infinity, which no key is, would be shorter.
        let [_, xy @ ..]: &[u8; 65] = sec1.as_bytes().try_into().map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self { point, bytes: *xy })
    }

    /// `X ‖ Y`.
    pub const fn to_bytes(&self) -> PublicKeyBytes {
        self.bytes
    }

    /// SHA-256 of `X ‖ Y`: what is provisioned for the root key (RM0481, Debug Authentication object).
    pub fn root_hash(&self) -> Hash {
        sha256(&self.bytes)
    }

    /// Checks a signature; any valid `s`, low or high, is accepted.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| BadSignature)?;
        VerifyingKey::from(&self.point).verify(message, &signature).map_err(|_| BadSignature)
    }

    /// Reads a SubjectPublicKeyInfo PEM file (`PUBLIC KEY`).
    ///
    /// # Errors
    /// No such block, or not a P-256 key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let label = Self::PEM_LABEL;
        let block = pem_block(pem, label).ok_or(KeyError::NoPemBlock { expected: label })?;
        Self::from_point(p256::PublicKey::from_public_key_pem(block).map_err(|_| KeyError::Malformed { label })?)
    }

    /// Writes a SubjectPublicKeyInfo PEM file.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for want of memory at most.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.point.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Encoding)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A private key. Wiped on drop; `Debug` shows the public key only.
#[derive(Clone)]
pub struct PrivateKey {
    secret: p256::SecretKey,
    public: PublicKey,
}

impl PrivateKey {
    const PKCS8_LABEL: &'static str = "PRIVATE KEY";
    const SEC1_LABEL: &'static str = "EC PRIVATE KEY";

    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut scalar = Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(scalar.as_mut_slice()).map_err(|_| KeyError::NoRandomness)?;
            // Out of range about once in 2^32; a new number keeps the distribution flat.
            if let Ok(key) = Self::from_scalar(&scalar) {
                return Ok(key);
            }
        }
    }

    /// From the private number, big-endian.
    ///
    /// # Errors
    /// [`KeyError::ScalarOutOfRange`].
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, KeyError> {
        Self::from_secret(p256::SecretKey::from_slice(scalar).map_err(|_| KeyError::ScalarOutOfRange)?)
    }

    fn from_secret(secret: p256::SecretKey) -> Result<Self, KeyError> {
        let public = PublicKey::from_point(secret.public_key())?;
        Ok(Self { secret, public })
    }

    /// Reads a PEM file: PKCS #8 (`PRIVATE KEY`, as ST's tools write) or SEC 1 (`EC PRIVATE KEY`, as `openssl ecparam` writes).
    ///
    /// # Errors
    /// No such block, an encrypted one, or not a P-256 key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if let Some(block) = pem_block(pem, Self::PKCS8_LABEL) {
            let malformed = KeyError::Malformed { label: Self::PKCS8_LABEL };
            return Self::from_secret(p256::SecretKey::from_pkcs8_pem(block).map_err(|_| malformed)?);
        }
        if let Some(block) = pem_block(pem, Self::SEC1_LABEL) {
            // OpenSSL's traditional format encrypts inside the block and says so in its header (RFC 1421).
            if block.contains("ENCRYPTED") {
                return Err(KeyError::Encrypted);
            }
            let malformed = KeyError::Malformed { label: Self::SEC1_LABEL };
            return Self::from_secret(p256::SecretKey::from_sec1_pem(block).map_err(|_| malformed)?);
        }
        if pem_block(pem, "ENCRYPTED PRIVATE KEY").is_some() {
            return Err(KeyError::Encrypted);
        }
        Err(KeyError::NoPemBlock { expected: "PRIVATE KEY or EC PRIVATE KEY" })
    }

    /// Writes a PKCS #8 PEM file.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for want of memory at most.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.secret.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Encoding)
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let signature: p256::ecdsa::Signature =
            SigningKey::from(&self.secret).try_sign(message).map_err(|error| SignerError::new(error.to_string()))?;
        Ok(signature.to_bytes().into())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public_key", &self.public).finish_non_exhaustive()
    }
}

/// The block of `label` in a PEM text that may have others before it (`openssl ecparam` writes `EC PARAMETERS` first).
fn pem_block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let block = &pem[pem.find(&begin)?..];
    let length = block.find(&end)? + end.len();
    Some(&block[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6979_a_2_5_sample_with_a_high_s() {
        // RFC 6979 A.2.5, P-256, SHA-256, message "sample". Its s is above n/2.
        let hex = |text: &str| -> [u8; 32] {
            core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        };
        let key =
            PrivateKey::from_scalar(&hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")).unwrap();
        let signature = key.sign(b"sample").unwrap();
        assert_eq!(signature[..32], hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"));
        assert_eq!(signature[32..], hex("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"));
        key.public_key().verify(b"sample", &signature).unwrap();
        assert_eq!(key.public_key().verify(b"Sample", &signature), Err(BadSignature));
    }

    #[test]
    fn pem_files_come_back() {
        let key = PrivateKey::generate().unwrap();
        let pem = key.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(PrivateKey::from_pem(&pem).unwrap().public_key(), key.public_key());
        let public = key.public_key().to_pem().unwrap();
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        assert_eq!(PublicKey::from_pem(&public).unwrap(), key.public_key());
        assert_eq!(PublicKey::from_pem(&public.replace('\n', "\r\n")).unwrap(), key.public_key());
        let sec1 = key.secret.to_sec1_pem(LineEnding::LF).unwrap();
        let with_parameters =
            format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{}", *sec1);
        assert_eq!(PrivateKey::from_pem(&with_parameters).unwrap().public_key(), key.public_key());
    }

    #[test]
    fn wrong_keys_are_refused() {
        assert_eq!(PublicKey::from_bytes(&[0; 64]).unwrap_err(), KeyError::NotOnCurve);
        assert_eq!(PrivateKey::from_scalar(&[0; 32]).unwrap_err(), KeyError::ScalarOutOfRange);
        assert_eq!(PrivateKey::from_scalar(&[0xFF; 32]).unwrap_err(), KeyError::ScalarOutOfRange);
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(PrivateKey::from_pem(encrypted).unwrap_err(), KeyError::Encrypted);
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(PrivateKey::from_pem(garbage).unwrap_err(), KeyError::Malformed { label: "PRIVATE KEY" });
        assert!(matches!(PrivateKey::from_pem("hello"), Err(KeyError::NoPemBlock { .. })));
        let public = PrivateKey::generate().unwrap().public_key().to_pem().unwrap();
        assert!(matches!(PrivateKey::from_pem(&public), Err(KeyError::NoPemBlock { .. })));
    }

    #[test]
    fn debug_hides_the_secret() {
        let key = PrivateKey::from_scalar(&[0x42; 32]).unwrap();
        assert!(!format!("{key:?}").contains("4242"));
    }
}
