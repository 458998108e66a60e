//! Objects from a TOML file of ours: any kind, by the names of its fields.
//!
//! ```toml
//! kind = "oemirot-config"          # which table of `layout` applies
//! part = "STM32H573"               # sets the encryption flag; or say `encrypt = true`
//! secure_key = "Keys/s.pem"        # keys by file: PEM, or the bytes themselves in a file with another ending
//! non_secure_key = "Keys/ns.pem"
//! encryption_key = "Keys/enc.pem"
//! ```
//!
//! | key | value |
//! |---|---|
//! | `schema` | 1, optional |
//! | `kind` | an [`ObjectKind`] |
//! | `part`, `encrypt` | at least one; they must agree. Objects that a boot loader reads in clear text need neither |
//! | `destination` | for `data` and `hashed-data`: address in the secure alias |
//! | a number | integer, or a string of hex digits behind `0x` |
//! | a choice | its word or its number |
//! | a switch | `true`, `false`, or its number |
//! | `permissions` | a number, or a list of names: `full-regression`, `to-tz-regression`, `level-3-intrusive-debug`… |
//! | `root_key` | path of a PEM file, or `root_key_hash`: 64 hex digits |
//! | `password` | text; or `password_file`: path of a `password.bin`; or `password_hash`: 64 hex digits |
//! | a key | path of a PEM file; another ending means the bytes themselves, padded with zeros |
//! | bytes | hex digits; or, with `_file` behind the name, a path |
//!
//! Fields with a default may be left out, computed ones (hashes, constants) must be. The fields of each kind are those of
//! [`markdown`](crate::layout::markdown).

use provost_adac::key::{KeyError, KeyFile, PrivateKey};
use provost_adac::password::Password;
use provost_adac::permission::{Permission, PermissionMask};
use provost_chip::parts::PartId;
use toml::de::{DeTable, DeValue};

use crate::bytes::unhex;
pub use crate::config_error::{ConfigError, ConfigRule, MAX_TOML_BYTES};
use crate::files::{self, Files};
use crate::layout::{Encoding, Field, ObjectKind};
use crate::object::{Object, Value};
use crate::obk::Obk;

/// Builds what a description says.
///
/// # Errors
/// The line and key that break a rule; a file of `files` that cannot be read or is no key.
pub fn build(toml: &str, files: &dyn Files) -> Result<Obk, ConfigError> {
    if toml.len() > MAX_TOML_BYTES {
        return Err(ConfigError::new(1, "file", ConfigRule::TooLarge { found: toml.len() }));
    }
    let table = DeTable::parse(toml).map_err(|error| {
        let line = error.span().map_or(1, |span| line(toml, span.start));
        ConfigError::new(line, "file", ConfigRule::Syntax { message: error.message().to_owned() })
    })?;
    Reader { text: toml, table: table.get_ref(), files }.build()
}

/// The line of a byte, from 1.
fn line(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count()
}

/// The word for a permission: its name in lower case, with `-` for spaces.
pub fn permission_word(permission: Permission) -> String {
    permission.name().to_ascii_lowercase().replace(' ', "-")
}

struct Reader<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
    files: &'a dyn Files,
}

/// Keys that are no fields.
const GENERAL: [&str; 5] = ["schema", "kind", "part", "encrypt", "destination"];

impl<'a> Reader<'a> {
    fn build(&self) -> Result<Obk, ConfigError> {
        if let Some(value) = self.find("schema")
            && self.number(value).ok() != Some(1)
        {
            return Err(self.fail("schema", ConfigRule::Schema));
        }
        let kind = self.kind()?;
        let encrypt = self.encrypt(kind)?;
        let destination = self.destination(kind)?;
        let mut object = Object::new(kind);
        self.check_names(kind)?;
        for field in kind.layout().fields {
            if let Some((name, value)) = self.value(field)? {
                object.set(field.name, &value).map_err(|error| self.fail(&name, ConfigRule::Field(error)))?;
            } else if field.is_required() {
                return Err(self.fail("kind", ConfigRule::Missing { field: field.name, meaning: field.meaning }));
            }
        }
        object.to_obk(destination, encrypt).map_err(|error| {
            let key = if self.find("destination").is_some() { "destination" } else { "kind" };
            self.fail(key, ConfigRule::Object(error))
        })
    }

    fn find(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value.get_ref())
    }

    fn span(&self, key: &str) -> usize {
        self.table.keys().find(|name| name.get_ref() == key).map_or(0, |name| name.span().start)
    }

    fn fail(&self, key: &str, rule: ConfigRule) -> ConfigError {
        ConfigError::new(line(self.text, self.span(key)), key, rule)
    }

    fn kind(&self) -> Result<ObjectKind, ConfigError> {
        let Some(value) = self.find("kind") else { return Err(self.fail("kind", ConfigRule::NoKind)) };
        let kind = value.as_str().and_then(|word| word.parse().ok());
        kind.ok_or_else(|| self.fail("kind", ConfigRule::Kind))
    }

    fn encrypt(&self, kind: ObjectKind) -> Result<bool, ConfigError> {
        let said = match self.find("encrypt") {
            None => None,
            Some(DeValue::Boolean(said)) => Some(*said),
            Some(_) => return Err(self.fail("encrypt", ConfigRule::Type { expected: "true or false" })),
        };
        let Some(part) = self.find("part") else {
            return match said {
                Some(said) => Ok(said),
                None if kind.is_always_plain() => Ok(false),
                None => Err(self.fail("kind", ConfigRule::NoFlag)),
            };
        };
        let part: PartId =
            part.as_str().and_then(|name| name.parse().ok()).ok_or_else(|| self.fail("part", ConfigRule::Part))?;
        let due = part.info().crypto && !kind.is_always_plain();
        match said {
            Some(said) if said != due => Err(self.fail("encrypt", ConfigRule::FlagAgainstPart { due, part })),
            _ => Ok(due),
        }
    }

    fn destination(&self, kind: ObjectKind) -> Result<u32, ConfigError> {
        let said =
            match self.find("destination") {
                None => None,
                Some(value) => {
                    let number = self.number(value).map_err(|rule| self.fail("destination", rule))?;
                    let address = u32::try_from(number);
                    Some(address.map_err(|_| {
                        self.fail("destination", ConfigRule::Type { expected: "an address of 32 bits" })
                    })?)
                }
            };
        match (kind.layout().destination, said) {
            (Some(due), Some(said)) if due != said => Err(self.fail("destination", ConfigRule::Destination { due })),
            (Some(due), _) => Ok(due),
            (None, Some(said)) => Ok(said),
            (None, None) => Err(self.fail("kind", ConfigRule::NoDestination)),
        }
    }

    fn check_names(&self, kind: ObjectKind) -> Result<(), ConfigError> {
        let fields = kind.layout().fields;
        let known = |name: &str| {
            GENERAL.contains(&name)
                || fields.iter().any(|field| spellings(field).iter().any(|spelling| spelling == name))
        };
        match self.table.keys().map(|key| key.get_ref()).find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let derived = fields.iter().any(|field| field.encoding.is_derived() && field.name == *name);
                let rule = if derived {
                    ConfigRule::Derived
                } else {
                    ConfigRule::UnknownKey { known: fields.iter().flat_map(spellings).collect::<Vec<_>>().join(", ") }
                };
                Err(self.fail(name, rule))
            }
        }
    }

    /// What the description says of a field, and under which key.
    fn value(&self, field: &Field) -> Result<Option<(String, Value)>, ConfigError> {
        let mut found = None;
        for name in spellings(field) {
            if let Some(value) = self.find(&name) {
                if let Some((first, _)) = &found {
                    return Err(self.fail(&name, ConfigRule::Twice { first: String::clone(first) }));
                }
                let value = self.read(field, &name, value).map_err(|rule| self.fail(&name, rule))?;
                found = Some((name, value));
            }
        }
        Ok(found)
    }

    fn read(&self, field: &Field, name: &str, value: &DeValue<'_>) -> Result<Value, ConfigRule> {
        let suffix = &name[field.name.len()..];
        match (field.encoding, suffix) {
            (_, "_hash") => bytes(value),
            (Encoding::PasswordHash, "_file") => {
                let (_, contents) = self.file(value)?;
                Ok(Value::bytes(&Password::from_file(&contents)?.hash()))
            }
            (_, "_file") => Ok(Value::bytes(&self.file(value)?.1)),
            (Encoding::PasswordHash, _) => {
                let text = value.as_str().ok_or(ConfigRule::Type { expected: "the password as text" })?;
                Ok(Value::bytes(&Password::new(text.as_bytes())?.hash()))
            }
            (Encoding::Number, _) => self.number(value).and_then(number_value),
            (Encoding::Choice(choices), _) => match value.as_str().filter(|text| !text.starts_with("0x")) {
                None => self.number(value).and_then(number_value),
                Some(word) => match choices.iter().find(|(_, choice)| *choice == word) {
                    Some(&(number, _)) => Ok(Value::Number(number)),
                    None => Err(ConfigRule::Choice {
                        known: choices.iter().map(|(_, choice)| *choice).collect::<Vec<_>>().join(", "),
                    }),
                },
            },
            (Encoding::Switch { yes, no }, _) => match value {
                DeValue::Boolean(said) => Ok(Value::Number(if *said { yes } else { no })),
                _ => self.number(value).and_then(number_value),
            },
            (Encoding::Permissions, _) => permissions(self, value),
            (Encoding::PublicKey | Encoding::PublicKeyHash | Encoding::RootKeyHash, _) => {
                self.key(field, value, |file| KeyFile::read(file, None).map(|file| Value::PublicKey(file.public_key())))
            }
            (Encoding::PrivateKey | Encoding::PrivateScalar, _) => {
                self.key(field, value, |file| PrivateKey::read(file, None).map(Value::PrivateKey))
            }
            _ => bytes(value),
        }
    }

    fn file(&self, value: &DeValue<'_>) -> Result<(String, zeroize::Zeroizing<Vec<u8>>), ConfigRule> {
        let path = value.as_str().ok_or(ConfigRule::Type { expected: "a path" })?;
        let path = files::portable(path);
        match files::read(self.files, &path) {
            Ok(contents) => Ok((path, contents)),
            Err(error) => Err(ConfigRule::File { path, error }),
        }
    }

    fn key(
        &self,
        field: &Field,
        value: &DeValue<'_>,
        read: impl Fn(&[u8]) -> Result<Value, KeyError>,
    ) -> Result<Value, ConfigRule> {
        let (path, contents) = self.file(value)?;
        if !files::is_pem(&path) {
            let mut bytes = zeroize::Zeroizing::new(vec![0; field.length.max(contents.len())]);
            bytes[..contents.len()].copy_from_slice(&contents);
            return Ok(Value::bytes(&bytes));
        }
        read(&contents).map_err(|error| ConfigRule::Key { path, error })
    }

    fn number(&self, value: &DeValue<'_>) -> Result<u128, ConfigRule> {
        let wrong = ConfigRule::Type { expected: "an integer from 0, or a string such as \"0x1f\"" };
        let parsed = match value {
            DeValue::Integer(integer) => u128::from_str_radix(integer.as_str(), integer.radix()).ok(),
            DeValue::String(text) => {
                let digits =
                    text.strip_prefix("0x").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                digits.and_then(|digits| u128::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        parsed.ok_or(wrong)
    }
}

/// The keys under which a description may give a field.
fn spellings(field: &Field) -> Vec<String> {
    let suffixes: &[&str] = match field.encoding {
        Encoding::Digest { .. } | Encoding::Fixed(_) => &[],
        Encoding::RootKeyHash | Encoding::PublicKeyHash => &["", "_hash"],
        Encoding::PasswordHash => &["", "_file", "_hash"],
        Encoding::Bytes | Encoding::Rest | Encoding::Zero => &["", "_file"],
        _ => &[""],
    };
    suffixes.iter().map(|suffix| format!("{}{suffix}", field.name)).collect()
}

fn number_value(number: u128) -> Result<Value, ConfigRule> {
    u64::try_from(number).map(Value::Number).map_err(|_| ConfigRule::Type { expected: "a number of at most 64 bits" })
}

fn bytes(value: &DeValue<'_>) -> Result<Value, ConfigRule> {
    let bytes = value.as_str().and_then(unhex);
    bytes
        .map(|bytes| Value::bytes(&bytes))
        .ok_or(ConfigRule::Type { expected: "a string of hex digits, two for each byte" })
}

fn permissions(reader: &Reader<'_>, value: &DeValue<'_>) -> Result<Value, ConfigRule> {
    let Some(list) = value.as_array() else {
        return reader.number(value).map(|mask| Value::Permissions(PermissionMask(mask)));
    };
    let mut mask = PermissionMask::NONE;
    for item in list.iter() {
        let word = item.get_ref().as_str().unwrap_or_default();
        let permission = Permission::ALL.into_iter().find(|&permission| permission_word(permission) == word);
        mask.insert(
            permission.ok_or_else(|| ConfigRule::Choice { known: Permission::ALL.map(permission_word).join(", ") })?,
        );
    }
    Ok(Value::Permissions(mask))
}
