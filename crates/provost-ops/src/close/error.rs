//! What can stop a close.

use std::{io, path::PathBuf};

use provost_chip::{rules::RuleId, states::ProductState};

use super::{bound::Difference, preflight::Finding};
use crate::error::Exit;

/// Why a close stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// Rules of the preflight failed.
    #[error("the preflight refuses: {}", list(.failed))]
    Refused {
        /// The rules, and what was measured.
        failed: Vec<Finding>,
    },
    /// An override that is none.
    #[error("--override {id}: {why}")]
    Override {
        /// The id given.
        id: String,
        /// Why not.
        why: &'static str,
    },
    /// A gate between Provisioning and the final state is shut.
    #[error("{rule}: {found}; the final state was not written, the chip is in Provisioning")]
    Gate {
        /// The rule.
        rule: &'static str,
        /// What was measured.
        found: String,
    },
    /// The chip is not the one that the plan or the journal is bound to.
    #[error("this is another chip: {expected} was meant, {found} was found")]
    WrongChip {
        /// The unique id meant.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The chip or the files are no longer as planned.
    #[error("not as planned: {}", listed(.differences))]
    PlanDiffers {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A plan file is none, or was changed.
    #[error("plan {path}: {source}")]
    PlanFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The phrase is missing or wrong; nothing was written.
    #[error("this closes the chip, and was not confirmed: expected the phrase {phrase:?}")]
    NotConfirmed {
        /// The phrase.
        phrase: String,
    },
    /// The phrase was not given when it was asked for, right before the last step.
    #[error("stopped before the last step: the phrase {phrase:?} was not given; the final state was not written")]
    StoppedBeforeTheDoor {
        /// The phrase.
        phrase: String,
    },
    /// An earlier close of this chip was not finished.
    #[error("an earlier close of this chip was not finished; it is written down in {folder}")]
    Unfinished {
        /// Its folder.
        folder: PathBuf,
    },
    /// There is no unfinished close.
    #[error("no unfinished close of {chip} in {out}")]
    NothingToResume {
        /// What `--probe` said.
        chip: String,
        /// Where it was looked for.
        out: PathBuf,
    },
    /// The chip stands where no close of ours has left it.
    #[error("the chip is {found}, which is not where this close left it")]
    Elsewhere {
        /// What was found.
        found: String,
    },
    /// The final state was written and is not there.
    #[error("PRODUCT_STATE = {wanted} was written, and the chip says {found}")]
    NotTaken {
        /// The state written.
        wanted: ProductState,
        /// What discovery shows.
        found: String,
    },
    /// Option words did not take the values that a rehearsal restores.
    #[error("option words were not restored: {}", listed(.differences))]
    OptionsNotRestored {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// The set holds no credential of the kind that the plan is bound to.
    #[error("the credential holds nothing of the kind that this chip asks for")]
    NoPassword,
    /// What was read of the flash before a rehearsal is no longer what was written down.
    #[error("{} is not what was read of the flash", path.display())]
    KeptDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Which board this is cannot be told, and an unfinished close may be of another one.
    #[error("a close was begun and not finished ({}), and this chip does not say whether it is that one", folder.display())]
    CannotTell {
        /// The folder of the unfinished close.
        folder: PathBuf,
    },
    /// The policy file says something unknown, or cannot be read.
    #[error("policy {path}: {source}")]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The encrypted copy could not be made.
    #[error("escrow {path}: {source}")]
    Escrow {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn list(failed: &[Finding]) -> String {
    failed.iter().map(|f| format!("{} ({})", f.rule, f.found)).collect::<Vec<_>>().join("; ")
}

fn listed(all: &[Difference]) -> String {
    all.iter().map(|d| format!("{} {} instead of {}", d.what, d.found, d.planned)).collect::<Vec<_>>().join("; ")
}

impl CloseError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "close-refused",
            Self::Override { .. } => "close-override",
            Self::Gate { .. } => "close-gate",
            Self::WrongChip { .. } => "close-wrong-chip",
            Self::PlanDiffers { .. } => "plan-differs",
            Self::PlanFile { .. } => "plan-file",
            Self::NotConfirmed { .. } => "close-not-confirmed",
            Self::StoppedBeforeTheDoor { .. } => "close-stopped",
            Self::Unfinished { .. } => "close-unfinished",
            Self::NothingToResume { .. } => "close-nothing-to-resume",
            Self::Elsewhere { .. } => "close-elsewhere",
            Self::NotTaken { .. } => "close-not-taken",
            Self::OptionsNotRestored { .. } => "close-options-not-restored",
            Self::NoPassword => "close-no-credential",
            Self::KeptDamaged { .. } => "close-kept-damaged",
            Self::CannotTell { .. } => "job-cannot-tell",
            Self::Policy { .. } => "policy-file",
            Self::Escrow { .. } => "escrow",
        }
    }

    /// What it means to a script.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Override { .. } => Exit::Usage,
            Self::Refused { .. }
            | Self::WrongChip { .. }
            | Self::PlanDiffers { .. }
            | Self::PlanFile { .. }
            | Self::NotConfirmed { .. }
            | Self::NothingToResume { .. }
            | Self::Policy { .. } => Exit::Refused,
            Self::Gate { .. }
            | Self::StoppedBeforeTheDoor { .. }
            | Self::Unfinished { .. }
            | Self::Elsewhere { .. }
            | Self::NotTaken { .. }
            | Self::NoPassword
            | Self::CannotTell { .. }
            | Self::KeptDamaged { .. } => Exit::PersonMustAct,
            Self::OptionsNotRestored { .. } => Exit::Interrupted,
            Self::Escrow { .. } => Exit::Failed,
        }
    }

    /// The rules of the life cycle behind it.
    pub const fn rules(&self) -> &'static [RuleId] {
        match self {
            Self::Gate { .. } => &[RuleId::DaNeedsValidData, RuleId::ClosingWithoutDaLoses],
            Self::StoppedBeforeTheDoor { .. } => &[RuleId::BareProvisioningIsRescuable],
            Self::NotTaken { .. } => &[RuleId::ForwardFromProvisioning],
            Self::OptionsNotRestored { .. } => &[RuleId::FullRegressionEffect],
            _ => &[],
        }
    }
}
