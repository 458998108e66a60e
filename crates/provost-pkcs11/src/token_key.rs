//! A private key on a token, as a signer.

use std::fmt;

use cryptoki::error::{Error as CallError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use provost_adac::crypto::sha256;
use provost_adac::key::{PublicKey, Signature, Signer, SignerError};

use crate::error::Error;
use crate::locator::Locator;
use crate::module;
use crate::pin::Pin;

/// CKA_EC_PARAMS of P-256: the OID of prime256v1 in DER (PKCS #11 v3.0 §2.3.3, RFC 5480 §2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// How a private key on a token is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// CKA_LABEL; empty if it has none.
    pub label: String,
    /// CKA_ID; empty if it has none.
    pub id: Vec<u8>,
}

impl fmt::Display for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} id=", self.label)?;
        self.id.iter().try_for_each(|byte| write!(f, "%{byte:02X}"))
    }
}

/// A private key on a token, with an open session. Closing the session, on drop, logs out.
pub struct TokenKey {
    session: Session,
    private: ObjectHandle,
    public: PublicKey,
    token: String,
    info: KeyInfo,
}

impl TokenKey {
    /// Finds the one P-256 key that fits and logs in. Without a PIN only a token that wants none, or a keypad of its own, will do.
    ///
    /// # Errors
    /// No module, token or key, or several; the PIN is missing, wrong or locked; the key cannot be used for signing.
    pub fn open(locator: &Locator, pin: Option<&Pin>) -> Result<Self, Error> {
        let (session, token) = log_in(locator, pin)?;
        let (private, info) = find_key(&session, locator)?;
        let flags = session.get_attributes(private, &[AttributeType::Sign, AttributeType::AlwaysAuthenticate])?;
        if flags.contains(&Attribute::Sign(false)) {
            return Err(Error::NotForSigning);
        }
        if flags.contains(&Attribute::AlwaysAuthenticate(true)) {
            return Err(Error::AlwaysAuthenticate);
        }
        let public = find_public(&session, private, &info)?;
        Ok(Self { session, private, public, token, info })
    }

    /// Label of the token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// How the key is called there.
    pub const fn info(&self) -> &KeyInfo {
        &self.info
    }

    fn try_sign(&self, message: &[u8]) -> Result<Signature, Error> {
        let answer = self.session.sign(&Mechanism::Ecdsa, self.private, &sha256(message))?;
        let signature: Signature =
            answer.as_slice().try_into().map_err(|_| Error::SignatureLength { found: answer.len() })?;
        // A certificate with a wrong signature would be found out by a chip only, and there it may cost the session.
        self.public.verify(message, &signature).map_err(|_| Error::WrongSignature)?;
        Ok(signature)
    }
}

impl Signer for TokenKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        Ok(self.try_sign(message)?)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey")
            .field("token", &self.token)
            .field("key", &self.info)
            .field("public_key", &self.public)
            .finish_non_exhaustive()
    }
}

/// The P-256 private keys that fit, of the one token that fits.
///
/// # Errors
/// As for [`TokenKey::open`], but no key is no error.
pub fn keys(locator: &Locator, pin: Option<&Pin>) -> Result<Vec<KeyInfo>, Error> {
    let (session, _) = log_in(locator, pin)?;
    Ok(p256_keys(&session)?.into_iter().map(|(_, info)| info).filter(|info| fits(locator, info)).collect())
}

fn log_in(locator: &Locator, pin: Option<&Pin>) -> Result<(Session, String), Error> {
    let module = module::load(locator.module.as_deref().ok_or(Error::NoModule)?)?;
    let (slot, info) = module::find_token(&module, locator)?;
    let session = module.open_ro_session(slot)?;
    let has_keypad = info.protected_authentication_path();
    if info.login_required() || pin.is_some() {
        if pin.is_none() && !has_keypad {
            return Err(Error::PinNeeded);
        }
        match session.login(UserType::User, pin.map(Pin::to_auth).as_ref()) {
            // The login counts for the whole process: another key of this token is open.
            Ok(()) | Err(CallError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((session, info.label().to_owned()))
}

fn fits(locator: &Locator, info: &KeyInfo) -> bool {
    locator.key.as_ref().is_none_or(|label| *label == info.label) && locator.id.as_ref().is_none_or(|id| *id == info.id)
}

fn p256_keys(session: &Session) -> Result<Vec<(ObjectHandle, KeyInfo)>, Error> {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::EC)];
    let mut keys = Vec::new();
    for handle in session.find_objects(&template)? {
        let wanted = [AttributeType::EcParams, AttributeType::Label, AttributeType::Id];
        let (mut info, mut is_p256) = (KeyInfo { label: String::new(), id: Vec::new() }, false);
        for attribute in session.get_attributes(handle, &wanted)? {
            match attribute {
                Attribute::EcParams(curve) => is_p256 = curve == P256,
                Attribute::Label(label) => info.label = String::from_utf8_lossy(&label).into_owned(),
                Attribute::Id(id) => info.id = id,
                _ => {}
            }
        }
        if is_p256 {
            keys.push((handle, info));
        }
    }
    Ok(keys)
}

fn find_key(session: &Session, locator: &Locator) -> Result<(ObjectHandle, KeyInfo), Error> {
    let all = p256_keys(session)?;
    let present = || all.iter().map(|(_, info)| info.label.clone()).collect();
    let mut found: Vec<_> = all.iter().filter(|(_, info)| fits(locator, info)).cloned().collect();
    match found.len() {
        1 => found.pop().ok_or_else(|| Error::NoKey { present: present() }),
        0 => Err(Error::NoKey { present: present() }),
        _ => Err(Error::AmbiguousKey { present: found.iter().map(|(_, info)| info.to_string()).collect() }),
    }
}

/// The public key of a private one: on the object itself, as some tokens have it, or on the public object of the same id (or of the
/// same label, if there is no id).
fn find_public(session: &Session, private: ObjectHandle, info: &KeyInfo) -> Result<PublicKey, Error> {
    let name = match info.id.as_slice() {
        [] => Attribute::Label(info.label.clone().into_bytes()),
        id => Attribute::Id(id.to_vec()),
    };
    let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC), name];
    let beside = session.find_objects(&template)?;
    for object in beside.into_iter().chain([private]) {
        for attribute in session.get_attributes(object, &[AttributeType::EcPoint])? {
            if let Attribute::EcPoint(point) = attribute
                && let Some(key) = point_key(&point)
            {
                return Ok(key);
            }
        }
    }
    Err(Error::NoPublicKey)
}

/// CKA_EC_POINT: an uncompressed point in an OCTET STRING (PKCS #11 v2.40); some tokens leave the OCTET STRING away.
fn point_key(attribute: &[u8]) -> Option<PublicKey> {
    // By the length, for a bare point may by chance begin like an OCTET STRING.
    let point = if attribute.len() == 67 { attribute.strip_prefix(&[0x04, 0x41])? } else { attribute };
    PublicKey::from_bytes(point.strip_prefix(&[0x04])?.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use provost_adac::key::PrivateKey;

    use super::*;

    #[test]
    fn points_are_read_with_and_without_their_octet_string() {
        let key = PrivateKey::generate().unwrap().public_key();
        let bare = [&[4][..], &key.to_bytes()].concat();
        assert_eq!(point_key(&bare), Some(key));
        assert_eq!(point_key(&[&[0x04, 0x41][..], &bare].concat()), Some(key));
        for broken in [&bare[..64], &[][..], &[4; 65], &[0x04, 0x41]] {
            assert_eq!(point_key(broken), None);
        }
    }

    #[test]
    fn without_a_module_nothing_is_loaded() {
        assert_eq!(TokenKey::open(&Locator::new(), None).unwrap_err().code(), "pkcs11-no-module");
        let error = TokenKey::open(&Locator::new().module("/nowhere/at/all.so"), None).unwrap_err();
        assert_eq!(error.code(), "pkcs11-module");
        assert!(error.to_string().contains("/nowhere/at/all.so"));
    }
}
