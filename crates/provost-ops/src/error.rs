//! What can stop an operation: a stable code, what was measured, likely causes in order, the next step, and the rules behind it.

use std::{io, path::PathBuf};

pub use crate::fault::{Exit, Failure, Fault, Remedy, Result};
use crate::{
    fault::{self, Row, faults},
    store,
};
use provost_adac::{chain::ChainFormatError, host::CredentialError, key::KeyError, password::PasswordError};

faults! {
    /// Why an operation stopped.
    pub enum OpError (fault by told) {
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
    }
}

impl OpError {
    /// The row that speaks for it: that of the error inside, where a person must do something else for it.
    fn told(&self) -> &'static Row {
        let own = self.row();
        let inside = match self {
            Self::File { source, .. } | Self::CredentialFile { source, .. } => return store::row_of(source, own),
            Self::Credential(e) => e.code(),
            Self::KeyFile { source, .. } => source.code(),
            Self::ChainFile { source, .. } => source.code(),
            Self::Password(e) => e.code(),
            _ => return own,
        };
        fault::find(inside).unwrap_or(own)
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
