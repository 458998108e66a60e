//! What registers do over a wire: each thing is done here, and in one place. The procedures are made of these.
//!
//! - [`session`]: a chip at the end of an SWD wire; [`target`]: what a wire can do, so that one which can do less plugs in;
//! - [`mod@identify`]: who it is, reading only;
//! - [`look`]: single looks that answer an open question;
//! - [`reset`]: proving that NRST arrives, and leaving the ROM;
//! - [`service`]: the provisioning service in ROM, over words and checksums; [`otp`]: what the STM32H503 has in its place;
//! - [`state`]: PRODUCT_STATE and TZEN; `launch`: the register sequence of every option change;
//! - [`bootloader`]: the ROM bootloader on a serial line, for boards that have nothing else;
//! - [`debug_auth`]: the mailbox, discovery, authentication; [`regress`]: a full regression, until the chip is Open.

pub mod bootloader;
pub mod debug_auth;
pub mod identify;
pub(crate) mod launch;
pub mod look;
pub mod otp;
pub mod regress;
pub mod reset;
pub mod service;
pub mod session;
pub mod state;
pub mod target;
