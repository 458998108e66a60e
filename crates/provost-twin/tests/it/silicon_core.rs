//! The core of the virtual chip: what a debugger that starts, stops and steps code sees, and what that code can do.

use crate::silicon_bench;

use provost_chip::{
    registers::{core_debug, flash as reg, memory},
    states::{ProductState, TrustZone},
};
use provost_twin::wire::dap::Bus as _;
use silicon_bench::{BOOT, MS, debugger::Debugger};

const SRAM: u32 = 0x2000_0000;
/// Bits of DHCSR (DDI 0553).
const C_HALT: u32 = 1 << 1;
const S_HALT: u32 = 1 << 17;
const S_LOCKUP: u32 = 1 << 19;
const S_RETIRE_ST: u32 = 1 << 24;
const S_RESET_ST: u32 = 1 << 25;
const DEBUG: u32 = 0xA05F_0001;
const HALT: u32 = 0xA05F_0003;
const STEP: u32 = 0xA05F_0005;

fn halted(part: &str) -> Debugger {
    let mut d = Debugger::open(part);
    d.write(core_debug::DHCSR, HALT);
    d
}

impl Debugger {
    fn load(&mut self, address: u32, code: &[u8]) {
        for (chunk, at) in code.chunks(4).zip((address..).step_by(4)) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write(at, u32::from_le_bytes(word));
        }
    }

    fn halves(&mut self, address: u32, code: &[u16]) {
        let bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
        self.load(address, &bytes);
    }

    fn dhcsr(&mut self) -> u32 {
        self.read(core_debug::DHCSR).unwrap()
    }
}

/// The loader of `tests/programs` programs what a debugger reads back, while the debugger only waits.
#[test]
fn a_loader_in_sram_programs_flash() {
    for part in ["STM32H503", "STM32H533", "STM32H563"] {
        let mut d = halted(part);
        let data: Vec<u8> = (0..2048_u32).map(|n| ((n * 7) >> 3) as u8 ^ n as u8).collect();
        d.load(SRAM, include_bytes!("../programs/loader.bin"));
        d.load(SRAM + 0x1000, &data);
        let target = memory::FLASH + 3 * 0x2000;
        for (register, value) in [(0, target), (1, SRAM + 0x1000), (2, 128), (3, 3), (15, SRAM), (16, 1 << 24)] {
            d.write_core(register, value);
        }
        d.write(core_debug::DHCSR, DEBUG);
        assert_eq!(d.dhcsr() & S_HALT, 0, "no time has passed");
        // An erase of 2 ms and 128 quad-words of 32 us: it cannot be done before.
        d.silicon.advance(6 * MS);
        assert_eq!(d.dhcsr() & S_HALT, 0);
        d.silicon.advance(2 * MS);
        assert_eq!(d.dhcsr() & (S_HALT | C_HALT), S_HALT | C_HALT, "{part}: BKPT halts");
        assert_eq!(d.read_core(0), reg::SR_EOP);
        let read: Vec<u8> = (0..512).flat_map(|n| d.read(target + 4 * n).unwrap().to_le_bytes()).collect();
        assert!(read == data, "{part}");
    }
}

/// MOVS r0, #1; ADDS r0, #1 (twice); B to the first of them.
const COUNTER: [u16; 4] = [0x2001, 0x3001, 0x3001, 0xE7FC];

#[test]
fn a_step_is_one_instruction_and_a_breakpoint_stops_before_its_own() {
    let mut d = halted("STM32H533");
    d.halves(SRAM, &COUNTER);
    d.write_core(15, SRAM);
    d.write_core(16, 1 << 24);
    for (pc, r0) in [(2, 1), (4, 2), (6, 3), (2, 3)] {
        d.write(core_debug::DHCSR, STEP);
        assert_eq!(d.dhcsr() & (S_HALT | C_HALT | S_RETIRE_ST), S_HALT | C_HALT | S_RETIRE_ST);
        assert_eq!((d.read_core(15), d.read_core(0)), (SRAM + pc, r0));
    }
    d.write(0xE000_2000, 0b11);
    d.write(0xE000_2008, (SRAM + 6) | 1);
    d.write(core_debug::DHCSR, DEBUG);
    d.silicon.advance(MS);
    assert_ne!(d.dhcsr() & S_HALT, 0);
    assert_eq!((d.read_core(15), d.read_core(0)), (SRAM + 6, 5));
    assert_eq!(d.read(core_debug::DFSR).unwrap(), 0b11, "halted by request before, by a breakpoint now");
}

#[test]
fn halting_stops_a_loop_and_resuming_lets_it_go_on() {
    let mut d = halted("STM32H563");
    // ADDS r0, #1; B to it.
    d.halves(SRAM, &[0x3001, 0xE7FD]);
    d.write_core(15, SRAM);
    d.write_core(0, 0);
    d.write_core(16, 1 << 24);
    let mut last = 0;
    for _ in 0..3 {
        d.write(core_debug::DHCSR, DEBUG);
        d.silicon.advance(MS);
        d.write(core_debug::DHCSR, HALT);
        let count = d.read_core(0);
        // 32 MHz, two instructions a turn.
        assert!((15_000..17_000).contains(&(count - last)), "{count}");
        last = count;
        d.silicon.advance(10 * MS);
        assert_eq!(d.read_core(0), count, "a halted core does nothing");
    }
}

/// What boots in Open is executed: the firmware of the presets, a loop. It is neither halted nor locked up.
#[test]
fn firmware_runs_and_can_be_caught_at_its_first_instruction() {
    let mut maker = provost_twin::presets::Maker::new("STM32H563".parse().unwrap(), 1);
    maker.firmware = Some(Default::default());
    let mut silicon = maker.make();
    silicon.set_power(true);
    silicon.advance(BOOT + MS);
    let mut d = Debugger::new(silicon);
    d.write(core_debug::DHCSR, DEBUG);
    assert_eq!(d.dhcsr() & (S_HALT | S_LOCKUP), 0);
    assert_ne!(d.dhcsr() & S_RETIRE_ST, 0);
    d.write(core_debug::DEMCR, 1);
    d.write(core_debug::AIRCR, 0x05FA_0004);
    assert_eq!(d.dhcsr() & (S_HALT | C_HALT | S_RESET_ST), S_HALT | C_HALT | S_RESET_ST);
    let caught = [15, 13, 16, 14].map(|register| d.read_core(register));
    assert_eq!(caught, [0x0800_0200, 0x3000_4000, 1 << 24, u32::MAX]);
    assert_eq!(d.read(0xE000_ED08), Ok(0x0800_0000), "VTOR");
}

#[test]
fn code_without_a_debugger_faults_at_bkpt_and_a_fault_without_a_handler_locks_up() {
    let mut d = halted("STM32H533");
    d.halves(SRAM, &[0xBE00]);
    d.write_core(15, SRAM);
    d.write_core(16, 1 << 24);
    d.write_core(13, SRAM + 0x1000);
    // The chip is empty: its vector for HardFault leads nowhere.
    d.write(core_debug::DHCSR, 0xA05F_0000);
    d.silicon.advance(MS);
    assert_eq!(d.dhcsr() & (S_HALT | S_LOCKUP), S_LOCKUP);
    // A debugger halts it, gives it another PC and Thumb state, and goes on.
    d.write(core_debug::DHCSR, HALT);
    d.write_core(15, SRAM);
    d.write_core(16, 1 << 24);
    d.write(core_debug::DHCSR, DEBUG);
    d.silicon.advance(MS);
    assert_eq!(d.dhcsr() & (S_HALT | S_LOCKUP), S_HALT);
}

#[test]
fn code_can_reset_its_chip() {
    let mut d = halted("STM32H533");
    // STR r1, [r0]; B to itself.
    d.halves(SRAM, &[0x6001, 0xE7FE]);
    for (register, value) in [(0, core_debug::AIRCR), (1, 0x05FA_0004), (15, SRAM), (16, 1 << 24)] {
        d.write_core(register, value);
    }
    d.dhcsr();
    assert_eq!(d.dhcsr() & S_RESET_ST, 0, "told of the reset before");
    d.write(core_debug::DHCSR, DEBUG);
    d.silicon.advance(MS);
    assert_ne!(d.dhcsr() & S_RESET_ST, 0);
}

/// Outside Open the owner's code is the model's affair, and a debugger's is executed only where the debugger reaches.
#[test]
fn nothing_is_executed_behind_a_shut_port() {
    for state in ProductState::ALL {
        for tz in TrustZone::ALL {
            let mut d = Debugger::at("STM32H563", state, tz);
            d.silicon.advance(10 * MS);
            if d.silicon.ap_enabled(1) {
                assert_eq!(d.dhcsr() & (S_HALT | S_LOCKUP), 0, "{state} {tz}");
            } else {
                assert!(d.read(core_debug::DHCSR).is_err(), "{state} {tz}");
            }
        }
    }
}

/// A loader runs in Provisioning too, beside the bootloader, as the call of the provisioning service shows.
#[test]
fn code_runs_where_the_debugger_puts_it() {
    for tz in TrustZone::ALL {
        let mut d = Debugger::at("STM32H563", ProductState::Provisioning, tz);
        d.write(core_debug::DHCSR, HALT);
        d.halves(SRAM, &[0x202A, 0xBE00]);
        d.write_core(15, SRAM);
        d.write_core(16, 1 << 24);
        d.write(core_debug::DHCSR, DEBUG);
        d.silicon.advance(MS);
        assert_eq!((d.dhcsr() & S_HALT, d.read_core(0)), (S_HALT, 42), "{tz}");
    }
}
