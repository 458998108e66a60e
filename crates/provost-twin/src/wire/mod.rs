//! The debug wire of the virtual chip: SWCLK, SWDIO and NRST, from single clock edges ([`swd`]) to accesses on the chip's
//! buses ([`dap`]), with faults injected where a test asks for them ([`faults`]).
//!
//! Every door leads through [`Wire`], so probe-rs in this process and a stranger behind a socket talk to the same state machine.

pub mod dap;
pub mod faults;
mod mem_ap;
pub mod swd;
mod swj;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use faults::Stats;

/// The connector of a chip: what a debug probe can do to its pins.
///
/// An undriven SWDIO reads high: STM32 parts have an internal pull-up on it.
pub trait Wire: Send {
    /// One rising edge of SWCLK with what the host drives on SWDIO (`None`: released). Returns what the target drives from this
    /// edge to the next one.
    ///
    /// A host that samples after the edge takes this value; one that samples before the edge takes the value of the call before.
    fn clock(&mut self, host: Option<bool>) -> Option<bool>;

    /// Drives the NRST pin: `true` pulls it low, `false` releases it.
    fn set_nrst(&mut self, asserted: bool);

    /// Time passes without a clock on the wire.
    fn wait(&mut self, _time: Duration) {}

    /// What has happened on this wire so far.
    fn stats(&self) -> Stats;

    /// Drives the lowest `count` (at most 64) bits of `bits`, lowest first.
    fn shift_out(&mut self, bits: u64, count: u32) {
        for i in 0..count.min(64) {
            self.clock(Some(bits >> i & 1 == 1));
        }
    }

    /// Releases SWDIO for `count` (at most 64) clocks; bit `i` of the result is the level after edge `i`.
    fn shift_in(&mut self, count: u32) -> u64 {
        (0..count.min(64)).fold(0, |bits, i| bits | u64::from(self.clock(None).unwrap_or(true)) << i)
    }
}

/// A wire with several holders: the owner of the chip keeps one handle, each probe or door another.
pub type SharedWire = Arc<Mutex<dyn Wire>>;

/// Locks a shared wire. A holder that panicked leaves the wire as it was, like a program that dies with a probe in its hand.
pub(crate) fn lock<W: Wire + ?Sized>(wire: &Mutex<W>) -> MutexGuard<'_, W> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}
