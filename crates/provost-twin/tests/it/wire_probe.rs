//! probe-rs on the wire, from `Probe::new` to memory.

use crate::wire_toy;

use std::sync::{Arc, Mutex};

use probe_rs::{
    architecture::arm::{
        ArmDebugInterface, ArmError, DapError, FullyQualifiedApAddress,
        dp::{DpAddress, DpRegisterAddress},
        sequences::DefaultArmSequence,
    },
    probe::{DebugProbeError, Probe, WireProtocol},
};
use provost_twin::{
    probe::TwinProbe,
    wire::{faults::Fault, swd::SwDp},
};
use wire_toy::{AP_BASE, AP_IDR, DPIDR, HOLE, TARGETID, Toy};

const DP: DpAddress = DpAddress::Default;
const CSW: u64 = 0x00;
const TAR: u64 = 0x04;
const DRW: u64 = 0x0C;

type Chip = Arc<Mutex<SwDp<Toy>>>;

fn chip() -> Chip {
    Arc::new(Mutex::new(SwDp::new(Toy::new())))
}

fn attach(probe: TwinProbe) -> Box<dyn ArmDebugInterface> {
    let mut probe = Probe::new(probe);
    probe.attach_to_unspecified().unwrap();
    probe.try_into_arm_debug_interface(DefaultArmSequence::create()).map_err(|(_, error)| error).unwrap()
}

fn ap(number: u8) -> FullyQualifiedApAddress {
    FullyQualifiedApAddress::v1_with_default_dp(number)
}

fn dp_register(bank: Option<u8>, address: u8) -> DpRegisterAddress {
    DpRegisterAddress { bank, address }
}

/// A connected interface with TAR of AP1 in RAM.
fn connected(chip: &Chip) -> Box<dyn ArmDebugInterface> {
    let mut interface = attach(TwinProbe::new(chip.clone()));
    interface.write_raw_ap_register(&ap(1), CSW, 0x4300_0012).unwrap();
    interface.write_raw_ap_register(&ap(1), TAR, 0x2000_0000).unwrap();
    interface
}

fn transactions(chip: &Chip) -> u64 {
    chip.lock().unwrap().stats().transactions
}

#[test]
fn identifies_ports_without_touching_memory() {
    let chip = chip();
    let mut interface = attach(TwinProbe::new(chip.clone()));
    assert_eq!(interface.read_raw_dp_register(DP, dp_register(None, 0)).unwrap(), DPIDR);
    assert_eq!(interface.read_raw_dp_register(DP, dp_register(Some(2), 4)).unwrap(), TARGETID);
    for number in [0, 1] {
        assert_eq!(interface.read_raw_ap_register(&ap(number), 0xFC).unwrap(), AP_IDR[usize::from(number)]);
        assert_eq!(interface.read_raw_ap_register(&ap(number), 0xF8).unwrap(), AP_BASE[usize::from(number)]);
    }
    assert_eq!(interface.access_ports(DP).unwrap().len(), 2);
    assert_eq!(chip.lock().unwrap().bus().log, []);
}

#[test]
fn a_minimal_dp_connects_too() {
    let chip = chip();
    chip.lock().unwrap().bus_mut().dpidr = 0x0BE1_2477;
    let mut interface = attach(TwinProbe::new(chip));
    assert_eq!(interface.read_raw_dp_register(DP, dp_register(None, 0)).unwrap(), 0x0BE1_2477);
}

#[test]
fn connects_through_the_dormant_state() {
    let chip = chip();
    let mut interface = attach(TwinProbe::new(chip));
    let multidrop = DpAddress::Multidrop(TARGETID);
    assert_eq!(interface.read_raw_dp_register(multidrop, dp_register(None, 0)).unwrap(), DPIDR);
}

#[test]
fn memory_through_raw_registers() {
    let chip = chip();
    let mut interface = connected(&chip);
    interface.write_raw_ap_register(&ap(1), DRW, 0x1111_2222).unwrap();
    interface.write_raw_ap_register_repeated(&ap(1), DRW, &[1, 2, 3]).unwrap();
    interface.write_raw_ap_register(&ap(1), TAR, 0x2000_0000).unwrap();
    let mut words = [0; 4];
    interface.read_raw_ap_register_repeated(&ap(1), DRW, &mut words).unwrap();
    assert_eq!(words, [0x1111_2222, 1, 2, 3]);
    interface.write_raw_ap_register(&ap(0), TAR, 0xE004_4000).unwrap();
    assert_eq!(interface.read_raw_ap_register(&ap(0), DRW).unwrap(), 0x1001_6484);
}

#[test]
fn memory_through_the_memory_interface() {
    let chip = chip();
    let mut interface = attach(TwinProbe::new(chip.clone()));
    let mut memory = interface.memory_interface(&ap(1)).unwrap();
    assert_eq!(memory.read_word_32(0x0800_0008).unwrap(), 0xDEAD_BEEF);
    assert_eq!(memory.read_word_16(0x0800_000A).unwrap(), 0xDEAD);
    assert_eq!(memory.read_word_8(0x0800_0009).unwrap(), 0xBE);
    // Unaligned ends, and across the kilobyte at which TAR wraps.
    let data: Vec<u8> = (0..3000).map(|i| (i % 251) as u8).collect();
    memory.write(0x2000_0001, &data).unwrap();
    memory.flush().unwrap();
    let mut back = vec![0; data.len()];
    memory.read(0x2000_0001, &mut back).unwrap();
    assert_eq!(back, data);
    assert_eq!(chip.lock().unwrap().bus().peek(1, 0x2000_0004), u32::from_le_bytes([3, 4, 5, 6]));
}

#[test]
fn a_faulting_access_is_reported_and_the_next_one_works() {
    let chip = chip();
    let mut interface = connected(&chip);
    interface.write_raw_ap_register(&ap(1), TAR, HOLE).unwrap();
    let read = interface.read_raw_ap_register(&ap(1), DRW);
    assert!(matches!(read, Err(ArmError::Dap(DapError::FaultResponse))), "{read:?}");
    let written = interface.write_raw_ap_register(&ap(1), DRW, 1);
    assert!(matches!(written, Err(ArmError::Dap(DapError::FaultResponse))), "{written:?}");
    interface.write_raw_ap_register(&ap(1), TAR, 0x0800_0008).unwrap();
    assert_eq!(interface.read_raw_ap_register(&ap(1), DRW).unwrap(), 0xDEAD_BEEF);
}

#[test]
fn a_disabled_port_leaves_the_others_alone() {
    let chip = chip();
    chip.lock().unwrap().bus_mut().ap1_enabled = false;
    let mut interface = connected(&chip);
    assert_eq!(interface.read_raw_ap_register(&ap(1), 0xFC).unwrap(), AP_IDR[1]);
    assert!(interface.read_raw_ap_register(&ap(1), DRW).is_err());
    assert!(interface.read_raw_ap_register(&ap(0), 0xFC).is_ok());
}

#[test]
fn waits_are_ridden_out_at_any_transaction() {
    let whole = {
        let chip = chip();
        drop(connected(&chip));
        transactions(&chip)
    };
    for index in 0..whole {
        let chip = chip();
        chip.lock().unwrap().faults_mut().at(index, Fault::Wait(5));
        let mut interface = connected(&chip);
        assert_eq!(interface.read_raw_ap_register(&ap(1), 0xFC).unwrap(), AP_IDR[1], "WAIT at {index}");
    }
}

#[test]
fn endless_waits_end_in_an_error() {
    let chip = chip();
    let mut interface = connected(&chip);
    chip.lock().unwrap().faults_mut().hook(|_| Fault::Wait(1));
    let result = interface.read_raw_ap_register(&ap(1), DRW);
    assert!(matches!(result, Err(ArmError::Dap(DapError::WaitResponse))), "{result:?}");
    chip.lock().unwrap().faults_mut().clear();
    assert!(interface.read_raw_ap_register(&ap(1), DRW).is_ok());
}

#[test]
fn each_fault_becomes_its_error() {
    for (fault, error) in [
        (Fault::Fault, DapError::FaultResponse),
        (Fault::NoAck, DapError::NoAcknowledge),
        (Fault::PowerCutBefore, DapError::NoAcknowledge),
        (Fault::PowerCutAfter, DapError::NoAcknowledge),
        (Fault::ReadParity, DapError::IncorrectParity),
    ] {
        let chip = chip();
        let mut interface = connected(&chip);
        let next = transactions(&chip);
        chip.lock().unwrap().faults_mut().at(next, fault);
        // AP read, then RDBUFF: a cut after the first shows in the second.
        let result = interface.read_raw_ap_register(&ap(1), TAR);
        assert!(matches!(&result, Err(ArmError::Dap(e)) if *e == error), "{fault:?}: {result:?}");
    }
}

#[test]
fn an_unplugged_probe_fails_and_leaves_the_chip_alone() {
    let chip = chip();
    drop(connected(&chip));
    let done = transactions(&chip);
    for extra in 0..done {
        let before = transactions(&chip);
        let last = before + extra;
        let mut probe = Probe::new(TwinProbe::new(chip.clone()).unplug_after(last));
        probe.attach_to_unspecified().unwrap();
        let Ok(mut interface) = probe.try_into_arm_debug_interface(DefaultArmSequence::create()) else {
            panic!("creating the interface clocks nothing");
        };
        let mut written = 0;
        let error = loop {
            match interface.write_raw_ap_register(&ap(1), TAR, written) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        let mut usb = false;
        while let Some(error) = source {
            usb |= matches!(error.downcast_ref(), Some(DebugProbeError::Usb(_)));
            source = error.source();
        }
        assert!(usb, "{error:?}");
        assert!(interface.swj_sequence(8, 0).is_err());
        assert!(interface.swj_pins(0, 0x80, 0).is_err());
        assert_eq!(transactions(&chip), last + 1, "exactly up to transaction {last}");
        let clocks = chip.lock().unwrap().stats().clocks;
        drop(interface); // probe-rs tries to power the port down
        assert_eq!(chip.lock().unwrap().stats().clocks, clocks);
        assert!(chip.lock().unwrap().bus().nrst.is_empty());
    }
    let mut interface = connected(&chip);
    assert_eq!(interface.read_raw_ap_register(&ap(1), 0xFC).unwrap(), AP_IDR[1]);
}

#[test]
fn nrst() {
    let chip = chip();
    let mut probe = Probe::new(TwinProbe::new(chip.clone()));
    probe.target_reset_assert().unwrap();
    probe.target_reset_deassert().unwrap();
    probe.attach_to_unspecified().unwrap();
    let mut interface =
        probe.try_into_arm_debug_interface(DefaultArmSequence::create()).map_err(|(_, error)| error).unwrap();
    assert_eq!(interface.swj_pins(0, 0x80, 0).unwrap() & 0x80, 0);
    assert_eq!(interface.swj_pins(0x80, 0x80, 0).unwrap() & 0x80, 0x80);
    assert!(interface.swj_pins(0, 0x01, 0).is_err(), "SWCLK by hand");
    assert_eq!(chip.lock().unwrap().bus().nrst, [true, false, true, false]);
}

#[test]
fn jtag_is_refused_and_the_probe_comes_back_on_close() {
    let chip = chip();
    let mut probe = Probe::new(TwinProbe::new(chip.clone()));
    assert!(probe.select_protocol(WireProtocol::Jtag).is_err());
    probe.select_protocol(WireProtocol::Swd).unwrap();
    assert_eq!(probe.set_speed(1000).unwrap(), 1000);
    assert!(probe.set_speed(0).is_err());
    let probe = connected(&chip).close();
    assert_eq!(probe.get_name(), "provost virtual probe");
    assert_eq!(chip.lock().unwrap().bus().debug_power, [true, false]);
}
