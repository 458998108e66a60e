//! The core at rest while its flash changes.

use std::time::Duration;

use provost_chip::{
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_link::{LinkError, core::Core};

use super::controller::Controller;
use crate::{Narrator, error::Result, option_bytes::OptionBytes, session::Session};

/// DBGMCU_APB1LFZR and its bit for the independent watchdog (SVD).
const APB1LFZR: u32 = 0x008;
const FREEZE_IWDG: u32 = 1 << 12;
const HALT_TIMEOUT: Duration = Duration::from_millis(100);
/// DEMCR: halt at the reset vector (Arm DDI 0553).
const VC_CORERESET: u32 = 1 << 0;

/// Works with the core halted and its watchdog frozen where the chip is Open; then lets go and resets, so that what is in
/// flash now is what runs.
pub(super) fn halted<T>(
    bytes: &OptionBytes,
    session: &mut Session,
    narrator: &mut dyn Narrator,
    work: impl FnOnce(&mut Session, &mut dyn Narrator) -> Result<T>,
) -> Result<T> {
    if bytes.chip.state != ProductState::Open {
        return work(session, narrator);
    }
    let freeze = session.dbgmcu().map(|base| base + APB1LFZR);
    let before = match freeze {
        Some(register) => Some((register, session.ap0().read32(register)?)),
        None => None,
    };
    if let Some((register, word)) = before {
        session.ap0().write32(register, word | FREEZE_IWDG)?;
    }
    let world =
        if bytes.chip.tz == TrustZone::Enabled { Controller(Side::Secure) } else { Controller(Side::NonSecure) };
    if !halt_at_reset(session, world)? {
        narrator.note("the core does not halt: its firmware may interfere");
    }
    let result = work(session, narrator);
    let released = Core::new(&mut world.ap1(session)).release();
    let restored = before.map_or(Ok(()), |(register, word)| session.ap0().write32(register, word));
    let value = result?;
    released.and(restored)?;
    match session.pulse_nrst() {
        Ok(()) => drop(session.wait_for_ap1()?),
        Err(LinkError::NrstUnsupported { .. }) => narrator.note("the probe cannot reset the chip: reset it yourself"),
        Err(error) => return Err(error.into()),
    }
    Ok(value)
}

/// Resets the chip and halts it before its firmware has made sectors secure (SECBB), hidden them (HDP) or started a watchdog;
/// where the reset catch does not work, halts it where it is. `false` if it does not halt at all.
fn halt_at_reset(session: &mut Session, world: Controller) -> Result<bool> {
    match Core::new(&mut world.ap1(session)).halt(HALT_TIMEOUT) {
        Ok(()) => {}
        Err(LinkError::Timeout { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let demcr = Core::new(&mut world.ap1(session)).demcr()?;
    Core::new(&mut world.ap1(session)).set_demcr(demcr | VC_CORERESET)?;
    match session.pulse_nrst() {
        Ok(()) => drop(session.wait_for_ap1()?),
        Err(LinkError::NrstUnsupported { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let mut ap1 = world.ap1(session);
    let mut core = Core::new(&mut ap1);
    // Halted already where the catch worked.
    let halted = match core.halt(HALT_TIMEOUT) {
        Ok(()) => true,
        Err(LinkError::Timeout { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    core.set_demcr(demcr)?;
    Ok(halted)
}
