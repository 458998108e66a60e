//! The wires to a chip: raw access to its debug port, access ports and reset pin, with no chip knowledge and no effect nobody asked for.
//!
//! - [`SwdWire`] is the wire. With the feature `probe-rs`, `ProbeRsWire` drives it through any probe that probe-rs knows, or through a
//!   virtual one.
//! - [`MemAp`] turns a wire and an access port into a 32-bit bus, by raw TAR/DRW accesses only.
//! - [`trace`] keeps what crosses a wire as text, and plays it again.
//! - [`core`] halts, resumes and calls functions on a Cortex-M through a [`MemAp`].
//!
//! Nothing here halts, resets, unlocks or powers down a chip unless the caller says so: constructors do no I/O,
//! and dropping a wire leaves the debug port powered, so that a debug session opened by Debug Authentication survives.

pub mod adi;
mod clock;
pub mod core;
mod error;
mod mem_ap;
#[cfg(feature = "probe-rs")]
mod probe;
mod selector;
pub mod trace;
mod wire;

#[cfg(test)]
mod testing;

pub use adi::{Access, Ap, ApRegister, Csw, DpRead, DpWrite, Dpidr};
pub use clock::{Clock, SystemClock};
pub use error::{DriverError, LinkError};
pub use mem_ap::{BankedWindow, MemAp, MemApCache, Security};
#[cfg(feature = "probe-rs")]
pub use probe::{AttachedProbe, ProbeRsWire, list};
pub use selector::ProbeSelector;
pub use wire::{Capabilities, Nrst, ProbeInfo, SwdWire, WireStats};

/// The example of the README, run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
