//! Looks messages up by a quote or a paraphrase: shared words, weighed by how rare they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::Message;
use crate::{log::clean, remarks::stem};

/// Only so many bytes of a query are looked at.
const MAX_QUERY: usize = 2 << 10;
/// Below this score a message is not worth showing.
const WORTH_SHOWING: f64 = 0.25;
/// What a word of the explanation counts, against one of the message itself.
const EXPLAINED: f64 = 0.4;

struct Entry {
    text: BTreeSet<String>,
    explanation: BTreeSet<String>,
}

struct Vocabulary {
    entries: Vec<Entry>,
    weights: BTreeMap<String, f64>,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let entries: Vec<Entry> = Message::all()
        .iter()
        .map(|m| Entry {
            text: tokens(m.text),
            explanation: [m.means, m.tool, m.id].into_iter().flat_map(tokens).collect(),
        })
        .collect();
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for token in entries.iter().flat_map(|e| e.text.union(&e.explanation)) {
        *counts.entry(token.clone()).or_default() += 1.0;
    }
    let total = entries.len() as f64;
    let weights = counts.into_iter().map(|(token, count)| (token, (1.0 + total / count).ln())).collect();
    Vocabulary { entries, weights }
});

/// Words without meaning of their own.
const SMALL_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "i", "in", "is", "it", "its", "my",
    "of", "on", "or", "that", "the", "this", "to", "was", "with", "error", "warning", "info", "get", "got", "says",
];

fn tokens(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.len() > 1)
        .map(|w| w.to_lowercase())
        .filter(|w| !SMALL_WORDS.contains(&w.as_str()))
        .map(|w| stem(&w))
        .collect()
}

pub(super) fn search(query: &str) -> Vec<(&'static Message, f64)> {
    let mut end = query.len().min(MAX_QUERY);
    while !query.is_char_boundary(end) {
        end -= 1;
    }
    let query = clean(query[..end].trim());
    let exact = Message::with_id(&query).or_else(|| query.lines().find_map(Message::find_in));
    let wanted: Vec<(String, f64)> = tokens(&query).into_iter().map(|t| (t.clone(), weight(&t))).collect();
    let quote = query.to_ascii_lowercase();
    let mut found: Vec<(&'static Message, f64)> = Message::all()
        .iter()
        .zip(&VOCABULARY.entries)
        .map(|(message, entry)| {
            let score = match exact {
                Some(m) if m.id == message.id => 1.0,
                _ if quote.len() > 5 && message.text.to_ascii_lowercase().contains(&quote) => 0.95,
                _ => 0.94 * shared(&wanted, entry),
            };
            (message, score)
        })
        .filter(|(_, score)| *score >= WORTH_SHOWING)
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(10);
    found
}

/// A word that no message holds tells little.
fn weight(token: &str) -> f64 {
    VOCABULARY.weights.get(token).copied().unwrap_or(1.0)
}

/// How much of the query is in the message, and of the message in the query.
fn shared(wanted: &[(String, f64)], entry: &Entry) -> f64 {
    let asked: f64 = wanted.iter().map(|(_, w)| w).sum();
    let told: f64 = entry.text.iter().map(|t| weight(t)).sum();
    if asked <= 0.0 || told <= 0.0 {
        return 0.0;
    }
    let (mut answered, mut covered) = (0.0, 0.0);
    for (token, weight) in wanted {
        if entry.text.iter().any(|t| alike(t, token)) {
            answered += weight;
            covered += weight;
        } else if entry.explanation.iter().any(|t| alike(t, token)) {
            answered += EXPLAINED * weight;
        }
    }
    0.6 * (answered / asked).min(1.0) + 0.4 * (covered / told).min(1.0)
}

/// The same word, or one that begins with the other and is not much longer.
fn alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    a == b || (short.len() > 3 && long.len() - short.len() < 4 && long.starts_with(short))
}
