//! Every known case against the expert's answer.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use provost_diagnosis::diagnose;

#[test]
fn every_case_is_answered_as_an_expert_would() {
    let mut wrong = Vec::new();
    println!("{:<48} {:<15} {:<15} {:>5}  plan or question", "case", "expected", "given", "sure");
    for known in support::all() {
        let given = diagnose(&known.case);
        let faults = support::faults(&known.expect, &given);
        let steps: Vec<&str> = given.plan.iter().map(|s| s.step.as_str()).collect();
        let asks: Vec<&str> = given.ask.iter().map(|q| q.step.as_str()).collect();
        println!(
            "{:<48} {:<15} {:<15} {:>5.2}  {}{}",
            known.name,
            known.expect.verdict,
            given.verdict.as_str(),
            given.certainty,
            steps.join(", "),
            if asks.is_empty() { String::new() } else { format!(" ask: {}", asks.join(", ")) }
        );
        if !faults.is_empty() {
            println!("    {:?}\n    {:?}\n    {:?}", faults, given.believed, given.weighed);
            wrong.push(format!("{}: {}", known.name, faults.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
