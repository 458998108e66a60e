//! What is wrong with a key or a key file.

use core::fmt;

/// The forms in which files hold P-256 keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyForm {
    /// Public key, SubjectPublicKeyInfo (RFC 5480).
    Spki,
    /// Private key, PKCS #8 (RFC 5208, RFC 5958): what ST's tools write.
    Pkcs8,
    /// Private key, PKCS #8 encrypted under a passphrase with PBES2 (RFC 8018).
    EncryptedPkcs8,
    /// Private key, SEC 1 (RFC 5915): what `openssl ecparam -genkey` writes.
    Sec1,
    /// Private key, 70 bytes: PKCS #8 with its public key cut off, which is no valid DER any more (mcuboot,
    /// `imgtool getpriv --minimal`).
    Minimal,
}

impl KeyForm {
    /// A short stable name, for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Spki => "spki",
            Self::Pkcs8 => "pkcs8",
            Self::EncryptedPkcs8 => "encrypted-pkcs8",
            Self::Sec1 => "sec1",
            Self::Minimal => "minimal",
        }
    }

    /// The label of its PEM block, if it has one.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Spki => Some("PUBLIC KEY"),
            Self::Pkcs8 => Some("PRIVATE KEY"),
            Self::EncryptedPkcs8 => Some("ENCRYPTED PRIVATE KEY"),
            Self::Sec1 => Some("EC PRIVATE KEY"),
            Self::Minimal => None,
        }
    }

    pub(super) fn from_label(label: &str) -> Option<Self> {
        [Self::Spki, Self::Pkcs8, Self::EncryptedPkcs8, Self::Sec1].into_iter().find(|form| form.label() == Some(label))
    }
}

impl fmt::Display for KeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spki => "public key (SubjectPublicKeyInfo)",
            Self::Pkcs8 => "private key (PKCS #8)",
            Self::EncryptedPkcs8 => "encrypted private key (PKCS #8)",
            Self::Sec1 => "private key (SEC 1)",
            Self::Minimal => "private key (70 bytes)",
        })
    }
}

/// A rule of a key's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRule {
    /// The PEM body is standard base64.
    #[error("base64 is due")]
    Base64,
    /// The bytes are the DER of their form. The offset is that of the element to blame, of what follows it, or of the
    /// structure around it.
    #[error("the DER of this form is due")]
    Der,
    /// The algorithm is that of elliptic curve keys.
    #[error("the algorithm must be id-ecPublicKey")]
    Algorithm,
    /// The curve is P-256.
    #[error("the curve must be P-256 (prime256v1)")]
    Curve,
    /// The public key is an uncompressed point of the curve.
    #[error("must be an uncompressed point of P-256")]
    Point,
    /// The private number has 32 bytes, is not zero and below the order of the curve.
    #[error("must be a private number of P-256")]
    Scalar,
    /// A public key beside the private number belongs to it.
    #[error("the public key must be that of the private number")]
    ForeignPublicKey,
    /// The encryption is one that can be undone: PBES2 with PBKDF2 or scrypt, and AES or triple DES.
    #[error("the encryption must be PBES2 with PBKDF2 or scrypt")]
    Encryption,
    /// Opening an encrypted key takes no more than two million rounds of PBKDF2, or 256 MiB for scrypt. Our bound.
    #[error("opening it would take more work than any tool asks for")]
    Cost,
}

/// What is wrong with a key. Never tells anything of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not a point of P-256.
    #[error("not a point of the curve P-256")]
    NotOnCurve,
    /// The number is zero or not below the order of the curve.
    #[error("not a private key of P-256: zero, or not below the order of the curve")]
    ScalarOutOfRange,
    /// No PEM block of a kind that can hold the key wanted.
    #[error("no PEM block \"{expected}\"")]
    NoPemBlock {
        /// The labels that would do.
        expected: &'static str,
    },
    /// The bytes are no key in any form known here.
    #[error("neither a PEM nor a DER file of a key")]
    Unknown,
    /// The private key is encrypted, and no passphrase was given.
    #[error("the private key is encrypted: its passphrase is needed")]
    Encrypted,
    /// Encrypted as OpenSSL's traditional format does (RFC 1421 headers, MD5): not read here.
    #[error("byte {offset}: encrypted in OpenSSL's traditional format; convert it with `openssl pkcs8 -topk8`")]
    TraditionalEncryption {
        /// Where the block's body starts.
        offset: usize,
    },
    /// The passphrase is wrong, or the encrypted bytes are damaged: the two cannot be told apart.
    #[error("wrong passphrase, or the encrypted key is damaged")]
    Passphrase,
    /// The file breaks a rule of its form.
    #[error("byte {offset}: not a {form} of P-256: {rule}")]
    Broken {
        /// Where in the file, also in a PEM text.
        offset: usize,
        /// The form it seems to have.
        form: KeyForm,
        /// The rule that is broken there.
        rule: KeyRule,
    },
    /// A structure that holds no P-256 key.
    #[error("the {label} is not a P-256 key")]
    Malformed {
        /// What it was taken for.
        label: &'static str,
    },
    /// A public key where a private one is due.
    #[error("a public key, where a private one is due")]
    PublicOnly,
    /// The key could not be written.
    #[error("the key cannot be encoded")]
    Encoding,
    /// The operating system gave no randomness.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

provost_codes::codes!(KeyError, self => self, {
    Self::NotOnCurve => "key-not-on-curve",
    Self::ScalarOutOfRange => "key-scalar-out-of-range",
    Self::NoPemBlock { .. } => "key-no-pem-block",
    Self::Unknown => "key-unknown-form",
    Self::Encrypted => "key-encrypted",
    Self::TraditionalEncryption { .. } => "key-traditional-encryption",
    Self::Passphrase => "key-passphrase",
    Self::Broken { .. } | Self::Malformed { .. } => "key-malformed",
    Self::PublicOnly => "key-public-only",
    Self::Encoding => "key-encoding",
    Self::NoRandomness => "no-randomness",
});

impl KeyError {
    /// Where in the input, if a byte of it is to blame.
    pub const fn offset(&self) -> Option<usize> {
        match self {
            Self::Broken { offset, .. } | Self::TraditionalEncryption { offset } => Some(*offset),
            _ => None,
        }
    }
}
