//! The one way in for texts: whatever a person has, a case file, a log of any tool, an export of option bytes, a post in a forum.
//!
//! ```
//! let post = b"STM32H563, PRODUCT_STATE: 0x17 (Provisioning)\n";
//! let reading = provost_diagnosis::reading::read(post).unwrap();
//! println!("{} of {} lines understood", reading.understood, reading.of);
//! for claim in &reading.case.claims {
//!     println!("line {}: {:?}: {}", claim.place.line, claim.place.words, claim.says);
//! }
//! let answer = provost_diagnosis::diagnose(&reading.case);
//! # let _ = answer;
//! ```

use std::io::{self, BufReader, Read};

use serde::Serialize;

use crate::{
    case::Case,
    case_file::{self, CaseError},
    claim::Place,
    log,
};

mod encoding;

/// Longest input in bytes. Whoever reads a file needs to hold no more than one byte beyond it.
pub const MAX_SIZE: usize = 32 << 20;

/// What an input was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A case file (TOML).
    CaseFile,
    /// Option bytes as JSON.
    OptionsJson,
    /// Lines of tools and words of people, in any mixture.
    Text,
}

impl Kind {
    /// Its word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CaseFile => "case-file",
            Self::OptionsJson => "options-json",
            Self::Text => "text",
        }
    }
}

/// What was made of an input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// What it was taken for.
    pub kind: Kind,
    /// The case, and in [`Case::claims`] each thing that was taken from a text, beside its words. Inputs are put together with
    /// [`Case::join`]; a claim that a person strikes is taken out with [`Case::strike`].
    pub case: Case,
    /// Lines that something was made of, or that are known to say nothing that is needed.
    pub understood: u64,
    /// Lines with anything on them. With none of them understood there is nothing that an answer could rest on.
    pub of: u64,
    /// Lines that nothing was made of, the first 200 of them.
    pub unread: Vec<Place>,
    /// The STM32 family that the text is about, if it is another than the STM32H5; [`Case::family`] has its road, if there is one.
    pub other_family: Option<String>,
    /// The tools that spoke, by name and version.
    pub tools: Vec<String>,
}

/// Why an input was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Larger than [`MAX_SIZE`].
    #[error("an input has at most {MAX_SIZE} bytes, this one has {size} or more")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// Not a text in any encoding that is known.
    #[error("this is not text")]
    NotText,
    /// Meant as a case file, and broken.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The input itself failed.
    #[error("the input cannot be read: {0}")]
    Input(#[from] io::Error),
}

/// Reads an input of any length as it comes: what is longer than a case file may be is read line by line, in the memory of one line.
///
/// # Errors
/// [`ReadError`], as of [`read`]; of the lengths, only that of UTF-16 has a limit, because it is decoded as a whole.
pub fn read_from(mut input: impl Read) -> Result<Reading, ReadError> {
    let mut head = Vec::new();
    let short = case_file::MAX_SIZE as u64;
    let taken = input.by_ref().take(short + 1).read_to_end(&mut head)?;
    if taken as u64 > short && !encoding::is_wide(&head) {
        return of_report(log::read(BufReader::new(head.chain(input)))?, Kind::Text);
    }
    input.take(MAX_SIZE as u64 + 1 - taken as u64).read_to_end(&mut head)?;
    read(&head)
}

/// Reads an input of any kind: UTF-8, UTF-16 with or without a byte order mark, any line ends.
///
/// # Errors
/// [`ReadError`]: too large, not text, or a case file that breaks a rule of case files. A text that says nothing is no error:
/// [`Reading::understood`] is 0 then.
pub fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    if bytes.len() > MAX_SIZE {
        return Err(ReadError::TooLarge { size: bytes.len() });
    }
    let text = encoding::decode(bytes);
    if text.len() <= case_file::MAX_SIZE && case_file::looks_like_case(&text) {
        return read_case(&text);
    }
    // A text in memory cannot fail to be read.
    let report = log::read(text.as_bytes()).unwrap_or_default();
    of_report(report, if text.trim_start().starts_with('{') { Kind::OptionsJson } else { Kind::Text })
}

fn of_report(report: log::LogReport, kind: Kind) -> Result<Reading, ReadError> {
    if report.binary {
        return Err(ReadError::NotText);
    }
    let ignored = u64::try_from(report.case.ignored_lines).unwrap_or(u64::MAX);
    Ok(Reading {
        kind,
        understood: report.recognised,
        of: report.recognised.saturating_add(ignored),
        case: report.case,
        unread: report.unread,
        other_family: report.other_family,
        tools: report.tools,
    })
}

fn read_case(text: &str) -> Result<Reading, ReadError> {
    let case = case_file::read(text.trim_start_matches('\u{feff}'))?;
    let of = text.lines().filter(|line| !line.trim().is_empty()).count() as u64;
    let tools = case.bench.tool.iter().cloned().collect();
    Ok(Reading { kind: Kind::CaseFile, case, understood: of, of, unread: Vec::new(), other_family: None, tools })
}
