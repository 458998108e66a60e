//! Who holds the private key: a file, or somebody who signs when asked and never shows it.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use provost_adac::{
    chain::Chain,
    host::{Credential, HostError},
    key::{PrivateKey, PublicKey, Signature, Signer, SignerError},
    offline::SigningRequest,
    password::Password,
    permission::Permission,
};
use zeroize::Zeroizing;

use super::{SetError, slow_hash::SlowHashes};
use crate::error::Result;

/// Holds a private key and signs with it. Clones share it.
#[derive(Clone)]
pub struct KeyHolder {
    public_key: PublicKey,
    signer: Arc<Mutex<dyn Signer + Send>>,
}

impl KeyHolder {
    /// Around anything that signs.
    pub fn new(signer: impl Signer + Send + 'static) -> Self {
        Self { public_key: signer.public_key(), signer: Arc::new(Mutex::new(signer)) }
    }
}

impl From<PrivateKey> for KeyHolder {
    fn from(key: PrivateKey) -> Self {
        Self::new(key)
    }
}

impl Signer for KeyHolder {
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn sign(&self, message: &[u8]) -> std::result::Result<Signature, SignerError> {
        self.signer.lock().unwrap_or_else(PoisonError::into_inner).sign(message)
    }
}

impl fmt::Debug for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyHolder").field(&self.public_key).finish()
    }
}

/// What a set authenticates with: what is shown to the chip, and who signs.
#[derive(Debug, Clone)]
pub enum Proof<'a> {
    /// A certificate chain and the holder of its last key.
    Certificate {
        /// The chain.
        chain: Chain,
        /// Signs the token.
        signer: &'a KeyHolder,
        /// What is asked for.
        permission: Permission,
    },
    /// ST's password.
    Password(Password),
}

impl Proof<'_> {
    /// The part of it that the chip may see.
    pub fn credential(&self) -> Credential {
        match self {
            Self::Certificate { chain, signer, permission } => {
                Credential::Certificate { chain: chain.clone(), key: signer.public_key(), permission: *permission }
            }
            Self::Password(password) => Credential::Password(password.clone()),
        }
    }

    /// Has a token signed. Takes as long as the holder of the key takes.
    ///
    /// # Errors
    /// The holder does not sign. A password signs nothing.
    pub fn sign(&self, asked: &SigningRequest) -> Result<Signature, SignerError> {
        match self {
            Self::Certificate { signer, .. } => signer.sign(&asked.to_be_signed()),
            Self::Password(_) => Err(SignerError::new(HostError::OutOfTurn { due: false })),
        }
    }
}

/// Finds the holder of the leaf key that belongs to the set in a folder; `None` if it is simply in its file.
type FindKey = dyn Fn(&Path) -> Result<Option<KeyHolder>> + Send + Sync;

/// How to reach leaf keys that are encrypted, on a token, or with somebody else. Nobody is asked before a key is needed, nor twice
/// for the same one, nor is a password's slow hash worked out twice.
#[derive(Clone, Default)]
pub struct Keys {
    find: Option<Arc<FindKey>>,
    found: Arc<Mutex<BTreeMap<PathBuf, Option<KeyHolder>>>>,
    pub(crate) hashes: SlowHashes,
}

impl Keys {
    /// Found by this.
    pub fn new(find: impl Fn(&Path) -> Result<Option<KeyHolder>> + Send + Sync + 'static) -> Self {
        Self { find: Some(Arc::new(find)), ..Self::default() }
    }

    /// The holder of the leaf key of the set in this folder; `None` if the key is simply in its file.
    ///
    /// # Errors
    /// The key cannot be reached.
    pub fn of(&self, folder: &Path) -> Result<Option<KeyHolder>> {
        let Some(find) = &self.find else { return Ok(None) };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = found.get(folder) {
            return Ok(holder.clone());
        }
        let holder = find(folder)?;
        found.insert(folder.to_owned(), holder.clone());
        Ok(holder)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("elsewhere", &self.find.is_some()).finish_non_exhaustive()
    }
}

/// Gives the passphrase of a key file: asks, or reads it elsewhere.
pub type AskPassphrase<'a> = &'a dyn Fn(&Path) -> Result<Zeroizing<String>>;

/// What a set of files does not hold itself.
#[derive(Clone, Default)]
pub struct Access<'a> {
    /// Asked for when a key file turns out to be encrypted.
    pub passphrase: Option<AskPassphrase<'a>>,
    /// Signs in place of the leaf key's file.
    pub signer: Option<KeyHolder>,
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("passphrase", &self.passphrase.is_some())
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

/// The key with this label on a PKCS #11 token.
///
/// # Errors
/// [`SetError::Token`]: no such module, token or key, or a wrong PIN. [`SetError::NoTokens`] without the feature `pkcs11`.
#[cfg(feature = "pkcs11")]
pub fn token_key(module: &Path, token: Option<&str>, key: &str, pin: Zeroizing<String>) -> Result<KeyHolder> {
    use provost_pkcs11::{Error, Locator, Pin, TokenKey};

    let locator = Locator::new().module(module).key(key);
    let locator = match token {
        Some(label) => locator.token(label),
        None => locator,
    };
    let error = |e: Error| SetError::Token { code: e.code(), source: e.into() };
    Ok(KeyHolder::new(TokenKey::open(&locator, Some(&Pin::new(pin))).map_err(error)?))
}

/// The key with this label on a PKCS #11 token.
///
/// # Errors
/// [`SetError::NoTokens`]: the feature `pkcs11` is not there.
#[cfg(not(feature = "pkcs11"))]
pub fn token_key(_module: &Path, _token: Option<&str>, _key: &str, _pin: Zeroizing<String>) -> Result<KeyHolder> {
    Err(SetError::NoTokens.into())
}
