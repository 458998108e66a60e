//! Why a chip is not measured.

use provost_chip::states::{ProductState, TrustZone};

use crate::fault::{Failure, faults};

faults! {
    /// Why a selfcheck stopped.
    pub enum SelfcheckError {
        /// Its state is not Open, or another one waits.
        #[error("a selfcheck wants a chip that is Open with TrustZone off, and nothing waiting for a reset; this one shows {found}")]
        NotOpen {
            /// What it shows.
            found: String,
        } = "selfcheck-not-open", Refused {
            causes: ["the chip is in use, or on its way through its product states"],
            next: ["take a chip as it is delivered; nothing was written"],
        }
        /// Something stands in its flash.
        #[error("a selfcheck wants an empty chip, and flash is programmed at {address:#010x}")]
        NotEmpty {
            /// Where.
            address: u32,
        } = "selfcheck-not-empty", Refused {
            causes: ["firmware is in the chip"],
            next: ["`provost flash erase --all` empties it, if nothing in it is needed; nothing was written"],
        }
        /// An option byte is not as delivered.
        #[error("level 3 wants option bytes as delivered, and {field} is {value:#x}: what a regression makes of it is not known")]
        NotAsDelivered {
            /// Its name.
            field: &'static str,
            /// Its value.
            value: u32,
        } = "selfcheck-not-as-delivered", Refused {
            causes: ["somebody has set option bytes on this chip"],
            next: ["`provost option set` sets it back, level 2 does without; nothing was written"],
        }
        /// A part whose credential is for life.
        #[error("level 3 would write a password into the OTP of this part, which it then has for life")]
        OnceForLife = "selfcheck-once-for-life", Refused, [H503Otp] {
            causes: ["STM32H503 keeps its Debug Authentication data in OTP, and there is no way back without them"],
            next: ["use level 2; nothing was written"],
        }
        /// Whether it has secure AES is not known.
        #[error("level 3 depends on whether this {parts} has secure AES")]
        PartNeeded {
            /// The parts it may be, in words.
            parts: String,
        } = "selfcheck-part-needed", PersonMustAct, [DevIdNotCrypto] {
            causes: ["DEV_ID alone does not tell parts with secure AES from those without"],
            next: ["name the part as printed on the package with --part; nothing was written"],
        }
        /// The service is asked in Open first, and that takes the bootloader.
        #[error("the provisioning service refuses in Open ({status}): the ROM bootloader does not run")]
        NoBootloader {
            /// What it answered.
            status: String,
        } = "selfcheck-no-bootloader", PersonMustAct, [ProvisionOnlyInProvisioning, BootOpen] {
            causes: ["BOOT0 is low"],
            next: ["tie BOOT0 to VDD and run the same command again: the service must take the throw-away credential while the chip is still Open; nothing was written"],
        }
        /// Only removing power helps on.
        #[error("the chip stays in its Debug Authentication ROM until power is removed, and nobody is there to do it")]
        PowerNeeded = "selfcheck-power-needed", PersonMustAct, [RssDaStays] {
            causes: ["this chip leaves its Debug Authentication ROM only when power is removed"],
            next: [
                "remove all power (target USB too) for ten seconds and give it back; where `provost status` then shows Provisioning, `provost rescue` brings the chip back",
                "run the selfcheck at a terminal: it asks for the power when it needs it",
            ],
        }
        /// Something broke while the chip was not Open.
        #[error("interrupted while the chip was in Provisioning: {source}")]
        InProvisioning {
            /// What.
            source: Failure,
        } = "selfcheck-interrupted", Interrupted, [BareProvisioningIsRescuable] {
            causes: ["what the message says; the chip is in Provisioning, and its service was seen to take a credential"],
            next: ["see to it, then `provost rescue` brings the chip back to Open; run the selfcheck again after that"],
        }
    }
}

/// In a line, what a chip shows that is not Open.
pub(super) fn shown(state: Option<ProductState>, pending: Option<ProductState>, tz: Option<TrustZone>) -> String {
    let state = state.map_or("no state".to_owned(), |state| state.to_string());
    let tz = tz.map(|tz| format!(", TrustZone {tz}")).unwrap_or_default();
    let pending = pending.map(|state| format!(", {state} waiting for a reset")).unwrap_or_default();
    format!("{state}{tz}{pending}")
}
