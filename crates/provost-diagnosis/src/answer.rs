//! The answer: the verdict with its reasons, the plan, what must never be done, and the next test.

mod likeliest;

pub use likeliest::{Likeliest, Stored};
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
    case::{Act, Case, Step},
    commands::{self, Commands, Given, Target},
    evidence::Evidence,
    hypothesis::{Fate, Hypothesis},
    moves::Move,
    plan::{self, Advice},
    story, unusual,
    verdict::{Doubt, Shares, Verdict},
};

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

/// Diagnoses a case.
pub fn diagnose(case: &Case) -> Diagnosis {
    diagnose_for(case, &Given::default())
}

/// What a case comes to, before it is put into words.
struct Judged<'a> {
    evidence: Evidence<'a>,
    belief: Belief,
    shares: Shares,
    understood: bool,
    verdict: Verdict,
    certainty: f64,
    doubt: Option<Doubt>,
    plan: Vec<Advice>,
}

impl<'a> Judged<'a> {
    fn of(case: &'a Case) -> Self {
        let evidence = Evidence::of(case);
        let belief = Belief::after(&evidence);
        let shares = Shares::of(&belief, &evidence);
        let understood = !ask::tells_nothing(case);
        let (verdict, certainty, doubt) =
            if understood { shares.judged(&belief, &evidence) } else { (Verdict::Undetermined, 0.0, None) };
        let plan = plan::plan(&belief, &evidence, verdict);
        // A credential that has to be found is a condition, whoever may have it.
        let searched = plan.iter().any(|a| a.step == Move::FindCredential);
        let verdict = if verdict == Verdict::Recoverable && searched { Verdict::RecoverableIf } else { verdict };
        Self { evidence, belief, shares, understood, verdict, certainty, doubt, plan }
    }
}

/// What is said of a case, in short.
pub(crate) struct Glance {
    pub verdict: Verdict,
    pub plan: Vec<Move>,
    /// How the worlds that are left divide.
    pub classes: ask::Classes,
    /// How likely such a report is, for comparison with one that differs in little.
    pub likelihood: f64,
}

/// What is said of a case, without the words.
pub(crate) fn glance(case: &Case) -> Glance {
    let Judged { evidence, belief, verdict, plan, .. } = Judged::of(case);
    Glance {
        verdict,
        plan: plan.iter().map(|a| a.step).collect(),
        classes: ask::classes(&belief, &evidence),
        likelihood: belief.likelihood,
    }
}

/// Closing writes that are looked back at, the last ones.
const LOOKED_BACK_AT: usize = 2;

/// The last closing write before which the chip could have been saved, where it no longer can be said that it can.
fn earlier(case: &Case, now: Verdict, target: Target<'_>) -> Option<Earlier> {
    if !matches!(now, Verdict::Lost | Verdict::Undetermined) {
        return None;
    }
    let closes =
        |step: &Step| matches!(&step.act, Act::WriteOption(o) if o.product_state() > Some(ProductState::Provisioning));
    let closings = case.steps.iter().enumerate().filter(|(_, step)| closes(step)).map(|(at, _)| at);
    closings.rev().take(LOOKED_BACK_AT).find_map(|at| {
        let then = case.until(at);
        let judged = Judged::of(&then);
        let saved = matches!(judged.verdict, Verdict::Recoverable | Verdict::RecoverableIf);
        let before = |begin: &&usize| **begin <= at;
        let steps: Vec<Move> = judged.plan.iter().map(|a| a.step).collect();
        saved.then(|| Earlier {
            step: at + 1,
            attempt: Some(case.attempts.iter().filter(before).count()).filter(|number| *number > 0),
            what: crate::claim::describe(&case.steps[at].act, None),
            verdict: judged.verdict,
            plan: steps.iter().map(Move::to_string).collect(),
            commands: commands::of_plan(&steps, target),
        })
    })
}

/// Diagnoses a case for somebody who gave probe, part or credential: the commands repeat them.
pub fn diagnose_for(case: &Case, given: &Given) -> Diagnosis {
    let Judged { evidence, belief, shares, understood, verdict, certainty, doubt, plan } = Judged::of(case);
    let never = plan::never(&belief, &evidence, &plan);
    let tests = if verdict == Verdict::Undetermined { ask::tests(&belief, &evidence, doubt) } else { Vec::new() };
    let believed = believed(&belief, &evidence);
    let name = given.part.as_deref().or(case.chip.part.as_deref()).filter(|p| p.parse::<PartId>().is_ok());
    let tz = match believed.tzen {
        "on" => Some(TrustZone::Enabled),
        "off" => Some(TrustZone::Disabled),
        _ => None,
    };
    let pending = case.chip.pending.is_some();
    let target = Target { given, part: name.and_then(|n| n.parse().ok()), name, tz, pending };
    let steps: Vec<Move> = plan.iter().map(|a| a.step).collect();
    Diagnosis {
        understood,
        verdict,
        likeliest: likeliest::of(&belief, &believed).filter(|_| understood),
        goal: evidence.goal.as_str(),
        certainty: rounded(certainty),
        reasons: reasons(&belief, case, &plan),
        plan: plan
            .iter()
            .zip(commands::of_plan(&steps, target))
            .map(|(a, commands)| PlanStep {
                step: a.step.to_string(),
                words: a.step.words(),
                why: a.why.clone(),
                commands,
            })
            .collect(),
        never: never
            .into_iter()
            .map(|a| NeverStep { step: a.step.to_string(), words: a.step.words(), why: a.why })
            .collect(),
        ask: tests
            .into_iter()
            .map(|t| Question {
                step: t.step.to_string(),
                words: t.step.words(),
                gain: rounded(t.gain),
                commands: commands::of_step(t.step, target),
                outcomes: t
                    .outcomes
                    .into_iter()
                    .map(|o| Foreseen { saw: o.saw, means: o.means, case_file: o.case_file })
                    .collect(),
            })
            .collect(),
        earlier: earlier(case, verdict, target),
        unusual: unusual(case),
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
    (share * 1000.0).round().max(0.0) / 1000.0
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

/// What was measured to be wrong, then what option bytes are not as on a new chip.
pub fn unusual(case: &Case) -> Vec<Oddity> {
    let measured = case.findings.iter().map(|f| Oddity {
        what: f.id,
        found: f.found.clone(),
        says: f.says,
        confidence: f.confidence.as_str(),
        source: addresses(f.source),
    });
    let fields = unusual::in_case(case).into_iter().map(|u| Oddity {
        what: u.field,
        found: u.value,
        says: u.says,
        confidence: u.confidence.as_str(),
        source: addresses(u.source),
    });
    measured.chain(fields).collect()
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
