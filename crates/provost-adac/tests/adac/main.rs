//! Tests of the whole crate: vectors, broken input, sessions, properties.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

mod codes;
mod common;
mod describe;
mod formats;
mod key_bounds;
mod keys;
mod offline;
mod openssl;
mod properties;
#[cfg(feature = "serde")]
mod requests;
mod session;
mod tampering;
mod vectors;
