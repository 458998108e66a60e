//! ST's published samples, by SHA-256: whoever provisions one gives the chip to everybody.
//!
//! The boards of STM32CubeH5 (v1.7.0) and the Secure Manager kit share one set of keys, one password and, per part, one object each.
//! Only fingerprints are kept here; the samples themselves stay with ST (SLA0044).

use provost_adac::crypto::{Hash, sha256};
use provost_adac::key::{KeyFile, PublicKey, Signer as _};
use provost_adac::password::Password;

use crate::files;
use crate::fingerprints;
pub use crate::fingerprints::{Sample, SampleRisk, password, root_key};
use crate::layout::Encoding;
use crate::object::{Object, Value};
use crate::obk::Obk;

/// The sample that a file is: an object, a certificate, a password file, a file with one of the keys in whatever form but encrypted.
pub fn sample(file: &[u8]) -> Option<Sample> {
    fingerprints::file(&sha256(file)).or_else(|| key_file(file)).or_else(|| {
        let password = Password::from_file(file).ok()?;
        self::password(&password.hash())
    })
}

fn key_file(file: &[u8]) -> Option<Sample> {
    if file.len() > files::MAX_BYTES {
        return None;
    }
    public_key(&KeyFile::read(file, None).ok()?.public_key())
}

/// The sample key that this is the public part of.
pub fn public_key(key: &PublicKey) -> Option<Sample> {
    root_key(&key.root_hash())
}

/// What stands in a Debug Authentication object, be it the hash of a root key or of a password.
pub fn credential(hash: &Hash) -> Option<Sample> {
    root_key(hash).or_else(|| password(hash))
}

/// Every sample in an object, with the field it stands in; the whole file comes without a field.
pub fn samples_in(obk: &Obk) -> Vec<(Option<&'static str>, Sample)> {
    let whole = fingerprints::file(&sha256(&obk.to_bytes())).map(|sample| (None, sample));
    let object = Object::from_obk(obk);
    let fields = object.layout().fields.iter().filter_map(|field| {
        let sample = match (field.encoding, object.get(field)) {
            (_, Value::PublicKey(key)) => public_key(&key),
            (_, Value::PrivateKey(key)) => public_key(&key.public_key()),
            (Encoding::RootKeyHash | Encoding::PasswordHash, _) => {
                credential(&Hash::try_from(object.bytes(field)).ok()?)
            }
            (Encoding::PublicKeyHash, _) => fingerprints::key_name(&Hash::try_from(object.bytes(field)).ok()?),
            _ => None,
        };
        sample.map(|sample| (Some(field.name), sample))
    });
    whole.into_iter().chain(fields).collect()
}
