//! The option words of a chip in Open, all of them, by ST's register names: read, compared, written back.

use std::{collections::BTreeMap, time::Duration};

use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    registers::{SECURE_PERIPHERAL, flash},
    states::{ProductState, TrustZone},
};
use provost_link::{LinkError, Security};

use crate::{error::Result, session::Session};

/// HAL `FLASH_TIMEOUT_VALUE`.
const TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(1);

/// Through which alias the flash registers are reached.
///
/// With TrustZone on, STM32CubeProgrammer's data base uses the secure alias in Open and the non-secure one everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// 0x4002_2000, non-secure transfers.
    NonSecure,
    /// 0x5002_2000, secure transfers.
    Secure,
}

impl View {
    /// The view that a debugger has of a chip in this state.
    pub fn of(state: ProductState, tz: TrustZone) -> Self {
        let secure = state == ProductState::Open && tz == TrustZone::Enabled;
        if secure { Self::Secure } else { Self::NonSecure }
    }

    /// The security attribute of its transfers.
    pub const fn security(self) -> Security {
        match self {
            Self::NonSecure => Security::NonSecure,
            Self::Secure => Security::Secure,
        }
    }

    /// The address of a flash register.
    pub const fn register(self, offset: u16) -> u32 {
        let alias = match self {
            Self::NonSecure => 0,
            Self::Secure => SECURE_PERIPHERAL,
        };
        flash::BASE + alias + offset as u32
    }
}

/// Option words in force, by register name (`FLASH_OPTSR`). The epoch counters, which only ever count up, are left out.
pub type Words = BTreeMap<String, u32>;

/// An option register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Register {
    pub(super) name: &'static str,
    pub(super) cur: u16,
    pub(super) prg: u16,
}

/// The option registers of a part, in the order of their addresses.
pub(super) fn registers(part: PartId) -> Vec<Register> {
    let mut found: Vec<Register> = OptionField::of(part)
        .filter(|f| !f.name.ends_with("_EPOCH"))
        .map(|f| Register { name: f.register, cur: f.offset_cur, prg: f.offset_prg })
        .collect();
    found.sort_by_key(|r| r.cur);
    found.dedup();
    found
}

/// A field's value in these words; `None` where the part has no such field.
pub fn field(part: PartId, words: &Words, name: &str) -> Option<u32> {
    let field = OptionField::find(part, name)?;
    words.get(field.register).map(|word| field.get(*word))
}

/// These words with one field set; unchanged where the part has no such field.
pub fn with_field(part: PartId, words: &mut Words, name: &str, value: u32) {
    if let Some(field) = OptionField::find(part, name)
        && let Some(word) = words.get_mut(field.register)
    {
        *word = field.set(*word, value);
    }
}

/// Reads the words in force, and the names of the registers whose programmed value waits for a reset.
///
/// # Errors
/// AP1 is shut, or the link breaks.
pub fn read(session: &mut Session, part: PartId, view: View) -> Result<(Words, Vec<String>), LinkError> {
    let (mut words, mut pending) = (Words::new(), Vec::new());
    let mut ap1 = session.ap1_as(view.security());
    for register in registers(part) {
        let mut pair = [0; 2];
        ap1.read_block32(view.register(register.cur), &mut pair)?;
        if pair[0] != pair[1] {
            pending.push(register.name.to_owned());
        }
        words.insert(register.name.to_owned(), pair[0]);
    }
    Ok((words, pending))
}

/// Programs those of the words that differ from `now`, in one launch. A refusal (OPTCHANGEERR) is left for the read-back to show;
/// what was written takes effect with the next reset.
///
/// # Errors
/// The link breaks.
pub fn program(session: &mut Session, part: PartId, view: View, now: &Words, wanted: &Words) -> Result<(), LinkError> {
    let changes: Vec<(u16, u32)> = registers(part)
        .into_iter()
        .filter_map(|r| wanted.get(r.name).filter(|w| now.get(r.name) != Some(*w)).map(|w| (r.prg, *w)))
        .collect();
    unlock(session, view)?;
    let mut ap1 = session.ap1_as(view.security());
    for (offset, word) in changes {
        ap1.write32(view.register(offset), word)?;
    }
    launch(session, view)?;
    wait_until_idle(session, view)?;
    lock(session, view)
}

/// Writes PRODUCT_STATE. It takes effect with the next reset, which the caller gives.
///
/// # Errors
/// The link breaks before the write was launched. What happens to the link afterwards is no error: a chip that closes shuts
/// it, as every tool reports (STM32CubeH5 ROT_Provisioning scripts leave the result unchecked).
pub fn write_product_state(session: &mut Session, to: ProductState, view: View) -> Result<(), LinkError> {
    let optsr = session.ap1_as(view.security()).read32(view.register(flash::OPTSR_CUR))?;
    let word = optsr & 0xFFFF_00FF | u32::from(to.code()) << 8;
    unlock(session, view)?;
    session.ap1_as(view.security()).write32(view.register(flash::OPTSR_PRG), word)?;
    launch(session, view)?;
    match wait_until_idle(session, view).and_then(|()| lock(session, view)) {
        Err(error @ LinkError::ProbeLost { .. }) => Err(error),
        _ => Ok(()),
    }
}

fn unlock(session: &mut Session, view: View) -> Result<(), LinkError> {
    let mut ap1 = session.ap1_as(view.security());
    ap1.write32(view.register(flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    if ap1.read32(view.register(flash::OPTCR))? & flash::OPTCR_OPTLOCK != 0 {
        for key in flash::OPT_KEYS {
            ap1.write32(view.register(flash::OPTKEYR), key)?;
        }
    }
    Ok(())
}

fn launch(session: &mut Session, view: View) -> Result<(), LinkError> {
    session.ap1_as(view.security()).write32(view.register(flash::OPTCR), flash::OPTCR_OPTSTRT)
}

fn lock(session: &mut Session, view: View) -> Result<(), LinkError> {
    let mut ap1 = session.ap1_as(view.security());
    ap1.write32(view.register(flash::NSCCR), flash::SR_OPTCHANGEERR)?;
    ap1.write32(view.register(flash::OPTCR), flash::OPTCR_OPTLOCK)
}

pub(super) fn wait_until_idle(session: &mut Session, view: View) -> Result<(), LinkError> {
    let busy = flash::SR_BSY | flash::SR_WBNE | flash::SR_DBNE;
    let end = session.now() + TIMEOUT;
    loop {
        if session.ap1_as(view.security()).read32(view.register(flash::NSSR))? & busy == 0 {
            return Ok(());
        }
        if session.now() >= end {
            return Err(LinkError::Timeout { what: "end of the option change", after: TIMEOUT });
        }
        session.sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_registers_once_and_no_counter_among_them() {
        for part in PartId::all() {
            let found = registers(part);
            assert!(found.len() >= 8, "{part}");
            assert!(found.windows(2).all(|pair| pair[0].cur < pair[1].cur), "{part}");
            assert!(found.iter().all(|r| !r.name.contains("EPOCH")), "{part}");
        }
    }

    #[test]
    fn the_secure_alias_is_for_open_with_trustzone_alone() {
        for state in ProductState::ALL {
            for tz in TrustZone::ALL {
                let secure = View::of(state, tz) == View::Secure;
                assert_eq!(secure, state == ProductState::Open && tz == TrustZone::Enabled);
            }
        }
        // CMSIS: FLASH_R_BASE_S = 0x50022000.
        assert_eq!(View::Secure.register(0x54), 0x5002_2054);
    }
}
