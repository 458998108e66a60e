//! Options of `auth`: what Debug Authentication is asked for, and with which keys.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use provost_chip::model::{authentication::Permission, debug::Opening};
use provost_ops::{credential::words, drive::service::EncryptWord};

use super::KeyAccess;

/// Subcommands of `auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Enter Debug Authentication and print what the chip says. This resets the chip, and it may stay in its ROM until power
    /// is removed.
    Discover,
    /// Open debug on a closed chip, with a certificate: nothing is erased. This resets the chip, which then boots its firmware; GDB,
    /// OpenOCD and probe-rs may connect until power is removed.
    Open(Box<OpenDebug>),
    /// Take opened debug back. This resets the chip.
    CloseDebug,
    /// Authenticate a regression: the chip is erased and goes back to Open; or its non-secure side is, and it goes back to TZ-Closed.
    Regress(Box<Regress>),
}

/// Options of `auth open`.
#[derive(Debug, Args)]
pub(crate) struct OpenDebug {
    /// What is asked for, by ST's name or its bit: level-1-intrusive-debug (4), level-2-intrusive-debug (5) or level-3-intrusive-debug
    /// (6) for both sides, level-1-intrusive-non-secure-debug (0), level-2-… (1) or level-3-… (2) for the non-secure one. It opens once
    /// the firmware has climbed to that isolation level (HDPL).
    #[arg(long, value_name = "PERMISSION", value_parser = opening)]
    pub(crate) permission: Opening,
    /// A folder with the certificate chain that was provisioned, and its leaf key, under the names that ST's tools use.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: PathBuf,
    /// A leaf key that is elsewhere.
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
    /// Keys that are not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// A permission that opens debug.
fn opening(text: &str) -> Result<Opening, String> {
    let permission = words::permission(text).map_err(|error| error.to_string())?;
    match Permission::from_bit(u32::from(permission.bit())) {
        Some(Permission::Debug(opening)) => Ok(opening),
        _ => Err(format!("{permission} opens no debug: it erases; that is `provost auth regress`")),
    }
}

/// Where a regression leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackTo {
    /// Everything is erased.
    Open,
    /// The non-secure side is erased; takes a certificate that allows it.
    TzClosed,
}

/// Options of `auth regress`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("proof").required(true).args(["credential", "password"]))]
pub(crate) struct Regress {
    /// A folder with a certificate chain and its leaf key, or a password file, under the names that ST's tools use.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: Option<PathBuf>,
    /// The password itself, 4 to 16 bytes. Other users of this machine may see it: prefer --credential.
    #[arg(long, value_name = "TEXT", conflicts_with = "sign_in")]
    pub(crate) password: Option<String>,
    /// The word that asks this chip's ROM for encryption on a part with secure AES, and for none on the others, where you know it; it
    /// is then the only one tried.
    #[arg(long, value_name = "WORD")]
    pub(crate) encrypt_word: Option<EncryptWord>,
    /// Where the receipt goes: a folder per chip is made in it.
    #[arg(long, value_name = "DIR", default_value = "provost-rescue")]
    pub(crate) out: PathBuf,
    /// How far back.
    #[arg(long, value_name = "STATE", default_value = "open")]
    pub(crate) to: BackTo,
    /// Where the chip does not say which it is and an unfinished job may be of another board: the name of that job's folder if it is
    /// this board, or `another`.
    #[arg(long, value_name = "NAME")]
    pub(crate) this_is: Option<String>,
    /// A leaf key that is elsewhere.
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
    /// Keys that are not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// A leaf key that somebody else signs with.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SignIn {
    /// The leaf key is elsewhere: write the token that is to be signed as DIR/token.tbs, and wait for DIR/token.sig. A chip keeps its
    /// challenge meanwhile; another attempt gets another challenge, and needs another signature.
    #[arg(long, value_name = "DIR", requires = "credential", conflicts_with = "pkcs11")]
    pub(crate) sign_in: Option<PathBuf>,
    /// How long to wait for the signature, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "3600", requires = "sign_in")]
    pub(crate) wait: u64,
}
