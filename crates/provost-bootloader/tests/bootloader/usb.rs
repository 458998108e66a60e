//! Setup packets and descriptors: as USB 2.0 and DFU 1.1 give them, read back as they were told, and whatever a device sends.

use proptest::prelude::*;
use provost_bootloader::usb::{Description, DescriptorError, DfuInterface, SetupPacket, descriptor, text};

fn description(alternates: &[&str]) -> Description {
    Description {
        vendor: 0x0483,
        product: 0xDF11,
        release: 0x0300,
        manufacturer: "STMicroelectronics".to_owned(),
        name: "DFU in FS Mode".to_owned(),
        serial: "2003675E3650".to_owned(),
        alternates: alternates.iter().map(|a| (*a).to_owned()).collect(),
        strings: vec![(0x14, "@Device ID/0x484,@Revision ID/0x0001".to_owned())],
        transfer: 1024,
        attributes: 0x0B,
    }
}

const FLASH: &str = "@Internal Flash   /0x08000000/256*08Kg";

/// By hand, from tables 9-8, 9-10 and 9-12 of USB 2.0 and table 4.2 of DFU 1.1.
#[test]
fn descriptors_are_those_of_the_standards() {
    let told = description(&[FLASH, "@OTP Memory   /0x08FFF000/02*01Kg"]);
    let device = [18, 1, 0, 2, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xDF, 0x00, 0x03, 1, 2, 3, 1];
    assert_eq!(told.answer(&SetupPacket::get_descriptor(1, 0, 0, 64), 0), Some(device.to_vec()));
    let configuration = [
        &[9, 2, 36, 0, 1, 1, 0, 0xC0, 50][..],
        &[9, 4, 0, 0, 0, 0xFE, 1, 2, 4],
        &[9, 4, 0, 1, 0, 0xFE, 1, 2, 5],
        &[9, 0x21, 0x0B, 255, 0, 0x00, 0x04, 0x1A, 0x01],
    ]
    .concat();
    assert_eq!(told.answer(&SetupPacket::get_descriptor(2, 0, 0, 255), 0), Some(configuration.clone()));
    // Cut to what was asked for: a host asks for the head first.
    assert_eq!(told.answer(&SetupPacket::get_descriptor(2, 0, 0, 9), 0), Some(configuration[..9].to_vec()));
    assert_eq!(told.answer(&SetupPacket::get_descriptor(3, 0, 0, 255), 0), Some(vec![4, 3, 0x09, 0x04]));
    let string = told.answer(&SetupPacket::get_descriptor(3, 4, 0x0409, 255), 0).unwrap();
    assert_eq!((usize::from(string[0]), string[1], text(&string).as_deref()), (2 + 2 * FLASH.len(), 3, Some(FLASH)));
    for stalled in [SetupPacket::get_descriptor(3, 9, 0x0409, 255), SetupPacket::get_descriptor(6, 0, 0, 10)] {
        assert_eq!(told.answer(&stalled, 0), None);
    }
}

#[test]
fn what_is_told_is_read() {
    let told = description(&[FLASH, "@OTP"]);
    let read = DfuInterface::read(&told.configuration()).unwrap();
    assert_eq!((read.configuration, read.number, read.transfer, read.attributes), (1, 0, 1024, 0x0B));
    assert_eq!(read.version, 0x011A);
    let alternates: Vec<(u8, u8)> = read.alternates.iter().map(|a| (a.number, a.string)).collect();
    assert_eq!(alternates, [(0, 4), (1, 5)]);
}

#[test]
fn a_device_of_another_kind_is_named() {
    let whole = description(&[FLASH]).configuration();
    for (bytes, error) in [
        (vec![], DescriptorError::NoDfu),
        (whole[..9].to_vec(), DescriptorError::NoDfu),
        (whole[..18].to_vec(), DescriptorError::NoBlocks),
        (whole[..20].to_vec(), DescriptorError::Cut { at: 18 }),
        (vec![0, 4], DescriptorError::Cut { at: 0 }),
        (vec![1], DescriptorError::Cut { at: 0 }),
        (vec![2, 2], DescriptorError::Cut { at: 0 }),
    ] {
        assert_eq!(DfuInterface::read(&bytes), Err(error), "{bytes:?}");
    }
    // An application with an interface that can be asked to detach, before the one in DFU mode.
    let mut other = whole[..9].to_vec();
    other.extend([9, 4, 7, 0, 0, 0xFE, 1, 1, 9, 9, 0x21, 1, 0, 0, 64, 0, 0x10, 1]);
    other.extend(&whole[9..]);
    assert_eq!(DfuInterface::read(&other).unwrap().transfer, 1024);
    assert_eq!([text(&[]), text(&[4, 3, 65]), text(&[1, 3]), text(&[4, 2, 65, 0])], [None, None, None, None]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(read) = DfuInterface::read(&bytes) {
            prop_assert!(read.transfer != 0 && !read.alternates.is_empty());
        }
        if let Some(text) = text(&bytes) {
            prop_assert!(text.chars().count() <= 126);
        }
    }

    #[test]
    fn any_request_is_answered_within_its_length(packet in any::<[u8; 8]>(), alternate in any::<u8>()) {
        let setup = SetupPacket::from_bytes(packet);
        prop_assert_eq!(setup.to_bytes(), packet);
        if let Some(answer) = description(&[FLASH]).answer(&setup, alternate) {
            prop_assert!(answer.len() <= usize::from(setup.length));
        }
    }

    #[test]
    fn every_memory_map_that_is_told_is_read(names in prop::collection::vec("[ -~]{0,60}", 1..8)) {
        let told = description(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let read = DfuInterface::read(&told.configuration()).unwrap();
        for (alternate, name) in read.alternates.iter().zip(&names) {
            let setup = SetupPacket::get_descriptor(descriptor::STRING, alternate.string, 0x0409, 255);
            prop_assert_eq!(text(&told.answer(&setup, 0).unwrap()), Some(name.clone()));
        }
    }
}
