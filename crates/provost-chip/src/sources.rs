//! Where a statement comes from, and how sure that makes us.

use std::fmt;

/// How sure a statement about the chip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "an order that callers match in full")]
pub enum Confidence {
    /// Our own conclusion from other statements.
    Inferred,
    /// Read in open source code.
    Code,
    /// Seen on silicon and reported by a user.
    Observed,
    /// Said in public by an employee of the vendor.
    Staff,
    /// Written in a document, header, script or data base of the vendor.
    Documented,
}

impl Confidence {
    /// Every confidence, the surest first.
    pub const ALL: [Self; 5] = [Self::Documented, Self::Staff, Self::Observed, Self::Code, Self::Inferred];

    /// The word used in tables, on the command line and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Code => "code",
            Self::Observed => "observed",
            Self::Staff => "staff",
            Self::Documented => "documented",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One piece of public material that rules and tables cite by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// Short key, such as `AN6008`.
    pub key: &'static str,
    /// Title, and author or version where that matters.
    pub title: &'static str,
    /// Where it is, if it has a stable address.
    pub url: Option<&'static str>,
}

impl Source {
    /// All sources, sorted by key.
    pub fn all() -> &'static [Source] {
        crate::tables::SOURCES
    }

    /// The source with this key.
    pub fn find(key: &str) -> Option<&'static Source> {
        Self::all().iter().find(|s| s.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_unique_and_found() {
        let rows = include_str!("../data/sources.toml").lines().filter(|line| line.starts_with("title = ")).count();
        assert_eq!(Source::all().len(), rows);
        for source in Source::all() {
            assert_eq!(Source::find(source.key), Some(source));
        }
        assert_eq!(Source::find("NO-SUCH-PAPER"), None);
    }

    #[test]
    fn words_are_those_of_the_tables() {
        use Confidence::{Code, Documented, Inferred, Observed, Staff};
        let words = ["documented", "staff", "observed", "code", "inferred"];
        assert_eq!([Documented, Staff, Observed, Code, Inferred].map(Confidence::as_str), words);
    }

    #[test]
    fn vendor_text_outranks_inference() {
        assert!(Confidence::Documented > Confidence::Staff);
        assert!(Confidence::Staff > Confidence::Observed);
        assert!(Confidence::Observed > Confidence::Inferred);
    }
}
