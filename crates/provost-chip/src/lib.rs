#![doc = include_str!("../README.md")]
//! # Modules
//!
//! - [`parts`], [`option_bytes`], [`registers`]: the chip as tables;
//! - [`states`], [`transitions`], [`rules`]: the product states, which write leads where, and every rule with its sources;
//! - [`assumptions`]: what public sources leave open, as switches;
//! - [`model`]: the chip on a bench, and what each action does to it and shows of it.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod assumptions;
pub mod flash_map;
pub mod model;
pub mod option_bytes;
pub mod option_values;
pub mod order_code;
pub mod parts;
pub mod registers;
pub mod rss_status;
pub mod rules;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "serde")]
mod serialize;
pub mod side;
pub mod sources;
pub mod states;
pub mod transitions;
pub mod unique_id;

/// The tables of `data/`, as constants.
mod tables {
    use crate::{
        option_bytes::OptionField,
        parts::{DaStore, FlashSize, Memory, Part},
        rules::Rule,
        sources::{Confidence, Source},
        states::{ProductState, TrustZone},
        transitions::{Outcome, Row, Writer},
    };
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}
