//! The serial protocol (AN3155, as AN2606 and ST's open bootloader have it for STM32H5): 8 data bits, even parity, one stop bit.
//!
//! A command is its opcode and the complement; every part of it carries an exclusive-or and is answered by ACK or NACK. The device speaks
//! only when asked, so one [`Exchange`] is one command.
//!
//! ACK is no proof: the bootloader acknowledges a write whether or not the flash took it. Read back.

mod command;
mod error;
mod exchange;
mod target;

pub use self::{
    command::{
        Capabilities, Command, EraseFlash, ExtendedSpecialCommand, Get, GetId, GetVersion, Read, SpecialCommand,
        SpecialReply, Sync, Write,
    },
    error::{HostError, Phase},
    exchange::{Exchange, Script, Step},
    target::Target,
};

/// What the host sends first: the device measures the bit rate by it.
pub const SYNC: u8 = 0x7F;
/// Acknowledgement.
pub const ACK: u8 = 0x79;
/// Refusal.
pub const NACK: u8 = 0x1F;
/// The most bytes that one read or write moves.
pub const LARGEST_TRANSFER: usize = 256;
/// The most bytes that a special command carries, and that it answers.
pub const LARGEST_SPECIAL: usize = 128;
/// The most bytes that the second part of an extended special command carries.
pub const LARGEST_EXTENDED: usize = 1024;
/// What must be a multiple of it when flash is written: address and length (AN2606, STM32H5).
pub const FLASH_ALIGNMENT: u32 = 16;

/// Opcodes.
pub mod opcode {
    /// Get: version and opcodes.
    pub const GET: u8 = 0x00;
    /// Get version.
    pub const GET_VERSION: u8 = 0x01;
    /// Get id.
    pub const GET_ID: u8 = 0x02;
    /// Read memory.
    pub const READ: u8 = 0x11;
    /// Go. Never sent: it locks an STM32H5 up.
    pub const GO: u8 = 0x21;
    /// Write memory.
    pub const WRITE: u8 = 0x31;
    /// Extended erase.
    pub const ERASE: u8 = 0x44;
    /// Write protect.
    pub const WRITE_PROTECT: u8 = 0x63;
    /// Write unprotect.
    pub const WRITE_UNPROTECT: u8 = 0x73;
    /// Special command.
    pub const SPECIAL: u8 = 0x50;
    /// Extended special command.
    pub const EXTENDED_SPECIAL: u8 = 0x51;
}

/// The exclusive-or of all bytes.
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Bytes with their checksum behind them.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(checksum(&bytes));
    bytes
}
