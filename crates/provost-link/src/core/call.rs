//! Calling a function on a halted core.

use std::time::Duration;

use super::{C_DEBUGEN, Core, CoreRegister, Dhcsr, masked};
use crate::LinkError;
use crate::clock::Deadline;

/// xPSR of a core about to run Thumb code in thread mode: only the T bit.
const XPSR_THUMB: u32 = 1 << 24;

/// At a public interface (AAPCS32 §6.2.1.2), in bytes.
const STACK_ALIGNMENT: u32 = 8;

/// A function call, by the Arm procedure call standard (AAPCS32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Address of the function; bit 0 does not matter.
    pub function: u32,
    /// R0 to R3.
    pub arguments: [u32; 4],
    /// Stack pointer, a multiple of 8 bytes. The caller sees to the stack limit registers.
    pub stack: u32,
    /// Where the function returns to; bit 0 does not matter. There must be a BKPT, or the core runs on from there.
    pub return_address: u32,
    /// Holds back interrupts meanwhile (C_MASKINTS), so that no handler of the firmware runs.
    pub mask_interrupts: bool,
    /// How long to wait for the return.
    pub timeout: Duration,
    /// How often to look.
    pub poll: Duration,
}

/// How a call ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The core halted at the return address.
    Returned {
        /// The function's result.
        r0: u32,
    },
    /// The core halted somewhere else: a breakpoint, or a fault caught.
    Halted {
        /// Where.
        pc: u32,
    },
    /// The core locked up.
    LockedUp,
    /// The core still ran when the time was up. It was not halted.
    Running,
    /// The core was reset.
    ResetSeen,
    /// The link broke, or the access port closed, after the core was let run. The function may or may not have run.
    LinkLost(LinkError),
}

impl Core<'_, '_> {
    /// Calls a function on the halted core and waits for its end.
    ///
    /// Overwrites R0 to R3, SP, LR, PC and xPSR, and restores nothing. Interrupts stay masked only if the core is left
    /// running. The outcome covers everything from the moment
    /// the core runs; an error means that it has not run.
    pub fn call(&mut self, call: &Call) -> Result<CallOutcome, LinkError> {
        if !call.stack.is_multiple_of(STACK_ALIGNMENT) {
            return Err(LinkError::Unaligned { address: call.stack, alignment: STACK_ALIGNMENT });
        }
        let dhcsr = self.dhcsr()?;
        if !dhcsr.halted() {
            return Err(LinkError::CoreNotHalted { dhcsr });
        }
        // A reset from before the call is not the call's.
        self.take_reset();
        self.prepare(call)?;
        if self.take_reset() {
            return Ok(CallOutcome::ResetSeen);
        }
        Ok(self.run(call).unwrap_or_else(CallOutcome::LinkLost))
    }

    fn prepare(&mut self, call: &Call) -> Result<(), LinkError> {
        let [r0, r1, r2, r3] = call.arguments;
        for (register, value) in [
            (CoreRegister::R0, r0),
            (CoreRegister::R1, r1),
            (CoreRegister::R2, r2),
            (CoreRegister::R3, r3),
            (CoreRegister::SP, call.stack),
            (CoreRegister::LR, call.return_address | 1),
            (CoreRegister::PC, call.function & !1),
            (CoreRegister::XPSR, XPSR_THUMB),
        ] {
            self.write_register(register, value)?;
        }
        self.mask_interrupts(call.mask_interrupts)
    }

    fn run(&mut self, call: &Call) -> Result<CallOutcome, LinkError> {
        self.control(C_DEBUGEN | masked(call.mask_interrupts))?;
        let mut deadline = Deadline::new(self.clock(), call.timeout, call.poll);
        loop {
            let dhcsr = self.dhcsr()?;
            if let Some(outcome) = self.ended(call, dhcsr)? {
                return Ok(outcome);
            }
            if !deadline.pause(self.clock()) {
                return Ok(CallOutcome::Running);
            }
        }
    }

    fn ended(&mut self, call: &Call, dhcsr: Dhcsr) -> Result<Option<CallOutcome>, LinkError> {
        if self.take_reset() {
            return Ok(Some(CallOutcome::ResetSeen));
        }
        if dhcsr.locked_up() {
            return Ok(Some(CallOutcome::LockedUp));
        }
        if !dhcsr.halted() {
            return Ok(None);
        }
        self.mask_interrupts(false)?;
        let pc = self.read_register(CoreRegister::PC)?;
        Ok(Some(if pc & !1 == call.return_address & !1 {
            let r0 = self.read_register(CoreRegister::R0)?;
            CallOutcome::Returned { r0 }
        } else {
            CallOutcome::Halted { pc }
        }))
    }
}
