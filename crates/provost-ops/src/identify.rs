//! Who a chip is and how it is: reads only; never halts, never resets, never writes.

use provost_chip::{
    parts::PartId,
    registers::{dbgmcu, flash, memory},
    states::{ProductState, TrustZone},
    unique_id::UniqueId,
};
use provost_link::LinkError;
use serde::Serialize;

use crate::{
    error::{OpError, Result},
    fault::fail,
    session::Session,
};

/// How often a word that makes no sense is read again: right after a reset option registers may read garbage (wolfTrust).
const READ_ATTEMPTS: usize = 3;

/// What identification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// DPIDR.
    pub dpidr: u32,
    /// IDR of AP0.
    pub ap0_idr: u32,
    /// Where AP0 shows DBGMCU.
    pub dbgmcu: u32,
    /// DEV_ID.
    pub dev_id: u16,
    /// REV_ID.
    pub rev_id: u16,
    /// The lines that have this DEV_ID.
    pub parts: Vec<String>,
    /// DBGMCU_SR.
    pub sr: u32,
    /// What AP1 shows, if it is open.
    pub options: Option<Options>,
    /// The unique id, where it can be read (Open).
    pub uid: Option<UniqueId>,
}

/// The option words that decide a chip's life, as read through AP1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Options {
    /// FLASH_OPTSR_CUR.
    pub optsr_cur: u32,
    /// FLASH_OPTSR_PRG: what the next reset brings.
    pub optsr_prg: u32,
    /// FLASH_OPTSR2_CUR.
    pub optsr2_cur: u32,
    /// FLASH_OPTSR2_PRG: what the next reset brings.
    pub optsr2_prg: u32,
}

impl Options {
    /// The product state in force.
    pub const fn state(&self) -> Option<ProductState> {
        ProductState::from_code((self.optsr_cur >> 8) as u8)
    }

    /// The product state that waits for the next reset, if it is another one.
    pub fn pending_state(&self) -> Option<ProductState> {
        ProductState::from_code((self.optsr_prg >> 8) as u8).filter(|s| Some(*s) != self.state())
    }

    /// The TrustZone setting in force; off where the part has none.
    pub fn trustzone(&self) -> TrustZone {
        TrustZone::from_code((self.optsr2_cur >> 24) as u8).unwrap_or(TrustZone::Disabled)
    }
}

impl Identity {
    /// Whether AP1 is open.
    pub const fn ap1_open(&self) -> bool {
        self.sr >> 17 & 1 == 1
    }

    /// The parts it may be.
    pub fn part_ids(&self) -> impl Iterator<Item = PartId> {
        PartId::with_dev_id(self.dev_id)
    }

    /// The parts it may be, given what the user says it is.
    ///
    /// # Errors
    /// The DEV_ID is not that of the part.
    pub fn narrowed_to(&self, part: Option<PartId>) -> Result<Vec<PartId>> {
        match part {
            Some(p) if p.info().dev_id == self.dev_id => Ok(vec![p]),
            Some(p) => fail(OpError::PartMismatch { given: p.to_string(), dev_id: self.dev_id }),
            None => Ok(self.part_ids().collect()),
        }
    }

    /// The product state, if AP1 showed one.
    ///
    /// # Errors
    /// AP1 showed a word that is no state.
    pub fn state(&self) -> Result<Option<ProductState>> {
        match &self.options {
            None => Ok(None),
            Some(options) => match options.state() {
                Some(state) => Ok(Some(state)),
                None => fail(OpError::UnknownState { optsr: options.optsr_cur, code: (options.optsr_cur >> 8) as u8 }),
            },
        }
    }
}

/// Attaches and identifies (rule `R-IDENTIFY-BY-AP0`: AP1 is touched only if DBGMCU_SR says that it is open).
///
/// # Errors
/// Nobody answers, or what answers is no STM32H5.
pub fn identify(session: &mut Session) -> Result<Identity> {
    let dpidr = session.attach()?.0;
    let ap0_idr = session.ap0().idr()?;
    let (base, idcode) = find_dbgmcu(session, ap0_idr)?;
    let (dev_id, rev_id) = ((idcode & 0xFFF) as u16, (idcode >> 16) as u16);
    let parts: Vec<String> = PartId::with_dev_id(dev_id).map(|p| p.to_string()).collect();
    if parts.is_empty() {
        return fail(OpError::UnknownPart { dev_id, rev_id });
    }
    session.set_dbgmcu(base);
    let sr = session.ap0().read32(base + dbgmcu::SR)?;
    let mut identity = Identity { dpidr, ap0_idr, dbgmcu: base, dev_id, rev_id, parts, sr, options: None, uid: None };
    if identity.ap1_open() {
        identity.options = read_options(session)?;
        if identity.options.and_then(|o| o.state()) == Some(ProductState::Open) {
            identity.uid = read_uid(session)?;
        }
    }
    Ok(identity)
}

fn find_dbgmcu(session: &mut Session, ap0_idr: u32) -> Result<(u32, u32)> {
    let mut seen = 0;
    for base in dbgmcu::BASES {
        let idcode = match session.ap0().read32(base + dbgmcu::IDCODE) {
            Ok(word) => word,
            Err(LinkError::Fault { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        if PartId::with_dev_id((idcode & 0xFFF) as u16).next().is_some() {
            return Ok((base, idcode));
        }
        seen = if seen == 0 { idcode } else { seen };
    }
    match seen {
        0 | u32::MAX => fail(OpError::NoDbgmcu { ap0_idr, found: seen }),
        idcode => fail(OpError::UnknownPart { dev_id: (idcode & 0xFFF) as u16, rev_id: (idcode >> 16) as u16 }),
    }
}

/// Reads the deciding option words through the non-secure alias, which works in every state that has AP1 open.
///
/// `None` if AP1 shut meanwhile or the words never made sense.
pub(crate) fn read_options(session: &mut Session) -> Result<Option<Options>, LinkError> {
    let mut last = None;
    for _ in 0..READ_ATTEMPTS {
        let mut words = [0; 2];
        let mut words2 = [0; 2];
        let mut ap1 = session.ap1();
        let read = ap1
            .read_block32(flash::BASE + u32::from(flash::OPTSR_CUR), &mut words)
            .and_then(|()| ap1.read_block32(flash::BASE + u32::from(flash::OPTSR2_CUR), &mut words2));
        match read {
            Ok(()) => {}
            Err(LinkError::Fault { .. } | LinkError::ApDisabled { .. }) => return Ok(last),
            Err(error) => return Err(error),
        }
        let options =
            Options { optsr_cur: words[0], optsr_prg: words[1], optsr2_cur: words2[0], optsr2_prg: words2[1] };
        // Zero is never a state (rule R-OPTIONS-READ-ZERO-IN-RESET).
        if options.optsr_cur != 0 {
            last = Some(options);
        }
        if options.state().is_some() {
            break;
        }
    }
    Ok(last)
}

fn read_uid(session: &mut Session) -> Result<Option<UniqueId>, LinkError> {
    let mut uid = [0; 3];
    match session.ap1().read_block32(memory::UID, &mut uid) {
        Ok(()) => Ok(UniqueId::new(uid)),
        Err(LinkError::Fault { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
