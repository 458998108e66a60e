//! In Provisioning: having the object stored, and proving with a discovery that the chip can use it.

use provost_adac::discovery::Integrity;
use provost_chip::{
    assumptions::RssChecksum,
    option_bytes::OptionField,
    registers::{flash, memory},
    rules::RuleId,
    states::{DaMethod, ProductState},
};
use provost_obk::da::DESTINATION;

use super::{
    CloseError,
    record::{Record, outcome_of},
    run::{Run, prefix},
};
use crate::{
    debug_auth::{Conversation, discover_aloud},
    error::{OpError, Result},
    fault::fail,
    identify::identify,
    journal::{Attempt, AttemptOutcome},
    option_bytes::{Alias, OptionBytes, launch},
    provisioning::{Answer, CHECKSUMS, EncryptWord, Service},
};

/// How an object was provisioned: attempt and checksum.
type How = (Attempt, String);

impl Run<'_> {
    /// Provisions and proves; in a rehearsal, uses the credential as well. Tries, in an order that can do no harm, what public
    /// sources leave open; what a rehearsal or an earlier run has found is not asked again.
    pub(super) fn provision_and(&mut self, rehearsal: bool) -> Result<(How, Conversation)> {
        if self.is_otp() {
            return self.provision_otp();
        }
        let service = Service::find(self.session, &self.parts)?;
        let mut last = None;
        for word in self.words_to_try() {
            let attempt = Attempt { trustzone: self.bound().trustzone, encrypt_word: word.value() };
            let Some(checksum) = self.provision(&service, word, attempt, rehearsal)? else { continue };
            let conversation = self.discover()?;
            if let Some((rule, found)) = shut_gate(&conversation, self.method()) {
                self.narrator.note(&format!("{rule}: {found}"));
                self.record(Record::Outcome { attempt, outcome: AttemptOutcome::Invalid })?;
                self.leave()?;
                last = Some((rule, found));
                continue;
            }
            self.record(Record::Proven { attempt, checksum: checksum.clone(), rehearsal })?;
            if rehearsal && !self.use_credential(attempt, &conversation)? {
                self.leave()?;
                last = Some(("P-REHEARSED", "the chip shows valid data and refuses the credential".to_owned()));
                continue;
            }
            return Ok(((attempt, checksum), conversation));
        }
        let (rule, found) = last.unwrap_or(("P-DA-VALID", "the provisioning service refused the object".to_owned()));
        Err(CloseError::Gate { rule, found }.into())
    }

    fn words_to_try(&self) -> Vec<EncryptWord> {
        let known = self.known.as_ref().map(|(attempt, _)| attempt.encrypt_word);
        let refused = |word: &EncryptWord| {
            use AttemptOutcome::{AuthenticationRefused, Invalid, ServiceRefused};
            let attempt = Attempt { trustzone: self.bound().trustzone, encrypt_word: word.value() };
            let outcome = outcome_of(self.journal.records(), attempt);
            matches!(outcome, Some(ServiceRefused | Invalid | AuthenticationRefused))
        };
        let all = EncryptWord::ALL.into_iter().filter(|w| known.is_none_or(|k| k == w.value()));
        let left: Vec<EncryptWord> = all.clone().filter(|w| !refused(w)).collect();
        // If every way was refused before, the world has changed or somebody wants to see it again.
        if left.is_empty() { all.collect() } else { left }
    }

    /// Has the object stored and says with which checksum; `None` if the service refused it in this form.
    fn provision(
        &mut self,
        service: &Service,
        word: EncryptWord,
        attempt: Attempt,
        rehearsal: bool,
    ) -> Result<Option<String>> {
        let method = self.method();
        self.narrator.step(
            &format!("{}provision the {method} object (encryption word {})", prefix(rehearsal), word.as_str()),
            &[RuleId::ProvisionOverwrites, RuleId::DaMethodFollowsTzen, RuleId::RssEncryptWord],
        );
        let known = self.known.as_ref().map(|(_, checksum)| checksum.clone());
        let candidates = CHECKSUMS.into_iter().filter(|c| known.as_ref().is_none_or(|k| k == c.as_str()));
        let mut refused = (0, 0);
        for checksum in candidates {
            self.record(Record::Provisioning { attempt, checksum: checksum.as_str().to_owned() })?;
            let outcome = match self.call(service, checksum, word)? {
                Answer::Stored | Answer::Reset => {
                    self.narrator.note("the service stored it");
                    return Ok(Some(checksum.as_str().to_owned()));
                }
                Answer::WrongChecksum { status } => {
                    self.narrator.note(&format!("checksum {} refused ({status:#010x})", checksum.as_str()));
                    refused = (refused.0 + 1, status);
                    continue;
                }
                Answer::Refused { status } => {
                    self.narrator.note(&format!("the service refused it ({status:#010x}), nothing was written"));
                    AttemptOutcome::ServiceRefused
                }
                Answer::Faulted => AttemptOutcome::ServiceFaulted,
            };
            self.record(Record::Outcome { attempt, outcome })?;
            if outcome == AttemptOutcome::ServiceFaulted {
                // After a fault the core is locked up: a reset frees it.
                self.leave()?;
                return fail(OpError::ServiceUnreachable { tz: self.bound().tz().as_str() });
            }
            return Ok(None);
        }
        fail(OpError::ChecksumUnknown { tried: refused.0, status: refused.1 })
    }

    fn call(&mut self, service: &Service, checksum: RssChecksum, word: EncryptWord) -> Result<Answer> {
        let answer = service.provision(self.session, (DESTINATION, &self.payload), checksum, word)?;
        if answer == Answer::Reset {
            self.session.wait_for_ap1()?;
        }
        Ok(answer)
    }

    /// Provisions once more what discovery has accepted before: whatever chip this is, it now holds the credential.
    pub(super) fn provision_again(&mut self, (attempt, checksum): How) -> Result<()> {
        if self.is_otp() {
            return self.write_otp();
        }
        self.known = Some((attempt, checksum.clone()));
        let service = Service::find(self.session, &self.parts)?;
        for word in EncryptWord::ALL.into_iter().filter(|w| w.value() == attempt.encrypt_word) {
            if self.provision(&service, word, attempt, false)?.is_some() {
                return self.record(Record::Proven { attempt, checksum, rehearsal: false });
            }
        }
        let found = "the provisioning service refuses what it took before".to_owned();
        Err(CloseError::Gate { rule: "P-DA-VALID", found }.into())
    }

    pub(super) fn discover(&mut self) -> Result<Conversation> {
        let conversation = discover_aloud(self.session, self.narrator)?;
        self.same_chip(&conversation)?;
        Ok(conversation)
    }

    /// Rule P-SAME-CHIP. Chips that ask for a password were seen to show zeros.
    fn same_chip(&self, conversation: &Conversation) -> Result<()> {
        let Some(id) = conversation.discovery.soc_id.filter(|id| *id != [0; 16]) else { return Ok(()) };
        let mut words = [0; 3];
        for (word, bytes) in words.iter_mut().zip(id.chunks_exact(4)) {
            *word = bytes.iter().rev().fold(0, |w: u32, b| w << 8 | u32::from(*b));
        }
        let found = provost_chip::unique_id::UniqueId::new(words).map_or_else(String::new, |id| id.to_string());
        // In which order the words stand was read off one log: any order will do.
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split('_').map(str::to_owned).collect();
            words.sort();
            words
        };
        let expected = self.bound().uid.clone();
        if sorted(&found) == sorted(&expected) {
            return Ok(());
        }
        let found = format!("{expected} was meant, discovery shows {found}");
        Err(CloseError::Gate { rule: "P-SAME-CHIP", found }.into())
    }

    /// Leaves RSS-DA by an NRST pulse (rule `R-RSS-DA-STAYS`).
    pub(super) fn leave(&mut self) -> Result<()> {
        self.session.pulse_nrst()?;
        if self.session.wait_for_ap1()? { Ok(()) } else { fail(OpError::StaysInRssDa) }
    }

    /// The STM32H503 has its password's hash in OTP: written once, locked, proven by a discovery.
    fn provision_otp(&mut self) -> Result<(How, Conversation)> {
        self.write_otp()?;
        let attempt = Attempt { trustzone: false, encrypt_word: 0 };
        let conversation = self.discover()?;
        if let Some((rule, found)) = shut_gate(&conversation, self.method()) {
            return Err(CloseError::Gate { rule, found }.into());
        }
        self.record(Record::Proven { attempt, checksum: String::new(), rehearsal: false })?;
        Ok(((attempt, String::new()), conversation))
    }

    /// Writes and locks what does not stand there yet, half-word by half-word as OTP is programmed (CMSIS); ST's
    /// password_provisioning.sh does it in the same order.
    fn write_otp(&mut self) -> Result<()> {
        self.narrator.step("write the password's hash into OTP and lock it", &[RuleId::H503Otp]);
        let hash: Vec<u8> = self.payload[32..64].to_vec();
        self.record(Record::WritingOtp)?;
        let alias = Alias::NonSecure;
        for (index, pair) in hash.chunks_exact(2).enumerate() {
            let (at, wanted) = (memory::OTP + 2 * index as u32, u16::from_le_bytes([pair[0], pair[1]]));
            match self.session.ap1().read16(at) {
                Ok(found) if found == wanted => continue,
                Ok(found) => return Err(CloseError::OtpTaken { index, found }.into()),
                // What was never programmed faults (ST community td-p/889964).
                Err(provost_link::LinkError::Fault { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let mut ap1 = self.session.ap1();
            if ap1.read32(alias.register(flash::NSCR))? & flash::CR_LOCK != 0 {
                for key in flash::KEYS {
                    ap1.write32(alias.register(flash::NSKEYR), key)?;
                }
            }
            ap1.write32(alias.register(flash::NSCR), flash::CR_PG)?;
            ap1.write16(at, wanted)?;
            launch::wait_until_idle(self.session, alias)?;
            self.session.ap1().write32(alias.register(flash::NSCR), flash::CR_LOCK)?;
        }
        let identity = identify(self.session)?;
        let bytes = OptionBytes::read(self.session, &identity, self.parts.first().copied())?;
        let Some(field) = OptionField::find(bytes.part(), "LOCKBL") else { return Ok(()) };
        let word = bytes.word(field).current;
        if field.get(word) & 1 == 1 {
            return Ok(());
        }
        launch::program(self.session, alias, &[(field.offset_prg, field.set(word, field.get(word) | 1))])?;
        launch::start(self.session, alias)?;
        launch::lock(self.session, alias)?;
        self.leave()
    }
}

/// The gate that is shut, if one is.
fn shut_gate(conversation: &Conversation, held: DaMethod) -> Option<(&'static str, String)> {
    let state = conversation.product_state();
    if let Some(state) = state.filter(|s| *s != ProductState::Provisioning) {
        return Some(("P-IN-PROVISIONING", format!("discovery says {state}")));
    }
    if !conversation.is_valid() {
        let integrity = conversation.discovery.integrity.map_or(0, Integrity::value);
        return Some(("P-DA-VALID", format!("integrity {integrity:#010x}")));
    }
    if !conversation.lists_full_regression() {
        return Some(("P-DA-PERMISSION", "Full Regression is not listed".to_owned()));
    }
    match conversation.method() {
        Some(method) if method != held => {
            Some(("P-DA-METHOD", format!("the chip asks for a {method}, a {held} is held")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use provost_adac::{
        crypto::CryptoSystem,
        discovery::Discovery,
        lifecycle::{Lifecycle, LifecycleForm},
        permission::PermissionMask,
    };

    use super::*;

    fn told(change: impl FnOnce(&mut Discovery)) -> Option<&'static str> {
        let mut discovery = Discovery {
            psa_lifecycle: Some(Lifecycle::Provisioning.encode(LifecycleForm::NibbleSwapped)),
            permissions_mask: Some(PermissionMask::STM32H5),
            cryptosystems: Some(vec![CryptoSystem::EcdsaP256Sha256]),
            integrity: Some(Integrity::Valid),
            ..Discovery::default()
        };
        change(&mut discovery);
        shut_gate(&Conversation::told(discovery), DaMethod::Certificate).map(|(rule, _)| rule)
    }

    #[test]
    fn each_gate_shuts_alone() {
        assert_eq!(told(|_| ()), None);
        let closed = Lifecycle::Closed.encode(LifecycleForm::NibbleSwapped);
        assert_eq!(told(|d| d.psa_lifecycle = Some(closed)), Some("P-IN-PROVISIONING"));
        assert_eq!(told(|d| d.integrity = Some(Integrity::Invalid)), Some("P-DA-VALID"));
        assert_eq!(told(|d| d.integrity = None), Some("P-DA-VALID"));
        assert_eq!(told(|d| d.permissions_mask = Some(PermissionMask(0x1077))), Some("P-DA-PERMISSION"));
        assert_eq!(told(|d| d.cryptosystems = Some(vec![CryptoSystem::StPassword])), Some("P-DA-METHOD"));
    }
}
