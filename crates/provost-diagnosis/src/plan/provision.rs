//! In Provisioning: the credential that goes in.

use provost_chip::{
    model::authentication::{self, Permission, Presented},
    parts::DaStore,
    rules::RuleId,
    states::{DaMethod, TrustZone},
};

use super::{Advice, WORTH_A_STEP};
use crate::{
    belief::Belief,
    case::{Act, Object, Outcome, ProvisionedBy},
    causes::Cause,
    evidence::Evidence,
    hypothesis::{Hypothesis, hash},
    moves::{Move, Subject},
    signs::Sign,
};

/// In Provisioning: make sure that the credential inside is one that the owner can use.
pub(super) fn steps(provisioning: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = Vec::new();
    if evidence.has(Sign::ObjectSize) {
        let cause = Cause::find("C-OBJECT-SIZE");
        let why = cause.map_or("", |c| c.why);
        plan.push(Advice { cause, ..Advice::new(Move::Check(Subject::ObjectSize), why, &[]) });
    }
    if encryption_is_in_doubt(evidence) {
        plan.push(Advice::new(
            Move::Check(Subject::ObjectEncryption),
            "1 on parts with secure AES (H533, H573, H553, H5F4, H5F5), 0 on others.",
            &[RuleId::CryptoNeedsEncrypted, RuleId::PlainPartsRefuseEncryption],
        ));
    }
    if provisioning.share(|h| !opens_already(h)) <= WORTH_A_STEP {
        return plan;
    }
    let on = provisioning.share(|h| h.world.chip.tz == TrustZone::Enabled);
    if (WORTH_A_STEP..=1.0 - WORTH_A_STEP).contains(&on) {
        plan.push(Advice::new(
            Move::Check(Subject::Tzen),
            "it decides the kind of credential. Hot plug on AP1 shows it.",
            &[RuleId::DaMethodFollowsTzen, RuleId::Ap1Provisioning],
        ));
    }
    let rules = [RuleId::BareProvisioningIsRescuable, RuleId::ProvisionOverwrites, RuleId::DaMethodFollowsTzen];
    if on >= WORTH_A_STEP {
        let why = "with TrustZone on (TZEN 0xB4) only certificates open it. It overwrites what is stored.";
        plan.push(Advice::new(Move::ProvisionCertificate, why, &rules));
    }
    if on <= 1.0 - WORTH_A_STEP {
        let otp = provisioning.share(|h| h.world.chip.part.info().da_store == DaStore::Otp) > 0.5;
        let (why, rules) = if otp {
            ("the STM32H503 keeps its hash in OTP: once, for ever. Keep the file.", &[RuleId::H503Otp][..])
        } else {
            ("with TrustZone off (TZEN 0xC3) only a password opens it. It overwrites what is stored.", &rules[..])
        };
        plan.push(Advice::new(Move::ProvisionPassword, why, rules));
    }
    plan
}

/// Whether what is stored opens to the owner as it is.
fn opens_already(h: &Hypothesis) -> bool {
    let chip = &h.world.chip;
    let method = DaMethod::for_trustzone(chip.tz);
    let id = if method == DaMethod::Certificate { hash::OWN_CERTIFICATE } else { hash::OWN_PASSWORD };
    authentication::authorise(chip, Presented { method, id, mask: u32::MAX }, Permission::FullRegression).outcome
}

/// An object was refused and its flag is wrong or not told.
fn encryption_is_in_doubt(evidence: &Evidence<'_>) -> bool {
    let crypto = evidence.named.iter().any(|p| p.info().crypto);
    let plain = evidence.named.iter().any(|p| !p.info().crypto);
    evidence.case.steps.iter().any(|s| {
        let Act::Provision { object, encrypted, by: ProvisionedBy::Tool, .. } = &s.act else { return false };
        let refused = !matches!(s.outcome, None | Some(Outcome::Ok));
        let excused = s.all_signs().any(|sign| {
            matches!(
                sign,
                Sign::ObjectSize | Sign::FileMissing | Sign::ToolCrash | Sign::ServiceAbsent | Sign::ObjectKindRefused
            )
        });
        let wrong = matches!((encrypted, crypto, plain), (Some(true), false, true) | (Some(false), true, false));
        object.is_debug_authentication() && (wrong || (refused && !excused && *object != Object::Other))
    })
}
