//! A rescue that is interrupted after any transaction on the wire is finished by the next one: power cut, probe unplugged,
//! program killed. No index is skipped.

use crate::common;
use crate::deadly;
use provost_testkit::figures::interrupted;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use common::{Log, rescue_on, run, state_of, stuck};
use deadly::{Interruption, Killed, every_index, interrupted_bench, mend};
use provost_chip::states::{ProductState, TrustZone};
use provost_twin::{board::VirtualBoard, wire::Wire as _};

const PART: &str = "STM32H533RE";

fn board() -> VirtualBoard {
    VirtualBoard::with_chip("chip", stuck(PART, TrustZone::Enabled, provost_twin::presets::practice_world()))
}

/// Interrupts a rescue at transaction `index`, mends the bench, and runs it again; says how the first one ended.
fn interrupted_at(index: u64, how: Interruption, base: &Path) -> String {
    let board = board();
    let mut bench = interrupted_bench(&board, how, index);
    let first = catch_unwind(AssertUnwindSafe(|| rescue_on(&mut bench, &board, base, None, &mut Log::default())));
    let first = match first {
        Ok(Ok(_)) => "finished".to_owned(),
        Ok(Err(error)) => format!("exit {} {}", error.exit().code(), error.code()),
        Err(payload) if payload.is::<Killed>() => "killed".to_owned(),
        Err(payload) => std::panic::resume_unwind(payload),
    };
    mend(&board, how);
    let second = run(&board, base, None);
    let receipt = second.unwrap_or_else(|e| panic!("{how:?} at {index} ({first}): the second rescue stopped: {e}"));
    assert!(receipt.after.options.is_some());
    assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{how:?} at {index} ({first})");
    std::fs::remove_dir_all(base).unwrap();
    first
}

fn transactions_of_a_rescue(base: &Path) -> u64 {
    let board = board();
    let before = board.board().stats().transactions;
    run(&board, base, None).unwrap();
    let after = board.board().stats().transactions;
    std::fs::remove_dir_all(base).unwrap();
    after - before
}

fn campaign(how: Interruption) {
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let count = transactions_of_a_rescue(&scratch.path().join("whole"));
    assert!(count > 1000, "a rescue is more than a thousand transactions");
    let endings = every_index(scratch.path(), count, |index, base| interrupted_at(index, how, base));
    interrupted("interruptions::", &format!("{how:?}"), count, &endings);
}

#[test]
fn power_cut_before_every_transaction() {
    campaign(Interruption::PowerCutBefore);
}

#[test]
fn power_cut_after_every_transaction() {
    campaign(Interruption::PowerCutAfter);
}

#[test]
fn probe_unplugged_after_every_transaction() {
    campaign(Interruption::ProbeUnplugged);
}

#[test]
fn program_killed_after_every_transaction() {
    campaign(Interruption::ProgramKilled);
}
