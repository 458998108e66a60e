//! Any words at all: nothing panics, no access is unaligned, and a step is a step.

use proptest::prelude::*;
use provost_thumb::{Bus as _, Cpu, Step, Width};

use crate::machine::{Board, CODE, DATA};

/// The invariants that hold whatever is executed.
fn check(cpu: &Cpu) {
    assert_eq!(cpu.pc() & 1, 0);
    assert!(cpu.stacks().iter().all(|sp| sp & 3 == 0));
    assert_eq!(cpu.xpsr() & 0x00F0_0200, 0, "bits that there are not");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2000 }))]

    #[test]
    fn random_words_execute_or_fault(words in proptest::collection::vec(any::<u32>(), 64..256), start in any::<[u32; 17]>()) {
        let mut program = vec![0; 0x400];
        // Vectors into the random code, so that faults go on executing.
        for (index, chunk) in program.chunks_exact_mut(4).take(16).enumerate() {
            chunk.copy_from_slice(&(CODE + 0x401 + 8 * index as u32).to_le_bytes());
        }
        program.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let mut board = Board::new(&program);
        let mut cpu = Cpu::reset([DATA + 0x8000, CODE + 0x401]);
        for (number, value) in start.iter().enumerate().take(13) {
            // Half of the registers point into memory.
            cpu.set_register(number, if value & 1 == 0 { DATA + value % 0x1_0000 } else { *value });
        }
        for _ in 0..500 {
            match cpu.step(&mut board) {
                Step::Executed => {}
                Step::Breakpoint => cpu.set_register(15, cpu.pc() + 2),
                Step::Idle | Step::LockedUp => break,
            }
            check(&cpu);
        }
    }

    /// Every pair of half-words, from any state: an instruction that faults leaves the registers as they were.
    #[test]
    fn a_fault_changes_nothing_but_enters_its_handler(opcode in any::<u32>(), start in any::<[u32; 17]>()) {
        let mut board = Board::new(&[]);
        board.write(CODE + 12, Width::Word, CODE + 0x801).unwrap();
        board.write(CODE + 0x400, Width::Word, opcode).unwrap();
        let mut cpu = Cpu::reset([DATA + 0x8000, CODE + 0x401]);
        for (number, value) in start.iter().enumerate().take(13) {
            cpu.set_register(number, *value);
        }
        let before = cpu.clone();
        cpu.step(&mut board);
        check(&cpu);
        if cpu.take_fault().is_some() {
            prop_assert_eq!(cpu.pc(), CODE + 0x800);
            prop_assert!((0..13).all(|n| cpu.register(n) == before.register(n)));
            prop_assert_eq!(board.read(cpu.register(13) + 24, Width::Word).unwrap(), CODE + 0x400);
        }
    }
}
