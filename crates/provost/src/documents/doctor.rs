//! What `doctor` says.

use provost_bench::Listed;
use schemars::JsonSchema;
use serde::Serialize;

/// What stands between this computer and a chip.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Doctor {
    /// Version of provost.
    pub(crate) provost: &'static str,
    /// The operating system.
    pub(crate) system: &'static str,
    /// The processor.
    pub(crate) architecture: &'static str,
    /// The probes attached.
    pub(crate) probes: Vec<Listed>,
    /// What was looked at.
    #[schemars(length(min = 1))]
    pub(crate) checks: Vec<Examined>,
    /// Nothing failed.
    pub(crate) ready: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Examined {
    /// What.
    #[schemars(extend("enum" = ["drivers", "driver", "probes", "rights", "chip", "firmware", "supply", "clock", "nrst"]))]
    pub(crate) check: &'static str,
    /// How it is.
    pub(crate) verdict: Health,
    /// What was seen.
    pub(crate) says: String,
    /// What to do about it.
    pub(crate) next: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Health {
    /// As it should be.
    Ok,
    /// It may stand in the way.
    Warning,
    /// It stands in the way.
    Failed,
    /// It was not looked at, or cannot be seen from here.
    NotSeen,
}

impl Health {
    /// As it is printed.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
            Self::NotSeen => "-",
        }
    }
}
