//! PKCS #8 under a passphrase: PBES2 of RFC 8018.
//!
//! Read is what OpenSSL writes with `pkcs8 -topk8`, today and before: PBKDF2 or scrypt, AES or triple DES. Written is PBKDF2 with
//! HMAC-SHA-256 and AES-256-CBC, which every reader knows.

use der::asn1::OctetStringRef;
use der::{Decode as _, Encode as _, Reader as _, SliceReader};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::{AlgorithmIdentifierRef, EncryptedPrivateKeyInfo};
use zeroize::Zeroizing;

use super::offset::{algorithm_offset, der_error};
use super::{KeyError, KeyForm, KeyRule};

/// Rounds of PBKDF2 that are written: what OWASP's password storage cheat sheet asks for with HMAC-SHA-256.
const ROUNDS: u32 = 600_000;
/// Rounds of PBKDF2 that are read at most: two seconds, with the slowest of the hashes (HMAC-SHA-512).
const MAX_ROUNDS: u32 = 2_000_000;
/// Memory that scrypt may take at most, bytes.
const MAX_MEMORY: u64 = 256 << 20;
/// How often scrypt may go through that memory.
const MAX_LANES: u16 = 16;

/// The PKCS #8 structure inside.
pub(super) fn open(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let form = KeyForm::EncryptedPkcs8;
    let structure = |error| der_error(form, 0)(error);
    let mut reader = SliceReader::new(bytes).map_err(structure)?;
    let (algorithm, data) = reader
        .sequence(|body| Ok::<_, der::Error>((AlgorithmIdentifierRef::decode(body)?, <&OctetStringRef>::decode(body)?)))
        .map_err(structure)?;
    reader.finish().map_err(structure)?;
    // Whatever is wrong with the parameters: they stand here.
    let broken = |rule| KeyError::Broken { offset: algorithm_offset(bytes, 0), form, rule };
    let Ok(EncryptionScheme::Pbes2(parameters)) = EncryptionScheme::try_from(algorithm) else {
        return Err(broken(KeyRule::Encryption));
    };
    if !is_affordable(&parameters.kdf).ok_or_else(|| broken(KeyRule::Encryption))? {
        return Err(broken(KeyRule::Cost));
    }
    let passphrase = passphrase.ok_or(KeyError::Encrypted)?;
    let mut buffer = Zeroizing::new(data.as_bytes().to_vec());
    // What is inside stands at the front of the buffer, the padding behind it.
    let length = parameters.decrypt_in_place(passphrase, &mut buffer).map_err(|_| KeyError::Passphrase)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Whether the work a file asks for is bounded; `None` for a function that is not known.
fn is_affordable(kdf: &Kdf) -> Option<bool> {
    match kdf {
        Kdf::Pbkdf2(parameters) => Some(parameters.iteration_count <= MAX_ROUNDS),
        Kdf::Scrypt(parameters) => {
            let memory = parameters.cost_parameter.checked_mul(128 * u64::from(parameters.block_size));
            Some(memory.is_some_and(|memory| memory <= MAX_MEMORY) && parameters.parallelization <= MAX_LANES)
        }
        _ => None,
    }
}

pub(super) fn write(pkcs8: &[u8], passphrase: &[u8]) -> Result<Vec<u8>, KeyError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(|_| KeyError::NoRandomness)?;
    getrandom::fill(&mut iv).map_err(|_| KeyError::NoRandomness)?;
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).map_err(|_| KeyError::Encoding)?;
    let encrypted = parameters.encrypt(passphrase, pkcs8).map_err(|_| KeyError::Encoding)?;
    let data = der::asn1::OctetString::new(encrypted).map_err(|_| KeyError::Encoding)?;
    let info = EncryptedPrivateKeyInfo { encryption_algorithm: parameters.into(), encrypted_data: data };
    info.to_der().map_err(|_| KeyError::Encoding)
}
