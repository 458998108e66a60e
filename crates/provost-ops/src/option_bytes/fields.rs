//! Each field with its value, its meaning, its factory value, and who may change it now.

use provost_chip::{
    model::option_change::{Bite, bite, unwise},
    option_bytes::OptionField,
    option_values::FieldKind,
    rules::RuleId,
    states::ProductState,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::read::OptionBytes;

/// One field, as `option list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldView {
    /// ST's name.
    #[schemars(regex(pattern = crate::schema::FIELD))]
    pub name: &'static str,
    /// Its register.
    #[schemars(regex(pattern = crate::schema::REGISTER))]
    pub register: &'static str,
    /// Highest and lowest bit.
    #[schemars(inner(range(max = 31)))]
    pub bits: [u8; 2],
    /// The value in force; `None` where the secure world keeps it from this debugger.
    pub value: Option<u32>,
    /// The same in hexadecimal.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub hex: Option<String>,
    /// What it means.
    pub meaning: Option<String>,
    /// The value that waits for a reset.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub pending: Option<String>,
    /// The factory value, where it is known.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub factory: Option<String>,
    /// How sure the factory value is.
    #[schemars(with = "provost_chip::sources::Confidence")]
    pub factory_confidence: &'static str,
    /// Whether it differs from the factory value.
    pub changed: bool,
    /// Whether it may be changed now.
    pub access: Access,
}

/// Whether a field may be changed now, through this debugger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Access {
    /// `yes`, `confirm`, `close`, `open-question` or `no`.
    #[schemars(extend("enum" = ["yes", "confirm", "close", "open-question", "no"]))]
    pub verdict: &'static str,
    /// In plain words; empty for a plain yes.
    pub says: String,
    /// The rule behind it.
    #[schemars(with = "Option<RuleId>")]
    pub rule: Option<&'static str>,
}

/// All fields of the chip.
pub fn fields(bytes: &OptionBytes) -> Vec<FieldView> {
    OptionField::of(bytes.part()).map(|field| view(bytes, field)).collect()
}

/// One field.
pub fn view(bytes: &OptionBytes, field: &'static OptionField) -> FieldView {
    let value = bytes.value(field);
    let stored = value.map(|_| field.get(bytes.word(field).program));
    FieldView {
        name: field.name,
        register: field.register,
        bits: [field.high, field.low],
        value,
        hex: value.map(|v| field.hex(v)),
        meaning: value.and_then(|v| field.describe(bytes.flash, v)),
        pending: stored.filter(|s| Some(*s) != value).map(|s| field.hex(s)),
        factory: field.default.map(|d| field.hex(d)),
        factory_confidence: field.default_confidence.as_str(),
        changed: value.zip(field.default).is_some_and(|(v, d)| v != d),
        access: access(bytes, field),
    }
}

fn access(bytes: &OptionBytes, field: &'static OptionField) -> Access {
    let of = |verdict, says: &str, rule: Option<RuleId>| Access {
        verdict,
        says: says.to_owned(),
        rule: rule.map(|r| r.rule().id),
    };
    if field.kind() == FieldKind::Reserved {
        return of("no", "undocumented: kept as it is", None);
    }
    let to = other_value(bytes, field);
    let decisions = bytes.worlds(|change| change.field(field, to));
    let refusal = decisions.iter().find(|d| d.outcome.is_none()).map(|d| d.rule);
    let taken = decisions.iter().any(|d| d.outcome.is_some());
    if field.name == "PRODUCT_STATE" {
        return match bytes.chip.state {
            ProductState::Open => {
                of("confirm", "forward only; closing goes through a close, with its checks", Some(RuleId::BackOnlyByDa))
            }
            ProductState::Locked => of("no", "Locked is final", Some(RuleId::LockedIsFinal)),
            ProductState::Provisioning => {
                of("close", "through a close, with its checks", Some(RuleId::ForwardFromProvisioning))
            }
            _ => of("no", "only Debug Authentication leads out of this state", Some(RuleId::BackOnlyByDa)),
        };
    }
    match (taken, refusal) {
        (false, rule) => of("no", rule.map_or("", |r| r.rule().says), rule),
        (true, Some(rule)) => of("open-question", rule.rule().says, Some(rule)),
        (true, None) => match (unwise_for_all(bytes, field, to), bite(&bytes.chip, field, to)) {
            (Some(bite), _) => of("no", bite.says, bite.rule),
            (None, Some(bite)) => of("confirm", bite.says, bite.rule),
            (None, None) => of("yes", "", None),
        },
    }
}

/// Why nobody should write this, if that holds for every part that the chip may be.
fn unwise_for_all(bytes: &OptionBytes, field: &OptionField, to: u32) -> Option<Bite> {
    let mut chip = bytes.chip;
    let found = bytes.parts.iter().map(|part| {
        chip.part = *part;
        unwise(&chip, field, to)
    });
    found.reduce(Option::and).flatten()
}

/// A legal value that is not the stored one: the one whose change says most about the field.
fn other_value(bytes: &OptionBytes, field: &'static OptionField) -> u32 {
    let stored = field.get(bytes.word(field).program);
    match field.kind() {
        FieldKind::Codes => {
            let mut others = field.codes().map(|(code, _)| code).filter(|code| *code != stored);
            let first = others.next().unwrap_or(stored);
            // Of several codes the one that asks for a confirmation, if one does.
            std::iter::once(first).chain(others).find(|c| bite(&bytes.chip, field, *c).is_some()).unwrap_or(first)
        }
        FieldKind::LockBits => stored | stored.wrapping_add(1),
        FieldKind::Number => stored.wrapping_add(1) & field.mask() >> field.low,
        _ => stored ^ 1,
    }
}
