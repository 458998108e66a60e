//! What is remembered of a rehearsal: this credential was used on this chip, in this way.

use std::path::{Path, PathBuf};

use provost_chip::{
    states::{DaMethod, TrustZone},
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    credential::Binding,
    fault::Result,
    job::{How, document},
    store::{Base, Replace, Secrecy},
};

/// Schema of a remembered rehearsal.
pub const SCHEMA: &str = "provost.rehearsal/1";
/// None is larger.
const LARGEST: u64 = 64 << 10;

/// What is remembered of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// Version of the tool.
    pub version: String,
    /// When, UTC.
    #[schemars(regex(pattern = crate::schema::TIME))]
    pub time: String,
    /// Unique id.
    pub uid: UniqueId,
    /// DEV_ID.
    pub dev_id: u16,
    /// TrustZone.
    pub trustzone: TrustZone,
    /// How the object got into the chip.
    pub how: How,
    /// The kind of credential.
    pub method: DaMethod,
    /// What ties the credential to it.
    pub binding: Binding,
    /// SHA-256 of the object, for a certificate.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub object: Option<String>,
    /// SHA-256 of what the flash held, piece by piece.
    #[schemars(inner(regex(pattern = crate::schema::SHA256)))]
    pub images: Vec<String>,
    /// The plan's hash.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub plan: String,
}

impl Rehearsal {
    fn path(out: &Path, uid: UniqueId) -> PathBuf {
        out.join("rehearsals").join(format!("{uid}.json"))
    }

    /// The rehearsal of the chip with this unique id, if one is remembered.
    pub fn remembered(out: &Base, uid: UniqueId) -> Option<Self> {
        let bytes = out.store().read(&Self::path(out.path(), uid), LARGEST).ok()??;
        serde_json::from_slice(&bytes).ok().filter(|r: &Self| r.schema == SCHEMA && r.uid == uid)
    }

    /// Remembers it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn remember(&self, out: &Base) -> Result<()> {
        let path = Self::path(out.path(), self.uid);
        if let Some(folder) = path.parent() {
            out.store().make_folder(folder, Secrecy::Secret)?;
        }
        Ok(out.store().put(&path, &document(self)?, Secrecy::Secret, Replace::Whole)?)
    }
}
