//! OpenOCD's `remote_bitbang` protocol: one character per change of a pin (OpenOCD, doc/manual/jtag/drivers/remote_bitbang.txt).
//!
//! OpenOCD reaches the chip with `adapter driver remote_bitbang; remote_bitbang host 127.0.0.1; remote_bitbang port PORT;
//! transport select swd`. TMS and SWDIO are the same pin, so the characters of JTAG mode move it too; TDO stays undriven.

use std::time::Duration;

use super::server::Protocol;
use crate::wire::Wire;

/// What `Z` and `z` ask for.
const LONG_SLEEP: Duration = Duration::from_millis(1);
const SHORT_SLEEP: Duration = Duration::from_micros(1);

/// The client's side of the connector.
#[derive(Debug)]
pub(super) struct Pins {
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

impl<W: Wire + ?Sized> Protocol<W> for Pins {
    fn receive(&mut self, bytes: &[u8], wire: &mut W, answers: &mut Vec<u8>) -> bool {
        bytes.iter().all(|command| self.command(*command, wire, answers))
    }

    fn release(&mut self, wire: &mut W) {
        self.set_nrst(false, wire);
    }
}

impl Pins {
    /// Obeys one character; false if it ends the connection, as the first one does that is not of the protocol.
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
            b'Z' => wire.wait(LONG_SLEEP),
            b'z' => wire.wait(SHORT_SLEEP),
            // A light.
            b'B' | b'b' => {}
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
}
