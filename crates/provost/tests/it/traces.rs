//! Traces that were sent in: what was found on those chips is found again, by every later provost. `traces/` has them.

use std::{fs, path::PathBuf};

use serde_json::Value;
use snapbox::{Data, assert_data_eq};

use crate::sandbox::Sandbox;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../traces")
}

/// The level, as the remarks of the trace have it.
fn level(text: &str) -> String {
    let remark = text.lines().find(|l| l.starts_with("# provost ")).unwrap();
    remark.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn what_was_found_is_found_again() {
    let s = Sandbox::new();
    let mut traces = 0;
    for file in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|e| e != "trace") {
            continue;
        }
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::write(s.path("board.trace"), &text).unwrap();
        // The names of traces begin with what they are of: virtual-h533-… is an STM32H533.
        let part = name.split('-').find(|word| word.starts_with('h')).unwrap().to_uppercase();
        let on = format!("--part STM32{part} --probe replay:board.trace");
        let run = s.run(&format!("selfcheck --level {} {on} --json", level(&text)));
        assert_eq!(run.code, 0, "{name}: {}{}", run.out, run.err);
        assert_data_eq!(run.out.clone(), Data::read_from(&file.with_extension("json"), None).raw());

        // The same wire serves whoever only looks.
        let (code, status) = s.json(&format!("status {on}"));
        assert_eq!((code, &status["product_state"]), (0, &Value::from("open")), "{name}");
        assert_eq!(s.json(&format!("diagnose {on}")).0, 0, "{name}");
        // And nobody who writes.
        let (_, refused) = s.json(&format!("option set BOR_LEV=1 {on}"));
        let code = refused["code"].as_str().unwrap_or_default();
        assert!(["link-off-trace", "option-interrupted"].contains(&code), "{name}: {refused}");
        traces += 1;
    }
    println!("{traces} traces");
    assert!(traces >= 3, "{traces}");
}

/// A trace is kept of a chip that may be told of, and of no other; no file is written over.
#[test]
fn a_trace_is_kept_and_replaces_nothing() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --empty");
    let line = "selfcheck --trace board.trace --probe twin:board.chip";
    let (code, found) = s.json(line);
    assert_eq!(code, 0);
    let text = String::from_utf8(s.read("board.trace")).unwrap();
    assert!(text.starts_with("provost-trace 1\n# provost "));
    let (code, again) = s.json("selfcheck --probe replay:board.trace");
    assert_eq!((code, again), (0, found));
    assert_ne!(s.json(line).0, 0, "a file of that name is there");
    assert_eq!(s.read("board.trace"), text.as_bytes());

    s.run("twin new shut.chip --part STM32H563 --state provisioning");
    assert_eq!(s.json("selfcheck --trace shut.trace --probe twin:shut.chip").1["code"], "selfcheck-not-open");
    assert!(!s.path("shut.trace").exists());

    let (code, error) = s.json("status --probe replay:nowhere.trace");
    assert_eq!((code, &error["code"]), (2, &Value::from("file-missing")));
    let (code, error) = s.json("status --probe replay:board.chip");
    assert_eq!((code, &error["code"]), (3, &Value::from("trace-damaged")));
}

/// On a real chip the third level asks for the phrase that a rescue asks for; hands that are missing stop it.
#[test]
fn the_third_level_is_confirmed() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --empty --switch leave-rss-da=power");
    let on = "selfcheck --level 3 --part STM32H563 --probe twin:board.chip?boot0=high";
    let (code, asked) = s.json(&format!("{on} --as-real"));
    assert_eq!((code, &asked["confirm"]), (3, &Value::from("erase the chip on twin:board.chip")));
    let (code, found) = s.json(on);
    assert_eq!((code, &found["as_before"]), (0, &Value::from(true)));
}
