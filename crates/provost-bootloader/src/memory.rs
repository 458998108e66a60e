//! What a bootloader asks of the chip behind it: the trait that both targets serve.

use crate::special::Special;

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that extended erase can name (AN3155)")]
pub enum Erase {
    /// The whole user flash.
    All,
    /// Bank 1.
    Bank1,
    /// Bank 2.
    Bank2,
    /// Sectors by flat number over both banks.
    Sectors(Vec<u16>),
}

/// What an operation did to the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "whoever serves must decide about each")]
pub enum After {
    /// The bootloader goes on.
    #[default]
    Stays,
    /// The chip resets.
    Resets {
        /// The final acknowledgement still goes out.
        acknowledged: bool,
    },
    /// The core has locked up: nothing answers until NRST or power.
    LocksUp,
}

/// What a special command came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct SpecialAnswer {
    /// Data, at most 128 bytes: the error code of a failed provisioning.
    pub data: Vec<u8>,
    /// Status: one byte, 0 for success (AN2606).
    pub status: Vec<u8>,
    /// What it did to the conversation.
    pub after: After,
}

/// The chip behind a bootloader.
pub trait Device {
    /// What the device calls itself: DEV_ID.
    fn id(&self) -> u16;

    /// The protocol version byte of the serial line, such as 0x40.
    fn version(&self) -> u8;

    /// The opcodes of the serial line that it serves.
    fn opcodes(&self) -> Vec<u8>;

    /// Whether memory commands are served at all in this product state.
    fn serves_memory(&self) -> bool;

    /// Whether an address lies in a memory the bootloader knows.
    fn knows(&self, address: u32) -> bool;

    /// Bytes from an address; `None` where they cannot be read.
    fn read(&mut self, address: u32, length: usize) -> Option<Vec<u8>>;

    /// Writes. Whether the flash took it is not said: the protocol has no word for it.
    fn write(&mut self, address: u32, data: &[u8]) -> After;

    /// Erases; `false` where a whole bank or the whole flash failed.
    fn erase(&mut self, what: &Erase) -> bool;

    /// Jumps.
    fn go(&mut self, address: u32) -> After;

    /// Whether special commands are served over USB.
    fn special_over_usb(&self) -> bool;

    /// Performs a special command.
    fn special(&mut self, command: Special) -> SpecialAnswer;
}
