//! The strict reader of case files: TOML with every key and word known, and errors that name the line.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::case::{Case, Goal};

mod reader;
mod step;

use reader::{Reader, Table};

/// Largest case file in bytes.
pub const MAX_SIZE: usize = 1 << 20;
/// Most steps of a case file.
pub const MAX_STEPS: usize = 1000;

/// A case file to fill in, with all its parts.
pub const TEMPLATE: &str = include_str!("../data/template.toml");

/// Why a case file was not understood. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// Larger than [`MAX_SIZE`].
    #[error("a case file has at most {MAX_SIZE} bytes, this one has {size}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// Not TOML.
    #[error("line {line}: not TOML: {problem}")]
    Syntax {
        /// Where.
        line: usize,
        /// What the TOML parser says.
        problem: String,
    },
    /// A key that a case file does not have.
    #[error("line {line}: unknown key {key:?} in {within}{}; its keys are {}", did_you_mean(*nearest), allowed.join(", "))]
    UnknownKey {
        /// Where.
        line: usize,
        /// The key.
        key: String,
        /// The table it stands in.
        within: &'static str,
        /// The allowed key that is closest to it.
        nearest: Option<&'static str>,
        /// The keys of that table.
        allowed: Vec<&'static str>,
    },
    /// A word that a closed vocabulary does not have.
    #[error("line {line}: {key} = {word:?} is unknown{}", did_you_mean(*nearest))]
    UnknownWord {
        /// Where.
        line: usize,
        /// The key.
        key: &'static str,
        /// The word.
        word: String,
        /// The allowed word that is closest to it.
        nearest: Option<&'static str>,
    },
    /// A value of another type, or out of range.
    #[error("line {line}: {key} must be {wanted}, not {found}")]
    WrongValue {
        /// Where.
        line: usize,
        /// The key.
        key: String,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// A key that is needed is missing.
    #[error("line {line}: {within} needs the key {key:?}")]
    MissingKey {
        /// Where the table begins.
        line: usize,
        /// The key.
        key: &'static str,
        /// The table.
        within: &'static str,
    },
    /// More than [`MAX_STEPS`].
    #[error("line {line}: a case has at most {MAX_STEPS} steps")]
    TooManySteps {
        /// Where the first step too many begins.
        line: usize,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default()
}

provost_codes::codes!(CaseError, self => self, {
    Self::TooLarge { .. } => "case-too-large",
    Self::Syntax { .. } => "case-syntax",
    Self::UnknownKey { .. } => "case-unknown-key",
    Self::UnknownWord { .. } => "case-unknown-word",
    Self::WrongValue { .. } => "case-wrong-value",
    Self::MissingKey { .. } => "case-missing-key",
    Self::TooManySteps { .. } => "case-too-many-steps",
});

/// Keys of a case file.
const KEYS: &[&str] = &["id", "title", "source", "goal", "chip", "bench", "step", "expect"];
const CHIP: &[&str] = &["part", "tzen", "boot_ube", "state"];
const BENCH: &[&str] = &["probe", "probe_firmware", "nrst", "boot0", "target_usb", "supply_volts", "host", "tool"];

/// Reads a case file.
///
/// `id`, `title`, `source` and `[expect]` are allowed and not looked at. A `log` within a step is read as a log: what it
/// says fills what the keys leave open.
///
/// # Errors
/// See [`CaseError`]: the first line that breaks a rule.
pub fn read(text: &str) -> Result<Case, CaseError> {
    if text.len() > MAX_SIZE {
        return Err(CaseError::TooLarge { size: text.len() });
    }
    let reader = Reader::new(text);
    let document = DeTable::parse(text).map_err(|error| CaseError::Syntax {
        line: reader.line(error.span().map_or(0, |span| span.start)),
        problem: error.message().lines().next().unwrap_or_default().to_owned(),
    })?;
    let root = Table { reader: &reader, table: document.get_ref(), at: 0, within: "a case file" };
    root.only(KEYS)?;
    let mut case = Case { goal: root.word("goal", Goal::WORDS, Goal::from_word)?, ..Case::default() };
    if let Some(chip) = root.table("chip", "[chip]")? {
        chip.only(CHIP)?;
        case.chip.part = chip.string("part")?.map(str::to_owned);
        case.chip.tz = chip.word("tzen", &["on", "off"], |w| match w {
            "on" => Some(provost_chip::states::TrustZone::Enabled),
            "off" => Some(provost_chip::states::TrustZone::Disabled),
            _ => None,
        })?;
        case.chip.boot_ube = chip.word("boot_ube", &["oem-irot", "st-irot"], |w| match w {
            "oem-irot" => Some(provost_chip::states::BootUbe::OemIrot),
            "st-irot" => Some(provost_chip::states::BootUbe::StIrot),
            _ => None,
        })?;
        case.chip.state = chip.word("state", STATES, |w| w.parse().ok())?;
    }
    if let Some(bench) = root.table("bench", "[bench]")? {
        read_bench(&bench, &mut case)?;
    }
    for (index, (at, table)) in root.tables("step", "[[step]]")?.into_iter().enumerate() {
        if index == MAX_STEPS {
            return Err(CaseError::TooManySteps { line: reader.line(at) });
        }
        step::read(&table, &mut case)?;
    }
    Ok(case)
}

const STATES: &[&str] = &["open", "provisioning", "irot-provisioned", "tz-closed", "closed", "locked"];

fn read_bench(bench: &Table<'_>, case: &mut Case) -> Result<(), CaseError> {
    use crate::case::{Boot0, Host};
    bench.only(BENCH)?;
    case.bench.probe = bench.string("probe")?.map(str::to_owned);
    // Debug Authentication asks nothing of the firmware's version; it is only checked to be a text.
    bench.string("probe_firmware")?;
    case.bench.nrst = bench.word("nrst", &["wired", "not-wired"], |w| flag(w, "wired", "not-wired"))?;
    case.bench.target_usb = bench.word("target_usb", &["plugged", "unplugged"], |w| flag(w, "plugged", "unplugged"))?;
    case.bench.boot0 = bench.word("boot0", Boot0::WORDS, Boot0::from_word)?;
    case.bench.host = bench.word("host", Host::WORDS, Host::from_word)?;
    case.bench.supply_volts = bench.number("supply_volts")?;
    case.bench.tool = bench.string("tool")?.map(str::to_owned);
    Ok(())
}

fn flag(word: &str, yes: &str, no: &str) -> Option<bool> {
    if word == yes { Some(true) } else { (word == no).then_some(false) }
}

/// Whether a text is meant to be a case file rather than the output of a tool: one of its lines begins a table of a case.
pub fn looks_like_case(text: &str) -> bool {
    text.lines().take(5000).any(|line| {
        let header = line.split('#').next().unwrap_or_default().trim().trim_start_matches('\u{feff}');
        // A bracket that was forgotten makes a broken case file, not another kind of text.
        matches!(header.trim_end_matches(']'), "[chip" | "[bench" | "[[step" | "[expect")
    })
}

/// What a value is, for errors.
fn kind_of(value: &Spanned<DeValue<'_>>) -> String {
    match value.get_ref() {
        DeValue::String(s) => format!("{:?}", s.chars().take(40).collect::<String>()),
        DeValue::Integer(i) => i.as_str().chars().take(40).collect(),
        DeValue::Float(f) => f.as_str().chars().take(40).collect(),
        other => format!("a value of type {}", other.type_str()),
    }
}
