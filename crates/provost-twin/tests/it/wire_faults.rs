//! Every kind of injected fault, at the transaction it was planned for.

use crate::wire_toy;

use provost_twin::wire::faults::Fault;
use wire_toy::{Ack, DPIDR, Host};

/// A connected host, and the index of its next transaction.
fn host() -> (Host, u64) {
    let mut host = Host::connected();
    host.set_ap(1, 0x00, 0x4300_0012);
    host.set_ap(1, 0x04, 0x2000_0000);
    let next = host.dp.stats().transactions;
    (host, next)
}

#[test]
fn transactions_are_counted_from_zero() {
    let mut host = Host::new();
    assert_eq!(host.dp.stats().transactions, 0);
    host.connect(); // DPIDR
    host.power_up();
    host.ap(1, 0xFC); // SELECT, read, RDBUFF
    host.packet(0xFF, None);
    let stats = host.dp.stats();
    assert_eq!((stats.transactions, stats.reads, stats.writes, stats.ap_accesses), (5, 3, 2, 1));
    assert_eq!((stats.waits, stats.faults, stats.protocol_errors, stats.line_resets), (0, 0, 1, 1));
    let connect = 50 + 16 + 50 + 2;
    assert_eq!(stats.clocks, connect + 5 * 46 + 13);
}

#[test]
fn wait_lasts_as_long_as_planned() {
    let (mut host, next) = host();
    host.dp.faults_mut().at(next, Fault::Wait(3));
    for _ in 0..2 {
        assert_eq!(host.write_ap(0xC, 7).ack, Ack::Wait);
    }
    // These may never wait, and do not use up the plan.
    assert_eq!(host.read_dpidr().ack, Ack::Ok);
    assert_eq!(host.ctrl_stat() & 0x3F, 0, "no overrun without overrun detection");
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Wait);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Ok);
    assert_eq!(host.dp.stats().waits, 3);
    assert_eq!(host.dp.bus().log.len(), 1);
}

#[test]
fn wait_with_overrun_detection_refuses_what_follows() {
    let (mut host, next) = host();
    host.overrun_detect = true;
    host.write_dp(0x4, 0x5000_0001);
    host.dp.faults_mut().at(next + 1, Fault::Wait(1));
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Wait);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Fault);
    assert_eq!(host.ctrl_stat() & 0xBF, 0x03, "STICKYORUN, ORUNDETECT");
    host.write_dp(0x0, 1 << 4);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Ok);
    assert_eq!(host.dp.bus().log.len(), 1);
}

#[test]
fn fault_looks_like_a_failed_access() {
    let (mut host, next) = host();
    host.dp.faults_mut().at(next, Fault::Fault).at(next + 4, Fault::Fault);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Fault);
    assert_eq!(host.ctrl_stat() & 0x20, 0x20);
    host.clear_errors();
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Ok);
    assert_eq!(host.read_dpidr().ack, Ack::Ok, "never answered FAULT");
    assert_eq!(host.read_dp(0xC).ack, Ack::Fault);
    assert_eq!(host.dp.stats().faults, 2);
}

#[test]
fn no_ack_lasts_until_a_line_reset() {
    let (mut host, next) = host();
    host.dp.faults_mut().at(next, Fault::NoAck);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Silence);
    host.idle(2);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Silence);
    host.line_reset();
    assert_eq!(host.read_dpidr().data, DPIDR);
    assert_eq!(host.write_ap(0xC, 7).ack, Ack::Ok);
    assert_eq!(host.dp.bus().log.len(), 1);
}

#[test]
fn read_parity() {
    let (mut host, next) = host();
    host.dp.faults_mut().at(next, Fault::ReadParity);
    let reply = host.read_dpidr();
    assert_eq!((reply.ack, reply.data, reply.parity_ok), (Ack::Ok, DPIDR, false));
    assert!(host.read_dpidr().parity_ok);
}

#[test]
fn power_cut_before_and_after_an_access() {
    for (fault, ack, done) in [(Fault::PowerCutBefore, Ack::Silence, 0), (Fault::PowerCutAfter, Ack::Ok, 7)] {
        let (mut host, next) = host();
        host.dp.faults_mut().at(next, fault);
        assert_eq!(host.write_ap(0xC, 7).ack, ack);
        assert!(!host.dp.bus().powered);
        assert_eq!(host.dp.bus().peek(1, 0x2000_0000), done);
        assert_eq!(host.dp.stats().transactions, next + 1);
        host.line_reset();
        assert_eq!(host.read_dpidr().ack, Ack::Silence);
        assert_eq!(host.dp.stats().transactions, next + 1, "no supply, no transaction");
        host.dp.bus_mut().powered = true;
        assert_eq!(host.connect(), DPIDR);
    }
    // A read delivers its data before the supply goes away.
    let (mut host, next) = host();
    host.dp.faults_mut().at(next, Fault::PowerCutAfter);
    assert_eq!(host.read_dpidr().data, DPIDR);
    assert!(!host.dp.bus().powered);
}

#[test]
fn a_hook_sees_every_index_and_plans_go_first() {
    let (mut host, next) = host();
    let (seen, indices) = std::sync::mpsc::channel();
    host.dp
        .faults_mut()
        .hook(move |index| {
            let _ = seen.send(index);
            if index == next + 1 { Fault::NoAck } else { Fault::None }
        })
        .at(next + 2, Fault::ReadParity);
    assert_eq!(host.read_dpidr().ack, Ack::Ok);
    assert_eq!(host.read_dpidr().ack, Ack::Silence);
    host.line_reset();
    assert!(!host.read_dpidr().parity_ok);
    assert!(host.read_dpidr().parity_ok);
    assert_eq!(indices.try_iter().collect::<Vec<_>>(), [next, next + 1, next + 3]);
    host.dp.faults_mut().clear();
    host.read_dpidr();
    assert_eq!(indices.try_iter().count(), 0);
}
