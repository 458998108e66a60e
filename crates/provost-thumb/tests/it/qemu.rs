//! The programs of `tests/programs` against an independent machine: QEMU's Cortex-M33 (board mps2-an505), register by register after
//! each instruction.
//!
//! Needs `qemu-system-arm`. Without one the tests say that they are skipped; with `PROVOST_REQUIRE_STRANGERS` set they fail instead.

use std::{fs, path::Path, process::Command};

use provost_testkit::strangers;
use provost_thumb::{Cpu, Step};

use crate::machine::Board;

/// R0 to R15 and xPSR before an instruction.
type State = [u32; 17];

/// A program must end by itself within this many instructions.
const LONGEST: usize = 100_000;

const QEMU: &str = "qemu-system-arm";

fn emulator() -> Option<&'static str> {
    strangers::installed(&[QEMU]).then_some(QEMU)
}

/// What QEMU does with a program. `-singlestep` makes its log one of instructions.
fn trace_of(emulator: &str, program: &Path) -> Vec<State> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let status = Command::new(emulator)
        .args(["-M", "mps2-an505", "-nographic", "-monitor", "none", "-serial", "none", "-singlestep"])
        .args(["-semihosting-config", "enable=on,target=native", "-d", "cpu,nochain", "-D"])
        .arg(&log)
        .arg("-device")
        .arg(format!("loader,file={},addr=0x10000000", program.display()))
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    parse(&fs::read_to_string(&log).unwrap())
}

fn parse(log: &str) -> Vec<State> {
    let mut states = Vec::new();
    let mut state = Vec::new();
    for line in log.lines() {
        for (name, value) in line.split_whitespace().filter_map(|word| word.split_once('=')) {
            let value = u32::from_str_radix(value, 16).unwrap();
            state.push(value);
            if name == "XPSR" {
                states.push(std::mem::take(&mut state).try_into().unwrap());
            }
        }
    }
    states
}

fn state_of(cpu: &Cpu) -> State {
    let mut state = [0; 17];
    for (number, value) in state.iter_mut().enumerate() {
        *value = if number == 16 { cpu.xpsr() } else { cpu.register(number) };
    }
    state
}

/// EXC_RETURN of a core in Secure state, which QEMU's is, differs by two bits from that of a core without Security Extension.
fn same_world(mut state: State) -> State {
    for value in &mut state[..15] {
        if *value >> 8 == 0x00FF_FFFF {
            *value &= !0x41;
        }
    }
    state
}

fn compare(name: &str) {
    let Some(emulator) = emulator() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(format!("{name}.bin"));
    let expected = trace_of(emulator, &path);
    assert!((80..LONGEST).contains(&expected.len()), "{} instructions", expected.len());
    let (mut board, mut cpu) = Board::boot(&fs::read(&path).unwrap());
    // A reset leaves the flags unknown; QEMU's begin with Z.
    cpu.set_xpsr(expected[0][16]);
    let mut before = expected[0];
    for (index, state) in expected.iter().enumerate() {
        assert_eq!(
            format!("{:08x?}", same_world(state_of(&cpu))),
            format!("{:08x?}", same_world(*state)),
            "{name}: after instruction {index}, at {:#x}; registers before it: {before:08x?}",
            before[15]
        );
        before = *state;
        if index + 1 < expected.len() {
            cpu.step(&mut board);
        }
    }
    assert_eq!(cpu.step(&mut board), Step::Breakpoint, "{name} ends with BKPT");
    println!("{name}: {} instructions", expected.len());
}

#[test]
fn arithmetic() {
    compare("arithmetic");
}

#[test]
fn media() {
    compare("media");
}

#[test]
fn multiplication() {
    compare("multiply");
}

#[test]
fn memory() {
    compare("memory");
}

#[test]
fn control() {
    compare("control");
}
