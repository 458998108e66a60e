//! Debug Authentication credentials on disk, under the names that ST's tools use, so that a set works there as well.
//!
//! Files with secrets are readable by their owner only, and everything is on the disk before it is used.

mod binding;
mod check;
mod error;
mod exposed;
mod holder;
mod make;
mod object;
pub mod offline;
mod readme;
mod recipe;
mod slow_hash;
mod trial;
pub mod words;

use std::{
    io,
    path::{Path, PathBuf},
};

use provost_adac::{
    certificate::Certificate,
    chain::Chain,
    key::{KeyError, PrivateKey, PublicKey},
    password::{MIN_BYTES, Password, PasswordError},
    permission::{Permission, PermissionMask},
};
use provost_chip::states::DaMethod;
use provost_obk::{da::DaObject, obk::Obk};
use zeroize::Zeroizing;

use self::slow_hash::SlowHashes;
pub use self::{
    binding::Binding,
    check::{CHECKS, CheckName, CheckReport, Finding, Outcome, Question, check, check_on_chip},
    error::SetError,
    exposed::{Exposed, exposed},
    holder::{Access, AskPassphrase, KeyHolder, Keys, Proof, token_key},
    make::{NewKeys, NewSet, make},
    recipe::{ChainRecipe, Protection, Recipe, RoleKeys},
};
pub(crate) use self::{
    object::{Aspect, masks, object_findings},
    trial::{TrialError, trial},
};
use crate::{
    error::{OpError, Result},
    fault::fail,
    store::{StoreError, files},
};

pub(crate) const ROOT_KEY: &str = "key_1_root.pem";
pub(crate) const INTERMEDIATE_KEY: &str = "key_2_intermediate.pem";
/// The leaf's private key.
pub const LEAF_KEY: &str = "key_3_leaf.pem";
/// Private key files, the root's first.
pub(crate) const KEYS: [&str; 3] = [ROOT_KEY, INTERMEDIATE_KEY, LEAF_KEY];
pub(crate) const LEAF_CHAIN: &str = "cert_leaf_chain.b64";
/// Chain files, the shortest first.
pub(crate) const CHAINS: [&str; 3] = ["cert_root.b64", "cert_intermediate_chain.b64", LEAF_CHAIN];
pub(crate) const CERTIFICATE_OBJECT: &str = "DA_Config.obk";
pub(crate) const PASSWORD: &str = "password.bin";
pub(crate) const PASSWORD_OBJECT: &str = "DA_ConfigWithPassword.obk";
/// ST's names for the STM32H503: what the host sends, and what goes into OTP.
pub(crate) const H503_PASSWORD: &str = "da_password.bin";
pub(crate) const H503_OTP: &str = "board_password.bin";
pub(crate) const README: &str = "README.md";
/// No credential file is larger.
pub(crate) const LARGEST_FILE: u64 = 64 << 10;

/// The name of the public key's file beside a private one's.
pub(crate) fn public_name(key: &str) -> String {
    key.replace(".pem", "_pub.pem")
}

/// A set of credentials for one chip: for either method, or both.
#[derive(Debug, Clone)]
pub struct CredentialSet {
    folder: PathBuf,
    certificate: Option<(Chain, KeyHolder)>,
    password: Option<Password>,
    hashes: SlowHashes,
}

impl CredentialSet {
    /// Reads a set from a folder: a certificate chain with its leaf key, a password file, or both; and checks that what
    /// belongs together fits together.
    ///
    /// # Errors
    /// Nothing usable, a file that is none, a chain whose root is not the one in the object beside it.
    pub fn load(folder: &Path) -> Result<Self> {
        Self::open(folder, &Access::default())
    }

    /// The same for a set whose leaf key is encrypted, or not in a file at all.
    ///
    /// # Errors
    /// As for [`CredentialSet::load`]; the passphrase cannot be had or is wrong.
    pub fn open(folder: &Path, access: &Access<'_>) -> Result<Self> {
        let certificate = match read_optional(&folder.join(LEAF_CHAIN))? {
            Some(text) => Some(load_certificate(folder, &text, access)?),
            None => None,
        };
        let password = match read_password_file(folder)? {
            Some(bytes) => Some(plausible(Password::from_file(&bytes)?)?),
            None => None,
        };
        if certificate.is_none() && password.is_none() {
            let source = io::Error::new(
                io::ErrorKind::NotFound,
                format!("neither {LEAF_CHAIN} with {LEAF_KEY} nor {PASSWORD} is there"),
            );
            return fail(OpError::CredentialFile { path: folder.to_owned(), source });
        }
        Ok(Self { folder: folder.to_owned(), certificate, password, hashes: SlowHashes::default() })
    }

    /// The public key whose private half signs tokens for the chain in this folder.
    ///
    /// # Errors
    /// There is no chain, or it breaks a rule.
    pub fn token_key(folder: &Path) -> Result<PublicKey> {
        let path = folder.join(LEAF_CHAIN);
        let missing = || OpError::CredentialFile { path: path.clone(), source: io::ErrorKind::NotFound.into() };
        let text = read_optional(&path)?.ok_or_else(missing)?;
        let chain = Chain::from_base64(String::from_utf8_lossy(&text).trim())
            .map_err(|source| OpError::ChainFile { path: path.clone(), source })?;
        Ok(chain.verify().map_err(provost_adac::host::CredentialError::from)?.token_key)
    }

    /// A set that is only a password.
    pub fn from_password(password: Password) -> Self {
        Self { folder: PathBuf::new(), certificate: None, password: Some(password), hashes: SlowHashes::default() }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate chain, if there is one.
    pub fn chain(&self) -> Option<&Chain> {
        self.certificate.as_ref().map(|(chain, _)| chain)
    }

    /// The password, if there is one.
    pub const fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// Whether it can authenticate by this method.
    pub const fn has(&self, method: DaMethod) -> bool {
        match method {
            DaMethod::Certificate => self.certificate.is_some(),
            DaMethod::Password => self.password.is_some(),
        }
    }

    /// The object to provision for this method, with every permission of the part.
    ///
    /// # Errors
    /// The root certificate's key is none.
    pub fn object(&self, method: DaMethod) -> Result<Option<DaObject>> {
        Ok(match method {
            DaMethod::Certificate => match &self.certificate {
                Some((chain, _)) => Some(DaObject::certificate(&root_key(chain)?, PermissionMask::STM32H5)),
                None => None,
            },
            DaMethod::Password => self.password.as_ref().map(DaObject::password),
        })
    }

    /// What to authenticate a full regression with.
    pub fn credential(&self, method: DaMethod) -> Option<Proof<'_>> {
        match method {
            DaMethod::Certificate => self.certificate_for(Permission::FullRegression),
            DaMethod::Password => self.password.clone().map(Proof::Password),
        }
    }

    /// What to authenticate this permission with, where that takes a certificate.
    pub fn certificate_for(&self, permission: Permission) -> Option<Proof<'_>> {
        let (chain, leaf) = self.certificate.as_ref()?;
        Some(Proof::Certificate { chain: chain.clone(), signer: leaf, permission })
    }

    /// The same set, sharing the slow hashes that were worked out for others.
    pub(crate) fn sharing(self, hashes: &SlowHashes) -> Self {
        Self { hashes: hashes.clone(), ..self }
    }

    /// What may be shown of it: the hash of the root key. A password has no fingerprint that could not be guessed from.
    pub fn fingerprint(&self) -> Option<String> {
        let (chain, _) = self.certificate.as_ref()?;
        root_key(chain).ok().map(|key| hex(&key.root_hash()))
    }
}

pub(crate) fn root_key(chain: &Chain) -> Result<PublicKey> {
    let verified = chain.certificates().first().map(Certificate::public_key);
    let path = || PathBuf::from(LEAF_CHAIN);
    match verified {
        Some(key) => Ok(key.map_err(|source| OpError::KeyFile { path: path(), source })?),
        None => fail(OpError::Credential(provost_adac::chain::ChainError::Empty.into())),
    }
}

/// A password that somebody can have provisioned: 4 to 16 bytes, or the 64 bytes of a root key, whose hash a certificate
/// object stores (ST community td-p/839882).
fn plausible(password: Password) -> Result<Password> {
    match password.expose().len() {
        found @ (..MIN_BYTES | 17..=63 | 65..) => Err(PasswordError::Length { found }.into()),
        _ => Ok(password),
    }
}

fn load_certificate(folder: &Path, text: &[u8], access: &Access<'_>) -> Result<(Chain, KeyHolder)> {
    let path = folder.join(LEAF_CHAIN);
    let chain = Chain::from_base64(String::from_utf8_lossy(text).trim())
        .map_err(|source| OpError::ChainFile { path, source })?;
    let leaf = match &access.signer {
        Some(signer) => signer.clone(),
        None => load_key(&folder.join(LEAF_KEY), access.passphrase)?.into(),
    };
    // Finds every flaw that would show only on the chip.
    let proof = Proof::Certificate { chain: chain.clone(), signer: &leaf, permission: Permission::FullRegression };
    provost_adac::host::Authentication::new(proof.credential())?;
    check_object(folder, &chain)?;
    Ok((chain, leaf))
}

/// Reads a private key; asks for the passphrase if it is encrypted and somebody can be asked.
///
/// # Errors
/// The file is not there or is no key; the passphrase cannot be had or is wrong.
pub fn load_key(path: &Path, passphrase: Option<AskPassphrase<'_>>) -> Result<PrivateKey> {
    let error = |source| OpError::KeyFile { path: path.to_owned(), source };
    let bytes = read_optional(path)?
        .ok_or_else(|| OpError::CredentialFile { path: path.to_owned(), source: io::ErrorKind::NotFound.into() })?;
    match (PrivateKey::read(&bytes, None), passphrase) {
        (Err(KeyError::Encrypted), Some(ask)) => {
            Ok(PrivateKey::read(&bytes, Some(ask(path)?.as_bytes())).map_err(error)?)
        }
        (result, _) => Ok(result.map_err(error)?),
    }
}

fn check_object(folder: &Path, chain: &Chain) -> Result<()> {
    let path = folder.join(CERTIFICATE_OBJECT);
    let Some(bytes) = read_optional(&path)? else { return Ok(()) };
    let invalid = |e: &dyn std::fmt::Display| OpError::CredentialFile {
        path: path.clone(),
        source: io::Error::new(io::ErrorKind::InvalidData, e.to_string()),
    };
    let obk = Obk::parse(&bytes).map_err(|e| invalid(&e))?;
    let payload = provost_obk::da::DaPayload::from_obk(&obk).map_err(|e| invalid(&e))?;
    payload.verify().map_err(|e| invalid(&e))?;
    let root = root_key(chain)?;
    if payload.fits_root_key(&root) {
        return Ok(());
    }
    fail(OpError::RootMismatch { object: path, expected: hex(&payload.hash), found: hex(&root.root_hash()) })
}

/// The password of a set, under either of ST's names.
pub(crate) fn read_password_file(folder: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    match read_optional(&folder.join(PASSWORD))? {
        Some(bytes) => Ok(Some(bytes)),
        None => read_optional(&folder.join(H503_PASSWORD)),
    }
}

/// A file of a set, if it is there.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    Ok(files::read_optional(path, LARGEST_FILE).map_err(|error| {
        let kind =
            if let StoreError::File { source, .. } = &error { source.kind() } else { io::ErrorKind::InvalidData };
        OpError::CredentialFile { path: path.to_owned(), source: io::Error::new(kind, error) }
    })?)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests;
