//! Tests of the whole crate: vectors, broken input, properties.
//!
//! The vectors come from `vectors/make_vectors.py` (own keys, an independent implementation on top of pyca/cryptography).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

mod broken;
mod properties;
mod vectors;

use provost_adac::key::PrivateKey;

/// Private number of the root key of the vectors: SHA-256("obk-test da-root") mod (n - 1) + 1; the sum does not wrap.
fn root_key() -> PrivateKey {
    let mut scalar = provost_adac::crypto::sha256(b"obk-test da-root");
    for byte in scalar.iter_mut().rev() {
        let (sum, carry) = byte.overflowing_add(1);
        *byte = sum;
        if !carry {
            break;
        }
    }
    PrivateKey::from_scalar(&scalar).unwrap()
}
