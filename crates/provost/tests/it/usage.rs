//! A command line that makes no sense: exit code 2, and with `--json` a document on stdout all the same.

use crate::sandbox;

use sandbox::Sandbox;

#[test]
fn usage_errors_are_documents_too() {
    let s = Sandbox::new();
    for line in [
        "",
        "rescue-me",
        "auth",
        "auth regress",
        "auth regress --credential a --password b",
        "explain",
        "status --part STM32F407",
        "status --probe",
        "twin new",
        "twin new x.chip --state shut",
        "twin new x.chip --preset fresh --tzen on",
        "twin serve x.chip",
        "twin serve x.chip --remote-bitbang 70000",
        "obk",
        "obk write",
        "obk build",
        "obk image sign x.chip --profile nothing --image-version 1 --out y",
        "rescue --key-label a",
        "auth regress --password abcd --sign-in x",
    ] {
        let (code, value) = s.json(line);
        assert_eq!((code, &value["code"], &value["exit"]), (2, &"usage".into(), &2.into()), "{line}: {value:#}");
        assert!(!value["message"].as_str().unwrap().is_empty(), "{line}");
        let text = s.run(line);
        assert_eq!(text.code, 2, "{line}");
        assert!(
            text.out.is_empty() && (text.err.starts_with("error: ") || text.err.contains("Usage:")),
            "{line}: {}",
            text.err
        );
        assert!(!s.path("x.chip").exists(), "{line}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let s = Sandbox::new();
    for line in [
        "--help",
        "--version",
        "help",
        "rescue --help",
        "auth regress --help",
        "twin new --help",
        "help twin serve",
        "credential new --help",
        "obk write --help",
        "obk image sign --help",
    ] {
        let run = s.run(line);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{line}");
        assert!(!run.out.is_empty(), "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let s = Sandbox::new();
    let mut child = s.command(&["twin", "ledger"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

/// What does not change from command to command may stand in the environment; what is typed counts for more.
#[test]
fn probe_and_part_may_stand_in_the_environment() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533 --tzen on --state provisioning");
    let ask = |words: &[&str]| {
        let mut command = s.command(words);
        let output = command.env("PROVOST_PROBE", "twin:board.chip").env("PROVOST_PART", "STM32H533").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = ask(&["status"]);
    assert!(text.contains("twin:board.chip") && text.contains("chip          STM32H533 ("), "{text}");
    assert!(text.contains("next: `provost rescue --dry-run"), "{text}");
    // A check of files is one of files, and resets no chip.
    s.run("credential new --method certificate --part STM32H533 --out safe/board");
    let files = ask(&["credential", "check", "safe/board"]);
    assert!(!files.contains("chip-method"), "{files}");
    let other = ask(&["status", "--probe", "twin:fresh"]);
    assert!(other.contains("twin:fresh") && other.contains("Open"), "{other}");
}
