//! What happens on the way, as one JSON document a line on stderr: for programs that show it while it happens (`--events`).

use std::sync::OnceLock;

use provost_chip::{rules::RuleId, sources::Confidence};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{documents::Document, term};

/// Whether events were asked for.
static WANTED: OnceLock<bool> = OnceLock::new();

/// From now on stderr carries events, and nothing else.
pub(crate) fn want() {
    let _ = WANTED.set(true);
}

pub(crate) fn are_wanted() -> bool {
    WANTED.get().copied().unwrap_or_default()
}

/// One event.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Event<'a> {
    /// A step begins.
    Step {
        /// Counted from 1.
        #[schemars(range(min = 1))]
        number: usize,
        /// What is done, in words.
        what: &'a str,
        /// Why that is right.
        why: Vec<Why>,
    },
    /// Something was measured or happened within the step.
    Note {
        /// In words.
        what: &'a str,
    },
    /// So much of the step is done.
    Progress {
        /// Bytes, as a rule.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// A question of the interview; the next line of stdin is its answer.
    Question {
        /// Counted from 1.
        #[schemars(range(min = 1))]
        number: usize,
        /// The question.
        ask: &'a str,
        /// The answers: the first is chosen by the line `1`, none of them by an empty line.
        #[schemars(length(min = 1))]
        choices: Vec<&'a str>,
    },
    /// What stderr says otherwise.
    Said {
        /// As it stands.
        text: &'a str,
    },
}

/// A rule behind a step.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Why {
    #[schemars(with = "RuleId")]
    id: &'static str,
    says: &'static str,
    confidence: Confidence,
}

impl Why {
    pub(crate) fn of(rules: &[RuleId]) -> Vec<Self> {
        rules.iter().map(|r| r.rule()).map(|r| Self { id: r.id, says: r.says, confidence: r.confidence }).collect()
    }
}

/// The event as a line.
pub(crate) fn line(event: &Event<'_>) -> String {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("schema".to_owned(), Event::SCHEMA.into());
    }
    format!("{value}\n")
}

/// Tells an event, if anybody wants to know; false if not.
pub(crate) fn tell(event: &Event<'_>) -> bool {
    let wanted = are_wanted();
    if wanted {
        term::line_of_events(&line(event));
    }
    wanted
}
