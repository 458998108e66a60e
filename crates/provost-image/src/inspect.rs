//! Every byte range of an image by its name.

use provost_adac::crypto::sha256;

use crate::bytes::hex;
use crate::ecies::{ENC_EC256_BYTES, MAC_AT, WRAPPED_KEY_AT};
use crate::error::ImageError;
use crate::header::{Flags, HEADER_BYTES, at};
use crate::image::Image;
use crate::profile::Profile;
use crate::signature;
use crate::tlv::{Dependency, TLV_HEADER_BYTES, Tlv, TlvType, counter};
use crate::trailer::{self, MAGIC_BYTES};

/// Bytes of a value that are printed.
const SHOWN: usize = 96;

/// A named range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ByteRange {
    /// First byte, from the start of the image.
    pub offset: usize,
    /// Its length, bytes.
    pub length: usize,
    /// Its name, with a dot between the part of the image and the field.
    pub name: String,
    /// What stands there, for a person.
    pub value: String,
}

/// Names every byte of an image: the ranges are in order, without gaps, and none is empty. Nothing is verified.
///
/// # Errors
/// The structure is broken; offset and rule.
pub fn inspect(bytes: &[u8]) -> Result<Vec<ByteRange>, ImageError> {
    let image = Image::parse(bytes)?;
    let mut ranges = Ranges { bytes, ranges: Vec::new() };
    header(&image, &mut ranges);
    let body = image.body();
    let state = if image.header().flags.contains(Flags::ENCRYPTED_AES128) {
        "encrypted, or clear until it moves"
    } else {
        "clear"
    };
    ranges.push(
        "body",
        body.len(),
        format!("{} bytes, {state}, SHA-256 as it stands {}", body.len(), hex(&sha256(body))),
    );
    for protected in [true, false] {
        area(&image, protected, &mut ranges);
    }
    rest(&image, &mut ranges);
    Ok(ranges.ranges)
}

struct Ranges<'a> {
    bytes: &'a [u8],
    ranges: Vec<ByteRange>,
}

impl Ranges<'_> {
    /// The next bytes; nothing if there are none.
    fn push(&mut self, name: impl Into<String>, length: usize, value: impl Into<String>) {
        let offset = self.ranges.last().map_or(0, |range| range.offset + range.length);
        if length > 0 {
            self.ranges.push(ByteRange { offset, length, name: name.into(), value: value.into() });
        }
    }

    /// The next bytes as they are.
    fn push_hex(&mut self, name: impl Into<String>, length: usize) {
        let offset = self.ranges.last().map_or(0, |range| range.offset + range.length);
        let value = self.bytes.get(offset..offset + length).map(shown).unwrap_or_default();
        self.push(name, length, value);
    }
}

fn shown(bytes: &[u8]) -> String {
    match bytes {
        [first, .., last] if bytes.len() > 4 && first == last && bytes.iter().all(|byte| byte == first) => {
            format!("{} × {first:#04x}", bytes.len())
        }
        _ if bytes.len() > SHOWN => format!("{}…", hex(&bytes[..SHOWN])),
        _ => hex(bytes),
    }
}

fn header(image: &Image<'_>, ranges: &mut Ranges<'_>) {
    let header = image.header();
    let profiles = Profile::matching(header.magic, header.header_size).map(|profile| profile.name).collect::<Vec<_>>();
    let flags = header.flags.names().collect::<Vec<_>>().join(", ");
    let kinds = if profiles.is_empty() { "no profile with this header size".to_owned() } else { profiles.join(", ") };
    ranges.push("header.magic", at::LOAD_ADDRESS - at::MAGIC, format!("{:#010x}: {kinds}", header.magic));
    ranges.push("header.load-address", at::HEADER_SIZE - at::LOAD_ADDRESS, format!("{:#010x}", header.load_address));
    ranges.push("header.header-size", at::PROTECTED_SIZE - at::HEADER_SIZE, format!("{:#x} bytes", header.header_size));
    ranges.push(
        "header.protected-size",
        at::IMAGE_SIZE - at::PROTECTED_SIZE,
        format!("{:#x} bytes", header.protected_size),
    );
    ranges.push("header.image-size", at::FLAGS - at::IMAGE_SIZE, format!("{:#x} bytes", header.image_size));
    ranges.push(
        "header.flags",
        at::VERSION - at::FLAGS,
        format!("{:#x}: {}", header.flags.0, if flags.is_empty() { "none" } else { &flags }),
    );
    ranges.push("header.version", at::PAD - at::VERSION, header.version.to_string());
    ranges.push_hex("header.pad", HEADER_BYTES - at::PAD);
    ranges.push_hex("header.filler", image.header_field().len() - HEADER_BYTES);
}

fn area(image: &Image<'_>, protected: bool, ranges: &mut Ranges<'_>) {
    let prefix = if protected { "protected" } else { "tlv" };
    let length = if protected { image.protected_area().len() } else { image.end() - image.unprotected_offset() };
    ranges.push(
        format!("{prefix}.info"),
        length.min(TLV_HEADER_BYTES),
        format!("{length} bytes of TLVs with this header"),
    );
    for tlv in image.tlvs().iter().filter(|tlv| tlv.protected == protected) {
        let name = format!("{prefix}.{}", tlv.tlv_type);
        ranges.push(
            format!("{name}.head"),
            TLV_HEADER_BYTES,
            format!("type {:#04x}, {} bytes", tlv.tlv_type.0, tlv.value.len()),
        );
        value(&name, tlv, ranges);
    }
}

fn value(name: &str, tlv: &Tlv<'_>, ranges: &mut Ranges<'_>) {
    let length = tlv.value.len();
    match tlv.tlv_type {
        TlvType::SECURITY_COUNTER => match counter(tlv.value) {
            Some(counter) => ranges.push(name, length, format!("{counter:#010x}")),
            None => ranges.push_hex(name, length),
        },
        TlvType::DEPENDENCY => match tlv.value.first_chunk() {
            Some(bytes) if length == Dependency::BYTES => {
                ranges.push(name, length, Dependency::from_bytes(bytes).to_string())
            }
            _ => ranges.push_hex(name, length),
        },
        TlvType::ECDSA256 => match signature::read(tlv.value) {
            Ok((signature, form)) => {
                let (r, s) = signature.split_at(32);
                ranges.push(name, length, format!("{}: r {} s {}", form.code(), hex(r), hex(s)));
            }
            Err(at) => ranges.push(name, length, format!("broken at its byte {at}: {}", shown(tlv.value))),
        },
        TlvType::ENC_EC256 if length == ENC_EC256_BYTES => {
            ranges.push_hex(format!("{name}.ephemeral-key"), MAC_AT);
            ranges.push_hex(format!("{name}.hmac"), WRAPPED_KEY_AT - MAC_AT);
            ranges.push_hex(format!("{name}.wrapped-key"), ENC_EC256_BYTES - WRAPPED_KEY_AT);
        }
        _ => ranges.push_hex(name, length),
    }
}

/// Erased bytes, the note `image_ok`, erased bytes, the magic; or something else, in one piece.
fn rest(image: &Image<'_>, ranges: &mut Ranges<'_>) {
    let rest = image.rest();
    let Some(at) = rest.len().checked_sub(MAGIC_BYTES).filter(|at| trailer::is_magic(&rest[*at..])) else {
        ranges.push_hex("rest", rest.len());
        return;
    };
    let gap = &rest[..at];
    let places = [8, 16, 32].map(|align| rest.len().checked_sub(trailer::image_ok_from_end(align)));
    let note = places.into_iter().flatten().find(|place| gap.get(*place) == Some(&trailer::IMAGE_OK));
    match note {
        Some(note) => {
            ranges.push_hex("rest", note);
            ranges.push("trailer.image-ok", 1, "confirmed");
            ranges.push_hex("trailer", at - note - 1);
        }
        None => ranges.push_hex("rest", at),
    }
    ranges.push_hex("trailer.magic", MAGIC_BYTES);
}
