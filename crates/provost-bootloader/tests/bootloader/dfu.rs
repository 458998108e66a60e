//! DfuSe: transfers as AN3156 and DFU 1.1 give them, host against target.

use std::time::Duration;

use provost_bootloader::{
    dfu::{LayoutError, MemoryLayout, Operation, Request, Setup, State, Status, StatusReport, Target},
    memory::{After, Erase, SpecialAnswer},
    special::Special,
};
use provost_chip::states::ProductState;

use crate::toy::{FLASH, Toy, Usb, operate, operate_on};

/// Every transfer out of an operation, against a device that does all of it at once.
fn outs(operation: &Operation) -> Vec<(Request, u16, Vec<u8>)> {
    let mut seen = Vec::new();
    let mut state = 2;
    let end = operate(operation, 16, |setup, data| {
        match setup.request {
            Request::Dnload => state = 5,
            Request::Upload => state = 9,
            Request::Abort => state = 2,
            _ => {}
        }
        if !matches!(setup.request, Request::GetStatus | Request::GetState) {
            seen.push((setup.request, setup.value, data.to_vec()));
        }
        let answer = match setup.request {
            Request::GetStatus => vec![0, 0, 0, 0, state, 0],
            Request::Upload => vec![0xAB; setup.length.into()],
            _ => vec![],
        };
        (Some(answer), false)
    });
    assert!(matches!(end, Usb::Done { .. }), "{end:?}");
    seen
}

#[test]
fn transfers_are_those_of_an3156() {
    use Request::{Abort, Dnload, Upload};
    let erase = outs(&Operation::EraseSector { address: 0x0800_2000 });
    assert_eq!(erase, [(Dnload, 0, vec![0x41, 0x00, 0x20, 0x00, 0x08]), (Abort, 0, vec![])]);
    assert_eq!(outs(&Operation::EraseAll), [(Dnload, 0, vec![0x41]), (Abort, 0, vec![])]);
    let write = outs(&Operation::Write { address: 0x0800_0010, data: (0..20).collect() });
    let expected = [
        (Dnload, 0, vec![0x21, 0x10, 0x00, 0x00, 0x08]),
        (Dnload, 2, (0..16).collect()),
        (Dnload, 3, vec![16, 17, 18, 19]),
        (Abort, 0, vec![]),
    ];
    assert_eq!(write, expected);
    let read = outs(&Operation::Read { address: 0x0800_0000, length: 20 });
    let pointer = (Dnload, 0, vec![0x21, 0x00, 0x00, 0x00, 0x08]);
    let abort = (Abort, 0, vec![]);
    assert_eq!(read, [pointer, abort.clone(), (Upload, 2, vec![]), (Upload, 3, vec![]), abort.clone()]);
    // No size, and least significant byte first (AN2606).
    let special = outs(&Operation::Special(Special::Provision { request: 0x2005_C060 }));
    assert_eq!(special, [(Dnload, 0, vec![0x83, 0x60, 0xC0, 0x05, 0x20]), abort]);
}

#[test]
fn setup_packets_and_reports_are_those_of_dfu_1_1() {
    let setup = Setup { request: Request::Upload, value: 2, index: 0, length: 1024 };
    let bytes = [0xA1, 2, 2, 0, 0, 0, 0, 4];
    assert_eq!(setup.to_bytes(), bytes);
    assert_eq!(Setup::from_bytes(bytes), Some(setup));
    assert_eq!(Setup::from_bytes([0x21, 2, 2, 0, 0, 0, 0, 4]), None, "an upload is no transfer out");
    assert_eq!(Setup::from_bytes([0xA1, 7, 0, 0, 0, 0, 0, 0]), None);
    let report = StatusReport { status: Status::Ok, poll: Duration::from_millis(244), state: State::DnBusy };
    assert_eq!(report.to_bytes(), [0, 244, 0, 0, 4, 0]);
    assert_eq!(StatusReport::from_bytes(&[0, 244, 0, 0, 4, 0]), Some(report));
    for wrong in [&[0, 0, 0, 0, 2][..], &[0; 7], &[16, 0, 0, 0, 2, 0], &[0, 0, 0, 0, 11, 0]] {
        assert_eq!(StatusReport::from_bytes(wrong), None);
    }
}

#[test]
fn what_was_written_is_read_back_and_erased() {
    let (mut target, mut toy) = (Target::new(1024), Toy::default());
    let data: Vec<u8> = (0..3000u32).map(|n| (n * 7 % 251) as u8).collect();
    let mut run = |operation: &Operation| operate_on(&mut target, &mut toy, operation, 1024);
    let done = |data: &[u8]| Usb::Done { data: data.to_vec(), vanished: false };
    assert_eq!(run(&Operation::Write { address: FLASH + 64, data: data.clone() }), done(&[]));
    assert_eq!(run(&Operation::Read { address: FLASH + 64, length: 3000 }), done(&data));
    assert_eq!(run(&Operation::Commands), done(&[0x00, 0x21, 0x41]));
    assert_eq!(run(&Operation::EraseSector { address: FLASH + 100 }), done(&[]));
    assert_eq!(run(&Operation::Read { address: FLASH + 64, length: 8 }), done(&[0xFF; 8]));
    assert_eq!(run(&Operation::EraseAll), done(&[]));
    assert_eq!(toy.erased, [Erase::Sectors(vec![0]), Erase::All]);
}

#[test]
fn a_state_change_makes_the_device_vanish_and_that_is_no_failure() {
    let (mut target, mut toy) = (Target::new(1024), Toy::default());
    let state = Special::ProductState(ProductState::Provisioning);
    toy.answer = SpecialAnswer { status: vec![0], after: After::Resets { acknowledged: true }, ..Default::default() };
    let ended = operate_on(&mut target, &mut toy, &Operation::Special(state), 1024);
    assert_eq!(ended, Usb::Done { data: vec![], vanished: true });
    assert_eq!(toy.special, [state]);
}

#[test]
fn a_device_that_goes_while_flash_is_written_is_a_failure() {
    let (mut target, mut toy) = (Target::new(1024), Toy::default());
    let mut transfers = 0;
    let ended = operate(&Operation::Write { address: FLASH, data: vec![1; 32] }, 1024, |setup, data| {
        transfers += 1;
        (target.control(setup, data, &mut toy).ok().map(|(bytes, _)| bytes), transfers == 4)
    });
    assert_eq!(ended, Usb::Stalled);
}

#[test]
fn errors_are_reported_and_cleared_by_the_next_operation() {
    let (mut target, mut toy) = (Target::new(1024), Toy::default());
    let wrong = Operation::Read { address: 0x9000_0000, length: 16 };
    let ended = operate_on(&mut target, &mut toy, &wrong, 1024);
    assert!(matches!(ended, Usb::Failed(ref error) if error.code() == "dfu-reported"), "{ended:?}");
    assert_eq!(target.state(), State::Error);
    let read = Operation::Read { address: FLASH, length: 16 };
    assert_eq!(operate_on(&mut target, &mut toy, &read, 1024), Usb::Done { data: vec![0xFF; 16], vanished: false });
    toy.closed = true;
    assert_eq!(operate_on(&mut target, &mut toy, &read, 1024), Usb::Stalled);
}

#[test]
fn what_another_host_left_half_way_is_not_begun() {
    let (mut target, mut toy) = (Target::new(1024), Toy::default());
    // Erase everything: GET_STATUS would begin it.
    let erase = Setup { request: Request::Dnload, value: 0, index: 0, length: 1 };
    assert_eq!(target.control(erase, &[0x41], &mut toy), Ok((vec![], After::Stays)));
    assert_eq!(target.state(), State::DnloadSync);
    let read = Operation::Read { address: FLASH, length: 16 };
    assert_eq!(operate_on(&mut target, &mut toy, &read, 1024), Usb::Done { data: vec![0xFF; 16], vanished: false });
    assert!(toy.erased.is_empty());
}

#[test]
fn leaving_by_an_empty_download_locks_the_core_up() {
    let (mut target, mut toy) = (Target::new(1024), Toy::default());
    let leave = Setup { request: Request::Dnload, value: 2, index: 0, length: 0 };
    let ask = Setup { request: Request::GetStatus, value: 0, index: 0, length: 6 };
    assert_eq!(target.control(leave, &[], &mut toy), Ok((vec![], After::Stays)));
    assert_eq!(target.control(ask, &[], &mut toy), Ok((vec![0, 0, 0, 0, 7, 0], After::LocksUp)));
}

#[test]
fn a_memory_map_that_is_none_says_where() {
    use LayoutError::{Address, NotDfuSe, Segment};
    for (text, error) in [
        ("", NotDfuSe),
        ("@/0", Segment { at: 3 }),
        ("@Flash/x/1*1 g", Address { at: 7 }),
        ("@é/0/1*1 g,1", Segment { at: 11 }),
    ] {
        assert_eq!(MemoryLayout::parse(text).err(), Some(error), "{text}");
    }
}
