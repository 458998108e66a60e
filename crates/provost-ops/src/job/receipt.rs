//! What every receipt begins with: which tool, when, which chip, which plan.

use schemars::JsonSchema;
use serde::Serialize;

/// The first fields of a receipt, behind its schema.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReceiptHead {
    /// Version of the tool.
    pub version: &'static str,
    /// When it ended, UTC.
    #[schemars(regex(pattern = crate::schema::TIME))]
    pub time: String,
    /// What `--probe` said.
    pub chip: String,
    /// Whether the chip is a virtual one.
    pub virtual_chip: bool,
    /// Hash of the plan that was carried out.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub plan: String,
}

impl ReceiptHead {
    /// Of a job on this chip that ended at this time.
    pub fn new(time: String, chip: &str, virtual_chip: bool, plan: &str) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), time, chip: chip.to_owned(), virtual_chip, plan: plan.to_owned() }
    }
}
