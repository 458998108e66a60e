//! Interruptions at a transaction of the wire: power, probe, program.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, Once,
        atomic::{AtomicU64, Ordering},
    },
};

use provost_bench::Bench;
use provost_twin::{
    board::VirtualBoard,
    probe::TwinProbe,
    wire::{
        SharedWire, Wire,
        faults::{Fault, Stats},
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    PowerCutBefore,
    PowerCutAfter,
    ProbeUnplugged,
    ProgramKilled,
}

/// What a killed program leaves is what it had done: no clean-up runs, which a panic through the probe comes closest to.
pub struct Killed;

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

/// A bench that is interrupted at transaction `index` from now.
pub fn interrupted_bench(board: &VirtualBoard, how: Interruption, index: u64) -> Bench {
    let at = board.board().stats().transactions + index;
    match how {
        Interruption::PowerCutBefore => {
            board.board().dp_mut().faults_mut().at(at, Fault::PowerCutBefore);
        }
        Interruption::PowerCutAfter => {
            board.board().dp_mut().faults_mut().at(at, Fault::PowerCutAfter);
        }
        Interruption::ProbeUnplugged => return Bench::on_board(board.unplugged_after(at)),
        Interruption::ProgramKilled => {
            let wire = DeadlyWire { wire: board.wire(), after: at };
            return Bench::with_probe(board.clone(), TwinProbe::new(Arc::new(Mutex::new(wire))));
        }
    }
    Bench::on_board(board.clone())
}

/// The bench is mended: power is back, the probe is plugged in again. A killed program leaves its probe as it was, NRST included.
pub fn mend(board: &VirtualBoard, how: Interruption) {
    board.board().dp_mut().faults_mut().clear();
    match how {
        Interruption::PowerCutBefore | Interruption::PowerCutAfter => board.board().power_cycle(),
        // A probe that is plugged in again, or opened again, lets go of NRST.
        Interruption::ProbeUnplugged => board.board().set_nrst(false),
        Interruption::ProgramKilled => {}
    }
    board.advance(std::time::Duration::from_secs(1));
}

/// Runs a case at every index from 0 to `count`, in parallel, and counts how they ended.
pub fn every_index(scratch: &Path, count: u64, case: impl Fn(u64, &Path) -> String + Sync) -> BTreeMap<String, usize> {
    silence_kills();
    let next = AtomicU64::new(0);
    let endings = Mutex::new(BTreeMap::<String, usize>::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let base = scratch.join(worker.to_string());
            let (next, endings, case) = (&next, &endings, &case);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index > count {
                        break;
                    }
                    let ending = case(index, &base);
                    *endings.lock().unwrap().entry(ending).or_default() += 1;
                }
            });
        }
    });
    endings.into_inner().unwrap()
}
