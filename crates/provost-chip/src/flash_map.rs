//! User flash sector by sector, as the option words divide it: banks, watermarks, write protection, high-cycle data.

use crate::{
    option_bytes::OptionField,
    parts::{FlashSize, PartId},
    registers::memory,
    states::TrustZone,
};

/// Bytes that are programmed at once, and the alignment they need (CMSIS `FLASH_TYPEPROGRAM_QUADWORD`).
pub const QUAD_WORD: u32 = 16;

/// One sector, at its place on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sector {
    /// Place in the address map, from 0.
    pub index: u32,
    /// Physical bank, 0 or 1: what BKSEL takes (SVD).
    pub bank: u32,
    /// Number within its bank: what SNB takes.
    pub number: u32,
    /// It lies in a secure watermark, with TrustZone on.
    pub secure: bool,
    /// Its write-protection group is on.
    pub write_protected: bool,
    /// It is given to high-cycle data: not program memory.
    pub data: bool,
}

/// The flash of one chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashMap {
    /// How large it is.
    pub size: FlashSize,
    swapped: bool,
    watermarks: [Option<(u32, u32)>; 2],
    protection: [u64; 2],
    sectors_per_group: u32,
    data_sectors: [u32; 2],
}

impl FlashMap {
    /// The map that these words in force (by the offset of `_CUR`) give, with TrustZone as it is, on a chip of this size.
    pub fn new(part: PartId, size: FlashSize, tz: TrustZone, word: impl Fn(u16) -> u32) -> Self {
        let get = |name: &str| OptionField::find(part, name).map(|f| f.get(word(f.offset_cur)));
        let bank = |one: &str, two: &str| [get(one), get(two)];
        let (starts, ends) = (bank("SECWM1_STRT", "SECWM2_STRT"), bank("SECWM1_END", "SECWM2_END"));
        let watermark = |n: usize| {
            let (first, last) = starts[n].zip(ends[n])?;
            (tz == TrustZone::Enabled && first <= last).then_some((first, last))
        };
        // One register a bank, or two on the largest parts.
        let low = |one: &str, two: &str| get(one).or_else(|| get(two)).map_or(u64::MAX, u64::from);
        let high = |name: &str| get(name).map_or(0, u64::from) << 32;
        let (enabled, count) = (bank("EDATA1_EN", "EDATA2_EN"), bank("EDATA1_STRT", "EDATA2_STRT"));
        let data = |n: usize| if enabled[n] == Some(1) { count[n].unwrap_or(0) + 1 } else { 0 };
        Self {
            size,
            swapped: get("SWAP_BANK") == Some(1),
            watermarks: [watermark(0), watermark(1)],
            protection: [low("WRPSGn1", "WRPSG11") | high("WRPSG12"), low("WRPSGn2", "WRPSG21") | high("WRPSG22")],
            sectors_per_group: part.info().wrp_sectors.max(1),
            data_sectors: [data(0), data(1)],
        }
    }

    /// How many sectors there are.
    pub const fn sectors(&self) -> u32 {
        self.size.sectors()
    }

    /// The sector at this place in the address map; places beyond the end wrap around.
    pub fn sector(&self, index: u32) -> Sector {
        let per_bank = self.size.sectors_per_bank();
        let index = index % self.sectors();
        // With banks swapped the second bank is seen first.
        let physical = if self.swapped { (index + per_bank) % self.sectors() } else { index };
        let (bank, number) = (physical / per_bank, physical % per_bank);
        let n = bank as usize & 1;
        Sector {
            index,
            bank,
            number,
            secure: self.watermarks[n].is_some_and(|(first, last)| (first..=last).contains(&number)),
            write_protected: self.protection[n] >> (number / self.sectors_per_group).min(63) & 1 == 0,
            data: number + self.data_sectors[n] >= per_bank,
        }
    }

    /// Offset from the beginning of the flash of an address in it, through either alias.
    pub const fn offset(&self, address: u32) -> Option<u32> {
        let folded = address & !memory::SECURE_ALIAS;
        let offset = folded.wrapping_sub(memory::FLASH);
        if offset < self.size.bytes() { Some(offset) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{option_bytes::factory_words, order_code::OrderCode, parts::SECTOR_SIZE};

    fn map(code: &str, tz: TrustZone, with: &[(&str, u32)]) -> FlashMap {
        of(code.parse().unwrap(), tz, with)
    }

    fn of(code: OrderCode, tz: TrustZone, with: &[(&str, u32)]) -> FlashMap {
        let part = code.part;
        let mut words = factory_words(part);
        for (name, value) in with {
            let field = OptionField::find(part, name).unwrap();
            let word = &mut words.get_mut(&field.offset_cur).unwrap().1;
            *word = field.set(*word, *value);
        }
        FlashMap::new(part, code.flash_or_largest(), tz, |offset| words.get(&offset).map_or(0, |w| w.1))
    }

    #[test]
    fn a_fresh_chip_is_all_program_memory_and_nothing_is_protected() {
        for code in OrderCode::all() {
            let map = of(code, TrustZone::Disabled, &[]);
            assert_eq!(Some(map.size), code.flash);
            assert_eq!(map.sectors() * SECTOR_SIZE, map.size.bytes());
            for index in 0..map.sectors() {
                let s = map.sector(index);
                assert!(!s.secure && !s.write_protected && !s.data, "{code} {s:?}");
                assert_eq!(s.bank * map.sectors() / 2 + s.number, index);
            }
        }
    }

    #[test]
    fn watermarks_count_with_trustzone_on_only_and_an_inverted_one_is_empty() {
        let with = [("SECWM1_STRT", 0), ("SECWM1_END", 3), ("SECWM2_STRT", 1), ("SECWM2_END", 0)];
        let on = map("STM32H533", TrustZone::Enabled, &with);
        let secure: Vec<u32> = (0..on.sectors()).filter(|i| on.sector(*i).secure).collect();
        assert_eq!(secure, [0, 1, 2, 3]);
        let off = map("STM32H533", TrustZone::Disabled, &with);
        assert!((0..off.sectors()).all(|i| !off.sector(i).secure));
    }

    #[test]
    fn protection_groups_are_those_of_the_table() {
        // Sectors a group covers (CMSIS, SVD): one on H503, four elsewhere.
        for (name, field, bit, sectors) in [
            ("STM32H503", "WRPSGn2", 3, 11..12),
            ("STM32H533", "WRPSGn1", 2, 8..12),
            ("STM32H563", "WRPSGn2", 31, 252..256),
            ("STM32H553", "WRPSGn1", 15, 60..64),
            ("STM32H5F5", "WRPSG12", 1, 132..136),
            ("STM32H5F5", "WRPSG21", 0, 256..260),
            // Half the flash: the second bank begins earlier, a bit covers as many sectors as ever, the upper bits cover nothing.
            ("STM32H523CC", "WRPSGn2", 0, 16..20),
            ("STM32H523CC", "WRPSGn2", 4, 0..0),
            ("STM32H562RG", "WRPSGn1", 15, 60..64),
            ("STM32H563VG", "WRPSGn2", 0, 64..68),
            ("STM32H5E5ZK", "WRPSG21", 0, 192..196),
        ] {
            let map = map(name, TrustZone::Disabled, &[(field, !(1u32 << bit))]);
            let found: Vec<u32> = (0..map.sectors()).filter(|i| map.sector(*i).write_protected).collect();
            assert_eq!(found, sectors.collect::<Vec<u32>>(), "{name} {field}");
        }
    }

    #[test]
    fn swapped_banks_keep_their_physical_numbers() {
        let map = map("STM32H563", TrustZone::Enabled, &[("SWAP_BANK", 1), ("SECWM2_STRT", 1), ("SECWM2_END", 0)]);
        assert_eq!((map.sector(0).bank, map.sector(0).number, map.sector(0).secure), (1, 0, false));
        assert_eq!((map.sector(128).bank, map.sector(129).number, map.sector(128).secure), (0, 1, true));
    }

    #[test]
    fn high_cycle_data_is_at_the_end_of_a_bank() {
        let map = map("STM32H563", TrustZone::Disabled, &[("EDATA2_EN", 1), ("EDATA2_STRT", 2)]);
        let data: Vec<u32> = (0..map.sectors()).filter(|i| map.sector(*i).data).collect();
        assert_eq!(data, [253, 254, 255]);
    }

    #[test]
    fn a_half_size_part_has_two_equal_banks() {
        // Where bank 2 begins: STM32_Prog_DB, 0x08020000, 0x08080000, 0x08180000.
        for (code, bank2) in [("STM32H523CC", 0x2_0000), ("STM32H563VG", 0x8_0000), ("STM32H5E4ZK", 0x18_0000)] {
            let plain = map(code, TrustZone::Disabled, &[]);
            let second = plain.sector(bank2 / SECTOR_SIZE);
            assert_eq!((second.bank, second.number), (1, 0), "{code}");
            assert_eq!(plain.sector(bank2 / SECTOR_SIZE - 1).bank, 0, "{code}");
            assert_eq!(plain.offset(memory::FLASH + 2 * bank2), None, "{code}");
            let swapped = map(code, TrustZone::Disabled, &[("SWAP_BANK", 1)]);
            assert_eq!((swapped.sector(0).bank, swapped.sector(bank2 / SECTOR_SIZE).bank), (1, 0), "{code}");
        }
    }

    #[test]
    fn addresses_of_both_aliases_are_offsets() {
        let map = map("STM32H503", TrustZone::Disabled, &[]);
        assert_eq!(map.offset(0x0800_0010), Some(0x10));
        assert_eq!(map.offset(0x0C01_FFFF), Some(0x1_FFFF));
        for outside in [0x0802_0000, 0x0C02_0000, 0x07FF_FFFF, 0x0900_0000, 0x2000_0000, 0x08FF_F000, u32::MAX] {
            assert_eq!(map.offset(outside), None, "{outside:#x}");
        }
    }
}
