//! The credential that is to be the way back: what its folder holds, and whether it can be relied on.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use provost_chip::states::DaMethod;
use provost_obk::{da::DaPayload, obk::Obk};

use crate::{
    credential::{
        Access, CERTIFICATE_OBJECT, CredentialSet, Keys, LARGEST_FILE, PASSWORD_OBJECT, Proof, TrialError, trial,
    },
    error::{OpError, Result},
    store::{FolderStore, files},
};

/// Says of the hash in an object, of a root key or of a password, whether it is that of a published sample.
pub type Samples = fn(&[u8; 32]) -> Option<&'static str>;

/// The samples that are known.
pub fn known_sample(hash: &[u8; 32]) -> Option<&'static str> {
    provost_obk::samples::credential(hash).map(|sample| sample.what)
}

/// Folders whose content is not expected to last: that of the operating system's temporary files, and memory.
pub fn temporary_folders() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/dev/shm"), PathBuf::from("/run")];
    // WASI has none, and the standard library panics when it is asked.
    if !cfg!(target_os = "wasi") {
        folders.push(std::env::temp_dir());
    }
    if std::env::var_os("TMPDIR").is_none() {
        folders.push(PathBuf::from("/var/tmp"));
    }
    folders
}

/// A credential as it was found in its folder.
#[derive(Debug)]
pub struct Custody {
    /// The folder.
    pub folder: PathBuf,
    /// The temporary folder it lies in, if it does.
    pub temporary: Option<PathBuf>,
    /// The set, or why it is none.
    pub set: Result<CredentialSet>,
    /// The object file for the method at hand, if there is one.
    pub object: Option<ObjectFile>,
    /// What came of signing a token: whoever holds the key is asked once.
    token: OnceLock<Option<Result<(), TrialError>>>,
}

/// What an object file holds.
#[derive(Debug)]
pub struct ObjectFile {
    /// Its name.
    pub name: &'static str,
    /// The file as an object, or why it is none.
    pub obk: Result<Obk, String>,
}

impl Custody {
    /// Reads what a folder holds for this method. What is wrong with it is for the preflight to say.
    pub fn of(folder: &Path, method: DaMethod, keys: &Keys, temporary: &[PathBuf]) -> Self {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let inside = |t: &&PathBuf| real.starts_with(t.canonicalize().as_deref().unwrap_or(t));
        Self {
            folder: folder.to_owned(),
            temporary: temporary.iter().find(inside).cloned(),
            set: open(folder, method, keys),
            object: read_object(folder, method),
            token: OnceLock::new(),
        }
    }

    /// Waits until every file of the folder is on the disk: nothing is sent to a chip that could still be lost here.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn sync(&self) -> Result<()> {
        Ok(FolderStore::new().settle(&self.folder)?)
    }

    /// The payload to provision: that of the object file, or one made from the credential.
    pub fn payload(&self, method: DaMethod) -> Option<DaPayload> {
        match &self.object {
            Some(file) => DaPayload::from_obk(file.obk.as_ref().ok()?).ok(),
            None => self.set.as_ref().ok()?.object(method).ok()?.map(|o| o.payload()),
        }
    }

    /// Whether the payload's hash is that of the key or password held here; `None` if nothing is held for the method.
    pub fn holds_the_key_to(&self, payload: &DaPayload, method: DaMethod) -> Option<bool> {
        let set = match &self.set {
            Ok(set) => set,
            // The chain is good and belongs to another object.
            Err(error) if matches!(error.of(), Some(OpError::RootMismatch { .. })) => return Some(false),
            Err(_) => return None,
        };
        match set.credential(method)? {
            Proof::Password(password) => Some(payload.fits_password(&password)),
            Proof::Certificate { chain, .. } => {
                let root = chain.certificates().first()?.public_key().ok()?;
                Some(payload.fits_root_key(&root))
            }
        }
    }

    /// Has a token signed and verifies it, once; `None` where nothing signs.
    pub(crate) fn rehearse_token(&self) -> Option<&Result<(), TrialError>> {
        let rehearse = || match self.set.as_ref().ok()?.credential(DaMethod::Certificate)? {
            Proof::Certificate { chain, signer, .. } => Some(trial(signer, &chain.verify().ok()?.token_key)),
            Proof::Password(_) => None,
        };
        self.token.get_or_init(rehearse).as_ref()
    }

    /// The published sample that this credential is, if it is one.
    pub fn sample(&self, method: DaMethod, samples: Samples) -> Option<&'static str> {
        self.payload(method).and_then(|p| samples(&p.hash))
    }
}

/// The set in a folder. Its leaf key is asked for only where a key is what authenticates.
fn open(folder: &Path, method: DaMethod, keys: &Keys) -> Result<CredentialSet> {
    let signer = if method == DaMethod::Certificate { keys.of(folder)? } else { None };
    Ok(CredentialSet::open(folder, &Access { passphrase: None, signer })?.sharing(&keys.hashes))
}

fn read_object(folder: &Path, method: DaMethod) -> Option<ObjectFile> {
    let name = match method {
        DaMethod::Certificate => CERTIFICATE_OBJECT,
        DaMethod::Password => PASSWORD_OBJECT,
    };
    let path = folder.join(name);
    let bytes = files::read_optional(&path, LARGEST_FILE).transpose()?;
    let obk = bytes.map_err(|e| e.to_string()).and_then(|b| Obk::parse(&b).map_err(|e| e.to_string()));
    Some(ObjectFile { name, obk })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_password_of_the_example_is_known_by_its_hash() {
        let bytes: Vec<u8> = (0..12).collect();
        assert!(known_sample(&Sha256::digest(bytes).into()).is_some());
        assert!(known_sample(&[0; 32]).is_none());
    }

    #[test]
    fn a_folder_is_temporary_by_where_it_really_lies() {
        let base = tempfile::tempdir().unwrap();
        let inside = base.path().join("tmp/set");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir(base.path().join("other")).unwrap();
        let temporary = [base.path().join("tmp")];
        let custody =
            |path: &Path| Custody::of(path, DaMethod::Password, &Keys::default(), &temporary).temporary.is_some();
        assert!(custody(&inside));
        assert!(custody(&base.path().join("other/../tmp/set")));
        assert!(!custody(&base.path().join("kept")));
    }
}
