//! The password of an STM32H503: 16 half-words of OTP and a lock bit, once for the life of the chip (STM32CubeH5 NUCLEO-H503RB
//! password_provisioning.sh).
//!
//! Everything is read before it is written. A half-word that holds its value is not written again, so that an interrupted write is
//! finished by the same command.

use provost_adac::password::Password;
use provost_chip::{
    registers::{flash, memory},
    rules::RuleId,
    side::Side,
};
use provost_link::LinkError;
use provost_obk::h503::{BLOCK_CELLS, LOCK_BIT, OtpBlock, OtpPassword, Step};

use super::{
    launch::{change, register, wait_until_idle},
    reset,
    session::Session,
};
use crate::{
    Narrator,
    fault::{Result, fail, faults},
};

const ERRORS: u32 = flash::SR_WRPERR | flash::SR_PGSERR | flash::SR_STRBERR | flash::SR_INCERR;
const OTPBLR_PRG: u16 = flash::OTPBLR_CUR + 4;
/// The STM32H503 has no TrustZone.
const SIDE: Side = Side::NonSecure;

faults! {
    /// Why a password is not in OTP.
    pub enum OtpError {
        /// A hash that OTP cannot hold so that it can be told from blank.
        #[error("the hash of this password has a half-word 0xFFFF, which cannot be told from blank OTP")]
        UnfitHash = "otp-hash", Refused, [H503Otp] {
            causes: ["one random password in 4,096 has such a hash"],
            next: ["make another password: `provost credential new --method METHOD --out DIR`; nothing was written"],
        }
        /// Something else stands there.
        #[error("OTP holds another password, or a part of one: it is written once, for the life of the chip")]
        Taken = "otp-not-blank", Refused, [H503Otp] {
            causes: ["another password was written into this chip, for its life"],
            next: ["use the credential that was written: `provost rescue --credential DIR`; nothing further was written"],
        }
        /// The control register does not unlock.
        #[error("the flash control register stays locked (reads {control:#010x}), also after a reset")]
        Locked {
            /// What it reads.
            control: u32,
        } = "otp-locked-out", Failed, [H503Otp] {
            causes: ["code that runs on the chip uses the flash controller too", "the reset did not arrive"],
            next: ["remove power, give it back and run the same command again: what stands in OTP is not written twice"],
        }
        /// A half-word did not read back.
        #[error("OTP half-word {address:#010x} reads {found}, after it was written: it cannot be written again")]
        Write {
            /// Which.
            address: u32,
            /// What it reads.
            found: String,
        } = "otp-write", Failed, [H503Otp] {
            causes: ["the supply sagged while it was written", "this cell is worn or damaged"],
            next: ["do not move the product state of this chip on: its password is not whole, and cannot be made so"],
        }
        /// The lock bit was not taken.
        #[error("the lock bit of OTP block 0 reads {word:#010x} after it was set")]
        Lock {
            /// FLASH_OTPBLR.
            word: u32,
        } = "otp-lock", Failed, [H503Otp] {
            causes: ["the reset did not arrive", "the supply sagged"],
            next: ["run the same command again: what stands in OTP is not written twice"],
        }
    }
}

/// Reads the block over AP1, half-word by half-word: each may fault for itself.
///
/// # Errors
/// The link breaks.
pub fn read(session: &mut Session) -> Result<OtpBlock, LinkError> {
    let mut cells = [None; BLOCK_CELLS];
    for (cell, address) in cells.iter_mut().zip((memory::OTP..).step_by(2)) {
        *cell = match session.ap1().read16(address) {
            // What was never programmed may read as ones (switch `otp-blank-read`); no password has such a half-word (`fits`).
            Ok(u16::MAX) => None,
            Ok(value) => Some(value),
            // An ECC double error: never programmed (ST community td-p/889964).
            Err(LinkError::Fault { .. }) => None,
            Err(error) => return Err(error),
        };
    }
    let locked = session.ap1().read32(register(SIDE, flash::OTPBLR_CUR))? & LOCK_BIT != 0;
    Ok(OtpBlock { cells, locked })
}

/// Whether the hash of a password can stand in OTP: a half-word of ones cannot be told from one that was never written.
///
/// # Errors
/// [`OtpError::UnfitHash`].
pub fn fits(password: &Password) -> Result<OtpPassword, OtpError> {
    let value = OtpPassword::new(password);
    if value.half_words().contains(&u16::MAX) { Err(OtpError::UnfitHash) } else { Ok(value) }
}

/// What is left to do for a password to be in OTP; nothing is written.
///
/// # Errors
/// Its hash does not fit; something else stands there; the link breaks.
pub fn plan(session: &mut Session, password: &Password) -> Result<Vec<Step>> {
    let value = fits(password)?;
    let block = read(session)?;
    match value.steps(&block) {
        Some(steps) => Ok(steps),
        None => fail(OtpError::Taken),
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

/// Unlocks the control register, and returns it as it reads then.
fn unlock(session: &mut Session) -> Result<u32, LinkError> {
    let mut ap1 = session.ap1();
    if ap1.read32(register(SIDE, flash::NSCR))? & flash::CR_LOCK != 0 {
        for key in flash::KEYS {
            ap1.write32(register(SIDE, flash::NSKEYR), key)?;
        }
    }
    ap1.read32(register(SIDE, flash::NSCR))
}

fn program(session: &mut Session, steps: &[Step]) -> Result<()> {
    // A run that was interrupted between the two keys left a register that stays locked until a reset.
    if unlock(session)? & flash::CR_LOCK != 0 {
        reset::pulse(session)?;
        let control = unlock(session)?;
        if control & flash::CR_LOCK != 0 {
            return fail(OtpError::Locked { control });
        }
    }
    let mut ap1 = session.ap1();
    ap1.write32(register(SIDE, flash::NSCCR), ERRORS | flash::SR_EOP)?;
    ap1.write32(register(SIDE, flash::NSCR), flash::CR_PG)?;
    let written = steps.iter().try_for_each(|step| match *step {
        Step::Write { address, value } => program_half(session, address, value),
        Step::Lock => Ok(()),
    });
    // The controller is locked again whatever came of it.
    let locked = session.ap1().write32(register(SIDE, flash::NSCR), flash::CR_LOCK);
    written?;
    Ok(locked?)
}

fn program_half(session: &mut Session, address: u32, value: u16) -> Result<()> {
    session.ap1().write16(address, value)?;
    wait_until_idle(session, SIDE)?;
    let status = session.ap1().read32(register(SIDE, flash::NSSR))? & ERRORS;
    let found = match session.ap1().read16(address) {
        Ok(found) if found == value && status == 0 => return Ok(()),
        Ok(_) => format!("another value, with status {status:#010x}"),
        Err(LinkError::Fault { .. }) => format!("as an error, with status {status:#010x}"),
        Err(error) => return Err(error.into()),
    };
    Err(OtpError::Write { address, found }.into())
}

fn lock(session: &mut Session) -> Result<()> {
    let mut word = session.ap1().read32(register(SIDE, flash::OTPBLR_CUR))?;
    // A run that was interrupted between the two keys left registers that stay locked until the reset that ends the first attempt.
    for _ in 0..2 {
        change(session, SIDE, &[(OTPBLR_PRG, word | LOCK_BIT)])?;
        reset::pulse(session)?;
        word = session.ap1().read32(register(SIDE, flash::OTPBLR_CUR))?;
        if word & LOCK_BIT != 0 {
            return Ok(());
        }
    }
    fail(OtpError::Lock { word })
}
