//! The registers of the core.

use crate::step::{Fault, Trap};

/// APSR.N.
pub(crate) const N: u32 = 1 << 31;
/// APSR.Z.
pub(crate) const Z: u32 = 1 << 30;
/// APSR.C.
pub(crate) const C: u32 = 1 << 29;
/// APSR.V.
pub(crate) const V: u32 = 1 << 28;
/// APSR.Q.
pub(crate) const Q: u32 = 1 << 27;
/// APSR.GE.
pub(crate) const GE: u32 = 0xF << 16;
const FLAGS: u32 = N | Z | C | V | Q | GE;
/// EPSR.T.
pub(crate) const T: u32 = 1 << 24;
/// Stack pointers are multiples of four.
const SP_MASK: u32 = !3;

/// Number of the stack pointer.
pub(crate) const SP: usize = 13;
/// Number of the link register.
pub(crate) const LR: usize = 14;

/// A core between two instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpu {
    /// R0-R12 and LR at their numbers.
    pub(crate) r: [u32; 15],
    /// Address of the next instruction.
    pub(crate) pc: u32,
    /// MSP and PSP.
    pub(crate) stacks: [u32; 2],
    /// MSPLIM and PSPLIM.
    pub(crate) limits: [u32; 2],
    /// APSR.
    pub(crate) flags: u32,
    /// EPSR.T: without it every instruction faults.
    pub(crate) thumb: bool,
    /// ITSTATE, 0 outside of an IT block.
    pub(crate) it: u8,
    /// IPSR: number of the exception that is being handled.
    pub(crate) exception: u16,
    pub(crate) primask: bool,
    pub(crate) faultmask: bool,
    pub(crate) basepri: u8,
    /// CONTROL: nPRIV and SPSEL.
    pub(crate) control: u8,
    /// The address that the local exclusive monitor holds.
    pub(crate) exclusive: Option<u32>,
    pub(crate) locked_up: bool,
    /// In WFI.
    pub(crate) sleeping: bool,
    /// Why the last instruction that could not be executed could not.
    pub(crate) fault: Option<Fault>,
    /// Address of the instruction that is executed.
    pub(crate) current: u32,
    /// It stands in an IT block.
    pub(crate) conditional: bool,
}

impl Default for Cpu {
    fn default() -> Self {
        Self::reset([0, 1])
    }
}

impl Cpu {
    /// A core after a reset whose vector table begins with these two words (§B3.9).
    pub const fn reset([stack, entry]: [u32; 2]) -> Self {
        let mut r = [0; 15];
        r[LR] = u32::MAX;
        Self {
            r,
            pc: entry & !1,
            stacks: [stack & SP_MASK, 0],
            limits: [0; 2],
            flags: 0,
            thumb: entry & 1 == 1,
            it: 0,
            exception: 0,
            primask: false,
            faultmask: false,
            basepri: 0,
            control: 0,
            exclusive: None,
            locked_up: false,
            sleeping: false,
            fault: None,
            current: 0,
            conditional: false,
        }
    }

    /// Address of the next instruction.
    pub const fn pc(&self) -> u32 {
        self.pc
    }

    /// A core register: R0-R12, SP, LR; the address of the next instruction for 15 and beyond.
    pub fn register(&self, number: usize) -> u32 {
        match number {
            SP => self.stacks[self.stack()],
            n => self.r.get(n).copied().unwrap_or(self.pc),
        }
    }

    /// Writes a core register. Bit 0 of PC is dropped, and so are the two lowest of SP.
    pub fn set_register(&mut self, number: usize, value: u32) {
        match number {
            SP => self.stacks[self.stack()] = value & SP_MASK,
            n => match self.r.get_mut(n) {
                Some(register) => *register = value,
                None => self.pc = value & !1,
            },
        }
    }

    /// xPSR: flags, execution state and exception number in one word.
    pub const fn xpsr(&self) -> u32 {
        let it = (self.it as u32 & 3) << 25 | (self.it as u32 & 0xFC) << 8;
        self.flags | if self.thumb { T } else { 0 } | it | self.exception as u32
    }

    /// Writes xPSR.
    pub const fn set_xpsr(&mut self, value: u32) {
        self.flags = value & FLAGS;
        self.thumb = value & T != 0;
        self.it = (value >> 25 & 3 | value >> 8 & 0xFC) as u8;
        self.exception = (value & 0x1FF) as u16;
    }

    /// MSP and PSP.
    pub const fn stacks(&self) -> [u32; 2] {
        self.stacks
    }

    /// Writes MSP and PSP.
    pub const fn set_stacks(&mut self, [main, process]: [u32; 2]) {
        self.stacks = [main & SP_MASK, process & SP_MASK];
    }

    /// MSPLIM and PSPLIM.
    pub const fn limits(&self) -> [u32; 2] {
        self.limits
    }

    /// Writes MSPLIM and PSPLIM.
    pub const fn set_limits(&mut self, [main, process]: [u32; 2]) {
        self.limits = [main & !7, process & !7];
    }

    /// CONTROL, FAULTMASK, BASEPRI and PRIMASK, from the highest byte to the lowest, as a debugger reads them.
    pub const fn special(&self) -> u32 {
        (self.control as u32) << 24 | (self.faultmask as u32) << 16 | (self.basepri as u32) << 8 | self.primask as u32
    }

    /// Writes CONTROL, FAULTMASK, BASEPRI and PRIMASK.
    pub const fn set_special(&mut self, value: u32) {
        self.control = (value >> 24) as u8 & 3;
        self.faultmask = value >> 16 & 1 == 1;
        self.basepri = (value >> 8) as u8 & 0xF0;
        self.primask = value & 1 == 1;
    }

    /// Whether a fault could not be taken: the core executes nothing until a reset, or until a debugger moves its PC.
    pub const fn locked_up(&self) -> bool {
        self.locked_up
    }

    /// Locks the core up, or frees it.
    pub const fn set_locked_up(&mut self, locked_up: bool) {
        self.locked_up = locked_up;
    }

    /// Whether it waits in WFI for an interrupt.
    pub const fn sleeping(&self) -> bool {
        self.sleeping
    }

    /// Ends a WFI, as a debugger does that halts the core.
    pub const fn wake(&mut self) {
        self.sleeping = false;
    }

    /// Which of the two stacks SP is: the process stack in Thread mode with CONTROL.SPSEL set.
    pub(crate) const fn stack(&self) -> usize {
        (self.exception == 0 && self.control & 2 != 0) as usize
    }

    /// A register as an operand: PC is the address of the instruction plus four.
    pub(crate) fn operand(&self, number: u32) -> u32 {
        match number {
            15 => self.current.wrapping_add(4),
            n => self.register(n as usize),
        }
    }

    /// PC as a base of addresses, a multiple of four.
    pub(crate) const fn literal_base(&self) -> u32 {
        self.current.wrapping_add(4) & !3
    }

    /// The result of an instruction: SP may not pass its limit, PC is a branch within Thumb.
    pub(crate) fn put(&mut self, number: u32, value: u32) -> Result<(), Trap> {
        if number == SP as u32 && value & SP_MASK < self.limits[self.stack()] {
            return Err(Fault::StackOverflow.into());
        }
        self.set_register(number as usize, value);
        Ok(())
    }

    pub(crate) const fn carry(&self) -> bool {
        self.flags & C != 0
    }

    pub(crate) const fn set_flag(&mut self, flag: u32, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    pub(crate) const fn set_nz(&mut self, result: u32) {
        self.set_flag(N, result >> 31 == 1);
        self.set_flag(Z, result == 0);
    }

    /// Privileged: in a handler, or in Thread mode with CONTROL.nPRIV clear.
    pub(crate) const fn privileged(&self) -> bool {
        self.exception != 0 || self.control & 1 == 0
    }
}
