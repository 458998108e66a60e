//! A chip through its ROM bootloader, on a serial line: for boards that have nothing else, and for a chip in Provisioning, which runs it
//! whatever BOOT0 is.
//!
//! What the bootloader acknowledges need not have happened (rule `R-BOOTLOADER-ACK`): everything written is read back here.

mod error;
mod options;
mod provision;
mod target;

use std::{fmt, io, time::Duration};

use provost_bootloader::{
    an3155::{
        Capabilities, Command, EraseFlash, Exchange, Get, GetId, HostError, LARGEST_TRANSFER, Read, SpecialCommand,
        SpecialReply, Step, Sync, Write, opcode,
    },
    device::Device,
    memory::Erase,
    special::Special,
};
use provost_chip::{
    parts::{FlashSize, PartId},
    registers::memory,
    states::ProductState,
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::Serialize;

pub use self::error::BootloaderError;
pub use self::options::OptionImages;
pub use self::target::{BothWires, ByBootloader};
use super::identify::Identity;
use crate::fault::{Failure, Result, fail};

/// From a reset until the bootloader listens: 11.7 ms on the slowest part (AN2606 Table 227), plus an option change.
const RESTART: Duration = Duration::from_millis(50);
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

/// Who answers, and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Seen {
    /// Device id, which is DEV_ID.
    pub id: u16,
    /// The lines that have it.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartId>,
    /// Version of the protocol.
    pub protocol: u8,
    /// Opcodes that it serves.
    pub opcodes: Vec<u8>,
    /// Version of the bootloader, where its byte can be read.
    pub version: Option<u8>,
    /// The unique id, where it can be read (Open).
    pub uid: Option<UniqueId>,
    /// How large the flash is, where it can be read (Open).
    #[serde(rename = "flash_kb")]
    pub flash: Option<FlashSize>,
}

/// A bootloader that has answered.
#[derive(Debug)]
pub struct Bootloader {
    line: Box<dyn Line>,
    device: &'static Device,
    capabilities: Capabilities,
}

impl Bootloader {
    /// Wakes the bootloader and asks what it serves. Reads only.
    ///
    /// # Errors
    /// Nobody answers, or what answers is no STM32H5.
    pub fn open(line: Box<dyn Line>) -> Result<Self> {
        let mut line = line;
        let wake = |line: &mut dyn Line| run(line, Sync);
        match wake(line.as_mut()) {
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
        match Device::find(id) {
            Some(device) => Ok(Self { line, device, capabilities }),
            None => fail(BootloaderError::UnknownDevice { line: line.name().to_owned(), id }),
        }
    }

    /// The line.
    pub fn line(&self) -> &str {
        self.line.name()
    }

    /// The parts it may be, given what the user says it is.
    ///
    /// # Errors
    /// The device id is not that of the part.
    pub fn parts(&self, given: Option<PartId>) -> Result<Vec<PartId>> {
        let id = self.device.id;
        match given {
            Some(part) if part.info().dev_id == id => Ok(vec![part]),
            Some(given) => fail(BootloaderError::PartMismatch { given, id }),
            None => Ok(PartId::with_dev_id(id).collect()),
        }
    }

    /// Who it is. Reads only.
    ///
    /// # Errors
    /// The line breaks.
    pub fn see(&mut self) -> Result<Seen> {
        let parts: Vec<PartId> = PartId::with_dev_id(self.device.id).collect();
        let version = match parts.first() {
            Some(part) => self.try_read(part.info().bootloader_version, 1)?.and_then(|bytes| bytes.first().copied()),
            None => None,
        };
        let words = self.try_read(memory::UID, 16)?.map(|bytes| words(&bytes));
        let (uid, flash) = match words.as_deref() {
            Some(&[a, b, c, size]) => {
                (UniqueId::new([a, b, c]), parts.iter().find_map(|p| p.info().flash_from_register(size)))
            }
            _ => (None, None),
        };
        let Capabilities { version: protocol, opcodes, .. } = self.capabilities.clone();
        // The byte reads zero where nothing is known.
        Ok(Seen { id: self.device.id, parts, protocol, opcodes, version: version.filter(|v| *v != 0), uid, flash })
    }

    /// The same as what a debugger finds out, as far as a bootloader shows it. Reads only.
    ///
    /// # Errors
    /// The option words are refused or make no sense, or the line breaks.
    pub fn identify(&mut self) -> Result<Identity> {
        let Seen { id, parts, uid, flash, .. } = self.see()?;
        let options = Some(self.option_images()?.options());
        let identity = Identity { debug: None, dev_id: id, parts, options, uid, flash };
        identity.state()?;
        identity.trustzone_is_known()?;
        Ok(identity)
    }

    /// Bytes, in as many commands as it takes.
    ///
    /// # Errors
    /// The address is refused, or the line breaks.
    pub fn read(&mut self, address: u32, length: usize) -> Result<Vec<u8>> {
        self.capabilities.require("Read Memory", opcode::READ)?;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let count = (length - bytes.len()).min(LARGEST_TRANSFER);
            let at = address.wrapping_add(bytes.len() as u32);
            bytes.extend(run(self.line.as_mut(), Read { address: at, length: count })?);
        }
        Ok(bytes)
    }

    /// The same where the bootloader may refuse it.
    fn try_read(&mut self, address: u32, length: usize) -> Result<Option<Vec<u8>>> {
        match self.read(address, length) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.of(), Some(HostError::Refused { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes RAM or erased flash, and reads it back.
    ///
    /// # Errors
    /// Flash in pieces that are no quad-words; something else stands there afterwards; the line breaks.
    pub fn write(&mut self, address: u32, data: &[u8]) -> Result<()> {
        self.capabilities.require("Write Memory", opcode::WRITE)?;
        for (at, block) in (address..).step_by(LARGEST_TRANSFER).zip(data.chunks(LARGEST_TRANSFER)) {
            run(self.line.as_mut(), Write { address: at, data: block })?;
        }
        let found = self.read(address, data.len())?;
        let differs: Vec<usize> = (0..data.len()).filter(|at| found.get(*at) != data.get(*at)).collect();
        match differs.first() {
            None => Ok(()),
            Some(first) => fail(BootloaderError::NotWritten {
                address: address.wrapping_add(*first as u32),
                length: data.len(),
                wrong: differs.len(),
            }),
        }
    }

    /// Erases. That it was done is not known before it is read.
    ///
    /// # Errors
    /// A whole bank is refused, or the line breaks.
    pub fn erase(&mut self, what: &Erase) -> Result<()> {
        self.capabilities.require("Extended Erase", opcode::ERASE)?;
        run(self.line.as_mut(), EraseFlash(what))
    }

    fn special(&mut self, command: Special) -> Result<SpecialReply> {
        self.capabilities.require("Special Command", opcode::SPECIAL)?;
        run(self.line.as_mut(), SpecialCommand(command))
    }

    /// Resets the chip; whether the bootloader is back afterwards, as it is with BOOT0 high and in Provisioning.
    ///
    /// # Errors
    /// The line breaks.
    pub fn reset(&mut self) -> Result<bool> {
        self.special(Special::Reset)?;
        self.comes_back()
    }

    /// Writes PRODUCT_STATE alone, and reads it back if the bootloader is still there; `None` where the new state has none.
    ///
    /// # Errors
    /// The chip does not take the step; the line breaks.
    pub fn write_product_state(&mut self, to: ProductState) -> Result<Option<ProductState>> {
        self.special(Special::ProductState(to))?;
        if !self.comes_back()? {
            return Ok(None);
        }
        match self.option_images()?.options().state() {
            Some(found) if found != to => fail(BootloaderError::StateUnchanged { wanted: to, found }),
            found => Ok(found),
        }
    }

    /// Calls a chip that somebody else may have reset.
    ///
    /// # Errors
    /// [`BootloaderError::NobodyThere`]; the line breaks.
    fn wake_again(&mut self) -> Result<()> {
        if self.comes_back()? { Ok(()) } else { fail(BootloaderError::NobodyThere { line: self.line().to_owned() }) }
    }

    /// Calls a chip that was reset.
    fn comes_back(&mut self) -> Result<bool> {
        for _ in 0..CALLS {
            self.line.sleep(RESTART);
            match run(self.line.as_mut(), Sync) {
                Ok(()) => return Ok(true),
                Err(error) if silent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// Whether an error is that of a line that broke: what was being done may or may not have been done.
pub fn line_broke(error: &Failure) -> bool {
    silent(error)
        || matches!(
            error.of(),
            Some(BootloaderError::Lost { .. } | BootloaderError::Stopped { .. } | BootloaderError::Gone { .. })
        )
}

/// Spoils what an earlier call left half-way.
///
/// A bootloader that was cut off behind an address takes whatever comes for length and data, also the byte that calls it: some dozen calls
/// would be a write of nothing but that byte, whose exclusive-or is right, into the option image if its address was the last that was
/// sent. One byte of another kind in each unanswered call makes the sum wrong, and the write is refused.
fn break_off(line: &mut dyn Line) -> Result<()> {
    line.send(&[SPOILER]).map_err(|source| lost(line, source).into())
}

fn silent(error: &Failure) -> bool {
    matches!(error.of(), Some(HostError::Silent { .. }))
}

/// Little-endian words.
fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|c| c.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect()
}

/// A line that fails, or that a person stopped.
fn lost(line: &dyn Line, source: io::Error) -> BootloaderError {
    let name = line.name().to_owned();
    match source.kind() {
        io::ErrorKind::Interrupted => BootloaderError::Stopped { line: name },
        _ => BootloaderError::Lost { line: name, source },
    }
}

/// Carries a command out on a line.
fn run<C: Command>(line: &mut dyn Line, command: C) -> Result<C::Reply> {
    let mut exchange = Exchange::new(command)?;
    loop {
        match exchange.step()? {
            Step::Send(bytes) => line.send(&bytes).map_err(|source| lost(line, source))?,
            Step::Receive { within } => match line.receive(within) {
                Ok(bytes) if bytes.is_empty() => exchange.silence(),
                Ok(bytes) => exchange.received(&bytes),
                Err(source) => return Err(lost(line, source).into()),
            },
            Step::Done(reply) => return Ok(reply),
        }
    }
}
