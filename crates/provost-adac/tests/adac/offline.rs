//! Prepared, signed elsewhere, merged: the same bytes as signed directly, whatever form the signature comes back in.

use crate::common::Vectors;
use provost_adac::certificate::{Builder, Certificate, Role};
use provost_adac::key::{PrivateKey, SignatureRule, Signer as _};
use provost_adac::offline::{MergeError, RequestError, RequestKind, Signed, SigningRequest};
use provost_adac::permission::{Permission, PermissionMask};
use provost_adac::token::Token;

/// The vectors again, by way of a request: role, issuer and subject.
fn requests(v: &Vectors) -> Vec<(SigningRequest, PrivateKey, Vec<u8>)> {
    let [root, intermediate, leaf] = ["root", "intermediate", "leaf"].map(|name| v.key(name));
    let certificate = |name: &str, what: Builder, subject: &PrivateKey, issuer: &PrivateKey| {
        let request = SigningRequest::certificate(what, &subject.public_key(), &issuer.public_key());
        (request, issuer.clone(), v.bytes(&format!("/certificates/{name}")))
    };
    let token = SigningRequest::token(Permission::FullRegression, &v.array("/challenge"), &leaf.public_key());
    vec![
        certificate("root", Certificate::builder(Role::Root), &root, &root),
        certificate("intermediate", Certificate::builder(Role::Intermediate), &intermediate, &root),
        certificate("leaf", Certificate::builder(Role::Leaf), &leaf, &intermediate),
        certificate("leaf_soc_478", Certificate::builder(Role::Leaf).soc_class(0x478), &leaf, &intermediate),
        (token, leaf, v.bytes("/tokens/full_regression(bit14)")),
    ]
}

/// SEQUENCE { INTEGER r, INTEGER s }.
fn der(signature: &[u8; 64]) -> Vec<u8> {
    let integer = |digits: &[u8]| {
        let digits = &digits[digits.iter().position(|&byte| byte != 0).unwrap_or(31)..];
        let zero: &[u8] = if digits[0] >= 0x80 { &[0] } else { &[] };
        [&[2, (zero.len() + digits.len()) as u8], zero, digits].concat()
    };
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, body.len() as u8], &body[..]].concat()
}

#[test]
fn merged_is_the_same_as_signed_directly() {
    let v = Vectors::load();
    for (request, key, due) in requests(&v) {
        let to_be_signed = request.to_be_signed();
        let signature = key.sign(&to_be_signed).unwrap();
        assert_eq!(request.merge(&signature).unwrap().to_bytes(), due);
        assert_eq!(request.merge(&der(&signature)).unwrap().to_bytes(), due);
        let (kind, length) =
            if to_be_signed.len() == 88 { (RequestKind::Token, 88) } else { (RequestKind::Certificate, 148) };
        assert_eq!((request.kind(), to_be_signed.len()), (kind, length));
        assert_eq!(request.describe().end(), length);
        let again = SigningRequest::from_parts(&to_be_signed, request.extensions(), request.signer()).unwrap();
        assert_eq!(again, request);
    }
}

#[test]
fn tlvs_are_those_that_are_sent() {
    let v = Vectors::load();
    let (request, key, due) = requests(&v).remove(2);
    let merged = request.merge(&key.sign(&request.to_be_signed()).unwrap()).unwrap();
    assert_eq!(merged.to_tlv(), [&[0, 0, 1, 2, 212, 0, 0, 0], &due[..]].concat());
    let (request, key, due) = requests(&v).remove(4);
    let merged = request.merge(&key.sign(&request.to_be_signed()).unwrap()).unwrap();
    assert_eq!(merged.to_tlv(), [&[0, 0, 0, 2, 120, 0, 0, 0], &due[..]].concat());
    let Signed::Token(token) = merged else { panic!("not a token") };
    assert_eq!(Token::from_tlv(&token.to_tlv()).unwrap(), token);
}

#[test]
fn extensions_travel_beside() {
    let v = Vectors::load();
    let (root, leaf) = (v.key("root"), v.key("leaf"));
    let what = || Certificate::builder(Role::Leaf).extensions(b"extended");
    let request = SigningRequest::certificate(what(), &leaf.public_key(), &root.public_key());
    let merged = request.merge(&root.sign(&request.to_be_signed()).unwrap()).unwrap();
    assert_eq!(merged, Signed::Certificate(what().sign(&leaf.public_key(), &root).unwrap()));
    let from = |extensions: &[u8]| SigningRequest::from_parts(&request.to_be_signed(), extensions, &root.public_key());
    assert_eq!(from(b"extended"), Ok(request.clone()));
    assert!(matches!(from(b"extendeD"), Err(RequestError::Extensions(_))));
    // Without them the announced length does not hold.
    assert!(matches!(from(b""), Err(RequestError::Certificate(error)) if error.offset == 12));
    let token = SigningRequest::token_with_extensions(Permission::TzRegression, &[1], &[9; 32], &leaf.public_key());
    let direct = Token::sign_with_extensions(Permission::TzRegression, &[1], &[9; 32], &leaf).unwrap();
    assert_eq!(token.merge(&leaf.sign(&token.to_be_signed()).unwrap()).unwrap(), Signed::Token(direct));
}

#[test]
fn wrong_signatures_are_refused() {
    let v = Vectors::load();
    for (request, key, _) in requests(&v) {
        let good = key.sign(&request.to_be_signed()).unwrap();
        let other = PrivateKey::generate().unwrap();
        let mut changed = good;
        changed[40] ^= 0x10;
        for wrong in [other.sign(&request.to_be_signed()).unwrap(), key.sign(b"else").unwrap(), changed, [0; 64]] {
            assert_eq!(request.merge(&wrong), Err(MergeError::WrongSignature));
            assert_eq!(request.merge(&der(&wrong)), Err(MergeError::WrongSignature));
        }
        let short = request.merge(&good[..63]).unwrap_err();
        assert!(matches!(short, MergeError::Signature(error) if matches!(error.rule, SignatureRule::Form { have: 63 })
            || error.offset > 0));
        // The hash is not what a signature is merged with.
        assert_eq!(request.merge(&request.digest()).unwrap_err().code(), "signature-malformed");
    }
}

#[test]
fn a_token_is_good_for_its_challenge_only() {
    let v = Vectors::load();
    let leaf = v.key("leaf");
    let request = |challenge: [u8; 32]| SigningRequest::token(PermissionMask(0x4000), &challenge, &leaf.public_key());
    let signature = leaf.sign(&request([1; 32]).to_be_signed()).unwrap();
    assert!(request([1; 32]).merge(&signature).is_ok());
    assert_eq!(request([2; 32]).merge(&signature), Err(MergeError::WrongSignature));
}

#[test]
fn bytes_that_are_no_request_are_refused() {
    let v = Vectors::load();
    let signer = v.key("root").public_key();
    for have in [0, 87, 89, 147, 149, 212] {
        assert_eq!(SigningRequest::from_parts(&vec![1; have], &[], &signer), Err(RequestError::Length { have }));
    }
    let mut bytes = requests(&v)[0].0.to_be_signed();
    bytes[4] = 7;
    let error = SigningRequest::from_parts(&bytes, &[], &signer).unwrap_err();
    assert_eq!(error.code(), "certificate-role");
}
