//! One line of a log: bounded in length, free of colour codes and double blanks.

use std::{
    borrow::Cow,
    io::{self, BufRead},
};

/// Longer lines are cut here; the rest of them is skipped.
pub(super) const MAX_LINE: usize = 4 << 10;

/// Reads the next line into `line`, at most [`MAX_LINE`] bytes of it; `false` at the end of the input.
pub(super) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        // A carriage return ends a line too: progress bars overwrite themselves.
        let end = buffer.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let taken = end.unwrap_or(buffer.len());
        line.extend_from_slice(&buffer[..taken.min(MAX_LINE - line.len())]);
        let consumed = taken + usize::from(end.is_some());
        let carriage_return = end.is_some_and(|at| buffer[at] == b'\r');
        input.consume(consumed);
        if carriage_return && input.fill_buf().is_ok_and(|next| next.first() == Some(&b'\n')) {
            input.consume(1);
        }
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// A line without escape sequences and control characters, with single blanks, trimmed.
pub(crate) fn clean(line: &str) -> Cow<'_, str> {
    let trimmed = line.trim();
    let bytes = trimmed.as_bytes();
    let plain = !bytes.iter().any(|b| *b < b' ') && !bytes.windows(2).any(|w| w == b"  ");
    if plain {
        return Cow::Borrowed(trimmed);
    }
    let mut out = String::with_capacity(trimmed.len());
    let mut chars = trimmed.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // ECMA-48: CSI parameters end with a byte from @ to ~.
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\u{1b}' => {}
            c if c.is_whitespace() => {
                if !out.ends_with(' ') && !out.is_empty() {
                    out.push(' ');
                }
            }
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_the_rest_is_skipped() {
        let mut text = vec![b'a'; MAX_LINE + 5000];
        text.extend(b"\nsecond\r\nthird");
        let mut input = io::BufReader::with_capacity(64, text.as_slice());
        let mut line = Vec::new();
        assert!(next(&mut input, &mut line).unwrap());
        assert_eq!(line.len(), MAX_LINE);
        let mut rest = Vec::new();
        while next(&mut input, &mut line).unwrap() {
            rest.push(String::from_utf8(line.clone()).unwrap());
        }
        assert_eq!(rest, ["second", "third"]);
    }

    #[test]
    fn colours_and_blanks_go() {
        assert_eq!(clean("\u{1b}[31m  Error:   no \t target\u{1b}[0m "), "Error: no target");
        assert_eq!(clean("\u{1b}["), "");
    }
}
