//! A debug probe for probe-rs whose other end is a virtual chip.
//!
//! probe-rs can make SWD packets itself (`RawSwdIo`), but that encoder serves probes which run with overrun detection: it always
//! clocks the data phase, so a WAIT or FAULT before CTRL/STAT.ORUNDETECT is set puts host and target out of step. [`TwinProbe`]
//! therefore encodes packets as the firmware of a CMSIS-DAP probe does: acknowledgement first, data only after OK, WAIT repeated,
//! the result of posted AP accesses fetched from RDBUFF. Every bit of it crosses the [`Wire`].

use std::{
    fmt, io,
    sync::{Arc, MutexGuard},
};

use probe_rs::{
    CoreStatus,
    architecture::arm::{
        ArmCommunicationInterface, ArmDebugInterface, ArmError, DapError, DapProbe, RawDapAccess, RegisterAddress,
        sequences::ArmDebugSequence,
    },
    probe::{DebugProbe, DebugProbeError, WireProtocol},
};

use crate::wire::{
    SharedWire, Wire,
    dap::{ABORT, RDBUFF, Request},
    lock,
};

/// How often a transaction that is answered WAIT is repeated.
const WAIT_RETRIES: u32 = 1000;
/// Clocks after the last transaction of a call, so that the target completes it (Arm IHI 0031: at least eight).
const IDLE_CLOCKS: u32 = 8;
/// nRESET among the pins of CMSIS-DAP's DAP_SWJ_Pins.
const PIN_NRESET: u32 = 1 << 7;

const ABORT_DAPABORT: u32 = 1 << 0;
/// ABORT: STKCMPCLR, STKERRCLR, WDERRCLR and ORUNERRCLR.
const ABORT_CLEAR: u32 = 0b1_1110;

/// A probe plugged into a virtual chip's SWD connector.
///
/// Dropping the probe does not touch the chip: its owner holds another handle of the wire.
pub struct TwinProbe {
    wire: SharedWire,
    speed_khz: u32,
    nrst_asserted: bool,
    unplug_after: Option<u64>,
    volts: f32,
}

impl TwinProbe {
    /// A probe on `wire`.
    pub fn new(wire: SharedWire) -> Self {
        Self { wire, speed_khz: 4000, nrst_asserted: false, unplug_after: None, volts: 3.3 }
    }

    /// Pulls the probe's USB plug when the wire's transaction `index` is complete: from then on every call fails with a USB error,
    /// the wire is not clocked any more, and NRST keeps its level.
    #[must_use]
    pub fn unplug_after(mut self, index: u64) -> Self {
        self.unplug_after = Some(index);
        self
    }

    /// Lets the probe measure this supply, in volts.
    #[must_use]
    pub fn with_supply(mut self, volts: f32) -> Self {
        self.volts = volts;
        self
    }

    /// The wire, if the plug still is in.
    fn plugged(&self) -> Result<MutexGuard<'_, dyn Wire + 'static>, DebugProbeError> {
        let wire = lock(&*self.wire);
        match self.unplug_after {
            Some(index) if wire.stats().transactions > index => {
                Err(DebugProbeError::Usb(io::Error::from(io::ErrorKind::NotConnected)))
            }
            _ => Ok(wire),
        }
    }

    /// One packet on the wire.
    fn packet(&self, request: Request, value: u32) -> Result<u32, ArmError> {
        let mut wire = self.plugged()?;
        wire.shift_out(request.packet().into(), 8);
        match wire.shift_in(3) {
            0b001 if request.read => {
                // 32 bits of data, parity, and two clocks for the target to let go.
                let bits = wire.shift_in(35);
                let value = bits as u32;
                if u64::from(value.count_ones() & 1) == bits >> 32 & 1 {
                    Ok(value)
                } else {
                    Err(DapError::IncorrectParity.into())
                }
            }
            0b001 => {
                wire.shift_in(2);
                wire.shift_out(u64::from(value) | u64::from(value.count_ones() & 1) << 32, 33);
                Ok(0)
            }
            0b010 => {
                wire.shift_in(2);
                Err(DapError::WaitResponse.into())
            }
            0b100 => {
                wire.shift_in(2);
                Err(DapError::FaultResponse.into())
            }
            ack => {
                // A target that did see the request gets the clocks of its data phase.
                wire.shift_in(35);
                Err(if ack == 0b111 { DapError::NoAcknowledge } else { DapError::Protocol(WireProtocol::Swd) }.into())
            }
        }
    }

    /// One transfer: WAIT is repeated, and after FAULT the sticky flags are cleared, so that the next transfer starts afresh.
    fn transfer(&self, request: Request, value: u32) -> Result<u32, ArmError> {
        const WRITE_ABORT: Request = Request { ap: false, read: false, address: ABORT };
        for _ in 0..WAIT_RETRIES {
            match self.packet(request, value) {
                Err(ArmError::Dap(DapError::WaitResponse)) => {}
                Err(ArmError::Dap(DapError::FaultResponse)) => {
                    tracing::debug!(?request, "FAULT");
                    self.packet(WRITE_ABORT, ABORT_CLEAR)?;
                    return Err(DapError::FaultResponse.into());
                }
                result => return result,
            }
        }
        tracing::debug!(?request, "still WAIT after {WAIT_RETRIES} attempts");
        self.packet(WRITE_ABORT, ABORT_DAPABORT)?;
        Err(DapError::WaitResponse.into())
    }

    /// What the last AP access left behind: its value, or its fault.
    fn read_buffer(&self) -> Result<u32, ArmError> {
        self.transfer(Request { ap: false, read: true, address: RDBUFF }, 0)
    }

    fn read_all(&self, address: RegisterAddress, values: &mut [u32]) -> Result<(), ArmError> {
        let request = Request { ap: address.is_ap(), read: true, address: address.a2_and_3() };
        if !request.ap {
            for value in values {
                *value = self.transfer(request, 0)?;
            }
            return Ok(());
        }
        // Each AP read returns the result of the one before.
        let Some((last, first)) = values.split_last_mut() else { return Ok(()) };
        self.transfer(request, 0)?;
        for value in first {
            *value = self.transfer(request, 0)?;
        }
        *last = self.read_buffer()?;
        Ok(())
    }

    fn write_all(&self, address: RegisterAddress, values: &[u32]) -> Result<(), ArmError> {
        let request = Request { ap: address.is_ap(), read: false, address: address.a2_and_3() };
        for value in values {
            self.transfer(request, *value)?;
        }
        if request.ap && !values.is_empty() {
            self.read_buffer()?;
        }
        Ok(())
    }

    /// Ends a call: the clocks that complete its last transaction.
    fn then_idle<T>(&self, result: Result<T, ArmError>) -> Result<T, ArmError> {
        if let Ok(mut wire) = self.plugged() {
            wire.shift_out(0, IDLE_CLOCKS);
        }
        result
    }

    fn drive_nrst(&mut self, asserted: bool) -> Result<(), DebugProbeError> {
        self.plugged()?.set_nrst(asserted);
        self.nrst_asserted = asserted;
        Ok(())
    }
}

impl fmt::Debug for TwinProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwinProbe")
            .field("speed_khz", &self.speed_khz)
            .field("nrst_asserted", &self.nrst_asserted)
            .field("unplug_after", &self.unplug_after)
            .finish_non_exhaustive()
    }
}

impl RawDapAccess for TwinProbe {
    fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError> {
        let mut value = [0];
        self.raw_read_block(address, &mut value)?;
        Ok(value[0])
    }

    fn raw_read_block(&mut self, address: RegisterAddress, values: &mut [u32]) -> Result<(), ArmError> {
        self.then_idle(self.read_all(address, values))
    }

    fn raw_write_register(&mut self, address: RegisterAddress, value: u32) -> Result<(), ArmError> {
        self.raw_write_block(address, &[value])
    }

    fn raw_write_block(&mut self, address: RegisterAddress, values: &[u32]) -> Result<(), ArmError> {
        self.then_idle(self.write_all(address, values))
    }

    fn jtag_sequence(&mut self, _cycles: u8, _tms: bool, _tdi: u64) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::UnsupportedProtocol(WireProtocol::Jtag))
    }

    fn swj_sequence(&mut self, bit_len: u8, bits: u64) -> Result<(), DebugProbeError> {
        self.plugged()?.shift_out(bits, bit_len.into());
        Ok(())
    }

    fn swj_pins(&mut self, pin_out: u32, pin_select: u32, _pin_wait: u32) -> Result<u32, DebugProbeError> {
        if pin_select & !PIN_NRESET != 0 {
            return Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "swj_pins" });
        }
        if pin_select & PIN_NRESET != 0 {
            self.drive_nrst(pin_out & PIN_NRESET == 0)?;
        }
        Ok(if self.nrst_asserted { 0 } else { PIN_NRESET })
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
        self.plugged().map(drop)?;
        Ok(Some(self.volts))
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
        self.plugged().map(drop)
    }

    fn detach(&mut self) -> Result<(), probe_rs::Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        self.drive_nrst(true)?;
        self.drive_nrst(false)
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        self.drive_nrst(true)
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        self.drive_nrst(false)
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
        // Without overrun detection: `packet` clocks no data phase after WAIT and FAULT.
        Ok(ArmCommunicationInterface::create(self, sequence, false))
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }
}
