//! Why something is not kept, or is not read.

use std::{io, path::PathBuf};

use crate::fault::{Row, faults, files, find_in};

faults! {
    /// What can be wrong with files, folders and journals.
    pub enum StoreError (fault by told) {
        /// A file cannot be read or written.
        #[error("file {}: {source}", path.display())]
        File {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "file-io", Failed {
            causes: ["it is not there, or may not be read or written by you", "the disk is full or read-only"],
            next: ["mend what is said of the file, then run the same command again"],
        }
        /// Something is in the way.
        #[error("{} is there already; nothing was overwritten", path.display())]
        Exists {
            /// What is there.
            path: PathBuf,
        } = "file-exists", Refused {
            causes: ["it was made before, by you or by an earlier run"],
            next: ["choose another name, or --force where the command has it"],
        }
        /// A folder, a device or a pipe where a file should be.
        #[error("{} is no file: {what} is not read", path.display())]
        NoFile {
            /// What is there.
            path: PathBuf,
            /// What it is.
            what: &'static str,
        } = "file-kind", Failed {
            causes: ["another name was meant", "the output of a program was given as a pipe"],
            next: ["give the name of a file; write what comes out of a pipe to a file first"],
        }
        /// A file that is too large to be what it should be.
        #[error("{} is larger than any such file is (at most {largest} bytes)", path.display())]
        TooLarge {
            /// The file.
            path: PathBuf,
            /// The most that would have been read.
            largest: u64,
        } = "file-too-large", Failed {
            causes: ["another file was meant"],
            next: ["check the name"],
        }
        /// The journal, or the folder that it is to lie in, cannot be read or written.
        #[error("journal {}: {source}", path.display())]
        Journal {
            /// The file or folder.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "journal-io", Failed {
            causes: ["the disk is full or read-only", "the folder belongs to somebody else"],
            next: ["make room or name another folder with --out, then run the same command again: nothing was done that the journal does not say"],
        }
        /// A journal with a line that is not as it was written.
        #[error("journal {} is damaged at byte {at}", path.display())]
        JournalDamaged {
            /// The journal.
            path: PathBuf,
            /// Where the first bad line begins.
            at: u64,
        } = "journal-damaged", PersonMustAct {
            causes: ["the file was edited or copied in part", "the disk lost data"],
            next: [
                "keep its folder: the credential in it may be the one that the chip holds",
                "bring the file back from a copy; or name another folder with --out, and give the credential with --credential",
            ],
        }
        /// A journal that a newer version wrote.
        #[error("journal {} was written by a newer version: {what}", path.display())]
        JournalNewer {
            /// The journal.
            path: PathBuf,
            /// What is not known here.
            what: String,
        } = "journal-newer", PersonMustAct {
            causes: ["the work was begun with a newer version of this program"],
            next: ["go on with that version: this one would not understand how far it came"],
        }
        /// A file that is called a journal and is none of ours.
        #[error("{} is no journal of this program", path.display())]
        JournalForeign {
            /// The file.
            path: PathBuf,
        } = "journal-foreign", Refused {
            causes: ["another program, or a person, put a file of this name there"],
            next: ["name another folder; the file was not touched"],
        }
        /// Somebody went on with the work between the look at it and the lock.
        #[error("journal {}: another run went on with it meanwhile", path.display())]
        JournalChanged {
            /// The journal.
            path: PathBuf,
        } = "journal-changed", PersonMustAct {
            causes: ["two runs were started for the same chip"],
            next: ["wait until the other one has ended, then run the same command again"],
        }
        /// A journal that has grown beyond what is read again.
        #[error("journal {} is full", path.display())]
        JournalFull {
            /// The journal.
            path: PathBuf,
        } = "journal-full", Failed {
            causes: ["the same work was begun over and over without coming to an end"],
            next: ["keep its folder, and name another one with --out"],
        }
        /// Another process works in the folder.
        #[error("another process is at work in {}", folder.display())]
        Busy {
            /// The folder.
            folder: PathBuf,
        } = "folder-busy", PersonMustAct {
            causes: ["two runs were started for the same chip"],
            next: ["wait until the other one has ended, then run the same command again; nothing was done"],
        }
        /// The folder cannot be locked, so nobody could be kept out of it.
        #[error("{} cannot be locked: {source}", folder.display())]
        NoLock {
            /// The folder.
            folder: PathBuf,
            /// Why.
            source: io::Error,
        } = "folder-lock", Failed {
            causes: ["the file system has no locks, as some network folders"],
            next: ["name a folder on a local disk with --out"],
        }
        /// No name is left.
        #[error("{} has too many folders of this name", base.display())]
        TooMany {
            /// The folder they lie in.
            base: PathBuf,
        } = "folder-too-many", Failed {
            causes: ["work on one chip was begun over and over"],
            next: ["move old folders elsewhere, or name another one with --out"],
        }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::File { source, .. } => source,
            StoreError::TooLarge { .. } => Self::new(io::ErrorKind::FileTooLarge, error),
            _ => Self::new(io::ErrorKind::InvalidInput, error),
        }
    }
}

impl StoreError {
    /// The row that speaks for it: that of what the operating system says of a file.
    pub(crate) fn told(&self) -> &'static Row {
        match self {
            Self::File { source, .. } => row_of(source, self.row()),
            _ => self.row(),
        }
    }

    /// The same about a journal or its folder, where it is about any file.
    pub(super) fn of_journal(self) -> Self {
        match self {
            Self::File { path, source } => Self::Journal { path, source },
            Self::Exists { path } => Self::Journal { path, source: io::ErrorKind::AlreadyExists.into() },
            other => other,
        }
    }
}

/// The row of an error of the operating system: the module's own if it means the same to a script, and one of these if not.
pub fn row_of(error: &io::Error, own: &'static Row) -> &'static Row {
    if let Some(inside) = error.get_ref().and_then(|inside| inside.downcast_ref::<StoreError>()) {
        return inside.told();
    }
    use io::ErrorKind::{AlreadyExists, InvalidData, InvalidFilename, InvalidInput, NotADirectory, NotFound};
    let code = match error.kind() {
        NotFound => "file-missing",
        InvalidFilename | InvalidInput => "file-name",
        AlreadyExists => "file-exists",
        InvalidData | NotADirectory => "file-malformed",
        _ => "file-io",
    };
    let shared = find_in(files::ROWS, code).unwrap_or(own);
    if own.exit == shared.exit && code != "file-exists" { own } else { shared }
}
