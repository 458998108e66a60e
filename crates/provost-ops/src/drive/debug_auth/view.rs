//! What a debugger reaches now, measured over AP1; and what ends it.

use provost_chip::{
    registers::{core_debug, dbgmcu, sbs},
    side::Side,
};
use provost_link::LinkError;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::session::Session;
use crate::fault::Result;

/// DAUTHSTATUS: secure invasive debug is there and allowed (Arm DDI 0553, SID = 0b11).
const SECURE_INVASIVE: u32 = 0b11 << 4;
/// DHCSR.S_SDE.
const S_SDE: u32 = 1 << 20;

/// How far a debugger is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DebugView {
    /// Whether AP1 answers, and not only DBGMCU_SR says so.
    pub ap1: bool,
    /// Whether the secure side may be debugged: DAUTHSTATUS and DHCSR.S_SDE agree that it may.
    pub secure: bool,
    /// DAUTHSTATUS; none where AP1 does not answer.
    pub dauthstatus: Option<u32>,
    /// DHCSR.
    pub dhcsr: Option<u32>,
    /// SBS_DBGCR: what Debug Authentication has opened; 0 where nothing, or where this debugger may not see it.
    pub sbs_dbgcr: Option<u32>,
    /// DBGMCU_CR.DCRT: what was opened outlives a system reset, and ends with power alone.
    pub outlives_reset: bool,
}

impl DebugView {
    /// Whether this side may be debugged.
    pub const fn reaches(&self, side: Side) -> bool {
        match side {
            Side::Secure => self.ap1 && self.secure,
            Side::NonSecure => self.ap1,
        }
    }
}

/// Looks at it; reads only.
///
/// # Errors
/// The link breaks. That AP1 does not answer is no error.
pub fn debug_view(session: &mut Session) -> Result<DebugView> {
    let outlives_reset = read_cr(session)? & dbgmcu::CR_DCRT != 0;
    let shut = DebugView { ap1: false, secure: false, dauthstatus: None, dhcsr: None, sbs_dbgcr: None, outlives_reset };
    if !shown(session)? {
        return Ok(shut);
    }
    let mut read = |address| match session.ap1().read32(address) {
        Ok(word) => Ok(Some(word)),
        // Shown as open, and shut all the same.
        Err(LinkError::Fault { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let Some(dauthstatus) = read(core_debug::DAUTHSTATUS)? else { return Ok(shut) };
    let dhcsr = read(core_debug::DHCSR)?;
    let sbs_dbgcr = read(sbs::BASE + sbs::DBGCR)?;
    let secure = dauthstatus & SECURE_INVASIVE == SECURE_INVASIVE && dhcsr.is_some_and(|word| word & S_SDE != 0);
    Ok(DebugView { ap1: true, secure, dauthstatus: Some(dauthstatus), dhcsr, sbs_dbgcr, outlives_reset })
}

/// Asks DBGMCU to keep what will be opened over system resets (rule `R-OPENED-DEBUG-ENDS`); whether it does is in [`DebugView`].
///
/// # Errors
/// The link breaks.
pub fn keep_over_resets(session: &mut Session) -> Result<()> {
    write_cr(session, |word| word | dbgmcu::CR_DCRT)
}

/// Asks DBGMCU to end what was opened with the next system reset.
///
/// # Errors
/// The link breaks.
pub fn end_with_reset(session: &mut Session) -> Result<()> {
    write_cr(session, |word| word & !dbgmcu::CR_DCRT)
}

fn write_cr(session: &mut Session, change: impl Fn(u32) -> u32) -> Result<()> {
    let word = read_cr(session)?;
    let at = base(session) + dbgmcu::CR;
    Ok(session.ap0().write32(at, change(word))?)
}

fn base(session: &Session) -> u32 {
    session.dbgmcu().unwrap_or(dbgmcu::BASES[0])
}

fn read_cr(session: &mut Session) -> Result<u32, LinkError> {
    let at = base(session) + dbgmcu::CR;
    session.ap0().read32(at)
}

/// Whether DBGMCU_SR shows AP1 as open, after the time that a boot may take.
fn shown(session: &mut Session) -> Result<bool, LinkError> {
    session.wait_for_ap1()
}
