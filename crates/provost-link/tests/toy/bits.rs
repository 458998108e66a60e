//! A probe that only moves bits; probe-rs builds the packets. For counting what an access really costs.

use bitvec::vec::BitVec;
use probe_rs::architecture::arm::DapError;
use probe_rs::probe::{
    AutoImplementJtagAccess, DebugProbeError, IoSequenceItem, JtagDriverState, RawJtagIo, RawSwdIo, SwdSettings,
};

use super::Shared;

#[derive(Debug)]
pub(crate) struct BitProbe {
    pub(crate) target: Shared,
    settings: SwdSettings,
    jtag: JtagDriverState,
    /// Result of the last AP read, for the next one or RDBUFF.
    posted: u32,
}

impl BitProbe {
    pub(crate) fn new(target: &Shared) -> Self {
        Self { target: target.clone(), settings: SwdSettings::default(), jtag: JtagDriverState::default(), posted: 0 }
    }

    /// Answers the packet that starts at `items[0]`; returns how long it is.
    fn packet(&mut self, items: &[IoSequenceItem], answer: &mut Vec<bool>) -> usize {
        let out = |i: usize| items[i] == IoSequenceItem::Output(true);
        let (ap, read) = (out(1), out(2));
        let address = u8::from(out(3)) << 2 | u8::from(out(4)) << 3;
        // Request 8, acknowledge 3, then turnaround 2 and data 33, in the order of the direction.
        let value = (0..32).fold(0, |value, i| value | u32::from(out(13 + i)) << i);
        let result = self.target.get().packet(ap, (!read).then_some(value), address);
        let (ack, data) = match result {
            Ok(value) if read && ap => ([true, false, false], std::mem::replace(&mut self.posted, value)),
            Ok(_) if read && address == 0xC => ([true, false, false], self.posted),
            Ok(value) => ([true, false, false], value),
            Err(DapError::WaitResponse) => ([false, true, false], 0),
            Err(DapError::FaultResponse) => ([false, false, true], 0),
            Err(_) => ([true; 3], 0),
        };
        answer.extend([true; 8]);
        answer.extend(ack);
        answer.extend((0..32).map(|i| data >> i & 1 != 0));
        answer.push(data.count_ones() % 2 == 1);
        answer.extend([true; 2]);
        46
    }
}

crate::debug_probe!(BitProbe, "bit probe",);

impl RawSwdIo for BitProbe {
    fn swd_io<S>(&mut self, swdio: S) -> Result<Vec<bool>, DebugProbeError>
    where
        S: IntoIterator<Item = IoSequenceItem>,
    {
        let items: Vec<_> = swdio.into_iter().collect();
        if !items.contains(&IoSequenceItem::Input) {
            let bits = items
                .iter()
                .enumerate()
                .fold(0, |bits, (i, item)| bits | u64::from(*item == IoSequenceItem::Output(true)) << i);
            self.target.get().sequence(items.len() as u8, bits);
            return Ok(Vec::new());
        }
        let (mut answer, mut at) = (Vec::new(), 0);
        while at < items.len() {
            if items[at] == IoSequenceItem::Output(true) {
                at += self.packet(&items[at..], &mut answer);
            } else {
                answer.push(false);
                at += 1;
            }
        }
        Ok(answer)
    }

    fn swj_pins(&mut self, out: u32, select: u32, _: u32) -> Result<u32, DebugProbeError> {
        self.pins(out, select)
    }

    fn swd_settings(&self) -> &SwdSettings {
        &self.settings
    }
}

impl AutoImplementJtagAccess for BitProbe {}

impl RawJtagIo for BitProbe {
    fn state_mut(&mut self) -> &mut JtagDriverState {
        &mut self.jtag
    }

    fn state(&self) -> &JtagDriverState {
        &self.jtag
    }

    fn shift_bit(&mut self, _: bool, _: bool, _: bool) -> Result<(), DebugProbeError> {
        panic!("SWD only")
    }

    fn read_captured_bits(&mut self) -> Result<BitVec, DebugProbeError> {
        panic!("SWD only")
    }
}
