//! The password of an STM32H503: 16 half-words of OTP and a lock bit, once for the life of the chip (STM32CubeH5 NUCLEO-H503RB
//! password_provisioning.sh).
//!
//! Everything is read before it is written. A half-word that holds its value is not written again, so that an interrupted write is
//! finished by the same command.

use provost_adac::password::Password;
use provost_chip::{
    registers::{flash, memory},
    rules::RuleId,
};
use provost_link::LinkError;
use provost_obk::{
    checks::Target,
    h503::{BLOCK_CELLS, LOCK_BIT, OtpBlock, OtpPassword, Step},
};

use super::ObjectError;
use crate::{
    Narrator,
    error::Result,
    option_bytes::launch::{Alias, wait_until_idle},
    options::change,
    session::Session,
};

const ERRORS: u32 = flash::SR_WRPERR | flash::SR_PGSERR | flash::SR_STRBERR | flash::SR_INCERR;
const OTPBLR_PRG: u16 = flash::OTPBLR_CUR + 4;

/// Reads the block over AP1, half-word by half-word: each may fault for itself.
///
/// # Errors
/// The link breaks.
pub fn read(session: &mut Session) -> Result<OtpBlock, LinkError> {
    let mut cells = [None; BLOCK_CELLS];
    for (cell, address) in cells.iter_mut().zip((memory::OTP..).step_by(2)) {
        *cell = match session.ap1().read16(address) {
            Ok(value) => Some(value),
            // An ECC double error: never programmed (ST community td-p/889964).
            Err(LinkError::Fault { .. }) => None,
            Err(error) => return Err(error),
        };
    }
    let locked = session.ap1().read32(Alias::NonSecure.register(flash::OTPBLR_CUR))? & LOCK_BIT != 0;
    Ok(OtpBlock { cells, locked })
}

/// What is left to do for a password to be in OTP; nothing is written.
///
/// # Errors
/// What speaks against it; the link breaks.
pub fn plan(session: &mut Session, password: &Password, target: &Target, allowed: &[String]) -> Result<Vec<Step>> {
    let value = OtpPassword::new(password);
    if value.half_words().contains(&u16::MAX) {
        return Err(ObjectError::OtpUnfitHash.into());
    }
    let block = read(session)?;
    super::refuse(&[("the password", value.check(&block, target))], allowed)?;
    match value.steps(&block) {
        Some(steps) => Ok(steps),
        None => Err(ObjectError::refusal("the password", &value.check(&block, target)).into()),
    }
}

/// Carries the steps out, each read back before the next.
///
/// # Errors
/// A half-word or the lock bit does not read back; the link breaks.
pub fn write(session: &mut Session, steps: &[Step], narrator: &mut dyn Narrator) -> Result<()> {
    let halves = steps.iter().filter(|step| matches!(step, Step::Write { .. })).count();
    if halves > 0 {
        narrator.step(
            &format!("write the password's hash into OTP: {halves} half-words, once for life"),
            &[RuleId::H503Otp],
        );
        program(session, steps)?;
        narrator.note("each half-word reads back");
    }
    if steps.contains(&Step::Lock) {
        narrator.step("lock the OTP block", &[RuleId::H503Otp]);
        lock(session)?;
        narrator.note("the lock bit reads back after a reset");
    }
    Ok(())
}

fn program(session: &mut Session, steps: &[Step]) -> Result<()> {
    let mut ap1 = session.ap1();
    if ap1.read32(Alias::NonSecure.register(flash::NSCR))? & flash::CR_LOCK != 0 {
        for key in flash::KEYS {
            ap1.write32(Alias::NonSecure.register(flash::NSKEYR), key)?;
        }
    }
    ap1.write32(Alias::NonSecure.register(flash::NSCCR), ERRORS | flash::SR_EOP)?;
    ap1.write32(Alias::NonSecure.register(flash::NSCR), flash::CR_PG)?;
    let written = steps.iter().try_for_each(|step| match *step {
        Step::Write { address, value } => program_half(session, address, value),
        Step::Lock => Ok(()),
    });
    // The controller is locked again whatever came of it.
    let locked = session.ap1().write32(Alias::NonSecure.register(flash::NSCR), flash::CR_LOCK);
    written?;
    Ok(locked?)
}

fn program_half(session: &mut Session, address: u32, value: u16) -> Result<()> {
    session.write16(address, value)?;
    wait_until_idle(session, Alias::NonSecure)?;
    let status = session.ap1().read32(Alias::NonSecure.register(flash::NSSR))? & ERRORS;
    let found = match session.ap1().read16(address) {
        Ok(found) if found == value && status == 0 => return Ok(()),
        Ok(_) => format!("another value, with status {status:#010x}"),
        Err(LinkError::Fault { .. }) => format!("as an error, with status {status:#010x}"),
        Err(error) => return Err(error.into()),
    };
    Err(ObjectError::OtpWrite { address, found }.into())
}

fn lock(session: &mut Session) -> Result<()> {
    let word = session.ap1().read32(Alias::NonSecure.register(flash::OTPBLR_CUR))?;
    change(session, OTPBLR_PRG, word | LOCK_BIT)?;
    session.pulse_nrst()?;
    session.wait_for_ap1()?;
    let word = session.ap1().read32(Alias::NonSecure.register(flash::OTPBLR_CUR))?;
    if word & LOCK_BIT == 0 { Err(ObjectError::OtpLock { word }.into()) } else { Ok(()) }
}
