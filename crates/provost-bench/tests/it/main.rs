//! All integration tests in one program: they link once.
#![allow(clippy::panic, clippy::unwrap_used, missing_docs, reason = "tests")]

mod chip_file;
mod dfu;
mod soc_id;
#[cfg(feature = "probe-rs")]
mod speed;
#[cfg(feature = "probe-rs")]
mod two_hosts;
mod uart;
