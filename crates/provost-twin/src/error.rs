//! What can go wrong on the virtual bench itself.

use std::{io, path::PathBuf};

use provost_chip::{
    assumptions::AssumptionError,
    parts::{FlashSize, PartId, UnknownPart},
};

/// An error of the virtual bench; what goes wrong on the wire is the wire's affair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TwinError {
    /// The name is neither a preset nor a file.
    #[error("there is no virtual chip {name:?}: no preset of that name ({presets}), no such file")]
    NotFound {
        /// The name.
        name: String,
        /// The presets there are.
        presets: String,
    },
    /// The file cannot be read or written.
    #[error("chip file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no chip file, or was changed by other hands.
    #[error("chip file {path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The file was written by a newer version.
    #[error("chip file {path} has format {found:?}; this program reads {known:?}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: String,
        /// The newest format this program knows.
        known: &'static str,
    },
    /// The file exists already.
    #[error("chip file {path} exists already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else works on the chip.
    #[error("chip file {path} is in use by another program")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A door to the chip cannot be opened, or broke.
    #[error("loopback port {port}: {source}")]
    Door {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// Something that cannot be done at the bench.
    #[error(
        "{control:?} is nothing that can be done to a board: power=on|off|cycle, nrst=low|high|pulse|wired|not-wired, boot0=low|high"
    )]
    Control {
        /// What was asked for.
        control: String,
    },
    /// Nobody serves the chip.
    #[error("nobody serves {path}")]
    NotServed {
        /// The chip file.
        path: PathBuf,
    },
    /// A part that is none.
    #[error(transparent)]
    Part(#[from] UnknownPart),
    /// A flash size that the line is not made in.
    #[error("{part} is not made with {kb} KB of flash; its sizes: {sizes:?}")]
    FlashSize {
        /// The size asked for, in KB.
        kb: u32,
        /// The line.
        part: PartId,
        /// The sizes there are.
        sizes: &'static [FlashSize],
    },
    /// A switch that is none.
    #[error(transparent)]
    Switch(#[from] AssumptionError),
    /// An option after the question mark that is neither a switch nor one of the bench.
    #[error(
        "virtual chip option {option:?}: expected NAME=VALUE; the bench knows nrst=wired|not-wired, boot0=low|high, usb=unplugged|plugged, cut-power=N, unplug=N"
    )]
    Option {
        /// The option.
        option: String,
    },
}

provost_codes::codes!(TwinError, self => self, {
    Self::NotFound { .. } => "twin-not-found",
    Self::Io { .. } => "twin-file-io",
    Self::Damaged { .. } => "twin-file-damaged",
    Self::Newer { .. } => "twin-file-newer",
    Self::Exists { .. } => "twin-file-exists",
    Self::InUse { .. } => "twin-file-in-use",
    Self::Door { .. } => "twin-door",
    Self::Control { .. } => "twin-control",
    Self::NotServed { .. } => "twin-not-served",
    Self::Part(_) => "part-unknown",
    Self::FlashSize { .. } => "twin-flash-size",
    Self::Switch(_) => "twin-switch",
    Self::Option { .. } => "twin-option",
});
