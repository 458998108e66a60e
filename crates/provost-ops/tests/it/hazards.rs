//! What once lost a chip, or told an untruth about one: each by name.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use provost_adac::password::Password;
use provost_bench::Bench;
use provost_chip::states::{ProductState, TrustZone};
use provost_ops::{
    credential::CredentialSet,
    job::Record,
    objects::{self, Request, Source},
    option_bytes::{Assignment, apply, plan},
    rescue::{Wish, rescue},
    store::{Kind, unfinished},
};
use provost_twin::{board::VirtualBoard, wire::Wire as _};

use crate::closing::{self, maker, request, resume, root_only_set, run, run_on, scratch, state_of};
use crate::common::{self, Log, stuck};
use crate::deadly::{Interruption, interrupted_bench, mend};
use crate::option_bytes::{board, held, read};

/// A set whose password's SHA-256 has a half-word 0xFFFF, which cannot be told from blank OTP.
fn unfit_set(folder: &Path) {
    root_only_set(folder);
    std::fs::write(folder.join("password.bin"), Password::new(b"provost-001680").unwrap().to_file()).unwrap();
}

#[test]
fn a_password_that_otp_cannot_hold_is_refused_before_anything_is_written() {
    let base = scratch();
    let set = base.path().join("set");
    unfit_set(&set);

    let open = closing::board("STM32H503", TrustZone::Disabled);
    let before = open.board().silicon().nvm().clone();
    let mut asked = request("STM32H503", TrustZone::Disabled, ProductState::Closed, base.path());
    asked.overrides.push("P-OTP".to_owned());
    let error = run(&open, &asked).unwrap_err();
    assert_eq!(error.exit().code(), 3, "{error}");
    assert!(*open.board().silicon().nvm() == before, "a close wrote something: {error}");

    let stuck = || {
        let world = provost_twin::presets::practice_world();
        VirtualBoard::with_chip("chip", stuck("STM32H503", TrustZone::Disabled, world))
    };
    let board = stuck();
    let before = board.board().silicon().nvm().clone();
    let write = Request {
        sources: vec![Source::load(&set.join("password.bin")).unwrap()],
        part: Some("STM32H503".parse().unwrap()),
        method: None,
        replace: false,
        encrypting_word: None,
        allowed: Vec::new(),
        once_for_life: true,
    };
    let session = &mut Bench::on_board(board.clone()).session;
    let error = objects::plan(session, &write, &mut Log::default()).unwrap_err();
    assert_eq!((error.code(), error.exit().code()), ("otp-hash", 3), "{error}");
    assert!(*board.board().silicon().nvm() == before, "an object write wrote something");

    let credential = CredentialSet::load(&set).unwrap();
    let wish = Wish { once_for_life: true, ..common::wish(&board, &base.path().join("rescue"), Some(credential)) };
    let error = rescue(session, wish, &mut Log::default()).unwrap_err();
    assert_eq!((error.code(), error.exit().code()), ("otp-hash", 3), "{error}");
    assert!(*board.board().silicon().nvm() == before, "a rescue wrote something");
}

/// With TrustZone on the secure words read as zero from Provisioning on: what cannot be seen any more was not left undone.
#[test]
fn a_secure_epoch_that_goes_with_the_way_into_provisioning_is_not_called_a_failure() {
    let part = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Open, TrustZone::Enabled);
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, part).unwrap();
    let asked = ["PRODUCT_STATE=0x17", "SEC_EPOCH=1"].map(|text| Assignment::parse(text).unwrap());
    let applied =
        plan(&bytes, &asked).and_then(|change| apply(&mut bench.session, &bytes, change, &mut Log::default())).unwrap();
    assert!(!applied.verified, "nor is it said to have been read back");
    let now = held(&board, part);
    assert_eq!((now["PRODUCT_STATE"], now["SEC_EPOCH"]), (0x17, 1));
}

/// A close and a rescue of one chip keep their journals in one folder.
#[test]
fn the_journal_of_another_operation_is_neither_gone_on_with_nor_damaged() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let mut asked = request("STM32H533", TrustZone::Enabled, ProductState::TzClosed, base.path());
    asked.overrides.push("P-REHEARSED".to_owned());
    let out = base.path().join("out");
    let slot = VirtualBoard::with_chip("chip", maker("STM32H533", TrustZone::Enabled).make());
    // Unfinished, in Provisioning.
    for index in (200..2000).step_by(50) {
        let mut bench = interrupted_bench(&slot, Interruption::ProbeUnplugged, index);
        run_on(&mut bench, &asked).unwrap_err();
        drop(bench);
        mend(&slot, Interruption::ProbeUnplugged);
        if state_of(&slot).0 == ProductState::Provisioning {
            break;
        }
    }
    let close = || unfinished::<Record>(&out, Kind::Close).unwrap();
    let journal = close()[0].folder.join("journal");
    let before = std::fs::read(&journal).unwrap();
    // Another chip of the name is rescued meanwhile, and cut off too.
    let mut other = maker("STM32H533", TrustZone::Enabled);
    (other.uid, other.state) = ([8, 8, 8], ProductState::Provisioning);
    let other = VirtualBoard::with_chip("chip", other.make());
    let mut bench = interrupted_bench(&other, Interruption::ProbeUnplugged, 900);
    common::rescue_on(&mut bench, &other, &out, None, &mut Log::default()).unwrap_err();
    drop(bench);
    mend(&other, Interruption::ProbeUnplugged);
    assert_eq!(unfinished::<Record>(&out, Kind::Rescue).unwrap().len(), 1);
    assert_eq!((close().len(), std::fs::read(&journal).unwrap() == before), (1, true));
    // Each goes on with its own.
    resume(&slot, &asked).unwrap();
    common::run(&other, &out, None).unwrap();
    assert_eq!((state_of(&slot).0, state_of(&other).0), (ProductState::TzClosed, ProductState::Open));
    assert!(close().is_empty() && unfinished::<Record>(&out, Kind::Rescue).unwrap().is_empty());
}

/// Every file below a folder, with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => contents(&path),
        false => BTreeMap::from([(path.clone(), std::fs::read(&path).unwrap())]),
    });
    files.collect()
}

#[test]
fn a_rescue_deletes_no_credential_whatever_its_journal_says_of_it() {
    let base = scratch();
    let kept = |folder: &Path| {
        root_only_set(&folder.join("credential"));
        std::fs::write(folder.join("credential/notes.txt"), "mine").unwrap();
        contents(&folder.join("credential"))
    };
    // Somebody's keys, in the place where a rescue would put its own.
    let folder = base.path().join("chip");
    let before = kept(&folder);
    let world = provost_twin::presets::practice_world();
    let board = || VirtualBoard::with_chip("chip", stuck("STM32H533", TrustZone::Enabled, world));
    common::run(&board(), base.path(), None).unwrap();
    assert_eq!(contents(&folder.join("credential")), before);
    // A journal that a person has removed, while its credential is in the chip.
    let out = base.path().join("second");
    let stopped = board();
    let mut bench = interrupted_bench(&stopped, Interruption::ProbeUnplugged, 900);
    common::rescue_on(&mut bench, &stopped, &out, None, &mut Log::default()).unwrap_err();
    drop(bench);
    mend(&stopped, Interruption::ProbeUnplugged);
    let job = unfinished::<Record>(&out, Kind::Rescue).unwrap().remove(0).folder;
    std::fs::remove_file(job.join("journal")).unwrap();
    let before = contents(&job.join("credential"));
    assert!(before.len() > 5);
    common::run(&stopped, &out, None).unwrap();
    assert_eq!(contents(&job.join("credential")), before);
}

#[test]
fn neither_a_plan_nor_a_resumed_close_takes_another_password() {
    let base = scratch();
    let set = base.path().join("set");
    root_only_set(&set);
    let password = |text: &[u8]| {
        std::fs::write(set.join("password.bin"), Password::new(text).unwrap().to_file()).unwrap();
    };
    let mut asked = request("STM32H563", TrustZone::Disabled, ProductState::Closed, base.path());
    asked.rehearse = false;
    let open = || closing::board("STM32H563", TrustZone::Disabled);

    let board = open();
    password(b"the first one");
    let plan = closing::plan(&board, &asked).plan.unwrap();
    let before = board.board().silicon().nvm().clone();
    password(b"another one");
    let error = closing::apply(&board, &plan, &asked).unwrap_err();
    assert_eq!((error.code(), error.exit().code()), ("plan-differs", 3), "{error}");
    assert!(*board.board().silicon().nvm() == before, "nothing was written");

    // Closed, and cut off before it was seen to be so.
    password(b"the first one");
    let whole = open();
    let start = whole.board().stats().transactions;
    run(&whole, &asked.clone()).unwrap();
    let count = whole.board().stats().transactions - start;
    std::fs::remove_dir_all(base.path().join("out")).unwrap();
    let board = open();
    let mut bench = interrupted_bench(&board, Interruption::ProbeUnplugged, count - 20);
    run_on(&mut bench, &asked).unwrap_err();
    drop(bench);
    mend(&board, Interruption::ProbeUnplugged);
    assert_eq!(state_of(&board).0, ProductState::Closed);
    password(b"another one");
    let error = resume(&board, &asked).unwrap_err();
    assert_eq!(error.exit().code(), 3, "{error}");
    password(b"the first one");
    resume(&board, &asked).unwrap();
    let credential = CredentialSet::load(&set).unwrap();
    common::run(&board, &base.path().join("back"), Some(credential)).unwrap();
    assert_eq!(state_of(&board).0, ProductState::Open);
}
