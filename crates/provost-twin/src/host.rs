//! The host's end of a virtual chip's wire: SWD packets from register accesses, with no probe library in between.
//!
//! It works as the firmware of a CMSIS-DAP probe does: acknowledgement first, data only after OK, WAIT repeated, the result of posted AP
//! accesses fetched from RDBUFF. A write is read back through RDBUFF where a bus may refuse it: one through a data register. What sets up
//! an access port is done when it is acknowledged. Every bit of it crosses the [`Wire`].

use std::{
    fmt,
    sync::{
        MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::wire::{
    SharedWire, Wire,
    dap::{ABORT, RDBUFF, Request, SELECT},
    lock,
};

/// How often a transaction that is answered WAIT is repeated.
const WAIT_RETRIES: u32 = 1000;
/// Clocks after a transaction that must be completed before anything else happens (Arm IHI 0031: at least eight).
const IDLE_CLOCKS: u32 = 8;
/// APBANKSEL of SELECT.
const BANK: u32 = 0xF0;

const ABORT_DAPABORT: u32 = 1 << 0;
/// ABORT: STKCMPCLR, STKERRCLR, WDERRCLR and ORUNERRCLR.
const ABORT_CLEAR: u32 = 0b1_1110;

/// Why a transfer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwdError {
    /// The plug of the probe is out, or the chip's file cannot be written any more.
    #[error("the virtual probe is unplugged")]
    Unplugged,
    /// Nobody answers.
    #[error("the target did not acknowledge")]
    NoAcknowledge,
    /// The target still answers WAIT.
    #[error("the target answered WAIT")]
    Wait,
    /// The target answered FAULT; its sticky flags have been cleared since.
    #[error("the target answered FAULT")]
    Fault,
    /// The parity bit does not fit the data.
    #[error("wrong parity in the data that was read")]
    Parity,
    /// The acknowledgement is none of those there are.
    #[error("the acknowledgement is none")]
    Protocol,
}

/// A register of the debug port, or of the access port that SELECT names: by address bits 3:2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// Of the debug port.
    Dp(u8),
    /// Of the selected access port, in the selected bank.
    Ap(u8),
}

impl Register {
    const fn request(self, read: bool) -> Request {
        match self {
            Self::Dp(address) => Request { ap: false, read, address: address & 0xC },
            Self::Ap(address) => Request { ap: true, read, address: address & 0xC },
        }
    }
}

/// A host plugged into a virtual chip's SWD connector.
///
/// Dropping it does not touch the chip: its owner holds another handle of the wire.
pub struct SwdHost {
    wire: SharedWire,
    nrst_asserted: bool,
    unplug_after: Option<u64>,
    volts: f32,
    /// What SELECT was last written with.
    select: AtomicU32,
}

impl SwdHost {
    /// A host on `wire`.
    pub fn new(wire: SharedWire) -> Self {
        Self { wire, nrst_asserted: false, unplug_after: None, volts: 3.3, select: AtomicU32::new(0) }
    }

    /// Pulls the plug when the wire's transaction `index` is complete: from then on every call fails with [`SwdError::Unplugged`], the
    /// wire is not clocked any more, and NRST keeps its level.
    #[must_use]
    pub fn unplug_after(mut self, index: u64) -> Self {
        self.unplug_after = Some(index);
        self
    }

    /// Lets the host measure this supply, in volts.
    #[must_use]
    pub fn with_supply(mut self, volts: f32) -> Self {
        self.volts = volts;
        self
    }

    /// The supply of the chip, in volts.
    ///
    /// # Errors
    /// [`SwdError::Unplugged`].
    pub fn supply(&self) -> Result<f32, SwdError> {
        self.plugged().map(|_| self.volts)
    }

    /// Drives NRST.
    ///
    /// # Errors
    /// [`SwdError::Unplugged`].
    pub fn set_nrst(&mut self, asserted: bool) -> Result<(), SwdError> {
        self.plugged()?.set_nrst(asserted);
        self.nrst_asserted = asserted;
        Ok(())
    }

    /// Whether this host holds NRST low.
    pub const fn nrst_asserted(&self) -> bool {
        self.nrst_asserted
    }

    /// Drives the lowest `count` (at most 64) of `bits`, lowest first: line resets and switching sequences.
    ///
    /// # Errors
    /// [`SwdError::Unplugged`].
    pub fn sequence(&self, bits: u64, count: u32) -> Result<(), SwdError> {
        self.plugged()?.shift_out(bits, count);
        Ok(())
    }

    /// Reads a register once per slot of `values`, in one call.
    ///
    /// # Errors
    /// Any [`SwdError`]; slots behind the failure keep their content.
    pub fn read(&self, register: Register, values: &mut [u32]) -> Result<(), SwdError> {
        let result = self.read_all(register.request(true), values);
        // A word that has arrived leaves nothing to complete.
        if result.is_ok() { result } else { self.then_idle(result) }
    }

    /// Writes a register once per value, in one call.
    ///
    /// # Errors
    /// Any [`SwdError`]. The last write through a data register is complete when this returns.
    pub fn write(&self, register: Register, values: &[u32]) -> Result<(), SwdError> {
        let request = register.request(false);
        let result = self.write_all(request, values);
        if let (Register::Dp(SELECT), Some(last), true) = (register, values.last(), result.is_ok()) {
            self.select.store(*last, Ordering::Relaxed);
        }
        if result.is_ok() && self.sets_up(request) { result } else { self.then_idle(result) }
    }

    /// Whether a write only prepares what comes next, whose clocks complete it: those to the debug port, and those to CSW and TAR, which
    /// are in bank 0.
    fn sets_up(&self, request: Request) -> bool {
        !request.ap || self.select.load(Ordering::Relaxed) & BANK == 0 && request.address < 0x8
    }

    /// The wire, if the plug still is in.
    fn plugged(&self) -> Result<MutexGuard<'_, dyn Wire + 'static>, SwdError> {
        let wire = lock(&*self.wire);
        match self.unplug_after {
            Some(index) if wire.stats().transactions > index => Err(SwdError::Unplugged),
            _ => Ok(wire),
        }
    }

    fn packet(&self, request: Request, value: u32) -> Result<u32, SwdError> {
        packet(&mut *self.plugged()?, request, value)
    }

    /// One transfer: WAIT is repeated, and after FAULT the sticky flags are cleared, so that the next transfer starts afresh.
    fn transfer(&self, request: Request, value: u32) -> Result<u32, SwdError> {
        const WRITE_ABORT: Request = Request { ap: false, read: false, address: ABORT };
        for _ in 0..WAIT_RETRIES {
            match self.packet(request, value) {
                Err(SwdError::Wait) => {}
                Err(SwdError::Fault) => {
                    tracing::debug!(?request, "FAULT");
                    self.packet(WRITE_ABORT, ABORT_CLEAR)?;
                    return Err(SwdError::Fault);
                }
                result => return result,
            }
        }
        tracing::debug!(?request, "still WAIT after {WAIT_RETRIES} attempts");
        self.packet(WRITE_ABORT, ABORT_DAPABORT)?;
        Err(SwdError::Wait)
    }

    /// What the last AP access left behind: its value, or its fault.
    fn read_buffer(&self) -> Result<u32, SwdError> {
        self.transfer(Register::Dp(RDBUFF).request(true), 0)
    }

    fn read_all(&self, request: Request, values: &mut [u32]) -> Result<(), SwdError> {
        if !request.ap {
            for value in values {
                *value = self.transfer(request, 0)?;
            }
            return Ok(());
        }
        // Each AP read returns the result of the one before.
        let Some((last, first)) = values.split_last_mut() else { return Ok(()) };
        self.transfer(request, 0)?;
        for value in first {
            *value = self.transfer(request, 0)?;
        }
        *last = self.read_buffer()?;
        Ok(())
    }

    fn write_all(&self, request: Request, values: &[u32]) -> Result<(), SwdError> {
        for value in values {
            self.transfer(request, *value)?;
        }
        if request.ap && !values.is_empty() && !self.sets_up(request) {
            self.read_buffer()?;
        }
        Ok(())
    }

    /// Ends a call: the clocks that complete its last transaction.
    fn then_idle<T>(&self, result: Result<T, SwdError>) -> Result<T, SwdError> {
        if let Ok(mut wire) = self.plugged() {
            wire.shift_out(0, IDLE_CLOCKS);
        }
        result
    }
}

/// One packet on the wire, as a probe clocks it: the word that a read brings, 0 for a write.
pub(crate) fn packet<W: Wire + ?Sized>(wire: &mut W, request: Request, value: u32) -> Result<u32, SwdError> {
    wire.shift_out(request.packet().into(), 8);
    match wire.shift_in(3) {
        0b001 if request.read => {
            // 32 bits of data, parity, and two clocks for the target to let go.
            let bits = wire.shift_in(35);
            let value = bits as u32;
            if u64::from(value.count_ones() & 1) == bits >> 32 & 1 { Ok(value) } else { Err(SwdError::Parity) }
        }
        0b001 => {
            wire.shift_in(2);
            wire.shift_out(u64::from(value) | u64::from(value.count_ones() & 1) << 32, 33);
            Ok(0)
        }
        0b010 => {
            wire.shift_in(2);
            Err(SwdError::Wait)
        }
        0b100 => {
            wire.shift_in(2);
            Err(SwdError::Fault)
        }
        ack => {
            // A target that did see the request gets the clocks of its data phase.
            wire.shift_in(35);
            Err(if ack == 0b111 { SwdError::NoAcknowledge } else { SwdError::Protocol })
        }
    }
}

impl fmt::Debug for SwdHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwdHost")
            .field("nrst_asserted", &self.nrst_asserted)
            .field("unplug_after", &self.unplug_after)
            .finish_non_exhaustive()
    }
}
