//! Debug opened on a closed chip: nothing is erased, nothing is written that outlives power.

use std::time::Duration;

use provost_adac::permission::Permission;
use provost_chip::{
    model::{authentication, debug::Opening},
    side::Side,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{AccessError, is_closed, may_grant, proof};
use crate::{
    Narrator,
    credential::{CredentialSet, Proof},
    drive::{
        debug_auth::{self, DebugView, Discovered, debug_view, keep_over_resets},
        identify::{Identity, identify},
        reset,
        session::Session,
    },
    fault::{Result, fail},
    job::{Driver, Phase, Step},
};

/// How long firmware may take to climb to its isolation level.
const CLIMB_TIMEOUT: Duration = Duration::from_secs(2);
const CLIMB_POLL: Duration = Duration::from_millis(20);

/// Debug that was opened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Opened {
    /// Who the chip is.
    pub identity: Identity,
    /// What it said before it was authenticated.
    pub discovery: Discovered,
    /// The permission by ST's name.
    pub permission: &'static str,
    /// Its bit.
    #[schemars(range(max = 127))]
    pub bit: u8,
    /// Whether the secure side may be debugged too.
    pub secure: bool,
    /// The isolation level from which on.
    #[schemars(range(min = 1, max = 3))]
    pub level: u8,
    /// Whether the chip needed a reset behind the grant before its firmware ran.
    pub reset_needed: bool,
    /// What was measured.
    pub view: DebugView,
    /// The hash of the root key that was authenticated with.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub root_key_hash: Option<String>,
    /// The steps that were performed.
    #[serde(skip)]
    pub performed: Vec<Step>,
}

/// The permission that opens this.
pub(super) fn permission(opening: Opening) -> Permission {
    let bit = authentication::Permission::Debug(opening).bit();
    // Every opening of the model has its permission: a test walks them all.
    u8::try_from(bit).ok().and_then(Permission::from_bit).unwrap_or(Permission::NonSecureDebugLevel1)
}

/// Opens debug with a certificate. The chip is reset by it, and boots its firmware.
///
/// # Errors
/// The credential or the chip cannot, before anything is sent; the chip refuses; it grants, and does not open; the link breaks.
pub fn open_debug(
    session: &mut Session,
    set: &CredentialSet,
    opening: Opening,
    narrator: &mut dyn Narrator,
) -> Result<Opened> {
    let permission = permission(opening);
    let proof = proof(set, permission)?;
    let identity = identify(session)?;
    is_closed(&identity)?;
    let plan = vec![Step::Discover { phase: Phase::Work, method: None }, Step::OpenDebug, Step::MeasureDebug];
    let mut driver = Driver::new(narrator, plan);
    let discovery = match grant(session, &mut driver, &proof, permission) {
        Ok(discovery) => discovery,
        Err(error) => {
            // As it was found, as far as a reset goes; why it stopped is what matters.
            let _ = session.pulse_nrst();
            return Err(error);
        }
    };
    driver.begin(Step::MeasureDebug)?;
    let mut view = climbed(session, opening.side)?;
    let reset_needed = !view.reaches(opening.side) && view.outlives_reset;
    if reset_needed {
        driver.note("not open yet: a reset, in case the ROM waits for one");
        reset::pulse(session)?;
        view = climbed(session, opening.side)?;
    }
    if !view.reaches(opening.side) {
        return fail(AccessError::NotOpen { permission, level: opening.level.number() });
    }
    Ok(Opened {
        identity,
        discovery,
        permission: permission.name(),
        bit: permission.bit(),
        secure: opening.side == Side::Secure,
        level: opening.level.number(),
        reset_needed,
        view,
        root_key_hash: set.fingerprint(),
        performed: driver.performed().to_vec(),
    })
}

fn grant(
    session: &mut Session,
    driver: &mut Driver<'_>,
    proof: &Proof<'_>,
    permission: Permission,
) -> Result<Discovered> {
    driver.begin(Step::Discover { phase: Phase::Work, method: None })?;
    let conversation = debug_auth::discover(session)?;
    driver.note(&conversation.summary());
    may_grant(&conversation, permission)?;
    driver.begin(Step::OpenDebug)?;
    driver.note(&format!("{} (bit {})", permission.name(), permission.bit()));
    keep_over_resets(session)?;
    debug_auth::authenticate(session, &conversation.mailbox, proof.credential(), &|asked| proof.sign(asked))?;
    Ok(conversation.report())
}

/// What is reached once the firmware has had time to climb.
fn climbed(session: &mut Session, side: Side) -> Result<DebugView> {
    let end = session.now() + CLIMB_TIMEOUT;
    loop {
        let view = debug_view(session)?;
        if view.reaches(side) || session.now() >= end {
            return Ok(view);
        }
        session.sleep(CLIMB_POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opening_has_a_permission_of_its_own() {
        let names: Vec<&str> = Opening::all().map(|opening| permission(opening).name()).collect();
        assert_eq!(
            names,
            [
                "Level 1 Intrusive Non Secure Debug",
                "Level 2 Intrusive Non Secure Debug",
                "Level 3 Intrusive Non Secure Debug",
                "Level 1 Intrusive Debug",
                "Level 2 Intrusive Debug",
                "Level 3 Intrusive Debug",
            ]
        );
    }
}
