//! Why an object is not written.

use std::path::PathBuf;

use provost_chip::{rss_status, rules::RuleId, states::ProductState};
use provost_obk::{
    checks::{Check, Finding, Severity},
    obk::ObkError,
};

use crate::{
    drive::service::EncryptWord,
    fault::{self, Exit, Fault, Remedy, Row, faults},
};

faults! {
    /// An object that must not go into this chip, or did not.
    pub enum ObjectError (own fault) {
        /// The file is no object.
        #[error("object {path}: {source}")]
        Malformed {
            /// The file.
            path: PathBuf,
            /// Why.
            source: ObkError,
        } = "obk-malformed", Refused {
            causes: ["the file is no .obk object, or was cut short"],
            next: ["build it again: `provost obk build FILE`; the message names the byte and the rule; nothing was written"],
        }
        /// A description cannot be built from.
        #[error("{path}: {says}")]
        Description {
            /// The file.
            path: PathBuf,
            /// The stable code of the rule.
            code: &'static str,
            /// Line, element or key, and the rule.
            says: String,
            /// What to do.
            fix: &'static str,
        } = "obk-description", Refused {
            causes: [
                "the description has an element, a key or a value that is not known, or names a file that cannot be read",
            ],
            next: ["correct it; paths count from where the description lies; nothing was written"],
        }
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
        } = "image", Refused {
            causes: ["the file is no image, or not one that the boot loader of its profile takes"],
            next: ["the message names the rule; nothing was written"],
        }
        /// DEV_ID does not tell the crypto class.
        #[error("the chip may be {candidates}, and the encryption flag depends on which: say it with --part")]
        PartNeeded {
            /// The parts it may be.
            candidates: String,
        } = "part-needed", Usage, [DevIdNotCrypto] {
            causes: ["several parts share a DEV_ID, and what fits one of them can lock the other for ever"],
            next: ["read it on the package and say it with --part, such as --part STM32H533RE; nothing was written"],
        }
        /// Objects are provisioned in Provisioning.
        #[error("objects go into a chip in Provisioning, and this one {found}")]
        WrongState {
            /// What was found.
            found: String,
        } = "obk-wrong-state", Refused, [ProvisionOnlyInProvisioning] {
            causes: [
                "the chip is Open: Provisioning comes first",
                "the chip is closed: only Debug Authentication leads back",
                "where AP1 is shut: it sits in its Debug Authentication ROM, which some chips leave only when power is removed",
            ],
            next: [
                "`provost status` says where it stands; everything that must be set in Open (TZEN, watermarks, boot) is set before Provisioning",
                "nothing was written",
            ],
        }
        /// A check speaks against the write.
        #[error("{file}: {}", summary(findings))]
        Unsafe {
            /// The file, or the set.
            file: String,
            /// What refuses, first.
            findings: Vec<Finding>,
        } = "obk-unsafe", Refused {
            causes: ["a check speaks against the write"],
            next: ["the message names what was found; nothing was written"],
        }
        /// What the hash in a Debug Authentication object is of is not known.
        #[error(
            "{file} may be for a certificate or for a password: its bytes do not tell, and no credential lies beside it (--method)"
        )]
        MethodNeeded {
            /// The file.
            file: String,
        } = "obk-method-needed", Usage, [DaMethodFollowsTzen] {
            causes: [
                "a Debug Authentication object holds a hash, and nothing beside it tells whether of a root key or of a password",
            ],
            next: [
                "say --method certificate or --method password, or keep the object with its credential; nothing was written",
            ],
        }
        /// The chip holds valid data already.
        #[error("the chip holds valid Debug Authentication data already; --force replaces it")]
        Present = "obk-present", Refused, [ProvisionOverwrites] {
            causes: ["an earlier run, or ST's tool, has provisioned this chip"],
            next: ["if its credential is not needed any more: --force; nothing was written"],
        }
        /// No discovery goes over this wire, and what it would have shown was not said.
        #[error("{wire} cannot ask the chip what is in it: say {missing}, or connect a debug probe")]
        NoDiscovery {
            /// The wire.
            wire: String,
            /// The option that says it.
            missing: &'static str,
        } = "obk-no-discovery", PersonMustAct, [ProvisionOverwrites, RssEncryptWord, CryptoNeedsEncrypted] {
            causes: [
                "only Debug Authentication, over SWD, shows whether valid data are there already and what an encryption word means to this ROM",
            ],
            next: [
                "with a debug probe: the same command with --probe VID:PID beside --uart asks the chip and writes over the line",
                "without one: --force if nothing is in the chip that is still needed, and on a part with secure AES --encrypt-word with the word that an earlier write to this kind of chip reported; nothing was written",
            ],
        }
        /// Which encryption word asks for encryption is not known for this ROM.
        #[error(
            "on the {part} it is not known which word asks the ROM for encryption, and only a Debug Authentication object shows it: write {first} along with the others, or say --encrypt-word"
        )]
        WordUnknown {
            /// The part.
            part: String,
            /// The object that would settle it.
            first: &'static str,
        } = "obk-word-unknown", Refused, [RssEncryptWord, CryptoNeedsEncrypted] {
            causes: [
                "the ROM's word for `encrypt` is not public, and a wrong guess stores an object that nobody can read",
            ],
            next: [
                "write the Debug Authentication object in the same command: the chip then shows what the word means",
                "or give the word that an earlier write to this kind of chip reported; nothing was written",
            ],
        }
        /// The first word led nowhere, and only a power cycle leads out of the ROM.
        #[error(
            "{file} is not valid as it was stored, so {word} asks this ROM for encryption; the chip leaves its ROM only when power is removed"
        )]
        PowerCycle {
            /// The file.
            file: String,
            /// The word that asks for encryption after all.
            word: EncryptWord,
        } = "obk-power-cycle", PersonMustAct, [RssDaStays, RssEncryptWord] {
            causes: ["this ROM takes the other word for `encrypt` than most public reports suggest"],
            next: [
                "remove all power (target USB too) for some seconds, and give it back",
                "run the same command again with --force and the --encrypt-word that the message names",
                "the chip is still in Provisioning and as rescuable as before: do not move its product state on",
            ],
        }
        /// The service refused an object.
        #[error("the provisioning service refused {file} (status {}); nothing was written by this call", rss_status::describe(*status))]
        Refused {
            /// The file.
            file: String,
            /// Its status.
            status: u32,
        } = "obk-refused", Failed {
            causes: ["the ROM knows a rule that provost does not", "the chip is not the part that was named"],
            next: ["check --part; try the object with STM32CubeProgrammer (-sdp); please report it with -vv"],
        }
        /// Discovery does not show valid data after the write.
        #[error(
            "{file} was stored, and the chip does not find it valid (integrity {integrity:#010x}): do not close this chip"
        )]
        NotValid {
            /// The file.
            file: String,
            /// The integrity word.
            integrity: u32,
        } = "obk-not-valid", Failed, [DaNeedsValidData, ClosingWithoutDaLoses] {
            causes: ["the object is in a form that this chip cannot use", "the wrong part was named"],
            next: [
                "the chip is still in Provisioning and as rescuable as before: do not move its product state on",
                "check --part, then write again with --force; or provision it with STM32CubeProgrammer (-sdp)",
            ],
        }
        /// The part takes no objects.
        #[error("the {part} takes no .obk objects: it keeps the hash of a password in OTP (give password.bin)")]
        NoObjects {
            /// The part.
            part: String,
        } = "obk-not-for-part", Refused, [H503Otp] {
            causes: ["the STM32H503 has no option-byte keys"],
            next: [
                "make a password (`provost credential new --method password --part STM32H503 --out DIR`) and write its password.bin; nothing was written",
            ],
        }
        /// The part takes objects, and a password file was given.
        #[error("{file} is a password file, and only the STM32H503 is given one: other parts take an .obk object")]
        NotAnObject {
            /// The file.
            file: String,
        } = "obk-not-an-object", Refused, [H503Otp] {
            causes: ["password.bin is what the host sends; what goes into a chip with option-byte keys is an object"],
            next: ["write DA_ConfigWithPassword.obk; nothing was written"],
        }
    }
}

impl ObjectError {
    /// The row that speaks for it: that of the rule that an object, its description or an image breaks.
    fn told(&self) -> &'static Row {
        let own = self.row();
        let code = match self {
            Self::Malformed { source, .. } => source.code(),
            Self::Description { code, .. } | Self::Image { code, .. } => code,
            Self::Unsafe { findings, .. } => match findings.first() {
                Some(finding) => finding.code(),
                None => return own,
            },
            _ => return own,
        };
        fault::find(code).unwrap_or(own)
    }

    /// An error of the findings about a file, those that refuse first.
    pub(super) fn refusal(file: &str, findings: &[Finding]) -> Self {
        let mut findings = findings.to_vec();
        findings.sort_by_key(|finding| finding.severity() != Severity::Refuse);
        Self::Unsafe { file: file.to_owned(), findings }
    }
}

impl Fault for ObjectError {
    fn code(&self) -> &'static str {
        self.told().code
    }

    fn exit(&self) -> Exit {
        self.told().exit
    }

    fn rules(&self) -> Vec<RuleId> {
        match self {
            Self::Unsafe { findings, .. } => findings.first().map_or_else(Vec::new, |f| rules_of(f.check)),
            _ => self.row().rules.to_vec(),
        }
    }

    fn remedy(&self) -> Remedy {
        let own = || vec!["nothing was written".into()];
        match self {
            Self::Unsafe { findings, .. } => {
                let mut next: Vec<_> = findings.iter().map(|f| f.check.fix().into()).collect();
                next.dedup();
                next.extend(own());
                Remedy { causes: findings.iter().map(|f| f.to_string().into()).collect(), next }
            }
            Self::PowerCycle { word, .. } => {
                let mut remedy = Remedy::from(self.row());
                remedy.next[1] = format!("run the same command again with --force --encrypt-word {word}").into();
                remedy
            }
            Self::Malformed { source, .. } => Remedy {
                causes: self.told().causes.iter().map(|cause| (*cause).into()).collect(),
                next: std::iter::once(source.fix().into()).chain(own()).collect(),
            },
            Self::Description { says, fix, .. } | Self::Image { says, fix, .. } => Remedy {
                causes: vec![says.clone().into()],
                next: std::iter::once((*fix).into()).chain(own()).collect(),
            },
            _ => self.row().into(),
        }
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

/// The rules behind a check, as the life cycle names them. Whether a part has secure AES is nothing that DEV_ID tells.
fn rules_of(check: Check) -> Vec<RuleId> {
    let rule = check.rule().and_then(|id| id.parse().ok());
    let part = matches!(check, Check::PlainOnCrypto | Check::EncryptedOnPlain).then_some(RuleId::DevIdNotCrypto);
    rule.into_iter().chain(part).collect()
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
