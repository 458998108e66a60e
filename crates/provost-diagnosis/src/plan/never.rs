//! What must not be done now.

use provost_chip::{model::World, parts::DaStore, rules::RuleId, states::ProductState};

use super::{Advice, WORTH_A_STEP, WORTH_A_WARNING};
use crate::{
    belief::Belief,
    case::Goal,
    evidence::Evidence,
    hypothesis::{Fate, fate},
    moves::Move,
};

/// What must not be done now.
pub(crate) fn never(belief: &Belief, evidence: &Evidence<'_>, plan: &[Advice]) -> Vec<Advice> {
    let in_state = |state| belief.share(|h| h.world.chip.state == state);
    let provisioning = in_state(ProductState::Provisioning);
    let past = belief.share(|h| h.world.chip.state > ProductState::Provisioning);
    let trustzone = belief.share(|h| h.world.chip.part.info().trustzone) > WORTH_A_WARNING;
    let mut never = Vec::new();
    if provisioning > WORTH_A_WARNING || past > WORTH_A_WARNING {
        for state in &ProductState::ALL[2..] {
            if *state == ProductState::TzClosed && !trustzone {
                continue;
            }
            let (why, rules) = if *state == ProductState::Locked {
                ("Locked is for ever: no credential leads out of it.", &[RuleId::LockedIsFinal][..])
            } else {
                (
                    "without a proven credential inside this loses the chip.",
                    &[RuleId::ClosingWithoutDaLoses, RuleId::BackOnlyByDa][..],
                )
            };
            never.push(Advice::new(Move::WriteState(*state), why, rules));
        }
    }
    if provisioning > WORTH_A_WARNING {
        never.push(Advice::new(
            Move::CloseDebug,
            "it shuts the port that provisioning needs, until the next reset.",
            &[RuleId::Ap1ShutInRom],
        ));
    }
    if provisioning + past > 0.5 {
        never.push(Advice::new(
            Move::EraseFlash,
            "outside Open it changes no state, it only takes the firmware away.",
            &[RuleId::BackOnlyByDa],
        ));
    }
    if past > 0.5 {
        never.push(Advice::new(
            Move::Boot0High,
            "past Provisioning it no longer leads to the bootloader.",
            &[RuleId::BootClosed],
        ));
    }
    if evidence.case.chip.pending > Some(ProductState::Provisioning) {
        never.extend([Move::Reset, Move::PowerCycle, Move::ConnectUnderReset, Move::Discover].map(|step| {
            Advice::new(
                step,
                "a write of a later product state waits for the next reset, and takes effect with it.",
                &[RuleId::ClosingWithoutDaLoses],
            )
        }));
    }
    never.extend(once_closed(belief, trustzone));
    never.extend(needless(belief, evidence));
    never.retain(|n| !plan.iter().any(|p| p.step == n.step));
    never
}

/// In Open: closing a chip that nothing could open again, because its OTP is spent (rule `R-H503-OTP`).
fn once_closed(belief: &Belief, trustzone: bool) -> Vec<Advice> {
    let spent = |world: &World| {
        let chip = &world.chip;
        let mut closed = *world;
        closed.chip.state = ProductState::Closed;
        chip.state == ProductState::Open
            && chip.part.info().da_store == DaStore::Otp
            && chip.da.is_some()
            && matches!(fate(&closed), Fate::Lost(_) | Fate::FindCredential)
    };
    if belief.share(|h| spent(&h.world)) <= WORTH_A_STEP {
        return Vec::new();
    }
    ProductState::ALL
        .into_iter()
        .filter(|s| *s > ProductState::Open && (trustzone || *s != ProductState::TzClosed))
        .map(|state| {
            Advice::new(
                Move::WriteState(state),
                "what is in the OTP fits no password of yours and cannot be changed. Once closed, this chip can no longer be opened.",
                &[RuleId::H503Otp, RuleId::ClosingWithoutDaLoses],
            )
        })
        .collect()
}

/// A regression of a product from which nobody wants that.
fn needless(belief: &Belief, evidence: &Evidence<'_>) -> Option<Advice> {
    let closed =
        belief.share(|h| h.world.chip.state > ProductState::Provisioning && !matches!(h.fate(), Fate::Lost(_)));
    let spared = matches!(evidence.goal, Goal::Debug | Goal::Check | Goal::Boot);
    (spared && closed > 0.5).then(|| {
        Advice::new(
            Move::FullRegression,
            "it erases firmware, data and keys of a product that may be well.",
            &[RuleId::FullRegressionEffect],
        )
    })
}
