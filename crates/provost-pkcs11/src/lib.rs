//! Signs Debug Authentication credentials with a P-256 key that never leaves its PKCS #11 token.
//!
//! A [`TokenKey`] is a [`Signer`](provost_adac::key::Signer) like a key file. It is found by a [`Locator`]: the fields of a PKCS #11
//! URI (RFC 7512), written as such or set one by one. The token gets a SHA-256 hash and answers with ECDSA (`CKM_ECDSA`), which every
//! token with elliptic curves has; every signature is verified before it is handed on.
//!
//! PKCS #11 is global to a process: a module is loaded and initialised once and stays until the process ends. A key that wants its PIN
//! before every signature (`CKA_ALWAYS_AUTHENTICATE`) is refused when it is opened.

mod error;
mod locator;
mod module;
mod pin;
mod token_key;

pub use self::{
    error::{Error, UriRule},
    locator::Locator,
    pin::Pin,
    token_key::{KeyInfo, TokenKey, keys},
};
