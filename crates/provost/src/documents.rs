//! The documents that `--json` prints: what serializes, and the schema that each names.
//!
//! Most are values of the operations, as they are; what only a command has to say is a struct here. The schemas in `schemas/` are made
//! from these types, those of the files that are kept among them.

mod chip;
mod doctor;
mod files;
mod knowledge;
mod memory;
#[cfg(test)]
mod schemas;
mod twin;

use provost_ops::{
    auth,
    close::{self, Checked},
    credential::CheckReport,
    debug_auth::Look,
    flash,
    images::VerifiedImage,
    practise::Practised,
    prospects::LifeMap,
    rescue,
    selfcheck::Selfcheck,
    show::Sheet,
};
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use self::{
    chip::{AccessPort, BootloaderStatus, CloseSurvey, ObjectWrite, Outlook, Probes, RescuePlan, Status},
    doctor::{Doctor, Examined, Health},
    files::{Begun, CaseTemplate, CredentialMade, History, MadeFiles, Text},
    knowledge::{Explanation, Ledger, LedgerEntry, Told, Topics},
    memory::{FileFormat, FlashErased, FlashRead, OptionChange, OptionDifferences, OptionList, OptionText},
    twin::{Address, BenchDone, Like, PresetLine, Served, Serving, TwinMade, Twins},
};
use crate::{commands::diagnose::Answer, events::Event, hints::Report};

/// A document that names its schema.
pub(crate) trait Document: Serialize {
    /// `provost.NAME/1`, of `schemas/NAME.schema.json`.
    const SCHEMA: &'static str;
}

/// The schema of a diagnosis, which is read again.
pub(crate) const DIAGNOSIS: &str = Answer::SCHEMA;

/// Every document that a command prints: name of its schema, type, title.
macro_rules! documents {
    ($($name:literal: $type:ty, $title:literal;)+) => {
        $(impl Document for $type {
            const SCHEMA: &'static str = concat!("provost.", $name, "/1");
        })+

        /// Name and title of each.
        #[cfg(test)]
        pub(crate) const TITLES: &[(&str, &str)] = &[$(($name, $title)),+];

        /// Name, title and schema of each.
        #[cfg(test)]
        fn printed() -> Vec<(&'static str, &'static str, schemars::Schema)> {
            vec![$(($name, $title, schemas::of::<$type>())),+]
        }
    };
}

documents! {
    "address": Address<'_>, "First line of `serve --json`";
    "auth-closed": auth::Closed, "Debug that was taken back, and what is reached now";
    "auth-opened": auth::Opened, "Debug that was opened, and what was measured of it";
    "bench": BenchDone, "What was done to the board of a virtual chip";
    "bootloader-status": BootloaderStatus, "Who a chip is, as its ROM bootloader shows it, and what can be done from here";
    "case-template": CaseTemplate, "A case file to fill in";
    "check": CheckReport, "What came of checking a credential";
    "close-check": Checked, "Whether a chip is closed as it was to be";
    "close-receipt": close::Receipt, "The receipt of a close or of a rehearsal; also the file receipt.json";
    "close-survey": CloseSurvey<'_>, "What a close would do, and what the preflight finds";
    "credential": CredentialMade<'_>, "A new credential";
    "diagnosis": Answer, "A diagnosis: verdict, reasons, plan, what never to do, and the next test";
    "discovery": Look, "What a chip says in Debug Authentication";
    "doctor": Doctor, "What stands between this computer and a chip";
    "error": Report, "Why a command stopped";
    "event": Event<'_>, "What happens on the way: one a line on stderr, with --events";
    "explanation": Explanation<'_>, "What is known of a topic, and which topics there are";
    "flash-erased": FlashErased, "Sectors erased";
    "flash-read": FlashRead, "Flash read into a file";
    "flash-verified": flash::Verified, "An image compared with flash";
    "flash-written": flash::Written, "An image written to flash and read back";
    "history": History<'_>, "Receipts, oldest first, and what was begun and not finished";
    "image": VerifiedImage, "A verified image";
    "ledger": Ledger, "What the virtual chip does, and how sure it is";
    "map": LifeMap, "Every product state, what leads where, and who can come back";
    "made": MadeFiles<'_>, "Files that were made";
    "option-change": OptionChange<'_>, "What `option set` and `option import` did, or would do";
    "option-diff": OptionDifferences<'_>, "What differs between two sets of option bytes";
    "option-export": OptionText<'_>, "Option bytes as text";
    "option-list": OptionList<'_>, "Option bytes as `option list` and `option get` show them";
    "plan": RescuePlan<'_>, "What a rescue would do";
    "practised": Practised, "What came of a step that was tried on a virtual chip";
    "probes": Probes, "What there is to connect to";
    "receipt": rescue::Receipt, "What a rescue did; also the file receipt.json";
    "selfcheck": Selfcheck, "What a chip says to the questions that public sources leave open";
    "served": Served, "Last document of `twin serve --json` and of `serve --json`";
    "serving": Serving<'_>, "First lines of `twin serve --json`, one for each door";
    "sheet": Sheet, "A file, field by field";
    "status": Status, "Who a chip is, what is open, what can be done from here";
    "text": Text<'_>, "A text to be kept in a file";
    "tz-regression": auth::TzReceipt, "What a regression to TZ-Closed did; also the file receipt.json";
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
