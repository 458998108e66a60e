//! The close: from Open to iROT-Provisioned, TZ-Closed or Closed, with the way back proven before the door is shut.
//!
//! `measure → preflight → plan → (rehearse) → Provisioning → object → discovery → phrase → final state → discovery → receipt`.
//! The preflight is a table of rules, the plan a value bound to one chip, and the journal says before each step what is about to
//! be done, so that a close can be stopped at any moment and gone on with.

mod begin;
mod bound;
mod check;
mod custody;
mod error;
pub mod escrow;
pub(crate) mod facts;
mod finding;
mod gate;
mod image;
mod plan;
mod policy;
pub mod preflight;
mod prove;
mod receipt;
mod rehearsal;
mod restore;
mod resume;
mod root_of_trust;
mod run;
mod survey;
mod whose;
mod wish;
pub mod words;

pub use begin::{apply, close};
pub use bound::Bound;
pub use check::{Checked, Expected, check};
pub use custody::{Samples, known_sample, temporary_folders};
pub use error::CloseError;
pub use facts::{Facts, measure};
pub use finding::{Finding, Verdict};
pub use image::{Digest, Image};
pub use plan::{ClosePlan, SCHEMA as PLAN_SCHEMA};
pub use policy::Policy;
pub use receipt::{Entry, Receipt, SCHEMA as RECEIPT_SCHEMA, history, unfinished};
pub use rehearsal::{Rehearsal, SCHEMA as REHEARSAL_SCHEMA};
pub use resume::resume;
pub use root_of_trust::{BoundObject, Given};
pub use run::Ended;
pub use survey::{Consent, Survey, survey};
pub use wish::{Site, Wish};
pub use words::Difference;
