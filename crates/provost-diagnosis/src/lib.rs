//! Diagnosis: from reports, logs and measurements to what state a chip is in, whether it can be saved, and the next safe step.
//!
//! A [`case::Case`] holds what is reported. [`evidence`] digests it, [`belief`] runs the model of `provost-chip` over its steps in
//! every world that the public sources allow and keeps those that agree, and [`answer`] says what they agree on: the verdict,
//! the reasons, a plan that is safe in all of them, and the test that tells the rest apart.

pub mod answer;
mod ask;
pub mod belief;
pub mod case;
pub mod case_file;
pub mod causes;
pub mod claim;
pub mod commands;
pub mod evidence;
pub mod families;
mod goal;
pub mod hypothesis;
pub mod interview;
pub mod log;
pub mod messages;
pub mod moves;
mod noise;
mod plan;
mod prior;
mod prose;
pub mod reading;
pub mod remarks;
mod replay;
pub mod signs;
mod story;
mod tables;
pub mod tools;
mod untold;
pub mod unusual;
pub mod verdict;
mod words;

pub use answer::{Diagnosis, diagnose, diagnose_for};
pub use commands::Given;
pub use words::nearest;

/// The example of the README, run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
