//! Key files that OpenSSL wrote (`vectors/keys/make_keys.sh`), read and written, and such as must be refused.

use crate::common::Vectors;
use provost_adac::crypto::sha256;
use provost_adac::key::{Encoding, Key, KeyError, KeyFile, KeyForm, KeyRule, PrivateKey, PublicKey, Signer as _};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../vectors/keys/", $name)).as_slice()
    };
}

const PASSPHRASE: &[u8] = b"open sesame";

fn leaf() -> PrivateKey {
    Vectors::load().key("leaf")
}

/// The 70-byte form by its definition: PKCS #8 in DER without its last 68 bytes, three lengths lowered by as much.
fn minimal() -> Vec<u8> {
    let mut bytes = file!("pkcs8.der")[..138 - 68].to_vec();
    for at in [2, 28, 30] {
        bytes[at] -= 68;
    }
    bytes
}

#[test]
fn every_form_is_read_and_told_apart() {
    let minimal = minimal();
    let table = [
        (file!("pkcs8.pem"), KeyForm::Pkcs8, Encoding::Pem),
        (file!("pkcs8.der"), KeyForm::Pkcs8, Encoding::Der),
        (file!("sec1.pem"), KeyForm::Sec1, Encoding::Pem),
        (file!("sec1.der"), KeyForm::Sec1, Encoding::Der),
        (file!("encrypted_default.pem"), KeyForm::EncryptedPkcs8, Encoding::Pem),
        (file!("encrypted_default.der"), KeyForm::EncryptedPkcs8, Encoding::Der),
        (file!("encrypted_old.pem"), KeyForm::EncryptedPkcs8, Encoding::Pem),
        (file!("encrypted_sha512.pem"), KeyForm::EncryptedPkcs8, Encoding::Pem),
        (file!("encrypted_scrypt.pem"), KeyForm::EncryptedPkcs8, Encoding::Pem),
        (&minimal, KeyForm::Minimal, Encoding::Der),
        (file!("spki.pem"), KeyForm::Spki, Encoding::Pem),
        (file!("spki.der"), KeyForm::Spki, Encoding::Der),
    ];
    for (bytes, form, encoding) in table {
        assert_eq!(KeyFile::sniff(bytes), Some((form, encoding)));
        let read = KeyFile::read(bytes, Some(PASSPHRASE)).unwrap();
        assert_eq!((read.form, read.encoding), (form, encoding));
        assert_eq!(read.public_key(), leaf().public_key(), "{form} {encoding:?}");
        assert_eq!(matches!(read.key, Key::Public(_)), form == KeyForm::Spki);
        match PrivateKey::read(bytes, Some(PASSPHRASE)) {
            Ok(key) => assert_eq!(*key.expose_scalar(), *leaf().expose_scalar()),
            Err(error) => assert_eq!((error, form), (KeyError::PublicOnly, KeyForm::Spki)),
        }
        match PublicKey::read(bytes) {
            Ok(key) => assert_eq!((key, form), (leaf().public_key(), KeyForm::Spki)),
            Err(error) => assert_eq!(error, KeyError::Unknown),
        }
    }
}

#[test]
fn what_is_written_is_what_openssl_writes() {
    let key = leaf();
    assert_eq!(key.to_pem().unwrap().as_bytes(), file!("pkcs8.pem"));
    assert_eq!(key.to_der().unwrap().as_slice(), file!("pkcs8.der"));
    assert_eq!(key.to_sec1_der().unwrap().as_slice(), file!("sec1.der"));
    assert!(file!("sec1.pem").ends_with(key.to_sec1_pem().unwrap().as_bytes()));
    assert_eq!(key.public_key().to_pem().as_bytes(), file!("spki.pem"));
    assert_eq!(key.public_key().to_der().as_slice(), file!("spki.der"));
    assert_eq!(key.to_minimal().as_slice(), minimal());
    let vectors = Vectors::load();
    let root = vectors.key("root").public_key();
    assert_eq!(root.root_hash(), vectors.array("/root_key_hash"));
    assert_eq!(root.root_hash(), sha256(&vectors.bytes("/public_xy/da-test root")));
}

#[test]
fn encrypted_keys_need_their_passphrase() {
    for file in [file!("encrypted_default.pem"), file!("encrypted_old.pem"), file!("encrypted_scrypt.pem")] {
        assert_eq!(KeyFile::read(file, None).unwrap_err(), KeyError::Encrypted);
        assert_eq!(KeyFile::read(file, Some(b"open sesame ")).unwrap_err(), KeyError::Passphrase);
        assert_eq!(KeyFile::read(file, Some(b"")).unwrap_err(), KeyError::Passphrase);
    }
    let key = leaf();
    let pem = key.to_encrypted_pem(b"sesame, open").unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_eq!(PrivateKey::from_pem(&pem).unwrap_err(), KeyError::Encrypted);
    assert_eq!(PrivateKey::from_encrypted_pem(&pem, Some(PASSPHRASE)).unwrap_err(), KeyError::Passphrase);
    let read = PrivateKey::from_encrypted_pem(&pem, Some(b"sesame, open")).unwrap();
    assert_eq!(read.public_key(), key.public_key());
    // Salt and IV are new each time.
    assert_ne!(*pem, *key.to_encrypted_pem(b"sesame, open").unwrap());
}

/// RFC 8018 A.2 and A.4, byte by byte, without the decoder that reads them elsewhere.
#[test]
fn an_encrypted_key_costs_what_the_documents_say() {
    // OWASP's password storage cheat sheet for PBKDF2 with HMAC-SHA-256.
    const ROUNDS: u32 = 600_000;
    const PBKDF2: [u8; 11] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
    const SEQUENCE: u8 = 0x30;
    const OCTET_STRING: u8 = 0x04;
    const INTEGER: u8 = 0x02;
    let der = leaf().to_encrypted_der(PASSPHRASE).unwrap();
    let at = der.windows(PBKDF2.len()).position(|bytes| bytes == PBKDF2).unwrap();
    let parameters = &der[at + PBKDF2.len()..];
    assert_eq!((parameters[0], parameters[2]), (SEQUENCE, OCTET_STRING));
    let salt_bytes = usize::from(parameters[3]);
    assert_eq!(salt_bytes, 16);
    let [tag, length, number @ ..] = &parameters[4 + salt_bytes..] else { panic!("the rounds are due") };
    assert_eq!(*tag, INTEGER);
    let rounds = number[..usize::from(*length)].iter().fold(0, |rounds, &byte| rounds << 8 | u32::from(byte));
    assert_eq!(rounds, ROUNDS);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md")).unwrap();
    assert!(page.contains("PBKDF2 with HMAC-SHA-256 (600 000 rounds) and AES-256-CBC"));
}

#[test]
fn what_cannot_be_opened_is_said() {
    let broken = |file, rule_due| match KeyFile::read(file, Some(PASSPHRASE)).unwrap_err() {
        KeyError::Broken { form: KeyForm::EncryptedPkcs8, rule, .. } => assert_eq!(rule, rule_due),
        error => panic!("{error}"),
    };
    broken(file!("encrypted_pbes1.pem"), KeyRule::Encryption);
    broken(file!("encrypted_costly.pem"), KeyRule::Cost);
    let error = KeyFile::read(file!("encrypted_traditional.pem"), Some(PASSPHRASE)).unwrap_err();
    assert!(matches!(error, KeyError::TraditionalEncryption { .. }), "{error}");
}

#[test]
fn keys_of_other_kinds_are_refused_by_rule() {
    let table = [
        (file!("other_p384.pem"), KeyForm::Pkcs8, KeyRule::Curve),
        (file!("other_ed25519.pem"), KeyForm::Pkcs8, KeyRule::Algorithm),
        (file!("other_p384_pub.pem"), KeyForm::Spki, KeyRule::Curve),
        (file!("other_ed25519_pub.pem"), KeyForm::Spki, KeyRule::Algorithm),
    ];
    for (file, due_form, due_rule) in table {
        match KeyFile::read(file, None).unwrap_err() {
            KeyError::Broken { form, rule, offset } => {
                assert_eq!((form, rule), (due_form, due_rule));
                // In the first line of the base64, which is the second of the text.
                let start = file.iter().position(|&byte| byte == b'\n').unwrap();
                assert!((start + 1..start + 66).contains(&offset), "{offset}");
            }
            error => panic!("{error}"),
        }
    }
    for bytes in [&b""[..], b"hello", &[0x30], &[0x30, 0x80, 0, 0], &[0x02, 1, 0], file!("make_keys.sh")] {
        assert_eq!(KeyFile::read(bytes, None).unwrap_err(), KeyError::Unknown, "{bytes:?}");
    }
}

/// A changed byte of a DER file, and where and how it is found out.
#[test]
fn broken_der_names_byte_and_rule() {
    let table: [(&[u8], usize, usize, KeyForm, KeyRule); 8] = [
        // The private number of PKCS #8 starts at 36, that of SEC 1 at 7, the public keys 36 + 32 + 4 and 7 + 32 + 16 bytes in.
        (file!("pkcs8.der"), 80, 73, KeyForm::Pkcs8, KeyRule::ForeignPublicKey),
        (file!("pkcs8.der"), 40, 73, KeyForm::Pkcs8, KeyRule::ForeignPublicKey),
        (file!("sec1.der"), 70, 56, KeyForm::Sec1, KeyRule::ForeignPublicKey),
        (file!("sec1.der"), 50, 7, KeyForm::Sec1, KeyRule::Curve),
        (file!("spki.der"), 10, 2, KeyForm::Spki, KeyRule::Algorithm),
        (file!("spki.der"), 20, 2, KeyForm::Spki, KeyRule::Curve),
        (file!("spki.der"), 60, 26, KeyForm::Spki, KeyRule::Point),
        (file!("spki.der"), 26, 26, KeyForm::Spki, KeyRule::Point),
    ];
    for (good, at, offset, form, rule) in table {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1;
        assert_eq!(KeyFile::read(&bytes, None).unwrap_err(), KeyError::Broken { offset, form, rule }, "{form} {at}");
    }
    let mut zero = file!("pkcs8.der").to_vec();
    zero[36..68].fill(0);
    let error = KeyError::Broken { offset: 36, form: KeyForm::Pkcs8, rule: KeyRule::Scalar };
    assert_eq!(KeyFile::read(&zero, None).unwrap_err(), error);
    for (at, offset, rule) in [(5, 5, KeyRule::Der), (68, 68, KeyRule::Der), (69, 69, KeyRule::Der)] {
        let mut bytes = minimal();
        bytes[at] ^= 1;
        let error = KeyError::Broken { offset, form: KeyForm::Minimal, rule };
        assert_eq!(PrivateKey::from_minimal(&bytes).unwrap_err(), error);
    }
}

#[test]
fn offsets_in_pem_count_in_the_text() {
    let text = String::from_utf8(file!("pkcs8.pem").to_vec()).unwrap();
    let at = text.find("MIGH").unwrap();
    let broken = format!("hello\n{}", text.replacen("MIGH", "MI*H", 1));
    let error = KeyFile::read(broken.as_bytes(), None).unwrap_err();
    let due = KeyError::Broken { offset: 6 + at + 2, form: KeyForm::Pkcs8, rule: KeyRule::Base64 };
    assert_eq!(error, due);
    // The public key starts at byte 73 of the DER: character 73 / 3 * 4 + 1 = 97, in the second line of 64, one line end further.
    let mut der = file!("pkcs8.der").to_vec();
    der[137] ^= 1;
    let body = base64ct::Base64::encode_string(&der);
    use base64ct::Encoding as _;
    let (first, rest) = body.split_at(64);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{first}\n{rest}\n-----END PRIVATE KEY-----\n");
    let due = KeyError::Broken { offset: 28 + 97 + 1, form: KeyForm::Pkcs8, rule: KeyRule::ForeignPublicKey };
    assert_eq!(KeyFile::read(pem.as_bytes(), None).unwrap_err(), due);
}

#[test]
fn errors_and_debug_tell_no_secret() {
    let file = KeyFile::read(file!("pkcs8.pem"), None).unwrap();
    let scalar = "6374675090aa635191844b41e94c9e67";
    assert!(!format!("{file:?}").contains(scalar));
    let error = KeyFile::read(file!("encrypted_default.pem"), Some(b"wrong horse")).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("horse"));
}
