//! The 96-bit unique id of a chip.

use std::{fmt, str::FromStr};

/// The unique id: three words as they lie in memory, lowest address first (RM0481 "Unique device ID register").
///
/// As text it reads as ST's tools print it, highest word first: `003D005E_33325117_38363236`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueId([u32; 3]);

impl UniqueId {
    /// The id of these words, lowest address first; `None` for what no chip has: all zeros, or all ones.
    pub fn new(words: [u32; 3]) -> Option<Self> {
        let blank = words == [0; 3] || words == [u32::MAX; 3];
        (!blank).then_some(Self(words))
    }

    /// The id in a SoC id, as a discovery shows it: its words lowest address first, each least significant byte first, then zeros
    /// (log of an STM32H563, AN6008). `None` where it is blank, as chips that are closed were seen to show it.
    pub fn from_soc_id(id: &[u8; 16]) -> Option<Self> {
        let mut words = [0; 3];
        for (word, bytes) in words.iter_mut().zip(id.chunks_exact(4)) {
            *word = bytes.iter().rev().fold(0, |w: u32, b| w << 8 | u32::from(*b));
        }
        Self::new(words)
    }

    /// Its words, lowest address first.
    pub const fn words(self) -> [u32; 3] {
        self.0
    }

    /// Whether two ids have the same words in any order: in which order a discovery shows them was read off one log.
    pub fn same_words(self, other: Self) -> bool {
        let sorted = |mut words: [u32; 3]| {
            words.sort_unstable();
            words
        };
        sorted(self.0) == sorted(other.0)
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{c:08X}_{b:08X}_{a:08X}")
    }
}

/// Text that is no unique id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no unique id: three words in hexadecimal are wanted, such as 003D005E_33325117_38363236")]
#[non_exhaustive]
pub struct NoUniqueId {
    /// The text.
    pub text: String,
}

impl FromStr for UniqueId {
    type Err = NoUniqueId;

    fn from_str(text: &str) -> Result<Self, NoUniqueId> {
        let none = || NoUniqueId { text: text.chars().take(40).collect() };
        let mut words = [0; 3];
        let mut parts = text.split('_');
        for word in words.iter_mut().rev() {
            let part =
                parts.next().filter(|p| p.len() == 8 && p.bytes().all(|b| b.is_ascii_hexdigit())).ok_or_else(none)?;
            *word = u32::from_str_radix(part, 16).map_err(|_| none())?;
        }
        if parts.next().is_some() {
            return Err(none());
        }
        Self::new(words).ok_or_else(none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The words of an STM32H563's log.
    const WORDS: [u32; 3] = [0x3836_3236, 0x3332_5117, 0x003D_005E];
    const TEXT: &str = "003D005E_33325117_38363236";

    #[test]
    fn it_reads_as_st_s_tools_print_it() {
        let id = UniqueId::new(WORDS).unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(TEXT.parse(), Ok(id));
        for bad in [
            "",
            "003D005E",
            "003D005E_33325117",
            "003D005E_33325117_3836323",
            "00000000_00000000_00000000",
            "003D005E_33325117_38363236_0",
            "+03D005E_33325117_38363236",
        ] {
            assert!(bad.parse::<UniqueId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_soc_id_holds_it_and_a_blank_one_does_not() {
        let mut soc = [0; 16];
        for (slot, word) in soc.chunks_exact_mut(4).zip(WORDS) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        assert_eq!(UniqueId::from_soc_id(&soc), UniqueId::new(WORDS));
        assert_eq!(UniqueId::from_soc_id(&[0; 16]), None);
        assert_eq!(UniqueId::new([u32::MAX; 3]), None);
    }

    #[test]
    fn the_order_of_words_does_not_matter_to_a_comparison_by_words() {
        let [a, b, c] = WORDS;
        let id = UniqueId::new(WORDS).unwrap();
        assert!(id.same_words(UniqueId::new([c, a, b]).unwrap()));
        assert!(!id.same_words(UniqueId::new([a, a, c]).unwrap()));
    }
}
