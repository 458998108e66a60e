//! A wire to a virtual chip without a probe library: register accesses become packets here and nowhere else.

use std::time::Duration;

use provost_link::{
    Access, Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, DriverError, LinkError, Nrst, ProbeInfo,
    SwdWire, WireStats,
    adi::{dp, swj},
};
use provost_twin::host::{Register, SwdError, SwdHost};

/// A chip that resets itself is silent for a moment: try again this often, this far apart.
const ATTACH_TRIES: u32 = 5;
const ATTACH_PAUSE: Duration = Duration::from_millis(10);
/// Looks at CTRL/STAT for the power acknowledge.
const POWER_LOOKS: usize = 200;
const CTRL_STAT_ORUNDETECT: u32 = 1;

/// An [`SwdWire`] to a virtual chip.
///
/// Transfer for transfer it does what the wire through probe-rs does, so that figures, faults and interruptions are the same for both.
#[derive(Debug)]
pub struct TwinWire {
    host: SwdHost,
    info: ProbeInfo,
    capabilities: Capabilities,
    clock: Box<dyn Clock>,
    stats: WireStats,
    nrst: Option<Nrst>,
    linked: bool,
    volts: Option<f32>,
    attached_before: bool,
    /// What SELECT holds, once the last write of it has reached the chip.
    select: u32,
}

/// Why a connection failed.
enum Failure {
    Transfer(SwdError),
    PowerUp,
}

impl From<SwdError> for Failure {
    fn from(error: SwdError) -> Self {
        Self::Transfer(error)
    }
}

impl TwinWire {
    /// A wire through `host`. No I/O: [`attach`](SwdWire::attach) connects.
    pub fn new(host: SwdHost, info: ProbeInfo, clock: Box<dyn Clock>) -> Self {
        Self {
            host,
            info,
            capabilities: Capabilities::NRST_CONTROL | Capabilities::MULTIPLE_APS | Capabilities::SECURE_SELECT,
            clock,
            stats: WireStats::default(),
            nrst: None,
            linked: false,
            volts: None,
            attached_before: false,
            select: 0,
        }
    }

    fn read_one(&self, register: Register) -> Result<u32, SwdError> {
        let mut value = [0];
        self.host.read(register, &mut value)?;
        Ok(value[0])
    }

    fn line_reset(&self, idle: u32) -> Result<(), SwdError> {
        let (bits, count) = swj::LINE_RESET;
        self.host.sequence(bits, count + idle)
    }

    /// Line reset, then DPIDR: the only transfer a port accepts after one.
    fn connect(&self) -> Result<Dpidr, SwdError> {
        self.line_reset(swj::IDLE_AFTER_RESET)?;
        let dpidr = self.read_one(Register::Dp(dp::DPIDR))?;
        self.host.write(Register::Dp(dp::ABORT), &[dp::ABORT_CLEAR_STICKY | dp::ABORT_DAPABORT])?;
        self.host.write(Register::Dp(dp::SELECT), &[0])?;
        Ok(Dpidr(dpidr))
    }

    /// To SWD, out of JTAG or out of dormant mode.
    fn set_up(&self) -> Result<Dpidr, SwdError> {
        self.line_reset(0)?;
        let (bits, count) = swj::JTAG_TO_SWD;
        self.host.sequence(bits, count)?;
        if let Ok(dpidr) = self.connect() {
            return Ok(dpidr);
        }
        self.line_reset(0)?;
        for (bits, count) in swj::WAKE_FROM_DORMANT {
            self.host.sequence(bits, count)?;
        }
        self.connect()
    }

    /// Asks for the debug port's power.
    fn power_up(&self, dpidr: Dpidr) -> Result<(), Failure> {
        let powered = |ctrl_stat: u32| ctrl_stat & dp::POWER_ACK == dp::POWER_ACK;
        let ctrl_stat = Register::Dp(dp::CTRL_STAT);
        let lanes = if dpidr.is_minimal() { 0 } else { dp::MASKLANE_ALL };
        self.host.write(ctrl_stat, &[dp::POWER_REQUEST | lanes])?;
        for _ in 0..POWER_LOOKS {
            if powered(self.read_one(ctrl_stat)?) {
                return Ok(());
            }
        }
        Err(Failure::PowerUp)
    }

    fn try_attach(&mut self) -> Result<Dpidr, Failure> {
        if !self.attached_before {
            self.volts = self.host.supply().ok();
            self.attached_before = true;
        }
        self.select = 0;
        let dpidr = self.set_up()?;
        self.power_up(dpidr)?;
        let ctrl_stat = self.read_one(Register::Dp(dp::CTRL_STAT))?;
        if ctrl_stat & CTRL_STAT_ORUNDETECT != 0 {
            self.host.write(Register::Dp(dp::CTRL_STAT), &[ctrl_stat & !CTRL_STAT_ORUNDETECT])?;
        }
        // The port's version.
        self.read_one(Register::Dp(dp::DPIDR))?;
        self.capabilities = self.capabilities | Capabilities::RAW_DP;
        Ok(dpidr)
    }

    /// Writes SELECT if it must change for what comes next.
    fn selecting(&mut self, select: u32) -> Result<(), SwdError> {
        if std::mem::replace(&mut self.select, select) == select {
            return Ok(());
        }
        self.host.write(Register::Dp(dp::SELECT), &[select])
    }

    /// The register of an access port, once SELECT names it.
    fn ap_register(&mut self, ap: Ap, register: ApRegister) -> Result<Register, SwdError> {
        self.selecting(u32::from(ap.0) << 24 | register.bank() | self.select & 0xF)?;
        Ok(Register::Ap(register.offset()))
    }

    /// The register of the debug port, once SELECT names its bank: addresses 0 and 4 have some.
    fn dp_register(&mut self, address: u8, bank: u32) -> Result<Register, SwdError> {
        if matches!(address, 0x0 | 0x4) {
            self.selecting(self.select & !0xF | bank)?;
        }
        Ok(Register::Dp(address))
    }

    /// Runs one access on a live link, and repairs or gives up the link when it fails.
    fn transfer<T>(
        &mut self,
        access: Access,
        run: impl FnOnce(&mut Self) -> Result<T, SwdError>,
    ) -> Result<T, LinkError> {
        if !self.linked {
            return Err(LinkError::NotAttached { access });
        }
        run(self).map_err(|error| self.fail(access, error))
    }

    fn fail(&mut self, access: Access, error: SwdError) -> LinkError {
        let mut ctrl_stat = None;
        if self.linked && matches!(error, SwdError::Wait | SwdError::Fault | SwdError::Parity) {
            match self.recover(error) {
                Ok(measured) => ctrl_stat = measured,
                Err(_) => self.linked = false,
            }
        }
        if matches!(error, SwdError::NoAcknowledge | SwdError::Protocol | SwdError::Unplugged) {
            self.linked = false;
        }
        let source = DriverError::new(error);
        match error {
            SwdError::NoAcknowledge => LinkError::NoAck { access, source },
            SwdError::Wait => LinkError::Wait { access, source },
            SwdError::Fault => LinkError::Fault { access, ctrl_stat, source },
            SwdError::Parity => LinkError::Parity { access, source },
            SwdError::Protocol => LinkError::Protocol { access, source },
            _ => LinkError::ProbeLost { probe: self.info.to_string(), access, source },
        }
    }

    /// Clears the sticky errors, which block every transfer but these, and writes the selection again. Returns CTRL/STAT from before,
    /// where it can be read.
    fn recover(&mut self, error: SwdError) -> Result<Option<u32>, SwdError> {
        let abort = if error == SwdError::Wait { dp::ABORT_DAPABORT } else { 0 } | dp::ABORT_CLEAR_STICKY;
        // DPBANKSEL 0 is where CTRL/STAT is.
        let measured = if self.select & 0xF == 0 { self.read_one(Register::Dp(dp::CTRL_STAT)).ok() } else { None };
        self.host.write(Register::Dp(dp::ABORT), &[abort])?;
        self.host.write(Register::Dp(dp::SELECT), &[self.select])?;
        Ok(measured)
    }
}

impl SwdWire for TwinWire {
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
                Err(Failure::Transfer(error)) if tries_left == 0 || error == SwdError::Unplugged => {
                    return Err(self.fail(Access::Attach, error));
                }
                Err(Failure::PowerUp) if tries_left == 0 => {
                    return Err(LinkError::PowerUp { source: DriverError::new("no power acknowledge in CTRL/STAT") });
                }
                Err(_) => {}
            }
            self.clock.sleep(ATTACH_PAUSE);
        }
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        self.stats.dp_reads += 1;
        self.transfer(Access::ReadDp(register), |wire| {
            let (address, bank) = register.address();
            let register = wire.dp_register(address, bank)?;
            wire.read_one(register)
        })
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        self.stats.dp_writes += 1;
        self.transfer(Access::WriteDp(register), |wire| {
            let register = wire.dp_register(register.address(), 0)?;
            wire.host.write(register, &[value])
        })
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        let mut value = [0];
        self.read_ap_repeated(ap, register, &mut value)?;
        Ok(value[0])
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        self.write_ap_repeated(ap, register, &[value])
    }

    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        self.host.set_nrst(level == Nrst::Asserted).map_err(|error| self.fail(Access::Nrst, error))?;
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
        self.transfer(Access::ReadAp(ap, register), |wire| {
            let register = wire.ap_register(ap, register)?;
            wire.host.read(register, values)
        })
    }

    fn write_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Result<(), LinkError> {
        if values.is_empty() {
            return Ok(());
        }
        self.stats.ap_writes += values.len() as u64;
        self.transfer(Access::WriteAp(ap, register), |wire| {
            let register = wire.ap_register(ap, register)?;
            wire.host.write(register, values)
        })
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        self.transfer(Access::Flush, |_| Ok(()))
    }
}
