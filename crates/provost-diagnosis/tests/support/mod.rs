//! The cases of `tests/cases` with their expectations, and the comparison.
#![allow(dead_code, reason = "not every test uses everything")]

pub(crate) mod steps;

use std::{
    fs,
    path::{Path, PathBuf},
};

use provost_diagnosis::{Diagnosis, case::Case, case_file, reading};
use serde::Deserialize;

/// What an expert answers.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Expect {
    pub(crate) verdict: String,
    #[serde(default, rename = "do")]
    pub(crate) steps: Vec<String>,
    #[serde(default)]
    pub(crate) never: Vec<String>,
    #[serde(default)]
    pub(crate) ask: Vec<String>,
    /// Steps that this report, as it stands, does not call for; another one may.
    #[serde(default)]
    pub(crate) without: Vec<String>,
    /// What the answer must warn of.
    #[serde(default)]
    pub(crate) warn: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    expect: Expect,
}

/// A case with its expectation.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) case: Case,
    pub(crate) expect: Expect,
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    found
}

/// All cases.
pub(crate) fn all() -> Vec<Known> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut known = Vec::new();
    for path in files(&folder, "toml") {
        let text = fs::read_to_string(&path).unwrap();
        let File { expect } = toml::from_str(&text).unwrap();
        let case = case_file::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        known.push(Known { name: name(&path), case, expect });
    }
    for path in files(&folder.join("raw"), "log") {
        let expect: File = toml::from_str(&fs::read_to_string(path.with_extension("expect.toml")).unwrap()).unwrap();
        let case = reading::read(&fs::read(&path).unwrap()).unwrap().case;
        known.push(Known { name: format!("{}.log", name(&path)), case, expect: expect.expect });
    }
    known
}

/// What is wrong with an answer, if anything.
pub(crate) fn faults(expect: &Expect, given: &Diagnosis) -> Vec<String> {
    let mut faults = Vec::new();
    if given.verdict.as_str() != expect.verdict {
        faults.push(format!("verdict {} instead of {}", given.verdict.as_str(), expect.verdict));
    }
    let plan: Vec<&str> = given.plan.iter().map(|s| s.step.as_str()).collect();
    let mut from = 0;
    for wanted in &expect.steps {
        let found = plan[from..].iter().position(|step| wanted.split(" | ").any(|w| w == *step));
        match found {
            Some(place) => from += place + 1,
            None => faults.push(format!("{wanted} is missing from {plan:?}")),
        }
    }
    faults.extend(forbidden(expect, given));
    let planned = |step: &&String| plan.contains(&step.as_str());
    faults.extend(expect.without.iter().filter(planned).map(|w| format!("{w} is advised")));
    let warned = |step: &&String| given.never.iter().any(|n| n.step == **step);
    faults.extend(expect.warn.iter().filter(|w| !warned(w)).map(|w| format!("{w} is not warned of")));
    if !expect.ask.is_empty() {
        let asked: Vec<&str> = given.ask.iter().map(|q| q.step.as_str()).collect();
        if !asked.first().is_some_and(|first| expect.ask.iter().any(|e| e == first)) {
            faults.push(format!("asks {asked:?} instead of one of {:?}", expect.ask));
        }
    }
    faults
}

/// Steps of the plan that must never be there.
pub(crate) fn forbidden(expect: &Expect, given: &Diagnosis) -> Vec<String> {
    let planned = |never: &&String| given.plan.iter().any(|s| s.step == **never);
    expect.never.iter().filter(planned).map(|never| format!("{never} is advised")).collect()
}
