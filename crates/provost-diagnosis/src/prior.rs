//! What is thought before the first step: every hypothesis with its weight.
//!
//! The weights are estimates from the public reports and from what the owner says; their order matters, not their digits.

use provost_chip::{
    assumptions::Assumptions,
    model::{Bench, Chip, DaRecord, Firmware, World, authentication::PRODUCT_MASK},
    parts::{DaStore, PartId},
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};

use crate::{
    case::{Act, Host, Object, Outcome},
    evidence::Evidence,
    hypothesis::{Hypothesis, hash},
    remarks,
    signs::Sign,
};

/// Hypotheses lighter than this share of the heaviest are not begun with.
const NEGLIGIBLE: f64 = 1e-5;

/// Weights of alternatives of one kind.
pub(crate) type Choices<T> = Vec<(T, f64)>;

/// All hypotheses, with their weights.
pub(crate) fn hypotheses(evidence: &Evidence<'_>) -> Vec<(Hypothesis, f64)> {
    let mut all = Vec::new();
    for &part in &evidence.parts {
        for (state, w1) in states(evidence) {
            for (tz, w2) in trustzones(evidence, part, state) {
                for (da, w3) in credentials(evidence, part, state, tz) {
                    for ((boot_ube, st_irot_data), w4) in entries(evidence, part, state) {
                        let mut chip = Chip::factory(part);
                        (chip.state, chip.tz, chip.boot_ube, chip.da) = (state, tz, boot_ube, da);
                        chip.st_irot_data = st_irot_data;
                        around(evidence, chip, w1 * w2 * w3 * w4, &mut all);
                    }
                }
            }
        }
    }
    // What can hardly be needs no weighing.
    let floor = all.iter().map(|(_, w)| *w).fold(0.0, f64::max) * NEGLIGIBLE;
    all.retain(|(_, w)| *w > floor);
    all
}

/// Firmware and surroundings.
fn around(evidence: &Evidence<'_>, chip: Chip, weight: f64, all: &mut Vec<(Hypothesis, f64)>) {
    for (firmware, w1) in firmwares(evidence) {
        for (nrst_wired, w2) in resets(evidence) {
            for (host, w3) in hosts(evidence) {
                for (link, bars, w4) in doors(evidence, firmware) {
                    for (flag_fits, w5) in flags(evidence, chip.part) {
                        let bench = Bench { powered: true, nrst_wired, boot0: evidence.boot0() };
                        let world = World::with(Chip { firmware, ..chip }, bench, Assumptions::default());
                        let claim_met = evidence.case.chip.state.is_none_or(|s| s == chip.state);
                        let tz_met = evidence.case.chip.tz.is_none_or(|tz| tz == chip.tz);
                        let mut hypothesis =
                            Hypothesis { world, firmware, link, host, flag_fits, bars, claim_met, tz_met };
                        hypothesis.settle();
                        all.push((hypothesis, weight * w1 * w2 * w3 * w4 * w5));
                    }
                }
            }
        }
    }
}

/// The open questions that a step is the first to bear on; until then they stay at their default.
pub(crate) fn questions(evidence: &Evidence<'_>, step: usize) -> Vec<&'static str> {
    let bears = |act: &Act| -> &'static [&'static str] {
        match act {
            Act::WriteOption(o) if o.field == "TZEN" => &["tzen-in-provisioning"],
            Act::WriteOption(o) if o.field == "PRODUCT_STATE" => &["forward-from-closed"],
            Act::Discover(_) | Act::Authenticate { .. } => &["open-discovery", "leave-rss-da", "plain-object"],
            _ => &[],
        }
    };
    let steps = &evidence.case.steps;
    let Some(now) = steps.get(step) else { return Vec::new() };
    let first = |name: &&str| !steps[..step].iter().any(|s| bears(&s.act).contains(name));
    let crypto = evidence.parts.iter().any(|p| p.info().crypto);
    let open = |name: &&'static str| first(name) && (crypto || *name != "plain-object");
    bears(&now.act).iter().copied().filter(open).collect()
}

/// The answers to these questions, with their weights: a default is what most sources say.
pub(crate) fn answers(names: &[&'static str]) -> Choices<Assumptions> {
    let share = |a: &Assumptions| {
        Assumptions::switches()
            .iter()
            .filter(|s| names.contains(&s.name))
            .map(|s| if a.get(s.name) == Some(s.values[0]) { 0.7 } else { 0.3 })
            .product()
    };
    Assumptions::combinations(names).map(|a| (a, share(&a))).collect()
}

/// Chips leave the factory Open, and most reports begin there: the more so where nobody speaks of the life cycle.
fn states(evidence: &Evidence<'_>) -> Choices<ProductState> {
    use ProductState as S;
    if !evidence.speaks_of_life_cycle {
        return vec![
            (S::Open, 0.93),
            (S::Provisioning, 0.015),
            (S::IrotProvisioned, 0.004),
            (S::TzClosed, 0.010),
            (S::Closed, 0.038),
            (S::Locked, 0.003),
        ];
    }
    vec![
        (S::Open, 0.80),
        (S::Provisioning, 0.06),
        (S::IrotProvisioned, 0.02),
        (S::TzClosed, 0.03),
        (S::Closed, 0.08),
        (S::Locked, 0.01),
    ]
}

fn trustzones(evidence: &Evidence<'_>, part: PartId, state: ProductState) -> Choices<TrustZone> {
    use TrustZone as Tz;
    if !part.info().trustzone {
        return vec![(Tz::Disabled, 1.0)];
    }
    if state == ProductState::TzClosed {
        return vec![(Tz::Enabled, 1.0)];
    }
    // What the owner says holds for now: a write of TZEN in the report leaves the beginning open.
    let written = evidence.case.steps.iter().any(|s| matches!(&s.act, Act::WriteOption(o) if o.field == "TZEN"));
    let on = match evidence.case.chip.tz.filter(|_| !written || state != ProductState::Open) {
        // A wrong word costs its weight at the end; see `belief`.
        Some(_) => 0.5,
        None => share_with_trustzone(evidence),
    };
    vec![(Tz::Enabled, on), (Tz::Disabled, 1.0 - on)]
}

/// Without a word about TrustZone: what was made for the chip hints at it.
fn share_with_trustzone(evidence: &Evidence<'_>) -> f64 {
    let stored = |wanted: Object| {
        evidence.case.steps.iter().any(|s| matches!(s.act, Act::Provision { object, .. } if object == wanted))
    };
    if evidence.has(Sign::SecureFirmware) {
        0.75
    } else if stored(Object::DaCertificate) {
        0.80
    } else if stored(Object::DaPassword) {
        0.20
    } else {
        0.35
    }
}

/// What the chip holds at the start.
fn credentials(evidence: &Evidence<'_>, part: PartId, state: ProductState, tz: TrustZone) -> Choices<Option<DaRecord>> {
    let otp = part.info().da_store == DaStore::Otp;
    // Who tells of an object that was provisioned, or that never left the host, tells of the first one.
    let told = evidence.case.steps.iter().any(|s| {
        let whole =
            matches!(s.outcome, None | Some(Outcome::Ok)) || s.all_signs().any(|sign| sign == Sign::FileMissing);
        matches!(s.act, Act::Provision { .. }) && whole
    });
    let record = |id, encrypted| Some(DaRecord { id, encrypted, mask: PRODUCT_MASK });
    let good = part.info().crypto;
    // Most owners provision the kind that fits TrustZone (rule `R-DA-METHOD-FOLLOWS-TZEN`).
    let (fitting, other, sample) = match DaMethod::for_trustzone(tz) {
        DaMethod::Certificate => (hash::OWN_CERTIFICATE, hash::OWN_PASSWORD, hash::SAMPLE_CERTIFICATE),
        DaMethod::Password => (hash::OWN_PASSWORD, hash::OWN_CERTIFICATE, hash::SAMPLE_PASSWORD),
    };
    match state {
        // A regression has emptied it; only the STM32H503 keeps its OTP.
        ProductState::Open if !otp => vec![(None, 1.0)],
        ProductState::Open => {
            vec![(None, 0.85), (record(hash::OWN_PASSWORD, false), 0.12), (record(hash::STRANGER, false), 0.03)]
        }
        ProductState::Provisioning if told => vec![(None, 0.99), (record(hash::STRANGER, good), 0.01)],
        ProductState::Provisioning => vec![
            (None, 0.80),
            (record(fitting, good), 0.08),
            (record(other, good), 0.04),
            (record(sample, good), 0.04),
            (record(hash::STRANGER, good), 0.04),
        ],
        _ => vec![
            (None, 0.30),
            (record(fitting, good), 0.35),
            (record(other, good), 0.03),
            (record(sample, good), 0.06),
            (record(hash::STRANGER, good), 0.25),
            (record(hash::BROKEN, good), 0.01),
        ],
    }
}

/// Where the chip boots, and whether ST-iRoT has what it needs there (rule `R-BOOT-ST-IROT-NEEDS-DATA`).
fn entries(evidence: &Evidence<'_>, part: PartId, state: ProductState) -> Choices<(BootUbe, bool)> {
    if !part.info().crypto {
        return vec![((BootUbe::OemIrot, false), 1.0)];
    }
    let st_irot = match evidence.case.chip.boot_ube {
        Some(told) => f64::from(told == BootUbe::StIrot),
        None => 0.07,
    };
    // Whoever closes it so has mostly given it that.
    let given = if state > ProductState::Provisioning { 0.85 } else { 0.0 };
    let mut all = vec![
        ((BootUbe::OemIrot, false), 1.0 - st_irot),
        ((BootUbe::StIrot, true), st_irot * given),
        ((BootUbe::StIrot, false), st_irot * (1.0 - given)),
    ];
    all.retain(|(_, weight)| *weight > 0.0);
    all
}

fn firmwares(evidence: &Evidence<'_>) -> Choices<Firmware> {
    // Who can be asked, or writes product states already, can be made to write 0x9A (rule `R-FIRMWARE-REGRESSION`).
    let lever = evidence.has(Sign::FirmwareRegresses) || evidence.has(Sign::FirmwareWritesState);
    let regresses = if lever { 0.95 } else { 0.005 };
    let rest = 1.0 - regresses;
    let firmware = |boots, non_secure, regresses| Firmware { boots, non_secure, regresses, ..Firmware::default() };
    vec![
        (firmware(true, true, true), regresses),
        (firmware(true, true, false), 0.50 * rest),
        (firmware(true, false, false), 0.30 * rest),
        (firmware(false, false, false), 0.20 * rest),
    ]
}

fn resets(evidence: &Evidence<'_>) -> Choices<bool> {
    let bench = &evidence.case.bench;
    let by_probe = || bench.probe.as_deref().and_then(remarks::probe_has_reset);
    let wired = match (bench.nrst, by_probe()) {
        (Some(true), _) => 0.97,
        (Some(false), _) => 0.01,
        (None, Some(true)) => 0.95,
        (None, Some(false)) => 0.15,
        (None, None) => 0.75,
    };
    vec![(true, wired), (false, 1.0 - wired)]
}

/// 32-bit builds of ST's tool cannot do Debug Authentication; other builds rarely fail by themselves.
fn hosts(evidence: &Evidence<'_>) -> Choices<bool> {
    // What provost measured itself says nothing about ST's tool.
    let asks =
        evidence.case.steps.iter().any(|s| !s.measured && matches!(s.act, Act::Discover(_) | Act::Authenticate { .. }));
    if !asks && evidence.case.bench.host != Some(Host::Windows32) {
        return vec![(true, 1.0)];
    }
    let able = match evidence.case.bench.host {
        Some(Host::Windows32) => 0.02,
        Some(_) => 0.98,
        None => 0.90,
    };
    vec![(true, able), (false, 1.0 - able)]
}

/// Whether the probe reaches the chip at all, and whether its own firmware keeps debuggers out while it is Open.
fn doors(evidence: &Evidence<'_>, firmware: Firmware) -> Vec<(bool, bool, f64)> {
    if !evidence.failed_over_swd {
        return vec![(true, false, 1.0)];
    }
    // Whoever never wrote a state has a board, a probe or a firmware that will not: that is what fails most often.
    let dead = match (evidence.has(Sign::WiringDoubtful), evidence.speaks_of_life_cycle) {
        (true, _) => 0.30,
        (false, true) => 0.02,
        (false, false) => 0.10,
    };
    let bars = match (firmware.boots, evidence.speaks_of_life_cycle) {
        (false, _) => 0.0,
        (true, true) => 0.03,
        (true, false) => 0.30,
    };
    let mut all = vec![(true, false, (1.0 - dead) * (1.0 - bars)), (false, false, dead)];
    if bars > 0.0 {
        all.push((true, true, (1.0 - dead) * bars));
    }
    all
}

fn flags(evidence: &Evidence<'_>, part: PartId) -> Choices<bool> {
    let untold = |act: &Act| match act {
        Act::Provision { object, encrypted: None, .. } => object.is_debug_authentication(),
        _ => false,
    };
    if part.info().da_store == DaStore::Obk && evidence.case.steps.iter().any(|s| untold(&s.act)) {
        vec![(true, 0.85), (false, 0.15)]
    } else {
        vec![(true, 1.0)]
    }
}
