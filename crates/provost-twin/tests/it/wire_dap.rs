//! Debug port and access port registers, through the wire.

use crate::wire_toy;

use provost_twin::wire::dap::{Access, Size};
use wire_toy::{AP_BASE, AP_IDR, Ack, HOLE, Host, TARGETID};

const NONSECURE: u32 = 1 << 30;

#[test]
fn banked_dp_registers() {
    let mut host = Host::connected();
    for (bank, value) in [(1, 0x40), (2, TARGETID), (3, 1), (4, 0), (0xF, 0)] {
        host.write_dp(0x8, bank);
        assert_eq!(host.read_dp(0x4).data, value, "bank {bank}");
        assert_eq!(host.read_dpidr().data, wire_toy::DPIDR);
    }
    // A line reset goes back to bank 0.
    host.line_reset();
    host.read_dpidr();
    assert_eq!(host.ctrl_stat() >> 28, 0xF);
}

#[test]
fn power_requests_are_acknowledged() {
    let mut host = Host::new();
    host.connect();
    for (request, seen) in [(0x1000_0000, 0x3000_0000), (0x4000_0000, 0xC000_0000), (0x5000_0000, 0xF000_0000), (0, 0)]
    {
        host.write_dp(0x4, request);
        assert_eq!(host.ctrl_stat() & 0xF000_0000, seen);
    }
    assert_eq!(host.dp.bus().debug_power, [true, false, true, false]);
}

#[test]
fn a_minimal_dp_has_no_transfer_fields() {
    for (dpidr, seen) in [(0x6BA0_2477, 0x00FF_FF0D), (0x0BE1_2477, 0x0000_0001)] {
        let mut host = Host::new();
        host.dp.bus_mut().dpidr = dpidr;
        assert_eq!(host.connect(), dpidr);
        host.overrun_detect = true; // from this write on
        host.packet(0xA9, Some(0x00FF_FFFF)); // twenty-four ones, parity 0
        assert_eq!(host.ctrl_stat(), seen);
    }
}

#[test]
fn ap_accesses_need_debug_power() {
    let mut host = Host::new();
    host.connect();
    assert_eq!(host.read_ap(0xC).ack, Ack::Ok);
    assert_eq!(host.read_dp(0xC).ack, Ack::Fault);
    host.clear_errors();
    host.power_up();
    assert_eq!(host.ap(0, 0xFC), AP_IDR[0]);
}

#[test]
fn identification_of_present_and_absent_ports() {
    let mut host = Host::connected();
    for ap in [0, 1] {
        assert_eq!(host.ap(ap, 0xFC), AP_IDR[usize::from(ap)]);
        assert_eq!(host.ap(ap, 0xF8), AP_BASE[usize::from(ap)]);
        assert_eq!(host.ap(ap, 0xF4), 0, "CFG");
    }
    // As an STM32H563 shows them, with size and increment bits masked: 0x80000040, 0xC3800040.
    assert_eq!(host.ap(0, 0x00) & !0x37, 0x8000_0040);
    assert_eq!(host.ap(1, 0x00) & !0x37, 0xC380_0040);
    for ap in [2, 3, 4, 255] {
        host.set_ap(ap, 0x04, 0x1234);
        for register in [0x00, 0x04, 0x0C, 0xF8, 0xFC] {
            assert_eq!(host.ap(ap, register), 0, "AP{ap} register {register:#x}");
        }
    }
    assert_eq!(host.dp.bus().log, []);
}

#[test]
fn a_disabled_port_can_be_identified_but_not_used() {
    let mut host = Host::connected();
    host.dp.bus_mut().ap1_enabled = false;
    assert_eq!(host.ap(1, 0xFC), AP_IDR[1]);
    assert_eq!(host.ap(1, 0x00) & 0x40, 0, "DeviceEn");
    host.set_ap(1, 0x04, 0x0800_0008);
    for access in [0x0C, 0x10] {
        host.write_dp(0x8, 1 << 24 | access & 0xF0);
        assert_eq!(host.read_ap(access as u8 & 0xC).ack, Ack::Ok, "posted");
        assert_eq!(host.read_dp(0xC).ack, Ack::Fault);
        assert_eq!(host.ctrl_stat() & 0xB2, 0x20, "STICKYERR");
        host.clear_errors();
    }
    assert_eq!(host.dp.bus().log, []);
    assert_eq!(host.ap(0, 0xFC), AP_IDR[0]);
}

#[test]
fn ap_reads_are_posted() {
    let mut host = Host::connected();
    host.set_ap(1, 0x00, NONSECURE | 0x12); // word, single increment
    host.set_ap(1, 0x04, 0x0800_0008);
    host.read_ap(0xC);
    assert_eq!(host.read_ap(0xC).data, 0xDEAD_BEEF);
    assert_eq!(host.read_dp(0x8).data, 0xDEAD_BEEF, "RESEND repeats the last answer");
    assert_eq!(host.read_dp(0xC).data, 0xCAFE_F00D);
    assert_eq!(host.read_dp(0x8).data, 0xCAFE_F00D);
    assert_eq!(host.dp.bus().log.len(), 2);
    assert_eq!(host.ctrl_stat() & 0x40, 0x40, "READOK");
}

#[test]
fn a_failed_access_faults_the_following_ones() {
    let mut host = Host::connected();
    host.set_ap(1, 0x00, NONSECURE | 0x12);
    host.set_ap(1, 0x04, HOLE);
    assert_eq!(host.write_ap(0xC, 1).ack, Ack::Ok, "the failure is not known yet");
    for _ in 0..2 {
        assert_eq!(host.read_ap(0x4).ack, Ack::Fault);
        assert_eq!(host.write_ap(0xC, 2).ack, Ack::Fault);
        assert_eq!(host.read_dp(0xC).ack, Ack::Fault);
        assert_eq!(host.write_dp(0x8, 0).ack, Ack::Fault);
        assert_eq!(host.write_dp(0x4, 0).ack, Ack::Fault);
        assert_eq!(host.read_dpidr().ack, Ack::Ok);
        assert_eq!(host.ctrl_stat() & 0x20, 0x20);
    }
    assert_eq!(host.dp.bus().log.len(), 1);
    host.write_dp(0x0, 1 << 2);
    assert_eq!(host.ctrl_stat() & 0x20, 0);
    assert_eq!(host.ap(1, 0x04), HOLE, "a failed access does not increment TAR");
}

#[test]
fn with_overrun_detection_the_data_phase_always_takes_place() {
    let mut host = Host::connected();
    host.overrun_detect = true;
    host.write_dp(0x4, 0x5000_0001);
    host.set_ap(1, 0x04, HOLE);
    host.write_ap(0xC, 1);
    let reply = host.read_ap(0xC);
    assert_eq!((reply.ack, reply.data, reply.parity_ok), (Ack::Fault, 0, true));
    // The data of this write must not be taken for requests.
    assert_eq!(host.write_ap(0x4, 0xA5A5_A5A5).ack, Ack::Fault);
    assert_eq!(host.read_dpidr().ack, Ack::Ok);
    host.clear_errors();
    assert_eq!(host.ap(1, 0x04), HOLE);
}

#[test]
fn narrow_accesses_use_their_byte_lanes() {
    let mut host = Host::connected();
    host.dp.bus_mut().poke(1, 0x2000_0000, 0x4433_2211);
    for (size, addresses) in [(0, vec![0, 1, 2, 3]), (1, vec![0, 2])] {
        host.set_ap(1, 0x00, NONSECURE | size | 0x10);
        for offset in addresses {
            let mask = if size == 0 { 0xFF } else { 0xFFFF } << (8 * offset);
            host.set_ap(1, 0x04, 0x2000_0000 + offset);
            assert_eq!(host.ap(1, 0x0C), 0x4433_2211 & mask);
            host.set_ap(1, 0x04, 0x2000_0010 + offset);
            host.set_ap(1, 0x0C, 0xDDCC_BBAA);
            assert_eq!(host.dp.bus().peek(1, 0x2000_0010) & mask, 0xDDCC_BBAA & mask);
            assert_eq!(host.ap(1, 0x04), 0x2000_0010 + offset + (1 << size), "TAR");
        }
        assert_eq!(host.dp.bus().peek(1, 0x2000_0010), 0xDDCC_BBAA);
        host.dp.bus_mut().poke(1, 0x2000_0010, 0);
    }
}

#[test]
fn tar_wraps_at_a_kilobyte() {
    let mut host = Host::connected();
    host.set_ap(1, 0x00, NONSECURE | 0x12);
    host.set_ap(1, 0x04, 0x2000_07FC);
    host.set_ap(1, 0x0C, 1);
    assert_eq!(host.ap(1, 0x04), 0x2000_0400);
    // Packed transfers are not offered; without increment TAR stays.
    host.set_ap(1, 0x00, NONSECURE | 0x22);
    assert_eq!(host.ap(1, 0x00) & 0x37, 0x02);
    host.set_ap(1, 0x0C, 2);
    assert_eq!(host.ap(1, 0x04), 0x2000_0400);
}

#[test]
fn banked_data_registers_cover_sixteen_bytes() {
    let mut host = Host::connected();
    host.set_ap(1, 0x00, NONSECURE | 0x10); // byte size: banked registers move words all the same
    host.set_ap(1, 0x04, 0x2000_0024);
    for i in 0..4 {
        host.set_ap(1, 0x10 + 4 * i, 0x1111_1111 * u32::from(i));
        assert_eq!(host.ap(1, 0x10 + 4 * i), 0x1111_1111 * u32::from(i));
    }
    for i in 0..4 {
        assert_eq!(host.dp.bus().peek(1, 0x2000_0020 + 4 * i), 0x1111_1111 * i);
    }
    assert_eq!(host.ap(1, 0x04), 0x2000_0024);
}

#[test]
fn the_security_of_an_access_follows_hnonsec_on_the_ahb_only() {
    let mut host = Host::connected();
    for (ap, csw, secure) in [(1, NONSECURE, false), (1, 0x0B00_0000, true), (0, 0, false), (0, NONSECURE, false)] {
        host.set_ap(ap, 0x00, csw | 2);
        host.set_ap(ap, 0x04, 0x40);
        host.set_ap(ap, 0x0C, 7);
        let expected = Access { ap, address: 0x40, size: Size::Word, secure };
        assert_eq!(host.dp.bus().log.last(), Some(&(expected, Some(7))));
    }
}

#[test]
fn the_apb_port_moves_words_only() {
    let mut host = Host::connected();
    host.set_ap(0, 0x00, 0);
    assert_eq!(host.ap(0, 0x00) & 7, 2);
    host.set_ap(0, 0x04, 0xE004_4001);
    assert_eq!(host.ap(0, 0x0C), 0x1001_6484);
}

#[test]
fn without_debug_power_the_access_ports_forget() {
    let mut host = Host::connected();
    host.set_ap(1, 0x04, 0x2000_0000);
    host.write_dp(0x4, 0);
    host.power_up();
    assert_eq!(host.ap(1, 0x04), 0);
}
