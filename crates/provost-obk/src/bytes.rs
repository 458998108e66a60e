//! Numbers and hex digits as bytes, and back.

use zeroize::Zeroizing;

/// Writes a number little-endian into a field of at most eight bytes.
pub(crate) fn put(bytes: &mut [u8], number: u64) {
    for (byte, value) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *byte = value;
    }
}

/// A little-endian number; of a longer field the first eight bytes.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hex digits as bytes; `None` for anything else.
pub(crate) fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().collect());
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    Some(Zeroizing::new(digits.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()))
}
