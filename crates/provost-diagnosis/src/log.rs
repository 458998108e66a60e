//! Reads what tools print: one run or several, one tool or several, into the steps of a case.
//!
//! The formats are those of STM32CubeProgrammer 2.16 to 2.23, command line and graphical, as public logs show them; messages of
//! other tools are those of [`crate::messages`].

use std::io::{self, BufRead};

use crate::{case::Case, claim::Place};

mod anchor;
mod command;
mod discovery;
mod fields;
mod json;
mod line;
mod open_step;
mod session;
mod steps;

pub(crate) use discovery::{field as discovery_field, lifecycle};
pub(crate) use line::clean;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LogReport {
    /// The case: its steps in the order of the log.
    pub case: Case,
    /// Lines read.
    pub lines: u64,
    /// Lines that something was made of.
    pub recognised: u64,
    /// Steps that were left out in the middle of a very long log.
    pub steps_left_out: u64,
    /// The STM32 family of the log, if it is another than the STM32H5.
    pub other_family: Option<String>,
    /// The input is not text.
    pub binary: bool,
    /// The tools that spoke, by name and version.
    pub tools: Vec<String>,
    /// Lines that nothing was made of, the first ones; [`LogReport::case`] counts all of them.
    pub unread: Vec<Place>,
}

/// So many lines that were not understood are kept.
const MAX_UNREAD: usize = 200;

/// So many lines decide whether the input is text.
const LINES_LOOKED_AT: u64 = 200;

/// Reads a log. The memory taken does not grow with its length: lines are cut at 4 KB, and of very many steps the first and
/// the last are kept.
///
/// # Errors
/// Only those of the input itself; any bytes make a report.
pub fn read(mut input: impl BufRead) -> io::Result<LogReport> {
    // A shell that writes UTF-16 begins with a byte order mark; what tools print is ASCII, so dropping the zeros decodes it.
    let wide = matches!(input.fill_buf()?.get(..2), Some([0xFF, 0xFE] | [0xFE, 0xFF]));
    let (mut bytes, mut odd) = (0usize, 0usize);
    let (mut lines, mut recognised, mut blank) = (0u64, 0u64, 0u64);
    let mut session = session::Session::default();
    let mut unread = Vec::new();
    let mut line = Vec::new();
    while line::next(&mut input, &mut line)? {
        lines += 1;
        if wide {
            line.retain(|b| !matches!(b, 0 | 0xFE | 0xFF));
        }
        if lines <= LINES_LOOKED_AT {
            bytes += line.len();
            odd += line.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 0xFF)).count();
        }
        let text = String::from_utf8_lossy(&line);
        let cleaned = clean(&text);
        if cleaned.is_empty() {
            blank += 1;
        } else if session.line(lines, &text, &cleaned) {
            recognised += 1;
        } else if unread.len() < MAX_UNREAD {
            unread.push(Place::new(lines, &text, 0..text.len()));
        }
    }
    let mut report = session.finish();
    report.unread = unread;
    report.lines = lines;
    report.recognised = recognised;
    report.binary = odd * 50 > bytes;
    report.case.ignored_lines = usize::try_from(lines - blank - recognised).unwrap_or(usize::MAX);
    Ok(report)
}
