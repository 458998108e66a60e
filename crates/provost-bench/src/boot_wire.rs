//! Which way leads to a ROM bootloader: a serial line or USB.

use std::{fmt, io};

use provost_chip::parts::PartId;
use provost_ops::{
    drive::bootloader::{Bootloader, Line, Plug},
    error::Failure,
};
use provost_twin::board::VirtualBoard;

use crate::{Bench, BenchError, Dfu, Probe, Stop, Uart, UartBench, dfu};

/// Which bootloader is meant, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootWire {
    /// On a serial line.
    Uart(Uart),
    /// As a USB device.
    Dfu(Dfu),
}

impl BootWire {
    /// Under this name a chip is told from others in journals.
    pub fn chip_name(&self) -> String {
        match self {
            Self::Uart(uart) => uart.chip_name(),
            Self::Dfu(dfu) => dfu.chip_name(),
        }
    }

    /// Opens the way. The chip is not spoken to yet.
    ///
    /// # Errors
    /// No such port, device or chip, or one that is in use.
    pub fn open(&self) -> Result<BootBench, BenchError> {
        match self {
            Self::Uart(uart) => UartBench::open(uart).map(BootBench::from),
            Self::Dfu(Dfu::Twin(selector)) => self.plugged(VirtualBoard::select(selector)?),
            Self::Dfu(dfu) => Ok(BootBench { way: Way::Usb(dfu.open()?), board: None }),
        }
    }

    /// Opens the way and a probe, which are plugged into one board where both name the same virtual chip.
    ///
    /// # Errors
    /// As [`BootWire::open`] and [`Bench::open`].
    pub fn open_with(&self, probe: &Probe) -> Result<(BootBench, Bench), BenchError> {
        match (self, probe) {
            (Self::Dfu(Dfu::Twin(device)), Probe::Twin(plug)) if device.name() == plug.name() => {
                let board = VirtualBoard::select(&device.and(plug))?;
                Ok((self.plugged(board.clone())?, Bench::on_board(board)))
            }
            (Self::Uart(uart), _) => {
                UartBench::open_with(uart, probe).map(|(line, bench)| (BootBench::from(line), bench))
            }
            _ => Ok((self.open()?, Bench::open(Some(probe))?)),
        }
    }

    /// The USB device of a virtual board, if there is one.
    fn plugged(&self, board: VirtualBoard) -> Result<BootBench, BenchError> {
        if board.board().usb_device().is_some() {
            return Ok(BootBench::usb_of(board));
        }
        let source = io::Error::new(io::ErrorKind::NotFound, "no bootloader runs in this chip, or none that is on USB");
        Err(BenchError::DfuOpen { dfu: self.to_string(), source })
    }
}

impl fmt::Display for BootWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uart(uart) => uart.fmt(f),
            Self::Dfu(dfu) => dfu.fmt(f),
        }
    }
}

/// What is open.
#[derive(Debug)]
enum Way {
    Serial(Box<dyn Line>),
    Usb(Box<dyn Plug>),
}

/// A way to a bootloader, and the virtual board behind it if there is one.
#[derive(Debug)]
pub struct BootBench {
    way: Way,
    /// The board, if the chip is virtual.
    pub board: Option<VirtualBoard>,
}

impl From<UartBench> for BootBench {
    fn from(UartBench { line, board }: UartBench) -> Self {
        Self { way: Way::Serial(line), board }
    }
}

impl BootBench {
    /// The USB device of a virtual board.
    pub fn usb_of(board: VirtualBoard) -> Self {
        Self { way: Way::Usb(dfu::on_board(board.clone())), board: Some(board) }
    }

    /// The same over another plug, for tests that cut it or make it lie.
    #[must_use]
    pub fn over(self, wrap: impl FnOnce(Box<dyn Plug>) -> Box<dyn Plug>) -> Self {
        match self.way {
            Way::Usb(plug) => Self { way: Way::Usb(wrap(plug)), board: self.board },
            Way::Serial(_) => self,
        }
    }

    /// The same, until a person asks it to stop: then no command begins any more.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        match self.way {
            Way::Serial(line) => UartBench { line, board: self.board }.until(stop).into(),
            Way::Usb(_) => self.over(|plug| Box::new(dfu::StoppablePlug { plug, stop })),
        }
    }

    /// Wakes the bootloader; over USB the part given counts where it does not tell its device id.
    ///
    /// # Errors
    /// As [`Bootloader::open`] and [`Bootloader::open_usb`].
    pub fn bootloader(self, given: Option<PartId>) -> Result<Bootloader, Failure> {
        match self.way {
            Way::Serial(line) => Bootloader::open(line),
            Way::Usb(plug) => Bootloader::open_usb(plug, given),
        }
    }
}
