//! A store of folders and files.

use std::{
    ffi::OsStr,
    io,
    path::{Component, Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    Log, NewFile, Replace, Secrecy, Store, StoreError, WallClock,
    disk::{Disk, DiskFile, Item, Lock, Open, OsDisk, Promise},
    parent,
};

/// What a file or a set is called until it is whole: hidden, and recognised again as ours by a later run.
const TEMPORARY: &str = ".provost-";
const PART: &str = ".part";
const SET: &str = ".set";
/// Held while somebody works in a folder. A file of its own: some systems let nobody read what is locked.
const LOCK: &str = ".lock";
/// Nobody works more often on one chip, or replaces one set.
const MOST: u32 = 10_000;

/// Keeps files in folders on a disk.
#[derive(Debug, Clone, Default)]
pub struct FolderStore<D = OsDisk> {
    disk: D,
    clock: WallClock,
}

impl FolderStore {
    /// On the disk of the computer.
    pub const fn new() -> Self {
        Self { disk: OsDisk, clock: WallClock::SYSTEM }
    }
}

impl<D: Disk + Clone + 'static> FolderStore<D> {
    /// On this disk.
    pub const fn on(disk: D, clock: WallClock) -> Self {
        Self { disk, clock }
    }

    /// The disk.
    pub const fn disk(&self) -> &D {
        &self.disk
    }

    /// Makes a folder and those it lies in, each on the disk before the next.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn make_folders(&self, folder: &Path, secrecy: Secrecy) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        let mut path = folder;
        loop {
            match self.disk.look(path).map_err(file(path))? {
                None => missing.push(path),
                // A link to a folder will do: a person put it there.
                Some(Item::Folder | Item::Link) => break,
                Some(_) => return Err(file(path)(io::ErrorKind::NotADirectory.into())),
            }
            if parent(path) == path {
                break;
            }
            path = parent(path);
        }
        // The last one that is there may have been made by a run that ended before it had waited for its name.
        if path.components().next_back().is_some_and(|c| matches!(c, Component::Normal(_))) {
            self.sync_name(path, Promise::FolderName)?;
        }
        for path in missing.into_iter().rev() {
            match self.disk.make_folder(path, secrecy) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(file(path)(error)),
                _ => self.disk.sync_folder(parent(path), Promise::FolderName).map_err(file(path))?,
            }
        }
        Ok(())
    }

    /// Waits for the name of something that we did not make, in a folder that may be closed to us, or of a kind that cannot be waited
    /// for (POSIX `fsync`: EINVAL).
    fn sync_name(&self, path: &Path, promise: Promise) -> Result<(), StoreError> {
        match self.disk.sync_folder(parent(path), promise) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
                Err(file(path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Builds a folder of files beside its place. It is there whole, once [`NewFolder::place`] has returned, or not at all.
    ///
    /// # Errors
    /// [`StoreError::Exists`] unless it may be replaced; [`StoreError::File`].
    pub fn new_folder(
        &self,
        place: &Path,
        files: &[NewFile],
        replace: Replace,
    ) -> Result<NewFolder<'_, D>, StoreError> {
        self.is_free(place, replace)?;
        let base = parent(place);
        self.make_folders(base, Secrecy::Secret)?;
        self.sweep(base);
        let folder = base.join(temporary(SET).map_err(file(base))?);
        self.disk.make_folder(&folder, Secrecy::Secret).map_err(file(&folder))?;
        // Where folders cannot be locked, what a killed run leaves is not cleared away.
        let lock = self.disk.lock(&folder).ok().flatten();
        let mut new =
            NewFolder { store: self, folder, place: place.to_owned(), replace, files: Vec::new(), _lock: lock };
        for file_of_set in files {
            let name = file_of_set.path.file_name().unwrap_or_default().to_owned();
            let path = new.folder.join(&name);
            new.files.push(path.clone());
            let mut open = self.disk.make_file(&path, file_of_set.secrecy).map_err(file(&path))?;
            open.write(file_of_set.bytes.bytes()).map_err(file(&path))?;
            open.sync(Promise::SetContent).map_err(file(&path))?;
        }
        self.disk.sync_folder(&new.folder, Promise::SetNames).map_err(file(&new.folder))?;
        Ok(new)
    }

    /// Waits until a folder that a person or another program wrote is on the disk: its files, their names, and its own.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn settle(&self, folder: &Path) -> Result<(), StoreError> {
        for name in self.disk.list(folder).map_err(file(folder))? {
            let path = folder.join(name);
            // A link to a key is a person's own doing; what it leads to is waited for.
            match self.disk.open(&path, Open::Read) {
                Ok(mut open) => open.sync(Promise::GivenContent).map_err(file(&path))?,
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                Err(error) => return Err(file(&path)(error)),
            }
        }
        self.disk.sync_folder(folder, Promise::GivenNames).map_err(file(folder))?;
        let mut path = folder;
        while path.components().next_back().is_some_and(|c| matches!(c, Component::Normal(_))) {
            self.sync_name(path, Promise::GivenFolder)?;
            path = parent(path);
        }
        Ok(())
    }

    fn is_free(&self, path: &Path, replace: Replace) -> Result<(), StoreError> {
        match self.disk.look(path).map_err(file(path))? {
            None => Ok(()),
            Some(Item::Folder) if self.disk.list(path).map_err(file(path))?.is_empty() => Ok(()),
            Some(_) if replace == Replace::Whole => Ok(()),
            Some(_) => Err(StoreError::Exists { path: path.to_owned() }),
        }
    }

    /// Removes what killed runs left half-made: ours by its name, and held by nobody. What is empty may just be begun.
    fn sweep(&self, folder: &Path) {
        for name in self.disk.list(folder).unwrap_or_default() {
            let path = folder.join(&name);
            let _ = match ending(&name) {
                Some(PART) => self.sweep_file(&path),
                Some(SET) => self.sweep_set(&path),
                _ => Ok(()),
            };
        }
    }

    fn sweep_file(&self, path: &Path) -> io::Result<()> {
        let Some(_lock) = self.disk.lock(path)? else { return Ok(()) };
        let begun = !self.disk.open(path, Open::ReadOwn)?.read(1)?.is_empty();
        if begun { self.disk.remove_file(path) } else { Ok(()) }
    }

    fn sweep_set(&self, folder: &Path) -> io::Result<()> {
        if self.disk.look(folder)? != Some(Item::Folder) {
            return Ok(());
        }
        let Some(_lock) = self.disk.lock(folder)? else { return Ok(()) };
        let names = self.disk.list(folder)?;
        if names.is_empty() {
            return Ok(());
        }
        names.iter().try_for_each(|name| self.disk.remove_file(&folder.join(name)))?;
        self.disk.remove_folder(folder)
    }

    /// A file under a name of its own, ready to get the right one.
    fn draft(&self, folder: &Path, bytes: &[u8], secrecy: Secrecy) -> io::Result<(PathBuf, Box<dyn DiskFile>)> {
        let path = folder.join(temporary(PART)?);
        let mut open = self.disk.make_file(&path, secrecy)?;
        // Against a sweep; without locks nothing is swept.
        let _ = open.lock();
        match open.write(bytes).and_then(|()| open.sync(Promise::Content)) {
            Ok(()) => Ok((path, open)),
            Err(error) => {
                let _ = self.disk.remove_file(&path);
                Err(error)
            }
        }
    }
}

impl<D: Disk + Clone + 'static> Store for FolderStore<D> {
    fn clock(&self) -> WallClock {
        self.clock
    }

    fn put(&self, name: &Path, bytes: &[u8], secrecy: Secrecy, replace: Replace) -> Result<(), StoreError> {
        if replace == Replace::Never && self.disk.look(name).map_err(file(name))?.is_some() {
            return Err(StoreError::Exists { path: name.to_owned() });
        }
        let (draft, open) = self.draft(parent(name), bytes, secrecy).map_err(file(name))?;
        if let Err(error) = self.disk.rename(&draft, name, replace) {
            let _ = self.disk.remove_file(&draft);
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => StoreError::Exists { path: name.to_owned() },
                _ => file(name)(error),
            });
        }
        drop(open);
        self.disk.sync_folder(parent(name), Promise::Name).map_err(file(name))
    }

    fn read(&self, name: &Path, largest: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        read(&self.disk, name, Open::ReadOwn, largest)
    }

    fn folders(&self, base: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let mut names = match self.disk.list(base) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names.map_err(file(base))?,
        };
        names.sort();
        let paths = names.into_iter().map(|name| base.join(name));
        Ok(paths.filter(|path| matches!(self.disk.look(path), Ok(Some(Item::Folder)))).collect())
    }

    fn claim(&self, base: &Path, name: &str) -> Result<PathBuf, StoreError> {
        self.make_folders(base, Secrecy::Secret)?;
        for n in 1..MOST {
            let folder = base.join(numbered(name, n));
            match self.disk.make_folder(&folder, Secrecy::Secret) {
                Ok(()) => {
                    self.disk.sync_folder(base, Promise::Claim).map_err(file(&folder))?;
                    return Ok(folder);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(file(&folder)(error)),
            }
        }
        Err(StoreError::TooMany { base: base.to_owned() })
    }

    fn make_folder(&self, folder: &Path, secrecy: Secrecy) -> Result<(), StoreError> {
        self.make_folders(folder, secrecy)
    }

    fn hold(&self, folder: &Path) -> Result<Box<dyn Lock>, StoreError> {
        let no_lock = |source| StoreError::NoLock { folder: folder.to_owned(), source };
        let path = folder.join(LOCK);
        match self.disk.make_file(&path, Secrecy::Secret) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(file(&path)(error)),
            _ => {}
        }
        match self.disk.lock(&path).map_err(no_lock)? {
            Some(lock) => {
                self.sweep(folder);
                Ok(lock)
            }
            None => Err(StoreError::Busy { folder: folder.to_owned() }),
        }
    }

    fn log(&self, name: &Path, good: u64) -> Result<Box<dyn Log>, StoreError> {
        let open = || -> io::Result<Box<dyn DiskFile>> {
            let mut open = self.disk.open(name, Open::Append)?;
            open.set_length(good)?;
            // An earlier run may have been killed between writing and waiting, and what it wrote is relied on now.
            open.sync(Promise::EarlierRecords)?;
            self.disk.sync_folder(parent(name), Promise::EarlierNames)?;
            Ok(open)
        };
        Ok(Box::new(FileLog { path: name.to_owned(), file: open().map_err(file(name))?, length: good, unsure: false }))
    }
}

/// Reads a file of at most `largest` bytes, if it is there.
pub(super) fn read(
    disk: &dyn Disk,
    path: &Path,
    how: Open,
    largest: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut open = match disk.open(path, how) {
        Ok(open) => open,
        Err(error) => {
            return match disk.look(path) {
                Ok(None) => Ok(None),
                Ok(Some(item)) if item != Item::File && error.kind() == io::ErrorKind::InvalidInput => {
                    Err(StoreError::NoFile { path: path.to_owned(), what: item.what() })
                }
                Ok(Some(item @ (Item::Folder | Item::Special))) => {
                    Err(StoreError::NoFile { path: path.to_owned(), what: item.what() })
                }
                Ok(Some(Item::Link)) if how != Open::Read => {
                    Err(StoreError::NoFile { path: path.to_owned(), what: Item::Link.what() })
                }
                _ => Err(file(path)(error)),
            };
        }
    };
    // One byte more than may be there: what a file says of its own size is not relied on.
    let bytes = open.read(largest.saturating_add(1)).map_err(file(path))?;
    if bytes.len() as u64 > largest {
        return Err(StoreError::TooLarge { path: path.to_owned(), largest });
    }
    Ok(Some(bytes))
}

/// A folder of files that has not got its name yet. Dropped, it is removed.
#[derive(Debug)]
pub struct NewFolder<'a, D: Disk + Clone + 'static = OsDisk> {
    store: &'a FolderStore<D>,
    folder: PathBuf,
    place: PathBuf,
    replace: Replace,
    files: Vec<PathBuf>,
    _lock: Option<Box<dyn Lock>>,
}

impl<D: Disk + Clone + 'static> NewFolder<'_, D> {
    /// Where it lies for now, to be read back.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Gives it its name. What was there under this name is kept under another one, which is returned.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::File`].
    pub fn place(mut self) -> Result<Option<PathBuf>, StoreError> {
        let (disk, place) = (&self.store.disk, &self.place);
        let aside = if self.store.is_free(place, Replace::Never).is_err() && self.replace == Replace::Whole {
            Some(self.store.move_aside(place)?)
        } else {
            None
        };
        if let Err(error) = disk.rename(&self.folder, place, Replace::Never) {
            if let Some(aside) = &aside {
                let _ = disk.rename(aside, place, Replace::Never);
            }
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                    StoreError::Exists { path: place.clone() }
                }
                _ => file(place)(error),
            });
        }
        self.files.clear();
        self.folder.clone_from(&self.place);
        disk.sync_folder(parent(place), Promise::SetName).map_err(file(place))?;
        Ok(aside)
    }
}

impl<D: Disk + Clone + 'static> FolderStore<D> {
    /// Gives what is there another name, `NAME.old-1` and so on: nothing that somebody may need is deleted.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::TooMany`].
    pub fn move_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let base = parent(path);
        for n in 1..MOST {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".old-{n}"));
            let aside = base.join(name);
            if self.disk.look(&aside).map_err(file(&aside))?.is_none() {
                self.disk.rename(path, &aside, Replace::Never).map_err(file(path))?;
                return Ok(aside);
            }
        }
        Err(StoreError::TooMany { base: base.to_owned() })
    }
}

impl<D: Disk + Clone + 'static> Drop for NewFolder<'_, D> {
    fn drop(&mut self) {
        if self.folder != self.place {
            let disk = &self.store.disk;
            self.files.iter().for_each(|path| drop(disk.remove_file(path)));
            let _ = disk.remove_folder(&self.folder);
        }
    }
}

#[derive(Debug)]
struct FileLog {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    length: u64,
    /// A line that failed may be there in part.
    unsure: bool,
}

impl Log for FileLog {
    fn append(&mut self, line: &[u8]) -> Result<(), StoreError> {
        let failed = file(&self.path);
        if self.unsure {
            self.file.set_length(self.length).map_err(&failed)?;
        }
        self.unsure = true;
        let written = self.file.write(line).and_then(|()| self.file.sync(Promise::Record));
        if let Err(error) = written {
            self.unsure = self.file.set_length(self.length).is_err();
            return Err(failed(error));
        }
        self.unsure = false;
        self.length += line.len() as u64;
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }
}

fn numbered(name: &str, n: u32) -> String {
    if n == 1 { name.to_owned() } else { format!("{name}-{n}") }
}

fn temporary(ending: &str) -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!("{TEMPORARY}{:016x}{ending}", u64::from_le_bytes(random)))
}

/// Whether a name is one that [`temporary`] made, and how it ends.
fn ending(name: &OsStr) -> Option<&'static str> {
    let (random, end) = name.to_str()?.strip_prefix(TEMPORARY)?.split_at_checked(16)?;
    let hexadecimal = random.bytes().all(|b| b.is_ascii_hexdigit());
    [PART, SET].into_iter().find(|known| hexadecimal && *known == end)
}

pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::File { path: path.clone(), source }
}
