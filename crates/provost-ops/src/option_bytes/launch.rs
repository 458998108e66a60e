//! The register sequence of an option change: keys, program registers, start, wait, check (HAL `FLASH_OB_*` order).

use std::time::Duration;

use provost_chip::{
    registers::{SECURE_PERIPHERAL, flash},
    states::{ProductState, TrustZone},
};
use provost_link::{LinkError, MemAp, Security};

use crate::session::Session;

/// HAL `FLASH_TIMEOUT_VALUE`.
const TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(1);

/// Through which of its two addresses the flash controller is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alias {
    /// 0x4002_2000, non-secure transfers.
    NonSecure,
    /// 0x5002_2000, secure transfers.
    Secure,
}

impl Alias {
    /// The secure one with TrustZone on, as long as a debugger has secure access at all
    /// (rule `R-SECURE-OPTIONS-NEED-SECURE-ACCESS`).
    pub fn of(state: ProductState, tz: TrustZone) -> Self {
        if state == ProductState::Open && tz == TrustZone::Enabled { Self::Secure } else { Self::NonSecure }
    }

    pub(crate) const fn register(self, offset: u16) -> u32 {
        let base = match self {
            Self::NonSecure => flash::BASE,
            Self::Secure => flash::BASE + SECURE_PERIPHERAL,
        };
        base + offset as u32
    }

    pub(crate) fn ap1(self, session: &mut Session) -> MemAp<'_> {
        match self {
            Self::NonSecure => session.ap1(),
            Self::Secure => session.ap1_as(Security::Secure),
        }
    }
}

/// Clears a stale refusal, unlocks, and writes program registers; nothing is started.
pub(crate) fn program(session: &mut Session, alias: Alias, words: &[(u16, u32)]) -> Result<(), LinkError> {
    let mut ap1 = alias.ap1(session);
    ap1.write32(alias.register(flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    if ap1.read32(alias.register(flash::OPTCR))? & flash::OPTCR_OPTLOCK != 0 {
        for key in flash::OPT_KEYS {
            ap1.write32(alias.register(flash::OPTKEYR), key)?;
        }
    }
    write(session, alias, words)
}

/// Writes program registers that are unlocked.
pub(crate) fn write(session: &mut Session, alias: Alias, words: &[(u16, u32)]) -> Result<(), LinkError> {
    let mut ap1 = alias.ap1(session);
    for (offset_prg, word) in words {
        ap1.write32(alias.register(*offset_prg), *word)?;
    }
    Ok(())
}

/// Starts the change and waits for its end. Returns NSSR as it was then: OPTCHANGEERR in it is the chip's refusal.
pub(crate) fn start(session: &mut Session, alias: Alias) -> Result<u32, LinkError> {
    trigger(session, alias)?;
    wait_until_idle(session, alias)
}

/// Starts the change.
pub(crate) fn trigger(session: &mut Session, alias: Alias) -> Result<(), LinkError> {
    alias.ap1(session).write32(alias.register(flash::OPTCR), flash::OPTCR_OPTSTRT)
}

/// Waits until the flash controller has nothing to do. Returns NSSR as it was then.
pub(crate) fn wait_until_idle(session: &mut Session, alias: Alias) -> Result<u32, LinkError> {
    let busy = flash::SR_BSY | flash::SR_WBNE | flash::SR_DBNE;
    let end = session.now() + TIMEOUT;
    loop {
        let status = alias.ap1(session).read32(alias.register(flash::NSSR))?;
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
pub(crate) fn lock(session: &mut Session, alias: Alias) -> Result<(), LinkError> {
    let mut ap1 = alias.ap1(session);
    ap1.write32(alias.register(flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    ap1.write32(alias.register(flash::OPTCR), flash::OPTCR_OPTLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secure_alias_is_for_open_with_trustzone_alone() {
        for state in ProductState::ALL {
            for tz in TrustZone::ALL {
                let secure = Alias::of(state, tz) == Alias::Secure;
                assert_eq!(secure, state == ProductState::Open && tz == TrustZone::Enabled);
            }
        }
        // CMSIS: FLASH_R_BASE_S = 0x50022000.
        assert_eq!(Alias::Secure.register(0x54), 0x5002_2054);
    }
}
