//! SWD through probe-rs: any probe it has a driver for, or a virtual one.

mod discover;
mod sequence;
mod trouble;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use probe_rs::Error;
use probe_rs::architecture::arm::dp::{DpAddress, DpRegisterAddress};
use probe_rs::architecture::arm::{ArmDebugInterface, ArmError, FullyQualifiedApAddress};
use probe_rs::probe::{DebugProbeError, DebugProbeSelector, Probe, WireProtocol};

pub use discover::{AttachedProbe, list};

use crate::adi::dp;
use crate::{
    Access, Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, Nrst, ProbeInfo, ProbeSelector,
    SwdWire, WireStats,
};
use sequence::{Unobtrusive, dp_address, dp_register};
use trouble::Trouble;

/// The single debug port of the chip; multidrop is not used.
const DP: DpAddress = DpAddress::Default;

/// A chip that resets itself is silent for a moment: try again this often, this far apart.
const ATTACH_TRIES: u32 = 5;
const ATTACH_PAUSE: Duration = Duration::from_millis(10);

/// nRESET in the pin mask of DAP_SWJ_Pins (CMSIS-DAP).
const PIN_NRESET: u32 = 1 << 7;

/// The probe, in the two forms probe-rs gives it.
enum Stage {
    /// Opened, no protocol running.
    Idle(Probe),
    /// Speaking SWD.
    Running(Box<dyn ArmDebugInterface>),
    /// Lost; only a selector can bring it back.
    Gone,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle(_) => "Idle",
            Self::Running(_) => "Running",
            Self::Gone => "Gone",
        })
    }
}

/// An [`SwdWire`] made of a probe that probe-rs drives.
///
/// It uses the plain Arm debug interface, never a probe-rs `Session`, which would halt the core. With an ST-LINK two
/// things are out of the host's hands: its firmware does the line reset, and probe-rs 0.32 reads the IDR of every AP
/// (AP1 included, no bus access) when it first uses the debug port.
///
/// Dropping it sends nothing to the debug port. What a physical probe does with its pins when it is closed is up to
/// the probe; most let go of NRST.
#[derive(Debug)]
pub struct ProbeRsWire {
    stage: Stage,
    selector: Option<DebugProbeSelector>,
    info: ProbeInfo,
    capabilities: Capabilities,
    sequence: Arc<Unobtrusive>,
    clock: Box<dyn Clock>,
    /// SWCLK in kHz, where it is not what the probe comes with.
    speed_khz: Option<u32>,
    stats: WireStats,
    nrst: Option<Nrst>,
    linked: bool,
    volts: Option<f32>,
    /// What SELECT holds once probe-rs' own last write of it has reached the chip: probe-rs remembers a selection even
    /// if the write failed, so after a failure this is written again.
    select: u32,
}

impl ProbeRsWire {
    /// A wire through `probe`. No I/O: [`attach`](SwdWire::attach) connects.
    pub fn new(probe: Probe, info: ProbeInfo, clock: Box<dyn Clock>) -> Self {
        Self {
            stage: Stage::Idle(probe),
            selector: None,
            info,
            capabilities: Capabilities::NRST_CONTROL | Capabilities::MULTIPLE_APS | Capabilities::SECURE_SELECT,
            sequence: Arc::new(Unobtrusive::default()),
            clock,
            speed_khz: None,
            stats: WireStats::default(),
            nrst: None,
            linked: false,
            volts: None,
            select: 0,
        }
    }

    /// Opens the probe that `selector` names, or the only one attached.
    ///
    /// The probe is claimed, the chip is not touched. A wire opened this way opens its probe again when
    /// [`attach`](SwdWire::attach) finds it lost.
    pub fn open(selector: Option<&ProbeSelector>, clock: Box<dyn Clock>) -> Result<Self, LinkError> {
        let (found, selector) = discover::choose(selector)?;
        let probe = discover::open(&selector)?;
        let mut wire = Self::new(probe, found, clock);
        wire.selector = Some(selector);
        Ok(wire)
    }

    /// Asks for this SWCLK, in kHz, with each connection: the probe takes the nearest that it has and that is not faster.
    #[must_use]
    pub fn with_speed(self, khz: Option<u32>) -> Self {
        Self { speed_khz: khz, ..self }
    }

    fn try_attach(&mut self) -> Result<Dpidr, Error> {
        if let Stage::Running(interface) = &self.stage {
            // Without raw access the driver cannot repair a link; with it, a fresh line reset will do.
            if interface.try_dap_probe().is_none() {
                self.restart()?;
            }
        }
        if let Stage::Gone = self.stage {
            let selector = self.selector.as_ref().ok_or(DebugProbeError::NotAttached)?;
            self.stage = Stage::Idle(discover::lister().open(selector.clone())?);
        }
        if let Stage::Idle(_) = self.stage {
            self.start()?;
        }
        let interface = self.running()?;
        match interface.current_debug_port() {
            Some(_) => interface.reinitialize(),
            None => interface.select_debug_port(DP),
        }
        .map_err(Error::Arm)?;
        if interface.try_dap_probe().is_some() {
            // The connection has read it just now.
            self.capabilities = self.capabilities | Capabilities::RAW_DP;
            return Ok(self.sequence.dpidr());
        }
        interface.read_raw_dp_register(DP, dp_address(dp::DPIDR)).map(Dpidr).map_err(Error::Arm)
    }

    /// Idle to Running.
    fn start(&mut self) -> Result<(), Error> {
        let Stage::Idle(mut probe) = std::mem::replace(&mut self.stage, Stage::Gone) else {
            return Ok(());
        };
        // Only a probe that speaks no protocol yet is at the host's hand for it.
        self.volts = probe.get_target_voltage().ok().flatten();
        let speed = self.speed_khz;
        let ready = |probe: &mut Probe| {
            select_swd(probe)?;
            if let Some(khz) = speed {
                probe.set_speed(khz)?;
            }
            probe.attach_to_unspecified()
        };
        if let Err(error) = ready(&mut probe) {
            self.stage = Stage::Idle(probe);
            return Err(error);
        }
        match probe.try_into_arm_debug_interface(self.sequence.clone()) {
            Ok(interface) => {
                self.stage = Stage::Running(interface);
                Ok(())
            }
            Err((probe, error)) => {
                self.stage = Stage::Idle(probe);
                Err(Error::Arm(error))
            }
        }
    }

    /// Running to Idle, or to Gone when the probe can be opened afresh: an ST-LINK driver of probe-rs 0.32 remembers
    /// for its whole life which APs it opened, even when the probe's firmware has forgotten.
    fn restart(&mut self) -> Result<(), Error> {
        if self.selector.is_some() {
            self.let_go();
            return Ok(());
        }
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Running(interface) => {
                let mut probe = interface.close();
                let detached = probe.detach();
                self.stage = Stage::Idle(probe);
                self.nrst = None;
                detached
            }
            stage => {
                self.stage = stage;
                Ok(())
            }
        }
    }

    /// Closes the probe, to be opened again by its selector. What it then does with NRST is up to the probe.
    fn let_go(&mut self) {
        self.stage = Stage::Gone;
        self.nrst = None;
    }

    fn running(&mut self) -> Result<&mut dyn ArmDebugInterface, Error> {
        match &mut self.stage {
            Stage::Running(interface) => Ok(interface.as_mut()),
            _ => Err(DebugProbeError::NotAttached.into()),
        }
    }

    /// Runs one access on a live link, and repairs or gives up the link when it fails.
    fn transfer<T>(
        &mut self,
        access: Access,
        run: impl FnOnce(&mut dyn ArmDebugInterface) -> Result<T, ArmError>,
    ) -> Result<T, LinkError> {
        match &mut self.stage {
            Stage::Running(interface) if self.linked => match run(interface.as_mut()) {
                Ok(value) => Ok(value),
                Err(error) => Err(self.fail(access, Error::Arm(error))),
            },
            _ => Err(LinkError::NotAttached { access }),
        }
    }

    fn fail(&mut self, access: Access, error: Error) -> LinkError {
        let trouble = Trouble::of(&error);
        let mut ctrl_stat = None;
        if trouble.is_recoverable() && self.linked {
            match self.recover(trouble) {
                Ok(measured) => ctrl_stat = measured,
                Err(error) => {
                    tracing::debug!("sticky errors not cleared: {error}");
                    self.linked = false;
                }
            }
        }
        if trouble.loses_link() {
            self.linked = false;
        }
        if trouble == Trouble::ProbeLost && self.selector.is_some() {
            self.let_go();
        }
        if trouble.shows_ap0_only(access) {
            self.capabilities = self.capabilities.without(Capabilities::MULTIPLE_APS);
        }
        trouble.into_error(&self.info, access, ctrl_stat, error)
    }

    /// Clears the sticky errors, which block every transfer but these, and makes the AP selection what probe-rs
    /// believes it is. Returns CTRL/STAT from before, where it can be read.
    fn recover(&mut self, trouble: Trouble) -> Result<Option<u32>, Error> {
        let mut abort = dp::ABORT_CLEAR_STICKY;
        if trouble == Trouble::Wait {
            abort |= dp::ABORT_DAPABORT;
        }
        let select = self.select;
        let interface = self.running()?;
        let measured = match interface.try_dap_probe_mut() {
            Some(probe) => (|| {
                // DPBANKSEL 0 is where CTRL/STAT is.
                let measured =
                    if select & 0xF == 0 { probe.raw_read_register(dp_register(dp::CTRL_STAT)).ok() } else { None };
                probe.raw_write_register(dp_register(dp::ABORT), abort)?;
                probe.raw_write_register(dp_register(dp::SELECT), select)?;
                probe.raw_flush()?;
                Ok(measured)
            })(),
            None => {
                // The probe's firmware keeps SELECT itself.
                let measured = interface.read_raw_dp_register(DP, dp_address(dp::CTRL_STAT)).ok();
                interface.write_raw_dp_register(DP, dp_address(dp::ABORT), abort).map(|()| measured)
            }
        };
        measured.map_err(Error::Arm)
    }

    /// Mirrors how probe-rs selects an AP register.
    fn select_ap(&mut self, ap: Ap, register: ApRegister) -> (FullyQualifiedApAddress, u64) {
        self.select = u32::from(ap.0) << 24 | register.bank() | self.select & 0xF;
        (FullyQualifiedApAddress::v1_with_default_dp(ap.0), u64::from(register.offset()))
    }

    /// Mirrors how probe-rs selects a DP register: addresses 0 and 4 are banked.
    fn select_dp(&mut self, register: DpRegisterAddress) -> DpRegisterAddress {
        if matches!(register.address, 0x0 | 0x4) {
            self.select = self.select & !0xF | u32::from(register.bank.unwrap_or(0));
        }
        register
    }

    fn drive_nrst(&mut self, level: Nrst) -> Result<(), Error> {
        let out = match level {
            Nrst::Asserted => 0,
            Nrst::Released => PIN_NRESET,
        };
        match &mut self.stage {
            Stage::Idle(probe) => {
                select_swd(probe)?;
                // Connecting a CMSIS-DAP sets its pins up first; its plain reset command would not.
                match (probe.try_as_dap_probe(), level) {
                    (Some(dap), _) => dap.swj_pins(out, PIN_NRESET, 0).map(drop)?,
                    (None, Nrst::Asserted) => probe.target_reset_assert()?,
                    (None, Nrst::Released) => probe.target_reset_deassert()?,
                }
                Ok(())
            }
            Stage::Running(interface) => {
                // Some probes queue writes and would let the pin overtake them.
                if self.linked {
                    interface.flush().map_err(Error::Arm)?;
                }
                interface.swj_pins(out, PIN_NRESET, 0)?;
                Ok(())
            }
            Stage::Gone => Err(DebugProbeError::NotAttached.into()),
        }
    }
}

fn select_swd(probe: &mut Probe) -> Result<(), Error> {
    match probe.select_protocol(WireProtocol::Swd) {
        // A probe that was handed over running.
        Err(DebugProbeError::Attached) if probe.protocol() == Some(WireProtocol::Swd) => Ok(()),
        other => Ok(other?),
    }
}

fn dp_read_address(register: DpRead) -> DpRegisterAddress {
    let (address, bank) = register.address();
    DpRegisterAddress { address, bank: (bank != 0).then_some(bank as u8) }
}

impl SwdWire for ProbeRsWire {
    fn describe(&self) -> &ProbeInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        self.stats.attaches += 1;
        self.linked = false;
        let mut tries_left = ATTACH_TRIES;
        loop {
            tries_left -= 1;
            match self.try_attach() {
                Ok(dpidr) if dpidr.is_plausible() => {
                    self.linked = true;
                    self.select = 0;
                    return Ok(dpidr);
                }
                Ok(dpidr) if tries_left == 0 => return Err(LinkError::NotADebugPort { dpidr }),
                Ok(_) => {}
                Err(error) => {
                    let lost = Trouble::of(&error) == Trouble::ProbeLost;
                    let retry = Trouble::of(&error).may_pass() || lost && self.selector.is_some();
                    if tries_left == 0 || !retry {
                        return Err(self.fail(Access::Attach, error));
                    }
                    if lost {
                        self.let_go();
                    }
                }
            }
            self.clock.sleep(ATTACH_PAUSE);
        }
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        self.stats.dp_reads += 1;
        let address = self.select_dp(dp_read_address(register));
        let value = self.transfer(Access::ReadDp(register), |wire| wire.read_raw_dp_register(DP, address))?;
        tracing::trace!("{}: {value:#010x}", Access::ReadDp(register));
        Ok(value)
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        self.stats.dp_writes += 1;
        let address = self.select_dp(dp_address(match register {
            DpWrite::Abort => dp::ABORT,
            DpWrite::CtrlStat => dp::CTRL_STAT,
        }));
        tracing::trace!("{}: {value:#010x}", Access::WriteDp(register));
        self.transfer(Access::WriteDp(register), |wire| wire.write_raw_dp_register(DP, address, value))
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        self.stats.ap_reads += 1;
        let (port, offset) = self.select_ap(ap, register);
        let value = self.transfer(Access::ReadAp(ap, register), |wire| wire.read_raw_ap_register(&port, offset))?;
        tracing::trace!("{}: {value:#010x}", Access::ReadAp(ap, register));
        Ok(value)
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        self.stats.ap_writes += 1;
        let (port, offset) = self.select_ap(ap, register);
        // What goes into memory may be the words of a password: where it goes is shown, and not what.
        if register == ApRegister::TAR || register == ApRegister::CSW {
            tracing::trace!("{}: {value:#010x}", Access::WriteAp(ap, register));
        } else {
            tracing::trace!("{}", Access::WriteAp(ap, register));
        }
        self.transfer(Access::WriteAp(ap, register), |wire| wire.write_raw_ap_register(&port, offset, value))
    }

    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        if let Stage::Gone = self.stage {
            return Err(LinkError::NotAttached { access: Access::Nrst });
        }
        self.drive_nrst(level).map_err(|error| {
            if let Trouble::Unsupported(_) = Trouble::of(&error) {
                self.capabilities = self.capabilities.without(Capabilities::NRST_CONTROL);
            }
            self.fail(Access::Nrst, error)
        })?;
        if self.nrst != Some(level) {
            self.nrst = Some(level);
            self.stats.nrst_edges += 1;
        }
        Ok(())
    }

    fn target_voltage(&self) -> Option<f32> {
        self.volts
    }

    fn stats(&self) -> WireStats {
        self.stats
    }

    fn clock(&mut self) -> &mut dyn Clock {
        self.clock.as_mut()
    }

    fn read_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &mut [u32]) -> Result<(), LinkError> {
        if values.is_empty() {
            return Ok(());
        }
        self.stats.ap_reads += values.len() as u64;
        let (port, offset) = self.select_ap(ap, register);
        tracing::trace!("{}, {} times", Access::ReadAp(ap, register), values.len());
        self.transfer(Access::ReadAp(ap, register), |wire| wire.read_raw_ap_register_repeated(&port, offset, values))
    }

    fn write_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Result<(), LinkError> {
        if values.is_empty() {
            return Ok(());
        }
        self.stats.ap_writes += values.len() as u64;
        let (port, offset) = self.select_ap(ap, register);
        tracing::trace!("{}, {} times", Access::WriteAp(ap, register), values.len());
        self.transfer(Access::WriteAp(ap, register), |wire| wire.write_raw_ap_register_repeated(&port, offset, values))
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        self.transfer(Access::Flush, |wire| wire.flush())
    }
}
