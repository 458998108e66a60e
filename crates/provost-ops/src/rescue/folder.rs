//! Where a rescue keeps its credential, its journal and its receipt: one folder per rescue, found again by the next run.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    error::{OpError, Result},
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
    /// The folder under `base` for the chip called `chip`: that of an unfinished rescue, or a new one (not made yet).
    ///
    /// # Errors
    /// A journal is there and cannot be read.
    pub fn choose(base: &Path, chip: &str) -> Result<Self> {
        let name = slug(chip);
        let at = |n: u32| base.join(if n == 1 { name.clone() } else { format!("{name}-{n}") });
        let mut newest = None;
        for n in 1..MOST {
            if !at(n).exists() {
                break;
            }
            newest = Some(n);
        }
        let path = match newest {
            None => at(1),
            Some(n) if !at(n).join(JOURNAL).exists() => at(n),
            Some(n) => {
                let done = Journal::open(&at(n).join(JOURNAL))?.is_done();
                at(if done { n + 1 } else { n })
            }
        };
        Ok(Self { path })
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

fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A name that every file system takes.
fn slug(chip: &str) -> String {
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
}
