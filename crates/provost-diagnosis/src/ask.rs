//! The next test: the one whose outcomes tell the remaining worlds apart best, and which is safe in all of them.

use std::{collections::BTreeMap, fmt};

use provost_chip::{
    model::{Action, Observation},
    states::{DaMethod, ProductState, TrustZone},
};

use crate::{
    belief::Belief,
    case::{Act, Boot0, Case, ConnectMode, Goal, Step},
    evidence::Evidence,
    hypothesis::{DaPath, Fate, Hypothesis},
    moves::{Move, Subject},
    verdict::{Doubt, Shares, Standing, standing},
};

/// A test, and what each outcome would mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    /// What to do.
    pub step: Move,
    /// How much it tells about the verdict, in bits.
    pub gain: f64,
    /// What may be seen, and what the verdict would then be.
    pub outcomes: Vec<Outcome>,
}

/// One outcome of a test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// What is seen.
    pub saw: String,
    /// What it means.
    pub means: String,
    /// The same as a case file.
    pub case_file: Option<String>,
    /// How likely it is now.
    pub share: f64,
}

/// The tests, each with how readily a person does it: a test that takes a soldering iron must tell more.
const TESTS: [(Move, f64); 11] = [
    (Move::Discover, 1.0),
    (Move::ConnectHotPlug, 1.0),
    (Move::ConnectUnderReset, 0.9),
    (Move::Boot0High, 0.8),
    (Move::Check(Subject::Wiring), 0.9),
    (Move::WireNrst, 0.9),
    (Move::OtherProbe, 0.6),
    (Move::Check(Subject::Supply), 0.6),
    (Move::Host64Bit, 0.7),
    (Move::PowerCycle, 0.4),
    (Move::FullRegression, 0.2),
];

/// A test that tells less than this, in bits, is not worth naming.
const WORTH_NAMING: f64 = 0.01;
/// Most tests that are named.
const AT_MOST: usize = 3;

/// The best tests, the best first; never empty. A test that would settle a doubt beyond the weights goes before the others.
pub(crate) fn tests(belief: &Belief, evidence: &Evidence<'_>, doubt: Option<Doubt>) -> Vec<Test> {
    // After a regression that was granted the mildest thing comes first: the chip may stand in its ROM until power goes.
    let waits = evidence.just_regressed().then_some(Move::PowerCycle);
    let first = waits.or(doubt.and_then(|doubt| settles_doubt(doubt, evidence)));
    let mut tests: Vec<(f64, Test)> = TESTS
        .into_iter()
        .map(|(step, ease)| {
            let test = foresee(step, belief, evidence);
            let ease = ease * readiness(step, evidence);
            (test.gain * ease, test)
        })
        .collect();
    let settles = |test: &Test| Some(test.step) == first;
    tests.sort_by(|(a, s), (b, t)| settles(t).cmp(&settles(s)).then(b.total_cmp(a)));
    let best = tests.iter().map(|(value, _)| *value).fold(0.0, f64::max);
    let mut named = Vec::new();
    for (place, (value, test)) in tests.into_iter().enumerate() {
        if place == 0 || (named.len() < AT_MOST && value > WORTH_NAMING && value > best / 4.0) {
            named.push(test);
        }
    }
    named
}

/// The test that settles a doubt: the first of its kind that was not just done.
fn settles_doubt(doubt: Doubt, evidence: &Evidence<'_>) -> Option<Move> {
    let tests: &[Move] = match doubt {
        // Whoever attaches can read the state.
        Doubt::NothingShowsOpen if evidence.attached_without_reading() => return Some(Move::ConnectHotPlug),
        Doubt::NothingShowsOpen => &[Move::ConnectUnderReset, Move::Boot0High, Move::PowerCycle, Move::Discover],
        Doubt::NotDiscovered => &[Move::Discover],
        Doubt::TwoPlans => &[Move::ConnectHotPlug],
    };
    tests.iter().copied().find(|test| readiness(*test, evidence) > 0.5).or(tests.first().copied())
}

/// What is left of a test's worth: one that was just done tells little, and a wire that is said to be there is not looked for
/// first.
fn readiness(step: Move, evidence: &Evidence<'_>) -> f64 {
    let case = evidence.case;
    let since = case.steps.iter().rev().take_while(|s| !matches!(s.act, Act::WriteOption(_) | Act::Provision { .. }));
    let mut since = since.map(|s| &s.act);
    // A discovery that is told without its integrity, or without its method where that is open, says too little: asked again, it
    // says the rest.
    let method_known = case.chip.tz.is_some() || evidence.parts.iter().all(|p| !p.info().trustzone);
    let answered = |a: &Act| matches!(a, Act::Discover(d) if d.answered() && d.integrity.is_some() && (method_known || d.password.is_some()));
    let spoke = case.steps.iter().any(|s| answered(&s.act));
    let denied = |a: &Step| matches!(a.act, Act::Authenticate { .. }) && a.outcome != Some(crate::case::Outcome::Ok);
    let connected = |a: &Act, how: ConnectMode| matches!(a, Act::Connect { mode: Some(mode), .. } if *mode == how);
    match (step, case.bench.nrst) {
        // Asked again, the chip says the same.
        (Move::Discover | Move::WireNrst | Move::Host64Bit | Move::OtherProbe, _) if since.any(answered) => 0.0,
        // Only where discovery has said its word, and where the goal is worth what it erases.
        (Move::FullRegression, _) if evidence.goal != Goal::Open || !spoke || case.steps.iter().any(denied) => 0.0,
        (Move::ConnectHotPlug, _) if since.any(|a| connected(a, ConnectMode::HotPlug)) => 0.3,
        (Move::ConnectUnderReset, _) if since.any(|a| connected(a, ConnectMode::UnderReset)) => 0.2,
        // Without a reset line it is an ordinary connect.
        (Move::ConnectUnderReset, Some(false)) => 0.1,
        (Move::Boot0High, _) => match case.bench.boot0 {
            Some(Boot0::High) => 0.0,
            Some(Boot0::Low) => 0.3,
            Some(Boot0::Accessible) | None => 1.0,
        },
        (Move::PowerCycle, _) if since.any(|a| matches!(a, Act::PowerCycle)) => 0.3,
        (Move::WireNrst, Some(true)) => 0.5,
        (Move::WireNrst, None) => 0.55,
        _ => 1.0,
    }
}

/// What a test would show in each world, and how much that tells.
fn foresee(step: Move, belief: &Belief, evidence: &Evidence<'_>) -> Test {
    let mut by_outcome: BTreeMap<Saw, Vec<(Hypothesis, f64)>> = BTreeMap::new();
    for (hypothesis, weight) in &belief.hypotheses {
        by_outcome.entry(outcome(step, hypothesis)).or_default().push((*hypothesis, *weight));
    }
    let mut left = 0.0;
    let mut outcomes = Vec::new();
    for (saw, hypotheses) in by_outcome {
        let share: f64 = hypotheses.iter().map(|(_, w)| w).sum();
        let then = Belief { hypotheses, story: Vec::new(), ..*belief }.given(|_| true);
        left += share * entropy(&then, evidence);
        let means = meaning(step, saw, &then, evidence);
        outcomes.push(Outcome { saw: saw.to_string(), means, case_file: told(step, saw), share });
    }
    outcomes.retain(|o| o.share > 0.005);
    outcomes.sort_by(|a, b| b.share.total_cmp(&a.share));
    Test { step, gain: (entropy(belief, evidence) - left).max(0.0), outcomes }
}

/// Uncertainty about the verdict, in bits.
fn entropy(belief: &Belief, evidence: &Evidence<'_>) -> f64 {
    bits(&classes(belief, evidence))
}

/// Shares of what tells plans and verdicts apart. A chip that needs a condition is saved like one that does not.
pub(crate) type Classes = [f64; 5];

/// The entropy of such shares, in bits.
pub(crate) fn bits(classes: &Classes) -> f64 {
    classes.iter().filter(|share| **share > 0.0).map(|share| -share * share.log2()).sum()
}

pub(crate) fn classes(belief: &Belief, evidence: &Evidence<'_>) -> Classes {
    let mut classes = [0.0; 5];
    for (hypothesis, weight) in &belief.hypotheses {
        let class = match standing(hypothesis, evidence) {
            // Another plan, not only another verdict.
            Standing::Recoverable | Standing::RecoverableIf(_)
                if hypothesis.world.chip.state == ProductState::Provisioning =>
            {
                0
            }
            Standing::Recoverable | Standing::RecoverableIf(_) => 1,
            Standing::Lost => 2,
            Standing::NotLocked => 3,
            Standing::OutOfReach => 4,
        };
        classes[class] += weight;
    }
    classes
}

/// What a test may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Saw {
    NoAnswer,
    NobodyAnswers,
    Ap1Shut,
    /// The state, and whether TrustZone is on.
    Attached(ProductState, bool),
    /// The state, whether the integrity is valid, and whether a password is asked for.
    Discovered(ProductState, bool, bool),
    Granted,
    Denied,
    AnswersAfterAll,
    AsItWas,
}

impl fmt::Display for Saw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("no answer"),
            Self::NobodyAnswers => f.write_str("nobody answers"),
            Self::Ap1Shut => f.write_str("the probe finds the chip, AP1 is shut"),
            Self::Attached(state, on) => {
                let tz = if *on { TrustZone::Enabled } else { TrustZone::Disabled };
                write!(f, "PRODUCT_STATE {state}, TZEN 0x{:02X}", tz.code())
            }
            Self::Discovered(state, valid, password) => {
                let integrity = if *valid { "0xEAEAEAEA" } else { "0xF5F5F5F5" };
                let method = if *password { "ST Password" } else { "ECDSA P-256" };
                write!(f, "life cycle {}, integrity {integrity}, {method}", state.title())
            }
            Self::Granted => f.write_str("granted: the chip goes back to Open"),
            Self::Denied => f.write_str("refused, with every credential that you have"),
            Self::AnswersAfterAll => f.write_str("the chip answers after all"),
            Self::AsItWas => f.write_str("nothing is wrong there, and all stays as it was"),
        }
    }
}

/// An outcome as its owner would tell it: a case file that is read after the report.
fn told(step: Move, saw: Saw) -> Option<String> {
    let bench = match step {
        Move::WireNrst | Move::OtherProbe => "[bench]\nnrst = \"wired\"\n\n",
        Move::Boot0High => "[bench]\nboot0 = \"high\"\n\n[[step]]\naction = \"power-cycle\"\n\n",
        _ => "",
    };
    let connect = match step {
        Move::ConnectUnderReset => "[[step]]\naction = \"connect\"\nmode = \"under-reset\"\nap = 1\n",
        _ => "[[step]]\naction = \"connect\"\nmode = \"hot-plug\"\nap = 1\n",
    };
    let connects = matches!(step, Move::ConnectHotPlug | Move::ConnectUnderReset | Move::Boot0High);
    let read = |field: &str, value: u8| {
        format!(
            "\n[[step]]\naction = \"read-option\"\nfield = \"{field}\"\nvalue = \"0x{value:02X}\"\nresult = \"ok\"\n"
        )
    };
    let steps = match saw {
        Saw::NobodyAnswers => format!("{connect}result = \"no-device\"\n"),
        Saw::NoAnswer if connects => format!("{connect}result = \"no-device\"\n"),
        Saw::NoAnswer => "[[step]]\naction = \"discover\"\nresult = \"error\"\n".to_owned(),
        Saw::Ap1Shut => format!("{connect}result = \"error\"\n"),
        Saw::Attached(state, on) => {
            let tz = if on { TrustZone::Enabled } else { TrustZone::Disabled };
            format!("{connect}result = \"ok\"\n{}{}", read("PRODUCT_STATE", state.code()), read("TZEN", tz.code()))
        }
        Saw::Discovered(state, valid, password) => {
            let lifecycle = state.as_str().to_ascii_uppercase().replace('-', "_");
            let integrity = if valid { "0xeaeaeaea" } else { "0xf5f5f5f5" };
            let method = if password { "ST Password" } else { "ECDSA-P256 SHA256" };
            format!(
                "[[step]]\naction = \"discover\"\nlifecycle = \"ST_LIFECYCLE_{lifecycle}\"\nintegrity = \"{integrity}\"\n\
                 cryptosystem = \"{method}\"\nresult = \"ok\"\n"
            )
        }
        Saw::Granted => "[[step]]\naction = \"authenticate\"\nresult = \"ok\"\n".to_owned(),
        Saw::Denied => "[[step]]\naction = \"authenticate\"\nresult = \"refused\"\n".to_owned(),
        Saw::AnswersAfterAll | Saw::AsItWas => return None,
    };
    Some(format!("{bench}{steps}"))
}

/// What a test shows in one world. Who changes the wires, the probe or the host does it to discover anew.
fn outcome(step: Move, h: &Hypothesis) -> Saw {
    let mut mended = *h;
    match step {
        Move::WireNrst => mended.world.bench.nrst_wired = true,
        Move::Host64Bit => mended.host = true,
        Move::OtherProbe => (mended.link, mended.world.bench.nrst_wired) = (true, true),
        _ => {}
    }
    match step {
        Move::Discover | Move::WireNrst | Move::Host64Bit | Move::OtherProbe => discovered(mended),
        Move::ConnectHotPlug if h.is_barred() => Saw::NobodyAnswers,
        Move::ConnectHotPlug => attached(mended),
        Move::ConnectUnderReset => {
            mended.world.step(Action::ConnectUnderReset);
            attached(mended)
        }
        Move::Boot0High => {
            mended.world.step(Action::SetBoot0(true));
            mended.world.step(Action::PowerCycle);
            attached(mended)
        }
        Move::FullRegression => authenticated(h),
        _ if !h.link => Saw::AnswersAfterAll,
        _ => Saw::AsItWas,
    }
}

fn discovered(mut h: Hypothesis) -> Saw {
    if h.da_path() != DaPath::Answers {
        return Saw::NoAnswer;
    }
    h.world.step(Action::RequestDebugAuthentication);
    match h.world.step(Action::Discover) {
        Observation::Discovered { state, valid, method } => Saw::Discovered(state, valid, method == DaMethod::Password),
        _ => Saw::NoAnswer,
    }
}

fn authenticated(h: &Hypothesis) -> Saw {
    match (h.da_path(), h.fate()) {
        (DaPath::Answers, Fate::Authenticate(_)) => Saw::Granted,
        (DaPath::Answers, _) => Saw::Denied,
        _ => Saw::NoAnswer,
    }
}

fn attached(mut h: Hypothesis) -> Saw {
    if !h.link {
        return Saw::NobodyAnswers;
    }
    match h.world.step(Action::HotPlug) {
        Observation::State { state, tz } => Saw::Attached(state, tz == TrustZone::Enabled),
        _ => Saw::Ap1Shut,
    }
}

/// What the verdict would be then.
fn meaning(step: Move, saw: Saw, then: &Belief, evidence: &Evidence<'_>) -> String {
    let shares = Shares::of(then, evidence);
    let (verdict, _) = shares.verdict();
    let provisioning = then.share(|h| h.world.chip.state == ProductState::Provisioning) > 0.5;
    use crate::verdict::Verdict as V;
    let words = match verdict {
        V::Recoverable | V::RecoverableIf if provisioning => {
            "recoverable: provision a credential and use it for a full regression"
        }
        V::Recoverable | V::RecoverableIf => "recoverable with the credential that was provisioned",
        V::Lost if matches!(step, Move::Check(_) | Move::PowerCycle) => {
            "most likely lost; a discovery with another probe has the last word"
        }
        V::Lost => "lost: nothing on the chip would accept any credential",
        // A chip in Open does not answer; neither do others.
        V::NotLocked if saw == Saw::NoAnswer => "still open: diagnose again with this",
        V::NotLocked => "nobody is locked out",
        V::Undetermined if matches!(step, Move::Check(_) | Move::PowerCycle) => {
            "the wires decide nothing yet: diagnose again with what is seen then"
        }
        V::Undetermined => "still open: diagnose again with this",
    };
    words.to_owned()
}

/// Whether a case tells anything of a chip: a step, or the state that its owner is sure of. A name alone, or remarks that
/// nothing was made of, do not.
pub(crate) fn tells_nothing(case: &Case) -> bool {
    let says = |s: &Step| match &s.act {
        Act::Observe(_) | Act::Firmware(_) => s.all_signs().next().is_some() || s.outcome.is_some(),
        _ => true,
    };
    case.chip.state.is_none() && !case.steps.iter().any(says)
}

#[cfg(test)]
mod tests_of_outcomes {
    use super::*;
    use crate::case_file;

    /// Every outcome of every test that can be told is a case file with the steps that it tells.
    #[test]
    fn every_outcome_can_be_told() {
        let flags = [false, true];
        let attached = ProductState::ALL.into_iter().flat_map(|s| flags.map(|on| Saw::Attached(s, on)));
        let discovered = ProductState::ALL
            .into_iter()
            .flat_map(|s| flags.into_iter().flat_map(move |v| flags.map(|p| Saw::Discovered(s, v, p))));
        let plain = [Saw::NoAnswer, Saw::NobodyAnswers, Saw::Ap1Shut, Saw::Granted, Saw::Denied];
        for saw in plain.into_iter().chain(attached).chain(discovered) {
            for (step, _) in TESTS {
                let text = told(step, saw).unwrap();
                let case = case_file::read(&text).unwrap_or_else(|e| panic!("{step} {saw}: {e}\n{text}"));
                assert!(!tells_nothing(&case), "{step} {saw}");
                if let Saw::Discovered(state, valid, password) = saw {
                    let Some(Act::Discover(d)) = case.steps.last().map(|s| &s.act) else { panic!("{text}") };
                    assert_eq!((d.lifecycle, d.password), (Some(state), Some(password)), "{text}");
                    assert!(d.integrity.is_some(), "{valid}: {text}");
                }
            }
        }
    }
}
