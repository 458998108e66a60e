//! Signing requests as records, in JSON and in TOML.

use provost_adac::certificate::{Certificate, Role};
use provost_adac::key::{PrivateKey, Signer as _};
use provost_adac::offline::SigningRequest;
use provost_adac::permission::Permission;
use serde_json::Value;

fn keys() -> [PrivateKey; 2] {
    [[0x11; 32], [0x22; 32]].map(|scalar| PrivateKey::from_scalar(&scalar).unwrap())
}

fn requests() -> [SigningRequest; 3] {
    let [issuer, subject] = keys().map(|key| key.public_key());
    let extended = Certificate::builder(Role::Leaf).extensions(&[1, 2, 3, 4]);
    [
        SigningRequest::certificate(Certificate::builder(Role::Intermediate), &subject, &issuer),
        SigningRequest::certificate(extended, &subject, &issuer),
        SigningRequest::token(Permission::FullRegression, &[0x5A; 32], &issuer),
    ]
}

#[test]
fn records_come_back() {
    for request in requests() {
        let json = serde_json::to_string_pretty(&request).unwrap();
        assert_eq!(serde_json::from_str::<SigningRequest>(&json).unwrap(), request);
        let toml = toml::to_string(&request).unwrap();
        assert_eq!(toml::from_str::<SigningRequest>(&toml).unwrap(), request);
    }
}

#[test]
fn a_record_says_what_is_to_be_signed() {
    let [_, _, token] = requests();
    let record = serde_json::to_value(&token).unwrap();
    assert_eq!(record["format"], "provost-signing-request-1");
    assert_eq!((&record["kind"], &record["algorithm"]), (&"token".into(), &"ECDSA P-256 SHA-256".into()));
    let to_be_signed = record["to_be_signed"].as_str().unwrap();
    assert_eq!(to_be_signed.len(), 2 * 88);
    assert!(to_be_signed.ends_with(&"5a".repeat(32)));
    assert_eq!(record["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(record["signer"].as_str().unwrap().len(), 128);
    assert!(record.get("extensions").is_none());
    let lines: Vec<&str> = record["description"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(lines.contains(&"requested_permissions: 0x00004000 (Full Regression (14))"), "{lines:?}");
}

#[test]
fn changed_records_are_refused() {
    let [certificate, extended, token] = requests().map(|request| serde_json::to_value(request).unwrap());
    let [issuer, subject] = keys().map(|key| key.public_key());
    let filled = Certificate::builder(Role::Leaf).extensions(&[1, 2, 3]);
    let filled = serde_json::to_value(SigningRequest::certificate(filled, &subject, &issuer)).unwrap();
    assert_eq!(filled["extensions"], "01020300");
    let table: [(&Value, &str, Value, &str); 13] = [
        (&certificate, "format", "provost-signing-request-2".into(), "format: "),
        (&certificate, "algorithm", "ECDSA P-256 SHA-512".into(), "algorithm: "),
        (&certificate, "kind", "token".into(), "kind: the bytes to sign are of the other kind"),
        (&certificate, "kind", "chain".into(), "kind: certificate or token is due"),
        (&certificate, "signer", "00".repeat(64).into(), "signer: not a point"),
        (&certificate, "signer", "04".into(), "signer: X and Y are due"),
        (&certificate, "sha256", "00".repeat(32).into(), "sha256: "),
        (&certificate, "to_be_signed", "0g".into(), "to_be_signed: pairs of hex digits"),
        (&certificate, "to_be_signed", "00".repeat(100).into(), "148 bytes of a certificate or 88 of a token"),
        (&extended, "extensions", "01020305".into(), "the extensions hash"),
        (&extended, "extensions", "0102030405060708".into(), "certificate byte 12"),
        (&filled, "extensions", "010203".into(), "extensions: a multiple of four bytes"),
        (&token, "more", "x".into(), "unknown field"),
    ];
    for (good, field, value, due) in table {
        let mut record = good.clone();
        record[field] = value;
        let error = serde_json::from_value::<SigningRequest>(record).unwrap_err().to_string();
        assert!(error.contains(due), "{field}: {error}");
    }
}

#[test]
fn the_description_is_not_believed() {
    let [certificate, ..] = requests();
    let mut record = serde_json::to_value(&certificate).unwrap();
    record["description"] = vec!["permissions_mask: nothing"].into();
    assert_eq!(serde_json::from_value::<SigningRequest>(record).unwrap(), certificate);
}
