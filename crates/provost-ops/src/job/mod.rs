//! A job on a chip: a plan that is a list of steps, and one driver that tells, announces, performs and records each.
//!
//! What a step is called, why it is right, what it erases and how it is undone are properties of the [`Step`]. A plan is steps in
//! order; the [`Driver`] refuses a step that the plan does not hold, so that plan and deed cannot differ. The journal of every
//! job is made of [`Record`]s, and [`Progress`] reads out of them how far an earlier run has come.

mod deliver;
mod driver;
mod plan;
mod receipt;
mod record;
mod step;

pub(crate) use deliver::{deliver, refusal};
pub use driver::{Driver, JobError};
pub use plan::{PlanStep, document, hash_of};
pub use receipt::ReceiptHead;
pub use record::{Attempt, AttemptOutcome, How, Progress, Record};
pub use step::{Phase, Step};
