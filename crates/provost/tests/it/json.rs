//! Every command's JSON is one document of the schema that it names, and nothing in it is secret.

use crate::sandbox;

use provost_chip::{
    parts::{DaStore, PartId},
    states::ProductState,
};
use sandbox::{Sandbox, validate_as};
use serde_json::Value;

#[test]
fn commands_without_a_chip() {
    let s = Sandbox::new();
    for line in [
        "probes",
        "twin list",
        "twin ledger",
        "twin new a.chip",
        "explain R-RSS-CHECKSUM",
        "explain leave-rss-da",
        "explain nrst-not-wired",
    ] {
        assert_eq!(s.json(line).0, 0, "{line}");
    }
    for state in ProductState::ALL {
        assert_eq!(s.json(&format!("explain {}", state.as_str())).1["sheet"]["code"], state.code());
    }
    let (code, value) = s.json("explain nonsense");
    assert_eq!((code, &value["code"]), (2, &Value::from("unknown-topic")));
    for rule in provost_chip::rules::Rule::all() {
        assert_eq!(s.json(&format!("explain {}", rule.id)).1["says"], rule.says);
    }
}

#[test]
fn status_and_plan_of_every_part_in_every_state() {
    let s = Sandbox::new();
    let mut chips = 0;
    for part in PartId::all() {
        for state in ProductState::ALL {
            for tz in ["on", "off"] {
                if tz == "on" && !part.info().trustzone || tz == "off" && state == ProductState::TzClosed {
                    continue; // There is no such chip.
                }
                let file = format!("{part}-{}-{tz}.chip", state.as_str());
                let (code, made) =
                    s.json(&format!("twin new {file} --part {part} --state {} --tzen {tz} --empty", state.as_str()));
                assert_eq!(code, 0);
                let before = s.read(&file);
                let (code, status) = s.json(&format!("status --stats --probe twin:{file}"));
                assert_eq!(code, 0, "{file}");
                // Of an Open chip the option words that may be unusual are read too, and the vector table that it boots by.
                let most = if state == ProductState::Open { 63 } else { 32 };
                let cost = status["stats"]["swd_transactions"].as_u64().unwrap();
                assert!(cost <= most, "{file}: {cost} SWD transactions");
                assert_eq!(status["unusual"].is_null(), state != ProductState::Open, "{file}");
                let seen = &status["product_state"];
                assert!(*seen == made["product_state"] || seen.is_null(), "{file}");
                assert_eq!(seen.is_null(), state > ProductState::Provisioning, "{file}: closed states are not visible");
                // Only with the password that was written, or a new one for life, is there a way back: a plan that stops at once.
                let stops = part.info().da_store == DaStore::Otp && state == ProductState::Provisioning;
                let (code, _) = s.json(&format!("rescue --dry-run --probe twin:{file}"));
                assert_eq!(code, if stops { 3 } else { 0 }, "{file}");
                assert_eq!(s.read(&file), before, "{file}: looking changes nothing");
                chips += 1;
            }
        }
    }
    println!("{chips} chips");
}

#[test]
fn a_rescue_its_receipt_and_its_journal() {
    let s = Sandbox::new();
    s.json("twin new board.chip --part STM32H533RE --tzen on --state provisioning");
    assert_eq!(s.json("auth discover --probe twin:board.chip").1["discovery"]["integrity_valid"], false);
    let (code, receipt) = s.json("rescue --stats --probe twin:board.chip");
    assert_eq!(code, 0);
    let file: Value = serde_json::from_slice(&s.read("provost-rescue/twin-board-chip/receipt.json")).unwrap();
    validate_as(&file, "receipt", "receipt.json");
    assert_eq!(file["after"], receipt["after"]);
    let journal = String::from_utf8(s.read("provost-rescue/twin-board-chip/journal")).unwrap();
    for line in journal.lines() {
        let (_crc, text) = line.split_at(9);
        validate_as(&serde_json::from_str(text).unwrap(), "journal-line", line);
    }
    assert!(journal.lines().last().unwrap().contains("\"done\""));
}

#[test]
fn failures_are_documents_too() {
    let s = Sandbox::new();
    for (line, code, exit) in [
        ("status --probe twin:no-such-chip", "twin-not-found", 2),
        ("rescue --probe twin:tz-closed-without-object", "chip-closed-without-data", 3),
        ("rescue --probe twin:stuck-in-provisioning?nrst=not-wired", "nrst-not-wired", 4),
        ("rescue --probe twin:stuck-in-provisioning?cut-power=700", "interrupted", 5),
        ("rescue --probe twin:stuck-in-provisioning?rss-checksum=unlisted", "rss-checksum-unknown", 4),
    ] {
        let (got, value) = s.json(line);
        assert_eq!(
            (got, value["code"].as_str().unwrap(), value["exit"].as_i64().unwrap()),
            (exit, code, exit.into()),
            "{line}"
        );
        assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
    }
}

#[test]
fn nothing_secret_is_printed_or_journalled() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen off --state provisioning");
    let run = s.run("rescue --probe twin:board.chip --json -vv");
    assert_eq!(run.code, 0);
    let folder = "provost-rescue/twin-board-chip";
    let password = s.read(&format!("{folder}/credential/password.bin"));
    let password = std::str::from_utf8(&password[8..24]).unwrap().to_owned();
    let hex: String = password.bytes().map(|b| format!("{b:02x}")).collect();
    let words: Vec<String> =
        password.as_bytes().chunks(4).map(|c| format!("{:08x}", u32::from_le_bytes(c.try_into().unwrap()))).collect();
    let key = String::from_utf8(s.read(&format!("{folder}/credential/key_3_leaf.pem"))).unwrap();
    let key_line = key.lines().nth(1).unwrap().to_owned();
    for (what, text) in [
        ("stdout", run.out),
        ("stderr", run.err),
        ("journal", String::from_utf8(s.read(&format!("{folder}/journal"))).unwrap()),
        ("receipt", String::from_utf8(s.read(&format!("{folder}/receipt.json"))).unwrap()),
    ] {
        for secret in [&password, &hex, &key_line].into_iter().chain(&words) {
            assert!(!text.contains(secret.as_str()), "{what} shows a secret");
        }
    }
}
