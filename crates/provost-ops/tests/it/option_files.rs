//! Option bytes in files: what is written is read back, what others wrote is understood, and nothing else is.

use crate::common;

use std::path::Path;

use common::maker;
use proptest::prelude::*;
use provost_bench::Bench;
use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    identify::identify,
    option_bytes::{OptionBytes, OptionFile, diff, displ, file},
};
use provost_twin::board::VirtualBoard;

fn bytes(part: PartId, tz: TrustZone) -> OptionBytes {
    let board = VirtualBoard::with_chip("board", maker(part.info().name, ProductState::Open, tz).make());
    let mut bench = Bench::on_board(board);
    let identity = identify(&mut bench.session).unwrap();
    OptionBytes::read(&mut bench.session, &identity, Some(part.into())).unwrap()
}

fn parse(text: &str, part: Option<PartId>) -> Result<OptionFile, String> {
    OptionFile::parse(text, Path::new("file"), part).map_err(|e| e.to_string())
}

#[test]
fn both_formats_come_back_as_they_were_written_for_every_part() {
    for part in PartId::all() {
        for tz in TrustZone::ALL.into_iter().filter(|tz| part.info().trustzone || *tz == TrustZone::Disabled) {
            let bytes = bytes(part, tz);
            let all = file::values(&bytes);
            let toml = parse(&file::to_toml(&bytes), Some(part)).unwrap();
            assert_eq!((toml.part, &toml.unknown[..]), (Some(part), &[][..]));
            let mut expected = all.clone();
            expected.retain(|name, _| *name != "PRODUCT_STATE" && *name != "RESERVED5");
            assert_eq!(toml.values, expected, "{part}");
            let text = parse(&displ::format(&bytes), Some(part)).unwrap();
            assert_eq!(text.unknown, [""; 0]);
            assert!(text.values.len() >= 20 && text.values.contains_key("PRODUCT_STATE"), "{part}");
            assert!(text.values.iter().all(|(name, value)| all[name] == *value), "{part}");
            assert!(diff((part, None), &text.values, &all, false).is_empty());
        }
    }
}

/// The shape of a public log of STM32CubeProgrammer on an STM32H563, with values of our own.
const LOG: &str = "      -------------------------------------------------------------------
\u{1b}[32mST-LINK SN  : 0042\u{1b}[0m
Voltage     : 3.27V
Device ID   : 0x484
UPLOADING OPTION BYTES DATA ...

  Bank          : 0x00
  Address       : 0x40022050
  Size          : 8 Bytes

OPTION BYTES BANK: 0

   Product state:

     PRODUCT_STATE: 0xED (Open)

   User Configuration:

     BOOT_UBE     : 0xB4 (OEM-iRoT (user flash) selected)
     \u{1b}[1mSWAP_BANK    \u{1b}[0m: 0x1 (swapped: yes)
OPTION BYTES BANK: 2

     NSBOOTADD    : 0x80600  (0x8060000)
OPTION BYTES BANK: 3

     SECWM1_STRT  : 0x0  (0x8000000)
     SECWM1_END   : 0x2F  (0x805e000)
     WRPSGn1      : 0xFFFFFF0F  (0x0)
     FUTURE_FIELD : 0x1
";

#[test]
fn a_log_of_st_s_tool_is_understood() {
    let part: PartId = "STM32H563".parse().unwrap();
    let found = parse(LOG, Some(part)).unwrap();
    let expected = [
        ("PRODUCT_STATE", 0xED),
        ("BOOT_UBE", 0xB4),
        ("NSBOOTADD", 0x8_0600),
        ("SECWM1_STRT", 0),
        ("SECWM1_END", 0x2F),
        ("WRPSGn1", 0xFFFF_FF0F),
        ("SWAP_BANK", 1),
    ];
    for (name, value) in expected {
        assert_eq!(found.values.get(name), Some(&value), "{name}");
    }
    assert_eq!((found.values.len(), &found.unknown[..]), (expected.len(), &["FUTURE_FIELD".to_owned()][..]));
    let names: Vec<String> = found.assignments(part).into_iter().map(|a| a.name).collect();
    assert!(!names.contains(&"PRODUCT_STATE".to_owned()) && names.len() == expected.len() - 1);
}

#[test]
fn damaged_files_name_the_line() {
    let part: PartId = "STM32H533".parse().unwrap();
    let head = "format = \"provost.options/1\"\npart = \"STM32H533\"\n\n[options]\n";
    for (text, says) in [
        (String::new(), "line 1"),
        ("format = 1".to_owned(), "line 1"),
        (head.replace("/1", "/2"), "is not \"provost.options/1\""),
        (head.replace("H533", "F407"), "unknown part"),
        (head.replace("H533", "H563"), "is for STM32H563, the chip is STM32H533"),
        (format!("{head}TZEN = 0xC3\nSECWM1_END = 0x20\n"), "line 6: 0x20 does not fit"),
        (format!("{head}TZEN = true\n"), "line 5: TZEN is a number or a name, not boolean"),
        (format!("{head}TZEN = -1\n"), "line 5: \"-1\" is no value of TZEN"),
        (format!("{head}TZEN = \"perhaps\"\n"), "line 5: \"perhaps\" is no value of TZEN"),
        (format!("{head}SRAM3_ECC = 1\n"), "line 5: STM32H533 has no option byte \"SRAM3_ECC\""),
        (format!("{head}TZEN = 0xC3\ntzen = 0xC3\n"), "TZEN is given twice"),
        (format!("{head}RESERVED5 = 1\n"), "line 5: RESERVED5 is undocumented"),
        (format!("colour = 1\n{head}"), "line 1: unknown field `colour`"),
        ("OPTION BYTES BANK: 0\n".to_owned(), "no line NAME : 0xVALUE"),
        ("OPTION BYTES BANK: 0\n SECWM1_END : 0x2F\n".to_owned(), "line 2: 0x2f does not fit"),
        ("OPTION BYTES BANK: 0\n TZEN : 0xB4\n TZEN : 0xC3\n".to_owned(), "line 3: TZEN is given twice, with two"),
    ] {
        let error = parse(&text, Some(part)).unwrap_err();
        assert!(error.contains(says), "{text:?}: {error}");
    }
    assert_eq!(parse(&format!("{head}tzen = \"on\"\n"), Some(part)).unwrap().values["TZEN"], 0xB4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,200}", cut in 0usize..2000, at in 0usize..2000, byte in any::<char>()) {
        let _ = parse(&text, None);
        let _ = parse(&format!("OPTION BYTES BANK: 0\n{text}\n NAME : 0x{text}"), None);
        let mut log: String = LOG.chars().take(cut).collect();
        if let Some((index, _)) = log.char_indices().nth(at) {
            log.insert(index, byte);
        }
        for part in [None, PartId::all().last()] {
            if let Ok(found) = parse(&log, part) {
                let part = part.unwrap_or_else(|| PartId::all().next().unwrap());
                for (name, value) in found.values {
                    prop_assert!(OptionField::find(part, name).is_none_or(|f| value <= f.mask() >> f.low));
                }
            }
        }
    }
}
