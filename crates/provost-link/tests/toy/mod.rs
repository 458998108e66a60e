//! A toy target behind real probe-rs: an ADIv5 debug port with sticky errors, and two MEM-APs (Arm IHI 0031).

pub(crate) mod bits;
pub(crate) mod registers;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use probe_rs::architecture::arm::DapError;
use provost_link::Clock;

pub(crate) const DPIDR: u32 = 0x6BA0_2477;
pub(crate) const AP0_IDR: u32 = 0x5477_0002;
pub(crate) const AP1_IDR: u32 = 0x8477_0001;
/// The bus behind AP1 answers with an error here.
pub(crate) const FAULTING: u32 = 0xF000_0000;

const STICKY_ERR: u32 = 1 << 5;
const READ_OK: u32 = 1 << 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// As after power-up: JTAG selected.
    Jtag,
    Dormant,
    /// SWD, just reset: only DPIDR can be read.
    Reset,
    Swd,
}

#[derive(Debug)]
pub(crate) struct Target {
    /// No power: no acknowledge.
    pub(crate) silent: bool,
    pub(crate) ctrl_stat: u32,
    pub(crate) select: u32,
    /// Whether the host has taken the power away that it had asked for.
    pub(crate) powered_down: bool,
    /// Every access to a port, by name.
    pub(crate) log: Vec<String>,
    /// SWD packets, and line sequences.
    pub(crate) packets: usize,
    pub(crate) nrst: Vec<bool>,
    pub(crate) has_nrst: bool,
    pub(crate) memory: BTreeMap<u32, u32>,
    /// Packets to answer WAIT to.
    pub(crate) waits: usize,
    line: Line,
    csw: [u32; 2],
    tar: [u32; 2],
}

/// Shared with the test, so that it can look even after the probe is gone.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<Target>>);

impl Shared {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Target {
            silent: false,
            ctrl_stat: 0,
            select: 0,
            powered_down: false,
            log: Vec::new(),
            packets: 0,
            nrst: Vec::new(),
            has_nrst: true,
            memory: BTreeMap::new(),
            waits: 0,
            line: Line::Jtag,
            csw: [0x8000_0042, 0xC380_0040],
            tar: [0; 2],
        })))
    }

    pub(crate) fn get(&self) -> MutexGuard<'_, Target> {
        self.0.lock().unwrap()
    }
}

/// A clock that moves only when slept on, and can be looked at from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedClock(Arc<Mutex<Duration>>);

impl Clock for SharedClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&mut self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

impl Target {
    pub(crate) fn power_cycle(&mut self) {
        self.line = Line::Jtag;
        self.ctrl_stat = 0;
        self.select = 0;
        self.csw = [0x8000_0042, 0xC380_0040];
        self.tar = [0; 2];
    }

    pub(crate) fn sleep_dormant(&mut self) {
        self.line = Line::Dormant;
    }

    pub(crate) fn powered(&self) -> bool {
        self.ctrl_stat & 0x5000_0000 == 0x5000_0000
    }

    /// A line sequence of up to 64 bits, as probe-rs sends it.
    pub(crate) fn sequence(&mut self, length: u8, bits: u64) {
        match (self.line, length, bits) {
            (Line::Swd | Line::Reset, 51.., _) => self.line = Line::Reset,
            (Line::Jtag, 16, 0xE79E) => self.line = Line::Reset,
            (Line::Jtag | Line::Swd | Line::Reset, 31, 0x33BB_BBBA) => self.line = Line::Dormant,
            (Line::Dormant, 12, 0x1A0) => self.line = Line::Reset,
            _ => {}
        }
    }

    pub(crate) fn drive_nrst(&mut self, high: bool) {
        self.nrst.push(high);
    }

    /// One packet. A read of an AP returns its value at once; the probe decides when to hand it over.
    pub(crate) fn packet(&mut self, ap: bool, write: Option<u32>, address: u8) -> Result<u32, DapError> {
        self.packets += 1;
        let reading_dpidr = !ap && write.is_none() && address == 0;
        match self.line {
            _ if self.silent => return Err(DapError::NoAcknowledge),
            Line::Reset if reading_dpidr => self.line = Line::Swd,
            Line::Swd => {}
            _ => return Err(DapError::NoAcknowledge),
        }
        let aborting = !ap && write.is_some() && address == 0;
        let reading_ctrl_stat = !ap && write.is_none() && address == 4;
        if self.waits > 0 && !(reading_dpidr || aborting || reading_ctrl_stat) {
            self.waits -= 1;
            return Err(DapError::WaitResponse);
        }
        let blocked = self.ctrl_stat & STICKY_ERR != 0;
        if blocked && !(reading_dpidr || aborting || reading_ctrl_stat) {
            return Err(DapError::FaultResponse);
        }
        match (ap, write) {
            (false, None) => Ok(self.dp_read(address)),
            (false, Some(value)) => Ok(self.dp_write(address, value)),
            (true, write) => Ok(self.ap_access(write, address)),
        }
    }

    fn dp_read(&mut self, address: u8) -> u32 {
        match (address, self.select & 0xF) {
            (0, _) => DPIDR,
            (4, 0) => self.ctrl_stat | (self.ctrl_stat & 0x5000_0000) << 1 | READ_OK,
            (4, 2) => 0x1484_0041,
            _ => 0,
        }
    }

    fn dp_write(&mut self, address: u8, value: u32) -> u32 {
        self.log.push(format!("W DP {address:x} bank {:x}", self.select & 0xF));
        match (address, self.select & 0xF) {
            (0, _) if value & 4 != 0 => self.ctrl_stat &= !STICKY_ERR,
            (4, 0) => {
                let powered = self.powered();
                self.ctrl_stat = value & 0x5000_0F01 | self.ctrl_stat & STICKY_ERR;
                self.powered_down |= powered && !self.powered();
            }
            (8, _) => self.select = value,
            _ => {}
        }
        0
    }

    fn ap_access(&mut self, write: Option<u32>, address: u8) -> u32 {
        let ap = (self.select >> 24) as usize;
        let register = self.select as u8 & 0xF0 | address;
        let direction = if write.is_some() { "W" } else { "R" };
        self.log.push(format!("{direction} AP{ap} {register:02x}"));
        if !self.powered() {
            self.ctrl_stat |= STICKY_ERR;
            return 0;
        }
        if ap > 1 {
            return 0;
        }
        match (register, write) {
            (0xFC, None) => [AP0_IDR, AP1_IDR][ap],
            (0x00, None) => self.csw[ap],
            (0x00, Some(value)) => {
                self.csw[ap] = value | 0x40;
                0
            }
            (0x04, None) => self.tar[ap],
            (0x04, Some(value)) => {
                self.tar[ap] = value;
                0
            }
            (0x0C, write) => {
                let value = self.bus(ap, self.tar[ap], write);
                if self.csw[ap] & 0x30 == 0x10 {
                    self.tar[ap] += 4;
                }
                value
            }
            (0x10..=0x1C, write) => {
                let address = self.tar[ap] & !0xF | u32::from(register & 0xC);
                self.bus(ap, address, write)
            }
            _ => 0,
        }
    }

    fn bus(&mut self, ap: usize, address: u32, write: Option<u32>) -> u32 {
        if address >= FAULTING && ap == 1 {
            self.ctrl_stat |= STICKY_ERR;
            return 0;
        }
        match write {
            Some(value) => {
                self.memory.insert(address, value);
                0
            }
            None => self.memory.get(&address).copied().unwrap_or(0),
        }
    }
}

/// What both probes answer alike.
#[macro_export]
macro_rules! debug_probe {
    ($probe:ty, $name:literal, $($dap:tt)*) => {
        impl probe_rs::probe::DebugProbe for $probe {
            fn get_name(&self) -> &str {
                $name
            }
            fn speed_khz(&self) -> u32 {
                1000
            }
            fn set_speed(&mut self, khz: u32) -> Result<u32, probe_rs::probe::DebugProbeError> {
                Ok(khz)
            }
            fn attach(&mut self) -> Result<(), probe_rs::probe::DebugProbeError> {
                Ok(())
            }
            fn detach(&mut self) -> Result<(), probe_rs::Error> {
                Ok(())
            }
            fn target_reset(&mut self) -> Result<(), probe_rs::probe::DebugProbeError> {
                panic!("nobody asked for a reset")
            }
            fn target_reset_assert(&mut self) -> Result<(), probe_rs::probe::DebugProbeError> {
                self.pins(0, 0x80).map(drop)
            }
            fn target_reset_deassert(&mut self) -> Result<(), probe_rs::probe::DebugProbeError> {
                self.pins(0x80, 0x80).map(drop)
            }
            fn select_protocol(
                &mut self,
                protocol: probe_rs::probe::WireProtocol,
            ) -> Result<(), probe_rs::probe::DebugProbeError> {
                match protocol {
                    probe_rs::probe::WireProtocol::Swd => Ok(()),
                    other => Err(probe_rs::probe::DebugProbeError::UnsupportedProtocol(other)),
                }
            }
            fn active_protocol(&self) -> Option<probe_rs::probe::WireProtocol> {
                Some(probe_rs::probe::WireProtocol::Swd)
            }
            fn has_arm_interface(&self) -> bool {
                true
            }
            fn into_probe(self: Box<Self>) -> Box<dyn probe_rs::probe::DebugProbe> {
                self
            }
            fn try_get_arm_debug_interface<'p>(
                self: Box<Self>,
                sequence: std::sync::Arc<
                    dyn probe_rs::architecture::arm::sequences::ArmDebugSequence,
                >,
            ) -> Result<
                Box<dyn probe_rs::architecture::arm::ArmDebugInterface + 'p>,
                (
                    Box<dyn probe_rs::probe::DebugProbe>,
                    probe_rs::architecture::arm::ArmError,
                ),
            > {
                Ok(probe_rs::architecture::arm::ArmCommunicationInterface::create(
                    self, sequence, false,
                ))
            }
            $($dap)*
        }

        impl probe_rs::architecture::arm::DapProbe for $probe {}

        impl $probe {
            fn pins(&mut self, out: u32, select: u32) -> Result<u32, probe_rs::probe::DebugProbeError> {
                let mut target = self.target.get();
                if !target.has_nrst {
                    return Err(probe_rs::probe::DebugProbeError::CommandNotSupportedByProbe {
                        command_name: "swj_pins",
                    });
                }
                assert_eq!(select, 0x80, "only NRST may be touched");
                target.drive_nrst(out & 0x80 != 0);
                Ok(u32::MAX)
            }
        }
    };
}
