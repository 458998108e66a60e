//! The serial line of the ROM bootloader as a pseudo-terminal: for programs that open a port by its name.
//!
//! A pseudo-terminal carries bytes whatever rate is set, and keeps no parity: a program that insists on reading back 8E1 needs another door.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Mutex, atomic::Ordering},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

use super::{Terms, WallClock};
use crate::{
    board::Board,
    wire::{Wire as _, lock},
};

/// How long a shutdown may go unnoticed, in nanoseconds.
const POLL: i64 = 20_000_000;
/// Bytes taken at a time.
const CHUNK: usize = 4096;

/// A pseudo-terminal, and the name of the end that programs open.
#[derive(Debug)]
pub struct Pty {
    ours: OwnedFd,
    /// Kept open: without it the line would hang up each time that a program leaves.
    _theirs: OwnedFd,
    path: String,
}

impl Pty {
    /// Makes one.
    ///
    /// # Errors
    /// Whatever the operating system has against it.
    pub fn open() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = ptsname(&ours, Vec::new())?.into_string().map_err(io::Error::other)?;
        let theirs = open(path.as_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        // Bytes, neither echoed nor translated.
        let mut settings = tcgetattr(&theirs)?;
        settings.make_raw();
        tcsetattr(&theirs, OptionalActions::Now, &settings)?;
        Ok(Self { ours, _theirs: theirs, path })
    }

    /// The name that programs open, such as `/dev/pts/3`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Serves the serial line of a board until told to stop.
    pub(super) fn serve(&self, board: &Mutex<Board>, terms: &Terms<'_>) -> io::Result<()> {
        let mut bytes = [0; CHUNK];
        while !terms.shutdown.load(Ordering::Relaxed) {
            let wait = Timespec { tv_sec: 0, tv_nsec: POLL };
            if poll(&mut [PollFd::new(&self.ours, PollFlags::IN)], Some(&wait))? == 0 {
                continue;
            }
            let count = rustix::io::read(&self.ours, &mut bytes)?;
            let said = {
                let mut board = lock(board);
                if let Some(slept) = terms.clock.and_then(WallClock::slept) {
                    board.wait(slept);
                }
                let said = board.serial(bytes.get(..count).unwrap_or_default());
                if let Some(clock) = terms.clock {
                    clock.done();
                }
                said
            };
            let mut rest = said.as_slice();
            while !rest.is_empty() {
                let written = rustix::io::write(&self.ours, rest)?;
                rest = rest.get(written..).unwrap_or_default();
            }
        }
        Ok(())
    }
}
