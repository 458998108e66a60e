//! Provisioning a credential and using it, by every way that the open questions leave, in an order that can do no harm.

use provost_adac::discovery::Integrity;
use provost_chip::{
    assumptions::RssChecksum,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_obk::da::DESTINATION;

use super::run::{Ended, Run};
use crate::{
    error::{OpError, Result},
    fault::fail,
    journal::{Attempt, AttemptOutcome, Record},
    options::write_trustzone,
    provisioning::{Answer, CHECKSUMS, EncryptWord, Service},
};

/// What came of all attempts under one TrustZone setting.
pub(super) enum Verdict {
    Open(Box<Ended>),
    /// The service cannot be called with this setting.
    Faulted,
    /// Each attempt was refused, this many.
    Refused(usize),
}

impl Run<'_> {
    /// Tries every encryption word with the method that fits this TrustZone setting.
    pub(super) fn with_trustzone(&mut self, tz: TrustZone, may_reset: bool) -> Result<Verdict> {
        let method = DaMethod::for_trustzone(tz);
        let object = match self.set() {
            Some(set) => set.object(method)?,
            None => None,
        };
        let Some(object) = object else { return Ok(Verdict::Refused(0)) };
        let payload = object.payload().to_bytes();
        let service = Service::find(self.session, &self.parts)?;
        let mut tried = 0;
        for word in EncryptWord::ALL {
            let attempt = Attempt { trustzone: tz == TrustZone::Enabled, encrypt_word: word.value() };
            if self.was_refused_before(attempt) {
                tried += 1;
                continue;
            }
            match self.provision(&service, &payload, word, attempt, method)? {
                Some(AttemptOutcome::ServiceFaulted) => {
                    self.recover(may_reset)?;
                    return Ok(Verdict::Faulted);
                }
                Some(_) => tried += 1,
                None => {
                    if let Some(ended) = self.use_it(attempt, method)? {
                        return Ok(Verdict::Open(Box::new(ended)));
                    }
                    tried += 1;
                }
            }
        }
        Ok(Verdict::Refused(tried))
    }

    /// An attempt that an earlier run saw refused is not repeated, unless all of them were: then the world has changed.
    fn was_refused_before(&self, attempt: Attempt) -> bool {
        let Some(journal) = &self.journal else { return false };
        let refused = |a: Attempt| {
            use AttemptOutcome::{AuthenticationRefused, Invalid, ServiceRefused};
            matches!(journal.outcome_of(a), Some(ServiceRefused | Invalid | AuthenticationRefused))
        };
        let every = EncryptWord::ALL.map(|w| Attempt { encrypt_word: w.value(), ..attempt });
        refused(attempt) && !every.iter().all(|a| refused(*a))
    }

    /// Has the object stored; `None` if it was, otherwise what came of the attempt.
    fn provision(
        &mut self,
        service: &Service,
        payload: &[u8],
        word: EncryptWord,
        attempt: Attempt,
        method: DaMethod,
    ) -> Result<Option<AttemptOutcome>> {
        self.narrator.step(
            &format!("provision the {method} object (encryption word {})", word.as_str()),
            &[RuleId::ProvisionOverwrites, RuleId::DaMethodFollowsTzen, RuleId::RssEncryptWord],
        );
        let candidates: Vec<RssChecksum> = match self.checksum {
            Some(known) => vec![known],
            None => CHECKSUMS.to_vec(),
        };
        let mut last = 0;
        for &checksum in &candidates {
            self.record(Record::Provisioning { attempt, checksum: checksum.as_str().to_owned() })?;
            match service.provision(self.session, (DESTINATION, payload), checksum, word)? {
                Answer::WrongChecksum { status } => {
                    self.narrator.note(&format!("checksum {} refused ({status:#010x})", checksum.as_str()));
                    last = status;
                    continue;
                }
                Answer::Stored | Answer::Reset => {
                    self.checksum = Some(checksum);
                    self.narrator.note("the service stored it");
                    return Ok(None);
                }
                Answer::Refused { status } => {
                    self.checksum = Some(checksum);
                    self.narrator.note(&format!("the service refused it ({status:#010x}), nothing was written"));
                    return self.outcome(attempt, AttemptOutcome::ServiceRefused).map(Some);
                }
                Answer::Faulted => {
                    self.narrator.note("the service cannot be called here, nothing was written");
                    return self.outcome(attempt, AttemptOutcome::ServiceFaulted).map(Some);
                }
            }
        }
        fail(OpError::ChecksumUnknown { tried: candidates.len(), status: last })
    }

    fn outcome(&mut self, attempt: Attempt, outcome: AttemptOutcome) -> Result<AttemptOutcome> {
        self.record(Record::Outcome { attempt, outcome })?;
        Ok(outcome)
    }

    /// Discovers, and authenticates if the chip took the object; `None` if this attempt leads nowhere.
    fn use_it(&mut self, attempt: Attempt, method: DaMethod) -> Result<Option<Ended>> {
        let conversation = self.ask()?;
        let usable = conversation.is_valid() && conversation.lists_full_regression();
        if !usable || conversation.method().is_some_and(|m| m != method) {
            self.narrator.note("the chip cannot use what was stored");
            self.outcome(attempt, AttemptOutcome::Invalid)?;
            if let Some(state) = conversation.product_state().filter(|s| *s > ProductState::Provisioning) {
                // The closing write that had been waiting took effect with this discovery.
                let integrity = conversation.discovery.integrity.map_or(0, Integrity::value);
                return fail(OpError::ClosedWithoutData { state, integrity });
            }
            self.leave()?;
            return Ok(None);
        }
        self.record(Record::Authenticating { attempt })?;
        match self.regress(&conversation, method) {
            Ok(()) => {
                self.outcome(attempt, AttemptOutcome::Granted)?;
                let after = self.wait_until_open()?;
                Ok(Some(Ended { after, discovered: Some(conversation.report()), attempt: Some(attempt) }))
            }
            Err(error) => {
                let Some(OpError::AuthenticationRefused { status, step }) = error.of() else { return Err(error) };
                self.narrator.note(&format!("refused ({status} to {step})"));
                self.outcome(attempt, AttemptOutcome::AuthenticationRefused)?;
                self.leave()?;
                Ok(None)
            }
        }
    }

    /// After a fault the core is locked up: a reset frees it.
    fn recover(&mut self, may_reset: bool) -> Result<()> {
        if may_reset {
            self.session.pulse_nrst()?;
            self.session.wait_for_ap1()?;
        }
        Ok(())
    }

    /// The last resort: the other TrustZone setting, and with it the other method.
    pub(super) fn flip_trustzone(&mut self, tz: TrustZone) -> Result<bool> {
        let to = tz.flipped();
        self.narrator.step(
            &format!("try the other TrustZone setting (TZEN = {:#04X})", to.code()),
            &[RuleId::TzenInProvisioning, RuleId::DaMethodFollowsTzen],
        );
        self.record(Record::ChangingTrustzone { to: to == TrustZone::Enabled })?;
        let options = write_trustzone(self.session, to)?;
        let changed = options.is_some_and(|o| o.trustzone() == to && o.state() == Some(ProductState::Provisioning));
        self.narrator.note(if changed { "it took effect" } else { "the chip ignored it" });
        Ok(changed)
    }
}
