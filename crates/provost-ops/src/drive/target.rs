//! What a wire to a chip can do, so that one which can do less plugs in: a procedure asks for a capability and is told plainly
//! where it is missing. SWD serves all of them.

use std::{fmt, time::Duration};

use provost_adac::host::Credential;
use provost_chip::{
    assumptions::RssChecksum,
    parts::PartId,
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_link::{LinkError, Nrst, ProbeInfo};

use super::{
    debug_auth::{self, Conversation, Sign},
    identify::{self, Identity, Options},
    regress, reset,
    service::{EncryptWord, Provisioner, Stored},
    session::Session,
    state,
};
use crate::{
    Narrator,
    fault::{Result, fail, faults},
};

/// Something that a wire may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// Memory and registers of either side, halting the core: SWD.
    Memory,
    /// Reading and changing option words.
    Options,
    /// Handing an object to the provisioning service.
    Provision,
    /// Debug Authentication.
    Unlock,
    /// Resetting the chip, and seeing that it was reset.
    Reset,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Memory => "reach memory and registers",
            Self::Options => "change option bytes",
            Self::Provision => "provision an object",
            Self::Unlock => "authenticate",
            Self::Reset => "drive NRST",
        })
    }
}

faults! {
    /// A wire that cannot do what is asked.
    pub enum TargetError {
        /// The capability is missing.
        #[error("{wire} cannot {capability}")]
        Cannot {
            /// The wire.
            wire: String,
            /// What was asked of it.
            capability: Capability,
        } = "wire-cannot", PersonMustAct {
            causes: ["this wire serves a part of the work only"],
            next: ["connect a debug probe with NRST and say it with --probe; what was done so far stays done"],
        }
    }
}

/// An object and how it is handed over.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Address in the option-byte keys.
    pub destination: u32,
    /// The payload.
    pub payload: &'a [u8],
    /// The encryption word of the request.
    pub word: EncryptWord,
}

/// A chip at the end of some wire. What a wire cannot do it need not implement.
pub trait Target: fmt::Debug {
    /// What is at this end of the wire.
    fn probe(&self) -> &ProbeInfo;

    /// Time by the wire's clock.
    fn now(&mut self) -> Duration;

    /// Lets time pass.
    fn sleep(&mut self, time: Duration);

    /// Whether the wire can do this.
    fn can(&self, capability: Capability) -> bool;

    /// Who the chip is, reading only.
    ///
    /// # Errors
    /// Nobody answers, or what answers is no STM32H5.
    fn identify(&mut self) -> Result<Identity>;

    /// The same wire with registers, memories and NRST, for what needs them: the methods below, unless a wire has a way of its own.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], with what was wanted of it.
    fn session(&mut self, wanted: Capability) -> Result<&mut Session> {
        fail(TargetError::Cannot { wire: self.probe().to_string(), capability: wanted })
    }

    /// Whether the core sees a reset when NRST is pulsed.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], and those of [`reset::reaches`].
    fn reset_reaches(&mut self) -> Result<bool> {
        reset::reaches(self.session(Capability::Reset)?)
    }

    /// Resets the chip, and says whether its options and its provisioning service are within reach afterwards.
    ///
    /// # Errors
    /// [`TargetError::Cannot`]; the link breaks.
    fn reset(&mut self) -> Result<bool> {
        reset::pulse(self.session(Capability::Reset)?)
    }

    /// Lets go of NRST, which a killed program may have left low; a wire without NRST has nothing to let go of.
    ///
    /// # Errors
    /// The link breaks.
    fn release_reset(&mut self) -> Result<()> {
        if self.can(Capability::Reset) {
            self.session(Capability::Reset)?.set_nrst(Nrst::Released)?;
        }
        Ok(())
    }

    /// Has an object stored, as [`Provisioner::store`] does; `known` remembers the checksum from call to call.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], and those of [`Provisioner::store`].
    fn provision(
        &mut self,
        parts: &[PartId],
        object: Delivery<'_>,
        known: &mut Option<RssChecksum>,
        announce: &mut dyn FnMut(RssChecksum) -> Result<()>,
        narrator: &mut dyn Narrator,
    ) -> Result<Stored> {
        let session = self.session(Capability::Provision)?;
        let mut provisioner = Provisioner::find(session, parts, *known)?;
        let stored = provisioner.store(session, (object.destination, object.payload), object.word, announce, narrator);
        *known = provisioner.checksum();
        stored
    }

    /// The deciding option words, if they can be seen.
    ///
    /// # Errors
    /// [`TargetError::Cannot`]; the link breaks.
    fn options(&mut self) -> Result<Option<Options>> {
        Ok(identify::read_options(self.session(Capability::Options)?)?)
    }

    /// Writes PRODUCT_STATE; it takes effect with the next reset.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], and those of [`state::write_product_state`].
    fn write_product_state(&mut self, to: ProductState, side: Side) -> Result<()> {
        state::write_product_state(self.session(Capability::Options)?, to, side)
    }

    /// Writes TZEN, resets, and reads back.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], and those of [`state::write_trustzone`].
    fn write_trustzone(&mut self, to: TrustZone) -> Result<Option<Options>> {
        state::write_trustzone(self.session(Capability::Options)?, to)
    }

    /// Enters Debug Authentication, which resets the chip, and discovers.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], and those of [`debug_auth::discover`].
    fn discover(&mut self) -> Result<Conversation> {
        debug_auth::discover(self.session(Capability::Unlock)?)
    }

    /// Authenticates in an open conversation; `sign` is asked for the token's signature.
    ///
    /// # Errors
    /// [`TargetError::Cannot`], and those of [`debug_auth::authenticate`].
    fn authenticate(&mut self, conversation: &Conversation, credential: Credential, sign: Sign<'_>) -> Result<()> {
        debug_auth::authenticate(self.session(Capability::Unlock)?, &conversation.mailbox, credential, sign)
    }

    /// Waits until a chip that erases itself is Open.
    ///
    /// # Errors
    /// Those of [`regress::until_open`].
    fn until_open(&mut self) -> Result<Identity> {
        regress::until_open(self.session(Capability::Unlock)?)
    }
}

impl Target for Session {
    fn probe(&self) -> &ProbeInfo {
        Session::probe(self)
    }

    fn now(&mut self) -> Duration {
        Session::now(self)
    }

    fn sleep(&mut self, time: Duration) {
        Session::sleep(self, time);
    }

    fn can(&self, _capability: Capability) -> bool {
        true
    }

    fn identify(&mut self) -> Result<Identity> {
        identify::identify(self)
    }

    fn session(&mut self, _wanted: Capability) -> Result<&mut Session> {
        Ok(self)
    }
}

/// Whether an error is that of a broken link: what was being done may or may not have been done.
pub fn link_broke(error: &crate::fault::Failure) -> bool {
    error.of::<LinkError>().is_some()
}
