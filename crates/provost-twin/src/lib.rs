//! The virtual STM32H5: everything that stands behind an SWD connector, from clock edges up, and the doors that lead to it.

pub mod board;
pub mod chipfile;
pub mod doors;
pub mod error;
pub mod host;
pub mod ledger;
pub mod presets;
#[cfg(feature = "probe-rs")]
pub mod probe;
mod rom;
pub mod silicon;
pub mod wire;

pub use rom::rss::INVENTED_ENCRYPT_WORD;
