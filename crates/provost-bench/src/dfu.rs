//! A ROM bootloader as a USB device: of a virtual chip, behind USB/IP, or of this machine.

#[cfg(feature = "usb")]
mod attached;
mod usbip;

use std::{fmt, io, net::SocketAddr, str::FromStr, time::Duration};

use provost_bootloader::usb::SetupPacket;
use provost_ops::drive::bootloader::{Plug, PlugError};
use provost_twin::board::{Selector, UsbError, VirtualBoard};

use crate::{BenchError, Stop};

/// Which device is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dfu {
    /// `twin:NAME[?OPTION=VALUE,…]`: the bootloader of a virtual chip.
    Twin(Selector),
    /// `usbip:ADDRESS:PORT[/BUSID]`: a device that is exported by USB/IP, as `twin serve --usbip` does; without its place, the first one.
    UsbIp {
        /// Where it is exported.
        address: SocketAddr,
        /// Where it is plugged in there.
        bus_id: Option<String>,
    },
    /// A device of this machine, by its serial number; without it, the only one.
    Attached(Option<String>),
}

impl Dfu {
    /// The device without what only says how the bench is set up: under this name a chip is told from others in journals.
    pub fn chip_name(&self) -> String {
        match self {
            Self::Twin(selector) => format!("twin:{}", selector.name()),
            other => other.to_string(),
        }
    }

    /// Takes the device up. The chip is not spoken to yet.
    pub(crate) fn open(&self) -> Result<Box<dyn Plug>, BenchError> {
        let unopenable = |source| BenchError::DfuOpen { dfu: self.to_string(), source };
        match self {
            Self::Twin(selector) => Ok(on_board(VirtualBoard::select(selector)?)),
            Self::UsbIp { address, bus_id } => {
                Ok(Box::new(usbip::Client::connect(*address, bus_id.as_deref()).map_err(unopenable)?))
            }
            Self::Attached(serial) => attached(serial.as_deref()).map_err(unopenable),
        }
    }
}

impl fmt::Display for Dfu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twin(selector) => write!(f, "twin:{selector}"),
            Self::UsbIp { address, bus_id: None } => write!(f, "usbip:{address}"),
            Self::UsbIp { address, bus_id: Some(id) } => write!(f, "usbip:{address}/{id}"),
            Self::Attached(None) => f.write_str("dfu"),
            Self::Attached(Some(serial)) => f.write_str(serial),
        }
    }
}

impl FromStr for Dfu {
    type Err = BenchError;

    fn from_str(text: &str) -> Result<Self, BenchError> {
        let wrong = || BenchError::DfuSelector { given: text.chars().take(80).collect() };
        if let Some(twin) = text.strip_prefix("twin:") {
            return Ok(Self::Twin(twin.parse()?));
        }
        if let Some(rest) = text.strip_prefix("usbip:") {
            let (address, bus_id) = rest.split_once('/').map_or((rest, None), |(a, id)| (a, Some(id.to_owned())));
            // A place of 32 bytes, the last of them zero (USB/IP).
            if bus_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > 31) {
                return Err(wrong());
            }
            return Ok(Self::UsbIp { address: address.parse().map_err(|_| wrong())?, bus_id });
        }
        match text {
            "" | "dfu" => Ok(Self::Attached(None)),
            // Serial numbers of ST's devices are letters and digits.
            serial if serial.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(Self::Attached(Some(serial.to_owned()))),
            _ => Err(wrong()),
        }
    }
}

/// The USB device of a virtual board.
pub(crate) fn on_board(board: VirtualBoard) -> Box<dyn Plug> {
    let since = board.board().usb_device().map(|a| a.since);
    Box::new(TwinPlug { name: format!("twin:{}", board.name()), board, since })
}

/// A virtual chip in this process: waiting costs its time only.
#[derive(Debug)]
struct TwinPlug {
    name: String,
    board: VirtualBoard,
    /// Since when the device is there that was taken up.
    since: Option<u64>,
}

impl Plug for TwinPlug {
    fn name(&self) -> &str {
        &self.name
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, PlugError> {
        let mut board = self.board.board();
        let there = board.usb_device().map(|a| a.since);
        // One that has come back is another device until it is taken up.
        if there.is_none() || there != self.since {
            return Err(PlugError::Gone(io::ErrorKind::NotConnected.into()));
        }
        board.usb(setup, data).map_err(|error| match error {
            UsbError::Stalled(_) => PlugError::Stalled,
            UsbError::Gone => PlugError::Gone(io::ErrorKind::NotConnected.into()),
        })
    }

    fn replug(&mut self) -> io::Result<bool> {
        self.since = self.board.board().usb_device().map(|a| a.since);
        Ok(self.since.is_some())
    }

    fn sleep(&mut self, time: Duration) {
        self.board.advance(time);
    }

    fn now(&mut self) -> Duration {
        self.board.now()
    }
}

/// A device that a person can stop, between two transfers: what a download began is finished by the device itself.
#[derive(Debug)]
pub(crate) struct StoppablePlug {
    pub(crate) plug: Box<dyn Plug>,
    pub(crate) stop: Stop,
}

impl Plug for StoppablePlug {
    fn name(&self) -> &str {
        self.plug.name()
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, PlugError> {
        if self.stop.is_asked() {
            return Err(PlugError::Gone(io::ErrorKind::Interrupted.into()));
        }
        self.plug.control(setup, data)
    }

    fn replug(&mut self) -> io::Result<bool> {
        if self.stop.is_asked() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.plug.replug()
    }

    fn sleep(&mut self, time: Duration) {
        self.plug.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.plug.now()
    }
}

#[cfg(feature = "usb")]
fn attached(serial: Option<&str>) -> io::Result<Box<dyn Plug>> {
    Ok(Box::new(attached::UsbPlug::open(serial)?))
}

#[cfg(feature = "usb")]
pub(crate) use attached::list;

#[cfg(not(feature = "usb"))]
fn attached(_serial: Option<&str>) -> io::Result<Box<dyn Plug>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this provost was built without USB"))
}

#[cfg(test)]
mod tests {
    use provost_ops::error::Fault as _;

    use super::*;

    #[test]
    fn selectors_read_as_they_were_written() {
        for (text, shown, chip) in [
            ("twin:fresh?boot0=high", "twin:fresh?boot0=high", "twin:fresh"),
            ("usbip:127.0.0.1:3240", "usbip:127.0.0.1:3240", "usbip:127.0.0.1:3240"),
            ("usbip:127.0.0.1:3240/1-1", "usbip:127.0.0.1:3240/1-1", "usbip:127.0.0.1:3240/1-1"),
            ("", "dfu", "dfu"),
            ("dfu", "dfu", "dfu"),
            ("2003675E3650", "2003675E3650", "2003675E3650"),
        ] {
            let dfu: Dfu = text.parse().unwrap();
            assert_eq!((dfu.to_string().as_str(), dfu.chip_name().as_str()), (shown, chip));
        }
        for text in ["usbip:localhost", "usbip:127.0.0.1:1/", "image.bin", "/dev/ttyUSB0"] {
            assert_eq!(text.parse::<Dfu>().unwrap_err().code(), "dfu-bad-selector", "{text}");
        }
    }

    #[test]
    fn a_device_that_came_back_is_another_one_until_it_is_taken_up() {
        let board = VirtualBoard::open("stuck-in-provisioning").unwrap();
        let mut plug = on_board(board.clone());
        let ask = SetupPacket::get_descriptor(1, 0, 0, 18);
        assert_eq!(plug.control(ask, &[]).unwrap().len(), 18);
        for low in [true, false] {
            board.board().silicon_mut().set_nrst(low);
            board.advance(Duration::from_millis(20));
        }
        assert!(matches!(plug.control(ask, &[]), Err(PlugError::Gone(_))));
        assert!(plug.replug().unwrap());
        assert_eq!(plug.control(ask, &[]).unwrap().len(), 18);
    }
}
