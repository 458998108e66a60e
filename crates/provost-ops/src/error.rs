//! What can stop an operation: a stable code, what was measured, likely causes in order, the next step, and the rules behind it.

use std::{io, path::PathBuf};

use provost_adac::{
    chain::ChainFormatError,
    host::CredentialError,
    host::HostError,
    key::{KeyError, SignerError},
    password::PasswordError,
};
use provost_chip::states::{DaMethod, ProductState};

use crate::fault::{self, Row, faults, files};
pub use crate::fault::{Exit, Failure, Fault, Remedy, Result};

faults! {
    /// Why an operation stopped.
    pub enum OpError (fault by told) {
        /// What the chip said in Debug Authentication makes no sense.
        #[error("the chip's Debug Authentication answer makes no sense: {0}")]
        DebugAuth(#[from] HostError) = "da-malformed-answer", Failed {
            causes: ["noise on the wire", "a ROM version that provost does not know"],
            next: ["remove power, give it back and try once more", "if it stays so, please report it with -vv"],
        }
        /// A credential cannot authenticate anywhere.
        #[error("the credential cannot authenticate: {0}")]
        Credential(#[from] CredentialError) = "credential-useless", Refused {
            causes: ["the key is not that of the last certificate, a signature is wrong, or Full Regression is withheld"],
            next: ["use files of one set; nothing was written"],
        }
        /// A file cannot be read or written.
        #[error("file {path}: {source}")]
        File {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "file-io", Failed {
            causes: ["the file or folder is not for this user", "the disk is full, or faulty"],
            next: ["mend it, or name another place, and run the same command again; the message names the file"],
        }
        /// A file is in the way.
        #[error("{path} is there already; nothing was overwritten")]
        Exists {
            /// The file.
            path: PathBuf,
        } = "file-exists", Refused {
            causes: ["a file of that name is there"],
            next: ["choose another name, or say --force to replace it; nothing was overwritten"],
        }
        /// Whoever holds the key did not sign.
        #[error("the token was not signed: {0}")]
        Signer(#[source] SignerError) = "da-not-signed", PersonMustAct {
            causes: ["whoever holds the key did not sign"],
            next: ["let them sign, and run the same command again"],
        }
        /// A credential file cannot be read or written.
        #[error("credential file {path}: {source}")]
        CredentialFile {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "credential-file", Usage {
            causes: ["the folder is wrong, a file is missing or cannot be read"],
            next: [
                "point --credential at the folder with key_3_leaf.pem and cert_leaf_chain.b64, or password.bin; nothing was written",
            ],
        }
        /// A key file is none.
        #[error("key file {path}: {source}")]
        KeyFile {
            /// The file.
            path: PathBuf,
            /// Why.
            source: KeyError,
        } = "credential-key", Refused {
            causes: ["the file is no P-256 private key", "it is encrypted, and the passphrase is missing or wrong"],
            next: ["use a PKCS#8 or SEC1 file, and --passphrase-file if it is encrypted; nothing was written"],
        }
        /// A chain file is none.
        #[error("certificate chain {path}: {source}")]
        ChainFile {
            /// The file.
            path: PathBuf,
            /// Why.
            source: ChainFormatError,
        } = "credential-chain", Refused {
            causes: ["the file is no certificate chain in ST's base64 form"],
            next: ["use cert_leaf_chain.b64 as the tools made it; nothing was written"],
        }
        /// A password or password file is none.
        #[error("password: {0}")]
        Password(#[from] PasswordError) = "credential-password", Refused {
            causes: ["a password has 4 to 16 bytes"],
            next: ["give the password that was provisioned; nothing was written"],
        }
        /// A root certificate and an object do not belong together.
        #[error("the chain's root key is not the one in {object}: {expected} in the object, {found} in the chain")]
        RootMismatch {
            /// The object file.
            object: PathBuf,
            /// Hash in the object.
            expected: String,
            /// Hash of the chain's root key.
            found: String,
        } = "credential-root-mismatch", Refused {
            causes: ["chain and object come from different sets"],
            next: ["use files of one set; nothing was written"],
        }
        /// No random numbers, no signature: making a credential failed.
        #[error("a credential could not be made: {0}")]
        MakeCredential(#[source] Box<dyn std::error::Error + Send + Sync>) = "credential-make", Failed {
            causes: ["the operating system gave no random numbers"],
            next: ["run the same command again; nothing was written to the chip"],
        }
        /// DBGMCU was not found behind AP0.
        #[error("AP0 (IDR {ap0_idr:#010x}) shows no DBGMCU identity: {found:#010x}")]
        NoDbgmcu {
            /// IDR of AP0.
            ap0_idr: u32,
            /// What the identity register read.
            found: u32,
        } = "chip-no-dbgmcu", Refused {
            causes: ["the chip is no STM32H5", "noise on the wire"],
            next: ["check the marking on the package and the wiring; nothing was written"],
        }
        /// The DEV_ID is not in the table.
        #[error("DEV_ID {dev_id:#05x} (revision {rev_id:#06x}) is no STM32H5 known to provost")]
        UnknownPart {
            /// Its DEV_ID.
            dev_id: u16,
            /// Its revision.
            rev_id: u16,
        } = "chip-unknown-part", Refused, [DevIdNotCrypto] {
            causes: ["the chip is of another family, or a part newer than this program"],
            next: ["check the marking on the package; nothing was written"],
        }
        /// The part given does not have the DEV_ID measured.
        #[error("the chip has DEV_ID {dev_id:#05x}, which is not that of {given}")]
        PartMismatch {
            /// The part given.
            given: String,
            /// The DEV_ID measured.
            dev_id: u16,
        } = "chip-part-mismatch", Refused, [DevIdNotCrypto] {
            causes: ["--part names another part than the one on the wire"],
            next: ["correct --part, or leave it out; nothing was written"],
        }
        /// The product state cannot be read as one.
        #[error("OPTSR_CUR reads {optsr:#010x}: PRODUCT_STATE {code:#04x} is no known state")]
        UnknownState {
            /// The word.
            optsr: u32,
            /// The code in it.
            code: u8,
        } = "chip-unknown-state", Refused {
            causes: ["the option words were read while the chip was resetting", "noise on the wire"],
            next: ["run `provost status` again; nothing was written"],
        }
        /// NRST was pulsed and the core did not see it.
        #[error("NRST was driven low and the core saw no reset: the probe's reset line does not reach the chip")]
        NrstNotWired = "nrst-not-wired", PersonMustAct, [DaNeedsNrst] {
            causes: [
                "the reset line of the probe is not connected to NRST of the chip (four-wire adapters leave it out)",
                "a reset supervisor or a capacitor holds NRST",
            ],
            next: ["connect NRST, then run the same command again; nothing was written"],
        }
        /// The chip did not answer the Debug Authentication request.
        #[error("the chip did not answer the Debug Authentication request within {waited_ms} ms (last word {last:#010x})")]
        NoDaAnswer {
            /// How long, in milliseconds of the chip's time.
            waited_ms: u64,
            /// What DBG_AUTH_DEVICE read last.
            last: u32,
        } = "da-no-answer", PersonMustAct, [DaNeedsNrst, DaNotInOpen, DaStates] {
            causes: [
                "NRST is not wired: the request word must be written while the chip is held in reset",
                "the chip is Open and simply boots (`provost status` shows it)",
                "the chip is Locked: it never answers",
                "the supply sags at reset",
            ],
            next: [
                "connect NRST and run the same command again",
                "if NRST is certain: remove power for some seconds, give it back, try once more",
            ],
        }
        /// The chip stays in RSS-DA.
        #[error("the chip stays in its Debug Authentication ROM after an NRST pulse")]
        StaysInRssDa = "da-power-cycle-needed", PersonMustAct, [RssDaStays] {
            causes: ["this chip leaves its Debug Authentication ROM only when power is removed"],
            next: [
                "remove all power (target USB too) for some seconds, give it back, run the same command again: the journal goes on where it stopped",
            ],
        }
        /// The provisioning service refuses every checksum.
        #[error(
            "the provisioning service refused each of the {tried} checksums that provost knows (last status {status:#010x})"
        )]
        ChecksumUnknown {
            /// How many were tried.
            tried: usize,
            /// The last status.
            status: u32,
        } = "rss-checksum-unknown", PersonMustAct, [RssChecksum] {
            causes: ["the ROM expects a checksum that is not among those that provost knows"],
            next: [
                "nothing was written and the chip is as rescuable as before (where `status` shows a pending state: do not reset it): provision DA_Config.obk from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
                "please report it with -vv: one trace settles this question for everybody",
            ],
        }
        /// The provisioning service cannot be called.
        #[error("the provisioning service cannot be called with TrustZone {tz}, and TZEN cannot be changed here")]
        ServiceUnreachable {
            /// `on` or `off`.
            tz: &'static str,
        } = "rss-unreachable", PersonMustAct, [RssTzOff, TzenInProvisioning] {
            causes: ["with TrustZone off this ROM does not let the debugger call its provisioning service"],
            next: [
                "nothing was written and the chip is as rescuable as before: provision DA_ConfigWithPassword.obk from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
            ],
        }
        /// The ROM's descriptor was not found.
        #[error("no RSS descriptor with magic {magic} at any known address")]
        NoDescriptor {
            /// The magic.
            magic: String,
        } = "rss-no-descriptor", Refused {
            causes: ["a ROM version that provost does not know"],
            next: ["please report DEV_ID and revision; nothing was written"],
        }
        /// Every way was tried.
        #[error("each of the {tried} ways to provision a credential was refused")]
        EveryWayRefused {
            /// How many.
            tried: usize,
        } = "rescue-every-way-refused", PersonMustAct, [CryptoNeedsEncrypted, RssEncryptWord] {
            causes: ["the chip keeps what is stored and cannot use it"],
            next: [
                "the chip is still in Provisioning and as rescuable as before; use STM32CubeProgrammer (-sdp) with the objects of the credential folder",
            ],
        }
        /// Closed without valid Debug Authentication data.
        #[error("the chip is {state} and holds no valid Debug Authentication data (integrity {integrity:#010x})")]
        ClosedWithoutData {
            /// Its state.
            state: ProductState,
            /// The integrity word.
            integrity: u32,
        }
        = "chip-closed-without-data", Refused, [ClosingWithoutDaLoses, DaNeedsValidData, Ap1ClosedStates, BootClosed, FirmwareRegression] {
            causes: [
                "the product state was moved on from Provisioning before Debug Authentication data had been provisioned",
            ],
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
        /// The chip refused the credential.
        #[error("the chip refused the credential ({status} to {step})")]
        AuthenticationRefused {
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
        /// A reset would make a waiting product state take effect.
        #[error("a write of PRODUCT_STATE = {state} waits for the next reset, and this would reset the chip")]
        PendingState {
            /// The state that waits.
            state: ProductState,
        } = "chip-pending-state", Refused, [ClosingWithoutDaLoses, BareProvisioningIsRescuable] {
            causes: ["a later product state was programmed, and the reset that makes it take effect has not come yet"],
            next: [
                "do not reset and do not remove power: `provost rescue` puts a credential into the chip before it resets it; nothing was written",
            ],
        }
        /// A closing write waits for its reset, and the chip takes whatever is stored.
        #[error(
            "a write of PRODUCT_STATE = {state} waits for the next reset: there is one attempt to store a credential that this chip can use"
        )]
        OneShot {
            /// The state that waits.
            state: ProductState,
            /// Where the credential lies that was made for it.
            credential: PathBuf,
        }
        = "rescue-one-shot", PersonMustAct, [ClosingWithoutDaLoses, CryptoNeedsEncrypted, RssEncryptWord, DevIdNotCrypto] {
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
            causes: ["the STM32H503 has no option-byte keys: its password lives in OTP, for ever"],
            next: [
                "if a password was written before: `provost auth regress --credential DIR` with its password.bin",
                "otherwise decide whether a password for the chip's whole life is what you want; then --once-for-life; nothing was written",
            ],
        }
        /// After the regression the chip is not Open.
        #[error("the chip granted the regression, but was not found Open within {waited_ms} ms ({found})")]
        NotOpenAfterRegression {
            /// How long, in milliseconds of the chip's time.
            waited_ms: u64,
            /// What was found instead.
            found: String,
        } = "rescue-not-open", Failed, [FullRegressionEffect] {
            causes: ["the mass erase takes longer than expected", "the supply sagged"],
            next: ["remove power, give it back, run `provost status`"],
        }
        /// The journal or a receipt cannot be read or written.
        #[error("journal {path}: {source}")]
        Journal {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "journal-io", Failed {
            causes: ["disk full, folder not writable, or the journal was damaged"],
            next: ["nothing is done that the journal does not say first: mend the folder or give another --out"],
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

impl OpError {
    /// The row that speaks for it: that of the error inside, where a person must do something else for it.
    fn told(&self) -> &'static Row {
        let own = self.row();
        let inside = match self {
            Self::File { source, .. } | Self::CredentialFile { source, .. } => return files::row_of(source, own),
            Self::Credential(e) => e.code(),
            Self::KeyFile { source, .. } => source.code(),
            Self::ChainFile { source, .. } => source.code(),
            Self::Password(e) => e.code(),
            Self::Signer(e) => signer(e).map_or_else(|| e.code(), Fault::code),
            _ => return own,
        };
        fault::find(inside).unwrap_or(own)
    }
}

/// The error of an operation that a signer is made of.
fn signer(error: &SignerError) -> Option<&dyn Fault> {
    std::error::Error::source(error)?.downcast_ref::<Failure>().map(Failure::fault)
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        OpError::from(error).into()
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
