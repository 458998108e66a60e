//! The belief: every hypothesis that the report allows, weighed. A Bayes filter over the model's worlds.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hash as _, Hasher},
};

use provost_chip::assumptions::Assumptions;

use crate::{evidence::Evidence, hypothesis::Hypothesis, prior, replay::Replay, untold};

/// Hypotheses lighter than this share of the heaviest are dropped.
const NEGLIGIBLE: f64 = 1e-5;
/// An untold change is weighed where its hypothesis holds at least this share of the heaviest one that is left.
const WORTH_A_GUESS: f64 = 1e-4;
/// No more hypotheses than this go on from one step to the next: what a vague report leaves behind the heaviest is too light to
/// change an answer, and would take longer than anybody waits.
const MOST: usize = 3_072;
/// How likely it is that the state of which the owner is sure was never passed.
const WRONG_CLAIM: f64 = 0.001;

/// How likely it is that TrustZone stands otherwise than the owner says.
const WRONG_TRUSTZONE: f64 = 0.02;

/// What is believed after a report.
#[derive(Debug, Clone)]
pub struct Belief {
    /// Hypotheses and their weights, which add up to one; the heaviest first.
    pub hypotheses: Vec<(Hypothesis, f64)>,
    /// How many hypotheses were weighed at first.
    pub worlds: usize,
    /// How likely the report is, for comparison with a report that differs in little.
    pub likelihood: f64,
    /// The likeliest story: the hypothesis before each step, and at last the one that is left.
    pub story: Vec<Hypothesis>,
}

impl Belief {
    /// What is believed after this report.
    pub fn after(evidence: &Evidence<'_>) -> Self {
        let mut all = prior::hypotheses(evidence);
        let worlds = all.len();
        let begun: f64 = all.iter().map(|(_, w)| w).sum();
        let floor = lightest_of(MOST, all.iter().map(|(_, w)| *w));
        all.retain(|(_, w)| *w >= floor);
        let mut layers = Vec::with_capacity(evidence.case.steps.len());
        let mut worlds = worlds;
        for index in 0..evidence.case.steps.len() {
            let answers = prior::answers(&prior::questions(evidence, index));
            worlds *= answers.len();
            let (next, parents) = advance(&all, evidence, index, &answers);
            layers.push((all, parents));
            all = next;
        }
        for (hypothesis, weight) in &mut all {
            if !hypothesis.claim_met {
                *weight *= WRONG_CLAIM;
            }
            if !hypothesis.tz_met {
                *weight *= WRONG_TRUSTZONE;
            }
        }
        let story = story(&all, &layers);
        for (hypothesis, _) in &mut all {
            (hypothesis.claim_met, hypothesis.tz_met) = (true, true);
        }
        let mut together = Merged::with_capacity(all.len());
        all.into_iter().for_each(|(h, w)| together.add(h, w, 0));
        let (all, _) = together.finish();
        let likelihood = if begun > 0.0 { all.iter().map(|(_, w)| w).sum::<f64>() / begun } else { 0.0 };
        Self { hypotheses: normalised(all), worlds, likelihood, story }
    }

    /// The share of hypotheses for which something holds.
    pub fn share(&self, mut holds: impl FnMut(&Hypothesis) -> bool) -> f64 {
        self.hypotheses.iter().filter(|(h, _)| holds(h)).map(|(_, w)| w).sum()
    }

    /// The part of the belief for which something holds, weighed anew; empty if nothing does.
    pub fn given(&self, mut holds: impl FnMut(&Hypothesis) -> bool) -> Self {
        let kept = self.hypotheses.iter().filter(|(h, _)| holds(h)).copied().collect();
        Self { hypotheses: normalised(kept), story: self.story.clone(), ..*self }
    }
}

/// Hypotheses with their weights, and for each the place of the hypothesis it mostly came from.
type Weighed = (Vec<(Hypothesis, f64)>, Vec<usize>);

/// The heaviest hypothesis and where it came from, first to last.
fn story(end: &[(Hypothesis, f64)], layers: &[Weighed]) -> Vec<Hypothesis> {
    let Some((place, (last, _))) = end.iter().enumerate().max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b)) else {
        return Vec::new();
    };
    let mut told = vec![*last];
    let mut place = place;
    for (before, parents) in layers.iter().rev() {
        let Some((hypothesis, _)) = parents.get(place).and_then(|p| before.get(*p)) else { break };
        place = parents[place];
        told.push(*hypothesis);
    }
    told.reverse();
    told
}

/// One step further.
///
/// Questions that the step is the first to bear on are opened: each hypothesis goes on with every answer. A hypothesis that the
/// step surprises also goes on with every change that may have been made untold before it.
fn advance(
    all: &[(Hypothesis, f64)],
    evidence: &Evidence<'_>,
    index: usize,
    answers: &[(Assumptions, f64)],
) -> Weighed {
    let Some(step) = evidence.case.steps.get(index) else { return (Vec::new(), Vec::new()) };
    let claimed = &evidence.case.chip;
    let mut next = Merged::with_capacity(all.len());
    let mut replay = Replay::new(evidence, step);
    let go_on = |next: &mut Merged, replay: &mut Replay<'_>, before: Hypothesis, weight: f64, place: usize| {
        replay.run(before);
        let mut foretold = 0.0;
        for &(mut after, likely) in &replay.successors {
            after.claim_met |= claimed.state == Some(after.world.chip.state);
            after.tz_met |= claimed.tz == Some(after.world.chip.tz);
            after.settle();
            foretold += likely;
            next.add(after, weight * likely, place);
        }
        foretold
    };
    let mut surprised = Vec::new();
    for (place, (hypothesis, weight)) in all.iter().enumerate() {
        for (answer, share) in answers {
            let mut before = *hypothesis;
            before.world.assumptions.adopt(answer);
            let foretold = go_on(&mut next, &mut replay, before, weight * share, place);
            if foretold < untold::SURPRISING {
                surprised.push((before, weight * share, place));
            }
        }
    }
    // What provost measures in one go leaves no time for anybody to change anything.
    let at_once = step.measured && index.checked_sub(1).is_some_and(|i| evidence.case.steps[i].measured);
    if !at_once {
        let worth = next.heaviest * WORTH_A_GUESS;
        let mut changes = Vec::new();
        for (before, weight, place) in surprised {
            let weight = weight * untold::UNTOLD_CHANGE;
            if weight <= worth {
                continue;
            }
            untold::changes(&before, &mut changes);
            for (changed, share) in changes.drain(..) {
                // No step makes anything heavier.
                if weight * share > next.heaviest * NEGLIGIBLE {
                    go_on(&mut next, &mut replay, changed, weight * share, place);
                }
            }
        }
    }
    next.finish()
}

/// The lightest of the `most` heaviest; zero if there are no more than those.
fn lightest_of(most: usize, weights: impl ExactSizeIterator<Item = f64>) -> f64 {
    if weights.len() <= most {
        return 0.0;
    }
    let mut weights: Vec<f64> = weights.collect();
    *weights.select_nth_unstable_by(most - 1, |a, b| b.total_cmp(a)).1
}

/// Hypotheses as they come, those that are equal as one: in the order in which they first came, so that sums do not depend on chance.
struct Merged {
    /// Where those of a hash are kept; another one with the same hash stands at the next number.
    places: HashMap<u64, u32, BuildHasherDefault<Mix>>,
    kept: Vec<(Hypothesis, f64)>,
    /// For each, the heaviest contribution and where it came from.
    from: Vec<(f64, usize)>,
    /// The heaviest contribution of all.
    heaviest: f64,
}

impl Merged {
    fn with_capacity(most: usize) -> Self {
        let places = HashMap::with_capacity_and_hasher(most, BuildHasherDefault::default());
        Self { places, kept: Vec::with_capacity(most), from: Vec::with_capacity(most), heaviest: 0.0 }
    }

    fn add(&mut self, hypothesis: Hypothesis, weight: f64, parent: usize) {
        // What is negligible beside one that came already will be so beside the heaviest of all.
        if weight <= self.heaviest * NEGLIGIBLE {
            return;
        }
        self.heaviest = self.heaviest.max(weight);
        let mut hash = Mix::default();
        hypothesis.hash(&mut hash);
        let mut hash = hash.finish();
        loop {
            let next = self.kept.len();
            let place = *self.places.entry(hash).or_insert(u32::try_from(next).unwrap_or(u32::MAX)) as usize;
            match (self.kept.get_mut(place), self.from.get_mut(place)) {
                (Some((same, sum)), Some(best)) if *same == hypothesis => {
                    *sum += weight;
                    if weight > best.0 {
                        *best = (weight, parent);
                    }
                    return;
                }
                (Some(_), _) => hash = hash.wrapping_add(1),
                _ => {
                    self.kept.push((hypothesis, weight));
                    self.from.push((weight, parent));
                    return;
                }
            }
        }
    }

    /// The heaviest of them, and where each mostly came from.
    fn finish(self) -> Weighed {
        let weights = || self.kept.iter().map(|(_, weight)| *weight);
        let floor = (weights().fold(0.0, f64::max) * NEGLIGIBLE).max(lightest_of(MOST, weights()));
        self.kept
            .into_iter()
            .zip(self.from)
            .filter(|((_, weight), _)| *weight >= floor && *weight > 0.0)
            .map(|(kept, (_, parent))| (kept, parent))
            .unzip()
    }
}

/// A hash for keys of many small fields that nobody outside chooses: multiply and rotate.
#[derive(Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        // The table takes the high bits for its tags and the low ones for its places.
        self.0 ^ self.0 >> 29
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

fn normalised(mut all: Vec<(Hypothesis, f64)>) -> Vec<(Hypothesis, f64)> {
    let sum: f64 = all.iter().map(|(_, w)| w).sum();
    if sum > 0.0 {
        for (_, weight) in &mut all {
            *weight /= sum;
        }
    }
    all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    all
}
