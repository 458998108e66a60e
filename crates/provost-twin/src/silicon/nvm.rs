//! What the chip keeps without power: option words, user flash, option-byte keys, OTP.

use std::collections::{BTreeMap, BTreeSet};

use provost_chip::{
    option_bytes::factory_words,
    parts::{PartId, SECTOR_SIZE},
    registers::{flash, memory},
};

/// Size of one flash sector in bytes, as an index.
pub const SECTOR: usize = SECTOR_SIZE as usize;
/// Size of the option-byte keys in bytes.
pub const OBK_LEN: usize = memory::OBK_SIZE as usize;
/// Half-words of OTP.
pub const OTP_LEN: usize = 1024;
const OPTION_WORDS: usize = flash::SIZE as usize / 4;

/// Option words by the offset of their `_CUR` register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionWords([u32; OPTION_WORDS]);

impl OptionWords {
    /// The factory words of a part.
    pub fn factory(part: PartId) -> Self {
        let mut words = Self([0; OPTION_WORDS]);
        for (offset_cur, (_, word)) in factory_words(part) {
            words.set(offset_cur, word);
        }
        words
    }

    /// The word of the `_CUR` register at this offset; 0 where there is none.
    pub fn get(&self, offset_cur: u16) -> u32 {
        self.0.get(usize::from(offset_cur / 4)).copied().unwrap_or(0)
    }

    /// Replaces a word; offsets outside the register window are passed over.
    pub fn set(&mut self, offset_cur: u16, word: u32) {
        if let Some(slot) = self.0.get_mut(usize::from(offset_cur / 4)) {
            *slot = word;
        }
    }
}

/// The non-volatile memory of one chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nvm {
    /// Option words as programmed; the `_CUR` registers follow at the next reset.
    pub options: OptionWords,
    /// Programmed flash sectors by sector number; a missing one is erased.
    pub flash: BTreeMap<u32, Box<[u8; SECTOR]>>,
    /// The two sectors of option-byte keys.
    pub obk: [Box<[u8; OBK_LEN]>; 2],
    /// Which of the two is current.
    pub obk_current: usize,
    /// One-time-programmable half-words.
    pub otp: Box<[u16; OTP_LEN]>,
    /// Half-words of OTP that were programmed twice: their ECC fits neither value, and reading them faults for ever
    /// (ST community td-p/145648).
    pub otp_spoilt: BTreeSet<u16>,
    /// An operation that lost power or was cut short by a reset: the CODE_OP that OPSR shows after the next boot.
    pub interrupted: u32,
}

impl Nvm {
    /// Memory as it leaves the factory.
    pub fn factory(part: PartId) -> Self {
        Self {
            options: OptionWords::factory(part),
            flash: BTreeMap::new(),
            obk: [Box::new([0xFF; OBK_LEN]), Box::new([0xFF; OBK_LEN])],
            obk_current: 0,
            otp: Box::new([0xFFFF; OTP_LEN]),
            otp_spoilt: BTreeSet::new(),
            interrupted: 0,
        }
    }

    /// Reads a flash word; `offset` counts from the beginning of the user flash.
    pub fn flash_word(&self, offset: u32) -> u32 {
        let at = (offset % SECTOR_SIZE) as usize & !3;
        match self.flash.get(&(offset / SECTOR_SIZE)) {
            Some(sector) => word_at(&sector[..], at),
            None => u32::MAX,
        }
    }

    /// Programs one 16-byte quad-word: bits only go from 1 to 0 (a second program gives the AND of both: labwired, H563).
    pub fn program_quad_word(&mut self, offset: u32, bytes: [u8; 16]) {
        let sector = self.flash.entry(offset / SECTOR_SIZE).or_insert_with(|| Box::new([0xFF; SECTOR]));
        let at = (offset % SECTOR_SIZE) as usize & !15;
        for (slot, byte) in sector[at..at + 16].iter_mut().zip(bytes) {
            *slot &= byte;
        }
    }

    /// Programs a half-word of OTP, which can be done once. A second program of another value clears bits of data and ECC alike, and
    /// the half-word is lost. Indices outside are passed over.
    pub fn program_otp(&mut self, index: usize, value: u16) {
        let Some(half) = self.otp.get_mut(index) else { return };
        if *half != u16::MAX && *half != value {
            self.otp_spoilt.extend(u16::try_from(index));
        }
        *half &= value;
    }

    /// A half-word of OTP as it reads; `None` where reading faults: never programmed, or programmed twice.
    pub fn otp_half(&self, index: usize) -> Option<u16> {
        let spoilt = u16::try_from(index).is_ok_and(|i| self.otp_spoilt.contains(&i));
        self.otp.get(index).copied().filter(|half| *half != u16::MAX && !spoilt)
    }

    /// Whether a half-word of OTP was never programmed.
    pub fn is_otp_blank(&self, index: usize) -> bool {
        let spoilt = u16::try_from(index).is_ok_and(|i| self.otp_spoilt.contains(&i));
        self.otp.get(index) == Some(&u16::MAX) && !spoilt
    }

    /// Writes bytes as a programmer with the chip on the bench would, erasing nothing; for making chips.
    pub fn load_flash(&mut self, offset: u32, bytes: &[u8]) {
        for (at, &byte) in (offset..).zip(bytes) {
            let sector = self.flash.entry(at / SECTOR_SIZE).or_insert_with(|| Box::new([0xFF; SECTOR]));
            sector[(at % SECTOR_SIZE) as usize] = byte;
        }
    }

    /// The current sector of option-byte keys.
    pub fn obk(&self) -> &[u8; OBK_LEN] {
        &self.obk[self.obk_current & 1]
    }

    /// Replaces a range of the option-byte keys through the alternate sector, as the ROM does: the rest is carried over,
    /// then the sectors change roles, so that a power cut leaves either the old or the new content.
    pub fn replace_obk(&mut self, offset: usize, bytes: &[u8]) {
        let mut next = self.obk[self.obk_current & 1].clone();
        if let Some(range) = next.get_mut(offset..offset.saturating_add(bytes.len())) {
            range.copy_from_slice(bytes);
            self.obk_current ^= 1;
            self.obk[self.obk_current & 1] = next;
        }
    }

    /// Erases what a full regression erases: user flash and the option-byte keys but for HDPL0, which is ST's
    /// (ST wiki, Secure Storage for STM32H5).
    pub fn erase_for_regression(&mut self) {
        self.flash.clear();
        for sector in &mut self.obk {
            sector[memory::OBK_DA_OFFSET as usize..].fill(0xFF);
        }
    }

    /// Erases what a partial regression erases: these sectors of user flash, and the keys of non-secure code.
    pub fn erase_for_tz_regression(&mut self, is_secure: impl Fn(u32) -> bool) {
        self.flash.retain(|sector, _| is_secure(*sector));
        for sector in &mut self.obk {
            sector[NON_SECURE_KEYS].fill(0xFF);
        }
    }
}

/// Where the keys of non-secure code at HDPL3 lie (CMSIS).
const NON_SECURE_KEYS: std::ops::Range<usize> = 0x1800..0x1FF0;

fn word_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(u32::MAX, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nvm() -> Nvm {
        Nvm::factory("STM32H533".parse().unwrap())
    }

    fn quad_word(words: [u32; 4]) -> [u8; 16] {
        words.map(u32::to_le_bytes).concat().try_into().unwrap()
    }

    #[test]
    fn programming_only_clears_bits() {
        let mut nvm = nvm();
        assert_eq!(nvm.flash_word(0x40), u32::MAX);
        nvm.program_quad_word(0x40, quad_word([0x1234_5678, 0, u32::MAX, 1]));
        nvm.program_quad_word(0x40, quad_word([0xFFFF_0000, u32::MAX, 7, u32::MAX]));
        assert_eq!([0x40, 0x44, 0x48, 0x4C].map(|o| nvm.flash_word(o)), [0x1234_0000, 0, 7, 1]);
    }

    #[test]
    fn otp_takes_a_half_word_once() {
        let mut nvm = nvm();
        assert_eq!(nvm.otp_half(3), None, "never programmed");
        nvm.program_otp(3, 0x1234);
        nvm.program_otp(3, 0x1234);
        assert_eq!(nvm.otp_half(3), Some(0x1234), "the same value again has the same ECC");
        nvm.program_otp(3, 0x1230);
        assert_eq!(nvm.otp_half(3), None, "lost");
        nvm.program_otp(OTP_LEN, 0);
    }

    #[test]
    fn replacing_keys_swaps_sectors_and_keeps_the_rest() {
        let mut nvm = nvm();
        nvm.replace_obk(0x100, &[1; 0x60]);
        nvm.replace_obk(0x160, &[2; 16]);
        assert_eq!(nvm.obk_current, 0);
        assert_eq!(nvm.obk()[0x100..0x160], [1; 0x60]);
        assert_eq!(nvm.obk()[0x160..0x170], [2; 16]);
        nvm.replace_obk(0x1FF8, &[3; 16]);
        assert_eq!(nvm.obk_current, 0, "a range outside the keys changes nothing");
    }

    #[test]
    fn a_regression_keeps_what_is_st_s() {
        let mut nvm = nvm();
        nvm.replace_obk(0, &[5; 0x200]);
        nvm.load_flash(0x2000, b"firmware");
        nvm.erase_for_regression();
        assert!(nvm.flash.is_empty());
        assert_eq!(nvm.obk()[..0x100], [5; 0x100]);
        assert_eq!(nvm.obk()[0x100..], [0xFF; 0x1F00]);
    }

    #[test]
    fn the_fields_that_decide_are_where_the_table_says() {
        use provost_chip::option_bytes::OptionField;
        for part in PartId::all() {
            let state = OptionField::find(part, "PRODUCT_STATE").unwrap();
            assert_eq!((state.offset_cur, state.low, state.high), (flash::OPTSR_CUR, 8, 15));
            if let Some(tzen) = OptionField::find(part, "TZEN") {
                assert_eq!((tzen.offset_cur, tzen.low, tzen.high), (flash::OPTSR2_CUR, 24, 31));
            }
        }
    }
}
