//! A checked change carried out: program registers, one launch, one reset, read back.

use provost_chip::{order_code::OrderCode, registers::core_debug, rules::RuleId};
use provost_link::LinkError;
use serde::Serialize;

use super::{
    change::Change,
    error::{Mismatch, OptionError, Refused},
    read::OptionBytes,
};
use crate::{
    Narrator,
    drive::{bootloader::Bootloader, launch, session::Session, target::link_broke},
    fault::{Failure, Result, fail},
};

/// AIRCR: the key and SYSRESETREQ (Arm DDI 0553).
const SYSRESETREQ: u32 = 0x05FA_0004;

/// What a change came to.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// How the chip was reset: `nrst`, `software` or `bootloader`; `none` if nothing had to change.
    pub reset: &'static str,
    /// Whether every field was read back with its new value.
    pub verified: bool,
    /// The option bytes after it.
    #[serde(skip)]
    pub after: OptionBytes,
}

/// Carries out a change: several registers, one launch, one reset, and every field read back.
///
/// # Errors
/// The chip refuses or ignores it, the reset is not seen, something else stands there afterwards, or the link breaks.
pub fn apply(
    session: &mut Session,
    bytes: &OptionBytes,
    change: Change,
    narrator: &mut dyn Narrator,
) -> Result<Applied> {
    if change.is_empty() {
        return Ok(Applied { change, reset: "none", verified: true, after: bytes.clone() });
    }
    narrator.step("program the option bytes", &[RuleId::OptionChangeWhole]);
    tell(&change, narrator);
    let broken = |doing| move |source: Failure| if link_broke(&source) { interrupted(doing, source) } else { source };
    program_unlocked(session, bytes, &change, narrator).map_err(broken("changing the option bytes"))?;
    narrator.step("reset the chip, which makes them take effect", &[]);
    let reset = reset(session, bytes).map_err(broken("resetting the chip after the option change"))?;
    let Some(reset) = reset else { return fail(OptionError::NeedsReset) };
    narrator.step("read back", &[]);
    let after = bytes.read_again(session).map_err(broken("reading the option bytes back"))?;
    verify(change, reset, after)
}

/// The same through the ROM bootloader: an image and a reset at a time.
///
/// # Errors
/// Something else stands there afterwards, the bootloader does not come back, or the line breaks.
pub fn apply_by_bootloader(
    boot: &mut Bootloader,
    bytes: &OptionBytes,
    change: Change,
    narrator: &mut dyn Narrator,
) -> Result<Applied> {
    if change.is_empty() {
        return Ok(Applied { change, reset: "none", verified: true, after: bytes.clone() });
    }
    narrator.step("write the option images, every other word filled from the one in force", &[RuleId::BootloaderAck]);
    tell(&change, narrator);
    boot.change_options(bytes.part(), &change.words)?;
    narrator.step("read back", &[]);
    let after = OptionBytes::by_bootloader(boot, Some(OrderCode { part: bytes.part(), flash: bytes.flash }))?;
    verify(change, "bootloader", after)
}

/// Tells each field that changes.
fn tell(change: &Change, narrator: &mut dyn Narrator) {
    for field in &change.fields {
        narrator.note(&format!("{} {} -> {}", field.name, field.before, field.after));
    }
}

/// Holds what stands there now against what was wanted.
fn verify(change: Change, reset: &'static str, after: OptionBytes) -> Result<Applied> {
    let wrong: Vec<Mismatch> = change
        .fields
        .iter()
        .filter_map(|f| {
            let found = after.value(f.field);
            // What the secure world keeps from us now cannot be compared.
            let differs = found.is_some_and(|v| v != f.value);
            differs.then(|| Mismatch {
                field: f.name,
                wanted: f.after.clone(),
                found: found.map(|v| f.field.hex(v)).unwrap_or_default(),
            })
        })
        .collect();
    if !wrong.is_empty() {
        return Err(OptionError::NotVerified { fields: wrong }.into());
    }
    let verified = change.fields.iter().all(|f| after.value(f.field).is_some());
    Ok(Applied { change, reset, verified, after })
}

/// From the first program register on, what a broken link leaves is for the next run to look at.
fn interrupted(doing: &'static str, source: Failure) -> Failure {
    OptionError::Interrupted { doing, source }.into()
}

/// A run that was interrupted between the two keys left registers that stay locked until a reset. Where nothing waits for a reset,
/// one changes nothing else.
fn program_unlocked(
    session: &mut Session,
    bytes: &OptionBytes,
    change: &Change,
    narrator: &mut dyn Narrator,
) -> Result<()> {
    match program(session, bytes, change) {
        Err(error) if matches!(error.of(), Some(OptionError::WriteIgnored { .. })) && bytes.pending().is_empty() => {
            narrator.note("the registers do not unlock, as after an interrupted change: reset the chip, and once more");
            reset(session, bytes)?;
            program(session, bytes, change)
        }
        done => done,
    }
}

/// Program registers, checked before the launch: what they hold is what the chip is about to do.
fn program(session: &mut Session, bytes: &OptionBytes, change: &Change) -> Result<()> {
    let side = bytes.side();
    let words: Vec<(u16, u32)> = change.words.iter().map(|(offset, _, after)| (*offset, *after)).collect();
    let before: Vec<(u16, u32)> = change.words.iter().map(|(offset, before, _)| (*offset, *before)).collect();
    launch::program(session, side, &words)?;
    for (offset, wanted) in &words {
        let found = session.ap1_as(side).read32(launch::register(side, *offset))?;
        if found != *wanted {
            // Nobody else's launch shall carry out half of this.
            launch::write(session, side, &before)?;
            launch::lock(session, side)?;
            let field = change.fields.iter().find(|f| f.field.offset_prg == *offset);
            let register = field.map_or("FLASH", |f| f.field.register);
            return Err(OptionError::WriteIgnored { register, wanted: *wanted, found }.into());
        }
    }
    let status = launch::start(session, side)?;
    if status & provost_chip::registers::flash::SR_OPTCHANGEERR != 0 {
        launch::write(session, side, &before)?;
        launch::lock(session, side)?;
        let fields = change.fields.iter().filter_map(|f| {
            let rule = bytes.worlds(|c| c.field(f.field, f.value)).into_iter().find(|d| d.outcome.is_none())?.rule;
            Some(Refused { field: f.name, wanted: f.after.clone(), rule })
        });
        return Err(OptionError::ChangeRefused { status, fields: fields.collect() }.into());
    }
    launch::lock(session, side)?;
    Ok(())
}

/// Resets through NRST and, if the core does not see that, through AIRCR; `None` if it sees neither.
fn reset(session: &mut Session, bytes: &OptionBytes) -> Result<Option<&'static str>> {
    // What DHCSR remembers of earlier resets is forgotten by this.
    session.core_saw_reset()?;
    match session.pulse_nrst() {
        Ok(()) | Err(LinkError::NrstUnsupported { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if !session.wait_for_ap1()? {
        return Err(OptionError::NotVisible.into());
    }
    if session.core_saw_reset()? {
        return Ok(Some("nrst"));
    }
    match session.ap1_as(bytes.side()).write32(core_debug::AIRCR, SYSRESETREQ) {
        // The reset may cut off the answer.
        Ok(()) | Err(LinkError::Fault { .. } | LinkError::Wait { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok((session.wait_for_ap1()? && session.core_saw_reset()?).then_some("software"))
}
