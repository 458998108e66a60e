//! Which key on which token: the fields of a PKCS #11 URI (RFC 7512).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, UriRule};

/// Which key on which token. What is not set fits everything; a key is found if exactly one fits.
///
/// Written and read as a URI: `pkcs11:token=Vault;object=da-root?module-path=/usr/lib/softhsm/libsofthsm2.so`. A PIN in a URI
/// (`pin-value`, `pin-source`) is refused, since others can see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Locator {
    /// File of the module (`module-path`).
    pub module: Option<PathBuf>,
    /// Label of the token (`token`).
    pub token: Option<String>,
    /// Its manufacturer (`manufacturer`).
    pub manufacturer: Option<String>,
    /// Its model (`model`).
    pub model: Option<String>,
    /// Its serial number (`serial`).
    pub serial: Option<String>,
    /// Number of the slot it is in (`slot-id`). Not stable with many modules.
    pub slot: Option<u64>,
    /// Label of the key (`object`, CKA_LABEL).
    pub key: Option<String>,
    /// Id of the key (`id`, CKA_ID).
    pub id: Option<Vec<u8>>,
}

impl Locator {
    /// Fits every key on every token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the file of the module.
    #[must_use]
    pub fn module(mut self, path: impl Into<PathBuf>) -> Self {
        self.module = Some(path.into());
        self
    }

    /// Sets the label of the token.
    #[must_use]
    pub fn token(mut self, label: impl Into<String>) -> Self {
        self.token = Some(label.into());
        self
    }

    /// Sets the label of the key.
    #[must_use]
    pub fn key(mut self, label: impl Into<String>) -> Self {
        self.key = Some(label.into());
        self
    }

    /// Sets the id of the key.
    #[must_use]
    pub fn id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.id = Some(id.into());
        self
    }
}

const SCHEME: &str = "pkcs11:";

impl FromStr for Locator {
    type Err = Error;

    fn from_str(uri: &str) -> Result<Self, Error> {
        let rest = uri.strip_prefix(SCHEME).ok_or(Error::Uri { offset: 0, rule: UriRule::Scheme })?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query_at = SCHEME.len() + path.len() + 1;
        let mut locator = Self::default();
        for (part, at, separator) in [(path, SCHEME.len(), ';'), (query, query_at, '&')] {
            let mut offset = at;
            for attribute in part.split(separator).filter(|_| !part.is_empty()) {
                locator.take(attribute, separator == '&').map_err(|rule| Error::Uri { offset, rule })?;
                offset += attribute.len() + 1;
            }
        }
        Ok(locator)
    }
}

impl Locator {
    fn take(&mut self, attribute: &str, in_query: bool) -> Result<(), UriRule> {
        fn set<T>(place: &mut Option<T>, value: T) -> Result<(), UriRule> {
            match place.replace(value) {
                None => Ok(()),
                Some(_) => Err(UriRule::Twice),
            }
        }
        let (name, value) = attribute.split_once('=').ok_or(UriRule::Attribute)?;
        let bytes = decode(value).ok_or(UriRule::Encoding)?;
        let text = || String::from_utf8(bytes.clone()).map_err(|_| UriRule::Encoding);
        match (name, in_query) {
            ("pin-value" | "pin-source", _) => Err(UriRule::Pin),
            ("module-path", true) => set(&mut self.module, text()?.into()),
            ("token", false) => set(&mut self.token, text()?),
            ("manufacturer", false) => set(&mut self.manufacturer, text()?),
            ("model", false) => set(&mut self.model, text()?),
            ("serial", false) => set(&mut self.serial, text()?),
            ("slot-id", false) => set(&mut self.slot, text()?.parse().map_err(|_| UriRule::Number)?),
            ("object", false) => set(&mut self.key, text()?),
            ("id", false) => set(&mut self.id, bytes),
            // The only type of object that can be meant.
            ("type", false) if value == "private" => Ok(()),
            _ => Err(UriRule::Unknown),
        }
    }
}

/// Undoes percent encoding (RFC 3986 §2.1).
fn decode(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_first_chunk::<2>()?;
            let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
            bytes.push((high? << 4 | low?) as u8);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

/// Percent encoding of what is not unreserved.
struct Encoded<'a>(&'a [u8], &'a [u8]);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => write!(f, "{}", char::from(byte)),
            kept if self.1.contains(&kept) => write!(f, "{}", char::from(kept)),
            other => write!(f, "%{other:02X}"),
        })
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|slot| slot.to_string());
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("slot-id", &slot),
            ("object", &self.key),
        ];
        let texts = texts.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.as_bytes())));
        let fields = texts.chain(self.id.as_ref().map(|id| ("id", id.as_slice())));
        f.write_str(SCHEME)?;
        for (index, (name, value)) in fields.enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{name}={}", Encoded(value, &[]))?;
        }
        match &self.module {
            Some(module) => write!(f, "?module-path={}", Encoded(module.to_string_lossy().as_bytes(), b"/")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_of_rfc_7512_is_read_and_written() {
        // The attributes of RFC 7512 §3, examples, put together.
        let uri = "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil%2C%20Inc.;model=1.0;serial=A-7;\
                   slot-id=327;object=my-certificate;id=%69%95%3E%5C%F4%BD%EC%91;type=private?module-path=/mnt/libmypkcs11.so.1";
        let locator: Locator = uri.parse().unwrap();
        assert_eq!(locator.token.as_deref(), Some("Software PKCS#11 softtoken"));
        assert_eq!(locator.manufacturer.as_deref(), Some("Snake Oil, Inc."));
        assert_eq!((locator.slot, locator.serial.as_deref()), (Some(327), Some("A-7")));
        assert_eq!(locator.id.as_deref(), Some(&[0x69, 0x95, 0x3E, 0x5C, 0xF4, 0xBD, 0xEC, 0x91][..]));
        assert_eq!(locator.module, Some(PathBuf::from("/mnt/libmypkcs11.so.1")));
        assert_eq!(locator.to_string().parse::<Locator>().unwrap(), locator);
        assert_eq!("pkcs11:".parse::<Locator>().unwrap(), Locator::new());
    }

    #[test]
    fn broken_uris_name_byte_and_rule() {
        let table = [
            ("pkcs12:token=a", 0, UriRule::Scheme),
            ("pkcs11:token", 7, UriRule::Attribute),
            ("pkcs11:token=a;color=red", 15, UriRule::Unknown),
            ("pkcs11:token=a;token=b", 15, UriRule::Twice),
            ("pkcs11:token=%4", 7, UriRule::Encoding),
            ("pkcs11:token=%FF", 7, UriRule::Encoding),
            ("pkcs11:slot-id=0x1", 7, UriRule::Number),
            ("pkcs11:type=public", 7, UriRule::Unknown),
            ("pkcs11:module-path=/x", 7, UriRule::Unknown),
            ("pkcs11:object=a?pin-value=1234", 16, UriRule::Pin),
            ("pkcs11:object=a?module-path=/x&pin-source=file:/y", 31, UriRule::Pin),
        ];
        for (uri, due, broken) in table {
            match uri.parse::<Locator>() {
                Err(Error::Uri { offset, rule }) => assert_eq!((offset, rule), (due, broken), "{uri}"),
                other => panic!("{uri}: {other:?}"),
            }
        }
        let error = "pkcs11:object=a?pin-value=1234".parse::<Locator>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("1234"));
    }
}
