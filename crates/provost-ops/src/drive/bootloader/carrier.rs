//! What carries a bootloader's commands, whatever they travel by, and how it breaks.

use std::{fmt, io, time::Duration};

use provost_bootloader::{
    an3155::{HostError, SpecialReply},
    memory::Erase,
    special::Special,
};

use super::error::BootloaderError;
use crate::fault::{Failure, Result};

/// What a bootloader's commands travel by. Each does one thing; what follows from it is decided above, once for all.
pub(super) trait Carrier: fmt::Debug {
    /// What it is, for messages.
    fn name(&self) -> &str;

    /// Lets time pass.
    fn sleep(&mut self, time: Duration);

    /// Time by the clock of whatever is at the other end.
    fn now(&mut self) -> Duration;

    /// The version of the protocol, 0x40 for 4.0, and the commands that it serves.
    fn serves(&self) -> (u8, &[u8]);

    /// How often a chip that was reset is called, some time apart.
    fn calls(&self) -> u32;

    /// Calls it; false where nobody answers.
    fn call(&mut self) -> Result<bool>;

    /// Reads.
    fn read(&mut self, address: u32, length: usize) -> Result<Vec<u8>>;

    /// Writes; what is acknowledged need not have happened.
    fn write(&mut self, address: u32, data: &[u8]) -> Result<()>;

    /// Writes an option image from its beginning. The chip resets, and may cut off the answer.
    fn write_image(&mut self, address: u32, data: &[u8]) -> Result<()>;

    /// Erases; what is acknowledged need not have happened.
    fn erase(&mut self, what: &Erase) -> Result<()>;

    /// A special command.
    fn special(&mut self, command: Special) -> Result<SpecialReply>;
}

/// Whether nobody answered.
pub(super) fn silent(error: &Failure) -> bool {
    matches!(error.of(), Some(HostError::Silent { .. }))
}

/// A line that fails, or that a person stopped.
pub(super) fn lost(line: &str, source: io::Error) -> BootloaderError {
    let line = line.to_owned();
    match source.kind() {
        io::ErrorKind::Interrupted => BootloaderError::Stopped { line },
        _ => BootloaderError::Lost { line, source },
    }
}
