//! `selfcheck`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use provost_ops::{drive::service::EncryptWord, selfcheck::Level};

/// Options of `selfcheck`.
#[derive(Debug, Args)]
pub(crate) struct Selfcheck {
    /// How much is dared; each level does what those before it do.
    #[arg(long, value_name = "LEVEL", default_value = "1")]
    pub(crate) level: LevelWord,
    /// Keep every access in this file, to be sent in: without anything secret, and with another unique id.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Level 3: the word that asks this chip's ROM for encryption on a part with secure AES, and for none on the others, where you know it.
    #[arg(long, value_name = "WORD")]
    pub(crate) encrypt_word: Option<EncryptWord>,
    /// Level 3: where the throw-away credential and the journal of the way back go.
    #[arg(long, value_name = "DIR", default_value = "provost-rescue")]
    pub(crate) out: PathBuf,
}

/// How much is dared.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LevelWord {
    /// Reads only: no halt, no reset, no write.
    #[value(name = "1")]
    Reading,
    /// Resets the chip and asks whether Debug Authentication answers in Open. Writes nothing that stays.
    #[value(name = "2")]
    Resets,
    /// Takes the chip to Provisioning and back with a throw-away credential, which the ROM has taken before. Erases it. BOOT0 must be
    /// high: the ROM bootloader has to run while the chip is Open.
    #[value(name = "3")]
    Provisioning,
}

impl From<LevelWord> for Level {
    fn from(word: LevelWord) -> Self {
        match word {
            LevelWord::Reading => Self::Reading,
            LevelWord::Resets => Self::Resets,
            LevelWord::Provisioning => Self::Provisioning,
        }
    }
}
