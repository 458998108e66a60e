//! The bootloader on a serial line: AN3155, a command at a time.

use std::{fmt, io, time::Duration};

use provost_bootloader::{
    an3155::{
        Capabilities, Command, EraseFlash, Exchange, Get, GetId, LARGEST_TRANSFER, Read, SpecialCommand, SpecialReply,
        Step, Sync, Write, opcode,
    },
    memory::Erase,
    special::Special,
};

use super::{
    carrier::{Carrier, lost, silent},
    error::BootloaderError,
};
use crate::fault::{Result, fail};

/// How often a chip that was reset is called.
const CALLS: u32 = 4;
/// A byte that is not the one which calls: see [`break_off`].
const SPOILER: u8 = 0x00;

/// Whatever moves the bytes: 8 data bits, even parity, one stop bit.
pub trait Line: fmt::Debug {
    /// What it is, for messages.
    fn name(&self) -> &str;

    /// Sends, after throwing away what was received before.
    ///
    /// # Errors
    /// The line fails; [`io::ErrorKind::Interrupted`] where a person stopped it.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// What comes within this time, as soon as something does; nothing is silence.
    ///
    /// # Errors
    /// The line fails.
    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>>;

    /// Lets time pass.
    fn sleep(&mut self, time: Duration);

    /// Time by the clock of whatever is at the other end.
    fn now(&mut self) -> Duration;
}

/// A line on which a bootloader has answered.
#[derive(Debug)]
pub(super) struct Serial {
    line: Box<dyn Line>,
    capabilities: Capabilities,
}

impl Serial {
    /// Wakes the bootloader, asks what it serves, and for its device id.
    pub(super) fn open(mut line: Box<dyn Line>) -> Result<(Self, u16)> {
        match run(line.as_mut(), Sync) {
            Ok(()) => {}
            Err(error) if silent(&error) => {
                break_off(line.as_mut())?;
                return fail(BootloaderError::NobodyThere { line: line.name().to_owned() });
            }
            Err(error) => return Err(error),
        }
        let capabilities = run(line.as_mut(), Get)?;
        capabilities.require("Get ID", opcode::GET_ID)?;
        let id = run(line.as_mut(), GetId)?;
        Ok((Self { line, capabilities }, id))
    }

    fn run<C: Command>(&mut self, name: &'static str, code: u8, command: C) -> Result<C::Reply> {
        self.capabilities.require(name, code)?;
        run(self.line.as_mut(), command)
    }
}

impl Carrier for Serial {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn sleep(&mut self, time: Duration) {
        self.line.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.line.now()
    }

    fn serves(&self) -> (u8, &[u8]) {
        (self.capabilities.version, &self.capabilities.opcodes)
    }

    fn calls(&self) -> u32 {
        CALLS
    }

    fn call(&mut self) -> Result<bool> {
        match run(self.line.as_mut(), Sync) {
            Ok(()) => Ok(true),
            Err(error) if silent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, address: u32, length: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let count = (length - bytes.len()).min(LARGEST_TRANSFER);
            let at = address.wrapping_add(bytes.len() as u32);
            bytes.extend(self.run("Read Memory", opcode::READ, Read { address: at, length: count })?);
        }
        Ok(bytes)
    }

    fn write(&mut self, address: u32, data: &[u8]) -> Result<()> {
        for (at, block) in (address..).step_by(LARGEST_TRANSFER).zip(data.chunks(LARGEST_TRANSFER)) {
            self.run("Write Memory", opcode::WRITE, Write { address: at, data: block })?;
        }
        Ok(())
    }

    fn write_image(&mut self, address: u32, data: &[u8]) -> Result<()> {
        match self.run("Write Memory", opcode::WRITE, Write { address, data }) {
            // The reset may cut off the acknowledgement.
            Err(error) if silent(&error) => Ok(()),
            other => other,
        }
    }

    fn erase(&mut self, what: &Erase) -> Result<()> {
        self.run("Extended Erase", opcode::ERASE, EraseFlash(what))
    }

    fn special(&mut self, command: Special) -> Result<SpecialReply> {
        self.run("Special Command", opcode::SPECIAL, SpecialCommand(command))
    }
}

/// Spoils what an earlier call left half-way.
///
/// A bootloader that was cut off behind an address takes whatever comes for length and data, also the byte that calls it: some dozen calls
/// would be a write of nothing but that byte, whose exclusive-or is right, into the option image if its address was the last that was
/// sent. One byte of another kind in each unanswered call makes the sum wrong, and the write is refused.
fn break_off(line: &mut dyn Line) -> Result<()> {
    line.send(&[SPOILER]).map_err(|source| lost(line.name(), source).into())
}

/// Carries a command out on a line.
fn run<C: Command>(line: &mut dyn Line, command: C) -> Result<C::Reply> {
    let mut exchange = Exchange::new(command)?;
    loop {
        match exchange.step()? {
            Step::Send(bytes) => line.send(&bytes).map_err(|source| lost(line.name(), source))?,
            Step::Receive { within } => match line.receive(within) {
                Ok(bytes) if bytes.is_empty() => exchange.silence(),
                Ok(bytes) => exchange.received(&bytes),
                Err(source) => return Err(lost(line.name(), source).into()),
            },
            Step::Done(reply) => return Ok(reply),
        }
    }
}
