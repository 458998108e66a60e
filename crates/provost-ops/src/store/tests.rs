//! Power cuts at every step, on a disk that forgets; and each sync taken out in turn, which must be noticed.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::SystemTime};

use serde::Deserialize;

use super::{
    crash::CrashDisk,
    disk::{Disk as _, Promise},
    *,
};

const CLOCK: WallClock = WallClock::new(|| SystemTime::UNIX_EPOCH);
/// Nothing, everything, and some of it in between.
const LUCK: [u64; 10] = [0, u64::MAX, 1, 2, 3, 4, 5, 6, 7, 8];

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Note {
    Step { done: u32 },
}

impl Record for Note {
    fn is_final(&self) -> bool {
        false
    }
}

fn subject() -> Subject {
    Subject { chip: "twin:x".into(), dev_id: 0x478, uid: None }
}

fn store(disk: &CrashDisk) -> CrashStore {
    CrashStore::on(disk.clone(), CLOCK)
}

fn base(disk: &CrashDisk) -> Base {
    Base::of(Arc::new(store(disk)), "kept/jobs")
}

/// What has been promised to whoever called.
#[derive(Debug, Default, Clone)]
struct Promised {
    /// Files, and all that may stand in them: what was promised, and what was under way.
    files: BTreeMap<PathBuf, Vec<&'static [u8]>>,
    /// Folders of files that must be there as a whole.
    sets: BTreeMap<PathBuf, BTreeMap<&'static str, &'static [u8]>>,
    /// Records of the one job.
    records: Vec<Note>,
    /// The job was begun.
    begun: bool,
}

type Told = Result<(), StoreError>;
type Scene = fn(&CrashDisk, &mut Promised) -> Told;

/// A first run of a job.
fn work(disk: &CrashDisk, promised: &mut Promised) -> Told {
    let mut job = Job::begin(base(disk), Kind::Rescue, &subject())?;
    promised.begun = true;
    write_on(&mut job, promised, 0)
}

/// A run that goes on with what it finds, and relies on it.
fn go_on(disk: &CrashDisk, promised: &mut Promised) -> Told {
    let Some(found) = unfinished::<Note>(&base(disk), Kind::Rescue)?.pop() else { return work(disk, promised) };
    let mut job = found.resume()?;
    promised.begun = true;
    promised.records = job.records().to_vec();
    for name in ["plan", "receipt"] {
        if let Some(bytes) = job.read(name, 99)? {
            let known = [b"old".as_slice(), b"new and longer"].into_iter().find(|k| *k == bytes.as_slice());
            promised.files.insert(job.folder().join(name), known.into_iter().collect());
        }
    }
    let n = job.records().len();
    write_on(&mut job, promised, n)
}

fn write_on(job: &mut Job<Note>, promised: &mut Promised, from: usize) -> Told {
    for (name, content) in [("plan", b"old".as_slice()), ("plan", b"new and longer"), ("receipt", b"old")] {
        let path = job.folder().join(name);
        promised.files.entry(path.clone()).and_modify(|may| may.push(content));
        job.put(name, content, Secrecy::Public)?;
        promised.files.insert(path, vec![content]);
        let note = Note::Step { done: (from + promised.records.len()) as u32 };
        job.record(note.clone())?;
        promised.records.push(note);
    }
    Ok(())
}

/// A set of files, and another one in its place.
fn sets(disk: &CrashDisk, promised: &mut Promised) -> Told {
    let (store, place) = (store(disk), Path::new("kept/deep/set"));
    for (content, replace) in [(b"one".as_slice(), Replace::Never), (b"two".as_slice(), Replace::Whole)] {
        let files = ["key", "chain"].map(|name| NewFile::secret(place.join(name), content));
        let new = match store.new_folder(place, &files, replace) {
            // That of an earlier run.
            Err(StoreError::Exists { .. }) => store.new_folder(place, &files, Replace::Whole)?,
            new => new?,
        };
        let before = promised.sets.remove(place);
        let aside = new.place()?;
        promised.sets.insert(place.to_owned(), [("key", content), ("chain", content)].into());
        if let (Some(aside), Some(before)) = (aside, before) {
            promised.sets.insert(aside, before);
        }
    }
    Ok(())
}

/// A folder that another program wrote.
fn given(disk: &CrashDisk, promised: &mut Promised) -> Told {
    let folder = Path::new("given/safe/set");
    for (name, content) in [("key", b"one".as_slice()), ("chain", b"two")] {
        let _ = disk.remove_file(&folder.join(name));
        disk.scatter(&folder.join(name), content).map_err(folder::file(folder))?;
    }
    store(disk).settle(folder)?;
    promised.sets.insert(folder.to_owned(), [("key", b"one".as_slice()), ("chain", b"two")].into());
    Ok(())
}

/// What is wrong with the disk, as far as it was promised otherwise.
fn broken(disk: &CrashDisk, promised: &Promised) -> Option<String> {
    let store = store(disk);
    let read = |path: &Path| store.read(path, 99).map(|bytes| bytes.map(|b| b.to_vec()));
    for (path, may) in &promised.files {
        match read(path) {
            Ok(Some(bytes)) if may.iter().any(|m| *m == bytes) => {}
            other => return Some(format!("{}: {other:?}", path.display())),
        }
    }
    for (folder, files) in &promised.sets {
        for (name, content) in files {
            match read(&folder.join(name)) {
                Ok(Some(bytes)) if bytes == *content => {}
                other => return Some(format!("{}/{name}: {other:?}", folder.display())),
            }
        }
    }
    // Whatever has its name is whole, promised or not.
    for name in ["kept/jobs/twin-x/plan", "kept/jobs/twin-x/receipt"] {
        match read(Path::new(name)) {
            Ok(None) => {}
            Ok(Some(bytes)) if [b"old".as_slice(), b"new and longer"].contains(&bytes.as_slice()) => {}
            other => return Some(format!("{name}: {other:?}")),
        }
    }
    for place in ["kept/deep/set", "kept/deep/set.old-1", "kept/deep/set.old-2"].map(Path::new) {
        let (key, chain) = (read(&place.join("key")), read(&place.join("chain")));
        match (&key, &chain) {
            (Ok(key), Ok(chain)) if key == chain && key.as_ref().is_none_or(|k| k == b"one" || k == b"two") => {}
            _ => return Some(format!("{}: {key:?}, {chain:?}", place.display())),
        }
    }
    let found = match unfinished::<Note>(&base(disk), Kind::Rescue) {
        Ok(found) => found,
        Err(error) => return Some(error.to_string()),
    };
    match found.first() {
        None if promised.begun => Some("the job is gone".to_owned()),
        Some(job) if !job.records.starts_with(&promised.records) => {
            Some(format!("records {:?}, promised {:?}", job.records, promised.records))
        }
        _ => None,
    }
}

/// Runs a scene with a power cut after every step, after a kill at every step of a run before; gives what went wrong first.
fn campaign(scene: Scene, again: Scene, ignored: Option<Promise>) -> (u64, Option<String>) {
    let mut cuts = 0;
    let mut cut_all = |before: &CrashDisk, scene: Scene| {
        for steps in 0.. {
            let disk = before.after_kill();
            let (at, mut promised) = (disk.steps(), Promised::default());
            disk.end_after(steps);
            let told = scene(&disk, &mut promised);
            for luck in LUCK {
                cuts += 1;
                if let Some(wrong) = broken(&disk.after_power_cut(luck), &promised) {
                    return Err(format!("step {steps}, luck {luck}: {wrong}"));
                }
            }
            if told.is_ok() {
                return Ok(());
            }
            assert_eq!(disk.steps(), at + steps, "it failed with the power on: {told:?}");
        }
        Ok(())
    };
    let fresh = || {
        let disk = CrashDisk::default();
        disk.ignore(ignored);
        disk
    };
    let mut all = || -> Result<(), String> {
        cut_all(&fresh(), scene)?;
        for steps in 0.. {
            let disk = fresh();
            disk.end_after(steps);
            let ended = scene(&disk, &mut Promised::default()).is_ok();
            cut_all(&disk, again).map_err(|wrong| format!("killed at step {steps}, then {wrong}"))?;
            if ended {
                break;
            }
        }
        Ok(())
    };
    let wrong = all().err();
    (cuts, wrong)
}

/// A scene, and what a run after it does.
const SCENES: [(&str, Scene, Scene); 3] =
    [("a job", work, go_on), ("a set", sets, sets), ("a given folder", given, given)];

#[test]
fn a_set_that_was_killed_at_any_step_is_not_in_the_way_and_is_cleared_away() {
    let place = Path::new("safe/set");
    let files = ["key", "chain"].map(|name| NewFile::secret(place.join(name), b"one"));
    let make = |disk: &CrashDisk| store(disk).new_folder(place, &files, Replace::Never)?.place();
    for steps in 0.. {
        let disk = CrashDisk::default();
        disk.end_after(steps);
        let whole = make(&disk).is_ok();
        let disk = disk.after_kill();
        let there = disk.look(&place.join("key")).unwrap().is_some();
        match make(&disk) {
            Ok(aside) => assert_eq!((aside, there), (None, false), "step {steps}"),
            Err(error) => assert!(matches!(error, StoreError::Exists { .. }) && there, "step {steps}: {error}"),
        }
        assert_eq!(disk.list(place).unwrap(), ["chain", "key"], "step {steps}");
        // What a run had only just begun may be that of another one that lives.
        for name in disk.list(Path::new("safe")).unwrap() {
            let left = Path::new("safe").join(&name);
            assert!(name == "set" || disk.list(&left).unwrap().is_empty(), "step {steps}: {}", left.display());
        }
        if whole {
            break;
        }
    }
}

fn noticed(ignored: Option<Promise>) -> Option<String> {
    SCENES.iter().find_map(|(name, scene, again)| {
        let (cuts, wrong) = campaign(*scene, *again, ignored);
        if ignored.is_none() {
            println!("{name}: {cuts} power cuts");
        }
        wrong.map(|wrong| format!("{name}: {wrong}"))
    })
}

#[test]
fn nothing_that_was_promised_is_lost_whenever_the_power_fails() {
    assert_eq!(noticed(None), None);
}

#[test]
fn every_sync_that_is_left_out_is_noticed() {
    for promise in Promise::ALL {
        let wrong = noticed(Some(promise));
        println!("{promise:?}: {}", wrong.as_deref().unwrap_or("NOT NOTICED"));
        assert!(wrong.is_some(), "{promise:?} promises nothing");
    }
}
