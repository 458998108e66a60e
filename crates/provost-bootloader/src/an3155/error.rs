//! What goes wrong in an exchange, each with a stable code and what was measured.

use std::{fmt, time::Duration};

/// Which part of a command was being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The first byte, by which the bit rate is measured.
    Sync,
    /// The opcode.
    Opcode,
    /// The address.
    Address,
    /// A length.
    Length,
    /// The number of a special command.
    SubOpcode,
    /// Data, or what it did.
    Data,
    /// The answer.
    Answer,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sync => "the first byte",
            Self::Opcode => "the opcode",
            Self::Address => "the address",
            Self::Length => "the length",
            Self::SubOpcode => "the number of the special command",
            Self::Data => "the data",
            Self::Answer => "the answer",
        })
    }
}

/// An exchange that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Nothing came.
    #[error("the bootloader was silent for {} ms after {phase} of {command}", .waited.as_millis())]
    Silent {
        /// The command.
        command: &'static str,
        /// Where in it.
        phase: Phase,
        /// How long it was waited for.
        waited: Duration,
    },
    /// It refuses.
    #[error("the bootloader refused {phase} of {command} (NACK)")]
    Refused {
        /// The command.
        command: &'static str,
        /// Where in it.
        phase: Phase,
    },
    /// Something else than ACK or NACK came.
    #[error("{byte:#04x} came in place of ACK or NACK after {phase} of {command}")]
    Garbled {
        /// The command.
        command: &'static str,
        /// Where in it.
        phase: Phase,
        /// The byte.
        byte: u8,
    },
    /// More bytes were announced than can be, or other ones than were asked for.
    #[error("{command} was answered with {found} bytes, {allowed} are allowed")]
    Length {
        /// The command.
        command: &'static str,
        /// How many.
        found: usize,
        /// How many at most.
        allowed: usize,
    },
    /// More came than belongs to the answer.
    #[error("{extra} bytes too many came after {command}")]
    Surplus {
        /// The command.
        command: &'static str,
        /// How many.
        extra: usize,
    },
    /// An argument that the protocol cannot carry.
    #[error("{command}: {length} bytes, 1 to {allowed} can be carried")]
    TooMuch {
        /// The command.
        command: &'static str,
        /// How many.
        length: usize,
        /// How many at most.
        allowed: usize,
    },
    /// A write into flash that is not made of whole quad-words: what the chip makes of it is garbage, and it says ACK.
    #[error("a write of {length} bytes at {address:#010x} is not made of whole quad-words of 16 bytes")]
    Unaligned {
        /// Its address.
        address: u32,
        /// Its length.
        length: usize,
    },
    /// GET does not list it.
    #[error("this bootloader does not serve {command} (opcode {opcode:#04x}): GET does not list it")]
    NotServed {
        /// The command.
        command: &'static str,
        /// Its opcode.
        opcode: u8,
    },
}

provost_codes::codes!(HostError, self => self, {
    Self::Silent { .. } => "boot-silent",
    Self::Refused { .. } => "boot-refused",
    Self::Garbled { .. } => "boot-garbled",
    Self::Length { .. } => "boot-length",
    Self::Surplus { .. } => "boot-surplus",
    Self::TooMuch { .. } => "boot-too-much",
    Self::Unaligned { .. } => "boot-unaligned",
    Self::NotServed { .. } => "boot-not-served",
});
