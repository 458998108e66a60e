//! Debug that an authentication opens: for which side, from which isolation level on, and what of it a chip shows.

use super::{Chip, Execution, access::Ap1};
use crate::{
    assumptions::{Assumptions, DebugHdpl},
    registers::sbs,
    rules::{Decision, RuleId},
    side::Side,
    states::ProductState,
};

/// A temporal isolation level of code (SBS_HDPLSR). It only rises until the next reset; level 0 is ST's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(clippy::exhaustive_enums, reason = "the values of the hardware")]
pub enum Hdpl {
    /// Where the owner's first code starts.
    #[default]
    One,
    /// A second boot stage, or what ST-iRoT starts.
    Two,
    /// The application.
    Three,
}

impl Hdpl {
    /// All levels that are the owner's.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The level with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }

    /// Its code in SBS_HDPLSR and SBS_DBGCR (SVD).
    pub const fn code(self) -> u8 {
        match self {
            Self::One => 0x51,
            Self::Two => 0x8A,
            Self::Three => 0x6F,
        }
    }
}

/// What a debug permission opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a permission has these two parts")]
pub struct Opening {
    /// `Secure` opens both sides, `NonSecure` that one alone.
    pub side: Side,
    /// The level from which on.
    pub level: Hdpl,
}

impl Opening {
    /// All that STM32H5 knows.
    pub fn all() -> impl Iterator<Item = Self> {
        Side::ALL.into_iter().flat_map(|side| Hdpl::ALL.into_iter().map(move |level| Self { side, level }))
    }

    /// SBS_DBGCR with this opening: access port and debug unlocked, the level, the side (SVD).
    pub const fn dbgcr(self) -> u32 {
        let side = match self.side {
            Side::Secure => sbs::BOTH_SIDES,
            Side::NonSecure => sbs::NON_SECURE_ONLY,
        };
        (side as u32) << 24 | (self.level.code() as u32) << 16 | (sbs::UNLOCKED as u32) << 8 | sbs::UNLOCKED as u32
    }
}

/// What an authentication has opened since the chip last lost power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "a state of the model")]
pub enum DebugAccess {
    /// Nothing.
    #[default]
    Closed,
    /// Granted, for a level at which nothing of this chip runs.
    Waits(Opening),
    /// Granted, and open while the chip's code runs.
    Opens(Opening),
}

impl DebugAccess {
    /// What was granted.
    pub const fn granted(self) -> Option<Opening> {
        match self {
            Self::Closed => None,
            Self::Waits(opening) | Self::Opens(opening) => Some(opening),
        }
    }
}

/// The isolation level of what runs; `None` for ROM code that has not handed over, and for nothing at all.
///
/// The bootloader's is that of AN2606's data provisioning, "only when the bootloader is on HDPL = 1".
pub const fn level(chip: &Chip) -> Option<Hdpl> {
    match chip.runs {
        Execution::User => Some(chip.firmware.hdpl),
        Execution::Bootloader => Some(Hdpl::One),
        _ => None,
    }
}

/// Grants an opening (rule `R-DA-OPENS-DEBUG`): nothing is erased, no option changes.
pub fn open(chip: &mut Chip, opening: Opening, assumptions: &Assumptions) {
    let climbs_to = if chip.state == ProductState::Provisioning { Hdpl::One } else { chip.firmware.hdpl };
    let reached = match assumptions.debug_hdpl {
        DebugHdpl::FromThereOn => climbs_to >= opening.level,
        DebugHdpl::OnlyThere => climbs_to == opening.level,
    };
    chip.debug = if reached { DebugAccess::Opens(opening) } else { DebugAccess::Waits(opening) };
}

/// How far AP1 is open by what was granted, whatever the product state opens by itself.
pub const fn ap1(chip: &Chip) -> Decision<Ap1> {
    let view = match (chip.debug, chip.runs) {
        (DebugAccess::Opens(Opening { side: Side::Secure, .. }), Execution::User | Execution::Bootloader) => Ap1::Full,
        (DebugAccess::Opens(_), Execution::Bootloader) => Ap1::NonSecure,
        // As in TZ-Closed: a non-secure debugger has something to debug only while such code runs.
        (DebugAccess::Opens(_), Execution::User) if chip.firmware.non_secure => Ap1::NonSecure,
        _ => Ap1::Shut,
    };
    Decision::new(view, RuleId::DaOpensDebug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Bench, Firmware, access, boot, boot::Reset},
        states::TrustZone,
    };

    fn closed(hdpl: Hdpl, non_secure: bool) -> Chip {
        let mut chip = Chip::factory("STM32H563".parse().unwrap());
        (chip.state, chip.tz, chip.runs) = (ProductState::Closed, TrustZone::Enabled, Execution::User);
        chip.firmware = Firmware { boots: true, non_secure, regresses: false, hdpl };
        chip
    }

    #[test]
    fn sbs_dbgcr_shows_the_codes_of_the_svd() {
        let both = Opening { side: Side::Secure, level: Hdpl::Three };
        assert_eq!(both.dbgcr(), 0xB46F_B4B4);
        let non_secure = Opening { side: Side::NonSecure, level: Hdpl::One };
        assert_eq!(non_secure.dbgcr(), 0x3C51_B4B4);
        assert_eq!(Opening::all().count(), 6);
    }

    #[test]
    fn r_da_opens_debug_from_the_level_that_firmware_reaches() {
        for climbs_to in Hdpl::ALL {
            for opening in Opening::all() {
                for switch in DebugHdpl::ALL {
                    let assumptions = Assumptions { debug_hdpl: *switch, ..Assumptions::default() };
                    let mut chip = closed(climbs_to, true);
                    let before = chip;
                    open(&mut chip, opening, &assumptions);
                    let reached =
                        climbs_to == opening.level || *switch == DebugHdpl::FromThereOn && climbs_to > opening.level;
                    let view = match opening.side {
                        _ if !reached => Ap1::Shut,
                        Side::Secure => Ap1::Full,
                        Side::NonSecure => Ap1::NonSecure,
                    };
                    assert_eq!(access::ap1(&chip).outcome, view, "{opening:?} {climbs_to:?} {switch:?}");
                    assert_eq!(Chip { debug: DebugAccess::Closed, ..chip }, before, "nothing else has changed");
                }
            }
        }
    }

    #[test]
    fn r_da_opens_debug_of_the_non_secure_side_only_while_such_code_runs() {
        let mut chip = closed(Hdpl::One, false);
        open(&mut chip, Opening { side: Side::NonSecure, level: Hdpl::One }, &Assumptions::default());
        assert_eq!(access::ap1(&chip).outcome, Ap1::Shut);
        chip.firmware.non_secure = true;
        assert_eq!(access::ap1(&chip).outcome, Ap1::NonSecure);
    }

    #[test]
    fn r_opened_debug_ends_with_power() {
        let mut chip = closed(Hdpl::One, true);
        let opening = Opening { side: Side::Secure, level: Hdpl::One };
        open(&mut chip, opening, &Assumptions::default());
        boot::reset(&mut chip, &Bench::default(), Reset::System, false, &Assumptions::default());
        assert_eq!(chip.debug, DebugAccess::Opens(opening), "with DBGMCU_CR.DCRT set, as it is here");
        boot::reset(&mut chip, &Bench::default(), Reset::Power, false, &Assumptions::default());
        assert_eq!((chip.debug, access::ap1(&chip).outcome), (DebugAccess::Closed, Ap1::Shut));
    }
}
