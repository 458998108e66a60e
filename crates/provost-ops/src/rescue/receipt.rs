//! What a rescue leaves for the records: everything measured, nothing secret.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    credential::Binding,
    drive::{debug_auth::Discovered, identify::Identity},
    job::{How, ReceiptHead},
};

/// Schema of the receipt.
pub const SCHEMA: &str = "provost.receipt/1";

/// The receipt of a rescue.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Receipt {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// Which tool, when, which chip, which plan.
    #[serde(flatten)]
    pub head: ReceiptHead,
    /// The chip before.
    pub before: Identity,
    /// What the last discovery showed.
    pub discovered: Option<Discovered>,
    /// How what opened the chip had got into it, if this rescue put it there.
    pub how: Option<How>,
    /// What ties the credential used to this receipt.
    pub binding: Option<Binding>,
    /// Where the credential lies.
    pub credential: Option<String>,
    /// Whether the chip keeps the credential for its whole life (STM32H503): then it must be kept as long.
    pub credential_for_life: bool,
    /// The chip after.
    pub after: Identity,
    /// How long it took, in milliseconds of the chip's time.
    pub took_ms: u64,
}
