//! Halting, resuming and calling functions on a Cortex-M core, through its debug registers.
//!
//! Nothing is restored behind the caller's back: who halts must resume.
//! Registers and bits are those of the Armv8-M Architecture Reference Manual (DDI 0553), chapter D1.

mod call;

use std::fmt;
use std::time::Duration;

pub use call::{Call, CallOutcome};

use crate::clock::Deadline;
use crate::{Clock, LinkError, MemAp};

/// DHCSR, DCRSR, DCRDR and DEMCR fill one banked window: each access is a single AP access.
const WINDOW: u32 = 0xE000_EDF0;
const DHCSR: u32 = 0x0;
const DCRSR: u32 = 0x4;
const DCRDR: u32 = 0x8;
const DEMCR: u32 = 0xC;

const DBGKEY: u32 = 0xA05F_0000;
const C_DEBUGEN: u32 = 1 << 0;
const C_HALT: u32 = 1 << 1;
const C_MASKINTS: u32 = 1 << 3;
const DCRSR_WRITE: u32 = 1 << 16;

/// A register transfer takes a few core clocks; this is long even at 32 kHz.
const REGISTER_TIMEOUT: Duration = Duration::from_millis(20);
const REGISTER_PAUSE: Duration = Duration::from_micros(50);
const HALT_PAUSE: Duration = Duration::from_micros(200);

/// Debug Halting Control and Status Register, as read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dhcsr(pub u32);

impl Dhcsr {
    const fn bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 != 0
    }

    /// C_DEBUGEN: halting debug is enabled.
    pub const fn debug_enabled(self) -> bool {
        self.bit(0)
    }

    /// C_MASKINTS: interrupts are held back.
    pub const fn interrupts_masked(self) -> bool {
        self.bit(3)
    }

    /// S_REGRDY: the last core register transfer is complete.
    pub const fn register_ready(self) -> bool {
        self.bit(16)
    }

    /// S_HALT: the core is halted.
    pub const fn halted(self) -> bool {
        self.bit(17)
    }

    /// S_SLEEP: the core sleeps.
    pub const fn sleeping(self) -> bool {
        self.bit(18)
    }

    /// S_LOCKUP: the core is locked up by an unrecoverable exception.
    pub const fn locked_up(self) -> bool {
        self.bit(19)
    }

    /// S_SDE: secure invasive debug is allowed.
    pub const fn secure_debug(self) -> bool {
        self.bit(20)
    }

    /// S_RETIRE_ST: an instruction was completed since the last read.
    pub const fn retired(self) -> bool {
        self.bit(24)
    }

    /// S_RESET_ST: the core was reset since the last read.
    pub const fn was_reset(self) -> bool {
        self.bit(25)
    }
}

impl fmt::Debug for Dhcsr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dhcsr({:#010x})", self.0)
    }
}

/// A core register, by its number in DCRSR.REGSEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CoreRegister(u8);

impl CoreRegister {
    /// R0, first argument and result.
    pub const R0: Self = Self(0);
    /// R1, second argument.
    pub const R1: Self = Self(1);
    /// R2, third argument.
    pub const R2: Self = Self(2);
    /// R3, fourth argument.
    pub const R3: Self = Self(3);
    /// The current stack pointer.
    pub const SP: Self = Self(13);
    /// Link register.
    pub const LR: Self = Self(14);
    /// Where execution goes on: the program counter of a halted core.
    pub const PC: Self = Self(15);
    /// Program status register.
    pub const XPSR: Self = Self(16);
    /// Main stack pointer of the current security state.
    pub const MSP: Self = Self(17);
    /// Process stack pointer of the current security state.
    pub const PSP: Self = Self(18);
    /// CONTROL, FAULTMASK, BASEPRI and PRIMASK, one byte each from the top.
    pub const CFBP: Self = Self(20);
    /// Secure main stack limit.
    pub const MSPLIM_S: Self = Self(28);
    /// Non-secure main stack limit.
    pub const MSPLIM_NS: Self = Self(30);

    /// The register with REGSEL number `number`, 0 to 127.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 0x80 { Some(Self(number)) } else { None }
    }

    /// REGSEL number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Debug control of one core.
///
/// Reading DHCSR clears its S_RESET_ST bit, and every method reads it. So what it said is kept until
/// [`take_reset`](Self::take_reset) asks.
#[derive(Debug)]
pub struct Core<'m, 'a> {
    bus: &'m mut MemAp<'a>,
    reset_seen: bool,
}

impl<'m, 'a> Core<'m, 'a> {
    /// The core whose debug registers are on `bus`. No I/O.
    pub fn new(bus: &'m mut MemAp<'a>) -> Self {
        Self { bus, reset_seen: false }
    }

    /// Reads DHCSR. Changes nothing but the two bits that reading clears.
    pub fn dhcsr(&mut self) -> Result<Dhcsr, LinkError> {
        let dhcsr = Dhcsr(self.bus.window(WINDOW)?.read(DHCSR)?);
        self.reset_seen |= dhcsr.was_reset();
        Ok(dhcsr)
    }

    /// Whether a reset of the core was seen since the last call.
    pub fn take_reset(&mut self) -> bool {
        std::mem::take(&mut self.reset_seen)
    }

    /// Reads DEMCR.
    pub fn demcr(&mut self) -> Result<u32, LinkError> {
        self.bus.window(WINDOW)?.read(DEMCR)
    }

    /// Writes DEMCR: vector catch and trace enable.
    pub fn set_demcr(&mut self, value: u32) -> Result<(), LinkError> {
        self.bus.window(WINDOW)?.write(DEMCR, value)
    }

    /// Enables halting debug and halts the core.
    ///
    /// [`LinkError::Timeout`] if it does not halt within `timeout`: debug not permitted, or held in reset.
    pub fn halt(&mut self, timeout: Duration) -> Result<(), LinkError> {
        // Left by a call that did not return. It may only change while the core is halted.
        let masked = masked(self.dhcsr()?.interrupts_masked());
        self.control(C_DEBUGEN | C_HALT | masked)?;
        self.wait_for("halt of the core", timeout, HALT_PAUSE, Dhcsr::halted)?;
        if masked != 0 {
            self.mask_interrupts(false)?;
        }
        Ok(())
    }

    /// Lets the core run, with halting debug still enabled.
    pub fn resume(&mut self) -> Result<(), LinkError> {
        self.control(C_DEBUGEN)
    }

    /// Disables halting debug; a halted core runs.
    pub fn release(&mut self) -> Result<(), LinkError> {
        self.control(0)
    }

    /// Reads a register of the halted core.
    pub fn read_register(&mut self, register: CoreRegister) -> Result<u32, LinkError> {
        self.select_register(u32::from(register.0))?;
        self.bus.window(WINDOW)?.read(DCRDR)
    }

    /// Writes a register of the halted core.
    pub fn write_register(&mut self, register: CoreRegister, value: u32) -> Result<(), LinkError> {
        self.bus.window(WINDOW)?.write(DCRDR, value)?;
        self.select_register(u32::from(register.0) | DCRSR_WRITE)
    }

    fn select_register(&mut self, dcrsr: u32) -> Result<(), LinkError> {
        self.bus.window(WINDOW)?.write(DCRSR, dcrsr)?;
        self.wait_for("core register transfer", REGISTER_TIMEOUT, REGISTER_PAUSE, Dhcsr::register_ready)
    }

    /// C_MASKINTS may neither change while the core runs, nor in the write that lets it run.
    fn mask_interrupts(&mut self, mask: bool) -> Result<(), LinkError> {
        self.control(C_DEBUGEN | C_HALT | masked(mask))
    }

    fn control(&mut self, bits: u32) -> Result<(), LinkError> {
        self.bus.window(WINDOW)?.write(DHCSR, DBGKEY | bits)
    }

    fn wait_for(
        &mut self,
        what: &'static str,
        timeout: Duration,
        pause: Duration,
        done: impl Fn(Dhcsr) -> bool,
    ) -> Result<(), LinkError> {
        let mut deadline = Deadline::new(self.clock(), timeout, pause);
        loop {
            if done(self.dhcsr()?) {
                return Ok(());
            }
            if !deadline.pause(self.clock()) {
                return Err(LinkError::Timeout { what, after: timeout });
            }
        }
    }

    fn clock(&mut self) -> &mut dyn Clock {
        self.bus.clock()
    }
}

fn masked(mask: bool) -> u32 {
    if mask { C_MASKINTS } else { 0 }
}

#[cfg(test)]
mod tests;
