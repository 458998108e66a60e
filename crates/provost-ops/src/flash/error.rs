//! Why an image is not read, or flash is not written.

use std::{io, path::PathBuf};

use provost_chip::{registers::flash, rules::RuleId};

use crate::error::{Exit, Failure};

/// Why an operation on user flash stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlashError {
    /// An image file cannot be read or written.
    #[error("image {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no image of its kind.
    #[error("image {path}: {says}")]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        says: String,
    },
    /// A plain binary names no address.
    #[error("image {path} is plain bytes: say with --at where it belongs")]
    AddressNeeded {
        /// The file.
        path: PathBuf,
    },
    /// Two parts of an image claim the same byte.
    #[error("two parts of the image claim address {address:#010x}")]
    Overlap {
        /// The address.
        address: u32,
    },
    /// Not user flash of this part.
    #[error("{length:#x} bytes at {address:#010x} are not within the {} KB of user flash of this part", size / 1024)]
    OutsideFlash {
        /// Where.
        address: u32,
        /// How many.
        length: u32,
        /// Size of the flash in bytes.
        size: u32,
    },
    /// AP1 is shut.
    #[error("AP1 is shut: user flash is not reachable from here")]
    NotReachable,
    /// Secure sectors, and no secure access.
    #[error("{sectors} secure, and this debugger has non-secure access only")]
    SecureSectors {
        /// The sectors, in words.
        sectors: String,
    },
    /// Write-protected sectors.
    #[error("{sectors} write-protected (WRPSG): nothing was written")]
    WriteProtected {
        /// The sectors, in words.
        sectors: String,
    },
    /// Sectors that are no program memory.
    #[error("{sectors} given to high-cycle data (EDATA): nothing was written")]
    DataSectors {
        /// The sectors, in words.
        sectors: String,
    },
    /// The control register does not unlock.
    #[error("the flash control register stays locked (reads {control:#010x})")]
    Locked {
        /// What it reads.
        control: u32,
    },
    /// The controller set an error flag.
    #[error("the flash controller refused {doing} at {address:#010x}: {} (status {status:#010x})", flags(*status))]
    Controller {
        /// What was being done.
        doing: &'static str,
        /// Where.
        address: u32,
        /// Its status register.
        status: u32,
    },
    /// What is in flash is not what was to be there.
    #[error(
        "{differing} of {bytes} bytes differ from the image, the first at {address:#010x}: {wanted:#04x} expected, {found} read"
    )]
    Mismatch {
        /// The first address that differs.
        address: u32,
        /// The byte expected there.
        wanted: u8,
        /// The byte read, or that it cannot be read.
        found: String,
        /// How many differ.
        differing: usize,
        /// How many were compared.
        bytes: usize,
    },
    /// A place that cannot be read.
    #[error("flash at {address:#010x} cannot be read: the bus faults there, as it does on an uncorrectable ECC error")]
    Unreadable {
        /// Where.
        address: u32,
    },
    /// The link broke half-way.
    #[error("interrupted while {doing} at {address:#010x}: {source}")]
    Interrupted {
        /// What was being done.
        doing: &'static str,
        /// Where.
        address: u32,
        /// Why.
        source: Failure,
    },
}

/// The error flags of a status word, by ST's names and in words (SVD).
fn flags(status: u32) -> String {
    let known = [
        (flash::SR_WRPERR, "WRPERR: the place is protected, or belongs to the other world"),
        (flash::SR_PGSERR, "PGSERR: wrong sequence"),
        (flash::SR_STRBERR, "STRBERR: a byte was written twice into the buffer"),
        (flash::SR_INCERR, "INCERR: the quad-word was left unfinished"),
        (flash::SR_OBKERR, "OBKERR"),
        (flash::SR_OBKWERR, "OBKWERR"),
        (flash::SR_BSY, "BSY: it does not end"),
    ];
    let names: Vec<&str> = known.iter().filter(|(bit, _)| status & bit != 0).map(|(_, name)| *name).collect();
    names.join(", ")
}

impl FlashError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "flash-file",
            Self::Image { .. } => "flash-image",
            Self::AddressNeeded { .. } => "flash-address-needed",
            Self::Overlap { .. } => "flash-image-overlap",
            Self::OutsideFlash { .. } => "flash-outside",
            Self::NotReachable => "flash-not-reachable",
            Self::SecureSectors { .. } => "flash-secure-sectors",
            Self::WriteProtected { .. } => "flash-write-protected",
            Self::DataSectors { .. } => "flash-data-sectors",
            Self::Locked { .. } => "flash-locked",
            Self::Controller { .. } => "flash-refused",
            Self::Mismatch { .. } => "flash-mismatch",
            Self::Unreadable { .. } => "flash-unreadable",
            Self::Interrupted { .. } => "flash-interrupted",
        }
    }

    /// What it means to a script.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::AddressNeeded { .. } => Exit::Usage,
            Self::Image { .. }
            | Self::Overlap { .. }
            | Self::OutsideFlash { .. }
            | Self::NotReachable
            | Self::SecureSectors { .. }
            | Self::WriteProtected { .. }
            | Self::DataSectors { .. }
            | Self::Locked { .. } => Exit::Refused,
            Self::Interrupted { .. } => Exit::Interrupted,
            Self::File { .. } | Self::Controller { .. } | Self::Mismatch { .. } | Self::Unreadable { .. } => {
                Exit::Failed
            }
        }
    }

    /// The rules behind it.
    pub fn rules(&self) -> Vec<RuleId> {
        match self {
            Self::NotReachable => vec![RuleId::Ap1ClosedStates],
            Self::SecureSectors { .. } => vec![RuleId::Ap1Provisioning, RuleId::SecureAliasReadsZero],
            Self::WriteProtected { .. } => vec![RuleId::OptionsFrozenWhenClosed],
            _ => Vec::new(),
        }
    }
}
