//! What the instructions do, by the groups of §C2.4.

pub(crate) mod branch;
pub(crate) mod data;
pub(crate) mod dsp;
pub(crate) mod media;
pub(crate) mod memory;
pub(crate) mod multiple;
pub(crate) mod multiply;
pub(crate) mod system;
