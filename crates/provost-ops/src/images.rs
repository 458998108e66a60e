//! Firmware images for the roots of trust: signed, verified and shown. A chip with STiRoT and no image that it takes is a dead chip.

use std::path::Path;

use provost_adac::key::{PrivateKey, PublicKey, Signer};
use provost_image::{Image, Verification, profile};
pub use provost_image::{SecurityCounter, SignOptions, Version, profile::Profile};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    credential::hex,
    error::{Failure, Result},
    objects::ObjectError,
    show::{LARGEST_FILE, Section, Sheet},
    store::{FilePath, NewFile, files},
};

/// What an image was found to be.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VerifiedImage {
    /// The file.
    pub file: FilePath,
    /// What reads it.
    #[schemars(length(min = 1))]
    pub profile: &'static str,
    /// Its version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Its security counter.
    pub security_counter: Option<u32>,
    /// SHA-256 over header, plain body and protected TLVs.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub hash: String,
    /// SHA-256 of the `X ‖ Y` of the key that signed it.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub signed_by: Option<String>,
    /// How the body stands in it.
    #[schemars(extend("enum" = ["plain", "clear", "encrypted"]))]
    pub content: &'static str,
    /// Bytes of the plain body.
    pub body: usize,
    /// What ST's tool would have made otherwise.
    #[schemars(inner(length(min = 1)))]
    pub departures: Vec<String>,
}

fn failed(path: &Path, code: &'static str, says: impl ToString, fix: &'static str) -> Failure {
    ObjectError::Image { path: path.to_owned(), code, says: says.to_string(), fix }.into()
}

/// Every kind of image that is known.
pub fn profiles() -> impl Iterator<Item = &'static Profile> {
    profile::all().iter()
}

/// Makes an image of a binary file. Nothing is on the disk yet.
///
/// # Errors
/// The file cannot be read; the options make no sense; whoever holds the key does not sign.
pub fn sign(body: &Path, out: &Path, options: &SignOptions, signer: Option<&dyn Signer>) -> Result<NewFile> {
    let bytes = files::read(body, LARGEST_FILE)?;
    let image = provost_image::sign(&bytes, options, signer).map_err(|e| failed(body, e.code(), &e, e.fix()))?;
    Ok(NewFile::public(out, image))
}

/// Does what the boot loader does before it takes an image. Without a profile, every one that has this magic is tried.
///
/// # Errors
/// The first reason for which the boot loader would refuse it.
pub fn verify(
    path: &Path,
    profile: Option<&'static Profile>,
    trusted: &[PublicKey],
    decryption: Option<&PrivateKey>,
    slot_size: Option<u32>,
) -> Result<VerifiedImage> {
    let bytes = files::read(path, LARGEST_FILE)?;
    let image = Image::parse(&bytes).map_err(|e| failed(path, e.code(), e, e.fix()))?;
    let header = image.header();
    let candidates: Vec<&'static Profile> = match profile {
        Some(profile) => vec![profile],
        None => Profile::matching(header.magic, header.header_size).collect(),
    };
    let mut first = None;
    for profile in candidates {
        let mut against = Verification::of(profile).trust(trusted);
        if let Some(key) = decryption {
            against = against.decrypt_with(key);
        }
        if let Some(size) = slot_size {
            against = against.slot_size(size);
        }
        match provost_image::verify(&image, &against) {
            Ok(found) => return Ok(report(path, &found)),
            Err(error) => {
                first.get_or_insert(failed(path, error.code(), &error, error.fix()));
            }
        }
    }
    Err(first.unwrap_or_else(|| {
        failed(path, "image-wrong-kind", format!("no profile has magic {:#010x}", header.magic), "name the profile")
    }))
}

fn report(path: &Path, found: &provost_image::Verified<'_>) -> VerifiedImage {
    use provost_image::Content;
    VerifiedImage {
        file: path.into(),
        profile: found.profile.name,
        version: found.version.to_string(),
        security_counter: found.security_counter,
        hash: hex(&found.hash),
        signed_by: found.signed_by.map(|key| hex(&key.root_hash())),
        content: match found.content {
            Content::Plain => "plain",
            Content::Clear => "clear",
            Content::Encrypted => "encrypted",
        },
        body: found.body().len(),
        departures: found.departures.iter().map(|d| format!("{d:?}")).collect(),
    }
}

/// Names every byte of an image. Nothing is verified.
///
/// # Errors
/// The structure is broken; byte and rule.
pub fn inspect(path: &Path) -> Result<Sheet> {
    let bytes = files::read(path, LARGEST_FILE)?;
    table(&bytes).map_err(|e| failed(path, e.code(), e, e.fix()))
}

/// An image as a table.
pub(crate) fn table(bytes: &[u8]) -> std::result::Result<Sheet, provost_image::ImageError> {
    let ranges = provost_image::inspect(bytes)?;
    let mut sheet = Sheet::new("image", "firmware image (mcuboot)", bytes.len());
    for range in ranges {
        let (part, name) = range.name.split_once('.').unwrap_or(("image", &range.name));
        if sheet.sections.last().is_none_or(|s| s.name != part) {
            sheet.sections.push(Section::new(part));
        }
        if let Some(section) = sheet.sections.last_mut() {
            section.at(range.offset, range.length, name, range.value.clone());
        }
    }
    sheet.notes.push("nothing is verified by this: `provost obk image verify` does".to_owned());
    Ok(sheet)
}
