//! What can go wrong with a token. Nothing here tells a PIN.

use std::path::PathBuf;

use cryptoki::error::{Error as CallError, RvError};
use provost_adac::key::SignerError;

/// A rule of PKCS #11 URIs (RFC 7512) that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriRule {
    /// It begins with its scheme.
    #[error("`pkcs11:` is due")]
    Scheme,
    /// Attributes have the form `name=value`.
    #[error("`name=value` is due")]
    Attribute,
    /// The attribute is one that is known here.
    #[error("token, manufacturer, model, serial, slot-id, object, id, type=private or module-path is due")]
    Unknown,
    /// No attribute comes twice.
    #[error("this attribute comes a second time")]
    Twice,
    /// A percent sign is followed by two hex digits, and texts are UTF-8.
    #[error("a value is UTF-8, with `%` and two hex digits for what cannot stand in a URI")]
    Encoding,
    /// slot-id is a decimal number.
    #[error("a decimal number is due")]
    Number,
    /// A URI is seen by others: command lines, logs, histories.
    #[error("a PIN does not belong into a URI, which others can see")]
    Pin,
}

/// Why a token does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a URI that names a key.
    #[error("PKCS #11 URI, byte {offset}: {rule}")]
    Uri {
        /// Where in the text.
        offset: usize,
        /// The rule of RFC 7512 that is broken.
        rule: UriRule,
    },
    /// Nobody said which module.
    #[error("no PKCS #11 module is given: a path, or module-path in the URI")]
    NoModule,
    /// The module cannot be loaded or does not start.
    #[error("{}: not a PKCS #11 module that works: {reason}", path.display())]
    Module {
        /// Path of the module, as it was given.
        path: PathBuf,
        /// What the loader or the module says.
        reason: String,
    },
    /// No token fits.
    #[error("no token fits; present: {}", list(present))]
    NoToken {
        /// Labels of the tokens that are there.
        present: Vec<String>,
    },
    /// Several tokens fit.
    #[error("several tokens fit ({}): name one by its serial number", list(present))]
    AmbiguousToken {
        /// Labels and serial numbers of those that fit.
        present: Vec<String>,
    },
    /// The token wants its PIN.
    #[error("the token wants its PIN")]
    PinNeeded,
    /// The PIN is wrong. Tokens lock after a few wrong ones.
    #[error("wrong PIN; a token locks itself after a few of them")]
    WrongPin,
    /// The PIN is locked or has expired.
    #[error("the PIN is locked or has expired: the token's security officer must set a new one")]
    PinLocked,
    /// No private key fits.
    #[error("no P-256 private key fits; present: {}", list(present))]
    NoKey {
        /// Labels of the P-256 private keys on the token.
        present: Vec<String>,
    },
    /// Several private keys fit.
    #[error("several keys fit ({}): name one by its id", list(present))]
    AmbiguousKey {
        /// Labels and ids of those that fit.
        present: Vec<String>,
    },
    /// The key wants the PIN before every signature.
    #[error("the key wants its PIN before every signature (CKA_ALWAYS_AUTHENTICATE), which is not done here")]
    AlwaysAuthenticate,
    /// The key is not there to sign with.
    #[error("the key must not sign (CKA_SIGN is false)")]
    NotForSigning,
    /// The public key is not on the token, or is no uncompressed point of P-256.
    #[error("the token has no public key beside the private one, or none of P-256")]
    NoPublicKey,
    /// The token has gone.
    #[error("the token has been taken out or has stopped working: {reason}")]
    Gone {
        /// The call and its return value.
        reason: String,
    },
    /// The answer is not 64 bytes r and s.
    #[error("the token answered with {found} bytes, a P-256 signature has 64")]
    SignatureLength {
        /// How many bytes the token answered.
        found: usize,
    },
    /// The signature does not verify: public and private key are no pair, or the token is faulty.
    #[error("the token's signature does not verify under its public key")]
    WrongSignature,
    /// A call failed in another way.
    #[error("the token refused: {reason}")]
    Call {
        /// The call and its return value.
        reason: String,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

provost_codes::codes!(Error, self => self, {
    Self::Uri { rule: UriRule::Pin, .. } => "pkcs11-uri-pin",
    Self::Uri { .. } => "pkcs11-uri",
    Self::NoModule => "pkcs11-no-module",
    Self::Module { .. } => "pkcs11-module",
    Self::NoToken { .. } => "pkcs11-no-token",
    Self::AmbiguousToken { .. } => "pkcs11-ambiguous-token",
    Self::PinNeeded => "pkcs11-pin-needed",
    Self::WrongPin => "pkcs11-wrong-pin",
    Self::PinLocked => "pkcs11-pin-locked",
    Self::NoKey { .. } => "pkcs11-no-key",
    Self::AmbiguousKey { .. } => "pkcs11-ambiguous-key",
    Self::AlwaysAuthenticate => "pkcs11-always-authenticate",
    Self::NotForSigning => "pkcs11-not-for-signing",
    Self::NoPublicKey => "pkcs11-no-public-key",
    Self::Gone { .. } => "pkcs11-gone",
    Self::SignatureLength { .. } | Self::WrongSignature => "pkcs11-signature",
    Self::Call { .. } => "pkcs11-call",
});

/// The return values of PKCS #11 that a person can do something about, by what that is.
impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        // The names of PKCS #11; the texts of the crate go on for lines.
        let reason = match &error {
            CallError::Pkcs11(value, function) => format!("{function:?}: {value:?}"),
            other => other.to_string(),
        };
        match error {
            CallError::Pkcs11(value, _) => match value {
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Self::WrongPin,
                RvError::PinLocked | RvError::PinExpired => Self::PinLocked,
                RvError::UserNotLoggedIn | RvError::UserPinNotInitialized => Self::PinNeeded,
                RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::DeviceRemoved
                | RvError::DeviceError
                | RvError::SessionHandleInvalid
                | RvError::SessionClosed => Self::Gone { reason },
                _ => Self::Call { reason },
            },
            CallError::PinNotSet => Self::PinNeeded,
            _ => Self::Call { reason },
        }
    }
}

impl From<Error> for SignerError {
    fn from(error: Error) -> Self {
        Self::with_code(error.code(), error)
    }
}
