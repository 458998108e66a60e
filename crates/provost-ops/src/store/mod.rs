//! What must survive a power cut, behind one wall.
//!
//! Whatever is kept is kept by a [`Store`]: whole or not at all, on the disk when the call returns, private where it is secret, and
//! never in place of what somebody else put there. [`FolderStore`] keeps it in folders; [`CrashStore`] is the same on a disk in
//! memory that forgets what was not waited for. [`Job`] is one piece of work on one chip, which the next run finds again.

mod clock;
pub mod crash;
pub mod disk;
mod error;
pub mod files;
mod folder;
mod job;
mod journal;
mod new_file;
mod path;
#[cfg(test)]
mod processes;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

pub use self::{
    clock::WallClock,
    crash::CrashStore,
    error::{StoreError, row_of},
    folder::{FolderStore, NewFolder},
    job::{Base, Found, Job, Unfinished, find, list_unfinished, unfinished},
    journal::{Header, Kind, Line, Match, Record, Subject},
    new_file::{Content, Made, NewFile},
    path::FilePath,
};

/// Who may read a file, or look into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Its owner only.
    Secret,
    /// Everybody whom the owner's umask lets.
    Public,
}

/// What may be done with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Nothing.
    Never,
    /// It is replaced as a whole.
    Whole,
}

impl Replace {
    /// As a person says it: `--force` or not.
    pub const fn forced(force: bool) -> Self {
        if force { Self::Whole } else { Self::Never }
    }
}

/// Keeps things. Names are paths; what a call has returned for is there after a power cut.
pub trait Store: fmt::Debug + Send + Sync {
    /// The time of day.
    fn clock(&self) -> WallClock;

    /// Puts a file where it is to be, whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::File`].
    fn put(&self, name: &Path, bytes: &[u8], secrecy: Secrecy, replace: Replace) -> Result<(), StoreError>;

    /// Reads a file of at most `largest` bytes; `None` if it is not there. A link is not followed.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::NoFile`], [`StoreError::TooLarge`].
    fn read(&self, name: &Path, largest: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// The folders in a folder, by name; none where there is no such folder. Links are none.
    ///
    /// # Errors
    /// [`StoreError::File`].
    fn folders(&self, base: &Path) -> Result<Vec<PathBuf>, StoreError>;

    /// Makes a folder and those it lies in, where they are missing.
    ///
    /// # Errors
    /// [`StoreError::File`].
    fn make_folder(&self, folder: &Path, secrecy: Secrecy) -> Result<(), StoreError>;

    /// Makes a folder that nobody else has: `NAME`, or `NAME-2` and so on; and those it lies in. Only its owner may look into it.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::TooMany`].
    fn claim(&self, base: &Path, name: &str) -> Result<PathBuf, StoreError>;

    /// Keeps all others out of a folder until what is returned is dropped, and clears it of what earlier runs left half-made.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::NoLock`].
    fn hold(&self, folder: &Path) -> Result<Box<dyn disk::Lock>, StoreError>;

    /// Goes on with a file behind its first `good` bytes; the rest is cut off. To be done only while the folder is held.
    ///
    /// # Errors
    /// [`StoreError::File`].
    fn log(&self, name: &Path, good: u64) -> Result<Box<dyn Log>, StoreError>;
}

/// A file that only grows.
pub trait Log: fmt::Debug + Send + Sync {
    /// Adds a line. If that fails, nothing of it is left for the next one to stand behind.
    ///
    /// # Errors
    /// [`StoreError::File`].
    fn append(&mut self, line: &[u8]) -> Result<(), StoreError>;

    /// How many bytes there are.
    fn length(&self) -> u64;
}

/// The folder that something lies in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
