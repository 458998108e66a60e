//! A disk that is full, at every byte of the journal, and a folder that cannot be written: the close stops with a clear error before
//! it does what it could not announce, and goes on once there is space again.
#![allow(dead_code, unreachable_pub, clippy::expect_used, reason = "what the tests share")]
#![cfg(unix)] // a limit on the size of files stands for a full disk
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "it/closing/mod.rs"]
mod closing;

use std::{collections::BTreeMap, path::Path, process::Command};

use closing::{all_option_words, board, request, resume, root_only_set, run, scratch, state_of};
use provost_bench::Bench;
use provost_chip::{
    rules::RuleId,
    states::{ProductState, TrustZone},
};
use provost_ops::{Narrator, close};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const PART: &str = "STM32H563";
const TARGET: ProductState = ProductState::TzClosed;
const CHILD: &str = "PROVOST_TEST_DISK_FULL";

fn asked(base: &Path, set: &Path) -> closing::Request {
    let mut request = request(PART, TrustZone::Enabled, TARGET, base);
    request.credential = Some(set.to_owned());
    request
}

/// Fills the disk once plan and first record are written: from then on files end after so many bytes.
struct Filler {
    bytes: u64,
    armed: bool,
}

impl Narrator for Filler {
    fn step(&mut self, what: &str, _why: &[RuleId]) {
        if self.armed {
            limit(Some(self.bytes));
        }
        self.armed |= what.starts_with("write plan and journal");
    }

    fn note(&mut self, _what: &str) {}
}

fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum }).unwrap();
}

/// A process that exceeds the limit gets a signal, which only a parent can have it ignore: the campaign runs in a child.
#[test]
fn full_at_every_byte() {
    if std::env::var_os(CHILD).is_some() {
        return campaign();
    }
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact full_at_every_byte --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    assert!(output.status.success() && text.contains("each close was finished"), "{output:?}");
}

fn campaign() {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let whole = scratch.path().join("whole");
    run(&board(PART, TrustZone::Enabled), &asked(&whole, &set)).unwrap();
    let journal = std::fs::read(whole.join("out/chip/journal")).unwrap();
    let first = journal.iter().position(|b| *b == b'\n').unwrap() + 1;
    let mut stops = BTreeMap::<String, usize>::new();
    for bytes in first..journal.len() {
        let base = scratch.path().join("full");
        let _ = std::fs::remove_dir_all(&base);
        let board = board(PART, TrustZone::Enabled);
        let request = asked(&base, &set);
        let mut bench = Bench::on_board(board.clone());
        let mut filler = Filler { bytes: bytes as u64, armed: false };
        let closed = close::close(&mut bench.session, &request.wish, &request.site, &mut |_: &str| true, &mut filler);
        limit(None);
        let error = closed.unwrap_err();
        // The journal, or the receipt that comes before its last record.
        assert!(["journal-io", "file-io"].contains(&error.code()), "{bytes} bytes: {}: {error}", error.code());
        // What could not be announced was not begun: the state is that of the last record that is whole.
        let kept = std::fs::read_to_string(base.join("out/chip/journal")).unwrap();
        let whole = kept.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let announced = |step: &str| whole.contains(&format!("\"step\":\"{step}\""));
        let state = match (announced("enter-provisioning"), announced("write-final")) {
            (_, true) => TARGET,
            (true, false) => ProductState::Provisioning,
            (false, false) => ProductState::Open,
        };
        assert_eq!(state_of(&board).0, state, "{bytes} bytes: {error}");
        resume(&board, &request).unwrap_or_else(|e| panic!("{bytes} bytes, then space again: {e}"));
        assert_eq!(state_of(&board), (TARGET, TrustZone::Enabled), "{bytes} bytes");
        *stops.entry(format!("stopped in {state}")).or_default() += 1;
    }
    println!(
        "{} moments at which the disk is full; each close was finished with space again: {stops:?}",
        journal.len() - first
    );
    provost_testkit::figures::stated("close_disk_full", &[journal.len() - first]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let file = scratch.path().join("file");
    std::fs::write(&file, b"").unwrap();
    // Not even the superuser makes a folder there.
    for out in [Path::new("/proc/self/provost"), &file.join("out")] {
        let board = board(PART, TrustZone::Enabled);
        let before = all_option_words(&board);
        let mut request = asked(scratch.path(), &set);
        request.site.out = out.into();
        let error = run(&board, &request).unwrap_err();
        let code = error.code();
        assert!(
            ["journal-io", "file-io", "file-missing", "file-name"].contains(&code),
            "{}: {code}: {error}",
            out.display()
        );
        assert!(error.to_string().contains(&out.display().to_string()), "{error}");
        assert_eq!(all_option_words(&board), before, "{}: nothing was written", out.display());
    }
}
