//! Where a rescue keeps its credential, its journal and its receipt: one folder per rescue, found again by the next run.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    error::{OpError, Result},
    fault::fail,
    journal::Journal,
};

const JOURNAL: &str = "journal";
/// Nobody rescues one chip more often.
const MOST: u32 = 10_000;

/// The folder of one rescue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueFolder {
    path: PathBuf,
}

impl RescueFolder {
    /// The folder under `base` for the chip called `chip`: that of an unfinished rescue of the same name, or a new one (not
    /// made yet). Boards whose files have the same name in different folders do not share one.
    ///
    /// # Errors
    /// A journal is there and cannot be read.
    pub fn choose(base: &Path, chip: &str) -> Result<Self> {
        let name = slug(chip);
        for n in 1..MOST {
            let path = base.join(if n == 1 { name.clone() } else { format!("{name}-{n}") });
            let journal = path.join(JOURNAL);
            if !journal.exists() {
                return Ok(Self { path });
            }
            let journal = Journal::open(&journal)?;
            if !journal.is_done() && journal.chip().is_none_or(|c| c == chip) {
                return Ok(Self { path });
            }
        }
        let source = io::Error::new(io::ErrorKind::AlreadyExists, "too many rescues of this name");
        fail(OpError::Journal { path: base.to_owned(), source })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the credential made for this rescue lies.
    pub fn credential(&self) -> PathBuf {
        self.path.join("credential")
    }

    /// The receipt.
    pub fn receipt(&self) -> PathBuf {
        self.path.join("receipt.json")
    }

    /// Whether a rescue was begun here; one that is finished gets a new folder.
    pub(super) fn is_unfinished(&self) -> bool {
        self.path.join(JOURNAL).exists()
    }

    /// Makes the folder and opens its journal.
    ///
    /// # Errors
    /// It cannot be made, or the journal is damaged.
    pub fn journal(&self) -> Result<Journal> {
        let error = |source| OpError::Journal { path: self.path.clone(), source };
        fs::create_dir_all(&self.path).map_err(error)?;
        let journal = Journal::open(&self.path.join(JOURNAL))?;
        sync(&self.path).map_err(error)?;
        if let Some(parent) = self.path.parent() {
            sync(parent).map_err(error)?;
        }
        Ok(journal)
    }
}

pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A name that every file system takes.
pub(crate) fn slug(chip: &str) -> String {
    let text: String = chip
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(chip)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(60)
        .collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "chip".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Record;

    #[test]
    fn an_unfinished_rescue_is_found_again_and_a_finished_one_is_not() {
        let base = tempfile::tempdir().unwrap();
        let first = RescueFolder::choose(base.path(), "twin:work/board.chip").unwrap();
        assert!(first.path().ends_with("board-chip"));
        let mut journal = first.journal().unwrap();
        journal.append(Record::CredentialSaved { root_key_hash: None }).unwrap();
        assert_eq!(RescueFolder::choose(base.path(), "twin:work/board.chip").unwrap(), first);
        journal.append(Record::Done).unwrap();
        let second = RescueFolder::choose(base.path(), "twin:work/board.chip").unwrap();
        assert!(second.path().ends_with("board-chip-2"));
    }

    #[test]
    fn boards_of_the_same_name_do_not_share_a_journal() {
        let base = tempfile::tempdir().unwrap();
        let first = RescueFolder::choose(base.path(), "twin:a/board.chip").unwrap();
        let begin = Record::Begin { chip: "twin:a/board.chip".into(), dev_id: 0x478, plan: "p".into() };
        first.journal().unwrap().append(begin).unwrap();
        assert_eq!(RescueFolder::choose(base.path(), "twin:a/board.chip").unwrap(), first);
        let other = RescueFolder::choose(base.path(), "twin:b/board.chip").unwrap();
        assert!(other.path().ends_with("board-chip-2"));
    }
}
