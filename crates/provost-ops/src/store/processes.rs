//! Several processes at once, each a real one: this test program once more, told what to do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde::{Deserialize, Serialize};

use super::{Job, Kind, NewFile, Record, Replace, Secrecy, Subject, unfinished};
use crate::{fault::Fault as _, store::FolderStore};

const TASK: &str = "PROVOST_STORE_TASK";
const BASE: &str = "PROVOST_STORE_BASE";
const RECORDS: u32 = 40;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Note {
    Step { by: u32, n: u32 },
}

impl Record for Note {
    fn is_final(&self) -> bool {
        false
    }
}

fn subject() -> Subject {
    Subject { chip: "twin:board.chip".into(), dev_id: 0x478, uid: None }
}

fn start(task: &str, base: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::processes::does_what_another_process_asks_for", "--nocapture"])
        .env(TASK, task)
        .env(BASE, base)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the processes said they came to.
fn run(tasks: &[&str], base: &Path) -> Vec<String> {
    let children: Vec<Child> = tasks.iter().map(|task| start(task, base)).collect();
    let ended = children.into_iter().map(|child| child.wait_with_output().unwrap());
    ended
        .map(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            text.lines().find_map(|line| line.split_once("came to: ")).unwrap().1.to_owned()
        })
        .collect()
}

fn all(base: &Path) -> Vec<super::Found<Note>> {
    unfinished(base, Kind::Rescue).unwrap()
}

fn by(n: u32) -> Vec<Note> {
    (0..RECORDS).map(|step| Note::Step { by: n, n: step }).collect()
}

/// Does nothing unless another test asks for it.
#[test]
fn does_what_another_process_asks_for() {
    let (Ok(task), Some(base)) = (std::env::var(TASK), std::env::var_os(BASE).map(PathBuf::from)) else { return };
    let words: Vec<&str> = task.split(' ').collect();
    let number = |at: usize| words[at].parse::<u32>().unwrap();
    let write = |job: &mut Job<Note>| by(number(1)).into_iter().try_for_each(|note| job.record(note));
    let result = match words[0] {
        "begin" => Job::begin(&base, Kind::Rescue, &subject()).and_then(|mut job| write(&mut job)),
        "resume" => all(&base).remove(0).resume().and_then(|mut job| write(&mut job)),
        "make" => make(&base, u32::from_str_radix(words[1], 8).unwrap()),
        other => panic!("{other}"),
    };
    println!("came to: {}", result.map_or_else(|error| error.code(), |()| "done"));
}

/// One of everything, under this umask.
fn make(base: &Path, umask: u32) -> Result<(), super::StoreError> {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(umask));
    #[cfg(not(unix))]
    let _ = umask;
    let job = Job::<Note>::begin(&base.join("deep/jobs"), Kind::Rescue, &subject())?;
    job.put("secret", b"s", Secrecy::Secret)?;
    job.put("public", b"p", Secrecy::Public)?;
    let place = base.join("safe/set");
    let files = [NewFile::secret(place.join("key"), b"k"), NewFile::public(place.join("chain"), b"c")];
    FolderStore::new().new_folder(&place, &files, Replace::Never)?.place().map(drop)
}

#[test]
fn two_that_begin_at_once_get_a_folder_each() {
    for _ in 0..10 {
        let base = tempfile::tempdir().unwrap();
        assert_eq!(run(&["begin 1", "begin 2"], base.path()), ["done", "done"]);
        let mut found: Vec<Vec<Note>> = all(base.path()).into_iter().map(|found| found.records).collect();
        found.sort_by_key(|records| records != &by(1));
        assert_eq!(found, [by(1), by(2)]);
    }
}

#[test]
fn of_two_that_go_on_at_once_one_is_sent_away_and_the_journal_stays_whole() {
    let mut refused = 0;
    for _ in 0..10 {
        let base = tempfile::tempdir().unwrap();
        run(&["begin 1"], base.path());
        let ends = run(&["resume 2", "resume 3"], base.path());
        let written: Vec<Note> = (2..).zip(&ends).filter(|(_, end)| *end == "done").flat_map(|(n, _)| by(n)).collect();
        let records = all(base.path()).remove(0).records;
        assert_eq!(records.len(), (RECORDS as usize) + written.len(), "{ends:?}");
        assert!(written.iter().all(|note| records.contains(note)) && records.starts_with(&by(1)));
        for end in ends.iter().filter(|end| *end != "done") {
            assert!(["folder-busy", "journal-changed"].contains(&end.as_str()), "{end}");
            refused += 1;
        }
    }
    println!("{refused} of 20 were sent away");
}

#[cfg(unix)]
#[test]
fn what_is_secret_is_so_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    for (umask, public) in [("000", 0o666), ("022", 0o644), ("077", 0o600)] {
        let base = tempfile::tempdir().unwrap();
        assert_eq!(run(&[&format!("make {umask}")], base.path()), ["done"]);
        let mode = |name: &str| fs::metadata(base.path().join(name)).unwrap().permissions().mode() & 0o777;
        for folder in ["deep", "deep/jobs", "deep/jobs/twin-board-chip", "safe", "safe/set"] {
            assert_eq!(mode(folder), 0o700, "{folder} under {umask}");
        }
        for secret in ["secret", "journal", ".lock"] {
            assert_eq!(mode(&format!("deep/jobs/twin-board-chip/{secret}")), 0o600, "{secret} under {umask}");
        }
        assert_eq!(mode("safe/set/key"), 0o600, "under {umask}");
        assert_eq!(
            (mode("safe/set/chain"), mode("deep/jobs/twin-board-chip/public")),
            (public, public),
            "under {umask}"
        );
    }
}
