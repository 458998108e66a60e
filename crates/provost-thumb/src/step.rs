//! One instruction after the other: fetch, IT blocks, exceptions.

use crate::{
    Bus, BusFault, Cpu, Width,
    cpu::{C, N, V, Z},
    table,
};

/// What one call of [`Cpu::step`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An instruction was executed, or an exception was taken in its place.
    Executed,
    /// A branch to itself, or WFI: without interrupts nothing changes any more, except what others do.
    Idle,
    /// BKPT. PC is its address.
    Breakpoint,
    /// A fault could not be taken, now or earlier.
    LockedUp,
}

/// Why an instruction cannot be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bus answers with an error.
    Bus,
    /// There is no such instruction.
    Undefined,
    /// There is no such coprocessor; floating point is one.
    NoCoprocessor,
    /// An address is no multiple of what it must be.
    Unaligned,
    /// EPSR.T is clear: the code is not Thumb.
    InvalidState,
    /// SP would pass its limit.
    StackOverflow,
    /// EXC_RETURN does not fit the state of the core.
    InvalidReturn,
}

/// What ends an instruction early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    Fault(Fault),
    Breakpoint,
    SupervisorCall,
}

impl From<Fault> for Trap {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<BusFault> for Trap {
    fn from(_: BusFault) -> Self {
        Self::Fault(Fault::Bus)
    }
}

/// VTOR: the address of the vector table is a register on the bus.
const VTOR: u32 = 0xE000_ED08;
/// Numbers of exceptions.
const HARD_FAULT: u16 = 3;
const SV_CALL: u16 = 11;
/// xPSR bit that says a frame was moved to a multiple of eight.
const FRAME_MOVED: u32 = 1 << 9;
/// EXC_RETURN without Security Extension and floating point; Mode and SPSEL say where to.
const EXC_RETURN: u32 = 0xFFFF_FFB0;
const EXC_RETURN_THREAD: u32 = 1 << 3;
const EXC_RETURN_PROCESS: u32 = 1 << 2;

impl Cpu {
    /// Executes one instruction. An instruction that faults leaves no trace in the registers but its exception.
    pub fn step(&mut self, bus: &mut dyn Bus) -> Step {
        if self.locked_up {
            return Step::LockedUp;
        }
        if self.sleeping {
            return Step::Idle;
        }
        let before = self.clone();
        match self.execute(bus) {
            Ok(()) if self.sleeping || (self.pc == before.pc && *self == before) => Step::Idle,
            Ok(()) => Step::Executed,
            Err(Trap::SupervisorCall) => self.take(SV_CALL, bus),
            Err(Trap::Breakpoint) => {
                *self = before;
                Step::Breakpoint
            }
            Err(Trap::Fault(fault)) => {
                *self = before;
                self.fault = Some(fault);
                self.take(HARD_FAULT, bus)
            }
        }
    }

    /// Why an instruction could not be executed, once.
    pub const fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// A BKPT that no debugger takes is a fault (§B3.12).
    pub fn refuse_breakpoint(&mut self, bus: &mut dyn Bus) -> Step {
        self.take(HARD_FAULT, bus)
    }

    fn execute(&mut self, bus: &mut dyn Bus) -> Result<(), Trap> {
        if !self.thumb {
            return Err(Fault::InvalidState.into());
        }
        let at = self.pc;
        let first = u32::from(bus.fetch(at)?);
        let wide = first >> 11 >= 0b11101;
        let opcode = if wide { first << 16 | u32::from(bus.fetch(at.wrapping_add(2))?) } else { first };
        self.current = at;
        self.pc = at.wrapping_add(if wide { 4 } else { 2 });
        self.conditional = self.it != 0;
        let condition = u32::from(self.it >> 4);
        let passed = !self.conditional || self.holds(condition);
        // ITAdvance, §C1.3.5.
        self.it = if self.it & 7 == 0 { 0 } else { self.it & 0xE0 | self.it << 1 & 0x1F };
        // BKPT does not ask for the condition.
        if passed || opcode >> 8 == 0xBE { table::decode(opcode, wide)(self, bus, opcode) } else { Ok(()) }
    }

    /// Whether a condition holds (§C1.3.1).
    pub(crate) const fn holds(&self, condition: u32) -> bool {
        let (n, z, c, v) = (self.flags & N != 0, self.flags & Z != 0, self.flags & C != 0, self.flags & V != 0);
        let holds = match condition >> 1 & 7 {
            0 => z,
            1 => c,
            2 => n,
            3 => v,
            4 => c && !z,
            5 => n == v,
            6 => n == v && !z,
            _ => return true,
        };
        holds != (condition & 1 == 1)
    }

    /// Enters an exception (§B3.18). A fault in a fault, or one that finds no stack or no vector, is a lock-up.
    fn take(&mut self, exception: u16, bus: &mut dyn Bus) -> Step {
        // HardFault has priority -1 here and everything else none above it.
        let masked = self.faultmask || self.exception == HARD_FAULT || self.exception == 2;
        let exception =
            if exception == SV_CALL && (self.primask || self.exception != 0) { HARD_FAULT } else { exception };
        if masked || self.enter(exception, bus).is_err() {
            self.locked_up = true;
            return Step::LockedUp;
        }
        Step::Executed
    }

    fn enter(&mut self, exception: u16, bus: &mut dyn Bus) -> Result<(), Trap> {
        let stack = self.stack();
        let sp = self.stacks[stack];
        let frame = sp.wrapping_sub(32) & !7;
        if frame < self.limits[stack] {
            return Err(Fault::StackOverflow.into());
        }
        let moved = if sp & 4 != 0 { FRAME_MOVED } else { 0 };
        let words = [
            self.r[0],
            self.r[1],
            self.r[2],
            self.r[3],
            self.r[12],
            self.r[14],
            self.pc,
            self.xpsr() & !FRAME_MOVED | moved,
        ];
        for (word, address) in words.iter().zip((0..8).map(|n| frame.wrapping_add(4 * n))) {
            bus.write(address, Width::Word, *word)?;
        }
        let table = bus.read(VTOR, Width::Word)? & !0x7F;
        let vector = bus.read(table.wrapping_add(4 * u32::from(exception)), Width::Word)?;
        self.stacks[stack] = frame;
        let thread = if self.exception == 0 { EXC_RETURN_THREAD } else { 0 };
        let process = if stack == 1 { EXC_RETURN_PROCESS } else { 0 };
        self.r[14] = EXC_RETURN | thread | process;
        (self.exception, self.it, self.exclusive) = (exception, 0, None);
        self.control &= !2;
        (self.pc, self.thumb) = (vector & !1, vector & 1 == 1);
        Ok(())
    }

    /// BXWritePC (§E2.1): a branch that may be the return from an exception.
    pub(crate) fn branch_exchange(&mut self, target: u32, bus: &mut dyn Bus) -> Result<(), Trap> {
        if self.exception != 0 && target >> 24 == 0xFF {
            return self.leave(target, bus);
        }
        (self.pc, self.thumb) = (target & !1, target & 1 == 1);
        Ok(())
    }

    fn leave(&mut self, target: u32, bus: &mut dyn Bus) -> Result<(), Trap> {
        let thread = target & EXC_RETURN_THREAD != 0;
        let stack = usize::from(thread && target & EXC_RETURN_PROCESS != 0);
        let frame = self.stacks[stack];
        let mut words = [0; 8];
        for (word, address) in words.iter_mut().zip((0..8).map(|n| frame.wrapping_add(4 * n))) {
            *word = bus.read(address, Width::Word)?;
        }
        let [r0, r1, r2, r3, r12, lr, pc, xpsr] = words;
        if thread != (xpsr & 0x1FF == 0) {
            return Err(Fault::InvalidReturn.into());
        }
        self.stacks[stack] = frame.wrapping_add(32) | if xpsr & FRAME_MOVED != 0 { 4 } else { 0 };
        self.r[..4].copy_from_slice(&[r0, r1, r2, r3]);
        (self.r[12], self.r[14], self.pc) = (r12, lr, pc & !1);
        self.set_xpsr(xpsr & !FRAME_MOVED);
        self.control = self.control & !2 | (stack as u8) << 1;
        // Leaving any exception but NMI clears FAULTMASK.
        (self.faultmask, self.exclusive) = (false, None);
        Ok(())
    }
}
