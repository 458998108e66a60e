//! Execution: the core runs in slices, while time passes and nobody has halted it.
//!
//! It reaches what a debugger at AP1 reaches; ROM services are performed when it arrives at their entry. Outside Open the owner's code is
//! not executed unless a debugger starts it, or may watch it by Debug Authentication: what boots, and what it does, is the model's affair.

use provost_chip::{model::access::Ap1, registers::memory::SECURE_ALIAS};
use provost_thumb::{Bus, BusFault, Cpu, Step, Width};

use super::{DFSR_BKPT, DFSR_HALTED, Parked};
use crate::{
    rom,
    silicon::{Silicon, Time},
    wire::dap::{Access, Size},
};

/// One instruction a clock at 32 MHz, which is what an STM32H5 runs at after a reset (HSI divided by two).
const CYCLE: Time = 31;
/// Instructions in a slice: events of the flash controller are seen between two of them.
const SLICE: u64 = 256;
/// Instructions while a host lets time pass in one go, 31 ms of them: a host that sleeps for long must not pay for it.
const LONGEST_RUN: u64 = 1_000_000;
/// System memory, where the ROM's code lies.
const ROM: std::ops::Range<u32> = 0x0BF8_0000..0x0C00_0000;
/// What debuggers have for themselves: software that writes DHCSR or DCRSR changes nothing (DDI 0553, DHCSR).
const DEBUG_ONLY: std::ops::RangeInclusive<u32> = 0xE000_EDF0..=0xE000_EDFB;

/// Why a slice ended before its time.
enum Stop {
    /// A breakpoint of the debugger, or BKPT.
    Breakpoint,
    Idle,
    /// The core has arrived in the ROM.
    Rom,
    /// It has reset itself.
    Reset,
    /// It has locked up, or was halted by a vector catch.
    Fault,
}

/// How long a run may still be.
pub(in crate::silicon) struct Run(u64);

impl Run {
    pub(in crate::silicon) const fn new() -> Self {
        Self(LONGEST_RUN)
    }
}

impl Silicon {
    /// Until when time may pass in one go: to `due`, or to the end of a slice if the core executes.
    pub(in crate::silicon) fn slice(&self, due: Time, run: &Run) -> Time {
        if run.0 > 0 && self.core_runs() { due.min(self.now + SLICE * CYCLE) } else { due }
    }

    /// The core executes what it can in this time, which has just passed.
    pub(in crate::silicon) fn execute(&mut self, elapsed: Time, run: &mut Run) {
        let count = (elapsed / CYCLE).min(SLICE).min(run.0);
        if count == 0 || !self.core_runs() {
            return;
        }
        run.0 -= count;
        match self.instructions(count) {
            None | Some(Stop::Reset | Stop::Fault) => {}
            Some(Stop::Breakpoint) => self.core.halt(DFSR_BKPT),
            Some(Stop::Idle) => self.core.parked = Parked::Idle,
            Some(Stop::Rom) => self.arrive_in_rom(),
        }
    }

    /// A debugger lets the core run on.
    pub(in crate::silicon) fn resume(&mut self) {
        if ROM.contains(&fold(self.core.program_counter())) {
            self.arrive_in_rom();
        }
    }

    /// A debugger lets the core execute one instruction.
    pub(in crate::silicon) fn single_step(&mut self) {
        let steps = self.core.parked != Parked::NotModelled && !ROM.contains(&fold(self.core.program_counter()));
        let stop = if steps { self.instructions(1) } else { None };
        match stop {
            Some(Stop::Reset) => {}
            Some(Stop::Breakpoint) => self.core.halt(DFSR_BKPT),
            _ if self.core.halted => {}
            _ => self.core.halt(DFSR_HALTED),
        }
    }

    fn core_runs(&self) -> bool {
        let core = &self.core;
        !core.halted
            && core.parked == Parked::No
            && !core.cpu.locked_up()
            && !core.executing
            && self.powered()
            && !self.in_reset()
            && !self.booting()
            && self.view() > Ap1::Shut
    }

    fn arrive_in_rom(&mut self) {
        let resets = self.core.resets;
        rom::resume(self);
        if self.core.resets == resets && ROM.contains(&fold(self.core.program_counter())) {
            self.core.parked = Parked::NotModelled;
        }
    }

    /// Executes up to `count` instructions.
    fn instructions(&mut self, count: u64) -> Option<Stop> {
        let mut cpu = std::mem::take(&mut self.core.cpu);
        let resets = self.core.resets;
        let breakpoints: Vec<u32> = self.core.ppb.breakpoints().collect();
        self.core.executing = true;
        let stop = (0..count).find_map(|_| self.instruction(&mut cpu, &breakpoints, resets));
        self.core.executing = false;
        if self.core.resets == resets {
            self.core.cpu = cpu;
        }
        self.core.retired = true;
        stop
    }

    fn instruction(&mut self, cpu: &mut Cpu, breakpoints: &[u32], resets: u64) -> Option<Stop> {
        if breakpoints.contains(&cpu.pc()) && !self.core.stepping() {
            return Some(Stop::Breakpoint);
        }
        if ROM.contains(&fold(cpu.pc())) {
            return Some(Stop::Rom);
        }
        let mut step = cpu.step(self);
        if step == Step::Breakpoint {
            if self.core.debug_enabled() {
                return Some(Stop::Breakpoint);
            }
            step = cpu.refuse_breakpoint(self);
        }
        if self.core.resets != resets {
            return Some(Stop::Reset);
        }
        if let Some(fault) = cpu.take_fault() {
            self.core.faulted(fault);
            if self.core.halted {
                return Some(Stop::Fault);
            }
        }
        match step {
            Step::Executed | Step::Breakpoint => None,
            Step::Idle => Some(Stop::Idle),
            Step::LockedUp => Some(Stop::Fault),
        }
    }

    fn access(&self, address: u32, width: Width) -> Access {
        let size = match width {
            Width::Byte => Size::Byte,
            Width::Half => Size::Half,
            Width::Word => Size::Word,
        };
        Access { ap: 1, address, size, secure: self.view() == Ap1::Full }
    }
}

/// The non-secure alias of an address in code memory.
const fn fold(address: u32) -> u32 {
    if address >> 28 == 0 { address & !SECURE_ALIAS } else { address }
}

impl Bus for Silicon {
    fn read(&mut self, address: u32, width: Width) -> Result<u32, BusFault> {
        let access = self.access(address, width);
        let word = self.read_ap1(access).map_err(|_| BusFault)?;
        Ok(word >> (8 * (address & (4 - width.bytes()))) & access.size.mask())
    }

    fn write(&mut self, address: u32, width: Width, value: u32) -> Result<(), BusFault> {
        if DEBUG_ONLY.contains(&address) {
            return Ok(());
        }
        self.write_ap1(self.access(address, width), value).map_err(|_| BusFault)
    }

    fn fetch(&mut self, address: u32) -> Result<u16, BusFault> {
        if !self.holds_code(address) {
            return Err(BusFault);
        }
        Bus::read(self, address, Width::Half).map(|half| half as u16)
    }
}
