//! The 70-byte private key of provisioning objects.
//!
//! PKCS #8 whose lengths count the public key out, so that `A1 44`, the head of the public key, is left hanging behind the private
//! number: no valid DER, but what ST's tools write and mcuboot's `imgtool getpriv --minimal` prints.

use zeroize::Zeroizing;

use super::{KeyError, KeyForm, KeyRule, PrivateKey};

/// Bytes of a private key in the minimal form.
pub const MINIMAL_BYTES: usize = 70;

/// Version, algorithm, and the head of the inner structure, up to the private number.
const HEAD: [u8; 36] = [
    0x30, 0x81, 0x43, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08,
    0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x04, 0x29, 0x30, 0x27, 0x02, 0x01, 0x01, 0x04, 0x20,
];
const TAIL: [u8; 2] = [0xA1, 0x44];

/// True if nothing but this form can be meant: by DER its length is wrong.
pub(super) fn is_minimal(bytes: &[u8]) -> bool {
    bytes.len() == MINIMAL_BYTES && bytes.starts_with(&HEAD[..3])
}

pub(super) fn read(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    let broken = |offset, rule| KeyError::Broken { offset, form: KeyForm::Minimal, rule };
    let Ok(bytes) = <&[u8; MINIMAL_BYTES]>::try_from(bytes) else {
        return Err(broken(bytes.len().min(MINIMAL_BYTES), KeyRule::Der));
    };
    let (head, rest) = bytes.split_at(HEAD.len());
    if let Some(offset) = head.iter().zip(HEAD).position(|(found, due)| *found != due) {
        return Err(broken(offset, KeyRule::Der));
    }
    let (number, tail) = rest.split_at(32);
    if let Some(offset) = tail.iter().zip(TAIL).position(|(found, due)| *found != due) {
        return Err(broken(HEAD.len() + 32 + offset, KeyRule::Der));
    }
    let mut scalar = Zeroizing::new([0; 32]);
    scalar.copy_from_slice(number);
    PrivateKey::from_scalar(&scalar).map_err(|_| broken(HEAD.len(), KeyRule::Scalar))
}

pub(super) fn write(scalar: &[u8; 32]) -> Zeroizing<[u8; MINIMAL_BYTES]> {
    let mut bytes = Zeroizing::new([0; MINIMAL_BYTES]);
    bytes[..HEAD.len()].copy_from_slice(&HEAD);
    bytes[HEAD.len()..][..32].copy_from_slice(scalar);
    bytes[HEAD.len() + 32..].copy_from_slice(&TAIL);
    bytes
}
