//! `provost diagnose` and `explain "MESSAGE"` as people call them: files, standard input, live chips, and nonsense.

use crate::sandbox;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use sandbox::Sandbox;
use serde_json::Value;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../provost-diagnosis/tests/cases")
}

fn copy(s: &Sandbox, from: &str, to: &str) {
    fs::copy(cases().join(from), s.path(to)).unwrap();
}

fn steps(value: &Value, of: &str) -> Vec<String> {
    value[of].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_known_report_gives_one_valid_document() {
    let s = Sandbox::new();
    let mut reports = 0;
    for folder in [cases(), cases().join("raw")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && !name.ends_with(".expect.toml") {
                fs::copy(&path, s.path(&name)).unwrap();
                let (code, value) = s.json(&format!("diagnose {name}"));
                // With nothing understood there is no verdict, and the exit code says so.
                assert_eq!(code == 0, value["understood"] == true, "{name}");
                assert_eq!(value["verdict"] == "undetermined", !value["ask"].as_array().unwrap().is_empty(), "{name}");
                assert_eq!(value["verdict"] == "lost", !value["salvage"].as_array().unwrap().is_empty(), "{name}");
                reports += 1;
            }
        }
    }
    assert!(reports > 50, "{reports}");
}

#[test]
fn several_inputs_are_one_report() {
    let s = Sandbox::new();
    copy(&s, "c01a-h533-stopped-in-provisioning.toml", "first.toml");
    copy(&s, "raw/h533-provisioning.log", "then.log");
    let (_, value) = s.json("diagnose first.toml then.log");
    assert_eq!(value["verdict"], "recoverable");
    assert_eq!(value["inputs"].as_array().unwrap().len(), 2);
    // And standard input.
    let mut child =
        s.command(&["diagnose", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&s.read("then.log")).unwrap();
    let out = child.wait_with_output().unwrap();
    let value: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &value["verdict"]), (Some(0), &Value::from("recoverable")));
}

#[test]
fn live_chips_are_read_and_left_as_they_are() {
    let s = Sandbox::new();
    for (preset, verdict) in [
        ("stuck-in-provisioning", "recoverable"),
        ("provisioning-without-trustzone", "recoverable"),
        ("fresh", "not-locked"),
        ("tz-closed-without-object", "undetermined"),
    ] {
        s.run(&format!("twin new {preset}.chip --preset {preset}"));
        let before = s.read(&format!("{preset}.chip"));
        let (code, value) = s.json(&format!("diagnose --probe twin:{preset}.chip"));
        assert_eq!((code, &value["verdict"]), (0, &Value::from(verdict)), "{preset}");
        assert_eq!(s.read(&format!("{preset}.chip")), before, "{preset}: nothing is written");
    }
    // What the next test says is what settles it.
    let (_, value) = s.json("diagnose --probe twin:tz-closed-without-object.chip");
    assert_eq!(steps(&value, "ask")[0], "discover");
    let (_, value) = s.json("diagnose --discover --probe twin:tz-closed-without-object.chip");
    assert_eq!(value["verdict"], "lost");
    assert!(value["reasons"].as_array().unwrap().iter().any(|r| r["id"] == "R-CLOSING-WITHOUT-DA-LOSES"));
}

/// The diagnosis and the rescue choose the same steps.
#[test]
fn advice_and_action_agree() {
    let s = Sandbox::new();
    for preset in ["stuck-in-provisioning", "provisioning-without-trustzone"] {
        s.run(&format!("twin new {preset}.chip --preset {preset}"));
        let (_, advice) = s.json(&format!("diagnose --probe twin:{preset}.chip"));
        let (_, plan) = s.json(&format!("rescue --dry-run --probe twin:{preset}.chip"));
        let planned = steps(&plan, "steps");
        let mut from = 0;
        // The bench is the rescue's to prove, not to advise.
        for step in steps(&advice, "plan").iter().filter(|s| !s.starts_with("wire:")) {
            let place = planned[from..].iter().position(|p| p == step);
            from += place.unwrap_or_else(|| panic!("{preset}: {step} is not in {planned:?}")) + 1;
        }
    }
}

#[test]
fn wrong_input_is_named() {
    let s = Sandbox::new();
    let write = |name: &str, bytes: &[u8]| fs::write(s.path(name), bytes).unwrap();
    write("broken.toml", b"[chip\npart = ");
    write("key.toml", b"[chip]\npart = \"STM32H533\"\ntrustzone = \"on\"\n");
    write("word.toml", b"[chip]\nstate = \"provisionning\"\n");
    write("value.toml", b"[bench]\nsupply_volts = \"much\"\n");
    write("picture.log", &[0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0xFF, 0xFE, 0, 0].repeat(400));
    write("other.log", b"STM32CubeProgrammer v2.17.0\nDevice ID   : 0x450\nDevice name : STM32H7xx\n");
    for (line, code, says) in [
        ("diagnose nowhere.log", "file-io", "nowhere.log"),
        ("diagnose broken.toml", "case-syntax", "line 1"),
        ("diagnose key.toml", "case-unknown-key", "line 3"),
        ("diagnose word.toml", "case-unknown-word", "provisioning"),
        ("diagnose value.toml", "case-wrong-value", "line 2"),
        ("diagnose picture.log", "not-text", "picture.log"),
        ("diagnose other.log", "other-family", "STM32H7"),
    ] {
        let (exit, value) = s.json(line);
        assert_eq!(value["code"], code, "{line}: {value:#}");
        assert!(exit == 1 || exit == 2, "{line}: {exit}");
        let message = value["message"].as_str().unwrap_or_default().to_owned() + &value.to_string();
        assert!(message.contains(says), "{line}: {message}");
        assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
    }
    // Nothing at all is no verdict, and no success.
    write("empty.log", b"");
    write("prose.log", b"my board does not work since yesterday\n");
    for name in ["empty.log", "prose.log"] {
        let (exit, value) = s.json(&format!("diagnose {name}"));
        assert_eq!((exit, &value["understood"]), (1, &Value::from(false)), "{name}");
        assert!(!value["ask"].as_array().unwrap().is_empty(), "{name}: the next question");
    }
}

/// 200 MB of a log: read line by line, its few messages found.
#[test]
fn a_huge_log_is_read_as_it_comes() {
    let s = Sandbox::new();
    let mut child =
        s.command(&["diagnose", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let log = fs::read(cases().join("raw/h533-provisioning.log")).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let noise = "0x08000000 : 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF and nothing else\n".repeat(14_000);
    for _ in 0..200 {
        stdin.write_all(noise.as_bytes()).unwrap();
    }
    stdin.write_all(&log).unwrap();
    let pid = child.id();
    let peak = fs::read_to_string(format!("/proc/{pid}/status")).ok().and_then(|status| {
        status.lines().find(|l| l.starts_with("VmHWM"))?.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    let value: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(value["verdict"], "recoverable");
    assert!(value["inputs"][0]["lines"].as_u64().unwrap() > 2_800_000);
    if let Some(kilobytes) = peak {
        assert!(kilobytes < 200 << 10, "{kilobytes} KB");
    }
}

#[test]
fn messages_are_explained() {
    let s = Sandbox::new();
    for (message, id) in [
        ("Error: Cannot connect to access port 1!", "M-CANNOT-CONNECT-AP1"),
        ("Error: failed to reconnect after reset !", "M-RECONNECT-RESET"),
        ("RSSLIB_SETOBKEY_BAD_SIZE", "M-SDP-SIZE"),
    ] {
        let run = s.run_words(&["explain", message, "--json"]);
        let value: Value = serde_json::from_str(&run.out).unwrap();
        sandbox::validate(&value, message);
        assert_eq!((run.code, &value["id"]), (0, &Value::from(id)), "{message}");
    }
}
