//! Single looks at a chip that answer an open question; each leaves it as it was, but for the reset that one of them is.

use std::time::Duration;

use provost_chip::{
    parts::SECTOR_SIZE,
    registers::{dbgmcu, memory},
};
use provost_link::{LinkError, Nrst};

use super::{debug_auth::AckRoles, session::Session};

/// How long NRST is low before and after the mailbox is looked at, and how long a word waits there to be taken.
const HOLD: Duration = Duration::from_millis(10);
/// No request of any kind: the chip boots as it would without it.
const NO_REQUEST: u32 = 0;
/// What erased flash reads.
const BLANK: u32 = u32::MAX;
/// Words at the beginning of a sector, where vector tables and headers stand.
const HEAD: usize = 4;

// The mailbox registers as offsets in their window.
const HOST: u32 = 0;
const ACK: u32 = 8;

/// Whether AP0 shows the identity of this chip in a DBGMCU at `base`.
///
/// # Errors
/// The link breaks.
pub fn dbgmcu_at(session: &mut Session, base: u32, dev_id: u16) -> Result<bool, LinkError> {
    match session.ap0().read32(base + dbgmcu::IDCODE) {
        Ok(word) => Ok((word & 0xFFF) as u16 == dev_id),
        Err(LinkError::Fault { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a read of the last half-word of OTP gives; `None` for an error on the bus.
///
/// # Errors
/// The link breaks.
pub fn last_of_otp(session: &mut Session) -> Result<Option<u16>, LinkError> {
    match session.ap1().read16(memory::UID - 2) {
        Ok(value) => Ok(Some(value)),
        Err(LinkError::Fault { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first address of user flash that is not erased: of each sector the first words, or all of it. A word that cannot be read is none
/// that is erased.
///
/// # Errors
/// The link breaks.
pub fn first_programmed(
    session: &mut Session,
    bytes: u32,
    whole: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<u32>, LinkError> {
    let mut words = vec![0; if whole { SECTOR_SIZE as usize / 4 } else { HEAD }];
    for sector in 0..bytes / SECTOR_SIZE {
        let base = memory::FLASH + sector * SECTOR_SIZE;
        match session.ap1().read_block32(base, &mut words) {
            Ok(()) => {}
            Err(LinkError::Fault { .. }) => return Ok(Some(base)),
            Err(error) => return Err(error),
        }
        if let Some(at) = words.iter().position(|word| *word != BLANK) {
            return Ok(Some(base + at as u32 * 4));
        }
        progress(u64::from((sector + 1) * SECTOR_SIZE));
    }
    Ok(None)
}

/// Which acknowledge bit of the mailbox a word of the host raises, seen while NRST is low: no ROM has a part in it. The word is no
/// request, so the chip then boots as after any reset. `None` where no single bit moved.
///
/// # Errors
/// The probe cannot drive NRST; the link breaks. NRST is let go of in any case.
pub fn host_bit(session: &mut Session) -> Result<Option<AckRoles>, LinkError> {
    session.set_nrst(Nrst::Asserted)?;
    session.sleep(HOLD);
    let raised = raised_by_a_word(session, Duration::ZERO);
    session.sleep(HOLD);
    session.set_nrst(Nrst::Released)?;
    Ok(match raised? {
        1 => Some(AckRoles::Code),
        2 => Some(AckRoles::Svd),
        _ => None,
    })
}

/// Whether somebody in the chip takes a word out of the mailbox: the Debug Authentication ROM does, and nobody else. The word is no
/// request, and whoever took it waits for more until power is removed.
///
/// # Errors
/// The link breaks.
pub fn mailbox_is_read(session: &mut Session) -> Result<bool, LinkError> {
    Ok(raised_by_a_word(session, HOLD)? == 0)
}

/// Empties the mailbox, puts a word into it, waits, and says which acknowledge bits are up that were not before.
fn raised_by_a_word(session: &mut Session, wait: Duration) -> Result<u32, LinkError> {
    let at = session.dbgmcu().unwrap_or(dbgmcu::BASES[0]) + dbgmcu::DBG_AUTH_HOST;
    let mut ap0 = session.ap0();
    let mut window = ap0.window(at)?;
    window.write(ACK, 0)?;
    let before = window.read(ACK)?;
    window.write(HOST, NO_REQUEST)?;
    if wait > Duration::ZERO {
        window.clock().sleep(wait);
    }
    Ok(window.read(ACK)? & !before & 3)
}
