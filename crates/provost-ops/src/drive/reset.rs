//! NRST: proving that it reaches the chip, and leaving the ROM by it.

use super::session::Session;
use crate::fault::{Result, faults};

faults! {
    /// Why a reset did not do what it is for.
    pub enum ResetError {
        /// NRST was pulsed and the core did not see it.
        #[error("NRST was driven low and the core saw no reset: the probe's reset line does not reach the chip")]
        NrstNotWired = "nrst-not-wired", PersonMustAct, [DaNeedsNrst] {
            causes: [
                "the reset line of the probe is not connected to NRST of the chip (four-wire adapters leave it out)",
                "a reset supervisor or a capacitor holds NRST",
            ],
            next: ["connect NRST, then run the same command again; nothing was written"],
        }
        /// The chip stays in RSS-DA.
        #[error("the chip stays in its Debug Authentication ROM after an NRST pulse")]
        StaysInRssDa = "da-power-cycle-needed", PersonMustAct, [RssDaStays] {
            causes: ["this chip leaves its Debug Authentication ROM only when power is removed"],
            next: [
                "remove all power (target USB too) for some seconds, give it back, run the same command again: the journal goes on where it stopped",
            ],
        }
    }
}

/// Whether the core sees a reset when NRST is pulsed (rule `R-DA-NEEDS-NRST`).
///
/// # Errors
/// AP1 is shut, or does not open again ([`ResetError::StaysInRssDa`]); the link breaks.
pub fn reaches(session: &mut Session) -> Result<bool> {
    // Reading clears what an earlier reset left.
    session.core_saw_reset()?;
    leave_rom(session)?;
    Ok(session.core_saw_reset()?)
}

/// Proves that NRST reaches the chip.
///
/// # Errors
/// [`ResetError::NrstNotWired`], and those of [`reaches`].
pub fn prove(session: &mut Session) -> Result<()> {
    if reaches(session)? { Ok(()) } else { Err(ResetError::NrstNotWired.into()) }
}

/// Leaves RSS-DA, or whatever else runs, by an NRST pulse (rule `R-RSS-DA-STAYS`).
///
/// # Errors
/// [`ResetError::StaysInRssDa`]; the link breaks.
pub fn leave_rom(session: &mut Session) -> Result<()> {
    if pulse(session)? { Ok(()) } else { Err(ResetError::StaysInRssDa.into()) }
}

/// Pulses NRST and says whether AP1 is open afterwards.
///
/// # Errors
/// The probe cannot drive NRST; the link breaks.
pub fn pulse(session: &mut Session) -> Result<bool> {
    session.pulse_nrst()?;
    Ok(session.wait_for_ap1()?)
}
