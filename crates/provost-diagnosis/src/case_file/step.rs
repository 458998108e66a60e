//! One `[[step]]` of a case file.

use super::{CaseError, reader::Table};
use crate::{
    case::{
        Act, AskedPermission, Case, ConnectMode, Credential, Discovery, Object, OptionValue, Outcome, ProvisionedBy,
        Step,
    },
    log::{self, discovery_field},
    remarks::{signs_in, signs_in_firmware},
};

/// Keys of every step.
const COMMON: &[&str] = &["action", "result", "log"];

/// The actions with their own keys.
const ACTIONS: &[(&str, &[&str])] = &[
    ("connect", &["mode", "ap"]),
    ("read-option", &["field", "value"]),
    ("write-option", &["field", "value"]),
    ("provision", &["object", "encrypted", "size", "by"]),
    ("discover", &["lifecycle", "integrity", "hdpl1", "permissions", "cryptosystem"]),
    ("authenticate", &["with", "permission"]),
    ("close-debug", &[]),
    ("erase", &["what"]),
    ("flash", &["what"]),
    ("dfu", &[]),
    ("uart", &[]),
    ("reset", &[]),
    ("power-cycle", &[]),
    ("firmware", &["what"]),
    ("observe", &["what"]),
];

pub(super) fn read(table: &Table<'_>, case: &mut Case) -> Result<(), CaseError> {
    let names: Vec<&'static str> = ACTIONS.iter().map(|(name, _)| *name).collect();
    let (action, own) =
        table.needed("action", &names, |word| ACTIONS.iter().find(|(name, _)| *name == word).copied())?;
    let keys: Vec<&'static str> = COMMON.iter().chain(own).copied().collect();
    table.only(&keys)?;
    let mut step = Step::new(act(table, action)?, table.word("result", Outcome::WORDS, Outcome::from_word)?);
    if let (Act::Erase | Act::Flash | Act::Observe(_), Some(what)) = (&step.act, table_text(table, own)?) {
        step.signs = signs_in(what);
    } else if let Act::Firmware(what) = &step.act {
        step.signs = signs_in_firmware(what);
    }
    match table.string("log")? {
        None => case.steps.push(step),
        Some(text) => with_log(step, text, case),
    }
    Ok(())
}

fn table_text<'a>(table: &Table<'a>, own: &[&str]) -> Result<Option<&'a str>, CaseError> {
    if own.contains(&"what") { table.string("what") } else { Ok(None) }
}

fn act(table: &Table<'_>, action: &str) -> Result<Act, CaseError> {
    Ok(match action {
        "connect" => Act::Connect {
            mode: table.word("mode", ConnectMode::WORDS, ConnectMode::from_word)?,
            ap: table.integer("ap", "0 or 1")?.map(|ap| u8::try_from(ap).unwrap_or(u8::MAX)),
        },
        "read-option" => Act::ReadOption(option(table)?),
        "write-option" => Act::WriteOption(option(table)?),
        "provision" => Act::Provision {
            object: table.needed("object", Object::WORDS, Object::from_word)?,
            encrypted: table.flag("encrypted")?,
            size: table.integer("size", "a size in bytes")?,
            by: table.word("by", ProvisionedBy::WORDS, ProvisionedBy::from_word)?.unwrap_or(ProvisionedBy::Tool),
        },
        "discover" => Act::Discover(discovery(table)?),
        "authenticate" => Act::Authenticate {
            with: table.word("with", Credential::WORDS, Credential::from_word)?,
            permission: table
                .word("permission", AskedPermission::WORDS, AskedPermission::from_word)?
                .unwrap_or(AskedPermission::FullRegression),
        },
        "close-debug" => Act::CloseDebug,
        "erase" => Act::Erase,
        "flash" => Act::Flash,
        "dfu" => Act::Dfu,
        "uart" => Act::Uart,
        "reset" => Act::Reset,
        "power-cycle" => Act::PowerCycle,
        "firmware" => Act::Firmware(table.string("what")?.unwrap_or_default().to_owned()),
        _ => Act::Observe(table.string("what")?.unwrap_or_default().to_owned()),
    })
}

fn option(table: &Table<'_>) -> Result<OptionValue, CaseError> {
    let field = table.string("field")?.ok_or_else(|| table.missing("field"))?;
    let value = table.integer("value", "a number such as \"0xC6\"")?;
    Ok(OptionValue { field: field.trim().to_ascii_uppercase(), value })
}

/// The fields as printed.
fn discovery(table: &Table<'_>) -> Result<Discovery, CaseError> {
    let mut discovery = Discovery::default();
    if let Some(word) = table.string("lifecycle")?.filter(|w| *w != "unknown") {
        let known = log::lifecycle(word);
        let state = |name: &str| name.trim_start_matches("ST_LIFECYCLE_").to_ascii_lowercase();
        discovery.lifecycle = Some(known.ok_or_else(|| {
            let words: Vec<String> = LIFECYCLES.iter().map(|name| state(name)).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let near = crate::words::nearest(&state(&word.to_ascii_uppercase()), &words);
            let near = near.and_then(|near| LIFECYCLES.iter().copied().find(|name| state(name) == near));
            table.unknown("lifecycle", word, near)
        })?);
    }
    if let Some(word) = table.string("integrity")?.filter(|w| *w != "unknown") {
        discovery_field(&mut discovery, "ST provisioning integrity status", word);
        if discovery.integrity.is_none() {
            return Err(table.unknown("integrity", word, crate::words::nearest(word, &["0xeaeaeaea", "0xf5f5f5f5"])));
        }
    }
    let hdpl1 = table.integer("hdpl1", "a number such as \"0xffffffff\"")?;
    discovery.hdpl1 = hdpl1.map(|word| u32::try_from(word).unwrap_or(u32::MAX));
    discovery.permissions = table.strings("permissions")?;
    if let Some(word) = table.string("cryptosystem")?.filter(|w| *w != "unknown") {
        discovery_field(&mut discovery, "cryptosystem", word);
    }
    Ok(discovery)
}

const LIFECYCLES: &[&str] = &[
    "ST_LIFECYCLE_OPEN",
    "ST_LIFECYCLE_PROVISIONING",
    "ST_LIFECYCLE_IROT_PROVISIONED",
    "ST_LIFECYCLE_TZ_CLOSED",
    "ST_LIFECYCLE_CLOSED",
    "ST_LIFECYCLE_LOCKED",
];

/// Adds a step and what its log tells beyond its keys: messages, fields of a discovery, option values, chip and bench.
fn with_log(mut step: Step, text: &str, case: &mut Case) {
    // A log in memory cannot fail to be read.
    let Ok(report) = log::read(text.as_bytes()) else { return case.steps.push(step) };
    let read = report.case;
    case.ignored_lines += read.ignored_lines;
    case.chip.dev_id = case.chip.dev_id.or(read.chip.dev_id);
    case.chip.part = case.chip.part.take().or(read.chip.part);
    case.bench.host = case.bench.host.or(read.bench.host);
    case.bench.supply_volts = case.bench.supply_volts.or(read.bench.supply_volts);
    case.bench.probe = case.bench.probe.take().or(read.bench.probe);
    case.bench.tool = case.bench.tool.take().or(read.bench.tool);
    // What was read before the step's own action stays before it.
    let own = read.steps.iter().position(|s| std::mem::discriminant(&s.act) == std::mem::discriminant(&step.act));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (at, inner) in read.steps.into_iter().enumerate() {
        step.messages.extend(inner.messages);
        step.signs.extend(inner.signs.into_iter().filter(|s| *s == crate::signs::Sign::OtherFamily));
        if own == Some(at) {
            step.outcome = step.outcome.or(inner.outcome);
        }
        match (&mut step.act, inner.act) {
            (Act::Discover(told), Act::Discover(printed)) => fill(told, printed),
            (Act::ReadOption(told), Act::ReadOption(printed)) if told.field == printed.field => {
                told.value = told.value.or(printed.value);
            }
            (Act::WriteOption(told), Act::WriteOption(printed)) if told.field == printed.field => {
                told.value = told.value.or(printed.value);
            }
            (Act::Connect { mode, ap }, Act::Connect { mode: printed_mode, ap: printed_ap }) => {
                *mode = mode.or(printed_mode);
                *ap = ap.or(printed_ap);
            }
            (Act::Authenticate { with, .. }, Act::Authenticate { with: printed, .. }) => *with = with.or(printed),
            (_, act @ Act::ReadOption(_)) => {
                let place = if own.is_some_and(|own| at < own) { &mut before } else { &mut after };
                place.push(Step::new(act, Some(Outcome::Ok)));
            }
            _ => {}
        }
    }
    case.steps.extend(before);
    case.steps.push(step);
    case.steps.extend(after);
}

/// Fields that were not told are those that were printed.
fn fill(told: &mut Discovery, printed: Discovery) {
    told.lifecycle = told.lifecycle.or(printed.lifecycle);
    told.integrity = told.integrity.or(printed.integrity);
    told.hdpl1 = told.hdpl1.or(printed.hdpl1);
    told.permissions = told.permissions.take().or(printed.permissions);
    told.password = told.password.or(printed.password);
    told.empty_answer |= printed.empty_answer;
}
