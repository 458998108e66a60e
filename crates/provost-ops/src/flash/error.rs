//! Why an image is not read, or flash is not written.

use std::{io, path::PathBuf};

use provost_chip::{parts::FlashSize, registers::flash};

use crate::{
    fault::{Failure, Row, faults},
    store,
};

faults! {
    /// Why an operation on user flash stopped.
    pub enum FlashError (fault by told) {
        /// One address for several files.
        #[error("--at {at:#010x} is for one file, and several were given")]
        AtOfSeveral {
            /// The address.
            at: u32,
        } = "flash-at-of-several", Usage {
            causes: ["each file of plain bytes needs an address of its own"],
            next: ["give it behind the file: app.bin@0x08010000; nothing was written"],
        }
        /// An image file cannot be read or written.
        #[error("image {path}: {source}")]
        File {
            /// The file.
            path: PathBuf,
            /// Why.
            source: io::Error,
        } = "flash-file", Failed {
            causes: ["the file is not for this user", "the disk is full, or faulty"],
            next: ["mend it, or name another file, and run the same command again"],
        }
        /// The file is no image of its kind.
        #[error("image {path}: {says}")]
        Image {
            /// The file.
            path: PathBuf,
            /// What is wrong, and where.
            says: String,
        } = "flash-image", Refused {
            causes: ["the file is damaged, cut short, or of another kind than its ending says"],
            next: ["build or export it again; nothing was written"],
        }
        /// A plain binary names no address.
        #[error("image {path} is plain bytes: say with --at where it belongs")]
        AddressNeeded {
            /// The file.
            path: PathBuf,
        } = "flash-address-needed", Usage {
            causes: ["plain bytes do not say where they belong"],
            next: ["say it behind the name: FILE@0x08000000; nothing was written"],
        }
        /// An address for an image that has its own.
        #[error("{path} says itself where it belongs: the address {at:#010x} is not for it")]
        AddressIgnored {
            /// The file.
            path: PathBuf,
            /// The address.
            at: u32,
        } = "flash-address-ignored", Usage {
            causes: ["ELF and Intel HEX hold their addresses; an address beside them would be left unheeded"],
            next: ["leave the address out, or link the image for where it is to go; nothing was written"],
        }
        /// Two parts of an image claim the same byte.
        #[error("two parts of the image claim address {address:#010x}")]
        Overlap {
            /// The address.
            address: u32,
        } = "flash-image-overlap", Refused {
            causes: [
                "two sections are linked to the same place",
                "one is linked to 0x08…, the other to the same place at 0x0C…",
            ],
            next: ["look at the linker script; nothing was written"],
        }
        /// Where the second bank begins is not known.
        #[error("how much flash this {parts} has is not known: its state masks the size, and the line is made in several")]
        SizeUnknown {
            /// The parts it may be, in words.
            parts: String,
        } = "flash-size-unknown", PersonMustAct, [DevIdNotCrypto] {
            causes: ["outside Open a chip need not show its flash size, and where the second bank begins depends on it"],
            next: [
                "name the part as printed on the package, with the letter of its flash size: `--part STM32H563VG`; nothing was written",
            ],
        }
        /// Not user flash of this part.
        #[error("{length:#x} bytes at {address:#010x} are not within the {size} of user flash of this chip")]
        OutsideFlash {
            /// Where.
            address: u32,
            /// How many.
            length: u32,
            /// Size of the flash.
            size: FlashSize,
        } = "flash-outside", Refused {
            causes: ["the image is linked for a larger part or for RAM", "the address is not that of user flash"],
            next: ["user flash begins at 0x08000000, for secure code at 0x0C000000; nothing was written"],
        }
        /// AP1 is shut.
        #[error("AP1 is shut: user flash is not reachable from here")]
        NotReachable = "flash-not-reachable", Refused, [Ap1ClosedStates] {
            causes: ["the chip is closed, or its ROM or secure code runs"],
            next: ["`provost status` says what is open; flash is programmed in Open"],
        }
        /// Secure sectors, and no secure access.
        #[error("{sectors} secure, and this debugger has non-secure access only")]
        SecureSectors {
            /// The sectors, in words.
            sectors: String,
        } = "flash-secure-sectors", Refused, [Ap1Provisioning, SecureAliasReadsZero] {
            causes: ["TrustZone is on and the chip is no longer Open: the secure world keeps these sectors"],
            next: ["program them in Open, before Provisioning; nothing was written"],
        }
        /// Write-protected sectors.
        #[error("{sectors} write-protected (WRPSG): nothing was written")]
        WriteProtected {
            /// The sectors, in words.
            sectors: String,
        } = "flash-write-protected", Refused, [OptionsFrozenWhenClosed] {
            causes: ["a WRPSG bit of these sectors is 0"],
            next: ["in Open, `provost option list` shows the protection (WRPSGn); setting it to all ones takes it off; nothing was written"],
        }
        /// Sectors that are no program memory.
        #[error("{sectors} given to high-cycle data (EDATA): nothing was written")]
        DataSectors {
            /// The sectors, in words.
            sectors: String,
        } = "flash-data-sectors", Refused {
            causes: ["EDATA gives these sectors to high-cycle data"],
            next: ["link the image elsewhere, or set EDATA1_EN or EDATA2_EN to 0; nothing was written"],
        }
        /// The control register does not unlock.
        #[error("the flash control register stays locked (reads {control:#010x})")]
        Locked {
            /// What it reads.
            control: u32,
        } = "flash-locked", Refused {
            causes: ["a wrong key was written earlier, which lasts until the next reset"],
            next: ["reset the chip and run the same command again; nothing was written"],
        }
        /// The controller set an error flag.
        #[error("the flash controller refused {doing} at {address:#010x}: {} (status {status:#010x})", flags(*status))]
        Controller {
            /// What was being done.
            doing: &'static str,
            /// Where.
            address: u32,
            /// Its status register.
            status: u32,
        } = "flash-refused", Failed {
            causes: [
                "firmware that runs meanwhile uses the flash controller too",
                "sectors were hidden (HDP) or made secure (SECBB) by the firmware since reset",
            ],
            next: ["reset the chip and run the same command again: what is in flash now is incomplete"],
        }
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
        } = "flash-mismatch", Failed {
            causes: ["a write was interrupted", "another image is in flash", "the supply sags"],
            next: ["write the image again: `provost flash write FILE`; `provost flash verify FILE` says what is there"],
        }
        /// A place that cannot be read.
        #[error("flash at {address:#010x} cannot be read: the bus faults there, as it does on an uncorrectable ECC error")]
        Unreadable {
            /// Where.
            address: u32,
        } = "flash-unreadable", Failed {
            causes: ["a write or an erase was interrupted there"],
            next: ["erase the sector and program it again"],
        }
        /// The link broke half-way.
        #[error("interrupted while {doing} at {address:#010x}: {source}")]
        Interrupted {
            /// What was being done.
            doing: &'static str,
            /// Where.
            address: u32,
            /// Why.
            source: Failure,
        } = "flash-interrupted", Interrupted {
            causes: ["the link broke half-way: power, cable or probe"],
            next: ["mend it and run the same command again: every sector is erased before it is programmed"],
        }
    }
}

impl FlashError {
    /// The row that speaks for it.
    fn told(&self) -> &'static Row {
        match self {
            Self::File { source, .. } => store::row_of(source, self.row()),
            _ => self.row(),
        }
    }
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
