//! Why Debug Authentication did not come to its end.

use provost_adac::{host::HostError, key::SignerError};
use provost_chip::rules::RuleId;

use crate::fault::{Exit, Failure, Fault, Remedy, faults};

faults! {
    /// Why Debug Authentication did not come to its end.
    pub enum AuthError (own fault) {
        /// The chip did not answer the request.
        #[error("the chip did not answer the Debug Authentication request within {waited_ms} ms (last word {last:#010x})")]
        NoAnswer {
            /// How long, in milliseconds of the chip's time.
            waited_ms: u64,
            /// What DBG_AUTH_DEVICE read last.
            last: u32,
        } = "da-no-answer", PersonMustAct, [DaNeedsNrst, DaNotInOpen, DaStates] {
            causes: [
                "NRST is not wired: the request word must be written while the chip is held in reset",
                "the chip is Locked: it never answers",
                "the supply sags at reset",
            ],
            next: [
                "connect NRST and run the same command again",
                "if NRST is certain: remove power for some seconds, give it back, try once more",
            ],
        }
        /// The chip is Open, and did not answer.
        #[error("the chip is Open: it boots, and does not answer a discovery")]
        InOpen = "da-open", Refused, [DaNotInOpen] {
            causes: ["nothing is wrong: there is nothing to authenticate for"],
            next: ["`provost status` says what can be done from here; the chip was reset, nothing was written"],
        }
        /// What the chip said makes no sense.
        #[error("the chip's Debug Authentication answer makes no sense: {0}")]
        Malformed(#[source] HostError) = "da-malformed-answer", Failed {
            causes: ["noise on the wire", "a ROM version that provost does not know"],
            next: ["remove power, give it back and try once more", "if it stays so, please report it with -vv"],
        }
        /// The chip refused the credential.
        #[error("the chip refused the credential ({status} to {step})")]
        Refused {
            /// Its answer.
            status: String,
            /// To what.
            step: String,
        } = "da-refused", PersonMustAct, [DaMethodFollowsTzen, DaFourMasks] {
            causes: [
                "not the credential that was provisioned",
                "a certificate or the object withholds the permission",
                "a plain object on a part with secure AES: accepted, and never usable",
            ],
            next: ["try the credential that was provisioned last; remove power before each further attempt"],
        }
        /// Whoever holds the key did not sign.
        #[error("the token was not signed: {0}")]
        Signer(#[source] SignerError) = "da-not-signed", PersonMustAct {
            causes: ["whoever holds the key refused, or could not be reached"],
            next: ["see to the key and run the same command again; nothing was erased"],
        }
    }
}

impl AuthError {
    /// The error of a signer that is one of ours.
    fn signer(&self) -> Option<&Failure> {
        match self {
            Self::Signer(error) => std::error::Error::source(error)?.downcast_ref(),
            _ => None,
        }
    }
}

impl Fault for AuthError {
    fn code(&self) -> &'static str {
        match self {
            Self::Signer(error) => self.signer().map_or_else(|| error.code(), Failure::code),
            _ => self.row().code,
        }
    }

    fn exit(&self) -> Exit {
        self.signer().map_or(self.row().exit, Failure::exit)
    }

    fn rules(&self) -> Vec<RuleId> {
        self.signer().map_or_else(|| self.row().rules.to_vec(), Failure::rules)
    }

    fn remedy(&self) -> Remedy {
        self.signer().map(Failure::remedy).filter(|r| !r.is_empty()).unwrap_or_else(|| self.row().into())
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Signature(error) => AuthError::Signer(SignerError::with_code(error.code(), error)),
            other => AuthError::Malformed(other),
        }
        .into()
    }
}
