//! Turns the tables of `data/` into Rust constants, so that a wrong row is a build error and the tables cost nothing at run time.
#![allow(clippy::expect_used, clippy::panic, reason = "a wrong row must stop the build")]

use std::fmt::Write as _;
use std::{env, fs, path::Path};

use serde::Deserialize;

#[derive(Deserialize)]
struct Causes {
    cause: Vec<Cause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    id: String,
    when: String,
    #[serde(default)]
    unless: String,
    step: String,
    why: String,
    confidence: String,
    source: String,
}

#[derive(Deserialize)]
struct Messages {
    message: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    id: String,
    text: String,
    tool: String,
    subject: String,
    outcome: Option<String>,
    sign: Option<String>,
    means: String,
    not: String,
    confidence: String,
    source: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Remarks {
    remark: Vec<Remark>,
    reset_line: Vec<ResetLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remark {
    sign: String,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetLine {
    wired: bool,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
struct Unusuals {
    unusual: Vec<Unusual>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unusual {
    field: String,
    when: String,
    says: String,
    confidence: String,
    source: String,
}

#[derive(Deserialize)]
struct Concepts {
    concept: Vec<Concept>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concept {
    is: String,
    said: Vec<String>,
}

fn main() {
    let mut out = String::new();
    concepts(&mut out);
    unusual(&mut out);
    causes(&mut out);
    messages(&mut out);
    remarks(&mut out);
    let to = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("tables.rs");
    fs::write(to, out).expect("OUT_DIR is writable");
}

/// A table of `data/`.
fn table<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = format!("data/{name}");
    println!("cargo::rerun-if-changed={path}");
    let text = fs::read_to_string(&path).expect("the table is part of the crate");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn causes(out: &mut String) {
    let rows: Causes = table("causes.toml");
    out.push_str(
        "/// All causes, in the order in which they speak.\npub static CAUSES: &[crate::causes::Cause] = &[\n",
    );
    for row in rows.cause {
        let Cause { id, when, unless, step, why, confidence, source } = row;
        writeln!(
            out,
            "crate::causes::Cause {{ id: {id:?}, when: &[{}], unless: &[{}], step: {step:?}, why: {why:?}, confidence: {}, source: &{:?} }},",
            signs(&when),
            signs(&unless),
            self::confidence(&confidence),
            source.split_whitespace().collect::<Vec<_>>(),
        )
        .expect("a string takes everything");
    }
    out.push_str("];\n");
}

fn messages(out: &mut String) {
    let rows: [Messages; 2] = [table("messages.toml"), table("messages_more.toml")];
    let word = |of: &str, word: Option<&String>| match word {
        Some(word) => format!("Some(crate::{of}::{})", camel(word)),
        None => "None".to_owned(),
    };
    out.push_str("pub(crate) static MESSAGES: &[crate::messages::Message] = &[\n");
    for row in rows.into_iter().flat_map(|table| table.message) {
        let Message { id, text, tool, subject, outcome, sign, means, not, confidence, source } = row;
        writeln!(
            out,
            "crate::messages::Message {{ id: {id:?}, text: {text:?}, tool: {tool:?}, subject: crate::messages::Subject::{}, outcome: {}, sign: {}, means: {means:?}, not: {not:?}, confidence: {}, source: &{source:?} }},",
            camel(&subject),
            word("case::Outcome", outcome.as_ref()),
            word("signs::Sign", sign.as_ref()),
            self::confidence(&confidence),
        )
        .expect("a string takes everything");
    }
    out.push_str("];\n");
}

fn remarks(out: &mut String) {
    let rows: Remarks = table("remarks.toml");
    out.push_str("pub(crate) static REMARKS: &[(crate::signs::Sign, &[&str])] = &[\n");
    for Remark { sign, phrases } in rows.remark {
        writeln!(out, "(crate::signs::Sign::{}, &{phrases:?}),", camel(&sign)).expect("a string takes everything");
    }
    out.push_str("];\npub(crate) static RESET_LINES: &[(bool, &[&str])] = &[\n");
    for ResetLine { wired, phrases } in rows.reset_line {
        writeln!(out, "({wired}, &{phrases:?}),").expect("a string takes everything");
    }
    out.push_str("];\n");
}

fn unusual(out: &mut String) {
    let rows: Unusuals = table("unusual.toml");
    out.push_str("pub(crate) static UNUSUAL: &[crate::unusual::Row] = &[\n");
    for Unusual { field, when, says, confidence, source } in rows.unusual {
        let when = match when.as_str() {
            "changed" => "Changed".to_owned(),
            "area" => "Area".to_owned(),
            "whole" => "Whole".to_owned(),
            value => format!("Value({value})"),
        };
        writeln!(
            out,
            "crate::unusual::Row {{ field: {field:?}, when: crate::unusual::When::{when}, says: {says:?}, confidence: {}, source: &{:?} }},",
            self::confidence(&confidence),
            source.split_whitespace().collect::<Vec<_>>(),
        )
        .expect("a string takes everything");
    }
    out.push_str("];\n");
}

fn concepts(out: &mut String) {
    let rows: Concepts = table("prose.toml");
    out.push_str("pub(crate) static CONCEPTS: &[(crate::prose::Concept, &[&str])] = &[\n");
    for Concept { is, said } in rows.concept {
        writeln!(out, "(crate::prose::Concept::{}, &{said:?}),", camel(&is)).expect("a string takes everything");
    }
    out.push_str("];\n");
}

/// Words such as `tool-crash` as variants of `Sign`.
fn signs(words: &str) -> String {
    words.split_whitespace().map(|word| format!("crate::signs::Sign::{}, ", camel(word))).collect()
}

fn confidence(word: &str) -> String {
    format!("provost_chip::sources::Confidence::{}", camel(word))
}

fn camel(word: &str) -> String {
    word.split('-')
        .map(|part| {
            let (first, rest) = part.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect()
}
