//! A stranger's encoder: probe-rs makes the SWD packets itself, with overrun detection, and `SwDp` must understand them.

use crate::wire_toy;

use std::sync::{Arc, Mutex};

use bitvec::vec::BitVec;
use probe_rs::{
    architecture::arm::{
        ArmCommunicationInterface, ArmDebugInterface, ArmError, DapError, DapProbe, FullyQualifiedApAddress,
        sequences::{ArmDebugSequence, DefaultArmSequence},
    },
    probe::{
        AutoImplementJtagAccess, DebugProbe, DebugProbeError, IoSequenceItem, JtagDriverState, Probe, RawJtagIo,
        RawSwdIo, SwdSettings, WireProtocol,
    },
};
use provost_twin::wire::{faults::Fault, swd::SwDp};
use wire_toy::{AP_IDR, HOLE, Toy};

/// A probe that only moves bits.
#[derive(Debug)]
struct BitProbe {
    chip: Arc<Mutex<SwDp<Toy>>>,
    swd: SwdSettings,
    jtag: JtagDriverState,
}

impl RawSwdIo for BitProbe {
    fn swd_io<S: IntoIterator<Item = IoSequenceItem>>(&mut self, items: S) -> Result<Vec<bool>, DebugProbeError> {
        let mut chip = self.chip.lock().unwrap();
        let sampled = items.into_iter().map(|item| match item {
            IoSequenceItem::Output(bit) => chip.clock(Some(bit)).unwrap_or(bit),
            IoSequenceItem::Input => chip.clock(None).unwrap_or(true),
        });
        Ok(sampled.collect())
    }
    fn swj_pins(&mut self, _: u32, _: u32, _: u32) -> Result<u32, DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "swj_pins" })
    }
    fn swd_settings(&self) -> &SwdSettings {
        &self.swd
    }
}

impl RawJtagIo for BitProbe {
    fn state_mut(&mut self) -> &mut JtagDriverState {
        &mut self.jtag
    }
    fn state(&self) -> &JtagDriverState {
        &self.jtag
    }
    fn shift_bit(&mut self, _: bool, _: bool, _: bool) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::UnsupportedProtocol(WireProtocol::Jtag))
    }
    fn read_captured_bits(&mut self) -> Result<BitVec, DebugProbeError> {
        Err(DebugProbeError::UnsupportedProtocol(WireProtocol::Jtag))
    }
}

impl AutoImplementJtagAccess for BitProbe {}
impl DapProbe for BitProbe {}

impl DebugProbe for BitProbe {
    fn get_name(&self) -> &str {
        "bits"
    }
    fn speed_khz(&self) -> u32 {
        1000
    }
    fn set_speed(&mut self, speed_khz: u32) -> Result<u32, DebugProbeError> {
        Ok(speed_khz)
    }
    fn attach(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }
    fn detach(&mut self) -> Result<(), probe_rs::Error> {
        Ok(())
    }
    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }
    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }
    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }
    fn select_protocol(&mut self, _: WireProtocol) -> Result<(), DebugProbeError> {
        Ok(())
    }
    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Swd)
    }
    fn has_arm_interface(&self) -> bool {
        true
    }
    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }
    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }
    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        sequence: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        Ok(ArmCommunicationInterface::create(self, sequence, true))
    }
}

fn attach() -> (Arc<Mutex<SwDp<Toy>>>, Box<dyn ArmDebugInterface>) {
    let chip = Arc::new(Mutex::new(SwDp::new(Toy::new())));
    let mut probe =
        Probe::new(BitProbe { chip: chip.clone(), swd: SwdSettings::default(), jtag: JtagDriverState::default() });
    probe.attach_to_unspecified().unwrap();
    let mut interface =
        probe.try_into_arm_debug_interface(DefaultArmSequence::create()).map_err(|(_, error)| error).unwrap();
    interface.write_raw_ap_register(&ap1(), 0x00, 0x4300_0012).unwrap();
    (chip, interface)
}

fn ap1() -> FullyQualifiedApAddress {
    FullyQualifiedApAddress::v1_with_default_dp(1)
}

#[test]
fn memory() {
    let (_, mut interface) = attach();
    assert_eq!(interface.read_raw_ap_register(&ap1(), 0xFC).unwrap(), AP_IDR[1]);
    let mut memory = interface.memory_interface(&ap1()).unwrap();
    let data: Vec<u8> = (0..3000).map(|i| (i % 251) as u8).collect();
    memory.write(0x2000_0001, &data).unwrap();
    let mut back = vec![0; data.len()];
    memory.read(0x2000_0001, &mut back).unwrap();
    assert_eq!(back, data);
}

#[test]
fn faults_and_waits_in_the_middle_of_a_batch() {
    let words: Vec<u32> = (100..120).collect();
    for at in 0..20 {
        let (chip, mut interface) = attach();
        interface.write_raw_ap_register(&ap1(), 0x04, 0x2000_0000).unwrap();
        let next = chip.lock().unwrap().stats().transactions;
        chip.lock().unwrap().faults_mut().at(next + at, Fault::Wait(1));
        interface.write_raw_ap_register_repeated(&ap1(), 0x0C, &words).unwrap();
        let mut chip = chip.lock().unwrap();
        assert_eq!(chip.stats().waits, 1);
        for (i, word) in (0..).zip(&words) {
            assert_eq!(chip.bus_mut().peek(1, 0x2000_0000 + 4 * i), *word, "word {i}, WAIT at {at}");
        }
    }
    let (_, mut interface) = attach();
    interface.write_raw_ap_register(&ap1(), 0x04, HOLE).unwrap();
    let result = interface.write_raw_ap_register_repeated(&ap1(), 0x0C, &words);
    assert!(matches!(result, Err(ArmError::Dap(DapError::FaultResponse))), "{result:?}");
    assert_eq!(interface.read_raw_ap_register(&ap1(), 0x04).unwrap(), HOLE);
}
