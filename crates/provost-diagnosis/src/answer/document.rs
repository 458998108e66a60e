//! The answer as a document: what is said, as values that serialize. [`super`] makes them.

use serde::Serialize;

use super::Likeliest;
use crate::{commands::Commands, moves::Move, verdict::Verdict};

/// A diagnosis.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnosis {
    /// Whether anything of the report was understood; if not, there is no verdict, only the next question.
    pub understood: bool,
    /// The answer in one word.
    pub verdict: Verdict,
    /// What the owner wants, told or read from the report.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["open", "debug", "forward", "check", "boot"])))]
    pub goal: &'static str,
    /// How sure, from 0 to 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub certainty: f64,
    /// What the chip is believed to be now.
    pub believed: Believed,
    /// One whole chip that fits what is believed: the likeliest. Nothing where nothing was understood.
    pub likeliest: Option<Likeliest>,
    /// Why: rules and messages, each with its source.
    pub reasons: Vec<Reason>,
    /// What to do, in order.
    pub plan: Vec<PlanStep>,
    /// What not to do now.
    pub never: Vec<NeverStep>,
    /// The next test, the best first; empty where the verdict needs none.
    pub ask: Vec<Question>,
    /// When it could still have been saved, where that is over or in doubt.
    pub earlier: Option<Earlier>,
    /// What is unusual in what was read of the chip.
    pub unusual: Vec<Oddity>,
    /// What is left to be had from a chip that is lost.
    pub salvage: Vec<String>,
    /// The likeliest story, step by step.
    pub story: Vec<Chapter>,
    /// How much was weighed.
    pub weighed: Weighed,
    /// The chip's family, if it is another than the STM32H5: then nothing above is about it, and this is.
    pub family: Option<OtherFamily>,
}

/// Another family, and the road for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OtherFamily {
    /// `STM32U5`.
    pub name: &'static str,
    /// What decides there, the way back in its order, and what never to do; empty where no page is written.
    pub road: &'static str,
    /// Where the page is, in provost's documentation.
    pub page: Option<String>,
    /// How sure its weakest part is.
    #[cfg_attr(feature = "schema", schemars(with = "Option<provost_chip::sources::Confidence>"))]
    pub confidence: Option<&'static str>,
    /// Where that comes from.
    pub source: Vec<&'static str>,
}

impl OtherFamily {
    pub(super) fn of(family: &'static crate::families::Family) -> Self {
        let road = family.road.as_ref();
        let urls = road.map(|r| r.source).unwrap_or_default().iter();
        Self {
            name: family.name,
            road: road.map_or("", |r| r.short),
            page: family.page(),
            confidence: road.map(|r| r.confidence.as_str()),
            source: urls.filter_map(|key| provost_chip::sources::Source::find(key)?.url).collect(),
        }
    }
}

/// A moment at which the chip could still have been saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Earlier {
    /// The step before which it was, counted from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub step: usize,
    /// The numbered attempt that the step belongs to, if the report numbers them.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub attempt: Option<usize>,
    /// The step, in words.
    pub what: String,
    /// The verdict then.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["recoverable", "recoverable-if"])))]
    pub verdict: Verdict,
    /// The plan then, by the names of its steps.
    pub plan: Vec<String>,
    /// What would have carried it out.
    pub commands: Vec<Commands>,
}

/// Something in the option bytes, or at the place where the chip boots, that is not as on a new chip or as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Oddity {
    /// The option field, or the id of the check.
    pub what: &'static str,
    /// What was read.
    pub found: String,
    /// What that bites, or what must hold.
    pub says: &'static str,
    /// How sure that is.
    #[cfg_attr(feature = "schema", schemars(with = "provost_chip::sources::Confidence"))]
    pub confidence: &'static str,
    /// Where that comes from.
    pub source: Vec<&'static str>,
}

/// What the chip is believed to be.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Believed {
    /// The line, or the lines that it may be.
    pub part: Option<String>,
    /// Product state: `provisioning`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["open", "provisioning", "irot-provisioned", "tz-closed", "closed", "locked", "unknown"])))]
    pub product_state: &'static str,
    /// How sure of the state, from 0 to 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub product_state_certainty: f64,
    /// `on`, `off` or `unknown`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["on", "off", "unknown"])))]
    pub tzen: &'static str,
    /// Whether a credential that can be used is stored: `valid`, `none`, `unusable` or `unknown`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["valid", "none", "unusable", "unknown"])))]
    pub debug_authentication: &'static str,
}

/// A reason: a rule of the life cycle, a tool's message, or a cause outside the life cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// `R-…`, `M-…` or `C-…`.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[RMC]-[A-Z0-9-]+$")))]
    pub id: &'static str,
    /// What it says.
    pub says: &'static str,
    /// How sure it is.
    #[cfg_attr(feature = "schema", schemars(with = "provost_chip::sources::Confidence"))]
    pub confidence: &'static str,
    /// Where it comes from: addresses, or titles where there is none.
    pub source: Vec<&'static str>,
}

/// One step of the plan.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanStep {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z-]+(:[A-Za-z0-9_=x-]+)?$")))]
    pub step: String,
    /// The same in words.
    pub words: String,
    /// Why.
    pub why: String,
    /// How.
    pub commands: Commands,
}

/// Something not to do.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeverStep {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z-]+(:[A-Za-z0-9_=x-]+)?$")))]
    pub step: String,
    /// The same in words.
    pub words: String,
    /// Why not.
    pub why: String,
}

/// The next test.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Question {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z-]+(:[A-Za-z0-9_=x-]+)?$")))]
    pub step: String,
    /// The same in words.
    pub words: String,
    /// How much it tells about the verdict, in bits.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    pub gain: f64,
    /// How.
    pub commands: Commands,
    /// What may be seen, and what it would mean.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub outcomes: Vec<Foreseen>,
}

/// One outcome of a test.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Foreseen {
    /// What is seen.
    pub saw: String,
    /// What it means.
    pub means: String,
    /// The same as a case file, to be given after the report; none where it tells nothing new.
    pub case_file: Option<String>,
}

/// One step of the likeliest story.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Chapter {
    /// The reported step, counted from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub step: usize,
    /// The state before it.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["open", "provisioning", "irot-provisioned", "tz-closed", "closed", "locked", "unknown"])))]
    pub state: &'static str,
    /// TrustZone before it.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["on", "off"])))]
    pub tzen: &'static str,
    /// The rules at work.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<provost_chip::rules::RuleId>"))]
    pub rules: Vec<&'static str>,
    /// The tool's messages.
    #[cfg_attr(feature = "schema", schemars(inner(regex(pattern = "^M-"))))]
    pub messages: Vec<&'static str>,
}

/// How much was weighed, and how it came out.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Weighed {
    /// Worlds at the beginning.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub worlds: usize,
    /// Worlds that the report leaves.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub left: usize,
    /// Shares of the verdicts.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub recoverable: f64,
    /// Recoverable under a condition.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub recoverable_if: f64,
    /// Lost.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub lost: f64,
    /// Not locked.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub not_locked: f64,
    /// Nothing reaches the chip.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub out_of_reach: f64,
    /// Lines of the input that nothing was made of.
    pub ignored_lines: usize,
}

/// A step of the plan, typed.
impl PlanStep {
    /// What it is.
    pub fn action(&self) -> Option<Move> {
        Move::from_name(&self.step)
    }
}
