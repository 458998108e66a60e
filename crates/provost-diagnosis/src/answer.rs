//! The answer: the verdict with its reasons, the plan, what must never be done, and the next test.

mod document;
mod likeliest;
mod why;

pub use document::{
    Believed, Chapter, Diagnosis, Earlier, Foreseen, NeverStep, Oddity, OtherFamily, PlanStep, Question, Reason,
    Weighed,
};
pub use likeliest::{Likeliest, Stored};
use provost_chip::{
    parts::PartId,
    states::{ProductState, TrustZone},
};
pub use why::unusual;

use crate::{
    ask,
    belief::Belief,
    case::{Act, Case, Step},
    commands::{self, Given, Target},
    evidence::Evidence,
    hypothesis::{Fate, Hypothesis},
    moves::Move,
    plan::{self, Advice},
    verdict::{Doubt, Shares, Verdict},
};

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
    let mut never = plan::never(&belief, &evidence, &plan);
    let tests = if verdict == Verdict::Undetermined { ask::tests(&belief, &evidence, doubt) } else { Vec::new() };
    // Where the boot pin is a test it is not known to lead nowhere.
    never.retain(|n| n.step != Move::Boot0High || tests.iter().all(|t| t.step != n.step));
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
        reasons: why::reasons(&belief, case, &plan),
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
        unusual: why::unusual(case),
        salvage: if verdict == Verdict::Lost { why::salvage(&belief) } else { Vec::new() },
        story: why::chapters(&belief, case),
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
