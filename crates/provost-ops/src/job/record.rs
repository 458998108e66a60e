//! The records of a journal: what is about to be done, what came of it, and how far an earlier run has come.

use provost_chip::{
    assumptions::RssChecksum,
    states::{ProductState, TrustZone},
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Phase, Step};
use crate::{credential::Binding, drive::service::EncryptWord, store};

/// One way to have an object stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The TrustZone setting.
    pub trustzone: TrustZone,
    /// The encryption word of the request.
    pub encrypt_word: EncryptWord,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// The service refused the request; nothing was written.
    ServiceRefused,
    /// The service could not be called.
    ServiceFaulted,
    /// Stored, and discovery shows invalid data.
    Invalid,
    /// Stored, and the authentication was refused.
    AuthenticationRefused,
    /// Stored, and the regression was granted.
    Granted,
}

impl AttemptOutcome {
    /// Whether the same attempt would only end the same way, and cost something: a refusal of the service writes nothing, and why it
    /// refuses decides what may follow.
    pub const fn leads_nowhere(self) -> bool {
        matches!(self, Self::Invalid | Self::AuthenticationRefused)
    }
}

/// How what opens the chip got into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum How {
    /// Through the provisioning service.
    Service {
        /// Which attempt.
        attempt: Attempt,
        /// The checksum that the service took.
        checksum: RssChecksum,
    },
    /// Written into OTP.
    Otp,
}

impl How {
    /// The attempt, if it went through the service.
    pub const fn attempt(self) -> Option<Attempt> {
        match self {
            Self::Service { attempt, .. } => Some(attempt),
            Self::Otp => None,
        }
    }

    /// The checksum, if it went through the service.
    pub const fn checksum(self) -> Option<RssChecksum> {
        match self {
            Self::Service { checksum, .. } => Some(checksum),
            Self::Otp => None,
        }
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Record {
    /// The job begins; what it needs lies beside the journal.
    Begun {
        /// Hash of its plan.
        #[schemars(regex(pattern = crate::schema::SHA256))]
        plan: String,
    },
    /// The credential is on the disk, and was read back from there.
    CredentialSaved {
        /// What ties it to this job; none where nothing of it may be shown.
        credential: Option<Binding>,
    },
    /// Discovery has said which chip this is.
    Seen {
        /// Its unique id; none where it shows zeros and a person said that it is the one.
        uid: Option<UniqueId>,
    },
    /// About to do a step that writes.
    Doing(
        /// The step.
        Step,
    ),
    /// About to call the provisioning service.
    Calling {
        /// How.
        attempt: Attempt,
        /// The checksum.
        checksum: RssChecksum,
    },
    /// What came of an attempt.
    Outcome {
        /// Which.
        attempt: Attempt,
        /// What.
        outcome: AttemptOutcome,
    },
    /// Discovery accepted what is in the chip.
    Proven {
        /// For what.
        phase: Phase,
        /// How it got there.
        how: How,
    },
    /// The rehearsal is over: the credential has been used on this chip.
    Rehearsed {
        /// How the object got into the chip.
        how: How,
    },
    /// The phrase was given.
    Confirmed,
    /// The chip was found as it was before, and nothing of the job is left in it.
    Abandoned,
    /// The chip is where it was to be.
    Done,
}

impl store::Record for Record {
    fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Abandoned)
    }
}

/// How far a job has come, by its journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Something was announced that the chip keeps.
    pub has_written: bool,
    /// Which chip it was, by the last discovery.
    pub seen: Option<UniqueId>,
    /// The chip was asked who it is, or a person has said so, since anything was announced.
    pub seen_since_written: bool,
    /// And it gave its unique id.
    pub told_since_written: bool,
    /// Its credential is on the disk.
    pub credential_saved: bool,
    /// Provisioning was announced for the rehearsal.
    pub rehearsing: bool,
    /// The regression was granted to this attempt.
    pub granted: Option<Attempt>,
    /// The rehearsal is over; what worked.
    pub rehearsed: Option<How>,
    /// Provisioning was announced for the work itself.
    pub entered: bool,
    /// What discovery accepted, in the work itself.
    pub proven: Option<How>,
    /// The final state was announced.
    pub final_written: bool,
    /// The checksum that was announced last with each attempt, newest last.
    called: Vec<(Attempt, RssChecksum)>,
    /// What came of each attempt, newest last.
    outcomes: Vec<(Attempt, AttemptOutcome)>,
}

impl Progress {
    /// Reads it out of the records.
    pub fn of(records: &[Record]) -> Self {
        let mut p = Self::default();
        for record in records {
            match record {
                Record::CredentialSaved { .. } => p.credential_saved = true,
                Record::Seen { uid } => {
                    p.seen = uid.or(p.seen);
                    (p.seen_since_written, p.told_since_written) = (true, uid.is_some());
                }
                Record::Doing(step) => p.doing(*step),
                Record::Calling { attempt, checksum } => p.called.push((*attempt, *checksum)),
                Record::Outcome { attempt, outcome } => {
                    p.outcomes.push((*attempt, *outcome));
                    if *outcome == AttemptOutcome::Granted {
                        p.granted = Some(*attempt);
                    }
                }
                Record::Proven { phase: Phase::Work, how } => p.proven = Some(*how),
                Record::Rehearsed { how } => p.rehearsed = Some(*how),
                Record::Begun { .. } | Record::Proven { .. } | Record::Confirmed | Record::Abandoned | Record::Done => {
                }
            }
        }
        p
    }

    fn doing(&mut self, step: Step) {
        self.has_written = true;
        (self.seen_since_written, self.told_since_written) = (false, false);
        match step {
            Step::EnterProvisioning { phase: Phase::Rehearsal, .. } => self.rehearsing = true,
            Step::EnterProvisioning { phase: Phase::Work, .. } => {
                // Back in Open and begun again: what was proven then proves nothing now.
                (self.entered, self.proven, self.final_written) = (true, None, false);
            }
            Step::WriteFinal { .. } => self.final_written = true,
            _ => {}
        }
    }

    /// What an earlier run saw of this attempt.
    pub fn outcome_of(&self, attempt: Attempt) -> Option<AttemptOutcome> {
        self.outcomes.iter().rev().find(|(a, _)| *a == attempt).map(|(_, outcome)| *outcome)
    }

    /// The checksum of the last object that was announced with this attempt.
    pub fn checksum_of(&self, attempt: Attempt) -> Option<RssChecksum> {
        self.called.iter().rev().find(|(a, _)| *a == attempt).map(|(_, checksum)| *checksum)
    }

    /// The encryption words to try, in the order that can do no harm: what an earlier run saw refused is not repeated, unless
    /// every word was: then the world has changed, or somebody wants to see it again. A word that is known, from a person or from an
    /// earlier success, is the only one.
    pub fn words_to_try(&self, trustzone: TrustZone, known: Option<EncryptWord>) -> Vec<EncryptWord> {
        if let Some(word) = known {
            return vec![word];
        }
        let refused = |word: &EncryptWord| {
            self.outcome_of(Attempt { trustzone, encrypt_word: *word }).is_some_and(AttemptOutcome::leads_nowhere)
        };
        let left: Vec<EncryptWord> = EncryptWord::PUBLIC.into_iter().filter(|word| !refused(word)).collect();
        if left.is_empty() { EncryptWord::PUBLIC.to_vec() } else { left }
    }

    /// Whether the final state that was announced is this one, by the last announcement.
    pub fn announced_final(records: &[Record]) -> Option<ProductState> {
        records.iter().rev().find_map(|record| match record {
            Record::Doing(Step::WriteFinal { to }) => Some(*to),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Attempt = Attempt { trustzone: TrustZone::Enabled, encrypt_word: EncryptWord::ZERO };
    const CACA: Attempt = Attempt { trustzone: TrustZone::Enabled, encrypt_word: EncryptWord::CACA };
    const HOW: How = How::Service { attempt: ZERO, checksum: RssChecksum::Crc32Words };

    fn enter(phase: Phase) -> Record {
        Record::Doing(Step::EnterProvisioning { phase, tz: TrustZone::Enabled })
    }

    #[test]
    fn progress_follows_the_records() {
        let mut records = vec![Record::Begun { plan: "p".into() }];
        assert!(!Progress::of(&records).has_written);
        records.push(enter(Phase::Rehearsal));
        records.push(Record::Outcome { attempt: ZERO, outcome: AttemptOutcome::Granted });
        records.push(Record::Rehearsed { how: HOW });
        let p = Progress::of(&records);
        assert!(p.rehearsing && p.granted.is_some() && p.rehearsed.is_some() && !p.entered);
        records.push(enter(Phase::Work));
        records.push(Record::Proven { phase: Phase::Work, how: HOW });
        assert!(Progress::of(&records).proven.is_some() && !Progress::of(&records).final_written);
        records.push(Record::Doing(Step::WriteFinal { to: ProductState::TzClosed }));
        assert!(Progress::of(&records).final_written);
        // Back in Open and begun again: what was proven then proves nothing now.
        records.push(enter(Phase::Work));
        assert!(Progress::of(&records).proven.is_none() && !Progress::of(&records).final_written);
    }

    #[test]
    fn who_the_chip_is_was_seen_only_as_long_as_nothing_was_announced_since() {
        let uid = UniqueId::new([1, 2, 3]);
        let mut records = vec![enter(Phase::Work), Record::Seen { uid }];
        let p = Progress::of(&records);
        assert!(p.seen_since_written && p.told_since_written && p.seen == uid);
        records.push(Record::Doing(Step::Provision { phase: Phase::Work, method: None }));
        let p = Progress::of(&records);
        assert!(!p.seen_since_written && !p.told_since_written && p.seen == uid);
        // It was asked, and shows zeros: what it said before says nothing now.
        records.push(Record::Seen { uid: None });
        let p = Progress::of(&records);
        assert!(p.seen_since_written && !p.told_since_written && p.seen == uid);
    }

    #[test]
    fn a_refused_word_is_tried_again_only_when_all_were_refused() {
        let refused = |attempt| Record::Outcome { attempt, outcome: AttemptOutcome::Invalid };
        let words = |records: &[Record]| Progress::of(records).words_to_try(TrustZone::Enabled, None);
        assert_eq!(words(&[]), EncryptWord::PUBLIC);
        assert_eq!(words(&[refused(ZERO)]), [EncryptWord::CACA]);
        assert_eq!(words(&[refused(ZERO), refused(CACA)]), EncryptWord::PUBLIC);
        let known = Progress::of(&[]).words_to_try(TrustZone::Enabled, Some(EncryptWord::CACA));
        assert_eq!(known, [EncryptWord::CACA]);
        assert_eq!(Progress::of(&[refused(ZERO)]).words_to_try(TrustZone::Disabled, None), EncryptWord::PUBLIC);
    }
}
