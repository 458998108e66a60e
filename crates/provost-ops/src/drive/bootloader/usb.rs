//! The bootloader as a USB device: DfuSe, an operation at a time, over control transfers.
//!
//! An alternate setting is chosen where one shows the address; where none does the first one stays, and the address decides. Neither
//! Go nor DfuSe's leave is ever sent (rule `R-BOOTLOADER-GO`).

use std::{fmt, io, time::Duration};

use provost_bootloader::{
    an3155::{FLASH_ALIGNMENT, HostError, SpecialReply},
    dfu::{DfuError, Exchange, MemoryLayout, Operation, Step},
    memory::Erase,
    special::Special,
    usb::{self, DEVICE_ID_STRING, DescriptorError, DfuInterface, ENGLISH, SetupPacket, descriptor},
};
use provost_chip::{parts::SECTOR_SIZE, registers::memory};

use super::{
    carrier::{Carrier, lost},
    error::BootloaderError,
};
use crate::fault::{Result, fail};

/// How often a device that has gone is looked for: a host takes a second or two to find it again.
const CALLS: u32 = 100;

/// Whatever moves control transfers to one USB device.
pub trait Plug: fmt::Debug {
    /// What it is, for messages.
    fn name(&self) -> &str;

    /// A control transfer: `data` is what the host sends, the answer what it is sent.
    ///
    /// # Errors
    /// [`PlugError`].
    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> std::result::Result<Vec<u8>, PlugError>;

    /// Takes up the device anew, which may have gone and come back; false if it is not there.
    ///
    /// # Errors
    /// It is there, and may not be used; [`io::ErrorKind::Interrupted`] where a person stopped it.
    fn replug(&mut self) -> io::Result<bool>;

    /// Lets time pass.
    fn sleep(&mut self, time: Duration);

    /// Time by the clock of whatever is at the other end.
    fn now(&mut self) -> Duration;
}

/// Why a control transfer came to nothing.
#[derive(Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "stalled or gone: USB knows no more")]
pub enum PlugError {
    /// The device stalled it.
    #[error("the device stalled the request")]
    Stalled,
    /// The device is not there, or does not answer; [`io::ErrorKind::Interrupted`] where a person stopped it.
    #[error(transparent)]
    Gone(#[from] io::Error),
}

/// A device in DFU mode.
#[derive(Debug)]
pub(super) struct Usb {
    plug: Box<dyn Plug>,
    interface: DfuInterface,
    layouts: Vec<(u8, MemoryLayout)>,
    alternate: u8,
    /// ST's version of the protocol, as in `bcdDevice`.
    protocol: u8,
    commands: Vec<u8>,
}

impl Usb {
    /// Reads its descriptors, and asks what it serves; also says the device id, if it tells one.
    pub(super) fn open(mut plug: Box<dyn Plug>) -> Result<(Self, Option<u16>)> {
        let mut get = |kind, index, length| {
            let language = if kind == descriptor::STRING { ENGLISH } else { 0 };
            match plug.control(SetupPacket::get_descriptor(kind, index, language, length), &[]) {
                Ok(bytes) if bytes.len() <= usize::from(length) => Ok(Some(bytes)),
                Ok(_) | Err(PlugError::Stalled) => Ok(None),
                Err(PlugError::Gone(source)) => Err(lost(plug.name(), source)),
            }
        };
        let device = get(descriptor::DEVICE, 0, 18)?.unwrap_or_default();
        // The release is the version of the protocol (AN3156): 0x0300 is 3.0.
        let protocol = device.get(12..14).map_or(0, |b| (u16::from_le_bytes([b[0], b[1]]) >> 4) as u8);
        let head = get(descriptor::CONFIGURATION, 0, 9)?.unwrap_or_default();
        let total = head.get(2..4).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
        let whole = get(descriptor::CONFIGURATION, 0, total)?.unwrap_or_default();
        if whole.len() != usize::from(total) {
            return fail(DescriptorError::Cut { at: whole.len() });
        }
        let interface = DfuInterface::read(&whole)?;
        let mut string = |index| Ok(get(descriptor::STRING, index, 255)?.and_then(|bytes| usb::text(&bytes)));
        let mut layouts = Vec::new();
        for alternate in interface.alternates.iter().filter(|a| a.string != 0) {
            let text: Result<_> = string(alternate.string);
            // Names are for people, and wrong on some chips; what cannot be read shows nothing.
            layouts.extend(text?.and_then(|t| MemoryLayout::parse(&t).ok()).map(|layout| (alternate.number, layout)));
        }
        let id = string(DEVICE_ID_STRING)?.and_then(|text| device_id(&text));
        let mut usb = Self { plug, interface, layouts, alternate: 0, protocol, commands: Vec::new() };
        usb.commands = usb.run(&Operation::Commands)?.0;
        Ok((usb, id))
    }

    /// Chooses the setting that shows this address.
    fn choose(&mut self, address: u32, length: usize) -> Result<()> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let shows = |(_, layout): &&(u8, MemoryLayout)| layout.region_of(address, length).is_some();
        let wanted = self.layouts.iter().find(shows).map_or(0, |(number, _)| *number);
        if wanted == self.alternate {
            return Ok(());
        }
        let setup = SetupPacket::set_interface(self.interface.number.into(), wanted);
        match self.plug.control(setup, &[]) {
            Ok(_) => self.alternate = wanted,
            // The address decides; a device that has one setting only says so by a stall.
            Err(PlugError::Stalled) => {}
            Err(PlugError::Gone(source)) => return fail(lost(self.plug.name(), source)),
        }
        Ok(())
    }

    /// Carries an operation out; also says whether the device went away where it may.
    fn run(&mut self, operation: &Operation) -> Result<(Vec<u8>, bool)> {
        let mut exchange = Exchange::new(operation, self.interface.number.into(), self.interface.transfer)?;
        loop {
            let (setup, data) = match exchange.step() {
                Step::Out(setup, data) => (setup, data),
                Step::In(setup) => (setup, Vec::new()),
                Step::Wait(time) => {
                    self.plug.sleep(time);
                    continue;
                }
                Step::Done { data, vanished } => return Ok((data, vanished)),
            };
            match self.plug.control(setup.packet(), &data) {
                Ok(bytes) if setup.request.is_in() => exchange.received(&bytes)?,
                Ok(_) => exchange.sent(),
                Err(PlugError::Stalled) => return fail(DfuError::Stalled { request: setup.request }),
                Err(PlugError::Gone(source)) => {
                    if source.kind() == io::ErrorKind::Interrupted || !exchange.vanished() {
                        return fail(lost(self.plug.name(), source));
                    }
                }
            }
        }
    }
}

impl Carrier for Usb {
    fn name(&self) -> &str {
        self.plug.name()
    }

    fn sleep(&mut self, time: Duration) {
        self.plug.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.plug.now()
    }

    fn serves(&self) -> (u8, &[u8]) {
        (self.protocol, &self.commands)
    }

    fn calls(&self) -> u32 {
        CALLS
    }

    fn call(&mut self) -> Result<bool> {
        self.alternate = 0;
        if !self.plug.replug().map_err(|source| lost(self.plug.name(), source))? {
            return Ok(false);
        }
        match self.run(&Operation::Commands) {
            Ok(_) => Ok(true),
            // What was taken up was about to go.
            Err(error) if matches!(error.of(), Some(BootloaderError::Lost { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, address: u32, length: usize) -> Result<Vec<u8>> {
        self.choose(address, length)?;
        Ok(self.run(&Operation::Read { address, length: u32::try_from(length).unwrap_or(u32::MAX) })?.0)
    }

    fn write(&mut self, address: u32, data: &[u8]) -> Result<()> {
        let flash = (memory::FLASH..memory::UID).contains(&address);
        if flash && !(address.is_multiple_of(FLASH_ALIGNMENT) && data.len().is_multiple_of(FLASH_ALIGNMENT as usize)) {
            return fail(HostError::Unaligned { address, length: data.len() });
        }
        self.choose(address, data.len())?;
        self.run(&Operation::Write { address, data: data.to_vec() }).map(|_| ())
    }

    fn write_image(&mut self, address: u32, data: &[u8]) -> Result<()> {
        self.write(address, data)
    }

    fn erase(&mut self, what: &Erase) -> Result<()> {
        match what {
            Erase::All => self.run(&Operation::EraseAll).map(|_| ()),
            Erase::Bank1 | Erase::Bank2 => fail(DfuError::NotServed { what: "erase one bank" }),
            Erase::Sectors(numbers) => {
                for number in numbers {
                    let address = memory::FLASH + u32::from(*number) * SECTOR_SIZE;
                    self.choose(address, 1)?;
                    self.run(&Operation::EraseSector { address })?;
                }
                Ok(())
            }
        }
    }

    /// What it came to is a DFU status, which is no word of the provisioning service.
    fn special(&mut self, command: Special) -> Result<SpecialReply> {
        match self.run(&Operation::Special(command)) {
            Ok((_, true)) => Ok(SpecialReply::Silent),
            Ok((_, false)) => Ok(SpecialReply::Answered { data: Vec::new(), status: vec![0] }),
            Err(error) => match error.of() {
                Some(&DfuError::Reported { status, .. }) => {
                    Ok(SpecialReply::Answered { data: Vec::new(), status: vec![status as u8] })
                }
                _ => Err(error),
            },
        }
    }
}

/// `@Device ID/0x484,@Revision ID/0x0001`.
fn device_id(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("@Device ID/")?.split(',').next()?.trim().strip_prefix("0x")?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}
