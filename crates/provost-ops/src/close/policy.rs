//! What a project says once: `provost.toml`. Defaults of the command line, and what the house demands of every close.
//!
//! ```toml
//! [defaults]
//! probe = "0483:374e"
//! part = "STM32H563ZI"
//! credential = "safe/board"
//!
//! [close]
//! require-rehearsal = true       # on every part, not only where the encryption word must be proven
//! rehearsal-max-age = "1h"       # a remembered rehearsal counts for this long
//! forbid-overrides = ["P-CUSTODY"]
//!
//! [escrow]
//! recipients = ["age1…"]
//! ```

use std::{io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use super::CloseError;
use crate::{error::Result, store::files};

/// The name under which a policy is looked for.
const FILE: &str = "provost.toml";
/// No policy is larger.
const LARGEST: u64 = 1 << 20;

/// The policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Policy {
    /// For the command line; no part of what is demanded.
    #[serde(skip_serializing)]
    pub defaults: Defaults,
    /// For `close`.
    pub close: ClosePolicy,
    /// For `--escrow`.
    pub escrow: EscrowPolicy,
}

/// The section `[defaults]`: options of the command line, as they are typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Defaults {
    /// `--probe`.
    pub probe: Option<String>,
    /// `--part`.
    pub part: Option<String>,
    /// `--speed`, in kHz.
    pub speed: Option<String>,
    /// `--credential`, a folder.
    pub credential: Option<String>,
    /// `--policy`, a file.
    pub policy: Option<String>,
}

impl Defaults {
    /// The default of an option, by its name.
    pub fn get(&self, option: &str) -> Option<&str> {
        match option {
            "probe" => self.probe.as_deref(),
            "part" => self.part.as_deref(),
            "speed" => self.speed.as_deref(),
            "credential" => self.credential.as_deref(),
            "policy" => self.policy.as_deref(),
            _ => None,
        }
    }
}

/// The section `[close]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ClosePolicy {
    /// A rehearsal on this very chip is required on every part.
    pub require_rehearsal: bool,
    /// How long a rehearsal counts; for ever without it.
    pub rehearsal_max_age: Option<String>,
    /// Rules that may not be overridden.
    pub forbid_overrides: Vec<String>,
}

/// The section `[escrow]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct EscrowPolicy {
    /// age recipients.
    pub recipients: Vec<String>,
}

impl Policy {
    /// Reads this file; without one, `provost.toml` in the present folder if it is there.
    ///
    /// # Errors
    /// The file cannot be read or says something unknown.
    pub fn load(path: Option<&Path>) -> Result<Self> {
        let (path, named) = path.map_or((Path::new(FILE), false), |p| (p, true));
        let error = |source| CloseError::Policy { path: path.to_owned(), source };
        let bytes = match files::read_optional(path, LARGEST).map_err(|e| error(e.into()))? {
            None if !named => return Ok(Self::default()),
            None => return Err(error(io::ErrorKind::NotFound.into()).into()),
            Some(bytes) => bytes,
        };
        let invalid = |e: String| error(io::Error::new(io::ErrorKind::InvalidData, e));
        let policy: Self = toml::from_slice(&bytes).map_err(|e| invalid(e.to_string()))?;
        policy.max_age().map_err(|e| invalid(e.to_string()))?;
        Ok(policy)
    }

    /// How long a rehearsal counts.
    pub(super) fn max_age(&self) -> Result<Option<Duration>, humantime::DurationError> {
        self.close.rehearsal_max_age.as_deref().map(humantime::parse_duration).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_policy_is_read_and_a_wrong_one_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("house.toml");
        assert_eq!(Policy::load(Some(&path)).unwrap_err().code(), "file-missing");
        fs::write(&path, "[close]\nrequire-rehearsal = true\nrehearsal-max-age = \"1h\"\n").unwrap();
        let policy = Policy::load(Some(&path)).unwrap();
        assert!(policy.close.require_rehearsal);
        assert_eq!(policy.max_age().unwrap(), Some(Duration::from_secs(3600)));
        for wrong in ["[close]\nrequire-rehearsel = true\n", "[close]\nrehearsal-max-age = \"soon\"\n", "close"] {
            fs::write(&path, wrong).unwrap();
            assert_eq!(Policy::load(Some(&path)).unwrap_err().code(), "policy-file", "{wrong}");
        }
    }
}
