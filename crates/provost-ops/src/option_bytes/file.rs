//! Option bytes in a file: our own TOML, or what STM32CubeProgrammer's `-ob displ` prints.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use provost_chip::{option_bytes::OptionField, option_values::FieldKind, parts::PartId};
use serde::Deserialize;

use super::{
    change::{Assignment, find},
    displ,
    error::OptionError,
    read::OptionBytes,
};
use crate::store::files;

/// The format that this version writes.
pub const FORMAT: &str = "provost.options/1";
/// No set of option bytes is longer.
const LONGEST: u64 = 1 << 20;

/// What a file says of option bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionFile {
    /// The part it was read as, if the file names one.
    pub part: Option<PartId>,
    /// The values, by ST's names.
    pub values: BTreeMap<&'static str, u32>,
    /// Names in the file that the part does not have.
    pub unknown: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    /// The parts it may be of: DEV_ID does not tell all of them apart.
    #[serde(default)]
    parts: Vec<String>,
    /// As earlier versions wrote it.
    part: Option<String>,
    /// For the reader; an import does not touch it.
    #[serde(rename = "product-state")]
    _product_state: Option<String>,
    options: BTreeMap<String, toml::Spanned<toml::Value>>,
}

impl OptionFile {
    /// Reads a file; `part` is that of the chip, where one is known.
    ///
    /// # Errors
    /// It cannot be read, is in neither format, or is for another part.
    pub fn load(path: &Path, part: Option<PartId>) -> Result<Self, OptionError> {
        let bytes = files::read(path, LONGEST)
            .map_err(|error| OptionError::File { path: path.to_owned(), source: error.into() })?;
        Self::parse(&String::from_utf8_lossy(&bytes), path, part)
    }

    /// Reads text in either format; `path` is for the messages.
    ///
    /// # Errors
    /// It is in neither format, or for another part.
    pub fn parse(text: &str, path: &Path, part: Option<PartId>) -> Result<Self, OptionError> {
        if text.contains("OPTION BYTES BANK") {
            let (values, unknown) = displ::parse(text, path, part)?;
            return Ok(Self { part: None, values, unknown });
        }
        parse_toml(text, path, part)
    }

    /// The values as assignments, but for those that an import does not touch.
    pub fn assignments(&self, part: PartId) -> Vec<Assignment> {
        let assignment = |(name, value): (&&'static str, &u32)| {
            let field = OptionField::find(part, name)?;
            let left_alone = field.name == "PRODUCT_STATE" || field.kind() == FieldKind::Reserved;
            (!left_alone).then(|| Assignment { name: (*name).to_owned(), value: field.hex(*value) })
        };
        self.values.iter().filter_map(assignment).collect()
    }
}

fn parse_toml(text: &str, path: &Path, part: Option<PartId>) -> Result<OptionFile, OptionError> {
    let at = |line, says: String| OptionError::Format { path: path.to_owned(), line, says };
    let line_of = |offset: usize| text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1;
    let document: Document = toml::from_str(text)
        .map_err(|e| at(e.span().map_or(1, |s| line_of(s.start)), e.message().lines().collect::<Vec<_>>().join(" ")))?;
    if document.format != FORMAT {
        let given: String = document.format.chars().take(60).collect();
        return Err(at(1, format!("format {given:?} is not {FORMAT:?}")));
    }
    let given = document.part.iter().chain(&document.parts).map(|name| name.parse().map_err(|e| at(1, format!("{e}"))));
    let given: Vec<PartId> = given.collect::<Result<_, _>>()?;
    let Some(first) = given.first().copied() else { return Err(at(1, "it names no part".to_owned())) };
    // Parts of one DEV_ID have the same option bytes.
    let given = match part {
        Some(part) if given.iter().any(|p| p.info().dev_id == part.info().dev_id) => part,
        Some(part) => return Err(other_part(path, first, part)),
        None => first,
    };
    let mut values = BTreeMap::new();
    for (name, value) in &document.options {
        let line = line_of(value.span().start);
        let field = find(given, name).map_err(|e| at(line, e.to_string()))?;
        let word = match value.get_ref() {
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::String(word) => word.clone(),
            other => return Err(at(line, format!("{name} is a number or a name, not {}", other.type_str()))),
        };
        let value = field.parse_value(&word).map_err(|e| at(line, e.to_string()))?;
        if values.insert(field.name, value).is_some() {
            return Err(at(line, format!("{} is given twice", field.name)));
        }
    }
    Ok(OptionFile { part: Some(given), values, unknown: Vec::new() })
}

pub(super) fn other_part(path: &Path, given: PartId, found: PartId) -> OptionError {
    OptionError::OtherPart { path: path.to_owned(), given: given.to_string(), found: found.to_string() }
}

/// The values in force that can be seen, by ST's names.
pub fn values(bytes: &OptionBytes) -> BTreeMap<&'static str, u32> {
    OptionField::of(bytes.part()).filter_map(|f| Some((f.name, bytes.value(f)?))).collect()
}

/// Writes option bytes as TOML, register by register, each line with its meaning.
///
/// PRODUCT_STATE stands in the head only: it is never imported.
pub fn to_toml(bytes: &OptionBytes) -> String {
    let part = bytes.part();
    let state = bytes.chip.state;
    let parts: Vec<String> = bytes.parts.iter().map(ToString::to_string).collect();
    let (names, parts) = (parts.join(" or "), parts.iter().map(|p| format!("{p:?}")).collect::<Vec<_>>().join(", "));
    let mut text = format!(
        "# Option bytes of an {names} as provost read them. `provost option import` sets what differs.\nformat = {FORMAT:?}\nparts = [{parts}]\nproduct-state = \"{}\"\n\n[options]\n",
        state.as_str()
    );
    let mut register = "";
    for field in OptionField::of(part) {
        if field.name == "PRODUCT_STATE" || field.kind() == FieldKind::Reserved {
            continue;
        }
        if std::mem::replace(&mut register, field.register) != field.register {
            let _ = writeln!(text, "# {}", field.register);
        }
        match bytes.value(field) {
            Some(value) => {
                let meaning = field.describe(bytes.flash, value).map(|m| format!("  # {m}")).unwrap_or_default();
                let _ = writeln!(text, "{} = {}{meaning}", field.name, field.hex(value));
            }
            None => {
                let _ = writeln!(text, "# {} is kept by the secure world", field.name);
            }
        }
    }
    text
}
