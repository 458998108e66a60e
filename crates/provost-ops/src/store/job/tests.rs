use std::{fs, io::Write as _};

use provost_chip::unique_id::UniqueId;
use serde::Deserialize;

use super::*;
use crate::fault::Fault as _;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Note {
    Step { done: u32 },
    Done,
}

impl Record for Note {
    fn is_final(&self) -> bool {
        *self == Self::Done
    }
}

/// The same, written by a later version.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum LaterNote {
    Leap,
}

impl Record for LaterNote {
    fn is_final(&self) -> bool {
        false
    }
}

fn uid(words: [u32; 3]) -> Option<UniqueId> {
    UniqueId::new(words)
}

fn subject() -> Subject {
    Subject { chip: "twin:work/board.chip".into(), dev_id: 0x478, uid: uid([1, 2, 3]) }
}

/// A base with a job of two records.
fn begun() -> (tempfile::TempDir, PathBuf) {
    let base = tempfile::tempdir().unwrap();
    let mut job = Job::begin(base.path(), Kind::Rescue, &subject()).unwrap();
    job.record(Note::Step { done: 1 }).unwrap();
    job.record(Note::Step { done: 2 }).unwrap();
    let journal = job.journal().to_owned();
    (base, journal)
}

fn rescues(base: &Path) -> Result<Vec<Found<Note>>, StoreError> {
    unfinished(base, Kind::Rescue)
}

#[test]
fn a_job_is_found_again_until_it_is_done() {
    let (base, journal) = begun();
    let found = rescues(base.path()).unwrap().pop().unwrap();
    assert_eq!(found.records, [Note::Step { done: 1 }, Note::Step { done: 2 }]);
    assert_eq!((found.folder.as_path(), found.torn), (journal.parent().unwrap(), false));
    assert!(found.folder.ends_with("board-chip"));
    let mut job = found.resume().unwrap();
    assert!(job.read("plan.json", 9).unwrap().is_none());
    job.put("plan.json", b"plan", Secrecy::Public).unwrap();
    assert_eq!(**job.read("plan.json", 9).unwrap().unwrap(), *b"plan");
    job.record(Note::Done).unwrap();
    drop(job);
    assert!(rescues(base.path()).unwrap().is_empty());
    let next = Job::<Note>::begin(base.path(), Kind::Rescue, &subject()).unwrap();
    assert!(next.folder().ends_with("board-chip-2"));
}

#[test]
fn kinds_do_not_disturb_each_other() {
    let (base, _) = begun();
    let close = Job::<Note>::begin(base.path(), Kind::Close, &subject()).unwrap();
    assert!(close.folder().ends_with("board-chip-2"));
    assert_eq!(rescues(base.path()).unwrap().len(), 1);
    assert_eq!(unfinished::<Note>(base.path(), Kind::Close).unwrap().len(), 1);
    assert!(unfinished::<Note>(base.path(), Kind::Options).unwrap().is_empty());
    assert_eq!(list_unfinished(base.path()).unwrap().len(), 2);
}

#[test]
fn a_chip_is_told_by_its_unique_id_and_without_one_by_name_and_dev_id() {
    let same = Subject { chip: "another probe".into(), ..subject() };
    let reversed = Subject { uid: uid([3, 2, 1]), ..same.clone() };
    let unknown = Subject { uid: None, ..subject() };
    let cases = [
        (same.clone(), Match::Same),
        (reversed, Match::Same),
        (Subject { dev_id: 0x484, ..same.clone() }, Match::Other),
        (Subject { uid: uid([1, 2, 4]), ..subject() }, Match::Other),
        (unknown.clone(), Match::Unknown),
        (Subject { chip: "another probe".into(), ..unknown.clone() }, Match::Other),
        (Subject { dev_id: 0x484, ..unknown.clone() }, Match::Other),
    ];
    for (chip, expected) in cases {
        assert_eq!(subject().matches(&chip), expected, "{chip:?}");
        assert_eq!(chip.matches(&subject()), expected, "{chip:?}");
    }
    assert_eq!(unknown.matches(&unknown), Match::Unknown);
}

#[test]
fn what_is_surely_of_the_chip_comes_first_and_other_chips_not_at_all() {
    let base = tempfile::tempdir().unwrap();
    let subjects = [Subject { uid: None, ..subject() }, Subject { uid: uid([9, 9, 9]), ..subject() }, subject()];
    for subject in &subjects {
        Job::<Note>::begin(base.path(), Kind::Rescue, subject).unwrap();
    }
    let found = find::<Note>(base.path(), Kind::Rescue, &subject()).unwrap();
    let matches: Vec<Match> = found.iter().map(|f| f.matches(&subject())).collect();
    assert_eq!(matches, [Match::Same, Match::Unknown]);
}

#[test]
fn a_journal_torn_at_any_byte_of_its_last_record_loses_that_record_only() {
    let (base, journal) = begun();
    let whole = fs::read(&journal).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for cut in last..whole.len() {
        for hole in [false, true] {
            let mut torn = whole.clone();
            if hole {
                // The sector up to here was not written, and reads as zeros.
                torn[last..cut].fill(0);
            } else {
                torn.truncate(cut);
            }
            fs::write(&journal, &torn).unwrap();
            let found = rescues(base.path()).unwrap().pop().unwrap();
            assert_eq!(fs::read(&journal).unwrap(), torn, "looking changes nothing");
            let all = hole && cut == last;
            assert_eq!(found.records.len(), if all { 2 } else { 1 }, "{cut} {hole}");
            assert_eq!(found.torn, cut > last, "{cut} {hole}");
            let mut job = found.resume().unwrap();
            job.record(Note::Step { done: 3 }).unwrap();
            drop(job);
            let records = rescues(base.path()).unwrap().pop().unwrap().records;
            assert_eq!(records.last(), Some(&Note::Step { done: 3 }));
        }
    }
}

#[test]
fn any_other_damage_is_said_and_nothing_is_touched() {
    let (base, journal) = begun();
    let whole = fs::read(&journal).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            if at == whole.len() - 1 {
                continue; // The last line without its end is a torn one.
            }
            fs::write(&journal, &damaged).unwrap();
            let error = match rescues(base.path()) {
                Err(error) => error,
                // A digit of the CRC-32 in capitals is the same digit; a byte that became zero is a sector not written.
                Ok(found) => {
                    let same = damaged[at].eq_ignore_ascii_case(&whole[at]);
                    assert!(same || damaged[at] == 0, "byte {at} bit {bit}: {found:?}");
                    continue;
                }
            };
            assert_eq!(error.code(), "journal-damaged", "byte {at} bit {bit}");
            assert!(error.to_string().contains("board-chip"), "{error}");
            assert_eq!(fs::read(&journal).unwrap(), damaged);
            let listed = list_unfinished(base.path()).unwrap().pop().unwrap();
            assert!(listed.wrong.is_some(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn damage_to_the_journal_of_another_chip_does_not_stop_work_on_this_one() {
    let (base, journal) = begun();
    let mut bytes = fs::read(&journal).unwrap();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 20;
    bytes[second] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let other = Subject { uid: uid([7, 7, 7]), ..subject() };
    assert!(find::<Note>(base.path(), Kind::Rescue, &other).unwrap().is_empty());
    assert_eq!(find::<Note>(base.path(), Kind::Rescue, &subject()).unwrap_err().code(), "journal-damaged");
}

#[test]
fn what_a_newer_version_wrote_is_not_taken_for_a_tear() {
    let (base, _) = begun();
    let mut later = Job::<LaterNote>::begin(base.path(), Kind::Options, &subject()).unwrap();
    later.record(LaterNote::Leap).unwrap();
    let (folder, path) = (later.folder().to_owned(), later.journal().to_owned());
    drop(later);
    let before = fs::read(&path).unwrap();
    let error = unfinished::<Note>(base.path(), Kind::Options).unwrap_err();
    assert_eq!(error.code(), "journal-newer");
    assert!(error.to_string().contains("leap"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    // A header of the next format; and a kind that is not known here, which is none of our business.
    let text = String::from_utf8(before).unwrap();
    let (header, _) = text[9..].split_once('\n').unwrap();
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let write =
        |header: String| fs::write(&path, format!("{:08x} {header}\n", crc.checksum(header.as_bytes()))).unwrap();
    write(header.replace("journal/1", "journal/2"));
    assert_eq!(rescues(base.path()).unwrap_err().code(), "journal-newer");
    write(header.replace("options", "teleport"));
    assert_eq!(rescues(base.path()).unwrap().len(), 1);
    let listed = list_unfinished(base.path()).unwrap();
    assert!(listed.iter().any(|u| *u.folder == *folder && u.wrong.as_ref().is_some_and(|w| w.contains("teleport"))));
}

#[test]
fn a_foreign_file_of_the_name_is_neither_read_as_ours_nor_touched() {
    let base = tempfile::tempdir().unwrap();
    for (n, text) in ["", "one line\n", "no end", "ssh-ed25519 AAAA of somebody\n", "two\nlines\n"].iter().enumerate() {
        let folder = base.path().join(format!("board-chip-{n}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("journal"), text).unwrap();
        assert!(rescues(base.path()).unwrap().is_empty() && list_unfinished(base.path()).unwrap().is_empty());
        let job = Job::<Note>::begin(base.path(), Kind::Rescue, &subject()).unwrap();
        assert_ne!(job.folder(), folder);
        assert_eq!(fs::read_to_string(folder.join("journal")).unwrap(), *text);
        fs::remove_dir_all(job.folder()).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed_wherever_it_is_planted() {
    use std::os::unix::fs::symlink;
    let base = tempfile::tempdir().unwrap();
    let (_other, journal) = begun();
    let victim = fs::read(&journal).unwrap();
    // A linked journal, a linked folder, and a link where the folder would be made.
    fs::create_dir(base.path().join("board-chip")).unwrap();
    symlink(&journal, base.path().join("board-chip/journal")).unwrap();
    symlink(journal.parent().unwrap(), base.path().join("board-chip-2")).unwrap();
    symlink(base.path().join("nowhere"), base.path().join("board-chip-3")).unwrap();
    assert!(rescues(base.path()).unwrap().is_empty());
    let job = Job::<Note>::begin(base.path(), Kind::Rescue, &subject()).unwrap();
    assert!(job.folder().ends_with("board-chip-4"));
    // A link in the place of a file of ours is replaced, not followed.
    symlink(&journal, job.folder().join("receipt.json")).unwrap();
    assert_eq!(job.read("receipt.json", 9).unwrap_err().code(), "file-kind");
    job.put("receipt.json", b"receipt", Secrecy::Public).unwrap();
    assert_eq!(**job.read("receipt.json", 9).unwrap().unwrap(), *b"receipt");
    // A link in the place of the lock, or of the journal between a look and going on.
    let folder = job.folder().to_owned();
    drop(job);
    let found = rescues(base.path()).unwrap().pop().unwrap();
    fs::rename(folder.join(".lock"), folder.join("kept")).unwrap();
    symlink(&journal, folder.join(".lock")).unwrap();
    assert_eq!(found.resume().unwrap_err().code(), "folder-lock");
    fs::remove_file(folder.join(".lock")).unwrap();
    let found = rescues(base.path()).unwrap().pop().unwrap();
    fs::remove_file(folder.join("journal")).unwrap();
    symlink(&journal, folder.join("journal")).unwrap();
    assert_eq!(found.resume().unwrap_err().code(), "file-kind");
    assert_eq!(fs::read(&journal).unwrap(), victim);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_of_the_name_is_passed_over() {
    use rustix::fs::{CWD, FileType, Mode};
    let base = tempfile::tempdir().unwrap();
    fs::create_dir(base.path().join("pipe")).unwrap();
    rustix::fs::mknodat(CWD, base.path().join("pipe/journal"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(rescues(base.path()).unwrap().is_empty());
    assert!(list_unfinished(base.path()).unwrap().is_empty());
}

#[test]
fn only_one_goes_on_with_a_job() {
    let (base, _) = begun();
    let (first, second) = (rescues(base.path()).unwrap().remove(0), rescues(base.path()).unwrap().remove(0));
    let mut job = first.resume().unwrap();
    assert_eq!(second.resume().unwrap_err().code(), "folder-busy");
    let second = rescues(base.path()).unwrap().remove(0);
    job.record(Note::Step { done: 3 }).unwrap();
    drop(job);
    assert_eq!(second.resume().unwrap_err().code(), "journal-changed");
    assert_eq!(rescues(base.path()).unwrap().remove(0).resume().unwrap().records().len(), 3);
}

#[test]
fn a_record_that_could_not_be_written_is_not_in_the_way_of_the_next() {
    let disk = crate::store::crash::CrashDisk::default();
    let base = Base::of(Arc::new(FolderStore::on(disk.clone(), crate::store::WallClock::SYSTEM)), "base");
    let mut job = Job::begin(&base, Kind::Rescue, &subject()).unwrap();
    job.record(Note::Step { done: 1 }).unwrap();
    for steps in 0..3 {
        disk.end_after(steps);
        assert_eq!(job.record(Note::Step { done: 2 }).unwrap_err().code(), "journal-io");
    }
    disk.end_after(u64::MAX >> 1);
    job.record(Note::Step { done: 3 }).unwrap();
    drop(job);
    let found = unfinished::<Note>(&base, Kind::Rescue).unwrap().remove(0);
    assert_eq!(found.records, [Note::Step { done: 1 }, Note::Step { done: 3 }]);
}

#[test]
fn what_a_killed_run_left_half_made_is_cleared_away_and_nothing_else() {
    let (base, journal) = begun();
    let folder = journal.parent().unwrap();
    let left = folder.join(".provost-0123456789abcdef.part");
    let strange = [folder.join(".provost-notes.part"), folder.join("x.part"), folder.join(".provost-0123456789abcdef")];
    for path in strange.iter().chain([&left]) {
        fs::File::create(path).unwrap().write_all(b"half").unwrap();
    }
    let job = rescues(base.path()).unwrap().remove(0).resume().unwrap();
    assert!(!left.exists() && strange.iter().all(|path| path.exists()));
    drop(job);
}
