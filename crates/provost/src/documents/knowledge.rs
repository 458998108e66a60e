//! What is known, as `explain` and `twin ledger` say it.

use provost_chip::{sources::Confidence, states::ProductState};
use provost_ops::prospects::StateSheet;
use schemars::JsonSchema;
use serde::Serialize;

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
    OptionByte(Told<'a>),
    Check(Told<'a>),
    Cause(Told<'a>),
    Step(Told<'a>),
    ExitCode(Told<'a>),
    Phrase(Told<'a>),
    Permission(Told<'a>),
    Word(Told<'a>),
    Topics {
        topics: Vec<Topics>,
    },
}

/// What is told in words alone.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Told<'a> {
    pub(crate) id: &'a str,
    pub(crate) says: String,
    /// Where it comes from, if anywhere but provost.
    pub(crate) source: &'a [&'a str],
}

/// A kind of topic, and the names of its topics.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Topics {
    pub(crate) kind: &'static str,
    pub(crate) names: Vec<String>,
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
