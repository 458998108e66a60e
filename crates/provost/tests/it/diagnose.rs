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

/// An Open chip that does not boot: what is unusual on it is named, and looked at first.
#[test]
fn an_open_chip_that_cannot_boot_is_told_why() {
    let s = Sandbox::new();
    s.run("twin new board.chip --preset fresh");
    s.run("option set SWAP_BANK=1 --probe twin:board.chip");
    let (code, value) = s.json("diagnose --probe twin:board.chip");
    assert_eq!((code, &value["verdict"]), (0, &Value::from("not-locked")));
    let odd: Vec<&str> = value["unusual"].as_array().unwrap().iter().map(|o| o["what"].as_str().unwrap()).collect();
    assert!(odd.contains(&"SWAP_BANK") && odd.contains(&"P-FIRMWARE"), "{odd:?}: nothing was ever programmed");
    assert!(steps(&value, "plan").contains(&"check:firmware".to_owned()));
    assert!(s.run("diagnose --probe twin:board.chip").out.contains("unusual on this chip"));
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
        ("diagnose nowhere.log", "file-missing", "nowhere.log"),
        ("diagnose broken.toml", "case-syntax", "line 1"),
        ("diagnose key.toml", "case-unknown-key", "line 3"),
        ("diagnose word.toml", "case-unknown-word", "provisioning"),
        ("diagnose value.toml", "case-wrong-value", "line 2"),
        ("diagnose picture.log", "not-text", "picture.log"),
        ("diagnose other.log", "other-family", "STM32H7"),
    ] {
        let (exit, value) = s.json(line);
        assert_eq!(value["code"], code, "{line}: {value:#}");
        assert_eq!(exit, if code == "file-missing" { 2 } else { 3 }, "{line}");
        let message = value["message"].as_str().unwrap_or_default().to_owned() + &value.to_string();
        assert!(message.contains(says), "{line}: {message}");
        assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
    }
    // Nothing at all is no verdict, and no success.
    write("empty.log", b"");
    write("prose.log", b"my board does not work since yesterday\n");
    for name in ["empty.log", "prose.log"] {
        let (exit, value) = s.json(&format!("diagnose {name}"));
        assert_eq!((exit, &value["understood"]), (6, &Value::from(false)), "{name}");
        assert!(!value["ask"].as_array().unwrap().is_empty(), "{name}: the next question");
    }
}

/// A post as people write it: the answer, the moment until which it would have been another, and each claim beside its words.
const POST: &str = "My board has an STM32H533RE, NRST is wired to the ST-LINK.
TrustZone is enabled. Product state was Open (0xED) and all was fine.
I changed PRODUCT_STATE from Open to TZ-Closed (0xC6) in CubeProgrammer, it stopped in Provisioning (0x17).
Hot plug on access port 1 works and shows 0x17.
Attempt 1: changed 17 to ED, read back 0x17.
Attempt 2: changed 17 to C6. Connection lost. The device no longer connects.
";

#[test]
fn a_post_is_answered_and_what_was_read_of_it_can_be_struck() {
    let s = Sandbox::new();
    fs::write(s.path("post.txt"), POST).unwrap();
    let (code, value) = s.json("diagnose post.txt");
    assert_eq!((code, &value["verdict"]), (0, &Value::from("undetermined")), "{value:#}");
    assert_eq!(steps(&value, "ask")[0], "discover");
    assert_eq!((&value["earlier"]["attempt"], &value["earlier"]["verdict"]), (&2.into(), &"recoverable".into()));
    assert!(value["earlier"]["plan"].as_array().unwrap().contains(&"provision-da:certificate".into()));
    let page = s.run("diagnose post.txt").out;
    assert!(
        page.contains("after attempt 1, before attempt 2")
            && page.contains("$ provost rescue")
            && page.contains("--strike"),
        "{page}"
    );
    // The page names the words; without the second attempt the chip stands in Provisioning.
    let claims = value["claims"].as_array().unwrap();
    let second: Vec<&Value> = claims.iter().filter(|c| c["line"] == 6).collect();
    let numbers: Vec<String> = second.iter().map(|c| c["number"].to_string()).collect();
    assert!(
        second.iter().any(|c| c["says"].as_str().unwrap().contains("0xc6"))
            && claims.iter().all(|c| POST.contains(c["words"].as_str().unwrap()))
    );
    let (code, value) = s.json(&format!("diagnose post.txt --strike {}", numbers.join(",")));
    assert_eq!((code, &value["verdict"]), (0, &Value::from("recoverable")), "{value:#}");
    assert_eq!(value["claims"].as_array().unwrap().len(), claims.len() - numbers.len());
    let (code, value) = s.json("diagnose post.txt --strike 99");
    assert_eq!((code, &value["code"]), (2, &Value::from("no-such-claim")));
    // The same in the encoding of a shell of Windows.
    let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(POST.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    fs::write(s.path("wide.txt"), wide).unwrap();
    assert_eq!(s.json("diagnose wide.txt").1["claims"].as_array().unwrap().len(), claims.len());
}

#[test]
fn the_template_is_filled_in_and_read() {
    let s = Sandbox::new();
    let template = s.run("diagnose --template");
    fs::write(s.path("my.toml"), &template.out).unwrap();
    let (code, value) = s.json("diagnose my.toml");
    assert_eq!((code, &value["inputs"][0]["kind"]), (0, &Value::from("case-file")));
    let (code, value) = s.json("diagnose --template");
    assert_eq!((code, value["template"].as_str()), (0, Some(template.out.as_str())));
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

/// An interview from a pipe, and what came of it.
fn asked(s: &Sandbox, options: &[&str], lines: &str) -> (i32, Value, String) {
    let words = [&["diagnose", "--json"], options].concat();
    let mut child =
        s.command(&words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever has heard enough reads no further.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let out = child.wait_with_output().unwrap();
    let value: Value = serde_json::from_slice(&out.stdout).unwrap();
    sandbox::validate(&value, "diagnose --ask");
    (out.status.code().unwrap(), value, String::from_utf8(out.stderr).unwrap())
}

#[test]
fn who_is_asked_has_a_case_file_that_says_the_same() {
    let s = Sandbox::new();
    // The first question is that of the product state; its second answer, Provisioning. Then the input ends.
    let (code, value, told) = asked(&s, &["--part", "STM32H533", "--save", "mine.toml"], "2\n");
    assert_eq!(
        (code, &value["verdict"], &value["answers"]["questions"]),
        (0, &"recoverable".into(), &1.into()),
        "{told}"
    );
    assert!(told.contains("Provisioning (0x17)"), "{told}");
    let saved = String::from_utf8(s.read("mine.toml")).unwrap();
    assert_eq!(value["answers"]["case_file"], saved);
    assert!(value["answers"]["saved"].as_str().unwrap().ends_with("mine.toml"));
    let (_, again) = s.json("diagnose mine.toml");
    for what in ["verdict", "plan", "believed", "likeliest"] {
        assert_eq!(again[what], value[what], "{what}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(s.path("mine.toml")).unwrap().permissions().mode() & 0o077, 0, "its owner's only");
    }
    // Nothing is written over, and nobody is asked first.
    let (code, value, told) = asked(&s, &["--save", "mine.toml"], "1\n");
    assert_eq!((code != 0, told.contains("product state"), s.read("mine.toml")), (true, false, saved.into_bytes()));
    assert_eq!(value["schema"], "provost.error/1");
}

#[test]
fn an_interview_that_ends_at_once_has_the_next_question() {
    let s = Sandbox::new();
    let (code, value, _) = asked(&s, &["--ask"], "");
    assert_eq!((code, &value["understood"]), (6, &false.into()));
    assert!(!value["ask"].as_array().unwrap().is_empty());
    // Whoever knows nothing is not asked for ever.
    let (code, value, told) = asked(&s, &["--ask"], &"?\n".repeat(50));
    assert_eq!((code, &value["answers"]["case_file"]), (6, &"".into()), "{told}");
}

#[test]
fn with_nothing_to_go_by_and_nobody_to_ask_it_is_a_usage_error() {
    let s = Sandbox::new();
    for line in ["diagnose", "diagnose --non-interactive"] {
        let (code, value) = s.json(line);
        assert_eq!((code, &value["code"]), (2, &"nothing-to-diagnose".into()), "{line}");
        assert!(!value["next"].as_array().unwrap().is_empty());
    }
}

/// The chip of every known report can be made, is what was believed, and its plan can be tried on it.
#[test]
fn a_virtual_chip_is_like_the_one_that_is_believed() {
    let s = Sandbox::new();
    let (mut made, mut tried, mut waiting) = (0, 0, 0);
    for entry in fs::read_dir(cases()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        fs::copy(&path, s.path(&name)).unwrap();
        let (_, found) = s.json(&format!("diagnose {name}"));
        fs::write(s.path("found.json"), found.to_string()).unwrap();
        let (code, twin) = s.json(&format!("twin new {name}.chip --like found.json"));
        assert_eq!(code, 0, "{name}: {twin:#}");
        let (_, again) = s.json(&format!("twin new {name}.2.chip --like {name}"));
        assert_eq!(again["like"]["believed"], twin["like"]["believed"], "{name}: the report and its diagnosis");
        let likeliest = &found["likeliest"];
        assert_eq!(&twin["product_state"], &likeliest["product_state"], "{name}");
        made += 1;
        // Asked as it lies on its bench, with NRST wired, it says what was believed of it.
        let (_, live) = s.json(&format!("diagnose --discover --probe twin:{name}.2.chip"));
        if likeliest["product_state"] != "locked" {
            assert_eq!(live["believed"]["product_state"], likeliest["product_state"], "{name}: {:#}", live["believed"]);
        }
        let probe = twin["like"]["probe"].as_str().unwrap();
        let (_, plan) = s.json(&format!("diagnose {name} --probe {probe}"));
        for step in plan["plan"].as_array().into_iter().flatten() {
            let line = step["commands"]["provost"].as_str().unwrap();
            if let Some(words) = line.strip_prefix("provost ") {
                // As a shell takes it: no word here has a space in it.
                let (code, value) = s.json(&words.replace('\'', ""));
                // What only a person has, or can do to wires and power, it asks for; everything else is done.
                assert!(matches!(code, 0 | 4), "{name}: {line}: {value:#}");
                waiting += usize::from(code == 4);
                tried += 1;
            }
        }
    }
    println!("{made} chips made, {tried} commands tried on them: {waiting} ask for what only a person can do");
    let figures = include_str!("../../../../docs/figures.md");
    let row = figures.lines().find(|line| line.contains("a_virtual_chip_is_like")).expect("a row of its own");
    let stated = format!("{made} chips made, {tried} commands carried out on them");
    assert!(row.contains(&stated), "docs/figures.md states another count than {stated}: {row}");
}
