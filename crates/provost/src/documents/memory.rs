//! What commands say of option bytes and flash.

use provost_chip::{
    parts::PartId,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    option_bytes::{Change, Difference, FieldView},
    schema::SHA256,
    store::FilePath,
};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionList<'a> {
    #[schemars(length(min = 1))]
    pub(crate) parts: &'a [PartId],
    pub(crate) product_state: ProductState,
    pub(crate) trustzone: TrustZone,
    pub(crate) fields: &'a [FieldView],
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionChange<'a> {
    #[schemars(length(min = 1))]
    pub(crate) parts: &'a [PartId],
    /// After it, if it was carried out.
    pub(crate) product_state: ProductState,
    #[serde(flatten)]
    pub(crate) change: &'a Change,
    #[schemars(regex(pattern = "^set "))]
    pub(crate) phrase: Option<&'a str>,
    pub(crate) written: bool,
    #[schemars(extend("enum" = ["none", "nrst", "software", "bootloader"]))]
    pub(crate) reset: &'a str,
    /// Every field was read back with its new value.
    pub(crate) verified: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionDifferences<'a> {
    pub(crate) left: &'a str,
    pub(crate) right: &'a str,
    pub(crate) part: PartId,
    pub(crate) differences: &'a [Difference],
    /// What are no option bytes of the part.
    pub(crate) unknown: &'a [String],
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OptionText<'a> {
    /// The file that it was written to, if it was.
    pub(crate) file: Option<FilePath>,
    #[schemars(extend("enum" = ["toml", "displ"]))]
    pub(crate) format: &'static str,
    #[schemars(length(min = 1))]
    pub(crate) parts: &'a [PartId],
    pub(crate) text: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FlashErased {
    pub(crate) address: u32,
    pub(crate) size: u32,
    pub(crate) sectors: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FlashRead {
    pub(crate) file: FilePath,
    pub(crate) format: FileFormat,
    pub(crate) address: u32,
    pub(crate) size: u32,
    #[schemars(regex(pattern = SHA256))]
    pub(crate) sha256: String,
}

/// How flash is written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileFormat {
    Hex,
    Binary,
}
