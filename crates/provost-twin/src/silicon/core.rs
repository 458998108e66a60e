//! The Cortex-M33's debug registers (Arm DDI 0553), as a debugger that halts, steps, calls and resumes sees them.

mod ppb;
pub(super) mod run;

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
    /// `open` says that the chip is Open: there a reset vector catch can stop the core, and there it executes the owner's code.
    pub(crate) fn reset(&mut self, vtor: u32, vectors: [u32; 2], open: bool) {
        self.cpu = Cpu::reset(vectors);
        self.parked = if open { Parked::No } else { Parked::NotModelled };
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

    /// A register by its number in DCRSR.
    fn register(&self, number: u8, security: Security) -> u32 {
        let ([msp, psp], [msp_limit, psp_limit]) = (self.cpu.stacks(), self.cpu.limits());
        match Banked::of(number, security) {
            Banked::Core(number) => self.cpu.register(number),
            Banked::Xpsr => self.cpu.xpsr(),
            Banked::Msp => msp,
            Banked::Psp => psp,
            Banked::MspLimit => msp_limit,
            Banked::PspLimit => psp_limit,
            Banked::Special => self.cpu.special(),
            Banked::Kept => self.other_registers.get(&number).copied().unwrap_or(0),
            Banked::Absent => 0,
        }
    }

    fn set_register(&mut self, number: u8, value: u32, security: Security) {
        let ([msp, psp], [msp_limit, psp_limit]) = (self.cpu.stacks(), self.cpu.limits());
        match Banked::of(number, security) {
            Banked::Core(15) => {
                // Whoever moves the PC takes the core out of a lock-up, and away from code that is not modelled.
                self.cpu.set_register(15, value);
                self.cpu.set_locked_up(false);
                self.parked = Parked::No;
            }
            Banked::Core(number) => self.cpu.set_register(number, value),
            Banked::Xpsr => self.cpu.set_xpsr(value),
            Banked::Msp => self.cpu.set_stacks([value, psp]),
            Banked::Psp => self.cpu.set_stacks([msp, value]),
            Banked::MspLimit => self.cpu.set_limits([value, psp_limit]),
            Banked::PspLimit => self.cpu.set_limits([msp_limit, value]),
            Banked::Special => self.cpu.set_special(value),
            Banked::Kept => _ = self.other_registers.insert(number, value),
            Banked::Absent => {}
        }
    }
}

/// The non-secure view shows what a single-world core has; with two worlds it stands for itself, which nothing here needs.
const fn fold(address: u32, security: Security) -> u32 {
    let unfolded = address.wrapping_sub(SCS_NS);
    if !security.two_worlds && unfolded >= 0xE000_E000 && unfolded < 0xE000_F000 { unfolded } else { address }
}

/// What a number in DCRSR stands for (DDI 0553, DCRSR.REGSEL). With TrustZone on the core runs in the secure world.
enum Banked {
    Core(usize),
    Xpsr,
    Msp,
    Psp,
    MspLimit,
    PspLimit,
    Special,
    /// Only storage: the other world's, or the floating-point unit's.
    Kept,
    Absent,
}

impl Banked {
    const fn of(number: u8, security: Security) -> Self {
        match (number, security.two_worlds) {
            (0..=15, _) => Self::Core(number as usize),
            (16, _) => Self::Xpsr,
            (17, _) | (26, true) => Self::Msp,
            (18, _) | (27, true) => Self::Psp,
            (28, true) | (30, false) => Self::MspLimit,
            (29, true) | (31, false) => Self::PspLimit,
            (20, _) | (34, true) => Self::Special,
            (24 | 25 | 30 | 31 | 35, true) | (33 | 64..=95, _) => Self::Kept,
            _ => Self::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_WORLD: Security = Security { two_worlds: false, secure_debug: false };
    const SECURE: Security = Security { two_worlds: true, secure_debug: true };

    fn halted() -> Core {
        let mut core = Core::default();
        core.write(core_debug::DHCSR, 0xA05F_0003, ONE_WORLD);
        core
    }

    fn put(core: &mut Core, register: u32, value: u32, security: Security) {
        core.write(core_debug::DCRDR, value, security);
        core.write(core_debug::DCRSR, 1 << 16 | register, security);
    }

    fn get(core: &mut Core, register: u32, security: Security) -> u32 {
        core.write(core_debug::DCRDR, 0xDEAD_BEEF, security);
        core.write(core_debug::DCRSR, register, security);
        core.read(core_debug::DCRDR, security).unwrap()
    }

    #[test]
    fn registers_move_through_dcrdr_only_while_halted() {
        let mut core = halted();
        put(&mut core, 15, 0x2003_4000, ONE_WORLD);
        assert_eq!(core.program_counter(), 0x2003_4000);
        assert_eq!(get(&mut core, 15, ONE_WORLD), 0x2003_4000);
        assert_eq!(core.write(core_debug::DHCSR, 0xA05F_0001, ONE_WORLD), Request::Resume);
        put(&mut core, 15, 5, ONE_WORLD);
        assert_eq!(core.program_counter(), 0x2003_4000);
    }

    #[test]
    fn stack_pointers_and_their_limits_are_banked() {
        let mut core = halted();
        put(&mut core, 13, 0x2000_1003, SECURE);
        for msp in [13, 17, 26] {
            assert_eq!(get(&mut core, msp, SECURE), 0x2000_1000, "{msp}");
        }
        put(&mut core, 24, 0x2000_2000, SECURE);
        assert_eq!([24, 17].map(|r| get(&mut core, r, SECURE)), [0x2000_2000, 0x2000_1000]);
        put(&mut core, 20, 0x0201_F0FF, SECURE);
        assert_eq!(get(&mut core, 34, SECURE), 0x0201_F001);
        // CONTROL.SPSEL makes SP the process stack.
        put(&mut core, 18, 0x2000_3000, SECURE);
        assert_eq!(get(&mut core, 13, SECURE), 0x2000_3000);
        put(&mut core, 28, 0x2000_0807, SECURE);
        assert_eq!([28, 30].map(|r| get(&mut core, r, SECURE)), [0x2000_0800, 0]);
        put(&mut core, 64, 0x3F80_0000, SECURE);
        assert_eq!(get(&mut core, 64, SECURE), 0x3F80_0000);
        assert_eq!(get(&mut core, 19, SECURE), 0, "no such register");
    }

    #[test]
    fn dhcsr_needs_its_key_and_forgets_a_reset_once_read() {
        let mut core = Core::default();
        core.write(core_debug::DHCSR, 0x0000_0003, ONE_WORLD);
        assert_eq!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & S_HALT, 0);
        core.reset(0, [0, 1], true);
        assert_ne!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & S_RESET_ST, 0);
        assert_eq!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & S_RESET_ST, 0);
        assert_ne!(core.read(core_debug::DHCSR, SECURE).unwrap() & S_SDE, 0);
    }

    #[test]
    fn a_reset_vector_catch_halts_where_it_may_at_the_first_instruction() {
        for catch in [false, true] {
            let mut core = Core::default();
            core.write(core_debug::DHCSR, 0xA05F_0001, ONE_WORLD);
            core.write(core_debug::DEMCR, DEMCR_VC_CORERESET, ONE_WORLD);
            assert_eq!(core.write(core_debug::AIRCR, 0x05FA_0004, ONE_WORLD), Request::Reset);
            core.reset(0x0800_0000, [0x3000_4000, 0x0800_0201], catch);
            // C_HALT is set by hardware: IDE after IDE waits for it.
            let expected = if catch { S_HALT | C_HALT } else { 0 };
            assert_eq!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & (S_HALT | C_HALT), expected);
            if catch {
                let found = [15, 13, 17, 14, 16].map(|r| get(&mut core, r, ONE_WORLD));
                assert_eq!(found, [0x0800_0200, 0x3000_4000, 0x3000_4000, u32::MAX, 0x0100_0000]);
                assert_eq!(core.read(VTOR, ONE_WORLD), Some(0x0800_0000));
            }
        }
    }

    #[test]
    fn what_does_not_exist_in_demcr_stays_zero() {
        let mut core = Core::default();
        core.write(core_debug::DEMCR, u32::MAX, ONE_WORLD);
        assert_eq!(core.read(core_debug::DEMCR, ONE_WORLD), Some(0x010F_0FF1));
    }

    #[test]
    fn the_non_secure_view_of_a_single_world_is_the_same() {
        let mut core = Core::default();
        assert_eq!(core.read(core_debug::CPUID + SCS_NS, ONE_WORLD), Some(CPUID));
        assert_eq!(core.read(core_debug::DAUTHSTATUS, SECURE), Some(0xFF));
        assert_eq!(core.read(core_debug::DAUTHSTATUS, Security { secure_debug: false, ..SECURE }), Some(0xAF));
    }
}
