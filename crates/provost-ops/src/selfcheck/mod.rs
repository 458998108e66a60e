//! What a real chip says to the open questions: measured on an Open, empty one, in levels of daring, each asked for.
//!
//! - [`Level::Reading`] reads.
//! - [`Level::Resets`] resets the chip and asks whether Debug Authentication answers in Open.
//! - [`Level::Provisioning`] takes it to Provisioning and back with a throw-away credential. Before the state is left that anybody can
//!   leave, the ROM has taken that very credential while the chip was still Open: a chip whose service we do not understand stays Open.
//!
//! A chip is left as it was found, and what was found is a value: of each switch of the virtual chip, the values that this chip may have.

mod error;
mod findings;
mod formats;
mod provisioning;
mod reading;
mod resets;

use provost_chip::{
    order_code::OrderCode,
    parts::PartId,
    registers::{flash, memory},
    unique_id::UniqueId,
};
use provost_link::{Ap, trace::Trace};
use schemars::JsonSchema;
use serde::Serialize;

pub use error::SelfcheckError;
pub use findings::{Answer, Findings};

use crate::{
    Narrator,
    drive::{
        identify::{Identity, identify},
        service::EncryptWord,
        session::Session,
    },
    fault::{Result, fail},
    store::Base,
};

/// How much is dared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reads only.
    Reading,
    /// Resets too.
    Resets,
    /// Provisioning and back, too.
    Provisioning,
}

impl Level {
    /// All of them, the mildest first.
    pub const ALL: [Self; 3] = [Self::Reading, Self::Resets, Self::Provisioning];

    /// Its number, from 1.
    pub const fn number(self) -> u8 {
        match self {
            Self::Reading => 1,
            Self::Resets => 2,
            Self::Provisioning => 3,
        }
    }
}

/// What is asked for.
#[derive(Debug)]
pub struct Wish {
    /// How much is dared.
    pub level: Level,
    /// What the user says the part is.
    pub part: Option<OrderCode>,
    /// What `--probe` said, for the journal of the way back.
    pub chip: String,
    /// Where the throw-away credential and that journal go.
    pub out: Base,
    /// The word that asks for an object which this chip can use, where the user knows it.
    pub encrypt_word: Option<EncryptWord>,
}

/// What only hands can do.
pub trait Hands {
    /// Removes all power for ten seconds and gives it back; `false` if nobody is there to do it.
    fn cycle_power(&mut self) -> bool;
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Selfcheck {
    /// How much was dared: 1 reading, 2 resets, 3 Provisioning.
    #[schemars(range(min = 1, max = 3))]
    pub level: u8,
    /// The parts it may be.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartId>,
    /// DEV_ID.
    pub dev_id: u16,
    /// REV_ID.
    pub rev_id: Option<u16>,
    /// DPIDR.
    pub dpidr: Option<u32>,
    /// Why the level was not gone through to its end, if it was not: nothing further was written.
    pub stopped: Option<String>,
    /// Whether the chip is Open and empty again, with every option word as before.
    pub as_before: bool,
    /// What was found of each switch, in their order.
    pub switches: Vec<Answer>,
}

/// Whether what is written at this address behind an access port is no secret: registers of the core's debug and of the flash controller.
pub const fn may_be_shown(ap: Ap, address: u32) -> bool {
    const SCS: u32 = 0xE000_E000;
    // Both aliases.
    let flash_controller = address & !0x1000_0FFF == flash::BASE & !0x1000_0FFF;
    ap.0 == 1 && (flash_controller || address & 0xFFFF_F000 == SCS)
}

/// A trace without what names one chip alone: its unique id is replaced wherever the chip told it.
pub fn without_identity(trace: Trace) -> Trace {
    const NOBODY: [u8; 12] = [0x5A; 12];
    let word = |n: u32| trace.shown(Ap(1), memory::UID + n * 4);
    let (Some(a), Some(b), Some(c)) = (word(0), word(1), word(2)) else { return trace };
    let mut id = [0; 12];
    id.chunks_exact_mut(4).zip([a, b, c]).for_each(|(slot, word)| slot.copy_from_slice(&word.to_le_bytes()));
    // What is masked names nobody.
    if UniqueId::new([a, b, c]).is_some() { trace.replacing(&id, &NOBODY) } else { trace }
}

/// Measures what the level can.
///
/// # Errors
/// The chip is not Open or not empty, the bench is not as the level needs it, a person is needed, or the link breaks.
pub fn selfcheck(
    session: &mut Session,
    wish: &Wish,
    hands: &mut dyn Hands,
    narrator: &mut dyn Narrator,
) -> Result<Selfcheck> {
    let mut findings = Findings::new(wish.level);
    let before = reading::look(session, wish, &mut findings, narrator)?;
    let mut stopped = None;
    if wish.level >= Level::Resets {
        resets::ask(session, &mut findings, hands, narrator)?;
    }
    if wish.level >= Level::Provisioning {
        stopped = provisioning::travel(session, wish, &before, &mut findings, hands, narrator)?;
    }
    let as_before = wish.level == Level::Reading || reading::is_as(session, &before, narrator)?;
    let Identity { dev_id, .. } = before.identity;
    Ok(Selfcheck {
        level: wish.level.number(),
        parts: before.parts,
        dev_id,
        rev_id: before.identity.rev_id(),
        dpidr: before.identity.debug.map(|debug| debug.dpidr),
        stopped,
        as_before,
        switches: findings.answers(),
    })
}

/// Gives a chip that sits in its ROM back to whoever works on it, by the hands of a person.
fn cycle_power(session: &mut Session, hands: &mut dyn Hands, narrator: &mut dyn Narrator) -> Result<Identity> {
    narrator.step("remove all power for ten seconds and give it back", &[]);
    if !hands.cycle_power() {
        return fail(SelfcheckError::PowerNeeded);
    }
    identify(session)
}
