//! A chip at the end of a wire: its two access ports, its reset line, and where its DBGMCU was found.

use std::time::Duration;

use provost_chip::side::Side;
use provost_link::{
    Ap, Dpidr, LinkError, MemAp, MemApCache, Nrst, ProbeInfo, Security, SwdWire, WireStats, core::Core,
};

/// How long NRST is held low.
const NRST_PULSE: Duration = Duration::from_millis(20);
/// How long a booting chip may take until AP1 opens.
const BOOT_TIMEOUT: Duration = Duration::from_millis(500);
const BOOT_POLL: Duration = Duration::from_millis(1);

/// A session with one chip. Making it touches nothing; dropping it leaves the debug port powered.
#[derive(Debug)]
pub struct Session {
    wire: Box<dyn SwdWire>,
    cache: MemApCache,
    dbgmcu: Option<u32>,
}

impl Session {
    /// A session over this wire.
    pub fn new(wire: Box<dyn SwdWire>) -> Self {
        Self { wire, cache: MemApCache::default(), dbgmcu: None }
    }

    /// The same session over what is put around its wire.
    #[must_use]
    pub fn over(self, around: impl FnOnce(Box<dyn SwdWire>) -> Box<dyn SwdWire>) -> Self {
        Self { wire: around(self.wire), ..self }
    }

    /// The probe.
    pub fn probe(&self) -> &ProbeInfo {
        self.wire.describe()
    }

    /// What was asked of the wire so far.
    pub fn stats(&self) -> WireStats {
        self.wire.stats()
    }

    /// The supply of the chip in volts, where the probe can tell; measured when the probe was opened.
    pub fn target_voltage(&self) -> Option<f32> {
        self.wire.target_voltage()
    }

    /// Connects to the debug port: no halt, no reset.
    ///
    /// # Errors
    /// Nobody answers, or the probe is gone.
    pub fn attach(&mut self) -> Result<Dpidr, LinkError> {
        self.cache.forget();
        self.wire.attach()
    }

    /// AP0: DBGMCU and its mailbox.
    pub fn ap0(&mut self) -> MemAp<'_> {
        MemAp::new(&mut *self.wire, &mut self.cache, Ap(0), Security::AsFound)
    }

    /// AP1, non-secure: the core and its memories.
    pub fn ap1(&mut self) -> MemAp<'_> {
        self.ap1_as(Side::NonSecure)
    }

    /// AP1 as this side accesses it: secure sectors and registers show themselves to secure transfers only.
    pub fn ap1_as(&mut self, side: Side) -> MemAp<'_> {
        let security = match side {
            Side::NonSecure => Security::NonSecure,
            Side::Secure => Security::Secure,
        };
        MemAp::new(&mut *self.wire, &mut self.cache, Ap(1), security)
    }

    /// Where AP0 shows DBGMCU, once [`super::identify`] has found it.
    pub const fn dbgmcu(&self) -> Option<u32> {
        self.dbgmcu
    }

    pub(crate) const fn set_dbgmcu(&mut self, base: u32) {
        self.dbgmcu = Some(base);
    }

    /// Lets time pass.
    pub fn sleep(&mut self, time: Duration) {
        self.wire.clock().sleep(time);
    }

    /// Time by the wire's clock.
    pub fn now(&mut self) -> Duration {
        self.wire.clock().now()
    }

    /// Drives NRST.
    ///
    /// # Errors
    /// The probe cannot.
    pub fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        self.wire.set_nrst(level)
    }

    /// Pulses NRST.
    ///
    /// # Errors
    /// The probe cannot drive it.
    pub fn pulse_nrst(&mut self) -> Result<(), LinkError> {
        self.set_nrst(Nrst::Asserted)?;
        self.sleep(NRST_PULSE);
        self.set_nrst(Nrst::Released)
    }

    /// Waits until DBGMCU_SR says that AP1 is open; `false` if it stays shut.
    ///
    /// # Errors
    /// The link breaks.
    pub fn wait_for_ap1(&mut self) -> Result<bool, LinkError> {
        let Some(base) = self.dbgmcu else { return Ok(false) };
        let end = self.now() + BOOT_TIMEOUT;
        loop {
            let sr = self.ap0().read32(base + provost_chip::registers::dbgmcu::SR)?;
            if sr >> 17 & 1 == 1 {
                return Ok(true);
            }
            if self.now() >= end {
                return Ok(false);
            }
            self.sleep(BOOT_POLL);
        }
    }

    /// Whether the core saw a reset since this was last asked (DHCSR.S_RESET_ST, over AP1).
    ///
    /// # Errors
    /// AP1 is shut, or the link breaks.
    pub fn core_saw_reset(&mut self) -> Result<bool, LinkError> {
        let mut ap1 = self.ap1();
        let mut core = Core::new(&mut ap1);
        core.dhcsr()?;
        Ok(core.take_reset())
    }
}
