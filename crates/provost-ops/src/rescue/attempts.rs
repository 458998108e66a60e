//! Provisioning a credential and using it, by every way that the open questions leave, in an order that can do no harm.

use provost_chip::{
    rss_status::RssStatus,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_obk::da::DESTINATION;

use super::{
    RescueError,
    run::{Finish, Run, Verdict},
};
use crate::{
    drive::{
        debug_auth::Conversation,
        identify::parts_text,
        service::{EncryptWord, ServiceError, Stored, words_end_at_zero},
        target::Delivery,
    },
    fault::{Result, fail},
    job::{Attempt, AttemptOutcome, How, Phase, Record, Step, deliver, refusal},
};

const WORK: Phase = Phase::Work;

impl Run<'_> {
    /// Tries every encryption word with the method that fits this TrustZone setting.
    pub(super) fn with_trustzone(&mut self, tz: TrustZone, may_reset: bool) -> Result<Verdict> {
        let method = DaMethod::for_trustzone(tz);
        let Some(object) = self.set().map(|set| set.object(method)).transpose()?.flatten() else {
            return Ok(Verdict::Refused(0));
        };
        let payload = object.payload().to_bytes();
        let words = self.driver.progress().words_to_try(tz, self.wish.encrypt_word);
        let mut tried = 0;
        for encrypt_word in words {
            let attempt = Attempt { trustzone: tz, encrypt_word };
            self.driver.begin(Step::Provision { phase: WORK, method: Some(method) })?;
            let object = Delivery { destination: DESTINATION, payload: &payload, word: encrypt_word };
            let chip = (self.parts.as_slice(), tz);
            match deliver(self.target, &mut self.driver, chip, object, &mut self.checksum)? {
                Stored::Faulted => {
                    self.outcome(attempt, AttemptOutcome::ServiceFaulted)?;
                    if may_reset {
                        // After a fault the core is locked up: a reset frees it.
                        self.target.reset()?;
                    }
                    return Ok(Verdict::Faulted);
                }
                Stored::Refused { status } => {
                    self.outcome(attempt, AttemptOutcome::ServiceRefused)?;
                    self.may_go_on(encrypt_word, status)?;
                }
                Stored::Yes { checksum, .. } => {
                    if let Some(ended) = self.use_it(attempt, How::Service { attempt, checksum }, method)? {
                        return Ok(Verdict::Open(Box::new(ended)));
                    }
                }
            }
            tried += 1;
        }
        Ok(Verdict::Refused(tried))
    }

    /// Whether the next word may follow one that was refused: it must not put a plain object into a part with secure AES, which
    /// cannot use it and may hold one that it can.
    fn may_go_on(&self, refused: EncryptWord, status: u32) -> Result<()> {
        if refused != EncryptWord::ZERO || self.wish.encrypt_word.is_some() {
            return Ok(());
        }
        if words_end_at_zero(&self.parts) {
            return fail(ServiceError::EncryptWordUnknown { status });
        }
        let unclear = self.parts.iter().any(|part| part.info().crypto) && status == RssStatus::EncryptionWord.word();
        // An object of a credential made just now cannot be in the chip yet. Where a closing state waits, there is no second try.
        if unclear && (self.wish.credential.is_some() || self.plan.is_pending()) {
            return fail(ServiceError::PartNeeded { parts: parts_text(&self.parts) });
        }
        Ok(())
    }

    fn outcome(&mut self, attempt: Attempt, outcome: AttemptOutcome) -> Result<()> {
        self.driver.record(Record::Outcome { attempt, outcome })
    }

    /// Discovers, and authenticates if the chip took the object; `None` if this attempt leads nowhere.
    fn use_it(&mut self, attempt: Attempt, how: How, method: DaMethod) -> Result<Option<Finish>> {
        let conversation = self.ask(Some(method))?;
        let usable = conversation.is_valid() && conversation.lists_full_regression();
        if !usable || conversation.method().is_some_and(|m| m != method) {
            self.driver.note("the chip cannot use what was stored");
            self.outcome(attempt, AttemptOutcome::Invalid)?;
            if let Some(state) = conversation.product_state().filter(|s| *s > ProductState::Provisioning) {
                // The closing write that had been waiting took effect with this discovery.
                return fail(RescueError::ClosedWithoutData { state, integrity: conversation.integrity() });
            }
            self.leave()?;
            return Ok(None);
        }
        match self.regress(&conversation, method) {
            Ok(()) => {
                self.outcome(attempt, AttemptOutcome::Granted)?;
                self.finish(&conversation, Some(how)).map(Some)
            }
            Err(error) => {
                let Some(refused) = refusal(&error) else { return Err(error) };
                self.driver.note(&refused);
                self.outcome(attempt, AttemptOutcome::AuthenticationRefused)?;
                // Nothing was done to it, and it is still the one that was asked.
                self.driver.record(Record::Seen { uid: conversation.unique_id() })?;
                self.leave()?;
                Ok(None)
            }
        }
    }

    pub(super) fn regress(&mut self, conversation: &Conversation, method: DaMethod) -> Result<()> {
        self.driver.begin(Step::Regress { phase: WORK })?;
        let set = self.wish.credential.as_ref().or(self.made.as_ref());
        let Some(proof) = set.and_then(|s| s.credential(method)) else {
            let state = conversation.product_state().unwrap_or(ProductState::Provisioning);
            return fail(RescueError::CredentialNeeded { state, method });
        };
        self.target.authenticate(conversation, proof.credential(), &|asked| proof.sign(asked))?;
        self.driver.note("granted");
        Ok(())
    }

    /// The last resort: the other TrustZone setting, and with it the other method.
    pub(super) fn flip_trustzone(&mut self, tz: TrustZone) -> Result<bool> {
        let to = tz.flipped();
        self.driver.begin(Step::Fallback { to })?;
        let options = self.target.write_trustzone(to)?;
        let changed = options.is_some_and(|o| o.trustzone() == to && o.state() == Some(ProductState::Provisioning));
        self.driver.note(if changed { "it took effect" } else { "the chip ignored it" });
        Ok(changed)
    }
}
