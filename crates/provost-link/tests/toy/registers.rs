//! A probe that makes whole DAP transfers itself, and leaves errors to the host.

use probe_rs::CoreStatus;
use probe_rs::architecture::arm::{ArmError, DapProbe, RawDapAccess, RegisterAddress};
use probe_rs::probe::{DebugProbe, DebugProbeError};

use super::Shared;

#[derive(Debug)]
pub(crate) struct RegisterProbe {
    pub(crate) target: Shared,
    /// The cable is out.
    pub(crate) unplugged: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl RegisterProbe {
    pub(crate) fn new(target: &Shared) -> Self {
        Self { target: target.clone(), unplugged: Default::default() }
    }

    fn transfer(&mut self, register: RegisterAddress, write: Option<u32>) -> Result<u32, ArmError> {
        if self.unplugged.load(std::sync::atomic::Ordering::Relaxed) {
            let gone = std::io::Error::from(std::io::ErrorKind::NotConnected);
            return Err(DebugProbeError::Usb(gone).into());
        }
        let mut target = self.target.get();
        let value = target.packet(register.is_ap(), write, register.a2_and_3())?;
        if register.is_ap() {
            // The result of an AP access comes with the next packet.
            target.packet(false, None, 0xC)?;
        }
        Ok(value)
    }
}

crate::debug_probe!(
    RegisterProbe,
    "register probe",
    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }
);

impl RawDapAccess for RegisterProbe {
    fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError> {
        self.transfer(address, None)
    }

    fn raw_write_register(&mut self, address: RegisterAddress, value: u32) -> Result<(), ArmError> {
        self.transfer(address, Some(value)).map(drop)
    }

    fn jtag_sequence(&mut self, _: u8, _: bool, _: u64) -> Result<(), DebugProbeError> {
        panic!("SWD only")
    }

    fn swj_sequence(&mut self, length: u8, bits: u64) -> Result<(), DebugProbeError> {
        self.target.get().sequence(length, bits);
        Ok(())
    }

    fn swj_pins(&mut self, out: u32, select: u32, _: u32) -> Result<u32, DebugProbeError> {
        self.pins(out, select)
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn core_status_notification(&mut self, _: CoreStatus) -> Result<(), DebugProbeError> {
        Ok(())
    }
}
