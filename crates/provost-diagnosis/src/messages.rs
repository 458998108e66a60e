//! What tools print: each message with what it means and what it does not.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use provost_chip::sources::Confidence;

use crate::{case::Outcome, log::clean, signs::Sign, tables::MESSAGES, words::words};

mod search;

words! {
    /// Which kind of step a message belongs to.
    Subject {
        /// Attaching to the chip.
        Connect = "connect",
        /// Reading or writing option bytes.
        Options = "options",
        /// Provisioning an object.
        Provision = "provision",
        /// Debug Authentication: discovery or authentication.
        DebugAuthentication = "debug-authentication",
        /// Authentication only.
        Authenticate = "authenticate",
        /// End of a debug session.
        CloseDebug = "close-debug",
        /// Erasing.
        Erase = "erase",
        /// Programming or verifying the flash.
        Flash = "flash",
        /// The ROM bootloader over USB.
        Dfu = "dfu",
        /// The ROM bootloader over a serial port.
        Uart = "uart",
        /// A reset.
        Reset = "reset",
        /// A boot code on the chip's console.
        Boot = "boot",
        /// The chip's own firmware.
        Firmware = "firmware",
        /// The tool itself.
        Tool = "tool",
    }
}

/// A message of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stable id, such as `M-CANNOT-CONNECT-AP1`.
    pub id: &'static str,
    /// The text, as printed; `*` stands for any run of characters.
    pub text: &'static str,
    /// The tool that prints it.
    pub tool: &'static str,
    /// The kind of step that it belongs to.
    pub subject: Subject,
    /// What the step that it ends came to.
    pub outcome: Option<Outcome>,
    /// What it hints at.
    pub sign: Option<Sign>,
    /// What it means.
    pub means: &'static str,
    /// What it does not mean.
    pub not: &'static str,
    /// How sure this reading is.
    pub confidence: Confidence,
    /// Where it was printed and explained.
    pub source: &'static [&'static str],
}

impl Message {
    /// All messages, in the order of the table.
    pub fn all() -> &'static [Message] {
        MESSAGES
    }

    /// The message with this id.
    pub fn with_id(id: &str) -> Option<&'static Message> {
        Self::all().iter().find(|m| m.id.eq_ignore_ascii_case(id.trim()))
    }

    /// The message that a line of a log holds; the most specific one if several fit.
    ///
    /// Case, runs of blanks and colour codes do not matter, and what stands before and after the message neither.
    pub fn find_in(line: &str) -> Option<&'static Message> {
        INDEX.find(&clean(line))
    }

    /// Where in a line as it stands a message begins, if there is one.
    pub(crate) fn begin_in(line: &str) -> Option<usize> {
        INDEX.begin(line)
    }

    /// Messages that a quote or a paraphrase may mean, best first, at most ten, each with a score between 0 and 1.
    pub fn search(query: &str) -> Vec<(&'static Message, f64)> {
        search::search(query)
    }

    /// The literal pieces of the text, in order.
    fn pieces(&self) -> impl Iterator<Item = &'static str> {
        self.text.split('*').filter(|piece| !piece.is_empty())
    }

    /// Whether the pieces stand in the line, in order.
    fn fits(&self, line: &str) -> bool {
        let mut rest = line.as_bytes();
        self.pieces().all(|piece| {
            let at = rest.windows(piece.len()).position(|w| w.eq_ignore_ascii_case(piece.as_bytes()));
            at.map(|at| rest = &rest[at + piece.len()..]).is_some()
        })
    }
}

/// Finds messages by their longest literal piece, all of them in one pass over a line.
struct Index {
    automaton: Option<AhoCorasick>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let anchors = MESSAGES.iter().map(|m| m.pieces().max_by_key(|p| p.len()).unwrap_or(m.text));
    // The table is a constant of this crate: the test `every_message_finds_itself` shows that the automaton is built.
    Index { automaton: AhoCorasick::builder().ascii_case_insensitive(true).build(anchors).ok() }
});

impl Index {
    fn find(&self, line: &str) -> Option<&'static Message> {
        let hits = self.automaton.as_ref()?.find_overlapping_iter(line);
        hits.filter_map(|hit| MESSAGES.get(hit.pattern().as_usize()))
            .filter(|m| m.fits(line))
            .max_by_key(|m| m.pieces().map(str::len).sum::<usize>())
    }

    fn begin(&self, line: &str) -> Option<usize> {
        let hits = self.automaton.as_ref()?.find_overlapping_iter(line);
        let known = hits.filter_map(|hit| MESSAGES.get(hit.pattern().as_usize())).filter(|m| m.fits(line));
        let first = |m: &Message| {
            let piece = m.pieces().next()?.as_bytes();
            line.as_bytes().windows(piece.len()).position(|w| w.eq_ignore_ascii_case(piece))
        };
        known.filter_map(first).min()
    }
}
