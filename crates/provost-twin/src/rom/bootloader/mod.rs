//! The ROM bootloader behind its serial line and its USB plug.
//!
//! When it runs is the model's to say ([`provost_chip::model::boot`]); what a command does to the chip goes through the flash controller and
//! the provisioning service like everybody else's.

mod device;
mod usb;

use provost_bootloader::{
    an3155,
    dfu::Stall,
    memory::After,
    usb::{Description, SetupPacket},
};

use self::{device::Rom, usb::UsbDevice};
use crate::silicon::{Silicon, Time};

/// One byte of eleven bits at 115,200 baud, in nanoseconds.
const BYTE_TIME: Time = 95_486;
/// A control transfer of a full-speed device takes some frames of a millisecond.
const TRANSFER_TIME: Time = 2_000_000;

/// Which interface the bootloader has settled on: the first one that speaks to it.
#[derive(Debug, Default)]
enum Chosen {
    #[default]
    None,
    Serial(an3155::Target),
    Usb(UsbDevice),
}

/// The interfaces of one chip.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    /// A host on the USB plug holds the bootloader there (rule R-BOOTLOADER-USB-FIRST).
    pub(crate) usb_plugged: bool,
    since: Option<Time>,
    chosen: Chosen,
}

/// A USB device of a board: since when it is there, by which one that has come back is told from the one before, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all there is to see of a device from outside")]
pub struct Attached {
    /// Virtual time in nanoseconds.
    pub since: Time,
    /// What it tells.
    pub description: Description,
}

/// Why a transfer over USB came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "stalled or gone: USB knows no more")]
pub enum UsbError {
    /// The device stalled it.
    #[error(transparent)]
    Stalled(#[from] Stall),
    /// There is no device: no bootloader runs, or it listens to another interface.
    #[error("no device answers on USB")]
    Gone,
}

impl Interfaces {
    /// A bootloader that was started since starts afresh; false if none runs.
    fn wake(&mut self, silicon: &Silicon) -> bool {
        let since = silicon.bootloader_since();
        if since != self.since {
            (self.since, self.chosen) = (since, Chosen::None);
        }
        since.is_some()
    }

    /// What is answered on the serial line.
    pub(crate) fn serial(&mut self, silicon: &mut Silicon, bytes: &[u8]) -> Vec<u8> {
        let line_time = |bytes: &[u8]| BYTE_TIME * bytes.len() as Time;
        silicon.advance(line_time(bytes));
        if !self.wake(silicon) || self.usb_plugged {
            return Vec::new();
        }
        if matches!(self.chosen, Chosen::None) && bytes.contains(&an3155::SYNC) {
            self.chosen = Chosen::Serial(an3155::Target::default());
        }
        let Chosen::Serial(target) = &mut self.chosen else { return Vec::new() };
        let (said, after) = target.receive(bytes, &mut Rom(silicon));
        silicon.advance(line_time(&said));
        finish(silicon, after);
        said
    }

    /// The USB device that is there.
    pub(crate) fn attached(&mut self, silicon: &Silicon) -> Option<Attached> {
        let there = self.wake(silicon) && !matches!(self.chosen, Chosen::Serial(_));
        self.since.filter(|_| there).map(|since| Attached { since, description: usb::describe(silicon) })
    }

    /// Serves a control transfer. Whoever makes one has plugged USB in.
    pub(crate) fn usb(&mut self, silicon: &mut Silicon, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, UsbError> {
        silicon.advance(TRANSFER_TIME);
        if !self.wake(silicon) {
            return Err(UsbError::Gone);
        }
        if matches!(self.chosen, Chosen::None) {
            self.chosen = Chosen::Usb(UsbDevice::new(silicon.assumptions()));
        }
        let Chosen::Usb(device) = &mut self.chosen else { return Err(UsbError::Gone) };
        let description = usb::describe(silicon);
        let (answer, after) = device.control(setup, data, &description, &mut Rom(silicon))?;
        finish(silicon, after);
        Ok(answer)
    }
}

fn finish(silicon: &mut Silicon, after: After) {
    match after {
        After::Stays => {}
        After::Resets { .. } => silicon.system_reset(),
        After::LocksUp => silicon.rom_locks_up(),
    }
}
