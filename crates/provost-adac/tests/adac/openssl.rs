//! OpenSSL as a stranger: it opens the keys written here, and its signatures are merged.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::Vectors;
use provost_adac::certificate::{Certificate, Role};
use provost_adac::key::Signer as _;
use provost_adac::offline::{Signed, SigningRequest};
use provost_adac::permission::Permission;
use provost_testkit::strangers;

/// What OpenSSL writes, given this input; nothing if it is not installed.
fn openssl(folder: &Path, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let command = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match command {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            strangers::skip("openssl is not installed");
            return None;
        }
        child => child.unwrap(),
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn openssl_opens_encrypted_keys() {
    let folder = tempfile::tempdir().unwrap();
    let key = Vectors::load().key("leaf");
    let encrypted = key.to_encrypted_pem(b"open sesame").unwrap();
    let arguments = ["pkcs8", "-passin", "pass:open sesame"];
    let Some(opened) = openssl(folder.path(), &arguments, encrypted.as_bytes()) else { return };
    assert_eq!(opened, key.to_pem().unwrap().as_bytes());
}

#[test]
fn openssl_signs_requests() {
    let folder = tempfile::tempdir().unwrap();
    let v = Vectors::load();
    let (root, leaf) = (v.key("root"), v.key("leaf"));
    std::fs::write(folder.path().join("key.pem"), root.to_pem().unwrap().as_bytes()).unwrap();
    let certificate = Certificate::builder(Role::Leaf);
    let requests = [
        SigningRequest::certificate(certificate, &leaf.public_key(), &root.public_key()),
        SigningRequest::token(Permission::FullRegression, &[0x77; 32], &root.public_key()),
    ];
    for request in requests {
        let to_be_signed = request.to_be_signed();
        let arguments = ["dgst", "-sha256", "-sign", "key.pem"];
        let Some(signature) = openssl(folder.path(), &arguments, &to_be_signed) else { return };
        match request.merge(&signature).unwrap() {
            Signed::Certificate(certificate) => certificate.verify(&root.public_key()).unwrap(),
            Signed::Token(token) => token.verify(&root.public_key(), &[0x77; 32]).unwrap(),
        }
        // The other way: signers that take a hash only.
        std::fs::write(folder.path().join("hash.bin"), request.digest()).unwrap();
        let arguments = ["pkeyutl", "-sign", "-inkey", "key.pem", "-in", "hash.bin", "-pkeyopt", "digest:sha256"];
        let Some(signature) = openssl(folder.path(), &arguments, &[]) else { return };
        request.merge(&signature).unwrap();
    }
}
