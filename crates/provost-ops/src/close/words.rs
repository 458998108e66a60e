//! The option words of a chip, all of them, by ST's register names: compared with a plan, and written back.

use std::collections::BTreeMap;

use provost_chip::{option_bytes::OptionField, parts::PartId};
use provost_link::LinkError;
use serde::Serialize;

use crate::{
    drive::{launch, session::Session},
    option_bytes::OptionBytes,
};

/// Option words in force, by register name (`FLASH_OPTSR`). The epoch counters, which only ever count up, are left out.
pub type Words = BTreeMap<String, u32>;

/// Something that is not as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: String,
    /// What the plan says.
    pub planned: String,
    /// What was found.
    pub found: String,
}

/// The option words that differ, by register, with the fields that do.
pub fn differing(part: PartId, planned: &Words, found: &Words) -> Vec<Difference> {
    let word = |words: &Words, name: &str| words.get(name).map_or("none".to_owned(), |w| format!("{w:#010x}"));
    planned
        .keys()
        .chain(found.keys().filter(|name| !planned.contains_key(*name)))
        .filter(|name| planned.get(*name) != found.get(*name))
        .map(|name| {
            let differs =
                |f: &&OptionField| f.register == *name && field(part, planned, f.name) != field(part, found, f.name);
            let fields: Vec<&str> = OptionField::of(part).filter(differs).map(|f| f.name).collect();
            let what = format!("{name} ({})", fields.join(", "));
            Difference { what, planned: word(planned, name), found: word(found, name) }
        })
        .collect()
}

fn fields(part: PartId) -> impl Iterator<Item = &'static OptionField> {
    OptionField::of(part).filter(|f| !f.name.ends_with("_EPOCH"))
}

/// The words in force.
pub fn of(bytes: &OptionBytes) -> Words {
    fields(bytes.part()).map(|f| (f.register.to_owned(), bytes.word(f).current)).collect()
}

/// A field's value in these words; `None` where the part has no such field.
pub fn field(part: PartId, words: &Words, name: &str) -> Option<u32> {
    let field = OptionField::find(part, name)?;
    words.get(field.register).map(|word| field.get(*word))
}

/// These words with one field set; unchanged where the part has no such field.
pub fn with_field(part: PartId, words: &mut Words, name: &str, value: u32) {
    if let Some(field) = OptionField::find(part, name)
        && let Some(word) = words.get_mut(field.register)
    {
        *word = field.set(*word, value);
    }
}

/// Programs those of the words that differ, in one launch. A refusal (OPTCHANGEERR) is left for the read-back to show; what was
/// written takes effect with the next reset.
///
/// # Errors
/// The link breaks.
pub fn program(session: &mut Session, bytes: &OptionBytes, wanted: &Words) -> Result<(), LinkError> {
    let changes: BTreeMap<u16, u32> = fields(bytes.part())
        .filter_map(|f| Some((f, *wanted.get(f.register)?)))
        .filter(|(f, word)| bytes.word(f).current != *word)
        .map(|(f, word)| (f.offset_prg, word))
        .collect();
    let changes: Vec<(u16, u32)> = changes.into_iter().collect();
    launch::change(session, bytes.side(), &changes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_registers_and_no_counter_among_them() {
        for part in PartId::all() {
            let names: std::collections::BTreeSet<&str> = fields(part).map(|f| f.register).collect();
            assert!(names.len() >= 8, "{part}");
            assert!(names.iter().all(|name| !name.contains("EPOCH")), "{part}");
        }
    }

    #[test]
    fn a_field_is_set_in_its_word_alone() {
        let part: PartId = "STM32H563".parse().unwrap();
        let mut words: Words = fields(part).map(|f| (f.register.to_owned(), 0)).collect();
        with_field(part, &mut words, "IWDG_SW", 1);
        assert_eq!(field(part, &words, "IWDG_SW"), Some(1));
        assert_eq!(words.values().filter(|w| **w != 0).count(), 1);
        with_field(part, &mut words, "NO_SUCH_FIELD", 1);
        assert_eq!(field(part, &words, "NO_SUCH_FIELD"), None);
    }
}
