//! What the tests of every crate share, so that it is decided in one place: what a random choice is, when a missing program fails a test,
//! and how a count is held against the document that states it.
//!
//! Only tests and benchmarks depend on it, and it depends on nothing.
#![allow(clippy::missing_panics_doc, clippy::panic, reason = "a helper of a test fails by panicking")]

pub mod figures;
mod random;
pub mod strangers;

pub use random::Random;
