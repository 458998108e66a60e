//! Why option bytes are not read or not changed.

use std::{io, path::PathBuf};

use provost_chip::{option_values::ValueError, rules::RuleId, states::ProductState};

use crate::error::{Exit, Failure};

/// A field that the chip would not change, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The field.
    pub field: &'static str,
    /// What it was to become.
    pub wanted: String,
    /// The rule that forbids it.
    pub rule: RuleId,
}

/// A field that reads back as something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The field.
    pub field: &'static str,
    /// What was written.
    pub wanted: String,
    /// What stands there.
    pub found: String,
}

/// Why an operation on option bytes stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// AP1 is shut.
    #[error("AP1 is shut: option bytes are neither visible nor writable from here")]
    NotVisible,
    /// Not NAME=VALUE.
    #[error("{text:?} is no assignment: write NAME=VALUE")]
    Assignment {
        /// What was written.
        text: String,
    },
    /// The part has no such field.
    #[error("{part} has no option byte {name:?}{}", like.map(|l| format!("; did you mean {l}?")).unwrap_or_default())]
    UnknownField {
        /// The name.
        name: String,
        /// The part.
        part: String,
        /// A name that looks like it.
        like: Option<&'static str>,
    },
    /// No value of the field.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Assigned twice.
    #[error("{name} is assigned twice")]
    Twice {
        /// The field.
        name: &'static str,
    },
    /// The chip may be one of several parts, and it matters.
    #[error("the chip may be {parts}, and for {name} that matters: say which with --part")]
    PartUnclear {
        /// The field.
        name: &'static str,
        /// The parts.
        parts: String,
    },
    /// Fields that may not be changed now.
    #[error("{}", refused_text("cannot be changed now", fields))]
    Frozen {
        /// The fields.
        fields: Vec<Refused>,
    },
    /// A state that is reached through `close`.
    #[error(
        "PRODUCT_STATE = {to} is not set as an option byte: from {from} `provost close` leads there, with its checks"
    )]
    UseClose {
        /// The state now.
        from: ProductState,
        /// The state wanted.
        to: String,
    },
    /// What the chip would take and nobody should write.
    #[error("{field} is not written: {says}")]
    Unwise {
        /// The field.
        field: &'static str,
        /// Why not.
        says: &'static str,
        /// The rule behind it.
        rule: Option<RuleId>,
    },
    /// A change that cannot be taken back was not confirmed.
    #[error("this changes what cannot simply be changed back, and was not confirmed: expected the phrase {phrase:?}")]
    NotConfirmed {
        /// The phrase.
        phrase: String,
    },
    /// The chip's own words do not fit the table.
    #[error(
        "the program register of {register} did not take the word: {wanted:#010x} written, {found:#010x} read; nothing was started"
    )]
    WriteIgnored {
        /// The register.
        register: &'static str,
        /// What was written.
        wanted: u32,
        /// What was read.
        found: u32,
    },
    /// OPTCHANGEERR.
    #[error(
        "the chip refused the option change (OPTCHANGEERR, NSSR {status:#010x}): nothing was changed{}",
        refused_reasons(fields)
    )]
    ChangeRefused {
        /// NSSR.
        status: u32,
        /// What the model holds responsible.
        fields: Vec<Refused>,
    },
    /// After the reset something else is in force.
    #[error("after the reset {}", mismatch_text(fields))]
    NotVerified {
        /// The fields.
        fields: Vec<Mismatch>,
    },
    /// Nothing resets the chip.
    #[error(
        "the option bytes are programmed, and neither NRST nor a software reset was seen by the core: they wait for a reset"
    )]
    NeedsReset,
    /// The link broke after the change had been started.
    #[error("interrupted while {doing}: {source}")]
    Interrupted {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: Failure,
    },
    /// A file cannot be read or written.
    #[error("option file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is none.
    #[error("option file {path}, line {line}: {says}")]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        says: String,
    },
    /// A file of another part.
    #[error("option file {path} is for {given}, the chip is {found}")]
    OtherPart {
        /// The file.
        path: PathBuf,
        /// The part in the file.
        given: String,
        /// The part of the chip.
        found: String,
    },
}

fn refused_text(what: &str, fields: &[Refused]) -> String {
    let each: Vec<String> = fields.iter().map(|f| format!("{} = {} {what} ({})", f.field, f.wanted, f.rule)).collect();
    each.join("; ")
}

fn refused_reasons(fields: &[Refused]) -> String {
    match fields {
        [] => "; no rule that provost knows forbids it".to_owned(),
        fields => format!("; likely because of {}", refused_text("is not allowed here", fields)),
    }
}

fn mismatch_text(fields: &[Mismatch]) -> String {
    let each: Vec<String> =
        fields.iter().map(|f| format!("{} reads {} instead of {}", f.field, f.found, f.wanted)).collect();
    each.join("; ")
}

impl OptionError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotVisible => "option-not-visible",
            Self::Assignment { .. } => "option-assignment",
            Self::UnknownField { .. } => "option-unknown-field",
            Self::Value(_) => "option-value",
            Self::Twice { .. } => "option-twice",
            Self::PartUnclear { .. } => "option-part-unclear",
            Self::Frozen { .. } => "option-frozen",
            Self::UseClose { .. } => "option-use-close",
            Self::Unwise { .. } => "option-unwise",
            Self::NotConfirmed { .. } => "option-not-confirmed",
            Self::WriteIgnored { .. } => "option-write-ignored",
            Self::ChangeRefused { .. } => "option-change-refused",
            Self::NotVerified { .. } => "option-not-verified",
            Self::NeedsReset => "option-needs-reset",
            Self::Interrupted { .. } => "option-interrupted",
            Self::File { .. } => "option-file",
            Self::Format { .. } => "option-file-format",
            Self::OtherPart { .. } => "option-file-part",
        }
    }

    /// What it means to a script.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Assignment { .. } | Self::UnknownField { .. } | Self::Value(_) | Self::Twice { .. } => Exit::Usage,
            Self::NotVerified { .. } | Self::File { .. } => Exit::Failed,
            Self::NeedsReset => Exit::PersonMustAct,
            Self::Interrupted { .. } => Exit::Interrupted,
            _ => Exit::Refused,
        }
    }

    /// The rules behind it.
    pub fn rules(&self) -> Vec<RuleId> {
        let mut rules: Vec<RuleId> = match self {
            Self::NotVisible => vec![RuleId::Ap1ClosedStates, RuleId::OptionsFrozenWhenClosed],
            Self::Frozen { fields } => fields.iter().map(|f| f.rule).collect(),
            Self::UseClose { .. } => vec![RuleId::ClosingWithoutDaLoses, RuleId::BackOnlyByDa],
            Self::Unwise { rule, .. } => rule.iter().copied().collect(),
            Self::ChangeRefused { fields, .. } => {
                std::iter::once(RuleId::OptionChangeWhole).chain(fields.iter().map(|f| f.rule)).collect()
            }
            Self::PartUnclear { .. } => vec![RuleId::DevIdNotCrypto],
            _ => Vec::new(),
        };
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}
