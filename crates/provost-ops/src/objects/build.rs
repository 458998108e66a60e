//! Building an object from ST's XML or from our TOML, and an image from ST's XML.

use std::{
    io,
    path::{Path, PathBuf},
};

use provost_chip::parts::PartId;
use provost_obk::{
    checks::{self, Finding, Target},
    config,
    object::recognise,
    xml::{self, Product},
};

use super::ObjectError;
use crate::{
    error::Result,
    flash::image::to_hex,
    store::{NewFile, files},
};

/// No flash is larger.
const LARGEST_INPUT: u64 = 4 << 20;
const LARGEST_DESCRIPTION: u64 = 256 << 10;

/// What was built. Nothing is on the disk yet.
#[derive(Debug)]
pub struct Built {
    /// The file to write: for its owner only, if a secret is in it or could be guessed from it.
    pub file: NewFile,
    /// What it is.
    pub kind: String,
    /// Whether it is an image, which no part speaks against.
    pub is_image: bool,
    /// What speaks against writing it to this part, if one was named.
    pub findings: Vec<Finding>,
}

/// Builds what a description says. Without `out` the file goes where the XML says (`Output`), or beside the description.
///
/// # Errors
/// The line and element, or key, that break a rule; a file that the description names cannot be read or is no key.
pub fn build(description: &Path, out: Option<&Path>, part: Option<PartId>) -> Result<Built> {
    let text = files::read(description, LARGEST_DESCRIPTION)?;
    let folder = description.parent().unwrap_or(Path::new(""));
    // Paths count from the description, as ST documents it.
    let neighbours = |path: &str| -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
        Ok(files::read(&folder.join(path), provost_obk::files::MAX_BYTES as u64)?)
    };
    let failed = |code, says: String, fix| ObjectError::Description { path: description.to_owned(), code, says, fix };
    if provost_image::description::is_one(&text) {
        return image(description, out, &text, &neighbours);
    }
    let is_xml = text.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF)) == Some(&b'<');
    let (product, output) = if is_xml {
        let built = xml::build(&text, &neighbours).map_err(|e| failed(e.code(), e.to_string(), e.fix()))?;
        (built.product, built.output)
    } else {
        let text =
            std::str::from_utf8(&text).map_err(|e| failed("config-syntax", e.to_string(), "save it as UTF-8"))?;
        let obk = config::build(text, &neighbours).map_err(|e| failed(e.code(), e.to_string(), e.fix()))?;
        (Product::Object(obk), None)
    };
    let (kind, secret, findings) = match &product {
        Product::Object(obk) => {
            let kind = recognise(obk);
            let secret = kind.layout().fields.iter().any(|f| f.encoding.is_secret());
            let findings = part.map_or_else(Vec::new, |part| checks::object(obk, &Target::new(part)));
            (kind.to_string(), secret, findings)
        }
        // Nobody knows what is in it: it may be keys.
        Product::Bare(_) => ("bare".to_owned(), true, Vec::new()),
    };
    let ending = if matches!(product, Product::Bare(_)) { "bin" } else { "obk" };
    let path: PathBuf = match (out, output) {
        (Some(out), _) => out.to_owned(),
        (None, Some(output)) => folder.join(output),
        (None, None) => description.with_extension(ending),
    };
    let bytes = product.to_bytes();
    let file = if secret { NewFile::secret(path, &*bytes) } else { NewFile::public(path, &*bytes) };
    Ok(Built { file, kind, is_image: false, findings })
}

/// Builds what ST's description of an image says.
fn image(
    description: &Path,
    out: Option<&Path>,
    text: &[u8],
    neighbours: &dyn Fn(&str) -> io::Result<zeroize::Zeroizing<Vec<u8>>>,
) -> Result<Built> {
    let folder = description.parent().unwrap_or(Path::new(""));
    let failed = |code, says: String, fix| ObjectError::Description { path: description.to_owned(), code, says, fix };
    let asked = provost_image::description::read(text, neighbours)
        .map_err(|error| failed(error.code(), error.to_string(), error.fix()))?;
    let body = files::read(&folder.join(&asked.input), LARGEST_INPUT)?;
    let signer = asked.key.as_ref().map(|key| key as &dyn provost_adac::key::Signer);
    let bytes = provost_image::sign(&body, &asked.options, signer)
        .map_err(|error| failed(error.code(), error.to_string(), error.fix()))?;
    let path: PathBuf = match (out, &asked.output) {
        (Some(out), _) => out.to_owned(),
        (None, Some(output)) => folder.join(output),
        (None, None) => description.with_extension("bin"),
    };
    let is_hex = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("hex"));
    let bytes = if is_hex {
        let says =
            || failed("image-description", "a .hex file is due, and no address (-x)".to_owned(), "name an address");
        to_hex(asked.address.ok_or_else(says)?, &bytes).into_bytes()
    } else {
        bytes
    };
    let kind = asked.options.profile.name.to_owned();
    // An image is what goes into every chip; what was secret in its making stays in the key.
    Ok(Built { file: NewFile::public(path, bytes), kind, is_image: true, findings: Vec::new() })
}
