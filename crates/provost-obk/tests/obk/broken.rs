//! Broken files, each with the rule it breaks.

use provost_adac::permission::PermissionMask;
use provost_obk::da::{CredentialKind, DaError, DaObject, DaPayload};
use provost_obk::{Obk, ObkRule};

fn good() -> Vec<u8> {
    include_bytes!("../vectors/da_pw16_enc1.obk").to_vec()
}

fn file(destination: u32, size: u32, encrypt: u32, payload: usize) -> Vec<u8> {
    let header = [destination, size, encrypt].map(u32::to_le_bytes).concat();
    [header, vec![0; payload]].concat()
}

#[test]
fn broken_files_name_offset_and_rule() {
    let table = [
        (vec![], 0, ObkRule::Header { have: 0 }),
        (good()[..11].to_vec(), 0, ObkRule::Header { have: 11 }),
        (good()[..107].to_vec(), 4, ObkRule::Length { announced: 0x60, have: 0x5F }),
        ([good(), vec![0]].concat(), 4, ObkRule::Length { announced: 0x60, have: 0x61 }),
        (file(0x0FFD_0100, u32::MAX, 0, 16), 4, ObkRule::Length { announced: u32::MAX, have: 16 }),
        (file(0x0FFD_0100, 0x10, 2, 16), 8, ObkRule::EncryptionFlag { found: 2 }),
        (file(0x0FFD_0100, 0x10, 0x100, 16), 8, ObkRule::EncryptionFlag { found: 0x100 }),
        (file(0x0FFD_0108, 0x10, 0, 16), 0, ObkRule::DestinationAlignment { found: 0x0FFD_0108 }),
        (file(0x0BFD_0100, 0x10, 0, 16), 0, ObkRule::Destination { found: 0x0BFD_0100 }),
        (file(0x0FFD_1FF0, 0x10, 0, 16), 0, ObkRule::Destination { found: 0x0FFD_1FF0 }),
        (file(0xFFFF_FFF0, 0x10, 0, 16), 0, ObkRule::Destination { found: 0xFFFF_FFF0 }),
        (file(0x0FFD_0100, 0, 0, 0), 4, ObkRule::Size { found: 0 }),
        (file(0x0FFD_0100, 24, 0, 24), 4, ObkRule::Size { found: 24 }),
        (file(0x0FFD_08F0, 0x20, 0, 32), 4, ObkRule::RangeEnd { end: 0x0FFD_0910, limit: 0x0FFD_0900 }),
        (file(0x0FFD_1FE0, 0x20, 0, 32), 4, ObkRule::RangeEnd { end: 0x0FFD_2000, limit: 0x0FFD_1FF0 }),
    ];
    for (bytes, offset, rule) in table {
        let error = Obk::parse(&bytes).unwrap_err();
        assert_eq!((error.offset, error.rule), (offset, rule));
    }
}

#[test]
fn a_range_may_be_filled_to_its_end() {
    Obk::parse(&file(0x0FFD_0100, 0x800, 0, 0x800)).unwrap();
    Obk::parse(&file(0x0FFD_1FE0, 0x10, 1, 0x10)).unwrap();
}

#[test]
fn wrong_objects_are_no_debug_authentication_objects() {
    let elsewhere = Obk::parse(&file(0x0FFD_0160, 0x60, 0, 0x60)).unwrap();
    assert_eq!(DaPayload::from_obk(&elsewhere), Err(DaError::Destination { found: 0x0FFD_0160 }));
    // 80 bytes: the object of another variant, which STM32H533 refuses with RSSLIB_SETOBKEY_BAD_SIZE.
    let short = Obk::parse(&file(0x0FFD_0100, 0x50, 0, 0x50)).unwrap();
    assert_eq!(DaPayload::from_obk(&short), Err(DaError::Length { found: 80 }));
}

#[test]
fn every_changed_bit_breaks_the_integrity() {
    let payload = &good()[12..];
    for bit in 0..payload.len() * 8 {
        let mut changed = payload.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(DaPayload::parse(&changed).unwrap().verify(), Err(DaError::Integrity));
    }
}

#[test]
fn secrets_stay_out_of_debug() {
    let object = DaObject { kind: CredentialKind::Password, hash: [0xAB; 32], mask: PermissionMask::NONE };
    // 0xAB is 171.
    for text in
        [format!("{object:?}"), format!("{:?}", object.payload()), format!("{:?}", object.to_obk(true).unwrap())]
    {
        assert!(!text.contains("171") && !text.to_lowercase().contains("abab"), "{text}");
    }
}
