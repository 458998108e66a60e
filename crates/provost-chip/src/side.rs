//! The two sides of a chip with TrustZone, and where each finds its peripherals and its flash.

use crate::registers::{SECURE_PERIPHERAL, memory};

/// A side: the security of an access, of a sector, of a register set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two sides of TrustZone")]
pub enum Side {
    /// Non-secure: the only one where TrustZone is off.
    NonSecure,
    /// Secure.
    Secure,
}

impl Side {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::NonSecure, Self::Secure];

    /// The address at which this side finds a peripheral with this non-secure address (RM0481 "Memory map": bit 28).
    pub const fn peripheral(self, non_secure: u32) -> u32 {
        match self {
            Self::NonSecure => non_secure,
            Self::Secure => non_secure + SECURE_PERIPHERAL,
        }
    }

    /// The address at which this side finds an offset into user flash.
    pub const fn flash(self, offset: u32) -> u32 {
        match self {
            Self::NonSecure => memory::FLASH + offset,
            Self::Secure => memory::FLASH + memory::SECURE_ALIAS + offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::flash;

    #[test]
    fn the_secure_side_is_one_alias_away() {
        // CMSIS: FLASH_R_BASE_S = 0x50022000, FLASH_BASE_S = 0x0C000000.
        assert_eq!(Side::Secure.peripheral(flash::BASE), 0x5002_2000);
        assert_eq!(Side::Secure.flash(0x2000), 0x0C00_2000);
        assert_eq!(Side::NonSecure.peripheral(flash::BASE), 0x4002_2000);
        assert_eq!(Side::NonSecure.flash(0x2000), 0x0800_2000);
    }
}
