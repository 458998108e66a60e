//! Who listens may go away at any line, and the disk below stdout or stderr may be full: the work on a chip goes on to its end, and
//! what was asked for is printed or missed, never lost in silence.

use crate::sandbox;

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use sandbox::Sandbox;

/// Runs it with stderr in a pipe whose reader goes away after `lines`.
fn with_a_listener_that_leaves(mut command: Command, lines: usize) -> Option<i32> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    for _ in 0..lines {
        reader.read_line(&mut String::new()).unwrap();
    }
    drop(reader);
    child.wait().unwrap().code()
}

fn full() -> std::fs::File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

fn stuck() -> Sandbox {
    let s = Sandbox::new();
    assert_eq!(s.run("twin new board.chip --preset stuck-in-provisioning").code, 0);
    s
}

fn state(s: &Sandbox) -> String {
    let (_, status) = s.json("status --probe twin:board.chip");
    status["product_state"].as_str().unwrap_or("shut").to_owned()
}

#[test]
fn a_rescue_ends_whenever_its_listener_leaves() {
    let words: Vec<&str> = "rescue --probe twin:board.chip -vv --stats".split(' ').collect();
    let plain = stuck().run("rescue --probe twin:board.chip");
    let lines = plain.err.lines().count();
    assert!(lines > 15, "{}", plain.err);
    for k in 0..=lines {
        let s = stuck();
        assert_eq!(with_a_listener_that_leaves(s.command(&words[..3]), k), Some(0), "after line {k}");
        assert_eq!(state(&s), "open", "after line {k}");
    }
    for k in [0, 1, lines] {
        let s = stuck();
        assert_eq!(with_a_listener_that_leaves(s.command(&words), k), Some(0), "after line {k} of the log");
    }
    let s = stuck();
    let status = s.command(&words).stderr(full()).stdout(Stdio::null()).status().unwrap();
    assert_eq!((status.code(), state(&s).as_str()), (Some(0), "open"), "stderr on a full disk");
}

#[test]
fn a_close_ends_whenever_its_listener_leaves() {
    let prepared = || {
        let s = Sandbox::new();
        assert_eq!(s.run("twin new board.chip --part STM32H533 --tzen on").code, 0);
        assert_eq!(s.run("credential new --method certificate --part STM32H533 --out safe").code, 0);
        s
    };
    let words = |s: &Sandbox, rest: &str| -> Vec<String> {
        let line = format!(
            "close --probe twin:board.chip --part STM32H533 --to closed --credential safe --override P-CUSTODY --rehearse{rest}"
        );
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let refused = s.json(&line).1;
        words.extend(["--confirm".to_owned(), phrase(&refused)]);
        words
    };
    let s = prepared();
    let all = words(&s, "");
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let plain = s.run_words(&all);
    assert_eq!(plain.code, 0, "{}", plain.err);
    let lines = plain.err.lines().count();
    assert!(lines > 30, "{}", plain.err);
    for k in 0..=lines {
        let s = prepared();
        let all = words(&s, "");
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(with_a_listener_that_leaves(s.command(&all), k), Some(0), "after line {k}");
        assert_eq!(state(&s), "shut", "after line {k}");
    }
    let s = prepared();
    let all = words(&s, " -vv --stats");
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let status = s.command(&all).stderr(full()).stdout(Stdio::null()).status().unwrap();
    assert_eq!((status.code(), state(&s).as_str()), (Some(0), "shut"), "stderr on a full disk");
}

/// The phrase of the final step; that of the rehearsal differs in its first word.
fn phrase(refused: &serde_json::Value) -> String {
    let message = refused["message"].as_str().unwrap();
    message.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn an_error_is_told_by_its_exit_code_at_least() {
    let s = stuck();
    let line = ["rescue", "--probe", "twin:board.chip?nrst=not-wired"];
    assert_eq!(with_a_listener_that_leaves(s.command(&line), 0), Some(4));
    assert_eq!(s.command(&line).stderr(full()).stdout(full()).status().unwrap().code(), Some(4));
    for more in ["--json", "--stats"] {
        let all = [&line[..], &[more]].concat();
        assert_eq!(s.command(&all).stderr(full()).stdout(full()).status().unwrap().code(), Some(4), "{more}");
    }
    assert_eq!(s.command(&["rescue-me"]).stderr(full()).status().unwrap().code(), Some(2));
    assert_eq!(s.command(&["rescue-me", "--json"]).stderr(full()).stdout(full()).status().unwrap().code(), Some(2));
}

#[test]
fn what_cannot_be_printed_is_a_failure_and_a_reader_that_has_seen_enough_is_none() {
    let s = stuck();
    for line in [
        "status --probe twin:board.chip",
        "status --probe twin:board.chip --json",
        "option list --probe twin:board.chip",
        "option export --probe twin:board.chip",
        "diagnose --probe twin:board.chip --json",
        "twin ledger",
        "twin list",
        "explain provisioning",
        "explain nrst-not-wired --json",
        "history",
        "--help",
        "--version",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = s.command(&words).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains("error[output]"), "{line}: {said}");
        let mut child = s.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{line}");
    }
}

#[test]
fn the_log_shows_our_own_accesses_and_nothing_of_the_drivers() {
    let run = stuck().run("status --probe twin:board.chip -vv");
    let lines: Vec<&str> = run.err.lines().collect();
    assert!(lines.iter().any(|line| line.contains("read of AP0 DRW")), "{}", run.err);
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words.iter().any(|word| word.starts_with("provost")), "{line}");
    }
    let brief = stuck().run("status --probe twin:board.chip -v");
    assert!(!brief.err.contains("DRW"), "{}", brief.err);
}
