//! The ROM bootloader behind its serial line and its USB plug.
//!
//! When it runs is the model's to say ([`provost_chip::model::boot`]); what a command does to the chip goes through the flash controller and
//! the provisioning service like everybody else's.

mod device;

use provost_bootloader::{
    an3155,
    dfu::{self, Setup, Stall},
    memory::After,
};

use self::device::Rom;
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
    Usb(dfu::Target),
}

/// The interfaces of one chip.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    /// A host on the USB plug holds the bootloader there (rule R-BOOTLOADER-USB-FIRST).
    pub(crate) usb_plugged: bool,
    since: Option<Time>,
    chosen: Chosen,
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

    /// Serves a control transfer. Whoever makes one has plugged USB in.
    pub(crate) fn usb(&mut self, silicon: &mut Silicon, setup: Setup, data: &[u8]) -> Result<Vec<u8>, UsbError> {
        silicon.advance(TRANSFER_TIME);
        if !self.wake(silicon) {
            return Err(UsbError::Gone);
        }
        if matches!(self.chosen, Chosen::None) {
            self.chosen = Chosen::Usb(dfu::Target::new(dfu::TRANSFER_SIZE));
        }
        let Chosen::Usb(target) = &mut self.chosen else { return Err(UsbError::Gone) };
        let (answer, after) = target.control(setup, data, &mut Rom(silicon))?;
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
