//! The USB bootloader: any transfers reach the device, any answer ends each of the host's operations, any string is a memory map or not,
//! and so are any descriptors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_bootloader::{
    dfu::{Exchange, MemoryLayout, Operation, Setup, Step, Target},
    special::Special,
    usb::{self, DfuInterface},
};
use provost_fuzz::{device::Ram, frugally};

fuzz_target!(|data: &[u8]| {
    frugally(data.len(), 0x2_0000, 64, || {
        let (mut target, mut ram) = (Target::new(64), Ram::default());
        for packet in data.chunks(24) {
            let Some((setup, rest)) = packet.split_first_chunk::<8>() else { break };
            // Likely packets too: a few bits decide.
            let [kind, number, v0, v1, i0, i1, ..] = *setup;
            let number = number % 7;
            let kind = if kind & 1 == 0 { if matches!(number, 2 | 3 | 5) { 0xA1 } else { 0x21 } } else { kind };
            let packet = [kind, number, v0, v1, i0, i1, rest.len() as u8, 0];
            if let Some(setup) = Setup::from_bytes(packet)
                && let Ok((answer, _)) = target.control(setup, rest, &mut ram)
            {
                assert!(answer.len() <= 64);
            }
        }
        for operation in [
            Operation::Commands,
            Operation::Read { address: 0x0800_0000, length: 200 },
            Operation::Write { address: 0x4002_2050, data: vec![0; 176] },
            Operation::EraseAll,
            Operation::Special(Special::Reset),
        ] {
            operate(&operation, data);
        }
        if let Ok(interface) = DfuInterface::read(data) {
            assert!(interface.transfer != 0 && !interface.alternates.is_empty());
        }
        let _ = usb::text(data);
        if let Ok(text) = std::str::from_utf8(data)
            && let Ok(layout) = MemoryLayout::parse(text)
        {
            assert!(layout.regions.iter().all(|r| u64::from(r.address) + r.size() <= 1 << 32));
        }
    });
});

fn operate(operation: &Operation, data: &[u8]) {
    let Ok(mut exchange) = Exchange::new(operation, 0, 64) else { return };
    let mut answers = data.chunks(6).cycle();
    // A device may be busy for 30 s and ask to be looked at every millisecond.
    for _ in 0..200_000 {
        match exchange.step() {
            Step::Out(..) => exchange.sent(),
            Step::In(_) => {
                if exchange.received(answers.next().unwrap_or_default()).is_err() {
                    return;
                }
            }
            Step::Wait(time) => assert!(!time.is_zero()),
            Step::Done { .. } => return,
        }
    }
    panic!("an operation that does not end");
}
