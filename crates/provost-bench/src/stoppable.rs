//! A wire that a person can stop: what is under way is finished, NRST is let go, and nothing goes out any more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use provost_link::{
    Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, Nrst, ProbeInfo, SwdWire, WireStats,
};

/// Says, from any thread, that a person wants the work to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The work is to stop before the next transaction.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A wire that fails with [`LinkError::Stopped`] once that was asked for.
#[derive(Debug)]
pub(crate) struct Stoppable {
    wire: Box<dyn SwdWire>,
    stop: Stop,
    nrst: Nrst,
}

impl Stoppable {
    pub(crate) fn new(wire: Box<dyn SwdWire>, stop: Stop) -> Self {
        Self { wire, stop, nrst: Nrst::Released }
    }

    /// The wire below, unless it is to be left alone from now on. A chip is not left in reset.
    fn live(&mut self) -> Result<&mut dyn SwdWire, LinkError> {
        if !self.stop.is_asked() {
            return Ok(&mut *self.wire);
        }
        if self.nrst == Nrst::Asserted {
            self.wire.set_nrst(Nrst::Released)?;
            self.nrst = Nrst::Released;
        }
        Err(LinkError::Stopped)
    }
}

impl SwdWire for Stoppable {
    fn describe(&self) -> &ProbeInfo {
        self.wire.describe()
    }

    fn capabilities(&self) -> Capabilities {
        self.wire.capabilities()
    }

    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        self.live()?.attach()
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        self.live()?.read_dp(register)
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        self.live()?.write_dp(register, value)
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        self.live()?.read_ap(ap, register)
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        self.live()?.write_ap(ap, register, value)
    }

    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        self.live()?.set_nrst(level)?;
        self.nrst = level;
        Ok(())
    }

    fn target_voltage(&self) -> Option<f32> {
        self.wire.target_voltage()
    }

    fn stats(&self) -> WireStats {
        self.wire.stats()
    }

    fn clock(&mut self) -> &mut dyn Clock {
        self.wire.clock()
    }

    fn read_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &mut [u32]) -> Result<(), LinkError> {
        self.live()?.read_ap_repeated(ap, register, values)
    }

    fn write_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Result<(), LinkError> {
        self.live()?.write_ap_repeated(ap, register, values)
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        self.live()?.flush()
    }
}
