//! What commands say of virtual chips.

use provost_chip::{
    assumptions::Assumptions,
    parts::{FlashSize, PartId},
    states::{ProductState, TrustZone},
};
use provost_diagnosis::answer::Likeliest;
use provost_ops::store::FilePath;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TwinMade {
    pub(crate) file: FilePath,
    pub(crate) part: PartId,
    pub(crate) flash_kb: FlashSize,
    pub(crate) product_state: ProductState,
    pub(crate) trustzone: TrustZone,
    /// The switches that are not at their default.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub(crate) assumptions: Assumptions,
    /// What it was made like.
    pub(crate) like: Option<Like>,
}

/// What a report had a chip made from.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Like {
    pub(crate) believed: Likeliest,
    /// What the report does not tell, and how it was taken.
    pub(crate) assumed: Vec<String>,
    /// The chip on its bench, for --probe.
    pub(crate) probe: String,
}

fn as_text<S: serde::Serializer>(assumptions: &Assumptions, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(assumptions)
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Twins {
    #[schemars(length(min = 1))]
    pub(crate) presets: Vec<PresetLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PresetLine {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Serving<'a> {
    /// The protocol that the chip is served by.
    #[schemars(extend("enum" = ["black-magic", "cmsis-dap", "pty", "pyocd", "remote-bitbang", "serial", "usbip"]))]
    pub(crate) door: &'static str,
    /// The port on the loopback interface; none for a pseudo-terminal.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// The name of a pseudo-terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<&'a str>,
}

#[cfg_attr(not(feature = "serve"), allow(dead_code, reason = "only the page's server says where it is"))]
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Address<'a> {
    /// Where the page is; what stands behind `#` lets its browser in, and nobody else.
    pub(crate) address: &'a str,
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Served {
    /// The first port of those that were served, if there was one.
    #[schemars(range(min = 1))]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BenchDone {
    /// What was done to the board, in this order.
    #[schemars(
        length(min = 1),
        inner(regex(pattern = "^(power=(on|off|cycle)|nrst=(low|high|pulse|wired|not-wired)|boot0=(low|high))$"))
    )]
    pub(crate) done: Vec<&'static str>,
}
