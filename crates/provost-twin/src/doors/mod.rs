//! Doors: servers that let other people's tools reach a virtual chip. They listen on the loopback interface only.

pub mod remote_bitbang;
pub mod serial;

use std::{io, net::SocketAddr};

/// Why a door cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// A virtual chip is not for the network: whoever reaches a door can do everything with the chip.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The listening socket failed.
    #[error("the listening socket failed")]
    Io(#[from] io::Error),
}
