//! The visible effects of ST's ROM code: its descriptor, the provisioning service, Debug Authentication, the bootloader's interfaces.
//!
//! The code itself is not modelled: running the core at a service's entry performs the service.

pub(crate) mod bootloader;
pub(crate) mod debug_auth;
pub(crate) mod descriptor;
pub(crate) mod rss;
pub(crate) mod st_irot;

use crate::silicon::Silicon;

/// The core runs in the ROM: a service is called, or code that the model does not execute runs on.
pub(crate) fn resume(silicon: &mut Silicon) {
    let pc = silicon.core().program_counter();
    if Some(pc) == descriptor::data_provisioning(silicon.identity()).map(|entry| entry & !1) {
        rss::data_provisioning(silicon);
    }
}

/// Halts the core if a BKPT stands at its program counter.
pub(crate) fn stop_at_breakpoint(silicon: &mut Silicon) {
    let pc = silicon.core().program_counter();
    let Some(word) = silicon.sram().read(pc & !3) else { return };
    let instruction = if pc & 2 == 0 { word & 0xFFFF } else { word >> 16 };
    if instruction >> 8 == 0xBE {
        silicon.core().breakpoint();
    }
}
