#![doc = include_str!("../README.md")]
//! # Modules
//!
//! An [`Obk`] is a file: destination, encryption flag, payload. Only the payload reaches the chip, always in clear text; with the flag
//! set the chip encrypts it itself. [`memory`] is the map of the key storage it goes to.
//!
//! * [`layout`]: the tables of every kind of object; [`object`]: a payload as fields with values; [`kinds`]: the same as plain structs;
//! * [`xml`]: objects from the XML of ST's Trusted Package Creator, byte for byte; [`config`]: from our TOML; [`describe`]: back to TOML;
//! * [`mod@inspect`]: every byte range of a file by its name; [`samples`]: what ST has published, by fingerprint;
//! * [`checks`]: what keeps objects from being written to a chip;
//! * [`da`]: the payload that decides who may authenticate; [`key`]: the forms of keys in payloads;
//! * [`h503`]: STM32H503 has no key storage, the hash of its password goes to one-time-programmable memory.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod bytes;
pub mod checks;
pub mod config;
mod config_error;
pub mod da;
pub mod describe;
pub mod files;
mod fingerprints;
pub mod h503;
pub mod inspect;
pub mod key;
pub mod kinds;
pub mod layout;
pub mod memory;
pub mod object;
pub mod obk;
pub mod samples;
pub mod tables;
pub mod xml;
mod xml_error;

pub use inspect::inspect;
pub use layout::ObjectKind;
pub use object::Object;
pub use obk::{Obk, ObkError, ObkRule};
pub use zeroize::Zeroizing;
