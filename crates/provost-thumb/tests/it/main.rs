//! The core against an independent machine, against the manual, and against anything at all.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod machine;
mod manual;
mod qemu;
mod random;
