//! Key files put together byte by byte (X.690, RFC 8018, RFC 7914, RFC 5958): the bounds of the work they may ask for, keys beside keys.

use crate::common::Vectors;
use provost_adac::key::{KeyError, KeyFile, KeyForm, KeyRule, PrivateKey, Signer as _};

const PBES2: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D];
const PBKDF2: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
const HMAC_SHA256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x09];
const SCRYPT: &[u8] = &[0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B];
const AES256_CBC: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A];
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `[1] IMPLICIT BIT STRING`: publicKey of RFC 5958.
const PUBLIC_KEY: u8 = 0x81;

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let head = match body.len() {
        short @ ..0x80 => vec![tag, short as u8],
        long => vec![tag, 0x81, u8::try_from(long).unwrap()],
    };
    [head, body].concat()
}

fn integer(value: u64) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let sign: &[u8] = if bytes.first().is_none_or(|&byte| byte > 0x7F) { &[0] } else { &[] };
    der(INTEGER, &[sign, &bytes])
}

fn encrypted(kdf: &[u8]) -> Vec<u8> {
    let cipher = der(SEQUENCE, &[AES256_CBC, &der(OCTET_STRING, &[&[0x11; 16]])]);
    let algorithm = der(SEQUENCE, &[PBES2, &der(SEQUENCE, &[kdf, &cipher])]);
    der(SEQUENCE, &[&algorithm, &der(OCTET_STRING, &[&[0x22; 16]])])
}

fn pbkdf2(rounds: u64) -> Vec<u8> {
    let prf = der(SEQUENCE, &[HMAC_SHA256, &[0x05, 0x00]]);
    let parameters = der(SEQUENCE, &[&der(OCTET_STRING, &[&[0x33; 16]]), &integer(rounds), &prf]);
    encrypted(&der(SEQUENCE, &[PBKDF2, &parameters]))
}

fn scrypt(cost: u64, block_size: u64, lanes: u64) -> Vec<u8> {
    let salt = der(OCTET_STRING, &[&[0x33; 16]]);
    let parameters = der(SEQUENCE, &[&salt, &integer(cost), &integer(block_size), &integer(lanes)]);
    encrypted(&der(SEQUENCE, &[SCRYPT, &parameters]))
}

/// docs/formats.md: two million rounds of PBKDF2; 256 MiB and 16 lanes of scrypt, which needs 128 · N · r bytes (RFC 7914 §2).
#[test]
fn the_work_that_a_file_may_ask_for_is_bounded() {
    let costs = |file: Vec<u8>| match KeyFile::read(&file, None).unwrap_err() {
        // Without a passphrase nothing is computed: it is asked for, or the file refused before.
        KeyError::Encrypted => false,
        KeyError::Broken { form: KeyForm::EncryptedPkcs8, rule: KeyRule::Cost, .. } => true,
        error => panic!("{error}"),
    };
    assert!(!costs(pbkdf2(1)) && !costs(pbkdf2(2_000_000)));
    assert!(costs(pbkdf2(2_000_001)) && costs(pbkdf2(0xFFFF_FFFF)));
    assert!(!costs(scrypt(1 << 14, 8, 1)) && !costs(scrypt(1 << 18, 8, 16)));
    assert!(costs(scrypt(1 << 19, 8, 1)), "512 MiB");
    assert!(costs(scrypt(1 << 18, 9, 1)), "288 MiB");
    assert!(costs(scrypt(1 << 14, 8, 17)), "17 lanes");
}

/// RFC 5958: the public key may stand beside the private one, outside of it.
#[test]
fn a_public_key_beside_must_be_that_of_the_private_number() {
    let vectors = Vectors::load();
    let (key, other) = (vectors.key("leaf"), vectors.key("root"));
    let file = |beside: &PrivateKey| {
        let inner = der(SEQUENCE, &[&integer(1), &der(OCTET_STRING, &[&*key.expose_scalar()])]);
        let point = [&[0x00, 0x04][..], &beside.public_key().to_bytes()].concat();
        der(
            SEQUENCE,
            &[
                &integer(1),
                &der(SEQUENCE, &[EC_PUBLIC_KEY, P256]),
                &der(OCTET_STRING, &[&inner]),
                &der(PUBLIC_KEY, &[&point]),
            ],
        )
    };
    assert_eq!(PrivateKey::read(&file(&key), None).unwrap().public_key(), key.public_key());
    let error = PrivateKey::read(&file(&other), None).unwrap_err();
    assert!(matches!(error, KeyError::Broken { form: KeyForm::Pkcs8, rule: KeyRule::ForeignPublicKey, .. }), "{error}");
}

/// An error within ECPrivateKey counts from the start of the file: it stands 29 bytes in, its version at 31.
#[test]
fn offsets_of_the_inner_structure_count_from_the_outside() {
    let mut bytes = include_bytes!("../vectors/keys/pkcs8.der").to_vec();
    assert_eq!(bytes[29..34], [SEQUENCE, 0x6B, INTEGER, 1, 1]);
    bytes[31] = OCTET_STRING;
    match KeyFile::read(&bytes, None).unwrap_err() {
        KeyError::Broken { offset, form: KeyForm::Pkcs8, rule: KeyRule::Der } => {
            // Around the element to blame, at it, or just behind it.
            assert!((29..=34).contains(&offset), "{offset}");
        }
        error => panic!("{error}"),
    }
}
