//! OpenOCD's `remote_bitbang` protocol: one character per change of a pin (OpenOCD, doc/manual/jtag/drivers/remote_bitbang.txt).
//!
//! OpenOCD reaches the chip with `adapter driver remote_bitbang; remote_bitbang host 127.0.0.1; remote_bitbang port PORT;
//! transport select swd`. TMS and SWDIO are the same pin, so the characters of JTAG mode move it too; TDO stays undriven.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::DoorError;
use crate::wire::{Wire, lock};

/// How long a shutdown may go unnoticed.
const POLL: Duration = Duration::from_millis(20);
/// How long a client may be silent while another one waits. OpenOCD asks a target for its state several times a second.
pub const IDLE: Duration = Duration::from_secs(10);
/// Characters handled at a time. Answers never outnumber them.
const CHUNK: usize = 4096;

/// Listens on the loopback interface; port 0 lets the system choose.
///
/// # Errors
/// Whatever the operating system has against it.
pub fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

/// Serves one client after the other until `shutdown` is set. Clients come and go, the chip stays as they leave it, except that
/// NRST is released with the client that pulled it. A client that has been silent for [`IDLE`] makes room for one that waits.
///
/// # Errors
/// [`DoorError::NotLoopback`] before anyone is served, [`DoorError::Io`] if the listener fails. A failing client is no error.
pub fn serve<W: Wire + ?Sized>(
    listener: &TcpListener,
    wire: &Mutex<W>,
    shutdown: &AtomicBool,
) -> Result<(), DoorError> {
    serve_patiently(listener, wire, shutdown, IDLE)
}

/// As [`serve`], with another time for [`IDLE`].
///
/// # Errors
/// As [`serve`].
pub fn serve_patiently<W: Wire + ?Sized>(
    listener: &TcpListener,
    wire: &Mutex<W>,
    shutdown: &AtomicBool,
    idle: Duration,
) -> Result<(), DoorError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(DoorError::NotLoopback(address));
    }
    listener.set_nonblocking(true)?;
    let mut next = None;
    while !shutdown.load(Ordering::Relaxed) {
        let client = match next.take() {
            Some(client) => client,
            None => match accept(listener)? {
                Some(client) => client,
                None => {
                    thread::sleep(POLL);
                    continue;
                }
            },
        };
        let mut pins = Pins::default();
        let mut knock = || accept(listener).ok().flatten();
        match serve_client(&client, &mut pins, wire, shutdown, idle, &mut knock) {
            Ok(waiting) => next = waiting,
            Err(error) => tracing::debug!(%error, "remote_bitbang client lost"),
        }
        pins.release(&mut *lock(wire));
    }
    Ok(())
}

/// The next client, if one waits.
fn accept(listener: &TcpListener) -> Result<Option<TcpStream>, DoorError> {
    match listener.accept() {
        Ok((client, peer)) => {
            tracing::debug!(%peer, "remote_bitbang client");
            Ok(Some(client))
        }
        Err(error) if is_transient(error.kind()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Nothing to accept, or a client that gave up before it was accepted.
fn is_transient(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
}

/// Serves a client until it leaves, or until it has been idle and `knock` finds another one, which is given back.
fn serve_client<W: Wire + ?Sized>(
    mut client: &TcpStream,
    pins: &mut Pins,
    wire: &Mutex<W>,
    shutdown: &AtomicBool,
    idle: Duration,
    knock: &mut dyn FnMut() -> Option<TcpStream>,
) -> io::Result<Option<TcpStream>> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(POLL))?;
    // A client that does not read its answers must not hold up a shutdown.
    client.set_write_timeout(Some(Duration::from_secs(1)))?;
    let mut commands = [0; CHUNK];
    let mut answers = Vec::with_capacity(CHUNK);
    let mut heard = Instant::now();
    while !shutdown.load(Ordering::Relaxed) {
        let count = match client.read(&mut commands) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                ) =>
            {
                if heard.elapsed() >= idle
                    && let Some(next) = knock()
                {
                    tracing::debug!("an idle remote_bitbang client makes room");
                    return Ok(Some(next));
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        heard = Instant::now();
        answers.clear();
        let go_on = {
            let mut wire = lock(wire);
            commands.iter().take(count).all(|command| pins.command(*command, &mut *wire, &mut answers))
        };
        client.write_all(&answers)?;
        if !go_on {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The client's side of the connector.
#[derive(Debug)]
struct Pins {
    swclk: bool,
    swdio: bool,
    /// Whether the client drives SWDIO.
    drives: bool,
    /// What the target drives since the last rising edge.
    target: Option<bool>,
    nrst_asserted: bool,
}

impl Default for Pins {
    fn default() -> Self {
        Self { swclk: false, swdio: true, drives: true, target: None, nrst_asserted: false }
    }
}

impl Pins {
    /// Obeys one character; false if it ends the connection. So does the first one that is not of the protocol: whoever speaks HTTP
    /// here may be a web page, whose text must not reach the chip.
    fn command<W: Wire + ?Sized>(&mut self, command: u8, wire: &mut W, answers: &mut Vec<u8>) -> bool {
        match command {
            // SWCLK, SWDIO.
            b'd'..=b'g' => {
                let levels = command - b'd';
                self.set(levels & 2 != 0, levels & 1 != 0, wire);
            }
            // TCK, TMS, TDI. JTAG never releases TMS.
            b'0'..=b'7' => {
                let levels = command - b'0';
                self.drives = true;
                self.set(levels & 4 != 0, levels & 2 != 0, wire);
            }
            b'c' => answers.push(if self.level() { b'1' } else { b'0' }),
            b'R' => answers.push(b'1'),
            b'O' => self.drives = true,
            b'o' => self.drives = false,
            // TRST, SRST; there is no TRST on an SWD connector.
            b'r'..=b'u' => self.set_nrst((command - b'r') & 1 != 0, wire),
            // The chip's time is that of its clock: a sleep (`Z`, `z`) passes none. `B` and `b` are a light.
            b'B' | b'b' | b'Z' | b'z' => {}
            // Ends of lines, for those who try it by hand.
            b'\r' | b'\n' => {}
            b'Q' => return false,
            other => {
                tracing::debug!(other, "not remote_bitbang");
                return false;
            }
        }
        true
    }

    fn set<W: Wire + ?Sized>(&mut self, swclk: bool, swdio: bool, wire: &mut W) {
        self.swdio = swdio;
        if swclk && !self.swclk {
            self.target = wire.clock(self.drives.then_some(swdio));
        }
        self.swclk = swclk;
    }

    /// SWDIO as the client sees it.
    fn level(&self) -> bool {
        self.target.unwrap_or(!self.drives || self.swdio)
    }

    fn set_nrst<W: Wire + ?Sized>(&mut self, asserted: bool, wire: &mut W) {
        if asserted != self.nrst_asserted {
            wire.set_nrst(asserted);
            self.nrst_asserted = asserted;
        }
    }

    fn release<W: Wire + ?Sized>(&mut self, wire: &mut W) {
        self.set_nrst(false, wire);
    }
}
