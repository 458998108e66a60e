//! Objects that were provisioned, or meant to be.

use provost_chip::{
    assumptions::RssChecksum,
    model::{
        Action, DaRecord, Observation,
        authentication::PRODUCT_MASK,
        provisioning::{Call, EncryptionWord},
    },
    parts::DaStore,
    states::{ProductState, TrustZone},
};

use super::{Replay, UNTOLD};
use crate::{
    case::{Object, Outcome, ProvisionedBy},
    evidence::DA_OBJECT_SIZE,
    hypothesis::{Hypothesis, hash},
    noise,
    signs::Sign,
};

impl Replay<'_> {
    pub(super) fn provision(
        &mut self,
        mut h: Hypothesis,
        object: Object,
        encrypted: Option<bool>,
        size: Option<u64>,
        by: ProvisionedBy,
    ) {
        let outcome = self.step.outcome;
        if by == ProvisionedBy::Firmware {
            return self.firmware_provisions(h, object, encrypted);
        }
        let obk = h.world.chip.part.info().da_store == DaStore::Obk;
        if obk && h.world.chip.state == ProductState::Open && outcome == Some(Outcome::Ok) && h.link {
            // The write of Provisioning before it goes without saying.
            let mut brought = h;
            brought.world.step(Action::WriteProductState(ProductState::Provisioning));
            brought.claim_met |= self.evidence.case.chip.state == Some(ProductState::Provisioning);
            if brought.world.chip.state == ProductState::Provisioning {
                let mut then = Replay::new(self.evidence, self.step);
                then.provision(brought, object, encrypted, size, by);
                for (after, share) in then.successors {
                    self.emit(after, UNTOLD * share);
                }
                return self.emit(h, (1.0 - UNTOLD) * noise::NOT_STORED.of_deed(outcome));
            }
        }
        if !Self::attached(&mut h) && by == ProvisionedBy::Tool {
            return self.emit(h, noise::SHUT.of_deed(outcome));
        }
        let signs: Vec<Sign> = self.step.all_signs().collect();
        let refused_in_open = signs.iter().any(|s| matches!(s, Sign::ServiceAbsent | Sign::ObjectKindRefused));
        let fits_state = match (refused_in_open, h.world.chip.state) {
            (true, ProductState::Open) => 1.0,
            (true, _) => 0.04,
            (false, _) => 1.0,
        };
        let wrong_size = object.is_debug_authentication() && size.is_some_and(|s| s != DA_OBJECT_SIZE);
        if wrong_size || signs.contains(&Sign::ObjectSize) {
            return self.emit(h, fits_state * noise::NOT_STORED.of_deed(outcome));
        }
        let otp = h.world.chip.part.info().da_store == DaStore::Otp;
        let id = match object {
            Object::DaPassword if self.evidence.has(Sign::SampleCredential) => hash::SAMPLE_PASSWORD,
            Object::DaCertificate if self.evidence.has(Sign::SampleCredential) => hash::SAMPLE_CERTIFICATE,
            Object::DaPassword => hash::OWN_PASSWORD,
            Object::DaCertificate => hash::OWN_CERTIFICATE,
            _ => {
                let stores = h.world.chip.state <= ProductState::Provisioning;
                h.world.chip.st_irot_data |= stores && object == Object::Stirot && outcome == Some(Outcome::Ok);
                let row = if stores { noise::STORED } else { noise::NOT_STORED };
                return self.emit(h, row.of_deed(outcome));
            }
        };
        if otp {
            // Rule `R-H503-OTP`: written once, in Open or Provisioning.
            let blank = h.world.chip.da.is_none() && h.world.chip.state <= ProductState::Provisioning;
            let same = h.world.chip.da.is_some_and(|da| da.id == id);
            if blank {
                self.emit(h, 0.1 * noise::NOT_STORED.of_deed(outcome));
                h.world.chip.da = Some(DaRecord { id, encrypted: false, mask: PRODUCT_MASK });
            }
            if !blank && !same && h.world.chip.state <= ProductState::Provisioning {
                // Words that are programmed twice hold neither value.
                h.world.chip.da = Some(DaRecord { id: hash::BROKEN, encrypted: false, mask: PRODUCT_MASK });
            }
            let row = if blank || same { noise::STORED } else { noise::NOT_STORED };
            return self.emit(h, 0.9 * row.of_deed(outcome));
        }
        let crypto = h.world.chip.part.info().crypto;
        let flag = encrypted.unwrap_or(crypto == h.flag_fits);
        // ST's tool knows the checksum and the word; what it asks for is what counts here.
        let word = EncryptionWord::asking_for(flag, &h.world.assumptions);
        let call = Call { checksum: RssChecksum::ALL[0], word };
        // A service that stood still for a reason of its own, or a tool that never began.
        let flaky = if self.evidence.has(Sign::UsbInTheWay) { 0.5 } else { 0.05 };
        self.emit(h, flaky * noise::NOT_STORED.of_deed(outcome));
        let seen = h.world.step(Action::Provision { call, id, mask: PRODUCT_MASK });
        let row = if seen == Observation::Provisioned { noise::STORED } else { noise::NOT_STORED };
        self.emit(h, (1.0 - flaky) * fits_state * row.of_deed(outcome));
    }

    /// The chip's own code stores an object: nobody has checked how.
    ///
    /// On parts with secure AES it can hardly encrypt: the key is not there in Open, the service not there with TrustZone off.
    pub(super) fn firmware_provisions(&mut self, mut h: Hypothesis, object: Object, encrypted: Option<bool>) {
        let outcome = self.step.outcome;
        let (well, broken) = if self.evidence.has(Sign::HeaderWritten) { (0.05, 0.85) } else { (0.45, 0.35) };
        self.emit(h, (1.0 - well - broken) * noise::NOT_STORED.of(outcome).max(noise::UNCHECKED.of(outcome)));
        if !object.is_debug_authentication() {
            return;
        }
        let own = if object == Object::DaPassword { hash::OWN_PASSWORD } else { hash::OWN_CERTIFICATE };
        let encrypts = encrypted != Some(false) && h.world.chip.tz == TrustZone::Enabled;
        let encrypted = h.world.chip.part.info().crypto && encrypts;
        for (id, share) in [(own, well), (hash::BROKEN, broken)] {
            h.world.chip.da = Some(DaRecord { id, encrypted, mask: PRODUCT_MASK });
            self.emit(h, share * noise::UNCHECKED.of(outcome));
        }
    }
}
