//! The budget of a diagnosis with all worlds, on one core: the slowest known report 80 ms, their median 8 ms, a long and vague one 150 ms,
//! each with 32 MiB. Fails if it is exceeded.
//!
//! `cargo bench -p provost-diagnosis`: first a table of every known case (worlds, time, memory at the peak), then the slowest ones
//! and a report as long as people write them, measured with care.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

#[allow(
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared with tests"
)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use divan::{AllocProfiler, Bencher};
use provost_diagnosis::{
    Diagnosis,
    case::{Act, Case, ConnectMode, Discovery, Object, OptionValue, Outcome, ProvisionedBy, Step},
    diagnose,
};

/// Most time for a known report, for the median of them, and for any other.
const KNOWN: Duration = Duration::from_millis(80);
const MEDIAN: Duration = Duration::from_millis(8);
const ANY: Duration = Duration::from_millis(150);
/// Most memory of the process, in bytes.
const MEMORY: u64 = 32 << 20;
/// The report that is none of the known ones.
const LONG: &str = "a long report of an unnamed part";
/// How many of the known cases are measured with care.
const SLOWEST: usize = 3;

/// Counts allocations for divan's columns; the peak of the process is read from the system.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// The known cases, the slowest first, behind the long report.
static CASES: LazyLock<Vec<(String, Case)>> = LazyLock::new(cases);

fn cases() -> Vec<(String, Case)> {
    let mut known: Vec<(Duration, String, Case)> = support::all()
        .into_iter()
        .map(|known| {
            let begin = Instant::now();
            black_box(diagnose(&known.case));
            (begin.elapsed(), known.name, known.case)
        })
        .collect();
    known.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    let slowest = known.into_iter().take(SLOWEST).map(|(_, name, case)| (name, case));
    std::iter::once((LONG.to_owned(), long_report())).chain(slowest).collect()
}

/// A report that leaves everything open and bears on every open question: many worlds, and many steps through them.
fn long_report() -> Case {
    let option = |field: &str, value| OptionValue { field: field.into(), value: Some(value) };
    let write = |field, value, outcome| Step::new(Act::WriteOption(option(field, value)), Some(outcome));
    let object = |object| Act::Provision { object, encrypted: None, size: None, by: ProvisionedBy::Tool };
    let attach = |mode, outcome| Step::new(Act::Connect { mode: Some(mode), ap: Some(1) }, Some(outcome));
    let mut case = Case::default();
    case.steps.push(attach(ConnectMode::HotPlug, Outcome::Ok));
    for _ in 0..3 {
        case.steps.extend([
            write("TZEN", 0xB4, Outcome::Ok),
            write("PRODUCT_STATE", 0x17, Outcome::Error),
            Step::new(object(Object::DaPassword), Some(Outcome::Error)),
            write("TZEN", 0xC3, Outcome::Refused),
            Step::new(object(Object::DaCertificate), None),
            write("PRODUCT_STATE", 0xC6, Outcome::Lost),
            attach(ConnectMode::UnderReset, Outcome::Error),
            Step::new(Act::Discover(Discovery::default()), Some(Outcome::Timeout)),
            Step::new(Act::PowerCycle, None),
        ]);
    }
    case
}

/// Peak of the resident memory of this process in bytes, and since when it was last reset; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// The fastest of several runs: others use the machine too.
fn fastest(case: &Case, budget: Duration) -> (Duration, Diagnosis) {
    let mut best: Option<(Duration, Diagnosis)> = None;
    for _ in 0..5 {
        let begin = Instant::now();
        let given = diagnose(case);
        let took = begin.elapsed();
        if best.as_ref().is_none_or(|(least, _)| took < *least) {
            best = Some((took, given));
        }
        if best.as_ref().is_some_and(|(least, _)| *least < budget / 2) {
            break;
        }
    }
    best.unwrap()
}

/// The table, and the names of the cases that exceed the budget.
fn hold_budget() -> Vec<String> {
    println!("{:<50}{:>9}{:>9}{:>10}{:>12}", "case", "worlds", "left", "ms", "peak MiB");
    let mut all: Vec<(String, Case)> = support::all().into_iter().map(|k| (k.name, k.case)).collect();
    all.push((LONG.to_owned(), long_report()));
    let (mut over, mut times) = (Vec::new(), Vec::new());
    for (name, case) in &all {
        let budget = if name == LONG { ANY } else { KNOWN };
        // Linux forgets the peak when 5 is written here.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let (took, given) = fastest(case, MEDIAN);
        let memory = peak().unwrap_or(0);
        println!(
            "{name:<50}{:>9}{:>9}{:>10.1}{:>12}",
            given.weighed.worlds,
            given.weighed.left,
            took.as_secs_f64() * 1000.0,
            memory >> 20
        );
        if name != LONG {
            times.push(took);
        }
        if took > budget || memory > MEMORY {
            over.push(format!("{name}: {took:?}, {} MiB", memory >> 20));
        }
    }
    times.sort();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{} known reports: slowest {slowest:.1?}, median {median:.1?}", times.len());
    if median > MEDIAN {
        over.push(format!("the median: {median:?}"));
    }
    over
}

#[divan::bench(args = 0..=SLOWEST, sample_count = 10)]
fn diagnosis(bencher: Bencher<'_, '_>, place: usize) {
    let (_, case) = &CASES[place];
    bencher.bench(|| diagnose(black_box(case)));
}

fn main() {
    let over = hold_budget();
    for (place, (name, _)) in CASES.iter().enumerate() {
        println!("diagnosis {place}: {name}");
    }
    divan::main();
    if !over.is_empty() {
        eprintln!("over the budget:\n{}", over.join("\n"));
        std::process::exit(1);
    }
}
