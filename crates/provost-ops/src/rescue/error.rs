//! What can stop a rescue.

use std::path::PathBuf;

use provost_chip::states::{DaMethod, ProductState};

use crate::fault::{Failure, faults};

faults! {
    /// Why a rescue stopped.
    pub enum RescueError {
        /// Every way was tried.
        #[error("each of the {tried} ways to provision a credential was refused")]
        EveryWayRefused {
            /// How many.
            tried: usize,
        } = "rescue-every-way-refused", PersonMustAct, [CryptoNeedsEncrypted, RssEncryptWord] {
            causes: ["the chip keeps what is stored and cannot use it"],
            next: [
                "the chip is still in Provisioning and as rescuable as before; use STM32CubeProgrammer (-sdp) with the objects of the credential folder, then `provost auth regress --credential DIR`",
                "if you know the word that asks this ROM for encryption, the same command with --encrypt-word 0x…",
            ],
        }
        /// Closed without valid Debug Authentication data.
        #[error("the chip is {state} and holds no valid Debug Authentication data (integrity {integrity:#010x})")]
        ClosedWithoutData {
            /// Its state.
            state: ProductState,
            /// The integrity word.
            integrity: u32,
        } = "chip-closed-without-data", Refused,
            [ClosingWithoutDaLoses, DaNeedsValidData, Ap1ClosedStates, BootClosed, FirmwareRegression] {
            causes: ["the product state was moved on from Provisioning before Debug Authentication data had been provisioned"],
            next: [
                "AP1 is shut, the bootloader is reached only in Open and Provisioning, and no credential can match data that is not there: from outside there is nothing left to try",
                "the one door that may remain: if your own secure firmware runs and can be asked, let it write PRODUCT_STATE = 0x9A at HDPL1",
                "otherwise the chip is lost: keep the board, replace the chip, and provision before you close the next one",
            ],
        }
        /// Closed with data, and the host has no credential for it.
        #[error("the chip is {state}; its way back is Debug Authentication by {method}, and no {method} was given")]
        CredentialNeeded {
            /// Its state.
            state: ProductState,
            /// The method it asks for.
            method: DaMethod,
        } = "credential-needed", PersonMustAct, [BackOnlyByDa, DaMethodFollowsTzen] {
            causes: ["the chip was closed with a credential: whoever provisioned it has the key or the password"],
            next: [
                "find the credential and run `provost rescue --credential DIR`",
                "if ST's example scripts closed the chip, the credential is ST's public sample",
            ],
        }
        /// A closing write waits for its reset, and the chip takes whatever is stored.
        #[error("a write of PRODUCT_STATE = {state} waits for the next reset: there is one attempt to store a credential that this chip can use")]
        OneShot {
            /// The state that waits.
            state: ProductState,
            /// Where the credential lies that was made for it.
            credential: PathBuf,
        } = "rescue-one-shot", PersonMustAct, [ClosingWithoutDaLoses, CryptoNeedsEncrypted, RssEncryptWord, DevIdNotCrypto] {
            causes: [
                "a closing product state was programmed and its reset has not come; this part may have secure AES, and then it takes an object in the wrong form without complaint",
            ],
            next: [
                "do not reset and do not remove power; nothing was written to the chip, and the credential is saved in the rescue's folder",
                "safest: provision its DA_Config.obk (TrustZone on) or DA_ConfigWithPassword.obk (off) with STM32CubeProgrammer, `-c port=SWD ap=1 mode=Hotplug -sdp FILE`, then `provost auth regress --credential DIR`",
                "if the package says H523, H562 or H563, say so with --part: such parts refuse what they cannot use",
                "otherwise `provost rescue --one-shot` makes the one attempt with the likelier form",
            ],
        }
        /// Locked.
        #[error("the chip is Locked (0x5C)")]
        Locked = "chip-locked", Refused, [LockedIsFinal] {
            causes: ["PRODUCT_STATE was set to 0x5C"],
            next: ["Locked is final: replace the chip"],
        }
        /// The STM32H503 keeps its password in OTP.
        #[error("the STM32H503 keeps its password in OTP, written once for its life; it is not written unasked")]
        OtpOnceForLife = "h503-otp", Refused, [H503Otp] {
            causes: ["the way back of this part is a password that stays in the chip for its whole life"],
            next: [
                "if a password was written into this chip: `provost rescue --credential DIR`",
                "if none ever was: `provost rescue --once-for-life` writes one, and the credential must be kept as long as the chip is used; nothing was written",
            ],
        }
        /// What stands in OTP does not authenticate.
        #[error("the password stands in OTP, and the chip does not find it valid (integrity {integrity:#010x})")]
        OtpNotValid {
            /// The integrity word.
            integrity: u32,
        } = "otp-not-valid", Failed, [DaNeedsValidData, H503Otp] {
            causes: ["the supply sagged while OTP was written"],
            next: ["do not move the product state of this chip on; please report it with -vv"],
        }
        /// Which board this is cannot be told, and an unfinished rescue may be of another one.
        #[error("a rescue was begun and not finished ({}), and this chip does not say whether it is that one", folder.display())]
        CannotTell {
            /// The folder of the unfinished rescue.
            folder: PathBuf,
        } = "job-cannot-tell", PersonMustAct, [DaNeedsNrst] {
            causes: [
                "the chip shows no unique id in its state, and the probe may hold another board than then",
            ],
            next: [
                "if it is the same board, say so: the same command with --this-is NAME, the name of that folder",
                "if it is another board: the same command with --this-is another; nothing was written",
            ],
        }
        /// The link was lost after something had been written.
        #[error("interrupted while {doing}: {source}")]
        Interrupted {
            /// What was being done.
            doing: &'static str,
            /// Why.
            source: Failure,
            /// The journal to go on with.
            journal: PathBuf,
        } = "interrupted", Interrupted {
            causes: ["the link broke half-way: power, cable or probe"],
            next: ["mend it and run the same command again: the journal goes on where it stopped"],
        }
    }
}
