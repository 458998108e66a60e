//! Provisioning objects of STM32H5: `.obk` files, the Debug Authentication object, and what STM32H503 has in its place.
//!
//! An [`Obk`] is a file: destination, encryption flag, payload. Only the payload reaches the chip, always in clear text; with the flag
//! set the chip encrypts it itself. [`memory`] is the map of the key storage it goes to, [`da`] the payload that decides who may
//! authenticate. STM32H503 has no key storage: [`h503`].

pub mod da;
pub mod h503;
pub mod memory;
pub mod obk;

pub use obk::{Obk, ObkError, ObkRule};
