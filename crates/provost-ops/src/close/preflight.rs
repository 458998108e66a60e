//! The preflight: a table of rules, each with its source, that a close must pass before anything is written.

mod checks;
mod credential;
mod roots;
mod table;

use provost_chip::sources::Confidence;

pub use super::finding::{Finding, Refusal, Verdict};
use super::{CloseError, facts::Facts, policy::Policy};
use crate::error::Result;
pub(crate) use checks::vector_table;

/// What a rule that fails means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The close cannot work, or the chip would be lost: nobody may pass over it.
    Firm,
    /// The close is refused unless the rule is overridden by name.
    Refuses,
    /// The close goes on; the receipt keeps it.
    Warns,
}

/// What a rule's own look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It holds; what was measured.
    Passed(String),
    /// It does not hold; what was measured.
    Failed(String),
    /// It cannot be said here; why.
    NotMeasured(&'static str),
}

/// A rule of the preflight.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Stable id, such as `P-NRST`.
    pub id: &'static str,
    /// The statement that must hold.
    pub says: &'static str,
    /// How sure it is that it matters.
    pub confidence: Confidence,
    /// Keys of [`provost_chip::sources::Source`].
    pub source: &'static [&'static str],
    /// What a failure means.
    pub weight: Weight,
    /// Looks; `None` for a gate, which is looked at in Provisioning, right before the last step.
    pub test: Option<fn(&Facts) -> Answer>,
    /// What to do where it does not hold, the mildest first.
    pub next: &'static [&'static str],
}

impl Check {
    /// All rules: those looked at before anything is written, then the gates.
    pub const fn all() -> &'static [Check] {
        table::TABLE
    }

    /// The rule with this id, in any case.
    pub fn find(id: &str) -> Option<&'static Check> {
        Self::all().iter().find(|c| c.id.eq_ignore_ascii_case(id))
    }

    /// What to do where it does not hold, the mildest first; passing over it where that may be done.
    fn remedy(&self) -> Vec<String> {
        let may = if self.weight == Weight::Refuses && !self.next.iter().any(|next| next.contains("--override")) {
            let id = self.id;
            format!(
                "; or pass over it, which the receipt keeps: `provost close --to STATE --credential DIR --override {id}`"
            )
        } else {
            String::new()
        };
        self.next.iter().map(|next| format!("{}: {next}{may}", self.id)).collect()
    }
}

/// A rule's answer, by whether it holds.
fn hold(holds: bool, found: impl Into<String>) -> Answer {
    if holds { Answer::Passed(found.into()) } else { Answer::Failed(found.into()) }
}

/// Looks at every rule.
pub fn preflight(facts: &Facts) -> Vec<Finding> {
    let overridden = |check: &Check| {
        check.weight != Weight::Firm && facts.wish.overrides.iter().any(|o| o.eq_ignore_ascii_case(check.id))
    };
    Check::all()
        .iter()
        .filter_map(|check| Some((check, check.test?(facts))))
        .map(|(check, answer)| {
            let (verdict, found) = match answer {
                Answer::Passed(found) => (Verdict::Passed, found),
                Answer::NotMeasured(why) => (Verdict::NotMeasured, why.to_owned()),
                Answer::Failed(found) if overridden(check) => (Verdict::Overridden, found),
                Answer::Failed(found) if check.weight == Weight::Warns => (Verdict::Warning, found),
                Answer::Failed(found) => (Verdict::Failed, found),
            };
            Finding { rule: check.id.to_owned(), verdict, found }
        })
        .collect()
}

/// Refuses if a rule failed.
///
/// # Errors
/// [`CloseError::Refused`] with every rule that failed.
pub fn pass(findings: &[Finding]) -> Result<()> {
    let refusal = |finding: &Finding| {
        let next = Check::find(&finding.rule).map_or_else(Vec::new, Check::remedy);
        Refusal { finding: finding.clone(), next }
    };
    let failed: Vec<Refusal> = findings.iter().filter(|f| f.verdict == Verdict::Failed).map(refusal).collect();
    if failed.is_empty() { Ok(()) } else { Err(CloseError::Refused { failed }.into()) }
}

/// Holds the overrides against the table and the policy.
///
/// # Errors
/// An id that no rule has, a rule that nobody may override, or one that the policy does not let be overridden.
pub fn check_overrides(overrides: &[String], policy: &Policy) -> Result<()> {
    for id in overrides {
        let refuse = |why| Err(CloseError::Override { id: id.clone(), why }.into());
        match Check::find(id) {
            None => return refuse("no rule has this id"),
            Some(check) if check.weight == Weight::Firm => return refuse("this rule cannot be overridden"),
            Some(_) if policy.close.forbid_overrides.iter().any(|f| f.eq_ignore_ascii_case(id)) => {
                return refuse("the policy forbids it");
            }
            Some(_) => {}
        }
    }
    Ok(())
}
