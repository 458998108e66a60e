//! An Armv8-M Mainline core without floating point: decodes and executes Thumb-2 over a [`Bus`], one instruction per
//! [`Cpu::step`]. No I/O, no allocation, no panic on any input.
//!
//! One security state is modelled: `BXNS`, `BLXNS`, `SG` and `TT` do what they do in a core whose Security Extension is off. There are no
//! interrupts; SVC and faults are taken through the vector table that VTOR (on the bus, 0xE000ED08) points at, and a fault that cannot be taken is a lock-up. Sections that
//! comments name are those of the Armv8-M Architecture Reference Manual, Arm DDI 0553.

#![no_std]

mod bits;
mod bus;
mod cpu;
mod ops;
mod step;
mod table;

pub use bus::{Bus, BusFault, Width};
pub use cpu::Cpu;
pub use step::{Fault, Step};
