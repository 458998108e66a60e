//! The words of documents as JSON schemas: which ones there are, or what they look like.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    assumptions::RssChecksum,
    parts::{FlashSize, PartId},
    rules::RuleId,
    sources::Confidence,
    states::{DaMethod, ProductState, TrustZone},
    unique_id::UniqueId,
};

macro_rules! schemas {
    ($($type:ident: $schema:expr),+ $(,)?) => { $(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+ };
}

schemas! {
    ProductState: one_of(ProductState::ALL.into_iter().map(ProductState::as_str)),
    TrustZone: one_of(TrustZone::ALL.into_iter().map(TrustZone::as_str)),
    DaMethod: one_of([DaMethod::Certificate, DaMethod::Password].into_iter().map(DaMethod::as_str)),
    Confidence: one_of(Confidence::ALL.into_iter().map(Confidence::as_str)),
    // What no service was seen to take is never written.
    RssChecksum: one_of(RssChecksum::ALL.iter().filter(|c| **c != RssChecksum::Unlisted).map(|c| c.as_str())),
    PartId: like("^STM32H5"),
    RuleId: like("^R-[A-Z0-9-]+$"),
    // In KB, with room for lines to come.
    FlashSize: number(16, 4096),
    UniqueId: like("^[0-9A-F]{8}_[0-9A-F]{8}_[0-9A-F]{8}$"),
}

fn one_of(words: impl Iterator<Item = &'static str>) -> Schema {
    let mut schema = text();
    schema.insert("enum".to_owned(), words.collect());
    schema
}

fn like(pattern: &str) -> Schema {
    let mut schema = text();
    schema.insert("pattern".to_owned(), pattern.into());
    schema
}

fn number(minimum: u32, maximum: u32) -> Schema {
    let mut schema = Schema::default();
    schema.insert("type".to_owned(), "integer".into());
    schema.insert("minimum".to_owned(), minimum.into());
    schema.insert("maximum".to_owned(), maximum.into());
    schema
}

fn text() -> Schema {
    let mut schema = Schema::default();
    schema.insert("type".to_owned(), "string".into());
    schema
}
