//! The frames of the serial protocol, byte by byte as AN3155 and AN2606 give them, and what the target makes of them.

use provost_bootloader::{
    an3155::{
        Capabilities, Command, EraseFlash, Exchange, ExtendedSpecialCommand, Get, GetId, GetVersion, HostError, Phase,
        Read, SpecialCommand, SpecialReply, Step, Sync, Target, Write,
    },
    memory::{After, Erase, SpecialAnswer},
    special::Special,
};
use provost_chip::states::ProductState;

use crate::toy::{FLASH, RAM, Serial, Toy, drive};

/// Everything that a command sends to a device that acknowledges all of it.
fn sent<C: Command>(command: C, answers: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut answers = answers.iter();
    let _ = drive(command, usize::MAX, |bytes| {
        frames.push(bytes.to_vec());
        answers.next().map(|a| a.to_vec()).unwrap_or_else(|| vec![0x79])
    });
    frames
}

#[test]
fn commands_are_the_bytes_of_an3155() {
    assert_eq!(sent(Sync, &[]), [[0x7F]]);
    assert_eq!(sent(Get, &[]), [[0x00, 0xFF]]);
    assert_eq!(sent(GetVersion, &[]), [[0x01, 0xFE]]);
    assert_eq!(sent(GetId, &[]), [[0x02, 0xFD]]);
    let read = Read { address: 0x4002_2050, length: 0xB0 };
    // 40 ^ 02 ^ 20 ^ 50 = 32.
    assert_eq!(sent(read, &[]), [vec![0x11, 0xEE], vec![0x40, 0x02, 0x20, 0x50, 0x32], vec![0xAF, 0x50]]);
    let write = Write { address: RAM, data: &[0x11, 0x22, 0x33, 0x44] };
    // 20 ^ 00 ^ 40 ^ 00 = 60; 03 ^ 11 ^ 22 ^ 33 ^ 44 = 47.
    let expected = [vec![0x31, 0xCE], vec![0x20, 0, 0x40, 0, 0x60], vec![0x03, 0x11, 0x22, 0x33, 0x44, 0x47]];
    assert_eq!(sent(write, &[]), expected);
}

#[test]
fn erase_names_sectors_or_one_of_three_words() {
    let frame = |what: &Erase| sent(EraseFlash(what), &[]).pop().unwrap();
    assert_eq!(frame(&Erase::All), [0xFF, 0xFF, 0x00]);
    assert_eq!(frame(&Erase::Bank1), [0xFF, 0xFE, 0x01]);
    assert_eq!(frame(&Erase::Bank2), [0xFF, 0xFD, 0x02]);
    // Two sectors: count - 1 = 1; 00 ^ 01 ^ 00 ^ 05 ^ 01 ^ 02 = 07.
    assert_eq!(frame(&Erase::Sectors(vec![5, 258])), [0x00, 0x01, 0x00, 0x05, 0x01, 0x02, 0x07]);
}

#[test]
fn special_commands_are_those_of_an2606() {
    // 50 AF, then 0001 with its xor, then size 4, 00 00 00 17 and 04 ^ 17 = 13.
    let state = SpecialCommand(Special::ProductState(ProductState::Provisioning));
    let expected = [vec![0x50, 0xAF], vec![0x00, 0x01, 0x01], vec![0x00, 0x04, 0, 0, 0, 0x17, 0x13]];
    assert_eq!(sent(state, &[]), expected);
    // As captured on FDCAN of an STM32H563: 00 83, 00 04, 20 05 C0 60; 04 ^ 20 ^ 05 ^ C0 ^ 60 = 81.
    let provision = SpecialCommand(Special::Provision { request: 0x2005_C060 });
    let expected = [vec![0x50, 0xAF], vec![0x00, 0x83, 0x83], vec![0x00, 0x04, 0x20, 0x05, 0xC0, 0x60, 0x81]];
    assert_eq!(sent(provision, &[]), expected);
    let extended = ExtendedSpecialCommand { sub_opcode: 0x0102, first: &[7], second: &[8, 9] };
    let expected = [vec![0x51, 0xAE], vec![1, 2, 3], vec![0, 1, 7, 6], vec![0, 2, 8, 9, 3]];
    assert_eq!(sent(extended, &[]), expected);
}

#[test]
fn answers_are_read_as_an3155_writes_them() {
    let mut line = Serial::new();
    let got = line.run(Get).unwrap();
    assert_eq!((got.version, got.opcodes.len()), (0x40, 11));
    assert!(got.require("Read Memory", 0x11).is_ok());
    assert_eq!(got.require("Readout", 0x92).unwrap_err().code(), "boot-not-served");
    assert_eq!(line.run(GetVersion), Ok(0x40));
    assert_eq!(line.run(GetId), Ok(0x484));
    // The bytes of an answer, made by hand: version 3.1 and two opcodes.
    let by_hand: Capabilities = drive(Get, 1, |_| vec![0x79, 0x02, 0x31, 0x00, 0x50, 0x79]).unwrap();
    assert_eq!((by_hand.version, by_hand.opcodes), (0x31, vec![0x00, 0x50]));
}

#[test]
fn the_target_acknowledges_frame_by_frame() {
    let (mut target, mut toy) = (Target::default(), Toy::default());
    let mut say = |bytes: &[u8]| target.receive(bytes, &mut toy).0;
    assert!(say(&[0x00, 0xFF, 0x55]).is_empty(), "no bit rate is known before 0x7F");
    assert_eq!(say(&[0x7F]), [0x79]);
    assert_eq!(say(&[0x7F, 0x7F]), [0x1F], "a second one is an opcode with a wrong complement");
    assert_eq!(say(&[0x01, 0xFE]), [0x79, 0x40, 0x00, 0x00, 0x79]);
    assert_eq!(say(&[0x02, 0xFD]), [0x79, 0x01, 0x04, 0x84, 0x79]);
    assert_eq!(say(&[0x02, 0xFC]), [0x1F], "wrong complement");
    assert_eq!(say(&[0x92, 0x6D]), [0x1F], "not in the list");
    assert_eq!(say(&[0x11, 0xEE]), [0x79]);
    assert_eq!(say(&[0x08, 0, 0, 0, 0x09]), [0x1F], "wrong checksum of the address");
    assert_eq!(say(&[0x11, 0xEE, 0x90, 0, 0, 0, 0x90]), [0x79, 0x1F], "an address in no memory");
    assert_eq!(say(&[0x11, 0xEE, 0x08, 0, 0, 0, 0x08, 0x01, 0xFE]), [0x79, 0x79, 0x79, 0xFF, 0xFF]);
    assert_eq!(say(&[0x44, 0xBB, 0xFF, 0xF0, 0x0F]), [0x79, 0x1F], "another word from 0xFFF0 on");
    assert_eq!(say(&[0x50, 0xAF, 0x00, 0x03, 0x03]), [0x79, 0x1F], "no such special command");
    assert_eq!(say(&[0x50, 0xAF, 0, 2, 2, 0x00, 0x81]), [0x79, 0x79, 0x1F], "more than 128 bytes");
    // Size 0, so the operand is missing: taken, and answered with a status that is not 0.
    assert_eq!(say(&[0x50, 0xAF, 0, 2, 2, 0, 0, 0]), [0x79, 0x79, 0x79, 0, 0, 0, 1, 1, 0x79]);
    assert_eq!(say(&[0x63, 0x9C]), [0x1F], "listed, and served by nobody");
}

#[test]
fn flash_is_written_in_whole_quad_words_only() {
    let mut line = Serial::new();
    for (address, length, code) in [
        (FLASH + 8, 16, "boot-unaligned"),
        (FLASH, 12, "boot-unaligned"),
        (FLASH, 0, "boot-too-much"),
        (RAM, 257, "boot-too-much"),
    ] {
        assert_eq!(
            line.run(Write { address, data: &vec![0; length] }).unwrap_err().code(),
            code,
            "{address:#x} {length}"
        );
    }
    // Registers have other sizes: the option image of STM32H503 is 24 bytes.
    assert!(Exchange::new(Write { address: 0x4002_21E8, data: &[0; 24] }).is_ok());
    line.run(Write { address: FLASH, data: &[3; 256] }).unwrap();
    assert_eq!(line.run(Read { address: FLASH + 250, length: 8 }), Ok(vec![3, 3, 3, 3, 3, 3, 0xFF, 0xFF]));
    line.run(EraseFlash(&Erase::Sectors(vec![0]))).unwrap();
    assert_eq!(line.run(Read { address: FLASH, length: 1 }), Ok(vec![0xFF]));
}

#[test]
fn a_special_command_that_resets_may_end_in_silence() {
    let mut line = Serial::new();
    line.toy.answer = SpecialAnswer { status: vec![0], ..SpecialAnswer::default() };
    let answered = SpecialReply::Answered { data: vec![], status: vec![0] };
    let answered = |reply| assert_eq!(reply, Ok(answered.clone()));
    answered(line.run(SpecialCommand(Special::Reset)));
    line.toy.answer.after = After::Resets { acknowledged: true };
    answered(line.run(SpecialCommand(Special::Reset)));
    line.run(Sync).unwrap();
    line.toy.answer.after = After::Resets { acknowledged: false };
    let state = Special::ProductState(ProductState::Provisioning);
    assert_eq!(line.run(SpecialCommand(state)), Ok(SpecialReply::Silent));
    assert_eq!(line.toy.special, [Special::Reset, Special::Reset, state]);
    // The bootloader that comes back must be woken again.
    assert_eq!(line.run(GetId).unwrap_err().code(), "boot-silent");
    line.run(Sync).unwrap();
    assert_eq!(line.run(GetId), Ok(0x484));
}

#[test]
fn memory_commands_are_refused_in_later_states_and_special_ones_are_not() {
    let mut line = Serial::new();
    line.toy.closed = true;
    let refused = |command| HostError::Refused { command, phase: Phase::Opcode };
    assert_eq!(line.run(Read { address: FLASH, length: 4 }), Err(refused("Read Memory")));
    assert_eq!(line.run(EraseFlash(&Erase::All)), Err(refused("Extended Erase")));
    assert!(line.run(SpecialCommand(Special::Reset)).is_ok());
    assert_eq!(line.run(GetId), Ok(0x484));
}

#[test]
fn go_locks_the_core_up_and_nothing_answers_any_more() {
    let (mut target, mut toy) = (Target::default(), Toy::default());
    let go = [0x7F, 0x21, 0xDE, 0x08, 0, 0, 0, 0x08, 0x01, 0xFE];
    assert_eq!(target.receive(&go, &mut toy), (vec![0x79, 0x79, 0x79], After::LocksUp));
    assert_eq!(target.receive(&[0x7F, 0x01, 0xFE], &mut toy), (vec![], After::Stays));
}

#[test]
fn a_sleeping_device_is_called_again() {
    let mut calls = 0;
    let woken = drive(Sync, 1, |_| {
        calls += 1;
        if calls == 3 { vec![0x79] } else { vec![] }
    });
    assert_eq!((woken, calls), (Ok(()), 3));
    let error = drive(Sync, 1, |_| vec![]).unwrap_err();
    assert_eq!(error.code(), "boot-silent");
    let mut exchange = Exchange::new(Sync).unwrap();
    assert_eq!(exchange.step(), Ok(Step::Send(vec![0x7F])));
}
