//! Both protocols: frames as the documents give them, host against target, and peers that lie.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

mod codes;
mod dfu;
mod frames;
mod hostile;
mod properties;
mod toy;
mod usb;
