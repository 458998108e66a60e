//! The rules: one statement each, with its sources and how sure they make us.

use std::{fmt, str::FromStr};

use crate::sources::Confidence;
pub use crate::tables::RuleId;

/// One rule of the life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Stable id, such as `R-BACKWARD-IGNORED`.
    pub id: &'static str,
    /// Name of the test that shows it.
    pub shown_by: &'static str,
    /// The statement, in one or two plain sentences.
    pub says: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// Keys of [`crate::sources::Source`].
    pub source: &'static [&'static str],
    /// The assumption switch that leaves it open, if one does.
    pub switch: Option<&'static str>,
}

impl Rule {
    /// All rules, in the order of the table.
    pub fn all() -> &'static [Rule] {
        crate::tables::RULES
    }
}

impl RuleId {
    /// Its row.
    pub fn rule(self) -> &'static Rule {
        // The variants are made from the rows, in their order.
        &crate::tables::RULES[self as usize]
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.rule().id)
    }
}

/// An id that no rule has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule {id:?}")]
#[non_exhaustive]
pub struct UnknownRule {
    /// The id that was asked for, cut to 60 characters.
    pub id: String,
}

/// Finds a rule by its id, in any case.
impl FromStr for &'static Rule {
    type Err = UnknownRule;

    fn from_str(id: &str) -> Result<Self, UnknownRule> {
        Rule::all()
            .iter()
            .find(|r| r.id.eq_ignore_ascii_case(id))
            .ok_or_else(|| UnknownRule { id: id.chars().take(60).collect() })
    }
}

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(id: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.rule().id.eq_ignore_ascii_case(id))
            .ok_or_else(|| UnknownRule { id: id.chars().take(60).collect() })
    }
}

/// What a rule decided, and which rule it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision<T> {
    /// What the chip does, or lets happen.
    pub outcome: T,
    /// The rule that gives it.
    pub rule: RuleId,
}

impl<T> Decision<T> {
    pub(crate) const fn new(outcome: T, rule: RuleId) -> Self {
        Self { outcome, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assumptions::Assumptions, sources::Source};

    #[test]
    fn every_row_of_the_table_is_there() {
        let rows = include_str!("../data/rules.toml").lines().filter(|line| *line == "[[rule]]").count();
        assert!(rows > 50, "{rows}");
        assert_eq!(Rule::all().len(), rows);
    }

    #[test]
    fn ids_are_unique_and_cite_known_sources() {
        for rule in Rule::all() {
            assert_eq!(rule.id.parse::<&Rule>().unwrap(), rule);
            assert!(rule.source.iter().all(|key| Source::find(key).is_some()));
        }
        assert_eq!(RuleId::BackwardIgnored.to_string(), "R-BACKWARD-IGNORED");
    }

    #[test]
    fn switches_named_by_rules_exist() {
        for name in Rule::all().iter().filter_map(|r| r.switch) {
            assert!(Assumptions::switches().iter().any(|s| s.name == name), "{name}");
        }
    }
}
