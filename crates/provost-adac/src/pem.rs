//! PEM (RFC 7468) with offsets: a block knows where in the text each of its bytes stands.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

/// One `BEGIN` … `END` block of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    body: &'a str,
    /// Where the body starts in the text.
    offset: usize,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The blocks of a text; whatever stands between them is skipped, and so is a block that does not end.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut from = 0;
    core::iter::from_fn(move || {
        loop {
            let label_at = from + text.get(from..)?.find(BEGIN)? + BEGIN.len();
            from = label_at;
            let Some((label, rest)) = text[label_at..].split_once(DASHES) else { continue };
            let offset = label_at + label.len() + DASHES.len();
            let Some(length) = rest.find(&format!("{END}{label}{DASHES}")) else { continue };
            from = offset + length;
            return Some(Block { label, body: &rest[..length], offset });
        }
    })
}

impl Block<'_> {
    /// True if the block has headers (RFC 1421), as OpenSSL's traditional encryption writes them.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.body.contains("ENCRYPTED")
    }

    /// The bytes of the block.
    ///
    /// # Errors
    /// The offset in the text at which base64 breaks.
    pub(crate) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, usize> {
        decode_base64(self.body).map_err(|at| self.offset + at)
    }

    /// Where in the text byte `at` of the decoded bytes starts.
    pub(crate) fn text_offset(&self, at: usize) -> usize {
        self.offset + base64_offset(self.body, at)
    }
}

/// Writes one block with lines of 64 characters.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(Base64::encode_string(bytes));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 40));
    text.push_str(&format!("{BEGIN}{label}{DASHES}\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("{END}{label}{DASHES}\n"));
    text
}

/// Decodes standard base64 with its padding; white space is skipped.
///
/// # Errors
/// The offset of the first character that cannot stand there; the length if the text ends too early.
pub(crate) fn decode_base64(text: &str) -> Result<Zeroizing<Vec<u8>>, usize> {
    let mut packed = Zeroizing::new(String::with_capacity(text.len()));
    let mut padded = false;
    for (at, character) in text.char_indices().filter(|(_, c)| !c.is_ascii_whitespace()) {
        let of_alphabet = character.is_ascii_alphanumeric() || matches!(character, '+' | '/');
        if !(character == '=' || of_alphabet && !padded) {
            return Err(at);
        }
        padded |= character == '=';
        packed.push(character);
    }
    let mut bytes = Zeroizing::new(vec![0; packed.len() / 4 * 3]);
    let length = Base64::decode(packed.as_bytes(), &mut bytes).map_err(|_| text.trim_end().len())?.len();
    bytes.truncate(length);
    Ok(bytes)
}

/// Where in a base64 text the decoded byte `at` starts.
fn base64_offset(text: &str, at: usize) -> usize {
    let character = at / 3 * 4 + at % 3;
    let mut characters = text.char_indices().filter(|(_, c)| !c.is_ascii_whitespace());
    characters.nth(character).map_or(text.len(), |(offset, _)| offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_other_text() {
        let text = "x\n-----BEGIN A-----\nAAECAw==\n-----END A-----\n-----BEGIN OPEN-----\n-----BEGIN B-----\r\nBAUG\r\n-----END B-----";
        let found: Vec<_> = blocks(text).map(|block| (block.label, block.decode().unwrap().to_vec())).collect();
        assert_eq!(found, [("A", vec![0, 1, 2, 3]), ("B", vec![4, 5, 6])]);
    }

    #[test]
    fn offsets_count_from_the_start_of_the_text() {
        let text = "ab\n-----BEGIN A-----\nAAEC\nAw==\n-----END A-----\n";
        let block = blocks(text).next().unwrap();
        // Byte 0 starts with the first character, byte 3 with the fifth, which is on the next line.
        assert_eq!(&text[block.text_offset(0)..][..4], "AAEC");
        assert_eq!(&text[block.text_offset(3)..][..4], "Aw==");
        for broken in [text.replace("AAEC", "AA C"), text.replace("Aw==", "Aw=A"), text.replace("Aw==", "A!==")] {
            let at = blocks(&broken).next().unwrap().decode().unwrap_err();
            assert!((21..31).contains(&at), "{at}");
        }
        assert_eq!(blocks(&text.replace("AAEC", "A*EC")).next().unwrap().decode().unwrap_err(), 22);
    }

    #[test]
    fn what_is_written_comes_back_in_lines_of_64() {
        for length in [0, 1, 48, 49, 500] {
            let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let text = encode("TEST", &bytes);
            assert!(text.lines().all(|line| line.len() <= 64));
            let block = blocks(&text).next().unwrap();
            assert_eq!((block.label, &*block.decode().unwrap()), ("TEST", &bytes));
        }
    }
}
