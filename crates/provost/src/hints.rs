//! Errors for people: what was measured, the likely causes in order, the next step, and the rules behind it.

use std::{borrow::Cow, fmt::Write as _};

use provost_chip::{
    rules::{Rule, RuleId},
    sources::Confidence,
};
use provost_ops::{
    error::{Exit, Fault},
    fault::Remedy,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{error, output::wrap};

/// An error as a value.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    #[schemars(regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    code: &'static str,
    #[schemars(range(min = 1, max = 5))]
    exit: u8,
    message: String,
    /// The phrase that `--confirm` wants, where one is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    confirm: Option<String>,
    causes: Vec<String>,
    likely: Vec<Cow<'static, str>>,
    next: Vec<Cow<'static, str>>,
    rules: Vec<RuleReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RuleReport {
    #[schemars(with = "RuleId")]
    id: &'static str,
    says: &'static str,
    confidence: Confidence,
    #[schemars(length(min = 1))]
    source: &'static [&'static str],
}

impl Report {
    pub(crate) fn with_phrase(mut self, phrase: Option<&str>) -> Self {
        self.confirm = phrase.map(str::to_owned);
        self
    }
}

impl From<&'static Rule> for RuleReport {
    fn from(rule: &'static Rule) -> Self {
        Self { id: rule.id, says: rule.says, confidence: rule.confidence, source: rule.source }
    }
}

/// A command line that clap refuses, by its message.
pub(crate) fn usage(message: &str) -> Report {
    let first = message.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    Report {
        code: "usage",
        exit: Exit::Usage.code(),
        message: first.split_whitespace().collect::<Vec<_>>().join(" "),
        confirm: None,
        causes: Vec::new(),
        likely: vec!["a misspelt or missing word on the command line".into()],
        next: vec!["`provost --help` lists the commands, `provost COMMAND --help` the options of one".into()],
        rules: Vec::new(),
    }
}

/// Everything there is to say about an error.
pub(crate) fn report(error: &dyn Fault) -> Report {
    let Remedy { causes: likely, next } = error.remedy();
    let mut causes = Vec::new();
    let mut at = error.source();
    while let Some(cause) = at {
        let text = cause.to_string();
        // Many messages end with that of their cause; once is enough.
        if !error.to_string().contains(&text) {
            causes.push(text);
        }
        at = cause.source();
    }
    Report {
        code: error.code(),
        exit: error.exit().code(),
        message: error.to_string(),
        confirm: None,
        causes,
        likely,
        next,
        rules: error.rules().iter().map(|r| r.rule().into()).collect(),
    }
}

/// The same for people.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!("error[{}]: {}\n", report.code, report.message);
    for cause in &report.causes {
        let _ = writeln!(text, "  caused by: {cause}");
    }
    let mut list = |title: &str, items: &[Cow<'static, str>]| {
        if !items.is_empty() {
            let _ = writeln!(text, "  {title}:");
            for (n, item) in items.iter().enumerate() {
                let wrapped = wrap(item, 7);
                let _ = write!(text, "    {}. {}", n + 1, wrapped.trim_start());
            }
        }
    };
    list("likely causes, in order", &report.likely);
    list("next", &report.next);
    if !report.rules.is_empty() {
        text.push_str("  why:\n");
        for rule in &report.rules {
            let _ = writeln!(text, "    {} ({}; {})", rule.id, rule.confidence, rule.source.join(", "));
            text.push_str(&wrap(rule.says, 7));
        }
    }
    text
}

/// What is known of an error code, for `explain`.
pub(crate) fn explain(code: &str) -> Option<String> {
    let row = error::row(code)?;
    let mut text = format!("error code {code} (exit {})\n", row.exit.code());
    if let Some((says, _)) = provost_ops::objects::explain(code) {
        text.push_str(&wrap(&says, 4));
    }
    for (title, items) in [("likely causes, in order", row.causes), ("next", row.next)] {
        let _ = writeln!(text, "  {title}:");
        for (n, item) in items.iter().enumerate() {
            let _ = write!(text, "    {}. {}", n + 1, wrap(item, 7).trim_start());
        }
    }
    Some(text)
}
