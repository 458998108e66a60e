//! An STM32H503 in Provisioning with blank OTP: the one way back is a password that it then has for its whole life.

use provost_chip::states::{DaMethod, ProductState};
use provost_obk::checks::Target;

use super::run::{Ended, Run};
use crate::{
    error::{OpError, Result},
    fault::fail,
    identify::Identity,
    journal::Record,
    objects::otp,
};

impl Run<'_> {
    /// Writes the password into OTP, as the user has asked for in as many words, and regresses with it.
    pub(super) fn rescue_by_otp(&mut self, identity: &Identity, plan: &str) -> Result<Ended> {
        if let Some(state) = identity.options.and_then(|o| o.pending_state()) {
            // The lock bit takes a reset, and so does what waits.
            return fail(OpError::PendingState { state });
        }
        self.prove_nrst()?;
        self.begin(identity, plan)?;
        let needed = OpError::CredentialNeeded { state: ProductState::Provisioning, method: DaMethod::Password };
        let password = self.set().and_then(|s| s.password().cloned()).ok_or(needed)?;
        let part = *self.parts.first().ok_or(OpError::OtpOnceForLife)?;
        let steps = otp::plan(self.session, &password, &Target::new(part), &[])?;
        self.record(Record::WritingOtp)?;
        otp::write(self.session, &steps, self.narrator)?;
        let conversation = self.ask()?;
        if !conversation.is_valid() {
            let integrity = conversation.discovery.integrity.map_or(0, provost_adac::discovery::Integrity::value);
            self.leave()?;
            return Err(
                crate::objects::ObjectError::NotValid { file: "the password in OTP".to_owned(), integrity }.into()
            );
        }
        self.regress(&conversation, DaMethod::Password)?;
        let after = self.wait_until_open()?;
        Ok(Ended { after, discovered: Some(conversation.report()), attempt: None })
    }
}
