//! What a question is worth: how likely its answer changes what is said.
//!
//! Each answer is tried. One that leads to another verdict makes a question worth asking; one that leaves the worlds less divided,
//! as much as that tells; one that only changes the plan, less. Where nothing would be said differently, the interview is over.

use super::{Interview, QUESTIONS, Question};
use crate::{
    answer::Glance,
    ask::{Classes, bits},
    verdict::Verdict,
};

/// A question that is worth less than this is not asked.
pub(super) const WORTH_ASKING: f64 = 0.15;
/// What another plan counts, beside another verdict.
const PLAN: f64 = 0.3;
/// How much likelihood counts for how often an answer is given: a report is no chance sample of worlds, which would be 1.
const CHANCE: f64 = 0.5;
/// How much less likely somebody looks with the probe who could not before.
const NO_PROBE: f64 = 0.5;

/// The worth of a question, where this would be said now.
pub(super) fn of(interview: &Interview, question: &'static Question, now: &Glance) -> f64 {
    let tried: Vec<(f64, Glance)> = question
        .choices
        .iter()
        .map(|choice| {
            let then = interview.with(choice).glance();
            (choice.often * then.likelihood.powf(CHANCE), then)
        })
        .collect();
    let sum: f64 = tried.iter().map(|(often, ..)| often).sum();
    if sum <= 0.0 {
        return 0.0;
    }
    let (mut left, mut told, mut together) = (0.0, 0.0, Classes::default());
    for (often, then) in tried {
        let share = often / sum;
        left += share * bits(&then.classes);
        together.iter_mut().zip(then.classes).for_each(|(sum, of)| *sum += share * of);
        told += share * difference(now, &then);
    }
    // What the answer tells of the chip: how much less divided the worlds are behind each answer than behind all together.
    let tells = (bits(&together) - left).max(0.0);
    (told + tells) * ease(interview, question)
}

/// How likely a question is answered at all: whoever could not look with the probe once will not the next time.
fn ease(interview: &Interview, question: &Question) -> f64 {
    let ease = f64::from(question.ease) / 100.0;
    if !question.with_probe {
        return ease;
    }
    let not_seen = QUESTIONS.iter().filter(|q| q.with_probe && interview.is_unknown(q.subject));
    not_seen.fold(ease, |ease, _| ease * NO_PROBE)
}

/// How different two answers are to whoever reads them, from 0 to 1. What it takes to save a chip stands in the plan.
fn difference(now: &Glance, then: &Glance) -> f64 {
    let word = |verdict: Verdict| if verdict == Verdict::RecoverableIf { Verdict::Recoverable } else { verdict };
    if word(now.verdict) != word(then.verdict) {
        return 1.0;
    }
    if now.plan == then.plan { 0.0 } else { PLAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moves::Move;

    #[test]
    fn another_verdict_counts_most_and_a_condition_is_none() {
        let said = |verdict, plan: &[Move]| Glance {
            verdict,
            plan: plan.to_vec(),
            classes: Classes::default(),
            likelihood: 1.0,
        };
        let saved = said(Verdict::Recoverable, &[Move::FullRegression]);
        assert_eq!(difference(&saved, &saved), 0.0);
        assert_eq!(difference(&saved, &said(Verdict::RecoverableIf, &[Move::FullRegression])), 0.0);
        assert_eq!(difference(&saved, &said(Verdict::RecoverableIf, &[Move::WireNrst, Move::FullRegression])), PLAN);
        assert_eq!(difference(&saved, &said(Verdict::Lost, &[])), 1.0);
    }
}
