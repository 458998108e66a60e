//! Groups of instructions with results worked out from the pseudocode of the Armv8-M manual (Arm DDI 0553).

use provost_thumb::{Bus as _, Cpu, Fault, Step, Width};

use crate::machine::{Board, CODE, DATA};

/// A core about to execute these half-words.
fn with(code: &[u16]) -> (Board, Cpu) {
    let mut board = Board::new(&[]);
    for (half, address) in code.iter().zip((CODE + 0x400..).step_by(2)) {
        board.write(address, Width::Half, (*half).into()).unwrap();
    }
    board.write(CODE + 12, Width::Word, CODE + 0x801).unwrap();
    (board, Cpu::reset([DATA + 0x8000, CODE + 0x401]))
}

/// Flags as NZCV.
fn flags(cpu: &Cpu) -> u32 {
    cpu.xpsr() >> 28
}

#[test]
fn reset_takes_stack_and_entry_from_the_table() {
    let cpu = Cpu::reset([0x3000_4003, 0x0800_0201]);
    assert_eq!((cpu.register(13), cpu.register(14), cpu.pc()), (0x3000_4000, u32::MAX, 0x0800_0200));
    assert_eq!(cpu.xpsr(), 0x0100_0000, "Thumb, Thread mode");
    assert_eq!(cpu.special(), 0);
}

/// ADDS r0,#1 on the largest positive number: N and V; SUBS r0,r0,r0: Z and C.
#[test]
fn additions_set_carry_and_overflow() {
    let (mut board, mut cpu) = with(&[0x3001, 0x1A00]);
    cpu.set_register(0, 0x7FFF_FFFF);
    cpu.step(&mut board);
    assert_eq!((cpu.register(0), flags(&cpu)), (0x8000_0000, 0b1001));
    cpu.step(&mut board);
    assert_eq!((cpu.register(0), flags(&cpu)), (0, 0b0110));
}

/// ITE EQ; MOVEQ r0,#1; MOVNE r0,#2: one of them, and no flags from either.
#[test]
fn a_block_executes_one_side_and_leaves_the_flags() {
    for (zero, expected) in [(true, 1), (false, 2)] {
        let (mut board, mut cpu) = with(&[0xBF0C, 0x2001, 0x2002]);
        cpu.set_xpsr(0x0100_0000 | if zero { 1 << 30 } else { 1 << 31 });
        let before = flags(&cpu);
        for _ in 0..3 {
            assert_eq!(cpu.step(&mut board), Step::Executed);
        }
        assert_eq!((cpu.register(0), flags(&cpu)), (expected, before));
        assert_eq!(cpu.xpsr() & 0x0600_FC00, 0, "the block is over");
    }
}

#[test]
fn a_breakpoint_stops_at_its_own_address_whatever_the_condition() {
    let (mut board, mut cpu) = with(&[0xBF08, 0xBE00]);
    cpu.step(&mut board);
    assert_eq!(cpu.step(&mut board), Step::Breakpoint);
    assert_eq!(cpu.pc(), CODE + 0x402);
}

#[test]
fn a_branch_to_itself_and_a_wait_are_idle() {
    for code in [0xE7FE, 0xBF30] {
        let (mut board, mut cpu) = with(&[code]);
        let steps = [cpu.step(&mut board), cpu.step(&mut board)];
        assert_eq!(steps[1], Step::Idle, "{code:#x}");
    }
    // A debugger that halts the core ends the wait: PC is behind WFI.
    let (mut board, mut cpu) = with(&[0xBF30, 0x2007]);
    assert_eq!([cpu.step(&mut board), cpu.step(&mut board)], [Step::Idle; 2]);
    assert_eq!((cpu.pc(), cpu.sleeping()), (CODE + 0x402, true));
    cpu.wake();
    cpu.step(&mut board);
    assert_eq!(cpu.register(0), 7);
}

/// PUSH that would pass MSPLIM faults and writes nothing.
#[test]
fn the_stack_limit_holds() {
    let (mut board, mut cpu) = with(&[0xB40F]);
    cpu.set_stacks([DATA + 0x100, 0]);
    cpu.set_limits([DATA + 0xF8, 0]);
    cpu.step(&mut board);
    assert_eq!(cpu.take_fault(), Some(Fault::StackOverflow));
    assert!((0..0x100).step_by(4).all(|at| board.read(DATA + at, Width::Word) == Ok(0)));
}

#[test]
fn what_faults_is_named_and_a_fault_in_a_fault_locks_up() {
    for (code, fault) in [
        (vec![0xDE00], Fault::Undefined),
        // VADD.F32 s0, s0, s0.
        (vec![0xEE30, 0x0A00], Fault::NoCoprocessor),
        // LDR r0, [r1]; LDM r1, {r0, r2}.
        (vec![0x6808], Fault::Bus),
        (vec![0xE891, 0x0005], Fault::Unaligned),
    ] {
        let (mut board, mut cpu) = with(&code);
        cpu.set_register(1, if fault == Fault::Unaligned { DATA + 2 } else { 0x6000_0000 });
        assert_eq!(cpu.step(&mut board), Step::Executed, "the handler is entered");
        assert_eq!((cpu.take_fault(), cpu.xpsr() & 0x1FF, cpu.pc()), (Some(fault), 3, CODE + 0x800));
        // The handler's own code is 0x0000, MOVS r0, r0, from there on; it is made undefined.
        board.write(CODE + 0x800, Width::Half, 0xDE00).unwrap();
        assert_eq!(cpu.step(&mut board), Step::LockedUp);
        assert_eq!(cpu.step(&mut board), Step::LockedUp);
        assert!(cpu.locked_up());
    }
}

/// LDREX, then STREX twice: the monitor lets one through.
#[test]
fn an_exclusive_store_succeeds_once() {
    let (mut board, mut cpu) = with(&[0xE851, 0x0F00, 0xE841, 0x2300, 0xE841, 0x2400]);
    cpu.set_register(1, DATA);
    cpu.set_register(2, 0x55AA);
    for _ in 0..3 {
        cpu.step(&mut board);
    }
    assert_eq!((cpu.register(3), cpu.register(4)), (0, 1));
    assert_eq!(board.read(DATA, Width::Word), Ok(0x55AA));
}

/// BLXNS r2 and SG in a core with one world: a call, and nothing.
#[test]
fn there_is_one_world() {
    let (mut board, mut cpu) = with(&[0xE97F, 0xE97F, 0x4794]);
    cpu.set_register(2, CODE + 0x500);
    cpu.step(&mut board);
    assert_eq!(cpu.pc(), CODE + 0x404);
    cpu.step(&mut board);
    assert_eq!((cpu.pc(), cpu.register(14)), (CODE + 0x500, CODE + 0x407));
}

#[test]
fn division_by_zero_is_zero_and_the_smallest_number_by_minus_one_itself() {
    // SDIV r0, r1, r2; UDIV r3, r1, r4.
    let (mut board, mut cpu) = with(&[0xFB91, 0xF0F2, 0xFBB1, 0xF3F4]);
    cpu.set_register(1, 0x8000_0000);
    cpu.set_register(2, u32::MAX);
    cpu.step(&mut board);
    cpu.step(&mut board);
    assert_eq!((cpu.register(0), cpu.register(3)), (0x8000_0000, 0));
}
