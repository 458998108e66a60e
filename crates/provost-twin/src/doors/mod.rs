//! Doors: servers that let other people's tools reach a virtual chip. They listen on the loopback interface only.
//!
//! A door serves one client after the other. Anything that is not of its protocol ends the connection: whoever speaks HTTP here may be a
//! web page, whose text must not reach the chip.

pub mod bench;
mod black_magic;
mod clock;
mod cmsis_dap;
#[cfg(unix)]
pub mod pty;
mod pyocd;
pub mod remote;
mod remote_bitbang;
mod serial;
mod server;
pub mod usbip;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Mutex, atomic::AtomicBool},
    time::Duration,
};

pub use clock::WallClock;

use crate::{
    board::{Board, VirtualBoard},
    wire::Wire,
};

/// How long a client may be silent while another one waits. OpenOCD asks a target for its state several times a second.
pub const IDLE: Duration = Duration::from_secs(10);

/// What is spoken at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Door {
    /// OpenOCD's `remote_bitbang`.
    RemoteBitbang,
    /// CMSIS-DAP in TCP frames, OpenOCD's `cmsis-dap backend tcp`.
    CmsisDap,
    /// The remote protocol of Black Magic Probe, which probe-rs speaks.
    BlackMagic,
    /// pyOCD's remote probe.
    PyOcd,
}

impl Door {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::RemoteBitbang, Self::CmsisDap, Self::BlackMagic, Self::PyOcd];

    /// Its name, as in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoteBitbang => "remote-bitbang",
            Self::CmsisDap => "cmsis-dap",
            Self::BlackMagic => "black-magic",
            Self::PyOcd => "pyocd",
        }
    }
}

/// On what terms a door serves.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Set from elsewhere to end the service.
    pub shutdown: &'a AtomicBool,
    /// How long a client may be silent while another one waits.
    pub idle: Duration,
    /// Whether the chip's time passes while a client is silent. Without a clock only that of the wire counts, and runs repeat exactly.
    pub clock: Option<&'a WallClock>,
}

/// Listens on the loopback interface; port 0 lets the system choose.
///
/// # Errors
/// Whatever the operating system has against it.
pub fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

/// Serves one client after the other until told to stop. Clients come and go, the chip stays as they leave it, except that NRST is
/// released with the client that pulled it. A client that has been silent for long makes room for one that waits.
///
/// # Errors
/// [`DoorError::NotLoopback`] before anyone is served, [`DoorError::Io`] if the listener fails. A failing client is no error.
pub fn serve<W: Wire + ?Sized>(
    door: Door,
    listener: &TcpListener,
    wire: &Mutex<W>,
    terms: &Terms<'_>,
) -> Result<(), DoorError> {
    match door {
        Door::RemoteBitbang => server::serve::<remote_bitbang::Pins, W>(listener, wire, terms),
        Door::CmsisDap => server::serve::<cmsis_dap::Probe, W>(listener, wire, terms),
        Door::BlackMagic => server::serve::<black_magic::Probe, W>(listener, wire, terms),
        Door::PyOcd => server::serve::<pyocd::Probe, W>(listener, wire, terms),
    }
}

/// Serves those at the bench of a board, see [`mod@bench`], until told to stop.
///
/// # Errors
/// As [`serve`].
pub fn serve_bench(listener: &TcpListener, board: &VirtualBoard, terms: &Terms<'_>) -> Result<(), DoorError> {
    server::serve::<bench::Bench, Board>(listener, board.mutex(), terms)
}

/// Serves the serial line of a board's ROM bootloader, as bytes, until told to stop.
///
/// # Errors
/// As [`serve`].
pub fn serve_serial(listener: &TcpListener, board: &VirtualBoard, terms: &Terms<'_>) -> Result<(), DoorError> {
    server::serve::<serial::Line, Board>(listener, board.mutex(), terms)
}

/// Serves the serial line of a board's ROM bootloader on a pseudo-terminal, until told to stop.
///
/// # Errors
/// [`DoorError::Io`] if the terminal fails.
#[cfg(unix)]
pub fn serve_pty(pty: &pty::Pty, board: &VirtualBoard, terms: &Terms<'_>) -> Result<(), DoorError> {
    Ok(pty.serve(board.mutex(), terms)?)
}

/// Serves the USB device of a board's ROM bootloader, see [`mod@usbip`], until told to stop.
///
/// # Errors
/// As [`serve`].
pub fn serve_usbip(listener: &TcpListener, board: &VirtualBoard, terms: &Terms<'_>) -> Result<(), DoorError> {
    server::serve::<usbip::Session, Board>(listener, board.mutex(), terms)
}

/// Why a door cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// A virtual chip is not for the network: whoever reaches a door can do everything with the chip.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The listening socket or the terminal failed.
    #[error("the listening socket or the terminal failed")]
    Io(#[from] io::Error),
}
