//! What can stop a close.

use std::{borrow::Cow, io, path::PathBuf};

use provost_chip::{rules::RuleId, states::ProductState};

use super::{finding::Refusal, words::Difference};
use crate::{
    fault::{self, Exit, Fault, Remedy, Row, faults},
    store,
};

faults! {
    /// Why a close stopped.
    pub enum CloseError (own fault) {
        /// Rules of the preflight failed.
        #[error("the preflight refuses: {}", list(.failed))]
        Refused {
            /// The rules, and what was measured.
            failed: Vec<Refusal>,
        } = "close-refused", Refused {
            causes: ["a rule of the preflight does not hold: what was measured stands behind its id"],
            next: [
                "mend what failed and run the same command again; `provost close --to STATE --dry-run` shows all rules; nothing was written",
            ],
        }
        /// An override that is none.
        #[error("--override {id}: {why}")]
        Override {
            /// The id given.
            id: String,
            /// Why not.
            why: &'static str,
        } = "close-override", Usage {
            causes: ["a misspelt id, or a rule without which the close cannot work"],
            next: ["leave it out: `provost explain P-RULE` says of a rule whether it can be passed over, `provost explain --list` names them; nothing was written"],
        }
        /// A gate between Provisioning and the final state is shut.
        #[error("{rule}: {found}; the final state was not written, the chip is in Provisioning")]
        Gate {
            /// The rule.
            rule: &'static str,
            /// What was measured.
            found: String,
        } = "close-gate", PersonMustAct, [DaNeedsValidData, ClosingWithoutDaLoses] {
            causes: [
                "the chip does not accept what was provisioned",
                "the credential does not fit the chip's TrustZone setting",
                "the chip on the wire was exchanged",
            ],
            next: [
                "the final state was not written: `provost rescue` brings the chip back to Open, erased",
                "or mend it and go on: `provost apply --resume`",
            ],
        }
        /// The chip is not the one that the plan or the journal is bound to.
        #[error("this is another chip: {expected} was meant, {found} was found")]
        WrongChip {
            /// The unique id meant.
            expected: String,
            /// What was found.
            found: String,
        } = "close-wrong-chip", Refused {
            causes: ["another board is on the wire than the one that the plan or the journal tells of"],
            next: ["connect the right board, or give this one a plan and an --out of its own; nothing was written"],
        }
        /// The chip or the files are no longer as planned.
        #[error("not as planned: {}", listed(.differences))]
        PlanDiffers {
            /// What differs.
            differences: Vec<Difference>,
        } = "plan-differs", Refused {
            causes: ["the chip, its firmware, its option bytes or the credential changed after the plan was made"],
            next: [
                "look at the differences; if they are wanted, make a new plan with `provost close --to STATE --credential DIR --save PLAN --force`; nothing was written",
            ],
        }
        /// A plan file is none, or was changed.
        #[error("plan {path}: {source}")]
        PlanFile {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "plan-file", Refused {
            causes: ["the file is no plan, or was changed after it was made"],
            next: ["make it anew: `provost close --to STATE --credential DIR --save PLAN --force`; nothing was written"],
        }
        /// The phrase is missing or wrong; nothing was written.
        #[error("this closes the chip, and was not confirmed: expected the phrase {phrase:?}")]
        NotConfirmed {
            /// The phrase.
            phrase: String,
        } = "close-not-confirmed", Refused {
            causes: ["a close is confirmed by a phrase that names the chip and where it goes"],
            next: ["type the phrase when asked, or give it with --confirm; nothing was written"],
        }
        /// The phrase was not given when it was asked for, right before the last step.
        #[error("stopped before the last step: the phrase {phrase:?} was not given; the final state was not written")]
        StoppedBeforeTheDoor {
            /// The phrase.
            phrase: String,
        } = "close-stopped", Interrupted, [BareProvisioningIsRescuable] {
            causes: ["the phrase was not given, or not letter by letter"],
            next: [
                "`provost apply --resume` asks again",
                "or `provost rescue` brings the chip back to Open, erased: the final state was not written",
            ],
        }
        /// An earlier close of this chip was not finished.
        #[error("an earlier close of this chip was not finished; it is written down in {folder}")]
        Unfinished {
            /// Its folder.
            folder: PathBuf,
        } = "close-unfinished", PersonMustAct {
            causes: ["an earlier close of this chip was interrupted, and it had another end or another plan"],
            next: [
                "`provost apply --resume` finishes it",
                "or `provost rescue` brings the chip back to Open, and a new close can begin",
            ],
        }
        /// A plan is bound to a unique id, and this chip has not told its own.
        #[error("a plan is bound to the chip's unique id, and the chip is in {found}, where only a discovery shows it")]
        NoPlanHere {
            /// The state.
            found: String,
        } = "close-no-plan", Refused {
            causes: ["a plan was to be saved for a chip in Provisioning"],
            next: ["close without a saved plan: `provost close --to STATE --credential DIR`; nothing was written"],
        }
        /// There is no unfinished close.
        #[error("no unfinished close of {chip} in {out}")]
        NothingToResume {
            /// What `--probe` said.
            chip: String,
            /// Where it was looked for.
            out: PathBuf,
        } = "close-nothing-to-resume", Refused {
            causes: ["no close of this chip was interrupted", "another --probe name or another --out than then"],
            next: [
                "use the same --probe and --out as then: `provost history` lists what was begun and not finished",
                "or begin: `provost close --to STATE --credential DIR`; nothing was written",
            ],
        }
        /// The chip stands where no close of ours has left it.
        #[error("the chip is {found}, which is not where this close left it")]
        Elsewhere {
            /// What was found.
            found: String,
        } = "close-elsewhere", PersonMustAct {
            causes: ["somebody wrote another product state meanwhile", "another board of the same name is on the wire"],
            next: ["`provost status` and `provost auth discover` show where it is; nothing was written"],
        }
        /// The final state was written and is not there.
        #[error("PRODUCT_STATE = {wanted} was written, and the chip says {found}")]
        NotTaken {
            /// The state written.
            wanted: ProductState,
            /// What discovery shows.
            found: String,
        } = "close-not-taken", PersonMustAct, [ForwardFromProvisioning] {
            causes: ["the chip ignored the write", "the supply sagged at the reset"],
            next: [
                "`provost status` shows where it is; in Provisioning `provost apply --resume` writes it again",
                "`provost rescue --credential DIR` brings the chip back to Open, erased",
            ],
        }
        /// Option words did not take the values that a rehearsal restores.
        #[error("option words were not restored: {}", listed(.differences))]
        OptionsNotRestored {
            /// What differs.
            differences: Vec<Difference>,
        } = "close-options-not-restored", Interrupted, [FullRegressionEffect] {
            causes: [
                "the regression left an option byte that this tool does not know how to set back",
                "noise on the wire",
            ],
            next: ["`provost apply --resume` tries again; the values stand in plan.json of the close's folder"],
        }
        /// The set holds no credential of the kind that the plan is bound to.
        #[error("the credential holds nothing of the kind that this chip asks for")]
        NoCredential = "close-no-credential", PersonMustAct {
            causes: ["files were taken out of the credential's folder after the plan was made"],
            next: ["bring them back, then `provost apply --resume`; the final state was not written"],
        }
        /// What was read of the flash before a rehearsal is no longer what was written down.
        #[error("{} is not what was read of the flash", path.display())]
        KeptDamaged {
            /// The file.
            path: PathBuf,
        } = "close-kept-damaged", PersonMustAct {
            causes: ["the file was edited, or the disk lost data"],
            next: [
                "bring the file back from a copy, then `provost apply --resume`",
                "or give the firmware up: `provost rescue` brings the chip back to Open, erased",
            ],
        }
        /// Which board this is cannot be told, and an unfinished close may be of another one.
        #[error("a close was begun and not finished ({}), and this chip does not say whether it is that one", folder.display())]
        CannotTell {
            /// The folder of the unfinished close.
            folder: PathBuf,
        } = "job-cannot-tell", PersonMustAct, [DaNeedsNrst] {
            causes: ["the chip shows no unique id in its state, and the probe may hold another board than then"],
            next: [
                "if it is the same board, say so: the same command with --this-is and the unique id that stands in its plan.json; nothing was written",
            ],
        }
        /// The policy file says something unknown, or cannot be read.
        #[error("policy {path}: {source}")]
        Policy {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "policy-file", Refused {
            causes: ["a word in the file is misspelt, or its value is of another kind"],
            next: ["mend the policy; nothing was written"],
        }
        /// The encrypted copy could not be made.
        #[error("escrow {path}: {source}")]
        Escrow {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "escrow", Usage {
            causes: ["no recipient, or one that is no age recipient (age1…)"],
            next: [
                "give --recipient or [escrow] recipients in provost.toml; nothing was written to the chip",
            ],
        }
    }
}

impl CloseError {
    /// The row that speaks for it. A preflight that fails for one reason means to a script what this reason means elsewhere.
    fn told(&self) -> &'static Row {
        let own = self.row();
        match self {
            Self::PlanFile { source, .. } | Self::Policy { source, .. } | Self::Escrow { source, .. } => {
                store::row_of(source, own)
            }
            Self::Refused { failed } => {
                let mut codes = failed.iter().map(|r| ELSEWHERE.iter().find(|(rule, _)| *rule == r.finding.rule));
                match codes.next() {
                    Some(Some((rule, code))) if codes.all(|c| c.is_some_and(|(other, _)| other == rule)) => {
                        fault::find(code).unwrap_or(own)
                    }
                    _ => own,
                }
            }
            _ => own,
        }
    }
}

impl Fault for CloseError {
    fn code(&self) -> &'static str {
        self.told().code
    }

    fn exit(&self) -> Exit {
        self.told().exit
    }

    fn rules(&self) -> Vec<RuleId> {
        self.told().rules.to_vec()
    }

    /// Of a preflight: what each rule that failed wants.
    fn remedy(&self) -> Remedy {
        let mut remedy = Remedy::from(self.told());
        if let Self::Refused { failed } = self {
            let general = std::mem::take(&mut remedy.next);
            let of = failed.iter().flat_map(|refusal| &refusal.next);
            remedy.next = of.map(|next| Cow::Owned(next.clone())).chain(general).collect();
        }
        remedy
    }
}

/// Rules of the preflight whose failure has a code of its own in other commands.
const ELSEWHERE: [(&str, &str); 2] = [("P-NRST", "nrst-not-wired"), ("P-PART", "part-needed")];

fn list(failed: &[Refusal]) -> String {
    failed.iter().map(|r| format!("{} ({})", r.finding.rule, r.finding.found)).collect::<Vec<_>>().join("; ")
}

fn listed(all: &[Difference]) -> String {
    all.iter().map(|d| format!("{} {} instead of {}", d.what, d.found, d.planned)).collect::<Vec<_>>().join("; ")
}
