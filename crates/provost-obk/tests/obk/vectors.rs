//! Every byte of the Debug Authentication vectors, written and read.

use provost_adac::crypto::sha256;
use provost_adac::key::Signer as _;
use provost_adac::password::Password;
use provost_adac::permission::PermissionMask;
use provost_obk::da::{CredentialKind, DaObject, DaPayload};
use provost_obk::memory::Level;
use provost_obk::{Obk, h503};
use serde_json::Value;

use crate::{root_key, unhex};

/// Calls `check` with every file of a kind: its description and its bytes. Gives the count.
fn each(kind: &str, check: impl Fn(&Value, &[u8])) -> usize {
    let manifest: Value = serde_json::from_str(include_str!("../vectors/manifest.json")).unwrap();
    let files = manifest["files"].as_object().unwrap();
    let of_kind = files.iter().filter(|(_, file)| file["kind"] == kind);
    of_kind.inspect(|(_, file)| check(file, &unhex(file["hex"].as_str().unwrap()))).count()
}

fn password(file: &Value) -> Password {
    Password::new(file["password"].as_str().unwrap().as_bytes()).unwrap()
}

fn check_da(file: &Value, bytes: &[u8], object: &DaObject) -> DaPayload {
    let encrypt = file["enc"] == 1;
    assert_eq!(*object.to_obk(encrypt).unwrap().to_bytes(), bytes);
    let obk = Obk::parse(bytes).unwrap();
    assert_eq!((obk.destination(), obk.encrypt(), obk.payload().len()), (0x0FFD_0100, encrypt, 0x60));
    assert_eq!(obk.range().unwrap().level, Level::Hdpl1);
    assert_eq!(*obk.to_bytes(), bytes);
    let payload = DaPayload::from_obk(&obk).unwrap();
    payload.verify().unwrap();
    assert_eq!(payload, object.payload());
    payload
}

#[test]
fn certificate_objects() {
    let root = root_key().public_key();
    let count = each("DA certificate", |file, bytes| {
        let object = DaObject::certificate(&root, PermissionMask(0x5077));
        assert_eq!(object.kind, CredentialKind::Certificate);
        let payload = check_da(file, bytes, &object);
        assert_eq!(payload.mask, PermissionMask(0x5077));
        assert!(payload.fits_root_key(&root));
        assert!(!payload.fits_password(&Password::new(b"abcd").unwrap()));
    });
    assert_eq!(count, 2);
}

#[test]
fn password_objects() {
    let root = root_key().public_key();
    let count = each("DA password", |file, bytes| {
        let payload = check_da(file, bytes, &DaObject::password(&password(file)));
        assert_eq!(payload.mask, PermissionMask::NONE);
        assert!(payload.fits_password(&password(file)));
        assert!(!payload.fits_password(&Password::new(b"wrong").unwrap()));
        assert!(!payload.fits_root_key(&root));
    });
    assert_eq!(count, 6);
}

#[test]
fn password_files() {
    let count = each("password.bin TLV", |file, bytes| {
        assert_eq!(*password(file).to_file(), bytes);
        assert_eq!(Password::from_file(bytes).unwrap().expose(), password(file).expose());
    });
    assert_eq!(count, 3);
}

#[test]
fn h503_value() {
    let count = each("H503 OTP 0x08FFF000", |file, bytes| {
        assert_eq!(h503::otp_value(&password(file)).as_slice(), bytes);
        assert_eq!(h503::OTP_ADDRESS, 0x08FF_F000);
    });
    assert_eq!(count, 1);
}

#[test]
fn a_mask_of_128_bits() {
    // The mask of ST's STM32H7RS sample object.
    let mask = PermissionMask(0x8000_0000_0000_0000_0000_0000_0000_4007);
    let payload = DaObject { kind: CredentialKind::Certificate, hash: [0; 32], mask }.payload().to_bytes();
    assert_eq!(payload[64..80], [0x07, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
}

#[test]
fn every_other_object_of_the_vectors_is_read_as_a_file() {
    let manifest: Value = serde_json::from_str(include_str!("../vectors/manifest.json")).unwrap();
    let mut count = 0;
    for (name, file) in manifest["files"].as_object().unwrap() {
        let bytes = unhex(file["hex"].as_str().unwrap());
        if name.ends_with(".obk") {
            let obk = Obk::parse(&bytes).unwrap();
            assert_eq!(*obk.to_bytes(), bytes, "{name}");
            // All of them carry SHA-256 of their body first.
            assert_eq!(obk.payload()[..32], sha256(&obk.payload()[32..]), "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 15);
}

#[test]
fn files_on_disk_are_those_of_the_manifest() {
    let certificate: &[u8] = include_bytes!("../vectors/da_cert_enc1.obk");
    assert_eq!(
        *DaObject::certificate(&root_key().public_key(), PermissionMask(0x5077)).to_obk(true).unwrap().to_bytes(),
        certificate
    );
    let otp: &[u8] = include_bytes!("../vectors/h503_otp_password.bin");
    assert_eq!(h503::otp_value(&Password::new(b"password1234").unwrap()).as_slice(), otp);
    let password: &[u8] = include_bytes!("../vectors/da_pw12.bin");
    assert_eq!(*Password::new(b"password1234").unwrap().to_file(), password);
}
