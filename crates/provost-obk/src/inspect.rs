//! Every byte range of an `.obk` file by its name.

use provost_adac::key::{PublicKey, Signer as _};
use provost_adac::permission::{Permission, PermissionMask};

use crate::bytes::hex;
use crate::layout::{Encoding, Field, Layout, ObjectKind};
use crate::object::{Object, Value};
use crate::obk::{HEADER_BYTES, Obk, ObkError};
use crate::samples::{self, Sample};

/// A named range of bytes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ByteRange {
    /// First byte, in the file.
    pub offset: usize,
    /// Its length, bytes.
    pub length: usize,
    /// Its name: that of the field in TOML.
    pub name: &'static str,
    /// What ST calls it, or a title.
    pub title: &'static str,
    /// What stands there, for a person; of secrets no more than a fingerprint of the public part.
    pub value: String,
    /// What the field means, as in the layout.
    pub meaning: &'static str,
    /// What is wrong with it.
    pub trouble: Option<&'static str>,
    /// The sample of ST's that it is.
    pub sample: Option<Sample>,
}

/// Whether the digest inside an object is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "right, wrong or without one")]
pub enum Integrity {
    /// The kind has none.
    None,
    /// It is right.
    Good,
    /// It is wrong: the chip takes the object for absent.
    Bad,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The kind, by [`recognise`](crate::object::recognise).
    #[serde(serialize_with = "kind_word")]
    pub kind: ObjectKind,
    /// ST's name for it.
    pub title: &'static str,
    /// Who reads it on the chip.
    pub reader: &'static str,
    /// Where the layout is written.
    pub source: &'static str,
    /// Where it goes.
    pub destination: u32,
    /// Whether the chip shall encrypt it.
    pub encrypt: bool,
    /// Bytes of the payload.
    pub size: usize,
    /// The level it goes to.
    pub level: String,
    /// Whether its digest is right.
    pub integrity: Integrity,
    /// The sample of ST's that the whole file is.
    pub sample: Option<Sample>,
    /// Every byte, in order, without gaps.
    pub ranges: Vec<ByteRange>,
}

fn kind_word<S: serde::Serializer>(kind: &ObjectKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

/// Names every byte of a file.
///
/// # Errors
/// The file is none; offset and rule.
pub fn inspect(file: &[u8]) -> Result<Inspection, ObkError> {
    Ok(inspect_obk(&Obk::parse(file)?))
}

/// Names every byte of an object.
pub fn inspect_obk(obk: &Obk) -> Inspection {
    let object = Object::from_obk(obk);
    let layout: &Layout = object.layout();
    let digests = layout.fields.iter().any(|field| matches!(field.encoding, Encoding::Digest { .. }));
    let integrity = match (digests, object.broken_digest()) {
        (false, _) => Integrity::None,
        (true, None) => Integrity::Good,
        (true, Some(_)) => Integrity::Bad,
    };
    let found = samples::samples_in(obk);
    let sample_of = |name: Option<&str>| found.iter().find(|(field, _)| *field == name).map(|&(_, sample)| sample);
    let mut ranges = header(obk);
    ranges.extend(layout.fields.iter().map(|field| ByteRange {
        offset: HEADER_BYTES + field.offset,
        length: object.bytes(field).len(),
        name: field.name,
        title: field.title,
        value: show(&object, field),
        meaning: field.meaning,
        trouble: trouble(&object, field),
        sample: sample_of(Some(field.name)),
    }));
    Inspection {
        kind: layout.kind,
        title: layout.title,
        reader: layout.reader,
        source: layout.source,
        destination: obk.destination(),
        encrypt: obk.encrypt(),
        size: obk.payload().len(),
        level: obk.range().map_or_else(String::new, |range| range.level.to_string()),
        integrity,
        sample: sample_of(None),
        ranges,
    }
}

fn header(obk: &Obk) -> Vec<ByteRange> {
    let word = |offset, name, title, value, meaning| ByteRange {
        offset,
        length: 4,
        name,
        title,
        value,
        meaning,
        trouble: None,
        sample: None,
    };
    let level = obk.range().map_or_else(String::new, |range| format!(" ({})", range.level));
    vec![
        word(
            0,
            "destination",
            "ObDestAddress",
            format!("{:#010x}{level}", obk.destination()),
            "address in the secure alias",
        ),
        word(4, "size", "Size", format!("{:#x}", obk.payload().len()), "bytes that follow the header"),
        word(
            8,
            "encrypt",
            "DoEncryption",
            if obk.encrypt() { "1 (yes)" } else { "0 (no)" }.to_owned(),
            "whether the chip shall encrypt the payload; in this file it is in clear text",
        ),
    ]
}

/// What stands in a field, for a person. Of a private key this is the fingerprint of its public key, of a password's hash nothing; nor
/// of a digest that would let a password be guessed.
pub fn show(object: &Object, field: &Field) -> String {
    let bytes = object.bytes(field);
    let right = |digest| if *bytes == digest { "right" } else { "wrong" };
    match (field.encoding, object.get(field)) {
        (Encoding::Digest { .. }, _) => match object.digest(field) {
            Some(digest) if object.kind() == ObjectKind::DaPassword => format!("{} (not shown)", right(digest)),
            Some(digest) => format!("{} {}", hex(bytes), right(digest)),
            None => hex(bytes),
        },
        (Encoding::PasswordHash, _) => "hash of a password (not shown)".to_owned(),
        (Encoding::Choice(choices), Value::Number(number)) => {
            match choices.iter().find(|(choice, _)| *choice == number) {
                Some((_, word)) => format!("{number:#x} ({word})"),
                None => format!("{number:#x}"),
            }
        }
        (Encoding::Switch { yes, no }, Value::Number(number)) => match number {
            _ if number == yes => format!("{number:#x} (yes)"),
            _ if number == no => format!("{number:#x} (no)"),
            _ => format!("{number:#x}"),
        },
        (_, Value::Number(number)) => format!("{number:#x}"),
        (_, Value::Permissions(mask)) => permissions(mask),
        (_, Value::PublicKey(public)) => format!("public key, SHA-256(X‖Y) {}", fingerprint(&public)),
        (_, Value::PrivateKey(private)) => {
            format!("private key (not shown), its public key SHA-256(X‖Y) {}", fingerprint(&private.public_key()))
        }
        (Encoding::PrivateKey | Encoding::PrivateScalar, _) => "no private key of P-256 (not shown)".to_owned(),
        (Encoding::Zero | Encoding::Bytes | Encoding::Rest, _) if bytes.iter().all(|&byte| byte == 0) => {
            "zeros".to_owned()
        }
        // What somebody put there is not for everybody to see.
        (Encoding::Rest, _) => format!("{} bytes (not shown)", bytes.len()),
        _ => hex(bytes),
    }
}

fn fingerprint(key: &PublicKey) -> String {
    hex(&key.root_hash())
}

fn permissions(mask: PermissionMask) -> String {
    let names = Permission::ALL.into_iter().filter(|&permission| mask.contains(permission)).map(Permission::name);
    let mut text = format!("{:#x}: {}", mask.0, names.collect::<Vec<_>>().join(", "));
    if !mask.unnamed().is_empty() {
        text.push_str(&format!(", and bits that STM32H5 does not know: {:#x}", mask.unnamed().0));
    }
    text
}

pub(crate) fn trouble(object: &Object, field: &Field) -> Option<&'static str> {
    let bytes = object.bytes(field);
    match (field.encoding, object.get(field)) {
        (Encoding::Digest { .. }, _) => {
            object.digest(field).filter(|digest| *bytes != *digest).map(|_| "not the digest of the bytes it covers")
        }
        (Encoding::Zero, _) => bytes.iter().any(|&byte| byte != 0).then_some("not zero"),
        (Encoding::Choice(choices), Value::Number(number)) => {
            choices.iter().all(|(choice, _)| *choice != number).then_some("not one of the values known")
        }
        (Encoding::Switch { yes, no }, Value::Number(number)) => {
            (number != yes && number != no).then_some("neither the value for yes nor that for no")
        }
        (Encoding::PublicKey | Encoding::PrivateKey | Encoding::PrivateScalar, Value::Bytes(_)) => {
            Some("no key of P-256")
        }
        _ => None,
    }
}
