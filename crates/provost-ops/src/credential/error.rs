//! Why a credential is not made, or not believed.

use provost_chip::{parts::PartId, rules::RuleId};

use crate::error::Exit;

/// A set that makes no sense, or that could do harm.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// No part was named, and it decides what the set looks like.
    #[error("{what} depends on the part, and none was named")]
    PartNeeded {
        /// What depends on it.
        what: &'static str,
    },
    /// The part has no TrustZone.
    #[error("the {part} has no TrustZone: it authenticates by password only")]
    NoCertificates {
        /// The part.
        part: PartId,
    },
    /// A word that names no permission.
    #[error("{word:?} is no permission; known: {known}, a bit number such as 14, or a mask such as 0x5077")]
    UnknownPermission {
        /// The word.
        word: String,
        /// The words that would do.
        known: String,
    },
    /// A field of a certificate that cannot be read.
    #[error("{field} {word:?}: {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was given.
        word: String,
        /// What would do.
        expected: &'static str,
    },
    /// A passphrase or PIN is needed, and nobody can be asked.
    #[error("{what} is needed: give it in a file ({option}), in the environment ({variable}), or run at a terminal")]
    SecretNeeded {
        /// What.
        what: String,
        /// The option that names a file.
        option: &'static str,
        /// The environment variable.
        variable: &'static str,
    },
    /// The two passphrases typed differ, or it is empty.
    #[error("the passphrase is empty, or the two that were typed differ")]
    Passphrase,
    /// A key on a token cannot be had.
    #[error("the key on the token: {0}")]
    Token(#[source] provost_pkcs11::Error),
    /// The signature does not verify.
    #[error("the signature is not that of this key over {what}")]
    WrongSignature {
        /// What was to be signed.
        what: &'static str,
    },
    /// Bytes that cannot be what they should be.
    #[error("{what}: {rule}")]
    Malformed {
        /// What was to be read.
        what: &'static str,
        /// What is wrong.
        rule: String,
    },
    /// Bytes that nothing is known of.
    #[error("{name}: {bytes} bytes that are none of what provost knows: {known}")]
    UnknownFile {
        /// The file.
        name: String,
        /// How many bytes.
        bytes: usize,
        /// What is known.
        known: &'static str,
    },
    /// A set of ST's public samples.
    #[error("{what} is one of ST's public samples: everybody has its key")]
    Sample {
        /// What was recognised.
        what: String,
    },
    /// A password whose hash the OTP of an STM32H503 cannot take.
    #[error(
        "{cells} of the 16 half-words of the password's hash would be 0xFFFF, which reads like one never programmed"
    )]
    NotForOtp {
        /// How many.
        cells: usize,
    },
    /// Nobody signed in time.
    #[error("no signature came within {seconds} s")]
    NotSigned {
        /// How long was waited.
        seconds: u64,
    },
}

impl SetError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PartNeeded { .. } => "part-needed",
            Self::NoCertificates { .. } => "credential-no-certificates",
            Self::UnknownPermission { .. } => "credential-permission",
            Self::Field { .. } => "credential-field",
            Self::SecretNeeded { .. } => "secret-needed",
            Self::Passphrase => "credential-passphrase",
            Self::Token(e) => e.code(),
            Self::WrongSignature { .. } => "credential-wrong-signature",
            Self::Malformed { .. } => "credential-malformed",
            Self::UnknownFile { .. } => "file-unknown",
            Self::Sample { .. } => "credential-sample",
            Self::NotForOtp { .. } => "credential-not-for-otp",
            Self::NotSigned { .. } => "credential-not-signed",
        }
    }

    /// What it means to a script.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::PartNeeded { .. } | Self::UnknownPermission { .. } | Self::Field { .. } => Exit::Usage,
            Self::SecretNeeded { .. } | Self::Token(_) | Self::NotSigned { .. } => Exit::PersonMustAct,
            _ => Exit::Refused,
        }
    }

    /// The rules behind it.
    pub const fn rules(&self) -> &'static [RuleId] {
        match self {
            Self::PartNeeded { .. } => &[RuleId::DevIdNotCrypto],
            Self::NoCertificates { .. } => &[RuleId::DaMethodFollowsTzen, RuleId::H503Otp],
            Self::NotForOtp { .. } => &[RuleId::H503Otp],
            _ => &[],
        }
    }
}
