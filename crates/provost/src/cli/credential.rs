//! `provost credential`: the doc comments here are its help.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use provost_adac::permission::{Permission, PermissionMask};
use provost_chip::states::DaMethod;
use provost_ops::credential::{SetError, words};

/// Subcommands of `credential`.
#[derive(Debug, Subcommand)]
pub(crate) enum Credential {
    /// Make a complete set under the names that ST's tools use: keys, certificates, object, or password and object.
    New(Box<CredentialNew>),
    /// Decode a file: certificate, chain, token, password.bin, .obk, key, image, or what waits for a signature.
    Show(ShowFile),
    /// Prove that a set is consistent, fits the part, is none of ST's public samples, and, with --probe, fits the chip.
    ///
    /// With --probe the chip is reset by the discovery that this takes.
    Check(CredentialCheck),
    /// Write down what somebody else, who has the key, is to sign.
    #[command(subcommand)]
    Prepare(Prepare),
    /// Put a signature to what was prepared: a certificate, a chain, or a token comes of it.
    Merge(Merge),
}

/// How to reach a private key that is not simply in a file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeyAccess {
    /// Read the passphrase of encrypted key files here. Otherwise it is taken from PROVOST_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The PKCS #11 module of a token that holds a key, such as /usr/lib/softhsm/libsofthsm2.so.
    #[arg(long, value_name = "MODULE", requires = "key_label")]
    pub(crate) pkcs11: Option<PathBuf>,
    /// Which token; needed if the module shows several.
    #[arg(long, value_name = "LABEL", requires = "pkcs11")]
    pub(crate) token_label: Option<String>,
    /// Which key on the token. `credential new` takes ROLE=LABEL, and may be given it for root, intermediate and leaf; LABEL alone is
    /// the root there, and the leaf everywhere else.
    #[arg(long, value_name = "[ROLE=]LABEL", requires = "pkcs11")]
    pub(crate) key_label: Vec<String>,
    /// Read the token's PIN here. Otherwise it is taken from PROVOST_PIN, or asked for.
    #[arg(long, value_name = "FILE", requires = "pkcs11")]
    pub(crate) pin_file: Option<PathBuf>,
}

/// How a chip authenticates its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodWord {
    /// A certificate chain (TrustZone on).
    Certificate,
    /// A password (TrustZone off, and the STM32H503).
    Password,
}

impl From<MethodWord> for DaMethod {
    fn from(word: MethodWord) -> Self {
        match word {
            MethodWord::Certificate => Self::Certificate,
            MethodWord::Password => Self::Password,
        }
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageWord {
    /// Says nothing.
    Neutral,
    /// Debug authentication: what ST's tools write.
    Standard,
    /// Return of a chip to its maker.
    Rma,
}

/// The scope fields of a certificate.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScopeWords {
    /// Holds for one class of chips only: a part, or its DEV_ID (0x484). Otherwise for all.
    #[arg(long, value_name = "CLASS", value_parser = |t: &str| words::soc_class(t))]
    pub(crate) soc_class: Option<u32>,
    /// Holds for one chip only, as `auth discover` prints its SoC id.
    #[arg(long, value_name = "ID", value_parser = |t: &str| words::soc_id(t))]
    pub(crate) soc_id: Option<[u8; 16]>,
    /// Holds in one life-cycle state only: a product state, or a word (0x3027).
    #[arg(long, value_name = "STATE", value_parser = |t: &str| words::lifecycle(t))]
    pub(crate) lifecycle: Option<u16>,
    /// OEM constraint.
    #[arg(long, value_name = "NUMBER", value_parser = |t: &str| words::oem_constraint(t))]
    pub(crate) oem_constraint: Option<u16>,
    /// What it is for.
    #[arg(long, value_name = "USAGE", default_value = "standard")]
    pub(crate) usage: UsageWord,
}

fn permissions(text: &str) -> Result<PermissionMask, SetError> {
    words::permissions(text)
}

fn permission(text: &str) -> Result<Permission, SetError> {
    words::permission(text)
}

/// Options of `credential new`.
#[derive(Debug, Args)]
pub(crate) struct CredentialNew {
    /// By what the chip authenticates its owner.
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: MethodWord,
    /// The folder to make. --part says what for.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Overwrite files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// What all certificates and the object allow: bit numbers (14,12) or words separated by commas (full-regression,
    /// to-tz-regression, level-3-intrusive-debug and the like, as `auth discover` names them), a mask (0x5077), or all.
    #[arg(long, value_name = "MASK", default_value = "all", value_parser = permissions)]
    pub(crate) permissions: PermissionMask,
    /// What the leaf certificate allows, if less than the others.
    #[arg(long, value_name = "MASK", value_parser = permissions)]
    pub(crate) leaf_permissions: Option<PermissionMask>,
    /// What the object to provision allows, if not the same as the certificates.
    #[arg(long, value_name = "MASK", value_parser = permissions)]
    pub(crate) object_permissions: Option<PermissionMask>,
    /// Where the leaf certificate holds.
    #[command(flatten)]
    pub(crate) scope: ScopeWords,
    /// Use this root key instead of a new one; it is not copied.
    #[arg(long, value_name = "FILE")]
    pub(crate) root_key: Option<PathBuf>,
    /// Encrypt the private key files.
    #[arg(long)]
    pub(crate) encrypt_keys: bool,
    /// Read the password here (4 to 16 bytes) instead of making a random one.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Keys that are held elsewhere.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// A file to show.
#[derive(Debug, Args)]
pub(crate) struct ShowFile {
    /// The file.
    pub(crate) file: PathBuf,
}

/// Options of `credential check`.
#[derive(Debug, Args)]
pub(crate) struct CredentialCheck {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Let ST's public samples pass, on a bench.
    #[arg(long)]
    pub(crate) allow_sample_keys: bool,
    /// Keys that are held elsewhere.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// Place of a certificate in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    /// First, signed by its own key.
    Root,
    /// Between root and leaf.
    Intermediate,
    /// Last: its key signs tokens.
    Leaf,
}

/// Subcommands of `credential prepare`.
#[derive(Debug, Subcommand)]
pub(crate) enum Prepare {
    /// 148 bytes that make a certificate when they are signed by the key of the certificate before it.
    Certificate(PrepareCertificate),
    /// 88 bytes that make a token when they are signed by the key of the chain's last certificate.
    Token(PrepareToken),
}

/// Options of `credential prepare certificate`.
#[derive(Debug, Args)]
pub(crate) struct PrepareCertificate {
    /// Place in the chain.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: RoleWord,
    /// The public key of whoever signs: that of the certificate before it, or its own for a root.
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: PathBuf,
    /// The public key that the certificate is about.
    #[arg(long, value_name = "FILE")]
    pub(crate) subject: PathBuf,
    /// What it allows.
    #[arg(long, value_name = "MASK", default_value = "all", value_parser = permissions)]
    pub(crate) permissions: PermissionMask,
    /// Where it holds.
    #[command(flatten)]
    pub(crate) scope: ScopeWords,
    /// The file to make.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Overwrite it if it is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Options of `credential prepare token`.
#[derive(Debug, Args)]
pub(crate) struct PrepareToken {
    /// The challenge, 32 bytes; `auth regress --sign-in DIR` writes the file to sign by itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) challenge: PathBuf,
    /// The public key of whoever signs: that of the chain's last certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: PathBuf,
    /// What is asked for; ST's chips take one permission at a time.
    #[arg(long, value_name = "PERMISSION", default_value = "full-regression", value_parser = permission)]
    pub(crate) permission: Permission,
    /// The file to make.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Overwrite it if it is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Options of `credential merge`.
#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// What was prepared.
    pub(crate) prepared: PathBuf,
    /// The signature: 64 bytes r and s, or DER.
    pub(crate) signature: PathBuf,
    /// The public key of whoever signed.
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: PathBuf,
    /// The chain so far, which a certificate is put behind. Not for a root, nor for a token.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Option<PathBuf>,
    /// The file to make: a chain in ST's base64 form, or a token.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Overwrite it if it is there.
    #[arg(long)]
    pub(crate) force: bool,
}
