//! What a file is: certificate, chain, token, password, object, key or image, recognised by its content and shown as a table.

mod adac;
mod key;
mod object;
mod sheet;

use base64ct::{Base64, Encoding as _};
use provost_adac::{
    certificate::{self, Certificate},
    chain::Chain,
    password::Password,
    tlv::{Padding, Reader, TypeId},
    token::{self, Token},
};
use zeroize::Zeroizing;

use self::sheet::malformed;
pub use self::{
    object::{inspect, says},
    sheet::{Field, LARGEST_FILE, Section, Sheet},
};
use crate::{credential::SetError, error::Result};

const KNOWN: &str =
    "PEM or DER key, certificate, chain, token, password.bin, .obk, image, or what waits for a signature";

/// Recognises and decodes a file. `name` is only for the error.
///
/// # Errors
/// [`SetError::UnknownFile`]; [`SetError::Malformed`] with the byte and the rule broken, once it is clear what it should be.
pub fn show(name: &str, bytes: &[u8]) -> Result<Sheet> {
    if let Some(sheet) = key::show(bytes)? {
        return Ok(sheet);
    }
    if let Some(decoded) = from_base64(bytes) {
        return match binary(&decoded)? {
            Some(sheet) => Ok(sheet),
            None => Err(unknown(name, bytes)),
        };
    }
    binary(bytes)?.ok_or_else(|| unknown(name, bytes))
}

fn unknown(name: &str, bytes: &[u8]) -> crate::error::Failure {
    SetError::UnknownFile { name: name.to_owned(), bytes: bytes.len(), known: KNOWN }.into()
}

/// ST's `.b64` files are one line of standard base64.
fn from_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(std::str::from_utf8(bytes).ok()?.split_ascii_whitespace().collect::<String>());
    if text.len() < 32 {
        return None;
    }
    Base64::decode_vec(&text).ok().map(Zeroizing::new)
}

fn binary(bytes: &[u8]) -> Result<Option<Sheet>> {
    if let Some(sheet) = object::show(bytes)? {
        return Ok(Some(sheet));
    }
    if let Some(&[a, b, c, d]) = bytes.first_chunk::<4>()
        && crate::images::profiles().any(|p| p.magic == u32::from_le_bytes([a, b, c, d]))
    {
        return crate::images::table(bytes).map(Some).map_err(|e| malformed("image", e));
    }
    if let Some(sheet) = fragments(bytes)? {
        return Ok(Some(sheet));
    }
    Ok(match bytes.len() {
        certificate::SIGNED_BYTES | token::MESSAGE_BYTES => adac::to_sign(bytes),
        token::BODY_BYTES if bytes[0] == 1 => {
            Some(adac::token(&Token::parse(bytes).map_err(|e| malformed("token", e))?, 0, bytes.len()))
        }
        certificate::BODY_BYTES.. if bytes[0] == 1 => match Certificate::parse(bytes) {
            Ok(certificate) => Some(adac::certificate(&certificate, bytes.len())),
            Err(error) if bytes.len() == certificate::BODY_BYTES => return Err(malformed("certificate", error)),
            Err(_) => None,
        },
        _ => None,
    })
}

/// Files that are TLVs as they go over the wire.
fn fragments(bytes: &[u8]) -> Result<Option<Sheet>> {
    // Two reserved bytes that are zero, then a type that Debug Authentication knows.
    let Some((&[0, 0, low, high], _)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    Ok(Some(match TypeId::from(u16::from_le_bytes([low, high])) {
        TypeId::BinaryCertificate => {
            adac::chain(&Chain::from_tlv(bytes).map_err(|e| malformed("certificate chain", e))?, bytes.len())
        }
        TypeId::BinaryToken => {
            let tlv = match Reader::new(bytes, Padding::Padded).next() {
                Some(tlv) => tlv.map_err(|e| malformed("token", e))?,
                None => return Ok(None),
            };
            adac::token(&Token::parse(tlv.value).map_err(|e| malformed("token", e))?, 8, bytes.len())
        }
        TypeId::StPassword => {
            adac::password(&Password::from_file(bytes).map_err(|e| malformed("password file", e))?, bytes.len())
        }
        _ => return Ok(None),
    }))
}
