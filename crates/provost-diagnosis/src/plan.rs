//! The plan: steps that are safe in every world that is left, and bring as many of them as possible to Open; and what must
//! not be done now.

use provost_chip::{
    model::authentication::{self, Permission, Presented},
    parts::DaStore,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};

use crate::{
    belief::Belief,
    case::{Act, Object, Outcome, ProvisionedBy},
    causes::Cause,
    evidence::Evidence,
    hypothesis::{Fate, Hypothesis, With, hash},
    moves::{Move, Subject},
    signs::Sign,
    verdict::Verdict,
};

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
        Verdict::NotLocked => causes(evidence),
        Verdict::Recoverable | Verdict::RecoverableIf => way_back(belief, evidence),
        Verdict::Lost | Verdict::Undetermined => Vec::new(),
    }
}

fn causes(evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan: Vec<Advice> = Vec::new();
    for (cause, step) in Cause::behind(&evidence.signs) {
        if !plan.iter().any(|a| a.step == step) {
            plan.push(Advice { cause: Some(cause), ..Advice::new(step, cause.why, &[]) });
        }
    }
    plan
}

fn way_back(belief: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let closed =
        belief.given(|h| h.link && h.world.chip.state > ProductState::Open && !matches!(h.fate(), Fate::Lost(_)));
    let mut plan = surroundings(&closed, evidence);
    if closed.share(|h| h.fate() == Fate::AskFirmware) > 0.5 {
        plan.push(Advice::new(
            Move::AskFirmware,
            "No credential opens this chip, but its own firmware can request a regression.",
            &[RuleId::FirmwareRegression],
        ));
        return plan;
    }
    let provisioning = closed.given(|h| h.world.chip.state == ProductState::Provisioning);
    if closed.share(|h| h.world.chip.state == ProductState::Provisioning) > 0.5 {
        plan.extend(credential_into_provisioning(&provisioning, evidence));
    } else if closed.share(|h| h.fate() == Fate::FindCredential) > WORTH_A_STEP {
        plan.push(Advice::new(
            Move::FindCredential,
            "The chip holds somebody's credential; without it there is no way back. Look where the chip was provisioned.",
            &[RuleId::BackOnlyByDa],
        ));
    }
    plan.push(Advice::new(
        Move::Discover,
        "Discovery shows whether the chip holds a valid credential (integrity 0xEAEAEAEA); it changes nothing but resets the chip.",
        &[RuleId::DaNeedsValidData],
    ));
    plan.push(Advice::new(Move::FullRegression, regression_words(&closed), &[RuleId::FullRegressionEffect]));
    plan
}

/// What stands around the chip and must be put right first.
fn surroundings(closed: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = Vec::new();
    let no_reset = closed.share(|h| !h.world.bench.nrst_wired);
    let no_host = closed.share(|h| !h.host);
    if no_reset > WORTH_A_STEP {
        plan.push(Advice::new(
            Move::WireNrst,
            "Debug Authentication begins with a word written while the probe holds NRST low: the reset line must reach the chip.",
            &[RuleId::DaNeedsNrst],
        ));
        if evidence.case.bench.nrst == Some(true) {
            plan.push(Advice::new(
                Move::OtherProbe,
                "NRST is said to be wired, and the exchange fails all the same: try a probe whose reset line is known to work.",
                &[RuleId::DaNeedsNrst],
            ));
        }
    }
    if no_host > WORTH_A_STEP {
        plan.push(Advice {
            cause: Cause::find("C-HOST-SIDE"),
            ..Advice::new(
                Move::Host64Bit,
                "32-bit builds of ST's tool cannot do Debug Authentication; a 64-bit host, or provost, can.",
                &[],
            )
        });
    }
    if evidence.has(Sign::UsbInTheWay) {
        plan.push(Advice::new(
            Move::UnplugTargetUsb,
            "In Provisioning the ROM bootloader runs and enumerates on USB; that has kept objects from being stored.",
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

/// In Provisioning: make sure that the credential inside is one that the owner can use.
fn credential_into_provisioning(provisioning: &Belief, evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut plan = Vec::new();
    if evidence.has(Sign::ObjectSize) {
        let cause = Cause::find("C-OBJECT-SIZE");
        let why = cause.map_or("", |c| c.why);
        plan.push(Advice { cause, ..Advice::new(Move::Check(Subject::ObjectSize), why, &[]) });
    }
    if encryption_is_in_doubt(evidence) {
        plan.push(Advice::new(
            Move::Check(Subject::ObjectEncryption),
            "The encryption flag of the object must be 1 on parts with secure AES (H533, H573, H553, H5F4, H5F5) and 0 on the others.",
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
            "TZEN decides the kind of credential; it can be read by hot plug on AP1.",
            &[RuleId::DaMethodFollowsTzen, RuleId::Ap1Provisioning],
        ));
    }
    let rules = [RuleId::BareProvisioningIsRescuable, RuleId::ProvisionOverwrites, RuleId::DaMethodFollowsTzen];
    if on >= WORTH_A_STEP {
        let why = "With TrustZone on (TZEN = 0xB4) only a certificate chain authenticates. A new object overwrites what is stored.";
        plan.push(Advice::new(Move::ProvisionCertificate, why, &rules));
    }
    if on <= 1.0 - WORTH_A_STEP {
        let otp = provisioning.share(|h| h.world.chip.part.info().da_store == DaStore::Otp) > 0.5;
        let (why, rules) = if otp {
            ("The STM32H503 keeps the password's hash in OTP: once, for ever. Keep the file.", &[RuleId::H503Otp][..])
        } else {
            (
                "With TrustZone off (TZEN = 0xC3) only a password authenticates. A new object overwrites what is stored.",
                &rules[..],
            )
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

fn regression_words(closed: &Belief) -> String {
    let mut words =
        String::from("A full regression brings the chip back to Open; it erases the user flash, SRAM and the keys.");
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

/// What must not be done now.
pub(crate) fn never(belief: &Belief, plan: &[Advice]) -> Vec<Advice> {
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
                    "Leaving Provisioning forward without a credential that is proven to work loses the chip.",
                    &[RuleId::ClosingWithoutDaLoses, RuleId::BackOnlyByDa][..],
                )
            };
            never.push(Advice::new(Move::WriteState(*state), why, rules));
        }
    }
    if provisioning > WORTH_A_WARNING {
        never.push(Advice::new(
            Move::CloseDebug,
            "debugauth=3 in Provisioning shuts the access port that provisioning needs, until the next reset.",
            &[RuleId::Ap1ShutInRom],
        ));
    }
    if provisioning + past > 0.5 {
        never.push(Advice::new(
            Move::EraseFlash,
            "A mass erase outside Open does not change the product state; it only takes the firmware away.",
            &[RuleId::BackOnlyByDa],
        ));
    }
    if past > 0.5 {
        never.push(Advice::new(
            Move::Boot0High,
            "Past Provisioning the boot pin no longer leads to the bootloader.",
            &[RuleId::BootClosed],
        ));
    }
    never.retain(|n| !plan.iter().any(|p| p.step == n.step));
    never
}
