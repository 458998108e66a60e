//! `provost explain`: whatever provost prints by name, and what other tools printed.

mod topics;

use std::{collections::BTreeSet, fmt::Write as _};

use provost_chip::{
    assumptions::{Assumptions, Switch},
    option_bytes::OptionField,
    parts::PartId,
    rules::Rule,
    sources::Source,
    states::ProductState,
};
use provost_diagnosis::{causes::Cause, messages::Message};
use provost_ops::{
    close::preflight::Check,
    credential::CHECKS,
    prospects::{StateSheet, state_sheet},
};
use serde_json::json;

use crate::{
    cli::Explain,
    error::FaceError,
    hints,
    output::{Page, Stop, rule_text, wrap},
};

pub(crate) fn run(options: &Explain) -> Result<Page, Stop> {
    let schema = "provost.explanation/1";
    let Some(what) = options.what.as_deref() else { return Ok(topics_page(schema)) };
    if let Ok(state) = what.parse::<ProductState>() {
        return Ok(state_page(schema, state));
    }
    if let Ok(rule) = what.parse::<&Rule>() {
        let value = json!({
            "kind": "rule", "id": rule.id, "says": rule.says, "confidence": rule.confidence.as_str(), "source": rule.source,
        });
        return Ok(Page::new(schema, &value, rule_text(rule)));
    }
    if let Some(check) = Check::find(what) {
        let value = json!({
            "kind": "rule", "id": check.id, "says": check.says, "confidence": check.confidence.as_str(), "source": check.source,
        });
        return Ok(Page::new(schema, &value, super::close::check_text(check)));
    }
    if let Some(switch) = Assumptions::switches().iter().find(|s| s.name.eq_ignore_ascii_case(what)) {
        return Ok(switch_page(schema, switch));
    }
    if let Some(page) = option_page(schema, what) {
        return Ok(page);
    }
    if let Some(text) = hints::explain(what) {
        return Ok(Page::new(schema, &json!({ "kind": "error", "id": what, "says": text }), text));
    }
    if let Some(page) = word_page(schema, what) {
        return Ok(page);
    }
    let found = Message::search(what);
    if let Some((best, score)) = found.first().filter(|(_, score)| is_meant(what, *score)) {
        return Ok(message_page(schema, best, *score, &found));
    }
    let nearest = topics::like(what);
    let messages = found.iter().take(2).filter(|(_, score)| *score > WEAK).map(|(m, _)| format!("{:?}", m.text));
    let alike: Vec<String> = nearest.into_iter().chain(messages).collect();
    let known = if alike.is_empty() {
        "nothing that is known looks like it".to_owned()
    } else {
        format!("did you mean {}?", alike.join(", "))
    };
    Err(FaceError::UnknownTopic { what: what.chars().take(80).collect(), known }.into())
}

/// A message is meant if nearly all of what was given is in it.
const MEANT: f64 = 0.75;
/// Less alike than this it is not worth a question.
const WEAK: f64 = 0.4;

fn is_meant(what: &str, score: f64) -> bool {
    // One word is a quotation only if it is no word of the language.
    let is_quoted = |word: &str| word.contains(|c: char| !c.is_ascii_lowercase());
    score >= MEANT && is_quoted(what)
}

fn topics_page(schema: &'static str) -> Page {
    let all = topics::all();
    let mut text = String::new();
    for topics in &all {
        let _ = writeln!(text, "{}", topics.kind);
        text.push_str(&wrap(&topics.names.join(", "), 4));
    }
    text.push_str("messages of tools\n    in quotes, as the tool printed them\n");
    let value: Vec<_> = all.iter().map(|t| json!({ "kind": t.kind, "names": t.names })).collect();
    Page::new(schema, &json!({ "kind": "topics", "topics": value }), text)
}

/// An option byte: what it is on each part, and whether it may be changed where.
fn option_page(schema: &'static str, what: &str) -> Option<Page> {
    let fields: Vec<&OptionField> = PartId::all().filter_map(|part| OptionField::find(part, what)).collect();
    let first = fields.first()?;
    let mut text = format!("{}, option byte in {}\n", first.name, first.register);
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for field in &fields {
        let bits = if field.high == field.low {
            format!("bit {}", field.low)
        } else {
            format!("bits {}:{}", field.high, field.low)
        };
        let factory = field.default.map_or_else(String::new, |d| format!("; as delivered {}", field.hex(d)));
        let says = format!("{bits}: {}{factory}", field.encodings);
        match said.iter_mut().find(|(known, _)| *known == says) {
            Some((_, parts)) => parts.push(field.part),
            None => said.push((says, vec![field.part])),
        }
    }
    for (says, parts) in &said {
        let _ = writeln!(text, "  {}", parts.join(", "));
        text.push_str(&wrap(says, 4));
    }
    let sources: BTreeSet<&str> = fields.iter().flat_map(|f| f.source.iter().copied()).collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let _ = writeln!(text, "    source: {}", sources.join(", "));
    text.push_str("`provost option list` says whether it may be changed now, and what that bites\n");
    let value = json!({ "kind": "option-byte", "id": first.name, "says": text, "source": sources });
    Some(Page::new(schema, &value, text))
}

/// A word that provost itself prints: a check, a cause, a step, an exit code, a word of the provisioning service.
fn word_page(schema: &'static str, what: &str) -> Option<Page> {
    let page = |kind: &str, id: &str, text: String| {
        Some(Page::new(schema, &json!({ "kind": kind, "id": id, "says": text, "source": [] }), text))
    };
    if let Some(check) = CHECKS.iter().find(|c| c.name.eq_ignore_ascii_case(what)) {
        return page(
            "check",
            check.name,
            format!("{}, a check of `provost credential check DIR`\n{}", check.name, wrap(check.says, 4)),
        );
    }
    if let Some(cause) = Cause::all().iter().find(|c| c.id.eq_ignore_ascii_case(what)) {
        let mut text =
            format!("{} ({}; {})\n{}", cause.id, cause.confidence, cause.source.join(", "), wrap(cause.why, 4));
        let _ = writeln!(text, "    step: {}", cause.step);
        let value = json!({ "kind": "cause", "id": cause.id, "says": text, "source": cause.source });
        return Some(Page::new(schema, &value, text));
    }
    let number = what.strip_prefix("exit code ").or_else(|| what.strip_prefix("exit ")).unwrap_or(what);
    if let Some((code, says)) = number.parse().ok().and_then(|code: u8| EXITS.iter().find(|(c, _)| *c == code)) {
        return page("exit-code", &code.to_string(), format!("exit code {code}\n{}", wrap(says, 4)));
    }
    let (id, says) = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(what))?;
    page("word", id, format!("{id}\n{}", wrap(says, 4)))
}

/// What each exit code means to a script.
const EXITS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed; with `provost option diff --exit-code`: there are differences"),
    (2, "called wrongly: a word, a file or a part that is not there, or must be told"),
    (3, "refused, nothing was written: the chip, the credential or a file does not allow it"),
    (4, "a person must act first: wire, power, credential"),
    (5, "interrupted half-way; run the same command again, and it goes on"),
];

/// Words that are printed and are no name of anything else.
const WORDS: &[(&str, &str)] = &[
    (
        "0x9A",
        "PRODUCT_STATE while a regression runs: firmware at HDPL1 writes it to start one (R-FIRMWARE-REGRESSION); a regression that loses power is completed at the next boot",
    ),
    ("0xA3", "PRODUCT_STATE while a regression of the non-secure side runs"),
    (
        "0xCACA0AA0",
        "a word of the ROM's provisioning service that says whether the object is to be encrypted; what it asks for is an open question: `provost explain rss-encrypt-word`",
    ),
    ("0xEAEAEAEA", "integrity word of a discovery: valid Debug Authentication data are provisioned"),
    ("0xF5F5F5F5", "integrity word of a discovery: no valid Debug Authentication data are provisioned"),
];

/// What a tool's message means, and the next ones that look like it.
fn message_page(schema: &'static str, best: &Message, score: f64, found: &[(&Message, f64)]) -> Page {
    let mut text = format!("{} ({}; {})\n    {}\n", best.id, best.tool, best.confidence, best.text);
    text.push_str("  what it means\n");
    text.push_str(&wrap(best.means, 4));
    if !best.not.is_empty() {
        text.push_str("  what it does not mean\n");
        text.push_str(&wrap(best.not, 4));
    }
    for source in best.source.iter().filter_map(|key| Source::find(key)) {
        let url = source.url.map(|u| format!(" <{u}>")).unwrap_or_default();
        let _ = writeln!(text, "    source: {}{url}", source.title);
    }
    let others: Vec<&Message> =
        found.iter().skip(1).take(4).filter(|(_, s)| *s > 0.5 * score).map(|(m, _)| *m).collect();
    if !others.is_empty() {
        text.push_str("  messages like it\n");
        others.iter().for_each(|m| {
            let _ = writeln!(text, "    {}: {}", m.id, m.text);
        });
    }
    let value = json!({
        "kind": "message", "id": best.id, "text": best.text, "tool": best.tool, "says": best.means, "not": best.not,
        "confidence": best.confidence.as_str(), "source": best.source, "match": (score * 100.0).round() / 100.0,
        "alike": others.iter().map(|m| m.id).collect::<Vec<_>>(),
    });
    Page::new(schema, &value, text)
}

fn state_page(schema: &'static str, state: ProductState) -> Page {
    // The richest part: TrustZone, secure AES, both boot entries.
    let part = PartId::all().find(|p| p.info().trustzone && p.info().crypto).or_else(|| PartId::all().next());
    let sheet = part.map(|p| state_sheet(state, p));
    let text = sheet.as_ref().map_or_else(String::new, sheet_text);
    Page::new(schema, &json!({ "kind": "state", "id": state.as_str(), "sheet": sheet }), text)
}

fn sheet_text(sheet: &StateSheet) -> String {
    let mut text = format!("{} ({:#04X})\n", sheet.title, sheet.code);
    let mut rules: Vec<&str> = Vec::new();
    for setting in &sheet.settings {
        let _ = writeln!(text, "\nTrustZone {}", setting.trustzone);
        if !setting.exists {
            text.push_str("  this state does not exist without TrustZone\n");
            continue;
        }
        let mut line = |name: &str, says: &str, rule: &'static str| {
            let _ = writeln!(text, "  {name:<22}{says} [{rule}]");
            rules.push(rule);
        };
        line("AP1 by hot-plug", &setting.ap1.says, setting.ap1.rule);
        line("boots, BOOT0 low", &setting.boots[0].says, setting.boots[0].rule);
        line("boots, BOOT0 high", &setting.boots[1].says, setting.boots[1].rule);
        line("debug authentication", &setting.debug_authentication.says, setting.debug_authentication.rule);
        line("credential", setting.method, "R-DA-METHOD-FOLLOWS-TZEN");
        for forward in &setting.forward {
            line("write leads to", &forward.says, forward.rule);
        }
    }
    text.push_str("\nwhy\n");
    rules.sort_unstable();
    rules.dedup();
    for rule in rules.iter().filter_map(|id| id.parse::<&Rule>().ok()) {
        let _ = writeln!(text, "  {} ({}; {})", rule.id, rule.confidence, rule.source.join(", "));
        text.push_str(&wrap(rule.says, 4));
    }
    text
}

fn switch_page(schema: &'static str, switch: &Switch) -> Page {
    let mut text = format!("switch {}\n", switch.name);
    text.push_str(&wrap(switch.question, 4));
    let _ = writeln!(text, "    values: {} (the first is the default)", switch.values.join(", "));
    let _ = writeln!(text, "    source: {}", switch.source.join(", "));
    let value = json!({
        "kind": "switch", "id": switch.name, "says": switch.question, "values": switch.values, "source": switch.source,
    });
    Page::new(schema, &value, text)
}
