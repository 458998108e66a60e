//! What `--probe` says, parsed once.

use std::{fmt, path::PathBuf, str::FromStr};

use provost_link::ProbeSelector;
use provost_twin::board::Selector;

use crate::BenchError;

/// Which chip is meant, by the probe it hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// `twin:NAME[?OPTION=VALUE,…]`: a virtual chip.
    Twin(Selector),
    /// `VID:PID[-INTERFACE][:SERIAL]`: a probe on this machine.
    Attached(ProbeSelector),
    /// `replay:FILE`: the chip of a trace, as it answered when it was recorded.
    Replay(PathBuf),
}

impl Probe {
    const TWIN: &str = "twin:";
    const REPLAY: &str = "replay:";

    /// The selector without what only says how the bench is set up: under this name a chip is told from others in journals and receipts.
    pub fn chip_name(&self) -> String {
        match self {
            Self::Twin(selector) => format!("{}{}", Self::TWIN, selector.name()),
            Self::Attached(_) | Self::Replay(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twin(selector) => write!(f, "{}{selector}", Self::TWIN),
            Self::Attached(selector) => selector.fmt(f),
            Self::Replay(file) => write!(f, "{}{}", Self::REPLAY, file.display()),
        }
    }
}

impl FromStr for Probe {
    type Err = BenchError;

    fn from_str(text: &str) -> Result<Self, BenchError> {
        Ok(match (text.strip_prefix(Self::TWIN), text.strip_prefix(Self::REPLAY)) {
            (Some(twin), _) => Self::Twin(twin.parse()?),
            (_, Some(file)) => Self::Replay(file.into()),
            _ => Self::Attached(text.parse()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use provost_ops::error::Fault as _;

    use super::*;

    #[test]
    fn selectors_read_as_they_were_written() {
        for (text, chip) in [
            ("twin:fresh", "twin:fresh"),
            ("twin:a/b.chip?leave-rss-da=power,nrst=not-wired", "twin:a/b.chip"),
            ("0483:374e", "0483:374e"),
            ("replay:a/board.trace", "replay:a/board.trace"),
            ("0483:374e:0042", "0483:374e:0042"),
            ("1d50:6018-2:127.0.0.1:2000", "1d50:6018-2:127.0.0.1:2000"),
        ] {
            let probe: Probe = text.parse().unwrap();
            assert_eq!(probe.to_string(), text);
            assert_eq!(probe.chip_name(), chip);
        }
    }

    #[test]
    fn what_is_wrong_has_a_code() {
        for (text, code) in [
            ("nonsense", "link-bad-selector"),
            ("0483", "link-bad-selector"),
            ("", "link-bad-selector"),
            ("twin:fresh?nrst", "twin-option"),
            ("twin:fresh?colour=red", "twin-switch"),
        ] {
            assert_eq!(text.parse::<Probe>().unwrap_err().code(), code, "{text}");
        }
    }
}
