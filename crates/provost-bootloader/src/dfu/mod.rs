//! DfuSe 1.1a: USB's Device Firmware Upgrade 1.1 as ST extends it (AN3156, UM0391): addresses, an erase, and a memory map in a string.
//!
//! Block 0 carries commands, blocks from 2 on carry memory at the address pointer. After each download one GET_STATUS starts the work and
//! a later one tells its end; the device says how long to wait in between.

mod exchange;
mod layout;
mod operation;
mod setup;
mod target;

pub use self::{
    exchange::{DfuError, Exchange, Step},
    layout::{Kind, LayoutError, MemoryLayout, Region, Segment},
    operation::Operation,
    setup::{Request, Setup, State, Status, StatusReport},
    target::{EXAMPLE_POLL, Stall, Target},
};

/// Vendor id of ST's bootloaders.
pub const VENDOR: u16 = 0x0483;
/// Product id of ST's bootloaders.
pub const PRODUCT: u16 = 0xDF11;
/// The most bytes in one transfer, of ST's STM32H5 example. Believe the functional descriptor.
pub const TRANSFER_SIZE: u16 = 1024;

/// Commands of block 0.
pub mod command {
    /// Gives the list of commands, in an upload.
    pub const GET: u8 = 0x00;
    /// Sets the address pointer: four bytes, least significant first.
    pub const SET_ADDRESS: u8 = 0x21;
    /// Erases a sector by an address in it; everything, without one.
    pub const ERASE: u8 = 0x41;
}
