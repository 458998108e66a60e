#![doc = include_str!("../README.md")]
//! # Layers, from the wire upwards
//!
//! * [`packet`]: requests and responses as 32-bit mailbox words;
//! * [`tlv`]: the type-length-value fragments inside them;
//! * [`discovery`]: what a chip says about itself before anybody authenticates;
//! * [`certificate`], [`chain`], [`token`], [`password`]: the credentials;
//! * [`permission`], [`scope`]: what a credential grants and where it holds;
//! * [`key`]: keys, key files and whoever signs; [`offline`]: signing where the key is not here;
//! * [`describe`]: every field of a credential with its place, for people;
//! * [`host`] and [`target`]: the two ends of an authentication.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod extensions;
mod open_enum;
mod pem;
mod role;

pub mod certificate;
pub mod chain;
pub mod challenge;
pub mod crypto;
pub mod describe;
pub mod discovery;
#[allow(clippy::exhaustive_enums, reason = "the steps of a protocol, which its driver matches in full")]
pub mod host;
pub mod key;
pub mod lifecycle;
pub mod offline;
pub mod packet;
pub mod password;
pub mod permission;
pub mod scope;
pub mod target;
pub mod tlv;
pub mod token;

pub use crate::extensions::BadExtensionsHash;
pub use zeroize::Zeroizing;
