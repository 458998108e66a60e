//! At home in a terminal: width, colour, defaults, what `doctor` sees, and comparisons of chips as they are.

use std::fs;

use provost_chip::{parts::PartId, states::ProductState};
use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

fn run_with(s: &Sandbox, line: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = s.command(&line.split_whitespace().collect::<Vec<_>>());
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Command lines stay whole, for they are there to be copied; a path or a code is one word.
fn is_too_wide(line: &str, width: usize) -> bool {
    line.chars().count() > width
        && !line.contains('`')
        && !line.trim_start().starts_with("$ ")
        && line.split_whitespace().count() > 1
}

#[test]
fn screens_are_as_wide_as_the_terminal() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on");
    for line in [
        "status --probe twin:stuck-in-provisioning",
        "rescue --dry-run --probe twin:stuck-in-provisioning",
        "diagnose --probe twin:tz-closed-without-object",
        "doctor --probe twin:board.chip",
        "explain provisioning",
        "explain TZEN",
        "explain nrst-not-wired",
        "flash erase --all --as-real --probe twin:board.chip",
    ] {
        for width in [60, 80, 120] {
            let run = run_with(&s, line, &[("COLUMNS", &width.to_string())]);
            let text = format!("{}{}", run.out, run.err);
            let wide: Vec<&str> = text.lines().filter(|line| is_too_wide(line, width.min(100))).collect();
            assert!(!text.is_empty() && wide.is_empty(), "{line} at {width}:\n{}", wide.join("\n"));
        }
    }
}

#[test]
fn what_is_for_programs_is_never_broken_into_lines() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on");
    for line in ["completions bash", "doctor --udev", "option export --probe twin:board.chip", "diagnose --template"] {
        let (wide, narrow) = (s.run(line), run_with(&s, line, &[("COLUMNS", "40")]));
        assert!(wide.code == 0 && wide.out == narrow.out, "{line}");
        assert_eq!(s.run(&format!("{line} --color always")).out, wide.out, "{line}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let s = Sandbox::new();
    for line in ["status --probe twin:stuck-in-provisioning", "explain nonsense", "doctor --probe twin:fresh"] {
        let plain = s.run(line);
        assert!(!plain.out.contains('\u{1b}') && !plain.err.contains('\u{1b}'), "{line}: no terminal, no colour");
        let coloured = s.run(&format!("{line} --color always"));
        let text = format!("{}{}", coloured.out, coloured.err);
        assert!(text.contains("\u{1b}["), "{line}");
        let (code, _) = s.json(&format!("{line} --color always"));
        assert_eq!(code, plain.code, "a document has no colour");
    }
}

#[test]
fn what_is_typed_counts_more_than_the_environment_and_that_more_than_the_project() {
    let s = Sandbox::new();
    for name in ["typed", "told", "project"] {
        s.run(&format!("twin new {name}.chip --part STM32H533 --tzen on --state provisioning"));
    }
    let probe = |run: &Run| run.out.lines().next().unwrap_or_default().to_owned();
    assert_ne!(s.run("status").code, 0, "nobody says which");
    fs::write(s.path("provost.toml"), "[defaults]\nprobe = \"twin:project.chip\"\npart = \"STM32H533\"\n").unwrap();
    let by_project = s.run("status");
    assert!(probe(&by_project).contains("project.chip"), "{}{}", by_project.out, by_project.err);
    assert!(by_project.out.contains("chip          STM32H533 ("), "{}", by_project.out);
    assert!(by_project.out.contains("next: `provost rescue --dry-run"), "{}", by_project.out);
    let told = [("PROVOST_PROBE", "twin:told.chip")];
    assert!(probe(&run_with(&s, "status", &told)).contains("told.chip"));
    assert!(probe(&run_with(&s, "status --probe twin:typed.chip", &told)).contains("typed.chip"));
    // A check of files is one of files.
    s.run("credential new --method certificate --out safe/board");
    let (code, files) = s.json("credential check safe/board");
    assert!(code == 0 && !files.to_string().contains("chip-method"), "{files:#}");
}

#[test]
fn a_project_names_its_credential_and_its_policy() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on");
    s.run("credential new --method certificate --part STM32H563 --out safe/board");
    fs::write(s.path("provost.toml"), "[defaults]\nprobe = \"twin:board.chip\"\ncredential = \"safe/board\"\n")
        .unwrap();
    let credential = |survey: &Value| {
        survey["checks"].as_array().unwrap().iter().any(|c| c["rule"] == "P-CREDENTIAL" && c["verdict"] == "passed")
    };
    let (_, survey) = s.json("close --to tz-closed --dry-run");
    assert!(credential(&survey), "{survey:#}");
    let (_, survey) = s.json("close --to tz-closed --dry-run --credential nowhere");
    assert!(!survey["checks"].is_array() || !credential(&survey), "what is typed counts more");
    // A password beside it excludes the folder; what was typed holds.
    let (_, error) = s.json("auth regress --password 0123456789012345");
    assert_ne!(error["code"], "usage", "{error:#}");
    let variables = [("PROVOST_CREDENTIAL", "elsewhere")];
    let run = run_with(&s, "auth regress --json", &variables);
    assert!(run.out.contains("elsewhere"), "{}", run.out);
    // Of a policy that is named, too.
    fs::write(s.path("house.toml"), "[close]\nforbid-overrides = [\"P-CUSTODY\"]\n").unwrap();
    let run =
        run_with(&s, "close --to tz-closed --override P-CUSTODY --dry-run --json", &[("PROVOST_POLICY", "house.toml")]);
    assert!(run.code == 2 && run.out.contains("the policy forbids it"), "{}", run.out);
}

#[test]
fn a_project_file_that_is_wrong_stops_what_needs_it_and_nothing_else() {
    let s = Sandbox::new();
    fs::write(s.path("provost.toml"), "[defualts]\nprobe = \"twin:fresh\"\n").unwrap();
    let (code, error) = s.json("status --probe twin:fresh");
    assert_eq!((code, &error["code"]), (3, &"policy-file".into()));
    assert!(s.run("status").err.contains("provost.toml"));
    for line in ["explain TZEN", "probes", "twin list", "--help"] {
        assert_eq!(s.run(line).code, 0, "{line}");
    }
}

#[test]
fn doctor_sees_the_wire_of_every_chip_and_changes_nothing() {
    let s = Sandbox::new();
    for part in PartId::all() {
        for state in ProductState::ALL {
            let tz = if part.info().trustzone { "on" } else { "off" };
            if state == ProductState::TzClosed && tz == "off" {
                continue; // There is no such chip.
            }
            s.run(&format!("twin new a.chip --part {part} --state {} --tzen {tz}", state.as_str()));
            let before = s.read("a.chip");
            let (code, doctor) = s.json("doctor --probe twin:a.chip");
            let verdict = |check: &str| {
                let checks = doctor["checks"].as_array().unwrap();
                checks.iter().find(|c| c["check"] == check).map(|c| c["verdict"].as_str().unwrap().to_owned())
            };
            let name = format!("{part} {state}");
            assert_eq!((code, &doctor["ready"]), (0, &true.into()), "{name}: {doctor:#}");
            for check in ["chip", "supply", "clock"] {
                assert_eq!(verdict(check).as_deref(), Some("ok"), "{name}: {check}");
            }
            assert_eq!(verdict("nrst").as_deref(), Some("not-seen"), "{name}");
            assert_eq!(s.read("a.chip"), before, "{name}");
            fs::remove_file(s.path("a.chip")).unwrap();
        }
    }
}

#[test]
fn doctor_pulses_nrst_when_asked_and_never_where_a_state_waits_for_it() {
    let s = Sandbox::new();
    s.run("twin new a.chip --part STM32H563 --tzen on");
    let nrst = |line: &str| {
        let (code, doctor) = s.json(line);
        let check = doctor["checks"].as_array().unwrap().iter().find(|c| c["check"] == "nrst").unwrap().clone();
        (code, check["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(nrst("doctor --reset --probe twin:a.chip"), (0, "ok".to_owned()));
    assert_eq!(nrst("doctor --reset --probe twin:a.chip?nrst=not-wired"), (4, "failed".to_owned()));
    let (code, error) = s.json("doctor --probe twin:nobody.chip");
    assert_eq!((code, &error["code"]), (2, &"twin-not-found".into()));
}

#[test]
fn udev_rules_are_printed_and_installed() {
    let s = Sandbox::new();
    let printed = s.run("doctor --udev").out;
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../share/udev/69-provost.rules");
    assert_eq!(printed, fs::read_to_string(shipped).unwrap());
    fs::create_dir(s.path("rules.d")).unwrap();
    assert_eq!(s.json("doctor --install-udev rules.d").0, 0);
    assert_eq!(s.read("rules.d/69-provost.rules"), printed.as_bytes());
    assert_eq!(s.json("doctor --install-udev rules.d").1["code"], "file-exists");
    assert_eq!(s.run("doctor --install-udev rules.d --force").code, 0);
}

#[test]
fn two_chips_are_compared_as_they_are() {
    let s = Sandbox::new();
    s.run("twin new a.chip --part STM32H563 --tzen on");
    s.run("twin new b.chip --part STM32H563 --tzen on");
    let diff = |line: &str| {
        let (code, diff) = s.json(&format!("option diff {line} --exit-code"));
        let names = diff["differences"].as_array().map(|d| d.iter().map(|d| d["name"].clone()).collect::<Vec<_>>());
        (code, names.unwrap_or_else(|| panic!("{diff:#}")))
    };
    assert_eq!(diff("twin:a.chip twin:b.chip"), (0, vec![]));
    let set = ["option", "set", "SWAP_BANK=on", "BOR_LEV=1", "--probe", "twin:b.chip", "--json"];
    let asked: Value = serde_json::from_str(&s.run_words(&set).out).unwrap();
    if let Some(phrase) = asked["confirm"].as_str() {
        assert_eq!(s.run_words(&[&set[..], &["--confirm", phrase]].concat()).code, 0);
    }
    let differing = vec![Value::from("BOR_LEV"), Value::from("SWAP_BANK")];
    let sorted = |(code, mut names): (i32, Vec<Value>)| {
        names.sort_by_key(ToString::to_string);
        (code, names)
    };
    s.run("option export a.toml --probe twin:a.chip");
    for line in [
        "twin:a.chip twin:b.chip",
        "twin:a.chip --probe twin:b.chip",
        "a.toml twin:b.chip",
        "twin:b.chip a.toml",
        "a.toml --probe twin:b.chip",
    ] {
        assert_eq!(sorted(diff(line)), (1, differing.clone()), "{line}");
    }
    let (_, document) = s.json("option diff twin:b.chip a.toml");
    let swap = document["differences"].as_array().unwrap().iter().find(|d| d["name"] == "SWAP_BANK").unwrap();
    assert_eq!((&swap["left"], &swap["right"]), (&"0x1".into(), &"0x0".into()), "the sides stay where they were named");
    assert_eq!(s.json("option diff twin:nobody twin:b.chip").0, 2);
}

#[test]
fn the_rest_of_a_sector_is_kept_where_it_is_asked_for() {
    let s = Sandbox::new();
    s.run("twin new a.chip --part STM32H563 --tzen off");
    let old: Vec<u8> = (0..8192u32).map(|n| (n % 251) as u8).collect();
    fs::write(s.path("old.bin"), &old).unwrap();
    fs::write(s.path("new.bin"), [0xAA; 20]).unwrap();
    let chip = "--probe twin:a.chip";
    assert_eq!(s.run(&format!("flash write old.bin@0x08002000 {chip}")).code, 0);
    // Neither its first nor its last byte is one of a quad-word.
    let (code, written) = s.json(&format!("flash write new.bin@0x08002105 --keep before.hex {chip}"));
    assert_eq!((code, &written["bytes"], &written["kept"]), (0, &20.into(), &(8192 - 20).into()), "{written:#}");
    let mut wanted = old.clone();
    wanted[0x105..0x105 + 20].fill(0xAA);
    assert_eq!(s.run(&format!("flash read now.bin --at 0x08002000 --size 0x2000 {chip}")).code, 0);
    assert!(s.read("now.bin") == wanted, "all but the twenty bytes is as before");
    // The file that was saved first brings everything back.
    s.run(&format!("flash erase --all {chip}"));
    assert_eq!(s.run(&format!("flash write before.hex {chip}")).code, 0);
    s.run(&format!("flash read now.bin --force --at 0x08002000 --size 0x2000 {chip}"));
    assert!(s.read("now.bin") == wanted);
    // Blank quad-words stay blank: programmed with ones they could not be programmed again.
    let (_, written) = s.json(&format!("flash write new.bin@0x08010000 --keep blank.hex {chip}"));
    assert_eq!(written["kept"], 0, "{written:#}");
    assert_eq!(s.json(&format!("flash write new.bin@0x08010000 --keep blank.hex {chip}")).1["code"], "file-exists");
    let said = s.run(&format!("flash write new.bin@0x08010000 {chip}")).err;
    assert!(said.contains("8172 other bytes of the") && said.contains("--keep"), "{said}");
}

#[test]
fn what_differs_from_the_factory_can_be_listed_alone() {
    let s = Sandbox::new();
    s.run("twin new a.chip --part STM32H563 --tzen on");
    let (_, list) = s.json("option list --changed --probe twin:a.chip");
    let names: Vec<&str> = list["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["TZEN"], "a new chip, but for TrustZone");
}
