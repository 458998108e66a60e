//! Chips that were closed with a credential inside: back with that one, and with no other.

use crate::sandbox;

use std::path::Path;

use provost_chip::states::{DaMethod, ProductState, TrustZone};
use provost_ops::credential::CredentialSet;
use provost_twin::{chipfile, presets::Maker, silicon::FirmwareBehaviour};
use sandbox::Sandbox;

/// A new credential in this folder of the sandbox.
fn credential(s: &Sandbox, folder: &str) -> CredentialSet {
    let (set, keys) = CredentialSet::generate(&s.path(folder)).unwrap();
    set.save(&keys, true).unwrap();
    set
}

/// A chip that its owner closed in order: provisioned first.
fn closed(file: &Path, part: &str, state: ProductState, tz: TrustZone, set: &CredentialSet) {
    let mut maker = Maker::new(part.parse().unwrap(), 0x0051_0033);
    (maker.state, maker.tz) = (state, tz);
    maker.firmware = Some(FirmwareBehaviour::default());
    let object = set.object(DaMethod::for_trustzone(tz)).unwrap().unwrap();
    maker.da_payload = Some(object.payload().to_bytes());
    chipfile::store(file, &maker.make()).unwrap();
}

fn password_of(s: &Sandbox, folder: &str) -> String {
    // STM32CubeH5 password files: 0x80000000, length, text.
    String::from_utf8(s.read(&format!("{folder}/password.bin"))[8..].to_vec()).unwrap()
}

/// Each line stops with this code and exit code, and leaves the chip file as it was.
fn refused(s: &Sandbox, lines: &[(&str, &str, i32)]) {
    let before = s.read("board.chip");
    for (line, code, exit) in lines {
        let (got, value) = s.json(line);
        assert_eq!((value["code"].as_str(), got), (Some(*code), *exit), "{line}: {value:#}");
        assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
        assert_eq!(s.read("board.chip"), before, "{line}: nothing is written");
    }
}

fn comes_back(s: &Sandbox, line: &str) {
    let (code, receipt) = s.json(line);
    assert_eq!((code, &receipt["schema"]), (0, &"provost.receipt/1".into()), "{line}: {receipt:#}");
    let (_, status) = s.json("status --probe twin:board.chip");
    assert_eq!((&status["product_state"], &status["trustzone"]), (&"open".into(), &"off".into()), "{line}");
}

#[test]
fn with_trustzone_on_its_certificate_brings_it_back() {
    for (part, state) in [
        ("STM32H533", ProductState::IrotProvisioned),
        ("STM32H573", ProductState::TzClosed),
        ("STM32H563", ProductState::Closed),
    ] {
        let s = Sandbox::new();
        let mine = credential(&s, "mine");
        credential(&s, "other");
        closed(&s.path("board.chip"), part, state, TrustZone::Enabled, &mine);
        refused(
            &s,
            &[
                ("rescue --probe twin:board.chip", "credential-needed", 4),
                ("rescue --credential other --probe twin:board.chip", "da-refused", 4),
                ("auth regress --credential other --probe twin:board.chip", "da-refused", 4),
                ("auth regress --password 0123456789abcdef --probe twin:board.chip", "credential-needed", 4),
            ],
        );
        comes_back(&s, "auth regress --credential mine --probe twin:board.chip");
    }
}

#[test]
fn with_trustzone_off_its_password_brings_it_back() {
    for (part, state) in [("STM32H563", ProductState::IrotProvisioned), ("STM32H533", ProductState::Closed)] {
        for by_folder in [true, false] {
            let s = Sandbox::new();
            let mine = credential(&s, "mine");
            credential(&s, "other");
            closed(&s.path("board.chip"), part, state, TrustZone::Disabled, &mine);
            refused(
                &s,
                &[
                    ("rescue --probe twin:board.chip", "credential-needed", 4),
                    ("rescue --credential other --probe twin:board.chip", "da-refused", 4),
                    ("auth regress --password ABCD --probe twin:board.chip", "da-refused", 4),
                ],
            );
            let with =
                if by_folder { "--credential mine".into() } else { format!("--password {}", password_of(&s, "mine")) };
            comes_back(&s, &format!("auth regress {with} --probe twin:board.chip"));
        }
    }
}

#[test]
fn a_rescue_takes_your_own_credential_too() {
    let s = Sandbox::new();
    credential(&s, "mine");
    s.run("twin new board.chip --preset stuck-in-provisioning");
    let (_, plan) = s.json("rescue --dry-run --credential mine --probe twin:board.chip");
    let steps: Vec<&str> = plan["steps"].as_array().unwrap().iter().map(|p| p["step"].as_str().unwrap()).collect();
    assert!(!steps.contains(&"make:credential") && steps.contains(&"provision-da:certificate"), "{steps:?}");
    comes_back(&s, "rescue --credential mine --probe twin:board.chip");
    assert!(!s.path("provost-rescue/twin-board-chip/credential").exists(), "none was made");
    assert!(s.path("provost-rescue/twin-board-chip/receipt.json").exists());
}

#[test]
fn a_power_cut_in_the_middle_of_the_way_back_is_gone_on_from() {
    for index in [150, 300, 450, 600, 750, 900] {
        let s = Sandbox::new();
        let mine = credential(&s, "mine");
        closed(&s.path("board.chip"), "STM32H533", ProductState::Closed, TrustZone::Enabled, &mine);
        let first = s.run(&format!("rescue --credential mine --probe twin:board.chip?cut-power={index}"));
        assert!([0, 4, 5].contains(&first.code), "{index}: {} {}", first.code, first.err);
        comes_back(&s, "rescue --credential mine --probe twin:board.chip");
    }
}
