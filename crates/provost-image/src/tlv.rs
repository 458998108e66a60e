//! The type-length-value records behind the body (mcuboot `docs/design.md`; `bootutil/image.h`).

use core::fmt;

pub use crate::bytes::TLV_HEADER_BYTES;
use crate::bytes::{array, le16, le32};
use crate::error::{ImageError, ImageRule};
use crate::header::Version;

/// Starts the area that hash and signature do not cover.
pub const TLV_INFO_MAGIC: u16 = 0x6907;
/// Starts the area that hash and signature cover.
pub const PROTECTED_TLV_INFO_MAGIC: u16 = 0x6908;

/// The type of a TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "16 bits with a name")]
pub struct TlvType(pub u16);

impl TlvType {
    /// SHA-256 of the SubjectPublicKeyInfo of the signing key.
    pub const KEY_HASH: Self = Self(0x01);
    /// That SubjectPublicKeyInfo itself.
    pub const PUBLIC_KEY: Self = Self(0x02);
    /// SHA-256 of header, plain body and protected TLVs.
    pub const SHA256: Self = Self(0x10);
    /// ECDSA P-256 over the same bytes, in DER.
    pub const ECDSA256: Self = Self(0x22);
    /// The key of the body, wrapped by ECIES on P-256.
    pub const ENC_EC256: Self = Self(0x32);
    /// Another image that must be there, and its least version.
    pub const DEPENDENCY: Self = Self(0x40);
    /// What must not fall below the counter on the chip.
    pub const SECURITY_COUNTER: Self = Self(0x50);
    /// A measured boot record in CBOR; ST fills slots with empty ones.
    pub const BOOT_RECORD: Self = Self(0x60);

    const NAMES: [(u16, &'static str); 27] = [
        (0x01, "key-hash"),
        (0x02, "public-key"),
        (0x10, "sha256"),
        (0x11, "sha384"),
        (0x12, "sha512"),
        (0x20, "rsa2048-pss"),
        (0x21, "ecdsa224"),
        (0x22, "ecdsa256"),
        (0x23, "rsa3072-pss"),
        (0x24, "ed25519"),
        (0x25, "sig-pure"),
        (0x30, "enc-rsa2048"),
        (0x31, "enc-kw"),
        (0x32, "enc-ec256"),
        (0x33, "enc-x25519"),
        (0x34, "enc-x25519-sha512"),
        (0x40, "dependency"),
        (0x50, "security-counter"),
        (0x60, "boot-record"),
        (0x70, "decompressed-size"),
        (0x71, "decompressed-sha"),
        (0x72, "decompressed-signature"),
        (0x73, "compressed-decrypted-size"),
        (0x74, "uuid-vendor"),
        (0x75, "uuid-class"),
        (0x03A0, "st-auth-tag"),
        (0xFFFF, "any"),
    ];

    /// mcuboot's name for it, if it has one.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(value, _)| *value == self.0).map(|(_, name)| *name)
    }
}

impl fmt::Display for TlvType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "tlv-{:#04x}", self.0),
        }
    }
}

/// A TLV in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tlv<'a> {
    /// Where it starts, bytes from the start of the image.
    pub offset: usize,
    /// What kind of record it is.
    pub tlv_type: TlvType,
    /// The bytes behind type and length.
    pub value: &'a [u8],
    /// Whether hash and signature cover it.
    pub protected: bool,
}

impl Tlv<'_> {
    /// Where the value starts, bytes from the start of the image.
    pub const fn value_offset(&self) -> usize {
        self.offset + TLV_HEADER_BYTES
    }
}

/// A dependency: 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the format")]
pub struct Dependency {
    /// Number of the other image.
    pub image: u8,
    /// Its least version.
    pub version: Version,
}

impl Dependency {
    /// Bytes of the value.
    pub const BYTES: usize = 12;

    /// Reads the value of a dependency; the three bytes behind the image's number mean nothing.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self { image: bytes[0], version: Version::from_bytes(&array(bytes, 4).unwrap_or_default()) }
    }

    /// Writes the value of a dependency.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = self.image;
        bytes[4..].copy_from_slice(&self.version.to_bytes());
        bytes
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {} from {}", self.image, self.version)
    }
}

/// A text is no dependency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no dependency: image,major.minor.revision is due, with an image from 0 to 255")]
pub struct DependencyError {
    text: String,
}

impl DependencyError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        "image-dependency"
    }
}

/// Reads `1,1.0.0`, as ST's image XML writes it, and `(1,1.0.0)`, as imgtool does.
impl core::str::FromStr for Dependency {
    type Err = DependencyError;

    fn from_str(text: &str) -> Result<Self, DependencyError> {
        let bare = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
        let parsed = bare.split_once(',').and_then(|(image, version)| {
            Some(Self { image: image.trim().parse().ok()?, version: version.trim().parse().ok()? })
        });
        parsed.ok_or_else(|| DependencyError { text: text.to_owned() })
    }
}

/// The area that starts at `offset`: its magic and its length with the four bytes of its header.
pub(crate) fn area(bytes: &[u8], offset: usize) -> Option<(u16, usize)> {
    Some((le16(bytes, offset)?, usize::from(le16(bytes, offset + 2)?)))
}

/// Reads the TLVs between `start`, the first behind the area's header, and `end`.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    start: usize,
    end: usize,
    protected: bool,
    out: &mut Vec<Tlv<'a>>,
) -> Result<(), ImageError> {
    let mut offset = start;
    while offset < end {
        let overrun = |need| ImageError { offset, rule: ImageRule::TlvOverrun { need, have: end - offset } };
        if end - offset < TLV_HEADER_BYTES {
            return Err(overrun(TLV_HEADER_BYTES));
        }
        let (tlv_type, length) = area(bytes, offset).ok_or_else(|| overrun(TLV_HEADER_BYTES))?;
        let (first, last) = (offset + TLV_HEADER_BYTES, offset + TLV_HEADER_BYTES + length);
        let value = bytes.get(first..last).filter(|_| last <= end).ok_or_else(|| overrun(last - offset))?;
        out.push(Tlv { offset, tlv_type: TlvType(tlv_type), value, protected });
        offset = last;
    }
    Ok(())
}

/// An area of TLVs in the making.
#[derive(Debug)]
pub(crate) struct Area {
    magic: u16,
    records: Vec<u8>,
}

impl Area {
    pub(crate) const fn new(magic: u16) -> Self {
        Self { magic, records: Vec::new() }
    }

    /// Adds a TLV; `false` if the area would grow beyond its 16-bit length.
    #[must_use]
    pub(crate) fn push(&mut self, tlv_type: TlvType, value: &[u8]) -> bool {
        let total = 2 * TLV_HEADER_BYTES + self.records.len() + value.len();
        let (Ok(length), Ok(_)) = (u16::try_from(value.len()), u16::try_from(total)) else { return false };
        self.records.extend_from_slice(&tlv_type.0.to_le_bytes());
        self.records.extend_from_slice(&length.to_le_bytes());
        self.records.extend_from_slice(value);
        true
    }

    /// Bytes of the area with its header; an empty area is not written.
    pub(crate) fn len(&self) -> u16 {
        // `push` keeps the sum within 16 bits.
        if self.records.is_empty() { 0 } else { (TLV_HEADER_BYTES + self.records.len()) as u16 }
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        if !self.records.is_empty() {
            out.extend_from_slice(&self.magic.to_le_bytes());
            out.extend_from_slice(&self.len().to_le_bytes());
            out.extend_from_slice(&self.records);
        }
    }
}

/// The security counter in a TLV's value.
pub(crate) fn counter(value: &[u8]) -> Option<u32> {
    if value.len() == 4 { le32(value, 0) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_as_st_and_imgtool_write_them() {
        let dependency: Dependency = "1,1.2.3".parse().unwrap();
        assert_eq!(dependency, "(1, 1.2.3)".parse().unwrap());
        assert_eq!(dependency.to_bytes(), [1, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0]);
        assert_eq!(Dependency::from_bytes(&dependency.to_bytes()), dependency);
        for wrong in ["", "1", "256,1.0.0", "1,", ",1.0.0", "(1,1.0.0", "1;1.0.0"] {
            assert!(wrong.parse::<Dependency>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_area_stays_within_its_16_bit_length() {
        let mut area = Area::new(TLV_INFO_MAGIC);
        assert_eq!(area.len(), 0);
        assert!(!area.push(TlvType(1), &[0; 0xFFF8]));
        assert!(area.push(TlvType(1), &[0; 0xFFF7]));
        assert_eq!(area.len(), 0xFFFF);
        assert!(!area.push(TlvType(1), &[]));
    }
}
