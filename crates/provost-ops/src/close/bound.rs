//! What a plan is bound to: exactly this chip, with this content, this credential and this end; and what of it is different.

use provost_chip::{
    parts::{DaStore, PartId},
    states::{DaMethod, ProductState, TrustZone},
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    facts::Facts,
    image::Digest,
    words::{self, Words},
};
use crate::{
    credential::{Binding, CredentialSet, hex},
    drive::identify::parts_text,
    store::FilePath,
};

/// What a plan is bound to: it is carried out on exactly this, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Unique id.
    pub uid: UniqueId,
    /// The parts it may be.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartId>,
    /// DEV_ID.
    pub dev_id: u16,
    /// REV_ID.
    pub rev_id: u16,
    /// TrustZone.
    pub trustzone: TrustZone,
    /// The state to end in.
    #[schemars(extend("enum" = ["irot-provisioned", "tz-closed", "closed", "locked"]))]
    pub target: ProductState,
    /// Option words in force.
    pub words: Words,
    /// The kind of credential.
    pub method: DaMethod,
    /// The folder with the credential.
    pub credential: FilePath,
    /// What ties this very credential to the plan.
    pub binding: Binding,
    /// SHA-256 of the object that is provisioned, for a certificate.
    #[schemars(regex(pattern = crate::schema::SHA256))]
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

impl Bound {
    /// What a close of this chip is bound to; `None` unless everything needed was measured, which the preflight sees to.
    pub fn of(facts: &Facts) -> Option<Self> {
        let wish = &facts.wish;
        let custody = facts.custody.as_ref()?;
        let method = facts.method();
        let set = custody.set.as_ref().ok()?;
        let certificate = method == DaMethod::Certificate;
        let digest = |payload: provost_obk::da::DaPayload| hex(&Sha256::digest(payload.to_bytes()));
        Some(Self {
            uid: facts.identity.uid?,
            parts: facts.parts.clone(),
            dev_id: facts.identity.dev_id,
            rev_id: facts.identity.rev_id,
            trustzone: facts.trustzone(),
            target: wish.target,
            words: words::of(facts.options.as_ref()?),
            method,
            credential: custody.folder.clone().into(),
            binding: Binding::of(set, method, facts.identity.uid)?,
            object: custody.payload(method).filter(|_| certificate).map(digest),
            images: facts.images.iter().map(|i| i.wanted.clone()).collect(),
            rehearse: wish.rehearse,
            rehearse_only: wish.rehearse_only,
            overrides: wish.overrides.clone(),
            forever: wish.forever,
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
        compare("unique id", self.uid.to_string(), found.uid.to_string());
        compare("part", parts_text(&self.parts), parts_text(&found.parts));
        compare("DEV_ID", format!("{:#05x}", self.dev_id), format!("{:#05x}", found.dev_id));
        compare("REV_ID", format!("{:#06x}", self.rev_id), format!("{:#06x}", found.rev_id));
        compare("kind of credential", self.method.to_string(), found.method.to_string());
        compare("credential", self.binding.short(), found.binding.short());
        compare("object", or_none(&self.object), or_none(&found.object));
        for difference in differing_words(&self.words, &found.words) {
            compare(&difference.what, difference.planned, difference.found);
        }
        let images = |b: &Self| {
            b.images.iter().map(|i| format!("{:#010x}+{:#x} {}", i.address, i.size, i.sha256)).collect::<Vec<_>>()
        };
        compare("flash", images(self).join(", "), images(found).join(", "));
        all
    }

    /// Whether this set is the credential of the plan.
    pub fn fits(&self, set: &CredentialSet) -> bool {
        set.has(self.method) && self.binding.fits(set)
    }

    /// Whether the part keeps its password in OTP.
    pub fn is_otp(&self) -> bool {
        self.parts.iter().all(|p| p.info().da_store == DaStore::Otp)
    }

    /// The phrase that confirms the last step: which chip, where to, and with which credential.
    pub fn phrase(&self) -> String {
        let key = self.binding.short();
        if self.rehearse_only {
            format!("rehearse {} with {key}", self.uid)
        } else {
            format!("close {} to {} with {key}", self.uid, self.target.as_str())
        }
    }
}

/// The option words that differ, by register.
pub(super) fn differing_words(planned: &Words, found: &Words) -> Vec<Difference> {
    let word = |words: &Words, name: &str| words.get(name).map_or("none".to_owned(), |w| format!("{w:#010x}"));
    planned
        .keys()
        .chain(found.keys().filter(|name| !planned.contains_key(*name)))
        .filter(|name| planned.get(*name) != found.get(*name))
        .map(|name| Difference { what: name.clone(), planned: word(planned, name), found: word(found, name) })
        .collect()
}
