//! A disk in memory that forgets: a power cut at any step leaves what was waited for, and of the rest whatever it likes.
//!
//! What it may forget is what POSIX lets a disk forget: a name until its folder was synced, a file's content until the file was. It
//! may forget the one and keep the other. A rename is one change: both names or none (as journalling file systems have it).

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Component, Path},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zeroize::Zeroizing;

use super::{
    FolderStore, Replace, Secrecy,
    disk::{Disk, DiskFile, Item, Lock, Open, Promise},
};

/// A store on a disk that forgets.
pub type CrashStore = FolderStore<CrashDisk>;

type Id = usize;
const ROOT: Id = 0;

#[derive(Debug, Clone)]
enum Node {
    File { now: Vec<u8>, kept: Vec<u8> },
    Folder { now: BTreeMap<OsString, Id>, kept: BTreeMap<OsString, Id>, changes: Vec<Change> },
}

/// Names that change together.
type Change = Vec<(OsString, Option<Id>)>;

#[derive(Debug, Clone)]
struct State {
    nodes: Vec<Node>,
    locked: BTreeSet<Id>,
    steps: u64,
    end: Option<u64>,
    ignored: Option<Promise>,
}

/// A disk that forgets. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct CrashDisk(Arc<Mutex<State>>);

impl Default for CrashDisk {
    fn default() -> Self {
        Self::of(State { nodes: vec![folder()], locked: BTreeSet::new(), steps: 0, end: None, ignored: None })
    }
}

impl CrashDisk {
    fn of(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many steps were done that change something or wait.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Ends everything after so many more steps: what is tried then fails, and nothing of it is done.
    pub fn end_after(&self, steps: u64) {
        let mut state = self.state();
        state.end = Some(state.steps + steps);
    }

    /// Takes these syncs for done without waiting.
    pub fn ignore(&self, promise: Option<Promise>) {
        self.state().ignored = promise;
    }

    /// The disk after the process was killed: nothing is forgotten, and nothing is locked.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let state = self.state().clone();
        Self::of(State { locked: BTreeSet::new(), end: None, ..state })
    }

    /// The disk after a power cut. With luck 0 it has what was waited for, with [`u64::MAX`] everything; else `luck` draws for each
    /// change and each file that nobody waited for.
    #[must_use]
    pub fn after_power_cut(&self, luck: u64) -> Self {
        let mut state = self.after_kill().state().clone();
        let mut draw = Draw(luck);
        for node in &mut state.nodes {
            match node {
                Node::File { now, kept } => {
                    if now != kept {
                        *kept = draw.content(now, kept);
                    }
                    now.clone_from(kept);
                }
                Node::Folder { now, kept, changes } => {
                    for change in std::mem::take(changes) {
                        if draw.yes() {
                            apply(kept, &change);
                        }
                    }
                    now.clone_from(kept);
                }
            }
        }
        Self::of(state)
    }

    /// Writes as a program does that waits for nothing, making the folders it needs.
    ///
    /// # Errors
    /// There is a file where a folder should be.
    pub fn scatter(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folders: Vec<&Path> = path.ancestors().skip(1).filter(|p| p.file_name().is_some()).collect();
        for folder in folders.into_iter().rev() {
            if self.look(folder)?.is_none() {
                self.make_folder(folder, Secrecy::Public)?;
            }
        }
        self.make_file(path, Secrecy::Public)?.write(bytes)
    }
}

/// Luck, spread over what there is to draw for.
struct Draw(u64);

impl Draw {
    /// A number from it (splitmix64).
    fn next(&mut self) -> u64 {
        if self.0 == 0 || self.0 == u64::MAX {
            return self.0;
        }
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // Neither of the two that mean all or nothing.
        (z ^ (z >> 31)).clamp(1, u64::MAX - 1)
    }

    fn yes(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// What a file holds that was not waited for: old, new, cut off, or with a hole where a sector was not written.
    fn content(&mut self, now: &[u8], kept: &[u8]) -> Vec<u8> {
        let at = match self.next() {
            0 => return kept.to_vec(),
            u64::MAX => return now.to_vec(),
            random => (random >> 8) as usize % (now.len() + 1),
        };
        match self.next() % 4 {
            0 => kept.to_vec(),
            1 => now.to_vec(),
            2 => now[..at.max(kept.len().min(now.len()))].to_vec(),
            _ => {
                let mut hole = now.to_vec();
                let from = kept.len().min(now.len());
                hole[from..at.max(from)].fill(0);
                hole
            }
        }
    }
}

fn folder() -> Node {
    Node::Folder { now: BTreeMap::new(), kept: BTreeMap::new(), changes: Vec::new() }
}

fn apply(names: &mut BTreeMap<OsString, Id>, change: &Change) {
    for (name, id) in change {
        match id {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }
}

impl State {
    /// Counts a step, if there is still power.
    fn step(&mut self) -> io::Result<()> {
        self.alive()?;
        self.steps += 1;
        Ok(())
    }

    fn alive(&self) -> io::Result<()> {
        if self.end.is_some_and(|end| self.steps >= end) { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn find(&self, path: &Path) -> io::Result<Id> {
        let mut id = ROOT;
        for component in path.components() {
            if let Component::Normal(name) = component {
                let Some(Node::Folder { now, .. }) = self.nodes.get(id) else {
                    return Err(io::ErrorKind::NotADirectory.into());
                };
                id = *now.get(name).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(id)
    }

    fn change(&mut self, folder: &Path, change: Change) -> io::Result<()> {
        let id = self.find(folder)?;
        let Some(Node::Folder { now, changes, .. }) = self.nodes.get_mut(id) else {
            return Err(io::ErrorKind::NotADirectory.into());
        };
        apply(now, &change);
        changes.push(change);
        Ok(())
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<Id> {
        self.step()?;
        match self.find(path) {
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let id = self.nodes.len();
        self.change(above(path), vec![(name(path), Some(id))])?;
        self.nodes.push(node);
        Ok(id)
    }

    fn is_empty_folder(&self, id: Id) -> bool {
        matches!(self.nodes.get(id), Some(Node::Folder { now, .. }) if now.is_empty())
    }

    fn is_folder(&self, id: Id) -> bool {
        matches!(self.nodes.get(id), Some(Node::Folder { .. }))
    }
}

fn name(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_owned()
}

fn above(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

impl Disk for CrashDisk {
    fn make_folder(&self, path: &Path, _: Secrecy) -> io::Result<()> {
        self.state().add(path, folder()).map(drop)
    }

    fn make_file(&self, path: &Path, _: Secrecy) -> io::Result<Box<dyn DiskFile>> {
        let id = self.state().add(path, Node::File { now: Vec::new(), kept: Vec::new() })?;
        Ok(Box::new(CrashFile { disk: self.clone(), id, lock: None }))
    }

    fn open(&self, path: &Path, _: Open) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        state.alive()?;
        let id = state.find(path)?;
        if state.is_folder(id) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Box::new(CrashFile { disk: self.clone(), id, lock: None }))
    }

    fn look(&self, path: &Path) -> io::Result<Option<Item>> {
        let state = self.state();
        state.alive()?;
        match state.find(path) {
            Ok(id) => Ok(Some(if state.is_folder(id) { Item::Folder } else { Item::File })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state();
        state.alive()?;
        match state.nodes.get(state.find(folder)?) {
            Some(Node::Folder { now, .. }) => Ok(now.keys().cloned().collect()),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn rename(&self, from: &Path, to: &Path, replace: Replace) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        if above(from) != above(to) {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let id = state.find(from)?;
        if let Ok(there) = state.find(to) {
            let may = if state.is_folder(id) { state.is_empty_folder(there) } else { replace == Replace::Whole };
            if !may || state.is_folder(id) != state.is_folder(there) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
        }
        state.change(above(from), vec![(name(from), None), (name(to), Some(id))])
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let id = state.find(path)?;
        if state.is_folder(id) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        state.change(above(path), vec![(name(path), None)])
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let id = state.find(path)?;
        if !state.is_empty_folder(id) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.change(above(path), vec![(name(path), None)])
    }

    fn sync_folder(&self, path: &Path, promise: Promise) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let (id, ignored) = (state.find(path)?, state.ignored);
        match state.nodes.get_mut(id) {
            Some(Node::Folder { now, kept, changes }) if ignored != Some(promise) => {
                kept.clone_from(now);
                changes.clear();
                Ok(())
            }
            Some(Node::Folder { .. }) => Ok(()),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let mut state = self.state();
        state.alive()?;
        let id = state.find(path)?;
        let free = state.locked.insert(id);
        Ok(free.then(|| Box::new(CrashLock { disk: self.clone(), id }) as Box<dyn Lock>))
    }
}

#[derive(Debug)]
struct CrashLock {
    disk: CrashDisk,
    id: Id,
}

impl Lock for CrashLock {}

impl Drop for CrashLock {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.id);
    }
}

#[derive(Debug)]
struct CrashFile {
    disk: CrashDisk,
    id: Id,
    lock: Option<CrashLock>,
}

impl CrashFile {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>, Option<Promise>) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        state.step()?;
        let ignored = state.ignored;
        match state.nodes.get_mut(self.id) {
            Some(Node::File { now, kept }) => Ok(work(now, kept, ignored)),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }
}

impl DiskFile for CrashFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|now, _, _| now.extend_from_slice(bytes))
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.with(|now, _, _| now.resize(usize::try_from(length).unwrap_or(usize::MAX), 0))
    }

    fn sync(&mut self, promise: Promise) -> io::Result<()> {
        self.with(|now, kept, ignored| {
            if ignored != Some(promise) {
                kept.clone_from(now);
            }
        })
    }

    fn read(&mut self, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let state = self.disk.state();
        state.alive()?;
        match state.nodes.get(self.id) {
            Some(Node::File { now, .. }) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX).min(now.len());
                Ok(Zeroizing::new(now[..most].to_vec()))
            }
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn lock(&mut self) -> io::Result<()> {
        self.disk.state().locked.insert(self.id);
        self.lock = Some(CrashLock { disk: self.disk.clone(), id: self.id });
        Ok(())
    }
}
