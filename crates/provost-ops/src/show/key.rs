//! Keys in PEM and DER as tables. Of a private key only its public half is shown.

use provost_adac::key::{KeyError, KeyFile, KeyForm};

use super::{
    adac::sample_key,
    sheet::{Section, Sheet, malformed},
};
use crate::{credential::hex, error::Result};

/// A key, if the bytes are one.
pub(super) fn show(bytes: &[u8]) -> Result<Option<Sheet>> {
    let Some((form, _)) = KeyFile::sniff(bytes) else { return Ok(None) };
    let file = match KeyFile::read(bytes, None) {
        Ok(file) => file,
        Err(KeyError::Encrypted) => {
            let mut sheet = Sheet::new("encrypted-private-key", "private key, encrypted", bytes.len());
            sheet.notes.push("which key it is cannot be seen without its passphrase".to_owned());
            return Ok(Some(sheet));
        }
        Err(error) => return Err(malformed("key", error)),
    };
    let (kind, title) = match form {
        KeyForm::Spki => ("public-key", "public key"),
        _ => ("private-key", "private key"),
    };
    let mut sheet = Sheet::new(kind, format!("{title}, P-256, {form}"), bytes.len());
    let mut section = Section::new("public key");
    let key = file.public_key();
    let xy = key.to_bytes();
    section.says("x", hex(&xy[..32]));
    section.says("y", hex(&xy[32..]));
    section.says("sha256", hex(&key.root_hash())).means("as an object holds it for a root key");
    sheet.sections.push(section);
    if kind == "private-key" {
        sheet.notes.push("the private number is not shown".to_owned());
    }
    sample_key(&key, &mut sheet);
    Ok(Some(sheet))
}
