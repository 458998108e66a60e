//! The rescue: from Provisioning, or from a closed state with a credential, back to Open.
//!
//! `identify → plan → (confirm) → carry out + journal → receipt`. A rescue from Provisioning provisions a credential of its own,
//! proves with a discovery that the chip took it, authenticates a full regression with it, and waits until the chip is Open.
//! Where public sources leave a question open it tries the candidates in an order that can do no harm, and the journal
//! remembers what came of each, so that a second run goes on where the first one stopped.

mod attempts;
mod error;
mod plan;
mod receipt;
mod run;
mod whose;

pub use error::RescueError;
pub use plan::{Means, Plan, SCHEMA as PLAN_SCHEMA, Situation, plan};
pub use receipt::{Receipt, SCHEMA as RECEIPT_SCHEMA};
pub use run::{Ended, Wish, carry_out, rescue};
