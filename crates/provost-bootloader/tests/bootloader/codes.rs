//! Codes of errors: listed, different, and each with a text.

use std::time::Duration;

use provost_bootloader::{
    an3155::{HostError, Phase},
    dfu::{DfuError, LayoutError, Request, State, Status},
};

#[test]
fn every_error_says_its_code_and_something_measured() {
    let (command, phase) = ("Get", Phase::Answer);
    let serial = [
        HostError::Silent { command, phase, waited: Duration::from_millis(7) },
        HostError::Refused { command, phase },
        HostError::Garbled { command, phase, byte: 0x55 },
        HostError::Length { command, found: 300, allowed: 128 },
        HostError::Surplus { command, extra: 2 },
        HostError::TooMuch { command, length: 300, allowed: 256 },
        HostError::Unaligned { address: 0x0800_0001, length: 3 },
        HostError::NotServed { command, opcode: 0x92 },
    ];
    let codes: Vec<&str> = serial.iter().map(HostError::code).collect();
    assert_eq!(codes, HostError::CODES);
    let usb = [
        DfuError::Argument { address: 1, length: 2, transfer: 0 },
        DfuError::NoStatus { length: 5 },
        DfuError::Reported { status: Status::ErrErase, state: State::Error },
        DfuError::State { state: State::AppIdle },
        DfuError::Busy { waited: Duration::from_secs(5) },
        DfuError::Stalled { request: Request::Upload },
        DfuError::NotServed { what: "erase one bank" },
        DfuError::Length { wanted: 1024, found: 3 },
    ];
    assert_eq!(usb.iter().map(DfuError::code).collect::<Vec<_>>(), DfuError::CODES);
    let texts = serial.iter().map(ToString::to_string).chain(usb.iter().map(ToString::to_string));
    assert!(texts.into_iter().all(|text| text.len() > 10));
    assert!(LayoutError::CODES.contains(&LayoutError::TooLarge { address: 0 }.code()));
}
