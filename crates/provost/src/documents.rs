//! The documents that `--json` prints: what serializes, and the schema that each names.
//!
//! Most are values of the operations, as they are; what only a command has to say is a struct here. The schemas in `schemas/` are made
//! from these types, those of the files that are kept among them.

#[cfg(test)]
mod schemas;

use provost_bench::Listed;
use provost_chip::{
    assumptions::Assumptions,
    parts::PartId,
    sources::Confidence,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{
    close::{ClosePlan, Entry, preflight},
    credential::CheckReport,
    debug_auth::Look,
    flash,
    identify::Identity,
    images::VerifiedImage,
    objects::{Finding, Written},
    option_bytes::{Change, Difference, FieldView},
    prospects::{Prospects, StateSheet},
    rescue,
    schema::SHA256,
    show::Sheet,
    store::{FilePath, Made},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{commands::diagnose::Answer, hints::Report};

/// A document that names its schema.
pub(crate) trait Document: Serialize {
    /// `provost.NAME/1`, of `schemas/NAME.schema.json`.
    const SCHEMA: &'static str;
}

/// Every document that a command prints: name of its schema, type, title.
macro_rules! documents {
    ($($name:literal: $type:ty, $title:literal;)+) => {
        $(impl Document for $type {
            const SCHEMA: &'static str = concat!("provost.", $name, "/1");
        })+

        /// Name, title and schema of each.
        #[cfg(test)]
        fn printed() -> Vec<(&'static str, &'static str, schemars::Schema)> {
            vec![$(($name, $title, schemas::of::<$type>())),+]
        }
    };
}

documents! {
    "check": CheckReport, "What came of checking a credential";
    "close-receipt": provost_ops::close::Receipt, "The receipt of a close or of a rehearsal; also the file receipt.json";
    "close-survey": CloseSurvey<'_>, "What a close would do, and what the preflight finds";
    "credential": CredentialMade<'_>, "A new credential";
    "diagnosis": Answer, "A diagnosis: verdict, reasons, plan, what never to do, and the next test";
    "discovery": Look, "What a chip says in Debug Authentication";
    "error": Report, "Why a command stopped";
    "explanation": Explanation<'_>, "What is known of a state, a rule, a switch, an error code or a tool's message";
    "flash-erased": FlashErased, "Sectors erased";
    "flash-read": FlashRead, "Flash read into a file";
    "flash-verified": flash::Verified, "An image compared with flash";
    "flash-written": flash::Written, "An image written to flash and read back";
    "history": History<'_>, "Receipts, oldest first";
    "image": VerifiedImage, "A verified image";
    "ledger": Ledger, "What the virtual chip does, and how sure it is";
    "made": MadeFiles<'_>, "Files that were made";
    "option-change": OptionChange<'_>, "What `option set` and `option import` did, or would do";
    "option-diff": OptionDifferences<'_>, "What differs between two sets of option bytes";
    "option-export": OptionText<'_>, "Option bytes as text";
    "option-list": OptionList<'_>, "Option bytes as `option list` and `option get` show them";
    "plan": rescue::Plan, "What a rescue would do";
    "probes": Probes, "What there is to connect to";
    "receipt": rescue::Receipt, "What a rescue did; also the file receipt.json";
    "served": Served, "Last document of `twin serve --json`";
    "serving": Serving, "First line of `twin serve --json`";
    "sheet": Sheet, "A file, field by field";
    "status": Status, "Who a chip is, what is open, what can be done from here";
    "twin": TwinMade, "A virtual chip that was made";
    "twins": Twins, "The ready-made virtual chips";
    "write": ObjectWrite<'_>, "What was written into a chip";
}

/// What the work on a chip cost: what was asked for, and what a virtual chip saw of it.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct Cost {
    pub(crate) ap_reads: u64,
    pub(crate) ap_writes: u64,
    pub(crate) dp_reads: u64,
    pub(crate) dp_writes: u64,
    pub(crate) nrst_edges: u64,
    pub(crate) attaches: u64,
    #[serde(flatten)]
    pub(crate) wire: Option<WireCost>,
}

/// What happened on the wire of a virtual chip.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct WireCost {
    /// Transactions, each tried again counted again.
    pub(crate) swd_transactions: u64,
    /// Edges of SWCLK, in pairs.
    pub(crate) swd_bits: u64,
    /// The chip's own time.
    pub(crate) virtual_ms: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CloseSurvey<'a> {
    /// Nothing stands in the way.
    pub(crate) ready: bool,
    /// None where what it is bound to could not be measured.
    pub(crate) plan: Option<&'a ClosePlan>,
    pub(crate) checks: &'a [preflight::Finding],
}

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
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Explanation<'a> {
    State {
        id: ProductState,
        sheet: StateSheet,
    },
    Rule {
        #[schemars(regex(pattern = "^[RP]-[A-Z0-9-]+$"))]
        id: &'a str,
        says: &'a str,
        confidence: Confidence,
        #[schemars(length(min = 1))]
        source: &'a [&'a str],
    },
    Switch {
        id: &'a str,
        says: &'a str,
        /// The default first.
        #[schemars(length(min = 2))]
        values: &'a [&'a str],
        #[schemars(length(min = 1))]
        source: &'a [&'a str],
    },
    Error {
        id: &'a str,
        says: &'a str,
    },
    Message {
        #[schemars(regex(pattern = "^M-[A-Z0-9-]+$"))]
        id: &'a str,
        text: &'a str,
        tool: &'a str,
        says: &'a str,
        /// What it does not mean.
        not: &'a str,
        confidence: Confidence,
        source: &'a [&'a str],
        /// How well it fits what was asked for.
        #[serde(rename = "match")]
        #[schemars(range(min = 0.0, max = 1.0))]
        fits: f64,
        /// Messages like it.
        #[schemars(inner(regex(pattern = "^M-[A-Z0-9-]+$")))]
        alike: Vec<&'a str>,
    },
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FlashErased {
    pub(crate) address: u32,
    pub(crate) size: u32,
    pub(crate) sectors: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FlashRead {
    pub(crate) file: FilePath,
    pub(crate) format: FileFormat,
    pub(crate) address: u32,
    pub(crate) size: u32,
    #[schemars(regex(pattern = SHA256))]
    pub(crate) sha256: String,
}

/// How flash is written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileFormat {
    Hex,
    Binary,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct History<'a> {
    pub(crate) receipts: &'a [Entry],
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ledger {
    #[schemars(length(min = 1))]
    pub(crate) entries: Vec<LedgerEntry>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LedgerEntry {
    pub(crate) area: &'static str,
    pub(crate) behaviour: &'static str,
    /// None where it is left out or left open.
    pub(crate) confidence: Option<Confidence>,
    #[schemars(length(min = 1))]
    pub(crate) source: &'static [&'static str],
    pub(crate) switch: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MadeFiles<'a> {
    #[schemars(regex(pattern = "^[a-z0-9-]+$"))]
    pub(crate) what: &'a str,
    #[schemars(length(min = 1))]
    pub(crate) files: Vec<Made>,
    /// What the checks find in an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) findings: Option<&'a [Finding]>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ObjectWrite<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) part: PartId,
    pub(crate) findings: &'a [Finding],
    /// None if nothing was.
    pub(crate) written: Option<&'a Written>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionChange<'a> {
    #[schemars(length(min = 1))]
    pub(crate) parts: &'a [PartId],
    /// After it, if it was carried out.
    pub(crate) product_state: ProductState,
    #[serde(flatten)]
    pub(crate) change: &'a Change,
    #[schemars(regex(pattern = "^set "))]
    pub(crate) phrase: Option<&'a str>,
    pub(crate) written: bool,
    #[schemars(extend("enum" = ["none", "nrst", "software"]))]
    pub(crate) reset: &'a str,
    /// Every field was read back with its new value.
    pub(crate) verified: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionDifferences<'a> {
    pub(crate) left: &'a str,
    pub(crate) right: &'a str,
    pub(crate) part: PartId,
    pub(crate) differences: &'a [Difference],
    /// What are no option bytes of the part.
    pub(crate) unknown: &'a [String],
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionText<'a> {
    /// The file that it was written to, if it was.
    pub(crate) file: Option<FilePath>,
    #[schemars(extend("enum" = ["toml", "displ"]))]
    pub(crate) format: &'static str,
    #[schemars(length(min = 1))]
    pub(crate) parts: &'a [PartId],
    pub(crate) text: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionList<'a> {
    #[schemars(length(min = 1))]
    pub(crate) parts: &'a [PartId],
    pub(crate) product_state: ProductState,
    pub(crate) trustzone: TrustZone,
    pub(crate) fields: &'a [FieldView],
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Probes {
    pub(crate) probes: Vec<Listed>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Served {
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Serving {
    pub(crate) door: Door,
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
}

/// A protocol that a virtual chip is served by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Door {
    RemoteBitbang,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    pub(crate) probe: String,
    pub(crate) virtual_chip: bool,
    pub(crate) identity: Identity,
    /// None where it cannot be seen.
    pub(crate) product_state: Option<ProductState>,
    /// The state that the next reset brings.
    pub(crate) pending_state: Option<ProductState>,
    pub(crate) trustzone: Option<TrustZone>,
    pub(crate) access_ports: [AccessPort; 2],
    pub(crate) prospects: Option<Prospects>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct AccessPort {
    #[schemars(range(max = 1))]
    pub(crate) ap: u8,
    pub(crate) open: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TwinMade {
    pub(crate) file: FilePath,
    pub(crate) part: PartId,
    pub(crate) product_state: ProductState,
    pub(crate) trustzone: TrustZone,
    /// The switches that are not at their default.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub(crate) assumptions: Assumptions,
}

fn as_text<S: serde::Serializer>(assumptions: &Assumptions, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(assumptions)
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Twins {
    #[schemars(length(min = 1))]
    pub(crate) presets: Vec<PresetLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PresetLine {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
}
