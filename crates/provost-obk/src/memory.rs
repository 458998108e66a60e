//! The map of the option-byte-key (OBK) storage: which addresses belong to which HDPL.
//!
//! The same on STM32H52x, H53x, H56x and H57x; STM32H503 has none.

use core::fmt;

/// Secure alias of the storage (CMSIS stm32h573xx.h `FLASH_OBK_BASE_S`): the one `.obk` files use.
pub const SECURE_BASE: u32 = 0x0FFD_0000;
/// Non-secure alias of the storage (CMSIS stm32h573xx.h `FLASH_OBK_BASE_NS`).
pub const NON_SECURE_BASE: u32 = 0x0BFD_0000;

/// Temporal isolation level a part of the storage belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the levels of the hardware")]
pub enum Level {
    /// ST's own, readable by the RSS only.
    Hdpl0,
    /// Readable at HDPL 0 and 1.
    Hdpl1,
    /// Readable up to HDPL 2.
    Hdpl2,
    /// Readable by secure code, at HDPL 3 too.
    Hdpl3Secure,
    /// Readable at HDPL 3; with TrustZone on, through a secure access.
    Hdpl3NonSecure,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hdpl0 => "HDPL0",
            Self::Hdpl1 => "HDPL1",
            Self::Hdpl2 => "HDPL2",
            Self::Hdpl3Secure => "HDPL3 secure",
            Self::Hdpl3NonSecure => "HDPL3 non-secure",
        })
    }
}

/// The part of the storage that belongs to one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Range {
    /// Which level may read it.
    pub level: Level,
    /// First byte, from the base.
    pub offset: u32,
    /// Its size, bytes.
    pub size: u32,
    /// Whether a full regression erases it.
    pub full_regression_erases: bool,
    /// Whether a regression to TZ-Closed erases it.
    pub tz_regression_erases: bool,
    /// Where this is written.
    pub source: &'static str,
}

const SOURCE: &str = "CMSIS stm32h573xx.h (OBK HDPL offsets); ST wiki, Secure Storage for STM32H5";

const fn range(
    level: Level,
    offset: u32,
    size: u32,
    full_regression_erases: bool,
    tz_regression_erases: bool,
) -> Range {
    Range { level, offset, size, full_regression_erases, tz_regression_erases, source: SOURCE }
}

/// The whole map, by address.
pub const MAP: [Range; 5] = [
    range(Level::Hdpl0, 0x0000, 0x0100, false, false),
    range(Level::Hdpl1, 0x0100, 0x0800, true, false),
    range(Level::Hdpl2, 0x0900, 0x0300, true, false),
    range(Level::Hdpl3Secure, 0x0C00, 0x0C00, true, false),
    range(Level::Hdpl3NonSecure, 0x1800, 0x07F0, true, true),
];

impl Range {
    /// The range an address of the secure alias lies in.
    pub fn of(address: u32) -> Option<&'static Self> {
        let offset = address.checked_sub(SECURE_BASE)?;
        MAP.iter().find(|range| (range.offset..range.offset + range.size).contains(&offset))
    }

    /// First address in the secure alias.
    pub const fn start(&self) -> u32 {
        SECURE_BASE + self.offset
    }

    /// First address behind it, in the secure alias.
    pub const fn end(&self) -> u32 {
        SECURE_BASE + self.offset + self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_has_no_holes_and_no_overlaps() {
        assert_eq!(MAP[0].offset, 0);
        for pair in MAP.windows(2) {
            assert_eq!(pair[0].end(), pair[1].start());
        }
        // ST wiki: sizes 256, 2048, 768, 3072 and 2032 bytes.
        assert_eq!(MAP.map(|range| range.size), [256, 2048, 768, 3072, 2032]);
    }

    #[test]
    fn addresses_find_their_level() {
        let level = |address| Range::of(address).map(|range| range.level);
        assert_eq!(level(0x0FFD_00FF), Some(Level::Hdpl0));
        assert_eq!(level(0x0FFD_0100), Some(Level::Hdpl1));
        assert_eq!(level(0x0FFD_0900), Some(Level::Hdpl2));
        assert_eq!(level(0x0FFD_0C00), Some(Level::Hdpl3Secure));
        assert_eq!(level(0x0FFD_1FEF), Some(Level::Hdpl3NonSecure));
        for outside in [0, 0x0BFD_0100, 0x0FFC_FFFF, 0x0FFD_1FF0, u32::MAX] {
            assert_eq!(level(outside), None);
        }
    }
}
