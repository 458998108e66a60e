//! `option` and `flash`.

use std::path::PathBuf;

use clap::{
    ArgGroup, Args, Subcommand, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser as _},
};

use super::{ImageAt, close::image_at, number};

/// Subcommands of `option`.
#[derive(Debug, Subcommand)]
pub(crate) enum OptionCommand {
    /// All option bytes: value, meaning, what differs from the factory, and what may be changed now. Reads only.
    List,
    /// Some of them. Reads only.
    Get(OptionGet),
    /// Change several in one launch, reset the chip, and read them back.
    Set(OptionSet),
    /// Write them to a file, or to stdout. Reads only.
    Export(OptionExport),
    /// Say what differs between a file and the chip, or between two files. Reads only.
    Diff(OptionDiff),
    /// Set what differs from a file. PRODUCT_STATE is left alone.
    Import(OptionImport),
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
    /// The file; without one, stdout.
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
    /// A file: TOML, or what STM32CubeProgrammer printed.
    pub(crate) file: PathBuf,
    /// Another one, instead of the chip.
    pub(crate) other: Option<PathBuf>,
    /// End with exit code 1 if there are differences.
    #[arg(long)]
    pub(crate) exit_code: bool,
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
    Write(FlashImage),
    /// Compare flash with an image. Reads only.
    Verify(FlashImage),
    /// Erase whole sectors, and reset the chip.
    Erase(FlashErase),
    /// Read flash into a file: Intel HEX if it ends in .hex, plain bytes otherwise. Reads only.
    Read(FlashRead),
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
