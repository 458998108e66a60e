//! ECDSA signatures as images hold them: DER, in one strict and two padded forms.

use provost_adac::key::Signature;

/// Bytes of the longest signature: two 33-byte numbers, each with type and length, in a sequence.
pub const MAX_SIGNATURE_BYTES: usize = 72;

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// How a signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureForm {
    /// DER (RFC 3279 §2.2.3), 8 to 72 bytes: what mcuboot and imgtool write.
    Der,
    /// 72 bytes whose numbers have 33 bytes each, with leading zeros as needed: what ST's imgtool writes for STiRoT, where the length
    /// of everything behind the body must be known before the body is filled up. No DER, as the zeros are needless.
    Numbers33,
    /// DER with zeros behind it, up to 72 bytes: `imgtool --pad-sig`, for mcuboot before 1.5.
    ZeroPadded,
}

impl SignatureForm {
    /// A short stable name, for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Der => "der",
            Self::Numbers33 => "numbers-33",
            Self::ZeroPadded => "zero-padded",
        }
    }
}

/// True if a number of the signature has fewer than 32 bytes in DER: one of 256 signatures. ST's imgtool makes no such images, as its
/// padding may fail then (stm32-mw-mcuboot v1.7.2.39, `_check_signature_size`).
pub(crate) fn has_short_number(signature: &Signature) -> bool {
    signature.as_chunks::<32>().0.iter().any(|number| number[0] == 0 && number[1] < 0x80)
}

/// Writes a signature.
pub(crate) fn write(signature: &Signature, form: SignatureForm) -> Vec<u8> {
    let mut numbers = Vec::with_capacity(MAX_SIGNATURE_BYTES);
    for number in signature.as_chunks::<32>().0 {
        let padded: [u8; 33] = core::array::from_fn(|i| if i == 0 { 0 } else { number[i - 1] });
        let start = match form {
            SignatureForm::Numbers33 => 0,
            // The leading zeros go, but for one in front of a number that would read as negative, and one that is the number zero.
            SignatureForm::Der | SignatureForm::ZeroPadded => {
                let first = padded.iter().position(|byte| *byte != 0).unwrap_or(32);
                if padded[first] >= 0x80 { first - 1 } else { first }
            }
        };
        numbers.extend_from_slice(&[INTEGER, (33 - start) as u8]);
        numbers.extend_from_slice(&padded[start..]);
    }
    let mut out = vec![SEQUENCE, numbers.len() as u8];
    out.append(&mut numbers);
    if form == SignatureForm::ZeroPadded {
        out.resize(MAX_SIGNATURE_BYTES, 0);
    }
    out
}

/// Reads a signature in any of the forms; `Err` is the place of the byte that fits none of them.
pub(crate) fn read(bytes: &[u8]) -> Result<(Signature, SignatureForm), usize> {
    let length = match bytes {
        [SEQUENCE, length, ..] => usize::from(*length),
        [SEQUENCE] => return Err(1),
        _ => return Err(0),
    };
    if bytes.len() > MAX_SIGNATURE_BYTES {
        return Err(MAX_SIGNATURE_BYTES);
    }
    let end = 2 + length;
    let sequence = bytes.get(..end).ok_or(1_usize)?;
    let mut signature = [0; 64];
    let mut offset = 2;
    for place in signature.as_chunks_mut::<32>().0 {
        offset = number(sequence, offset, place)?;
    }
    if offset != end {
        return Err(offset);
    }
    if let Some(stray) = bytes[end..].iter().position(|byte| *byte != 0) {
        return Err(end + stray);
    }
    let form = [SignatureForm::Der, SignatureForm::Numbers33, SignatureForm::ZeroPadded]
        .into_iter()
        .find(|form| write(&signature, *form) == bytes);
    // A mixture, such as needless zeros in front of one number only, is nothing that any tool writes.
    form.map(|form| (signature, form)).ok_or(2)
}

/// Reads the number at `offset` of `sequence` into `place`, and says where the next one starts.
fn number(sequence: &[u8], offset: usize, place: &mut [u8; 32]) -> Result<usize, usize> {
    let Some([INTEGER, length]) = sequence.get(offset..offset + 2) else { return Err(offset.min(sequence.len())) };
    let start = offset + 2;
    let end = start + usize::from(*length);
    let digits = sequence.get(start..end).ok_or(offset + 1)?;
    let digits = match digits {
        // Negative, which r and s are not.
        [0x80..=0xFF, ..] | [] => return Err(start),
        [0, rest @ ..] if digits.len() == 33 => rest,
        _ => digits,
    };
    let from = place.len().checked_sub(digits.len()).ok_or(offset + 1)?;
    place[from..].copy_from_slice(digits);
    Ok(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_as_x690_says() {
        let mut signature = [0; 64];
        (signature[31], signature[63]) = (1, 0x80);
        assert_eq!(write(&signature, SignatureForm::Der), [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]);
        let high = [0xFF; 64];
        let der = write(&high, SignatureForm::Der);
        assert_eq!(der.len(), 72);
        assert_eq!(der[..6], [0x30, 70, 2, 33, 0, 0xFF]);
        // Two numbers that need no leading zero: 70 bytes in DER, 72 padded.
        let low = [0x7F; 64];
        assert_eq!(write(&low, SignatureForm::Der).len(), 70);
        let fixed = write(&low, SignatureForm::Numbers33);
        assert_eq!(fixed[..6], [0x30, 70, 2, 33, 0, 0x7F]);
        assert_eq!(fixed[37..41], [2, 33, 0, 0x7F]);
        let padded = write(&low, SignatureForm::ZeroPadded);
        assert_eq!((padded.len(), &padded[70..]), (72, &[0, 0][..]));
    }

    #[test]
    fn short_numbers_are_those_below_32_bytes_of_der() {
        for (first, second, short) in [(0, 0x7F, true), (0, 0x80, false), (0x01, 0, false), (0xFF, 0xFF, false)] {
            for place in [0, 32] {
                let mut signature = [0x7F; 64];
                (signature[place], signature[place + 1]) = (first, second);
                assert_eq!(has_short_number(&signature), short);
                // 70 bytes hold two numbers of 32 bytes; one more for each high one.
                assert_eq!(write(&signature, SignatureForm::Der).len() < 70, short);
            }
        }
    }

    #[test]
    fn broken_signatures_name_the_byte() {
        let table: [(&[u8], usize); 10] = [
            (&[], 0),
            (&[0x31, 6, 2, 1, 1, 2, 1, 1], 0),
            (&[0x30], 1),
            (&[0x30, 7, 2, 1, 1, 2, 1, 1], 1),
            (&[0x30, 6, 3, 1, 1, 2, 1, 1], 2),
            (&[0x30, 6, 2, 1, 0x80, 2, 1, 1], 4),
            (&[0x30, 6, 2, 1, 1, 2, 2, 1], 6),
            (&[0x30, 7, 2, 2, 0, 1, 2, 1, 1], 2),
            (&[0x30, 6, 2, 1, 1, 2, 1, 1, 0, 9], 9),
            (&[0x30, 7, 2, 1, 1, 2, 1, 1, 0], 8),
        ];
        for (bytes, offset) in table {
            assert_eq!(read(bytes), Err(offset), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn every_form_comes_back(signature: [[u8; 32]; 2], zeros in 0_usize..34) {
            let mut signature: Signature = signature.as_flattened().try_into().unwrap();
            signature[..zeros.min(32)].fill(0);
            for form in [SignatureForm::Der, SignatureForm::Numbers33, SignatureForm::ZeroPadded] {
                let (back, found) = read(&write(&signature, form)).unwrap();
                prop_assert_eq!(back, signature);
                // Where the forms coincide it is DER.
                prop_assert!(found == form || write(&signature, form) == write(&signature, SignatureForm::Der));
            }
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            let _ = read(&bytes);
            let mut framed = vec![SEQUENCE, bytes.len() as u8, INTEGER];
            framed.extend(bytes);
            if let Err(offset) = read(&framed) {
                prop_assert!(offset <= framed.len());
            }
        }
    }
}
