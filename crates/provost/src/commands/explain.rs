//! `provost explain`: a state, a rule, a switch, an error code.

use std::fmt::Write as _;

use provost_chip::{
    assumptions::{Assumptions, Switch},
    parts::PartId,
    rules::Rule,
    sources::Source,
    states::ProductState,
};
use provost_diagnosis::messages::Message;
use provost_ops::{
    close::preflight::Check,
    prospects::{StateSheet, state_sheet},
};

use crate::{
    cli::Explain,
    documents::Explanation,
    error::FaceError,
    hints,
    output::{Page, Stop, rule_text, wrap},
};

pub(crate) fn run(options: &Explain) -> Result<Page, Stop> {
    let what = options.what.as_str();
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
    if let Some(text) = hints::explain(what) {
        return Ok(Page::new(&Explanation::Error { id: what, says: &text }, text.clone())?);
    }
    if let Some(page) = message_page(what) {
        return page;
    }
    let known = format!(
        "product states are {}; rules begin with R- or P-; switches are {}; error codes stand in brackets behind an error",
        ProductState::ALL.map(ProductState::as_str).join(", "),
        Assumptions::switches().iter().map(|s| s.name).collect::<Vec<_>>().join(", "),
    );
    Err(FaceError::UnknownTopic { what: what.chars().take(80).collect(), known }.into())
}

/// What a tool's message means, and the next ones that look like it.
fn message_page(what: &str) -> Option<Result<Page, Stop>> {
    let found = Message::search(what);
    let (best, score) = *found.first()?;
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
    Some(Page::new(&explanation, text).map_err(Stop::from))
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
