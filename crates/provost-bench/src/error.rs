//! Why a bench cannot be set up, or what happened on it not be kept.

use provost_chip::rules::RuleId;
use provost_link::LinkError;
use provost_ops::error::{Exit, Fault, Remedy};
use provost_twin::error::TwinError;

/// What goes wrong around a chip rather than on its wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The probe.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The virtual chip.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// No real chip can be reached.
    #[error("this provost was built without debug probes: it reaches virtual chips only")]
    NoProbes,
}

impl Fault for BenchError {
    fn code(&self) -> &'static str {
        match self {
            Self::Link(error) => error.code(),
            Self::Twin(error) => error.code(),
            Self::NoProbes => "bench-no-probes",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Link(error) => error.exit(),
            Self::Twin(
                TwinError::Switch(_) | TwinError::Option { .. } | TwinError::Part(_) | TwinError::NotFound { .. },
            )
            | Self::NoProbes => Exit::Usage,
            Self::Twin(TwinError::InUse { .. }) => Exit::PersonMustAct,
            Self::Twin(TwinError::Exists { .. }) => Exit::Refused,
            Self::Twin(_) => Exit::Failed,
        }
    }

    fn rules(&self) -> Vec<RuleId> {
        Vec::new()
    }

    fn remedy(&self) -> Remedy {
        Remedy::default()
    }
}
