//! Debug Authentication of STM32H5 — Arm PSA ADAC v1.0 in ST's profile — as bytes and sans-I/O state machines, without any I/O.
//!
//! The layers, from the wire upwards:
//!
//! * [`packet`]: requests and responses as 32-bit mailbox words;
//! * [`tlv`]: the type-length-value fragments inside them;
//! * [`discovery`]: what a chip says about itself before anybody authenticates;
//! * [`certificate`], [`chain`], [`token`], [`password`]: the credentials;
//! * [`permission`], [`scope`]: what a credential grants and where it holds;
//! * [`key`]: keys, key files and whoever signs; [`offline`]: signing where the key is not here;
//! * [`describe`]: every field of a credential with its place, for people;
//! * [`host`] and [`target`]: the two ends of an authentication.
//!
//! All integers are little-endian, all keys and signatures big-endian. Sources: Arm DEN0101 v1.0 and Arm's open implementations
//! (psa-adac, adac-rs, psa-arch-tests), ST AN6008, ST's STM32CubeN6 `debug_authentication.c`, RM0481 for the provisioned object.

#[macro_use]
mod codes;

mod extensions;
mod open_enum;
mod pem;

pub mod certificate;
pub mod chain;
pub mod challenge;
pub mod crypto;
pub mod describe;
pub mod discovery;
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
