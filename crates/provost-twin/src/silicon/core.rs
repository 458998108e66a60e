//! The Cortex-M33's debug registers (Arm DDI 0553), as a debugger that halts, steps, calls and resumes sees them.

mod ppb;
mod registers;
pub(super) mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use provost_chip::registers::core_debug;
use provost_thumb::{Cpu, Fault};

use self::ppb::Ppb;

const DBGKEY: u32 = 0xA05F;
const C_DEBUGEN: u32 = 1 << 0;
const C_HALT: u32 = 1 << 1;
const C_STEP: u32 = 1 << 2;
/// Bits of DHCSR that keep what is written: C_DEBUGEN, C_HALT, C_STEP, C_MASKINTS, C_SNAPSTALL.
const DHCSR_WRITABLE: u32 = 0x2F;
const S_REGRDY: u32 = 1 << 16;
const S_HALT: u32 = 1 << 17;
const S_SLEEP: u32 = 1 << 18;
const S_LOCKUP: u32 = 1 << 19;
const S_SDE: u32 = 1 << 20;
const S_RETIRE_ST: u32 = 1 << 24;
const S_RESET_ST: u32 = 1 << 25;
const DFSR_HALTED: u32 = 1 << 0;
const DFSR_BKPT: u32 = 1 << 1;
const DFSR_VCATCH: u32 = 1 << 3;
const DEMCR_VC_CORERESET: u32 = 1 << 0;
const DEMCR_VC_HARDERR: u32 = 1 << 10;
/// TRCENA, the monitor's bits and the vector catches.
const DEMCR_WRITABLE: u32 = 0x010F_0FF1;
const AIRCR_VECTKEY: u32 = 0x05FA;
const AIRCR_VECTKEYSTAT: u32 = 0xFA05_0000;
const AIRCR_SYSRESETREQ: u32 = 1 << 2;
/// PRIGROUP, and BFHFNMINS, PRIS, SYSRESETREQS where there are two worlds.
const AIRCR_WRITABLE: u32 = 0x0000_6708;
const DCRSR_WRITE: u32 = 1 << 16;
/// CPUID of a Cortex-M33 r0p4, as read on an STM32H563 (Black Magic Debug scan log).
const CPUID: u32 = 0x410F_D214;
const VTOR: u32 = 0xE000_ED08;
const VTOR_WRITABLE: u32 = !0x7F;
const CFSR: u32 = 0xE000_ED28;
const HFSR: u32 = 0xE000_ED2C;
const HFSR_FORCED: u32 = 1 << 30;
const ID_PFR1: u32 = 0xE000_ED44;
const SAU_TYPE: u32 = 0xE000_EDD4;
/// DSCSR.CDS: the core is in Secure state; SBRSEL and SBRSELEN below it choose a bank.
const DSCSR_CDS: u32 = 1 << 16;
const DSCSR_WRITABLE: u32 = 0b11;
/// The non-secure view of the System Control Space.
const SCS_NS: u32 = 0x0002_0000;

/// What a write to a debug register asks of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Nothing beyond the register.
    None,
    /// The core leaves debug state at the program counter.
    Resume,
    /// The core leaves debug state for one instruction.
    Step,
    /// A system reset.
    Reset,
}

/// How the core and its debugger stand towards TrustZone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Security {
    /// TrustZone is on.
    pub(crate) two_worlds: bool,
    /// Secure state may be debugged.
    pub(crate) secure_debug: bool,
}

/// Why a core that is not halted executes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Parked {
    /// It executes.
    #[default]
    No,
    /// A branch to itself: nothing changes until a debugger does something.
    Idle,
    /// Code that the model does not execute: ROM, or the owner's outside Open, whose visible effects are modelled instead.
    NotModelled,
}

/// The core.
#[derive(Debug, Clone, Default)]
pub(crate) struct Core {
    cpu: Cpu,
    parked: Parked,
    /// Resets since power-on: a core that resets itself finds itself replaced.
    resets: u64,
    /// Its registers are with the one who executes.
    executing: bool,
    vtor: u32,
    cfsr: u32,
    hfsr: u32,
    /// Registers of the other world and of the floating-point unit, by DCRSR number: kept, never used.
    other_registers: BTreeMap<u8, u32>,
    ppb: Ppb,
    control: u32,
    halted: bool,
    reset_seen: bool,
    retired: bool,
    dfsr: u32,
    demcr: u32,
    dcrdr: u32,
    aircr: u32,
    dscsr: u32,
}

impl Core {
    /// A system reset into the vector table at `vtor`, which begins with these words: debug control survives, the rest does not.
    /// `open` says that the chip is Open: there a reset vector catch can stop the core. `executes` says whether the owner's code is
    /// executed, and not only modelled.
    pub(crate) fn reset(&mut self, vtor: u32, vectors: [u32; 2], open: bool, executes: bool) {
        self.cpu = Cpu::reset(vectors);
        self.parked = if executes { Parked::No } else { Parked::NotModelled };
        self.resets += 1;
        self.vtor = vtor;
        self.other_registers.clear();
        self.ppb.reset();
        (self.halted, self.retired, self.reset_seen) = (false, false, true);
        (self.dfsr, self.aircr, self.dscsr, self.cfsr, self.hfsr) = (0, 0, 0, 0, 0);
        self.control &= !(C_HALT | C_STEP);
        if open && self.control & C_DEBUGEN != 0 && self.demcr & DEMCR_VC_CORERESET != 0 {
            self.halt(DFSR_VCATCH);
        }
    }

    /// Enters debug state; hardware sets C_HALT, whatever the reason.
    fn halt(&mut self, reason: u32) {
        self.halted = true;
        self.control |= C_HALT;
        self.dfsr |= reason;
        self.cpu.wake();
    }

    pub(crate) const fn is_locked_up(&self) -> bool {
        self.cpu.locked_up()
    }

    pub(crate) const fn is_halted(&self) -> bool {
        self.halted
    }

    pub(crate) fn argument(&self, index: usize) -> u32 {
        self.cpu.register(index)
    }

    pub(crate) const fn program_counter(&self) -> u32 {
        self.cpu.pc()
    }

    /// A function returns `value` to the link register.
    pub(crate) fn return_value(&mut self, value: u32) {
        self.cpu.set_register(0, value);
        self.cpu.set_register(15, self.cpu.register(14));
    }

    /// The core hits a BKPT at its program counter.
    pub(crate) fn breakpoint(&mut self) {
        if self.debug_enabled() {
            self.halt(DFSR_BKPT);
        }
    }

    const fn stepping(&self) -> bool {
        self.control & C_STEP != 0
    }

    const fn debug_enabled(&self) -> bool {
        self.control & C_DEBUGEN != 0
    }

    /// A fault was taken as HardFault: its reason is kept for who looks, and a debugger may want to stop there.
    fn faulted(&mut self, fault: Fault) {
        self.hfsr |= HFSR_FORCED;
        // CFSR: PRECISERR, UNDEFINSTR, INVSTATE, INVPC, NOCP, STKOF, UNALIGNED.
        self.cfsr |= 1
            << match fault {
                Fault::Bus => 9,
                Fault::Undefined => 16,
                Fault::InvalidState => 17,
                Fault::InvalidReturn => 18,
                Fault::NoCoprocessor => 19,
                Fault::StackOverflow => 20,
                Fault::Unaligned => 24,
            };
        if self.debug_enabled() && self.demcr & DEMCR_VC_HARDERR != 0 {
            self.halt(DFSR_VCATCH);
        }
    }

    /// The core locks up on a fault.
    pub(crate) const fn lock_up(&mut self) {
        self.cpu.set_locked_up(true);
    }

    pub(crate) fn read(&mut self, address: u32, security: Security) -> Option<u32> {
        let address = fold(address, security);
        Some(match address {
            core_debug::CPUID => CPUID,
            core_debug::DFSR => self.dfsr,
            core_debug::DEMCR => self.demcr | if security.secure_debug { 1 << 20 } else { 0 },
            core_debug::DCRDR => self.dcrdr,
            core_debug::AIRCR => AIRCR_VECTKEYSTAT | self.aircr,
            core_debug::DHCSR => self.dhcsr(security),
            core_debug::DSCSR => {
                let cds = if security.secure_debug { DSCSR_CDS } else { 0 };
                cds | self.dscsr
            }
            // Bits in pairs, non-secure then secure, invasive then not: 0b11 allowed, 0b10 implemented but off, 0b00 not there.
            core_debug::DAUTHSTATUS => match (security.two_worlds, security.secure_debug) {
                (true, true) => 0xFF,
                (true, false) => 0xAF,
                (false, _) => 0x0F,
            },
            VTOR => self.vtor,
            CFSR => self.cfsr,
            HFSR => self.hfsr,
            ID_PFR1 => 0x200 | if security.two_worlds { 0x10 } else { 0 },
            SAU_TYPE => {
                if security.two_worlds {
                    8
                } else {
                    0
                }
            }
            _ => return self.ppb.read(address),
        })
    }

    fn dhcsr(&mut self, security: Security) -> u32 {
        // A loop that nobody counts retires instructions all the same.
        self.retired |= !self.halted && self.parked != Parked::No;
        let status = [
            (true, S_REGRDY),
            (self.halted, S_HALT),
            (self.cpu.sleeping(), S_SLEEP),
            (self.cpu.locked_up(), S_LOCKUP),
            (security.secure_debug, S_SDE),
            (std::mem::take(&mut self.retired), S_RETIRE_ST),
            (std::mem::take(&mut self.reset_seen), S_RESET_ST),
        ];
        status.iter().filter(|(set, _)| *set).fold(self.control, |word, (_, bit)| word | bit)
    }

    pub(crate) fn write(&mut self, address: u32, value: u32, security: Security) -> Request {
        let address = fold(address, security);
        match address {
            core_debug::DHCSR if value >> 16 == DBGKEY => return self.write_dhcsr(value),
            core_debug::DFSR => self.dfsr &= !value,
            core_debug::DEMCR => self.demcr = value & DEMCR_WRITABLE,
            core_debug::DCRDR => self.dcrdr = value,
            core_debug::DCRSR if self.halted => {
                let register = (value & 0x7F) as u8;
                if value & DCRSR_WRITE != 0 {
                    self.set_register(register, self.dcrdr, security);
                } else {
                    self.dcrdr = self.register(register, security);
                }
            }
            core_debug::AIRCR if value >> 16 == AIRCR_VECTKEY => {
                self.aircr = value & AIRCR_WRITABLE;
                if value & AIRCR_SYSRESETREQ != 0 {
                    return Request::Reset;
                }
            }
            core_debug::DSCSR => self.dscsr = value & DSCSR_WRITABLE,
            VTOR => self.vtor = value & VTOR_WRITABLE,
            CFSR => self.cfsr &= !value,
            HFSR => self.hfsr &= !value,
            _ => self.ppb.write(address, value),
        }
        Request::None
    }

    fn write_dhcsr(&mut self, value: u32) -> Request {
        self.control = value & DHCSR_WRITABLE;
        let enabled = value & C_DEBUGEN != 0;
        if enabled && value & C_HALT != 0 {
            if !self.halted {
                self.halt(DFSR_HALTED);
            }
            return Request::None;
        }
        if !self.halted {
            return Request::None;
        }
        self.halted = false;
        if self.parked == Parked::Idle {
            self.parked = Parked::No;
        }
        if enabled && value & C_STEP != 0 { Request::Step } else { Request::Resume }
    }
}

/// The non-secure view shows what a single-world core has; with two worlds it stands for itself, which nothing here needs.
const fn fold(address: u32, security: Security) -> u32 {
    let unfolded = address.wrapping_sub(SCS_NS);
    if !security.two_worlds && unfolded >= 0xE000_E000 && unfolded < 0xE000_F000 { unfolded } else { address }
}
