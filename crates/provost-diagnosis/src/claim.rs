//! What was taken from a text, beside the words it came from: a person looks at the words and strikes what is wrong.

use std::{collections::BTreeSet, ops::Range};

use serde::Serialize;

use crate::{
    case::{Act, Case, OptionValue},
    signs::Sign,
};

/// Longer quotations are cut.
const MAX_WORDS: usize = 240;

/// One thing that was taken from a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claim {
    /// Where, and in which words.
    #[serde(flatten)]
    pub place: Place,
    /// What was made of it, in plain words.
    pub says: String,
    /// How plainly it is said.
    pub sure: Sure,
    /// What of the case it fills.
    #[serde(skip)]
    pub about: About,
}

impl Claim {
    /// The step that it is about, if it is about one.
    pub const fn step(&self) -> Option<usize> {
        match self.about {
            About::Step(at) | About::Remark(_, at) => Some(at),
            _ => None,
        }
    }
}

/// Words of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Place {
    /// Line, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub line: u64,
    /// Bytes of that line, counted in UTF-8 from its begin.
    pub bytes: Range<usize>,
    /// The words, at most 240 bytes of them.
    pub words: String,
}

impl Place {
    /// The bytes `bytes` of `text`, the line with the number `line`; a range beyond the line is cut.
    pub fn new(line: u64, text: &str, bytes: Range<usize>) -> Self {
        let end = floor(text, bytes.end.min(text.len()));
        let start = floor(text, bytes.start.min(end));
        let words = &text[start..end];
        Self { line, bytes: start..end, words: words[..floor(words, words.len().min(MAX_WORDS))].to_owned() }
    }
}

/// The character boundary at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// How plainly something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sure {
    /// A word that hints at it.
    Hint,
    /// A person says so, in words that could be taken otherwise.
    Read,
    /// A person says so, with the field or the code.
    Stated,
    /// A tool printed it.
    Printed,
}

/// What of a case a claim fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum About {
    /// [`Case::goal`].
    Goal,
    /// [`ChipClaim::part`](crate::case::ChipClaim::part).
    Part,
    /// [`ChipClaim::dev_id`](crate::case::ChipClaim::dev_id).
    DevId,
    /// [`ChipClaim::tz`](crate::case::ChipClaim::tz).
    TrustZone,
    /// [`ChipClaim::boot_ube`](crate::case::ChipClaim::boot_ube).
    BootEntry,
    /// [`BenchClaim::probe`](crate::case::BenchClaim::probe).
    Probe,
    /// [`BenchClaim::nrst`](crate::case::BenchClaim::nrst).
    Nrst,
    /// [`BenchClaim::boot0`](crate::case::BenchClaim::boot0).
    Boot0,
    /// [`BenchClaim::target_usb`](crate::case::BenchClaim::target_usb).
    TargetUsb,
    /// [`BenchClaim::supply_volts`](crate::case::BenchClaim::supply_volts).
    Supply,
    /// [`BenchClaim::host`](crate::case::BenchClaim::host).
    Host,
    /// [`BenchClaim::tool`](crate::case::BenchClaim::tool).
    Tool,
    /// The step with this index.
    Step(usize),
    /// A sign on the step with this index: it suggests a check and is no measurement.
    Remark(Sign, usize),
}

impl Case {
    /// Takes a claim out of the case, and with it what it filled; `false` if there is no such claim.
    pub fn strike(&mut self, claim: usize) -> bool {
        if claim >= self.claims.len() {
            return false;
        }
        let about = self.claims.remove(claim).about;
        let (chip, bench) = (&mut self.chip, &mut self.bench);
        match about {
            About::Goal => self.goal = None,
            About::Part => chip.part = None,
            About::DevId => chip.dev_id = None,
            About::TrustZone => chip.tz = None,
            About::BootEntry => chip.boot_ube = None,
            About::Probe => bench.probe = None,
            About::Nrst => bench.nrst = None,
            About::Boot0 => bench.boot0 = None,
            About::TargetUsb => bench.target_usb = None,
            About::Supply => bench.supply_volts = None,
            About::Host => bench.host = None,
            About::Tool => bench.tool = None,
            About::Step(step) => self.strike_step(step),
            About::Remark(sign, step) => {
                if let Some(step) = self.steps.get_mut(step) {
                    step.signs.retain(|s| *s != sign);
                }
            }
        }
        true
    }

    /// Takes several claims out at once and gives the places of those that are left, as they were before: with a step goes whatever
    /// else was said of it.
    pub fn strike_all(&mut self, claims: &[usize]) -> Vec<usize> {
        let about = |at: &usize| self.claims.get(*at).map(|claim| claim.about);
        let steps: BTreeSet<usize> = claims
            .iter()
            .filter_map(|at| if let Some(About::Step(step)) = about(at) { Some(step) } else { None })
            .collect();
        let goes = |claim: &Claim| claim.step().is_some_and(|step| steps.contains(&step));
        let left = (0..).zip(&self.claims).filter(|(at, claim)| !claims.contains(at) && !goes(claim)).map(|(at, _)| at);
        let left = left.collect();
        // From the last one on: what stands before keeps its place.
        let alone: BTreeSet<usize> =
            claims.iter().copied().filter(|at| self.claims.get(*at).is_some_and(|c| !goes(c))).collect();
        alone.into_iter().rev().for_each(|at| {
            self.strike(at);
        });
        steps.into_iter().rev().for_each(|step| self.strike_step(step));
        left
    }

    fn strike_step(&mut self, step: usize) {
        if step < self.steps.len() {
            self.steps.remove(step);
        }
        self.claims.retain(|c| c.step() != Some(step));
        let last = self.steps.len();
        self.attempts.iter_mut().filter(|at| **at > step).for_each(|at| *at -= 1);
        self.attempts.retain(|at| *at < last);
        self.attempts.dedup();
        for claim in &mut self.claims {
            if let About::Step(i) | About::Remark(_, i) = &mut claim.about
                && *i > step
            {
                *i -= 1;
            }
        }
    }
}

/// Makes room for `steps` steps before those that the claims are about.
pub(crate) fn shift(claims: &mut [Claim], steps: usize) {
    for claim in claims {
        if let About::Step(i) | About::Remark(_, i) = &mut claim.about {
            *i += steps;
        }
    }
}

/// A step in plain words.
pub(crate) fn describe(act: &Act, outcome: Option<crate::case::Outcome>) -> String {
    let what = match act {
        Act::Connect { mode, ap } => {
            let mode = mode.map(|m| format!(" ({})", m.as_str())).unwrap_or_default();
            let ap = ap.map(|ap| format!(" to AP{ap}")).unwrap_or_default();
            format!("connect{ap}{mode}")
        }
        Act::ReadOption(option) => return format!("{} was read", named(option)),
        Act::WriteOption(option) => format!("write {}", named(option)),
        Act::Provision { object, .. } => format!("provision an object ({})", object.as_str()),
        Act::Discover(_) => "Debug Authentication discovery".to_owned(),
        Act::Authenticate { with, permission } => {
            let with = with.map(|w| format!(" with {}", w.as_str())).unwrap_or_default();
            format!("authenticate{with} for {}", permission.as_str())
        }
        Act::CloseDebug => "close the debug session".to_owned(),
        Act::Erase => "erase".to_owned(),
        Act::Flash => "program the flash".to_owned(),
        Act::Dfu => "try the bootloader over USB".to_owned(),
        Act::Uart => "try the bootloader over a serial port".to_owned(),
        Act::Reset => "reset".to_owned(),
        Act::PowerCycle => "remove power and give it back".to_owned(),
        Act::Firmware(what) | Act::Observe(what) => return what.clone(),
    };
    outcome.map_or(what.clone(), |o| format!("{what}: {}", o.as_str()))
}

fn named(option: &OptionValue) -> String {
    match (option.product_state(), option.value) {
        (Some(state), Some(value)) => format!("{} = {value:#04x} ({})", option.field, state.title()),
        (_, Some(value)) => format!("{} = {value:#x}", option.field),
        _ => option.field.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Outcome, Step};

    fn option(value: u64) -> OptionValue {
        OptionValue { field: "PRODUCT_STATE".into(), value: Some(value) }
    }

    fn claim(about: About) -> Claim {
        Claim { place: Place::default(), says: String::new(), sure: Sure::Stated, about }
    }

    #[test]
    fn a_struck_claim_takes_its_step_along_and_the_others_stay() {
        let mut case = Case::default();
        for value in [0xED, 0x17, 0x72] {
            case.steps.push(Step::new(Act::ReadOption(option(value)), Some(Outcome::Ok)));
        }
        case.steps[2].signs = vec![Sign::SupplyLow, Sign::ApplicationRuns];
        case.chip.dev_id = Some(0x484);
        case.claims = vec![
            claim(About::Step(0)),
            claim(About::Step(1)),
            claim(About::Remark(Sign::SupplyLow, 2)),
            claim(About::DevId),
        ];
        assert!(case.strike(1));
        assert_eq!(case.steps.len(), 2);
        assert_eq!(case.steps[1].act, Act::ReadOption(option(0x72)));
        assert_eq!(case.claims[1].about, About::Remark(Sign::SupplyLow, 1));
        assert!(case.strike(1));
        assert_eq!(case.steps[1].signs, [Sign::ApplicationRuns]);
        assert!(case.strike(1) && case.chip.dev_id.is_none());
        assert!(!case.strike(1));
    }

    #[test]
    fn several_are_struck_by_the_places_that_a_person_saw() {
        let mut case = Case::default();
        for value in [0xED, 0x17, 0x72] {
            case.steps.push(Step::new(Act::ReadOption(option(value)), Some(Outcome::Ok)));
        }
        case.steps[1].signs = vec![Sign::SupplyLow];
        case.chip.dev_id = Some(0x484);
        case.claims = vec![
            claim(About::Remark(Sign::SupplyLow, 1)),
            claim(About::Step(0)),
            claim(About::Step(1)),
            claim(About::DevId),
            claim(About::Step(2)),
        ];
        assert_eq!(case.strike_all(&[2, 3, 9]), [1, 4]);
        assert!(case.chip.dev_id.is_none());
        assert_eq!(case.claims, [claim(About::Step(0)), claim(About::Step(1))]);
        assert_eq!(case.steps[1].act, Act::ReadOption(option(0x72)));
    }

    #[test]
    fn places_are_cut_at_characters() {
        let place = Place::new(3, "état 0x17", 0..1);
        assert_eq!((place.bytes, place.words.as_str()), (0..0, ""));
        assert_eq!(Place::new(1, "é", 0..99).words, "é");
        assert_eq!(Place::new(1, &"ä".repeat(500), 0..1000).words.len(), 240);
    }
}
