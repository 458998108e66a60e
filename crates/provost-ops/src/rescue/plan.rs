//! The plan of a rescue as a value: what will be done, why, what it erases, and how it can be undone.

use provost_chip::{
    parts::{DaStore, PartId},
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::{moves::Move, verdict::Verdict};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{credential::hex, diagnose::advice, error::Result, identify::Identity};

/// Where a chip stands, as far as can be seen without resetting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// It is Open already.
    Open,
    /// It is in Provisioning, with AP1 open.
    Provisioning {
        /// TrustZone setting.
        tz: TrustZone,
        /// A later state that a reset would bring: then the credential goes in before any reset.
        pending: Option<ProductState>,
    },
    /// It keeps its Debug Authentication data in OTP.
    Otp,
    /// It is in a later state, or shows none: only Debug Authentication can tell, and that resets the chip.
    Shut,
}

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct PlanStep {
    /// Short name.
    pub step: &'static str,
    /// What is done, in plain words.
    pub what: String,
    /// The rules that make it the right thing.
    pub why: Vec<&'static str>,
    /// What it erases.
    pub erases: &'static str,
    /// Whether and how it can be undone.
    pub undo: &'static str,
    /// What is measured afterwards.
    pub measured: &'static str,
}

/// A plan; equal plans have equal hashes.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// `provost.plan/1`.
    pub schema: &'static str,
    /// The parts the chip may be.
    pub parts: Vec<String>,
    /// Steps in order.
    pub steps: Vec<PlanStep>,
    /// SHA-256 over the rest.
    pub hash: String,
}

/// Where the identified chip stands, by what the diagnosis advises for it.
///
/// # Errors
/// AP1 shows a word that is no product state.
pub(super) fn situation(identity: &Identity, parts: &[PartId]) -> Result<Situation> {
    let (verdict, steps) = advice(identity, parts)?;
    let otp = parts.iter().all(|p| p.info().da_store == DaStore::Otp);
    let method = steps.iter().find_map(|step| match step {
        Move::ProvisionCertificate => Some(TrustZone::Enabled),
        Move::ProvisionPassword => Some(TrustZone::Disabled),
        _ => None,
    });
    Ok(match (verdict, method, identity.options) {
        (Verdict::NotLocked, ..) => Situation::Open,
        (_, Some(tz), Some(options)) if !otp => Situation::Provisioning { tz, pending: options.pending_state() },
        (_, Some(_), _) => Situation::Otp,
        _ => Situation::Shut,
    })
}

/// What a rescue may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Means {
    /// The user has a credential.
    pub credential: bool,
    /// The user wants a password in OTP for the chip's whole life, where there is no other way.
    pub once_for_life: bool,
}

/// The plan for an identified chip.
///
/// # Errors
/// AP1 shows a word that is no product state.
pub fn plan(identity: &Identity, parts: &[PartId], means: Means) -> Result<Plan> {
    let steps = match situation(identity, parts)? {
        Situation::Open => Vec::new(),
        Situation::Provisioning { tz, pending } => provisioning(tz, pending, means.credential),
        Situation::Otp if means.once_for_life => write_otp(means.credential),
        Situation::Otp if !means.credential => otp(),
        Situation::Otp | Situation::Shut => shut(),
    };
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let text = serde_json::to_vec(&(&parts, &steps)).unwrap_or_default();
    Ok(Plan { schema: "provost.plan/1", parts, steps, hash: hex(&Sha256::digest(text)) })
}

pub(crate) fn step(
    step: &'static str,
    what: impl Into<String>,
    why: &[RuleId],
    (erases, undo, measured): (&'static str, &'static str, &'static str),
) -> PlanStep {
    let why = why.iter().map(|rule| rule.rule().id).collect();
    PlanStep { step, what: what.into(), why, erases, undo, measured }
}

const NOTHING: &str = "nothing";

fn provisioning(tz: TrustZone, pending: Option<ProductState>, own_credential: bool) -> Vec<PlanStep> {
    let method = DaMethod::for_trustzone(tz);
    let mut steps = Vec::new();
    match pending {
        None => steps.push(step(
            "prove:nrst",
            "pulse NRST and see that the core notices: Debug Authentication cannot start without that wire",
            &[RuleId::DaNeedsNrst],
            (NOTHING, "nothing to undo", "DHCSR.S_RESET_ST over AP1"),
        )),
        Some(state) => steps.push(step(
            "note:pending-state",
            format!("a write of {state} waits for the next reset: no reset before the credential is in the chip"),
            &[RuleId::ClosingWithoutDaLoses],
            (NOTHING, "nothing to undo", "OPTSR_PRG against OPTSR_CUR"),
        )),
    }
    if !own_credential {
        steps.push(step(
            "make:credential",
            "make a certificate chain and a password for this chip, and have them on the disk before anything is sent",
            &[RuleId::BareProvisioningIsRescuable],
            (NOTHING, "nothing to undo", "the files read back"),
        ));
    }
    let object = match method {
        DaMethod::Certificate => "provision-da:certificate",
        DaMethod::Password => "provision-da:password",
    };
    steps.push(step(
        object,
        format!("store a {method} object in the chip through its provisioning service; checksum and encryption word are tried in a harmless order"),
        &[
            RuleId::BareProvisioningIsRescuable,
            RuleId::DaMethodFollowsTzen,
            RuleId::ProvisionOverwrites,
            RuleId::RssChecksum,
            RuleId::RssEncryptWord,
            RuleId::CryptoNeedsEncrypted,
        ],
        ("an earlier Debug Authentication object", "another object may be written over it", "status of the service"),
    ));
    steps.push(step(
        "discover",
        "enter Debug Authentication and go on only with integrity 0xEAEAEAEA and Full Regression listed",
        &[RuleId::DaNeedsValidData, RuleId::DaNeedsNrst],
        (NOTHING, "an NRST pulse or a power cycle", "discovery"),
    ));
    steps.push(regression());
    steps.push(step(
        "fallback",
        format!("if that is refused: the other encryption word; then TZEN = {} and the other method", tz.flipped()),
        &[RuleId::TzenInProvisioning, RuleId::RssTzOff],
        (NOTHING, "the full regression sets TZEN back", "as above"),
    ));
    steps.push(verify());
    steps
}

fn otp() -> Vec<PlanStep> {
    vec![step(
        "find:credential",
        "stop here: the password of this chip stands in OTP for its life; give the one that was written",
        &[RuleId::H503Otp],
        (NOTHING, "nothing to undo", "nothing"),
    )]
}

fn write_otp(own_credential: bool) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    if !own_credential {
        steps.push(step(
            "make:credential",
            "make a password for this chip and have it on the disk before anything is sent",
            &[RuleId::H503Otp],
            (NOTHING, "nothing to undo", "the file reads back"),
        ));
    }
    steps.push(step(
        "write:otp",
        "if OTP is blank: write the hash of the password into it and lock it, for the life of the chip",
        &[RuleId::H503Otp],
        (NOTHING, "can never be undone, not by a regression either", "each half-word and the lock bit read back"),
    ));
    steps.extend(shut());
    steps
}

fn shut() -> Vec<PlanStep> {
    vec![
        step(
            "discover",
            "enter Debug Authentication (this resets the chip) and read life cycle and integrity",
            &[RuleId::BackOnlyByDa, RuleId::DaNeedsValidData, RuleId::DaNeedsNrst],
            (NOTHING, "an NRST pulse or a power cycle", "discovery"),
        ),
        regression(),
        verify(),
    ]
}

fn regression() -> PlanStep {
    step(
        "authenticate:full-regression",
        "authenticate with the credential and ask for a full regression",
        &[RuleId::FullRegressionEffect, RuleId::DaFourMasks],
        ("user flash, SRAM and the option-byte keys", "cannot be undone", "the ROM's status"),
    )
}

fn verify() -> PlanStep {
    step(
        "verify:open",
        "wait until the chip has reset itself, connect again, and read PRODUCT_STATE and TZEN",
        &[RuleId::FullRegressionEffect],
        (NOTHING, "nothing to undo", "PRODUCT_STATE = 0xED, TZEN = 0xC3"),
    )
}
