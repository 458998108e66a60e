//! What can stop an operation: a stable code, what was measured, likely causes in order, the next step, and the rules behind it.

use std::{io, path::PathBuf};

use provost_adac::{
    chain::ChainFormatError,
    host::CredentialError,
    host::HostError,
    key::{KeyError, SignerError},
    password::PasswordError,
};
use provost_chip::{
    rules::RuleId,
    states::{DaMethod, ProductState},
};
use provost_link::LinkError;

pub use crate::fault::{Exit, Failure, Fault, Remedy, Result};

/// Why an operation stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpError {
    /// What the chip said in Debug Authentication makes no sense.
    #[error("the chip's Debug Authentication answer makes no sense: {0}")]
    DebugAuth(#[from] HostError),
    /// A credential cannot authenticate anywhere.
    #[error("the credential cannot authenticate: {0}")]
    Credential(#[from] CredentialError),
    /// A file cannot be read or written.
    #[error("file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is in the way.
    #[error("{path} is there already; nothing was overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Whoever holds the key did not sign.
    #[error("the token was not signed: {0}")]
    Signer(#[source] SignerError),
    /// A credential file cannot be read or written.
    #[error("credential file {path}: {source}")]
    CredentialFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key file is none.
    #[error("key file {path}: {source}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A chain file is none.
    #[error("certificate chain {path}: {source}")]
    ChainFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ChainFormatError,
    },
    /// A password or password file is none.
    #[error("password: {0}")]
    Password(#[from] PasswordError),
    /// A root certificate and an object do not belong together.
    #[error("the chain's root key is not the one in {object}: {expected} in the object, {found} in the chain")]
    RootMismatch {
        /// The object file.
        object: PathBuf,
        /// Hash in the object.
        expected: String,
        /// Hash of the chain's root key.
        found: String,
    },
    /// No random numbers, no signature: making a credential failed.
    #[error("a credential could not be made: {0}")]
    MakeCredential(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// DBGMCU was not found behind AP0.
    #[error("AP0 (IDR {ap0_idr:#010x}) shows no DBGMCU identity: {found:#010x}")]
    NoDbgmcu {
        /// IDR of AP0.
        ap0_idr: u32,
        /// What the identity register read.
        found: u32,
    },
    /// The DEV_ID is not in the table.
    #[error("DEV_ID {dev_id:#05x} (revision {rev_id:#06x}) is no STM32H5 known to provost")]
    UnknownPart {
        /// Its DEV_ID.
        dev_id: u16,
        /// Its revision.
        rev_id: u16,
    },
    /// The part given does not have the DEV_ID measured.
    #[error("the chip has DEV_ID {dev_id:#05x}, which is not that of {given}")]
    PartMismatch {
        /// The part given.
        given: String,
        /// The DEV_ID measured.
        dev_id: u16,
    },
    /// The product state cannot be read as one.
    #[error("OPTSR_CUR reads {optsr:#010x}: PRODUCT_STATE {code:#04x} is no known state")]
    UnknownState {
        /// The word.
        optsr: u32,
        /// The code in it.
        code: u8,
    },
    /// NRST was pulsed and the core did not see it.
    #[error("NRST was driven low and the core saw no reset: the probe's reset line does not reach the chip")]
    NrstNotWired,
    /// The chip did not answer the Debug Authentication request.
    #[error("the chip did not answer the Debug Authentication request within {waited_ms} ms (last word {last:#010x})")]
    NoDaAnswer {
        /// How long, in milliseconds of the chip's time.
        waited_ms: u64,
        /// What DBG_AUTH_DEVICE read last.
        last: u32,
    },
    /// The chip stays in RSS-DA.
    #[error("the chip stays in its Debug Authentication ROM after an NRST pulse")]
    StaysInRssDa,
    /// The provisioning service refuses every checksum.
    #[error(
        "the provisioning service refused each of the {tried} checksums that provost knows (last status {status:#010x})"
    )]
    ChecksumUnknown {
        /// How many were tried.
        tried: usize,
        /// The last status.
        status: u32,
    },
    /// The provisioning service cannot be called.
    #[error("the provisioning service cannot be called with TrustZone {tz}, and TZEN cannot be changed here")]
    ServiceUnreachable {
        /// `on` or `off`.
        tz: &'static str,
    },
    /// The ROM's descriptor was not found.
    #[error("no RSS descriptor with magic {magic} at any known address")]
    NoDescriptor {
        /// The magic.
        magic: String,
    },
    /// Every way was tried.
    #[error("each of the {tried} ways to provision a credential was refused")]
    EveryWayRefused {
        /// How many.
        tried: usize,
    },
    /// Closed without valid Debug Authentication data.
    #[error("the chip is {state} and holds no valid Debug Authentication data (integrity {integrity:#010x})")]
    ClosedWithoutData {
        /// Its state.
        state: ProductState,
        /// The integrity word.
        integrity: u32,
    },
    /// Closed with data, and the host has no credential for it.
    #[error("the chip is {state}; its way back is Debug Authentication by {method}, and no {method} was given")]
    CredentialNeeded {
        /// Its state.
        state: ProductState,
        /// The method it asks for.
        method: DaMethod,
    },
    /// The chip refused the credential.
    #[error("the chip refused the credential ({status} to {step})")]
    AuthenticationRefused {
        /// Its answer.
        status: String,
        /// To what.
        step: String,
    },
    /// A reset would make a waiting product state take effect.
    #[error("a write of PRODUCT_STATE = {state} waits for the next reset, and this would reset the chip")]
    PendingState {
        /// The state that waits.
        state: ProductState,
    },
    /// A closing write waits for its reset, and the chip takes whatever is stored.
    #[error(
        "a write of PRODUCT_STATE = {state} waits for the next reset: there is one attempt to store a credential that this chip can use"
    )]
    OneShot {
        /// The state that waits.
        state: ProductState,
        /// Where the credential lies that was made for it.
        credential: PathBuf,
    },
    /// A word that nothing is known of.
    #[error("nothing is known of {what:?}; {known}")]
    UnknownTopic {
        /// The word.
        what: String,
        /// What is known.
        known: String,
    },
    /// A case file is not as it should be.
    #[error("{path}: {source}")]
    BadCase {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: provost_diagnosis::case_file::CaseError,
    },
    /// A report about another kind of chip.
    #[error("{path} is about {family}, and provost knows the STM32H5 only")]
    OtherFamily {
        /// The file.
        path: PathBuf,
        /// The family.
        family: String,
    },
    /// A file that is no text.
    #[error("{path} is no text: a case file or what a tool printed is wanted")]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Locked.
    #[error("the chip is Locked (0x5C)")]
    Locked,
    /// The STM32H503 keeps its password in OTP.
    #[error("the STM32H503 keeps its password in OTP, written once for its life; it is not written unasked")]
    OtpOnceForLife,
    /// After the regression the chip is not Open.
    #[error("the chip granted the regression, but was not found Open within {waited_ms} ms ({found})")]
    NotOpenAfterRegression {
        /// How long, in milliseconds of the chip's time.
        waited_ms: u64,
        /// What was found instead.
        found: String,
    },
    /// The phrase that confirms a write to a real chip is missing or wrong.
    #[error("this writes to a real chip, and was not confirmed: expected the phrase {phrase:?}")]
    NotConfirmed {
        /// The phrase.
        phrase: String,
    },
    /// The journal or a receipt cannot be read or written.
    #[error("journal {path}: {source}")]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The link was lost after something had been written.
    #[error("interrupted while {doing}: {source}")]
    Interrupted {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: Failure,
        /// The journal to go on with.
        journal: PathBuf,
    },
}

impl OpError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DebugAuth(_) => "da-malformed-answer",
            Self::Credential(_) => "credential-useless",
            Self::Signer(e) => inner(e).map_or_else(|| e.code(), Fault::code),
            Self::File { .. } => "file-io",
            Self::Exists { .. } => "file-exists",
            Self::CredentialFile { .. } => "credential-file",
            Self::KeyFile { .. } => "credential-key",
            Self::ChainFile { .. } => "credential-chain",
            Self::Password(_) => "credential-password",
            Self::RootMismatch { .. } => "credential-root-mismatch",
            Self::MakeCredential(_) => "credential-make",
            Self::NoDbgmcu { .. } => "chip-no-dbgmcu",
            Self::UnknownPart { .. } => "chip-unknown-part",
            Self::PartMismatch { .. } => "chip-part-mismatch",
            Self::UnknownState { .. } => "chip-unknown-state",
            Self::NrstNotWired => "nrst-not-wired",
            Self::NoDaAnswer { .. } => "da-no-answer",
            Self::StaysInRssDa => "da-power-cycle-needed",
            Self::ChecksumUnknown { .. } => "rss-checksum-unknown",
            Self::ServiceUnreachable { .. } => "rss-unreachable",
            Self::NoDescriptor { .. } => "rss-no-descriptor",
            Self::EveryWayRefused { .. } => "rescue-every-way-refused",
            Self::ClosedWithoutData { .. } => "chip-closed-without-data",
            Self::CredentialNeeded { .. } => "credential-needed",
            Self::AuthenticationRefused { .. } => "da-refused",
            Self::PendingState { .. } => "chip-pending-state",
            Self::OneShot { .. } => "rescue-one-shot",
            Self::UnknownTopic { .. } => "unknown-topic",
            Self::BadCase { source, .. } => source.code(),
            Self::OtherFamily { .. } => "other-family",
            Self::NotText { .. } => "not-text",
            Self::Locked => "chip-locked",
            Self::OtpOnceForLife => "h503-otp",
            Self::NotOpenAfterRegression { .. } => "rescue-not-open",
            Self::NotConfirmed { .. } => "not-confirmed",
            Self::Journal { .. } => "journal-io",
            Self::Interrupted { .. } => "interrupted",
        }
    }

    /// What it means to a script.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Signer(e) => inner(e).map_or(Exit::PersonMustAct, Fault::exit),
            Self::Interrupted { .. } => Exit::Interrupted,
            Self::UnknownTopic { .. } | Self::BadCase { .. } | Self::OtherFamily { .. } | Self::NotText { .. } => {
                Exit::Usage
            }
            Self::NrstNotWired
            | Self::OneShot { .. }
            | Self::NoDaAnswer { .. }
            | Self::StaysInRssDa
            | Self::ChecksumUnknown { .. }
            | Self::ServiceUnreachable { .. }
            | Self::EveryWayRefused { .. }
            | Self::CredentialNeeded { .. }
            | Self::AuthenticationRefused { .. } => Exit::PersonMustAct,
            Self::UnknownPart { .. }
            | Self::PartMismatch { .. }
            | Self::UnknownState { .. }
            | Self::NoDescriptor { .. }
            | Self::NoDbgmcu { .. }
            | Self::ClosedWithoutData { .. }
            | Self::PendingState { .. }
            | Self::Locked
            | Self::OtpOnceForLife
            | Self::NotConfirmed { .. }
            | Self::Credential(_)
            | Self::CredentialFile { .. }
            | Self::Exists { .. }
            | Self::KeyFile { .. }
            | Self::ChainFile { .. }
            | Self::Password(_)
            | Self::RootMismatch { .. } => Exit::Refused,
            Self::DebugAuth(_)
            | Self::MakeCredential(_)
            | Self::File { .. }
            | Self::NotOpenAfterRegression { .. }
            | Self::Journal { .. } => Exit::Failed,
        }
    }

    /// The rules behind what is decided here.
    pub fn rules(&self) -> &'static [RuleId] {
        match self {
            Self::NrstNotWired => &[RuleId::DaNeedsNrst],
            Self::NoDaAnswer { .. } => &[RuleId::DaNeedsNrst, RuleId::DaNotInOpen, RuleId::DaStates],
            Self::StaysInRssDa => &[RuleId::RssDaStays],
            Self::ChecksumUnknown { .. } => &[RuleId::RssChecksum],
            Self::ServiceUnreachable { .. } => &[RuleId::RssTzOff, RuleId::TzenInProvisioning],
            Self::EveryWayRefused { .. } => &[RuleId::CryptoNeedsEncrypted, RuleId::RssEncryptWord],
            Self::ClosedWithoutData { .. } => &[
                RuleId::ClosingWithoutDaLoses,
                RuleId::DaNeedsValidData,
                RuleId::Ap1ClosedStates,
                RuleId::BootClosed,
                RuleId::FirmwareRegression,
            ],
            Self::CredentialNeeded { .. } => &[RuleId::BackOnlyByDa, RuleId::DaMethodFollowsTzen],
            Self::AuthenticationRefused { .. } => &[RuleId::DaMethodFollowsTzen, RuleId::DaFourMasks],
            Self::OneShot { .. } => &[
                RuleId::ClosingWithoutDaLoses,
                RuleId::CryptoNeedsEncrypted,
                RuleId::RssEncryptWord,
                RuleId::DevIdNotCrypto,
            ],
            Self::PendingState { .. } => &[RuleId::ClosingWithoutDaLoses, RuleId::BareProvisioningIsRescuable],
            Self::Locked => &[RuleId::LockedIsFinal],
            Self::OtpOnceForLife => &[RuleId::H503Otp],
            Self::UnknownPart { .. } | Self::PartMismatch { .. } => &[RuleId::DevIdNotCrypto],
            Self::NotOpenAfterRegression { .. } => &[RuleId::FullRegressionEffect],
            _ => &[],
        }
    }
}

/// The error of an operation that a signer is made of.
fn inner(error: &SignerError) -> Option<&dyn Fault> {
    std::error::Error::source(error)?.downcast_ref::<Failure>().map(Failure::fault)
}

/// Errors that do not carry their remedy with them yet: the face has it, by code.
macro_rules! by_code {
    ($($error:path),+) => { $(
        impl Fault for $error {
            fn code(&self) -> &'static str {
                self.code()
            }

            fn exit(&self) -> Exit {
                self.exit()
            }

            fn rules(&self) -> Vec<RuleId> {
                self.rules().to_vec()
            }

            fn remedy(&self) -> Remedy {
                Remedy::default()
            }
        }
    )+ };
}

by_code!(
    OpError,
    crate::close::CloseError,
    crate::credential::SetError,
    crate::flash::FlashError,
    crate::objects::ObjectError,
    crate::option_bytes::OptionError
);

impl Fault for LinkError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::BadSelector { .. } => Exit::Usage,
            Self::NoProbe { .. }
            | Self::SeveralProbes { .. }
            | Self::ProbeUnopenable { .. }
            | Self::ProbeFirmwareOld { .. }
            | Self::NrstUnsupported { .. }
            | Self::ProbeLost { .. }
            | Self::NotAttached { .. }
            | Self::NoAck { .. }
            | Self::PowerUp { .. } => Exit::PersonMustAct,
            _ => Exit::Failed,
        }
    }

    fn rules(&self) -> Vec<RuleId> {
        Vec::new()
    }

    fn remedy(&self) -> Remedy {
        Remedy::default()
    }
}

impl Fault for provost_twin::error::TwinError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn exit(&self) -> Exit {
        use provost_twin::error::TwinError::{NotFound, Option, Part, Switch};
        if matches!(self, Switch(_) | Option { .. } | Part(_) | NotFound { .. }) { Exit::Usage } else { Exit::Failed }
    }

    fn rules(&self) -> Vec<RuleId> {
        Vec::new()
    }

    fn remedy(&self) -> Remedy {
        Remedy::default()
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        OpError::from(error).into()
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        OpError::from(error).into()
    }
}
