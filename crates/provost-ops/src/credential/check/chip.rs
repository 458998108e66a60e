//! The checks against a chip: who it is, how it authenticates, what it says of its data.
//!
//! No chip shows the hash it holds. That a credential is the one provisioned is known when it has authenticated, not before.

use provost_adac::{
    discovery::Discovery,
    permission::{MaskSource, NamedMask, Permission, effective},
};
use provost_chip::{parts::PartId, rules::RuleId, states::DaMethod};

use super::{CheckReport, Facts, Findings, Outcome, Question, files};
use crate::{
    drive::{
        debug_auth::{AuthError, Conversation, discover},
        identify::{Identity, identify},
        session::Session,
    },
    fault::Result,
};

/// Checks the files, then against the chip. A discovery resets the chip.
///
/// # Errors
/// As for [`super::check`]; the link breaks; a closing write waits for the reset that a discovery would be.
pub fn check_on_chip(session: &mut Session, question: &Question<'_>) -> Result<CheckReport> {
    let identity = identify(session)?;
    let parts = identity.narrowed_to(question.part.map(Into::into))?;
    identity.nothing_pending()?;
    // A DEV_ID that only one part has names it.
    let only = match parts.as_slice() {
        [part] => Some(*part),
        _ => None,
    };
    let question = Question { part: question.part.or(only), access: question.access.clone(), ..*question };
    let mut findings = Findings::default();
    let facts = files::check(&question, &mut findings)?;
    class(&question, &parts, &mut findings);
    match discover(session) {
        Ok(conversation) => {
            against(&facts, &identity, &conversation, &mut findings);
            session.pulse_nrst()?;
            if !session.wait_for_ap1()? {
                findings.skipped(
                    "chip-left-rom",
                    "the chip may still sit in its Debug Authentication ROM: remove power before anything else",
                );
            }
        }
        Err(error) if matches!(error.of(), Some(AuthError::NoAnswer { .. })) => {
            findings.skipped("chip-discovery", "the chip does not answer Debug Authentication (Open, Locked, or NRST not wired): what it holds cannot be known");
        }
        Err(error) => return Err(error),
    }
    Ok(findings.into_report(&question, true))
}

fn class(question: &Question<'_>, parts: &[PartId], findings: &mut Findings) {
    if question.part.is_none() {
        let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
        findings.skipped(
            "chip-part",
            format!("it may be {}: say --part, for the encryption flag depends on it", names.join(" or ")),
        );
    } else {
        findings.passed("chip-part", "DEV_ID is that of the part");
    }
}

fn against(facts: &Facts, identity: &Identity, conversation: &Conversation, findings: &mut Findings) {
    let discovery = &conversation.discovery;
    let asks = conversation.method().or_else(|| identity.options.map(|o| DaMethod::for_trustzone(o.trustzone())));
    if let (Some(has), Some(asks)) = (facts.method, asks) {
        let both = facts.chain.is_some() && has == DaMethod::Password;
        findings.verdict(
            "chip-method",
            both || has == asks,
            format!("the chip asks for a {asks}"),
            format!("the chip asks for a {asks}, and this set is a {has}: TZEN decides"),
            &[RuleId::DaMethodFollowsTzen],
        );
    }
    if conversation.is_valid() {
        findings.add(
            "chip-integrity",
            Outcome::Passed,
            "the chip holds valid Debug Authentication data",
            &[RuleId::DaNeedsValidData],
        );
    } else {
        findings.add(
            "chip-integrity",
            Outcome::Warning,
            "the chip holds no valid Debug Authentication data: nothing can authenticate until an object is provisioned",
            &[RuleId::DaNeedsValidData, RuleId::ClosingWithoutDaLoses],
        );
    }
    if let Some(chain) = &facts.chain {
        holds_here(chain, discovery, findings);
    }
    findings.skipped(
        "chip-credential",
        "whether the chip holds this very credential is known only when it has authenticated: no chip shows the hash it holds",
    );
}

fn holds_here(chain: &provost_adac::chain::Chain, discovery: &Discovery, findings: &mut Findings) {
    let Ok(verified) = chain.verify() else { return };
    if let Some(class) = discovery.soc_class.filter(|_| verified.scope.soc_class != 0) {
        findings.verdict(
            "chip-soc-class",
            verified.scope.soc_class == class,
            format!("soc_class {class:#05x} is the chip's"),
            format!("the chain holds for soc_class {:#05x}, and the chip is {class:#05x}", verified.scope.soc_class),
            &[],
        );
    }
    if let Some(id) = discovery.soc_id.filter(|_| verified.scope.soc_id != [0; 16]) {
        findings.verdict(
            "chip-soc-id",
            verified.scope.soc_id == id,
            "soc_id is the chip's",
            "the chain holds for another chip, or this ROM shows no SoC id in this state",
            &[],
        );
    }
    if let Some(mask) = discovery.permissions_mask {
        let mut masks = effective([NamedMask { source: MaskSource::Product, mask }]);
        masks.extend(verified.permissions.masks().iter().copied());
        findings.verdict(
            "chip-permission",
            masks.withheld_by(Permission::FullRegression).is_none(),
            "the chip lists Full Regression, and the chain allows it",
            "Full Regression is not listed by the chip, or the chain withholds it",
            &[RuleId::DaFourMasks],
        );
    }
}
