//! The option bytes by ST's names, as a table per part.

use std::collections::BTreeMap;

use crate::{parts::PartId, sources::Confidence};

/// One option-byte field of one part.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionField {
    /// Name of the part's line.
    pub part: &'static str,
    /// ST's name: `PRODUCT_STATE`.
    pub name: &'static str,
    /// The register without suffix: `FLASH_OPTSR`.
    pub register: &'static str,
    /// Offset of the `_CUR` register from the FLASH base, in bytes.
    pub offset_cur: u16,
    /// Offset of the `_PRG` register from the FLASH base, in bytes.
    pub offset_prg: u16,
    /// Highest bit.
    pub high: u8,
    /// Lowest bit.
    pub low: u8,
    /// Encodings as `value=meaning` separated by `;`, or a sentence.
    pub encodings: &'static str,
    /// Factory default, where known.
    pub default: Option<u32>,
    /// How sure the default is.
    pub default_confidence: Confidence,
    /// Keys of [`crate::sources::Source`].
    pub source: &'static [&'static str],
}

impl OptionField {
    /// The fields of a part, in register order.
    pub fn of(part: PartId) -> impl Iterator<Item = &'static OptionField> {
        let name = part.info().name;
        crate::tables::FIELDS.iter().filter(move |f| f.part == name)
    }

    /// The field of a part with ST's name, in any case.
    pub fn find(part: PartId, name: &str) -> Option<&'static OptionField> {
        Self::of(part).find(|f| f.name.eq_ignore_ascii_case(name))
    }

    /// The mask of the field in its register.
    pub const fn mask(&self) -> u32 {
        (u32::MAX >> (31 - (self.high - self.low))) << self.low
    }

    /// The field's value in a register word.
    pub const fn get(&self, word: u32) -> u32 {
        (word & self.mask()) >> self.low
    }

    /// The register word with this field set; bits that do not fit are cut off.
    pub const fn set(&self, word: u32, value: u32) -> u32 {
        word & !self.mask() | (value << self.low) & self.mask()
    }

    /// The meaning of a value, where the table names it.
    pub fn meaning(&self, value: u32) -> Option<&'static str> {
        self.encodings.split(';').find_map(|item| {
            let (code, meaning) = item.split_once('=')?;
            let code = code.trim();
            let parsed = match code.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => code.parse().ok()?,
            };
            (parsed == value).then_some(meaning.trim())
        })
    }
}

/// The option registers of a part with their factory words: `_CUR` offset → (`_PRG` offset, word).
///
/// Fields without a known default are 0.
pub fn factory_words(part: PartId) -> BTreeMap<u16, (u16, u32)> {
    let mut words = BTreeMap::new();
    for field in OptionField::of(part) {
        let entry = words.entry(field.offset_cur).or_insert((field.offset_prg, 0));
        entry.1 = field.set(entry.1, field.default.unwrap_or(0));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str) -> PartId {
        name.parse().unwrap()
    }

    #[test]
    fn factory_words_are_those_read_on_silicon() {
        // OPTSR of a NUCLEO-H563ZI (labwired) and OPTSR2 of a blank STM32H533RE (ST community td-p/859095).
        assert_eq!(factory_words(part("STM32H563"))[&0x50].1, 0x2D30_EDF8);
        assert_eq!(factory_words(part("STM32H533"))[&0x70].1, 0xC300_015C);
        assert_eq!(factory_words(part("STM32H533"))[&0x80].1, 0x0800_00C3);
    }

    #[test]
    fn every_row_of_the_table_is_there() {
        let rows = include_str!("../data/option_bytes.csv").lines().skip(1).count();
        assert_eq!(PartId::all().map(|part| OptionField::of(part).count()).sum::<usize>(), rows);
    }

    #[test]
    fn fields_of_a_register_do_not_overlap() {
        for part in PartId::all() {
            let mut seen: BTreeMap<u16, u32> = BTreeMap::new();
            for field in OptionField::of(part) {
                let used = seen.entry(field.offset_cur).or_default();
                assert_eq!(*used & field.mask(), 0, "{part} {}", field.name);
                *used |= field.mask();
                assert_eq!(field.offset_prg, field.offset_cur + 4, "{part} {}", field.name);
            }
        }
    }

    #[test]
    fn every_part_has_what_the_life_cycle_needs() {
        for part in PartId::all() {
            assert!(OptionField::find(part, "product_state").is_some(), "{part}");
            assert_eq!(OptionField::find(part, "TZEN").is_some(), part.info().trustzone, "{part}");
        }
        // 5 bits per sector index on H523/H533, 7 on H56x/H573, 8 on H5E/H5F (CMSIS).
        for (name, bits) in [("STM32H533", 5), ("STM32H563", 7), ("STM32H5F5", 8)] {
            let end = OptionField::find(part(name), "SECWM1_END").unwrap();
            assert_eq!(end.high - end.low + 1, bits);
        }
    }

    #[test]
    fn get_and_set_are_inverse_and_keep_other_bits() {
        let field = OptionField::find(part("STM32H533"), "PRODUCT_STATE").unwrap();
        let word = field.set(0xFFFF_FFFF, 0x17);
        assert_eq!(word, 0xFFFF_17FF);
        assert_eq!(field.get(word), 0x17);
        assert_eq!(field.meaning(0x17), Some("Provisioning"));
        assert_eq!(field.meaning(0x18), None);
        let whole = OptionField::find(part("STM32H533"), "LOCKBL").unwrap();
        assert_eq!(whole.mask(), u32::MAX);
    }
}
