//! Steps as a document, and the hash by which plans are told apart.

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Step;
use crate::{credential::hex, fault::Result};

/// A step as plans and receipts show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlanStep {
    /// Short name.
    pub step: &'static str,
    /// What is done, in plain words.
    pub what: String,
    /// The rules that make it the right thing.
    #[schemars(with = "Vec<provost_chip::rules::RuleId>")]
    pub why: Vec<&'static str>,
    /// What it erases.
    pub erases: &'static str,
    /// Whether and how it can be undone.
    pub undo: &'static str,
    /// What is measured afterwards.
    pub measured: &'static str,
}

impl From<Step> for PlanStep {
    fn from(step: Step) -> Self {
        Self {
            step: step.name(),
            what: step.what(),
            why: step.rules().iter().map(|rule| rule.rule().id).collect(),
            erases: step.erases(),
            undo: step.undo(),
            measured: step.measured(),
        }
    }
}

/// The hash of what a plan is bound to and of its steps, as they serialize: equal plans have equal hashes. It tells plans apart;
/// it does not protect them from whoever can change the file.
///
/// # Errors
/// A value that does not serialize: none of ours.
pub fn hash_of(bound: &impl Serialize, steps: &[PlanStep]) -> Result<String> {
    let text = serde_json::to_vec(&(bound, steps)).map_err(|source| super::JobError::Unwritable { source })?;
    Ok(hex(&Sha256::digest(text)))
}

/// A document as it is kept in a file: JSON that a person can read, with a line end.
///
/// # Errors
/// A value that does not serialize: none of ours.
pub fn document(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|source| super::JobError::Unwritable { source })?;
    text.push(b'\n');
    Ok(text)
}
