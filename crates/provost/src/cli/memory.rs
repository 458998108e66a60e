//! `option` and `flash`.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    ArgGroup, Args, Subcommand, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use provost_bench::{BenchError, Probe};

use super::{ImageAt, close::image_at, number};

/// Subcommands of `option`.
#[derive(Debug, Subcommand)]
pub(crate) enum OptionCommand {
    /// All option bytes: value, meaning, what differs from the factory, and what may be changed now. Reads only.
    List(OptionListing),
    /// Some of them. Reads only.
    Get(OptionGet),
    /// Change several in one launch, reset the chip, and read them back.
    Set(OptionSet),
    /// Write them to a file, or to stdout. Reads only.
    Export(OptionExport),
    /// Say what differs between a file and the chip, two files, or two chips. Reads only.
    Diff(OptionDiff),
    /// Set what differs from a file. PRODUCT_STATE is left alone.
    Import(OptionImport),
}

/// Options of `option list`.
#[derive(Debug, Args)]
pub(crate) struct OptionListing {
    /// Only those that differ from the factory value, or wait for a reset.
    #[arg(long)]
    pub(crate) changed: bool,
}

/// Options of `option get`.
#[derive(Debug, Args)]
pub(crate) struct OptionGet {
    /// ST's names, such as TZEN or SECWM1_END.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Options of `option set`.
#[derive(Debug, Args)]
pub(crate) struct OptionSet {
    /// What to set. A value is a number (0x1F, 31), a name (on, st-irot, no-reset) or a boot address (0x08010000).
    #[arg(required = true, value_name = "NAME=VALUE")]
    pub(crate) assignments: Vec<String>,
    /// Check everything, print what would be done and which phrase confirms it, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A file format of option bytes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OptionFormat {
    /// TOML, a line per field with its meaning.
    Toml,
    /// As STM32CubeProgrammer's `-ob displ` prints them.
    Displ,
}

/// Options of `option export`.
#[derive(Debug, Args)]
pub(crate) struct OptionExport {
    /// The file; without one, or as `-`, stdout.
    pub(crate) file: Option<PathBuf>,
    /// The format.
    #[arg(long, default_value = "toml")]
    pub(crate) format: OptionFormat,
    /// Write over an existing file.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Options of `option diff`.
#[derive(Debug, Args)]
pub(crate) struct OptionDiff {
    /// A file: TOML, or what STM32CubeProgrammer printed; or a chip, as --probe names one.
    #[arg(value_name = "FILE|PROBE", value_parser = OsStringValueParser::new().try_map(side))]
    pub(crate) one: Side,
    /// Another one, instead of the chip of --probe.
    #[arg(value_name = "FILE|PROBE", value_parser = OsStringValueParser::new().try_map(side))]
    pub(crate) other: Option<Side>,
    /// End with exit code 1 if there are differences.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Side {
    /// A file.
    File(PathBuf),
    /// A chip.
    Chip(Probe),
}

/// A chip, where the word can only be one or no file of this name is there.
fn side(word: OsString) -> Result<Side, BenchError> {
    let file = PathBuf::from(&word);
    match word.to_str().map(|text| (text.starts_with("twin:") || text.starts_with("replay:"), text.parse())) {
        Some((true, probe)) => Ok(Side::Chip(probe?)),
        Some((false, Ok(probe))) if !file.exists() => Ok(Side::Chip(probe)),
        _ => Ok(Side::File(file)),
    }
}

/// Options of `option import`.
#[derive(Debug, Args)]
pub(crate) struct OptionImport {
    /// A file: TOML, or what STM32CubeProgrammer printed.
    pub(crate) file: PathBuf,
    /// Check everything, print what would be done and which phrase confirms it, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Subcommands of `flash`.
#[derive(Debug, Subcommand)]
pub(crate) enum FlashCommand {
    /// Erase the sectors that an image touches, program it, read it back, and reset the chip.
    Write(FlashWrite),
    /// Compare flash with an image. Reads only.
    Verify(FlashImage),
    /// Erase whole sectors, and reset the chip.
    Erase(FlashErase),
    /// Read flash into a file: Intel HEX if it ends in .hex, plain bytes otherwise. Reads only.
    Read(FlashRead),
}

/// Options of `flash write`.
#[derive(Debug, Args)]
pub(crate) struct FlashWrite {
    /// What to write.
    #[command(flatten)]
    pub(crate) image: FlashImage,
    /// Keep the other bytes of sectors that the image fills only in part. All that is about to be written is saved in this file first
    /// (Intel HEX): after a power cut `provost flash write FILE` brings everything back.
    #[arg(long, value_name = "FILE")]
    pub(crate) keep: Option<PathBuf>,
}

/// An image, or several that are written in one go, with one reset.
#[derive(Debug, Args)]
pub(crate) struct FlashImage {
    /// ELF, Intel HEX (.hex), or plain bytes with their address: FILE@0x08000000, or --at. Several must not overlap.
    #[arg(required = true, value_name = "FILE[@ADDRESS]", value_parser = OsStringValueParser::new().try_map(image_at))]
    pub(crate) images: Vec<ImageAt>,
    /// Where plain bytes belong, if it is one file.
    #[arg(long, value_name = "ADDRESS", value_parser = number)]
    pub(crate) at: Option<u32>,
}

/// Options of `flash erase`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["all", "at"]))]
pub(crate) struct FlashErase {
    /// All of user flash.
    #[arg(long, conflicts_with = "size")]
    pub(crate) all: bool,
    /// From this address on; the sectors it lies in are erased whole.
    #[arg(long, value_name = "ADDRESS", value_parser = number, requires = "size")]
    pub(crate) at: Option<u32>,
    /// So many bytes.
    #[arg(long, value_name = "BYTES", value_parser = number, requires = "at")]
    pub(crate) size: Option<u32>,
}

/// Options of `flash read`.
#[derive(Debug, Args)]
pub(crate) struct FlashRead {
    /// The file to make.
    #[arg(value_parser = OsStringValueParser::new().try_map(file_name))]
    pub(crate) file: PathBuf,
    /// From this address on, instead of all of user flash.
    #[arg(long, value_name = "ADDRESS", value_parser = number, requires = "size")]
    pub(crate) at: Option<u32>,
    /// So many bytes.
    #[arg(long, value_name = "BYTES", value_parser = number, requires = "at")]
    pub(crate) size: Option<u32>,
    /// Write over an existing file.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A name of a file; stdout is none.
fn file_name(word: OsString) -> Result<PathBuf, &'static str> {
    if word == "-" { Err("flash is read into a file, and `-` is the name of none") } else { Ok(word.into()) }
}
