//! Tests of the whole crate: vectors, broken input, properties.
//!
//! The vectors come from `vectors/make_vectors.py` (own keys, an independent implementation on top of pyca/cryptography).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

mod broken;
mod checks;
mod config;
mod cube;
mod documents;
mod h503;
mod inspect;
mod kinds;
mod properties;
mod vectors;
mod xml;

use std::io;

use provost_adac::key::{PrivateKey, Signer as _};
use provost_obk::Obk;
use zeroize::Zeroizing;

/// A key of the vectors by its label: SHA-256 of the label mod (n - 1) + 1; for these labels the sum does not wrap.
fn key(label: &str) -> PrivateKey {
    let mut scalar = provost_adac::crypto::sha256(format!("obk-test {label}").as_bytes());
    for byte in scalar.iter_mut().rev() {
        let (sum, carry) = byte.overflowing_add(1);
        *byte = sum;
        if !carry {
            break;
        }
    }
    PrivateKey::from_scalar(&scalar).unwrap()
}

/// The root key of the vectors.
fn root_key() -> PrivateKey {
    key("da-root")
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The bytes of a vector: of ST's kinds by the name of its file, of the others by its name in `kinds.json`.
fn vector(name: &str) -> Vec<u8> {
    let manifest: serde_json::Value = serde_json::from_str(include_str!("../vectors/manifest.json")).unwrap();
    let kinds: serde_json::Value = serde_json::from_str(include_str!("../vectors/kinds.json")).unwrap();
    let hex = manifest["files"][name]["hex"].as_str().or(kinds[name].as_str());
    unhex(hex.unwrap_or_else(|| panic!("no vector {name}")))
}

fn object(name: &str) -> Obk {
    Obk::parse(&vector(name)).unwrap()
}

/// The folder in which the descriptions of the tests find their files.
fn folder(path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let text = |text: String| Ok(Zeroizing::new(text.into_bytes()));
    let (label, public) =
        match path.strip_prefix("./../Keys/").or_else(|| path.strip_prefix("../Keys/")).unwrap_or(path) {
            "root.pem" => ("da-root", false),
            "root_pub.pem" => ("da-root", true),
            "s.pem" => ("auth-s", false),
            "s_pub.pem" => ("auth-s", true),
            "ns_pub.PEM" => ("auth-ns", true),
            "enc.pem" => ("enc", false),
            "password.bin" => return Ok(Zeroizing::new(vector("da_pw12.bin"))),
            "data.bin" => return Ok(Zeroizing::new((1..=32).collect())),
            "image.bin" => return Ok(Zeroizing::new(vector("stirot_user_data")[12..].to_vec())),
            "huge.bin" => return Ok(Zeroizing::new(vec![0; 0x1_0001])),
            "broken.pem" => return text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned()),
            "latin1.pem" => return Ok(Zeroizing::new(vec![0xE9; 40])),
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
    let key = key(label);
    text(if public { key.public_key().to_pem() } else { key.to_pem().unwrap().to_string() })
}
