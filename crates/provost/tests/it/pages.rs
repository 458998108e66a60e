//! What people read, page by page: `tests/pages/` holds each as it is printed. `SNAPSHOTS=overwrite cargo test -p provost --test
//! pages` writes them anew; read the difference as somebody in trouble would.

use crate::sandbox;

use std::fmt::Write as _;

use provost_chip::states::ProductState;
use sandbox::Sandbox;
use snapbox::{Data, assert_data_eq};

/// Runs the commands one after the other, and holds what they print against the page of this name.
fn page(s: &Sandbox, name: &str, commands: &[&str]) {
    let mut text = String::new();
    for line in commands {
        let run = s.run(line);
        let _ = writeln!(text, "$ provost {line}");
        if !run.err.is_empty() {
            let _ = writeln!(text, "(stderr)\n{}(stdout)", run.err);
        }
        let _ = writeln!(text, "{}(exit code {})\n", run.out, run.code);
    }
    let path = format!("{}/tests/pages/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    assert_data_eq!(redacted(&text), Data::read_from(path.as_ref(), None).raw());
}

/// The hash of a plan changes with every word of every plan, and says nothing to a reader.
fn redacted(text: &str) -> String {
    let hash = |word: &str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit());
    // A hash of a key that is made anew each time.
    let digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let line = |line: &str| match line.strip_prefix("plan ").and_then(|l| l.split_once(' ')) {
        Some((word, rest)) if hash(word) => format!("plan HASH {rest}\n"),
        _ => match line.rsplit_once(' ') {
            Some((before, word)) if digest(word) => format!("{before} HASH\n"),
            _ => format!("{line}\n"),
        },
    };
    text.lines().map(line).collect()
}

/// A real board on the desk is not for tests to touch.
fn probe_attached(s: &Sandbox) -> bool {
    let (_, list) = s.json("probes");
    list["probes"].as_array().unwrap().iter().any(|p| p["kind"] != "virtual")
}

#[test]
fn without_a_chip() {
    let s = Sandbox::new();
    if probe_attached(&s) {
        println!("SKIPPED: the pages `probes` and `no-probe`, for a debug probe is attached");
    } else {
        page(&s, "probes", &["probes"]);
        page(&s, "no-probe", &["status"]);
    }
    page(&s, "twins", &["twin list"]);
    page(&s, "twin-new", &["twin new board.chip --preset stuck-in-provisioning", "twin new board.chip"]);
}

#[test]
fn explanations() {
    let s = Sandbox::new();
    for state in ProductState::ALL {
        page(&s, &format!("explain-{}", state.as_str()), &[&format!("explain {}", state.as_str())]);
    }
    page(&s, "explain-rule", &["explain R-RSS-CHECKSUM"]);
    page(&s, "explain-switch", &["explain leave-rss-da"]);
    page(&s, "explain-error", &["explain nrst-not-wired"]);
    page(&s, "explain-nonsense", &["explain nonsense"]);
}

#[test]
fn the_stuck_chip_comes_back() {
    let s = Sandbox::new();
    s.run("twin new board.chip --preset stuck-in-provisioning");
    page(&s, "status-stuck", &["status --probe twin:board.chip"]);
    page(&s, "rescue-dry-run", &["rescue --dry-run --probe twin:board.chip"]);
    page(&s, "discover-stuck", &["auth discover --probe twin:board.chip"]);
    page(&s, "rescue", &["rescue --probe twin:board.chip"]);
    page(&s, "status-open", &["status --probe twin:board.chip"]);
    page(&s, "rescue-of-an-open-chip", &["rescue --probe twin:board.chip", "rescue --dry-run --probe twin:board.chip"]);
}

#[test]
fn a_rescue_with_an_obstacle() {
    let s = Sandbox::new();
    for (name, option) in [
        ("rescue-nrst-not-wired", "nrst=not-wired"),
        ("rescue-stays-in-rom", "leave-rss-da=power,rss-encrypt-word=caca-is-encrypted"),
        ("rescue-unknown-checksum", "rss-checksum=unlisted"),
        ("rescue-second-word", "rss-encrypt-word=caca-is-encrypted"),
        ("rescue-interrupted", "cut-power=700"),
    ] {
        s.run(&format!("twin new {name}.chip --preset stuck-in-provisioning"));
        let probe = format!("rescue --probe twin:{name}.chip?{option}");
        page(&s, name, &[&probe]);
    }
    page(&s, "rescue-resumed", &["rescue --probe twin:rescue-interrupted.chip"]);
    page(&s, "rescue-with-trustzone-off", &["rescue --probe twin:provisioning-without-trustzone"]);
    page(&s, "rescue-h503", &["rescue --probe twin:h503-in-provisioning"]);
}

#[test]
fn the_chip_that_was_closed_with_nothing_in_it() {
    let s = Sandbox::new();
    page(&s, "status-closed", &["status --probe twin:tz-closed-without-object"]);
    page(&s, "discover-closed", &["auth discover --probe twin:tz-closed-without-object"]);
    page(&s, "rescue-closed", &["rescue --probe twin:tz-closed-without-object"]);
    s.run("twin new locked.chip --state locked");
    page(&s, "rescue-locked", &["rescue --probe twin:locked.chip"]);
    page(&s, "discover-open", &["auth discover --probe twin:fresh"]);
}

#[test]
fn diagnoses() {
    let s = Sandbox::new();
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../provost-diagnosis/tests/cases");
    for (from, to) in [
        ("c01a-h533-stopped-in-provisioning.toml", "stopped.toml"),
        ("c01b-h533-link-lost-after-tz-closed-write.toml", "link-lost.toml"),
        ("c06a-h523-four-wire-probe.toml", "four-wires.toml"),
        ("c20-h533-mass-erase-fails.toml", "erase-fails.toml"),
        ("raw/h563-production-script.log", "production.log"),
    ] {
        std::fs::copy(cases.join(from), s.path(to)).unwrap();
        let name = to.split_once('.').unwrap().0;
        page(&s, &format!("diagnose-{name}"), &[&format!("diagnose {to}")]);
    }
    page(&s, "diagnose-explain", &["diagnose stopped.toml --explain"]);
    page(&s, "diagnose-stuck", &["diagnose --probe twin:stuck-in-provisioning"]);
    page(&s, "diagnose-closed", &["diagnose --discover --probe twin:tz-closed-without-object"]);
}

#[test]
fn credentials() {
    let s = Sandbox::new();
    let new = "credential new --method certificate --part STM32H533RE --out set";
    page(&s, "credential-new", &[new, new]);
    page(&s, "credential-new-password", &["credential new --method password --part STM32H503RB --out pw"]);
    let check = "credential check set --part STM32H533RE";
    page(&s, "credential-check", &[check, "credential check set --part STM32H563ZI", "credential check pw"]);
    page(&s, "credential-show", &["credential show pw/password.bin", "credential show set/cert_root.b64.missing"]);
    s.run("twin new board.chip --preset stuck-in-provisioning");
    page(&s, "credential-check-chip", &[&format!("{check} --probe twin:board.chip")]);
}

#[test]
fn objects() {
    let s = Sandbox::new();
    s.run("credential new --method certificate --part STM32H533RE --out set");
    s.run("credential new --method password --part STM32H533RE --out pw");
    s.run("credential new --method password --part STM32H503RB --out otp");
    s.run("twin new board.chip --preset stuck-in-provisioning");
    s.run("twin new h503.chip --preset h503-in-provisioning");
    let write = "obk write set/DA_Config.obk --part STM32H533RE --probe twin:board.chip";
    page(
        &s,
        "obk-write-refused",
        &[
            "obk write set/DA_Config.obk --probe twin:board.chip",
            "obk write set/DA_Config.obk --part STM32H523CE --probe twin:board.chip",
            "obk write pw/DA_ConfigWithPassword.obk --part STM32H533RE --probe twin:board.chip",
            "obk write otp/password.bin --probe twin:h503.chip",
        ],
    );
    page(&s, "obk-write", &[&format!("{write} --dry-run"), write, write]);
    page(&s, "obk-write-otp", &["obk write otp/password.bin --once-for-life --probe twin:h503.chip"]);
    page(&s, "obk-inspect", &["obk inspect pw/DA_ConfigWithPassword.obk --part STM32H533RE"]);
    std::fs::write(s.path("da.toml"), "kind = \"da-certificate\"\npart = \"STM32H533\"\n").unwrap();
    page(&s, "obk-build-wrong", &["obk build da.toml"]);
    page(&s, "rescue-h503-once-for-life", &["rescue --once-for-life --probe twin:h503-in-provisioning"]);
    page(&s, "explain-check", &["explain obk-plain-on-crypto"]);
}

#[test]
fn wrong_calls() {
    let s = Sandbox::new();
    page(
        &s,
        "errors",
        &[
            "status --probe st-link",
            "status --probe twin:nowhere.chip",
            "status --probe twin:fresh?colour=red",
            "status --probe twin:fresh?nrst=maybe",
            "status --probe twin:fresh --part STM32H573",
            "rescue --probe twin:stuck-in-provisioning --credential nowhere",
            "auth regress --probe twin:stuck-in-provisioning --password abc",
        ],
    );
}
