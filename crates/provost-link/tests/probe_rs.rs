//! The wire through real probe-rs, down to a toy target: what reaches the chip, and what does not.

// Clippy excuses only test functions themselves, not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod toy;

use std::time::{Duration, Instant};

use probe_rs::probe::Probe;
use provost_link::{
    Ap, ApRegister, Capabilities, Clock, DpRead, LinkError, MemAp, MemApCache, Nrst, ProbeInfo, ProbeRsWire, Security,
    SwdWire,
};
use toy::bits::BitProbe;
use toy::registers::RegisterProbe;
use toy::{AP0_IDR, AP1_IDR, DPIDR, FAULTING, Shared, SharedClock};

const AP0: Ap = Ap(0);
const AP1: Ap = Ap(1);

/// The same wire through both kinds of probe.
fn wires() -> [(Shared, ProbeRsWire); 2] {
    let (a, b) = (Shared::new(), Shared::new());
    let clock = || Box::new(SharedClock::default());
    let info = || ProbeInfo::virtual_chip("toy");
    let registers = ProbeRsWire::new(Probe::new(RegisterProbe::new(&a)), info(), clock());
    let bits = ProbeRsWire::new(Probe::new(BitProbe::new(&b)), info(), clock());
    [(a, registers), (b, bits)]
}

fn attached() -> [(Shared, ProbeRsWire); 2] {
    wires().map(|(target, mut wire)| {
        wire.attach().unwrap();
        target.get().log.clear();
        (target, wire)
    })
}

fn bus<'a>(wire: &'a mut ProbeRsWire, cache: &'a mut MemApCache) -> MemAp<'a> {
    MemAp::new(wire, cache, AP1, Security::NonSecure)
}

#[test]
fn making_a_wire_does_nothing() {
    for (target, wire) in wires() {
        assert_eq!(target.get().packets, 0);
        drop(wire);
        assert_eq!(target.get().packets, 0);
        assert!(target.get().nrst.is_empty());
    }
}

#[test]
fn attach_powers_the_debug_port_and_touches_no_ap() {
    for (target, mut wire) in wires() {
        assert_eq!(wire.attach().unwrap().0, DPIDR);
        let target = target.get();
        assert!(target.powered());
        assert!(!target.log.iter().any(|access| access.contains("AP")), "{:?}", target.log);
        assert!(target.nrst.is_empty());
        assert!(wire.capabilities().contains(Capabilities::RAW_DP));
    }
}

#[test]
fn drop_leaves_the_debug_port_powered() {
    for (target, wire) in attached() {
        let packets = target.get().packets;
        drop(wire);
        assert_eq!(target.get().packets, packets);
        assert!(target.get().powered());
        assert!(target.get().log.is_empty());
        assert!(target.get().nrst.is_empty());
    }
}

#[test]
fn attaching_again_does_not_power_down_in_between() {
    for (target, mut wire) in attached() {
        wire.read_ap(AP1, ApRegister::IDR).unwrap();
        wire.attach().unwrap();
        assert!(!target.get().powered_down);
        assert_eq!(wire.read_ap(AP1, ApRegister::IDR).unwrap(), AP1_IDR);
        assert_eq!(wire.read_ap(AP0, ApRegister::IDR).unwrap(), AP0_IDR);
        assert_eq!(wire.stats().attaches, 2);
        assert_eq!(wire.stats().ap_reads, 3);
    }
}

#[test]
fn a_second_wire_finds_the_port_powered_and_keeps_it_so() {
    for (target, wire) in attached() {
        drop(wire);
        let probe = Probe::new(RegisterProbe::new(&target));
        let clock = Box::new(SharedClock::default());
        let mut wire = ProbeRsWire::new(probe, ProbeInfo::virtual_chip("toy"), clock);
        wire.attach().unwrap();
        assert!(target.get().powered() && !target.get().powered_down);
    }
}

#[test]
fn a_fault_is_reported_once_and_cleared() {
    for (target, mut wire) in attached() {
        let mut cache = MemApCache::default();
        target.get().memory.insert(0x2000_0000, 0xCAFE);
        let error = bus(&mut wire, &mut cache).read32(FAULTING).unwrap_err();
        assert_eq!(error.code(), "link-fault");
        assert!(!error.is_link_lost());
        assert_eq!(bus(&mut wire, &mut cache).read32(0x2000_0000).unwrap(), 0xCAFE);
        let error = bus(&mut wire, &mut cache).write_block32(FAULTING, &[1, 2, 3]).unwrap_err();
        assert_eq!(error.code(), "link-fault");
        assert_eq!(bus(&mut wire, &mut cache).read32(0x2000_0000).unwrap(), 0xCAFE);
    }
}

#[test]
fn a_fault_says_what_ctrl_stat_held() {
    let [(_, mut wire), _] = attached();
    let mut cache = MemApCache::default();
    match bus(&mut wire, &mut cache).read32(FAULTING).unwrap_err() {
        LinkError::Fault { ctrl_stat: Some(ctrl_stat), .. } => assert_ne!(ctrl_stat & 1 << 5, 0),
        other => panic!("{other:?}"),
    }
}

/// probe-rs remembers a selection whose write failed. The next access must not reach the AP selected before.
#[test]
fn a_fault_while_selecting_an_ap_does_not_misdirect_the_next_access() {
    for (target, mut wire) in attached() {
        for (before, ap, idr) in [(AP1, AP0, AP0_IDR), (AP0, AP1, AP1_IDR)] {
            wire.read_ap(before, ApRegister::IDR).unwrap();
            target.get().ctrl_stat |= 1 << 5;
            assert_eq!(wire.read_ap(ap, ApRegister::IDR).unwrap_err().code(), "link-fault");
            assert_eq!(wire.read_ap(ap, ApRegister::IDR).unwrap(), idr);
        }
    }
}

#[test]
fn a_fault_with_another_dp_bank_selected_is_cleared_too() {
    for (target, mut wire) in attached() {
        assert_eq!(wire.read_dp(DpRead::Targetid).unwrap(), 0x1484_0041);
        target.get().ctrl_stat |= 1 << 5;
        wire.read_ap(AP0, ApRegister::IDR).unwrap_err();
        assert_eq!(wire.read_dp(DpRead::Targetid).unwrap(), 0x1484_0041);
        assert_eq!(wire.read_ap(AP0, ApRegister::IDR).unwrap(), AP0_IDR);
        assert_ne!(wire.read_dp(DpRead::CtrlStat).unwrap() & 0xA000_0000, 0);
    }
}

#[test]
fn endless_wait_is_given_up_and_passes() {
    let [(target, mut wire), _] = attached();
    target.get().waits = 1;
    let error = wire.read_ap(AP1, ApRegister::IDR).unwrap_err();
    assert_eq!(error.code(), "link-wait");
    assert_eq!(wire.read_ap(AP1, ApRegister::IDR).unwrap(), AP1_IDR);
}

#[test]
fn a_lost_link_stays_lost_until_attached_again() {
    for (target, mut wire) in attached() {
        wire.read_ap(AP1, ApRegister::IDR).unwrap();
        target.get().power_cycle();
        let error = wire.read_ap(AP1, ApRegister::IDR).unwrap_err();
        assert_eq!(error.code(), "link-no-ack");
        assert!(error.is_link_lost());
        let packets = target.get().packets;
        let error = wire.read_ap(AP1, ApRegister::IDR).unwrap_err();
        assert_eq!(error.code(), "link-not-attached");
        assert_eq!(target.get().packets, packets);
        wire.attach().unwrap();
        assert!(target.get().powered());
        assert_eq!(wire.read_ap(AP1, ApRegister::IDR).unwrap(), AP1_IDR);
    }
}

#[test]
fn a_cache_survives_a_lost_link_without_harm() {
    for (target, mut wire) in attached() {
        let mut cache = MemApCache::default();
        target.get().memory.insert(0x2000_0004, 0xCAFE);
        bus(&mut wire, &mut cache).read32(0x2000_0000).unwrap();
        target.get().power_cycle();
        wire.attach().unwrap();
        assert_eq!(bus(&mut wire, &mut cache).read32(0x2000_0004).unwrap(), 0xCAFE);
    }
}

#[test]
fn a_dormant_port_is_woken() {
    for (target, mut wire) in wires() {
        target.get().sleep_dormant();
        assert_eq!(wire.attach().unwrap().0, DPIDR);
    }
}

#[test]
fn a_dead_chip_costs_no_wall_time() {
    let target = Shared::new();
    target.get().silent = true;
    let clock = SharedClock::default();
    let probe = Probe::new(BitProbe::new(&target));
    let mut wire = ProbeRsWire::new(probe, ProbeInfo::virtual_chip("toy"), Box::new(clock.clone()));
    let start = Instant::now();
    assert_eq!(wire.attach().unwrap_err().code(), "link-no-ack");
    assert!(start.elapsed() < Duration::from_millis(500));
    assert!(clock.now() > Duration::ZERO && clock.now() < Duration::from_secs(1));
    // And comes alive.
    target.get().silent = false;
    wire.attach().unwrap();
}

#[test]
fn nrst_reaches_the_pin_before_and_after_attach() {
    for (target, mut wire) in wires() {
        wire.set_nrst(Nrst::Asserted).unwrap();
        assert_eq!(target.get().packets, 0);
        wire.attach().unwrap();
        wire.set_nrst(Nrst::Asserted).unwrap();
        wire.set_nrst(Nrst::Released).unwrap();
        assert_eq!(target.get().nrst, [false, false, true]);
        assert_eq!(wire.stats().nrst_edges, 2);
    }
}

#[test]
fn a_probe_without_nrst_says_so() {
    for (target, mut wire) in attached() {
        target.get().has_nrst = false;
        assert!(wire.capabilities().contains(Capabilities::NRST_CONTROL));
        let error = wire.set_nrst(Nrst::Asserted).unwrap_err();
        assert_eq!(error.code(), "link-nrst-unsupported");
        assert!(!wire.capabilities().contains(Capabilities::NRST_CONTROL));
        assert_eq!(wire.stats().nrst_edges, 0);
        // Not a reason to lose the link.
        assert_eq!(wire.read_ap(AP0, ApRegister::IDR).unwrap(), AP0_IDR);
    }
}

#[test]
fn a_probe_that_is_pulled_out() {
    let target = Shared::new();
    let probe = RegisterProbe::new(&target);
    let unplugged = probe.unplugged.clone();
    let clock = Box::new(SharedClock::default());
    let mut wire = ProbeRsWire::new(Probe::new(probe), ProbeInfo::virtual_chip("toy"), clock);
    wire.attach().unwrap();
    unplugged.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = wire.read_ap(AP0, ApRegister::IDR).unwrap_err();
    assert_eq!(error.code(), "link-probe-lost");
    assert_eq!(wire.attach().unwrap_err().code(), "link-probe-lost");
    unplugged.store(false, std::sync::atomic::Ordering::Relaxed);
    wire.attach().unwrap();
}

#[test]
fn accesses_before_attach_are_refused() {
    for (target, mut wire) in wires() {
        assert_eq!(wire.read_ap(AP0, ApRegister::IDR).unwrap_err().code(), "link-not-attached");
        assert_eq!(wire.read_dp(DpRead::Dpidr).unwrap_err().code(), "link-not-attached");
        assert_eq!(target.get().packets, 0);
    }
}

/// What an access costs in SWD packets when probe-rs builds them (one RDBUFF read ends each AP read or write run).
#[test]
fn packets_per_access() {
    let [_, (target, mut wire)] = attached();
    let mut cache = MemApCache::default();
    bus(&mut wire, &mut cache).read32(0x2000_0000).unwrap();
    let mut cost = |run: &mut dyn FnMut(&mut MemAp<'_>) -> Result<(), LinkError>| {
        let before = target.get().packets;
        run(&mut bus(&mut wire, &mut cache)).unwrap();
        target.get().packets - before
    };
    assert_eq!(cost(&mut |bus| bus.read32(0x2000_0100).map(drop)), 4, "read32, new address");
    assert_eq!(cost(&mut |bus| bus.read32(0x2000_0104).map(drop)), 2, "read32, next address");
    assert_eq!(cost(&mut |bus| bus.write32(0x2000_0200, 1)), 4, "write32, new address");
    assert_eq!(cost(&mut |bus| bus.write_block32(0x2000_0300, &[7; 24])), 27, "write of 24 words");
    assert_eq!(cost(&mut |bus| bus.read_block32(0x2000_0300, &mut [0; 24])), 27, "read of 24 words");
    assert_eq!(
        cost(&mut |bus| bus.window(0x2000_0400).unwrap().read(4).map(drop)),
        6,
        "first banked read: TAR, bank of SELECT, BD1"
    );
    assert_eq!(cost(&mut |bus| bus.window(0x2000_0400).unwrap().read(8).map(drop)), 2, "banked read");
    assert_eq!(cost(&mut |bus| bus.window(0x2000_0400).unwrap().write(0, 1)), 2, "banked write");
}
