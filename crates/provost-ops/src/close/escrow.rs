//! An encrypted copy of a credential, for the safe: `age -d escrow.age | tar x` brings it back.

use std::{
    fmt, fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::CloseError;
use crate::{
    credential::hex,
    error::Result,
    store::{FolderStore, Job, Record, Replace, Secrecy, Store as _, StoreError, files},
};

const BLOCK: usize = 512;
/// No file of a credential is larger.
const LARGEST: u64 = 64 << 10;
/// No encrypted copy is larger: a folder of some twenty such files.
const LARGEST_ARCHIVE: u64 = 2 << 20;

/// What is kept in the job's folder of the copy that was made, so that a run that goes on knows it for its own.
const NOTE: &str = "escrow.json";
const SCHEMA: &str = "provost.escrow/1";

/// Where an encrypted copy is to go, and who can open it.
#[derive(Clone)]
pub struct Escrow {
    to: PathBuf,
    recipients: Vec<age::x25519::Recipient>,
    replace: Replace,
}

/// What was noted of a copy before it was written.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    schema: String,
    to: PathBuf,
    /// Of the encrypted file.
    sha256: String,
}

/// What came of keeping a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was written.
    Now,
    /// An earlier run of the same job had written it.
    Before,
}

impl fmt::Debug for Escrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Escrow({}, {} recipients)", self.to.display(), self.recipients.len())
    }
}

impl Escrow {
    /// A copy in `to`, encrypted to these age recipients (`age1…`). Nothing is written yet.
    ///
    /// # Errors
    /// No recipient, or one that is none.
    pub fn new(to: &Path, recipients: &[String], force: bool) -> Result<Self> {
        let invalid = |what: String| {
            let source = io::Error::new(io::ErrorKind::InvalidInput, what);
            CloseError::Escrow { path: to.to_owned(), source }
        };
        if recipients.is_empty() {
            return Err(invalid("nobody is named who could open it".to_owned()).into());
        }
        // What is no recipient may be somebody's secret key: it is counted, not shown.
        let parse = |(n, text): (usize, &String)| {
            text.parse().map_err(|e| invalid(format!("recipient {n} is no age recipient (age1…): {e}")))
        };
        let recipients = (1..).zip(recipients).map(parse).collect::<std::result::Result<_, _>>()?;
        Ok(Self { to: to.to_owned(), recipients, replace: Replace::forced(force) })
    }

    /// Whether something is in the way: to be asked before anything is written to a chip.
    ///
    /// # Errors
    /// [`StoreError::Exists`].
    pub fn is_free(&self) -> Result<()> {
        match (files::read_optional(&self.to, 0), self.replace) {
            (Ok(None), _) | (_, Replace::Whole) => Ok(()),
            _ => Err(StoreError::Exists { path: self.to.clone() }.into()),
        }
    }

    /// Writes every file of a credential's folder, as a tar archive, encrypted. A step of a job that may be done again: what an
    /// earlier run of it wrote is left as it is.
    ///
    /// # Errors
    /// Something else is in the way; a file cannot be read or written.
    pub fn keep<R: Record>(&self, job: &Job<R>, credential: &Path) -> Result<Kept> {
        let error = |source| CloseError::Escrow { path: self.to.clone(), source };
        let noted: Option<Note> = job.read(NOTE, LARGEST)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let there = files::read_optional(&self.to, LARGEST_ARCHIVE).ok().flatten();
        let ours = |note: &Note| note.to == self.to && there.as_ref().is_some_and(|b| note.sha256 == digest(b));
        if noted.as_ref().is_some_and(ours) {
            return Ok(Kept::Before);
        }
        self.is_free()?;
        let sealed = self.seal(&archive(credential).map_err(error)?).map_err(error)?;
        let note = Note { schema: SCHEMA.to_owned(), to: self.to.clone(), sha256: digest(&sealed) };
        job.put(NOTE, &serde_json::to_vec_pretty(&note).map_err(|e| error(e.into()))?, Secrecy::Public)?;
        FolderStore::new().put(&self.to, &sealed, Secrecy::Secret, self.replace)?;
        Ok(Kept::Now)
    }

    fn seal(&self, archive: &[u8]) -> io::Result<Vec<u8>> {
        let recipients = self.recipients.iter().map(|r| r as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(archive)?;
        writer.finish()?;
        Ok(sealed)
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The files of a folder as a POSIX ustar archive; hidden ones are not of the set.
fn archive(folder: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<_>>()?;
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    paths.retain(|p| p.is_file() && !hidden(p));
    paths.sort();
    let mut archive = Zeroizing::new(Vec::new());
    for path in paths {
        let bytes = files::read(&path, LARGEST)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        archive.extend_from_slice(&header(&name, bytes.len())?);
        archive.extend_from_slice(&bytes);
        let padded = archive.len().next_multiple_of(BLOCK);
        archive.resize(padded, 0);
    }
    let end = archive.len() + 2 * BLOCK;
    archive.resize(end, 0);
    Ok(archive)
}

/// One header block (POSIX.1-1988 ustar): octal numbers, checksum over itself with the checksum field blank.
fn header(name: &str, size: usize) -> io::Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    if name.len() >= 100 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a file name is too long"));
    }
    put(0, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::store::{Kind, Subject};

    #[derive(Debug, Serialize, Deserialize)]
    struct Nothing {}

    impl Record for Nothing {
        fn is_final(&self) -> bool {
            false
        }
    }

    /// A set, a job, and a place for the copy.
    fn scene() -> (tempfile::TempDir, PathBuf, Job<Nothing>, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        fs::create_dir(&set).unwrap();
        fs::write(set.join("password.bin"), b"open sesame, as they say").unwrap();
        fs::write(set.join(".provost-0123456789abcdef.part"), b"left behind").unwrap();
        let subject = Subject { chip: "twin:x".into(), dev_id: 0x478, uid: None };
        let job = Job::begin(&folder.path().join("jobs"), Kind::Close, &subject).unwrap();
        let to = folder.path().join("escrow.age");
        (folder, set, job, to)
    }

    #[test]
    fn what_is_in_escrow_comes_out_again_and_says_nothing_meanwhile() {
        let (_guard, set, job, to) = scene();
        let key = age::x25519::Identity::generate();
        let escrow = Escrow::new(&to, &[key.to_public().to_string()], false).unwrap();
        escrow.is_free().unwrap();
        assert!(!to.exists(), "nothing is written before it is to be");
        assert_eq!(escrow.keep(&job, &set).unwrap(), Kept::Now);
        let sealed = fs::read(&to).unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"sesame"));
        let mut opened = Vec::new();
        let decryptor = age::Decryptor::new(&sealed[..]).unwrap();
        decryptor.decrypt(std::iter::once(&key as &dyn age::Identity)).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(&opened[..12], b"password.bin");
        assert_eq!(&opened[512..536], b"open sesame, as they say");
        assert_eq!(opened.len(), 512 + 512 + 1024, "one file, and the end");
    }

    #[test]
    fn the_step_may_be_repeated_and_replaces_nothing_else() {
        let (_guard, set, job, to) = scene();
        let recipients = [age::x25519::Identity::generate().to_public().to_string()];
        let escrow = Escrow::new(&to, &recipients, false).unwrap();
        escrow.keep(&job, &set).unwrap();
        let sealed = fs::read(&to).unwrap();
        assert_eq!(escrow.keep(&job, &set).unwrap(), Kept::Before);
        assert_eq!(fs::read(&to).unwrap(), sealed);
        // A run that ended between the note and the copy.
        fs::remove_file(&to).unwrap();
        assert_eq!(escrow.keep(&job, &set).unwrap(), Kept::Now);
        // Somebody else's file.
        fs::write(&to, b"another one").unwrap();
        assert_eq!(escrow.keep(&job, &set).unwrap_err().code(), "file-exists");
        assert_eq!(escrow.is_free().unwrap_err().code(), "file-exists");
        assert_eq!(fs::read(&to).unwrap(), b"another one");
        assert_eq!(Escrow::new(&to, &recipients, true).unwrap().keep(&job, &set).unwrap(), Kept::Now);
    }

    #[test]
    fn whoever_cannot_open_it_is_refused_and_a_secret_key_not_repeated() {
        let to = Path::new("escrow.age");
        let secret = age::x25519::Identity::generate().to_string();
        let secret = age::secrecy::ExposeSecret::expose_secret(&secret).to_owned();
        for wrong in [vec![], vec!["age1nobody".to_owned()], vec![secret.clone()]] {
            let error = Escrow::new(to, &wrong, true).unwrap_err();
            assert_eq!(error.code(), "escrow");
            let shown = format!("{error} {error:?}").to_uppercase();
            assert!(!shown.contains(&secret.to_uppercase()[..24]), "{shown}");
        }
    }

    #[test]
    fn the_archive_is_one_that_tar_reads() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        fs::create_dir(&set).unwrap();
        fs::write(set.join("a.txt"), b"one").unwrap();
        fs::write(set.join("b.txt"), vec![b'x'; 700]).unwrap();
        let path = folder.path().join("set.tar");
        fs::write(&path, &*archive(&set).unwrap()).unwrap();
        let Ok(run) = std::process::Command::new("tar").arg("tvf").arg(&path).output() else { return };
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success() && text.contains("a.txt") && text.contains("700"), "{text}");
    }
}
