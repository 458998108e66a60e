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
    #[serde(default)]
    parts: String,
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

#[derive(Deserialize)]
struct Tools {
    tool: Vec<Tool>,
    defect: Vec<Defect>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    versions: String,
    knows: String,
    can: String,
    says: String,
    confidence: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defect {
    tool: String,
    versions: String,
    about: String,
    says: String,
    confidence: String,
    source: String,
}

#[derive(Deserialize)]
struct Families {
    family: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    ids: Vec<u16>,
    #[serde(default)]
    page: String,
    #[serde(default)]
    short: String,
    #[serde(default)]
    confidence: String,
    #[serde(default)]
    source: String,
}

fn main() {
    let mut out = String::new();
    tools(&mut out);
    families(&mut out);
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
        let Cause { id, when, unless, parts, step, why, confidence, source } = row;
        writeln!(
            out,
            "crate::causes::Cause {{ id: {id:?}, when: &[{}], unless: &[{}], parts: &{:?}, step: {step:?}, why: {why:?}, confidence: {}, source: &{:?} }},",
            signs(&when),
            signs(&unless),
            parts.split_whitespace().collect::<Vec<_>>(),
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

fn tools(out: &mut String) {
    let rows: Tools = table("tools.toml");
    out.push_str("pub(crate) static TOOLS: &[crate::tools::Tool] = &[\n");
    for Tool { name, versions, knows, can, says, confidence, source } in rows.tool {
        let knows = match knows.as_str() {
            "all" => "None".to_owned(),
            "none" => "Some(&[])".to_owned(),
            parts => format!("Some(&{:?})", words(parts)),
        };
        let can: String = words(&can).iter().map(|t| format!("crate::tools::Task::{}, ", camel(t))).collect();
        writeln!(
            out,
            "crate::tools::Tool {{ name: {name:?}, versions: {}, knows: {knows}, can: &[{can}], says: {says:?}, confidence: {}, source: &{:?} }},",
            range(&versions),
            self::confidence(&confidence),
            words(&source),
        )
        .expect("a string takes everything");
    }
    out.push_str("];\npub(crate) static DEFECTS: &[crate::tools::Defect] = &[\n");
    for Defect { tool, versions, about, says, confidence, source } in rows.defect {
        writeln!(
            out,
            "crate::tools::Defect {{ tool: {tool:?}, versions: {}, about: &{:?}, says: {says:?}, confidence: {}, source: &{:?} }},",
            range(&versions),
            words(&about),
            self::confidence(&confidence),
            words(&source),
        )
        .expect("a string takes everything");
    }
    out.push_str("];\n");
}

/// `any`, `<2.22`, `<=1.8.0`, `>1.8.0`, `>=2.13`, `2.16` or `2.18..2.19`.
fn range(text: &str) -> String {
    let version = |v: &str| {
        let places: Vec<u16> = v.split('.').map(|n| n.parse().expect("a dotted number")).collect();
        format!("Some(&{places:?})")
    };
    let none = || "None".to_owned();
    let (from, above, to, below) = if text == "any" {
        (none(), false, none(), false)
    } else if let Some((from, to)) = text.split_once("..") {
        (version(from), false, version(to), false)
    } else if let Some(from) = text.strip_prefix(">=") {
        (version(from), false, none(), false)
    } else if let Some(from) = text.strip_prefix('>') {
        (version(from), true, none(), false)
    } else if let Some(to) = text.strip_prefix("<=") {
        (none(), false, version(to), false)
    } else if let Some(to) = text.strip_prefix('<') {
        (none(), false, version(to), true)
    } else {
        (version(text), false, version(text), false)
    };
    format!("crate::tools::Versions {{ from: {from}, above: {above}, to: {to}, below: {below} }}")
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn families(out: &mut String) {
    let rows: Families = table("families.toml");
    out.push_str("pub(crate) static FAMILIES: &[crate::families::Family] = &[\n");
    for Family { name, ids, page, short, confidence, source } in rows.family {
        let road = if page.is_empty() {
            "None".to_owned()
        } else {
            format!(
                "Some(crate::families::Road {{ page: {page:?}, short: {short:?}, confidence: {}, source: &{:?} }})",
                self::confidence(&confidence),
                words(&source)
            )
        };
        writeln!(out, "crate::families::Family {{ name: {name:?}, dev_ids: &{ids:?}, road: {road} }},")
            .expect("a string takes everything");
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
