//! The closed loop: random chips live through random histories on the twin, their owners tell what they saw, the diagnosis
//! answers, and its advice is followed on the same twin. An exhaustive search of the model knows what was true.
//!
//! Held: no advice makes a chip worse, and nobody is promised a way back that there is not, unless the report was wrong.

mod advice;
mod bench;
mod chip;
mod story;
mod tally;
mod truth;

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use provost_chip::{
    model::World,
    states::{BootUbe, ProductState, TrustZone},
};
use provost_diagnosis::{Diagnosis, case::Goal, diagnose, moves::Move, verdict::Verdict};
use provost_testkit::Random;

use advice::{Follower, perform_test};
use bench::Workbench;
use chip::{Credentials, Situation, Stored};
use story::Owner;
use tally::{Grade, Outcome, Sibling, Tally};
use truth::{Oracle, Truth};

/// How often somebody does a test and asks again.
const ROUNDS: usize = 4;

/// What all chips share.
struct Shop {
    credentials: Credentials,
    oracle: Oracle,
}

impl Shop {
    fn new(scratch: &Path) -> Self {
        let credentials = Credentials::make(&scratch.join("credentials"));
        let oracle = Oracle::new(&credentials);
        Self { credentials, oracle }
    }

    /// One chip from its history to the end of the plan.
    fn story(&self, seed: u64, scratch: &Path) -> Outcome {
        let mut outcome = self.live(seed, None, scratch);
        if outcome.grade() == Grade::FalsePromise {
            outcome.double = self.double(&outcome, scratch);
        }
        outcome
    }

    /// Another chip that shows the same in all that was done, and can be saved: then no report of this kind tells them apart.
    fn double(&self, outcome: &Outcome, scratch: &Path) -> Option<Sibling> {
        let stored = [Stored::Own, Stored::Stranger, Stored::Sample, Stored::OwnOfWrongKind].map(Sibling::Stored);
        stored.into_iter().chain([Sibling::BootUbe(BootUbe::OemIrot)]).find(|twin| {
            let other = self.live(outcome.seed, Some(*twin), scratch);
            other.truth > Truth::Lost && other.told == outcome.told
        })
    }

    fn live(&self, seed: u64, but: Option<Sibling>, scratch: &Path) -> Outcome {
        // A folder of its own: the unfinished job of one board is another board's stop.
        let folder = tempfile::tempdir_in(scratch).unwrap();
        let scratch = folder.path();
        let random = &mut Random::new(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5851_F42D_4C95_7F2D);
        let mut situation = Situation::random(random);
        match but {
            Some(Sibling::Stored(stored)) => situation.stored = stored,
            Some(Sibling::BootUbe(boot_ube)) => situation.boot_ube = boot_ube,
            None => {}
        }
        let stranger_helps = random.percent(70);
        let mut bench = Workbench::new(situation.board(&self.credentials), situation.part, situation.bars);
        let mut report = Owner::new(random, &mut bench, &self.credentials).live(&situation);
        let mut worse = Vec::new();
        let mut at_first = None;
        let mut asked = Vec::new();
        let mut slowest = 0.0_f64;
        let mut worlds = 0;
        let diagnosis = loop {
            let begin = Stopwatch::start();
            let diagnosis = diagnose(&report.told);
            slowest = slowest.max(begin.seconds());
            worlds = worlds.max(diagnosis.weighed.worlds);
            at_first.get_or_insert(diagnosis.verdict);
            let next = diagnosis.ask.first().and_then(|q| Move::from_name(&q.step));
            let (Verdict::Undetermined, Some(test), true) = (diagnosis.verdict, next, asked.len() < ROUNDS) else {
                break diagnosis;
            };
            let before = self.oracle.of(bench.world());
            if !perform_test(test, &mut bench, &mut report) {
                break diagnosis;
            }
            asked.push(test.to_string());
            if self.oracle.of(bench.world()) < before {
                worse.push(test.to_string());
            }
        };
        let world = bench.world();
        let truth = self.oracle.of(world);
        let planned: Vec<Move> = diagnosis.plan.iter().filter_map(|s| s.action()).collect();
        let erased_without_need = needless(&planned, &situation, &world);
        let mut follower = Follower::new(&mut bench, &self.credentials, scratch, stranger_helps);
        follower.forward = situation.goal == (Goal::Forward, true);
        let mut before = truth;
        for step in diagnosis.plan.iter().filter_map(|s| s.action()) {
            follower.follow(step);
            let after = self.oracle.of(follower.bench.world());
            if is_worse(before, after, situation.goal.0) {
                worse.push(step.to_string());
            }
            before = after;
        }
        let (stopped, by_st_tool) = (follower.stopped, follower.by_st_tool);
        let promised = matches!(diagnosis.verdict, Verdict::Recoverable | Verdict::RecoverableIf);
        let wrong = (promised && truth == Truth::Lost) || (diagnosis.verdict == Verdict::Lost && truth > Truth::Lost);
        let told_all = wrong.then(|| diagnose(&report.full));
        let _ = std::fs::remove_dir_all(scratch.join("chip"));
        Outcome {
            seed,
            situation,
            world,
            truth,
            after: before,
            at_first: at_first.unwrap_or(diagnosis.verdict),
            asked,
            worse,
            erased_without_need,
            stranger_helps,
            stopped,
            by_st_tool,
            flaws: report.flaws,
            told_all: told_all.map(|d: Diagnosis| d.verdict),
            told: report.told,
            double: None,
            diagnosis,
            slowest,
            worlds,
        }
    }
}

/// Whether a step took something away. Who wants a chip closed is none the worse when it is, as long as the owner can open it.
fn is_worse(before: Truth, after: Truth, goal: Goal) -> bool {
    let closed_as_wished = goal == Goal::Forward && after >= Truth::Recoverable;
    after < before && !closed_as_wished
}

/// Whether a plan erases a closed product that works, from which its owner wants nothing of the kind, and says so.
fn needless(planned: &[Move], situation: &Situation, world: &World) -> bool {
    let erases = planned.iter().any(|m| matches!(m, Move::FullRegression | Move::EraseFlash));
    let spares = matches!(situation.goal, (Goal::Check | Goal::Debug | Goal::Boot, true));
    let works = world.chip.state > ProductState::Provisioning && world.chip.firmware.boots;
    erases && spares && works
}

/// How long this thread has computed; where the system does not tell, how long it took.
struct Stopwatch(Instant, Option<u64>);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now(), Self::on_cpu())
    }

    /// Nanoseconds that this thread was given by the machine, which others use too.
    fn on_cpu() -> Option<u64> {
        let all = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        all.split_whitespace().next()?.parse().ok()
    }

    fn seconds(&self) -> f64 {
        match (self.1, Self::on_cpu()) {
            (Some(begin), Some(end)) => end.saturating_sub(begin) as f64 / 1e9,
            _ => self.0.elapsed().as_secs_f64(),
        }
    }
}

/// Scratch space in memory where there is such a thing: the journals are synced to it thousands of times.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn run(seeds: std::ops::Range<u64>) -> Tally {
    let scratch = scratch();
    let shop = Shop::new(scratch.path());
    let next = AtomicU64::new(seeds.start);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let base = scratch.path().join(worker.to_string());
            let (next, outcomes, shop, end) = (&next, &outcomes, &shop, seeds.end);
            scope.spawn(move || {
                std::fs::create_dir_all(&base).unwrap();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let outcome = shop.story(seed, &base);
                    outcomes.lock().unwrap().push(outcome);
                }
            });
        }
    });
    Tally::of(outcomes.into_inner().unwrap())
}

#[test]
fn advice_opens_what_can_be_opened_and_makes_nothing_worse() {
    // So many that the shares that must be reached are no matter of luck.
    let tally = run(0..1000);
    println!("{tally}");
    tally.hold();
}

/// The campaign; `CHIPS=…` makes it shorter or longer, `LIST=…` lists more of what was not right (three of a kind otherwise), `SEED=…` tells one
/// of its stories in full.
#[test]
#[ignore = "minutes: `.ci/run` runs it as \"advice followed\""]
fn ten_thousand_chips_are_none_the_worse_for_the_advice() {
    let chips = std::env::var("CHIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let tally = run(0..chips);
    println!("{tally}");
    if let Some(seed) = std::env::var("SEED").ok().and_then(|s| s.parse().ok()) {
        let scratch = scratch();
        println!("{}", Shop::new(scratch.path()).story(seed, scratch.path()).tell());
    }
    tally.hold();
    if chips == 10_000 {
        let document = include_str!("../../../../docs/is-my-stm32h5-dead.md").replace('\n', " ");
        for stated in tally.stated() {
            assert!(document.contains(&stated), "the document states another count than {stated}");
        }
    }
}

/// What the loop looks for would be seen: a plan that closed a bare chip leaves it lost, one that opens it leaves it open.
#[test]
fn a_step_that_loses_a_chip_is_noticed() {
    let scratch = scratch();
    let shop = Shop::new(scratch.path());
    let situation = Situation {
        part: "STM32H533".parse().unwrap(),
        state: ProductState::Provisioning,
        tz: TrustZone::Enabled,
        boot_ube: BootUbe::OemIrot,
        st_irot_data: false,
        stored: Stored::Nothing,
        firmware: None,
        assumptions: provost_twin::presets::practice_world(),
        nrst_wired: true,
        boot0: false,
        dead_link: false,
        bars: false,
        goal: (Goal::Open, false),
    };
    for (stored, step, before, after) in [
        (Stored::Nothing, Move::WriteState(ProductState::Closed), Truth::Recoverable, Truth::Lost),
        (Stored::Nothing, Move::ProvisionCertificate, Truth::Recoverable, Truth::Open),
        (Stored::Own, Move::WriteState(ProductState::Closed), Truth::Recoverable, Truth::Recoverable),
        (Stored::Own, Move::WriteState(ProductState::Locked), Truth::Recoverable, Truth::Lost),
        (Stored::Stranger, Move::WriteState(ProductState::TzClosed), Truth::Recoverable, Truth::If),
        (Stored::OwnOfWrongKind, Move::WriteState(ProductState::TzClosed), Truth::Recoverable, Truth::Lost),
        (Stored::OwnPlain, Move::WriteState(ProductState::TzClosed), Truth::Recoverable, Truth::Lost),
    ] {
        let board = Situation { stored, ..situation.clone() }.board(&shop.credentials);
        let mut bench = Workbench::new(board, situation.part, false);
        assert_eq!(shop.oracle.of(bench.world()), before, "{stored:?}");
        let mut follower = Follower::new(&mut bench, &shop.credentials, scratch.path(), false);
        follower.heeds = false;
        follower.follow(step);
        assert_eq!(shop.oracle.of(bench.world()), after, "{stored:?} {step}");
    }
}
