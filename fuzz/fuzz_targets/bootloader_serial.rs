//! The serial bootloader: any bytes reach the device, however cut; any answer ends each of the host's commands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_bootloader::{
    an3155::{Command, EraseFlash, Exchange, Get, GetId, GetVersion, Read, SpecialCommand, Step, Sync, Target, Write},
    memory::Erase,
    special::Special,
};
use provost_fuzz::{device::Ram, frugally};

fuzz_target!(|data: &[u8]| {
    frugally(data.len(), 0x2_0000, 64, || {
        let Some((first, rest)) = data.split_first() else { return };
        let chunk = usize::from(*first % 16) + 1;
        let (mut whole, mut cut) = (Target::default(), Target::default());
        let (mut ram, mut other) = (Ram::default(), Ram::default());
        let said = whole.receive(rest, &mut ram).0;
        let pieces: Vec<u8> = rest.chunks(chunk).flat_map(|c| cut.receive(c, &mut other).0).collect();
        assert_eq!(said, pieces);
        assert_eq!(ram, other);
        answer(Sync, rest, chunk);
        answer(Get, rest, chunk);
        answer(GetVersion, rest, chunk);
        answer(GetId, rest, chunk);
        answer(Read { address: 0x2000_4000, length: chunk * 16 }, rest, chunk);
        answer(Write { address: 0x0800_0000, data: &[0; 32] }, rest, chunk);
        answer(EraseFlash(&Erase::Sectors(vec![1, 2])), rest, chunk);
        answer(SpecialCommand(Special::Reset), rest, chunk);
    });
});

/// One stream of answers for the whole command, a piece for each time that it listens.
fn answer<C: Command>(command: C, answers: &[u8], chunk: usize) {
    let Ok(mut exchange) = Exchange::new(command) else { return };
    let mut answers = answers.chunks(chunk);
    for _ in 0..answers.len() + 32 {
        match exchange.step() {
            Ok(Step::Send(bytes)) => assert!(!bytes.is_empty()),
            Ok(Step::Receive { .. }) => match answers.next() {
                Some(piece) => exchange.received(piece),
                None => exchange.silence(),
            },
            Ok(Step::Done(_)) | Err(_) => return,
        }
    }
    panic!("a command that does not end");
}
