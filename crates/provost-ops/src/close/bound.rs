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
    rehearsal::{self, Rehearsal},
    root_of_trust::BoundObject,
    words::{self, Difference, Words},
};
use crate::{
    credential::{Binding, CredentialSet, hex},
    drive::{identify::parts_text, service::EncryptWord},
    job::How,
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
    /// The state it starts in: Open, or Provisioning.
    #[serde(default = "open", skip_serializing_if = "is_open")]
    #[schemars(extend("enum" = ["provisioning"]))]
    pub start: ProductState,
    /// The state to end in.
    #[schemars(extend("enum" = ["irot-provisioned", "tz-closed", "closed", "locked"]))]
    pub target: ProductState,
    /// Option words in force.
    #[schemars(extend("propertyNames" = { "pattern": crate::schema::REGISTER }))]
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
    /// Objects of a root of trust, which go in behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<BoundObject>,
    /// What the flash holds.
    pub images: Vec<Digest>,
    /// The encryption word to use, where the user knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EncryptWord")]
    pub encrypt_word: Option<EncryptWord>,
    /// The whole round trip first.
    pub rehearse: bool,
    /// Nothing but the round trip.
    pub rehearse_only: bool,
    /// Rules passed over.
    pub overrides: Vec<String>,
    /// Locked was asked for in so many words.
    pub forever: bool,
}

const fn open() -> ProductState {
    ProductState::Open
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_open(state: &ProductState) -> bool {
    *state == ProductState::Open
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
            rev_id: facts.identity.rev_id()?,
            trustzone: facts.trustzone(),
            start: facts.state()?,
            target: wish.target,
            words: words::of(facts.options.as_ref()?),
            method,
            credential: custody.folder.clone().into(),
            binding: Binding::of(set, method, facts.identity.uid)?,
            object: custody.payload(method).filter(|_| certificate).map(digest),
            objects: facts.objects.iter().map(super::Given::bound).collect::<Option<_>>()?,
            images: facts.images.iter().map(|i| i.wanted.clone()).collect(),
            encrypt_word: wish.encrypt_word,
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
        compare("state", self.start.to_string(), found.start.to_string());
        compare("kind of credential", self.method.to_string(), found.method.to_string());
        compare("credential", self.binding.short(), found.binding.short());
        compare("object", or_none(&self.object), or_none(&found.object));
        if let Some(part) = self.parts.first() {
            for difference in words::differing(*part, &self.words, &found.words) {
                compare(&difference.what, difference.planned, difference.found);
            }
        }
        let objects = |b: &Self| b.objects.iter().map(|o| o.sha256.clone()).collect::<Vec<_>>().join(", ");
        compare("objects", objects(self), objects(found));
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

    /// What is remembered when this was rehearsed, at this time.
    pub(super) fn rehearsed(&self, plan: &str, how: How, time: String) -> Rehearsal {
        Rehearsal {
            schema: rehearsal::SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time,
            uid: self.uid,
            dev_id: self.dev_id,
            trustzone: self.trustzone,
            how,
            method: self.method,
            binding: self.binding.clone(),
            object: self.object.clone(),
            images: self.images.iter().map(|i| i.sha256.clone()).collect(),
            plan: plan.to_owned(),
        }
    }

    /// Whether a rehearsal was made with what this is bound to, but for the firmware; if not, what is different.
    pub(super) fn is_rehearsed_by(&self, rehearsal: &Rehearsal) -> Result<(), &'static str> {
        let differs = [
            ("another chip", rehearsal.uid != self.uid || rehearsal.dev_id != self.dev_id),
            ("another TrustZone setting", rehearsal.trustzone != self.trustzone),
            ("another kind of credential", rehearsal.method != self.method),
            ("another credential", rehearsal.binding != self.binding),
            ("another object", rehearsal.object != self.object),
        ];
        differs.iter().find(|(_, differs)| *differs).map_or(Ok(()), |(what, _)| Err(*what))
    }
}

impl Facts {
    /// How the object got into this chip in a rehearsal that speaks for the chip as it is now; `None` if none is remembered.
    ///
    /// # Errors
    /// What is different now.
    pub fn rehearsal_that_counts(&self) -> Option<Result<How, String>> {
        let rehearsal = self.rehearsed.as_ref()?;
        let counts = || {
            let bound = Bound::of(self).ok_or("the credential cannot be read")?;
            bound.is_rehearsed_by(rehearsal)?;
            let Ok(Some(most)) = self.site.policy.max_age() else { return Ok(rehearsal.how) };
            match self.site.out.store().clock().since(&rehearsal.time) {
                Some(age) if age <= most => Ok(rehearsal.how),
                _ => Err(format!("it is older than {}", humantime::format_duration(most))),
            }
        };
        Some(counts())
    }
}
