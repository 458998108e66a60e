//! What commands say of a chip.

use std::borrow::Cow;

use provost_bench::Listed;
use provost_chip::{
    parts::PartId,
    states::{ProductState, TrustZone},
    unique_id::UniqueId,
};
use provost_diagnosis::{
    answer::{NeverStep, Oddity},
    verdict::Verdict,
};
use provost_ops::{
    close::{ClosePlan, preflight},
    drive::bootloader::Seen,
    identify::Identity,
    objects::{Finding, Written},
    rescue,
};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CloseSurvey<'a> {
    /// Nothing stands in the way.
    pub(crate) ready: bool,
    /// Where it can be read.
    pub(crate) unique_id: Option<UniqueId>,
    /// The phrase that `--confirm` wants; none without a plan.
    pub(crate) confirm: Option<String>,
    /// None where what it is bound to could not be measured.
    pub(crate) plan: Option<&'a ClosePlan>,
    pub(crate) checks: &'a [preflight::Finding],
    /// What to do where it is not ready, the mildest first.
    pub(crate) next: Vec<Cow<'static, str>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RescuePlan<'a> {
    #[serde(flatten)]
    pub(crate) plan: &'a rescue::Plan,
    /// The phrase that `--confirm` wants; none for a virtual chip.
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    pub(crate) probe: String,
    pub(crate) virtual_chip: bool,
    /// Where it can be read.
    pub(crate) unique_id: Option<UniqueId>,
    pub(crate) identity: Identity,
    /// None where it cannot be seen.
    pub(crate) product_state: Option<ProductState>,
    /// The state that the next reset brings.
    pub(crate) pending_state: Option<ProductState>,
    pub(crate) trustzone: Option<TrustZone>,
    pub(crate) access_ports: [AccessPort; 2],
    /// What is not as on a new chip, or as it must be to boot; looked at in Open only.
    pub(crate) unusual: Option<Vec<Oddity>>,
    pub(crate) outlook: Outlook,
}

/// What a ROM bootloader shows of its chip.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BootloaderStatus {
    /// The serial line.
    #[schemars(length(min = 1))]
    pub(crate) line: String,
    pub(crate) virtual_chip: bool,
    pub(crate) bootloader: Seen,
    pub(crate) product_state: ProductState,
    /// The state that the next reset brings.
    pub(crate) pending_state: Option<ProductState>,
    pub(crate) trustzone: TrustZone,
    pub(crate) outlook: Outlook,
}

/// What can be done from here: the answer of `diagnose`, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outlook {
    pub(crate) verdict: Verdict,
    /// How sure, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) certainty: f64,
    /// The steps of the plan, by name.
    pub(crate) plan: Vec<String>,
    /// What must not be done now.
    pub(crate) never: Vec<NeverStep>,
    /// The next command; empty if there is none.
    pub(crate) next: String,
    /// The rules and causes behind it.
    #[schemars(inner(regex(pattern = "^[RMC]-[A-Z0-9-]+$")))]
    pub(crate) reasons: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct AccessPort {
    #[schemars(range(max = 1))]
    pub(crate) ap: u8,
    pub(crate) open: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Probes {
    pub(crate) probes: Vec<Listed>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ObjectWrite<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) part: PartId,
    pub(crate) findings: &'a [Finding],
    /// None if nothing was.
    pub(crate) written: Option<&'a Written>,
}
