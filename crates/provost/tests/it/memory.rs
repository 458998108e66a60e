//! `option` and `flash`: every document is one of its schema, every page as it is printed, and the document in `docs/` says what
//! the program says. `SNAPSHOTS=overwrite cargo test -p provost --test it memory` writes the pages anew.

use crate::sandbox;

use std::{fmt::Write as _, fs};

use provost_chip::{
    option_bytes::OptionField,
    order_code::OrderCode,
    states::{ProductState, TrustZone},
};
use sandbox::{Run, Sandbox};
use serde_json::Value;
use snapbox::{Data, assert_data_eq};

/// Splits a command line as a shell would, as far as double quotes go.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, piece) in line.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn run(s: &Sandbox, line: &str) -> Run {
    let words = words(line);
    s.run_words(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Runs the commands one after the other, and holds what they print against the page of this name.
fn page(s: &Sandbox, name: &str, commands: &[&str]) {
    let mut text = String::new();
    for line in commands {
        let run = run(s, line);
        let _ = writeln!(text, "$ provost {line}");
        if !run.err.is_empty() {
            let _ = writeln!(text, "(stderr)\n{}(stdout)", run.err);
        }
        let _ = writeln!(text, "{}(exit code {})\n", run.out, run.code);
    }
    let path = format!("{}/tests/pages/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    assert_data_eq!(text, Data::read_from(path.as_ref(), None).raw());
}

#[test]
fn option_pages() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533 --tzen on");
    page(&s, "option-list", &["option list --part STM32H533 --probe twin:board.chip"]);
    page(
        &s,
        "option-set",
        &[
            "option set SECWM1_END=0x0F secboot_lock=locked --dry-run --probe twin:fresh",
            "option set SECWM1_END=0x0F SECBOOT_LOCK=locked --probe twin:fresh",
            "option set SECWM1_END=0x0F WRPSGn1=0xFE --probe twin:board.chip",
            "option set SECWM1_END=15 --probe twin:board.chip",
            "option get SECWM1_END WRPSGn1 --probe twin:board.chip",
            "option set TZEN=on --probe twin:fresh --confirm \"set TZEN=0xB4 on 38363236_33325117_00430052\"",
        ],
    );
    page(
        &s,
        "option-errors",
        &[
            "option set SECWM1_END=0x20 --probe twin:board.chip",
            "option set SECWM_END=1 --probe twin:board.chip",
            "option set TZEN --probe twin:board.chip",
            "option set PRODUCT_STATE=closed --probe twin:board.chip",
            "option set BOOT_UBE=st-irot --probe twin:board.chip",
            "option set PRODUCT_STATE=open --probe twin:stuck-in-provisioning",
            "option set TZEN=off --dry-run --probe twin:stuck-in-provisioning?tzen-in-provisioning=ignored",
            "option set TZEN=off --confirm \"set TZEN=0xC3 on twin:stuck-in-provisioning (virtual)\" --probe twin:stuck-in-provisioning?tzen-in-provisioning=ignored",
            "option list --probe twin:tz-closed-without-object",
        ],
    );
    s.run("twin new plain.chip --part STM32H563 --tzen off");
    page(
        &s,
        "option-export",
        &[
            "option export --format displ --part STM32H563 --probe twin:plain.chip",
            "option export before.toml --part STM32H563 --probe twin:plain.chip",
            "option export before.toml --part STM32H563 --probe twin:plain.chip",
            "option set SWAP_BANK=on HDP1_END=3 --probe twin:plain.chip",
            "option diff before.toml --probe twin:plain.chip",
            "option import before.toml --part STM32H563 --probe twin:plain.chip",
            "option diff before.toml --probe twin:plain.chip",
            "option import before.toml --probe twin:board.chip",
        ],
    );
}

#[test]
fn flash_pages() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533 --tzen on");
    fs::write(s.path("fw.bin"), vec![0x5A; 20_000]).unwrap();
    page(
        &s,
        "flash",
        &[
            "flash write fw.bin --at 0x0C002000 --probe twin:board.chip",
            "flash verify fw.bin --at 0x0C002000 --probe twin:board.chip",
            "flash erase --at 0x0C004000 --size 8192 --probe twin:board.chip",
            "flash verify fw.bin --at 0x0C002000 --probe twin:board.chip",
            "flash read part.hex --at 0x08002000 --size 64 --probe twin:board.chip",
            "flash read part.hex --at 0x08002000 --size 64 --probe twin:board.chip",
        ],
    );
    page(
        &s,
        "flash-errors",
        &[
            "flash write fw.bin --probe twin:board.chip",
            "flash write fw.bin --at 0x08080000 --probe twin:board.chip",
            "flash write nowhere.hex --probe twin:board.chip",
            "flash write fw.bin --at 0x0C000000 --probe twin:stuck-in-provisioning",
            "flash write fw.bin --at 0x08000000 --probe twin:tz-closed-without-object",
            "flash write fw.bin --at 0x0C000000 --probe twin:board.chip?cut-power=2000",
            "flash erase --probe twin:board.chip",
        ],
    );
}

#[test]
fn every_document_is_one_of_its_schema() {
    let s = Sandbox::new();
    fs::write(s.path("fw.bin"), vec![0xA5; 5000]).unwrap();
    // With the letter of the flash size: in Provisioning the chip does not show it.
    for code in OrderCode::all() {
        let part = code.part;
        for state in ProductState::ALL {
            for tz in TrustZone::ALL.into_iter().filter(|tz| part.info().trustzone || *tz == TrustZone::Disabled) {
                if state == ProductState::TzClosed && tz == TrustZone::Disabled {
                    continue; // There is no such chip.
                }
                s.run(&format!("twin new board.chip --part {code} --state {} --tzen {tz}", state.as_str()));
                let chip = format!("--part {code} --probe twin:board.chip");
                let name = format!("{code} {state} {tz}");
                let before = s.read("board.chip");
                let (code, list) = s.json(&format!("option list {chip}"));
                if state > ProductState::Provisioning && code == 0 {
                    // Non-secure code runs: what can be seen cannot be changed.
                    assert!(state < ProductState::Closed && tz == TrustZone::Disabled, "{name}");
                    let fields = list["fields"].as_array().unwrap();
                    assert!(fields.iter().all(|f| f["access"]["verdict"] == "no"), "{name}");
                } else if state > ProductState::Provisioning {
                    assert_eq!((code, &list["code"]), (3, &"option-not-visible".into()), "{name}");
                    let (code, flash) = s.json(&format!("flash erase --all {chip}"));
                    assert_eq!((code, &flash["code"]), (3, &"flash-not-reachable".into()), "{name}");
                } else {
                    assert_eq!((code, &list["product_state"]), (0, &state.as_str().into()), "{name}");
                    assert_eq!(list["fields"].as_array().unwrap().len(), OptionField::of(part).count(), "{name}");
                    let (code, change) = s.json(&format!("option set NSBOOTADD=0x08004000 --dry-run {chip}"));
                    assert_eq!((code, &change["written"]), (0, &Value::Bool(false)), "{name}");
                    assert_eq!(s.json(&format!("option export {chip}")).0, 0);
                    assert_eq!(s.json(&format!("option export --force --format displ a.txt {chip}")).0, 0);
                    let (code, diff) = s.json(&format!("option diff a.txt {chip}"));
                    assert_eq!((code, &diff["differences"]), (0, &Value::Array(Vec::new())), "{name}");
                    assert_eq!(
                        s.json(&format!("flash read --force a.bin --at 0x08000000 --size 8 {chip}")).0,
                        if list["trustzone"] == "on" && state != ProductState::Open { 3 } else { 0 },
                        "{name}"
                    );
                    assert_eq!(s.read("board.chip"), before, "{name}: looking changes nothing");
                }
                fs::remove_file(s.path("board.chip")).unwrap();
            }
        }
    }
    s.run("twin new board.chip --part STM32H573 --tzen off");
    let chip = "--part STM32H573 --probe twin:board.chip";
    let (code, change) = s.json(&format!("option set WRPSGn2=0x7FFFFFFF SRAM2_RST=0 {chip}"));
    assert_eq!((code, &change["reset"], &change["verified"]), (0, &"nrst".into(), &Value::Bool(true)));
    let (code, error) = s.json(&format!("option set TZEN=on {chip}"));
    assert_eq!((code, &error["code"]), (3, &"option-not-confirmed".into()));
    assert_eq!(s.json(&format!("flash write fw.bin --at 0x08000000 --stats {chip}")).1["sectors"], 1);
    assert_eq!(s.json(&format!("flash verify fw.bin --at 0x08000000 {chip}")).0, 0);
    assert_eq!(s.json(&format!("flash erase --at 0x08000000 --size 1 {chip}")).1["sectors"], 1);
    let (code, error) = s.json(&format!("flash verify fw.bin --at 0x08000000 {chip}"));
    assert_eq!((code, &error["code"]), (1, &"flash-mismatch".into()));
}

#[test]
fn wrong_calls_are_told_without_a_chip() {
    let s = Sandbox::new();
    for (line, code, exit) in [
        ("option set NONSENSE=1", "option-unknown-field", 2),
        ("option set TZEN=2", "option-value", 2),
        ("option set TZEN", "option-assignment", 2),
        ("option diff nowhere.toml", "file-missing", 2),
        ("option import nowhere.toml", "file-missing", 2),
        ("flash write nowhere.elf", "file-missing", 2),
        ("option", "usage", 2),
        ("option set", "usage", 2),
        ("flash erase", "usage", 2),
        ("flash erase --at 0x08000000", "usage", 2),
        ("flash erase --all --at 0 --size 1", "usage", 2),
        ("flash read a.bin --at 0x8z --size 1", "usage", 2),
    ] {
        let (got, value) = s.json(&format!("{line} --probe twin:no-such-chip"));
        assert_eq!((value["code"].as_str(), got), (Some(code), exit), "{line}: {value:#}");
        assert!(!value["next"].as_array().unwrap().is_empty(), "{line}");
    }
}

/// Several images are one write: one halt, one reset, and neither without the other.
#[test]
fn several_images_are_written_in_one_go() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on");
    std::fs::write(s.path("a.bin"), [0xA5; 40]).unwrap();
    std::fs::write(s.path("b.bin"), [0x5A; 16]).unwrap();
    let chip = "--probe twin:board.chip --part STM32H563";
    let edges = |line: &str| {
        let (code, document) = s.json(&format!("{line} {chip} --stats"));
        assert_eq!(code, 0, "{document:#}");
        (document["sectors"].as_u64().unwrap(), document["stats"]["nrst_edges"].as_u64().unwrap())
    };
    let (one, single) = edges("flash write a.bin@0x0C000000");
    // Two sectors, and a third piece in the first of them.
    let (sectors, together) = edges("flash write a.bin@0x0C000000 b.bin@0x0C010000 b.bin@0x0C000100");
    assert_eq!((one, sectors, together), (1, 2, single));
    for line in ["flash verify a.bin@0x0C000000 b.bin@0x0C000100", "flash verify b.bin@0x0C010000"] {
        assert_eq!(s.run(&format!("{line} {chip}")).code, 0, "{line}");
    }
    let before = s.read("board.chip");
    for (line, code) in [
        ("flash write a.bin@0x0C000000 b.bin@0x08000010", "flash-image-overlap"),
        ("flash write a.bin b.bin --at 0x0C000000", "flash-at-of-several"),
    ] {
        let (_, error) = s.json(&format!("{line} {chip}"));
        assert_eq!(error["code"], code, "{line}: {error:#}");
    }
    assert_eq!(s.read("board.chip"), before, "nothing was written");
}
