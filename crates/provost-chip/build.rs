//! Turns the tables of `data/` into Rust constants, so that a wrong row is a build error and the tables cost nothing at run time.
#![allow(clippy::expect_used, clippy::panic, reason = "a wrong row must stop the build")]

use std::fmt::Write as _;
use std::{env, fs, path::Path};

use serde::Deserialize;

#[derive(Deserialize)]
struct Parts {
    part: Vec<Part>,
}

#[derive(Deserialize)]
struct Memory {
    base: u32,
    kb: u32,
}

#[derive(Deserialize)]
struct Part {
    name: String,
    dev_id: u16,
    trustzone: bool,
    crypto: bool,
    flash_kb: Vec<u32>,
    wrp_sectors: u32,
    sram1: Memory,
    sram2: Memory,
    sram3: Memory,
    sram4: Option<Memory>,
    sram5: Option<Memory>,
    bkpsram: Option<Memory>,
    da_store: String,
    rss_magic: String,
    rss_descriptors: Vec<u32>,
    sfsp_version: u32,
    bootloader: u32,
    bootloader_version: u32,
    revisions: Vec<(char, u16)>,
    sfsp: String,
    bootloader_id: Option<u8>,
    confidence: String,
    source: String,
}

#[derive(Deserialize)]
struct Rules {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    shown_by: String,
    says: String,
    confidence: String,
    source: String,
    switch: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    title: String,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Field {
    device: String,
    field: String,
    register: String,
    offset_cur: String,
    offset_prg: String,
    bit_hi: u8,
    bit_lo: u8,
    encodings: String,
    default: String,
    default_confidence: String,
    source: String,
}

#[derive(Deserialize)]
struct Transition {
    from: String,
    to: String,
    tz: String,
    by: String,
    outcome: String,
    rule: String,
}

type Sources = std::collections::BTreeMap<String, Source>;

fn main() {
    println!("cargo::rerun-if-changed=data");
    let mut out = String::new();
    let sources: Sources = toml::from_str(&read("sources.toml")).expect("data/sources.toml");
    let rules: Rules = toml::from_str(&read("rules.toml")).expect("data/rules.toml");
    write_sources(&mut out, &sources);
    write_parts(&mut out, &sources);
    write_rules(&mut out, &rules, &sources);
    write_fields(&mut out, &sources);
    write_transitions(&mut out, &rules);
    let path = Path::new(&env::var("OUT_DIR").expect("OUT_DIR")).join("tables.rs");
    fs::write(path, out).expect("tables.rs");
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new("data").join(name)).unwrap_or_else(|e| panic!("data/{name}: {e}"))
}

fn rows<T: for<'de> Deserialize<'de>>(name: &str) -> Vec<T> {
    csv::Reader::from_path(Path::new("data").join(name))
        .and_then(|mut reader| reader.deserialize().collect())
        .unwrap_or_else(|e| panic!("data/{name}: {e}"))
}

fn number(text: &str, what: &str) -> u32 {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|e| panic!("{what}: {text}: {e}"))
}

/// `irot-provisioned` → `IrotProvisioned`.
fn variant(word: &str) -> String {
    word.split('-').flat_map(|w| w.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(w.chars().skip(1))).collect()
}

fn cite(keys: &str, sources: &Sources, what: &str) -> String {
    let known: Vec<String> = keys
        .split_whitespace()
        .map(|key| {
            assert!(sources.contains_key(key), "{what}: unknown source {key}");
            format!("{key:?}")
        })
        .collect();
    assert!(!known.is_empty(), "{what}: no source");
    format!("&[{}]", known.join(", "))
}

fn write_sources(out: &mut String, sources: &Sources) {
    out.push_str("pub(crate) static SOURCES: &[Source] = &[\n");
    for (key, source) in sources {
        let _ = writeln!(out, "Source {{ key: {key:?}, title: {:?}, url: {:?} }},", source.title, source.url);
    }
    out.push_str("];\n");
}

fn write_parts(out: &mut String, sources: &Sources) {
    let parts: Parts = toml::from_str(&read("parts.toml")).expect("data/parts.toml");
    out.push_str("pub(crate) static PARTS: &[Part] = &[\n");
    for p in parts.part {
        let memory = |m: &Memory| format!("Memory {{ base: {:#010x}, size: {} }}", m.base, m.kb * 1024);
        let _ = writeln!(
            out,
            "Part {{ name: {:?}, dev_id: {:#05x}, trustzone: {}, crypto: {}, flash_sizes: &[{}], wrp_sectors: {}, sram1: {}, sram2: {}, sram3: {}, sram4: {}, sram5: {}, bkpsram: {}, da_store: DaStore::{}, rss_magic: *b{:?}, rss_descriptors: &{:?}, sfsp_version: {:#x}, bootloader: {:#x}, bootloader_version: {:#x}, revisions: &{:?}, sfsp: {:?}, bootloader_id: {:?}, confidence: Confidence::{}, source: {} }},",
            p.name,
            p.dev_id,
            p.trustzone,
            p.crypto,
            flash_sizes(&p.name, &p.flash_kb),
            p.wrp_sectors,
            memory(&p.sram1),
            memory(&p.sram2),
            memory(&p.sram3),
            p.sram4.as_ref().map_or(NONE.to_owned(), memory),
            p.sram5.as_ref().map_or(NONE.to_owned(), memory),
            p.bkpsram.as_ref().map_or(NONE.to_owned(), memory),
            variant(&p.da_store),
            format!("{:-<8}", p.rss_magic),
            p.rss_descriptors,
            p.sfsp_version,
            p.bootloader,
            p.bootloader_version,
            p.revisions,
            version(&p.sfsp),
            p.bootloader_id,
            variant(&p.confidence),
            cite(&p.source, sources, &p.name),
        );
    }
    out.push_str("];\n");
}

/// A memory that the part does not have.
const NONE: &str = "Memory { base: 0, size: 0 }";

/// `2.5.0`, or nothing.
fn version(text: &str) -> Option<[u8; 3]> {
    let parts: Vec<u8> = text.split('.').filter(|t| !t.is_empty()).map(|t| t.parse().expect("a version")).collect();
    (!parts.is_empty()).then(|| parts.try_into().expect("three numbers"))
}

/// Two banks of whole 8 KB sectors, the largest first.
fn flash_sizes(part: &str, kb: &[u32]) -> String {
    assert!(!kb.is_empty() && kb.is_sorted_by(|a, b| a > b), "{part}: flash_kb: the largest first");
    assert!(kb.iter().all(|kb| *kb > 0 && kb.is_multiple_of(16)), "{part}: flash_kb: two banks of whole sectors");
    kb.iter().map(|kb| format!("FlashSize::of_table({kb})")).collect::<Vec<_>>().join(", ")
}

fn write_rules(out: &mut String, rules: &Rules, sources: &Sources) {
    out.push_str("pub(crate) static RULES: &[Rule] = &[\n");
    for r in &rules.rule {
        let _ = writeln!(
            out,
            "Rule {{ id: {:?}, shown_by: {:?}, says: {:?}, confidence: Confidence::{}, source: {}, switch: {:?} }},",
            r.id,
            r.shown_by,
            r.says,
            variant(&r.confidence),
            cite(&r.source, sources, &r.id),
            r.switch
        );
    }
    out.push_str("];\n");
    out.push_str("/// The id of a rule; every variant is a row of `data/rules.toml`.\n");
    out.push_str(
        "#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[non_exhaustive]\npub enum RuleId {\n",
    );
    for r in &rules.rule {
        let _ = writeln!(out, "/// {}\n{},", r.says, rule_variant(&r.id));
    }
    out.push_str("}\n\nimpl RuleId {\n/// Every rule, in the order of the table.\npub const ALL: &[Self] = &[");
    for r in &rules.rule {
        let _ = write!(out, "Self::{}, ", rule_variant(&r.id));
    }
    out.push_str("];\n}\n");
}

/// `R-OPEN-TO-PROVISIONING` → `OpenToProvisioning`.
fn rule_variant(id: &str) -> String {
    let name = id.strip_prefix("R-").unwrap_or_else(|| panic!("{id}: rule ids begin with R-"));
    variant(&name.to_ascii_lowercase())
}

fn write_fields(out: &mut String, sources: &Sources) {
    out.push_str("pub(crate) static FIELDS: &[OptionField] = &[\n");
    for f in rows::<Field>("option_bytes.csv") {
        let what = format!("{} {}", f.device, f.field);
        let default = if f.default.is_empty() { None } else { Some(number(&f.default, &what)) };
        let _ = writeln!(
            out,
            "OptionField {{ part: {:?}, name: {:?}, register: {:?}, offset_cur: {:#x}, offset_prg: {:#x}, high: {}, low: {}, encodings: {:?}, default: {default:?}, default_confidence: Confidence::{}, source: {} }},",
            f.device,
            f.field,
            f.register,
            number(&f.offset_cur, &what),
            number(&f.offset_prg, &what),
            f.bit_hi,
            f.bit_lo,
            f.encodings,
            variant(if f.default_confidence == "unknown" { "inferred" } else { &f.default_confidence }),
            cite(&f.source, sources, &what),
        );
    }
    out.push_str("];\n");
}

fn write_transitions(out: &mut String, rules: &Rules) {
    out.push_str("pub(crate) static TRANSITIONS: &[Row] = &[\n");
    let any = |word: &str, kind: &str| match word {
        "any" => "None".to_owned(),
        "on" => "Some(TrustZone::Enabled)".to_owned(),
        "off" => "Some(TrustZone::Disabled)".to_owned(),
        word => format!("Some({kind}::{})", variant(word)),
    };
    for t in rows::<Transition>("transitions.csv") {
        assert!(rules.rule.iter().any(|r| r.id == t.rule), "transitions.csv: unknown rule {}", t.rule);
        let _ = writeln!(
            out,
            "Row {{ from: ProductState::{}, to: {}, tz: {}, by: {}, outcome: Outcome::{}, rule: RuleId::{} }},",
            variant(&t.from),
            any(&t.to, "ProductState"),
            any(&t.tz, ""),
            any(&t.by, "Writer"),
            variant(&t.outcome),
            rule_variant(&t.rule)
        );
    }
    out.push_str("];\n");
}
