//! What holds for every input: nothing panics, host and target agree however the bytes are cut, strings are read back as they were written.

use proptest::prelude::*;
use provost_bootloader::{
    an3155::{self, EraseFlash, Get, GetId, Read, SpecialCommand, Write},
    dfu::{self, MemoryLayout, Operation, Setup},
    memory::Erase,
    special::Special,
};

use crate::toy::{FLASH, FLASH_SIZE, RAM, Serial, Toy, Usb, drive, operate, operate_on};

proptest! {
    #[test]
    fn any_bytes_reach_the_serial_target(bytes in prop::collection::vec(any::<u8>(), 0..2000), chunk in 1usize..40) {
        let (mut whole, mut cut) = (an3155::Target::default(), an3155::Target::default());
        let (mut toy, mut other) = (Toy::default(), Toy::default());
        let woken = [&[0x7F], bytes.as_slice()].concat();
        let expected = whole.receive(&woken, &mut toy).0;
        let found: Vec<u8> = woken.chunks(chunk).flat_map(|c| cut.receive(c, &mut other).0).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(toy.bytes, other.bytes);
    }

    #[test]
    fn any_answer_ends_every_command(answer in prop::collection::vec(any::<u8>(), 0..600), chunk in 1usize..40) {
        let _ = drive(Get, chunk, |_| answer.clone());
        let _ = drive(GetId, chunk, |_| answer.clone());
        let _ = drive(Read { address: FLASH, length: 256 }, chunk, |_| answer.clone());
        let _ = drive(SpecialCommand(Special::Reset), chunk, |_| answer.clone());
    }

    #[test]
    fn memory_goes_through_the_serial_line(
        at in 0u32..FLASH_SIZE / 16 - 16, words in 1usize..=16, seed in any::<u8>(), chunk in 1usize..300,
    ) {
        let mut line = Serial::new();
        line.chunk = chunk;
        let data: Vec<u8> = (0..words * 16).map(|n| (n as u8).wrapping_mul(31) ^ seed).collect();
        let address = FLASH + at * 16;
        line.run(Write { address, data: &data }).unwrap();
        prop_assert_eq!(line.run(Read { address, length: data.len() }).unwrap(), data);
        line.run(EraseFlash(&Erase::Sectors(vec![(at * 16 / 8192) as u16, ((at * 16 + 255) / 8192) as u16]))).unwrap();
        prop_assert_eq!(line.run(Read { address, length: 256 }).unwrap(), vec![0xFF; 256]);
    }

    #[test]
    fn erase_reaches_the_device_as_it_was_meant(sectors in prop::collection::vec(0u16..512, 1..400)) {
        let mut line = Serial::new();
        let erase = Erase::Sectors(sectors);
        line.run(EraseFlash(&erase)).unwrap();
        prop_assert_eq!(&line.toy.erased, &[erase]);
    }

    #[test]
    fn any_transfers_reach_the_usb_target(
        packets in prop::collection::vec((any::<[u8; 8]>(), prop::collection::vec(any::<u8>(), 0..40)), 0..60),
        requests in prop::collection::vec((0u8..7, 0u16..5), 0..60),
    ) {
        let (mut target, mut toy) = (dfu::Target::new(32), Toy::default());
        let random = packets.iter().filter_map(|(setup, data)| Some((Setup::from_bytes(*setup)?, data.clone())));
        let likely = requests.iter().zip(packets.iter().cycle()).filter_map(|((request, block), (_, data))| {
            let request = dfu::Request::from_code(*request)?;
            Some((Setup { request, value: *block, index: 0, length: data.len() as u16 }, data.clone()))
        });
        for (setup, data) in random.chain(likely) {
            if let Ok((answer, _)) = target.control(setup, &data, &mut toy) {
                prop_assert!(answer.len() <= usize::from(setup.length.max(6)));
            }
        }
    }

    #[test]
    fn any_status_ends_every_operation(answers in prop::collection::vec(prop::collection::vec(0u8..12, 4..8), 1..40)) {
        let mut next = answers.iter().cycle();
        for operation in [
            Operation::Read { address: FLASH, length: 4000 },
            Operation::Write { address: RAM, data: vec![1; 2000] },
            Operation::Special(Special::Reset),
        ] {
            let _ = operate(&operation, 1024, |_, _| (next.next().cloned(), false));
        }
    }

    #[test]
    fn memory_goes_through_usb(at in 0u32..4000, length in 1usize..6000, transfer in 1u16..1500) {
        let (mut target, mut toy) = (dfu::Target::new(transfer), Toy::default());
        let data: Vec<u8> = (0..length).map(|n| (n * 7 % 251) as u8).collect();
        let address = FLASH + at;
        // Commands of block 0 need five bytes.
        prop_assume!(transfer >= 5);
        let wrote = operate_on(&mut target, &mut toy, &Operation::Write { address, data: data.clone() }, transfer);
        prop_assert_eq!(wrote, Usb::Done { data: vec![], vanished: false });
        let read = Operation::Read { address, length: length as u32 };
        prop_assert_eq!(operate_on(&mut target, &mut toy, &read, transfer), Usb::Done { data, vanished: false });
    }

    #[test]
    fn any_string_is_a_memory_map_or_not(text in "@?[ -~é/*,]{0,60}") {
        if let Ok(layout) = MemoryLayout::parse(&text) {
            prop_assert!(layout.regions.iter().all(|r| u64::from(r.address) + r.size() <= 1 << 32));
        }
    }

    #[test]
    fn memory_maps_are_read_as_they_were_written(
        name in "[A-Z][A-Za-z ]{0,14}[a-z]", address in 0u32..0x9000_0000, sectors in prop::collection::vec((1u32..200, 1u32..65536), 1..4),
    ) {
        let list: Vec<String> = sectors.iter().map(|(count, size)| format!("{count}*{size} g")).collect();
        let layout = MemoryLayout::parse(&format!("@{name} /{address:#x}/{}", list.join(","))).unwrap();
        prop_assert_eq!(&MemoryLayout::parse(&layout.to_string()).unwrap(), &layout);
        let total: u64 = sectors.iter().map(|(c, s)| u64::from(*c) * u64::from(*s)).sum();
        prop_assert_eq!((layout.name.as_str(), layout.regions[0].size()), (name.as_str(), total));
    }
}
