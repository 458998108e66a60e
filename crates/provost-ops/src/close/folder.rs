//! Where a close keeps its plan, its journal, what it read of the flash, and its receipt: one folder per close.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{
    image::{Digest, Image},
    record::{Progress, Record},
};
use crate::{
    error::{OpError, Result},
    fault::fail,
    journal::Journal,
    rescue::folder::{slug, sync},
};

/// Nobody closes one chip more often.
const MOST: u32 = 10_000;

/// The folder of one close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFolder {
    path: PathBuf,
}

impl CloseFolder {
    /// The unfinished close of the chip called `chip` under `base`, if there is one; and the folder that a new one would get.
    ///
    /// # Errors
    /// A journal is there and cannot be read.
    pub fn find(base: &Path, chip: &str) -> Result<(Option<Self>, Self)> {
        let name = slug(chip);
        let mut unfinished = None;
        for n in 1..MOST {
            let folder = Self { path: base.join(if n == 1 { name.clone() } else { format!("{name}-{n}") }) };
            if !folder.journal_path().exists() {
                return Ok((unfinished, folder));
            }
            let journal = Journal::<Record>::open(&folder.journal_path())?;
            let begun_for = journal.records().iter().find_map(|r| match r {
                Record::CloseBegun { chip, .. } => Some(chip.as_str()),
                _ => None,
            });
            match begun_for {
                // A journal that was opened and says nothing yet: nothing was done, so the folder is as good as new.
                None if unfinished.is_none() => return Ok((None, folder)),
                Some(c) if c == chip && !Progress::of(journal.records()).done => unfinished = Some(folder),
                _ => {}
            }
        }
        let source = io::Error::new(io::ErrorKind::AlreadyExists, "too many closes of this name");
        fail(OpError::Journal { path: base.to_owned(), source })
    }

    /// The folder of the last close of this chip that came to its end.
    pub fn finished(base: &Path, chip: &str) -> Option<Self> {
        let name = slug(chip);
        (1..MOST)
            .map(|n| Self { path: base.join(if n == 1 { name.clone() } else { format!("{name}-{n}") }) })
            .take_while(|folder| folder.journal_path().exists())
            .filter(|folder| folder.receipt().exists())
            .last()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The plan.
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.json")
    }

    /// The receipt.
    pub fn receipt(&self) -> PathBuf {
        self.path.join("receipt.json")
    }

    fn journal_path(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// Makes the folder and opens its journal.
    ///
    /// # Errors
    /// It cannot be made, or the journal is damaged.
    pub fn journal(&self) -> Result<Journal<Record>> {
        let error = |source| OpError::Journal { path: self.path.clone(), source };
        fs::create_dir_all(&self.path).map_err(error)?;
        let journal = Journal::open(&self.journal_path())?;
        sync(&self.path).map_err(error)?;
        if let Some(parent) = self.path.parent() {
            sync(parent).map_err(error)?;
        }
        Ok(journal)
    }

    /// Keeps what was read of the flash, on the disk before the first write to the chip.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(&self, image: &Image) -> Result<()> {
        let path = self.flash(&image.digest());
        Ok(write_synced(&path, &image.bytes).map_err(|source| OpError::Journal { path, source })?)
    }

    /// What was read of the flash.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub(super) fn kept(&self, digest: &Digest) -> Result<Image> {
        let path = self.flash(digest);
        let error = |source| OpError::Journal { path: path.clone(), source };
        let bytes = fs::read(&path).map_err(error)?;
        let image = Image { name: digest.name.clone(), address: digest.address, bytes };
        if image.digest() == *digest {
            return Ok(image);
        }
        fail(error(io::Error::new(io::ErrorKind::InvalidData, "it is not what was read of the flash")))
    }

    fn flash(&self, digest: &Digest) -> PathBuf {
        self.path.join(format!("flash-{:08x}.bin", digest.address))
    }
}

/// Writes a file in one go: it is there whole, or not at all. Readable by its owner only.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync(parent)
}
