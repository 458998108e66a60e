//! Option bytes by ST's names: what they are, who may change them now, and changing several of them in one launch.
//!
//! - [`read`]: every option register of the part, through the alias that its state asks for;
//! - [`mod@fields`]: each field with its value, meaning, factory value, and whether it may be changed;
//! - [`change`]: assignments as a checked plan: everything that can be refused is refused here, before the wire;
//! - [`mod@apply`]: the plan carried out: program, launch, reset, read back;
//! - [`file`](mod@file), [`displ`]: option bytes as TOML, and as STM32CubeProgrammer's `-ob displ` prints them;
//! - [`mod@diff`]: what differs between two sets.

pub mod apply;
pub mod change;
pub mod diff;
pub mod displ;
pub mod error;
pub mod fields;
pub mod file;
pub mod read;

pub use apply::{Applied, apply, apply_by_bootloader};
pub use change::{Assignment, Change, plan};
pub use diff::{Difference, diff};
pub use error::OptionError;
pub use fields::{FieldView, fields};
pub use file::OptionFile;
pub use read::OptionBytes;
