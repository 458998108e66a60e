//! The structure of an image.

use crate::bytes::le32;
use crate::error::{ImageError, ImageRule};
use crate::header::{HEADER_BYTES, Header, at};
use crate::profile;
use crate::tlv::{self, PROTECTED_TLV_INFO_MAGIC, TLV_HEADER_BYTES, TLV_INFO_MAGIC, Tlv, TlvType};

/// An image whose structure is sound. Nothing in it is trusted yet: see [`crate::verify()`].
#[derive(Clone, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    header: Header,
    tlvs: Vec<Tlv<'a>>,
    /// Where the first area of TLVs starts, protected or not.
    body_end: usize,
    /// Where the unprotected area starts: hash and signature cover what is before.
    covered: usize,
    /// Where the TLVs end.
    end: usize,
}

impl<'a> Image<'a> {
    /// Reads the structure of an image. Whatever follows the TLVs is [`Image::rest`]: padding and trailer of a slot, or nothing.
    ///
    /// # Errors
    /// The offset and the rule of mcuboot's format that is broken there.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let fail = |offset, rule| Err(ImageError { offset, rule });
        if let Some(found) = le32(bytes, at::MAGIC)
            && !profile::all().iter().any(|profile| profile.magic == found)
        {
            return fail(at::MAGIC, ImageRule::Magic { found });
        }
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return fail(bytes.len(), ImageRule::NoHeader { have: bytes.len() });
        };
        let header = Header::from_bytes(header);
        if usize::from(header.header_size) < HEADER_BYTES {
            return fail(at::HEADER_SIZE, ImageRule::HeaderSize { found: header.header_size });
        }
        let need = u64::from(header.header_size) + u64::from(header.image_size);
        let body_end = usize::try_from(need).ok().filter(|end| bytes.len().saturating_sub(*end) >= TLV_HEADER_BYTES);
        let Some(body_end) = body_end else {
            return fail(at::IMAGE_SIZE, ImageRule::BodyTooLong { need, have: bytes.len() });
        };

        let mut tlvs = Vec::new();
        let mut covered = body_end;
        let (magic, length) = tlv::area(bytes, body_end).unwrap_or_default();
        let found = if magic == PROTECTED_TLV_INFO_MAGIC { length } else { 0 };
        if found != usize::from(header.protected_size) {
            return fail(at::PROTECTED_SIZE, ImageRule::ProtectedSize { announced: header.protected_size, found });
        }
        if magic == PROTECTED_TLV_INFO_MAGIC {
            covered = read_area(bytes, body_end, length, true, &mut tlvs)?;
        }
        let Some((magic, length)) = tlv::area(bytes, covered) else {
            return fail(covered, ImageRule::TlvArea { announced: 0, have: bytes.len() - covered });
        };
        if magic != TLV_INFO_MAGIC {
            return fail(covered, ImageRule::TlvMagic { found: magic });
        }
        let end = read_area(bytes, covered, length, false, &mut tlvs)?;
        Ok(Self { bytes, header, tlvs, body_end, covered, end })
    }

    /// The header, as it stands there.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The whole header field: the header proper and the filler behind it.
    pub fn header_field(&self) -> &'a [u8] {
        &self.bytes[..usize::from(self.header.header_size)]
    }

    /// The body as it stands, perhaps encrypted.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[usize::from(self.header.header_size)..self.body_end]
    }

    /// The protected area with its header, as hash and signature cover it; empty if there is none.
    pub fn protected_area(&self) -> &'a [u8] {
        &self.bytes[self.body_end..self.covered]
    }

    /// Where the unprotected area starts, bytes.
    pub const fn unprotected_offset(&self) -> usize {
        self.covered
    }

    /// All TLVs in their order, the protected ones first.
    pub fn tlvs(&self) -> &[Tlv<'a>] {
        &self.tlvs
    }

    /// The first TLV of a type.
    pub fn find(&self, tlv_type: TlvType) -> Option<&Tlv<'a>> {
        self.tlvs.iter().find(|tlv| tlv.tlv_type == tlv_type)
    }

    /// Where the TLVs end: bytes that the image proper takes.
    pub const fn end(&self) -> usize {
        self.end
    }

    /// What follows the TLVs: padding and trailer of the slot.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.end..]
    }

    /// The whole file, what follows the TLVs included.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Reads the area at `offset`, and says where it ends.
fn read_area<'a>(
    bytes: &'a [u8],
    offset: usize,
    length: usize,
    protected: bool,
    tlvs: &mut Vec<Tlv<'a>>,
) -> Result<usize, ImageError> {
    let have = bytes.len() - offset;
    if length < TLV_HEADER_BYTES || length > have {
        return Err(ImageError { offset: offset + 2, rule: ImageRule::TlvArea { announced: length, have } });
    }
    tlv::read(bytes, offset + TLV_HEADER_BYTES, offset + length, protected, tlvs)?;
    Ok(offset + length)
}
