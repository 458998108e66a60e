//! The SWD port bit by bit: packets, turnaround, line reset, and the switches between protocols.

use crate::wire_toy;

use provost_twin::wire::{dap::Request, swd::Mode};
use wire_toy::{Ack, DPIDR, Host, TARGETID};

const ALERT: u128 = 0x19BC_0EA2_E3DD_AFE9_8685_2D95_6209_F392;

#[test]
fn request_bytes_are_those_every_probe_firmware_uses() {
    // Published constants of SWD hosts: DPIDR read, ABORT, CTRL/STAT and SELECT write, RDBUFF read, TARGETSEL, AP DRW.
    for (packet, ap, read, address) in [
        (0xA5, false, true, 0x0),
        (0x81, false, false, 0x0),
        (0x8D, false, true, 0x4),
        (0xA9, false, false, 0x4),
        (0xB1, false, false, 0x8),
        (0xBD, false, true, 0xC),
        (0x99, false, false, 0xC),
        (0x9F, true, true, 0xC),
        (0xBB, true, false, 0xC),
        (0x87, true, true, 0x0),
    ] {
        let request = Request { ap, read, address };
        assert_eq!(request.packet(), packet, "{request:?}");
        assert_eq!(Request::parse(packet), Some(request));
    }
    assert_eq!((0..=255).filter(|packet| Request::parse(*packet).is_some()).count(), 16);
}

#[test]
fn a_read_drives_exactly_the_clocks_of_acknowledgement_and_data() {
    let mut host = Host::new();
    host.connect();
    let mut driven = Vec::new();
    for i in 0..46 {
        let bit = if i < 8 { host.dp.clock(Some(0xA5 >> i & 1 == 1)) } else { host.dp.clock(None) };
        driven.push(bit);
    }
    let expected: Vec<_> = (0..46)
        .map(|edge| match edge {
            8 => Some(true),
            9 | 10 => Some(false),
            11..43 => Some(DPIDR >> (edge - 11) & 1 == 1),
            // 0x6BA02477 has sixteen ones.
            43 => Some(DPIDR.count_ones() % 2 == 1),
            _ => None,
        })
        .collect();
    assert_eq!(driven, expected);
    // The next request may follow at once.
    assert_eq!(host.read_dpidr().data, DPIDR);
}

#[test]
fn powers_up_in_jtag_and_answers_only_after_the_switch() {
    let mut host = Host::new();
    host.line_reset();
    assert_eq!(host.read_dpidr().ack, Ack::Silence);
    assert_eq!(host.dp.mode(), Mode::Jtag);
    host.ones(50);
    host.send(0xE79E, 16);
    assert_eq!(host.dp.mode(), Mode::Swd);
    // Selected, but silent until a line reset.
    host.idle(8);
    assert_eq!(host.read_dpidr().ack, Ack::Silence);
    host.line_reset();
    assert_eq!(host.read_dpidr().data, DPIDR);
}

#[test]
fn the_switch_needs_a_line_reset_before_it() {
    let mut host = Host::new();
    host.ones(49);
    host.send(0xE79E, 16);
    assert_eq!(host.dp.mode(), Mode::Jtag);
}

#[test]
fn a_line_reset_takes_fifty_ones_and_two_idle_clocks() {
    let mut host = Host::connected();
    host.send(0b1, 1); // a start bit, then nonsense: stop bit high
    host.send(0xFF, 7);
    assert_eq!(host.read_dpidr().ack, Ack::Silence);

    host.idle(1);
    host.ones(49);
    host.idle(2);
    assert_eq!(host.read_dpidr().ack, Ack::Silence, "49 ones");

    host.idle(1);
    host.ones(50);
    host.idle(1);
    assert_eq!(host.read_dpidr().ack, Ack::Silence, "one idle clock");

    host.idle(1);
    host.ones(50);
    host.idle(2);
    assert_eq!(host.read_dpidr().ack, Ack::Ok);
}

#[test]
fn after_a_line_reset_dpidr_comes_first() {
    let mut host = Host::connected();
    host.line_reset();
    assert_eq!(host.read_dp(0x4).ack, Ack::Silence);
    assert_eq!(host.read_dpidr().ack, Ack::Silence, "silent until the next line reset");
    host.line_reset();
    assert_eq!(host.read_dpidr().ack, Ack::Ok);
    assert_eq!(host.read_dp(0x4).ack, Ack::Ok);
}

#[test]
fn malformed_requests_silence_the_target() {
    // Parity, stop and park bit of a DPIDR read.
    for wrong in [0xA5 ^ 0x20, 0xA5 ^ 0x40, 0xA5 ^ 0x80] {
        let mut host = Host::connected();
        assert_eq!(host.packet(wrong, None).ack, Ack::Silence, "{wrong:#x}");
        host.idle(8);
        assert_eq!(host.read_dpidr().ack, Ack::Silence, "{wrong:#x}");
        host.line_reset();
        assert_eq!(host.read_dpidr().data, DPIDR, "{wrong:#x}");
    }
}

#[test]
fn write_data_with_wrong_parity_is_not_written() {
    let mut host = Host::connected();
    host.set_ap(1, 0x04, 0x2000_0000);
    assert_eq!(host.packet(0x8B, Some(0x1234_5678)).ack, Ack::Ok); // TAR; thirteen ones, so bit 32 should be set
    assert_eq!(host.ctrl_stat() & 0xBF, 0x80, "WDATAERR");
    assert_eq!(host.read_ap(0x4).ack, Ack::Fault);
    // STKERRCLR does not clear it, WDERRCLR does.
    host.write_dp(0x0, 1 << 2);
    assert_eq!(host.read_dp(0xC).ack, Ack::Fault);
    host.write_dp(0x0, 1 << 3);
    assert_eq!(host.ap(1, 0x04), 0x2000_0000);
}

#[test]
fn longer_turnarounds() {
    for turnaround in 1..=4 {
        let mut host = Host::connected();
        host.write_dp(0x8, 1); // DPBANKSEL 1: DLCR
        assert_eq!(host.read_dp(0x4).data, 0x40);
        assert_eq!(host.write_dp(0x4, (turnaround - 1) << 8 | 0x40).ack, Ack::Ok);
        host.turnaround = turnaround;
        assert_eq!(host.read_dp(0x4).data, (turnaround - 1) << 8 | 0x40);
        host.set_ap(1, 0x04, 0x0800_0008);
        assert_eq!(host.ap(1, 0x0C), 0xDEAD_BEEF);
        // Back to one with the line reset.
        host.turnaround = 1;
        host.line_reset();
        assert_eq!(host.read_dpidr().data, DPIDR);
    }
}

#[test]
fn swd_to_jtag_and_back() {
    let mut host = Host::connected();
    host.ones(50);
    host.send(0xE73C, 16);
    assert_eq!(host.dp.mode(), Mode::Jtag);
    host.line_reset();
    assert_eq!(host.read_dpidr().ack, Ack::Silence);
    assert_eq!(host.connect(), DPIDR);
}

#[test]
fn swd_to_dormant_and_back() {
    let mut host = Host::connected();
    host.ones(50);
    host.send(0xE3BC, 16);
    assert_eq!(host.dp.mode(), Mode::Dormant);
    host.ones(50);
    host.send(0xE79E, 16);
    assert_eq!(host.dp.mode(), Mode::Dormant, "deaf to everything but the selection alert");
    host.ones(8);
    host.send(ALERT ^ 1 << 77, 128);
    host.send(0x1A0, 12);
    assert_eq!(host.dp.mode(), Mode::Dormant, "one bit wrong");
    host.ones(8);
    host.send(ALERT, 128);
    host.send(0x1A0, 12);
    assert_eq!(host.dp.mode(), Mode::Swd);
    host.line_reset();
    assert_eq!(host.read_dpidr().data, DPIDR);
}

#[test]
fn jtag_to_dormant_to_jtag() {
    let mut host = Host::new();
    host.ones(8);
    host.send(0x33BB_BBBA, 31);
    assert_eq!(host.dp.mode(), Mode::Dormant);
    host.ones(8);
    host.send(ALERT, 128);
    host.send(0x0A0, 12);
    assert_eq!(host.dp.mode(), Mode::Jtag);
    host.ones(8);
    host.send(0x33BB_BBBA, 31);
    host.ones(8);
    host.send(ALERT, 128);
    host.send(0x550, 12); // no protocol of ours
    assert_eq!(host.dp.mode(), Mode::Dormant);
}

#[test]
fn multi_drop_selects_by_targetid() {
    let mut host = Host::connected();
    for (targetsel, selected) in
        [(TARGETID, true), (TARGETID ^ 0x1000, false), (TARGETID | 1 << 28, false), (TARGETID ^ 1 << 5, false)]
    {
        host.line_reset();
        // Not acknowledged; whether the host drives the line meanwhile is its affair (probe-rs does, OpenOCD does not).
        let parity = u128::from(targetsel.count_ones() % 2);
        host.send(0x1F99 | u128::from(targetsel) << 13 | parity << 45, 48);
        let reply = host.read_dpidr();
        assert_eq!(reply.ack == Ack::Ok, selected, "{targetsel:#x}");
    }
    host.line_reset();
    assert_eq!(host.read_dpidr().ack, Ack::Ok, "a line reset selects everyone");
    assert_eq!(host.packet(0x99, Some(TARGETID.into())).ack, Ack::Silence, "only straight after a line reset");
    assert_eq!(host.read_dpidr().ack, Ack::Silence);
}

#[test]
fn a_host_that_died_in_the_middle_of_a_read_gets_its_line_reset() {
    for clocks in 0..46 {
        let mut host = Host::connected();
        for i in 0..clocks {
            host.dp.clock(if i < 8 { Some(0xA5 >> i & 1 == 1) } else { None });
        }
        host.line_reset();
        assert_eq!(host.read_dpidr().data, DPIDR, "after {clocks} clocks");
    }
}

#[test]
fn without_supply_nothing_drives_and_nothing_is_remembered() {
    let mut host = Host::connected();
    host.dp.bus_mut().powered = false;
    assert_eq!(host.read_dpidr().ack, Ack::Silence);
    host.dp.bus_mut().powered = true;
    host.line_reset();
    assert_eq!(host.read_dpidr().ack, Ack::Silence, "back in JTAG");
    assert_eq!(host.connect(), DPIDR);
    assert_eq!(host.ctrl_stat() & 0xF000_0000, 0);
    assert_eq!(host.dp.bus().debug_power, [true, false]);
}

#[test]
fn every_clock_reaches_the_chip_as_time() {
    let mut host = Host::connected();
    host.idle(10_000);
    assert!(host.dp.bus().elapsed + 4096 >= host.dp.stats().clocks);
    host.dp.bus_mut();
    assert_eq!(host.dp.bus().elapsed, host.dp.stats().clocks);
}
