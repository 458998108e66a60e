//! Building an object from ST's XML or from our TOML.

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
    store::{NewFile, files},
};

const LARGEST_DESCRIPTION: u64 = 256 << 10;

/// What was built. Nothing is on the disk yet.
#[derive(Debug)]
pub struct Built {
    /// The file to write: for its owner only, if a secret is in it or could be guessed from it.
    pub file: NewFile,
    /// What it is.
    pub kind: String,
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
    Ok(Built { file, kind, findings })
}
