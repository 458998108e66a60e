//! The plan: steps that are safe in every world that is left, and bring as many of them as possible to Open; and what must
//! not be done now.

mod never;
mod provision;
mod well;

use provost_chip::{
    parts::DaStore,
    rules::RuleId,
    states::{ProductState, TrustZone},
};

use crate::{
    belief::Belief,
    case::{Act, Goal},
    causes::Cause,
    evidence::Evidence,
    goal,
    hypothesis::{Fate, Hypothesis, With},
    moves::{Move, Subject},
    signs::Sign,
    verdict::Verdict,
};

pub(crate) use never::never;

/// One step, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Advice {
    /// What.
    pub step: Move,
    /// Why, in plain words.
    pub why: String,
    /// The rules behind it.
    pub rules: Vec<RuleId>,
    /// The cause behind it, for checks outside the life cycle.
    pub cause: Option<&'static Cause>,
}

impl Advice {
    fn new(step: Move, why: impl Into<String>, rules: &[RuleId]) -> Self {
        Self { step, why: why.into(), rules: rules.to_vec(), cause: None }
    }
}

/// A possibility below this share of the worlds is not worth a step.
const WORTH_A_STEP: f64 = 0.10;
/// A possibility above this share of the worlds is warned of.
const WORTH_A_WARNING: f64 = 0.02;

/// The plan for a verdict.
pub(crate) fn plan(belief: &Belief, evidence: &Evidence<'_>, verdict: Verdict) -> Vec<Advice> {
    match verdict {
        Verdict::NotLocked => well::steps(belief, evidence),
        Verdict::Recoverable | Verdict::RecoverableIf => way_back(belief, evidence),
        Verdict::Lost | Verdict::Undetermined => Vec::new(),
    }
}

fn way_back(belief: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let closed =
        belief.given(|h| h.link && h.world.chip.state > ProductState::Open && !matches!(h.fate(), Fate::Lost(_)));
    if closed.share(|h| h.fate() == Fate::AskFirmware) > 0.5 {
        // No Debug Authentication, so nothing of what it needs.
        return vec![Advice::new(
            Move::AskFirmware,
            "no credential opens this chip, but its own firmware can.",
            &[RuleId::FirmwareRegression],
        )];
    }
    let seen = evidence.case.steps.iter().filter_map(goal::shown).next_back();
    let believed = closed.share(|h| h.world.chip.state == ProductState::Provisioning) > 0.5;
    if evidence.goal == Goal::Boot && believed && seen != Some(ProductState::Provisioning) {
        // A product that runs may have been closed by somebody who did not say so: nothing is erased on hearsay.
        return vec![Advice::new(
            Move::ConnectHotPlug,
            "no firmware runs in Provisioning, and the way out erases it. See first that the chip is there still, and say what you saw.",
            &[RuleId::BootProvisioning],
        )];
    }
    let mut plan = surroundings(&closed, evidence);
    let provisioning = closed.given(|h| h.world.chip.state == ProductState::Provisioning);
    if closed.share(|h| h.world.chip.state == ProductState::Provisioning) > 0.5 {
        plan.extend(provision::steps(&provisioning, evidence));
    } else if closed.share(|h| h.fate() == Fate::FindCredential) > WORTH_A_STEP {
        plan.push(Advice::new(
            Move::FindCredential,
            "without it there is no way back. Look where the chip was provisioned.",
            &[RuleId::BackOnlyByDa],
        ));
    }
    let provisioned_first = closed.share(|h| h.world.chip.state == ProductState::Provisioning) > 0.5;
    plan.push(Advice::new(
        Move::Discover,
        "integrity 0xEAEAEAEA shows that a credential is inside. It resets the chip.",
        &[RuleId::DaNeedsValidData],
    ));
    plan.extend(last_step(&closed, evidence, provisioned_first));
    plan
}

/// The step that reaches the goal: none erases or closes anything that the goal does not ask for.
fn last_step(closed: &Belief, evidence: &Evidence<'_>, provisioning: bool) -> Option<Advice> {
    let regression = || Advice::new(Move::FullRegression, regression_words(closed), &[RuleId::FullRegressionEffect]);
    let certificate = closed.share(|h| h.world.chip.tz == TrustZone::Enabled) > 0.5;
    match evidence.goal {
        Goal::Open | Goal::Boot => Some(regression()),
        // Nobody stops in Provisioning on purpose; who asks only whether all is well is not told to erase it.
        Goal::Check if provisioning && evidence.case.goal.is_none() => Some(regression()),
        Goal::Debug if certificate => Some(Advice::new(
            Move::OpenDebug,
            "a chain whose masks allow it erases nothing. A full regression would erase everything.",
            &[RuleId::DaMethodFollowsTzen],
        )),
        // A password allows a full regression only, and that erases what shall be debugged.
        Goal::Debug | Goal::Check => None,
        Goal::Forward if provisioning => Some(closing(evidence)),
        // Past Provisioning nobody goes on; the way forward begins again in Open.
        Goal::Forward => Some(regression()),
    }
}

/// The write that closes: the last one that was meant, Closed if none is told.
fn closing(evidence: &Evidence<'_>) -> Advice {
    let meant = evidence.case.steps.iter().rev().find_map(|s| match &s.act {
        Act::WriteOption(option) => option.product_state().filter(|s| *s > ProductState::Provisioning),
        _ => None,
    });
    let state = meant.filter(|s| *s != ProductState::Locked).unwrap_or(ProductState::Closed);
    Advice::new(
        Move::WriteState(state),
        "only after 0xEAEAEAEA and a full regression in the list: it is the point of no return.",
        &[RuleId::ClosingWithoutDaLoses],
    )
}

/// What stands around the chip and must be put right first.
fn surroundings(closed: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = Vec::new();
    let no_reset = closed.share(|h| !h.world.bench.nrst_wired);
    let no_host = closed.share(|h| !h.host);
    if no_reset > WORTH_A_STEP {
        plan.push(Advice::new(
            Move::WireNrst,
            "Debug Authentication begins while the probe holds NRST low.",
            &[RuleId::DaNeedsNrst],
        ));
        if evidence.case.bench.nrst == Some(true) {
            plan.push(Advice::new(
                Move::OtherProbe,
                "NRST is said to be wired, and the exchange fails. Try one whose reset line is known to work.",
                &[RuleId::DaNeedsNrst],
            ));
        }
    }
    if no_host > WORTH_A_STEP {
        plan.push(Advice {
            cause: Cause::find("C-HOST-SIDE"),
            ..Advice::new(Move::Host64Bit, "32-bit builds of it cannot do Debug Authentication.", &[])
        });
    }
    if evidence.has(Sign::UsbInTheWay) {
        plan.push(Advice::new(
            Move::UnplugTargetUsb,
            "the ROM's bootloader on USB has kept objects from being stored.",
            &[RuleId::BootProvisioning],
        ));
    }
    if evidence.has(Sign::SupplyLow) {
        let cause = Cause::find("C-SUPPLY-LOW");
        let why = cause.map_or("", |c| c.why);
        plan.push(Advice { cause, ..Advice::new(Move::Check(Subject::Supply), why, &[]) });
    }
    plan
}

fn regression_words(closed: &Belief) -> String {
    let mut words = String::from("back to Open. It erases the user flash, SRAM and the keys.");
    let in_otp = |h: &Hypothesis| h.world.chip.part.info().da_store == DaStore::Otp && h.world.chip.da.is_some();
    if closed.share(in_otp) > 0.5 {
        words.push_str(" The password that stands in OTP: `provost rescue --credential DIR`.");
    }
    if closed.share(|h| h.fate() == Fate::Authenticate(With::RootKeyAsPassword)) > WORTH_A_STEP {
        words.push_str(
            " If a certificate object was stored with TrustZone off: its hash is that of the 64 bytes X and Y of the root public key, so these bytes are the password.",
        );
    }
    if closed.share(|h| h.fate() == Fate::Authenticate(With::Sample)) > WORTH_A_STEP {
        words.push_str(
            " If the tool's default configuration was provisioned, ST's published sample credential opens it.",
        );
    }
    words
}
