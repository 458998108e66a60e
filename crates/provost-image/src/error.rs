//! What is wrong with the structure of an image, or with what it shall become.

use provost_adac::key::{KeyError, SignerError};

use crate::bytes::TLV_HEADER_BYTES;
use crate::header::HEADER_BYTES;

/// The structure of an image is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {rule}")]
#[non_exhaustive]
pub struct ImageError {
    /// Where the rule is broken, bytes from the start of the image.
    pub offset: usize,
    /// The rule.
    pub rule: ImageRule,
}

/// A rule of the structure of images (mcuboot `docs/design.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageRule {
    /// An image starts with its header.
    #[error("a header of {HEADER_BYTES} bytes is due, got {have}")]
    NoHeader {
        /// How many bytes the file has.
        have: usize,
    },
    /// The magic is one of those in the table of profiles.
    #[error("{found:#010x} is the magic of no image known here")]
    Magic {
        /// What stands where the magic is due.
        found: u32,
    },
    /// The header field holds the header.
    #[error("the header size must be at least {HEADER_BYTES}, is {found}")]
    HeaderSize {
        /// The size in the header.
        found: u16,
    },
    /// Header, body and the first area of TLVs are in the file.
    #[error("header and body take {need} bytes and TLVs must follow, got {have}")]
    BodyTooLong {
        /// Bytes of header and body.
        need: u64,
        /// How many bytes the file has.
        have: usize,
    },
    /// A header that announces protected TLVs is followed by them, and only such a header is.
    #[error("the header announces {announced} bytes of protected TLVs, the area here has {found}")]
    ProtectedSize {
        /// The size in the header.
        announced: u16,
        /// The size of the area, 0 if there is none.
        found: usize,
    },
    /// An area of TLVs starts with its magic.
    #[error("the magic 0x6907 of the TLV area is due, got {found:#06x}")]
    TlvMagic {
        /// What stands where the magic is due.
        found: u16,
    },
    /// An area of TLVs is as long as it says, its own header included.
    #[error("a TLV area of {announced} bytes is announced, at least {TLV_HEADER_BYTES} are due, {have} are left")]
    TlvArea {
        /// The length in the area's header.
        announced: usize,
        /// Bytes left in the file.
        have: usize,
    },
    /// A TLV ends within its area.
    #[error("a TLV of {need} bytes does not fit: {have} bytes of its area are left")]
    TlvOverrun {
        /// Bytes of the TLV.
        need: usize,
        /// How many bytes of the area are left.
        have: usize,
    },
}

provost_codes::codes!(ImageError, self => self.rule, {
    ImageRule::NoHeader { .. } => "image-no-header",
    ImageRule::Magic { .. } => "image-magic",
    ImageRule::HeaderSize { .. } => "image-header-size",
    ImageRule::BodyTooLong { .. } => "image-body-too-long",
    ImageRule::ProtectedSize { .. } => "image-protected-size",
    ImageRule::TlvMagic { .. } => "image-tlv-magic",
    ImageRule::TlvArea { .. } => "image-tlv-area",
    ImageRule::TlvOverrun { .. } => "image-tlv-overrun",
});

impl ImageError {
    /// How to go on.
    pub const fn fix(&self) -> &'static str {
        match self.rule {
            ImageRule::NoHeader { .. } | ImageRule::Magic { .. } => {
                "give the signed image as a binary file, starting with its header; a plain binary has to be signed first"
            }
            ImageRule::BodyTooLong { .. } | ImageRule::TlvArea { .. } => {
                "the file is cut off: take it from its source again"
            }
            _ => "the file is damaged, or no image: take it from its source again or sign the plain binary anew",
        }
    }
}

/// An image cannot be made as asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The header field is too short, or breaks the alignment of the vector table.
    #[error("a header of {header_size} bytes: at least {HEADER_BYTES} are due, in steps of 4")]
    HeaderSize {
        /// The size asked for.
        header_size: u16,
    },
    /// The body was said to have room for the header, and has not.
    #[error("byte {offset}: room for a header of {header_size} bytes is due, all zero")]
    NoRoom {
        /// The first byte that is not zero, or the end of the body.
        offset: usize,
        /// The size of the header.
        header_size: u16,
    },
    /// Nothing to sign.
    #[error("the body is empty")]
    Empty,
    /// 32 bits cannot hold the size.
    #[error("a body of {have} bytes: images have at most 4 GiB")]
    TooLong {
        /// Bytes of the body.
        have: usize,
    },
    /// Too many TLVs.
    #[error("the TLVs take more than 65535 bytes")]
    TooManyTlvs,
    /// The write alignment is none of mcuboot's.
    #[error("a write alignment of {align}: 1, 2, 4, 8, 16 or 32 is due")]
    Align {
        /// The alignment asked for.
        align: u8,
    },
    /// A slot's size is due to fill or pad it.
    #[error("the size of the slot is due, as {why}")]
    NoSlotSize {
        /// What needs it.
        why: &'static str,
    },
    /// The image and its trailer are longer than the slot.
    #[error("image and trailer take {need} bytes, the slot has {slot_size}")]
    SlotTooSmall {
        /// Bytes of image and trailer.
        need: usize,
        /// Bytes of the slot.
        slot_size: u32,
    },
    /// The boot loader wants a signature, and nobody signs.
    #[error("images of {profile} are signed: a key is due")]
    NoSigner {
        /// The profile's name.
        profile: &'static str,
    },
    /// The boot loader takes no signed image here.
    #[error("images of {profile} are not {what}: what carries them protects them")]
    NotSigned {
        /// The profile's name.
        profile: &'static str,
        /// What was asked for.
        what: &'static str,
    },
    /// The boot loader wants a security counter.
    #[error("images of {profile} have a security counter")]
    NoSecurityCounter {
        /// The profile's name.
        profile: &'static str,
    },
    /// A clear image for encryption later needs the key.
    #[error("a clear image that can be encrypted later needs the encryption key, too")]
    ClearWithoutKey,
    /// With one slot, an image is encrypted where it runs from, or not at all.
    #[error("images of {profile} cannot be clear now and encrypted later: there is one slot")]
    ClearInOneSlot {
        /// The profile's name.
        profile: &'static str,
    },
    /// The key holder failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The key holder returned something else than its signature.
    #[error("the signature does not verify with the signer's own public key")]
    BadSigner,
    /// One of 256 signatures has a number below 32 bytes, which ST's tool never gives to STiRoT.
    #[error("the signature came out shorter than STiRoT is used to")]
    ShortSignature,
    /// A key cannot be used, or there is no randomness for a new one.
    #[error(transparent)]
    Key(#[from] KeyError),
}

provost_codes::codes!(SignError, self => self, {
    Self::HeaderSize { .. } => "image-header-size",
    Self::NoRoom { .. } => "image-no-room",
    Self::Empty => "image-empty",
    Self::TooLong { .. } => "image-too-long",
    Self::TooManyTlvs => "image-too-many-tlvs",
    Self::Align { .. } => "image-align",
    Self::NoSlotSize { .. } => "image-no-slot-size",
    Self::SlotTooSmall { .. } => "image-slot-too-small",
    Self::NoSigner { .. } => "image-no-signer",
    Self::NotSigned { .. } => "image-not-signed",
    Self::NoSecurityCounter { .. } => "image-no-security-counter",
    Self::ClearWithoutKey => "image-clear-without-key",
    Self::ClearInOneSlot { .. } => "image-clear-in-one-slot",
    Self::BadSigner => "image-bad-signer",
    Self::ShortSignature => "image-short-signature",
    ;
    Self::Signer(error) => error.code(),
    Self::Key(error) => error.code(),
});

impl SignError {
    /// How to go on.
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::HeaderSize { .. } => {
                "take the header size of the profile; the firmware's linker script must agree with it"
            }
            Self::NoRoom { .. } => {
                "let the header be put in front of the binary, or link the binary behind room for it"
            }
            Self::Empty | Self::TooLong { .. } => "give the plain binary of the firmware or the data",
            Self::TooManyTlvs => "leave out dependencies",
            Self::Align { .. } => "take that of the profile: 16 on STM32H5, whose flash is written by quad-words",
            Self::NoSlotSize { .. } => "give the size of the slot, as in the flash layout of the boot loader",
            Self::SlotTooSmall { .. } => {
                "make the firmware smaller, or the slot larger in the flash layout and in the boot loader's settings"
            }
            Self::NoSigner { .. } => "give the private key whose public key the chip is provisioned with",
            Self::NotSigned { .. } => "leave the key out, or take the profile of a slot in flash",
            Self::NoSecurityCounter { .. } => "let it be made from the version",
            Self::ClearWithoutKey => "give the public encryption key, or ask for an image that is never encrypted",
            Self::ClearInOneSlot { .. } => "ask for an encrypted image, or leave the encryption key out",
            Self::Signer(_) => "see to the token or the key file",
            Self::BadSigner => "the token holds another private key than its public key says: check its contents",
            Self::ShortSignature => "raise the build number of the version (behind the +) by one, and sign again",
            Self::Key(_) => "give a P-256 key",
        }
    }
}
