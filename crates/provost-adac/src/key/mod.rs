//! P-256 keys and signatures as Debug Authentication uses them.
//!
//! Signatures are deterministic ECDSA (RFC 6979) with SHA-256, `r ‖ s`, and `s` is left as it comes: ST's own certificates have
//! values of `s` above n/2, so normalising would neither reproduce them nor accept them.

mod encrypted;
mod error;
mod file;
mod minimal;
mod offset;
mod signature;
mod signer;

use core::fmt;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::EncodePrivateKey as _;
use zeroize::Zeroizing;

pub(crate) use self::signature::parse_der as parse_der_signature;
pub use self::{
    error::{KeyError, KeyForm, KeyRule},
    file::{Encoding, Key, KeyFile},
    minimal::MINIMAL_BYTES,
    signature::{Signature, SignatureError, SignatureRule, parse_signature},
    signer::{Signer, SignerError},
};
use crate::crypto::{Hash, sha256};
use crate::pem;

/// `X ‖ Y` of a public key, big-endian, without the 0x04 of SEC 1.
pub type PublicKeyBytes = [u8; 64];

/// Bytes of a public key as SubjectPublicKeyInfo.
pub const SPKI_BYTES: usize = 91;

/// SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } up to and with the 0x04 of an uncompressed point (RFC 5480).
const SPKI_HEAD: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// The signature is not that of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
#[expect(clippy::exhaustive_structs, reason = "says it all")]
pub struct BadSignature;

/// A public key: a point that is on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    point: p256::PublicKey,
    bytes: PublicKeyBytes,
}

impl PublicKey {
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

    /// SHA-256 of `X ‖ Y`: the fingerprint of a key, and for the root key what is provisioned (RM0481, Debug Authentication object).
    pub fn root_hash(&self) -> Hash {
        sha256(&self.bytes)
    }

    /// Checks a signature; any valid `s`, low or high, is accepted.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.verify_hash(&sha256(message), signature)
    }

    /// The same of a message whose SHA-256 is at hand already.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify_hash(&self, hash: &Hash, signature: &Signature) -> Result<(), BadSignature> {
        let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| BadSignature)?;
        VerifyingKey::from(&self.point).verify_prehash(hash, &signature).map_err(|_| BadSignature)
    }

    /// Reads a SubjectPublicKeyInfo file, PEM or DER.
    ///
    /// # Errors
    /// The offset and the rule broken; [`KeyError::Unknown`] for a file of something else, also of a private key.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        match KeyFile::sniff(bytes) {
            Some((KeyForm::Spki, _)) => KeyFile::read(bytes, None).map(|file| file.public_key()),
            _ => Err(KeyError::Unknown),
        }
    }

    /// Reads a SubjectPublicKeyInfo PEM file (`PUBLIC KEY`).
    ///
    /// # Errors
    /// No such block, or not a P-256 key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        match pem_key(pem, &[KeyForm::Spki], None)? {
            Some(Key::Public(key)) => Ok(key),
            _ => Err(KeyError::NoPemBlock { expected: "PUBLIC KEY" }),
        }
    }

    /// Writes a SubjectPublicKeyInfo PEM file.
    pub fn to_pem(&self) -> String {
        String::clone(&pem::encode("PUBLIC KEY", &self.to_der()))
    }

    /// SubjectPublicKeyInfo with an uncompressed point.
    pub fn to_der(&self) -> [u8; SPKI_BYTES] {
        let mut bytes = [0; SPKI_BYTES];
        bytes[..SPKI_HEAD.len()].copy_from_slice(&SPKI_HEAD);
        bytes[SPKI_HEAD.len()..].copy_from_slice(&self.bytes);
        bytes
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

    /// Reads a private key in whatever form; see [`KeyFile::read`].
    ///
    /// # Errors
    /// As for [`KeyFile::read`]; [`KeyError::PublicOnly`] for the file of a public key.
    pub fn read(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        KeyFile::read(bytes, passphrase)?.into_private()
    }

    /// Reads a PEM file: PKCS #8 (`PRIVATE KEY`, as ST's tools write) or SEC 1 (`EC PRIVATE KEY`, as `openssl ecparam` writes).
    ///
    /// # Errors
    /// No such block, [`KeyError::Encrypted`], or not a P-256 key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_encrypted_pem(pem, None)
    }

    /// Reads a PEM file that may be encrypted: PKCS #8 (`ENCRYPTED PRIVATE KEY`, as `openssl pkcs8 -topk8` writes).
    ///
    /// # Errors
    /// As for [`PrivateKey::from_pem`]; [`KeyError::Passphrase`].
    pub fn from_encrypted_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        match pem_key(pem, &[KeyForm::Pkcs8, KeyForm::Sec1, KeyForm::EncryptedPkcs8], passphrase)? {
            Some(Key::Private(key)) => Ok(key),
            _ => Err(KeyError::NoPemBlock { expected: "PRIVATE KEY, EC PRIVATE KEY or ENCRYPTED PRIVATE KEY" }),
        }
    }

    /// Reads the 70-byte form of provisioning objects.
    ///
    /// # Errors
    /// The offset and the rule broken.
    pub fn from_minimal(bytes: &[u8]) -> Result<Self, KeyError> {
        minimal::read(bytes)
    }

    /// Writes a PKCS #8 PEM file.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for want of memory at most.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(pem::encode("PRIVATE KEY", &self.to_der()?))
    }

    /// PKCS #8 with the public key inside, 138 bytes.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for want of memory at most.
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = self.secret.to_pkcs8_der().map_err(|_| KeyError::Encoding)?;
        Ok(document.to_bytes())
    }

    /// Writes a PKCS #8 PEM file encrypted under a passphrase: PBES2, PBKDF2 with HMAC-SHA-256 (600 000 rounds), AES-256-CBC. Takes
    /// part of a second on purpose.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`], [`KeyError::Encoding`].
    pub fn to_encrypted_pem(&self, passphrase: &[u8]) -> Result<Zeroizing<String>, KeyError> {
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", &self.to_encrypted_der(passphrase)?))
    }

    /// The same without PEM around it.
    ///
    /// # Errors
    /// As for [`PrivateKey::to_encrypted_pem`].
    pub fn to_encrypted_der(&self, passphrase: &[u8]) -> Result<Vec<u8>, KeyError> {
        encrypted::write(&self.to_der()?, passphrase)
    }

    /// SEC 1 with curve and public key inside, 121 bytes.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for want of memory at most.
    pub fn to_sec1_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.secret.to_sec1_der().map_err(|_| KeyError::Encoding)
    }

    /// Writes a SEC 1 PEM file (`EC PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError::Encoding`], for want of memory at most.
    pub fn to_sec1_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(pem::encode("EC PRIVATE KEY", &self.to_sec1_der()?))
    }

    /// The 70-byte form of provisioning objects.
    pub fn to_minimal(&self) -> Zeroizing<[u8; MINIMAL_BYTES]> {
        minimal::write(&self.expose_scalar())
    }

    /// The private number, big-endian: the secret itself.
    pub fn expose_scalar(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        let mut number = self.secret.to_bytes();
        bytes.copy_from_slice(&number);
        zeroize::Zeroize::zeroize(number.as_mut_slice());
        bytes
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

/// The key in the first PEM block of one of these forms; the earlier form wins over the earlier block.
fn pem_key(text: &str, forms: &[KeyForm], passphrase: Option<&[u8]>) -> Result<Option<Key>, KeyError> {
    let block_of = |form: KeyForm| pem::blocks(text).find(|block| form.label() == Some(block.label));
    match forms.iter().find_map(|&form| Some((form, block_of(form)?))) {
        Some((form, block)) => file::read_block(form, block, passphrase).map(Some),
        None => Ok(None),
    }
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
        let public = key.public_key().to_pem();
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        assert_eq!(PublicKey::from_pem(&public).unwrap(), key.public_key());
        assert_eq!(PublicKey::from_pem(&public.replace('\n', "\r\n")).unwrap(), key.public_key());
        let sec1 = key.to_sec1_pem().unwrap();
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
        assert_eq!(PrivateKey::from_pem(encrypted).unwrap_err().code(), "key-malformed");
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let error = PrivateKey::from_pem(garbage).unwrap_err();
        assert!(matches!(error, KeyError::Broken { form: KeyForm::Pkcs8, rule: KeyRule::Der, .. }));
        // "AAAA" stands behind the 28 bytes of the line before.
        assert!((28..32).contains(&error.offset().unwrap()));
        assert!(matches!(PrivateKey::from_pem("hello"), Err(KeyError::NoPemBlock { .. })));
        let public = PrivateKey::generate().unwrap().public_key().to_pem();
        assert!(matches!(PrivateKey::from_pem(&public), Err(KeyError::NoPemBlock { .. })));
    }

    #[test]
    fn debug_hides_the_secret() {
        let key = PrivateKey::from_scalar(&[0x42; 32]).unwrap();
        assert!(!format!("{key:?}").contains("4242"));
    }
}
