//! The register sequence of an option change: keys, program registers, start, wait, check (HAL `FLASH_OB_*` order).

use std::time::Duration;

use provost_chip::{
    registers::flash,
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_link::LinkError;

use super::session::Session;

/// HAL `FLASH_TIMEOUT_VALUE`.
const TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(1);

/// The side that may change options: the secure one with TrustZone on, as long as a debugger has secure access at all
/// (rule `R-SECURE-OPTIONS-NEED-SECURE-ACCESS`).
pub(crate) fn side_of(state: ProductState, tz: TrustZone) -> Side {
    if state == ProductState::Open && tz == TrustZone::Enabled { Side::Secure } else { Side::NonSecure }
}

/// Where this side finds a register of the flash controller.
pub(crate) const fn register(side: Side, offset: u16) -> u32 {
    side.peripheral(flash::BASE) + offset as u32
}

/// Clears a stale refusal, unlocks, and writes program registers; nothing is started.
pub(crate) fn program(session: &mut Session, side: Side, words: &[(u16, u32)]) -> Result<(), LinkError> {
    let mut ap1 = session.ap1_as(side);
    ap1.write32(register(side, flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    if ap1.read32(register(side, flash::OPTCR))? & flash::OPTCR_OPTLOCK != 0 {
        for key in flash::OPT_KEYS {
            ap1.write32(register(side, flash::OPTKEYR), key)?;
        }
    }
    write(session, side, words)
}

/// Writes program registers that are unlocked.
pub(crate) fn write(session: &mut Session, side: Side, words: &[(u16, u32)]) -> Result<(), LinkError> {
    let mut ap1 = session.ap1_as(side);
    for (offset_prg, word) in words {
        ap1.write32(register(side, *offset_prg), *word)?;
    }
    Ok(())
}

/// A whole change: programmed, launched, locked again whatever came of it. Returns NSSR as it was at the end of the launch.
pub(crate) fn change(session: &mut Session, side: Side, words: &[(u16, u32)]) -> Result<u32, LinkError> {
    program(session, side, words)?;
    let status = start(session, side);
    lock(session, side)?;
    status
}

/// Starts the change and waits for its end. Returns NSSR as it was then: OPTCHANGEERR in it is the chip's refusal.
pub(crate) fn start(session: &mut Session, side: Side) -> Result<u32, LinkError> {
    trigger(session, side)?;
    wait_until_idle(session, side)
}

/// Starts the change.
pub(crate) fn trigger(session: &mut Session, side: Side) -> Result<(), LinkError> {
    session.ap1_as(side).write32(register(side, flash::OPTCR), flash::OPTCR_OPTSTRT)
}

/// Waits until the flash controller has nothing to do. Returns NSSR as it was then.
pub(crate) fn wait_until_idle(session: &mut Session, side: Side) -> Result<u32, LinkError> {
    let busy = flash::SR_BSY | flash::SR_WBNE | flash::SR_DBNE;
    let end = session.now() + TIMEOUT;
    loop {
        let status = session.ap1_as(side).read32(register(side, flash::NSSR))?;
        if status & busy == 0 {
            return Ok(status);
        }
        if session.now() >= end {
            return Err(LinkError::Timeout { what: "end of the option change", after: TIMEOUT });
        }
        session.sleep(POLL);
    }
}

/// Clears the refusal and locks again.
pub(crate) fn lock(session: &mut Session, side: Side) -> Result<(), LinkError> {
    let mut ap1 = session.ap1_as(side);
    ap1.write32(register(side, flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    ap1.write32(register(side, flash::OPTCR), flash::OPTCR_OPTLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secure_side_is_for_open_with_trustzone_alone() {
        for state in ProductState::ALL {
            for tz in TrustZone::ALL {
                let secure = side_of(state, tz) == Side::Secure;
                assert_eq!(secure, state == ProductState::Open && tz == TrustZone::Enabled);
            }
        }
        // CMSIS: FLASH_R_BASE_S = 0x50022000.
        assert_eq!(register(Side::Secure, 0x54), 0x5002_2054);
    }
}
