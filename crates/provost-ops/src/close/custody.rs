//! The credential that is to be the way back: what its folder holds, and whether it can be relied on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use provost_adac::{
    host::Credential,
    permission::{Permission, PermissionMask},
    token::Token,
};
use provost_chip::states::DaMethod;
use provost_obk::{
    da::{DESTINATION, DaPayload},
    obk::Obk,
};
use sha2::{Digest as _, Sha256};

use crate::{
    credential::CredentialSet,
    error::{OpError, Result},
};

/// The object files by the names of ST's tools.
const CERTIFICATE_OBJECT: &str = "DA_Config.obk";
const PASSWORD_OBJECT: &str = "DA_ConfigWithPassword.obk";
/// No object file is larger.
const LARGEST: u64 = 64 << 10;

/// Says of a SHA-256 (of an object file, of a root key, of a password) whether it is that of a published sample.
pub type Samples = fn(&[u8; 32]) -> Option<&'static str>;

/// SHA-256 of files that STM32CubeH5 v1.6.0 ships as examples, whose private keys are public.
const SAMPLES: [(&str, &str); 5] = [
    ("2cafcf533300aebe1ebaaa2b6bd6e99c3502ef88acd668b2d41f910515527862", "DA_Config.obk of NUCLEO-H563ZI"),
    ("f4d40b1b669a635e15719eaf0f6fd9f7b5494e3616a6337d2c350eca7f2d4547", "DA_ConfigWithPassword.obk of NUCLEO-H563ZI"),
    ("72d78f18f82fd46085c0d298ac5af4b9469a68f1965ff82cbe2115120c4b8adc", "DA_Config.obk of the boards with secure AES"),
    (
        "8e2c4952b9e1d5618a0e42349065be1127a006cf970dd18c993282d03146f769",
        "DA_ConfigWithPassword.obk of the boards with secure AES",
    ),
    // The twelve bytes 00 to 0B.
    ("fff3a9bcdd37363d703c1c4f9512533686157868f0d4f16a0f02d0f1da24f9a2", "the password of the STM32H503 example"),
];

/// The samples known to this module.
pub fn known_sample(hash: &[u8; 32]) -> Option<&'static str> {
    let hash = crate::credential::hex(hash);
    SAMPLES.iter().find(|(sample, _)| *sample == hash).map(|(_, what)| *what)
}

/// Folders whose content is not expected to last: that of the operating system's temporary files, and memory.
pub fn temporary_folders() -> Vec<PathBuf> {
    let mut folders = vec![std::env::temp_dir(), PathBuf::from("/dev/shm"), PathBuf::from("/run")];
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
}

/// What an object file holds.
#[derive(Debug)]
pub struct ObjectFile {
    /// Its name.
    pub name: &'static str,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The file as an object, or why it is none.
    pub obk: Result<Obk, String>,
}

impl Custody {
    /// Reads what a folder holds for this method. What is wrong with it is for the preflight to say.
    pub fn of(folder: &Path, method: DaMethod, temporary: &[PathBuf]) -> Self {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let inside = |t: &&PathBuf| real.starts_with(t.canonicalize().as_deref().unwrap_or(t));
        Self {
            folder: folder.to_owned(),
            temporary: temporary.iter().find(inside).cloned(),
            set: CredentialSet::load(folder),
            object: read_object(folder, method),
        }
    }

    /// Waits until every file of the folder is on the disk: nothing is sent to a chip that could still be lost here.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn sync(&self) -> Result<()> {
        let error = |source| OpError::CredentialFile { path: self.folder.clone(), source };
        for item in fs::read_dir(&self.folder).map_err(error)? {
            let path = item.map_err(error)?.path();
            if path.is_file() {
                fs::File::open(&path).and_then(|f| f.sync_all()).map_err(error)?;
            }
        }
        crate::rescue::folder::sync(&self.folder).map_err(error)
    }

    /// The payload to provision: that of the object file, or one made from the credential.
    pub fn payload(&self, method: DaMethod) -> Option<DaPayload> {
        match &self.object {
            Some(file) => {
                file.obk.as_ref().ok().filter(|o| o.destination() == DESTINATION).map(DaPayload::from_obk)?.ok()
            }
            None => self.set.as_ref().ok()?.object(method).ok()?.map(|o| o.payload()),
        }
    }

    /// Whether the payload's hash is that of the key or password held here; `None` if nothing is held for the method.
    pub fn holds_the_key_to(&self, payload: &DaPayload, method: DaMethod) -> Option<bool> {
        let set = match &self.set {
            Ok(set) => set,
            // The chain is good and belongs to another object.
            Err(OpError::RootMismatch { .. }) => return Some(false),
            Err(_) => return None,
        };
        match set.credential(method)? {
            Credential::Password(password) => Some(payload.fits_password(&password)),
            Credential::Certificate { chain, .. } => {
                let root = chain.certificates().first()?.public_key().ok()?;
                Some(payload.fits_root_key(&root))
            }
        }
    }

    /// Signs a token over a challenge of our own and verifies it, and says what chain and token allow; `None` for a password.
    pub fn rehearse_token(&self) -> Option<Result<PermissionMask, String>> {
        let set = self.set.as_ref().ok()?;
        let Credential::Certificate { chain, signer, permission } = set.credential(DaMethod::Certificate)? else {
            return None;
        };
        let sign = || -> Result<PermissionMask, Box<dyn std::error::Error>> {
            let mut challenge = [0; 32];
            getrandom::fill(&mut challenge)?;
            let verified = chain.verify()?;
            let token = Token::parse(&Token::sign(permission, &challenge, signer)?.to_bytes())?;
            token.verify(&verified.token_key, &challenge)?;
            Ok(verified.permissions.mask() & token.requested_permissions())
        };
        Some(sign().map_err(|e| e.to_string()))
    }

    /// The published sample that this credential is, if it is one.
    pub fn sample(&self, method: DaMethod, samples: Samples) -> Option<&'static str> {
        let payload = self.payload(method);
        self.object.as_ref().and_then(|o| samples(&o.sha256)).or_else(|| payload.and_then(|p| samples(&p.hash)))
    }
}

fn read_object(folder: &Path, method: DaMethod) -> Option<ObjectFile> {
    let name = match method {
        DaMethod::Certificate => CERTIFICATE_OBJECT,
        DaMethod::Password => PASSWORD_OBJECT,
    };
    let path = folder.join(name);
    let bytes = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.to_string()),
        Ok(meta) if meta.len() > LARGEST => Err("larger than any object".to_owned()),
        Ok(_) => fs::read(&path).map_err(|e| e.to_string()),
    };
    let sha256 = bytes.as_ref().map_or([0; 32], |b| Sha256::digest(b).into());
    let obk = bytes.and_then(|b| Obk::parse(&zeroize::Zeroizing::new(b)).map_err(|e| e.to_string()));
    Some(ObjectFile { name, sha256, obk })
}

/// Whether a mask grants the full regression.
pub(super) fn grants(mask: PermissionMask) -> bool {
    mask.contains(Permission::FullRegression)
}

#[cfg(test)]
mod tests {
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
        let custody = |path: &Path| Custody::of(path, DaMethod::Password, &temporary).temporary.is_some();
        assert!(custody(&inside));
        assert!(custody(&base.path().join("other/../tmp/set")));
        assert!(!custody(&base.path().join("kept")));
    }
}
