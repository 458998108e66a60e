//! A scripted wire over a toy memory, that logs every access.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{
    Access, Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, Nrst, ProbeInfo, SwdWire, WireStats,
};

/// A clock that moves only when slept on.
#[derive(Debug, Default, Clone)]
pub(crate) struct TestClock(Duration);

impl Clock for TestClock {
    fn now(&self) -> Duration {
        self.0
    }

    fn sleep(&mut self, duration: Duration) {
        self.0 += duration;
    }
}

/// One MEM-AP of the toy, built from the register descriptions of Arm IHI 0031.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToyAp {
    pub(crate) idr: u32,
    pub(crate) csw: u32,
    /// Bits of CSW that can be written.
    pub(crate) csw_writable: u32,
    pub(crate) tar: u32,
}

impl ToyAp {
    /// AHB5-AP and APB-AP of an STM32H563 as logged (blackmagic #1440).
    pub(crate) const AHB: Self = Self { idr: 0x8477_0001, csw: 0xC380_0040, csw_writable: 0x7F00_0037, tar: 0 };
    pub(crate) const APB: Self = Self { idr: 0x5477_0002, csw: 0x8000_0042, csw_writable: 0x8000_0030, tar: 0 };
}

/// What the core of the toy does when it is let run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Runs for some looks at DHCSR, then sets R0 and halts at LR.
    Return {
        after: u32,
        r0: u32,
    },
    /// Halts at another address.
    HaltAt(u32),
    LockUp,
    Forever,
    Reset,
    LoseLink,
}

#[derive(Debug)]
pub(crate) struct FakeWire {
    pub(crate) log: Vec<String>,
    pub(crate) aps: [ToyAp; 2],
    pub(crate) memory: BTreeMap<u32, u32>,
    pub(crate) core: [u32; 17],
    pub(crate) run: Run,
    pub(crate) dhcsr: u32,
    /// Looks at DHCSR until S_REGRDY.
    pub(crate) regrdy_delay: u32,
    /// The access, counted from now, that fails.
    pub(crate) fail_in: Option<usize>,
    looks: u32,
    dcrdr: u32,
    busy: u32,
    clock: TestClock,
    stats: WireStats,
    info: ProbeInfo,
}

impl FakeWire {
    pub(crate) fn new() -> Self {
        Self {
            log: Vec::new(),
            aps: [ToyAp::APB, ToyAp::AHB],
            memory: BTreeMap::new(),
            core: [0; 17],
            run: Run::Forever,
            dhcsr: 0,
            regrdy_delay: 0,
            fail_in: None,
            looks: 0,
            dcrdr: 0,
            busy: 0,
            clock: TestClock::default(),
            stats: WireStats::default(),
            info: ProbeInfo::virtual_chip("fake"),
        }
    }

    /// The accesses since the last call.
    pub(crate) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn step(&mut self, access: Access) -> Result<(), LinkError> {
        match &mut self.fail_in {
            Some(0) => {
                self.fail_in = None;
                Err(LinkError::NotAttached { access })
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn mem_read(&mut self, address: u32) -> Result<u32, LinkError> {
        match address {
            0xE000_EDF0 => self.look_at_dhcsr(),
            0xE000_EDF8 => Ok(self.dcrdr),
            _ => Ok(self.memory.get(&address).copied().unwrap_or(0)),
        }
    }

    fn mem_write(&mut self, address: u32, value: u32) {
        match address {
            0xE000_EDF0 if value >> 16 == 0xA05F => {
                let was_halted = self.dhcsr & (1 << 17) != 0;
                let stays_halted = was_halted && value & 0b11 == 0b11;
                assert!(
                    (self.dhcsr ^ value) & (1 << 3) == 0 || stays_halted,
                    "C_MASKINTS changed on a running core: unpredictable"
                );
                self.dhcsr = self.dhcsr & 0xFFFF_0000 | value & 0xFFFF;
                if value & 0b11 == 0b11 {
                    self.dhcsr |= 1 << 17;
                } else {
                    self.dhcsr &= !(1 << 17);
                    if was_halted {
                        self.looks = 0;
                    }
                }
            }
            0xE000_EDF4 => {
                self.busy = self.regrdy_delay;
                let register = &mut self.core[(value & 0x7F) as usize];
                if value & (1 << 16) != 0 {
                    *register = self.dcrdr;
                } else {
                    self.dcrdr = *register;
                }
            }
            0xE000_EDF8 => self.dcrdr = value,
            _ => {
                self.memory.insert(address, value);
            }
        }
    }

    fn look_at_dhcsr(&mut self) -> Result<u32, LinkError> {
        if self.dhcsr & 0b1 != 0 && self.dhcsr & (1 << 17) == 0 {
            self.looks += 1;
            match self.run {
                Run::Return { after, r0 } if self.looks > after => {
                    self.core[0] = r0;
                    self.core[15] = self.core[14] & !1;
                    self.dhcsr |= 1 << 17;
                }
                Run::HaltAt(pc) => {
                    self.core[15] = pc;
                    self.dhcsr |= 1 << 17;
                }
                Run::LockUp => self.dhcsr |= 1 << 19,
                Run::Reset => self.dhcsr |= 1 << 25,
                Run::LoseLink => {
                    return Err(LinkError::NotAttached { access: Access::ReadAp(Ap(1), ApRegister::BD0) });
                }
                Run::Return { .. } | Run::Forever => {}
            }
        }
        let ready = self.busy == 0;
        self.busy = self.busy.saturating_sub(1);
        let value = self.dhcsr | u32::from(ready) << 16;
        self.dhcsr &= !(1 << 25);
        Ok(value)
    }

    fn increment(&mut self, ap: Ap) {
        let ap = &mut self.aps[usize::from(ap.0)];
        if ap.csw & 0x30 == 0x10 {
            // Wraps within 1 KB, as the least an AP must do.
            let size = 1 << (ap.csw & 7);
            ap.tar = ap.tar & !0x3FF | ap.tar.wrapping_add(size) & 0x3FF;
        }
    }
}

impl SwdWire for FakeWire {
    fn describe(&self) -> &ProbeInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NRST_CONTROL | Capabilities::RAW_DP
    }

    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        self.stats.attaches += 1;
        Ok(Dpidr(0x6BA0_2477))
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        self.log.push(format!("R {register}"));
        Ok(0)
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        self.log.push(format!("W {register} {value:08x}"));
        Ok(())
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        self.step(Access::ReadAp(ap, register))?;
        self.log.push(format!("R {ap} {register}"));
        self.stats.ap_reads += 1;
        let toy = self.aps[usize::from(ap.0)];
        match register {
            ApRegister::CSW => Ok(toy.csw),
            ApRegister::TAR => Ok(toy.tar),
            ApRegister::IDR => Ok(toy.idr),
            ApRegister::DRW => {
                let value = self.mem_read(toy.tar & !3);
                self.increment(ap);
                value
            }
            _ => self.mem_read(toy.tar & !0xF | u32::from(register.offset()) & 0xC),
        }
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        self.step(Access::WriteAp(ap, register))?;
        self.log.push(format!("W {ap} {register} {value:08x}"));
        self.stats.ap_writes += 1;
        let toy = &mut self.aps[usize::from(ap.0)];
        match register {
            ApRegister::CSW => toy.csw = toy.csw & !toy.csw_writable | value & toy.csw_writable,
            ApRegister::TAR => toy.tar = value,
            ApRegister::DRW => {
                let address = toy.tar;
                self.mem_write(address, value);
                self.increment(ap);
            }
            _ => {
                let address = toy.tar & !0xF | u32::from(register.offset()) & 0xC;
                self.mem_write(address, value);
            }
        }
        Ok(())
    }

    fn set_nrst(&mut self, _level: Nrst) -> Result<(), LinkError> {
        self.stats.nrst_edges += 1;
        Ok(())
    }

    fn stats(&self) -> WireStats {
        self.stats
    }

    fn clock(&mut self) -> &mut dyn Clock {
        &mut self.clock
    }
}
