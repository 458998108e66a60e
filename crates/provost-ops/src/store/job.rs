//! One piece of work on one chip: a folder of its own, a journal that says whose it is and how far it came, and the files it needs.
//!
//! What the journal announces is on the disk before it is done. The next run finds the work again by the chip, not by a name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;
use zeroize::Zeroizing;

use super::{
    FilePath, FolderStore, Log, Replace, Secrecy, Store, StoreError,
    disk::Lock,
    journal::{self, Header, Kind, LARGEST, Match, Record, Subject, Text},
};

const JOURNAL: &str = "journal";

/// Where work is kept: a folder in a store.
#[derive(Debug, Clone)]
pub struct Base {
    store: Arc<dyn Store>,
    path: PathBuf,
}

impl Base {
    /// A folder in this store.
    pub fn of(store: Arc<dyn Store>, path: impl Into<PathBuf>) -> Self {
        Self { store, path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}

impl From<&Self> for Base {
    fn from(base: &Self) -> Self {
        base.clone()
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Base {
    fn from(path: &P) -> Self {
        Self::of(Arc::new(FolderStore::new()), path.as_ref())
    }
}

/// Unfinished work, as its journal tells it. Finding it changes nothing on the disk.
#[derive(Debug)]
pub struct Found<R> {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is, and on which chip.
    pub header: Header,
    /// How far it came.
    pub records: Vec<R>,
    /// The last record was not written to its end.
    pub torn: bool,
    store: Arc<dyn Store>,
    /// Length and seal of what was read.
    read: (u64, u32),
}

/// All work of this kind under `base` that did not come to its end, the oldest first. Other kinds and what is not ours are passed
/// over.
///
/// # Errors
/// A journal is damaged or was written by a newer version: the error names it.
pub fn unfinished<R: Record>(base: impl Into<Base>, kind: Kind) -> Result<Vec<Found<R>>, StoreError> {
    search(&base.into(), kind, |_| true)
}

/// The same, but only work on this chip: that which is surely on it first, and then that which may be.
///
/// # Errors
/// As [`unfinished`], for a journal that may be about this chip.
pub fn find<R: Record>(base: impl Into<Base>, kind: Kind, subject: &Subject) -> Result<Vec<Found<R>>, StoreError> {
    let may_be = |header: &Header| header.subject.matches(subject) != Match::Other;
    let mut found = search(&base.into(), kind, may_be)?;
    found.sort_by_key(|found| found.matches(subject));
    Ok(found)
}

fn search<R: Record>(base: &Base, kind: Kind, wanted: impl Fn(&Header) -> bool) -> Result<Vec<Found<R>>, StoreError> {
    let store = &base.store;
    let mut all = Vec::new();
    for folder in store.folders(&base.path).map_err(StoreError::of_journal)? {
        let path = folder.join(JOURNAL);
        let Some(bytes) = look(store.as_ref(), &path)? else { continue };
        let Some(header) = journal::header(&path, &bytes, Some(kind))?.filter(&wanted) else { continue };
        let text = journal::read(&path, &bytes, header)?;
        if !text.over {
            let records = text.records.iter().map(|value| journal::record(&path, value)).collect::<Result<_, _>>()?;
            let Text { header, torn, good, seal, .. } = text;
            all.push(Found { folder, header, records, torn, store: Arc::clone(store), read: (good, seal) });
        }
    }
    all.sort_by(|a, b| a.header.time.cmp(&b.header.time));
    Ok(all)
}

/// A journal's bytes; `None` where there is none, or something that no journal of ours can be.
fn look(store: &dyn Store, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    match store.read(path, LARGEST) {
        Err(StoreError::NoFile { .. } | StoreError::TooLarge { .. }) => Ok(None),
        other => other.map_err(StoreError::of_journal),
    }
}

/// Unfinished work of any kind, for a list.
#[derive(Debug, Serialize)]
pub struct Unfinished {
    /// Its folder.
    pub folder: FilePath,
    /// What it is, and on which chip; not known if its first line is not readable.
    pub header: Option<Header>,
    /// How many records there are.
    pub records: usize,
    /// When the last of them was written, UTC.
    pub last: Option<String>,
    /// The last record was not written to its end.
    pub torn: bool,
    /// Why it cannot be gone on with.
    pub wrong: Option<String>,
}

/// Lists what is unfinished under `base`, damaged journals among it.
///
/// # Errors
/// The folder cannot be read.
pub fn list_unfinished(base: impl Into<Base>) -> Result<Vec<Unfinished>, StoreError> {
    let base = base.into();
    let mut all = Vec::new();
    for folder in base.store.folders(&base.path).map_err(StoreError::of_journal)? {
        let path = folder.join(JOURNAL);
        let mut header = None;
        let text = look(base.store.as_ref(), &path).and_then(|bytes| {
            let Some(bytes) = bytes else { return Ok(None) };
            header = journal::header(&path, &bytes, None)?;
            header.clone().map(|header| journal::read(&path, &bytes, header)).transpose()
        });
        match text {
            Ok(None) => {}
            Ok(Some(text)) if text.over => {}
            Ok(Some(Text { records, last, torn, .. })) => {
                let (records, last) = (records.len(), Some(last));
                all.push(Unfinished { folder: folder.into(), header, records, last, torn, wrong: None });
            }
            Err(error) => {
                let wrong = Some(error.to_string());
                all.push(Unfinished { folder: folder.into(), header, records: 0, last: None, torn: false, wrong });
            }
        }
    }
    Ok(all)
}

impl<R: Record> Found<R> {
    /// Whether a chip is the one that this was begun on.
    pub fn matches(&self, subject: &Subject) -> Match {
        self.header.subject.matches(subject)
    }

    /// Goes on with it: nobody else can meanwhile. A record that was not written to its end is cut off.
    ///
    /// # Errors
    /// [`StoreError::Busy`]; [`StoreError::JournalChanged`] if another run went on with it since it was found; it cannot be written.
    pub fn resume(self) -> Result<Job<R>, StoreError> {
        let Self { folder, header, records, store, read, .. } = self;
        let lock = store.hold(&folder).map_err(StoreError::of_journal)?;
        let path = folder.join(JOURNAL);
        let bytes = store.read(&path, LARGEST).map_err(StoreError::of_journal)?.unwrap_or_default();
        let now = journal::header(&path, &bytes, Some(header.kind))?
            .map(|header| journal::read(&path, &bytes, header))
            .transpose()?
            .ok_or_else(|| StoreError::JournalForeign { path: path.clone() })?;
        if (now.good, now.seal) != read {
            return Err(StoreError::JournalChanged { path });
        }
        let log = store.log(&path, now.good).map_err(StoreError::of_journal)?;
        Ok(Job { store, folder, path, header, records, log, _lock: lock })
    }
}

/// Work under way. Nobody else works in its folder until it is dropped.
#[derive(Debug)]
pub struct Job<R> {
    store: Arc<dyn Store>,
    folder: PathBuf,
    path: PathBuf,
    header: Header,
    records: Vec<R>,
    log: Box<dyn Log>,
    _lock: Box<dyn Lock>,
}

impl<R: Record> Job<R> {
    /// Begins: claims a folder under `base` and writes down what is to be done, and on which chip.
    ///
    /// # Errors
    /// The folder or the journal cannot be made.
    pub fn begin(base: impl Into<Base>, kind: Kind, subject: &Subject) -> Result<Self, StoreError> {
        let Base { store, path: base } = base.into();
        let begin = || {
            let folder = store.claim(&base, &slug(&subject.chip))?;
            let lock = store.hold(&folder)?;
            let path = folder.join(JOURNAL);
            let header = Header::new(kind, store.clock().text(), subject);
            let line = header.line().ok_or_else(|| unwritable(&path))?;
            store.put(&path, line.as_bytes(), Secrecy::Secret, Replace::Never)?;
            let log = store.log(&path, line.len() as u64)?;
            Ok(Self { store: Arc::clone(&store), folder, path, header, records: Vec::new(), log, _lock: lock })
        };
        begin().map_err(StoreError::of_journal)
    }

    /// Adds a record, and waits until it is on the disk.
    ///
    /// # Errors
    /// It cannot be written. What it announces must then not be done.
    pub fn record(&mut self, record: R) -> Result<(), StoreError> {
        let n = self.records.len() as u64 + 1;
        let line = journal::line(n, self.store.clock().text(), &record).ok_or_else(|| unwritable(&self.path))?;
        if self.log.length() + line.len() as u64 > LARGEST {
            return Err(StoreError::JournalFull { path: self.path.clone() });
        }
        self.log.append(line.as_bytes()).map_err(StoreError::of_journal)?;
        self.records.push(record);
        Ok(())
    }

    /// What the journal says so far.
    pub fn records(&self) -> &[R] {
        &self.records
    }

    /// What the work is, and on which chip.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its journal.
    pub fn journal(&self) -> &Path {
        &self.path
    }

    /// The store that it is in.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Puts a file into its folder, in place of an earlier one of this name; gives its path.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn put(&self, name: &str, bytes: &[u8], secrecy: Secrecy) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(name);
        self.store.put(&path, bytes, secrecy, Replace::Whole)?;
        Ok(path)
    }

    /// Reads a file of its folder, if it is there.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::NoFile`], [`StoreError::TooLarge`].
    pub fn read(&self, name: &str, largest: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.store.read(&self.folder.join(name), largest)
    }
}

/// A record that does not serialize: none of ours.
fn unwritable(path: &Path) -> StoreError {
    StoreError::Journal { path: path.to_owned(), source: std::io::ErrorKind::InvalidData.into() }
}

/// A name that every file system takes.
fn slug(chip: &str) -> String {
    let name = chip.rsplit(['/', '\\']).next().unwrap_or(chip);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(plain).take(60).collect();
    match text.trim_matches('-') {
        "" => "chip".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
