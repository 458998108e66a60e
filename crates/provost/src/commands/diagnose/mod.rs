//! `provost diagnose`: from a live chip, case files and raw logs to what can be done. Reads only, unless `--discover` is given.

mod page;

use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    path::Path,
};

use provost_diagnosis::{Diagnosis, Given, case::Case, case_file, diagnose_for, log};
use provost_ops::{
    bench::Bench,
    diagnose::measure,
    error::{Exit, OpError},
};
use serde::Serialize;

use crate::{
    cli::{Arguments, Diagnose},
    output::{Page, Stop},
};

const SCHEMA: &str = "provost.diagnosis/1";

/// An input and what was made of it.
#[derive(Debug, Serialize)]
struct Input {
    name: String,
    kind: &'static str,
    lines: u64,
    recognised: u64,
}

#[derive(Debug, Serialize)]
struct Document {
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
    case.goal = options.goal.map(Into::into).or(case.goal);
    let on_wire = options.files.is_empty() || arguments.probe.is_some() || options.discover;
    if !on_wire {
        return Ok(page(&case, inputs, arguments, options));
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
        Ok(page(&case, inputs, arguments, options))
    })
}

/// Reads one file: a case file if it is TOML that says so, the output of a tool otherwise.
fn read(path: &Path) -> Result<(Case, Input), Stop> {
    let name = path.display().to_string();
    let unreadable = |source: io::Error| OpError::File { path: path.to_owned(), source };
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
        let case = case_file::read(&text).map_err(|source| OpError::BadCase { path: path.to_owned(), source })?;
        let lines = text.lines().count() as u64;
        return Ok((case, Input { name, kind: "case", lines, recognised: lines }));
    }
    let report = log::read(io::Cursor::new(head).chain(reader)).map_err(unreadable)?;
    if let Some(family) = report.other_family {
        return Err(OpError::OtherFamily { path: path.to_owned(), family }.into());
    }
    if report.binary {
        return Err(OpError::NotText { path: path.to_owned() }.into());
    }
    let input = Input { name, kind: "log", lines: report.lines, recognised: report.recognised };
    Ok((report.case, input))
}

fn page(case: &Case, inputs: Vec<Input>, arguments: &Arguments, options: &Diagnose) -> Page {
    let given = Given {
        probe: arguments.probe.clone(),
        part: arguments.part.map(|p| p.to_string()),
        credential: options.credential.as_ref().map(|folder| folder.display().to_string()),
    };
    let diagnosis = diagnose_for(case, &given);
    let text = page::text(&diagnosis, &inputs, options.explain);
    let understood = diagnosis.understood;
    let page = Page::new(SCHEMA, &Document { diagnosis, inputs }, text);
    // Nothing to go by is no answer: a script must not take it for one.
    if understood { page } else { page.ending(Exit::Failed) }
}
