//! The whole answer to a case file: verdict, reasons with sources, plan, what never to do, and the test that would tell more.
//!
//! ```text
//! cargo run --example diagnose_case                # a case made up here
//! cargo run --example diagnose_case -- CASE.toml
//! ```

use std::error::Error;
use std::{env, fs};

use provost_diagnosis::{case_file, diagnose};

const CASE: &str = r#"
[chip]
part = "STM32H563ZI"

[[step]]
action = "write-option"
field  = "PRODUCT_STATE"
value  = "0x17"
result = "ok"

[[step]]
action = "connect"
mode   = "normal"
result = "error"
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let text = match env::args().nth(1) {
        Some(path) => fs::read_to_string(path)?,
        None => CASE.to_owned(),
    };
    let answer = diagnose(&case_file::read(&text)?);
    println!("{} ({:.0} % sure)", answer.verdict.as_str(), 100.0 * answer.certainty);
    println!("state {}, TrustZone {}", answer.believed.product_state, answer.believed.tzen);
    for reason in &answer.reasons {
        println!("because {} ({}): {}", reason.id, reason.confidence, reason.says);
        reason.source.iter().for_each(|source| println!("    {source}"));
    }
    for step in &answer.plan {
        println!("do {}: {}\n    {}", step.step, step.why, step.commands.provost);
    }
    for never in &answer.never {
        println!("never {}: {}", never.step, never.why);
    }
    for question in answer.ask.iter().take(1) {
        println!("to know more, {}: {}", question.step, question.commands.provost);
        question.outcomes.iter().for_each(|outcome| println!("    {}: {}", outcome.saw, outcome.means));
    }
    Ok(())
}
