//! Changing an option word over AP1: keys, program register, start, wait, check (HAL `FLASH_OB_*` order).

use std::time::Duration;

use provost_chip::{registers::flash, states::TrustZone};
use provost_link::LinkError;

use crate::{
    error::Result,
    identify::{Options, read_options},
    session::Session,
};

/// HAL `FLASH_TIMEOUT_VALUE`.
const TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(1);

/// Writes TZEN, resets, and reads back; the words after the reset, whatever the chip made of the write.
///
/// # Errors
/// The link breaks.
pub fn write_trustzone(session: &mut Session, to: TrustZone) -> Result<Option<Options>> {
    let optsr2 = session.ap1().read32(register(flash::OPTSR2_CUR))?;
    let word = optsr2 & 0x00FF_FFFF | u32::from(to.code()) << 24;
    change(session, flash::OPTSR2_PRG, word)?;
    session.pulse_nrst()?;
    if !session.wait_for_ap1()? {
        return Ok(None);
    }
    Ok(read_options(session)?)
}

pub(crate) const fn register(offset: u16) -> u32 {
    flash::BASE + offset as u32
}

/// Programs one option register. A refusal (OPTCHANGEERR) is left for the read-back to show.
pub(crate) fn change(session: &mut Session, offset_prg: u16, word: u32) -> Result<(), LinkError> {
    let mut ap1 = session.ap1();
    ap1.write32(register(flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    if ap1.read32(register(flash::OPTCR))? & flash::OPTCR_OPTLOCK != 0 {
        for key in flash::OPT_KEYS {
            ap1.write32(register(flash::OPTKEYR), key)?;
        }
    }
    ap1.write32(register(offset_prg), word)?;
    ap1.write32(register(flash::OPTCR), flash::OPTCR_OPTSTRT)?;
    let waited = wait_until_idle(session);
    let mut ap1 = session.ap1();
    ap1.write32(register(flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    ap1.write32(register(flash::OPTCR), flash::OPTCR_OPTLOCK)?;
    waited
}

pub(crate) fn wait_until_idle(session: &mut Session) -> Result<(), LinkError> {
    let busy = flash::SR_BSY | flash::SR_WBNE | flash::SR_DBNE;
    let end = session.now() + TIMEOUT;
    loop {
        if session.ap1().read32(register(flash::NSSR))? & busy == 0 {
            return Ok(());
        }
        if session.now() >= end {
            return Err(LinkError::Timeout { what: "end of the option change", after: TIMEOUT });
        }
        session.sleep(POLL);
    }
}
