//! Who signs: anything that holds a private key.

use super::{PublicKey, Signature};

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

impl<S: Signer + ?Sized> Signer for Box<S> {
    fn public_key(&self) -> PublicKey {
        (**self).public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        (**self).sign(message)
    }
}

/// A key holder failed to sign: a token was pulled, a PIN is missing. The source tells.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot sign")]
pub struct SignerError {
    code: &'static str,
    #[source]
    source: Box<dyn core::error::Error + Send + Sync>,
}

impl SignerError {
    /// Wraps the key holder's own error.
    pub fn new(error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        Self::with_code("key-cannot-sign", error)
    }

    /// Wraps the key holder's own error and its stable name.
    pub fn with_code(code: &'static str, error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        Self { code, source: error.into() }
    }

    /// A short stable name, for machines: the key holder's own, if it gave one.
    pub const fn code(&self) -> &'static str {
        self.code
    }
}
