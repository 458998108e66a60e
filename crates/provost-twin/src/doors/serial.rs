//! The serial line of the ROM bootloader on a TCP port: bytes, and nothing around them.
//!
//! The chip's time goes on with the wall's while a client is connected, so that a bootloader that starts is there when it is called again.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::DoorError;
use crate::board::VirtualBoard;

/// How long a shutdown may go unnoticed.
const POLL: Duration = Duration::from_millis(20);
/// A client that does not read its answers must not hold up a shutdown.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves one client after the other until `shutdown` is set. The chip stays as a client leaves it.
///
/// # Errors
/// [`DoorError::NotLoopback`] before anyone is served, [`DoorError::Io`] if the listener fails. A failing client is no error.
pub fn serve(listener: &TcpListener, board: &VirtualBoard, shutdown: &AtomicBool) -> Result<(), DoorError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(DoorError::NotLoopback(address));
    }
    listener.set_nonblocking(true)?;
    while !shutdown.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, peer)) => {
                tracing::debug!(%peer, "client of the serial line");
                if let Err(error) = serve_client(&client, board, shutdown) {
                    tracing::debug!(%error, "client of the serial line lost");
                }
            }
            Err(error) if passes(error.kind()) || error.kind() == io::ErrorKind::ConnectionAborted => {
                thread::sleep(POLL);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

const fn passes(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

fn serve_client(mut client: &TcpStream, board: &VirtualBoard, shutdown: &AtomicBool) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(POLL))?;
    client.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut bytes = [0; 4096];
    let mut last = Instant::now();
    while !shutdown.load(Ordering::Relaxed) {
        let read = client.read(&mut bytes);
        board.advance(last.elapsed());
        last = Instant::now();
        match read {
            Ok(0) => return Ok(()),
            Ok(count) => client.write_all(&board.board().serial(&bytes[..count]))?,
            Err(error) if passes(error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
