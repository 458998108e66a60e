//! A step as a noun: what is done, why, what it erases, how it is undone, and what is measured afterwards.

use provost_chip::{
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a step belongs to the rehearsal of a close, or to the work itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The round trip that shows that the credential opens the chip.
    Rehearsal,
    /// The work itself.
    Work,
}

/// A step of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Nothing to do but to know: a product state waits for a reset.
    NotePending {
        /// The state.
        state: ProductState,
    },
    /// Stop: the credential must be found.
    FindCredential,
    /// NRST is pulsed, and the core must notice.
    ProveNrst,
    /// A credential is made and saved.
    MakeCredential {
        /// Only a password: the part takes nothing else.
        password_only: bool,
    },
    /// The credential is read back from the disk and held against the chip.
    ReadCredential,
    /// Discovery says which chip this is, before anything is written.
    AskWho,
    /// Open to Provisioning.
    EnterProvisioning {
        /// For what.
        phase: Phase,
        /// TrustZone, which decides whether a bare Provisioning is rescuable.
        tz: TrustZone,
    },
    /// An object is stored through the provisioning service.
    Provision {
        /// For what.
        phase: Phase,
        /// What its hash is of; `None` for an object that is not of Debug Authentication.
        method: Option<DaMethod>,
    },
    /// An object of a root of trust is stored through the provisioning service.
    ProvisionObject {
        /// Where it goes.
        destination: u32,
    },
    /// The hash of a password is written into OTP and locked.
    WriteOtp,
    /// Debug Authentication is entered, and the chip says what it holds.
    Discover {
        /// For what.
        phase: Phase,
        /// The method that must be asked for; `None` where any will do.
        method: Option<DaMethod>,
    },
    /// The full regression is authenticated.
    Regress {
        /// For what.
        phase: Phase,
    },
    /// The partial regression is authenticated.
    RegressTz,
    /// The chip must come back TZ-Closed.
    VerifyTzClosed,
    /// Debug is authenticated, and opened.
    OpenDebug,
    /// What a debugger reaches is measured.
    MeasureDebug,
    /// Opened debug is taken back.
    CloseDebug,
    /// If the step before was refused: the other encryption word, then the other TrustZone setting.
    Fallback {
        /// The other setting.
        to: TrustZone,
    },
    /// The chip must come back Open.
    VerifyOpen {
        /// For what.
        phase: Phase,
    },
    /// Option words and firmware as they were.
    Restore,
    /// The closing state is written.
    WriteFinal {
        /// The state.
        to: ProductState,
    },
    /// Discovery shows the closing state, and that the way back is still there.
    VerifyFinal,
}

const NOTHING: &str = "nothing";
const NOTHING_TO_UNDO: &str = "nothing to undo";
const BY_RESCUE: &str = "`provost rescue --credential DIR`: a full regression, which erases the chip";

impl Step {
    /// Short name, as plans and receipts have it.
    pub const fn name(self) -> &'static str {
        use Phase::{Rehearsal, Work};
        match self {
            Self::NotePending { .. } => "note:pending-state",
            Self::FindCredential => "find:credential",
            Self::ProveNrst => "prove:nrst",
            Self::MakeCredential { .. } => "make:credential",
            Self::ReadCredential => "prove:credential",
            Self::AskWho => "prove:same-chip",
            Self::EnterProvisioning { phase: Rehearsal, .. } => "rehearse:provisioning",
            Self::EnterProvisioning { phase: Work, .. } => "enter:provisioning",
            Self::Provision { phase: Rehearsal, .. } => "rehearse:provision-da",
            Self::Provision { phase: Work, method: Some(DaMethod::Certificate) } => "provision-da:certificate",
            Self::Provision { phase: Work, method: Some(DaMethod::Password) } => "provision-da:password",
            Self::Provision { phase: Work, method: None } => "provision",
            Self::ProvisionObject { .. } => "provision:root-of-trust",
            Self::WriteOtp => "write:otp",
            Self::Discover { phase: Rehearsal, .. } => "rehearse:discover",
            Self::Discover { phase: Work, .. } => "discover",
            Self::Regress { phase: Rehearsal } => "rehearse:full-regression",
            Self::Regress { phase: Work } => "authenticate:full-regression",
            Self::RegressTz => "authenticate:tz-regression",
            Self::VerifyTzClosed => "verify:tz-closed",
            Self::OpenDebug => "authenticate:debug",
            Self::MeasureDebug => "measure:debug",
            Self::CloseDebug => "close:debug",
            Self::Fallback { .. } => "fallback",
            Self::VerifyOpen { phase: Rehearsal } => "rehearse:verify-open",
            Self::VerifyOpen { phase: Work } => "verify:open",
            Self::Restore => "rehearse:restore",
            Self::WriteFinal { .. } => "write:final-state",
            Self::VerifyFinal => "verify:final-state",
        }
    }

    /// What is done, in plain words, for a plan.
    pub fn what(self) -> String {
        match self {
            Self::NotePending { state } => {
                format!("a write of {state} waits for the next reset: no reset before the credential is in the chip")
            }
            Self::FindCredential => {
                "stop here: the password of this chip stands in OTP for its life; give the one that was written".into()
            }
            Self::ProveNrst => {
                "pulse NRST and see that the core notices: Debug Authentication cannot start without that wire".into()
            }
            Self::MakeCredential { password_only: true } => {
                "make a password for this chip and have it on the disk before anything is sent".into()
            }
            Self::MakeCredential { password_only: false } => {
                "make a certificate chain and a password for this chip, and have them on the disk before anything is sent".into()
            }
            Self::ReadCredential => {
                "read the credential back from the disk and see that it fits the chip, then open the journal".into()
            }
            Self::AskWho => "discover which chip this is, before anything is written to it".into(),
            Self::EnterProvisioning { .. } => {
                format!("write PRODUCT_STATE = {} and reset", ProductState::Provisioning)
            }
            Self::Provision { method: Some(method), .. } => format!(
                "store a {method} object in the chip through its provisioning service; checksum and encryption word are tried in a harmless order"
            ),
            Self::Provision { method: None, .. } => {
                "store an object in the chip through its provisioning service".into()
            }
            Self::ProvisionObject { destination } => format!(
                "store the object that goes to {destination:#010x} through the provisioning service, in the form that the chip was seen to use"
            ),
            Self::WriteOtp => {
                "write the hash of the password into OTP and lock its block, for the life of the chip, unless it stands there already".into()
            }
            Self::Discover { method: Some(_), .. } => {
                "enter Debug Authentication and go on only with integrity 0xEAEAEAEA, Full Regression listed and the right method".into()
            }
            Self::Discover { method: None, .. } => {
                "enter Debug Authentication (this resets the chip) and read life cycle and integrity".into()
            }
            Self::Regress { .. } => "authenticate with the credential and ask for a full regression".into(),
            Self::RegressTz => "authenticate with the certificate and ask for a regression to TZ-Closed".into(),
            Self::VerifyTzClosed => "wait until the chip has reset itself, discover again, and read the life cycle".into(),
            Self::OpenDebug => {
                "authenticate with the certificate and ask for debug; the chip then boots its firmware".into()
            }
            Self::MeasureDebug => "read DBGMCU_SR, DAUTHSTATUS, DHCSR and SBS_DBGCR: what a debugger reaches".into(),
            Self::CloseDebug => "clear DBGMCU_CR.DCRT and reset the chip: what was opened ends with that".into(),
            Self::Fallback { to } => {
                format!("if that is refused: the other encryption word; then TZEN = {to} and the other method")
            }
            Self::VerifyOpen { .. } => {
                "wait until the chip has reset itself, connect again, and read PRODUCT_STATE and TZEN".into()
            }
            Self::Restore => "write option words and firmware as they were read before, and compare".into(),
            Self::WriteFinal { to } => format!("ask for the phrase, then write PRODUCT_STATE = {to} and reset"),
            Self::VerifyFinal => "discover again: life cycle as wanted, integrity still 0xEAEAEAEA".into(),
        }
    }

    /// The same while it is done, short.
    pub fn doing(self) -> String {
        let prefix = if self.phase() == Phase::Rehearsal { "rehearse: " } else { "" };
        let what = match self {
            Self::ProveNrst => "prove that NRST reaches the chip".into(),
            Self::MakeCredential { .. } => "make a credential for this chip and save it before it is sent".into(),
            Self::ReadCredential => "write plan and journal, and read the credential back".into(),
            Self::Provision { method: Some(method), .. } => format!("provision the {method} object"),
            Self::ProvisionObject { destination } => format!("provision the object for {destination:#010x}"),
            Self::WriteOtp => "write the password's hash into OTP and lock it".into(),
            Self::Discover { .. } => "enter Debug Authentication and discover".into(),
            Self::Regress { .. } => "authenticate a full regression: this erases the chip".into(),
            Self::RegressTz => "authenticate a partial regression: this erases the non-secure side".into(),
            Self::OpenDebug => "authenticate and open debug: erases nothing".into(),
            Self::MeasureDebug => "measure what a debugger reaches".into(),
            Self::Fallback { to } => format!("try the other TrustZone setting (TZEN = {:#04X})", to.code()),
            Self::VerifyOpen { .. } => "wait for the chip to come back Open".into(),
            Self::Restore => "restore option words and firmware".into(),
            Self::WriteFinal { to } => format!("write PRODUCT_STATE = {to} and reset"),
            other => other.what(),
        };
        format!("{prefix}{what}")
    }

    /// The rules that make it the right thing.
    pub const fn rules(self) -> &'static [RuleId] {
        use RuleId as R;
        match self {
            Self::NotePending { .. } => &[R::ClosingWithoutDaLoses],
            Self::FindCredential | Self::MakeCredential { password_only: true } | Self::WriteOtp => &[R::H503Otp],
            Self::ProveNrst => &[R::DaNeedsNrst],
            Self::MakeCredential { password_only: false } => &[R::BareProvisioningIsRescuable],
            Self::ReadCredential => &[R::BackOnlyByDa, R::DaMethodFollowsTzen],
            Self::AskWho => &[R::DaNeedsNrst, R::RssDaStays],
            Self::EnterProvisioning { .. } => &[R::OpenToProvisioning, R::BareProvisioningIsRescuable],
            Self::Provision { method: Some(_), .. } => &[
                R::ProvisionOverwrites,
                R::DaMethodFollowsTzen,
                R::RssChecksum,
                R::RssEncryptWord,
                R::CryptoNeedsEncrypted,
            ],
            Self::Provision { method: None, .. } => &[R::ProvisionOverwrites, R::RssChecksum, R::RssEncryptWord],
            Self::ProvisionObject { .. } => {
                &[R::ProvisionOverwrites, R::RssEncryptWord, R::BootStIrotNeedsData, R::BootStIrotNeedsImage]
            }
            Self::Discover { .. } => &[R::DaNeedsValidData, R::DaNeedsNrst, R::RssDaStays],
            Self::Regress { .. } => &[R::FullRegressionEffect, R::DaFourMasks],
            Self::RegressTz | Self::VerifyTzClosed => &[R::TzRegression, R::DaFourMasks],
            Self::OpenDebug => &[R::DaOpensDebug, R::DaFourMasks],
            Self::MeasureDebug | Self::CloseDebug => &[R::DaOpensDebug, R::OpenedDebugEnds],
            Self::Fallback { .. } => &[R::TzenInProvisioning, R::RssTzOff, R::DaMethodFollowsTzen],
            Self::VerifyOpen { .. } => &[R::FullRegressionEffect],
            Self::Restore => &[R::FullRegressionEffect, R::TzenInOpen],
            Self::WriteFinal { .. } => {
                &[R::ForwardFromProvisioning, R::ClosingWithoutDaLoses, R::ClosedStatesShutTheLink]
            }
            Self::VerifyFinal => &[R::DaStates, R::DaNeedsValidData],
        }
    }

    /// What it erases.
    pub const fn erases(self) -> &'static str {
        match self {
            Self::Provision { method: Some(_), .. } => "an earlier Debug Authentication object",
            Self::Provision { method: None, .. } | Self::ProvisionObject { .. } => "what was stored there before",
            Self::WriteOtp => "an empty OTP block",
            Self::Regress { .. } => "user flash, SRAM and the option-byte keys",
            Self::RegressTz => "the non-secure user flash and the option-byte keys of the non-secure side",
            _ => NOTHING,
        }
    }

    /// Whether and how it can be undone.
    pub const fn undo(self) -> &'static str {
        match self {
            Self::AskWho | Self::Discover { .. } => "an NRST pulse or a power cycle",
            Self::OpenDebug => "a power cycle",
            Self::RegressTz => "cannot be undone",
            Self::EnterProvisioning { tz: TrustZone::Enabled, .. } => "`provost rescue`",
            Self::EnterProvisioning { tz: TrustZone::Disabled, .. } => {
                "`provost rescue`, where the service can be called with TrustZone off"
            }
            Self::Provision { .. } | Self::ProvisionObject { .. } => "another object may be written over it",
            Self::WriteOtp => "never, not by a regression either",
            Self::Regress { phase: Phase::Rehearsal } => "the next step",
            Self::Regress { phase: Phase::Work } => "cannot be undone",
            Self::Fallback { .. } => "the full regression sets TZEN back",
            Self::WriteFinal { to: ProductState::Locked } => "never",
            Self::WriteFinal { .. } => BY_RESCUE,
            _ => NOTHING_TO_UNDO,
        }
    }

    /// What is measured afterwards.
    pub const fn measured(self) -> &'static str {
        match self {
            Self::NotePending { .. } => "OPTSR_PRG against OPTSR_CUR",
            Self::FindCredential => "nothing",
            Self::ProveNrst => "DHCSR.S_RESET_ST over AP1",
            Self::MakeCredential { .. } => "the files read back",
            Self::ReadCredential => "the files; a token signed and verified",
            Self::EnterProvisioning { .. } => "PRODUCT_STATE = 0x17, TZEN as before",
            Self::Provision { .. } | Self::ProvisionObject { .. } => "status of the service",
            Self::WriteOtp => "each half-word and the lock bit read back",
            Self::AskWho | Self::Discover { .. } | Self::VerifyFinal | Self::VerifyTzClosed => "discovery",
            Self::Regress { .. } | Self::RegressTz | Self::OpenDebug => "the ROM's status",
            Self::MeasureDebug | Self::CloseDebug => "DBGMCU_SR, DAUTHSTATUS, DHCSR, SBS_DBGCR",
            Self::Fallback { .. } => "as above",
            Self::VerifyOpen { .. } => "PRODUCT_STATE = 0xED, TZEN = 0xC3",
            Self::Restore => "every option word; the flash byte for byte",
            Self::WriteFinal { .. } => "the link is lost: nothing yet",
        }
    }

    /// Whether it writes to the chip what a reset does not take away: then the journal says so first.
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::EnterProvisioning { .. }
                | Self::Provision { .. }
                | Self::ProvisionObject { .. }
                | Self::WriteOtp
                | Self::Regress { .. }
                | Self::RegressTz
                | Self::Fallback { .. }
                | Self::Restore
                | Self::WriteFinal { .. }
        )
    }

    /// For what it is.
    pub const fn phase(self) -> Phase {
        match self {
            Self::EnterProvisioning { phase, .. }
            | Self::Provision { phase, .. }
            | Self::Discover { phase, .. }
            | Self::Regress { phase }
            | Self::VerifyOpen { phase } => phase,
            Self::Restore => Phase::Rehearsal,
            _ => Phase::Work,
        }
    }

    /// Whether a plan that holds this step allows that one: a fallback stands for another round with the other method.
    pub fn allows(self, other: Self) -> bool {
        match (self, other) {
            (Self::Fallback { to }, Self::Provision { phase: Phase::Work, method })
            | (Self::Fallback { to }, Self::Discover { phase: Phase::Work, method }) => {
                method == Some(DaMethod::for_trustzone(to))
            }
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_undone_or_erases_is_announced() {
        let steps = [
            Step::ProveNrst,
            Step::AskWho,
            Step::WriteOtp,
            Step::Regress { phase: Phase::Work },
            Step::Provision { phase: Phase::Work, method: None },
            Step::WriteFinal { to: ProductState::Locked },
            Step::VerifyFinal,
        ];
        for step in steps {
            let harmful = step.erases() != NOTHING || step.undo().starts_with("never") || step.undo() == BY_RESCUE;
            assert!(!harmful || step.writes(), "{step:?}");
        }
        assert_eq!(Step::WriteFinal { to: ProductState::Locked }.undo(), "never");
    }

    #[test]
    fn a_fallback_stands_for_the_other_method_and_for_nothing_else() {
        let fallback = Step::Fallback { to: TrustZone::Disabled };
        let provision = |method| Step::Provision { phase: Phase::Work, method: Some(method) };
        assert!(fallback.allows(provision(DaMethod::Password)));
        assert!(!fallback.allows(provision(DaMethod::Certificate)));
        assert!(!fallback.allows(Step::Regress { phase: Phase::Work }));
    }

    #[test]
    fn a_step_is_read_back_as_it_was_written() {
        for step in
            [Step::AskWho, Step::WriteFinal { to: ProductState::Closed }, Step::Fallback { to: TrustZone::Enabled }]
        {
            let text = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step, "{text}");
        }
    }
}
