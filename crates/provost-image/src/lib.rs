#![doc = include_str!("../README.md")]
//! # Parts
//!
//! An image is a header, a body and one or two areas of TLVs, and perhaps the trailer at the end of its slot. mcuboot's `docs/design.md`
//! and `docs/encrypted_images.md` define the format; what ST's roots of trust want of it stands in [`profile`], a table.
//!
//! * [`sign()`]: a body becomes an image; whoever holds the key signs through [`Signer`](provost_adac::key::Signer);
//! * [`Image::parse`]: the structure of an image; nothing is trusted yet;
//! * [`verify()`]: hash, signature, decryption and the rules of the boot loader that will read it;
//! * [`description`]: what ST's descriptions of images ask for;
//! * [`inspect()`]: every byte range by its name.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod bytes;
pub mod description;
mod ecies;
mod error;
pub mod header;
mod image;
mod inspect;
pub mod profile;
mod sign;
pub mod signature;
pub mod tlv;
pub mod trailer;
mod verify;
mod verify_error;

pub use ecies::{ENC_EC256_BYTES, EciesError};
pub use error::{ImageError, ImageRule, SignError};
pub use header::{Flags, HEADER_BYTES, Header, Version};
pub use image::Image;
pub use inspect::{ByteRange, inspect};
pub use profile::Profile;
pub use sign::{KeyFormat, LoadAddress, Padding, SecurityCounter, SignOptions, sign};
pub use tlv::{Dependency, Tlv, TlvType};
pub use verify::{Content, Departure, Verification, Verified, verify};
pub use verify_error::VerifyError;
