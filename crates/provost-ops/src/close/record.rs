//! The journal of a close: what is about to be done, and how far an earlier run has come.

use provost_chip::states::ProductState;
use serde::{Deserialize, Serialize};

use crate::journal::{Attempt, AttemptOutcome};

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Record {
    /// A close begins; the plan lies beside the journal, and the credential has been read back.
    CloseBegun {
        /// What `--probe` said.
        chip: String,
        /// DEV_ID.
        dev_id: u16,
        /// Unique id.
        uid: String,
        /// The plan's hash.
        plan: String,
        /// Hash of the credential's root key.
        root_key_hash: Option<String>,
    },
    /// About to write PRODUCT_STATE.
    WritingState {
        /// The state.
        to: String,
        /// For the rehearsal.
        rehearsal: bool,
    },
    /// About to provision.
    Provisioning {
        /// How.
        attempt: Attempt,
        /// The checksum's name.
        checksum: String,
    },
    /// What came of an attempt.
    Outcome {
        /// Which.
        attempt: Attempt,
        /// What.
        outcome: AttemptOutcome,
    },
    /// About to write the password's hash into OTP.
    WritingOtp,
    /// Discovery accepted what was provisioned.
    Proven {
        /// How it was provisioned.
        attempt: Attempt,
        /// The checksum's name; empty where none was needed.
        checksum: String,
        /// For the rehearsal.
        rehearsal: bool,
    },
    /// About to authenticate the full regression of the rehearsal.
    Authenticating {
        /// By which attempt.
        attempt: Attempt,
    },
    /// About to write option words and firmware again.
    Restoring,
    /// The rehearsal is over: the credential has been used on this chip.
    Rehearsed {
        /// How it was provisioned.
        attempt: Attempt,
        /// The checksum's name.
        checksum: String,
    },
    /// The phrase was given.
    Confirmed,
    /// The chip was found Open and untouched, and another close was begun.
    Abandoned,
    /// The chip is where it was to be.
    Done,
}

/// How far a close has come, by its journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// It has begun.
    pub begun: bool,
    /// A PRODUCT_STATE was announced for the rehearsal.
    pub rehearsing: bool,
    /// The regression of the rehearsal was granted to this attempt.
    pub granted: Option<Attempt>,
    /// The rehearsal is over; what worked.
    pub rehearsed: Option<(Attempt, String)>,
    /// A PRODUCT_STATE was announced for the close itself.
    pub entered: bool,
    /// What discovery accepted, in the close itself.
    pub proven: Option<(Attempt, String)>,
    /// The final state was announced.
    pub final_written: bool,
    /// It is over.
    pub done: bool,
}

impl Progress {
    /// Reads it out of the records.
    pub fn of(records: &[Record]) -> Self {
        let mut p = Self::default();
        for record in records {
            match record {
                Record::CloseBegun { .. } => p.begun = true,
                Record::WritingState { rehearsal: true, .. } => p.rehearsing = true,
                Record::WritingState { to, rehearsal: false } => {
                    p.entered = true;
                    p.final_written = *to != ProductState::Provisioning.as_str();
                    if !p.final_written {
                        p.proven = None;
                    }
                }
                Record::Outcome { attempt, outcome: AttemptOutcome::Granted } => p.granted = Some(*attempt),
                Record::Rehearsed { attempt, checksum } => p.rehearsed = Some((*attempt, checksum.clone())),
                Record::Proven { attempt, checksum, rehearsal: false } => {
                    p.proven = Some((*attempt, checksum.clone()));
                }
                Record::Done | Record::Abandoned => p.done = true,
                _ => {}
            }
        }
        p
    }

    /// Whether the chip may be anywhere but in Open, untouched.
    pub const fn has_written(&self) -> bool {
        self.rehearsing || self.entered
    }
}

/// What an earlier run saw of this attempt.
pub(super) fn outcome_of(records: &[Record], attempt: Attempt) -> Option<AttemptOutcome> {
    records.iter().rev().find_map(|r| match r {
        Record::Outcome { attempt: a, outcome } if *a == attempt => Some(*outcome),
        _ => None,
    })
}

/// The checksum of the last object that was announced with this attempt.
pub(super) fn checksum_of(records: &[Record], attempt: Attempt) -> Option<String> {
    records.iter().rev().find_map(|r| match r {
        Record::Provisioning { attempt: a, checksum } if *a == attempt => Some(checksum.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: Attempt = Attempt { trustzone: true, encrypt_word: 0 };

    #[test]
    fn progress_follows_the_records() {
        let state = |to: ProductState, rehearsal| Record::WritingState { to: to.as_str().to_owned(), rehearsal };
        let checksum = || "crc32-words".to_owned();
        let mut records = vec![Record::CloseBegun {
            chip: "twin:x".into(),
            dev_id: 0x478,
            uid: "U".into(),
            plan: "p".into(),
            root_key_hash: None,
        }];
        assert!(!Progress::of(&records).has_written());
        records.push(state(ProductState::Provisioning, true));
        records.push(Record::Outcome { attempt: ATTEMPT, outcome: AttemptOutcome::Granted });
        records.push(Record::Rehearsed { attempt: ATTEMPT, checksum: checksum() });
        let p = Progress::of(&records);
        assert!(p.rehearsing && p.granted.is_some() && p.rehearsed.is_some() && !p.entered);
        records.push(state(ProductState::Provisioning, false));
        records.push(Record::Proven { attempt: ATTEMPT, checksum: checksum(), rehearsal: false });
        assert!(Progress::of(&records).proven.is_some() && !Progress::of(&records).final_written);
        records.push(state(ProductState::TzClosed, false));
        assert!(Progress::of(&records).final_written);
        // Back in Open and begun again: what was proven then proves nothing now.
        records.push(state(ProductState::Provisioning, false));
        assert!(Progress::of(&records).proven.is_none() && !Progress::of(&records).final_written);
    }
}
