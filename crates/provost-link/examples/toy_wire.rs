//! A chip of thirty lines below the trait [`SwdWire`]: what a transport of one's own has to do, and what crosses the wire when a
//! register is read.
//!
//! ```text
//! cargo run --example toy_wire
//! ```

use std::error::Error;

use provost_link::{
    Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, MemAp, MemApCache, Nrst, ProbeInfo,
    Security, SwdWire, SystemClock, WireStats,
};

/// One access port, and behind it a CPUID register.
#[derive(Debug)]
struct Toy {
    info: ProbeInfo,
    clock: SystemClock,
    csw: u32,
    tar: u32,
}

impl SwdWire for Toy {
    fn describe(&self) -> &ProbeInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NRST_CONTROL
    }

    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        println!("attach");
        Ok(Dpidr(0x6BA0_2477))
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        println!("DP read  {register:?}");
        Ok(0)
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        println!("DP write {register:?} = {value:#010x}");
        Ok(())
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        let value = match register {
            ApRegister::IDR if ap == Ap(1) => 0x8477_0001,
            ApRegister::CSW => self.csw,
            ApRegister::TAR => self.tar,
            // CPUID of a Cortex-M33 r0p4 (Arm 100230).
            ApRegister::DRW if self.tar == 0xE000_ED00 => 0x410F_D214,
            _ => 0,
        };
        println!("{ap} read  {register} = {value:#010x}");
        Ok(value)
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        println!("{ap} write {register} = {value:#010x}");
        match register {
            ApRegister::CSW => self.csw = value,
            ApRegister::TAR => self.tar = value,
            _ => {}
        }
        Ok(())
    }

    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        println!("NRST {level:?}");
        Ok(())
    }

    fn stats(&self) -> WireStats {
        WireStats::default()
    }

    fn clock(&mut self) -> &mut dyn Clock {
        &mut self.clock
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut toy = Toy { info: ProbeInfo::virtual_chip("toy"), clock: SystemClock::new(), csw: 0x0000_0040, tar: 0 };
    println!("{} has debug port {}", toy.describe().clone(), toy.attach()?);
    let mut cache = MemApCache::default();
    let mut bus = MemAp::new(&mut toy, &mut cache, Ap(1), Security::NonSecure);
    println!("CPUID {:#010x}", bus.read32(0xE000_ED00)?);
    Ok(())
}
