//! `provost diagnose`: from a live chip, case files, logs and posts to what can be done. Reads only, unless `--discover` is given.

mod page;
mod talk;

use std::{fs::File, io, path::Path};

use provost_bench::Bench;
use provost_diagnosis::{
    Diagnosis, Given,
    case::Case,
    case_file,
    claim::{Claim, Place},
    diagnose_for,
    reading::{self, ReadError, Reading},
};
use provost_ops::{diagnose::measure, error::Exit, store::StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{Arguments, Diagnose},
    documents::CaseTemplate,
    error::FaceError,
    output::{Page, Stop},
};

pub(super) use page::in_short;
use talk::Answers;

/// An input and what was made of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Input {
    name: String,
    #[schemars(extend("enum" = ["case-file", "options-json", "text", "answers", "live"]))]
    kind: &'static str,
    /// Lines with anything on them.
    lines: u64,
    /// Lines that something was made of, or that are known to say nothing that is needed.
    understood: u64,
    /// The tools that spoke, by name and version.
    tools: Vec<String>,
    /// Lines that nothing was made of, the first 200 of them.
    unread: Vec<Place>,
}

impl Input {
    /// One that is no text.
    const fn without_lines(name: String, kind: &'static str) -> Self {
        Self { name, kind, lines: 0, understood: 0, tools: Vec::new(), unread: Vec::new() }
    }
}

/// A claim with its number, which `--strike` takes, and the place of its input.
#[derive(Debug, Serialize, JsonSchema)]
struct Numbered {
    /// For `--strike`.
    #[schemars(range(min = 1))]
    number: usize,
    /// Index into the inputs.
    input: usize,
    #[serde(flatten)]
    claim: Claim,
}

/// The answer, and what it is made from.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    #[serde(flatten)]
    diagnosis: Diagnosis,
    /// The verdict as a sentence.
    headline: String,
    /// How sure that is, in words; where nothing is sure, how the possibilities divide.
    how_sure: String,
    /// What the chip is believed to be, in words.
    believed_in_words: String,
    inputs: Vec<Input>,
    /// What was taken from the texts, beside the words it came from.
    claims: Vec<Numbered>,
    /// The interview, if there was one.
    answers: Option<Answers>,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Report {
    case: Case,
    inputs: Vec<Input>,
    /// For each claim of the case, the place of its input.
    from: Vec<usize>,
    answers: Option<Answers>,
}

pub(crate) fn run(arguments: &Arguments, options: &Diagnose) -> Result<Page, Stop> {
    if options.template {
        let template = case_file::TEMPLATE;
        return Ok(Page::new(&CaseTemplate { template }, template.to_owned())?.verbatim());
    }
    let mut report = Report::default();
    let asked = talk::is_wanted(arguments, options)?;
    if asked {
        let (interview, answers) = talk::hold(arguments, options)?;
        report.inputs.push(Input::without_lines("the answers".to_owned(), "answers"));
        report.case.join(interview.case());
        report.answers = Some(answers);
    }
    for path in &options.files {
        report.add(path.display().to_string(), read(path)?);
    }
    report.case.goal = options.goal.map(Into::into).or(report.case.goal);
    let claims = report.strike(&options.strike)?;
    let claims = match options.before {
        Some(step) => report.before(usize::try_from(step).unwrap_or(usize::MAX), claims),
        None => claims,
    };
    let on_wire = (options.files.is_empty() && !asked) || arguments.named_probe().is_some() || options.discover;
    if !on_wire {
        return page(report, claims, arguments, options);
    }
    super::on_chip(arguments, |bench: &mut Bench| {
        let measured = measure(&mut bench.session, options.discover)?;
        if let (Some(identity), Some(_)) = (&measured.identity, arguments.order_code) {
            identity.narrowed_to(arguments.order_code)?;
        }
        report.inputs.push(Input::without_lines(bench.session.probe().to_string(), "live"));
        report.case.join(measured.case);
        if let Some(part) = arguments.part() {
            report.case.chip.part = Some(part.to_string());
        }
        page(report, claims, arguments, options)
    })
}

/// Reads one file; `-` is standard input.
fn read(path: &Path) -> Result<Reading, Stop> {
    let unreadable = |source: io::Error| StoreError::File { path: path.to_owned(), source };
    let input: Box<dyn io::Read> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(unreadable)?) };
    let reading = reading::read_from(input).map_err(|error| -> Stop {
        let path = path.to_owned();
        match error {
            ReadError::Case(source) => FaceError::BadCase { path, source }.into(),
            ReadError::Input(source) => StoreError::File { path, source }.into(),
            _ => FaceError::NotText { path }.into(),
        }
    })?;
    let road = reading.case.family.is_some_and(|family| family.road.is_some());
    match (&reading.other_family, road) {
        (Some(family), false) => Err(FaceError::OtherFamily { path: path.to_owned(), family: family.clone() }.into()),
        _ => Ok(reading),
    }
}

impl Report {
    fn add(&mut self, name: String, reading: Reading) {
        self.from.extend(reading.case.claims.iter().map(|_| self.inputs.len()));
        self.inputs.push(Input {
            name,
            kind: reading.kind.as_str(),
            lines: reading.of,
            understood: reading.understood,
            tools: reading.tools,
            unread: reading.unread,
        });
        self.case.join(reading.case);
    }

    /// What was known before this step, counted from 1, and the claims that say it.
    fn before(&mut self, step: usize, claims: Vec<Numbered>) -> Vec<Numbered> {
        let at = step.saturating_sub(1);
        self.case = self.case.until(at);
        claims.into_iter().filter(|numbered| numbered.claim.step().is_none_or(|its| its < at)).collect()
    }

    /// Takes the claims with these numbers out, and gives the others with theirs.
    fn strike(&mut self, numbers: &[usize]) -> Result<Vec<Numbered>, FaceError> {
        let of = self.case.claims.len();
        if let Some(&number) = numbers.iter().find(|number| !(1..=of).contains(number)) {
            return Err(FaceError::NoClaim { number, of });
        }
        let places: Vec<usize> = numbers.iter().map(|number| number - 1).collect();
        let left = self.case.strike_all(&places).into_iter().zip(self.case.claims.clone());
        Ok(left.map(|(at, claim)| Numbered { number: at + 1, input: self.from[at], claim }).collect())
    }
}

/// What was given on the command line, for the commands that are printed.
pub(super) fn given(arguments: &Arguments) -> Given {
    Given {
        probe: arguments.probe.as_ref().map(ToString::to_string),
        part: arguments.order_code.map(|p| p.to_string()),
        credential: None,
    }
}

fn page(report: Report, claims: Vec<Numbered>, arguments: &Arguments, options: &Diagnose) -> Result<Page, Stop> {
    let credential = options.credential.as_ref().map(|folder| folder.display().to_string());
    let given = Given { credential, ..given(arguments) };
    let diagnosis = diagnose_for(&report.case, &given);
    let (headline, how_sure) = (page::headline(&diagnosis, &report.inputs), page::how_sure(&diagnosis));
    let believed_in_words = page::believed(&diagnosis);
    let answer = Answer {
        diagnosis,
        headline,
        how_sure,
        believed_in_words,
        inputs: report.inputs,
        claims,
        answers: report.answers,
    };
    let mut text = page::text(&answer, options.explain);
    if let Some(answers) = &answer.answers {
        text.push('\n');
        text.push_str(&answers.text());
    }
    let exit = match &answer.diagnosis {
        // Nothing to go by is no answer, and another family's road is no answer about this one: a script must not take it for one.
        d if d.family.is_some() => Some(Exit::Refused),
        d if !d.understood => Some(Exit::NothingUnderstood),
        _ => None,
    };
    let page = Page::new(&answer, text)?;
    Ok(exit.into_iter().fold(page, Page::ending))
}
