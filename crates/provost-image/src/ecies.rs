//! The encryption of mcuboot: ECIES on P-256 for the key, AES-128-CTR for the body (mcuboot `docs/encrypted_images.md`).
//!
//! ECDH with a key used once gives a secret; HKDF-SHA256 without salt and with the info `MCUBoot_ECIES_v1` makes 48 bytes of it: 16 for
//! AES-128-CTR, which wraps the key of the body, and 32 for HMAC-SHA256 over the wrapped key. Both counters start at zero, which is sound
//! because neither key is used twice. What authenticates the body is the image's signature over its plain bytes.

use aes::Aes128;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::elliptic_curve::ecdh::diffie_hellman;
use provost_adac::key::{KeyError, PrivateKey, PublicKey, Signer as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes of [`crate::TlvType::ENC_EC256`]: 65 of the ephemeral public key, 32 of the HMAC, 16 of the wrapped key.
pub const ENC_EC256_BYTES: usize = 65 + MAC_BYTES + KEY_BYTES;
/// Where the HMAC starts in it.
pub(crate) const MAC_AT: usize = 65;
/// Where the wrapped key starts in it.
pub(crate) const WRAPPED_KEY_AT: usize = MAC_AT + MAC_BYTES;

const KEY_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
const INFO: &[u8] = b"MCUBoot_ECIES_v1";

/// The AES-128 key of a body.
pub(crate) type ContentKey = Zeroizing<[u8; KEY_BYTES]>;

/// Why a wrapped key cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EciesError {
    /// The ephemeral public key is not an uncompressed point of P-256.
    #[error("the ephemeral public key is not an uncompressed point of P-256")]
    EphemeralKey,
    /// The HMAC is wrong: another key is due, or the bytes are damaged.
    #[error("the HMAC over the wrapped key is wrong: it was wrapped for another key, or is damaged")]
    Mac,
    /// The private key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A new key for a body.
pub(crate) fn new_content_key() -> Result<ContentKey, KeyError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| KeyError::NoRandomness)?;
    Ok(key)
}

/// Wraps the key of a body for `recipient`; `ephemeral` must be used only here.
pub(crate) fn wrap(
    recipient: &PublicKey,
    content_key: &ContentKey,
    ephemeral: &PrivateKey,
) -> Result<[u8; ENC_EC256_BYTES], KeyError> {
    let (wrapping_key, mac_key) = derive(ephemeral, recipient)?;
    let mut wrapped = content_key.clone();
    apply_ctr(&wrapping_key, wrapped.as_mut_slice());
    let mut tlv = [0; ENC_EC256_BYTES];
    tlv[0] = 4;
    tlv[1..MAC_AT].copy_from_slice(&ephemeral.public_key().to_bytes());
    tlv[MAC_AT..WRAPPED_KEY_AT].copy_from_slice(&mac(&mac_key, wrapped.as_slice())?);
    tlv[WRAPPED_KEY_AT..].copy_from_slice(wrapped.as_slice());
    Ok(tlv)
}

/// Opens what [`wrap`] made.
pub(crate) fn unwrap(recipient: &PrivateKey, tlv: &[u8; ENC_EC256_BYTES]) -> Result<ContentKey, EciesError> {
    let (ephemeral, rest) = tlv.split_at(MAC_AT);
    let (expected, wrapped) = rest.split_at(MAC_BYTES);
    let Some((4, point)) = ephemeral.split_first() else { return Err(EciesError::EphemeralKey) };
    let point = point.try_into().map_err(|_| EciesError::EphemeralKey)?;
    let ephemeral = PublicKey::from_bytes(point).map_err(|_| EciesError::EphemeralKey)?;
    let (wrapping_key, mac_key) = derive(recipient, &ephemeral)?;
    if !bool::from(mac(&mac_key, wrapped)?.ct_eq(expected)) {
        return Err(EciesError::Mac);
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(wrapped);
    apply_ctr(&wrapping_key, key.as_mut_slice());
    Ok(key)
}

/// AES-128-CTR from counter zero: encrypts and decrypts.
pub(crate) fn apply_ctr(key: &ContentKey, bytes: &mut [u8]) {
    ctr::Ctr128BE::<Aes128>::new((&**key).into(), &[0; KEY_BYTES].into()).apply_keystream(bytes);
}

fn derive(private: &PrivateKey, public: &PublicKey) -> Result<(ContentKey, Zeroizing<[u8; MAC_BYTES]>), KeyError> {
    let mut sec1 = [4; 65];
    sec1[1..].copy_from_slice(&public.to_bytes());
    let public = p256::PublicKey::from_sec1_bytes(&sec1).map_err(|_| KeyError::NotOnCurve)?;
    let scalar = private.expose_scalar();
    let private = p256::SecretKey::from_slice(scalar.as_slice()).map_err(|_| KeyError::ScalarOutOfRange)?;
    let shared = diffie_hellman(private.to_nonzero_scalar(), public.as_affine());
    let mut keys = Zeroizing::new([0; KEY_BYTES + MAC_BYTES]);
    // 48 bytes are far below what HKDF-SHA256 can make.
    Hkdf::<Sha256>::new(None, shared.raw_secret_bytes())
        .expand(INFO, keys.as_mut_slice())
        .map_err(|_| KeyError::Encoding)?;
    let (mut wrapping_key, mut mac_key) = (Zeroizing::new([0; KEY_BYTES]), Zeroizing::new([0; MAC_BYTES]));
    wrapping_key.copy_from_slice(&keys[..KEY_BYTES]);
    mac_key.copy_from_slice(&keys[KEY_BYTES..]);
    Ok((wrapping_key, mac_key))
}

fn mac(key: &[u8; MAC_BYTES], bytes: &[u8]) -> Result<[u8; MAC_BYTES], KeyError> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| KeyError::Encoding)?;
    mac.update(bytes);
    Ok(mac.finalize().into_bytes().into())
}
