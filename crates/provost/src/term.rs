//! The terminal: the one place that writes to stdout and stderr.
//!
//! What is said on the way (steps, questions, logs) never stops the work: whoever listened may have gone away. What was asked for must
//! arrive, or the command has failed; only a reader that has seen enough (`| head`) is no failure.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    sync::OnceLock,
};

use serde_json::Value;

use crate::{
    events::{self, Event},
    given::Given,
    lines::fold,
    paint::{ColorChoice, paint},
};

/// Lines are not made longer than this, however wide the terminal is: longer ones are hard to read.
const WIDEST: usize = 100;
/// Nor shorter.
const NARROWEST: usize = 40;

/// Whether what is printed is coloured: on stdout, and on stderr.
static COLOURED: OnceLock<[bool; 2]> = OnceLock::new();

/// What was given on the command line. Here, because everything that is printed comes through here.
static GIVEN: OnceLock<Given> = OnceLock::new();

/// From now on every command line that is printed repeats what was given.
pub(crate) fn repeat(given: Given) {
    let _ = GIVEN.set(given);
}

/// From now on text is coloured as this says; where stderr carries events, they are plain.
pub(crate) fn colour(choice: ColorChoice, events: bool) {
    let stderr = !events && choice.holds(io::stderr().is_terminal());
    let _ = COLOURED.set([choice.holds(io::stdout().is_terminal()), stderr]);
}

/// A text that is ready for a terminal: completed, with nothing in it to obey but our own colours.
fn ready(text: &str, stream: usize) -> String {
    let mut text = visible(&complete(text)).into_owned();
    if has_width(stream) {
        text = fold(&text, width());
    }
    let coloured = COLOURED.get().and_then(|coloured| coloured.get(stream)).copied().unwrap_or_default();
    if coloured { paint(&text) } else { text }
}

/// Whether somebody says how wide lines may be. In a file or a pipe they are left as they come.
fn has_width(stream: usize) -> bool {
    let is_terminal = if stream == 0 { io::stdout().is_terminal() } else { is_watched() };
    is_terminal || std::env::var_os("COLUMNS").is_some()
}

/// How wide lines are made: as wide as the terminal is, or as COLUMNS says, within reason; 100 where nobody says.
pub(crate) fn width() -> usize {
    static WIDTH: OnceLock<usize> = OnceLock::new();
    *WIDTH.get_or_init(|| {
        let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        told.or_else(terminal_width).unwrap_or(WIDEST).clamp(NARROWEST, WIDEST)
    })
}

#[cfg(feature = "terminal")]
fn terminal_width() -> Option<usize> {
    let streams = [terminal_size::terminal_size_of(io::stdout()), terminal_size::terminal_size_of(io::stderr())];
    streams.into_iter().flatten().next().map(|(width, _)| width.0.into())
}

#[cfg(not(feature = "terminal"))]
const fn terminal_width() -> Option<usize> {
    None
}

/// A text whose command lines work as they stand.
fn complete(text: &str) -> Cow<'_, str> {
    GIVEN.get().map_or(Cow::Borrowed(text), |given| given.complete(text))
}

/// A command line that works as it stands.
pub(crate) fn command_line(line: &str) -> String {
    GIVEN.get().map_or_else(|| line.to_owned(), |given| given.command_line(line))
}

/// Prints a result.
///
/// # Errors
/// Stdout does not take it, for another reason than that its reader has gone away.
pub(crate) fn print(text: &str) -> io::Result<()> {
    forgiven(raw(&ready(text, 0)))
}

/// Prints a text that is for a program, as it is.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_verbatim(text: &str) -> io::Result<()> {
    forgiven(raw(&visible(&complete(text))))
}

/// Prints a document, with no character in it that a terminal would obey.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_json(mut document: Value) -> io::Result<()> {
    complete_all(&mut document);
    let text = format!("{document:#}\n");
    forgiven(raw(&escaped(&text, |text, c| write!(text, "\\u{:04x}", u32::from(c)))))
}

fn complete_all(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(completed) = complete(text) {
                *text = completed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(complete_all),
        Value::Object(map) => map.values_mut().for_each(complete_all),
        _ => {}
    }
}

fn raw(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// A reader that has gone away is no failure.
pub(crate) fn forgiven(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says something on stderr, heard or not.
pub(crate) fn tell(text: &str) {
    let _ = Stderr.write_all(ready(text, 1).as_bytes());
}

/// Says a line that is a document, heard or not.
pub(crate) fn line_of_events(line: &str) {
    let mut stderr = io::stderr().lock();
    let escaped = escaped(line, |text, c| write!(text, "\\u{:04x}", u32::from(c)));
    let _ = stderr.write_all(escaped.as_bytes()).and_then(|()| stderr.flush());
}

/// Draws over the line that the cursor is in, on a terminal only.
pub(crate) fn redraw(text: &str) {
    if is_watched() {
        let _ = Stderr.write_all(format!("\r{}", visible(text)).as_bytes());
    }
}

/// Whether stderr is a terminal.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Says a line on stderr.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::term::tell(&format!("{}\n", format_args!($($words)*)))
    };
}
pub(crate) use say;

/// Stderr as a writer that always succeeds; where events are wanted, what is said is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stderr;

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if events::tell(&Event::Said { text: String::from_utf8_lossy(bytes).trim_end() }) {
            return Ok(bytes.len());
        }
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(bytes).and_then(|()| stderr.flush());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Text of other people's files with what a terminal would obey shown instead: control characters, and those that turn the direction of
/// writing around (Unicode UAX #9).
fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |text, c| write!(text, "{}", c.escape_unicode()))
}

fn escaped(text: &str, escape: impl Fn(&mut String, char) -> std::fmt::Result) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            let _ = escape(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out.into()
}

fn is_obeyed(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_has_nothing_to_obey() {
        // ECMA-48: ESC ] 0 ; … BEL sets the title, CSI 2 J clears the screen, C1 has CSI in one character.
        assert_eq!(visible("a\u{1b}]0;title\u{7}b\u{9b}2J\rc"), "a\\u{1b}]0;title\\u{7}b\\u{9b}2J\\u{d}c");
        assert_eq!(visible("\u{202e}gpj.exe\u{2066}"), "\\u{202e}gpj.exe\\u{2066}");
        assert_eq!(visible("plain\n\tüß 字\n"), "plain\n\tüß 字\n");
    }

    #[test]
    fn a_document_stays_one() {
        let value = serde_json::Value::from_iter([("path", "a\u{1b}\u{9b}\u{202e}b")]);
        let text = escaped(&value.to_string(), |text, c| write!(text, "\\u{:04x}", u32::from(c))).into_owned();
        assert!(text.chars().all(|c| !is_obeyed(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
