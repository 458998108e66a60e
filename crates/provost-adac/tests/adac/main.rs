//! Tests of the whole crate: vectors, broken input, sessions, properties.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

mod common;
mod formats;
mod properties;
mod session;
mod vectors;
