//! Why a credential is not made, or not believed.

use provost_chip::parts::PartId;

use crate::fault::{self, Row, faults};

faults! {
    /// A set that makes no sense, or that could do harm.
    pub enum SetError (fault by told) {
        /// No part was named, and it decides what the set looks like.
        #[error("{what} depends on the part, and none was named")]
        PartNeeded {
            /// What depends on it.
            what: &'static str,
        } = "part-needed", Usage, [DevIdNotCrypto] {
            causes: ["several parts share a DEV_ID, and what fits one of them can lock the other for ever"],
            next: ["read it on the package and say it with --part, such as --part STM32H533RE; nothing was written"],
        }
        /// The part has no TrustZone.
        #[error("the {part} has no TrustZone: it authenticates by password only")]
        NoCertificates {
            /// The part.
            part: PartId,
        } = "credential-no-certificates", Refused, [DaMethodFollowsTzen, H503Otp] {
            causes: ["the STM32H503 has no TrustZone, and only chips with TrustZone on take certificates"],
            next: ["make a password: --method password"],
        }
        /// A word that names no permission.
        #[error("{word:?} is no permission; known: {known}, a bit number such as 14, or a mask such as 0x5077")]
        UnknownPermission {
            /// The word.
            word: String,
            /// The words that would do.
            known: String,
        } = "credential-permission", Usage {
            causes: ["a misspelt permission"],
            next: ["bit numbers are shortest: 14 is Full Regression; nothing was written"],
        }
        /// A field of a certificate that cannot be read.
        #[error("{field} {word:?}: {expected}")]
        Field {
            /// The field.
            field: &'static str,
            /// What was given.
            word: String,
            /// What would do.
            expected: &'static str,
        } = "credential-field", Usage {
            causes: ["a misspelt value"],
            next: ["correct it; nothing was written"],
        }
        /// A passphrase or PIN is needed, and nobody can be asked.
        #[error("{what} is needed: give it in a file ({option}), in the environment ({variable}), or run at a terminal")]
        SecretNeeded {
            /// What.
            what: String,
            /// The option that names a file.
            option: &'static str,
            /// The environment variable.
            variable: &'static str,
        } = "secret-needed", PersonMustAct {
            causes: ["a key file is encrypted or a token wants its PIN, and there is no terminal to ask at"],
            next: [
                "put it into a file that only you can read and name that, or set the environment variable; nothing was written",
            ],
        }
        /// A certificate that belongs behind others, alone.
        #[error("only a root's certificate stands alone: the chain so far is needed")]
        ChainNeeded = "credential-chain-needed", Usage {
            causes: ["the certificate of an intermediate or a leaf would make a chain that no chip verifies"],
            next: ["give it with --chain: cert_root.b64 for an intermediate, cert_intermediate_chain.b64 for a leaf; nothing was written"],
        }
        /// The two passphrases typed differ, or it is empty.
        #[error("the passphrase is empty, or the two that were typed differ")]
        Passphrase = "credential-passphrase", Refused {
            causes: ["an empty passphrase, or a slip of the finger"],
            next: ["run the same command again; nothing was written"],
        }
        /// A key on a token cannot be had.
        #[error("the key on the token: {source}")]
        Token {
            /// Stable code of what is wrong.
            code: &'static str,
            /// What is wrong.
            source: Box<dyn std::error::Error + Send + Sync>,
        } = "pkcs11-key", PersonMustAct {
            causes: ["the token does not give the key"],
            next: ["look at it with its own tool (`pkcs11-tool --module MODULE -O`); nothing was written"],
        }
        /// Tokens cannot be spoken to.
        #[error("this provost was built without support for PKCS #11 tokens")]
        NoTokens = "pkcs11-not-built", Usage {
            causes: ["this program was built without the driver for PKCS #11 tokens"],
            next: ["use a key file, or a provost with tokens; nothing was written"],
        }
        /// The signature does not verify.
        #[error("the signature is not that of this key over {what}")]
        WrongSignature {
            /// What was to be signed.
            what: &'static str,
        } = "credential-wrong-signature", Refused {
            causes: [
                "another key signed, or another file was signed",
                "the tool hashed with something else than SHA-256, or hashed a hash",
            ],
            next: [
                "sign the whole file with `openssl dgst -sha256 -sign KEY.pem`, and name the public key of that key; nothing was written",
            ],
        }
        /// Bytes that cannot be what they should be.
        #[error("{what}: {rule}")]
        Malformed {
            /// What was to be read.
            what: &'static str,
            /// What is wrong.
            rule: String,
        } = "credential-malformed", Refused {
            causes: ["the file is cut short, was edited, or is another kind of file than it looks"],
            next: ["make or fetch it again; the message names the byte and the rule"],
        }
        /// Bytes that nothing is known of.
        #[error("{name}: {bytes} bytes that are none of what provost knows: {known}")]
        UnknownFile {
            /// The file.
            name: String,
            /// How many bytes.
            bytes: usize,
            /// What is known.
            known: &'static str,
        } = "file-unknown", Refused {
            causes: ["the file is none of Debug Authentication and provisioning"],
            next: ["name a key, certificate, chain, token, password.bin, .obk object or image"],
        }
        /// A set of ST's public samples.
        #[error("{what} is one of ST's public samples: everybody has its key")]
        Sample {
            /// What was recognised.
            what: String,
        } = "credential-sample", Refused {
            causes: ["the files come from ST's examples, whose private keys are published"],
            next: ["make your own: `provost credential new --method METHOD --out DIR`; on a bench --allow-sample-keys lets them pass"],
        }
        /// A password whose hash the OTP of an STM32H503 cannot take.
        #[error("{cells} of the 16 half-words of the password's hash would be 0xFFFF, which reads like one never programmed")]
        NotForOtp {
            /// How many.
            cells: usize,
        } = "credential-not-for-otp", Refused, [H503Otp] {
            causes: ["one password in 4,096 has such a hash: after an interruption nobody could tell whether it was written"],
            next: ["choose another password, or none: `provost credential new --method METHOD --out DIR` makes one that fits; nothing was written"],
        }
        /// Nobody signed in time.
        #[error("no signature came within {seconds} s")]
        NotSigned {
            /// How long was waited.
            seconds: u64,
        } = "credential-not-signed", PersonMustAct {
            causes: ["whoever holds the key was not fast enough"],
            next: [
                "run the same command again, with a longer --wait: the chip makes a new challenge, which needs a new signature",
            ],
        }
    }
}

impl SetError {
    /// The row that speaks for it.
    fn told(&self) -> &'static Row {
        match self {
            Self::Token { code, .. } => fault::find(code).unwrap_or(self.row()),
            _ => self.row(),
        }
    }
}
