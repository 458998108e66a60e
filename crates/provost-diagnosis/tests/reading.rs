//! The one entry for texts: what is read of any input, in any dress, and what of it can be struck again.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{fs, path::Path};

use proptest::prelude::*;
use provost_chip::{sources::Source, states::ProductState};
use provost_diagnosis::{
    case::{Act, Step},
    claim::{About, Sure},
    diagnose,
    families::Family,
    reading::{Kind, MAX_SIZE, ReadError, Reading, read},
    unusual::in_case,
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
fn a_full_dump_is_read_and_what_is_unusual_in_it_is_named() {
    // In the tool's layout, with made-up values.
    let dump = "Device ID   : 0x484\nDevice name : STM32H56x/573\n\nUPLOADING OPTION BYTES DATA ...\n\n  Bank          : 0x00\n  Address       : 0x40022050\n  Size          : 8 Bytes\n\n\
        Product state:\n     PRODUCT_STATE: 0xED (Open)\nBOR Level:\n     BOR_LEV      : 0x0 (BOR Level 1)\n     BORH_EN      : 0x0\nUser Configuration:\n     IO_VDD_HSLV  : 0x0\n     IWDG_SW      : 0x0 (Hardware)\n     \
        BOOT_UBE     : 0xC3 (ST-iRoT)\n     SWAP_BANK    : 0x1 (swapped)\n     TZEN         : 0xB4 (Trust zone enabled)\n     NSBOOTADD    : 0x80000  (0x8000000)\n     SECWM1_STRT  : 0x0  (0x8000000)\n     \
        SECWM1_END   : 0x7F  (0x80FFFFF)\n     HDP1_STRT    : 0x0\n     HDP1_END     : 0xB\n     WRPSGn1      : 0xFFFFFFFF\n     EDATA1_EN    : 0x1\n";
    let reading = of(dump);
    let named: Vec<_> = in_case(&reading.case).iter().map(|u| (u.field, u.value.clone())).collect();
    let expected = [
        ("IWDG_SW", "0x0"),
        ("HDP1", "0x0..0xb"),
        ("SECWM1", "0x0..0x7f"),
        ("BOOT_UBE", "0xC3"),
        ("SWAP_BANK", "0x1"),
        ("EDATA1_EN", "0x1"),
    ];
    assert_eq!(named, expected.map(|(field, value)| (field, value.to_owned())));
    assert_eq!(reading.case.options.len(), 15);
    // The same as a table in a post.
    let table = "| Option | Value |\n|---|---|\n| PRODUCT_STATE | 0x17 |\n| TZEN | B4 |\n| SWAP_BANK | 0x1 |\n";
    assert_eq!(read_options(&of(table).case.steps), [("PRODUCT_STATE", 0x17), ("TZEN", 0xB4)]);
}

/// As people type what they see.
#[test]
fn a_typed_list_of_options_is_read() {
    let reading = of("STM32H563ZI\nSECWM2_STRT = 0x1\nSECWM2_END=0x0\nSECWM1_STRT = a few\n");
    let options: Vec<_> = reading.case.options.iter().map(|o| (o.field.as_str(), o.value)).collect();
    assert_eq!(options, [("SECWM2_STRT", Some(1)), ("SECWM2_END", Some(0))]);
    assert_eq!(reading.understood, 3);
}

#[test]
fn what_says_nothing_is_said_to_say_nothing() {
    for (text, lines) in [("", 0), ("\n\n", 0), ("the quick brown fox\njumps\n", 2)] {
        let reading = of(text);
        assert_eq!((reading.understood, reading.of, reading.case.steps.len()), (0, lines, 0), "{text}");
    }
    assert!(matches!(read(&[7, 0xFF, 1, 2, 3, 0x80, 0x1F, 5]), Err(ReadError::NotText)));
    assert!(matches!(read(&vec![b'a'; MAX_SIZE + 1]), Err(ReadError::TooLarge { .. })));
    assert!(matches!(read(b"[chip]\npartt = 1\n"), Err(ReadError::Case(_))));
    assert_eq!(of("\u{feff}[chip]\npart = \"STM32H563\"\n").kind, Kind::CaseFile);
}

#[test]
fn another_family_is_named_with_its_road() {
    for (text, name, page) in [
        ("Device ID   : 0x482\nDevice name : STM32U575/585\n", "STM32U5", Some("docs/families/u5.md")),
        ("Info : [stm32l5x.cpu] Cortex-M33 r0p4 processor detected\n", "STM32L5", Some("docs/families/l5.md")),
        ("My STM32WBA52 does not connect any more.\n", "STM32WBA", Some("docs/families/wba.md")),
        ("{\n\"deviceId\" : 1157\n}\n", "STM32H7RS", Some("docs/families/h7rs.md")),
        ("I use an STM32N657 and I cannot connect.\n", "STM32N6", Some("docs/families/n6.md")),
        ("Device ID   : 0x413\n", "STM32F4", None),
    ] {
        let reading = of(text);
        assert_eq!(reading.other_family.as_deref(), Some(name), "{text}");
        let answer = diagnose(&reading.case).family.unwrap();
        assert_eq!((answer.name, answer.page.as_deref()), (name, page), "{text}");
        assert_eq!(answer.road.is_empty(), page.is_none());
    }
    assert_eq!(of("My STM32H563 next to an STM32U585\n").case.family, None);
}

#[test]
fn every_road_has_its_page_with_its_sources() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/families");
    let mut pages = 0;
    for family in Family::all() {
        let Some(road) = &family.road else { continue };
        let text = fs::read_to_string(docs.join(format!("{}.md", road.page))).unwrap();
        for key in road.source {
            let source = Source::find(key).unwrap_or_else(|| panic!("{key}"));
            assert!(source.url.is_none_or(|url| text.contains(url)), "{}: {key} is not linked", road.page);
        }
        for id in family.dev_ids {
            assert!(text.contains(&format!("0x{id:03X}")), "{} {id:#x}", road.page);
        }
        assert!(road.short.contains("ever") && text.contains("## Never"), "{}", road.page);
        pages += 1;
    }
    assert_eq!(fs::read_dir(docs).unwrap().count(), pages + 1, "one page for each road, and the list of them");
}

#[test]
fn two_logs_in_one_and_cut_lines_do_no_harm() {
    for first in LOGS {
        for second in LOGS {
            let both = of(&format!("{first}\n{second}"));
            let alone = of(first).case.steps.len() + of(second).case.steps.len();
            assert_eq!(both.case.steps.len(), alone);
        }
        // A log that is cut anywhere says nothing that the whole one does not say.
        let whole = read_options(&of(first).case.steps).len();
        for at in (0..first.len()).filter(|at| first.is_char_boundary(*at)).step_by(37) {
            let cut = of(&first[..at]);
            let states = read_options(&cut.case.steps);
            assert!(states.len() <= whole, "{at}");
            let all: Vec<u64> = read_options(&of(first).case.steps).iter().map(|(_, v)| *v).collect();
            assert!(states.iter().all(|(_, v)| all.contains(v)), "{at} {states:?}");
        }
    }
}

#[test]
fn five_megabytes_are_read_in_one_pass() {
    // Work is counted, not timed: each line is looked at once, and sentences are looked at up to a bound.
    let log = LOGS.concat();
    let long = log.repeat((5 << 20) / log.len());
    let reading = of(&long);
    assert!(reading.case.steps.len() <= 200 && reading.case.claims.len() <= 600, "{}", reading.case.claims.len());
    let post = include_str!("posts/stuck-in-provisioning.txt").repeat(1500);
    assert!(post.len() > 5 << 20);
    let reading = of(&post);
    assert!(reading.case.steps.len() <= 200 && reading.unread.len() <= 200);
}

/// Pieces that readers look for, in any order and cut anywhere.
const PIECES: &[&str] = &[
    "PRODUCT_STATE",
    ": ",
    "0x17",
    " (Provisioning",
    ")",
    "\n",
    "\r\n",
    "> ",
    "\u{1b}[31m",
    "\"TZEN\" : 180",
    "{",
    "I ",
    "changed ",
    "17 ",
    "→ ",
    "ED",
    "Attempt 2:",
    "cannot ",
    "connect",
    "hot plug ",
    "AP1 ",
    "Error: ",
    "Unable to get core ID",
    "STM32_Programmer_CLI -c port=SWD -ob ",
    "TZEN=0xB4",
    "discovery: ",
    "PSA lifecycle..:ST_LIFECYCLE_CLOSED",
    "热插拔",
    "无法连接",
    "é",
    "l'état ",
    "[ERR] ",
    "SECWM1_END",
    "BANK 1 ",
    "OB [1, 2]",
    "2026-04-11 4:55 AM",
    "?",
    ". ",
    "STM32U585",
    "Device ID : 0x482",
    "-1",
    "\"",
    "(",
    "—",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(reading) = read(&bytes) {
            prop_assert!(reading.understood <= reading.of);
        }
    }

    #[test]
    fn claims_stand_where_their_words_are_and_all_of_them_can_be_struck(
        picks in proptest::collection::vec(0..PIECES.len(), 0..60), from_the_end in any::<bool>(),
    ) {
        let text: String = picks.into_iter().map(|i| PIECES[i]).collect();
        let Ok(mut reading) = read(text.as_bytes()) else { return Ok(()) };
        let plain = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines: Vec<&str> = plain.split(['\n', '\r']).collect();
        for claim in &reading.case.claims {
            prop_assert!(
                lines.iter().any(|l| l.get(claim.place.bytes.clone()).is_some_and(|w| w.starts_with(&claim.place.words))),
                "{claim:?} {text:?}"
            );
        }
        prop_assert!(reading.understood <= reading.of);
        while !reading.case.claims.is_empty() {
            let at = if from_the_end { reading.case.claims.len() - 1 } else { 0 };
            prop_assert!(reading.case.strike(at));
        }
        prop_assert!(reading.case.steps.is_empty(), "{:?}", reading.case.steps);
        prop_assert!(reading.case.chip.part.is_none() && reading.case.chip.tz.is_none() && reading.case.bench.probe.is_none());
    }
}
