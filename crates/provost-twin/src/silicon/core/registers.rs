//! Core registers by their numbers in DCRSR.

use super::{Core, Parked, Security};

impl Core {
    /// A register by its number in DCRSR.
    pub(super) fn register(&self, number: u8, security: Security) -> u32 {
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

    pub(super) fn set_register(&mut self, number: u8, value: u32, security: Security) {
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
