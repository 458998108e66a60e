//! The Cortex-M33's debug registers (Arm DDI 0553), as far as a debugger that halts, calls and resumes can see them.
//!
//! The core executes nothing but calls of ROM services: see [`crate::rom`].

use provost_chip::registers::core_debug;

const DBGKEY: u32 = 0xA05F;
const C_DEBUGEN: u32 = 1 << 0;
const C_HALT: u32 = 1 << 1;
const C_STEP: u32 = 1 << 2;
const S_REGRDY: u32 = 1 << 16;
const S_HALT: u32 = 1 << 17;
const S_LOCKUP: u32 = 1 << 19;
const S_RESET_ST: u32 = 1 << 25;
const DFSR_HALTED: u32 = 1 << 0;
const DFSR_BKPT: u32 = 1 << 1;
const DFSR_VCATCH: u32 = 1 << 3;
const DEMCR_VC_CORERESET: u32 = 1 << 0;
const AIRCR_VECTKEY: u32 = 0x05FA;
const AIRCR_SYSRESETREQ: u32 = 1 << 2;
/// CPUID of a Cortex-M33 r0p4, as read on an STM32H563 (Black Magic Debug scan log).
const CPUID: u32 = 0x410F_D214;
/// DCRSR numbers of the registers that the model keeps.
const PC: usize = 15;

/// What a write to a debug register asks of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Nothing beyond the register.
    None,
    /// The core leaves debug state at the program counter.
    Resume,
    /// A system reset.
    Reset,
}

/// The core.
#[derive(Debug, Clone, Default)]
pub(crate) struct Core {
    /// R0-R12, SP, LR, PC, xPSR.
    registers: [u32; 17],
    control: u32,
    halted: bool,
    lockup: bool,
    reset_seen: bool,
    dfsr: u32,
    demcr: u32,
    dcrdr: u32,
}

impl Core {
    /// A system reset: debug control survives, the rest does not. `catch` says whether a reset vector catch can stop it.
    pub(crate) fn reset(&mut self, catch: bool) {
        self.lockup = false;
        self.reset_seen = true;
        self.registers = [0; 17];
        self.halted = catch && self.control & C_DEBUGEN != 0 && self.demcr & DEMCR_VC_CORERESET != 0;
        self.control &= !(C_HALT | C_STEP);
        self.dfsr = if self.halted { DFSR_VCATCH } else { 0 };
    }

    pub(crate) const fn is_locked_up(&self) -> bool {
        self.lockup
    }

    pub(crate) const fn is_halted(&self) -> bool {
        self.halted
    }

    pub(crate) fn argument(&self, index: usize) -> u32 {
        self.registers.get(index).copied().unwrap_or(0)
    }

    pub(crate) const fn program_counter(&self) -> u32 {
        self.registers[PC] & !1
    }

    /// A function returns `value` to the link register.
    pub(crate) fn return_value(&mut self, value: u32) {
        self.registers[0] = value;
        self.registers[PC] = self.registers[14] & !1;
    }

    /// The core hits a BKPT at its program counter.
    pub(crate) fn breakpoint(&mut self) {
        self.halted = true;
        self.dfsr |= DFSR_BKPT;
    }

    /// The core locks up on a fault.
    pub(crate) fn lock_up(&mut self) {
        self.lockup = true;
    }

    pub(crate) fn read(&mut self, address: u32) -> Option<u32> {
        Some(match address {
            core_debug::CPUID => CPUID,
            core_debug::DFSR => self.dfsr,
            core_debug::DEMCR => self.demcr,
            core_debug::DCRDR => self.dcrdr,
            core_debug::DHCSR => {
                let status = [
                    (true, S_REGRDY),
                    (self.halted, S_HALT),
                    (self.lockup, S_LOCKUP),
                    (std::mem::take(&mut self.reset_seen), S_RESET_ST),
                ];
                status.iter().filter(|(set, _)| *set).fold(self.control, |word, (_, bit)| word | bit)
            }
            _ => return None,
        })
    }

    pub(crate) fn write(&mut self, address: u32, value: u32) -> Request {
        match address {
            core_debug::DHCSR if value >> 16 == DBGKEY => return self.write_dhcsr(value),
            core_debug::DFSR => self.dfsr &= !value,
            core_debug::DEMCR => self.demcr = value,
            core_debug::DCRDR => self.dcrdr = value,
            core_debug::DCRSR if self.halted => {
                let write = value & 1 << 16 != 0;
                if let Some(register) = self.registers.get_mut((value & 0x7F) as usize) {
                    if write { *register = self.dcrdr } else { self.dcrdr = *register }
                }
            }
            core_debug::AIRCR if value >> 16 == AIRCR_VECTKEY && value & AIRCR_SYSRESETREQ != 0 => {
                return Request::Reset;
            }
            _ => {}
        }
        Request::None
    }

    fn write_dhcsr(&mut self, value: u32) -> Request {
        self.control = value & (C_DEBUGEN | C_HALT | C_STEP | 1 << 3);
        let enabled = value & C_DEBUGEN != 0;
        if enabled && value & C_HALT != 0 {
            if !self.halted {
                self.dfsr |= DFSR_HALTED;
            }
            self.halted = true;
            return Request::None;
        }
        if !self.halted {
            return Request::None;
        }
        if enabled && value & C_STEP != 0 {
            // One instruction of code that the model does not execute: the core is halted again at once.
            self.dfsr |= DFSR_HALTED;
            return Request::None;
        }
        self.halted = false;
        Request::Resume
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halted() -> Core {
        let mut core = Core::default();
        core.write(core_debug::DHCSR, 0xA05F_0003);
        core
    }

    #[test]
    fn registers_move_through_dcrdr_only_while_halted() {
        let mut core = halted();
        core.write(core_debug::DCRDR, 0x2003_4001);
        core.write(core_debug::DCRSR, 1 << 16 | 15);
        assert_eq!(core.program_counter(), 0x2003_4000);
        core.write(core_debug::DCRDR, 0);
        core.write(core_debug::DCRSR, 15);
        assert_eq!(core.read(core_debug::DCRDR), Some(0x2003_4001));
        assert_eq!(core.write(core_debug::DHCSR, 0xA05F_0001), Request::Resume);
        core.write(core_debug::DCRDR, 5);
        core.write(core_debug::DCRSR, 1 << 16 | 15);
        assert_eq!(core.program_counter(), 0x2003_4000);
    }

    #[test]
    fn dhcsr_needs_its_key_and_forgets_a_reset_once_read() {
        let mut core = Core::default();
        core.write(core_debug::DHCSR, 0x0000_0003);
        assert_eq!(core.read(core_debug::DHCSR).unwrap() & S_HALT, 0);
        core.reset(true);
        assert_ne!(core.read(core_debug::DHCSR).unwrap() & S_RESET_ST, 0);
        assert_eq!(core.read(core_debug::DHCSR).unwrap() & S_RESET_ST, 0);
    }

    #[test]
    fn a_reset_vector_catch_halts_where_it_may() {
        for catch in [false, true] {
            let mut core = Core::default();
            core.write(core_debug::DHCSR, 0xA05F_0001);
            core.write(core_debug::DEMCR, DEMCR_VC_CORERESET);
            assert_eq!(core.write(core_debug::AIRCR, 0x05FA_0004), Request::Reset);
            core.reset(catch);
            assert_eq!(core.read(core_debug::DHCSR).unwrap() & S_HALT != 0, catch);
        }
    }
}
