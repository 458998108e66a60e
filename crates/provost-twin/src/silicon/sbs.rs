//! SBS as far as debug goes: the isolation level, and what Debug Authentication has opened.
//!
//! Registers are shown and take no writes: who may write them, and in which state, is not public.

use provost_chip::{
    model::{Execution, debug},
    registers::sbs,
};

use super::Silicon;

/// The peripheral's registers lie within this many bytes.
const SIZE: u32 = 0x400;

impl Silicon {
    /// A register by its address in the non-secure alias; `None` outside of SBS.
    pub(super) fn read_sbs(&self, address: u32) -> Option<u32> {
        let offset = address.checked_sub(sbs::BASE).filter(|offset| *offset < SIZE)?;
        Some(match offset {
            sbs::HDPLCR | sbs::DBGLOCKR => u32::from(sbs::UNLOCKED),
            sbs::HDPLSR => u32::from(match (self.booting(), self.chip().runs) {
                (false, Execution::User | Execution::Bootloader) => {
                    debug::level(self.chip()).map_or(sbs::UNLOCKED, debug::Hdpl::code)
                }
                _ => sbs::UNLOCKED,
            }),
            sbs::DBGCR => self.chip().debug.granted().map_or(0, debug::Opening::dbgcr),
            _ => 0,
        })
    }
}
