//! A journal as text: lines of JSON, each behind a CRC-32 of itself. The first says what the work is and on which chip; each further
//! one says what is about to be done or what came of it.

use std::path::Path;

use provost_chip::unique_id::UniqueId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::StoreError;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
/// What every format of ours begins with.
const FAMILY: &str = "provost.journal/";
/// The format that is written here.
const FORMAT: &str = "provost.journal/1";
/// No journal of one chip is larger.
pub(super) const LARGEST: u64 = 4 << 20;

/// The kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Bringing a chip back to Open.
    Rescue,
    /// Closing a chip.
    Close,
    /// Writing objects, or a password into OTP.
    Provision,
    /// Changing option bytes.
    Options,
    /// Bringing a chip back to TZ-Closed.
    TzRegression,
}

/// The chip that the work is done on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// What `--probe` said.
    pub chip: String,
    /// DEV_ID.
    #[schemars(range(max = 0xFFF))]
    pub dev_id: u16,
    /// Its unique id, where it could be read.
    pub uid: Option<UniqueId>,
}

/// Whether a chip is the one that a journal tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// The unique ids are equal.
    Same,
    /// One of the two has no unique id; DEV_ID and the name of the chip are equal.
    Unknown,
    /// Another chip.
    Other,
}

impl Subject {
    /// Whether this chip is that one.
    pub fn matches(&self, other: &Self) -> Match {
        let same = match (self.uid, other.uid) {
            (Some(one), Some(two)) => one.same_words(two),
            _ => self.chip == other.chip,
        };
        match (same && self.dev_id == other.dev_id, self.uid.is_some() && other.uid.is_some()) {
            (false, _) => Match::Other,
            (true, true) => Match::Same,
            (true, false) => Match::Unknown,
        }
    }
}

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// The format, `provost.journal/1`.
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// The kind of work.
    pub kind: Kind,
    /// The version of the tool that began it.
    pub version: String,
    /// When it was begun, UTC.
    pub time: String,
    /// The chip.
    pub subject: Subject,
}

impl Header {
    pub(super) fn new(kind: Kind, time: String, subject: &Subject) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT.to_owned(), kind, version, time, subject: subject.clone() }
    }

    pub(super) fn line(&self) -> Option<String> {
        serde_json::to_string(self).ok().map(|text| sealed(&text))
    }
}

/// What a journal is made of.
pub trait Record: Serialize + DeserializeOwned {
    /// Whether the work is over with this record.
    fn is_final(&self) -> bool;
}

/// A record with what every line has.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Line<R> {
    /// Counts from 1.
    #[schemars(range(min = 1))]
    pub n: u64,
    /// When it was written, UTC.
    pub time: String,
    /// The work is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub end: bool,
    /// What is recorded.
    pub record: R,
}

/// The line of a record, the `n`th.
pub(super) fn line<R: Record>(n: u64, time: String, record: &R) -> Option<String> {
    let line = Line { n, time, end: record.is_final(), record };
    serde_json::to_string(&line).ok().map(|text| sealed(&text))
}

fn sealed(text: &str) -> String {
    format!("{:08x} {text}\n", CRC.checksum(text.as_bytes()))
}

/// A journal as it was read.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) header: Header,
    /// What each record says, and what every line has.
    pub(super) records: Vec<Value>,
    /// When the last line was written.
    pub(super) last: String,
    /// The work is over.
    pub(super) over: bool,
    /// How many bytes the whole lines take.
    pub(super) good: u64,
    /// Behind them is a line that was not written to its end.
    pub(super) torn: bool,
    /// Tells whole lines from other ones.
    pub(super) seal: u32,
}

/// Reads the first line; `None` if it is none of ours, or that of another kind of work.
///
/// # Errors
/// [`StoreError::JournalNewer`], [`StoreError::JournalDamaged`].
pub(super) fn header(path: &Path, bytes: &[u8], kind: Option<Kind>) -> Result<Option<Header>, StoreError> {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    // It has two marks, so that damage to one of them leaves the other.
    let checked = first.get(8..10) == Some(b" {") && first[..8].iter().all(u8::is_ascii_hexdigit);
    if !checked && !first.windows(FAMILY.len()).any(|w| w == FAMILY.as_bytes()) {
        return Ok(None);
    }
    let damaged = || StoreError::JournalDamaged { path: path.to_owned(), at: 0 };
    let newer = |what: String| StoreError::JournalNewer { path: path.to_owned(), what };
    let value: Value = unsealed(first).filter(|_| first.len() < bytes.len()).ok_or_else(damaged)?;
    match value["format"].as_str() {
        Some(FORMAT) => {}
        Some(format) if format.starts_with(FAMILY) => return Err(newer(format!("its format is {format}"))),
        _ => return Err(damaged()),
    }
    match (serde_json::from_value::<Kind>(value["kind"].clone()), kind) {
        (Ok(found), Some(wanted)) if found != wanted => Ok(None),
        (Err(_), Some(_)) => Ok(None),
        (Err(_), None) => Err(newer(format!("it is for {}", value["kind"]))),
        (Ok(_), _) => serde_json::from_value(value).map(Some).map_err(|e| newer(e.to_string())),
    }
}

/// Reads a whole journal, whose first line is this header.
///
/// # Errors
/// [`StoreError::JournalDamaged`].
pub(super) fn read(path: &Path, bytes: &[u8], header: Header) -> Result<Text, StoreError> {
    let mut good = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
    let mut text =
        Text { last: header.time.clone(), header, records: Vec::new(), over: false, good: 0, torn: false, seal: 0 };
    while good < bytes.len() {
        let rest = &bytes[good..];
        let end = rest.iter().position(|b| *b == b'\n');
        let line: Option<Line<Value>> = end.and_then(|end| unsealed(&rest[..end]));
        match (line.filter(|line| line.n == text.records.len() as u64 + 1), end) {
            (Some(line), Some(end)) => {
                good += end + 1;
                text.last = line.time;
                text.over |= line.end;
                text.records.push(line.record);
            }
            // A power cut leaves the last line without its end; or with it, and without a sector before, which then reads as
            // zeros. Anything else was a line once.
            (_, None) => text.torn = true,
            (_, Some(end)) if end + 1 == rest.len() && rest.contains(&0) => text.torn = true,
            _ => return Err(StoreError::JournalDamaged { path: path.to_owned(), at: good as u64 }),
        }
        if text.torn {
            break;
        }
    }
    text.good = good as u64;
    text.seal = CRC.checksum(&bytes[..good]);
    Ok(text)
}

/// What a record says.
///
/// # Errors
/// [`StoreError::JournalNewer`]: its line is whole, and it is not known here.
pub(super) fn record<R: Record>(path: &Path, value: &Value) -> Result<R, StoreError> {
    R::deserialize(value).map_err(|error| {
        let what =
            value["what"].as_str().map_or_else(|| error.to_string(), |what| format!("{what:?} is not known here"));
        StoreError::JournalNewer { path: path.to_owned(), what }
    })
}

fn unsealed<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (crc, text) = line.split_at_checked(9)?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?.strip_suffix(' ')?, 16).ok()?;
    (CRC.checksum(text) == crc).then(|| serde_json::from_slice(text).ok()).flatten()
}
