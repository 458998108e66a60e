//! Why option bytes are not read or not changed.

use std::{io, path::PathBuf};

use provost_chip::{option_values::ValueError, rules::RuleId, states::ProductState};

use crate::{
    fault::{Exit, Failure, Fault, Remedy, Row, faults},
    store,
};

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

faults! {
    /// Why an operation on option bytes stopped.
    pub enum OptionError (own fault) {
        /// AP1 is shut.
        #[error("AP1 is shut: option bytes are neither visible nor writable from here")]
        NotVisible = "option-not-visible", Refused, [Ap1ClosedStates, OptionsFrozenWhenClosed] {
            causes: ["the chip is closed, or its ROM or secure code runs", "the chip is being reset"],
            next: ["`provost status` says what is open; option bytes are shown and changed in Open and Provisioning"],
        }
        /// Not NAME=VALUE.
        #[error("{text:?} is no assignment: write NAME=VALUE")]
        Assignment {
            /// What was written.
            text: String,
        } = "option-assignment", Usage {
            causes: ["the name or the value is missing"],
            next: ["write NAME=VALUE, as in `provost option set SECWM1_END=0x1F`; nothing was written"],
        }
        /// The part has no such field.
        #[error("{part} has no option byte {name:?}{}", like.map(|l| format!("; did you mean {l}?")).unwrap_or_default())]
        UnknownField {
            /// The name.
            name: String,
            /// The part.
            part: String,
            /// A name that looks like it.
            like: Option<&'static str>,
        } = "option-unknown-field", Usage {
            causes: ["a misspelt name", "a field that this part does not have"],
            next: ["`provost explain --list` names those of all parts, `provost option list` those of this chip; nothing was written"],
        }
        /// No value of the field.
        #[error("{0}")]
        Value(#[from] ValueError) = "option-value", Usage {
            causes: ["a number that the field cannot hold", "a misspelt name of a value"],
            next: ["use one of the values that the message names; nothing was written"],
        }
        /// Assigned twice.
        #[error("{name} is assigned twice")]
        Twice {
            /// The field.
            name: &'static str,
        } = "option-twice", Usage {
            causes: ["the same field stands twice on the command line"],
            next: ["give it once; nothing was written"],
        }
        /// The chip may be one of several parts, and it matters.
        #[error("the chip may be {parts}, and for {name} that matters: say which with --part")]
        PartUnclear {
            /// The field.
            name: &'static str,
            /// The parts.
            parts: String,
        } = "option-part-unclear", Usage, [DevIdNotCrypto] {
            causes: ["DEV_ID does not tell parts with secure AES from those without"],
            next: ["read the marking on the package and give it with --part; nothing was written"],
        }
        /// Fields that may not be changed now.
        #[error("{}", refused_text("cannot be changed now", fields))]
        Frozen {
            /// The fields.
            fields: Vec<Refused>,
        } = "option-frozen", Refused {
            causes: [
                "the product state, TrustZone or a lock does not allow this field to be changed",
                "the value is one that the field only ever leaves",
            ],
            next: ["`provost option list` says of every field whether it may be changed now; nothing was written"],
        }
        /// A state that is reached through `close`.
        #[error("PRODUCT_STATE = {:#04X} ({}) is not set as an option byte", .to.code(), .to.title())]
        UseClose {
            /// The state now.
            from: ProductState,
            /// The state wanted.
            to: ProductState,
        } = "option-use-close", Refused, [ClosingWithoutDaLoses, BackOnlyByDa] {
            causes: [
                "closing is more than an option byte: without a provisioned credential that you hold it loses the chip",
            ],
            next: [
                "stay in Open: `provost close --to STATE --dry-run` says what is still missing, and without --dry-run goes there, through Provisioning, with the way back proven first; nothing was written",
            ],
        }
        /// What the chip would take and nobody should write.
        #[error("{field} is not written: {says}")]
        Unwise {
            /// The field.
            field: &'static str,
            /// Why not.
            says: &'static str,
            /// The rule behind it.
            rule: Option<RuleId>,
        } = "option-unwise", Refused {
            causes: ["the chip would take the value and be of no use afterwards"],
            next: ["leave the field as it is; if the part is another one, say so with --part; nothing was written"],
        }
        /// A change that cannot be taken back was not confirmed.
        #[error("this changes what cannot simply be changed back, and was not confirmed: expected the phrase {phrase:?}")]
        NotConfirmed {
            /// The phrase.
            phrase: String,
        } = "option-not-confirmed", Refused {
            causes: [
                "the change cannot simply be changed back, and the phrase is missing or that of another change or chip",
            ],
            next: [
                "read the warnings that `--dry-run` prints, then give the phrase with --confirm; nothing was written",
            ],
        }
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
        } = "option-write-ignored", Refused {
            causes: [
                "the option registers did not unlock: a wrong key was written earlier, which lasts until the next reset",
                "the register is the secure world's, and this access is not secure",
            ],
            next: ["reset the chip and run the same command again; no option byte was changed"],
        }
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
        } = "option-change-refused", Refused, [OptionChangeWhole] {
            causes: [
                "a field may not be changed in this state, under a lock that is on, or to this value",
                "an open question about the chip is answered by this refusal",
            ],
            next: [
                "leave out the fields that the message names: the chip takes or refuses a change as a whole",
                "please report it with the output of `provost option list`, if no rule forbids the change",
            ],
        }
        /// After the reset something else is in force.
        #[error("after the reset {}", mismatch_text(fields))]
        NotVerified {
            /// The fields.
            fields: Vec<Mismatch>,
        } = "option-not-verified", Failed {
            causes: [
                "the chip ignored the field without saying so",
                "the change was interrupted by a watchdog or a supply dip",
            ],
            next: [
                "`provost option list` shows what is in force now; run the command again if nothing forbids the change",
            ],
        }
        /// Nothing resets the chip.
        #[error(
            "the option bytes are programmed, and neither NRST nor a software reset was seen by the core: they wait for a reset"
        )]
        NeedsReset = "option-needs-reset", PersonMustAct {
            causes: ["the probe's reset line does not reach the chip, and its firmware forbids a software reset"],
            next: ["remove power and give it back, then look with `provost option list`"],
        }
        /// The link broke after the change had been started.
        #[error("interrupted while {doing}: {source}")]
        Interrupted {
            /// What was being done.
            doing: &'static str,
            /// Why.
            source: Failure,
        } = "option-interrupted", Interrupted {
            causes: ["the link broke half-way: power, cable or probe"],
            next: [
                "mend it and run the same command again: until then `provost option list` shows all the old or all the new values",
            ],
        }
        /// A file cannot be read or written.
        #[error("option file {path}: {source}")]
        File {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "option-file", Failed {
            causes: ["the file or folder is not for this user", "the disk is full, or faulty"],
            next: ["mend it, or name another file, and run the same command again"],
        }
        /// A file is none.
        #[error("option file {path}, line {line}: {says}")]
        Format {
            /// The file.
            path: PathBuf,
            /// The line, from 1.
            line: usize,
            /// What is wrong.
            says: String,
        } = "option-file-format", Refused {
            causes: ["the file was edited by hand or cut short", "it is neither ours nor what `-ob displ` prints"],
            next: ["mend the line that the message names; nothing was written"],
        }
        /// A file of another part.
        #[error("option file {path} is for {given}, the chip is {found}")]
        OtherPart {
            /// The file.
            path: PathBuf,
            /// The part in the file.
            given: String,
            /// The part of the chip.
            found: String,
        } = "option-file-part", Refused {
            causes: ["the file was exported from another part"],
            next: ["export from a chip like this one; fields and widths differ between parts; nothing was written"],
        }
    }
}

impl OptionError {
    /// The row that speaks for it.
    fn told(&self) -> &'static Row {
        match self {
            Self::File { source, .. } => store::row_of(source, self.row()),
            _ => self.row(),
        }
    }
}

impl Fault for OptionError {
    fn code(&self) -> &'static str {
        self.told().code
    }

    fn exit(&self) -> Exit {
        self.told().exit
    }

    fn rules(&self) -> Vec<RuleId> {
        let measured: Vec<RuleId> = match self {
            Self::Frozen { fields } | Self::ChangeRefused { fields, .. } => fields.iter().map(|f| f.rule).collect(),
            Self::Unwise { rule, .. } => rule.iter().copied().collect(),
            _ => Vec::new(),
        };
        let mut rules = [self.row().rules, &measured].concat();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::UseClose { from, to } => road_to(*from, *to),
            _ => self.told().into(),
        }
    }
}

/// How one gets from here to a state that is no option byte.
fn road_to(from: ProductState, to: ProductState) -> Remedy {
    let go = format!("`provost close --to {} --dry-run`", to.as_str());
    let (cause, next) = match (from, to) {
        (_, ProductState::Locked) => (
            "Locked has no way back at all, with no credential",
            vec!["leave the chip as it is: provost leads nobody there. `provost explain locked` says why; nothing was written".into()],
        ),
        (ProductState::Open, _) => (
            "closing is more than an option byte: without a provisioned credential that you hold it loses the chip",
            vec![format!("stay in Open: {go} says what is still missing; without --dry-run it goes there, through Provisioning, with the way back proven first; nothing was written").into()],
        ),
        (ProductState::Provisioning, _) => (
            "closing is more than an option byte: without a provisioned credential that you hold it loses the chip",
            vec![
                format!("with the credential whose object is in the chip, or is to be: {go} says what is still missing; nothing was written").into(),
                "to begin anew from Open, erased: `provost rescue`".into(),
            ],
        ),
        _ => (
            "from this state a debugger's write leads no further",
            vec!["`provost auth discover`, which resets the chip, says what leads back; nothing was written".into()],
        ),
    };
    Remedy { causes: vec![cause.into()], next }
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
