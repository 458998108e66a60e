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

#[cfg(unix)] // bash, and paths with its separators
mod book;
#[cfg(unix)]
mod boot_strangers;
mod close_cli;
mod closed_chips;
mod credential;
mod damaged_files;
mod debug_wish;
#[cfg(unix)] // a pseudo-terminal
mod dfu;
mod diagnose;
mod every_chip;
mod exit_codes;
mod hostile_clients;
mod json;
#[cfg(unix)] // elsewhere paths are printed with other separators
mod memory;
mod obk;
mod openocd;
#[cfg(unix)] // elsewhere paths are printed with other separators
mod pages;
#[cfg(target_os = "linux")] // a path of any bytes
mod paths;
#[cfg(target_os = "linux")] // /dev/full
mod pipes;
mod pkcs11;
mod printed_commands;
mod probe_rs;
mod pyocd;
mod roads;
mod sandbox;
mod secrets;
#[cfg(unix)]
mod serve;
mod serving;
#[cfg(unix)]
mod shells;
mod terminal;
mod traces;
mod uart;
mod usage;
mod walk;
mod walkthrough;
mod wrong_input;
