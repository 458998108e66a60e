//! Assignments, checked as a whole against the chip before anything is written.

use std::collections::BTreeMap;

use provost_chip::{
    model::option_change::{bite, unwise},
    option_bytes::OptionField,
    parts::PartId,
    rules::RuleId,
    states::ProductState,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    error::{OptionError, Refused},
    read::OptionBytes,
};
use crate::{
    drive::identify::IdentifyError,
    fault::{Result, fail},
};

/// `NAME=VALUE`, as a person wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The field's name, in any case.
    pub name: String,
    /// A number or a name.
    pub value: String,
}

impl Assignment {
    /// Splits `NAME=VALUE`.
    ///
    /// # Errors
    /// There is no `=`, or nothing on one side of it.
    pub fn parse(text: &str) -> Result<Self, OptionError> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err(OptionError::Assignment { text: text.chars().take(80).collect() }),
        }
    }

    /// The field and the value on this part.
    ///
    /// # Errors
    /// No such field, or no value of it.
    pub fn on(&self, part: PartId) -> Result<(&'static OptionField, u32), OptionError> {
        let field = find(part, &self.name)?;
        Ok((field, field.parse_value(&self.value)?))
    }

    /// Checks what can be checked without a chip: some part must have the field and take the value.
    ///
    /// # Errors
    /// What the part named says of it, or the first part that has the field.
    pub fn check(&self, part: Option<PartId>) -> Result<(), OptionError> {
        if let Some(part) = part {
            return self.on(part).map(drop);
        }
        let mut first = None;
        for part in PartId::all().filter(|p| OptionField::find(*p, &self.name).is_some()) {
            match self.on(part) {
                Ok(_) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| unknown(&self.name, "the STM32H5 series", PartId::all())))
    }
}

/// The field with this name.
///
/// # Errors
/// The part has none.
pub fn find(part: PartId, name: &str) -> Result<&'static OptionField, OptionError> {
    OptionField::find(part, name).ok_or_else(|| unknown(name, part.info().name, std::iter::once(part)))
}

fn unknown(name: &str, whose: &str, parts: impl Iterator<Item = PartId>) -> OptionError {
    let wanted = name.to_ascii_uppercase();
    let far = |field: &&OptionField| distance(&wanted, &field.name.to_ascii_uppercase());
    let nearest = parts.flat_map(OptionField::of).min_by_key(far).filter(|field| far(field) <= 2);
    OptionError::UnknownField {
        name: name.chars().take(60).collect(),
        part: whose.to_owned(),
        like: nearest.map(|f| f.name),
    }
}

/// How many letters must be put in, left out or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // No name is longer; what is, resembles none.
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldChange {
    /// ST's name.
    #[schemars(regex(pattern = crate::schema::FIELD))]
    pub name: &'static str,
    /// The value that is programmed now.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub before: String,
    /// What that means.
    pub before_means: Option<String>,
    /// The value to come.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub after: String,
    /// What that means.
    pub after_means: Option<String>,
    #[serde(skip)]
    pub(crate) field: &'static OptionField,
    #[serde(skip)]
    pub(crate) value: u32,
}

/// Something to know before the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// The field.
    #[schemars(regex(pattern = crate::schema::FIELD))]
    pub field: &'static str,
    /// In plain words.
    pub says: String,
    /// The rule behind it.
    #[schemars(with = "Option<RuleId>")]
    pub rule: Option<&'static str>,
    /// Whether it must be confirmed.
    pub confirm: bool,
}

/// A checked change: one launch, one reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// What changes.
    pub fields: Vec<FieldChange>,
    /// What has its value already.
    #[schemars(inner(regex(pattern = crate::schema::FIELD)))]
    pub unchanged: Vec<&'static str>,
    /// What to know before.
    pub warnings: Vec<Warning>,
    /// Program registers: offset, word before, word to write.
    #[serde(skip)]
    pub(crate) words: Vec<(u16, u32, u32)>,
}

impl Change {
    /// Whether nothing is to be done.
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a person must confirm it, whatever the chip.
    pub fn bites(&self) -> bool {
        self.warnings.iter().any(|w| w.confirm)
    }

    /// The phrase that confirms it: what is done, to which chip, so that it does not pass on another one.
    pub fn phrase(&self, bytes: &OptionBytes, probe: &str) -> String {
        let biting = |name: &str| self.warnings.iter().any(|w| w.confirm && w.field == name);
        let sets: Vec<String> =
            self.fields.iter().filter(|f| biting(f.name)).map(|f| format!("{}={}", f.name, f.after)).collect();
        let chip = match bytes.uid {
            Some(id) => id.to_string(),
            None => probe.to_owned(),
        };
        format!("set {} on {chip}", sets.join(" "))
    }
}

/// Checks assignments against the chip: names, values, what the model allows in its state, what must not be done this way.
/// Nothing is written.
///
/// # Errors
/// The first name or value that is none; or everything that may not be changed now.
pub fn plan(bytes: &OptionBytes, assignments: &[Assignment]) -> Result<Change> {
    let part = bytes.part();
    if let Some(state) = bytes.pending_state() {
        // The reset at the end would make it take effect.
        return fail(IdentifyError::PendingState { state });
    }
    let mut values: BTreeMap<&'static str, (&'static OptionField, u32)> = BTreeMap::new();
    for assignment in assignments {
        let (field, value) = assignment.on(part)?;
        if values.insert(field.name, (field, value)).is_some() {
            return Err(OptionError::Twice { name: field.name }.into());
        }
    }
    let mut change = Change { fields: Vec::new(), unchanged: Vec::new(), warnings: Vec::new(), words: Vec::new() };
    let mut frozen = Vec::new();
    let mut words: BTreeMap<u16, (u32, u32)> = BTreeMap::new();
    // In the order of the registers, whatever the order of the words.
    for field in OptionField::of(part) {
        let Some((_, value)) = values.get(field.name) else { continue };
        let word = bytes.word(field);
        let (current, program) = (field.get(word.current), field.get(word.program));
        // What stands in the program register alone may be what an interrupted run left there: it is in force after a launch and a
        // reset, or never.
        if (current, program) == (*value, *value) && !word.hidden {
            change.unchanged.push(field.name);
            continue;
        }
        let before = if current == *value { program } else { current };
        if let Err(refused) = check(bytes, field, *value, &mut change.warnings)? {
            frozen.push(refused);
            continue;
        }
        change.fields.push(FieldChange {
            name: field.name,
            before: field.hex(before),
            before_means: field.describe(bytes.flash, before),
            after: field.hex(*value),
            after_means: field.describe(bytes.flash, *value),
            field,
            value: *value,
        });
        let entry = words.entry(field.offset_prg).or_insert((word.program, word.program));
        entry.1 = field.set(entry.1, *value);
    }
    if !frozen.is_empty() {
        return Err(OptionError::Frozen { fields: frozen }.into());
    }
    change.words = words.into_iter().map(|(offset, (before, after))| (offset, before, after)).collect();
    for (field, value) in bytes.pending() {
        let says = format!("{} waits for a reset already, which this change ends with", field.hex(value));
        change.warnings.push(Warning { field: field.name, says, rule: None, confirm: false });
    }
    Ok(change)
}

/// Whether one field may be changed: an error that stops everything, a refusal to be listed, or warnings.
fn check(
    bytes: &OptionBytes,
    field: &'static OptionField,
    value: u32,
    warnings: &mut Vec<Warning>,
) -> Result<Result<(), Refused>> {
    let unwise_on = |part: &PartId| {
        let mut chip = bytes.chip;
        chip.part = *part;
        unwise(&chip, field, value)
    };
    if let Some(found) = bytes.parts.iter().find_map(unwise_on) {
        if bytes.parts.iter().all(|part| unwise_on(part).is_some()) {
            return Err(OptionError::Unwise { field: field.name, says: found.says, rule: found.rule }.into());
        }
        let parts = bytes.parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        return Err(OptionError::PartUnclear { name: field.name, parts }.into());
    }
    let decisions = bytes.worlds(|change| change.field(field, value));
    let refusal = decisions.iter().find(|d| d.outcome.is_none()).map(|d| d.rule);
    if let (Some(rule), true) = (refusal, decisions.iter().all(|d| d.outcome.is_none())) {
        return Ok(Err(Refused { field: field.name, wanted: field.hex(value), rule }));
    }
    if field.name == "PRODUCT_STATE"
        && let Some(to) = u8::try_from(value).ok().and_then(ProductState::from_code)
        && to != ProductState::Provisioning
    {
        // Forward, and further than Provisioning: what stands before the door is checked there.
        return Err(OptionError::UseClose { from: bytes.chip.state, to }.into());
    }
    let mut warn = |says: &str, rule: Option<RuleId>, confirm| {
        let rule = rule.map(|r| r.rule().id);
        warnings.push(Warning { field: field.name, says: says.to_owned(), rule, confirm });
    };
    if let Some(rule) = refusal {
        warn("an open question decides whether the chip takes this; if not, nothing changes", Some(rule), false);
    }
    if let Some(bite) = bite(&bytes.chip, field, value) {
        warn(bite.says, bite.rule, true);
    } else if let Some(says) = caution(field, value) {
        warn(says, None, false);
    }
    Ok(Ok(()))
}

/// What is easily changed back and still surprises.
fn caution(field: &OptionField, value: u32) -> Option<&'static str> {
    Some(match (field.name, value) {
        ("IWDG_SW" | "WWDG_SW", 0) => {
            "the watchdog runs from reset on: firmware that does not serve it is reset again and again, and so is a debug session"
        }
        ("SWAP_BANK", _) => "the two banks change places at the reset: firmware is linked for one of them",
        ("NSBOOTADD" | "SECBOOTADD", _) => "the chip boots from there: a vector table must stand at this address",
        (name, _) if name.starts_with("SECWM") => {
            "sectors change worlds at the reset: secure ones are not executed or read by non-secure code, and the other way round"
        }
        (name, _) if name.starts_with("WRPSG") => {
            "protected sectors are neither erased nor programmed, and a bank with one of them is not erased as a whole"
        }
        (name, _) if name.starts_with("HDP") => {
            "hidden sectors cannot be read, erased or debugged once the firmware has left them"
        }
        (name, _) if name.starts_with("EDATA") => {
            "sectors given to high-cycle data are no longer program memory, and the other way round"
        }
        ("BORH_EN" | "BOR_LEV", _) => "a brown-out level above the supply keeps the chip in reset",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault as _;

    #[test]
    fn near_names_are_found() {
        let like = |name: &str| match find("STM32H533".parse().unwrap(), name) {
            Err(OptionError::UnknownField { like, .. }) => like,
            other => panic!("{other:?}"),
        };
        assert_eq!(like("SECWM_END"), Some("SECWM1_END"));
        assert_eq!(like("tzn"), Some("TZEN"));
        assert_eq!(like("PRODUCTSTATE"), Some("PRODUCT_STATE"));
        assert_eq!(like("RDP_LEVEL_FIELD"), None);
        // Kitten and sitting are three apart.
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "abc")), (3, 3, 0));
    }

    #[test]
    fn assignments_have_two_sides() {
        for text in ["TZEN", "=1", "TZEN=", " = ", ""] {
            assert_eq!(Assignment::parse(text).unwrap_err().code(), "option-assignment", "{text:?}");
        }
        let found = Assignment::parse(" TZEN = on=off ").unwrap();
        assert_eq!((found.name.as_str(), found.value.as_str()), ("TZEN", "on=off"));
    }
}
