//! The other end of the `remote_bitbang` door: the connector of a board that another program serves, as a [`Wire`].
//!
//! So a chip that is being served is within reach of provost too, and stays powered when provost leaves.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::wire::{Wire, faults::Stats};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// `Z` stands for a millisecond.
const MILLISECOND: Duration = Duration::from_millis(1);
/// The longest time that is spelt out in one go.
const LONGEST_WAIT: usize = 10_000;

/// Where a chip file's board is served: the file beside it that says so, while that lasts.
pub fn notice(chip: &Path) -> PathBuf {
    let mut name = chip.as_os_str().to_owned();
    name.push(".bench");
    name.into()
}

/// The loopback ports of a board that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what the notice holds")]
pub struct Doors {
    /// Of its bench, see [`super::bench`].
    pub bench: u16,
    /// Of its connector, for provost.
    pub pins: u16,
}

impl Doors {
    /// Where the board of this chip file is served, if it is.
    pub fn find(chip: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(notice(chip)).ok()?;
        let mut ports = text.split_whitespace().map(str::parse);
        Some(Self { bench: ports.next()?.ok()?, pins: ports.next()?.ok()? })
    }

    /// What the notice says.
    pub fn text(self) -> String {
        format!("{} {}\n", self.bench, self.pins)
    }
}

/// A connector behind a socket. Once the socket breaks, nobody drives the pins any more.
pub struct RemotePins {
    socket: Option<TcpStream>,
    stats: Stats,
}

impl RemotePins {
    /// Plugs into the door at this loopback port.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket: Some(socket), stats: Stats::default() })
    }

    /// Says this, and takes `answers` characters for it.
    fn say(&mut self, text: &[u8], answers: usize) -> Option<Vec<u8>> {
        let mut heard = vec![0; answers];
        let socket = self.socket.as_mut()?;
        let told = socket.write_all(text).and_then(|()| socket.read_exact(&mut heard));
        if let Err(error) = told {
            tracing::debug!(%error, "the served board is gone");
            self.socket = None;
            return None;
        }
        Some(heard)
    }
}

impl Wire for RemotePins {
    fn clock(&mut self, host: Option<bool>) -> Option<bool> {
        match host {
            Some(bit) => {
                self.shift_out(u64::from(bit), 1);
                None
            }
            None => Some(self.shift_in(1) & 1 == 1),
        }
    }

    fn set_nrst(&mut self, asserted: bool) {
        // TRST high, SRST as asked.
        self.say(if asserted { b"s" } else { b"r" }, 0);
    }

    fn wait(&mut self, time: Duration) {
        let count = time.as_nanos().div_ceil(MILLISECOND.as_nanos());
        self.say(&vec![b'Z'; usize::try_from(count).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)], 0);
    }

    fn stats(&self) -> Stats {
        self.stats
    }

    fn shift_out(&mut self, bits: u64, count: u32) {
        let mut text = vec![b'O'];
        for bit in (0..count.min(64)).map(|i| bits >> i & 1) {
            text.extend(if bit == 1 { b"eg" } else { b"df" });
        }
        self.say(&text, 0);
    }

    fn shift_in(&mut self, count: u32) -> u64 {
        let count = count.min(64) as usize;
        let mut text = vec![b'o'];
        text.extend(b"dfc".repeat(count));
        // Nobody drives an open pin: its pull-up does.
        let levels = self.say(&text, count).unwrap_or_else(|| vec![b'1'; count]);
        levels.iter().enumerate().fold(0, |bits, (i, level)| bits | u64::from(*level == b'1') << i)
    }
}

impl fmt::Debug for RemotePins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemotePins").field("connected", &self.socket.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering};

    use super::*;
    use crate::{
        board::VirtualBoard,
        doors::{Door, IDLE, Terms, bind, serve},
        host::{Register, SwdHost},
    };

    /// DPIDR and a power-up over the socket: the same words as on the spot.
    #[test]
    fn a_host_behind_the_socket_sees_the_same_chip() {
        let board = VirtualBoard::open("fresh").unwrap();
        let (listener, shutdown) = (bind(0).unwrap(), AtomicBool::new(false));
        let port = listener.local_addr().unwrap().port();
        let terms = Terms { shutdown: &shutdown, idle: IDLE, clock: None };
        std::thread::scope(|scope| {
            scope.spawn(|| serve(Door::RemoteBitbang, &listener, &board.wire(), &terms));
            let host = SwdHost::new(Arc::new(Mutex::new(RemotePins::connect(port).unwrap())));
            host.sequence(u64::MAX, 60).unwrap();
            host.sequence(0xE79E, 16).unwrap();
            host.sequence((1 << 56) - 1, 60).unwrap();
            let mut word = [0];
            host.read(Register::Dp(0), &mut word).unwrap();
            assert_eq!(word, [0x6BA0_2477]);
            shutdown.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn a_notice_is_read_back() {
        let served = Doors { bench: 1234, pins: 65535 };
        let folder = tempfile::tempdir().unwrap();
        let chip = folder.path().join("a.chip");
        assert_eq!(Doors::find(&chip), None);
        std::fs::write(notice(&chip), served.text()).unwrap();
        assert_eq!(Doors::find(&chip), Some(served));
    }
}
