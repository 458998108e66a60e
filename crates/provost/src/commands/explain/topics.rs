//! Everything that can be explained, by name; and the names that one may have meant.

use std::collections::BTreeSet;

use provost_adac::permission::Permission;
use provost_chip::{
    assumptions::Assumptions, option_bytes::OptionField, parts::PartId, rules::Rule, states::ProductState,
};
use provost_diagnosis::{causes::Cause, moves::Move};
use provost_ops::{close::preflight::Check, credential};

use super::words;
use crate::{documents::Topics, error};

/// Names that do not look less like the word than this are worth a question (Jaro-Winkler).
const ALIKE: f64 = 0.8;
/// How many of them.
const MOST: usize = 4;

/// All topics.
pub(super) fn all() -> Vec<Topics> {
    let names = |kind, names: Vec<&str>| Topics { kind, names: names.into_iter().map(str::to_owned).collect() };
    let fields: BTreeSet<&str> = PartId::all().flat_map(OptionField::of).map(|f| f.name).collect();
    vec![
        names("product states", ProductState::ALL.map(ProductState::as_str).to_vec()),
        names("all of the life cycle at once", vec![super::MAP]),
        names("rules of the life cycle", Rule::all().iter().map(|r| r.id).collect()),
        names("rules of the preflight", Check::all().iter().map(|c| c.id).collect()),
        names("assumption switches", Assumptions::switches().iter().map(|s| s.name).collect()),
        names("option bytes", fields.into_iter().collect()),
        names("checks of a credential", credential::CHECKS.iter().map(|c| c.name).collect()),
        names("checks of an object, and error codes", error::codes().collect()),
        names("causes", Cause::all().iter().map(|c| c.id).collect()),
        Topics { kind: "steps of plans", names: Move::all().map(|step| step.to_string()).collect() },
        names("permissions", Permission::ALL.map(Permission::name).to_vec()),
        Topics { kind: "exit codes", names: words::EXITS.iter().map(|(code, _)| code.to_string()).collect() },
        names("phrases that confirm, in quotes", words::PHRASES.iter().map(|(phrase, ..)| *phrase).collect()),
        names("words", words::GLOSSARY.iter().map(|(word, _)| *word).collect()),
    ]
}

/// Topics that somebody may have meant, the likeliest first.
pub(super) fn like(what: &str) -> Vec<String> {
    let what = what.to_ascii_lowercase();
    let score = |name: &String| strsim::jaro_winkler(&name.to_ascii_lowercase(), &what);
    let mut found: Vec<(f64, String)> =
        all().into_iter().flat_map(|t| t.names).map(|name| (score(&name), name)).filter(|(s, _)| *s >= ALIKE).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.dedup();
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}
