//! What stands behind an answer: its reasons with their sources, the likeliest story, what is unusual, and what is left of a lost chip.

use provost_chip::{model::Firmware, rules::RuleId, sources::Source};

use super::{Chapter, Oddity, Reason};
use crate::{
    belief::Belief,
    case::{Case, Step},
    hypothesis::Hypothesis,
    plan::Advice,
    story, unusual,
};

/// Why: the rules of the chip's fate, of the plan and of the story, then causes and messages.
pub(super) fn reasons(belief: &Belief, case: &Case, plan: &[Advice]) -> Vec<Reason> {
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

/// The likeliest story, with the rules and messages of each step.
pub(super) fn chapters(belief: &Belief, case: &Case) -> Vec<Chapter> {
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
pub(super) fn salvage(belief: &Belief) -> Vec<String> {
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
