//! Peers that lie, babble, or never finish: the host ends with an error that has a code, and in bounded time.

use std::time::Duration;

use provost_bootloader::{
    an3155::{Get, GetId, Read, SpecialCommand},
    dfu::{self, Operation, Request},
    special::Special,
};

use crate::toy::{Usb, drive, operate};

#[test]
fn a_serial_peer_that_lies_is_named() {
    let error = |answer: &'static [u8]| drive(GetId, 1, |_| answer.to_vec()).unwrap_err().code();
    assert_eq!(error(&[]), "boot-silent");
    assert_eq!(error(&[0x79]), "boot-silent");
    assert_eq!(error(&[0x1F]), "boot-refused");
    assert_eq!(error(&[0x55]), "boot-garbled");
    assert_eq!(error(&[0x79, 0x01, 0x04, 0x84, 0x00]), "boot-garbled");
    assert_eq!(error(&[0x79, 0x02, 0x04, 0x84, 0x00, 0x79]), "boot-length");
    assert_eq!(error(&[0x79, 0x00, 0x04, 0x79]), "boot-length");
    let surplus = drive(GetId, usize::MAX, |_| vec![0x79, 0x01, 0x04, 0x84, 0x79, 0x79]).unwrap_err();
    assert_eq!(surplus.code(), "boot-surplus");
    // It says 256 bytes and gives 3.
    assert_eq!(drive(Get, 1, |_| vec![0x79, 0xFF, 1, 2, 3]).unwrap_err().code(), "boot-silent");
    let read = Read { address: 0x0800_0000, length: 4 };
    assert_eq!(drive(read, 8, |_| vec![0x79; 40]).unwrap_err().code(), "boot-surplus");
}

#[test]
fn an_answer_to_a_special_command_is_bounded() {
    let mut turn = 0;
    let error = drive(SpecialCommand(Special::Reset), usize::MAX, |_| {
        turn += 1;
        if turn < 3 { vec![0x79] } else { vec![0x79, 0xFF, 0xFF] }
    });
    assert_eq!(error.unwrap_err().code(), "boot-length");
}

#[test]
fn an_endlessly_busy_device_is_given_up() {
    for poll in [0u32, 1, 244, 0xFF_FFFF] {
        let [a, b, c, _] = poll.to_le_bytes();
        let mut exchange = dfu::Exchange::new(&Operation::EraseAll, 0, 1024).unwrap();
        let (mut first, mut waited) = (true, Duration::ZERO);
        let code = loop {
            match exchange.step() {
                dfu::Step::Out(..) => exchange.sent(),
                dfu::Step::In(_) => {
                    let state = if std::mem::take(&mut first) { 2 } else { 4 };
                    if let Err(error) = exchange.received(&[0, a, b, c, state, 0]) {
                        break error.code();
                    }
                }
                dfu::Step::Wait(time) => waited += time,
                dfu::Step::Done { .. } => panic!("done, and it never was"),
            }
        };
        assert_eq!(code, "dfu-busy", "{poll}");
        assert!(waited <= Duration::from_secs(31), "{waited:?}");
    }
}

#[test]
fn a_usb_peer_that_lies_is_named() {
    let read = Operation::Read { address: 0x0800_0000, length: 16 };
    let ended = |status: &'static [u8], upload: usize| {
        let mut state = 2;
        operate(&read, 1024, |setup, _| {
            match setup.request {
                Request::Dnload => state = 5,
                Request::Abort => state = 2,
                _ => {}
            }
            let answer = match setup.request {
                Request::GetStatus if status.is_empty() => vec![0, 0, 0, 0, state, 0],
                Request::GetStatus => status.to_vec(),
                Request::Upload => vec![0; upload],
                _ => vec![],
            };
            (Some(answer), false)
        })
    };
    let code = |ended| match ended {
        Usb::Failed(error) => error.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(ended(&[0, 0, 0, 0, 2], 16)), "dfu-no-status");
    assert_eq!(code(ended(&[0x77, 0, 0, 0, 2, 0], 16)), "dfu-no-status");
    assert_eq!(code(ended(&[0, 0, 0, 0, 0, 0], 16)), "dfu-state");
    assert_eq!(code(ended(&[0x0E, 0, 0, 0, 10, 0], 16)), "dfu-state", "an error that clearing does not clear");
    assert_eq!(code(ended(&[], 15)), "dfu-length");
    assert_eq!(code(ended(&[], 17)), "dfu-length");
}
