//! A diagnosis as a page that fits a screen: first what not to do, then what to do, then why. The rest is for `--explain`.

use std::fmt::Write as _;

use provost_diagnosis::{
    Diagnosis,
    answer::{OtherFamily, PlanStep, Question},
    claim::Sure,
    moves::Move,
    verdict::Verdict,
};

use super::{Answer, Input, Numbered};
use crate::output::wrap;

/// Lines of a page.
const SCREEN: usize = 40;
/// Characters of a line, and of the words that a claim comes from.
const WIDTH: usize = 100;
const QUOTED: usize = 44;
/// Reasons that fit on one screen with the rest.
const REASONS: usize = 1;
/// Outcomes of one kind that are named.
const OUTCOMES: usize = 2;
/// Characters of an explanation that fit on a screen with the rest.
const BRIEF: usize = 76;

/// The page.
pub(super) fn text(answer: &Answer, explain: bool) -> String {
    let (d, inputs) = (&answer.diagnosis, answer.inputs.as_slice());
    if let Some(family) = &d.family {
        return another(family, &headline(d, inputs));
    }
    let mut text = head(d, inputs);
    not_now(&mut text, d, explain);
    plan(&mut text, d, explain);
    tests(&mut text, d, explain);
    earlier(&mut text, d);
    unusual(&mut text, d, explain);
    if !d.salvage.is_empty() {
        text.push_str("\nwhat is left\n");
        d.salvage.iter().for_each(|line| text.push_str(&wrap(line, 2)));
    }
    if d.understood {
        reasons(&mut text, d, explain);
    }
    if explain {
        reasoning(&mut text, d, inputs);
    }
    let room = if explain { usize::MAX } else { SCREEN.saturating_sub(text.lines().count()) };
    claims(&mut text, answer, room);
    text
}

/// When it could still have been saved, and how.
fn earlier(text: &mut String, d: &Diagnosis) {
    let Some(then) = &d.earlier else { return };
    let when = match then.attempt {
        Some(number @ 2..) => format!("after attempt {}, before attempt {number}", number - 1),
        Some(number) => format!("before attempt {number}"),
        None => format!("before step {}", then.step),
    };
    text.push('\n');
    text.push_str(&wrap(&format!("{when} ({}), it could have been saved", then.what), 0));
    let plan: Vec<String> = then.plan.iter().map(|step| words(step)).collect();
    text.push_str(&wrap(&plan.join("; "), 2));
    let mut lines: Vec<&str> = then.commands.iter().map(|c| c.provost.as_str()).filter(|c| !c.is_empty()).collect();
    lines.dedup();
    lines.iter().for_each(|line| {
        let _ = writeln!(text, "    $ {line}");
    });
}

/// Oddities that fit on one screen with the rest.
const ODDITIES: usize = 4;

/// What is unusual in what was read of the chip.
fn unusual(text: &mut String, d: &Diagnosis, explain: bool) {
    if d.unusual.is_empty() {
        return;
    }
    text.push_str("\nunusual on this chip\n");
    let shown = if explain { d.unusual.len() } else { ODDITIES };
    for odd in d.unusual.iter().take(shown) {
        text.push_str(&wrap(
            &format!("{} {} ({}): {}", odd.what, odd.found, odd.confidence, brief(odd.says, explain)),
            2,
        ));
    }
    if d.unusual.len() > shown {
        let _ = writeln!(text, "  … and {} more: --explain", d.unusual.len() - shown);
    }
}

/// The road of another family.
fn another(family: &OtherFamily, headline: &str) -> String {
    let mut text = format!("{headline}\n");
    text.push_str(&wrap(family.road, 2));
    if let Some(confidence) = family.confidence {
        let _ = writeln!(text, "  how sure: {confidence}");
    }
    for place in family.page.iter().map(String::as_str).chain(family.source.iter().copied()) {
        let _ = writeln!(text, "  see {place}");
    }
    text
}

/// What was taken from words, beside the words, as far as there is room; those that a tool printed stand in `--json`.
fn claims(text: &mut String, answer: &Answer, room: usize) {
    let (all, doubtful) = (&answer.claims, |c: &&Numbered| c.claim.sure != Sure::Printed);
    let mut worth: Vec<&Numbered> = all.iter().filter(doubtful).collect();
    if worth.is_empty() || room < 4 {
        return;
    }
    let shown = worth.len().min(room - 3);
    // Where not all fit, those about what was done are worth more than hints.
    worth.sort_by_key(|c| (std::cmp::Reverse(c.claim.sure), c.number));
    worth.truncate(shown);
    worth.sort_by_key(|c| c.number);
    text.push_str("\nread from your words; leave out what is wrong with --strike NUMBER\n");
    for Numbered { number, claim, .. } in &worth {
        let words: String = claim.place.words.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ =
            writeln!(text, "{}", cut(&format!("  {number:>2}. {:?} -> {}", cut(&words, QUOTED), claim.says), WIDTH));
    }
    let more = all.len() - worth.len();
    if more > 0 {
        let _ = writeln!(text, "  … and {more} more: --json");
    }
}

/// The text in at most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// The answer without its head: verdict, what not to do, and why.
pub(crate) fn in_short(d: &Diagnosis) -> String {
    let mut text = format!("{} ({})\n", verdict_of(d), how_sure(d));
    not_now(&mut text, d, false);
    if let Some(reason) = d.reasons.first() {
        text.push_str("\nwhy\n");
        text.push_str(&wrap(&format!("{} ({}): {}", reason.id, reason.confidence, reason.says), 2));
    }
    text
}

/// The verdict in words.
fn verdict_of(d: &Diagnosis) -> &'static str {
    if d.verdict == Verdict::NotLocked && !matches!(d.believed.product_state, "open" | "unknown") {
        return "Nobody is locked out: the chip is closed and does what it is meant to do.";
    }
    verdict_words(d.verdict)
}

const fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Recoverable => "This chip can be saved.",
        Verdict::RecoverableIf => "This chip can be saved, once the first step below is done.",
        Verdict::Lost => "This chip is lost: no way back to Open is known.",
        Verdict::NotLocked => "Nobody is locked out: the life cycle is not the cause.",
        Verdict::Undetermined => "It cannot be told yet: what is reported fits chips with different fates.",
    }
}

/// What is wanted, in words.
fn goal_words(goal: &str) -> &'static str {
    match goal {
        "debug" => "debug without erasing",
        "forward" => "on to a closed state",
        "check" => "know whether all is well",
        "boot" => "make it boot",
        _ => "back to Open",
    }
}

/// How sure the verdict is; where there is none, how the worlds divide.
pub(super) fn how_sure(d: &Diagnosis) -> String {
    if d.verdict != Verdict::Undetermined {
        return format!("{:.0} % sure", d.certainty * 100.0);
    }
    let w = &d.weighed;
    let shares = [
        ("recoverable", w.recoverable + w.recoverable_if),
        ("lost", w.lost),
        ("not locked", w.not_locked),
        ("out of reach", w.out_of_reach),
    ];
    let words: Vec<String> = shares
        .iter()
        .filter(|(_, share)| *share >= 0.01)
        .map(|(name, share)| format!("{name} {:.0} %", share * 100.0))
        .collect();
    words.join(", ")
}

/// The verdict as a sentence; where there is none, why.
pub(super) fn headline(d: &Diagnosis, inputs: &[Input]) -> String {
    if let Some(family) = &d.family {
        return format!("This is about an {}, and provost knows the STM32H5 only: there is no verdict.", family.name);
    }
    if d.understood {
        return verdict_of(d).to_owned();
    }
    match inputs.iter().map(|i| i.lines).sum() {
        0u64 => "Nothing is told of the chip: there is no verdict, only the next question.".to_owned(),
        lines => {
            format!("Nothing of this was understood ({lines} lines): there is no verdict, only the next question.")
        }
    }
}

/// What the chip is believed to be, in words.
pub(super) fn believed(d: &Diagnosis) -> String {
    let b = &d.believed;
    format!(
        "{}, {} ({:.0} %), TrustZone {}, debug-authentication data {}",
        b.part.as_deref().unwrap_or("an STM32H5"),
        b.product_state,
        b.product_state_certainty * 100.0,
        b.tzen,
        b.debug_authentication
    )
}

fn head(d: &Diagnosis, inputs: &[Input]) -> String {
    let mut text = format!("{}\n", headline(d, inputs));
    if !d.understood {
        return text;
    }
    let _ = writeln!(text, "verdict       {}: {}", d.verdict.as_str(), how_sure(d));
    let _ = writeln!(text, "believed      {}", believed(d));
    let _ = writeln!(text, "wanted        {}", goal_words(d.goal));
    if d.earlier.is_some() {
        text.push_str("when          now; for an earlier moment the answer was another, and stands below\n");
    }
    let (lines, understood) =
        inputs.iter().filter(|i| i.kind != "case-file").fold((0, 0), |(l, u), i| (l + i.lines, u + i.understood));
    if lines > 0 {
        let _ = writeln!(text, "read          {understood} of {lines} lines understood");
    }
    text
}

/// The first sentences of a text, as many as fit; all of it if everything is wanted.
fn brief(text: &str, all: bool) -> String {
    if all || text.chars().count() <= BRIEF {
        return text.to_owned();
    }
    let mut end = 0;
    for (at, _) in text.match_indices(['.', ';', ':']) {
        let ends = text[at + 1..].starts_with(' ');
        if ends && at > 20 && text[..at].chars().count() <= BRIEF {
            end = at;
        }
    }
    if end > 0 { format!("{}.", &text[..end]) } else { text.to_owned() }
}

/// Steps that must not be done, those with one reason together.
fn not_now(text: &mut String, d: &Diagnosis, explain: bool) {
    let mut groups: Vec<(Vec<String>, &str)> = Vec::new();
    for never in &d.never {
        let step = words(&never.step);
        match groups.iter_mut().find(|(_, why)| *why == never.why) {
            Some((steps, _)) => steps.push(step),
            None => groups.push((vec![step], &never.why)),
        }
    }
    if groups.is_empty() {
        return;
    }
    text.push_str("\ndo not\n");
    for (steps, why) in groups {
        text.push_str(&wrap(&format!("{}: {}", together(&steps), brief(why, explain)), 2));
    }
}

/// A step in words.
fn words(step: &str) -> String {
    Move::from_name(step).map_or_else(|| step.to_owned(), Move::words)
}

/// Steps of one kind together: `write PRODUCT_STATE = 0x2E, 0xC6`.
fn together(steps: &[String]) -> String {
    let mut words = String::new();
    let mut last = "";
    for step in steps {
        let (kind, value) = step.split_once(" = ").unwrap_or((step, ""));
        if !words.is_empty() {
            words.push_str(", ");
        }
        words.push_str(if kind == last && !value.is_empty() { value } else { step });
        last = kind;
    }
    words
}

fn plan(text: &mut String, d: &Diagnosis, explain: bool) {
    if d.plan.is_empty() {
        return;
    }
    text.push_str("\ndo, in this order\n");
    for (index, step) in d.plan.iter().enumerate() {
        text.push_str(&wrap(&format!("{}. {}: {}", index + 1, words(&step.step), brief(&step.why, explain)), 2));
    }
    commands(text, &d.plan, explain);
}

/// What carries the plan out: all of provost, then all of ST's tool.
fn commands(text: &mut String, plan: &[PlanStep], explain: bool) {
    let mut provost: Vec<&str> = plan.iter().map(|s| s.commands.provost.as_str()).filter(|c| !c.is_empty()).collect();
    provost.dedup();
    let mut st: Vec<&str> = Vec::new();
    for command in plan.iter().flat_map(|s| s.commands.stm32cubeprogrammer.split(" && ")).filter(|c| !c.is_empty()) {
        if !st.contains(&command) {
            st.push(command);
        }
    }
    // The other tool's commands are many: where provost has its own they are for --explain.
    let both = explain || provost.is_empty();
    for (mark, lines) in [("provost", provost), ("STM32CubeProgrammer", st)] {
        if !lines.is_empty() && (mark == "provost" || both) {
            let _ = writeln!(text, "  with {mark}");
            lines.iter().for_each(|line| {
                let _ = writeln!(text, "    $ {line}");
            });
        }
    }
}

fn tests(text: &mut String, d: &Diagnosis, explain: bool) {
    let Some((first, others)) = d.ask.split_first() else { return };
    text.push_str("\nfind out first\n");
    test(text, first, explain);
    if explain {
        others.iter().for_each(|question| test(text, question, explain));
    } else if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|q| words(&q.step)).collect();
        text.push_str(&wrap(&format!("or: {}", names.join("; ")), 2));
    }
}

/// A test, its outcomes grouped by what they mean.
fn test(text: &mut String, question: &Question, explain: bool) {
    let _ = writeln!(text, "  {}", words(&question.step));
    let c = &question.commands;
    let both = if explain { 2 } else { 1 };
    for command in [&c.provost, &c.stm32cubeprogrammer].into_iter().filter(|c| !c.is_empty()).take(both) {
        let _ = writeln!(text, "    $ {command}");
    }
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for outcome in &question.outcomes {
        match groups.iter_mut().find(|(means, _)| *means == outcome.means) {
            Some((_, saw)) => saw.push(&outcome.saw),
            None => groups.push((&outcome.means, vec![&outcome.saw])),
        }
    }
    let most = if explain { usize::MAX } else { OUTCOMES };
    for (means, saw) in groups {
        let named: Vec<&str> = saw.iter().take(most).copied().collect();
        let more = if saw.len() > named.len() { ", and the like" } else { "" };
        text.push_str(&wrap(&format!("{}{more} -> {means}", named.join("; or ")), 4));
    }
}

fn reasons(text: &mut String, d: &Diagnosis, explain: bool) {
    if d.reasons.is_empty() {
        return;
    }
    text.push_str("\nwhy\n");
    let shown = if explain { d.reasons.len() } else { REASONS };
    for reason in d.reasons.iter().take(shown) {
        let says = brief(reason.says, explain);
        text.push_str(&wrap(&format!("{} ({}): {says}", reason.id, reason.confidence), 2));
        if explain {
            reason.source.iter().for_each(|source| text.push_str(&wrap(&format!("<{source}>"), 6)));
        }
    }
    if d.reasons.len() > shown {
        let _ = writeln!(text, "  … and {} more: --explain", d.reasons.len() - shown);
    }
}

/// The likeliest story and the arithmetic.
fn reasoning(text: &mut String, d: &Diagnosis, inputs: &[Input]) {
    text.push_str("\nthe likeliest story\n");
    for chapter in &d.story {
        let _ = writeln!(
            text,
            "  step {:<3} from {:<17} TrustZone {:<4} {}",
            chapter.step,
            chapter.state,
            chapter.tzen,
            chapter.rules.iter().chain(&chapter.messages).copied().collect::<Vec<_>>().join(", ")
        );
    }
    let w = &d.weighed;
    let _ = writeln!(
        text,
        "\n{} worlds weighed, {} left: recoverable {:.3}, recoverable-if {:.3}, lost {:.3}, not locked {:.3}, out of reach {:.3}",
        w.worlds, w.left, w.recoverable, w.recoverable_if, w.lost, w.not_locked, w.out_of_reach
    );
    for input in inputs {
        let _ = writeln!(
            text,
            "input {} ({}): {} lines, {} understood",
            input.name, input.kind, input.lines, input.understood
        );
    }
    let _ = writeln!(text, "{} lines and remarks nothing was made of", w.ignored_lines);
}

#[cfg(test)]
mod tests_of_words {
    use super::*;

    #[test]
    fn brief_texts_end_with_a_sentence() {
        let long = format!("First sentence is here. {}", "word ".repeat(60));
        assert_eq!(brief(&long, false), "First sentence is here.");
        assert_eq!(brief(&long, true), long);
        assert_eq!(brief("short", false), "short");
    }

    #[test]
    fn values_of_one_field_stand_together() {
        assert_eq!(
            together(&["write A = 0x1", "write A = 0x2", "reset"].map(str::to_owned)),
            "write A = 0x1, 0x2, reset"
        );
    }
}
