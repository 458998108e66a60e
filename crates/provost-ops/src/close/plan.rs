//! A close as a value: what it is bound to, its steps, and the hash over both.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use provost_chip::{
    parts::{DaStore, PartId},
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    CloseError,
    facts::Facts,
    image::Digest,
    preflight::Finding,
    words::{self, Words},
};
use crate::{
    credential::{CredentialSet, hex},
    error::{OpError, Result},
    rescue::{PlanStep, step},
};

/// Schema of a plan.
pub const SCHEMA: &str = "provost.close-plan/1";
/// No plan is larger.
const LARGEST: u64 = 1 << 20;

/// What a plan is bound to: it is carried out on exactly this, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Unique id.
    pub uid: String,
    /// The parts it may be.
    pub parts: Vec<String>,
    /// DEV_ID.
    pub dev_id: u16,
    /// REV_ID.
    pub rev_id: u16,
    /// TrustZone on.
    pub trustzone: bool,
    /// The state to end in.
    pub target: String,
    /// Option words in force.
    pub words: Words,
    /// `certificate` or `password`.
    pub method: String,
    /// The folder with the credential.
    pub credential: PathBuf,
    /// Hash of its root key; a password has none that could not be guessed from.
    pub root_key_hash: Option<String>,
    /// SHA-256 of the object that is provisioned, for a certificate.
    pub object: Option<String>,
    /// What the flash holds.
    pub images: Vec<Digest>,
    /// The whole round trip first.
    pub rehearse: bool,
    /// Nothing but the round trip.
    pub rehearse_only: bool,
    /// Rules passed over.
    pub overrides: Vec<String>,
    /// Locked was asked for in so many words.
    pub forever: bool,
}

/// A plan; equal plans have equal hashes.
#[derive(Debug, Clone, Serialize)]
pub struct ClosePlan {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the tool that made it.
    pub version: String,
    /// What it is bound to.
    pub bound: Bound,
    /// Steps in order.
    pub steps: Vec<PlanStep>,
    /// What the preflight found when it was made.
    pub checks: Vec<Finding>,
    /// SHA-256 over what it is bound to and its steps.
    pub hash: String,
}

/// Something that is not as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: String,
    /// What the plan says.
    pub planned: String,
    /// What was found.
    pub found: String,
}

#[derive(Deserialize)]
struct Saved {
    schema: String,
    version: String,
    bound: Bound,
    #[serde(default)]
    checks: Vec<Finding>,
    hash: String,
}

impl Bound {
    /// What a close of this chip is bound to; `None` unless everything needed was measured, which the preflight sees to.
    pub fn of(facts: &Facts) -> Option<Self> {
        let request = &facts.request;
        let custody = facts.custody.as_ref()?;
        let method = facts.method();
        let set = custody.set.as_ref().ok()?;
        let certificate = method == DaMethod::Certificate;
        let digest = |payload: provost_obk::da::DaPayload| hex(&Sha256::digest(payload.to_bytes()));
        Some(Self {
            uid: facts.uid()?,
            parts: facts.parts.iter().map(ToString::to_string).collect(),
            dev_id: facts.identity.dev_id,
            rev_id: facts.identity.rev_id,
            trustzone: facts.trustzone() == TrustZone::Enabled,
            target: request.target.as_str().to_owned(),
            words: words::of(facts.options.as_ref()?),
            method: method.as_str().to_owned(),
            credential: custody.folder.clone(),
            root_key_hash: set.fingerprint().filter(|_| certificate),
            object: custody.payload(method).filter(|_| certificate).map(digest),
            images: facts.images.iter().map(|i| i.wanted.clone()).collect(),
            rehearse: request.rehearse,
            rehearse_only: request.rehearse_only,
            overrides: request.overrides.clone(),
            forever: request.forever,
        })
    }

    /// What of `found` is not as in this plan.
    pub fn differences(&self, found: &Self) -> Vec<Difference> {
        let mut all = Vec::new();
        let mut compare = |what: &str, planned: String, found: String| {
            if planned != found {
                all.push(Difference { what: what.to_owned(), planned, found });
            }
        };
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        compare("unique id", self.uid.clone(), found.uid.clone());
        compare("part", self.parts.join(" or "), found.parts.join(" or "));
        compare("DEV_ID", format!("{:#05x}", self.dev_id), format!("{:#05x}", found.dev_id));
        compare("REV_ID", format!("{:#06x}", self.rev_id), format!("{:#06x}", found.rev_id));
        compare("credential", self.method.clone(), found.method.clone());
        compare("root key", or_none(&self.root_key_hash), or_none(&found.root_key_hash));
        compare("object", or_none(&self.object), or_none(&found.object));
        for name in self.words.keys().chain(found.words.keys().filter(|n| !self.words.contains_key(*n))) {
            let word = |words: &Words| words.get(name).map_or("none".to_owned(), |w| format!("{w:#010x}"));
            compare(name, word(&self.words), word(&found.words));
        }
        let images = |b: &Self| {
            b.images.iter().map(|i| format!("{:#010x}+{:#x} {}", i.address, i.size, i.sha256)).collect::<Vec<_>>()
        };
        compare("flash", images(self).join(", "), images(found).join(", "));
        all
    }

    /// The state to end in.
    ///
    /// # Errors
    /// The word names none.
    pub fn target(&self) -> Result<ProductState> {
        let known = "a product state".to_owned();
        Ok(self.target.parse().map_err(|_| OpError::UnknownTopic { what: self.target.clone(), known })?)
    }

    /// TrustZone.
    pub const fn tz(&self) -> TrustZone {
        if self.trustzone { TrustZone::Enabled } else { TrustZone::Disabled }
    }

    /// The kind of credential.
    pub const fn da_method(&self) -> DaMethod {
        DaMethod::for_trustzone(self.tz())
    }

    /// The parts as the table has them.
    pub fn part_ids(&self) -> Vec<PartId> {
        self.parts.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// The phrase that confirms the last step.
    pub fn phrase(&self) -> String {
        let what = if self.rehearse_only { "rehearse" } else { "close" };
        let end = if self.rehearse_only { String::new() } else { format!(" to {}", self.target) };
        format!("{what} {}{end}", self.uid)
    }
}

impl ClosePlan {
    /// The plan for what it is bound to.
    pub fn new(bound: Bound, checks: Vec<Finding>) -> Self {
        let steps = steps(&bound);
        let text = serde_json::to_vec(&(&bound, &steps)).unwrap_or_default();
        let hash = hex(&Sha256::digest(text));
        Self { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").to_owned(), bound, steps, checks, hash }
    }

    /// Writes it to a file that is not there yet, unless `force` says otherwise.
    ///
    /// # Errors
    /// The file is there, or cannot be written.
    pub fn save(&self, path: &Path, force: bool) -> Result<()> {
        let error = |source| CloseError::PlanFile { path: path.to_owned(), source };
        if path.exists() && !force {
            return Err(error(io::ErrorKind::AlreadyExists.into()).into());
        }
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| error(e.into()))?;
        text.push(b'\n');
        super::folder::write_synced(path, &text).map_err(error)?;
        Ok(())
    }

    /// Reads a plan, makes it anew from what it is bound to, and holds the two against each other.
    ///
    /// # Errors
    /// The file is none, or it was changed after it was made, or another version of provost would do something else.
    pub fn load(path: &Path) -> Result<Self> {
        let error = |source| CloseError::PlanFile { path: path.to_owned(), source };
        let invalid = |what: String| error(io::Error::new(io::ErrorKind::InvalidData, what));
        if fs::metadata(path).map_err(error)?.len() > LARGEST {
            return Err(invalid("larger than any plan".to_owned()).into());
        }
        let bytes = fs::read(path).map_err(error)?;
        let saved: Saved = serde_json::from_slice(&bytes).map_err(|e| invalid(e.to_string()))?;
        if saved.schema != SCHEMA {
            return Err(invalid(format!("its schema is not {SCHEMA}")).into());
        }
        let plan = Self { version: saved.version, ..Self::new(saved.bound, saved.checks) };
        if plan.hash != saved.hash {
            return Err(
                invalid("its hash does not match: it was changed, or made by another version".to_owned()).into()
            );
        }
        let known: Vec<String> = plan.bound.part_ids().iter().map(ToString::to_string).collect();
        if known != plan.bound.parts || plan.bound.target().is_err() {
            return Err(invalid("it names a part or a state that is none".to_owned()).into());
        }
        Ok(plan)
    }

    /// Whether this set is the credential of the plan.
    pub fn fits(&self, set: &CredentialSet) -> bool {
        let certificate = self.bound.da_method() == DaMethod::Certificate;
        set.has(self.bound.da_method()) && set.fingerprint().filter(|_| certificate) == self.bound.root_key_hash
    }
}

const NOTHING: &str = "nothing";
const BY_RESCUE: &str = "provost rescue --credential DIR: a full regression, which erases the chip";

fn steps(bound: &Bound) -> Vec<PlanStep> {
    let otp = bound.part_ids().iter().all(|p| p.info().da_store == DaStore::Otp);
    let mut steps = vec![
        step(
            "prove:credential",
            "read the credential back from the disk and see that it fits the chip, then open the journal",
            &[RuleId::BackOnlyByDa, RuleId::DaMethodFollowsTzen],
            (NOTHING, "nothing to undo", "the files; a token signed and verified"),
        ),
        step(
            "prove:nrst",
            "pulse NRST and see that the core notices: without that wire there is no way back",
            &[RuleId::DaNeedsNrst],
            (NOTHING, "nothing to undo", "DHCSR.S_RESET_ST over AP1"),
        ),
    ];
    if bound.rehearse {
        steps.push(enter("rehearse:provisioning", bound));
        steps.push(provision("rehearse:provision-da", bound));
        steps.push(discover("rehearse:discover"));
        steps.push(step(
            "rehearse:full-regression",
            "authenticate a full regression with the credential, and wait until the chip is Open",
            &[RuleId::FullRegressionEffect, RuleId::DaFourMasks, RuleId::CryptoNeedsEncrypted],
            ("user flash, SRAM and the option-byte keys", "the next step", "PRODUCT_STATE = 0xED"),
        ));
        steps.push(step(
            "rehearse:restore",
            "write option words and firmware as they were read before, and compare",
            &[RuleId::FullRegressionEffect, RuleId::TzenInOpen],
            (NOTHING, "nothing to undo", "every option word; the flash byte for byte"),
        ));
        if bound.rehearse_only {
            return steps;
        }
    }
    steps.push(enter("enter:provisioning", bound));
    if otp {
        steps.push(step(
            "write:otp-password",
            "write the hash of the password into OTP and lock its block, unless it stands there already",
            &[RuleId::H503Otp],
            ("an empty OTP block", "never", "the half-words read back"),
        ));
    } else {
        steps.push(provision("provision-da", bound));
    }
    steps.push(discover("discover"));
    let undo = if bound.target().is_ok_and(|t| t == ProductState::Locked) { "never" } else { BY_RESCUE };
    steps.push(step(
        "write:final-state",
        format!("ask for the phrase, then write PRODUCT_STATE = {} and reset", state_text(bound)),
        &[RuleId::ForwardFromProvisioning, RuleId::ClosingWithoutDaLoses, RuleId::ClosedStatesShutTheLink],
        (NOTHING, undo, "the link is lost: nothing yet"),
    ));
    steps.push(step(
        "verify:final-state",
        "discover again: life cycle as wanted, integrity still 0xEAEAEAEA",
        &[RuleId::DaStates, RuleId::DaNeedsValidData],
        (NOTHING, "nothing to undo", "discovery"),
    ));
    steps
}

fn state_text(bound: &Bound) -> String {
    bound.target().map_or_else(|_| bound.target.clone(), |t| t.to_string())
}

fn enter(name: &'static str, bound: &Bound) -> PlanStep {
    step(
        name,
        format!("write PRODUCT_STATE = {} and reset", ProductState::Provisioning),
        &[RuleId::OpenToProvisioning, RuleId::BareProvisioningIsRescuable],
        (
            NOTHING,
            if bound.trustzone {
                "provost rescue"
            } else {
                "provost rescue, where the service can be called with TrustZone off"
            },
            "PRODUCT_STATE = 0x17, TZEN as before",
        ),
    )
}

fn provision(name: &'static str, bound: &Bound) -> PlanStep {
    step(
        name,
        format!("store the {} object in the chip through its provisioning service", bound.method),
        &[RuleId::ProvisionOverwrites, RuleId::RssChecksum, RuleId::RssEncryptWord, RuleId::CryptoNeedsEncrypted],
        ("an earlier Debug Authentication object", "another object may be written over it", "status of the service"),
    )
}

fn discover(name: &'static str) -> PlanStep {
    step(
        name,
        "enter Debug Authentication and go on only with integrity 0xEAEAEAEA, Full Regression listed and the right method",
        &[RuleId::DaNeedsValidData, RuleId::DaNeedsNrst, RuleId::RssDaStays],
        (NOTHING, "an NRST pulse or a power cycle", "discovery"),
    )
}
