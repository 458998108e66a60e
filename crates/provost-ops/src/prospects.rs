//! What can be done from where a chip stands, and what must not be: asked of the model, over every open question.

use provost_chip::{
    assumptions::Assumptions,
    model::{
        Action, Bench, Chip, Execution, Firmware, World,
        access::{self, Ap1},
        boot::{serves_debug_authentication, target},
        search::{Means, host_actions, way_to_open},
    },
    parts::{DaStore, PartId},
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
    chip.firmware = Firmware { boots: true, non_secure: true, regresses: false };
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

/// What a chip's prospects are.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Prospects {
    /// `open`, `recoverable`, `recoverable-if` or `lost`.
    #[schemars(extend("enum" = ["open", "recoverable", "recoverable-if", "lost"]))]
    pub verdict: &'static str,
    /// In plain words.
    pub says: String,
    /// In how many of the worlds that the open questions allow a host finds a way back to Open.
    pub worlds_with_a_way: usize,
    /// How many worlds there are.
    pub worlds: usize,
    /// What must not be done now.
    pub never: Vec<Ruled>,
    /// The next command.
    pub next: &'static str,
    /// The rules behind the verdict.
    #[schemars(with = "Vec<RuleId>")]
    pub rules: Vec<&'static str>,
}

/// The switches that decide whether there is a way back from Provisioning; the others only change what is seen on it.
const DECIDING: [&str; 7] = [
    "leave-rss-da",
    "tzen-in-provisioning",
    "rss-return",
    "rss-checksum",
    "rss-encrypt-word",
    "rss-tz-off",
    "plain-object",
];

/// The prospects of a chip whose state was read over AP1.
pub fn prospects(state: ProductState, tz: TrustZone, parts: &[PartId]) -> Prospects {
    let mut worlds = 0;
    let mut worlds_with_a_way = 0;
    let means = Means { person: true, ..Means::default() };
    for &part in parts {
        for assumptions in Assumptions::combinations(&DECIDING) {
            worlds += 1;
            let start = World::with(chip(part, state, tz), Bench::default(), assumptions);
            worlds_with_a_way += usize::from(way_to_open(start, &host_actions(&means)).is_some());
        }
    }
    let (verdict, says, next, rules): (_, _, _, &[RuleId]) = match state {
        ProductState::Open => (
            "open",
            "Nothing is locked. Before you close this chip, make sure of the way back.",
            "provost explain provisioning",
            &[RuleId::Ap1Open],
        ),
        ProductState::Provisioning if parts.iter().all(|p| p.info().da_store == DaStore::Otp) => (
            "recoverable-if",
            "The way back is the password whose hash stands in OTP, if one was written. Writing one is for the chip's life.",
            "provost auth regress --password …, if a password was written",
            &[RuleId::H503Otp, RuleId::BackwardIgnored],
        ),
        ProductState::Provisioning => (
            "recoverable",
            "The chip waits for its secrets; user code does not run. It can be brought back to Open, erased.",
            "provost rescue --dry-run",
            &[RuleId::BareProvisioningIsRescuable, RuleId::BackwardIgnored, RuleId::BootProvisioning],
        ),
        ProductState::Locked => ("lost", "Locked is final.", "provost explain locked", &[RuleId::LockedIsFinal]),
        _ => (
            "recoverable-if",
            "The way back is Debug Authentication, if valid data was provisioned and you hold its credential.",
            "provost auth discover (resets the chip)",
            &[RuleId::BackOnlyByDa, RuleId::DaNeedsValidData],
        ),
    };
    Prospects {
        verdict,
        says: says.to_owned(),
        worlds_with_a_way,
        worlds,
        never: never(state, tz, parts),
        next,
        rules: rules.iter().map(|r| r.rule().id).collect(),
    }
}

fn chip(part: PartId, state: ProductState, tz: TrustZone) -> Chip {
    let mut chip = Chip::factory(part);
    (chip.state, chip.tz) = (state, tz);
    chip
}

/// Writes that the model says lose a chip with nothing provisioned.
fn never(state: ProductState, tz: TrustZone, parts: &[PartId]) -> Vec<Ruled> {
    let Some(&part) = parts.first() else { return Vec::new() };
    let means = Means { person: true, ..Means::default() };
    let actions = host_actions(&means);
    ProductState::ALL
        .into_iter()
        .filter(|to| {
            let mut world = World::new(chip(part, state, tz));
            let had_a_way = way_to_open(world, &actions).is_some();
            world.step(Action::WriteProductState(*to));
            had_a_way && way_to_open(world, &actions).is_none()
        })
        .map(|to| {
            let says = format!(
                "do not write PRODUCT_STATE = {:#04X} ({}): with nothing provisioned it loses the chip",
                to.code(),
                to.title()
            );
            ruled(says, RuleId::ClosingWithoutDaLoses)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> Vec<PartId> {
        vec![name.parse().unwrap()]
    }

    #[test]
    fn from_provisioning_every_later_state_is_forbidden() {
        let p = prospects(ProductState::Provisioning, TrustZone::Enabled, &parts("STM32H533"));
        assert_eq!(p.verdict, "recoverable");
        assert_eq!(p.never.len(), 4, "0x2E, 0xC6, 0x72, 0x5C");
        // Only the worlds whose checksum is unlisted have no way: a quarter of them.
        assert_eq!(p.worlds_with_a_way * 4, p.worlds * 3);
    }

    #[test]
    fn with_trustzone_off_tz_closed_is_no_danger_for_it_is_ignored() {
        let p = prospects(ProductState::Provisioning, TrustZone::Disabled, &parts("STM32H563"));
        assert_eq!(p.never.len(), 3);
    }

    #[test]
    fn sheets_exist_for_all_states() {
        for state in ProductState::ALL {
            let sheet = state_sheet(state, parts("STM32H573")[0]);
            assert_eq!(sheet.settings.len(), 2);
        }
    }
}
