//! A debug probe for probe-rs whose other end is a virtual chip.
//!
//! probe-rs can make SWD packets itself (`RawSwdIo`), but that encoder serves probes which run with overrun detection: it always
//! clocks the data phase, so a WAIT or FAULT before CTRL/STAT.ORUNDETECT is set puts host and target out of step. [`TwinProbe`]
//! therefore leaves the packets to [`SwdHost`].

use std::{io, sync::Arc};

use probe_rs::{
    CoreStatus,
    architecture::arm::{
        ArmCommunicationInterface, ArmDebugInterface, ArmError, DapError, DapProbe, RawDapAccess, RegisterAddress,
        sequences::ArmDebugSequence,
    },
    probe::{DebugProbe, DebugProbeError, WireProtocol},
};

use crate::{
    host::{Register, SwdError, SwdHost},
    wire::SharedWire,
};

/// nRESET among the pins of CMSIS-DAP's DAP_SWJ_Pins.
const PIN_NRESET: u32 = 1 << 7;

/// A probe plugged into a virtual chip's SWD connector.
#[derive(Debug)]
pub struct TwinProbe {
    host: SwdHost,
    speed_khz: u32,
}

impl TwinProbe {
    /// A probe on `wire`.
    pub fn new(wire: SharedWire) -> Self {
        SwdHost::new(wire).into()
    }

    /// As [`SwdHost::unplug_after`]: every call then fails with a USB error.
    #[must_use]
    pub fn unplug_after(self, index: u64) -> Self {
        Self { host: self.host.unplug_after(index), ..self }
    }

    /// As [`SwdHost::with_supply`].
    #[must_use]
    pub fn with_supply(self, volts: f32) -> Self {
        Self { host: self.host.with_supply(volts), ..self }
    }
}

impl From<SwdHost> for TwinProbe {
    fn from(host: SwdHost) -> Self {
        Self { host, speed_khz: 4000 }
    }
}

/// In the words of a probe's driver.
fn driver_error(error: SwdError) -> ArmError {
    match error {
        SwdError::Unplugged => ArmError::Probe(usb_error(error)),
        SwdError::NoAcknowledge => DapError::NoAcknowledge.into(),
        SwdError::Wait => DapError::WaitResponse.into(),
        SwdError::Fault => DapError::FaultResponse.into(),
        SwdError::Parity => DapError::IncorrectParity.into(),
        SwdError::Protocol => DapError::Protocol(WireProtocol::Swd).into(),
    }
}

/// Calls that only touch pins fail in one way.
fn usb_error(_unplugged: SwdError) -> DebugProbeError {
    DebugProbeError::Usb(io::Error::from(io::ErrorKind::NotConnected))
}

fn register(address: RegisterAddress) -> Register {
    let bits = address.a2_and_3();
    if address.is_ap() { Register::Ap(bits) } else { Register::Dp(bits) }
}

impl RawDapAccess for TwinProbe {
    fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError> {
        let mut value = [0];
        self.raw_read_block(address, &mut value)?;
        Ok(value[0])
    }

    fn raw_read_block(&mut self, address: RegisterAddress, values: &mut [u32]) -> Result<(), ArmError> {
        self.host.read(register(address), values).map_err(driver_error)
    }

    fn raw_write_register(&mut self, address: RegisterAddress, value: u32) -> Result<(), ArmError> {
        self.raw_write_block(address, &[value])
    }

    fn raw_write_block(&mut self, address: RegisterAddress, values: &[u32]) -> Result<(), ArmError> {
        self.host.write(register(address), values).map_err(driver_error)
    }

    fn jtag_sequence(&mut self, _cycles: u8, _tms: bool, _tdi: u64) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::UnsupportedProtocol(WireProtocol::Jtag))
    }

    fn swj_sequence(&mut self, bit_len: u8, bits: u64) -> Result<(), DebugProbeError> {
        self.host.sequence(bits, bit_len.into()).map_err(usb_error)
    }

    fn swj_pins(&mut self, pin_out: u32, pin_select: u32, _pin_wait: u32) -> Result<u32, DebugProbeError> {
        if pin_select & !PIN_NRESET != 0 {
            return Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "swj_pins" });
        }
        if pin_select & PIN_NRESET != 0 {
            self.host.set_nrst(pin_out & PIN_NRESET == 0).map_err(usb_error)?;
        }
        Ok(if self.host.nrst_asserted() { 0 } else { PIN_NRESET })
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn core_status_notification(&mut self, _state: CoreStatus) -> Result<(), DebugProbeError> {
        Ok(())
    }
}

impl DapProbe for TwinProbe {}

impl DebugProbe for TwinProbe {
    fn get_name(&self) -> &str {
        "provost virtual probe"
    }

    fn get_target_voltage(&mut self) -> Result<Option<f32>, DebugProbeError> {
        self.host.supply().map(Some).map_err(usb_error)
    }

    fn speed_khz(&self) -> u32 {
        self.speed_khz
    }

    fn set_speed(&mut self, speed_khz: u32) -> Result<u32, DebugProbeError> {
        if speed_khz == 0 {
            return Err(DebugProbeError::UnsupportedSpeed(speed_khz));
        }
        self.speed_khz = speed_khz;
        Ok(speed_khz)
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        self.host.supply().map(drop).map_err(usb_error)
    }

    fn detach(&mut self) -> Result<(), probe_rs::Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        self.target_reset_assert()?;
        self.target_reset_deassert()
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        self.host.set_nrst(true).map_err(usb_error)
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        self.host.set_nrst(false).map_err(usb_error)
    }

    fn select_protocol(&mut self, protocol: WireProtocol) -> Result<(), DebugProbeError> {
        match protocol {
            WireProtocol::Swd => Ok(()),
            WireProtocol::Jtag => Err(DebugProbeError::UnsupportedProtocol(protocol)),
        }
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Swd)
    }

    fn has_arm_interface(&self) -> bool {
        true
    }

    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        sequence: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        // Without overrun detection: `SwdHost` clocks no data phase after WAIT and FAULT.
        Ok(ArmCommunicationInterface::create(self, sequence, false))
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }
}
