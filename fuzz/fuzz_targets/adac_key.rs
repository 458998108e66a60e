//! Key files in every form. What is read is written in every form and read again as the same key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode as _;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use provost_adac::key::{Encoding, Key, KeyError, KeyFile, KeyForm, PrivateKey, PublicKey};
use provost_fuzz::{frugally, says_something};

/// Rounds and scrypt memory that a fuzzer has time for.
const ROUNDS: u32 = 64;
const MEMORY: u64 = 0x1_0000;

fuzz_target!(|data: &[u8]| {
    frugally(data.len(), 0x1000, 16, || file(data, None));
    if is_quick(data) {
        frugally(data.len(), 0x1000 + 20 * MEMORY as usize, 16, || file(data, Some(b"passphrase")));
    }
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = (PublicKey::from_pem(text), PrivateKey::from_pem(text));
    }
    let _ = (PublicKey::read(data), PrivateKey::from_minimal(data));
});

fn file(data: &[u8], passphrase: Option<&[u8]>) {
    let sniffed = KeyFile::sniff(data);
    match KeyFile::read(data, passphrase) {
        Ok(file) => {
            assert_eq!(sniffed, Some((file.form, file.encoding)));
            if file.encoding == Encoding::Der && file.form == KeyForm::Spki {
                assert_eq!(file.public_key().to_der(), data, "there is one DER of a public key");
            }
            again(&file.key);
        }
        Err(error) => {
            assert!(error.offset().is_none_or(|at| at <= data.len()), "{error:?} of {}", data.len());
            assert_eq!(sniffed.is_none(), error == KeyError::Unknown);
            says_something(error);
        }
    }
}

fn again(key: &Key) {
    match key {
        Key::Public(key) => {
            assert_eq!(PublicKey::read(&key.to_der()).as_ref(), Ok(key));
            assert_eq!(PublicKey::from_pem(&key.to_pem().expect("PEM")).as_ref(), Ok(key));
        }
        Key::Private(key) => {
            let forms = [
                key.to_der().expect("DER").to_vec(),
                key.to_pem().expect("PEM").as_bytes().to_vec(),
                key.to_sec1_der().expect("DER").to_vec(),
                key.to_minimal().to_vec(),
            ];
            for form in forms {
                let read = PrivateKey::read(&form, None).expect("our own file");
                assert_eq!(*read.expose_scalar(), *key.expose_scalar());
            }
        }
    }
}

/// Whether opening an encrypted key takes little time.
fn is_quick(data: &[u8]) -> bool {
    let info = EncryptedPrivateKeyInfoRef::from_der(data).ok();
    match info.map(|info| info.encryption_algorithm) {
        Some(EncryptionScheme::Pbes2(parameters)) => match parameters.kdf {
            Kdf::Pbkdf2(kdf) => kdf.iteration_count <= ROUNDS,
            Kdf::Scrypt(kdf) => {
                let memory = kdf.cost_parameter.checked_mul(128 * u64::from(kdf.block_size));
                memory.is_some_and(|memory| memory <= MEMORY) && kdf.parallelization <= 4
            }
            _ => false,
        },
        _ => false,
    }
}
