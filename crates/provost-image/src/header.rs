//! The 32 bytes in front of every image (mcuboot `docs/design.md`, "Image format").

use core::fmt;
use core::str::FromStr;

use crate::bytes::{array, le16, le32};

/// Bytes of the header proper; the header field may be longer, so that a vector table behind it is aligned.
pub const HEADER_BYTES: usize = 32;

/// Where the fields of the header stand, bytes.
pub(crate) mod at {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const LOAD_ADDRESS: usize = 4;
    pub(crate) const HEADER_SIZE: usize = 8;
    pub(crate) const PROTECTED_SIZE: usize = 10;
    pub(crate) const IMAGE_SIZE: usize = 12;
    pub(crate) const FLAGS: usize = 16;
    pub(crate) const VERSION: usize = 20;
    pub(crate) const PAD: usize = 28;
}

/// The header of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Tells the kind of image: [`crate::profile`] lists the numbers.
    pub magic: u32,
    /// Where the image is to be loaded, or has been linked for; 0 if that is left open.
    pub load_address: u32,
    /// Bytes in front of the body.
    pub header_size: u16,
    /// Bytes of the protected TLV area with its own header; 0 if there is none.
    pub protected_size: u16,
    /// Bytes of the body.
    pub image_size: u32,
    /// What kind of body it is.
    pub flags: Flags,
    /// The version of the firmware or data.
    pub version: Version,
}

impl Header {
    /// Reads a header. All bit patterns have a meaning; whether they fit the file is up to [`crate::Image::parse`].
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Self {
        let word = |offset| le32(bytes, offset).unwrap_or_default();
        let half = |offset| le16(bytes, offset).unwrap_or_default();
        Self {
            magic: word(at::MAGIC),
            load_address: word(at::LOAD_ADDRESS),
            header_size: half(at::HEADER_SIZE),
            protected_size: half(at::PROTECTED_SIZE),
            image_size: word(at::IMAGE_SIZE),
            flags: Flags(word(at::FLAGS)),
            version: Version::from_bytes(&array(bytes, at::VERSION).unwrap_or_default()),
        }
    }

    /// Writes a header. The last four bytes are zero.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |offset: usize, field: &[u8]| bytes[offset..offset + field.len()].copy_from_slice(field);
        put(at::MAGIC, &self.magic.to_le_bytes());
        put(at::LOAD_ADDRESS, &self.load_address.to_le_bytes());
        put(at::HEADER_SIZE, &self.header_size.to_le_bytes());
        put(at::PROTECTED_SIZE, &self.protected_size.to_le_bytes());
        put(at::IMAGE_SIZE, &self.image_size.to_le_bytes());
        put(at::FLAGS, &self.flags.0.to_le_bytes());
        put(at::VERSION, &self.version.to_bytes());
        bytes
    }
}

/// The flags of a header: mcuboot `bootutil/image.h`, with ST's additions (stm32-mw-mcuboot v1.7.2.39).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "32 bits with a name")]
pub struct Flags(pub u32);

impl Flags {
    /// Hash and signature are made as if [`Self::ENCRYPTED_AES128`] was not set (ST, for parts with one slot).
    pub const PRIMARY_ONLY: Self = Self(0x2);
    /// The body is encrypted, or will be when it moves to the slot for updates.
    pub const ENCRYPTED_AES128: Self = Self(0x4);
    /// The image is not to be booted by itself.
    pub const NON_BOOTABLE: Self = Self(0x10);
    /// The image is to be copied to its load address.
    pub const RAM_LOAD: Self = Self(0x20);
    /// The load address is that of the slot the image was linked for.
    pub const ROM_FIXED: Self = Self(0x100);

    /// Every flag with a name. 0x8 means AES-256 to mcuboot and OTFDEC to ST.
    const NAMES: [(u32, &'static str); 13] = [
        (0x1, "pic"),
        (0x2, "primary-only"),
        (0x4, "encrypted-aes128"),
        (0x8, "encrypted-aes256 or otfdec"),
        (0x10, "non-bootable"),
        (0x20, "ram-load"),
        (0x100, "rom-fixed"),
        (0x200, "compressed-lzma1"),
        (0x400, "compressed-lzma2"),
        (0x800, "compressed-arm-thumb"),
        (0x2000_0000, "st-encrypted-aes256"),
        (0x4000_0000, "st-chip-specific"),
        (0x8000_0000, "st-licence-file"),
    ];

    /// True if all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names of the flags that are set; unknown ones are one number.
    pub fn names(self) -> impl Iterator<Item = String> {
        let known = Self::NAMES.iter().fold(0, |bits, (bit, _)| bits | bit);
        let rest = self.0 & !known;
        let named = Self::NAMES.iter().filter(move |(bit, _)| bit & self.0 != 0).map(|(_, name)| (*name).to_owned());
        named.chain((rest != 0).then(|| format!("{rest:#x}")))
    }
}

/// A version: 8, 8, 16 and 32 bits. Compared in that order; mcuboot leaves the build number out unless it is told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a record of the format")]
pub struct Version {
    /// The first number: in `1.2.3+4` the 1.
    pub major: u8,
    /// The second: the 2.
    pub minor: u8,
    /// The third: the 3.
    pub revision: u16,
    /// Behind the plus: the 4.
    pub build: u32,
}

impl Version {
    /// Reads the eight bytes of a version.
    pub const fn from_bytes(bytes: &[u8; 8]) -> Self {
        let [major, minor, r0, r1, b0, b1, b2, b3] = *bytes;
        Self { major, minor, revision: u16::from_le_bytes([r0, r1]), build: u32::from_le_bytes([b0, b1, b2, b3]) }
    }

    /// Writes the eight bytes of a version.
    pub const fn to_bytes(self) -> [u8; 8] {
        let ([r0, r1], [b0, b1, b2, b3]) = (self.revision.to_le_bytes(), self.build.to_le_bytes());
        [self.major, self.minor, r0, r1, b0, b1, b2, b3]
    }

    /// The security counter that imgtool makes of a version with `-s auto`: `major << 24 | minor << 16 | revision`.
    pub const fn security_counter(self) -> u32 {
        (self.major as u32) << 24 | (self.minor as u32) << 16 | self.revision as u32
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}+{}", self.major, self.minor, self.revision, self.build)
    }
}

/// A text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no version: major.minor.revision+build is due, at most 255.255.65535+4294967295, later parts may be left out"
)]
pub struct VersionError {
    text: String,
}

impl VersionError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        "image-version"
    }
}

/// Reads `1.2.3+4`; later parts may be left out, as imgtool allows.
impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        parse(text).ok_or_else(|| VersionError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Version> {
    /// Digits only, without leading zeros: as strict as imgtool.
    fn number<T: FromStr>(text: &str) -> Option<T> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        plain.then(|| text.parse().ok())?
    }
    let (numbers, build) = match text.split_once('+') {
        Some((numbers, build)) => (numbers, Some(number(build)?)),
        None => (text, None),
    };
    let mut parts = numbers.split('.');
    let mut version = Version { major: number(parts.next()?)?, ..Version::default() };
    match (parts.next(), parts.next(), parts.next(), build) {
        (None, None, None, None) => {}
        (Some(minor), None, None, None) => version.minor = number(minor)?,
        (Some(minor), Some(revision), None, build) => {
            version.minor = number(minor)?;
            version.revision = number(revision)?;
            version.build = build.unwrap_or_default();
        }
        _ => return None,
    }
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_its_fields_where_mcuboot_has_them() {
        // struct image_header of mcuboot's docs/design.md, all fields different.
        let bytes: [u8; 32] = core::array::from_fn(|i| if i < 28 { i as u8 + 1 } else { 0 });
        let header = Header::from_bytes(&bytes);
        assert_eq!(header.magic, 0x0403_0201);
        assert_eq!(header.load_address, 0x0807_0605);
        assert_eq!((header.header_size, header.protected_size), (0x0A09, 0x0C0B));
        assert_eq!((header.image_size, header.flags), (0x100F_0E0D, Flags(0x1413_1211)));
        assert_eq!(header.version, Version { major: 0x15, minor: 0x16, revision: 0x1817, build: 0x1C1B_1A19 });
        assert_eq!(header.to_bytes(), bytes);
    }

    #[test]
    fn versions_are_read_as_imgtool_reads_them() {
        let read = |text: &str| text.parse::<Version>().ok().map(|v| (v.major, v.minor, v.revision, v.build));
        assert_eq!(read("1"), Some((1, 0, 0, 0)));
        assert_eq!(read("1.2"), Some((1, 2, 0, 0)));
        assert_eq!(read("1.2.3"), Some((1, 2, 3, 0)));
        assert_eq!(read("255.255.65535+4294967295"), Some((255, 255, 65535, u32::MAX)));
        for wrong in
            ["", "1.", "v1", "01", "1.02", "1+2", "1.2+3", "1.2.3.4", "256", "1.2.65536", "1.2.3+", "-1", "+1", " 1"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!("1.2.3+4".parse::<Version>().unwrap().to_string(), "1.2.3+4");
        assert_eq!("1.2.3+4".parse::<Version>().unwrap().security_counter(), 0x0102_0003);
    }

    #[test]
    fn flags_have_names() {
        assert_eq!(
            Flags(0x0100_0106).names().collect::<Vec<_>>(),
            ["primary-only", "encrypted-aes128", "rom-fixed", "0x1000000"]
        );
    }
}
