//! The executable model: a chip on a bench, under one set of assumptions, and what every action does to it and shows of it.
//!
//! The decisions are small pure functions over [`Chip`], each naming the rule it follows: [`access`] (what the access ports
//! reach), [`boot`] (what runs after a reset), [`debug`] (what an authentication opens),
//! [`options`] (what an option write does), [`provisioning`] and
//! [`authentication`]. [`World::step`] composes them for people's actions; the virtual chip asks the same functions at
//! register level, so the two cannot disagree. [`search`] walks the model to find a way back.
//!
//! ```
//! use provost_chip::{model::{Action, Chip, Observation, World}, states::{ProductState, TrustZone}};
//!
//! let mut chip = Chip::factory("STM32H533".parse()?);
//! chip.state = ProductState::Provisioning;
//! chip.tz = TrustZone::Enabled;
//! let mut world = World::new(chip);
//! // Going back by option byte is ignored.
//! assert_eq!(world.step(Action::WriteProductState(ProductState::Open)), Observation::Ignored);
//! assert_eq!(world.chip.state, ProductState::Provisioning);
//! # Ok::<(), provost_chip::parts::UnknownPart>(())
//! ```

pub mod access;
pub mod authentication;
pub mod boot;
pub mod debug;
pub mod option_change;
pub mod options;
pub mod provisioning;
pub mod search;
mod step;

pub use step::{Action, Observation};

use crate::{
    assumptions::Assumptions,
    parts::PartId,
    states::{BootUbe, ProductState, TrustZone},
};

/// What the core is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a state of the model")]
pub enum Execution {
    /// No power.
    Off,
    /// NRST is low.
    HeldInReset,
    /// The ROM bootloader.
    Bootloader,
    /// The owner's firmware.
    User,
    /// The Debug Authentication library in ROM; `open` while it still takes an authentication.
    RssDa {
        /// Whether the session still takes an authentication.
        open: bool,
    },
    /// Nothing that anybody can use: no valid code where the chip boots.
    Nowhere,
}

/// The Debug Authentication data in the option-byte keys.
///
/// The bytes do not tell a certificate object from a password object: both are a hash and a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a state of the model")]
pub struct DaRecord {
    /// Stands for the stored hash: equal ids, equal hashes.
    pub id: u32,
    /// Whether the chip encrypted it when it was stored.
    pub encrypted: bool,
    /// The low bits of the permission mask.
    pub mask: u32,
}

/// What the owner's firmware is, as far as the life cycle sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_structs, reason = "a state of the model")]
pub struct Firmware {
    /// There is code where the chip boots.
    pub boots: bool,
    /// It lets non-secure code execute.
    pub non_secure: bool,
    /// It can be asked to write PRODUCT_STATE = 0x9A at HDPL1.
    pub regresses: bool,
    /// The isolation level that it climbs to.
    pub hdpl: debug::Hdpl,
}

/// Option values that were programmed and wait for a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_structs, reason = "a state of the model")]
pub struct Pending {
    /// PRODUCT_STATE.
    pub state: Option<ProductState>,
    /// TZEN.
    pub tz: Option<TrustZone>,
    /// BOOT_UBE.
    pub boot_ube: Option<BootUbe>,
}

/// A chip, as far as its life cycle goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a state of the model")]
pub struct Chip {
    /// The part.
    pub part: PartId,
    /// Product state in force.
    pub state: ProductState,
    /// TrustZone setting in force.
    pub tz: TrustZone,
    /// Boot entry in force.
    pub boot_ube: BootUbe,
    /// Debug Authentication data.
    pub da: Option<DaRecord>,
    /// Whether ST-iRoT has its configuration and data.
    pub st_irot_data: bool,
    /// Whether ST-iRoT takes an image where its configuration says that there is one. Taken for true until somebody has looked.
    pub st_irot_image: bool,
    /// The owner's firmware.
    pub firmware: Firmware,
    /// What the next reset brings.
    pub pending: Pending,
    /// What the core is doing.
    pub runs: Execution,
    /// What Debug Authentication has opened.
    pub debug: debug::DebugAccess,
}

impl Chip {
    /// A chip as it leaves the factory, powered, with empty flash.
    pub const fn factory(part: PartId) -> Self {
        Self {
            part,
            state: ProductState::Open,
            tz: TrustZone::Disabled,
            boot_ube: BootUbe::OemIrot,
            da: None,
            st_irot_data: false,
            st_irot_image: true,
            firmware: Firmware { boots: false, non_secure: false, regresses: false, hdpl: debug::Hdpl::One },
            pending: Pending { state: None, tz: None, boot_ube: None },
            runs: Execution::Nowhere,
            debug: debug::DebugAccess::Closed,
        }
    }
}

/// What surrounds the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a state of the model")]
pub struct Bench {
    /// The chip has power.
    pub powered: bool,
    /// The probe's reset line reaches NRST.
    pub nrst_wired: bool,
    /// Level of BOOT0.
    pub boot0: bool,
}

impl Default for Bench {
    fn default() -> Self {
        Self { powered: true, nrst_wired: true, boot0: false }
    }
}

/// A chip on a bench, in one of the worlds that the public sources allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a state of the model")]
pub struct World {
    /// The chip.
    pub chip: Chip,
    /// The bench.
    pub bench: Bench,
    /// The world.
    pub assumptions: Assumptions,
}

impl World {
    /// A chip on an ordinary bench, booted, everything at default.
    pub fn new(chip: Chip) -> Self {
        Self::with(chip, Bench::default(), Assumptions::default())
    }

    /// A chip on this bench in this world, booted.
    pub fn with(chip: Chip, bench: Bench, assumptions: Assumptions) -> Self {
        let mut world = Self { chip, bench, assumptions };
        world.chip.runs = Execution::Off;
        world.step(Action::PowerCycle);
        world
    }
}
