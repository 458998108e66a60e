//! Objects as fields with values, through the tables of [`layout`](crate::layout).

use core::fmt;

use provost_adac::crypto::{Hash, sha256};
use provost_adac::key::{PrivateKey, PublicKey};
use provost_adac::permission::PermissionMask;
use zeroize::Zeroizing;

use crate::bytes::{number, put};
use crate::fingerprints;
use crate::key;
use crate::layout::{Encoding, Field, Layout, ObjectKind};
use crate::obk::{ALIGN, Obk, ObkError};

/// What stands in a field, or shall stand there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// An integer: also that of a choice or a switch.
    Number(u64),
    /// A public key; also for a field that holds its hash.
    PublicKey(PublicKey),
    /// A private key.
    PrivateKey(PrivateKey),
    /// Debug permissions.
    Permissions(PermissionMask),
    /// The bytes themselves.
    Bytes(SecretBytes),
}

impl Value {
    /// A value of bytes, copied into memory that is wiped on drop.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(SecretBytes(Zeroizing::new(bytes.to_vec())))
    }
}

/// Bytes that may be a secret: wiped on drop, not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes, which may be a secret: do not print them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// Why a value does not go into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// There is no such field.
    #[error("no such field")]
    Unknown,
    /// The field is computed or constant.
    #[error("the field is computed and cannot be given")]
    Derived,
    /// The value is of another type.
    #[error("{expected} is due")]
    Type {
        /// What would do.
        expected: &'static str,
    },
    /// The number is too large.
    #[error("{found:#x} does not fit into {bytes} bytes")]
    TooLarge {
        /// The number that was to go in.
        found: u64,
        /// Bytes of the field.
        bytes: usize,
    },
    /// The bytes are too many or too few.
    #[error("{expected} bytes are due, {found} were given")]
    Length {
        /// Bytes of the field; the most, if it varies.
        expected: usize,
        /// How many bytes were to go in.
        found: usize,
    },
}

/// The payload of an object, read and written by the names of its fields. It may hold keys: wiped on drop, not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    layout: &'static Layout,
    payload: Zeroizing<Vec<u8>>,
}

impl Object {
    /// An object with every field at its default, zero where there is none.
    pub fn new(kind: ObjectKind) -> Self {
        let layout = kind.layout();
        let size = layout.size.unwrap_or(layout.fixed_size());
        let mut object = Self { layout, payload: Zeroizing::new(vec![0; size]) };
        for field in layout.fields {
            match (field.encoding, field.default) {
                (Encoding::Fixed(bytes), _) => object.payload[field.range(size)].copy_from_slice(bytes),
                (_, Some(default)) => {
                    let range = field.range(size);
                    put(&mut object.payload[range], default);
                }
                _ => {}
            }
        }
        object
    }

    /// The object in a file, of the kind that [`recognise`] sees.
    pub fn from_obk(obk: &Obk) -> Self {
        Self { layout: recognise(obk).layout(), payload: Zeroizing::new(obk.payload().to_vec()) }
    }

    /// A payload taken to be of this kind; `None` if its size or a constant of the kind says otherwise.
    pub fn from_payload(kind: ObjectKind, payload: &[u8]) -> Option<Self> {
        let layout = kind.layout();
        let fits = match layout.size {
            Some(size) => payload.len() == size,
            None => (layout.fixed_size()..=layout.max_size).contains(&payload.len()),
        };
        let constants = |field: &Field| match field.encoding {
            Encoding::Fixed(bytes) => payload[field.range(payload.len())] == *bytes,
            _ => true,
        };
        (fits && layout.fields.iter().all(constants))
            .then(|| Self { layout, payload: Zeroizing::new(payload.to_vec()) })
    }

    /// The table of its fields.
    pub const fn layout(&self) -> &'static Layout {
        self.layout
    }

    /// Its kind.
    pub const fn kind(&self) -> ObjectKind {
        self.layout.kind
    }

    /// The payload as it stands; digests are right after [`seal`](Self::seal).
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The bytes of a field.
    pub fn bytes(&self, field: &Field) -> &[u8] {
        &self.payload[field.range(self.payload.len())]
    }

    /// What stands in a field. A key that is none comes as bytes.
    pub fn get(&self, field: &Field) -> Value {
        let bytes = self.bytes(field);
        match field.encoding {
            Encoding::Number | Encoding::Choice(_) | Encoding::Switch { .. } => Value::Number(number(bytes)),
            Encoding::PublicKey => key::from_spki(bytes).map_or_else(|_| Value::bytes(bytes), Value::PublicKey),
            Encoding::PrivateKey => {
                PrivateKey::from_minimal(bytes).map_or_else(|_| Value::bytes(bytes), Value::PrivateKey)
            }
            Encoding::PrivateScalar => {
                let key = <&[u8; 32]>::try_from(bytes).map(PrivateKey::from_scalar);
                key.ok().and_then(Result::ok).map_or_else(|| Value::bytes(bytes), Value::PrivateKey)
            }
            Encoding::Permissions => <[u8; 16]>::try_from(bytes)
                .map_or_else(|_| Value::bytes(bytes), |mask| Value::Permissions(PermissionMask::from_le_bytes(mask))),
            _ => Value::bytes(bytes),
        }
    }

    /// Puts a value into the field of a name. Bytes that are too few are refused, except in the part that varies.
    ///
    /// # Errors
    /// [`FieldError`]; the object is then as before.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), FieldError> {
        let field = self.layout.field(name).ok_or(FieldError::Unknown)?;
        if field.encoding.is_derived() {
            return Err(FieldError::Derived);
        }
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(match (field.encoding, value) {
            (Encoding::Rest, Value::Bytes(bytes)) => return self.set_rest(field, bytes.expose()),
            (_, Value::Bytes(bytes)) => bytes.expose().to_vec(),
            (Encoding::Number | Encoding::Choice(_) | Encoding::Switch { .. }, &Value::Number(found)) => {
                if field.length < 8 && found >> (8 * field.length) != 0 {
                    return Err(FieldError::TooLarge { found, bytes: field.length });
                }
                found.to_le_bytes()[..field.length.min(8)].to_vec()
            }
            (Encoding::PublicKey, Value::PublicKey(public)) => public.to_der().to_vec(),
            (Encoding::PublicKeyHash, Value::PublicKey(public)) => key::spki_hash(public).to_vec(),
            (Encoding::RootKeyHash, Value::PublicKey(public)) => public.root_hash().to_vec(),
            (Encoding::PrivateKey, Value::PrivateKey(private)) => private.to_minimal().to_vec(),
            (Encoding::PrivateScalar, Value::PrivateKey(private)) => private.expose_scalar().to_vec(),
            (Encoding::Permissions, Value::Permissions(mask)) => mask.to_le_bytes().to_vec(),
            (encoding, _) => return Err(FieldError::Type { expected: expected(encoding) }),
        });
        if bytes.len() != field.length {
            return Err(FieldError::Length { expected: field.length, found: bytes.len() });
        }
        let range = field.range(self.payload.len());
        self.payload[range].copy_from_slice(&bytes);
        Ok(())
    }

    fn set_rest(&mut self, field: &Field, bytes: &[u8]) -> Result<(), FieldError> {
        let most = self.layout.max_size - field.offset;
        if bytes.is_empty() || bytes.len() > most {
            return Err(FieldError::Length { expected: most, found: bytes.len() });
        }
        // A new buffer, so that growing leaves no copy of a secret behind.
        let size = (field.offset + bytes.len()).next_multiple_of(ALIGN);
        let mut payload = Zeroizing::new(vec![0; size]);
        payload[..field.offset].copy_from_slice(&self.payload[..field.offset]);
        payload[field.offset..field.offset + bytes.len()].copy_from_slice(bytes);
        self.payload = payload;
        Ok(())
    }

    /// Computes the digests anew.
    pub fn seal(&mut self) {
        for field in self.layout.fields {
            if let Some(digest) = self.digest(field) {
                let range = field.range(self.payload.len());
                self.payload[range].copy_from_slice(&digest);
            }
        }
    }

    /// What a digest must be; `None` for every other field.
    pub fn digest(&self, field: &Field) -> Option<Hash> {
        let Encoding::Digest { from, to } = field.encoding else { return None };
        Some(sha256(self.payload.get(from..to.unwrap_or(self.payload.len()))?))
    }

    /// The first digest that is not what it must be.
    pub fn broken_digest(&self) -> Option<&'static Field> {
        self.layout.fields.iter().find(|field| self.digest(field).is_some_and(|digest| *self.bytes(field) != digest))
    }

    /// The file, with all digests computed. `destination` matters to the kinds that have none of their own.
    ///
    /// # Errors
    /// A destination or size that the storage does not have.
    pub fn to_obk(&self, destination: u32, encrypt: bool) -> Result<Obk, ObkError> {
        let mut sealed = self.clone();
        sealed.seal();
        Obk::new(self.layout.destination.unwrap_or(destination), encrypt, sealed.payload.to_vec())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("kind", &self.kind()).field("payload_bytes", &self.payload.len()).finish()
    }
}

/// The kind of an object, by its destination, its size and what stands in it.
///
/// What cannot be told apart by bytes: a Debug Authentication object is taken for a password's if its permission mask is zero, which
/// would make a certificate's useless, or if it is an old sample of ST's.
pub fn recognise(obk: &Obk) -> ObjectKind {
    let payload = obk.payload();
    let fits = |kind: ObjectKind| {
        kind.layout().destination == Some(obk.destination()) && Object::from_payload(kind, payload).is_some()
    };
    let zero =
        |range: core::ops::Range<usize>| payload.get(range).is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0));
    let found = ObjectKind::ALL.into_iter().find(|&kind| match kind {
        ObjectKind::DaCertificate => fits(kind) && !zero(64..80) && !is_sample_password(payload),
        ObjectKind::StirotConfig => fits(kind) && !(zero(36..76) && zero(80..256)),
        ObjectKind::StirotUserData => {
            let magic = 0x55F7_394E_u32.to_le_bytes();
            fits(kind) && payload.starts_with(&magic) && !fits(ObjectKind::OemurotConfig)
        }
        ObjectKind::HashedData => payload.len() > 32 && payload[..32] == sha256(&payload[32..]),
        ObjectKind::Data => true,
        _ => fits(kind),
    });
    found.unwrap_or(ObjectKind::Data)
}

fn is_sample_password(payload: &[u8]) -> bool {
    let hash = payload.get(32..64).and_then(|hash| Hash::try_from(hash).ok());
    hash.is_some_and(|hash| fingerprints::password(&hash).is_some())
}

fn expected(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Number | Encoding::Choice(_) | Encoding::Switch { .. } => "a number",
        Encoding::PublicKey | Encoding::PublicKeyHash | Encoding::RootKeyHash => "a public key",
        Encoding::PrivateKey | Encoding::PrivateScalar => "a private key",
        Encoding::Permissions => "a permission mask",
        _ => "a string of bytes",
    }
}
