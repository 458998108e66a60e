//! The rescue: from Provisioning, or from a closed state with a credential, back to Open.
//!
//! `identify → plan → (confirm) → run + journal → receipt`. A rescue from Provisioning provisions a credential of its own,
//! proves with a discovery that the chip took it, authenticates a full regression with it, and waits until the chip is Open.
//! Where public sources leave a question open it tries the candidates in an order that can do no harm, and the journal
//! remembers what came of each, so that a second run goes on where the first one stopped.

mod attempts;
pub(crate) mod folder;
mod otp;
mod plan;
mod receipt;
mod run;

pub use folder::RescueFolder;
pub(crate) use plan::step;
pub use plan::{Means, Plan, PlanStep, Situation, plan};
pub use receipt::{Receipt, SCHEMA as RECEIPT_SCHEMA};
pub use run::{Request, rescue};
