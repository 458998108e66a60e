//! Reports are incomplete, out of order and half wrong: whatever is left of a case, the answer may become less sure, never
//! wrong in the direction that loses a chip.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use provost_chip::states::{BootUbe, TrustZone};
use provost_diagnosis::{
    case::{Act, Case, Goal, Host},
    diagnose,
};
use support::{Known, forbidden};

/// What was changed, and the case that is left.
type Perturbed = (String, Case);

fn without_steps(case: &Case) -> Vec<Perturbed> {
    (0..case.steps.len())
        .map(|index| {
            let mut left = case.clone();
            left.steps.remove(index);
            ("a step dropped".to_owned(), left)
        })
        .collect()
}

/// Neighbours that change nothing on the chip may have been told in any order.
fn reordered(case: &Case) -> Vec<Perturbed> {
    let idle =
        |act: &Act| matches!(act, Act::Connect { .. } | Act::ReadOption(_) | Act::Observe(_) | Act::Dfu | Act::Uart);
    (1..case.steps.len())
        .filter(|i| idle(&case.steps[i - 1].act) && idle(&case.steps[*i].act))
        .map(|index| {
            let mut swapped = case.clone();
            swapped.steps.swap(index - 1, index);
            ("independent steps swapped".to_owned(), swapped)
        })
        .collect()
}

fn without_logs(case: &Case) -> Vec<Perturbed> {
    let mut left = case.clone();
    for step in &mut left.steps {
        step.messages.clear();
    }
    vec![("all logs removed".to_owned(), left)]
}

/// Only what tools printed: claims and remarks are gone, and so are outcomes that no log tells.
fn only_logs(case: &Case) -> Vec<Perturbed> {
    let mut left = Case { steps: case.steps.clone(), ..Case::default() };
    left.chip.dev_id = case.chip.dev_id;
    left.steps.retain(|s| !s.messages.is_empty());
    vec![("only logs kept".to_owned(), left)]
}

/// Known becomes unknown, unknown becomes known.
fn claims(case: &Case) -> Vec<Perturbed> {
    let mut all = Vec::new();
    let mut with = |what: &str, change: &dyn Fn(&mut Case)| {
        let mut changed = case.clone();
        change(&mut changed);
        if changed != *case {
            all.push((what.to_owned(), changed));
        }
    };
    with("part not told", &|c| c.chip.part = None);
    with("TrustZone not told", &|c| c.chip.tz = None);
    with("boot entry not told", &|c| c.chip.boot_ube = None);
    with("state not told", &|c| c.chip.state = None);
    with("NRST not told", &|c| c.bench.nrst = None);
    with("probe not told", &|c| c.bench.probe = None);
    with("host not told", &|c| c.bench.host = None);
    with("bench not told", &|c| c.bench = Default::default());
    if case.chip.tz.is_none() {
        for tz in TrustZone::ALL {
            with("TrustZone told", &|c| c.chip.tz = Some(tz));
        }
    }
    if case.chip.boot_ube.is_none() {
        with("boot entry told", &|c| c.chip.boot_ube = Some(BootUbe::OemIrot));
    }
    if case.bench.nrst.is_none() {
        for wired in [false, true] {
            with("NRST told", &|c| c.bench.nrst = Some(wired));
        }
    }
    if case.bench.host.is_none() {
        for host in [Host::Linux, Host::Windows32] {
            with("host told", &|c| c.bench.host = Some(host));
        }
    }
    all
}

/// What is unsafe in an answer, if anything.
fn unsafe_answer(known: &Known, case: &Case) -> Vec<String> {
    let given = diagnose(case);
    let mut faults = forbidden(&known.expect, &given);
    let promises = matches!(given.verdict.as_str(), "recoverable" | "recoverable-if");
    if known.expect.verdict == "lost" && promises && !lost_no_more(case) {
        faults.push(format!("promises {} for a lost chip", given.verdict.as_str()));
    }
    // A plan never holds a step that it warns of, and never writes a closed state.
    for step in &given.plan {
        if given.never.iter().any(|n| n.step == step.step) {
            faults.push(format!("{} is advised and warned of", step.step));
        }
        let closes = case.goal != Some(Goal::Forward) && step.step.starts_with("write-option:PRODUCT_STATE=");
        if closes && step.step != "write-option:PRODUCT_STATE=0x17" {
            faults.push(format!("{} is advised", step.step));
        }
    }
    if given.verdict.as_str() == "undetermined" && given.ask.is_empty() {
        faults.push("undetermined, and asks nothing".to_owned());
    }
    faults
}

/// Whether what is left of a report tells of no closed chip any more: then it is another report, and no promise is false.
fn lost_no_more(case: &Case) -> bool {
    use provost_chip::states::ProductState;
    let closed = |s: ProductState| s > ProductState::Provisioning;
    let told = case.chip.state.is_some_and(closed)
        || case.steps.iter().any(|s| match &s.act {
            Act::WriteOption(o) => o.product_state().is_some_and(closed),
            Act::Discover(d) => d.lifecycle.is_some_and(closed),
            _ => false,
        });
    !told
}

#[test]
fn no_perturbation_makes_an_answer_unsafe() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for known in support::all() {
        let case = &known.case;
        let all = [without_steps(case), reordered(case), without_logs(case), only_logs(case), claims(case)].concat();
        for (what, changed) in all {
            *counts.entry(what.clone()).or_default() += 1;
            for fault in unsafe_answer(&known, &changed) {
                wrong.push(format!("{}: {what}: {fault}", known.name));
            }
        }
    }
    println!("{counts:#?}, {} in all", counts.values().sum::<usize>());
    assert!(wrong.is_empty(), "{} unsafe answers:\n{}", wrong.len(), wrong.join("\n"));
}
