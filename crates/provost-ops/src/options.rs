//! Changing TZEN over AP1, for a rescue.

use provost_chip::{registers::flash, states::TrustZone};
use provost_link::LinkError;

use crate::{
    error::Result,
    identify::{Options, read_options},
    option_bytes::launch::{self, Alias},
    session::Session,
};

/// Writes TZEN, resets, and reads back; the words after the reset, whatever the chip made of the write.
///
/// # Errors
/// The link breaks.
pub fn write_trustzone(session: &mut Session, to: TrustZone) -> Result<Option<Options>> {
    let optsr2 = session.ap1().read32(Alias::NonSecure.register(flash::OPTSR2_CUR))?;
    let word = optsr2 & 0x00FF_FFFF | u32::from(to.code()) << 24;
    change(session, flash::OPTSR2_PRG, word)?;
    session.pulse_nrst()?;
    if !session.wait_for_ap1()? {
        return Ok(None);
    }
    Ok(read_options(session)?)
}

/// Programs one option register. A refusal (OPTCHANGEERR) is left for the read-back to show.
pub(crate) fn change(session: &mut Session, offset_prg: u16, word: u32) -> Result<(), LinkError> {
    launch::program(session, Alias::NonSecure, &[(offset_prg, word)])?;
    let started = launch::start(session, Alias::NonSecure);
    launch::lock(session, Alias::NonSecure)?;
    started.map(drop)
}
