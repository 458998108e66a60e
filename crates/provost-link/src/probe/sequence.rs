//! How the debug port is reached and powered: nothing more than the Arm Debug Interface asks for.

use std::sync::atomic::{AtomicU32, Ordering};

use probe_rs::architecture::arm::dp::{DebugPortError, DpAddress, DpRegisterAddress};
use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{ArmError, DapAccess, DapProbe, RegisterAddress};

use crate::{
    Dpidr,
    adi::{dp, swj},
};

/// Looks at CTRL/STAT for the power acknowledge. Each look is a transfer of some 50 clocks, so this bounds the wait
/// without a clock of its own; acknowledges take microseconds.
const POWER_LOOKS: usize = 200;

/// A debug sequence that attaches without a side effect.
///
/// It differs from probe-rs' default in three ways. It leaves the debug port powered when the wire is dropped, so that
/// an open Debug Authentication session survives. It never waits by the wall clock (the default waits up to five times
/// one second for a silent chip): the caller retries by its own clock. It runs none of the core or chip hooks.
#[derive(Debug, Default)]
pub(super) struct Unobtrusive {
    /// What DPIDR read when the port was connected last.
    dpidr: AtomicU32,
}

impl Unobtrusive {
    /// The DPIDR of the port that was connected last; 0 before that.
    pub(super) fn dpidr(&self) -> Dpidr {
        Dpidr(self.dpidr.load(Ordering::Relaxed))
    }
}

pub(super) const fn dp_address(address: u8) -> DpRegisterAddress {
    DpRegisterAddress { address, bank: None }
}

pub(super) const fn dp_register(address: u8) -> RegisterAddress {
    RegisterAddress::DpRegister(dp_address(address))
}

fn sequence(probe: &mut dyn DapProbe, (bits, count): (u64, u32)) -> Result<(), ArmError> {
    Ok(probe.swj_sequence(count as u8, bits)?)
}

fn line_reset(probe: &mut dyn DapProbe, idle: u32) -> Result<(), ArmError> {
    let (bits, count) = swj::LINE_RESET;
    sequence(probe, (bits, count + idle))
}

impl ArmDebugSequence for Unobtrusive {
    fn debug_port_setup(&self, interface: &mut dyn DapProbe, dp: DpAddress) -> Result<(), ArmError> {
        line_reset(interface, 0)?;
        sequence(interface, swj::JTAG_TO_SWD)?;
        let Err(_) = self.debug_port_connect(interface, dp) else {
            return Ok(());
        };
        line_reset(interface, 0)?;
        swj::WAKE_FROM_DORMANT.into_iter().try_for_each(|bits| sequence(interface, bits))?;
        self.debug_port_connect(interface, dp)
    }

    fn debug_port_connect(&self, interface: &mut dyn DapProbe, _dp: DpAddress) -> Result<(), ArmError> {
        line_reset(interface, swj::IDLE_AFTER_RESET)?;
        // Reading DPIDR is the only transfer a port accepts after a line reset.
        let dpidr = interface.raw_read_register(dp_register(dp::DPIDR))?;
        self.dpidr.store(dpidr, Ordering::Relaxed);
        // Also the way out after a transfer that never ended its WAITs.
        interface.raw_write_register(dp_register(dp::ABORT), dp::ABORT_CLEAR_STICKY | dp::ABORT_DAPABORT)?;
        interface.raw_write_register(dp_register(dp::SELECT), 0)?;
        interface.raw_flush()
    }

    fn debug_port_start(&self, interface: &mut dyn DapAccess, dp: DpAddress) -> Result<(), ArmError> {
        let ctrl_stat = dp_address(dp::CTRL_STAT);
        let powered = |ctrl_stat: u32| ctrl_stat & dp::POWER_ACK == dp::POWER_ACK;

        // SELECT is 0 since the connection. A port that has its power keeps it by being asked again.
        // Byte lanes do not exist on a MINDP, and writing them there is unpredictable.
        let lanes = if self.dpidr().is_minimal() { 0 } else { dp::MASKLANE_ALL };
        interface.write_raw_dp_register(dp, ctrl_stat, dp::POWER_REQUEST | lanes)?;
        interface.flush()?;
        for _ in 0..POWER_LOOKS {
            if powered(interface.read_raw_dp_register(dp, ctrl_stat)?) {
                return Ok(());
            }
        }
        Err(DebugPortError::TargetPowerUpFailed.into())
    }

    fn debug_port_stop(&self, _interface: &mut dyn DapProbe, _dp: DpAddress) -> Result<(), ArmError> {
        Ok(())
    }
}
