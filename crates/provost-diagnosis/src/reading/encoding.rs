//! Bytes as text: UTF-8, or UTF-16 as a shell of Windows writes it, with its mark or without.

use std::borrow::Cow;

/// So many bytes decide whether an input without a mark is UTF-16.
const LOOKED_AT: usize = 512;

/// The text. What is no valid character becomes U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest),
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        _ => match zeros(bytes) {
            (even, odd) if odd > 3 && even == 0 => Cow::Owned(wide(bytes, u16::from_le_bytes)),
            (even, odd) if even > 3 && odd == 0 => Cow::Owned(wide(bytes, u16::from_be_bytes)),
            _ => String::from_utf8_lossy(bytes),
        },
    }
}

/// Whether the input is UTF-16: that is decoded as a whole, everything else line by line.
pub(super) fn is_wide(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) || zeros(bytes) != (0, 0)
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Zeros at even and at odd places, if one of them is nearly half of the bytes: ASCII in UTF-16.
fn zeros(bytes: &[u8]) -> (usize, usize) {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let count = |parity: usize| head.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (count(0), count(1));
    if (even + odd) * 5 > head.len() * 2 { (even, odd) } else { (0, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "Gerät: PRODUCT_STATE: 0x17\r\n状态\n";
        let units: Vec<u16> = text.encode_utf16().collect();
        let le: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let be: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            [b"\xFF\xFE", le.as_slice()].concat(),
            [b"\xFE\xFF", be.as_slice()].concat(),
            le,
            be,
        ] {
            assert_eq!(decode(&bytes), text);
        }
        assert_eq!(decode(b"\xFF\xFE\x41"), "");
        assert_eq!(decode(b"caf\xE9"), "caf\u{FFFD}");
    }
}
