//! All integration tests in one program: they link once.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod bootloader;
mod silicon_access;
mod silicon_bench;
mod silicon_core;
mod silicon_flash;
mod silicon_model;
mod silicon_options;
mod silicon_regression;
mod usbip;
mod wire_cmsis_dap;
mod wire_dap;
mod wire_faults;
#[cfg(feature = "probe-rs")]
mod wire_polyfill;
#[cfg(feature = "probe-rs")]
mod wire_probe;
mod wire_random;
mod wire_remote_bitbang;
mod wire_swd;
mod wire_toy;
