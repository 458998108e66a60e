//! The bootloader as a wire like another: alone it provisions and shows the option words; beside a debug probe it provisions, and the probe
//! does the rest.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provost_chip::{assumptions::RssChecksum, parts::PartId};
use provost_link::ProbeInfo;

use super::{Bootloader, BootloaderError};
use crate::{
    Narrator,
    drive::{
        identify::{Identity, Options},
        service::Stored,
        session::Session,
        target::{Capability, Delivery, Target},
    },
    fault::{Result, fail},
};

/// A chip that is reached through its bootloader only.
#[derive(Debug)]
pub struct ByBootloader<'a> {
    boot: &'a mut Bootloader,
    info: ProbeInfo,
}

impl<'a> ByBootloader<'a> {
    /// Of a bootloader that has answered, and whether the chip is a virtual one.
    pub fn new(boot: &'a mut Bootloader, virtual_chip: bool) -> Self {
        let info = ProbeInfo { virtual_chip, ..ProbeInfo::virtual_chip(format!("the bootloader on {}", boot.line())) };
        Self { boot, info }
    }
}

impl Target for ByBootloader<'_> {
    fn probe(&self) -> &ProbeInfo {
        &self.info
    }

    fn now(&mut self) -> Duration {
        self.boot.carrier.now()
    }

    fn sleep(&mut self, time: Duration) {
        self.boot.carrier.sleep(time);
    }

    fn can(&self, capability: Capability) -> bool {
        capability == Capability::Provision
    }

    fn identify(&mut self) -> Result<Identity> {
        self.boot.identify()
    }

    fn provision(
        &mut self,
        parts: &[PartId],
        object: Delivery<'_>,
        known: &mut Option<RssChecksum>,
        announce: &mut dyn FnMut(RssChecksum) -> Result<()>,
        narrator: &mut dyn Narrator,
    ) -> Result<Stored> {
        self.boot.provision(parts, object, known, announce, narrator)
    }

    fn options(&mut self) -> Result<Option<Options>> {
        Ok(Some(self.boot.option_images()?.options()))
    }
}

/// A chip with a debug probe on its SWD pins and a serial line on its bootloader.
#[derive(Debug)]
pub struct BothWires<'a> {
    swd: &'a mut Session,
    boot: &'a mut Bootloader,
}

impl<'a> BothWires<'a> {
    /// Over these two; that they lead to one chip is seen before anything is stored.
    pub fn new(swd: &'a mut Session, boot: &'a mut Bootloader) -> Self {
        Self { swd, boot }
    }

    /// What is written into SRAM over the line is read there by the probe, or these are two chips.
    fn are_one(&mut self, parts: &[PartId]) -> Result<()> {
        let Some(sram3) = parts.first().map(|p| p.info().sram3.base) else { return Ok(()) };
        // The time is written nowhere else, and at no other time.
        let mark = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_le_bytes();
        self.boot.write(sram3, &mark)?;
        let mut found = [0; 4];
        self.swd.ap1().read_block32(sram3, &mut found)?;
        if found.map(u32::to_le_bytes).concat() == mark {
            Ok(())
        } else {
            let (line, probe) = (self.boot.line().to_owned(), self.swd.probe().to_string());
            fail(BootloaderError::TwoChips { line, probe })
        }
    }
}

impl Target for BothWires<'_> {
    fn probe(&self) -> &ProbeInfo {
        self.swd.probe()
    }

    fn now(&mut self) -> Duration {
        self.swd.now()
    }

    fn sleep(&mut self, time: Duration) {
        self.swd.sleep(time);
    }

    fn can(&self, _capability: Capability) -> bool {
        true
    }

    fn identify(&mut self) -> Result<Identity> {
        Target::identify(self.swd)
    }

    fn session(&mut self, _wanted: Capability) -> Result<&mut Session> {
        Ok(self.swd)
    }

    /// Over the line: the ROM calls its service itself, also where it does not let a debugger call it.
    fn provision(
        &mut self,
        parts: &[PartId],
        object: Delivery<'_>,
        known: &mut Option<RssChecksum>,
        announce: &mut dyn FnMut(RssChecksum) -> Result<()>,
        narrator: &mut dyn Narrator,
    ) -> Result<Stored> {
        // The resets that the probe made have put the bootloader to sleep.
        self.boot.wake_again()?;
        self.are_one(parts)?;
        narrator.note(&format!("over {}", self.boot.line()));
        let stored = self.boot.provision(parts, object, known, announce, narrator)?;
        Ok(match stored {
            Stored::Yes { checksum, .. } => Stored::Yes { checksum, ap1_open: self.swd.wait_for_ap1()? },
            other => other,
        })
    }
}
