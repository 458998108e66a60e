//! What differs between two sets of option bytes.

use std::collections::BTreeMap;

use provost_chip::{
    option_bytes::OptionField,
    parts::{FlashSize, PartId},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A field that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// ST's name.
    #[schemars(regex(pattern = crate::schema::FIELD))]
    pub name: &'static str,
    /// Value on the left; `None` if it is not given there.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub left: Option<String>,
    /// What it means.
    pub left_means: Option<String>,
    /// Value on the right; `None` if it is not given there.
    #[schemars(regex(pattern = crate::schema::HEX))]
    pub right: Option<String>,
    /// What it means.
    pub right_means: Option<String>,
}

/// The fields whose values differ, in register order, with what they mean on a flash of this size. A field that one side does not
/// name counts only if `strict`.
pub fn diff(
    (part, flash): (PartId, Option<FlashSize>),
    left: &BTreeMap<&'static str, u32>,
    right: &BTreeMap<&'static str, u32>,
    strict: bool,
) -> Vec<Difference> {
    OptionField::of(part)
        .filter_map(|field| {
            let (l, r) = (left.get(field.name).copied(), right.get(field.name).copied());
            let differs = match (l, r) {
                (Some(l), Some(r)) => l != r,
                (None, None) => false,
                _ => strict,
            };
            let hex = |v: Option<u32>| v.map(|v| field.hex(v));
            let means = |v: Option<u32>| v.and_then(|v| field.describe(flash, v));
            differs.then(|| Difference {
                name: field.name,
                left: hex(l),
                left_means: means(l),
                right: hex(r),
                right_means: means(r),
            })
        })
        .collect()
}
