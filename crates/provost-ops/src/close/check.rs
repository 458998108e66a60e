//! Whether a chip is closed as planned: asked by a discovery, which resets the chip and writes nothing, and held against its receipt.

use std::path::Path;

use provost_chip::{states::ProductState, unique_id::UniqueId};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    finding::{Finding, Verdict},
    receipt::history,
};
use crate::{
    Narrator,
    credential::CredentialSet,
    drive::{
        debug_auth::{Conversation, Discovered, discover},
        identify::identify,
        reset,
        session::Session,
    },
    fault::Result,
    job::Step,
    store::FilePath,
};

/// What a chip is held against.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The state it is to be in; otherwise that of its receipt.
    pub target: Option<ProductState>,
    /// The credential that is to be its way back.
    pub credential: Option<&'a CredentialSet>,
    /// Where the receipts of closes are.
    pub receipts: &'a Path,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// Nothing speaks against it.
    pub as_planned: bool,
    /// Who it is, where it says so.
    pub unique_id: Option<UniqueId>,
    /// The state it is in, where it says so.
    pub product_state: Option<ProductState>,
    /// The receipt of its close.
    pub receipt: Option<FilePath>,
    /// What was looked at.
    pub checks: Vec<Finding>,
    /// What discovery showed.
    pub discovered: Option<Discovered>,
    /// Whether it left its ROM afterwards; if not, power must be removed.
    pub left_rom: bool,
}

/// Asks the chip and holds it against what is expected.
///
/// # Errors
/// A product state waits for a reset; the chip does not answer; the link breaks.
pub fn check(session: &mut Session, expected: &Expected<'_>, narrator: &mut dyn Narrator) -> Result<Checked> {
    let identity = identify(session)?;
    identity.nothing_pending()?;
    let seen = identity.state()?;
    let (mut asked, mut left_rom) = (None, true);
    // Before a later state there is nothing to ask for.
    if seen.is_none_or(|state| state > ProductState::Provisioning) {
        narrator.step(&Step::VerifyFinal.doing(), Step::VerifyFinal.rules());
        let conversation = discover(session)?;
        narrator.note(&conversation.summary());
        left_rom = reset::pulse(session)?;
        asked = Some(conversation);
    }
    let state = asked.as_ref().and_then(Conversation::product_state).or(seen);
    let uid = asked.as_ref().and_then(Conversation::unique_id).or(identity.uid);
    let mut closes = history(&[expected.receipts.to_owned()], None)?.into_iter().filter(|entry| entry.kind == "close");
    let receipt = uid.and_then(|uid| {
        closes.rfind(|e| e.uid.as_deref().and_then(|u| u.parse().ok()).is_some_and(|u: UniqueId| uid.same_words(u)))
    });
    let target = expected.target.or_else(|| receipt.as_ref()?.state.parse().ok());
    let mut checks = vec![
        finding(
            "P-AT-TARGET",
            target.map(|to| state == Some(to)),
            match (state, target) {
                (Some(state), Some(to)) => format!("the chip is {state}, {to} is expected"),
                (Some(state), None) => {
                    format!("the chip is {state}, and neither a receipt nor --to says what is expected")
                }
                (None, _) => "the chip does not name its state".to_owned(),
            },
        ),
        finding(
            "P-SAME-CHIP",
            receipt.as_ref().map(|_| true),
            receipt.as_ref().map_or_else(
                || "no receipt of this chip was found".to_owned(),
                |r| format!("{} was closed at {}", r.uid.as_deref().unwrap_or_default(), r.time),
            ),
        ),
    ];
    checks.extend(asked.as_ref().map_or_else(Vec::new, gates));
    if let Some(set) = expected.credential {
        let (held, closed_with) = (set.fingerprint(), receipt.as_ref().and_then(|r| r.root_key_hash.clone()));
        let same = held.as_ref().zip(closed_with.as_ref()).map(|(held, with)| held == with);
        checks.push(finding(
            "P-HOST-KEY",
            same,
            match same {
                Some(true) => "the root key is the one it was closed with".to_owned(),
                Some(false) => "it was closed with another root key".to_owned(),
                None => "no receipt names a root key to compare with: only a use of the credential tells".to_owned(),
            },
        ));
    }
    Ok(Checked {
        as_planned: checks.iter().all(|c| c.verdict != Verdict::Failed) && target.is_some() && state == target,
        unique_id: uid,
        product_state: state,
        receipt: receipt.map(|r| r.receipt),
        checks,
        discovered: asked.map(|c| c.report()),
        left_rom,
    })
}

fn gates(conversation: &Conversation) -> Vec<Finding> {
    vec![
        finding("P-DA-VALID", Some(conversation.is_valid()), format!("integrity {:#010x}", conversation.integrity())),
        finding(
            "P-DA-PERMISSION",
            Some(conversation.lists_full_regression()),
            if conversation.lists_full_regression() {
                "Full Regression is listed"
            } else {
                "Full Regression is not listed"
            },
        ),
    ]
}

fn finding(rule: &str, holds: Option<bool>, found: impl Into<String>) -> Finding {
    let verdict = match holds {
        Some(true) => Verdict::Passed,
        Some(false) => Verdict::Failed,
        None => Verdict::NotMeasured,
    };
    Finding { rule: rule.to_owned(), verdict, found: found.into() }
}
