//! Reading and writing the files that people name: nothing larger than is plausible is read and nothing but files, nothing is
//! overwritten unasked, what is secret is readable by its owner only, and a file that is replaced is replaced as a whole.

use std::{io, path::Path};

use zeroize::Zeroizing;

use super::{
    FolderStore, Made, NewFile, Replace, Secrecy, Store as _, StoreError,
    disk::{Disk as _, Open, OsDisk},
    folder::{self, file},
};

/// Reads a file of at most `largest` bytes.
///
/// # Errors
/// [`StoreError::File`], [`StoreError::NoFile`], [`StoreError::TooLarge`].
pub fn read(path: &Path, largest: u64) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    read_optional(path, largest)?.ok_or_else(|| file(path)(io::ErrorKind::NotFound.into()))
}

/// The same for a file that need not be there.
///
/// # Errors
/// As [`read`], but that it is not there is none.
pub fn read_optional(path: &Path, largest: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    folder::read(&OsDisk, path, Open::Read, largest)
}

/// Writes files that belong together: first it is seen that none is in the way.
///
/// # Errors
/// [`StoreError::Exists`] unless `overwrite`, and then none was written; [`StoreError::File`] if one cannot be written.
pub fn write_all(files: &[NewFile], overwrite: bool) -> Result<Vec<Made>, StoreError> {
    for new in files {
        if !overwrite && OsDisk.look(&new.path).map_err(file(&new.path))?.is_some() {
            return Err(StoreError::Exists { path: new.path.clone() });
        }
    }
    files.iter().try_for_each(|new| write(&new.path, new.bytes.bytes(), new.secrecy, overwrite))?;
    Ok(files.iter().map(NewFile::made).collect())
}

/// Writes a file and waits until it is on the disk.
///
/// # Errors
/// [`StoreError::Exists`] unless `overwrite`; [`StoreError::File`] if it cannot be written.
pub fn write(path: &Path, bytes: &[u8], secrecy: Secrecy, overwrite: bool) -> Result<(), StoreError> {
    FolderStore::new().put(path, bytes, secrecy, Replace::forced(overwrite))
}

/// Makes a folder and those it lies in, on the disk.
///
/// # Errors
/// [`StoreError::File`].
pub fn make_folder(folder: &Path, secrecy: Secrecy) -> Result<(), StoreError> {
    FolderStore::new().make_folders(folder, secrecy)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fault::Fault as _;

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
        assert_eq!(read(&path, 3).unwrap_err().code(), "file-missing");
        assert!(read_optional(&path, 3).unwrap().is_none());
        write(&path, b"four", Secrecy::Public, false).unwrap();
        assert_eq!(read(&path, 3).unwrap_err().code(), "file-too-large");
        assert_eq!(read(folder.path(), 3).unwrap_err().code(), "file-kind");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_read_and_no_pipe_is_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [&pipe, &link, Path::new("/dev/zero"), Path::new("/dev/null")] {
            for read in [read(path, 9).err(), read_optional(path, 9).err()] {
                assert_eq!(read.unwrap().code(), "file-kind", "{}", path.display());
            }
        }
        // What says of itself that it is empty is read by reading.
        assert!(!read(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
        assert_eq!(read(Path::new("/proc/self/status"), 9).unwrap_err().code(), "file-too-large");
        // A person may name a file by a link.
        let file = folder.path().join("file");
        fs::write(&file, b"text").unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(**read(&link, 4).unwrap(), *b"text");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, path) = (folder.path().join("victim"), folder.path().join("dump.bin"));
        fs::write(&victim, b"mine").unwrap();
        for planted in ["dump.bin", "dump.bin.part"] {
            std::os::unix::fs::symlink(&victim, folder.path().join(planted)).unwrap();
            assert!(planted != "dump.bin" || write(&path, b"no", Secrecy::Public, false).is_err());
            write(&path, b"dump", Secrecy::Public, true).unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
            assert_eq!(fs::read(&victim).unwrap(), b"mine");
        }
    }
}
