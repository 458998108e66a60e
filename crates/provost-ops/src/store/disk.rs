//! What a store asks of an operating system: its calls one by one, so that a disk in memory can stand in for it and forget.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use zeroize::Zeroizing;

use super::{Replace, Secrecy};

/// What is on the disk for good once a sync has returned. Every sync of a store names its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// A folder's name, in the folder it lies in.
    FolderName,
    /// What is in a file, before the file gets its name.
    Content,
    /// A file's name.
    Name,
    /// What is in a file of a set.
    SetContent,
    /// The names of the files of a set, before the set gets its name.
    SetNames,
    /// The name of a set.
    SetName,
    /// The name of a folder that a job has claimed.
    Claim,
    /// A record of a journal.
    Record,
    /// The records that an earlier run wrote, and that may not have been waited for.
    EarlierRecords,
    /// The names of the files that an earlier run wrote.
    EarlierNames,
    /// What is in a file that somebody else wrote.
    GivenContent,
    /// The names of files that somebody else wrote.
    GivenNames,
    /// The name of the folder that they lie in, and of those above it.
    GivenFolder,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::FolderName,
        Self::Content,
        Self::Name,
        Self::SetContent,
        Self::SetNames,
        Self::SetName,
        Self::Claim,
        Self::Record,
        Self::EarlierRecords,
        Self::EarlierNames,
        Self::GivenContent,
        Self::GivenNames,
        Self::GivenFolder,
    ];
}

/// What a name stands for. A link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link.
    Link,
    /// A device, a pipe, a socket.
    Special,
}

impl Item {
    /// In words.
    pub const fn what(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Link => "a link",
            Self::Special => "a device or a pipe",
        }
    }
}

/// How a file that is there is opened. Nothing but a file is, and nothing waits for the other end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// For reading. A person may have named a link.
    Read,
    /// For reading; a link is refused.
    ReadOwn,
    /// For writing at its end; a link is refused.
    Append,
}

/// A disk. Paths are taken as they are; every call does one thing.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes one folder, which is not there yet.
    ///
    /// # Errors
    /// As the operating system has them.
    fn make_folder(&self, path: &Path, secrecy: Secrecy) -> io::Result<()>;

    /// Makes a file, which is not there yet.
    ///
    /// # Errors
    /// As the operating system has them.
    fn make_file(&self, path: &Path, secrecy: Secrecy) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file.
    ///
    /// # Errors
    /// As the operating system has them; [`io::ErrorKind::InvalidInput`] where there is something else than a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;

    /// What is there.
    ///
    /// # Errors
    /// As the operating system has them; that nothing is there is none.
    fn look(&self, path: &Path) -> io::Result<Option<Item>>;

    /// The names in a folder.
    ///
    /// # Errors
    /// As the operating system has them.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Gives a file or a folder another name in the same folder. Replaces files only.
    ///
    /// # Errors
    /// As the operating system has them.
    fn rename(&self, from: &Path, to: &Path, replace: Replace) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system has them.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// As the operating system has them.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    ///
    /// # Errors
    /// As the operating system has them.
    fn sync_folder(&self, path: &Path, promise: Promise) -> io::Result<()>;

    /// Locks a file or folder against other processes, until the lock is dropped; `None` if another one has it.
    ///
    /// # Errors
    /// As the operating system has them; the file system may have no locks.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// A lock, held until it is dropped.
pub trait Lock: fmt::Debug + Send + Sync {}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Writes at the end.
    ///
    /// # Errors
    /// As the operating system has them; some of the bytes may have been written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file off.
    ///
    /// # Errors
    /// As the operating system has them.
    fn set_length(&mut self, length: u64) -> io::Result<()>;

    /// Waits until what is in it is on the disk.
    ///
    /// # Errors
    /// As the operating system has them.
    fn sync(&mut self, promise: Promise) -> io::Result<()>;

    /// Reads it from its beginning, but no more than so many bytes.
    ///
    /// # Errors
    /// As the operating system has them.
    fn read(&mut self, most: u64) -> io::Result<Zeroizing<Vec<u8>>>;

    /// Locks it, waiting for others.
    ///
    /// # Errors
    /// As the operating system has them.
    fn lock(&mut self) -> io::Result<()>;
}

/// The disk of the computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn make_folder(&self, path: &Path, secrecy: Secrecy) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, if secrecy == Secrecy::Secret { 0o700 } else { 0o777 });
        #[cfg(not(unix))]
        let _ = secrecy;
        builder.create(path)
    }

    fn make_file(&self, path: &Path, secrecy: Secrecy) -> io::Result<Box<dyn DiskFile>> {
        // Made with its mode, so that nobody can have opened it before.
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secrecy == Secrecy::Secret { 0o600 } else { 0o666 });
        #[cfg(not(unix))]
        let _ = secrecy;
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(open(path, how)?))
    }

    fn look(&self, path: &Path) -> io::Result<Option<Item>> {
        match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(item(meta.file_type()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.file_name())).collect()
    }

    fn rename(&self, from: &Path, to: &Path, replace: Replace) -> io::Result<()> {
        match replace {
            Replace::Whole => fs::rename(from, to),
            // A folder replaces at most an empty one (POSIX rename).
            Replace::Never if fs::symlink_metadata(from)?.is_dir() => match self.look(to)? {
                None | Some(Item::Folder) => fs::rename(from, to),
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            },
            Replace::Never => {
                let mut from = tempfile::TempPath::try_from_path(from)?;
                from.disable_cleanup(true);
                from.persist_noclobber(to).map_err(|e| e.error)
            }
        }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_folder(&self, path: &Path, _: Promise) -> io::Result<()> {
        // Elsewhere a folder cannot be opened, and names are on the disk with their files.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let file = match fs::symlink_metadata(path) {
            Ok(meta) if meta.is_dir() => File::open(path)?,
            // A network file system locks only what is open for writing.
            _ => open(path, Open::Append)?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            // WASI has no locks; what it runs in sees to it that a folder is one program's.
            Err(fs::TryLockError::Error(error))
                if cfg!(target_os = "wasi") && error.kind() == io::ErrorKind::Unsupported =>
            {
                Ok(Some(Box::new(file)))
            }
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn item(kind: fs::FileType) -> Item {
    match kind {
        kind if kind.is_file() => Item::File,
        kind if kind.is_dir() => Item::Folder,
        kind if kind.is_symlink() => Item::Link,
        _ => Item::Special,
    }
}

fn open(path: &Path, how: Open) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(how == Open::Append);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let own = if how == Open::Read { OFlags::empty() } else { OFlags::NOFOLLOW };
        // Opening a pipe would wait for its other end.
        let flags = (own | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    let file = options.open(path)?;
    match item(file.metadata()?.file_type()) {
        Item::File => Ok(file),
        other => Err(io::Error::new(io::ErrorKind::InvalidInput, other.what())),
    }
}

impl Lock for File {}

impl DiskFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self, _: Promise) -> io::Result<()> {
        self.sync_all()
    }

    fn read(&mut self, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        io::Seek::rewind(self)?;
        // Room for all of it, so that no copy of a secret is left behind when the vector grows.
        let room = self.metadata()?.len().min(most).saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or(0)));
        io::Read::by_ref(self).take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn lock(&mut self) -> io::Result<()> {
        Self::lock(self)
    }
}
