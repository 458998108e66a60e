//! The parts of the STM32H5 series.

use std::{fmt, str::FromStr};

use crate::sources::Confidence;

/// A memory seen from the non-secure bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// First address of the non-secure alias.
    pub base: u32,
    /// Size in bytes; 0 where the part does not have it.
    pub size: u32,
}

impl Memory {
    /// Whether `len` bytes from `address` lie wholly inside.
    pub const fn contains(&self, address: u32, len: u32) -> bool {
        address >= self.base && len <= self.size && address - self.base <= self.size - len
    }
}

/// Where a part keeps its Debug Authentication data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two stores of the hardware")]
pub enum DaStore {
    /// In the option-byte keys: rewritable in Provisioning, erased by a full regression.
    Obk,
    /// In one-time-programmable memory (STM32H503).
    Otp,
}

/// One line of the series, such as STM32H533.
#[derive(Debug)]
#[non_exhaustive]
pub struct Part {
    /// Name of the line, without package and flash-size letters.
    pub name: &'static str,
    /// `DBGMCU_IDCODE.DEV_ID`. Several lines share one (rule `R-DEV-ID-NOT-CRYPTO`).
    pub dev_id: u16,
    /// Whether it has TrustZone.
    pub trustzone: bool,
    /// Whether it has secure AES: its objects must then be encrypted by the chip.
    pub crypto: bool,
    /// The flash sizes that the line is made in, the largest first.
    pub flash_sizes: &'static [FlashSize],
    /// Sectors that one write-protection bit covers, in every size.
    pub wrp_sectors: u32,
    /// SRAM1.
    pub sram1: Memory,
    /// SRAM2.
    pub sram2: Memory,
    /// SRAM3: where the provisioning service wants its data.
    pub sram3: Memory,
    /// SRAM4.
    pub sram4: Memory,
    /// SRAM5.
    pub sram5: Memory,
    /// Backup SRAM.
    pub bkpsram: Memory,
    /// Where Debug Authentication data lives.
    pub da_store: DaStore,
    /// Magic at +0xF8 of the RSS descriptor.
    pub rss_magic: [u8; 8],
    /// Where an RSS descriptor may lie, newest ROM first; empty where there is no provisioning service.
    pub rss_descriptors: &'static [u32],
    /// Address of the SFSP version word.
    pub sfsp_version: u32,
    /// Where the ROM bootloader begins.
    pub bootloader: u32,
    /// Address of the bootloader's version byte.
    pub bootloader_version: u32,
    /// Revisions of the silicon: the letter on the package and `DBGMCU_IDCODE.REV_ID`.
    pub revisions: &'static [(char, u16)],
    /// Version of ST's secure firmware that a log of silicon shows.
    pub sfsp: Option<[u8; 3]>,
    /// What the bootloader's version byte reads (AN2606).
    pub bootloader_id: Option<u8>,
    /// How sure the row is.
    pub confidence: Confidence,
    /// Keys of [`crate::sources::Source`].
    pub source: &'static [&'static str],
}

impl Part {
    /// The largest flash of the line.
    pub const fn largest_flash(&self) -> FlashSize {
        match self.flash_sizes {
            [largest, ..] => *largest,
            // The build refuses a row without a size.
            [] => FlashSize(0),
        }
    }

    /// The size of every chip of this line, where there is only one.
    pub const fn only_flash(&self) -> Option<FlashSize> {
        match self.flash_sizes {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The size that the size register gives; `None` where it is masked (0, 0xFFFF) or no size of this line.
    pub fn flash_from_register(&self, kb: u32) -> Option<FlashSize> {
        self.flash_sizes.iter().copied().find(|size| size.kb() == kb & 0xFFFF)
    }
}

/// Size of a flash sector in bytes (all parts).
pub const SECTOR_SIZE: u32 = 0x2000;

/// How large the user flash of one chip is: always two equal banks of whole sectors. Lines are made in several sizes that share a
/// DEV_ID, and the second bank begins where the first one ends (CMSIS `FLASH_BANK_SIZE`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlashSize(u16);

impl FlashSize {
    pub(crate) const fn of_table(kb: u16) -> Self {
        Self(kb)
    }

    /// The largest of the series.
    pub fn largest() -> Self {
        PartId::all().map(|part| part.info().largest_flash()).max().unwrap_or(Self(0))
    }

    /// In KB.
    pub const fn kb(self) -> u32 {
        self.0 as u32
    }

    /// In bytes.
    pub const fn bytes(self) -> u32 {
        self.kb() * 1024
    }

    /// Bytes of one bank.
    pub const fn bank(self) -> u32 {
        self.bytes() / 2
    }

    /// Sectors of both banks.
    pub const fn sectors(self) -> u32 {
        self.bytes() / SECTOR_SIZE
    }

    /// Sectors of one bank.
    pub const fn sectors_per_bank(self) -> u32 {
        self.sectors() / 2
    }
}

/// `256 KB` or `2 MB`.
impl fmt::Display for FlashSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kb() {
            kb if kb.is_multiple_of(1024) => write!(f, "{} MB", kb / 1024),
            kb => write!(f, "{kb} KB"),
        }
    }
}

impl fmt::Debug for FlashSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A part, as a small copyable handle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartId(u8);

impl PartId {
    /// All parts, in the order of the table.
    pub fn all() -> impl Iterator<Item = PartId> {
        (0u8..).zip(crate::tables::PARTS).map(|(index, _)| PartId(index))
    }

    /// The parts that share this `DEV_ID`.
    pub fn with_dev_id(dev_id: u16) -> impl Iterator<Item = PartId> {
        Self::all().filter(move |p| p.info().dev_id == dev_id)
    }

    /// Its row.
    pub fn info(self) -> &'static Part {
        // A `PartId` is only made from an index of the table.
        &crate::tables::PARTS[usize::from(self.0) % crate::tables::PARTS.len()]
    }
}

impl fmt::Debug for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.info().name)
    }
}

/// A name that belongs to no part of the series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown part {name:?}; known lines: {known}")]
#[non_exhaustive]
pub struct UnknownPart {
    /// The name that was asked for, cut to 40 characters.
    pub name: String,
    /// The names that would have been accepted.
    pub known: String,
}

impl FromStr for PartId {
    type Err = UnknownPart;

    /// Accepts a line or an order code: `STM32H533`, `stm32h533re`, `H533`.
    fn from_str(name: &str) -> Result<Self, UnknownPart> {
        let upper = name.to_ascii_uppercase();
        let full = if upper.starts_with('H') { format!("STM32{upper}") } else { upper };
        let plausible = full.len() <= 24 && full.bytes().all(|b| b.is_ascii_alphanumeric());
        Self::all().find(|p| plausible && full.starts_with(p.info().name)).ok_or_else(|| UnknownPart {
            name: name.chars().take(40).collect(),
            known: Self::all().map(|p| p.info().name).collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_there() {
        let rows = include_str!("../data/parts.toml").lines().filter(|line| *line == "[[part]]").count();
        assert_eq!((PartId::all().count(), rows), (12, 12));
    }

    #[test]
    fn order_codes_find_their_line() {
        let part: PartId = "STM32H533RE".parse().unwrap();
        assert_eq!(part.info().name, "STM32H533");
        assert!(part.info().crypto);
        assert_eq!("h573".parse::<PartId>().unwrap().info().dev_id, 0x484);
        assert!("STM32F407".parse::<PartId>().is_err());
        assert!("STM32H5".parse::<PartId>().is_err());
    }

    #[test]
    fn dev_ids_are_those_of_the_tool_data_base() {
        // STM32_Prog_DB_0x474/478/484/47A/47C.xml
        for (id, names) in [
            (0x474, &["STM32H503"][..]),
            (0x478, &["STM32H523", "STM32H533"]),
            (0x484, &["STM32H562", "STM32H563", "STM32H573"]),
            (0x47A, &["STM32H5E4", "STM32H5E5", "STM32H5F4", "STM32H5F5"]),
            (0x47C, &["STM32H543", "STM32H553"]),
        ] {
            let found: Vec<_> = PartId::with_dev_id(id).map(|p| p.info().name).collect();
            assert_eq!(found, names);
        }
        assert_eq!(PartId::with_dev_id(0x450).count(), 0);
    }

    #[test]
    fn memories_hold_what_lies_wholly_inside() {
        let m = Memory { base: 0x2003_4000, size: 0x1_0000 };
        assert!(m.contains(0x2003_4000, 0x1_0000));
        assert!(!m.contains(0x2003_4000, 0x1_0001));
        assert!(!m.contains(0x2003_3FFC, 8));
        assert!(!m.contains(0xFFFF_FFFC, 8));
    }
}
