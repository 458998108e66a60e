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

mod by_bootloader;
mod chip_files;
mod close_bricks;
mod close_every_chip;
mod close_every_world;
mod close_interruptions;
mod close_journal;
mod close_plans;
mod close_roots;
mod closed_loop;
mod closing;
mod common;
#[path = "common/deadly.rs"]
mod deadly;
mod documents;
mod every_world;
mod flash;
mod floors;
mod hazards;
mod images;
mod interruptions;
mod objects;
mod open_debug;
mod option_bytes;
mod option_files;
mod option_locks;
mod other_chips;
mod plan_and_deed;
mod preflight;
mod refusals;
mod rescue;
mod rules;
mod selfcheck;
mod situations;
mod strict_words;
mod whose;
mod write_interruptions;
