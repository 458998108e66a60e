//! The ROM bootloader of STM32H5 as bytes and state machines that do no I/O: both ends of AN3155 over a serial line and of DfuSe over USB.
//!
//! - [`an3155`]: the commands of the serial protocol, each a value with its own reply; [`an3155::Exchange`] carries one out over whatever
//!   moves bytes, [`an3155::Target`] is the other end.
//! - [`dfu`]: control transfers, states, the memory map in a string descriptor; [`dfu::Exchange`] and [`dfu::Target`].
//! - [`usb`]: what USB itself asks: setup packets, and descriptors, told and read.
//! - [`device`]: what differs from part to part, with source and confidence.
//! - [`special`]: the commands that only STM32H5 has: product state, reset, data provisioning.
//! - [`memory`]: what both targets ask of the chip behind them.
//!
//! Left out on purpose: Go and DfuSe's "leave", which lock an STM32H5 up (ST, article on the GO command), and opcode 0x92, which has no
//! meaning on a part without readout protection. Leaving the bootloader is the special command reset, with BOOT0 low.

pub mod an3155;
pub mod device;
pub mod dfu;
pub mod memory;
pub mod special;
pub mod usb;

/// The example of the README, run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
