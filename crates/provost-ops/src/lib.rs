//! What a person wants done to a chip, as operations that return values: the layer between the wires and the command line.
//!
//! From the top:
//!
//! - [`auth`]: debug opened without erasing, and the way back to TZ-Closed; [`rescue`]: the way back to Open; [`close`]: forward, with the way back proven first; [`objects`]: what is written by the
//!   provisioning service; [`option_bytes`] and [`flash`]: option bytes by name, images into user flash and back; [`mod@diagnose`]:
//!   what a live chip or a report tells;
//! - [`job`]: steps, plans and the driver that carries them out;
//! - [`drive`]: what registers do over a wire, each thing once;
//! - [`store`]: what must survive a power cut; [`credential`]: what opens a chip, on the disk;
//! - [`fault`]: what an error means to a person and to a script. Which probe or virtual chip is meant is `provost-bench`'s.
//!
//! Nothing here prints. Progress is told to a [`Narrator`]; results are values that serialize.

pub mod auth;
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
pub mod practise;
pub mod prospects;
pub mod rescue;
pub mod schema;
pub mod selfcheck;
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
