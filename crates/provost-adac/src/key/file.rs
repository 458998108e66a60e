//! Key files in every form, told apart by what is in them.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag};
use pkcs8::{PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::offset::{algorithm_offset, der_error, place};
use super::{KeyError, KeyForm, KeyRule, PrivateKey, PublicKey, Signer as _, encrypted, minimal};
use crate::pem;

/// id-ecPublicKey (RFC 5480 §2.1.1).
pub(super) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1, also named prime256v1 and P-256 (RFC 5480 §2.1.1.1).
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// How a file writes its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "text or bytes")]
pub enum Encoding {
    /// Base64 between `BEGIN` and `END` (RFC 7468).
    Pem,
    /// The bytes themselves.
    Der,
}

/// A key, public or private.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "public or private")]
pub enum Key {
    /// A public key.
    Public(PublicKey),
    /// A private key, and hence the public one, too.
    Private(PrivateKey),
}

/// A key file: the key and the form it was found in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyFile {
    /// The key that was read.
    pub key: Key,
    /// The form of the file.
    pub form: KeyForm,
    /// How it is written.
    pub encoding: Encoding,
}

impl KeyFile {
    /// Tells form and encoding without reading the key, hence without a passphrase. That the rest of the file is sound is not said.
    pub fn sniff(bytes: &[u8]) -> Option<(KeyForm, Encoding)> {
        match block(bytes) {
            Some((form, _)) => Some((form, Encoding::Pem)),
            None => sniff_der(bytes).map(|form| (form, Encoding::Der)),
        }
    }

    /// Reads a key in whatever form: PEM or DER; SubjectPublicKeyInfo, PKCS #8 (open or encrypted), SEC 1 or the 70-byte form. Of a
    /// PEM text with several blocks the first that holds a key counts: `openssl ecparam` writes `EC PARAMETERS` first.
    ///
    /// # Errors
    /// [`KeyError::Encrypted`] if a passphrase is due and none is given; otherwise the offset in `bytes` and the rule broken there.
    pub fn read(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        if let Some((form, block)) = block(bytes) {
            let key = read_block(form, block, passphrase)?;
            return Ok(Self { key, form, encoding: Encoding::Pem });
        }
        let form = sniff_der(bytes).ok_or(KeyError::Unknown)?;
        Ok(Self { key: read_der(form, bytes, passphrase)?, form, encoding: Encoding::Der })
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        match &self.key {
            Key::Public(key) => *key,
            Key::Private(key) => key.public_key(),
        }
    }

    /// The private key.
    ///
    /// # Errors
    /// [`KeyError::PublicOnly`].
    pub fn into_private(self) -> Result<PrivateKey, KeyError> {
        match self.key {
            Key::Private(key) => Ok(key),
            Key::Public(_) => Err(KeyError::PublicOnly),
        }
    }
}

fn block(bytes: &[u8]) -> Option<(KeyForm, pem::Block<'_>)> {
    // A text may stand in another encoding before the first block; only the blocks matter.
    let text = core::str::from_utf8(bytes).ok()?;
    pem::blocks(text).find_map(|block| Some((KeyForm::from_label(block.label)?, block)))
}

/// Reads the key of a PEM block; offsets are those in the text.
pub(super) fn read_block(form: KeyForm, block: pem::Block<'_>, passphrase: Option<&[u8]>) -> Result<Key, KeyError> {
    if block.is_encrypted() {
        return Err(KeyError::TraditionalEncryption { offset: block.text_offset(0) });
    }
    let der = block.decode().map_err(|offset| KeyError::Broken { offset, form, rule: KeyRule::Base64 })?;
    read_der(form, &der, passphrase).map_err(|error| match error {
        KeyError::Broken { offset, form, rule } => KeyError::Broken { offset: block.text_offset(offset), form, rule },
        other => other,
    })
}

/// The form of DER bytes, by their first two elements.
fn sniff_der(bytes: &[u8]) -> Option<KeyForm> {
    if minimal::is_minimal(bytes) {
        return Some(KeyForm::Minimal);
    }
    let mut reader = SliceReader::new(bytes).ok()?;
    let header = der::Header::decode(&mut reader).ok()?;
    if header.tag() != Tag::Sequence {
        return None;
    }
    let first = AnyRef::decode(&mut reader).ok()?;
    let second = reader.peek_byte()?;
    const OCTET_STRING: u8 = 0x04;
    const BIT_STRING: u8 = 0x03;
    const SEQUENCE: u8 = 0x30;
    match (der::Tagged::tag(&first), second) {
        (Tag::Sequence, BIT_STRING) => Some(KeyForm::Spki),
        (Tag::Sequence, OCTET_STRING) => Some(KeyForm::EncryptedPkcs8),
        (Tag::Integer, SEQUENCE) => Some(KeyForm::Pkcs8),
        (Tag::Integer, OCTET_STRING) => Some(KeyForm::Sec1),
        _ => None,
    }
}

fn read_der(form: KeyForm, bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Key, KeyError> {
    match form {
        KeyForm::Spki => read_spki(bytes).map(Key::Public),
        KeyForm::Pkcs8 => read_pkcs8(bytes).map(Key::Private),
        KeyForm::EncryptedPkcs8 => {
            let plain = encrypted::open(bytes, passphrase)?;
            // A wrong passphrase shows as wrong padding mostly, and in one case of 256 only here.
            read_pkcs8(&plain).map(Key::Private).map_err(|_| KeyError::Passphrase)
        }
        KeyForm::Sec1 => read_sec1(bytes, 0, form, None).map(Key::Private),
        KeyForm::Minimal => minimal::read(bytes).map(Key::Private),
    }
}

/// id-ecPublicKey on P-256, and nothing else.
fn check_algorithm(
    form: KeyForm,
    oid: ObjectIdentifier,
    curve: Option<AnyRef<'_>>,
    offset: usize,
) -> Result<(), KeyError> {
    let broken = |rule| Err(KeyError::Broken { offset, form, rule });
    if oid != EC_PUBLIC_KEY {
        return broken(KeyRule::Algorithm);
    }
    match curve.map(|curve| curve.decode_as::<ObjectIdentifier>()) {
        Some(Ok(P256)) => Ok(()),
        _ => broken(KeyRule::Curve),
    }
}

fn read_spki(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let form = KeyForm::Spki;
    let info = SubjectPublicKeyInfoRef::from_der(bytes).map_err(der_error(form, 0))?;
    check_algorithm(form, info.algorithm.oid, info.algorithm.parameters, algorithm_offset(bytes, 0))?;
    let raw = info.subject_public_key.raw_bytes();
    let point = info.subject_public_key.as_bytes().and_then(uncompressed);
    point.ok_or(KeyError::Broken { offset: place(bytes, raw), form, rule: KeyRule::Point })
}

/// 0x04 and a point of the curve (SEC 1 §2.3.3).
pub(super) fn uncompressed(sec1: &[u8]) -> Option<PublicKey> {
    PublicKey::from_bytes(sec1.strip_prefix(&[4])?.try_into().ok()?).ok()
}

fn read_pkcs8(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    let form = KeyForm::Pkcs8;
    let info = PrivateKeyInfoRef::from_der(bytes).map_err(der_error(form, 0))?;
    check_algorithm(form, info.algorithm.oid, info.algorithm.parameters, algorithm_offset(bytes, 3))?;
    let inner = info.private_key.as_bytes();
    let key = read_sec1(inner, place(bytes, inner), form, Some(P256))?;
    match info.public_key {
        Some(beside) if beside.as_bytes().and_then(uncompressed) != Some(key.public_key()) => {
            Err(KeyError::Broken { offset: place(bytes, beside.raw_bytes()), form, rule: KeyRule::ForeignPublicKey })
        }
        _ => Ok(key),
    }
}

/// Reads ECPrivateKey, which starts `base` bytes into the input. `curve` is what the structure around it names.
fn read_sec1(
    bytes: &[u8],
    base: usize,
    form: KeyForm,
    curve: Option<ObjectIdentifier>,
) -> Result<PrivateKey, KeyError> {
    let info = EcPrivateKey::from_der(bytes).map_err(der_error(form, base))?;
    let broken = |part: &[u8], rule| KeyError::Broken { offset: base + place(bytes, part), form, rule };
    let named = info.parameters.map(|EcParameters::NamedCurve(oid)| oid);
    // The curve may stand here, around this, or at both places; it must not be missing, and never another.
    if named.or(curve) != Some(P256) {
        return Err(broken(info.private_key, KeyRule::Curve));
    }
    let scalar: Option<Zeroizing<[u8; 32]>> = info.private_key.try_into().ok().map(Zeroizing::new);
    let key = scalar.and_then(|scalar| PrivateKey::from_scalar(&scalar).ok());
    let key = key.ok_or_else(|| broken(info.private_key, KeyRule::Scalar))?;
    match info.public_key {
        // A compressed point is as good a name of the key; only the uncompressed is compared.
        Some(beside) if beside.first() == Some(&4) && uncompressed(beside) != Some(key.public_key()) => {
            Err(broken(beside, KeyRule::ForeignPublicKey))
        }
        _ => Ok(key),
    }
}
