//! The answer: the verdict with its reasons, the plan, what must never be done, and the next test.

use provost_chip::{
    model::Firmware,
    parts::PartId,
    rules::RuleId,
    sources::Source,
    states::{ProductState, TrustZone},
};
use serde::Serialize;

use crate::{
    ask,
    belief::Belief,
    case::{Case, Step},
    commands::{Commands, Target, commands},
    evidence::Evidence,
    hypothesis::{Fate, Hypothesis},
    moves::Move,
    plan::{self, Advice},
    story,
    verdict::{Shares, Verdict},
};

/// A diagnosis.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnosis {
    /// The answer in one word.
    pub verdict: Verdict,
    /// How sure, from 0 to 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub certainty: f64,
    /// What the chip is believed to be now.
    pub believed: Believed,
    /// Why: rules and messages, each with its source.
    pub reasons: Vec<Reason>,
    /// What to do, in order.
    pub plan: Vec<PlanStep>,
    /// What not to do now.
    pub never: Vec<NeverStep>,
    /// The next test, the best first; empty where the verdict needs none.
    pub ask: Vec<Question>,
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
    fn of(family: &'static crate::families::Family) -> Self {
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

/// Diagnoses a case.
pub fn diagnose(case: &Case) -> Diagnosis {
    let evidence = Evidence::of(case);
    let belief = Belief::after(&evidence);
    let shares = Shares::of(&belief, &evidence);
    let (verdict, certainty, settles) =
        if ask::is_empty(case) { (Verdict::Undetermined, 0.0, None) } else { shares.judged(&belief, &evidence) };
    let plan = plan::plan(&belief, &evidence, verdict);
    // A credential that has to be found is a condition, whoever may have it.
    let searched = plan.iter().any(|a| a.step == Move::FindCredential);
    let verdict = if verdict == Verdict::Recoverable && searched { Verdict::RecoverableIf } else { verdict };
    let never = plan::never(&belief, &plan);
    let tests = if verdict == Verdict::Undetermined { ask::tests(&belief, &evidence, settles) } else { Vec::new() };
    let believed = believed(&belief, &evidence);
    let part = case.chip.part.as_deref().filter(|p| p.parse::<PartId>().is_ok());
    let tz = match believed.tzen {
        "on" => Some(TrustZone::Enabled),
        "off" => Some(TrustZone::Disabled),
        _ => None,
    };
    let target = Target { part, tz };
    Diagnosis {
        verdict,
        certainty: rounded(certainty),
        reasons: reasons(&belief, case, &plan),
        plan: plan
            .iter()
            .map(|a| PlanStep { step: a.step.to_string(), why: a.why.clone(), commands: commands(a.step, target) })
            .collect(),
        never: never.into_iter().map(|a| NeverStep { step: a.step.to_string(), why: a.why }).collect(),
        ask: tests
            .into_iter()
            .map(|t| Question {
                step: t.step.to_string(),
                gain: rounded(t.gain),
                commands: commands(t.step, target),
                outcomes: t.outcomes.into_iter().map(|o| Foreseen { saw: o.saw, means: o.means }).collect(),
            })
            .collect(),
        salvage: if verdict == Verdict::Lost { salvage(&belief) } else { Vec::new() },
        story: chapters(&belief, case),
        weighed: Weighed {
            worlds: belief.worlds,
            left: belief.hypotheses.len(),
            recoverable: rounded(shares.recoverable),
            recoverable_if: rounded(shares.recoverable_if),
            lost: rounded(shares.lost),
            not_locked: rounded(shares.not_locked),
            out_of_reach: rounded(shares.out_of_reach),
            ignored_lines: case.ignored_lines,
        },
        family: case.family.map(OtherFamily::of),
        believed,
    }
}

fn rounded(share: f64) -> f64 {
    (share * 1000.0).round() / 1000.0
}

/// A share above which something is said to be so.
const BELIEVED: f64 = 0.85;

fn believed(belief: &Belief, evidence: &Evidence<'_>) -> Believed {
    let (state, certainty) = ProductState::ALL
        .into_iter()
        .map(|s| (s, belief.share(|h| h.world.chip.state == s)))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap_or((ProductState::Open, 0.0));
    let on = belief.share(|h| h.world.chip.tz == TrustZone::Enabled);
    let tzen = match on {
        s if s > BELIEVED => "on",
        s if s < 1.0 - BELIEVED => "off",
        _ => "unknown",
    };
    let usable = |h: &Hypothesis| matches!(h.fate(), Fate::Authenticate(_) | Fate::FindCredential);
    let none = belief.share(|h| h.world.chip.da.is_none());
    let valid = belief.share(|h| h.world.chip.da.is_some() && (usable(h) || h.fate() == Fate::Provision));
    let debug_authentication = match (none, valid) {
        (n, _) if n > BELIEVED => "none",
        (_, v) if v > BELIEVED => "valid",
        (n, v) if 1.0 - n - v > BELIEVED => "unusable",
        _ => "unknown",
    };
    let names: Vec<&str> = evidence.named.iter().map(|p| p.info().name).collect();
    let part = match names.len() {
        n if n == PartId::all().count() => evidence.case.chip.part.clone(),
        _ => Some(names.join(" or ")),
    };
    Believed {
        part,
        product_state: if certainty > 0.5 { state.as_str() } else { "unknown" },
        product_state_certainty: rounded(certainty),
        tzen,
        debug_authentication,
    }
}

fn reasons(belief: &Belief, case: &Case, plan: &[Advice]) -> Vec<Reason> {
    let mut rules: Vec<RuleId> = Vec::new();
    let mut add = |rule: RuleId| {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    };
    if let Some(last) = belief.story.last() {
        story::rules_of_fate(last).into_iter().for_each(&mut add);
    }
    plan.iter().flat_map(|a| a.rules.iter().copied()).for_each(&mut add);
    for (before, step) in belief.story.iter().zip(&case.steps) {
        story::rules_at_work(before, step).into_iter().for_each(&mut add);
    }
    let mut reasons: Vec<Reason> = rules
        .into_iter()
        .map(|rule| {
            let rule = rule.rule();
            Reason {
                id: rule.id,
                says: rule.says,
                confidence: rule.confidence.as_str(),
                source: addresses(rule.source),
            }
        })
        .collect();
    let causes = plan.iter().filter_map(|a| a.cause).map(|c| Reason {
        id: c.id,
        says: c.why,
        confidence: c.confidence.as_str(),
        source: addresses(c.source),
    });
    let messages = case.steps.iter().flat_map(|s| &s.messages).map(|m| Reason {
        id: m.id,
        says: m.means,
        confidence: m.confidence.as_str(),
        source: addresses(m.source),
    });
    for reason in causes.chain(messages) {
        if !reasons.iter().any(|r| r.id == reason.id) {
            reasons.push(reason);
        }
    }
    reasons
}

/// Where sources are: their address, or their title.
fn addresses(keys: &[&str]) -> Vec<&'static str> {
    keys.iter().filter_map(|key| Source::find(key)).map(|s| s.url.unwrap_or(s.title)).collect()
}

fn chapters(belief: &Belief, case: &Case) -> Vec<Chapter> {
    let chapter = |(index, (before, step)): (usize, (&Hypothesis, &Step))| Chapter {
        step: index + 1,
        state: before.world.chip.state.as_str(),
        tzen: before.world.chip.tz.as_str(),
        rules: story::rules_at_work(before, step).into_iter().map(|r| r.rule().id).collect(),
        messages: step.messages.iter().map(|m| m.id).collect(),
    };
    belief.story.iter().zip(&case.steps).enumerate().map(chapter).collect()
}

/// What is left to be had.
fn salvage(belief: &Belief) -> Vec<String> {
    let mut words = Vec::new();
    let runs = belief.share(|h| h.firmware != Firmware::default());
    if runs > 0.05 {
        words.push(
            "If the firmware on it runs, it goes on running: the chip may serve as it is, it can only not be debugged or changed over SWD."
                .to_owned(),
        );
        words.push(
            "If your firmware can update itself, it may bring a version that requests the regression (PRODUCT_STATE = 0x9A at HDPL1, rule R-FIRMWARE-REGRESSION)."
                .to_owned(),
        );
    }
    words.push("The rest of the board is unharmed: replace the chip, and close the next one only after discovery has shown 0xEAEAEAEA and a regression has been rehearsed.".to_owned());
    words
}

/// A step of the plan, typed.
impl PlanStep {
    /// What it is.
    pub fn action(&self) -> Option<Move> {
        Move::from_name(&self.step)
    }
}
