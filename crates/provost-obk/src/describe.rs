//! An object back to the description it could have been built from.
//!
//! [`config::build`](crate::config::build) makes the same bytes of the result again. Keys cannot stand in TOML, so they come as files
//! beside it.

use core::fmt;
use std::io;

use provost_adac::permission::{Permission, PermissionMask};
use zeroize::Zeroizing;

use crate::bytes::hex;
use crate::config::permission_word;
use crate::files::Files;
use crate::layout::{Encoding, Field};
use crate::object::{Object, Value};
use crate::obk::Obk;

/// A description and the files it names. `Debug` shows no contents.
#[derive(Clone)]
#[non_exhaustive]
pub struct Description {
    /// The TOML text. It holds the hash of the password if there is one, from which a short password can be guessed.
    pub toml: Zeroizing<String>,
    /// The files it names, to be put into its folder.
    pub files: Vec<DescribedFile>,
}

/// A file beside a description, with a key in it. `Debug` shows no contents.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedFile {
    /// Its name, without folder.
    pub name: String,
    /// What stands in it.
    pub contents: Zeroizing<Vec<u8>>,
    /// Whether it must be readable by its owner only.
    pub secret: bool,
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description").field("files", &self.files).finish_non_exhaustive()
    }
}

impl fmt::Debug for DescribedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribedFile").field("name", &self.name).field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl Files for Description {
    fn read(&self, path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let file = self.files.iter().find(|file| file.name == path);
        file.map(|file| file.contents.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Why an object cannot be described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// A digest is wrong, and no description makes a wrong one.
    #[error("byte {offset}: {field} is not what it must be")]
    Digest {
        /// Name of the field, as in the layout.
        field: &'static str,
        /// Where it starts in the file.
        offset: usize,
    },
    /// A key could not be written as PEM.
    #[error("{field} cannot be written as PEM")]
    Key {
        /// Name of the field, as in the layout.
        field: &'static str,
    },
}

impl DescribeError {
    /// A stable word for the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Digest { .. } => "obk-integrity",
            Self::Key { .. } => "obk-key",
        }
    }
}

/// Describes an object, field by field.
///
/// # Errors
/// A digest in it is wrong, or for want of memory.
pub fn describe(obk: &Obk) -> Result<Description, DescribeError> {
    let object = Object::from_obk(obk);
    if let Some(field) = object.broken_digest() {
        return Err(DescribeError::Digest { field: field.name, offset: crate::obk::HEADER_BYTES + field.offset });
    }
    let layout = object.layout();
    let mut description = Description { toml: Zeroizing::new(String::with_capacity(0x8000)), files: Vec::new() };
    let mut line = |key: &str, value: &str| {
        for part in [key, " = ", value, "\n"] {
            description.toml.push_str(part);
        }
    };
    line("kind", &quoted(layout.kind.as_str()));
    line("encrypt", if obk.encrypt() { "true" } else { "false" });
    if layout.destination.is_none() {
        line("destination", &format!("{:#010x}", obk.destination()));
    }
    for field in layout.fields {
        if let Some(file) = key_file(&object, field)? {
            line(field.name, &quoted(&file.name));
            description.files.push(file);
        } else if let Some((suffix, value)) = plain(&object, field) {
            line(&format!("{}{suffix}", field.name), &value);
        }
    }
    Ok(description)
}

fn key_file(object: &Object, field: &'static Field) -> Result<Option<DescribedFile>, DescribeError> {
    let key = |_| DescribeError::Key { field: field.name };
    let secret = field.encoding.is_secret();
    let pem = |contents: &str| DescribedFile {
        name: format!("{}.pem", field.name),
        contents: Zeroizing::new(contents.as_bytes().to_vec()),
        secret,
    };
    Ok(match (field.encoding, object.get(field)) {
        (_, Value::PublicKey(public)) => Some(pem(&public.to_pem())),
        (_, Value::PrivateKey(private)) => Some(pem(&private.to_pem().map_err(key)?)),
        // Bytes that are no key.
        (Encoding::PublicKey | Encoding::PrivateKey | Encoding::PrivateScalar, _) => Some(DescribedFile {
            name: format!("{}.bin", field.name),
            contents: Zeroizing::new(object.bytes(field).to_vec()),
            secret,
        }),
        _ => None,
    })
}

/// The value as TOML, and what its key has behind the name of the field; `None` if it need not be given.
fn plain(object: &Object, field: &'static Field) -> Option<(&'static str, String)> {
    let bytes = object.bytes(field);
    let text = match (field.encoding, object.get(field)) {
        (Encoding::Digest { .. } | Encoding::Fixed(_), _) => return None,
        (Encoding::Zero, _) if bytes.iter().all(|&byte| byte == 0) => return None,
        (Encoding::Bytes, _) if field.default == Some(0) && bytes.iter().all(|&byte| byte == 0) => return None,
        (Encoding::Choice(choices), Value::Number(number)) => {
            match choices.iter().find(|(choice, _)| *choice == number) {
                Some((_, word)) => quoted(word),
                None => number_text(number),
            }
        }
        (Encoding::Switch { yes, .. }, Value::Number(number)) if number == yes => "true".to_owned(),
        (Encoding::Switch { no, .. }, Value::Number(number)) if number == no => "false".to_owned(),
        (_, Value::Number(number)) => number_text(number),
        (_, Value::Permissions(mask)) => permissions(mask),
        (Encoding::RootKeyHash | Encoding::PublicKeyHash | Encoding::PasswordHash, _) => {
            return Some(("_hash", quoted(&hex(bytes))));
        }
        _ => quoted(&hex(bytes)),
    };
    Some(("", text))
}

fn number_text(number: u64) -> String {
    // TOML promises 64 bits with a sign.
    if i64::try_from(number).is_ok() { format!("{number:#x}") } else { quoted(&format!("{number:#x}")) }
}

fn permissions(mask: PermissionMask) -> String {
    if !mask.unnamed().is_empty() {
        return quoted(&format!("{:#x}", mask.0));
    }
    let words = Permission::ALL.into_iter().filter(|&permission| mask.contains(permission));
    format!("[{}]", words.map(|permission| quoted(&permission_word(permission))).collect::<Vec<_>>().join(", "))
}

/// Words and hex digits only: nothing that TOML would want escaped.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
