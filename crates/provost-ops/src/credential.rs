//! Debug Authentication credentials on disk, under the names that ST's tools use, so that a set works there as well.
//!
//! Files with secrets are readable by their owner only, and everything is on the disk before it is used.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    host::Credential,
    key::{PrivateKey, Signer as _},
    password::{MIN_BYTES, Password, PasswordError},
    permission::{Permission, PermissionMask},
    scope::Scope,
};
use provost_chip::states::DaMethod;
use provost_obk::{da::DaObject, obk::Obk};

use crate::error::{OpError, Result};

const ROOT_KEY: &str = "key_1_root.pem";
const INTERMEDIATE_KEY: &str = "key_2_intermediate.pem";
const LEAF_KEY: &str = "key_3_leaf.pem";
const LEAF_CHAIN: &str = "cert_leaf_chain.b64";
const CERTIFICATE_OBJECT: &str = "DA_Config.obk";
const PASSWORD: &str = "password.bin";
const PASSWORD_OBJECT: &str = "DA_ConfigWithPassword.obk";
/// Letters and digits that cannot be taken for one another; 16 of them are 80 bits.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// No credential file is larger.
const LARGEST_FILE: u64 = 64 << 10;

/// A set of credentials for one chip: for either method, or both.
#[derive(Debug, Clone)]
pub struct CredentialSet {
    folder: PathBuf,
    certificate: Option<(Chain, PrivateKey)>,
    password: Option<Password>,
}

impl CredentialSet {
    /// Makes a new set for both methods. Nothing is on the disk yet: see [`CredentialSet::save`].
    ///
    /// # Errors
    /// No random numbers.
    pub fn generate(folder: &Path) -> Result<(Self, NewKeys)> {
        let make = || -> std::result::Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let keys = NewKeys {
                root: PrivateKey::generate()?,
                intermediate: PrivateKey::generate()?,
                leaf: PrivateKey::generate()?,
            };
            let build = |role| Certificate::builder(role).scope(Scope::STANDARD).permissions(PermissionMask::STM32H5);
            let chain = Chain::new(vec![
                build(Role::Root).self_sign(&keys.root)?,
                build(Role::Intermediate).sign(&keys.intermediate.public_key(), &keys.root)?,
                build(Role::Leaf).sign(&keys.leaf.public_key(), &keys.intermediate)?,
            ]);
            let mut random = zeroize::Zeroizing::new([0; 16]);
            getrandom::fill(random.as_mut_slice())?;
            for byte in random.iter_mut() {
                *byte = ALPHABET[usize::from(*byte) % ALPHABET.len()];
            }
            Ok((keys, chain, Password::new(random.as_slice())?))
        };
        let (keys, chain, password) = make().map_err(OpError::MakeCredential)?;
        let set =
            Self { folder: folder.to_owned(), certificate: Some((chain, keys.leaf.clone())), password: Some(password) };
        Ok((set, keys))
    }

    /// Writes the whole set and waits until it is on the disk, then reads it back. `encrypt` is the flag in the objects.
    ///
    /// # Errors
    /// A file exists already or cannot be written; what was written reads back differently.
    pub fn save(&self, keys: &NewKeys, encrypt: bool) -> Result<()> {
        make_folder(&self.folder)?;
        let key_error = |path: &str| {
            let path = self.folder.join(path);
            move |source| OpError::KeyFile { path, source }
        };
        for (key, name) in [(&keys.root, ROOT_KEY), (&keys.intermediate, INTERMEDIATE_KEY), (&keys.leaf, LEAF_KEY)] {
            self.write(name, key.to_pem().map_err(key_error(name))?.as_bytes(), Kind::Secret)?;
            let public = name.replace(".pem", "_pub.pem");
            self.write(&public, key.public_key().to_pem().map_err(key_error(&public))?.as_bytes(), Kind::Public)?;
        }
        if let Some((chain, _)) = &self.certificate {
            let parts = chain.certificates();
            for (length, name) in [(1, "cert_root.b64"), (2, "cert_intermediate_chain.b64"), (3, LEAF_CHAIN)] {
                let chain = Chain::new(parts.iter().take(length).cloned().collect());
                self.write(name, chain.to_base64().as_bytes(), Kind::Public)?;
            }
        }
        if let Some(password) = &self.password {
            self.write(PASSWORD, &password.to_file(), Kind::Secret)?;
        }
        for (method, name, kind) in [
            (DaMethod::Certificate, CERTIFICATE_OBJECT, Kind::Public),
            // The hash of a password can be guessed from.
            (DaMethod::Password, PASSWORD_OBJECT, Kind::Secret),
        ] {
            if let Some(object) = self.object(method)? {
                let obk = object.to_obk(encrypt).map_err(|e| OpError::MakeCredential(e.into()))?;
                self.write(name, &obk.to_bytes(), kind)?;
            }
        }
        sync_folder(&self.folder)?;
        Self::load(&self.folder).map(drop)
    }

    fn write(&self, name: &str, bytes: &[u8], kind: Kind) -> Result<()> {
        let path = self.folder.join(name);
        write_new(&path, bytes, kind).map_err(|source| OpError::CredentialFile { path, source })
    }

    /// Reads a set from a folder: a certificate chain with its leaf key, a password file, or both; and checks that what
    /// belongs together fits together.
    ///
    /// # Errors
    /// Nothing usable, a file that is none, a chain whose root is not the one in the object beside it.
    pub fn load(folder: &Path) -> Result<Self> {
        let certificate = match read_optional(&folder.join(LEAF_CHAIN))? {
            Some(text) => Some(load_certificate(folder, &text)?),
            None => None,
        };
        let password = match read_optional(&folder.join(PASSWORD))? {
            Some(bytes) => Some(plausible(Password::from_file(&bytes)?)?),
            None => None,
        };
        if certificate.is_none() && password.is_none() {
            let source = io::Error::new(
                io::ErrorKind::NotFound,
                format!("neither {LEAF_CHAIN} with {LEAF_KEY} nor {PASSWORD} is there"),
            );
            return Err(OpError::CredentialFile { path: folder.to_owned(), source });
        }
        Ok(Self { folder: folder.to_owned(), certificate, password })
    }

    /// A set that is only a password.
    pub fn from_password(password: Password) -> Self {
        Self { folder: PathBuf::new(), certificate: None, password: Some(password) }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it can authenticate by this method.
    pub const fn has(&self, method: DaMethod) -> bool {
        match method {
            DaMethod::Certificate => self.certificate.is_some(),
            DaMethod::Password => self.password.is_some(),
        }
    }

    /// The object to provision for this method.
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
    pub fn credential(&self, method: DaMethod) -> Option<Credential<'_>> {
        match method {
            DaMethod::Certificate => self.certificate.as_ref().map(|(chain, leaf)| Credential::Certificate {
                chain: chain.clone(),
                signer: leaf,
                permission: Permission::FullRegression,
            }),
            DaMethod::Password => self.password.clone().map(Credential::Password),
        }
    }

    /// What may be shown of it: the hash of the root key. A password has no fingerprint that could not be guessed from.
    pub fn fingerprint(&self) -> Option<String> {
        let (chain, _) = self.certificate.as_ref()?;
        root_key(chain).ok().map(|key| hex(&key.root_hash()))
    }
}

/// The private keys of a new set, which live only until they are saved.
#[derive(Debug)]
pub struct NewKeys {
    root: PrivateKey,
    intermediate: PrivateKey,
    leaf: PrivateKey,
}

fn root_key(chain: &Chain) -> Result<provost_adac::key::PublicKey> {
    let verified = chain.certificates().first().map(Certificate::public_key);
    let path = || PathBuf::from(LEAF_CHAIN);
    match verified {
        Some(key) => key.map_err(|source| OpError::KeyFile { path: path(), source }),
        None => Err(OpError::Credential(provost_adac::chain::ChainError::Empty.into())),
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

fn load_certificate(folder: &Path, text: &[u8]) -> Result<(Chain, PrivateKey)> {
    let path = folder.join(LEAF_CHAIN);
    let chain = Chain::from_base64(String::from_utf8_lossy(text).trim())
        .map_err(|source| OpError::ChainFile { path, source })?;
    let path = folder.join(LEAF_KEY);
    let pem = read_optional(&path)?
        .ok_or_else(|| OpError::CredentialFile { path: path.clone(), source: io::ErrorKind::NotFound.into() })?;
    let leaf =
        PrivateKey::from_pem(&String::from_utf8_lossy(&pem)).map_err(|source| OpError::KeyFile { path, source })?;
    // Finds every flaw that would show only on the chip.
    let credential =
        Credential::Certificate { chain: chain.clone(), signer: &leaf, permission: Permission::FullRegression };
    provost_adac::host::Authentication::new(credential)?;
    check_object(folder, &chain)?;
    Ok((chain, leaf))
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
    Err(OpError::RootMismatch { object: path, expected: hex(&payload.hash), found: hex(&root.root_hash()) })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
    Public,
}

fn write_new(path: &Path, bytes: &[u8], kind: Kind) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if kind == Kind::Secret { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = kind;
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| OpError::CredentialFile { path: folder.to_owned(), source })
}

/// A file is on the disk only when its folder is.
fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|source| OpError::CredentialFile { path: folder.to_owned(), source })?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn read_optional(path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    let error = |source| OpError::CredentialFile { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(error(e)),
        Ok(meta) if meta.len() > LARGEST_FILE => {
            return Err(error(io::Error::new(io::ErrorKind::InvalidData, "larger than any credential file")));
        }
        Ok(_) => {}
    }
    fs::read(path).map(|bytes| Some(zeroize::Zeroizing::new(bytes))).map_err(error)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set");
        let (set, keys) = CredentialSet::generate(&path).unwrap();
        set.save(&keys, true).unwrap();
        (folder, path)
    }

    #[test]
    fn a_set_survives_the_disk() {
        let (_guard, path) = saved();
        let set = CredentialSet::load(&path).unwrap();
        for method in [DaMethod::Certificate, DaMethod::Password] {
            assert!(set.has(method) && set.credential(method).is_some());
            let object = set.object(method).unwrap().unwrap().to_obk(true).unwrap().to_bytes();
            let name = if method == DaMethod::Certificate { CERTIFICATE_OBJECT } else { PASSWORD_OBJECT };
            assert_eq!(fs::read(path.join(name)).unwrap(), *object);
        }
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_their_owner_s_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_guard, path) = saved();
        for name in [ROOT_KEY, INTERMEDIATE_KEY, LEAF_KEY, PASSWORD, PASSWORD_OBJECT] {
            let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let (_guard, path) = saved();
        let before = fs::read(path.join(ROOT_KEY)).unwrap();
        let (set, keys) = CredentialSet::generate(&path).unwrap();
        assert_eq!(set.save(&keys, true).unwrap_err().code(), "credential-file");
        assert_eq!(fs::read(path.join(ROOT_KEY)).unwrap(), before);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let (_guard, path) = saved();
        let (_other_guard, other) = saved();
        let swap = |name: &str| fs::copy(other.join(name), path.join(name)).unwrap();
        swap(CERTIFICATE_OBJECT);
        assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "credential-root-mismatch");
        swap(LEAF_KEY);
        assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "credential-useless");
        fs::write(path.join(LEAF_KEY), "no key").unwrap();
        assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "credential-key");
        fs::write(path.join(LEAF_CHAIN), "no chain").unwrap();
        assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "credential-chain");
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(CredentialSet::load(empty.path()).unwrap_err().code(), "credential-file");
    }

    #[test]
    fn no_secret_in_debug() {
        let (_guard, path) = saved();
        let text = format!("{:?}", CredentialSet::load(&path).unwrap());
        let password = fs::read(path.join(PASSWORD)).unwrap();
        assert!(!text.contains(std::str::from_utf8(&password[8..]).unwrap()));
    }
}
