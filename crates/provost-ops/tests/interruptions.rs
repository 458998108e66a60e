//! A rescue that is interrupted after any transaction on the wire is finished by the next one: power cut, probe unplugged,
//! program killed. No index is skipped.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{Log, rescue_on, run, state_of, stuck};
use provost_chip::{
    assumptions::Assumptions,
    states::{ProductState, TrustZone},
};
use provost_ops::bench::Bench;
use provost_twin::{
    board::VirtualBoard,
    probe::TwinProbe,
    wire::{
        SharedWire, Wire,
        faults::{Fault, Stats},
    },
};

const PART: &str = "STM32H533RE";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    PowerCutBefore,
    PowerCutAfter,
    ProbeUnplugged,
    ProgramKilled,
}

/// What a killed program leaves is what it had done: no clean-up runs, which a panic through the probe comes closest to.
struct Killed;

/// A wire whose host dies once this many transactions are over.
struct DeadlyWire {
    wire: SharedWire,
    after: u64,
}

impl Wire for DeadlyWire {
    fn clock(&mut self, host: Option<bool>) -> Option<bool> {
        self.survive().clock(host)
    }

    fn set_nrst(&mut self, asserted: bool) {
        self.survive().set_nrst(asserted);
    }

    fn stats(&self) -> Stats {
        self.wire.lock().unwrap().stats()
    }

    fn shift_out(&mut self, bits: u64, count: u32) {
        self.survive().shift_out(bits, count);
    }

    fn shift_in(&mut self, count: u32) -> u64 {
        self.survive().shift_in(count)
    }
}

impl DeadlyWire {
    fn survive(&self) -> MutexGuard<'_, dyn Wire + 'static> {
        if self.stats().transactions > self.after {
            std::panic::panic_any(Killed);
        }
        self.wire.lock().unwrap()
    }
}

fn silence_kills() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Killed>() {
                usual(info);
            }
        }));
    });
}

fn board() -> VirtualBoard {
    VirtualBoard::with_chip("chip", stuck(PART, TrustZone::Enabled, Assumptions::default()))
}

/// Interrupts a rescue at transaction `index`, mends the bench, and runs it again; says how the first one ended.
fn interrupted_at(index: u64, how: Interruption, base: &Path) -> String {
    let board = board();
    // What went before the rescue counts too: the index is one of the rescue's.
    let at = board.board().stats().transactions + index;
    let bench = match how {
        Interruption::PowerCutBefore => {
            board.board().dp_mut().faults_mut().at(at, Fault::PowerCutBefore);
            board.clone()
        }
        Interruption::PowerCutAfter => {
            board.board().dp_mut().faults_mut().at(at, Fault::PowerCutAfter);
            board.clone()
        }
        Interruption::ProbeUnplugged => board.unplugged_after(at),
        Interruption::ProgramKilled => board.clone(),
    };
    let mut bench = match how {
        Interruption::ProgramKilled => {
            let wire = DeadlyWire { wire: board.wire(), after: at };
            Bench::with_probe(bench, TwinProbe::new(Arc::new(Mutex::new(wire))))
        }
        _ => Bench::on_board(bench),
    };
    let first = catch_unwind(AssertUnwindSafe(|| rescue_on(&mut bench, &board, base, None, &mut Log::default())));
    let first = match first {
        Ok(Ok(_)) => "finished".to_owned(),
        Ok(Err(error)) => format!("exit {} {}", error.exit().code(), error.code()),
        Err(payload) if payload.is::<Killed>() => "killed".to_owned(),
        Err(payload) => std::panic::resume_unwind(payload),
    };
    board.board().dp_mut().faults_mut().clear();
    match how {
        Interruption::PowerCutBefore | Interruption::PowerCutAfter => board.board().power_cycle(),
        // A probe that is plugged in again, or opened again, lets go of NRST.
        Interruption::ProbeUnplugged => board.board().set_nrst(false),
        // A killed program leaves its probe as it was, NRST included.
        Interruption::ProgramKilled => {}
    }
    board.advance(Duration::from_secs(1));
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

fn every_index(how: Interruption) {
    silence_kills();
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let count = transactions_of_a_rescue(&scratch.path().join("whole"));
    assert!(count > 1000, "a rescue is more than a thousand transactions");
    let next = AtomicU64::new(0);
    let endings = Mutex::new(BTreeMap::<String, usize>::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let base = scratch.path().join(worker.to_string());
            let (next, endings) = (&next, &endings);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index > count {
                        break;
                    }
                    let first = interrupted_at(index, how, &base);
                    *endings.lock().unwrap().entry(first).or_default() += 1;
                }
            });
        }
    });
    let endings = endings.into_inner().unwrap();
    println!("{how:?} at each of {} transactions, the second rescue always ended in Open; the first one:", count + 1);
    for (ending, times) in &endings {
        println!("{times:6}  {ending}");
    }
    assert_eq!(endings.values().sum::<usize>() as u64, count + 1);
}

#[test]
fn power_cut_before_every_transaction() {
    every_index(Interruption::PowerCutBefore);
}

#[test]
fn power_cut_after_every_transaction() {
    every_index(Interruption::PowerCutAfter);
}

#[test]
fn probe_unplugged_after_every_transaction() {
    every_index(Interruption::ProbeUnplugged);
}

#[test]
fn program_killed_after_every_transaction() {
    every_index(Interruption::ProgramKilled);
}
