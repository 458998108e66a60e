//! One sentence: whether it is a report at all, its clauses, and what they say in their order.

use std::{mem::discriminant, ops::Range};

use super::{
    Concept, Said, What,
    acts::{self, Found},
    facts,
    words::{Mark, Set, Token},
};
use crate::{case::Outcome, claim::Sure, remarks, signs::Sign};

/// Where a sentence stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) line: &'a str,
    /// It ends with a question mark.
    pub(super) question: bool,
    /// It is in a later post of a thread.
    pub(super) reply: bool,
    /// Something was told already.
    pub(super) begun: bool,
    /// It belongs to a numbered attempt.
    pub(super) attempt: bool,
}

/// A clause: words between marks and conjunctions.
#[derive(Debug, Clone)]
pub(super) struct Clause<'a> {
    /// Index of its first token in the sentence.
    pub(super) at: usize,
    pub(super) tokens: &'a [Token],
    pub(super) is: Set,
}

impl Clause<'_> {
    pub(super) fn has(&self, concept: Concept) -> bool {
        self.is.has(concept)
    }

    pub(super) fn says(&self, words: &[&str]) -> bool {
        self.tokens.iter().any(|t| words.contains(&t.text.as_str()))
    }

    fn span(&self) -> Option<Range<usize>> {
        Some(self.tokens.first()?.span.start..self.tokens.last()?.span.end)
    }
}

/// Remarks that are worth a step of their own; what was done over the wire is told by [`acts`].
const REMARKS: &[Sign] = &[
    Sign::ApplicationRuns,
    Sign::ApplicationDead,
    Sign::WorksElsewhere,
    Sign::CredentialMissing,
    Sign::FirmwareRegresses,
    Sign::FirmwareJumpsToBootloader,
    Sign::FourWires,
    Sign::SupplyInDoubt,
    Sign::WiringDoubtful,
    Sign::ToolCrash,
    Sign::UnrecordedWrites,
    Sign::DefaultConfig,
    Sign::SampleCredential,
    Sign::FlashReadsZero,
    Sign::UsbInTheWay,
];

/// Words after which a short sentence tells how the last deed ended.
const BACK: &[&str] =
    &["result", "ergebnis", "résultat", "it", "this", "that", "es", "das", "cela", "ça", "all", "same", "结果"];

/// What a sentence says.
pub(super) fn read(tokens: &[Token], context: &Context<'_>) -> Vec<Said> {
    let all = tokens.iter().fold(Set::default(), |set, t| set.union(t.is));
    let mut said = Vec::new();
    let Some(span) = tokens.first().zip(tokens.last()).map(|(a, b)| a.span.start..b.span.end) else { return said };
    if !context.reply || all.has(Concept::Me) {
        said.extend(facts::read(tokens, all, context));
    }
    if !is_report(all, context) {
        return said;
    }
    let clauses = clauses(tokens);
    let mut found: Vec<(Found, Range<usize>)> = Vec::new();
    for clause in &clauses {
        let foreign = clause.is.any(&[Concept::Another, Concept::Modal]) && !clause.has(Concept::Try);
        let condition = clause.has(Concept::If) && !clause.is.any(&[Concept::Me, Concept::Try]);
        // What was earlier than what is told already has no place in the order.
        let earlier = context.begun && clause.has(Concept::Before);
        if foreign || condition || earlier {
            continue;
        }
        let acts = acts::in_clause(clause, tokens, all, context);
        let own = outcome(clause, !acts.is_empty());
        // A few words between brackets tell a person little.
        let words = clause.tokens.iter().filter(|t| t.mark.is_none()).count();
        let place = clause.span().filter(|_| words > 3).unwrap_or_else(|| span.clone());
        if acts.is_empty() {
            // What is said of something else that was done is not about what was done before.
            let other =
                [Concept::Regress, Concept::Authenticate, Concept::Discover, Concept::Provision, Concept::Erase];
            let Some(outcome) = own.filter(|_| !clause.is.any(&other)) else { continue };
            let open = found.iter().rev().take_while(|(f, _)| f.outcome.is_none()).count();
            let begin = found.len() - open;
            for (act, span) in &mut found[begin..] {
                act.outcome = Some(outcome);
                span.end = span.end.max(place.end);
            }
            // "It works at first, then it fails."
            if let (0, Some((act, _))) = (open, found.last_mut())
                && act.takes_outcome
                && act.outcome == Some(Outcome::Ok)
                && outcome != Outcome::Ok
            {
                act.outcome = Some(outcome);
            }
            let short = tokens.iter().filter(|t| t.mark.is_none()).count() <= 7;
            let back = tokens.iter().take(3).any(|t| BACK.contains(&t.text.as_str()));
            if open == 0 && found.is_empty() && (back || short && outcome != Outcome::Ok) {
                said.push(Said { what: What::Outcome(outcome), span: place, sure: Sure::Read });
            }
            continue;
        }
        // "Hot plug, under reset and normal all fail."
        if let (Some(outcome), Some(kind)) = (own, acts.first().map(|f| discriminant(&f.act))) {
            let open = found.iter_mut().rev().take_while(|(f, _)| f.outcome.is_none() && f.takes_outcome);
            for (act, _) in open.filter(|(f, _)| !f.meant || discriminant(&f.act) == kind) {
                act.outcome = Some(outcome);
            }
        }
        found.extend(acts.into_iter().map(|mut act| {
            act.outcome = act.outcome.or(if act.takes_outcome { own } else { None });
            (act, place.clone())
        }));
    }
    // A manner of doing the other things of the sentence is no deed of its own.
    let others = found.iter().any(|(f, _)| !f.manner);
    found.retain(|(f, _)| !(f.manner && f.outcome.is_none() && (others || !f.meant)));
    found.retain(|(f, _)| f.meant || f.outcome.is_some());
    said.extend(found.into_iter().map(|(f, span)| Said { what: What::Act(f.act, f.outcome), span, sure: f.sure }));
    let text = context.line.get(span.clone()).unwrap_or_default();
    let deeds = all.any(&[Concept::Flash, Concept::Write]);
    let worth = |s: &Sign| REMARKS.contains(s) && !(deeds && *s == Sign::ApplicationRuns);
    let signs: Vec<Sign> = remarks::signs_in(text).into_iter().filter(worth).collect();
    if !signs.is_empty() && !all.any(&[Concept::Modal, Concept::If]) {
        said.push(Said { what: What::Remark(signs, text.chars().take(200).collect()), span, sure: Sure::Hint });
    }
    said
}

/// Whether a sentence tells what was.
fn is_report(all: Set, context: &Context<'_>) -> bool {
    let told = !context.question && !all.has(Concept::You);
    let whose = !context.reply || all.has(Concept::Me);
    let condition = all.has(Concept::If) && !all.any(&[Concept::Me, Concept::Try]);
    told && whose && !condition
}

/// The clauses of a sentence. Brackets do not part a state from its code: [`super::values`] looks at the whole sentence.
fn clauses(tokens: &[Token]) -> Vec<Clause<'_>> {
    let mut clauses = Vec::new();
    let mut begin = 0;
    let ends = |t: &Token| matches!(t.mark, Some(Mark::Clause | Mark::Comma)) || t.is.has(Concept::Conjunction);
    for at in 0..=tokens.len() {
        if tokens.get(at).is_none_or(ends) {
            let own = &tokens[begin..at];
            if own.iter().any(|t| t.mark.is_none()) {
                let is = own.iter().fold(Set::default(), |set, t| set.union(t.is));
                clauses.push(Clause { at: begin, tokens: own, is });
            }
            begin = at + 1;
        }
    }
    clauses
}

/// How a clause says that something ended; `deed` if it names what was done.
fn outcome(clause: &Clause<'_>, deed: bool) -> Option<Outcome> {
    let not = clause.has(Concept::Not);
    if clause.has(Concept::Modal) {
        return None;
    }
    for (concept, outcome) in [
        (Concept::Lost, Outcome::Lost),
        (Concept::Timeout, Outcome::Timeout),
        (Concept::Hang, Outcome::Hang),
        (Concept::Missing, Outcome::NoDevice),
        (Concept::Refused, Outcome::Refused),
    ] {
        if clause.has(concept) {
            return (!not || concept == Concept::Missing).then_some(outcome);
        }
    }
    let fails = clause.has(Concept::Fail);
    let works = clause.has(Concept::Work) || deed && clause.has(Concept::Able);
    match (fails, works, not) {
        (true, _, false) => Some(Outcome::Error),
        (true, _, true) => None,
        // "Tried to complete it" tells no success.
        (_, true, false) => (!clause.has(Concept::Try)).then_some(Outcome::Ok),
        (_, true, true) => Some(Outcome::Error),
        (false, false, true) if deed && cannot(clause) => Some(Outcome::Error),
        _ => None,
    }
}

/// Not being able, rather than not having done.
pub(super) fn cannot(clause: &Clause<'_>) -> bool {
    clause.says(&[
        "cannot",
        "cant",
        "unable",
        "couldnt",
        "impossible",
        "无法",
        "不能",
        "不了",
        "连不",
        "nothing",
        "nichts",
        "rien",
        "wont",
    ]) || clause.has(Concept::Able) && clause.has(Concept::Not)
        || clause.says(&["no", "longer", "more"]) && clause.says(&["longer", "more", "mehr"])
        || clause.says(&["doesnt", "does", "not"]) && clause.says(&["doesnt", "does"]) && clause.has(Concept::Not)
        || clause.says(&["plus", "mehr", "不再"])
        || clause.says(&["wird", "lässt"]) && clause.has(Concept::Not)
}
