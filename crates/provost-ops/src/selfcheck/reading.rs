//! What reading alone tells; and whether a chip is one that may be measured.

use std::collections::BTreeMap;

use provost_chip::{
    option_bytes::OptionField,
    parts::{FlashSize, PartId},
    registers::dbgmcu,
    states::{ProductState, TrustZone},
};

use super::{Findings, Level, SelfcheckError, Wish, error::shown};
use crate::{
    Narrator,
    drive::{
        identify::{Identity, identify, parts_text},
        look,
        session::Session,
    },
    fault::{Result, fail},
    flash::FlashError,
    option_bytes::OptionBytes,
};

/// A chip that may be measured, as it was found.
pub(super) struct Before {
    pub(super) identity: Identity,
    pub(super) parts: Vec<PartId>,
    /// The option words in force.
    words: BTreeMap<u16, u32>,
    flash: FlashSize,
}

/// Looks at the chip: whether it may be measured, and what reading tells.
pub(super) fn look(
    session: &mut Session,
    wish: &Wish,
    findings: &mut Findings,
    narrator: &mut dyn Narrator,
) -> Result<Before> {
    narrator.step("identify the chip, reading only", &[]);
    let identity = identify(session)?;
    narrator.note(&identity.to_string());
    let (parts, options) = open(session, &identity, wish)?;
    let flash = identity.flash_size(wish.part).ok_or_else(|| FlashError::SizeUnknown { parts: parts_text(&parts) })?;
    let whole = wish.level == Level::Provisioning;
    narrator.step(
        if whole { "read all of flash: is it empty?" } else { "read the beginning of each sector: is it empty?" },
        &[],
    );
    let total = u64::from(flash.bytes());
    if let Some(address) =
        look::first_programmed(session, flash.bytes(), whole, &mut |done| narrator.progress(done, total))?
    {
        return fail(SelfcheckError::NotEmpty { address });
    }
    addresses(session, &identity, findings)?;
    otp(session, findings)?;
    Ok(Before { words: words(&options), identity, parts, flash })
}

/// The parts and the option bytes of a chip that is Open and at rest.
fn open(session: &mut Session, identity: &Identity, wish: &Wish) -> Result<(Vec<PartId>, OptionBytes)> {
    let options = identity.options;
    let (state, pending) = (identity.state()?, options.and_then(|o| o.pending_state()));
    let tz = options.map(|o| o.trustzone());
    if state != Some(ProductState::Open) || pending.is_some() || tz != Some(TrustZone::Disabled) {
        return fail(SelfcheckError::NotOpen { found: shown(state, pending, tz) });
    }
    let bytes = OptionBytes::read(session, identity, wish.part)?;
    if let Some((field, _)) = bytes.pending().first() {
        return fail(SelfcheckError::NotOpen { found: format!("{} waiting for a reset", field.name) });
    }
    if wish.level == Level::Provisioning {
        as_delivered(&bytes)?;
    }
    Ok((bytes.parts.clone(), bytes))
}

/// What a regression makes of an option byte that is not as delivered is not known.
fn as_delivered(bytes: &OptionBytes) -> Result<()> {
    for field in OptionField::of(bytes.part()) {
        if let (Some(value), Some(default)) = (bytes.value(field), field.default)
            && value != default
        {
            return fail(SelfcheckError::NotAsDelivered { field: field.name, value });
        }
    }
    Ok(())
}

fn words(bytes: &OptionBytes) -> BTreeMap<u16, u32> {
    OptionField::of(bytes.part()).map(|field| (field.offset_cur, bytes.word(field).current)).collect()
}

fn addresses(session: &mut Session, identity: &Identity, findings: &mut Findings) -> Result<()> {
    let mut seen = [false; 2];
    for (seen, base) in seen.iter_mut().zip(dbgmcu::BASES) {
        *seen = look::dbgmcu_at(session, base, identity.dev_id)?;
    }
    let (value, at) = match seen {
        [true, true] => ("both", "at both addresses"),
        [true, false] => ("e0044000", "at 0xE0044000 only"),
        [false, _] => ("e00e4000", "at 0xE00E4000 only"),
    };
    findings.settle("dbgmcu-address", value, format!("AP0 shows its identity {at}"));
    Ok(())
}

fn otp(session: &mut Session, findings: &mut Findings) -> Result<()> {
    let name = "otp-blank-read";
    match look::last_of_otp(session)? {
        None => findings.settle(name, "faults", "a read of the last half-word of OTP was answered FAULT"),
        Some(u16::MAX) => findings.settle(name, "ones", "the last half-word of OTP reads 0xFFFF"),
        Some(_) => findings.unseen(name, "the last half-word of OTP is programmed"),
    }
    Ok(())
}

/// Whether the chip is as it was found: Open, empty, every option word the same.
pub(super) fn is_as(session: &mut Session, before: &Before, narrator: &mut dyn Narrator) -> Result<bool> {
    narrator.step("is the chip as it was found?", &[]);
    let identity = identify(session)?;
    let state = identity.state()?;
    narrator.note(&identity.to_string());
    if state != Some(ProductState::Open) {
        return Ok(false);
    }
    let same = words(&OptionBytes::read(session, &identity, None)?) == before.words;
    let empty = look::first_programmed(session, before.flash.bytes(), false, &mut |_| {})?.is_none();
    Ok(same && empty && identity.nothing_pending().is_ok())
}
