//! A full regression: asked for with a credential, and waited for until the chip is Open.

use std::time::Duration;

use provost_chip::states::{ProductState, TrustZone};
use provost_link::LinkError;

use super::{
    identify::{Identity, identify},
    session::Session,
};
use crate::fault::{Result, faults};

/// How long a chip may take to erase itself and come back Open (mass erase plus boot, with a wide margin).
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

faults! {
    /// Why a regression did not end in Open.
    pub enum RegressError {
        /// After the regression the chip is not Open.
        #[error("the chip granted the regression, but was not found Open within {waited_ms} ms ({found})")]
        NotOpen {
            /// How long, in milliseconds of the chip's time.
            waited_ms: u64,
            /// What was found instead.
            found: String,
        } = "rescue-not-open", Failed, [FullRegressionEffect] {
            causes: ["the mass erase takes longer than expected", "the supply sagged"],
            next: ["remove power, give it back, run `provost status`"],
        }
    }
}

/// Whether the chip is what a full regression makes of it: Open, with TrustZone off (rule `R-FULL-REGRESSION-EFFECT`).
pub fn is_regressed(identity: &Identity) -> bool {
    identity.options.is_some_and(|o| o.state() == Some(ProductState::Open) && o.trustzone() == TrustZone::Disabled)
}

/// Waits until a chip that erases itself is back in Open; an immediate connect may fail (wolfTrust), so it is tried again.
///
/// # Errors
/// [`RegressError::NotOpen`]; the probe is lost.
pub fn until_open(session: &mut Session) -> Result<Identity> {
    let end = session.now() + TIMEOUT;
    loop {
        session.sleep(POLL);
        let found = match identify(session) {
            Ok(identity) if is_regressed(&identity) => return Ok(identity),
            Err(error) if matches!(error.of(), Some(LinkError::ProbeLost { .. })) => return Err(error),
            other => other,
        };
        if session.now() >= end {
            let found = found?.to_string();
            return Err(RegressError::NotOpen { waited_ms: TIMEOUT.as_millis() as u64, found }.into());
        }
    }
}
