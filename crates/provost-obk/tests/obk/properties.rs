//! No parser panics, whatever it gets, and what is encoded comes back.

use proptest::collection::vec;
use proptest::prelude::*;
use provost_adac::permission::PermissionMask;
use provost_chip::parts::PartId;
use provost_chip::states::{BootUbe, ProductState, TrustZone};
use provost_obk::checks::{self, Target};
use provost_obk::da::{CredentialKind, DaObject, DaPayload};
use provost_obk::describe::{DescribeError, describe};
use provost_obk::h503::{BLOCK_CELLS, OtpBlock, OtpPassword, OtpState, Step};
use provost_obk::layout::{Encoding, ObjectKind};
use provost_obk::memory::MAP;
use provost_obk::object::{Object, Value};
use provost_obk::{Obk, config, inspect, samples, xml};

use crate::kinds::DESCRIPTIONS;
use crate::xml::kind_xml;
use crate::{folder, vector};

/// At least this many cases; PROPTEST_CASES asks for more.
fn settings(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: cases.max(asked.cases), failure_persistence: None, ..asked }
}

/// A text with a piece cut out and another put in.
fn mutate(text: &str, at: usize, cut: usize, piece: &str) -> String {
    let mut text: Vec<char> = text.chars().collect();
    let at = at % (text.len() + 1);
    text.splice(at..(at + cut).min(text.len()), piece.chars());
    text.into_iter().collect()
}

fn target(part: usize, tz: Option<bool>, ube: Option<bool>, state: usize) -> Target {
    Target {
        trustzone: tz.map(|on| if on { TrustZone::Enabled } else { TrustZone::Disabled }),
        boot_ube: ube.map(|st| if st { BootUbe::StIrot } else { BootUbe::OemIrot }),
        final_state: ProductState::ALL.get(state).copied(),
        ..Target::new(PartId::all().nth(part).unwrap())
    }
}

proptest! {
    #![proptest_config(settings(2048))]

    #[test]
    fn parsers_never_panic(bytes in vec(any::<u8>(), 0..200), at in 0usize..108, byte: u8) {
        let _ = (Obk::parse(&bytes), DaPayload::parse(&bytes), samples::sample(&bytes));
        let mut near = include_bytes!("../vectors/da_cert_enc0.obk").to_vec();
        near[at] = byte;
        if let Ok(obk) = Obk::parse(&near) {
            prop_assert_eq!(&*obk.to_bytes(), &near);
            let _ = DaPayload::from_obk(&obk).map(|payload| payload.verify());
        }
    }

    #[test]
    fn xml_never_panics(bytes in vec(any::<u8>(), 0..200), text in "(<|>|</|/>|Root|Obdata|Info|Data|0x|&amp;|&|\"|[ -~]){0,40}") {
        let _ = (xml::build(&bytes, &folder), xml::build(text.as_bytes(), &folder));
    }

    #[test]
    fn toml_never_panics(text in "(kind|data|=|\\[|\\]|'|\"|\n|[ -~]|[à-ž]){0,60}") {
        let _ = config::build(&text, &folder);
    }

    #[test]
    fn files_come_back(range in 0usize..5, start: u16, blocks in 1usize..40, encrypt: bool, fill: u8) {
        let range = MAP[range];
        let destination = range.start() + u32::from(start) % range.size / 16 * 16;
        let fits = destination as usize + blocks * 16 <= range.end() as usize;
        let obk = Obk::new(destination, encrypt, vec![fill; blocks * 16]);
        prop_assert_eq!(obk.is_ok(), fits);
        if let Ok(obk) = obk {
            prop_assert_eq!(Obk::parse(&obk.to_bytes()), Ok(obk));
        }
    }

    #[test]
    fn debug_authentication_objects_come_back(hash: [u8; 32], mask: u128, encrypt: bool) {
        let object = DaObject { kind: CredentialKind::Certificate, hash, mask: PermissionMask(mask) };
        let obk = object.to_obk(encrypt).unwrap();
        let payload = DaPayload::from_obk(&Obk::parse(&obk.to_bytes()).unwrap()).unwrap();
        prop_assert_eq!(payload.verify(), Ok(()));
        prop_assert_eq!((payload.hash, payload.mask), (hash, PermissionMask(mask)));
    }

    #[test]
    fn otp_is_never_written_twice(cells in vec(prop_oneof![Just(None), Just(Some(0xFFFF)), any::<u16>().prop_map(Some)], BLOCK_CELLS),
                                  keep: u16, locked: bool, value: [u8; 32]) {
        let password = OtpPassword::from_board_file(&value).unwrap();
        let mut block = OtpBlock { cells: cells.try_into().unwrap(), locked };
        for (index, half_word) in password.half_words().into_iter().enumerate() {
            if keep >> index & 1 != 0 {
                block.cells[index] = Some(half_word);
            }
        }
        for step in password.steps(&block).unwrap_or_default() {
            prop_assert!(!locked);
            if let Step::Write { address, value } = step {
                let cell = &mut block.cells[(address as usize - 0x08FF_F000) / 2];
                prop_assert!(matches!(*cell, None | Some(0xFFFF)));
                *cell = Some(value);
            }
        }
        if password.steps(&block).is_some() {
            prop_assert_eq!(password.compare(&block), OtpState::Same);
        }
    }
}

proptest! {
    #![proptest_config(settings(1024))]

    #[test]
    fn changed_xml_never_panics(which in 0usize..17, at: usize, cut in 0usize..40, piece in "[ -~\n]{0,20}") {
        if let Some(text) = kind_xml(DESCRIPTIONS[which].0)
            && let Err(error) = xml::build(mutate(&text, at, cut, &piece).as_bytes(), &folder)
        {
            prop_assert!(error.line >= 1 && !error.code().is_empty() && !error.to_string().is_empty());
        }
    }

    #[test]
    fn changed_toml_never_panics(which in 0usize..17, at: usize, cut in 0usize..20, piece in "[ -~\n]{0,10}") {
        match config::build(&mutate(DESCRIPTIONS[which].2, at, cut, &piece), &folder) {
            Ok(obk) => prop_assert_eq!(Obk::parse(&obk.to_bytes()), Ok(obk)),
            Err(error) => prop_assert!(error.line >= 1 && !error.code().is_empty() && !error.to_string().is_empty()),
        }
    }

    #[test]
    fn every_object_is_inspected_checked_and_described(
        which in 0usize..17, at: usize, noise in vec(any::<u8>(), 0..24), seal: bool, part in 0usize..11,
        tz: Option<bool>, ube: Option<bool>, state in 0usize..7,
    ) {
        let original = Obk::parse(&vector(DESCRIPTIONS[which].0)).unwrap();
        let mut payload = original.payload().to_vec();
        for (index, byte) in noise.into_iter().enumerate() {
            let index = (at % payload.len() + index) % payload.len();
            payload[index] = byte;
        }
        let mut obk = Obk::new(original.destination(), original.encrypt(), payload).unwrap();
        if seal {
            let mut object = Object::from_obk(&obk);
            object.seal();
            obk = Obk::new(obk.destination(), obk.encrypt(), object.payload().to_vec()).unwrap();
        }
        let inspection = inspect(&obk.to_bytes()).unwrap();
        let named: usize = inspection.ranges.iter().map(|range| range.length).sum();
        prop_assert_eq!(named, obk.payload().len() + 12);
        let _ = checks::set(&[original, obk.clone()], &target(part, tz, ube, state));
        match describe(&obk) {
            Ok(description) => {
                let again = config::build(&description.toml, &description);
                prop_assert!(again.is_ok(), "{} {}", &*description.toml, again.unwrap_err());
                prop_assert_eq!(again.unwrap(), obk);
            }
            Err(DescribeError::Digest { .. }) => prop_assert!(Object::from_obk(&obk).broken_digest().is_some()),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn fields_come_back(kind in 0usize..14, field: usize, number: u64, bytes in vec(any::<u8>(), 0..100)) {
        let mut object = Object::new(ObjectKind::ALL[kind]);
        let fields = object.layout().fields;
        let field = &fields[field % fields.len()];
        if object.set(field.name, &Value::Number(number)).is_ok() {
            prop_assert!(matches!(object.get(field), Value::Number(found) if found == number));
        }
        if object.set(field.name, &Value::bytes(&bytes)).is_ok() {
            prop_assert_eq!(&object.bytes(field)[..bytes.len()], &bytes[..]);
            prop_assert!(object.bytes(field).len() == bytes.len() || field.encoding == Encoding::Rest);
        }
    }
}
