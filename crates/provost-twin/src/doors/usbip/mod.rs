//! The USB device of the ROM bootloader, exported by USB/IP: for the `usbip` of a Linux kernel, for programs that speak it themselves, and
//! for provost's own `--dfu usbip:`.
//!
//! There is a device only while a bootloader runs that no serial line has woken. When the chip resets the connection ends, as a plug that
//! is pulled; the next one finds the device that has come back.

pub mod message;

use provost_bootloader::usb::{DFU_MODE, SetupPacket};

use self::message::{Asked, Done, Listed, Submit, Told};
use super::server::Protocol;
use crate::board::{Attached, Board, UsbError};

/// Where the device is plugged in.
pub const BUS_ID: &str = "1-1";
/// Linux's numbers for a stalled endpoint and for a device that has gone.
const EPIPE: i32 = 32;
const ENODEV: i32 = 19;

/// What is exported.
pub trait Exported {
    /// The device, while there is one.
    fn attached(&mut self) -> Option<Attached>;

    /// A control transfer.
    ///
    /// # Errors
    /// As [`Board::usb`].
    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, UsbError>;
}

impl Exported for Board {
    fn attached(&mut self) -> Option<Attached> {
        self.usb_device()
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, UsbError> {
        self.usb(setup, data)
    }
}

/// A client's connection.
#[derive(Debug, Default)]
pub struct Session {
    inbox: Vec<u8>,
    /// Since when the device is there that the client has.
    imported: Option<u64>,
}

fn listed(attached: &Attached) -> Listed {
    let Attached { description: d, .. } = attached;
    let interfaces = vec![DFU_MODE];
    Listed { bus_id: BUS_ID.to_owned(), vendor: d.vendor, product: d.product, release: d.release, interfaces }
}

impl Session {
    /// Obeys what has arrived and appends the answers; false ends the connection.
    pub fn receive(&mut self, bytes: &[u8], device: &mut dyn Exported, answers: &mut Vec<u8>) -> bool {
        self.inbox.extend(bytes);
        loop {
            match Asked::take(&self.inbox, self.imported.is_some()) {
                Ok(Some((asked, used))) => {
                    self.inbox.drain(..used);
                    if !self.obey(asked, device, answers) {
                        return false;
                    }
                }
                Ok(None) => return true,
                Err(message::Malformed) => return false,
            }
        }
    }

    fn obey(&mut self, asked: Asked, device: &mut dyn Exported, answers: &mut Vec<u8>) -> bool {
        match asked {
            Asked::List => {
                let devices = device.attached().iter().map(listed).collect();
                answers.extend(Told::Devices(devices).to_bytes());
                // A list ends the connection, as that of Linux's server does.
                false
            }
            Asked::Import(bus_id) => {
                let attached = device.attached().filter(|_| bus_id == BUS_ID);
                self.imported = attached.as_ref().map(|a| a.since);
                answers.extend(Told::Imported(attached.as_ref().map(listed)).to_bytes());
                self.imported.is_some()
            }
            // Every transfer has ended by the time that its answer is out.
            Asked::Unlink { number } => {
                answers.extend(Done::unlinked(number));
                true
            }
            Asked::Submit(submit) => {
                let mut there = || device.attached().map(|a| a.since) == self.imported;
                if !there() {
                    answers.extend(ended(&submit, Err(UsbError::Gone)).to_bytes());
                    return false;
                }
                let result = transfer(&submit, device);
                answers.extend(ended(&submit, result).to_bytes());
                device.attached().map(|a| a.since) == self.imported
            }
        }
    }
}

/// The one endpoint there is.
fn transfer(submit: &Submit, device: &mut dyn Exported) -> Result<Vec<u8>, UsbError> {
    let Submit { endpoint, is_in, length, setup, data, .. } = submit;
    let fits = *endpoint == 0 && *length == u32::from(setup.length) && (*length == 0 || *is_in == setup.is_in());
    if fits { device.control(*setup, data) } else { Err(UsbError::Stalled(provost_bootloader::dfu::Stall)) }
}

fn ended(submit: &Submit, result: Result<Vec<u8>, UsbError>) -> Done {
    let (status, data) = match result {
        Ok(data) => (0, data),
        Err(UsbError::Stalled(_)) => (-EPIPE, Vec::new()),
        Err(UsbError::Gone) => (-ENODEV, Vec::new()),
    };
    let data: Vec<u8> = data.into_iter().take(submit.length as usize).collect();
    let moved = match (status, submit.is_in) {
        (0, false) => submit.length,
        _ => data.len() as u32,
    };
    Done { number: submit.number, status, moved, data }
}

impl Protocol<Board> for Session {
    fn receive(&mut self, bytes: &[u8], board: &mut Board, answers: &mut Vec<u8>) -> bool {
        Session::receive(self, bytes, board, answers)
    }

    fn release(&mut self, _: &mut Board) {}
}
