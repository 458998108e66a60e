//! Every option register of a part, as read through AP1.

use std::collections::BTreeMap;

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
    fault::Result,
};

/// The switches that decide what an option change is answered.
const DECIDING: [&str; 2] = ["tzen-in-provisioning", "forward-from-closed"];

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
        Self::assemble(parts, images.options(), (seen.uid, flash), |_, offset| {
            Ok([images.register(offset), images.register(offset + 4)])
        })
    }

    fn over_swd(session: &mut Session, parts: Vec<PartId>, options: Options, who: Who) -> Result<Self> {
        Self::assemble(parts, options, who, |side, offset| {
            let mut pair = [0; 2];
            match session.ap1_as(side).read_block32(launch::register(side, offset), &mut pair) {
                Ok(()) => Ok(pair),
                Err(LinkError::Fault { .. } | LinkError::ApDisabled { .. }) => Err(OptionError::NotVisible.into()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// `pair` gives `_CUR` and `_PRG` of a register, as a side sees them.
    fn assemble(
        parts: Vec<PartId>,
        options: Options,
        (uid, flash): Who,
        mut pair: impl FnMut(Side, u16) -> Result<[u32; 2]>,
    ) -> Result<Self> {
        let (part, state) = match (parts.first(), options.state()) {
            (Some(part), Some(state)) => (*part, state),
            _ => return Err(OptionError::NotVisible.into()),
        };
        let chip = model_chip(part, state, &options);
        let side = launch::side_of(state, options.trustzone());
        let mut words = BTreeMap::new();
        for field in OptionField::of(part) {
            if words.contains_key(&field.offset_cur) {
                continue;
            }
            let [current, program] = pair(side, field.offset_cur)?;
            let secure_only = matches!(
                field.offset_cur,
                flash::SECEPOCHR_CUR | flash::SECBOOTR_CUR | flash::SECWM1R_CUR | flash::SECWM2R_CUR
            );
            let hidden = secure_only && chip.tz == TrustZone::Enabled && side == Side::NonSecure && current == 0;
            words.insert(field.offset_cur, Word { current, program, hidden });
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
