//! The one entry for texts: what is read of any input, in any dress, and what of it can be struck again.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

use provost_chip::states::ProductState;
use provost_diagnosis::{
    case::{Act, Step},
    claim::{About, Sure},
    reading::{Kind, MAX_SIZE, ReadError, Reading, read},
};

fn of(text: &str) -> Reading {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The option fields that were read, in order.
fn read_options(steps: &[Step]) -> Vec<(&str, u64)> {
    let option = |s: &Step| match &s.act {
        Act::ReadOption(o) => Some((o.field.clone(), o.value?)),
        _ => None,
    };
    let names = ["PRODUCT_STATE", "TZEN", "BOOT_UBE"];
    steps.iter().filter_map(option).filter_map(|(f, v)| Some((*names.iter().find(|n| **n == f)?, v))).collect()
}

const LOGS: [&str; 4] = [
    include_str!("cases/raw/h533-provisioning.log"),
    include_str!("cases/raw/h563-object-in-open.log"),
    include_str!("cases/raw/h563-production-script.log"),
    include_str!("logs/gui-password-then-closed.log"),
];

#[test]
fn whatever_stands_before_a_line_changes_nothing() {
    let prefixes = [
        "> ",
        "[INFO] ",
        "| ",
        "host: ",
        "\t",
        "2026-01-05 08:00:01,002 - line - DEBUG - ",
        "\u{1b}[32m",
        "    1  ",
        "[2026-01-05T08:00:01.002Z] ",
        "11:47:40:879 : ",
        "jenkins@line3:~$ ",
    ];
    for log in LOGS {
        let plain = of(log);
        for prefix in prefixes {
            let dressed: String = log.lines().map(|line| format!("{prefix}{line}\n")).collect();
            let dressed = of(&dressed);
            assert_eq!(dressed.case.steps, plain.case.steps, "{prefix:?}");
            assert_eq!((&dressed.case.chip, &dressed.case.bench), (&plain.case.chip, &plain.case.bench), "{prefix:?}");
        }
    }
}

#[test]
fn encodings_and_line_ends_change_nothing() {
    for log in LOGS {
        let plain = of(log).case.steps;
        let wide: Vec<u8> = log.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [0xFE, 0xFF].into_iter().chain(log.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for bytes in [log.replace('\n', "\r\n").into_bytes(), wide, marked] {
            assert_eq!(read(&bytes).unwrap().case.steps, plain);
        }
    }
}

#[test]
fn the_json_export_is_read_in_any_layout() {
    let export = "{\n  \"deviceId\" : 1156,\n  \"bitNameToValue\" : {\n    \"PRODUCT_STATE\" : 23,\n    \"BOOT_UBE\" : 195,\n    \
        \"TZEN\" : 180,\n    \"WRPSGn1\" : -1\n  }\n}\n";
    for text in [export.to_owned(), export.replace(['\n', ' '], ""), format!("Here are the options:\n{export}")] {
        let reading = of(&text);
        assert_eq!(reading.case.chip.dev_id, Some(0x484), "{text}");
        assert_eq!(read_options(&reading.case.steps), [("PRODUCT_STATE", 0x17), ("BOOT_UBE", 0xC3), ("TZEN", 0xB4)]);
        let write_protection = reading.case.options.iter().find(|o| o.field == "WRPSGn1").unwrap();
        assert_eq!(write_protection.value, Some(0xFFFF_FFFF));
    }
    assert_eq!((of(export).kind, of(export).understood, of(export).of), (Kind::OptionsJson, 9, 9));
}

#[test]
fn claims_stand_beside_their_words_and_can_be_struck() {
    let text = "nothing of interest, the quick brown fox\n  PRODUCT_STATE: 0xED (Open)\n| PRODUCT_STATE: 0x17 (Provisioning)\n";
    let mut reading = of(text);
    assert_eq!((reading.understood, reading.of), (2, 3));
    assert_eq!(reading.unread.iter().map(|p| p.line).collect::<Vec<_>>(), [1]);
    let places: Vec<_> = reading.case.claims.iter().map(|c| (c.place.line, c.place.words.as_str(), c.sure)).collect();
    assert_eq!(
        places,
        [(2, "PRODUCT_STATE: 0xED (Open)", Sure::Printed), (3, "| PRODUCT_STATE: 0x17 (Provisioning)", Sure::Printed)]
    );
    for claim in &reading.case.claims {
        let line = text.lines().nth(usize::try_from(claim.place.line).unwrap() - 1).unwrap();
        assert_eq!(line[claim.place.bytes.clone()], claim.place.words);
    }
    assert_eq!(reading.case.claims[1].about, About::Step(1));
    assert!(reading.case.strike(0));
    assert_eq!(read_options(&reading.case.steps), [("PRODUCT_STATE", u64::from(ProductState::Provisioning.code()))]);
}

#[test]
fn what_says_nothing_is_said_to_say_nothing() {
    for (text, lines) in [("", 0), ("\n\n", 0), ("the quick brown fox\njumps\n", 2)] {
        let reading = of(text);
        assert_eq!((reading.understood, reading.of, reading.case.steps.len()), (0, lines, 0), "{text}");
    }
    assert_eq!(read(&[7, 0xFF, 1, 2, 3, 0x80, 0x1F, 5]), Err(ReadError::NotText));
    assert!(matches!(read(&vec![b'a'; MAX_SIZE + 1]), Err(ReadError::TooLarge { .. })));
    assert!(matches!(read(b"[chip]\npartt = 1\n"), Err(ReadError::Case(_))));
    assert_eq!(of("\u{feff}[chip]\npart = \"STM32H563\"\n").kind, Kind::CaseFile);
}
