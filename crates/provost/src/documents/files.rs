//! What commands say of the files that they made or read.

use provost_chip::{parts::PartId, states::DaMethod, unique_id::UniqueId};
use provost_ops::{
    close::Entry,
    objects::Finding,
    schema::SHA256,
    store::{FilePath, Kind, Made},
};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CredentialMade<'a> {
    pub(crate) folder: FilePath,
    pub(crate) part: PartId,
    pub(crate) method: DaMethod,
    #[schemars(regex(pattern = SHA256))]
    pub(crate) root_key_hash: Option<String>,
    #[schemars(length(min = 1))]
    pub(crate) files: &'a [Made],
    /// Where what was there before is kept.
    pub(crate) kept: Option<FilePath>,
    #[schemars(inner(length(min = 1)))]
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MadeFiles<'a> {
    #[schemars(regex(pattern = "^[a-z0-9-]+$"))]
    pub(crate) what: &'a str,
    #[schemars(length(min = 1))]
    pub(crate) files: Vec<Made>,
    /// What the checks find in an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Finding>")]
    pub(crate) findings: Option<&'a [Finding]>,
}

/// A text to be kept in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Text<'a> {
    pub(crate) what: String,
    pub(crate) text: &'a str,
}

/// A case file to fill in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CaseTemplate {
    /// TOML, as docs/case-file.md describes it.
    pub(crate) template: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct History<'a> {
    pub(crate) receipts: &'a [Entry],
    pub(crate) unfinished: Vec<Begun<'a>>,
}

/// What was begun and not finished.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Begun<'a> {
    pub(crate) folder: &'a FilePath,
    /// None where the first line of its journal is not readable.
    pub(crate) kind: Option<Kind>,
    /// Where it was read.
    pub(crate) uid: Option<UniqueId>,
    /// When the last record was written, UTC.
    pub(crate) last: Option<&'a str>,
    /// The command that goes on with it.
    pub(crate) next: Option<String>,
}
