//! What a person wants done to a chip, as operations that return values: the layer between the wires and the command line.
//!
//! - [`session`]: a chip at the end of a wire;
//! - [`identify`]: who it is, reading only;
//! - [`debug_auth`]: the mailbox, discovery, authentication;
//! - [`provisioning`] and [`options`]: the two ways of writing into a chip's life;
//! - [`store`]: what must survive a power cut;
//! - [`credential`], [`journal`], [`rescue`]: the way back to Open;
//! - [`option_bytes`], [`flash`]: option bytes by name, and images into user flash and back.
//! - [`close`]: forward, with the way back proven first.
//!
//! Nothing here prints. Progress is told to a [`Narrator`]; results are values that serialize.

pub mod close;
pub mod credential;
pub mod diagnose;
pub mod drive;
pub mod error;
pub mod fault;
pub mod flash;

pub mod images;
pub mod job;
pub mod objects;
pub mod option_bytes;

pub mod picture;
pub mod prospects;

pub mod rescue;

pub mod show;
pub mod store;

use provost_chip::rules::RuleId;

pub use drive::{debug_auth, identify, session};

/// Listens to an operation while it works.
pub trait Narrator {
    /// A step begins: what is done, in plain words, and why.
    fn step(&mut self, what: &str, why: &[RuleId]);
    /// Something was measured or happened within the step.
    fn note(&mut self, what: &str);
    /// So much of the step is done, of so much: bytes, as a rule.
    fn progress(&mut self, _done: u64, _of: u64) {}
}

/// A narrator that listens to nobody.
#[derive(Debug, Default)]
pub struct Silent;

impl Narrator for Silent {
    fn step(&mut self, _what: &str, _why: &[RuleId]) {}
    fn note(&mut self, _what: &str) {}
}
