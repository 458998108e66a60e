//! The extensions that certificates and tokens may carry: their length, their fill and their hash.
//!
//! The hash covers the extensions filled up with zeros to words, as Arm's target (psa-adac) computes it; Arm's host tool (adac-rs)
//! hashes them as they are. The two agree on a multiple of four bytes, and nothing else is written here. Without extensions the hash
//! field is zero: adac-rs demands it. What STM32H5 does with extensions is not public; no certificate of ST has any.

use subtle::ConstantTimeEq as _;

use crate::crypto::{Hash, sha256};

/// The hash of the extensions is not the one that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the extensions hash is not that of the extensions")]
#[expect(clippy::exhaustive_structs, reason = "says it all")]
pub struct BadExtensionsHash;

/// How the bytes after a signature fail to be its extensions.
pub(crate) enum Flaw {
    /// Not the announced length, filled up to words.
    Length,
    /// The fill is not zero at this offset.
    Padding(usize),
}

/// Splits announced extensions from their padding; certificates and tokens have them alike.
pub(crate) fn split(rest: &[u8], announced: u32) -> Result<&[u8], Flaw> {
    let length = usize::try_from(announced).map_err(|_| Flaw::Length)?;
    if length.checked_next_multiple_of(4) != Some(rest.len()) {
        return Err(Flaw::Length);
    }
    let (extensions, padding) = rest.split_at(length);
    match padding.iter().position(|&byte| byte != 0) {
        Some(at) => Err(Flaw::Padding(length + at)),
        None => Ok(extensions),
    }
}

/// Filled up to words.
pub(crate) fn filled(extensions: &[u8]) -> Vec<u8> {
    let mut bytes = extensions.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// What the hash field must hold.
pub(crate) fn hash(extensions: &[u8]) -> Hash {
    if extensions.is_empty() { [0; 32] } else { sha256(&filled(extensions)) }
}

/// Compares a hash field with the extensions.
pub(crate) fn verify(extensions: &[u8], field: &Hash) -> Result<(), BadExtensionsHash> {
    if hash(extensions).ct_eq(field).into() { Ok(()) } else { Err(BadExtensionsHash) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_extensions_have_a_hash_of_zeros() {
        assert_eq!(verify(&[], &[0; 32]), Ok(()));
        // SHA-256 of nothing is not what is due.
        assert_eq!(verify(&[], &sha256(&[])), Err(BadExtensionsHash));
        assert_eq!(verify(&[0; 4], &[0; 32]), Err(BadExtensionsHash));
    }

    #[test]
    fn the_fill_is_hashed() {
        assert_eq!(verify(&[1, 2, 3], &sha256(&[1, 2, 3, 0])), Ok(()));
        assert_eq!(verify(&[1, 2, 3], &sha256(&[1, 2, 3])), Err(BadExtensionsHash));
        assert_eq!(verify(&[1, 2, 3, 4], &sha256(&[1, 2, 3, 4])), Ok(()));
    }
}
