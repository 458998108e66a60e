//! The SRAMs, as one row of bytes; the backup SRAM stands behind them.

use provost_chip::{option_bytes::OptionField, parts::PartId};

use super::{layout::Layout, nvm::OptionWords};

/// SRAM1 to SRAM3 (and what follows), from 0x2000_0000 on.
pub(crate) struct Sram {
    part: PartId,
    words: Vec<u32>,
    backup: Vec<u32>,
}

const BASE: u32 = 0x2000_0000;

impl std::fmt::Debug for Sram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sram").field("bytes", &(self.words.len() * 4)).finish()
    }
}

impl Sram {
    pub(crate) fn new(part: PartId) -> Self {
        let info = part.info();
        let end = [info.sram1, info.sram2, info.sram3, info.sram4, info.sram5]
            .iter()
            .map(|m| m.base + m.size)
            .max()
            .unwrap_or(BASE);
        Self { part, words: vec![0; ((end - BASE) / 4) as usize], backup: vec![0; (info.bkpsram.size / 4) as usize] }
    }

    fn index(address: u32) -> usize {
        (address.wrapping_sub(BASE) / 4) as usize
    }

    /// The word at a non-secure address, `None` outside.
    pub(crate) fn read(&self, address: u32) -> Option<u32> {
        match self.backup_index(address) {
            Some(index) => self.backup.get(index).copied(),
            None => self.words.get(Self::index(address)).copied(),
        }
    }

    /// Writes the word at a non-secure address; `false` outside.
    pub(crate) fn write(&mut self, address: u32, value: u32) -> bool {
        let slot = match self.backup_index(address) {
            Some(index) => self.backup.get_mut(index),
            None => self.words.get_mut(Self::index(address)),
        };
        slot.map(|word| *word = value).is_some()
    }

    fn backup_index(&self, address: u32) -> Option<usize> {
        let backup = self.part.info().bkpsram;
        backup.contains(address, 1).then(|| ((address - backup.base) / 4) as usize)
    }

    /// Bytes from a non-secure address, if they all lie inside.
    pub(crate) fn bytes(&self, address: u32, len: u32) -> Option<Vec<u8>> {
        (0..len.div_ceil(4))
            .map(|i| self.read(address.checked_add(i * 4)?))
            .collect::<Option<Vec<_>>>()
            .map(|words| words.into_iter().flat_map(u32::to_le_bytes).take(len as usize).collect())
    }

    /// Power is gone.
    pub(crate) fn lose(&mut self) {
        self.words.fill(0);
        self.backup.fill(0);
    }

    /// A system reset erases what the option bytes say (`SRAMx_RST` = 0).
    pub(crate) fn reset(&mut self, options: &OptionWords, layout: &Layout) {
        let info = self.part.info();
        let erased = |field: Option<&OptionField>| field.is_some_and(|f| f.get(options.get(f.offset_cur)) == 0);
        let (group1, group2) = (erased(layout.sram1_reset), erased(layout.sram2_reset));
        let group = [
            (info.sram1, group1),
            (info.sram2, group2),
            (info.sram3, group1),
            (info.sram4, group1),
            (info.sram5, group1),
        ];
        for (memory, erase) in group {
            if erase && memory.size != 0 {
                let first = Self::index(memory.base);
                self.words[first..first + (memory.size / 4) as usize].fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stay_inside() {
        let part: PartId = "STM32H533".parse().unwrap();
        let mut sram = Sram::new(part);
        let last = part.info().sram3.base + part.info().sram3.size - 4;
        assert!(sram.write(last, 7));
        assert!(!sram.write(last + 4, 7));
        assert_eq!(sram.bytes(last, 4), Some(vec![7, 0, 0, 0]));
        assert_eq!(sram.bytes(last, 5), None);
        assert_eq!(sram.bytes(u32::MAX - 3, 8), None);
    }

    #[test]
    fn a_reset_erases_what_the_options_say() {
        let part: PartId = "STM32H563".parse().unwrap();
        let mut sram = Sram::new(part);
        let mut options = OptionWords::factory(part);
        for kept in [true, false] {
            let rst = OptionField::find(part, "SRAM1_3_RST").unwrap();
            options.set(rst.offset_cur, rst.set(options.get(rst.offset_cur), u32::from(kept)));
            sram.write(0x2005_0000, 5);
            sram.write(0x2004_0000, 6);
            sram.reset(&options, &Layout::new(part, part.info().largest_flash()));
            assert_eq!(sram.read(0x2005_0000), Some(if kept { 5 } else { 0 }));
            assert_eq!(sram.read(0x2004_0000), Some(6), "SRAM2 has its own option");
        }
    }
}
