//! `provost explain`: whatever provost prints by name, and what other tools printed.

mod topics;
pub(crate) mod words;

use std::{collections::BTreeSet, fmt::Write as _};

use provost_chip::{
    assumptions::{Assumptions, Switch},
    option_bytes::OptionField,
    parts::PartId,
    rules::Rule,
    sources::Source,
    states::ProductState,
};
use provost_diagnosis::messages::Message;
use provost_ops::{
    close::preflight::Check,
    prospects::{LifeMap, StateSheet, life_map, state_sheet},
};

use crate::{
    cli::Explain,
    documents::{Explanation, Told, Topics},
    error::FaceError,
    hints,
    output::{Page, Stop, rule_text, wrap},
};

pub(crate) fn run(options: &Explain) -> Result<Page, Stop> {
    let Some(what) = options.what.as_deref().filter(|what| !what.eq_ignore_ascii_case(INDEX)) else {
        return topics_page();
    };
    if let Some(map) = life_map().filter(|_| what.eq_ignore_ascii_case(MAP)) {
        return Ok(Page::new(&map, map_text(&map))?);
    }
    if let Some(page) = what.parse::<ProductState>().ok().and_then(state_page) {
        return page;
    }
    if let Ok(rule) = what.parse::<&Rule>() {
        let Rule { id, says, confidence, source, .. } = *rule;
        return Ok(Page::new(&Explanation::Rule { id, says, confidence, source }, rule_text(rule))?);
    }
    if let Some(check) = Check::find(what) {
        let Check { id, says, confidence, source, .. } = *check;
        return Ok(Page::new(&Explanation::Rule { id, says, confidence, source }, super::close::check_text(check))?);
    }
    if let Some(switch) = Assumptions::switches().iter().find(|s| s.name.eq_ignore_ascii_case(what)) {
        return switch_page(switch);
    }
    if let Some(page) = option_page(what) {
        return page;
    }
    if let Some(text) = hints::explain(what) {
        return Ok(Page::new(&Explanation::Error { id: what, says: &text }, text.clone())?);
    }
    if let Some(page) = words::page(what) {
        return page;
    }
    if let Some(page) = words::unfolded(what) {
        return page;
    }
    let found = Message::search(what);
    if let Some((best, score)) = found.first().filter(|(_, score)| is_meant(what, *score)) {
        return message_page(best, *score, &found);
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

/// The topic that is all topics, as `--list`.
const INDEX: &str = "index";
/// The topic that is the whole life cycle.
pub(super) const MAP: &str = "map";

fn map_text(map: &LifeMap) -> String {
    let mut text = String::new();
    for state in &map.states {
        let _ = writeln!(text, "{} ({})", state.title, state.code);
        for arrow in map.arrows.iter().filter(|a| a.from == state.id) {
            let loses = if arrow.loses { "; it loses a chip with nothing provisioned" } else { "" };
            let needs =
                if arrow.needs.is_empty() { String::new() } else { format!("; it takes {}", arrow.needs.join(", ")) };
            text.push_str(&wrap(
                &format!("-> {}: {}{needs}{loses} [{}]", arrow.to, arrow.what, arrow.rules.join(", ")),
                2,
            ));
        }
        for back in &state.back {
            let way = match (back.saved, back.way.is_empty()) {
                (false, _) => "lost".to_owned(),
                (true, true) => "nothing to do".to_owned(),
                (true, false) => back.way.join(", then "),
            };
            text.push_str(&wrap(&format!("{}: {way}", back.who), 4));
        }
        text.push('\n');
    }
    text
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

fn topics_page() -> Result<Page, Stop> {
    let topics = topics::all();
    let mut text = String::new();
    for Topics { kind, names } in &topics {
        let _ = writeln!(text, "{kind}");
        text.push_str(&wrap(&names.join(", "), 4));
    }
    text.push_str("messages of tools\n    in quotes, as the tool printed them\n");
    Ok(Page::new(&Explanation::Topics { topics }, text)?)
}

/// An option byte: what it is on each part, and whether it may be changed where.
fn option_page(what: &str) -> Option<Result<Page, Stop>> {
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
        text.push_str(&wrap(&parts.join(", "), 2));
        text.push_str(&wrap(says, 4));
    }
    let sources: BTreeSet<&str> = fields.iter().flat_map(|f| f.source.iter().copied()).collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let _ = writeln!(text, "    source: {}", sources.join(", "));
    if let Some((_, way)) = words::WAYS.iter().find(|(name, _)| *name == first.name) {
        text.push_str(&wrap(way, 4));
    }
    text.push_str("`provost option list` says whether it may be changed now, and what that bites\n");
    Some(told_page(Explanation::OptionByte, first.name, &sources, text))
}

/// What is told in words alone: the same for people and in the document.
fn told_page<'a>(
    kind: fn(Told<'a>) -> Explanation<'a>,
    id: &'a str,
    source: &'a [&'a str],
    text: String,
) -> Result<Page, Stop> {
    let document = kind(Told { id, says: text.clone(), source });
    Ok(Page::new(&document, text)?)
}

/// What a tool's message means, and the next ones that look like it.
fn message_page(best: &Message, score: f64, found: &[(&Message, f64)]) -> Result<Page, Stop> {
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
    let explanation = Explanation::Message {
        id: best.id,
        text: best.text,
        tool: best.tool,
        says: best.means,
        not: best.not,
        confidence: best.confidence,
        source: best.source,
        fits: (score * 100.0).round() / 100.0,
        alike: others.iter().map(|m| m.id).collect(),
    };
    Ok(Page::new(&explanation, text)?)
}

fn state_page(state: ProductState) -> Option<Result<Page, Stop>> {
    // The richest part: TrustZone, secure AES, both boot entries.
    let part = PartId::all().find(|p| p.info().trustzone && p.info().crypto).or_else(|| PartId::all().next())?;
    let sheet = state_sheet(state, part);
    let text = sheet_text(&sheet);
    Some(Page::new(&Explanation::State { id: state, sheet }, text).map_err(Stop::from))
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

fn switch_page(switch: &Switch) -> Result<Page, Stop> {
    let mut text = format!("switch {}\n", switch.name);
    text.push_str(&wrap(switch.question, 4));
    let _ = writeln!(text, "    values: {} (the first is the default)", switch.values.join(", "));
    let _ = writeln!(text, "    source: {}", switch.source.join(", "));
    let Switch { name, question, values, source, .. } = *switch;
    Ok(Page::new(&Explanation::Switch { id: name, says: question, values, source }, text)?)
}
