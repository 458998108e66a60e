//! Causes outside the life cycle: what to look at when nobody is locked out, by what was seen.

use std::collections::BTreeSet;

use provost_chip::sources::Confidence;

pub use crate::tables::CAUSES;
use crate::{moves::Move, signs::Sign};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Stable id, such as `C-SUPPLY-LOW`.
    pub id: &'static str,
    /// All of these must have been seen.
    pub when: &'static [Sign],
    /// None of these may have been seen.
    pub unless: &'static [Sign],
    /// Lines that the row speaks of; all of them if it is empty.
    pub parts: &'static [&'static str],
    /// Name of the step.
    pub step: &'static str,
    /// Why.
    pub why: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// Keys of [`provost_chip::sources::Source`].
    pub source: &'static [&'static str],
}

impl Cause {
    /// All rows.
    pub const fn all() -> &'static [Self] {
        CAUSES
    }

    /// The row with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        CAUSES.iter().find(|c| c.id == id)
    }

    /// The causes that these signs point to, in the order of the table, and the step of each.
    pub fn behind(signs: &BTreeSet<Sign>) -> impl Iterator<Item = (&'static Cause, Move)> + '_ {
        CAUSES
            .iter()
            .filter(|c| c.when.iter().all(|s| signs.contains(s)) && !c.unless.iter().any(|s| signs.contains(s)))
            .filter_map(|c| Some((c, Move::from_name(c.step)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::{parts::PartId, sources::Source};

    #[test]
    fn every_row_names_a_step_and_its_sources() {
        let mut ids = BTreeSet::new();
        for cause in CAUSES {
            assert!(ids.insert(cause.id), "{} twice", cause.id);
            assert!(Move::from_name(cause.step).is_some(), "{}: {}", cause.id, cause.step);
            assert!(!cause.when.is_empty(), "{}", cause.id);
            let is_line = |name: &&&str| PartId::all().any(|p| p.info().name == **name);
            assert_eq!(cause.parts.iter().filter(is_line).count(), cause.parts.len(), "{}", cause.id);
            assert!(cause.source.iter().all(|key| Source::find(key).is_some()), "{}", cause.id);
        }
    }

    #[test]
    fn signs_choose_their_rows() {
        let steps = |signs: &[Sign]| -> Vec<String> {
            Cause::behind(&signs.iter().copied().collect()).map(|(_, m)| m.to_string()).collect()
        };
        assert_eq!(steps(&[Sign::ToolCrash]), ["use:other-tool"]);
        assert_eq!(steps(&[Sign::FlashReadsZero]), ["check:secwm", "check:flash"]);
        assert_eq!(steps(&[Sign::SupplyLow, Sign::FlashFails]), ["check:supply"]);
        assert!(steps(&[]).is_empty());
    }
}
