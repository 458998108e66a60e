//! Where a part's option fields lie, looked up once: an access must not search the table by name.

use provost_chip::{
    option_bytes::OptionField,
    parts::{FlashSize, PartId},
    registers::flash as reg,
    states::TrustZone,
};

use super::nvm::OptionWords;

const WORDS: usize = reg::SIZE as usize / 4;

/// The option registers of one part.
#[derive(Debug)]
pub(crate) struct Layout {
    /// One bit per word of the register window: a `_CUR` register stands there.
    current: [u64; WORDS / 64],
    sectors_per_bank: u32,
    sectors_per_group: u32,
    /// Write protection of each bank, in the order of its sectors.
    write_protection: [Vec<&'static OptionField>; 2],
    /// `SRAM1_3_RST` and its namesakes.
    pub(crate) sram1_reset: Option<&'static OptionField>,
    /// `SRAM2_RST`.
    pub(crate) sram2_reset: Option<&'static OptionField>,
}

/// One register of an option word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionRegister {
    /// The value in force.
    Current,
    /// The value to program; the offset is that of the `_CUR` register.
    Program(u16),
}

impl Layout {
    pub(crate) fn new(part: PartId, flash: FlashSize) -> Self {
        let mut current = [0; WORDS / 64];
        for field in OptionField::of(part) {
            let word = usize::from(field.offset_cur / 4);
            current[word / 64 % current.len()] |= 1 << (word % 64);
        }
        let all = |names: &[&str]| names.iter().filter_map(|name| OptionField::find(part, name)).collect::<Vec<_>>();
        Self {
            current,
            sectors_per_bank: flash.sectors_per_bank(),
            sectors_per_group: part.info().wrp_sectors.max(1),
            write_protection: [all(&["WRPSGn1", "WRPSG11", "WRPSG12"]), all(&["WRPSGn2", "WRPSG21", "WRPSG22"])],
            sram1_reset: all(&["SRAM1_3_RST", "SRAM1_3_4_5_RST", "SRAM1_RST"]).first().copied(),
            sram2_reset: OptionField::find(part, "SRAM2_RST"),
        }
    }

    pub(crate) const fn sectors_per_bank(&self) -> u32 {
        self.sectors_per_bank
    }

    /// What option register stands at an offset, if one does.
    pub(crate) fn register(&self, offset: u16) -> Option<OptionRegister> {
        let is_current = |offset: u16| {
            let word = usize::from(offset / 4);
            self.current.get(word / 64).is_some_and(|bits| bits >> (word % 64) & 1 == 1)
        };
        if is_current(offset) {
            return Some(OptionRegister::Current);
        }
        // `_PRG` follows its `_CUR` on every part; a test of the table holds that.
        offset.checked_sub(4).filter(|cur| is_current(*cur)).map(OptionRegister::Program)
    }

    /// Whether a sector's write-protection group is on.
    pub(crate) fn is_write_protected(&self, sector: u32, loaded: &OptionWords) -> bool {
        let fields = &self.write_protection[usize::from(sector >= self.sectors_per_bank)];
        let width = |field: &OptionField| u32::from(field.high - field.low) + 1;
        let mut group = sector % self.sectors_per_bank / self.sectors_per_group;
        for field in fields {
            if group < width(field) {
                return field.get(loaded.get(field.offset_cur)) >> group & 1 == 0;
            }
            group -= width(field);
        }
        false
    }

    /// Whether a sector lies in a secure watermark (with TrustZone on).
    pub(crate) fn is_secure(&self, sector: u32, tz: TrustZone, loaded: &OptionWords) -> bool {
        let first_bank = sector < self.sectors_per_bank;
        let watermark = loaded.get(if first_bank { reg::SECWM1R_CUR } else { reg::SECWM2R_CUR });
        let (first, last) = (watermark & 0xFFFF, watermark >> 16);
        tz == TrustZone::Enabled && (first..=last).contains(&(sector % self.sectors_per_bank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::order_code::OrderCode;

    #[test]
    fn registers_are_found_without_the_table() {
        for part in PartId::all() {
            let layout = Layout::new(part, part.info().largest_flash());
            for offset in (0..reg::SIZE as u16).step_by(4) {
                let expected = OptionField::of(part).find_map(|f| match offset {
                    o if o == f.offset_cur => Some(OptionRegister::Current),
                    o if o == f.offset_prg => Some(OptionRegister::Program(f.offset_cur)),
                    _ => None,
                });
                assert_eq!(layout.register(offset), expected, "{part} {offset:#x}");
            }
        }
    }

    #[test]
    fn write_protection_groups_cover_the_sectors_of_the_table() {
        // Sectors per group as the option-byte table says: one on H503, four elsewhere, H5E/H5F in two registers a bank.
        for (name, per_group) in [
            ("STM32H503", 1),
            ("STM32H533", 4),
            ("STM32H563", 4),
            ("STM32H563VG", 4),
            ("STM32H523CC", 4),
            ("STM32H5F5", 4),
        ] {
            let code: OrderCode = name.parse().unwrap();
            let (part, flash) = (code.part, code.flash_or_largest());
            let layout = Layout::new(part, flash);
            let sectors = flash.sectors();
            for first in (0..sectors).step_by(per_group) {
                let (bank, group) =
                    (first / layout.sectors_per_bank, first % layout.sectors_per_bank / per_group as u32);
                let second = name == "STM32H5F5" && group >= 32;
                let offset = [[0xE8, 0x98], [0x1E8, 0x198]][bank as usize][usize::from(second)];
                let mut words = OptionWords::factory(part);
                words.set(offset, words.get(offset) & !(1 << (group % 32)));
                let protected: Vec<u32> = (0..sectors).filter(|s| layout.is_write_protected(*s, &words)).collect();
                assert_eq!(protected, (first..first + per_group as u32).collect::<Vec<_>>(), "{name}");
            }
        }
    }
}
