//! Whether a set of files is a credential: does everything fit together, does it fit the part, does everybody have its key?

mod chip;
mod files;
mod names;

use std::path::Path;

use provost_chip::{parts::PartId, rules::RuleId, states::DaMethod};
use provost_obk::da::DaPayload;
use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    chip::check_on_chip,
    names::{CHECKS, CheckName},
};
use super::{Access, CredentialSet};
use crate::{error::Result, store::FilePath};

/// What is to be checked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The part it is for, if it was said.
    pub part: Option<PartId>,
    /// Let ST's public samples pass, for a bench.
    pub allow_samples: bool,
    /// Passphrase and key holder.
    pub access: Access<'a>,
}

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is so.
    Passed,
    /// It is not so, and the set must not be used.
    Failed,
    /// It may be meant, and should be looked at.
    Warning,
    /// It could not be checked.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Finding {
    /// Its stable name.
    #[schemars(regex(pattern = "^[a-z-]+$"))]
    pub check: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found, and what to do.
    #[schemars(length(min = 1))]
    pub says: String,
    /// The rules behind it.
    #[schemars(with = "Vec<RuleId>")]
    pub rules: Vec<&'static str>,
}

/// All checks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckReport {
    /// The folder.
    pub folder: FilePath,
    /// The part that it was checked for.
    #[schemars(with = "Option<PartId>")]
    pub part: Option<String>,
    /// Whether a chip was looked at.
    pub on_chip: bool,
    /// No check failed.
    pub passed: bool,
    /// The checks in order.
    #[schemars(length(min = 1))]
    pub findings: Vec<Finding>,
}

/// The findings so far, and what later checks need of the earlier ones.
#[derive(Debug, Default)]
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, check: &'static str, outcome: Outcome, says: impl Into<String>, rules: &[RuleId]) {
        let rules = rules.iter().map(|r| r.rule().id).collect();
        self.list.push(Finding { check, outcome, says: says.into(), rules });
    }

    fn passed(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Outcome::Passed, says, &[]);
    }

    fn failed(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Outcome::Failed, says, &[]);
    }

    fn skipped(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Outcome::Skipped, says, &[]);
    }

    /// Passed or failed.
    fn verdict(
        &mut self,
        check: &'static str,
        holds: bool,
        yes: impl Into<String>,
        no: impl Into<String>,
        rules: &[RuleId],
    ) {
        let (outcome, says) = if holds { (Outcome::Passed, yes.into()) } else { (Outcome::Failed, no.into()) };
        self.add(check, outcome, says, rules);
    }

    fn into_report(self, question: &Question<'_>, on_chip: bool) -> CheckReport {
        CheckReport {
            folder: question.folder.into(),
            part: question.part.map(|p| p.to_string()),
            on_chip,
            passed: self.list.iter().all(|f| f.outcome != Outcome::Failed),
            findings: self.list,
        }
    }
}

/// What the files amount to, for the checks against a chip.
#[derive(Debug, Default)]
struct Facts {
    chain: Option<provost_adac::chain::Chain>,
    method: Option<DaMethod>,
    object: Option<DaPayload>,
}

/// Checks the files alone.
///
/// # Errors
/// The folder cannot be read, or holds nothing of a credential; a passphrase cannot be had.
pub fn check(question: &Question<'_>) -> Result<CheckReport> {
    let mut findings = Findings::default();
    files::check(question, &mut findings)?;
    Ok(findings.into_report(question, false))
}

/// What a person does with the set in the end: it must load as a credential.
fn loads(question: &Question<'_>, findings: &mut Findings) {
    let elsewhere = findings.list.iter().any(|f| f.check == "leaf-key" && f.outcome == Outcome::Warning);
    match CredentialSet::open(question.folder, &question.access) {
        Err(_) if elsewhere => findings.skipped("usable", "the leaf key is not here: only whoever holds it can tell"),
        Ok(_) => findings.passed("usable", "`auth regress` and `rescue` take this set as it is"),
        Err(error) => findings.failed("usable", format!("it cannot authenticate a full regression: {error}")),
    }
}
