//! ECDSA signatures as bytes: `r ‖ s` as certificates and tokens hold them, or the DER most tools write.

/// `r ‖ s` of a signature, big-endian.
pub type Signature = [u8; 64];

/// Why bytes are not an ECDSA signature of P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature byte {offset}: {rule}")]
#[non_exhaustive]
pub struct SignatureError {
    /// Where the rule is broken.
    pub offset: usize,
    /// The rule.
    pub rule: SignatureRule,
}

/// A rule of a signature's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureRule {
    /// 64 bytes, or DER, which begins with a SEQUENCE.
    #[error("64 bytes r and s are due, or SEQUENCE {{ INTEGER r, INTEGER s }} in DER; got {have} bytes")]
    Form {
        /// How many bytes came in place of a signature.
        have: usize,
    },
    /// The lengths in DER are those of what follows.
    #[error("{announced} bytes announced, {have} follow")]
    Length {
        /// What the length byte says.
        announced: u8,
        /// Bytes that follow it.
        have: usize,
    },
    /// r and s are INTEGERs.
    #[error("an INTEGER is due")]
    Integer,
    /// They are positive and written as short as can be.
    #[error("r and s must be positive and without needless zeros")]
    Digits,
    /// r and s have at most 256 bits.
    #[error("r and s have at most 32 bytes, got {have}")]
    TooLong {
        /// Bytes of the number.
        have: usize,
    },
    /// Nothing follows s.
    #[error("{count} bytes follow s")]
    TrailingBytes {
        /// How many bytes too many.
        count: usize,
    },
}

impl SignatureError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        "signature-malformed"
    }
}

/// Reads a signature: 64 bytes `r ‖ s`, or `SEQUENCE { INTEGER r, INTEGER s }` in DER (RFC 3279 §2.2.3).
///
/// # Errors
/// The offset and the rule that is broken. That the numbers are below the order of the curve is left to whoever verifies.
pub fn parse_signature(bytes: &[u8]) -> Result<Signature, SignatureError> {
    match bytes.try_into() {
        Ok(raw) => Ok(raw),
        Err(_) => parse_der(bytes),
    }
}

/// Reads a signature in DER.
pub(crate) fn parse_der(bytes: &[u8]) -> Result<Signature, SignatureError> {
    let fail = |offset, rule| Err(SignatureError { offset, rule });
    let Some((&[0x30, announced], body)) = bytes.split_first_chunk::<2>() else {
        return fail(0, SignatureRule::Form { have: bytes.len() });
    };
    // Longer forms of the length have their highest bit set; two numbers of 33 bytes need none of them.
    if usize::from(announced) != body.len() {
        return fail(1, SignatureRule::Length { announced, have: body.len() });
    }
    let mut signature = [0; 64];
    let mut rest = body;
    for place in signature.as_chunks_mut::<32>().0 {
        let at = bytes.len() - rest.len();
        rest = integer(rest, place).map_err(|error| SignatureError { offset: at + error.offset, ..error })?;
    }
    if !rest.is_empty() {
        return fail(bytes.len() - rest.len(), SignatureRule::TrailingBytes { count: rest.len() });
    }
    Ok(signature)
}

/// Reads one INTEGER into `place`; gives what follows it.
fn integer<'a>(bytes: &'a [u8], place: &mut [u8; 32]) -> Result<&'a [u8], SignatureError> {
    let fail = |offset, rule| Err(SignatureError { offset, rule });
    let Some((&[0x02, announced], body)) = bytes.split_first_chunk::<2>() else {
        return fail(0, SignatureRule::Integer);
    };
    let Some((digits, rest)) = body.split_at_checked(announced.into()) else {
        return fail(1, SignatureRule::Length { announced, have: body.len() });
    };
    let digits = match digits {
        // The zero keeps a number positive whose first bit is set; otherwise it is needless.
        [0, tail @ ..] if tail.first().is_some_and(|&first| first >= 0x80) => tail,
        [] | [0, _, ..] | [0x80..=0xFF, ..] => return fail(2, SignatureRule::Digits),
        digits => digits,
    };
    let Some(start) = place.len().checked_sub(digits.len()) else {
        return fail(2, SignatureRule::TooLong { have: digits.len() });
    };
    place[start..].copy_from_slice(digits);
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let raw: [u8; 64] = core::array::from_fn(|i| i as u8);
        assert_eq!(parse_signature(&raw), Ok(raw));
        // r = 1, s = 0x80, whose sign would be wrong without the leading zero.
        let signature = parse_signature(&[0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]).unwrap();
        let mut expected = [0; 64];
        (expected[31], expected[63]) = (1, 0x80);
        assert_eq!(signature, expected);
    }

    #[test]
    fn broken_signatures_name_byte_and_rule() {
        let table: [(&[u8], usize, SignatureRule); 9] = [
            (&[], 0, SignatureRule::Form { have: 0 }),
            (&[0x31, 6, 2, 1, 1, 2, 1, 1], 0, SignatureRule::Form { have: 8 }),
            (&[0x30, 6, 2, 1, 1, 2, 1, 1, 0], 1, SignatureRule::Length { announced: 6, have: 7 }),
            (&[0x30, 6, 3, 1, 1, 2, 1, 1], 2, SignatureRule::Integer),
            (&[0x30, 6, 2, 1, 0x80, 2, 1, 1], 4, SignatureRule::Digits),
            (&[0x30, 7, 2, 2, 0, 1, 2, 1, 1], 4, SignatureRule::Digits),
            (&[0x30, 5, 2, 1, 1, 2, 0], 7, SignatureRule::Digits),
            (&[0x30, 6, 2, 1, 1, 2, 2, 1], 6, SignatureRule::Length { announced: 2, have: 1 }),
            (&[0x30, 7, 2, 1, 1, 2, 1, 1, 0], 8, SignatureRule::TrailingBytes { count: 1 }),
        ];
        for (bytes, offset, rule) in table {
            assert_eq!(parse_signature(bytes), Err(SignatureError { offset, rule }), "{bytes:x?}");
        }
        let long = [&[0x30, 38, 2, 33, 1][..], &[0; 32], &[2, 1, 1]].concat();
        assert_eq!(
            parse_signature(&long),
            Err(SignatureError { offset: 4, rule: SignatureRule::TooLong { have: 33 } })
        );
    }
}
