//! Why an object is not written.

use std::path::PathBuf;

use provost_chip::{rules::RuleId, states::ProductState};
use provost_obk::{
    checks::{Check, Finding, Severity},
    obk::ObkError,
};

use crate::error::Exit;

/// An object that must not go into this chip, or did not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The file is no object.
    #[error("object {path}: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ObkError,
    },
    /// A description cannot be built from.
    #[error("{path}: {says}")]
    Description {
        /// The file.
        path: PathBuf,
        /// Line, element or key, and the rule.
        says: String,
        /// What to do.
        fix: &'static str,
    },
    /// An image is none, or not one that the boot loader takes.
    #[error("image {path}: {says}")]
    Image {
        /// The file.
        path: PathBuf,
        /// The stable code of the rule.
        code: &'static str,
        /// What is wrong.
        says: String,
        /// What to do.
        fix: &'static str,
    },
    /// DEV_ID does not tell the crypto class.
    #[error("the chip may be {candidates}, and the encryption flag depends on which: say it with --part")]
    PartNeeded {
        /// The parts it may be.
        candidates: String,
    },
    /// Objects are provisioned in Provisioning.
    #[error("objects go into a chip in Provisioning, and this one {found}")]
    WrongState {
        /// What was found.
        found: String,
    },
    /// A check speaks against the write.
    #[error("{file}: {}", summary(findings))]
    Unsafe {
        /// The file, or the set.
        file: String,
        /// What refuses, first.
        findings: Vec<Finding>,
    },
    /// What the hash in a Debug Authentication object is of is not known.
    #[error(
        "{file} may be for a certificate or for a password: its bytes do not tell, and no credential lies beside it (--method)"
    )]
    MethodNeeded {
        /// The file.
        file: String,
    },
    /// The chip holds valid data already.
    #[error("the chip holds valid Debug Authentication data already; --force replaces it")]
    Present,
    /// Which encryption word asks for encryption is not known for this ROM.
    #[error(
        "on the {part} it is not known which word asks the ROM for encryption, and only a Debug Authentication object shows it: write {first} along with the others, or say --encrypt-word"
    )]
    WordUnknown {
        /// The part.
        part: String,
        /// The object that would settle it.
        first: &'static str,
    },
    /// The first word led nowhere, and only a power cycle leads out of the ROM.
    #[error(
        "{file} is not valid as it was stored, so {word} asks this ROM for encryption; the chip leaves its ROM only when power is removed"
    )]
    PowerCycle {
        /// The file.
        file: String,
        /// The word that asks for encryption after all.
        word: &'static str,
    },
    /// The service refused an object.
    #[error("the provisioning service refused {file} (status {status:#010x}); nothing was written by this call")]
    Refused {
        /// The file.
        file: String,
        /// Its status.
        status: u32,
    },
    /// Discovery does not show valid data after the write.
    #[error(
        "{file} was stored, and the chip does not find it valid (integrity {integrity:#010x}): do not close this chip"
    )]
    NotValid {
        /// The file.
        file: String,
        /// The integrity word.
        integrity: u32,
    },
    /// The part takes no objects.
    #[error("the {part} takes no .obk objects: it keeps the hash of a password in OTP (give password.bin)")]
    NoObjects {
        /// The part.
        part: String,
    },
    /// The part takes objects, and a password file was given.
    #[error("{file} is a password file, and only the STM32H503 is given one: other parts take an .obk object")]
    NotAnObject {
        /// The file.
        file: String,
    },
}

impl ObjectError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "obk-malformed",
            Self::Description { .. } => "obk-description",
            Self::Image { code, .. } => code,
            Self::PartNeeded { .. } => "part-needed",
            Self::WrongState { .. } => "obk-wrong-state",
            Self::Unsafe { findings, .. } => match findings.first() {
                Some(finding) => finding.code(),
                None => "obk-unsafe",
            },
            Self::MethodNeeded { .. } => "obk-method-needed",
            Self::Present => "obk-present",
            Self::WordUnknown { .. } => "obk-word-unknown",
            Self::PowerCycle { .. } => "obk-power-cycle",
            Self::Refused { .. } => "obk-refused",
            Self::NotValid { .. } => "obk-not-valid",
            Self::NoObjects { .. } => "obk-not-for-part",
            Self::NotAnObject { .. } => "obk-not-an-object",
        }
    }

    /// What it means to a script.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::PartNeeded { .. } | Self::MethodNeeded { .. } => Exit::Usage,
            Self::PowerCycle { .. } => Exit::PersonMustAct,
            Self::Refused { .. } | Self::NotValid { .. } => Exit::Failed,
            _ => Exit::Refused,
        }
    }

    /// The rules behind it.
    pub fn rules(&self) -> &'static [RuleId] {
        match self {
            Self::PartNeeded { .. } => &[RuleId::DevIdNotCrypto],
            Self::WrongState { .. } => &[RuleId::ProvisionOnlyInProvisioning],
            Self::MethodNeeded { .. } => &[RuleId::DaMethodFollowsTzen],
            Self::Unsafe { findings, .. } => findings.first().map_or(&[], |f| rules_of(f.check)),
            Self::Present => &[RuleId::ProvisionOverwrites],
            Self::WordUnknown { .. } => &[RuleId::RssEncryptWord, RuleId::CryptoNeedsEncrypted],
            Self::PowerCycle { .. } => &[RuleId::RssDaStays, RuleId::RssEncryptWord],
            Self::NotValid { .. } => &[RuleId::DaNeedsValidData, RuleId::ClosingWithoutDaLoses],
            Self::NoObjects { .. } | Self::NotAnObject { .. } => &[RuleId::H503Otp],
            _ => &[],
        }
    }
}

impl ObjectError {
    /// Likely causes and next steps that depend on what was found.
    pub fn advice(&self) -> Option<(Vec<String>, Vec<String>)> {
        match self {
            Self::Unsafe { findings, .. } => {
                let mut next: Vec<String> = findings.iter().map(|f| f.check.fix().to_owned()).collect();
                next.dedup();
                next.push("nothing was written".to_owned());
                Some((findings.iter().map(ToString::to_string).collect(), next))
            }
            Self::PowerCycle { word, .. } => Some((
                vec!["this ROM takes the other word for `encrypt` than most public reports suggest".to_owned()],
                vec![
                    "remove all power (target USB too) for some seconds, and give it back".to_owned(),
                    format!("run the same command again with --force --encrypt-word {word}"),
                    "the chip is still in Provisioning and as rescuable as before: do not move its product state on"
                        .to_owned(),
                ],
            )),
            Self::Description { says, fix, .. } | Self::Image { says, fix, .. } => {
                Some((vec![says.clone()], vec![(*fix).to_owned(), "nothing was written".to_owned()]))
            }
            _ => None,
        }
    }

    /// An error of the findings about a file, those that refuse first.
    pub(super) fn refusal(file: &str, findings: &[Finding]) -> Self {
        let mut findings = findings.to_vec();
        findings.sort_by_key(|finding| finding.severity() != Severity::Refuse);
        Self::Unsafe { file: file.to_owned(), findings }
    }
}

/// What a check says of itself, for somebody who looks its code up: how sure it is that it does harm, where that is written, and what to do.
pub fn explain(code: &str) -> Option<(String, &'static str)> {
    let check = provost_obk::checks::Check::ALL.iter().find(|check| check.code() == code)?;
    let weight = check.severity();
    Some((
        format!("a check before a write ({weight}; {}; {})", check.confidence(), check.sources().join(", ")),
        check.fix(),
    ))
}

/// The rule behind a check, as the life cycle names it.
fn rules_of(check: Check) -> &'static [RuleId] {
    match check.rule() {
        Some("R-CRYPTO-NEEDS-ENCRYPTED") => &[RuleId::CryptoNeedsEncrypted, RuleId::DevIdNotCrypto],
        Some("R-PLAIN-PARTS-REFUSE-ENCRYPTION") => &[RuleId::PlainPartsRefuseEncryption, RuleId::DevIdNotCrypto],
        Some("R-DA-NEEDS-VALID-DATA") => &[RuleId::DaNeedsValidData],
        Some("R-DA-METHOD-FOLLOWS-TZEN") => &[RuleId::DaMethodFollowsTzen],
        Some("R-DA-FOUR-MASKS") => &[RuleId::DaFourMasks],
        Some("R-BOOT-ST-IROT-NEEDS-DATA") => &[RuleId::BootStIrotNeedsData],
        Some("R-CLOSING-WITHOUT-DA-LOSES") => &[RuleId::ClosingWithoutDaLoses],
        Some("R-H503-OTP") => &[RuleId::H503Otp],
        _ => &[],
    }
}

fn summary(findings: &[Finding]) -> String {
    let refusing: Vec<String> =
        findings.iter().filter(|f| f.severity() == Severity::Refuse).map(|f| f.detail.clone()).collect();
    if refusing.is_empty() { "it cannot be written".to_owned() } else { refusing.join("; ") }
}

/// How a chip's state reads in [`ObjectError::WrongState`].
pub(super) fn found(state: Option<ProductState>) -> String {
    state.map_or_else(|| "shows none: AP1 is shut".to_owned(), |s| format!("is {s}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_with_a_rule_names_that_rule() {
        for &check in Check::ALL {
            let first = rules_of(check).first().map(|rule| rule.rule().id);
            assert_eq!(first, check.rule(), "{check}");
            assert!(explain(check.code()).is_some());
        }
    }
}
