//! Reports as people write them: what was done and seen, out of sentences in several languages, each beside its words.
//!
//! Only what somebody says of this chip and of the past is taken: advice, questions, wishes and what holds for another board are
//! left alone, and so is everything that is not told in the first person once a thread has a second voice. A word never becomes a
//! value: a state is taken with its code, with the name of its field, or where nothing else can be meant.

use std::ops::Range;

use crate::{
    case::{Act, Boot0, Credential, Goal, Host, Outcome},
    claim::Sure,
    families::Family,
    signs::Sign,
};
use provost_chip::states::{BootUbe, TrustZone};

mod acts;
mod facts;
mod sentence;
mod values;
mod words;

pub(crate) use words::Concept;
use words::{Mark, Token};

/// So many bytes of sentences are looked at; a longer text is a log of something else.
const MAX_BYTES: usize = 256 << 10;

/// Something that a text says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) what: What,
    /// The bytes of the line that say it.
    pub(crate) span: Range<usize>,
    pub(crate) sure: Sure,
}

/// What is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A numbered attempt begins.
    Attempt,
    /// Something was done or seen.
    Act(Act, Option<Outcome>),
    /// How what was told last ended.
    Outcome(Outcome),
    /// A part; `acted` if somebody tells what they did with it.
    Part {
        name: String,
        acted: bool,
    },
    Family(&'static Family),
    TrustZone(TrustZone),
    BootEntry(BootUbe),
    Probe(String),
    Nrst(bool),
    Boot0(Boot0),
    Host(Host),
    Goal(Goal),
    /// A password or a certificate is spoken of.
    Credential(Credential),
    Tool(String),
    /// Words that hint at something.
    Remark(Vec<Sign>, String),
}

/// Reads lines of prose, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Prose {
    /// Posts of a thread that have begun.
    posts: u32,
    /// Something was done or seen already.
    begun: bool,
    /// Bytes looked at.
    bytes: usize,
    /// The line is within a numbered attempt.
    attempt: bool,
}

impl Prose {
    /// Takes a line as it stands in the text: what it says, in order, or nothing. `true` with an empty list: the line is known to say
    /// nothing that is needed.
    pub(crate) fn line(&mut self, line: &str) -> (Vec<Said>, bool) {
        if self.bytes > MAX_BYTES {
            return (Vec::new(), false);
        }
        self.bytes += line.len();
        if is_date(line) {
            self.posts += 1;
            self.attempt = false;
            return (Vec::new(), true);
        }
        if is_machine(line) {
            return (Vec::new(), false);
        }
        let mut tokens = words::tokens(line);
        let mut said = Vec::new();
        if let Some(heading) = heading(&tokens) {
            said.push(Said {
                what: What::Attempt,
                span: tokens[0].span.start..tokens[heading - 1].span.end,
                sure: Sure::Stated,
            });
            tokens.drain(..heading);
            self.attempt = true;
        } else if tokens.iter().take(2).any(|t| t.text == "step" || t.text == "steps") {
            self.attempt = false;
        }
        let asks = |rest: &[Token]| rest.first().is_some_and(|t| t.mark == Some(Mark::Question));
        let mut rest = tokens.as_slice();
        while !rest.is_empty() {
            let end =
                rest.iter().position(|t| matches!(t.mark, Some(Mark::Sentence | Mark::Question))).unwrap_or(rest.len());
            let (own, after) = rest.split_at(end);
            let context = sentence::Context {
                line,
                question: asks(after),
                reply: self.posts > 1,
                begun: self.begun,
                attempt: !said.is_empty() || self.attempt,
            };
            let more = sentence::read(own, &context);
            self.begun |= more.iter().any(|s| matches!(s.what, What::Act(..)));
            said.extend(more);
            rest = after.get(1..).unwrap_or_default();
        }
        (said, false)
    }
}

/// Whether a sentence tells of an earlier time than what stands around it: a message in it is no news.
pub(crate) fn looks_back(sentence: &str) -> bool {
    words::tokens(sentence).iter().any(|t| t.is.has(Concept::Before))
}

/// `Attempt 2:`, `Versuch 3 -`: how many tokens it takes.
fn heading(tokens: &[Token]) -> Option<usize> {
    let at = tokens.iter().position(|t| t.mark.is_none())?;
    let word = tokens.get(at).filter(|_| at < 3)?;
    let named = word.is.has(Concept::Try) || matches!(word.text.as_str(), "essai" | "tentative" | "versuch");
    let number = tokens
        .get(at + 1)
        .is_some_and(|t| t.text.len() < 3 && t.text.bytes().all(|b| b.is_ascii_digit()) && t.mark.is_none());
    let ends = tokens.get(at + 2).is_none_or(|t| matches!(t.mark, Some(Mark::Equals | Mark::Clause | Mark::Sentence)));
    (named && number && ends).then(|| (at + 3).min(tokens.len()))
}

/// The line that a forum puts above a post: a date and a time, and little else.
fn is_date(line: &str) -> bool {
    let line = line.trim();
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    let date = line.get(..10).is_some_and(|d| {
        d.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { matches!(b, b'-' | b'/') } else { b.is_ascii_digit() })
    });
    date && line.contains(':') && digits >= 11 && (line.len() < 24 || line.contains("edited"))
}

/// A line that a program wrote: it begins with a time, or with a level.
fn is_machine(line: &str) -> bool {
    let head: Vec<u8> = line.trim_start().bytes().take(24).collect();
    let digit = |i: usize| head.get(i).is_some_and(u8::is_ascii_digit);
    let time = (0..head.len()).any(|i| {
        digit(i)
            && digit(i + 1)
            && head.get(i + 2) == Some(&b':')
            && digit(i + 3)
            && digit(i + 4)
            && head.get(i + 5) == Some(&b':')
    });
    let begins = |l: &&str| head.get(..l.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(l.as_bytes()));
    // A level is set off from what it is the level of.
    let level = ["info", "warn", "warning", "error", "debug"]
        .iter()
        .find(|l| begins(l))
        .is_some_and(|l| head[l.len()..].trim_ascii_start().starts_with(b":"));
    let mark = ["[", "{", "}", "<"].iter().any(begins);
    time || level || mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_headings_of_threads() {
        assert!(is_date("2026-04-11 4:36 AM - last edited on 2026-04-13 6:59 AM by A N"));
        assert!(is_date("2026-04-11 4:55 AM"));
        assert!(!is_date("2026-01-05 08:00:01,002 - line - DEBUG - discovery: x"));
        assert!(!is_date("at 4:55 it failed"));
        for (line, taken) in [
            ("Attempt 2: Forward", Some(3)),
            ("Versuch 3 - löschen", Some(3)),
            ("* Attempt 1 :", Some(3)),
            ("I tried 2 boards", None),
            ("Attempt", None),
        ] {
            assert_eq!(heading(&words::tokens(line)), taken, "{line}");
        }
    }
}
