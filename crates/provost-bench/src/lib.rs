//! Which probe or which virtual chip is meant, and a session on it: the one place where the operations meet real and virtual chips.
//!
//! With the feature `probe-rs`, a virtual chip hangs below the same probe library as a real one. Without it there are virtual chips
//! only, and [`TwinWire`] drives them; a test holds that both do the same on the wire.

mod bench;
mod boot_wire;
mod dfu;
mod error;
mod list;
#[cfg(any(feature = "serial", feature = "usb"))]
mod rights;
mod selector;
mod stoppable;
mod twin_wire;
mod uart;

pub use bench::Bench;
pub use boot_wire::{BootBench, BootWire};
pub use dfu::Dfu;
pub use error::{BenchError, rows};
pub use list::{Listed, list};
pub use provost_link::trace::Tape;
pub use selector::Probe;
pub use stoppable::Stop;
pub use twin_wire::TwinWire;
pub use uart::{Uart, UartBench};
