//! Tokens, signatures and signing requests.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provost_adac::describe;
use provost_adac::key::{PrivateKey, PublicKey, Signer as _, parse_signature};
use provost_adac::offline::SigningRequest;
use provost_adac::token::Token;
use provost_fuzz::{frugally, says_something};

static KEY: LazyLock<PublicKey> =
    LazyLock::new(|| PrivateKey::from_scalar(&[0x42; 32]).expect("a number of P-256").public_key());

fuzz_target!(
    init: {
        let _ = KEY.root_hash();
    },
    |data: &[u8]| {
        frugally(data.len(), 0x2000, 32, || {
            token(data);
            fragment(data);
            signature(data);
        });
        request(data);
        record(data);
    }
);

fn token(data: &[u8]) {
    match Token::parse(data) {
        Ok(token) => {
            assert_eq!(token.to_bytes(), data);
            assert!(data.starts_with(&token.signed_bytes()));
            assert_eq!(describe::token(&token, 0).end(), data.len());
            let _ = (token.verify(&KEY, &[0x5A; 32]), token.verify_extensions());
        }
        Err(error) => {
            assert!(error.offset <= data.len());
            says_something(error);
        }
    }
}

fn fragment(data: &[u8]) {
    match Token::from_tlv(data) {
        Ok(token) => assert_eq!(token.to_tlv(), data),
        Err(error) => {
            assert!(error.offset <= data.len());
            says_something(error);
        }
    }
}

fn signature(data: &[u8]) {
    if let Err(error) = parse_signature(data) {
        assert!(error.offset <= data.len());
        says_something(error);
    }
}

/// The bytes to sign, and behind them extensions or a signature.
fn request(data: &[u8]) {
    for length in [148, 88] {
        let Some((to_be_signed, rest)) = data.split_at_checked(length) else { continue };
        match SigningRequest::from_parts(to_be_signed, &[], &KEY) {
            Ok(request) => {
                assert_eq!(request.to_be_signed(), to_be_signed);
                assert_eq!(request.describe().end(), length);
                assert!(request.merge(rest).is_err(), "nobody has signed");
                let text = serde_json::to_string(&request).expect("plain data");
                assert_eq!(serde_json::from_str::<SigningRequest>(&text).expect("our own record"), request);
            }
            Err(error) => says_something(error),
        }
        if let Ok(request) = SigningRequest::from_parts(to_be_signed, rest, &KEY) {
            assert_eq!(request.to_be_signed(), to_be_signed);
            assert!(request.extensions().starts_with(rest));
        }
    }
}

/// The record in which a request travels.
fn record(data: &[u8]) {
    if let Ok(request) = frugally(data.len(), 0x2000, 32, || serde_json::from_slice::<SigningRequest>(data)) {
        let text = serde_json::to_string(&request).expect("plain data");
        assert_eq!(serde_json::from_str::<SigningRequest>(&text).expect("our own record"), request);
    }
}
