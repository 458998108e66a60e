//! The forms in which provisioning objects hold P-256 keys.
//!
//! | form | bytes | holds |
//! |---|---|---|
//! | [`PublicKey::to_der`] | 91 | public key, SubjectPublicKeyInfo (RFC 5480), uncompressed point |
//! | [`PrivateKey::to_minimal`] | 70 | private key, the PKCS #8 of mcuboot's `imgtool getpriv --minimal` |
//! | [`PrivateKey::expose_scalar`] | 32 | private number alone, big-endian |
//!
//! [`PrivateKey::to_minimal`]: provost_adac::key::PrivateKey::to_minimal
//! [`PrivateKey::expose_scalar`]: provost_adac::key::PrivateKey::expose_scalar

use provost_adac::crypto::{Hash, sha256};
use provost_adac::key::{KeyError, PublicKey, SPKI_BYTES};

/// Bytes of a private number.
pub const SCALAR_BYTES: usize = 32;

/// Reads a SubjectPublicKeyInfo as it stands in an object: these 91 bytes and no other encoding of the same key.
///
/// # Errors
/// [`KeyError::Malformed`] for another structure, [`KeyError::NotOnCurve`] for another point.
pub fn from_spki(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let malformed = KeyError::Malformed { label: "SubjectPublicKeyInfo" };
    let bytes = <&[u8; SPKI_BYTES]>::try_from(bytes).map_err(|_| malformed)?;
    let key = PublicKey::from_bytes(bytes.last_chunk().ok_or(malformed)?)?;
    if key.to_der() == *bytes { Ok(key) } else { Err(malformed) }
}

/// SHA-256 of the SubjectPublicKeyInfo: how mcuboot names a key.
pub fn spki_hash(key: &PublicKey) -> Hash {
    sha256(&key.to_der())
}
