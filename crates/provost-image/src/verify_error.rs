//! Why a boot loader would not take an image.

use crate::bytes::hex;
use crate::ecies::EciesError;
use crate::header::at;
use crate::tlv::TlvType;

/// An image is not what it should be: a chip would refuse it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Another kind of image is due.
    #[error("byte 0: the magic of {profile} is {expected:#010x}, got {found:#010x}")]
    Magic {
        /// The profile's name.
        profile: &'static str,
        /// The magic of the profile.
        expected: u32,
        /// The magic in the header.
        found: u32,
    },
    /// The boot loader reads the body at another place.
    #[error("byte 8: the header size of {profile} is {expected:#x}, got {found:#x}")]
    HeaderSize {
        /// The profile's name.
        profile: &'static str,
        /// The header size of the profile.
        expected: u16,
        /// The header size in the image.
        found: u16,
    },
    /// Parts with one slot have images of their own.
    #[error("byte 16: images of {profile} are {}flagged primary-only", if *.expected { "" } else { "not " })]
    PrimaryOnly {
        /// The profile's name.
        profile: &'static str,
        /// Whether they are.
        expected: bool,
    },
    /// A TLV is missing.
    #[error("byte {offset}: a TLV {tlv} is due")]
    Missing {
        /// Where the TLVs end.
        offset: usize,
        /// What is missing.
        tlv: TlvType,
    },
    /// A TLV has a wrong length.
    #[error("byte {offset}: a {tlv} of {expected} bytes is due, got {have}")]
    Length {
        /// Where the TLV starts.
        offset: usize,
        /// The TLV.
        tlv: TlvType,
        /// How many bytes this type of TLV has.
        expected: usize,
        /// How many bytes it has here.
        have: usize,
    },
    /// A TLV stands outside the area that the signature covers, or inside it, where the boot loader does not take it.
    #[error("byte {offset}: {tlv} must be {} the protected area", if *.inside { "inside" } else { "outside" })]
    Place {
        /// Where the TLV starts.
        offset: usize,
        /// The TLV.
        tlv: TlvType,
        /// Where it must be.
        inside: bool,
    },
    /// ST's boot loaders refuse TLVs that they do not expect, as such could carry code.
    #[error("byte {offset}: the boot loader of {profile} takes no {tlv} here")]
    Unexpected {
        /// Where the TLV starts.
        offset: usize,
        /// The TLV.
        tlv: TlvType,
        /// The profile's name.
        profile: &'static str,
    },
    /// The body is encrypted, or damaged: without the private key the two cannot be told apart.
    #[error("byte {offset}: the hash does not fit the body as it stands, which may be encrypted")]
    NeedsKey {
        /// Where the hash is.
        offset: usize,
    },
    /// The key of the body cannot be opened.
    #[error("byte {offset}: {source}")]
    Decryption {
        /// Where the wrapped key is.
        offset: usize,
        /// Where unwrapping failed.
        source: EciesError,
    },
    /// The hash is wrong.
    #[error("byte {offset}: the hash is not that of header, body and protected TLVs")]
    Hash {
        /// Where the hash is.
        offset: usize,
    },
    /// The signature is by a key that is not trusted.
    #[error("byte {offset}: signed by a key that is not trusted, with the hash {}", hex(.key_hash))]
    UnknownKey {
        /// Where the hash of the key is.
        offset: usize,
        /// SHA-256 of its SubjectPublicKeyInfo.
        key_hash: [u8; 32],
    },
    /// The bytes are no signature.
    #[error("byte {offset}: not an ECDSA P-256 signature in DER")]
    SignatureForm {
        /// The first byte that does not fit.
        offset: usize,
    },
    /// The signature is wrong.
    #[error("byte {offset}: the signature does not verify")]
    Signature {
        /// Where the signature is.
        offset: usize,
    },
    /// There is a signature, and no key to check it with.
    #[error("byte {offset}: the image is signed, and no trusted key is given")]
    NoTrustedKey {
        /// Where the signature is.
        offset: usize,
    },
    /// The image and its trailer are longer than the slot.
    #[error("image and trailer take {need} bytes, the slot has {slot_size}")]
    SlotTooSmall {
        /// Bytes of image and trailer.
        need: usize,
        /// Bytes of the slot.
        slot_size: u32,
    },
    /// ST's boot loaders want the rest of the slot erased.
    #[error("byte {offset}: between the TLVs and the trailer every byte must be 0xff")]
    Rest {
        /// The first byte that is not.
        offset: usize,
    },
}

provost_codes::codes!(VerifyError, self => self, {
    Self::Magic { .. } => "image-wrong-kind",
    Self::HeaderSize { .. } => "image-wrong-header-size",
    Self::PrimaryOnly { .. } => "image-primary-only",
    Self::Missing { .. } => "image-tlv-missing",
    Self::Length { .. } => "image-tlv-length",
    Self::Place { .. } => "image-tlv-place",
    Self::Unexpected { .. } => "image-tlv-unexpected",
    Self::NeedsKey { .. } => "image-needs-key",
    Self::Decryption { .. } => "image-decryption",
    Self::Hash { .. } => "image-hash",
    Self::UnknownKey { .. } => "image-unknown-key",
    Self::SignatureForm { .. } => "image-signature-form",
    Self::Signature { .. } => "image-signature",
    Self::NoTrustedKey { .. } => "image-no-trusted-key",
    Self::SlotTooSmall { .. } => "image-slot-too-small",
    Self::Rest { .. } => "image-rest-not-erased",
});

impl VerifyError {
    /// Where in the image, if a byte of it is to blame.
    pub const fn offset(&self) -> Option<usize> {
        match *self {
            Self::Magic { .. } => Some(at::MAGIC),
            Self::HeaderSize { .. } => Some(at::HEADER_SIZE),
            Self::PrimaryOnly { .. } => Some(at::FLAGS),
            Self::SlotTooSmall { .. } => None,
            Self::Missing { offset, .. }
            | Self::Length { offset, .. }
            | Self::Place { offset, .. }
            | Self::Unexpected { offset, .. }
            | Self::NeedsKey { offset }
            | Self::Decryption { offset, .. }
            | Self::Hash { offset }
            | Self::UnknownKey { offset, .. }
            | Self::SignatureForm { offset }
            | Self::Signature { offset }
            | Self::NoTrustedKey { offset }
            | Self::Rest { offset } => Some(offset),
        }
    }

    /// How to go on.
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::Magic { .. } | Self::HeaderSize { .. } | Self::PrimaryOnly { .. } => {
                "check with the profile it was signed for, or sign the plain binary for this one"
            }
            Self::Missing { .. }
            | Self::Length { .. }
            | Self::Place { .. }
            | Self::Unexpected { .. }
            | Self::SignatureForm { .. } => "sign the plain binary anew with this tool or ST's",
            Self::NeedsKey { .. } => "give the private encryption key; if the image shall be clear, it is damaged",
            Self::Decryption { .. } => "give the private key whose public key the image was encrypted for",
            Self::Hash { .. } | Self::Signature { .. } => {
                "the image was changed after it was signed: take it from its source again"
            }
            Self::UnknownKey { .. } => {
                "sign with the key that the chip is provisioned with, or trust the key of this image"
            }
            Self::NoTrustedKey { .. } => "give the public authentication key that the chip is provisioned with",
            Self::SlotTooSmall { .. } => "make the firmware smaller, or the slot larger in the flash layout",
            Self::Rest { .. } => "sign the plain binary anew with padding of the slot, and nothing else behind it",
        }
    }
}
