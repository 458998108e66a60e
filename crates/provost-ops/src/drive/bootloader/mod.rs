//! A chip through its ROM bootloader, on a serial line or as a USB DFU device: for boards that have nothing else, and for a chip in
//! Provisioning, which runs it whatever BOOT0 is.
//!
//! What the bootloader acknowledges need not have happened (rule `R-BOOTLOADER-ACK`): everything written is read back here.

mod carrier;
mod error;
mod options;
mod provision;
mod serial;
mod target;
mod usb;

use std::time::Duration;

use provost_bootloader::{
    an3155::{HostError, SpecialReply},
    device::Device,
    dfu::DfuError,
    memory::Erase,
    special::Special,
};
use provost_chip::{
    parts::{FlashSize, PartId},
    registers::{flash, memory},
    states::ProductState,
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::Serialize;

use self::{
    carrier::{Carrier, silent},
    serial::Serial,
    usb::Usb,
};
pub use self::{
    error::BootloaderError,
    options::OptionImages,
    serial::Line,
    target::{BothWires, ByBootloader},
    usb::{Plug, PlugError},
};
use super::identify::Identity;
use crate::fault::{Failure, Result, fail};

/// From a reset until the bootloader listens: 11.7 ms on the slowest part (AN2606 Table 227), plus an option change.
const RESTART: Duration = Duration::from_millis(50);

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
    carrier: Box<dyn Carrier>,
    device: &'static Device,
}

impl Bootloader {
    /// Wakes the bootloader on a serial line and asks what it serves. Reads only.
    ///
    /// # Errors
    /// Nobody answers, or what answers is no STM32H5.
    pub fn open(line: Box<dyn Line>) -> Result<Self> {
        let (serial, id) = Serial::open(line)?;
        Self::of(Box::new(serial), id)
    }

    /// Takes up the bootloader that is a USB device. Over USB it need not tell its device id: then that of the part given counts. Reads
    /// only.
    ///
    /// # Errors
    /// What is there is no DFU device of an STM32H5; it does not say which one it is, and nobody else does.
    pub fn open_usb(plug: Box<dyn Plug>, given: Option<PartId>) -> Result<Self> {
        let (usb, told) = Usb::open(plug)?;
        match told.or(given.map(|part| part.info().dev_id)) {
            Some(id) => Self::of(Box::new(usb), id),
            None => fail(BootloaderError::NoDeviceId { line: usb.name().to_owned() }),
        }
    }

    fn of(carrier: Box<dyn Carrier>, id: u16) -> Result<Self> {
        match Device::find(id) {
            Some(device) => Ok(Self { carrier, device }),
            None => fail(BootloaderError::UnknownDevice { line: carrier.name().to_owned(), id }),
        }
    }

    /// The line, or the device.
    pub fn line(&self) -> &str {
        self.carrier.name()
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
        let (protocol, opcodes) = self.carrier.serves();
        let opcodes = opcodes.to_vec();
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
        self.carrier.read(address, length)
    }

    /// The same where the bootloader may refuse it.
    fn try_read(&mut self, address: u32, length: usize) -> Result<Option<Vec<u8>>> {
        match self.read(address, length) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if refused(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes RAM or erased flash, and reads it back.
    ///
    /// # Errors
    /// Flash in pieces that are no quad-words; something else stands there afterwards; the line breaks.
    pub fn write(&mut self, address: u32, data: &[u8]) -> Result<()> {
        self.carrier.write(address, data)?;
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
        self.carrier.erase(what)
    }

    fn special(&mut self, command: Special) -> Result<SpecialReply> {
        self.carrier.special(command)
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
        let back = match self.special(Special::ProductState(to))? {
            // It does not take the command, as one on USB may: the image that holds the state does the same.
            SpecialReply::Answered { status, .. } if status.iter().any(|byte| *byte != 0) => {
                self.write_state_in_image(to)?
            }
            _ => self.comes_back()?,
        };
        if !back {
            return Ok(None);
        }
        match self.option_images()?.options().state() {
            Some(found) if found != to => fail(BootloaderError::StateUnchanged { wanted: to, found }),
            found => Ok(found),
        }
    }

    /// The state, with every other word as it is in force; whether the bootloader is back afterwards.
    fn write_state_in_image(&mut self, to: ProductState) -> Result<bool> {
        let before = self.option_images()?.options().optsr_prg;
        let after = before & !0xFF00 | u32::from(to.code()) << 8;
        let Some(part) = PartId::with_dev_id(self.device.id).next() else { return Ok(false) };
        match self.change_options(part, &[(flash::OPTSR_CUR + 4, before, after)]) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.of(), Some(BootloaderError::Gone { .. })) => Ok(false),
            Err(error) => Err(error),
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
        for _ in 0..self.carrier.calls() {
            self.carrier.sleep(RESTART);
            if self.carrier.call()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether an error is the bootloader's no, and not that of a line that broke.
fn refused(error: &Failure) -> bool {
    matches!(error.of(), Some(HostError::Refused { .. }))
        || matches!(error.of(), Some(DfuError::Stalled { .. } | DfuError::Reported { .. }))
}

/// Whether an error is that of a line that broke: what was being done may or may not have been done.
pub fn line_broke(error: &Failure) -> bool {
    silent(error)
        || matches!(
            error.of(),
            Some(BootloaderError::Lost { .. } | BootloaderError::Stopped { .. } | BootloaderError::Gone { .. })
        )
}

/// Little-endian words.
fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|c| c.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect()
}
