//! Where nobody is locked out: the mildest steps first, then what to look at.

use provost_chip::{parts::DaStore, rules::RuleId, states::ProductState};

use super::{Advice, WORTH_A_STEP};
use crate::{
    belief::Belief,
    case::{Boot0, Goal},
    causes::Cause,
    evidence::Evidence,
    moves::{Move, Subject},
    signs::Sign,
};

/// The steps.
pub(super) fn steps(belief: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = mild(belief, evidence);
    plan.extend(doors(belief, evidence));
    for (cause, step) in Cause::behind(&evidence.signs) {
        if fits(cause, step, belief) && !plan.iter().any(|a| a.step == step) {
            plan.push(Advice { cause: Some(cause), ..Advice::new(step, cause.why, &[]) });
        }
    }
    plan.extend(onward(belief, evidence));
    plan
}

/// What costs nothing: waiting, and taking power away.
fn mild(belief: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = Vec::new();
    if evidence.just_regressed() {
        plan.push(Advice::new(
            Move::RetryConnect,
            "After a regression the chip erases itself and starts anew: wait some seconds, then connect once more.",
            &[RuleId::FullRegressionEffect],
        ));
    }
    let closed = belief.share(|h| h.world.chip.state > ProductState::Open) > 0.5;
    let waits = closed && evidence.has(Sign::ApplicationDead) && evidence.may_stay_in_rom();
    if waits || (evidence.just_regressed() && evidence.shut_out) {
        plan.push(Advice::new(
            Move::PowerCycle,
            "Remove all power for ten seconds, the chip's USB and the probe's supply included: after Debug Authentication the chip may stand in its ROM, and NRST alone does not always lead out of it.",
            &[RuleId::RssDaStays],
        ));
    }
    plan
}

/// What may keep a debugger out of a chip that is Open.
fn doors(belief: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = Vec::new();
    // A tool that could not have worked says nothing about doors.
    if !evidence.shut_out || evidence.tool_is_blind() || evidence.just_regressed() {
        return plan;
    }
    if belief.share(|h| h.bars) > WORTH_A_STEP {
        plan.push(Advice::new(
            Move::ConnectUnderReset,
            "Firmware that takes the debug pins, sleeps, stops the clocks or is reset by a watchdog keeps a debugger out of an Open chip; under reset none of it runs yet.",
            &[RuleId::Ap1Open],
        ));
        if evidence.case.bench.boot0 != Some(Boot0::Low) {
            plan.push(Advice::new(
                Move::Boot0High,
                "With BOOT0 high and power removed and given back the ROM bootloader runs instead of that firmware, and the port is free: then erase or replace it.",
                &[RuleId::BootOpen],
            ));
        }
        plan.push(Advice::new(
            Move::Check(Subject::Firmware),
            "Look at what the firmware does with PA13 and PA14, sleep modes, clocks and watchdogs.",
            &[],
        ));
    }
    if belief.share(|h| !h.link) > WORTH_A_STEP {
        plan.push(Advice::new(
            Move::Check(Subject::Wiring),
            "Cables, jumpers, solder joints and the supply come before any conclusion about the chip.",
            &[],
        ));
        plan.push(Advice::new(
            Move::OtherProbe,
            "A clone, or a probe with old firmware, may not speak to this family at all.",
            &[],
        ));
    }
    plan
}

/// Whether a step can be carried out on the chips that are left: their parts, their TrustZone and their state bound it.
fn fits(cause: &Cause, step: Move, belief: &Belief) -> bool {
    let named = cause.parts.is_empty()
        || belief.share(|h| cause.parts.iter().any(|p| h.world.chip.part.info().name == *p)) > WORTH_A_STEP;
    let trustzone = || belief.share(|h| h.world.chip.part.info().trustzone) > WORTH_A_STEP;
    let open = || belief.share(|h| h.world.chip.state == ProductState::Open) > 0.5;
    let readable = || belief.share(|h| h.world.chip.state <= ProductState::Provisioning) > 0.5;
    named
        && match step {
            Move::Check(Subject::Tzen | Subject::Secwm) => trustzone() && readable(),
            Move::Check(Subject::BootAddress) => readable(),
            Move::Check(Subject::Wrp | Subject::Flash) | Move::WriteState(_) => open(),
            _ => true,
        }
}

/// On to a closed state, where that is wanted and the chip is Open.
fn onward(belief: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let open = belief.given(|h| h.world.chip.state == ProductState::Open);
    let spent = open.share(|h| h.world.chip.part.info().da_store == DaStore::Otp && h.world.chip.da.is_some());
    if evidence.goal != Goal::Forward || open.hypotheses.is_empty() || spent > WORTH_A_STEP {
        return Vec::new();
    }
    let mut plan = vec![Advice::new(
        Move::WriteState(ProductState::Provisioning),
        "Objects are provisioned in Provisioning. Make and check the credential first: from there the only way back is Debug Authentication.",
        &[RuleId::BareProvisioningIsRescuable],
    )];
    plan.extend(super::provision::steps(&open, evidence));
    plan.push(Advice::new(
        Move::Discover,
        "Discovery must show integrity 0xEAEAEAEA and list a full regression before anything is closed.",
        &[RuleId::DaNeedsValidData],
    ));
    plan.push(super::closing(evidence));
    plan
}
