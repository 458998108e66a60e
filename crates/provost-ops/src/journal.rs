//! An append-only write-ahead journal: each line says what is about to be done or what came of it, and is on the disk first.
//!
//! A line is JSON with a CRC-32 of its text before it. A torn last line, as a power cut leaves it, is passed over.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{OpError, Result};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
/// No journal of one chip is larger.
const LARGEST: u64 = 4 << 20;

/// One way to provision a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// TrustZone on.
    pub trustzone: bool,
    /// The encryption word of the request.
    pub encrypt_word: u32,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// The service refused the request; nothing was written.
    ServiceRefused,
    /// The service could not be called.
    ServiceFaulted,
    /// Stored, and discovery shows invalid data.
    Invalid,
    /// Stored, and the authentication was refused.
    AuthenticationRefused,
    /// Stored, and the regression was granted.
    Granted,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Record {
    /// A rescue begins.
    Begin {
        /// What `--probe` said.
        chip: String,
        /// DEV_ID.
        dev_id: u16,
        /// The plan's hash.
        plan: String,
    },
    /// The credential is on the disk.
    CredentialSaved {
        /// Hash of its root key.
        root_key_hash: Option<String>,
    },
    /// About to provision.
    Provisioning {
        /// How.
        attempt: Attempt,
        /// The checksum's name.
        checksum: String,
    },
    /// About to write the password's hash into OTP, and to lock it: once for the chip's life.
    WritingOtp,
    /// About to change TZEN.
    ChangingTrustzone {
        /// To on.
        to: bool,
    },
    /// About to authenticate.
    Authenticating {
        /// By which attempt.
        attempt: Attempt,
    },
    /// What came of an attempt.
    Outcome {
        /// Which.
        attempt: Attempt,
        /// What.
        outcome: AttemptOutcome,
    },
    /// The chip is Open.
    Done,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line<R> {
    n: u64,
    time: String,
    #[serde(flatten)]
    record: R,
}

/// A journal that is open for appending. Its records are those of a rescue, unless another kind is named.
#[derive(Debug)]
pub struct Journal<R = Record> {
    path: PathBuf,
    file: File,
    records: Vec<R>,
}

impl<R: Serialize + DeserializeOwned> Journal<R> {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// The file cannot be opened, or is damaged before its last line.
    pub fn open(path: &Path) -> Result<Self> {
        let error = |source| OpError::Journal { path: path.to_owned(), source };
        let (records, good) = if path.exists() { read(path).map_err(error)? } else { (Vec::new(), 0) };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(error)?;
        // A torn line is cut off, so that what follows starts on a line of its own.
        file.set_len(good).map_err(error)?;
        let mut journal = Self { path: path.to_owned(), file, records };
        io::Seek::seek(&mut journal.file, io::SeekFrom::End(0)).map_err(error)?;
        Ok(journal)
    }

    /// Appends a record and waits until it is on the disk.
    ///
    /// # Errors
    /// It cannot be written. What it announces must then not be done.
    pub fn append(&mut self, record: R) -> Result<()> {
        let error = |source| OpError::Journal { path: self.path.clone(), source };
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let line = Line { n: self.records.len() as u64, time, record };
        let text = serde_json::to_string(&line).map_err(|e| error(e.into()))?;
        let text = format!("{:08x} {text}\n", CRC.checksum(text.as_bytes()));
        self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all()).map_err(error)?;
        self.records.push(line.record);
        Ok(())
    }

    /// What it says so far.
    pub fn records(&self) -> &[R] {
        &self.records
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Journal {
    /// The chip that its rescue was begun for: what `--probe` said.
    pub fn chip(&self) -> Option<&str> {
        self.records.iter().find_map(|r| match r {
            Record::Begin { chip, .. } => Some(chip.as_str()),
            _ => None,
        })
    }

    /// The DEV_ID that its rescue was begun with.
    pub fn dev_id(&self) -> Option<u16> {
        self.records.iter().find_map(|r| match r {
            Record::Begin { dev_id, .. } => Some(*dev_id),
            _ => None,
        })
    }

    /// Whether the rescue it tells of came to its end.
    pub fn is_done(&self) -> bool {
        self.records.contains(&Record::Done)
    }

    /// What came of this attempt, if it came to an end.
    pub fn outcome_of(&self, attempt: Attempt) -> Option<AttemptOutcome> {
        self.records.iter().rev().find_map(|r| match r {
            Record::Outcome { attempt: a, outcome } if *a == attempt => Some(*outcome),
            _ => None,
        })
    }
}

/// The records, and how many bytes of the file they take.
fn read<R: DeserializeOwned>(path: &Path) -> io::Result<(Vec<R>, u64)> {
    if std::fs::metadata(path)?.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than any journal"));
    }
    let bytes = std::fs::read(path)?;
    let mut records = Vec::new();
    let mut good = 0;
    while let Some(length) = bytes[good..].iter().position(|b| *b == b'\n') {
        let Some(record) = parse(&bytes[good..good + length], records.len() as u64) else {
            let last = !bytes[good + length + 1..].contains(&b'\n');
            if last {
                break;
            }
            let what = format!("damaged at byte {good}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        };
        records.push(record);
        good += length + 1;
    }
    Ok((records, good as u64))
}

fn parse<R: DeserializeOwned>(line: &[u8], n: u64) -> Option<R> {
    let (crc, text) = line.split_at_checked(9)?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?.strip_suffix(' ')?, 16).ok()?;
    let line: Line<R> = serde_json::from_slice(text).ok().filter(|_| CRC.checksum(text) == crc)?;
    (line.n == n).then_some(line.record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: Attempt = Attempt { trustzone: true, encrypt_word: 0 };

    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::<Record>::open(&path).unwrap();
        journal.append(Record::Begin { chip: "twin:x".into(), dev_id: 0x478, plan: "p".into() }).unwrap();
        journal.append(Record::Provisioning { attempt: ATTEMPT, checksum: "crc32-words".into() }).unwrap();
        journal.append(Record::Outcome { attempt: ATTEMPT, outcome: AttemptOutcome::Invalid }).unwrap();
        (folder, path)
    }

    #[test]
    fn a_journal_is_read_back_and_continued() {
        let (_guard, path) = written();
        let mut journal = Journal::<Record>::open(&path).unwrap();
        assert_eq!(journal.records().len(), 3);
        assert_eq!(journal.outcome_of(ATTEMPT), Some(AttemptOutcome::Invalid));
        assert_eq!(journal.outcome_of(Attempt { trustzone: false, ..ATTEMPT }), None);
        journal.append(Record::Done).unwrap();
        assert!(Journal::<Record>::open(&path).unwrap().is_done());
    }

    #[test]
    fn a_torn_last_line_is_passed_over_at_every_byte() {
        let (_guard, path) = written();
        let whole = std::fs::read(&path).unwrap();
        let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
        for cut in last..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::<Record>::open(&path).unwrap();
            assert_eq!(journal.records().len(), 2, "cut at {cut}");
            journal.append(Record::Done).unwrap();
            assert_eq!(Journal::<Record>::open(&path).unwrap().records().len(), 3);
        }
    }

    #[test]
    fn damage_before_the_last_line_is_an_error() {
        let (_guard, path) = written();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Journal::<Record>::open(&path).unwrap_err().code(), "journal-io");
    }
}
