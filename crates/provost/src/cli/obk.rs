//! `provost obk`: the doc comments here are its help.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use provost_ops::{
    drive::service::EncryptWord,
    images::{Profile, Version},
};

use super::{KeyAccess, MethodWord, number};

/// Subcommands of `obk`.
#[derive(Debug, Subcommand)]
pub(crate) enum ObkCommand {
    /// Build an object or an image from the XML of ST's Trusted Package Creator, or an object from a TOML file.
    Build(ObkBuild),
    /// Name every byte range of an object; with --part, say whether it fits.
    Inspect(ObkInspect),
    /// Write objects into a chip in Provisioning, or a password into the OTP of an STM32H503, after everything has been checked.
    ///
    /// The chip is reset by the discoveries that this takes.
    Write(ObkWrite),
    /// Firmware images for STiRoT, OEMiRoT and OEMuRoT: a chip that boots one of them and has no image it takes is a dead chip.
    #[command(subcommand)]
    Image(ImageCommand),
}

/// Subcommands of `obk image`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Make an image of a binary file.
    Sign(Box<ImageSign>),
    /// Do what the boot loader does before it takes an image.
    Verify(ImageVerify),
    /// Name every byte range. Verifies nothing.
    Inspect(ObkInspect),
}

fn profile(name: &str) -> Result<&'static Profile, String> {
    Profile::named(name).ok_or_else(|| {
        let known: Vec<&str> = provost_ops::images::profiles().map(|p| p.name).collect();
        format!("known are {}", known.join(", "))
    })
}

fn version(text: &str) -> Result<Version, String> {
    text.parse::<Version>().map_err(|e| e.to_string())
}

/// Options of `obk image sign`.
#[derive(Debug, Args)]
pub(crate) struct ImageSign {
    /// The binary file.
    pub(crate) file: PathBuf,
    /// What reads the image: stirot-code, oemirot-secure-code and the like; a wrong one lists them all.
    #[arg(long, value_name = "NAME", value_parser = profile)]
    pub(crate) profile: &'static Profile,
    /// Its version: major.minor.revision+build.
    #[arg(long = "image-version", value_name = "VERSION", value_parser = version)]
    pub(crate) version: Version,
    /// The private key that signs (PEM or DER); or a key on a token.
    #[arg(long, value_name = "FILE", conflicts_with = "pkcs11")]
    pub(crate) key: Option<PathBuf>,
    /// For the slot it runs from: clear and confirmed. Otherwise for the slot that updates are put into.
    #[arg(long)]
    pub(crate) install: bool,
    /// Encrypt for the holder of this public key.
    #[arg(long, value_name = "FILE")]
    pub(crate) encrypt_for: Option<PathBuf>,
    /// Bytes of the slot; ST's images fill it.
    #[arg(long, value_name = "BYTES", value_parser = number)]
    pub(crate) slot_size: Option<u32>,
    /// The security counter; otherwise it is made of the version.
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(crate) security_counter: Option<u32>,
    /// The file to make.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Overwrite it if it is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// A key that is not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// Options of `obk image verify`.
#[derive(Debug, Args)]
pub(crate) struct ImageVerify {
    /// The image.
    pub(crate) file: PathBuf,
    /// What reads it; otherwise whatever has this magic.
    #[arg(long, value_name = "NAME", value_parser = profile)]
    pub(crate) profile: Option<&'static Profile>,
    /// A public key whose signature is believed; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Vec<PathBuf>,
    /// The private key that an encrypted body is for.
    #[arg(long, value_name = "FILE")]
    pub(crate) decrypt_key: Option<PathBuf>,
    /// Bytes of the slot it must fit.
    #[arg(long, value_name = "BYTES", value_parser = number)]
    pub(crate) slot_size: Option<u32>,
    /// A key that is not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// Options of `obk build`.
#[derive(Debug, Args)]
pub(crate) struct ObkBuild {
    /// The description: ST's XML, or TOML. Paths in it count from where it lies.
    pub(crate) config: PathBuf,
    /// The file to make; otherwise where the XML says, or beside the description.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite it if it is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Options of `obk inspect`.
#[derive(Debug, Args)]
pub(crate) struct ObkInspect {
    /// The object.
    pub(crate) file: PathBuf,
}

/// Options of `obk write`.
#[derive(Debug, Args)]
pub(crate) struct ObkWrite {
    /// Where the journal of the write goes.
    #[arg(long, value_name = "DIR", default_value = "provost-obk")]
    pub(crate) out: PathBuf,
    /// The objects, all that belong together; or the password file of an STM32H503.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Replace the Debug Authentication data that the chip holds. Without it the chip is asked first, and valid data are left alone.
    #[arg(long)]
    pub(crate) force: bool,
    /// What the hash in a Debug Authentication object is of, where no credential beside it tells.
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<MethodWord>,
    /// The word that asks this chip's ROM for encryption, as an earlier write of this kind of chip reported it.
    #[arg(long, value_name = "WORD")]
    pub(crate) encrypt_word: Option<EncryptWord>,
    /// Write although this check refuses, by its code; may be given several times.
    #[arg(long, value_name = "CODE")]
    pub(crate) allow: Vec<String>,
    /// STM32H503: yes, write this password into OTP. It can never be changed or erased, not by a regression either.
    #[arg(long)]
    pub(crate) once_for_life: bool,
    /// Look at everything and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
