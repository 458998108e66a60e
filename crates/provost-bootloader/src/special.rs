//! The special commands of STM32H5 (AN2606, special command tables): what AN3155 carries behind opcode 0x50, and DfuSe in block 0.

use provost_chip::states::ProductState;

/// A special command.
///
/// ```
/// use provost_bootloader::special::Special;
/// use provost_chip::states::ProductState;
///
/// let close = Special::ProductState(ProductState::Provisioning);
/// assert_eq!((close.sub_opcode(), close.operand().to_be_bytes()), (0x0001, [0, 0, 0, 0x17]));
/// assert_eq!(Special::decode(0x0001, 0x17), Some(close));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three that AN2606 gives STM32H5")]
pub enum Special {
    /// Writes PRODUCT_STATE and nothing else; the chip resets.
    ProductState(ProductState),
    /// Resets the chip. In Provisioning, or with BOOT0 high, the bootloader comes back.
    Reset,
    /// Has the provisioning service store an object (not on STM32H503).
    Provision {
        /// Address of the request, `RSSLIB_DataProvisioningConf_t`, in SRAM.
        request: u32,
    },
}

impl Special {
    /// Change product state.
    pub const PRODUCT_STATE: u16 = 0x0001;
    /// Reset.
    pub const RESET: u16 = 0x0002;
    /// Data provisioning.
    pub const PROVISION: u16 = 0x0083;

    /// Its number.
    pub const fn sub_opcode(self) -> u16 {
        match self {
            Self::ProductState(_) => Self::PRODUCT_STATE,
            Self::Reset => Self::RESET,
            Self::Provision { .. } => Self::PROVISION,
        }
    }

    /// Its four bytes as a number: sent most significant byte first over a serial line, least significant first over USB (AN2606).
    pub const fn operand(self) -> u32 {
        match self {
            Self::ProductState(state) => state.code() as u32,
            Self::Reset => 0,
            Self::Provision { request } => request,
        }
    }

    /// The command of a number and its operand; `None` for a number or a product state that is none.
    pub fn decode(sub_opcode: u16, operand: u32) -> Option<Self> {
        match sub_opcode {
            Self::PRODUCT_STATE => u8::try_from(operand).ok().and_then(ProductState::from_code).map(Self::ProductState),
            Self::RESET => Some(Self::Reset),
            Self::PROVISION => Some(Self::Provision { request: operand }),
            _ => None,
        }
    }

    /// Whether the number is that of a command, whatever its operand.
    pub const fn knows(sub_opcode: u16) -> bool {
        matches!(sub_opcode, Self::PRODUCT_STATE | Self::RESET | Self::PROVISION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_operands_are_those_of_an2606() {
        // AN2606 Rev 70, tables 122, 125, 128 and 131.
        for (special, number, operand) in [
            (Special::ProductState(ProductState::Closed), 0x0001, 0x72),
            (Special::Reset, 0x0002, 0),
            (Special::Provision { request: 0x2005_C060 }, 0x0083, 0x2005_C060),
        ] {
            assert_eq!((special.sub_opcode(), special.operand()), (number, operand));
            assert_eq!(Special::decode(number, operand), Some(special));
        }
        for (number, operand) in [(0x0001, 0x117), (0x0001, 0x9A), (0x0000, 0), (0x0082, 0)] {
            assert_eq!(Special::decode(number, operand), None, "{number:#06x} {operand:#x}");
        }
    }
}
