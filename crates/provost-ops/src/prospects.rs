//! What each product state opens, runs and leads to, asked of the model: the sheets of `explain` and of the documents.

mod map;

pub use map::{Arrow, Back, LifeMap, Place, life_map};
use provost_chip::{
    assumptions::Assumptions,
    model::{
        Bench, Chip, Execution, Firmware, World,
        access::{self, Ap1},
        boot::{serves_debug_authentication, target},
    },
    parts::PartId,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
    transitions::{Writer, product_state_write},
};
use schemars::JsonSchema;
use serde::Serialize;

/// What is known of a state, derived from the model.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StateSheet {
    /// `tz-closed`.
    #[schemars(with = "ProductState")]
    pub state: &'static str,
    /// ST's name.
    pub title: &'static str,
    /// Option-byte code.
    pub code: u8,
    /// One entry per TrustZone setting.
    #[schemars(length(equal = 2))]
    pub settings: Vec<Setting>,
}

/// A state with one TrustZone setting.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Setting {
    /// `on` or `off`.
    #[schemars(with = "TrustZone")]
    pub trustzone: &'static str,
    /// Whether the combination exists.
    pub exists: bool,
    /// How far AP1 opens for a debugger that connects by hot-plug, and the rule.
    pub ap1: Ruled,
    /// What runs after a reset with BOOT0 low, and with BOOT0 high.
    pub boots: [Ruled; 2],
    /// Whether Debug Authentication answers.
    pub debug_authentication: Ruled,
    /// How the owner authenticates.
    #[schemars(with = "DaMethod")]
    pub method: &'static str,
    /// States that a debugger's option-byte write leads to.
    pub forward: Vec<Ruled>,
}

/// A statement and the rule it follows from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Ruled {
    /// The statement.
    pub says: String,
    /// The rule's id.
    #[schemars(with = "RuleId")]
    pub rule: &'static str,
}

fn ruled(says: impl Into<String>, rule: RuleId) -> Ruled {
    Ruled { says: says.into(), rule: rule.rule().id }
}

/// The sheet of a state, for a part with TrustZone whose firmware lets non-secure code run.
pub fn state_sheet(state: ProductState, part: PartId) -> StateSheet {
    let settings = TrustZone::ALL.into_iter().map(|tz| setting(state, tz, part)).collect();
    StateSheet { state: state.as_str(), title: state.title(), code: state.code(), settings }
}

fn setting(state: ProductState, tz: TrustZone, part: PartId) -> Setting {
    let assumptions = Assumptions::default();
    let mut chip = Chip::factory(part);
    (chip.state, chip.tz) = (state, tz);
    chip.firmware = Firmware { boots: true, non_secure: true, regresses: false, ..Firmware::default() };
    let booted = |boot0| {
        let decision = target(&chip, &Bench { boot0, ..Bench::default() }, false, &assumptions);
        ruled(execution_words(decision.outcome), decision.rule)
    };
    let world = World::with(chip, Bench::default(), assumptions);
    let ap1 = access::ap1(&world.chip);
    let serves = serves_debug_authentication(state, &assumptions);
    let forward = ProductState::ALL
        .into_iter()
        .filter_map(|to| {
            let decision = product_state_write(state, to, tz, Writer::Debugger, &assumptions);
            let reached = decision.outcome?;
            let says = if reached == to { to.to_string() } else { format!("{to}: stops at {reached}") };
            Some(ruled(says, decision.rule))
        })
        .collect();
    Setting {
        trustzone: tz.as_str(),
        exists: state != ProductState::TzClosed || tz == TrustZone::Enabled,
        ap1: ruled(ap1_words(ap1.outcome, state), ap1.rule),
        boots: [booted(false), booted(true)],
        debug_authentication: ruled(if serves.outcome { "answers" } else { "does not answer" }, serves.rule),
        method: DaMethod::for_trustzone(tz).as_str(),
        forward,
    }
}

const fn execution_words(runs: Execution) -> &'static str {
    match runs {
        Execution::Off => "nothing: no power",
        Execution::HeldInReset => "nothing: held in reset",
        Execution::Bootloader => "the ROM bootloader",
        Execution::User => "your firmware",
        Execution::RssDa { .. } => "Debug Authentication in ROM",
        Execution::Nowhere => "nothing usable",
    }
}

fn ap1_words(ap1: Ap1, state: ProductState) -> &'static str {
    match ap1 {
        Ap1::Shut => "shut",
        Ap1::NonSecure if state > ProductState::Provisioning => {
            "open for non-secure accesses, only while non-secure code runs"
        }
        Ap1::NonSecure => "open for non-secure accesses",
        Ap1::Full => "open",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_exist_for_all_states() {
        for state in ProductState::ALL {
            let sheet = state_sheet(state, "STM32H573".parse().unwrap());
            assert_eq!(sheet.settings.len(), 2);
        }
    }
}
