//! What a core sees of the rest of the chip.

/// Width of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Width {
    /// In bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
        }
    }
}

/// The bus answered an access with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusFault;

/// Memory and peripherals, by address. Values stand in the lowest bits; addresses are multiples of the width.
pub trait Bus {
    /// Reads.
    ///
    /// # Errors
    /// [`BusFault`] if nothing answers.
    fn read(&mut self, address: u32, width: Width) -> Result<u32, BusFault>;

    /// Writes.
    ///
    /// # Errors
    /// [`BusFault`] if nothing answers.
    fn write(&mut self, address: u32, width: Width, value: u32) -> Result<(), BusFault>;

    /// Fetches a half-word of code.
    ///
    /// # Errors
    /// [`BusFault`] if nothing answers, or if nothing may be executed there.
    fn fetch(&mut self, address: u32) -> Result<u16, BusFault> {
        self.read(address, Width::Half).map(|half| half as u16)
    }
}
