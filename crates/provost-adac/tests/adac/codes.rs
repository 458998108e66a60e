//! Codes are an interface: scripts branch on them, so none may change unnoticed.

use provost_adac::certificate::{CertificateError, Role};
use provost_adac::chain::{ChainError, ChainFormatError};
use provost_adac::discovery::{DiscoveryError, ReadingError};
use provost_adac::host::CredentialError;
use provost_adac::key::KeyError;
use provost_adac::packet::PacketError;
use provost_adac::password::PasswordError;
use provost_adac::permission::{MaskSource, Permission};
use provost_adac::scope::ScopeField;

#[test]
fn chains() {
    let (index, role) = (1, Role::Leaf);
    let table = [
        (ChainError::Empty, "chain-empty", None),
        (ChainError::Incomplete, "chain-incomplete", None),
        (ChainError::RootHashMismatch, "chain-root-hash", Some(0)),
        (ChainError::WrongOrder { index, role }, "chain-order", Some(1)),
        (ChainError::BadPublicKey { index, role }, "chain-public-key", Some(1)),
        (ChainError::BadSignature { index, role }, "chain-signature", Some(1)),
        (ChainError::BadExtensionsHash { index, role }, "chain-extensions-hash", Some(1)),
        (ChainError::ScopeConflict { index, field: ScopeField::Usage }, "chain-scope-conflict", Some(1)),
    ];
    for (error, code, index) in table {
        assert_eq!((error.code(), error.index()), (code, index));
    }
    assert_eq!(ChainFormatError::NoPemBlock.code(), "chain-no-pem-block");
    assert_eq!(ChainFormatError::Base64 { offset: 7 }.code(), "chain-base64");
    assert_eq!(ChainFormatError::Base64 { offset: 7 }.offset(), Some(7));
}

#[test]
fn packets_discoveries_passwords() {
    assert_eq!(PacketError::Truncated { have: 1 }.code(), "packet-truncated");
    assert_eq!(PacketError::Reserved { found: 1 }.code(), "packet-reserved");
    assert_eq!(PacketError::TooLong { announced: 9999 }.code(), "packet-too-long");
    assert_eq!(PacketError::Length { announced: 2, present: 1 }.code(), "packet-length");
    // Bytes: the reserved half is in the first word, the count is the second.
    assert_eq!(PacketError::Reserved { found: 1 }.offset(), 0);
    assert_eq!(PacketError::Length { announced: 2, present: 1 }.offset(), 4);
    let (unpadded, padded) = (ReadingError::Empty, ReadingError::Empty);
    assert_eq!(DiscoveryError::Malformed { unpadded, padded }.code(), "discovery-malformed");
    assert_eq!(DiscoveryError::Ambiguous.code(), "discovery-ambiguous");
    assert_eq!(PasswordError::Length { found: 3 }.code(), "password-length");
    assert_eq!(PasswordError::WireLength { found: 65 }.code(), "password-length");
    assert_eq!(PasswordError::TrailingBytes { offset: 8, count: 1 }.code(), "password-trailing-bytes");
    assert_eq!(PasswordError::Empty.code(), "password-empty");
}

#[test]
fn keys_and_credentials() {
    let table = [
        (KeyError::NotOnCurve, "key-not-on-curve"),
        (KeyError::ScalarOutOfRange, "key-scalar-out-of-range"),
        (KeyError::NoPemBlock { expected: "PUBLIC KEY" }, "key-no-pem-block"),
        (KeyError::Unknown, "key-unknown-form"),
        (KeyError::Encrypted, "key-encrypted"),
        (KeyError::TraditionalEncryption { offset: 9 }, "key-traditional-encryption"),
        (KeyError::Passphrase, "key-passphrase"),
        (KeyError::Malformed { label: "SubjectPublicKeyInfo" }, "key-malformed"),
        (KeyError::PublicOnly, "key-public-only"),
        (KeyError::Encoding, "key-encoding"),
        (KeyError::NoRandomness, "no-randomness"),
    ];
    for (error, code) in table {
        assert_eq!(error.code(), code);
    }
    assert_eq!(KeyError::TraditionalEncryption { offset: 9 }.offset(), Some(9));
    assert_eq!(KeyError::Encrypted.offset(), None);
    assert_eq!(CredentialError::KeyMismatch.code(), "credential-key-mismatch");
    assert_eq!(CredentialError::from(ChainError::Empty).code(), "chain-empty");
    let withheld = CredentialError::PermissionWithheld { permission: Permission::TzRegression, by: MaskSource::Object };
    assert_eq!(withheld.code(), "credential-permission-withheld");
}

#[test]
fn certificates() {
    let code =
        |bytes: &[u8]| CertificateError::code(&provost_adac::certificate::Certificate::parse(bytes).unwrap_err());
    let with = |at: usize, value: u8| {
        let mut bytes = [0; 212];
        (bytes[0], bytes[2], bytes[3], bytes[4]) = (1, 1, 1, 1);
        bytes[at] = value;
        bytes
    };
    assert_eq!(code(&[1; 211]), "certificate-truncated");
    assert_eq!(code(&with(0, 2)), "certificate-version");
    assert_eq!(code(&with(2, 3)), "certificate-crypto-system");
    assert_eq!(code(&with(4, 0)), "certificate-role");
    assert_eq!(code(&with(12, 1)), "certificate-length");
    assert_eq!(code(&[&with(12, 1)[..], &[7, 0, 0, 1]].concat()), "certificate-padding");
}
