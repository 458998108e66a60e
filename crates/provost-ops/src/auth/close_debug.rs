//! Opened debug taken back, without removing power.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AccessError, is_closed};
use crate::{
    Narrator,
    drive::{
        debug_auth::{DebugView, debug_view, end_with_reset},
        identify::{Identity, identify},
        session::Session,
    },
    fault::{Result, fail},
    job::{Driver, Step},
};

/// Debug that was closed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Closed {
    /// Who the chip is.
    pub identity: Identity,
    /// What was reached before.
    pub before: DebugView,
    /// What is reached now: what the product state leaves open by itself.
    pub after: DebugView,
}

/// Closes debug that an authentication has opened. The chip is reset by it.
///
/// # Errors
/// The chip is Open; debug stays open all the same; the link breaks.
pub fn close_debug(session: &mut Session, narrator: &mut dyn Narrator) -> Result<Closed> {
    let identity = identify(session)?;
    is_closed(&identity)?;
    let mut driver = Driver::new(narrator, vec![Step::CloseDebug, Step::MeasureDebug]);
    let before = debug_view(session)?;
    driver.begin(Step::CloseDebug)?;
    end_with_reset(session)?;
    session.pulse_nrst()?;
    driver.begin(Step::MeasureDebug)?;
    let after = debug_view(session)?;
    if after.secure || after.sbs_dbgcr.is_some_and(|word| word != 0) {
        return fail(AccessError::StillOpen);
    }
    Ok(Closed { identity, before, after })
}
