//! A chip at the end of a wire: its two access ports, its reset line, and where its DBGMCU was found.

use std::time::Duration;

use provost_chip::registers::flash;
use provost_link::{
    Ap, ApRegister, Dpidr, LinkError, MemAp, MemApCache, Nrst, ProbeInfo, Security, SwdWire, WireStats, core::Core,
};

use crate::error::{OpError, Result};
use crate::fault::fail;

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
        MemAp::new(&mut *self.wire, &mut self.cache, Ap(1), Security::NonSecure)
    }

    /// AP1 with this security attribute: secure sectors and registers show themselves to secure transfers only.
    pub fn ap1_as(&mut self, security: Security) -> MemAp<'_> {
        MemAp::new(&mut *self.wire, &mut self.cache, Ap(1), security)
    }

    /// Where AP0 shows DBGMCU, once [`crate::identify`] has found it.
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

    /// Proves that NRST reaches the chip, by a pulse that the core notices (rule `R-DA-NEEDS-NRST`).
    ///
    /// # Errors
    /// [`OpError::NrstNotWired`]; [`OpError::StaysInRssDa`] if AP1 does not open again.
    pub fn prove_nrst(&mut self) -> Result<()> {
        // Reading clears what an earlier reset left.
        self.core_saw_reset()?;
        self.pulse_nrst()?;
        if !self.wait_for_ap1()? {
            return fail(OpError::StaysInRssDa);
        }
        if self.core_saw_reset()? { Ok(()) } else { fail(OpError::NrstNotWired) }
    }

    /// Writes the halfword at `address`, a multiple of 2, over AP1: OTP takes nothing else (CMSIS).
    ///
    /// # Errors
    /// AP1 is shut, knows no 16-bit transfers, or the link breaks.
    pub(crate) fn write16(&mut self, address: u32, value: u16) -> Result<(), LinkError> {
        let mut ap1 = self.ap1();
        // Reading a halfword of something harmless sets the size of transfers up, and forgets where TAR points.
        ap1.read16(flash::BASE + u32::from(flash::NSSR))?;
        let wire = ap1.wire();
        wire.write_ap(Ap(1), ApRegister::TAR, address)?;
        // Data goes in the byte lanes of its address (Arm IHI 0031, "Byte lanes").
        wire.write_ap(Ap(1), ApRegister::DRW, u32::from(value) << ((address & 2) * 8))?;
        wire.flush()
    }
}
