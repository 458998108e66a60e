//! `provost diagnose`: from a live chip, case files and raw logs to what can be done. Reads only, unless `--discover` is given.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufReader, Read as _},
    path::Path,
};

use provost_bench::Bench;
use provost_diagnosis::{Diagnosis, case::Case, case_file, commands::Commands, diagnose, log, verdict::Verdict};
use provost_ops::{diagnose::measure, store::StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{Arguments, Diagnose},
    error::FaceError,
    output::{Page, Stop, wrap},
};

/// Reasons that fit on one screen with the rest.
const SHOWN: usize = 3;

/// An input and what was made of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Input {
    name: String,
    #[schemars(extend("enum" = ["case", "log", "live"]))]
    kind: &'static str,
    lines: u64,
    recognised: u64,
}

/// The answer, and what it is made from.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    #[serde(flatten)]
    diagnosis: Diagnosis,
    inputs: Vec<Input>,
}

pub(crate) fn run(arguments: &Arguments, options: &Diagnose) -> Result<Page, Stop> {
    let mut case = Case::default();
    let mut inputs = Vec::new();
    for path in &options.files {
        let (more, input) = read(path)?;
        case.join(more);
        inputs.push(input);
    }
    let on_wire = options.files.is_empty() || arguments.probe.is_some() || options.discover;
    if !on_wire {
        return page(&case, inputs, options.explain);
    }
    super::on_chip(arguments, |bench: &mut Bench| {
        let measured = measure(&mut bench.session, options.discover)?;
        if let (Some(identity), Some(_)) = (&measured.identity, arguments.part) {
            identity.narrowed_to(arguments.part)?;
        }
        inputs.push(Input { name: bench.session.probe().to_string(), kind: "live", lines: 0, recognised: 0 });
        case.join(measured.case);
        if let Some(part) = arguments.part {
            case.chip.part = Some(part.to_string());
        }
        page(&case, inputs, options.explain)
    })
}

/// Reads one file: a case file if it is TOML that says so, the output of a tool otherwise.
fn read(path: &Path) -> Result<(Case, Input), Stop> {
    let name = path.display().to_string();
    let unreadable = |source: io::Error| StoreError::File { path: path.to_owned(), source };
    let mut reader: Box<dyn io::BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path).map_err(unreadable)?))
    };
    // Only as much as a case file may have is held in memory; a log is read line by line.
    let mut head = Vec::new();
    reader.by_ref().take(case_file::MAX_SIZE as u64 + 1).read_to_end(&mut head).map_err(unreadable)?;
    let text = std::str::from_utf8(&head).ok().filter(|text| case_file::looks_like_case(text));
    if path.extension().is_some_and(|e| e == "toml") || text.is_some() {
        let text = String::from_utf8_lossy(&head);
        let case = case_file::read(&text).map_err(|source| FaceError::BadCase { path: path.to_owned(), source })?;
        let lines = text.lines().count() as u64;
        return Ok((case, Input { name, kind: "case", lines, recognised: lines }));
    }
    let report = log::read(io::Cursor::new(head).chain(reader)).map_err(unreadable)?;
    if let Some(family) = report.other_family {
        return Err(FaceError::OtherFamily { path: path.to_owned(), family }.into());
    }
    if report.binary {
        return Err(FaceError::NotText { path: path.to_owned() }.into());
    }
    let input = Input { name, kind: "log", lines: report.lines, recognised: report.recognised };
    Ok((report.case, input))
}

fn page(case: &Case, inputs: Vec<Input>, explain: bool) -> Result<Page, Stop> {
    let diagnosis = diagnose(case);
    let text = text(&diagnosis, &inputs, explain);
    Ok(Page::new(&Answer { diagnosis, inputs }, text)?)
}

const fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Recoverable => "This chip can be saved.",
        Verdict::RecoverableIf => "This chip can be saved, once the first step below is done.",
        Verdict::Lost => "This chip is lost: no way back to Open is known.",
        Verdict::NotLocked => "Nobody is locked out: the life cycle is not the cause.",
        Verdict::Undetermined => "It cannot be told yet: what is reported fits chips with different fates.",
    }
}

/// How sure the verdict is; where there is none, how the worlds divide.
fn how_sure(d: &Diagnosis) -> String {
    if d.verdict != Verdict::Undetermined {
        return format!("{:.0} % sure", d.certainty * 100.0);
    }
    let w = &d.weighed;
    let shares = [
        ("recoverable", w.recoverable + w.recoverable_if),
        ("lost", w.lost),
        ("not locked", w.not_locked),
        ("out of reach", w.out_of_reach),
    ];
    let words: Vec<String> = shares
        .iter()
        .filter(|(_, share)| *share >= 0.01)
        .map(|(name, share)| format!("{name} {:.0} %", share * 100.0))
        .collect();
    words.join(", ")
}

/// What not to do, steps with the same reason together.
fn not_now(d: &Diagnosis) -> Vec<(String, &str)> {
    let mut grouped: Vec<(String, &str)> = Vec::new();
    for never in &d.never {
        match grouped.iter_mut().find(|(_, why)| *why == never.why) {
            Some((steps, _)) => {
                let value = never.step.rsplit_once('=').map_or(never.step.as_str(), |(_, value)| value);
                *steps = format!("{steps}, {value}");
            }
            None => grouped.push((never.step.clone(), &never.why)),
        }
    }
    grouped
}

fn text(d: &Diagnosis, inputs: &[Input], explain: bool) -> String {
    let mut text = format!("{} ({}, {})\n\n", verdict_words(d.verdict), d.verdict.as_str(), how_sure(d));
    let b = &d.believed;
    let _ = writeln!(
        text,
        "believed      {}, {} ({:.0} %), TrustZone {}, debug-authentication data {}",
        b.part.as_deref().unwrap_or("an STM32H5"),
        b.product_state,
        b.product_state_certainty * 100.0,
        b.tzen,
        b.debug_authentication
    );
    if !d.plan.is_empty() {
        text.push_str("\ndo, in this order\n");
        for (index, step) in d.plan.iter().enumerate() {
            let _ = writeln!(text, "  {}. {}", index + 1, step.step);
            text.push_str(&wrap(&step.why, 5));
            commands(&mut text, &step.commands);
        }
    }
    if !d.ask.is_empty() {
        text.push_str("\nfind out first\n");
        for question in &d.ask {
            let _ = writeln!(text, "  - {}", question.step);
            commands(&mut text, &question.commands);
            for outcome in &question.outcomes {
                text.push_str(&wrap(&format!("if you see: {} -> {}", outcome.saw, outcome.means), 5));
            }
        }
    }
    if !d.salvage.is_empty() {
        text.push_str("\nwhat is left\n");
        d.salvage.iter().for_each(|line| text.push_str(&wrap(line, 2)));
    }
    if !d.never.is_empty() {
        text.push_str("\nnot now\n");
        for (steps, why) in not_now(d) {
            text.push_str(&wrap(&format!("{steps}: {why}"), 2));
        }
    }
    text.push_str("\nwhy\n");
    let shown = if explain { d.reasons.len() } else { SHOWN };
    for reason in d.reasons.iter().take(shown) {
        text.push_str(&wrap(&format!("{} ({}): {}", reason.id, reason.confidence, reason.says), 2));
        if explain {
            reason.source.iter().for_each(|source| text.push_str(&wrap(&format!("<{source}>"), 6)));
        }
    }
    if d.reasons.len() > shown {
        let _ = writeln!(text, "  … and {} more: --explain", d.reasons.len() - shown);
    }
    if explain {
        reasoning(&mut text, d, inputs);
    }
    text
}

/// The commands of provost, and those of STM32CubeProgrammer in their place.
fn commands(text: &mut String, commands: &Commands) {
    for (mark, command) in [("$", &commands.provost), ("or:", &commands.stm32cubeprogrammer)] {
        if !command.is_empty() {
            let _ = writeln!(text, "     {mark:<4}{command}");
        }
    }
}

/// The likeliest story and the arithmetic.
fn reasoning(text: &mut String, d: &Diagnosis, inputs: &[Input]) {
    text.push_str("\nthe likeliest story\n");
    for chapter in &d.story {
        let _ = writeln!(
            text,
            "  step {:<3} from {:<17} TrustZone {:<4} {}",
            chapter.step,
            chapter.state,
            chapter.tzen,
            chapter.rules.iter().chain(&chapter.messages).copied().collect::<Vec<_>>().join(", ")
        );
    }
    let w = &d.weighed;
    let _ = writeln!(
        text,
        "\n{} worlds weighed, {} left: recoverable {:.3}, recoverable-if {:.3}, lost {:.3}, not locked {:.3}, out of reach {:.3}",
        w.worlds, w.left, w.recoverable, w.recoverable_if, w.lost, w.not_locked, w.out_of_reach
    );
    for input in inputs {
        let _ = writeln!(
            text,
            "input {} ({}): {} lines, {} recognised",
            input.name, input.kind, input.lines, input.recognised
        );
    }
    let _ = writeln!(text, "{} lines and remarks nothing was made of", w.ignored_lines);
}
