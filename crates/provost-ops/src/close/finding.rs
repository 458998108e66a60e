//! What the preflight says of a rule, as plan, receipt and errors hold it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not hold, and the close is refused.
    Failed,
    /// It does not hold, and the close goes on.
    Warning,
    /// It does not hold, and was passed over by name.
    Overridden,
    /// It cannot be said here.
    NotMeasured,
}

impl Verdict {
    /// The word in documents: `not-measured`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Overridden => "overridden",
            Self::NotMeasured => "not-measured",
        }
    }

    /// Whether a person should hear of it although the close goes on.
    pub const fn is_let_pass(self) -> bool {
        matches!(self, Self::Warning | Self::Overridden)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One rule of the preflight, looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule.
    #[schemars(regex(pattern = "^P-[A-Z0-9-]+$"))]
    pub rule: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What was measured.
    pub found: String,
}

/// A rule that refuses a close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was found.
    pub finding: Finding,
    /// What to do about it, the mildest first.
    pub next: Vec<String>,
}
