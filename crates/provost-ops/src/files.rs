//! Reading and writing the files that people keep: nothing larger than is plausible is read, nothing is overwritten unasked, what is
//! secret is readable by its owner only, and a file that is replaced is replaced as a whole.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{OpError, Result};
use crate::fault::fail;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Its owner only.
    Secret,
    /// Everybody.
    Public,
}

/// Reads a file of at most `largest` bytes.
///
/// # Errors
/// [`OpError::File`]: it cannot be read, or is larger.
pub fn read(path: &Path, largest: u64) -> Result<Zeroizing<Vec<u8>>> {
    match read_optional(path, largest)? {
        Some(bytes) => Ok(bytes),
        None => fail(OpError::File { path: path.to_owned(), source: io::ErrorKind::NotFound.into() }),
    }
}

/// The same for a file that need not be there.
///
/// # Errors
/// [`OpError::File`]: it is there and cannot be read, or is larger.
pub fn read_optional(path: &Path, largest: u64) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let error = |source| OpError::File { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return fail(error(e)),
        Ok(meta) if meta.len() > largest => {
            let says = format!("{} bytes are more than any such file has (at most {largest})", meta.len());
            return fail(error(io::Error::new(io::ErrorKind::InvalidData, says)));
        }
        Ok(_) => {}
    }
    Ok(fs::read(path).map(|bytes| Some(Zeroizing::new(bytes))).map_err(error)?)
}

/// A file that is to be.
#[derive(Debug)]
pub struct NewFile {
    /// Where.
    pub path: PathBuf,
    /// What is in it. Not shown by `Debug`.
    pub bytes: Content,
    /// Who may read it.
    pub secrecy: Secrecy,
}

/// The content of a file, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Zeroizing<Vec<u8>>);

impl Content {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

impl NewFile {
    /// For everybody to read.
    pub fn public(path: impl Into<PathBuf>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(path.into(), bytes.as_ref(), Secrecy::Public)
    }

    /// For its owner only.
    pub fn secret(path: impl Into<PathBuf>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(path.into(), bytes.as_ref(), Secrecy::Secret)
    }

    fn new(path: PathBuf, bytes: &[u8], secrecy: Secrecy) -> Self {
        Self { path, bytes: Content(Zeroizing::new(bytes.to_vec())), secrecy }
    }

    /// Where it is and how large, for a report.
    pub fn made(&self) -> Made {
        Made { path: self.path.clone(), bytes: self.bytes.bytes().len(), secret: self.secrecy == Secrecy::Secret }
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Where.
    pub path: PathBuf,
    /// How large.
    pub bytes: usize,
    /// Whether only its owner may read it.
    pub secret: bool,
}

/// Writes files that belong together: first it is seen that none is in the way.
///
/// # Errors
/// [`OpError::Exists`] unless `overwrite`, and then none was written; [`OpError::File`] if one cannot be written.
pub fn write_all(files: &[NewFile], overwrite: bool) -> Result<Vec<Made>> {
    if let Some(there) = files.iter().find(|f| !overwrite && f.path.symlink_metadata().is_ok()) {
        return fail(OpError::Exists { path: there.path.clone() });
    }
    for file in files {
        place(&file.path, file.bytes.bytes(), file.secrecy, overwrite)?;
    }
    let mut folders: Vec<&Path> = files.iter().map(|f| parent(&f.path)).collect();
    folders.dedup();
    folders.into_iter().try_for_each(sync_folder)?;
    Ok(files.iter().map(NewFile::made).collect())
}

/// Writes a file and waits until it is on the disk.
///
/// # Errors
/// [`OpError::Exists`] unless `overwrite`; [`OpError::File`] if it cannot be written.
pub fn write(path: &Path, bytes: &[u8], secrecy: Secrecy, overwrite: bool) -> Result<()> {
    place(path, bytes, secrecy, overwrite)?;
    sync_folder(parent(path))
}

fn place(path: &Path, bytes: &[u8], secrecy: Secrecy, overwrite: bool) -> Result<()> {
    let error = |source| OpError::File { path: path.to_owned(), source };
    if !overwrite && path.symlink_metadata().is_ok() {
        return fail(OpError::Exists { path: path.to_owned() });
    }
    let folder = parent(path);
    // Made readable by its owner only; a file that is torn by a power cut has not got its name yet.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(error)?;
    set_mode(file.as_file(), secrecy).map_err(error)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(error)?;
    if overwrite {
        file.persist(path).map_err(|e| error(e.error))?;
    } else {
        file.persist_noclobber(path).map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => OpError::Exists { path: path.to_owned() },
            _ => error(e.error),
        })?;
    }
    Ok(())
}

/// Makes a folder and those it lies in.
///
/// # Errors
/// [`OpError::File`].
pub fn make_folder(folder: &Path) -> Result<()> {
    Ok(fs::create_dir_all(folder).map_err(|source| OpError::File { path: folder.to_owned(), source })?)
}

/// A file is on the disk only when its folder is.
fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|source| OpError::File { path: folder.to_owned(), source })?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn set_mode(file: &File, secrecy: Secrecy) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if secrecy == Secrecy::Secret { 0o600 } else { 0o644 };
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = (file, secrecy);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"one", Secrecy::Public, false).unwrap();
        assert_eq!(write(&path, b"two", Secrecy::Public, false).unwrap_err().code(), "file-exists");
        assert_eq!(**read(&path, 3).unwrap(), *b"one");
        write(&path, b"two", Secrecy::Public, true).unwrap();
        assert_eq!(**read(&path, 3).unwrap(), *b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no half file is left");
    }

    #[test]
    fn what_is_too_large_or_missing_is_said_to_be_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read(&path, 3).unwrap_err().code(), "file-io");
        assert!(read_optional(&path, 3).unwrap().is_none());
        write(&path, b"four", Secrecy::Public, false).unwrap();
        assert!(read(&path, 3).unwrap_err().to_string().contains("at most 3"));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_owner_s_only_even_where_a_public_file_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (secrecy, mode) in [(Secrecy::Public, 0o644), (Secrecy::Secret, 0o600)] {
            write(&path, b"", secrecy, true).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
