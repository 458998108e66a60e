//! A close as a value: what it is bound to, its steps, and the hash over both.

use std::{io, path::Path};

use provost_chip::states::ProductState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CloseError, bound::Bound, preflight::Finding};
use crate::{
    fault::{Result, fail},
    job::{Phase, PlanStep, Step, document, hash_of},
    store::{FolderStore, Replace, Secrecy, Store},
};

/// Schema of a plan.
pub const SCHEMA: &str = "provost.close-plan/1";
/// No plan is larger.
const LARGEST: u64 = 1 << 20;

/// A plan; equal plans have equal hashes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClosePlan {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// Version of the tool that made it.
    pub version: String,
    /// What it is bound to.
    pub bound: Bound,
    /// Steps in order, as people read them.
    pub steps: Vec<PlanStep>,
    /// What the preflight found when it was made.
    pub checks: Vec<Finding>,
    /// SHA-256 over what it is bound to and its steps. It tells plans apart; it is no protection from somebody who can change the
    /// file: that is what the phrase is for, which names chip, end and credential.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub hash: String,
}

#[derive(Deserialize)]
struct Saved {
    schema: String,
    version: String,
    bound: Bound,
    #[serde(default)]
    checks: Vec<Finding>,
    hash: String,
}

impl ClosePlan {
    /// The plan for what it is bound to.
    ///
    /// # Errors
    /// It does not serialize: none of ours.
    pub fn new(bound: Bound, checks: Vec<Finding>) -> Result<Self> {
        let steps: Vec<PlanStep> = steps(&bound).into_iter().map(PlanStep::from).collect();
        let hash = hash_of(&bound, &steps)?;
        Ok(Self { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").to_owned(), bound, steps, checks, hash })
    }

    /// The steps, as they are carried out.
    pub fn list(&self) -> Vec<Step> {
        steps(&self.bound)
    }

    /// Writes it to a file that is not there yet, unless `force` says otherwise.
    ///
    /// # Errors
    /// The file is there, or cannot be written.
    pub fn save(&self, path: &Path, force: bool) -> Result<()> {
        Ok(FolderStore::new().put(path, &document(self)?, Secrecy::Secret, Replace::forced(force))?)
    }

    /// Reads a plan, makes it anew from what it is bound to, and holds the two against each other.
    ///
    /// # Errors
    /// The file is none, or it was changed after it was made, or another version of provost would do something else.
    pub fn load(path: &Path) -> Result<Self> {
        let error = |source| CloseError::PlanFile { path: path.to_owned(), source };
        let invalid = |what: &str| error(io::Error::new(io::ErrorKind::InvalidData, what));
        let Some(bytes) = FolderStore::new().read(path, LARGEST)? else {
            return fail(error(io::ErrorKind::NotFound.into()));
        };
        let saved: Saved = serde_json::from_slice(&bytes).map_err(|e| invalid(&e.to_string()))?;
        if saved.schema != SCHEMA {
            return fail(invalid(&format!("its schema is not {SCHEMA}")));
        }
        let plan = Self { version: saved.version, ..Self::new(saved.bound, saved.checks)? };
        if plan.hash != saved.hash {
            return fail(invalid("its hash does not match: it was changed, or made by another version"));
        }
        Ok(plan)
    }
}

fn steps(bound: &Bound) -> Vec<Step> {
    let (tz, method) = (bound.trustzone, Some(bound.method));
    let in_provisioning = bound.start == ProductState::Provisioning;
    let mut steps = vec![Step::ProveNrst];
    steps.extend(in_provisioning.then_some(Step::AskWho));
    steps.push(Step::ReadCredential);
    if bound.rehearse {
        let phase = Phase::Rehearsal;
        steps.extend([
            Step::EnterProvisioning { phase, tz },
            Step::Provision { phase, method },
            Step::Discover { phase, method },
            Step::Regress { phase },
            Step::VerifyOpen { phase },
            Step::Restore,
        ]);
    }
    if bound.rehearse_only {
        return steps;
    }
    let phase = Phase::Work;
    if !in_provisioning {
        steps.push(Step::EnterProvisioning { phase, tz });
    }
    steps.extend([
        if bound.is_otp() { Step::WriteOtp } else { Step::Provision { phase, method } },
        Step::Discover { phase, method },
    ]);
    steps.extend(bound.objects.iter().map(|object| Step::ProvisionObject { destination: object.destination }));
    steps.extend([Step::WriteFinal { to: bound.target }, Step::VerifyFinal]);
    steps
}
