//! Why debug was not opened, not closed, or a chip is not back in TZ-Closed.

use std::path::PathBuf;

use provost_adac::permission::{MaskSource, Permission};
use provost_chip::states::ProductState;

use crate::fault::{Failure, faults};

faults! {
    /// Why a permission was not had, or did not do what it is for.
    pub enum AccessError {
        /// The set holds a password alone.
        #[error("{permission} takes a certificate, and this credential is a password")]
        NoCertificate {
            /// What was asked for.
            permission: Permission,
        } = "auth-needs-certificate", Refused, [PasswordFullRegressionOnly, DaMethodFollowsTzen] {
            causes: ["a password has one permission, the full regression, which erases the chip"],
            next: [
                "give the folder of the certificate chain that was provisioned, with --credential DIR; nothing was sent to the chip",
                "a chip with TrustZone off takes a password alone: there is no way to debug it as it is",
            ],
        }
        /// The chip takes a password alone.
        #[error("the chip asks for a password, and {permission} takes a certificate")]
        AsksForPassword {
            /// What was asked for.
            permission: Permission,
        } = "auth-password-only", Refused, [DaMethodFollowsTzen, PasswordFullRegressionOnly] {
            causes: ["TrustZone is off: the one permission of such a chip is the full regression, which erases it"],
            next: ["there is no way to debug this chip as it is; it was reset, and nothing was written"],
        }
        /// A certificate withholds it.
        #[error("{permission} is withheld by the {by}")]
        Withheld {
            /// What was asked for.
            permission: Permission,
            /// Whose mask withholds it.
            by: MaskSource,
        } = "auth-permission-withheld", Refused, [DaFourMasks] {
            causes: ["the chain was made for other permissions"],
            next: [
                "`provost credential check DIR` says what the chain allows; nothing was sent to the chip",
                "whoever holds the key above can sign a certificate that allows it, if the object in the chip does too: `provost credential prepare certificate --help`",
            ],
        }
        /// The chip does not list it.
        #[error("the chip does not list {permission} among the permissions that it grants")]
        NotListed {
            /// What was asked for.
            permission: Permission,
        } = "auth-permission-not-listed", Refused, [DaFourMasks] {
            causes: ["this product does not have it"],
            next: ["`provost auth discover` lists what there is; the chip was reset, and nothing was written"],
        }
        /// There is nothing to authenticate against.
        #[error("the chip holds no valid Debug Authentication data (integrity {integrity:#010x}): it lets nobody in")]
        NothingProvisioned {
            /// The integrity word.
            integrity: u32,
        } = "auth-nothing-provisioned", Refused, [DaNeedsValidData] {
            causes: ["the product state was moved on before an object was provisioned", "the object is plain on a part with secure AES"],
            next: ["`provost diagnose --discover` says what remains; the chip was reset, and nothing was written"],
        }
        /// Open already.
        #[error("the chip is Open: a debugger reaches all of it, and nothing was authenticated")]
        IsOpen = "auth-chip-open", Refused, [Ap1Open, DaNotInOpen] {
            causes: ["nothing is wrong"],
            next: ["connect your debugger; `provost status` says what can be done from here"],
        }
        /// Granted, and not open.
        #[error("the chip granted {permission}, and a debugger does not reach it")]
        NotOpen {
            /// What was granted.
            permission: Permission,
            /// The isolation level it is for.
            level: u8,
        } = "debug-not-open", PersonMustAct, [DaOpensDebug, OpenedDebugEnds, RssDaStays] {
            causes: [
                "no code of this chip has climbed to the isolation level (HDPL) that was asked for",
                "the permission is for the non-secure side, and no non-secure code runs",
                "the firmware does not boot, or shuts debug by itself (SBS_DBGCR, SBS_DBGLOCKR)",
                "this ROM waits for more than a reset",
            ],
            next: [
                "ask for the level that the firmware climbs to: the same command with another --permission, the lowest first; nothing was erased",
                "debug stays granted until power is removed: connect once your firmware is further on",
            ],
        }
        /// Debug is still open.
        #[error("debug is still open after DBGMCU_CR.DCRT was cleared and NRST pulsed")]
        StillOpen = "debug-still-open", PersonMustAct, [OpenedDebugEnds] {
            causes: ["NRST is not wired", "the chip's own firmware opens debug"],
            next: ["remove all power (target USB too) for some seconds: that ends it in any case; nothing was erased"],
        }
        /// No state for a partial regression.
        #[error("a regression to TZ-Closed is for a chip that is closed, and this one is in {state}")]
        NotForState {
            /// Its state.
            state: ProductState,
        } = "tz-regression-state", Refused, [TzRegression] {
            causes: ["the chip has not been closed yet"],
            next: ["`provost status` says what can be done from here; the chip was reset, and nothing was written"],
        }
        /// Not TZ-Closed afterwards.
        #[error("the chip granted the regression, but was not found TZ-Closed within {waited_ms} ms")]
        NotTzClosed {
            /// How long, in milliseconds of the chip's time.
            waited_ms: u64,
        } = "tz-regression-not-seen", Failed, [TzRegression, RssDaStays] {
            causes: ["the erase takes longer than expected", "the supply sagged"],
            next: ["remove power, give it back, and run the same command again: the journal goes on where it stopped"],
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
