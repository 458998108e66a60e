//! In Provisioning: having the object stored, and proving with a discovery that the chip can use it.

use provost_obk::da::DESTINATION;

use super::{CloseError, gate, run::Run};
use crate::{
    drive::{
        debug_auth::Conversation,
        otp, reset,
        service::{EncryptWord, ServiceError, Stored, words_end_at_zero},
        target::Delivery,
    },
    fault::{Result, fail},
    job::{Attempt, AttemptOutcome, How, Phase, Record, Step, deliver, refusal},
    objects::ObjectError,
};

impl Run<'_> {
    /// Provisions and proves; in a rehearsal, uses the credential as well. Tries, in an order that can do no harm, what public
    /// sources leave open; what a rehearsal or an earlier run has found is not asked again.
    pub(super) fn provision_and_prove(&mut self, phase: Phase) -> Result<How> {
        if self.bound().is_otp() {
            return self.provision_otp();
        }
        let known = self.known.and_then(How::attempt).map(|attempt| attempt.encrypt_word).or(self.bound().encrypt_word);
        let mut last = None;
        for word in self.driver.progress().words_to_try(self.bound().trustzone, known) {
            let Some(how) = self.provision(word, phase)? else { continue };
            let attempt = Attempt { trustzone: self.bound().trustzone, encrypt_word: word };
            let conversation = self.discover(phase)?;
            if let Some((rule, found)) = gate::shut(&conversation, self.bound().method) {
                self.driver.note(&format!("{rule}: {found}"));
                self.driver.record(Record::Outcome { attempt, outcome: AttemptOutcome::Invalid })?;
                self.leave()?;
                last = Some((rule, found));
                continue;
            }
            self.driver.record(Record::Proven { phase, how })?;
            if phase == Phase::Rehearsal && !self.use_credential(attempt, &conversation)? {
                self.leave()?;
                last = Some(("P-REHEARSED", "the chip shows valid data and refuses the credential".to_owned()));
                continue;
            }
            return Ok(how);
        }
        let (rule, found) = last.unwrap_or(("P-DA-VALID", "the provisioning service refused the object".to_owned()));
        fail(CloseError::Gate { rule, found })
    }

    /// Has the object stored and says how; `None` if the service refused it in this form.
    fn provision(&mut self, encrypt_word: EncryptWord, phase: Phase) -> Result<Option<How>> {
        let (tz, method) = (self.bound().trustzone, self.bound().method);
        let attempt = Attempt { trustzone: tz, encrypt_word };
        self.driver.begin(Step::Provision { phase, method: Some(method) })?;
        let mut checksum = self.known.and_then(How::checksum);
        let object = Delivery { destination: DESTINATION, payload: &self.payload, word: encrypt_word };
        let outcome =
            match deliver(self.session, &mut self.driver, (&self.plan.bound.parts, tz), object, &mut checksum)? {
                Stored::Yes { checksum, .. } => return Ok(Some(How::Service { attempt, checksum })),
                Stored::Refused { status }
                    if encrypt_word == EncryptWord::ZERO && words_end_at_zero(&self.bound().parts) =>
                {
                    self.driver.record(Record::Outcome { attempt, outcome: AttemptOutcome::ServiceRefused })?;
                    return fail(ServiceError::EncryptWordUnknown { status });
                }
                Stored::Refused { .. } => AttemptOutcome::ServiceRefused,
                Stored::Faulted => AttemptOutcome::ServiceFaulted,
            };
        self.driver.record(Record::Outcome { attempt, outcome })?;
        if outcome == AttemptOutcome::ServiceFaulted {
            // After a fault the core is locked up: a reset frees it.
            self.leave()?;
            return fail(ServiceError::Unreachable { tz });
        }
        Ok(None)
    }

    /// Provisions once more what discovery has accepted before: whatever chip this is, it now holds the credential.
    pub(super) fn provision_again(&mut self, how: How) -> Result<()> {
        let Some(attempt) = how.attempt() else { return self.write_otp() };
        self.known = Some(how);
        match self.provision(attempt.encrypt_word, Phase::Work)? {
            Some(how) => self.driver.record(Record::Proven { phase: Phase::Work, how }),
            None => {
                let found = "the provisioning service refuses what it took before".to_owned();
                fail(CloseError::Gate { rule: "P-DA-VALID", found })
            }
        }
    }

    /// Has the objects of a root of trust stored, with the word that the credential's own has shown to be understood. All of them, each
    /// time: nobody can look which are in the chip.
    pub(super) fn provision_objects(&mut self) -> Result<()> {
        let Some(How::Service { attempt, checksum }) = self.driver.progress().proven else { return Ok(()) };
        let (tz, parts) = (self.bound().trustzone, &self.plan.bound.parts);
        let encrypts = parts.iter().any(|part| part.info().crypto);
        let mut checksum = Some(checksum);
        for given in &self.objects {
            let Ok(obk) = &given.obk else { continue };
            let destination = obk.destination();
            self.driver.begin(Step::ProvisionObject { destination })?;
            let word = attempt.encrypt_word;
            let word = if obk.encrypt() == encrypts { word } else { word.opposite() };
            let object = Delivery { destination, payload: obk.payload(), word };
            match deliver(self.session, &mut self.driver, (parts, tz), object, &mut checksum)? {
                Stored::Yes { ap1_open: true, .. } => {}
                Stored::Yes { ap1_open: false, .. } => reset::leave_rom(self.session)?,
                Stored::Refused { status } => return fail(ObjectError::Refused { file: given.name(), status }),
                Stored::Faulted => {
                    reset::leave_rom(self.session)?;
                    return fail(ServiceError::Unreachable { tz });
                }
            }
        }
        Ok(())
    }

    pub(super) fn discover(&mut self, phase: Phase) -> Result<Conversation> {
        self.driver.begin(Step::Discover { phase, method: Some(self.bound().method) })?;
        self.look()
    }

    /// A discovery whose answer must be this chip's.
    pub(super) fn look(&mut self) -> Result<Conversation> {
        let conversation = crate::drive::debug_auth::discover(self.session)?;
        self.driver.note(&conversation.summary());
        self.driver.record(Record::Seen { uid: conversation.unique_id() })?;
        gate::same_chip(&conversation, self.bound().uid)?;
        Ok(conversation)
    }

    /// The STM32H503 has its password's hash in OTP: written once, locked, proven by a discovery.
    fn provision_otp(&mut self) -> Result<How> {
        self.write_otp()?;
        let conversation = self.discover(Phase::Work)?;
        if let Some((rule, found)) = gate::shut(&conversation, self.bound().method) {
            return fail(CloseError::Gate { rule, found });
        }
        self.driver.record(Record::Proven { phase: Phase::Work, how: How::Otp })?;
        Ok(How::Otp)
    }

    /// Writes and locks what does not stand there yet.
    fn write_otp(&mut self) -> Result<()> {
        let Some(password) = self.set.password() else { return fail(CloseError::NoCredential) };
        let steps = otp::plan(self.session, password)?;
        self.driver.begin(Step::WriteOtp)?;
        otp::write(self.session, &steps, self.driver.narrator())
    }

    /// Authenticates the full regression of the rehearsal; `false` if the chip refused.
    fn use_credential(&mut self, attempt: Attempt, conversation: &Conversation) -> Result<bool> {
        self.driver.begin(Step::Regress { phase: Phase::Rehearsal })?;
        let Some(proof) = self.set.credential(self.plan.bound.method) else {
            return fail(CloseError::NoCredential);
        };
        let granted =
            crate::drive::debug_auth::authenticate(self.session, &conversation.mailbox, proof.credential(), &|asked| {
                proof.sign(asked)
            });
        let outcome = match granted {
            Ok(()) => AttemptOutcome::Granted,
            Err(error) => {
                let Some(refused) = refusal(&error) else { return Err(error) };
                self.driver.note(&refused);
                AttemptOutcome::AuthenticationRefused
            }
        };
        self.driver.record(Record::Outcome { attempt, outcome })?;
        if outcome != AttemptOutcome::Granted {
            // Nothing was done to it, and it is still the one that was asked.
            self.driver.record(Record::Seen { uid: conversation.unique_id() })?;
        }
        Ok(outcome == AttemptOutcome::Granted)
    }
}
