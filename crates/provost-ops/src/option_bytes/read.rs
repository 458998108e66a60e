//! Every option register of a part, as read through AP1.

use std::collections::{BTreeMap, BTreeSet};

use provost_chip::{
    assumptions::Assumptions,
    model::{Chip, Execution, Firmware, access, access::Ap1, option_change::OptionChange},
    option_bytes::OptionField,
    order_code::OrderCode,
    parts::{FlashSize, PartId},
    registers::flash,
    side::Side,
    states::{BootUbe, ProductState, TrustZone},
    unique_id::UniqueId,
};
use provost_link::LinkError;

use super::error::OptionError;
use crate::{
    drive::{
        bootloader::Bootloader,
        identify::{Identity, Options, read_options, read_who},
        launch,
        session::Session,
    },
    fault::{Failure, Result},
};

/// The switches that decide what an option change is answered.
const DECIDING: [&str; 2] = ["tzen-in-provisioning", "forward-from-closed"];

/// Words between two registers that are cheaper to read along than to pass over: TAR and RDBUFF cost two transactions.
const GAP: u16 = 2;

/// One option register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// `_CUR`: in force.
    pub current: u32,
    /// `_PRG`: what the next reset brings.
    pub program: u32,
    /// A non-secure access reads zero where the secure world has its own (rule `R-SECURE-ALIAS-READS-ZERO`).
    pub hidden: bool,
}

/// The option bytes of a chip.
#[derive(Debug, Clone)]
pub struct OptionBytes {
    /// The parts that the chip may be; the first one's table is used.
    pub parts: Vec<PartId>,
    /// The chip as far as its option bytes and its state say.
    pub chip: Chip,
    /// How far AP1 is open.
    pub view: Ap1,
    /// 96-bit unique id, where it can be read.
    pub uid: Option<UniqueId>,
    /// How large the flash is; `None` where nothing says.
    pub flash: Option<FlashSize>,
    side: Side,
    words: BTreeMap<u16, Word>,
}

/// Unique id and flash size, as far as they are known.
type Who = (Option<UniqueId>, Option<FlashSize>);

impl OptionBytes {
    /// Reads them. Only reads; the chip goes on as it was.
    ///
    /// # Errors
    /// AP1 is shut, the state is unknown, the part named does not fit, or the link breaks.
    pub fn read(session: &mut Session, identity: &Identity, given: Option<OrderCode>) -> Result<Self> {
        let parts = identity.narrowed_to(given)?;
        identity.state()?;
        let options = identity.options.ok_or(OptionError::NotVisible)?;
        // Outside Open the size may be masked, or not: it is asked for where something depends on it.
        let flash = match identity.flash {
            None if parts.iter().any(|p| p.info().only_flash().is_none()) => read_who(session, &parts)?.1,
            measured => measured,
        };
        let identity = Identity { flash, ..identity.clone() };
        identity.narrowed_to(given)?;
        Self::over_swd(session, parts, options, (identity.uid, identity.flash_size(given)))
    }

    /// Reads them again, after a reset may have changed everything.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_again(&self, session: &mut Session) -> Result<Self> {
        let options = read_options(session)?.ok_or(OptionError::NotVisible)?;
        Self::over_swd(session, self.parts.clone(), options, (self.uid, self.flash))
    }

    /// Reads them through the ROM bootloader. Only reads.
    ///
    /// # Errors
    /// The state is unknown, the part named does not fit, or the line breaks.
    pub fn by_bootloader(boot: &mut Bootloader, given: Option<OrderCode>) -> Result<Self> {
        let parts = boot.parts(given.map(|code| code.part))?;
        let seen = boot.see()?;
        let flash = seen.flash.or_else(|| given.and_then(|code| code.flash));
        let images = boot.option_images()?;
        Self::assemble(parts, images.options(), (seen.uid, flash), &all, |_, offsets| {
            Ok(offsets.iter().map(|offset| (*offset, images.register(*offset))).collect())
        })
    }

    /// Reads the words in force that these fields lie in, and none that identification has read; the others cannot be seen. For who only
    /// looks: what waits for a reset is not asked for.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn glance(
        session: &mut Session,
        identity: &Identity,
        wanted: &dyn Fn(&OptionField) -> bool,
    ) -> Result<Self> {
        let options = identity.options.ok_or(OptionError::NotVisible)?;
        let who = (identity.uid, identity.flash_size(None));
        Self::assemble(identity.parts.clone(), options, who, wanted, |side, offsets| {
            beside(session, side, &options, offsets, &is_in_force)
        })
    }

    fn over_swd(session: &mut Session, parts: Vec<PartId>, options: Options, who: Who) -> Result<Self> {
        Self::assemble(parts, options, who, &all, |side, offsets| beside(session, side, &options, offsets, &|_| true))
    }

    /// `fetch` gives words of the flash controller by their offsets, as a side sees them: `_CUR` registers, and the `_PRG` registers that
    /// follow them. A `_PRG` register that it leaves out is taken for the same as its `_CUR`.
    fn assemble(
        parts: Vec<PartId>,
        options: Options,
        (uid, flash): Who,
        wanted: &dyn Fn(&OptionField) -> bool,
        fetch: impl FnOnce(Side, &BTreeSet<u16>) -> Result<BTreeMap<u16, u32>>,
    ) -> Result<Self> {
        let (part, state) = match (parts.first(), options.state()) {
            (Some(part), Some(state)) => (*part, state),
            _ => return Err(OptionError::NotVisible.into()),
        };
        let chip = model_chip(part, state, &options);
        let side = launch::side_of(state, options.trustzone());
        let registers: BTreeSet<u16> = OptionField::of(part).filter(|f| wanted(f)).map(|f| f.offset_cur).collect();
        let fetched = fetch(side, &registers.iter().flat_map(|offset| [*offset, offset + 4]).collect())?;
        let mut words = BTreeMap::new();
        for offset in registers {
            let Some(&current) = fetched.get(&offset) else { return Err(OptionError::NotVisible.into()) };
            let program = fetched.get(&(offset + 4)).copied().unwrap_or(current);
            let secure_only =
                matches!(offset, flash::SECEPOCHR_CUR | flash::SECBOOTR_CUR | flash::SECWM1R_CUR | flash::SECWM2R_CUR);
            let hidden = secure_only && chip.tz == TrustZone::Enabled && side == Side::NonSecure && current == 0;
            words.insert(offset, Word { current, program, hidden });
        }
        let view = access::ap1(&chip).outcome;
        Ok(Self { parts, chip, view, uid, flash, side, words })
    }

    /// The part whose table is used.
    pub const fn part(&self) -> PartId {
        self.chip.part
    }

    /// The register of a field; zero where there is none.
    pub fn word(&self, field: &OptionField) -> Word {
        self.words.get(&field.offset_cur).copied().unwrap_or(Word { current: 0, program: 0, hidden: true })
    }

    /// The value of a field in force; `None` where it cannot be seen.
    pub fn value(&self, field: &OptionField) -> Option<u32> {
        let word = self.word(field);
        (!word.hidden).then(|| field.get(word.current))
    }

    /// The fields that wait for a reset: name and the value to come.
    pub fn pending(&self) -> Vec<(&'static OptionField, u32)> {
        let waits = |field: &&OptionField| {
            let word = self.word(field);
            !word.hidden && field.get(word.current) != field.get(word.program)
        };
        OptionField::of(self.part()).filter(waits).map(|f| (f, f.get(self.word(f).program))).collect()
    }

    /// The word in force of the `_CUR` register at this offset; zero where there is none.
    pub fn register(&self, offset_cur: u16) -> u32 {
        self.words.get(&offset_cur).map_or(0, |w| w.current)
    }

    /// The product state that waits for a reset, if it is another one.
    pub fn pending_state(&self) -> Option<ProductState> {
        let word = self.words.get(&flash::OPTSR_CUR)?;
        let code = |word: u32| (word >> 8) as u8;
        ProductState::from_code(code(word.program)).filter(|_| code(word.program) != code(word.current))
    }

    pub(crate) const fn side(&self) -> Side {
        self.side
    }

    /// What the model says of a change of this field, in every world that the open questions allow.
    pub(crate) fn worlds<T>(&self, mut ask: impl FnMut(&OptionChange<'_>) -> T) -> Vec<T> {
        let loaded = |offset: u16| self.words.get(&offset).map_or(0, |w| w.current);
        let stored = |offset: u16| self.words.get(&offset).map_or(0, |w| w.program);
        Assumptions::combinations(&DECIDING)
            .map(|assumptions| {
                ask(&OptionChange {
                    chip: &self.chip,
                    view: self.view,
                    loaded: &loaded,
                    stored: &stored,
                    assumptions: &assumptions,
                })
            })
            .collect()
    }
}

/// Every field.
const fn all(_: &OptionField) -> bool {
    true
}

/// Whether an offset is that of a `_CUR` register: a `_PRG` register follows each, and all pairs are aligned.
const fn is_in_force(offset: u16) -> bool {
    offset & 4 == 0
}

/// What identification has read.
const fn known(options: &Options) -> [(u16, u32); 4] {
    [
        (flash::OPTSR_CUR, options.optsr_cur),
        (flash::OPTSR_CUR + 4, options.optsr_prg),
        (flash::OPTSR2_CUR, options.optsr2_cur),
        (flash::OPTSR2_CUR + 4, options.optsr2_prg),
    ]
}

/// Those of the words that identification has read, and the others that are wanted, from the chip.
fn beside(
    session: &mut Session,
    side: Side,
    options: &Options,
    offsets: &BTreeSet<u16>,
    wanted: &dyn Fn(u16) -> bool,
) -> Result<BTreeMap<u16, u32>> {
    let mut words: BTreeMap<u16, u32> = known(options).into();
    let others = offsets.iter().copied().filter(|offset| wanted(*offset) && !words.contains_key(offset)).collect();
    words.extend(blocks(session, side, &others)?);
    Ok(words)
}

/// Reads words of the flash controller in few blocks. Where one with a gap is refused, each piece of it is read by itself: nobody says
/// that what lies in a gap can be read.
fn blocks(session: &mut Session, side: Side, offsets: &BTreeSet<u16>) -> Result<BTreeMap<u16, u32>> {
    let mut words = BTreeMap::new();
    for block in runs(offsets, GAP) {
        match read_run(session, side, block, &mut words) {
            Err(LinkError::Fault { .. }) => {
                let within = offsets.range(block.0..=block.1).copied().collect();
                for piece in runs(&within, 0) {
                    read_run(session, side, piece, &mut words).map_err(not_visible)?;
                }
            }
            other => other.map_err(not_visible)?,
        }
    }
    Ok(words)
}

fn not_visible(error: LinkError) -> Failure {
    match error {
        LinkError::Fault { .. } | LinkError::ApDisabled { .. } => OptionError::NotVisible.into(),
        error => error.into(),
    }
}

/// First and last offset of each run of words with no gap of more than `gap` words in it.
fn runs(offsets: &BTreeSet<u16>, gap: u16) -> Vec<(u16, u16)> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for &offset in offsets {
        match runs.last_mut() {
            Some((_, last)) if offset - *last <= 4 * (gap + 1) => *last = offset,
            _ => runs.push((offset, offset)),
        }
    }
    runs
}

fn read_run(
    session: &mut Session,
    side: Side,
    (first, last): (u16, u16),
    words: &mut BTreeMap<u16, u32>,
) -> Result<(), LinkError> {
    let mut block = vec![0; usize::from((last - first) / 4) + 1];
    session.ap1_as(side).read_block32(launch::register(side, first), &mut block)?;
    words.extend((first..=last).step_by(4).zip(block));
    Ok(())
}

/// The chip as the model knows it, from what AP1 shows while it is open: whatever runs lets it be open.
fn model_chip(part: PartId, state: ProductState, options: &Options) -> Chip {
    let mut chip = Chip::factory(part);
    (chip.state, chip.tz) = (state, options.trustzone());
    chip.boot_ube = BootUbe::from_code((options.optsr_cur >> 22) as u8).unwrap_or(BootUbe::OemIrot);
    chip.firmware = Firmware { boots: true, non_secure: true, regresses: false, ..Firmware::default() };
    chip.runs = match state {
        ProductState::Provisioning => Execution::Bootloader,
        _ => Execution::User,
    };
    chip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_aligned_and_the_few_blocks_hold_them_all() {
        for part in PartId::all() {
            let registers: BTreeSet<u16> = OptionField::of(part).map(|f| f.offset_cur).collect();
            assert!(registers.iter().all(|offset| is_in_force(*offset) && offset % 8 == 0), "{part}");
            let words: BTreeSet<u16> = registers.iter().flat_map(|offset| [*offset, offset + 4]).collect();
            let blocks = runs(&words, GAP);
            assert!(blocks.len() <= 4, "{part}: {blocks:x?}");
            assert!(words.iter().all(|w| blocks.iter().any(|(first, last)| (first..=last).contains(&w))), "{part}");
            let gaps = |(first, last): &(u16, u16)| {
                (*first..=*last).step_by(4).filter(|offset| !words.contains(offset)).count()
            };
            // A gap that is read along is no dearer than a block of its own.
            let joined = runs(&words, 0).len() - blocks.len();
            assert!(blocks.iter().map(gaps).sum::<usize>() <= usize::from(GAP) * joined, "{part}: {blocks:x?}");
        }
    }
}
