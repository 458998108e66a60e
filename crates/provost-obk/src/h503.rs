//! STM32H503 has no OBK storage: the hash of its password goes into one-time-programmable memory, once and for ever.
//!
//! | address | bytes | content |
//! |---|---|---|
//! | 0x08FFF000 | 32 | SHA-256 of the password, without header or integrity hash |
//! | 0x08FFF020 | 32 | ST's scripts call it the SoC mask and never write it; its role is not public. It is locked with the hash |
//!
//! The memory is programmed in half-words of 16 bits with an error-correcting code: each of them once. A half-word never programmed
//! faults when read (ST community td-p/889964). Bit 0 of OTPBLR.LOCKBL locks both rows for ever. A regression erases none of it.
//! Sources: STM32CubeH5 NUCLEO-H503RB ROT_Provisioning/DA scripts, CMSIS stm32h503xx.h.
//!
//! The host authenticates with `da_password.bin`, which is [`Password::to_file`].

use core::fmt;

use provost_adac::crypto::Hash;
use provost_adac::password::{Password, PasswordError};
use provost_chip::parts::DaStore;
use subtle::ConstantTimeEq as _;

use crate::checks::{Check, Finding, Target};
use crate::samples;

/// Where the value goes: OTP block 0 (STM32CubeH5, NUCLEO-H503RB ROT_Provisioning scripts).
pub const OTP_ADDRESS: u32 = 0x08FF_F000;
/// Behind it, in the same block: the SoC mask, never written by ST's scripts.
pub const SOC_MASK_ADDRESS: u32 = 0x08FF_F020;
/// Bytes of an OTP block, the unit of locking (CMSIS stm32h503xx.h: 32 blocks of 32 half-words).
pub const BLOCK_BYTES: usize = 64;
/// Half-words of the value.
pub const VALUE_CELLS: usize = 16;
/// Half-words of an OTP block.
pub const BLOCK_CELLS: usize = 32;
/// The bit of OTPBLR.LOCKBL that locks block 0.
pub const LOCK_BIT: u32 = 1;

/// The 32 bytes to write: SHA-256 of the password, without header or integrity hash (`board_password.bin` of ST's scripts).
pub fn otp_value(password: &Password) -> Hash {
    password.hash()
}

/// What is to be written into OTP. `Debug` does not show it: a short password can be guessed from its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct OtpPassword(Hash);

impl OtpPassword {
    /// For a password.
    pub fn new(password: &Password) -> Self {
        Self(otp_value(password))
    }

    /// For the password in a `da_password.bin`.
    ///
    /// # Errors
    /// The file is none.
    pub fn from_password_file(file: &[u8]) -> Result<Self, PasswordError> {
        Password::from_file(file).map(|password| Self::new(&password))
    }

    /// From a `board_password.bin`, which is the value itself; `None` if it does not have 32 bytes.
    pub fn from_board_file(file: &[u8]) -> Option<Self> {
        file.try_into().ok().map(Self)
    }

    /// The value, from [`OTP_ADDRESS`] on: also the contents of `board_password.bin`.
    pub const fn to_bytes(&self) -> Hash {
        self.0
    }

    /// The value in half-words as they are programmed.
    pub fn half_words(&self) -> [u16; VALUE_CELLS] {
        core::array::from_fn(|index| u16::from_le_bytes([self.0[2 * index], self.0[2 * index + 1]]))
    }

    /// Compares what is on the chip with this value.
    pub fn compare(&self, block: &OtpBlock) -> OtpState {
        let cells = &block.cells[..VALUE_CELLS];
        if cells.iter().all(|cell| is_blank(*cell)) {
            return OtpState::Blank;
        }
        let expected = self.half_words();
        let read: Hash =
            core::array::from_fn(|index| cells[index / 2].map_or(0xFF, |cell| cell.to_le_bytes()[index % 2]));
        if cells.iter().all(Option::is_some) && bool::from(read.ct_eq(&self.0)) {
            return OtpState::Same;
        }
        let pairs = || cells.iter().zip(expected);
        if pairs().all(|(cell, due)| is_blank(*cell) || *cell == Some(due)) {
            return OtpState::Interrupted { missing: pairs().filter(|(cell, due)| **cell != Some(*due)).count() };
        }
        OtpState::Other
    }

    /// What is left to do, in order: the half-words that are missing, each once, then the lock. `None` if it must not be done.
    pub fn steps(&self, block: &OtpBlock) -> Option<Vec<Step>> {
        match (self.compare(block), block.locked) {
            (OtpState::Same, true) => return Some(Vec::new()),
            (OtpState::Other, _) | (_, true) => return None,
            (OtpState::Blank | OtpState::Same | OtpState::Interrupted { .. }, false) => {}
        }
        let cells = block.cells.iter().zip(self.half_words()).zip(0u32..);
        let missing = cells.filter(|((cell, due), _)| **cell != Some(*due));
        let writes = missing.map(|((_, value), index)| Step::Write { address: OTP_ADDRESS + 2 * index, value });
        Some(writes.chain([Step::Lock]).collect())
    }

    /// What speaks against writing.
    pub fn check(&self, block: &OtpBlock, target: &Target) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut push = |check, detail: &str| {
            found.push(Finding { check, destination: Some(OTP_ADDRESS), offset: None, detail: detail.to_owned() });
        };
        if target.part.info().da_store != DaStore::Otp {
            push(Check::OtpWrongPart, "this part keeps its credential in OBK storage");
        }
        if let Some(sample) = samples::password(&self.0) {
            push(Check::Sample, &format!("the password is ST's sample: {} ({})", sample.what, sample.source));
        }
        match (self.compare(block), block.locked) {
            (OtpState::Other, _) => push(Check::OtpNotBlank, "OTP block 0 holds another password or something else"),
            (OtpState::Same, true) => push(Check::OtpSame, "OTP block 0 holds this password and is locked"),
            (OtpState::Same, false) => push(Check::OtpSame, "OTP block 0 holds this password and is not locked yet"),
            (OtpState::Blank | OtpState::Interrupted { .. }, true) => {
                push(Check::OtpLocked, "OTP block 0 is locked and does not hold this password");
            }
            (OtpState::Interrupted { missing }, false) => {
                push(Check::OtpInterrupted, &format!("{missing} of {VALUE_CELLS} half-words are missing"));
                push(Check::OtpForEver, "the password can never be changed or erased");
            }
            (OtpState::Blank, false) => push(Check::OtpForEver, "the password can never be changed or erased"),
        }
        found
    }
}

impl fmt::Debug for OtpPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtpPassword(..)")
    }
}

/// OTP block 0 as it was read. `Debug` shows which half-words are programmed, not what with.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a block of the hardware")]
pub struct OtpBlock {
    /// The half-words; `None` where reading faults, as it does where nothing was ever programmed.
    pub cells: [Option<u16>; BLOCK_CELLS],
    /// Whether OTPBLR has [`LOCK_BIT`].
    pub locked: bool,
}

impl OtpBlock {
    /// A block in which nothing is programmed.
    pub const BLANK: Self = Self { cells: [None; BLOCK_CELLS], locked: false };

    /// From the words read and the lock register; a word whose read faulted counts as two half-words never programmed.
    pub fn from_words(words: &[Option<u32>; BLOCK_CELLS / 2], otpblr: u32) -> Self {
        let cells = core::array::from_fn(|index| words[index / 2].map(|word| (word >> (16 * (index % 2))) as u16));
        Self { cells, locked: otpblr & LOCK_BIT != 0 }
    }

    /// Whether the SoC mask has never been programmed: ST's scripts leave it so.
    pub fn soc_mask_is_blank(&self) -> bool {
        self.cells[VALUE_CELLS..].iter().all(|cell| is_blank(*cell))
    }
}

impl fmt::Debug for OtpBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programmed = self.cells.iter().filter(|cell| !is_blank(**cell)).count();
        f.debug_struct("OtpBlock")
            .field("programmed", &programmed)
            .field("locked", &self.locked)
            .finish_non_exhaustive()
    }
}

/// All ones are what erased cells hold, wherever reading them does not fault.
fn is_blank(cell: Option<u16>) -> bool {
    cell.is_none_or(|cell| cell == 0xFFFF)
}

/// What a chip holds, next to what it shall hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtpState {
    /// No half-word of the value is programmed.
    Blank,
    /// Every half-word holds the value.
    Same,
    /// A part of the value and nothing else.
    Interrupted {
        /// Half-words that are missing.
        missing: usize,
    },
    /// At least one half-word is programmed with something else.
    Other,
}

/// A step that cannot be undone.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a program must do every kind of step")]
pub enum Step {
    /// Program one half-word.
    Write {
        /// Its address in the OTP area.
        address: u32,
        /// The half-word that goes there.
        value: u16,
    },
    /// Set [`LOCK_BIT`] in OTPBLR.
    Lock,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { address, .. } => write!(f, "Write {{ address: {address:#010x}, .. }}"),
            Self::Lock => f.write_str("Lock"),
        }
    }
}
