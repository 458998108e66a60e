//! What a case comes down to: its steps, the signs in it, and what it leaves open.

use std::collections::BTreeSet;

use provost_chip::{
    parts::{DaStore, PartId},
    states::{ProductState, TrustZone},
};

use crate::{
    case::{Act, AskedPermission, Boot0, Case, ConnectMode, Goal, Outcome, ProvisionedBy, Step},
    goal, remarks,
    signs::Sign,
};

/// Below this supply, in volts, a board that is meant for 3.3 V is not well.
pub const LOW_SUPPLY_VOLTS: f64 = 2.7;
/// Size of a Debug Authentication object file in bytes: 12 of header and 96 of payload.
pub const DA_OBJECT_SIZE: u64 = 108;

/// A case, digested.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The case.
    pub case: &'a Case,
    /// All signs, wherever they stand.
    pub signs: BTreeSet<Sign>,
    /// One part for every kind of part that the report fits.
    pub parts: Vec<PartId>,
    /// Everything that fits the name or the `DEV_ID`, for the answer.
    pub named: Vec<PartId>,
    /// What the owner wants.
    pub goal: Goal,
    /// What is done over SWD failed somewhere, or Debug Authentication did; the link that is lost by closing is no failure.
    pub shut_out: bool,
    /// A step over SWD or Debug Authentication ended badly, whatever it was.
    pub failed_over_swd: bool,
    /// Somebody wrote, read or claims a product state, or provisioned something.
    pub speaks_of_life_cycle: bool,
}

impl<'a> Evidence<'a> {
    /// Digests a case.
    pub fn of(case: &'a Case) -> Self {
        let mut signs = BTreeSet::new();
        for step in &case.steps {
            expire(&mut signs, step);
            signs.extend(signs_of(step));
        }
        if stood_in_rom_until_power_went(case) {
            signs.remove(&Sign::ApplicationDead);
        }
        signs.extend(bench_signs(case));
        let named = named_parts(case);
        let mut parts: Vec<PartId> = Vec::new();
        for part in &named {
            if !parts.iter().any(|p| kind(*p) == kind(*part)) && fits(*part, case) {
                parts.push(*part);
            }
        }
        Self {
            case,
            signs,
            parts: if parts.is_empty() { named.clone() } else { parts },
            named,
            goal: goal::of(case),
            shut_out: goal::shut_out(case),
            failed_over_swd: case
                .steps
                .iter()
                .any(|s| s.act.is_wired() && !matches!(s.outcome, None | Some(Outcome::Ok))),
            speaks_of_life_cycle: case.chip.state > Some(ProductState::Open) || case.steps.iter().any(moves_life_cycle),
        }
    }

    /// Whether a sign was seen.
    pub fn has(&self, sign: Sign) -> bool {
        self.signs.contains(&sign)
    }

    /// Whether the tool could not have worked on this chip, whatever its state.
    pub fn tool_is_blind(&self) -> bool {
        self.has(Sign::ToolTooOld)
    }

    /// Whether the report shows something that only an Open chip does, or its owner is sure of it and nothing was refused.
    pub fn shows_open(&self) -> bool {
        let open = ProductState::Open;
        // While firmware runs a debugger attaches in iROT-Provisioned and TZ-Closed too (rule `R-AP1-CLOSED-STATES`), and without its
        // wire a connect under reset is an ordinary one.
        let by_probe = || self.case.bench.probe.as_deref().and_then(remarks::probe_has_reset);
        let held_in_reset =
            |mode: ConnectMode| mode == ConnectMode::UnderReset && self.case.bench.nrst.or_else(by_probe) == Some(true);
        let shows = |s: &Step| match &s.act {
            Act::ReadOption(option) => option.product_state() == Some(open),
            Act::Connect { mode: Some(mode), ap } => {
                held_in_reset(*mode) && *ap != Some(0) && s.outcome == Some(Outcome::Ok)
            }
            Act::Erase | Act::Flash => s.outcome == Some(Outcome::Ok),
            Act::Authenticate { permission: AskedPermission::FullRegression, .. } => s.outcome == Some(Outcome::Ok),
            Act::Discover(discovery) => discovery.empty_answer,
            _ => false,
        };
        let refused = |s: &Step| matches!(s.act, Act::WriteOption(_)) && s.outcome == Some(Outcome::Refused);
        (self.case.chip.state == Some(open) && !self.case.steps.iter().any(refused))
            || self.has(Sign::ServiceAbsent)
            || self.has(Sign::ObjectKindRefused)
            || self.case.steps.iter().any(shows)
    }

    /// Whether a debugger attached, and nobody tells which state it read.
    pub(crate) fn attached_without_reading(&self) -> bool {
        let attached =
            |s: &Step| matches!(&s.act, Act::Connect { ap, .. } if *ap != Some(0)) && s.outcome == Some(Outcome::Ok);
        let last = self.case.steps.iter().rposition(attached);
        let read = |s: &Step| matches!(&s.act, Act::ReadOption(option) if option.product_state().is_some());
        last.is_some_and(|at| !self.case.steps[at..].iter().any(read))
    }

    /// The last thing that was done is a regression that was granted.
    pub(crate) fn just_regressed(&self) -> bool {
        let mut back = self.case.steps.iter().rev();
        let regressed = back.find(|s| {
            let opens = matches!(&s.act, Act::Connect { .. } | Act::ReadOption(_) | Act::Flash | Act::Erase)
                && s.outcome == Some(Outcome::Ok);
            opens || matches!(s.act, Act::Authenticate { .. } | Act::Provision { .. } | Act::WriteOption(_))
        });
        regressed.is_some_and(|s| {
            matches!(s.act, Act::Authenticate { permission: AskedPermission::FullRegression, .. })
                && s.outcome == Some(Outcome::Ok)
        })
    }

    /// Whether the chip may stand in its ROM since a session of Debug Authentication: power was not removed since.
    pub fn may_stay_in_rom(&self) -> bool {
        stands_in_rom(&self.case.steps)
    }

    /// Whether Debug Authentication was tried, or the owner is sure of a state that no credential leaves.
    pub fn da_was_tried(&self) -> bool {
        self.case.chip.state == Some(ProductState::Locked)
            || self.case.steps.iter().any(|s| matches!(s.act, Act::Discover(_) | Act::Authenticate { .. }))
    }

    /// The level of BOOT0 if it is fixed.
    pub fn boot0(&self) -> bool {
        self.case.bench.boot0 == Some(Boot0::High)
    }
}

/// Whether a step tells of a life cycle that somebody set going. Attempts that nobody answered do not.
fn moves_life_cycle(step: &Step) -> bool {
    match &step.act {
        Act::WriteOption(option) | Act::ReadOption(option) => option.field == "PRODUCT_STATE",
        Act::Discover(discovery) => discovery.answered(),
        Act::Firmware(text) => goal::written_state(text).is_some(),
        Act::Provision { .. } => !goal::was_not_begun(step),
        Act::Authenticate { .. } | Act::CloseDebug => true,
        _ => step.all_signs().any(|s| s == Sign::UnrecordedWrites),
    }
}

/// Whether a session of Debug Authentication came after power was last removed.
fn stands_in_rom(steps: &[Step]) -> bool {
    steps.iter().rev().take_while(|s| !matches!(s.act, Act::PowerCycle)).any(|s| match &s.act {
        Act::Discover(seen) => seen.answered(),
        Act::Authenticate { .. } | Act::CloseDebug => true,
        _ => false,
    })
}

/// Whether the application was last told dead while the chip may have stood in its ROM, and power was removed since: nobody has
/// said yet whether it runs now.
fn stood_in_rom_until_power_went(case: &Case) -> bool {
    let last = case.steps.iter().rposition(|s| goal::at_work(s) == Some(false));
    last.is_some_and(|at| {
        let (before, since) = case.steps.split_at(at);
        stands_in_rom(before) && since.iter().any(|s| matches!(s.act, Act::PowerCycle))
    })
}

/// Takes back what a later step shows to be over.
fn expire(signs: &mut BTreeSet<Sign>, step: &Step) {
    let over: &[Sign] = match &step.act {
        Act::Erase | Act::Flash if step.outcome == Some(Outcome::Ok) => &[Sign::FlashFails],
        Act::Dfu | Act::Uart if step.outcome == Some(Outcome::Ok) => &[Sign::BootloaderFails],
        // What boots may be another thing in another state.
        Act::WriteOption(option) if option.product_state().is_some() => &[Sign::ApplicationDead, Sign::ApplicationRuns],
        _ if goal::at_work(step) == Some(true) => &[Sign::ApplicationDead],
        _ if goal::at_work(step) == Some(false) => &[Sign::ApplicationRuns],
        _ => &[],
    };
    signs.retain(|sign| !over.contains(sign));
}

/// Signs of one step: of its messages, of its words, and of what it is.
fn signs_of(step: &Step) -> Vec<Sign> {
    let mut signs: Vec<Sign> = step.all_signs().collect();
    let bad = !matches!(step.outcome, None | Some(Outcome::Ok));
    match &step.act {
        Act::WriteOption(option) => match option.field.as_str() {
            f if f.starts_with("SECWM") => signs.push(Sign::WatermarkWritten),
            f if f.starts_with("WRP") => signs.push(Sign::WriteProtectionWritten),
            "SWAP_BANK" | "SECBOOTADD" | "NSBOOTADD" => signs.push(Sign::BootAddressWritten),
            _ => {}
        },
        Act::Erase | Act::Flash if bad => signs.push(Sign::FlashFails),
        Act::Dfu | Act::Uart if bad => signs.push(Sign::BootloaderFails),
        Act::Firmware(_) if goal::own_code_fails(step) => signs.push(Sign::OwnCodeFails),
        Act::Firmware(text) if goal::written_state(text).is_some_and(goal::leads_back) => {
            signs.push(Sign::FirmwareWritesState);
        }
        Act::Provision { by: ProvisionedBy::Bootloader, .. } if bad => signs.push(Sign::OwnCodeFails),
        Act::Provision { size: Some(size), object, by: ProvisionedBy::Tool, .. }
            if object.is_debug_authentication() && *size != DA_OBJECT_SIZE =>
        {
            signs.push(Sign::ObjectSize);
        }
        Act::Provision { size: Some(DA_OBJECT_SIZE), object, by: ProvisionedBy::Firmware, .. }
            if object.is_debug_authentication() =>
        {
            signs.push(Sign::HeaderWritten);
        }
        _ => {}
    }
    signs
}

fn bench_signs(case: &Case) -> Vec<Sign> {
    let mut signs = Vec::new();
    let bench = &case.bench;
    if bench.supply_volts.is_some_and(|v| v < LOW_SUPPLY_VOLTS) {
        signs.push(Sign::SupplyLow);
    }
    for text in [&bench.probe, &bench.tool].into_iter().flatten() {
        signs.extend(remarks::signs_in(text));
    }
    let provisioned_badly = case.steps.iter().any(|s| {
        matches!(s.act, Act::Provision { by: ProvisionedBy::Tool, .. })
            && !matches!(s.outcome, None | Some(Outcome::Ok))
    });
    if bench.target_usb == Some(true) && provisioned_badly {
        signs.push(Sign::UsbInTheWay);
    }
    signs
}

/// What tells parts apart for their life cycle: TrustZone, secure AES, where credentials are kept.
fn kind(part: PartId) -> (bool, bool, bool) {
    let info = part.info();
    (info.trustzone, info.crypto, info.da_store == DaStore::Obk)
}

/// Every part that the name or the `DEV_ID` may mean; all of them if neither tells.
fn named_parts(case: &Case) -> Vec<PartId> {
    if let Some(part) = case.chip.part.as_deref().and_then(|name| name.parse().ok()) {
        return vec![part];
    }
    let by_id: Vec<PartId> = case.chip.dev_id.map(|id| PartId::with_dev_id(id).collect()).unwrap_or_default();
    if by_id.is_empty() { PartId::all().collect() } else { by_id }
}

/// Whether a kind of part can have a report like this: TrustZone, or an object file, speak against the STM32H503.
fn fits(part: PartId, case: &Case) -> bool {
    let trustzone = case.chip.tz == Some(TrustZone::Enabled)
        || case.steps.iter().any(|s| match &s.act {
            Act::WriteOption(o) | Act::ReadOption(o) => {
                let there = matches!(s.outcome, None | Some(Outcome::Ok));
                there && (o.field == "TZEN" || o.field.starts_with("SECWM"))
            }
            Act::Provision { size, encrypted, .. } => size.is_some() || encrypted.is_some(),
            _ => false,
        });
    part.info().trustzone || !trustzone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Object, OptionValue};

    fn provision(size: u64, by: ProvisionedBy) -> Step {
        let act = Act::Provision { object: Object::DaPassword, encrypted: None, size: Some(size), by };
        Step::new(act, Some(Outcome::Error))
    }

    #[test]
    fn a_family_name_stands_for_one_part_of_each_kind() {
        let mut case = Case::default();
        case.chip.part = Some("STM32H5".into());
        let parts = Evidence::of(&case).parts;
        let kinds: BTreeSet<_> = parts.iter().map(|p| kind(*p)).collect();
        assert_eq!((parts.len(), kinds.len()), (3, 3));
        // An object file is nothing for the STM32H503.
        case.steps.push(provision(108, ProvisionedBy::Tool));
        assert!(Evidence::of(&case).parts.iter().all(|p| p.info().trustzone));
        case.chip.part = Some("STM32H533RE".into());
        assert_eq!(Evidence::of(&case).parts.len(), 1);
    }

    #[test]
    fn dev_ids_name_every_line_of_the_die() {
        let mut case = Case::default();
        case.chip.dev_id = Some(0x484);
        assert_eq!(Evidence::of(&case).named.len(), 3);
        assert_eq!(Evidence::of(&case).parts.len(), 2, "one with secure AES and one without");
    }

    #[test]
    fn signs_come_from_what_steps_are() {
        let mut case = Case::default();
        case.bench.supply_volts = Some(2.39);
        case.bench.target_usb = Some(true);
        case.steps.push(provision(80, ProvisionedBy::Tool));
        case.steps.push(provision(108, ProvisionedBy::Firmware));
        let option = OptionValue { field: "SECWM2_STRT".into(), value: Some(0) };
        case.steps.push(Step::new(Act::WriteOption(option), Some(Outcome::Ok)));
        case.steps.push(Step::new(Act::Erase, Some(Outcome::Error)));
        let evidence = Evidence::of(&case);
        for sign in [
            Sign::SupplyLow,
            Sign::ObjectSize,
            Sign::HeaderWritten,
            Sign::WatermarkWritten,
            Sign::FlashFails,
            Sign::UsbInTheWay,
        ] {
            assert!(evidence.has(sign), "{sign:?}");
        }
        assert!(evidence.shut_out && evidence.speaks_of_life_cycle);
    }
}
