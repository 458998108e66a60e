//! Case files: what they say, and errors that lead to the line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use std::{fs, path::Path};

use proptest::prelude::*;
use provost_chip::states::{BootUbe, ProductState, TrustZone};
use provost_diagnosis::{
    case::{Act, AskedPermission, Boot0, Case, ConnectMode, Credential, Goal, Host, Object, Outcome, ProvisionedBy},
    case_file::{CaseError, MAX_SIZE, TEMPLATE, looks_like_case, read},
    signs::Sign,
};

fn cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}

#[test]
fn every_case_is_read_and_recognised_as_one() {
    let cases = cases();
    assert!(cases.len() >= 20);
    for text in cases {
        assert!(looks_like_case(&text));
        let case = read(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        // Reads found in logs may add steps, nothing takes one away.
        assert!(case.steps.len() >= text.matches("[[step]]").count());
    }
    assert!(!looks_like_case(include_str!("cases/raw/h533-provisioning.log")));
}

#[test]
fn keys_become_claims_and_steps() {
    let text = r#"
        id = "X"
        [chip]
        part = "STM32H563ZI"
        tzen = "on"
        boot_ube = "oem-irot"
        state = "irot-provisioned"
        [bench]
        probe = "ST-LINK/V2 mini"
        nrst = "not-wired"
        boot0 = "accessible"
        target_usb = "unknown"
        supply_volts = 3
        host = "windows-32"
        [[step]]
        action = "provision"
        object = "da-password"
        encrypted = true
        size = 0x6C
        by = "bootloader"
        result = "unknown"
        [[step]]
        action = "discover"
        lifecycle = "ST_LIFECYCLE_TZ_CLOSED"
        integrity = "0xf5f5f5f5"
        hdpl1 = "0xffffffff"
        permissions = ["Full Regression"]
        cryptosystem = "ST Password"
        result = "ok"
        [[step]]
        action = "write-option"
        field = "product_state"
        value = 0xC6
        result = "lost"
        [[step]]
        action = "observe"
        what = "application does not run"
        [expect]
        verdict = "lost"
        anything = 1
    "#;
    let case = read(text).unwrap();
    assert_eq!((case.chip.tz, case.chip.boot_ube), (Some(TrustZone::Enabled), Some(BootUbe::OemIrot)));
    assert_eq!(case.chip.state, Some(ProductState::IrotProvisioned));
    let bench = &case.bench;
    assert_eq!((bench.nrst, bench.boot0, bench.target_usb), (Some(false), Some(Boot0::Accessible), None));
    assert_eq!((bench.supply_volts, bench.host), (Some(3.0), Some(Host::Windows32)));
    let provision = Act::Provision {
        object: Object::DaPassword,
        encrypted: Some(true),
        size: Some(108),
        by: ProvisionedBy::Bootloader,
    };
    assert_eq!((&case.steps[0].act, case.steps[0].outcome), (&provision, None));
    let Act::Discover(d) = &case.steps[1].act else { panic!() };
    assert_eq!(
        (d.lifecycle, d.integrity, d.hdpl1, d.password),
        (Some(ProductState::TzClosed), Some(false), Some(u32::MAX), Some(true))
    );
    let Act::WriteOption(write) = &case.steps[2].act else { panic!() };
    assert_eq!((write.product_state(), case.steps[2].outcome), (Some(ProductState::TzClosed), Some(Outcome::Lost)));
    assert_eq!(case.steps[3].signs, [Sign::ApplicationDead]);
}

#[test]
fn logs_fill_what_the_keys_leave_open() {
    let text = r#"
[[step]]
action = "discover"
integrity = "0xeaeaeaea"
log = """
discovery: PSA lifecycle...................:ST_LIFECYCLE_CLOSED
discovery: ST provisioning integrity status:0xf5f5f5f5
"""
[[step]]
action = "write-option"
field = "PRODUCT_STATE"
log = """
Device ID   : 0x478
     PRODUCT_STATE: 0x17 (Provisioning)
Error: Expected value for Option Byte "PRODUCT_STATE": 0xED, found: 0x17
what is this
"""
"#;
    let case = read(text).unwrap();
    let Act::Discover(d) = &case.steps[0].act else { panic!() };
    assert_eq!(
        (d.lifecycle, d.integrity),
        (Some(ProductState::Closed), Some(true)),
        "what is told outranks what is printed"
    );
    assert_eq!((case.chip.dev_id, case.ignored_lines), (Some(0x478), 1));
    let told: Vec<_> = case.steps[1..].iter().map(|s| (s.act.clone(), s.outcome)).collect();
    let option = |value| provost_diagnosis::case::OptionValue { field: "PRODUCT_STATE".into(), value: Some(value) };
    assert_eq!(
        told,
        [
            (Act::ReadOption(option(0x17)), Some(Outcome::Ok)),
            (Act::WriteOption(option(0xED)), Some(Outcome::Refused)),
            (Act::ReadOption(option(0x17)), Some(Outcome::Ok)),
        ]
    );
}

#[test]
fn errors_name_the_line_and_the_nearest_word() {
    for (text, code, line, says) in [
        ("[chip]\npart = 5\n", "case-wrong-value", 2, "part must be a string, not 5"),
        ("[chip]\ntzne = \"on\"\n", "case-unknown-key", 2, "did you mean \"tzen\"?"),
        ("[chp]\n", "case-unknown-key", 1, "did you mean \"chip\"?"),
        ("[chip]\n\nstate = \"closd\"\n", "case-unknown-word", 3, "did you mean \"closed\"?"),
        ("[bench]\nhost = \"windows\"\n", "case-unknown-word", 2, "did you mean \"windows-"),
        ("[bench]\nsupply_volts = \"3.3\"\n", "case-wrong-value", 2, "must be a number"),
        ("[bench]\nsupply_volts = nan\n", "case-wrong-value", 2, "must be a number"),
        ("[[step]]\nresult = \"ok\"\n", "case-missing-key", 1, "needs the key \"action\""),
        ("[[step]]\naction = \"conect\"\n", "case-unknown-word", 2, "did you mean \"connect\"?"),
        ("[[step]]\naction = \"reset\"\nmode = \"normal\"\n", "case-unknown-key", 3, "unknown key \"mode\""),
        ("[[step]]\naction = \"connect\"\nmode = \"hotplug\"\n", "case-unknown-word", 3, "did you mean \"hot-plug\"?"),
        (
            "[[step]]\naction = \"write-option\"\nfield = \"TZEN\"\nvalue = \"0xZZ\"\n",
            "case-wrong-value",
            4,
            "a number such as",
        ),
        (
            "[[step]]\naction = \"write-option\"\nfield = \"TZEN\"\nvalue = -1\n",
            "case-wrong-value",
            4,
            "a number such as",
        ),
        (
            "[[step]]\naction = \"discover\"\nlifecycle = \"ST_LIFECYCLE_CLSED\"\n",
            "case-unknown-word",
            3,
            "ST_LIFECYCLE_CLOSED",
        ),
        ("[[step]]\naction = \"discover\"\npermissions = [1]\n", "case-wrong-value", 3, "a list of strings"),
        ("step = 1\n", "case-wrong-value", 1, "[[step]]"),
        ("chip = 1\n", "case-wrong-value", 1, "a table"),
        ("a = [1\nb = 2\n", "case-syntax", 2, "not TOML"),
        ("\n\n???\n", "case-syntax", 3, "not TOML"),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), code, "{text} {error}");
        let message = error.to_string();
        assert!(message.starts_with(&format!("line {line}:")) && message.contains(says), "{text} {message}");
    }
}

#[test]
fn size_and_steps_are_bounded() {
    let big = " ".repeat(MAX_SIZE + 1);
    assert_eq!(read(&big), Err(CaseError::TooLarge { size: MAX_SIZE + 1 }));
    let many = "[[step]]\naction = \"reset\"\n".repeat(1001);
    assert_eq!(read(&many), Err(CaseError::TooManySteps { line: 2001 }));
    for deep in ["[".repeat(100_000), format!("a = {}", "[".repeat(100_000)), format!("a = {}", "{a=".repeat(100_000))]
    {
        assert_eq!(read(&deep).unwrap_err().code(), "case-syntax");
    }
}

#[test]
fn joined_inputs_follow_each_other_and_the_later_claim_holds() {
    let first = read("[chip]\npart = \"STM32H533\"\nstate = \"open\"\n[[step]]\naction = \"reset\"\n").unwrap();
    let second =
        read("[chip]\nstate = \"closed\"\ntzen = \"off\"\n[[step]]\naction = \"dfu\"\nlog = \"Device ID : 0x484\"\n")
            .unwrap();
    let mut joined = first.clone();
    joined.join(second);
    assert_eq!((joined.chip.state, joined.chip.tz), (Some(ProductState::Closed), Some(TrustZone::Disabled)));
    // 0x484 was measured and is no STM32H533.
    assert_eq!((joined.chip.part.as_deref(), joined.chip.dev_id), (None, Some(0x484)));
    assert!(matches!(joined.steps[0].act, Act::Reset) && matches!(joined.steps.last().unwrap().act, Act::Dfu));
    let notes =
        joined.steps.iter().filter(|s| matches!(&s.act, Act::Observe(what) if what.contains("disagree"))).count();
    assert_eq!(notes, 2);
    let mut same = first.clone();
    same.join(Case::default());
    assert_eq!(same, first);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_mutation_of_a_case_file_panics(
        which in 0usize..100,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, any::<char>()), 1..6),
    ) {
        let all = cases();
        let mut text: Vec<char> = all[which % all.len()].chars().collect();
        for (at, how, c) in edits {
            let at = at.index(text.len());
            match how {
                0 => { text.remove(at); }
                1 => text.insert(at, c),
                2 => text[at] = c,
                _ => { let to = (at + 30).min(text.len()); text.drain(at..to); }
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = read(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn the_template_is_a_case_file_and_the_page_has_every_word() {
    let case = read(TEMPLATE).unwrap();
    assert!(looks_like_case(TEMPLATE));
    assert_eq!((case.steps.len(), case.chip.state, case.bench.host), (2, None, Some(Host::Linux)));
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/case-file.md")).unwrap();
    let vocabularies = [
        Outcome::WORDS,
        ConnectMode::WORDS,
        Object::WORDS,
        ProvisionedBy::WORDS,
        Credential::WORDS,
        AskedPermission::WORDS,
        Goal::WORDS,
        Host::WORDS,
        Boot0::WORDS,
    ];
    for word in vocabularies.into_iter().flatten() {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
    // And what the page has not got is refused, with what is there.
    let error = read("[chip]\npart = \"STM32H563\"\ntrustzone = \"on\"\n").unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("part, tzen, boot_ube, state"), "{error}");
}
