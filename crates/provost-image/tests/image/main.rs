//! Images against those of mcuboot's and ST's own tools, broken ones, and properties.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken;
mod descriptions;
mod properties;
mod strangers;
mod vectors;

use provost_adac::crypto::sha256;
use provost_adac::key::PrivateKey;
use provost_image::{Padding, Profile, SignOptions};

/// The throw-away key of a role: SHA-256 of its label, as in `make_vectors.py`.
fn key(role: &str) -> PrivateKey {
    PrivateKey::from_scalar(&sha256(format!("provost image vectors: {role}").as_bytes())).unwrap()
}

/// A body: SHA-256 blocks of their labels, as in `make_vectors.py`.
fn body(length: usize) -> Vec<u8> {
    let blocks = (0..=length / 32).flat_map(|i| sha256(format!("provost image vectors: body {i}").as_bytes()));
    blocks.take(length).collect()
}

fn profile(name: &str) -> &'static Profile {
    Profile::named(name).unwrap()
}

/// An update of 100 bytes, signed, not padded.
fn plain_options(name: &str) -> SignOptions {
    let mut options = SignOptions::update(profile(name), "1.2.3".parse().unwrap());
    options.padding = Padding::None;
    options
}
