//! The flash controller over AP1: unlock, erase a sector, program a run, wait, check.
//!
//! What programming costs at least on the wire, per KB: 256 writes of DRW, for an AHB-AP moves 32 bits at a time, and one of TAR,
//! whose increment holds within 1 KB only (Arm IHI 0031): 257. A poll of the status is added once per sector of 8 KB, and each
//! burst ends with the read that tells whether its last write arrived. The controller is not asked between quad-words: while it
//! programs one, it stalls the bus, and the AHB-AP answers WAIT, which the probe repeats.

use std::time::Duration;

use provost_chip::{flash_map::Sector, parts::SECTOR_SIZE, registers::flash, side::Side};
use provost_link::{LinkError, MemAp};

use super::error::FlashError;
use crate::drive::session::Session;

/// Erasing 8 KB takes 2 ms, 10 ms at most (DS14539); HAL waits a second for anything.
const TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(1);
/// NSSR, SECSR, NSCR and SECCR fill one banked window: each access is a single AP access.
const WINDOW: u16 = flash::NSSR;
const BUSY: u32 = flash::SR_BSY | flash::SR_WBNE | flash::SR_DBNE;
const ERRORS: u32 =
    flash::SR_WRPERR | flash::SR_PGSERR | flash::SR_STRBERR | flash::SR_INCERR | flash::SR_OBKERR | flash::SR_OBKWERR;

/// The flash controller as one side sees it: its register set, and its alias of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Controller(pub(super) Side);

impl Controller {
    /// A secure sector is reached as the secure side does, any other as the non-secure one.
    pub(super) const fn of(sector: &Sector) -> Self {
        Self(if sector.secure { Side::Secure } else { Side::NonSecure })
    }

    pub(super) fn ap1(self, session: &mut Session) -> MemAp<'_> {
        session.ap1_as(self.0)
    }

    /// Address of an offset into user flash.
    pub(super) const fn address(self, offset: u32) -> u32 {
        self.0.flash(offset)
    }

    const fn register(self, non_secure: u16, secure: u16) -> u32 {
        let offset = match self.0 {
            Side::NonSecure => non_secure,
            Side::Secure => secure,
        };
        self.0.peripheral(flash::BASE) + offset as u32
    }

    /// Base of the window, and the offsets of status and control in it.
    const fn window(self) -> (u32, u32, u32) {
        let base = self.0.peripheral(flash::BASE) + WINDOW as u32;
        match self.0 {
            Side::NonSecure => (base, 0x0, 0x8),
            Side::Secure => (base, 0x4, 0xC),
        }
    }

    fn control(self, session: &mut Session, value: u32) -> Result<(), LinkError> {
        let (base, _, control) = self.window();
        self.ap1(session).window(base)?.write(control, value)
    }

    fn status(self, session: &mut Session) -> Result<u32, LinkError> {
        let (base, status, _) = self.window();
        self.ap1(session).window(base)?.read(status)
    }

    /// Unlocks the control register and clears old errors.
    pub(super) fn unlock(self, session: &mut Session) -> Result<(), FlashError> {
        let (base, _, control) = self.window();
        let link = |error: LinkError| {
            let source = error.into();
            FlashError::Interrupted { doing: "unlocking the flash controller", address: base, source }
        };
        let mut ap1 = self.ap1(session);
        let read = |ap1: &mut MemAp<'_>| ap1.window(base)?.read(control);
        if read(&mut ap1).map_err(link)? & flash::CR_LOCK != 0 {
            for key in flash::KEYS {
                ap1.write32(self.register(flash::NSKEYR, flash::SECKEYR), key).map_err(link)?;
            }
            let found = read(&mut ap1).map_err(link)?;
            if found & flash::CR_LOCK != 0 {
                return Err(FlashError::Locked { control: found });
            }
        }
        ap1.write32(self.register(flash::NSCCR, flash::SECCCR), ERRORS | flash::SR_EOP).map_err(link)
    }

    /// Locks the control register again.
    pub(super) fn lock(self, session: &mut Session) -> Result<(), LinkError> {
        self.control(session, flash::CR_LOCK)
    }

    /// Erases a sector.
    pub(super) fn erase(self, session: &mut Session, sector: &Sector) -> Result<(), FlashError> {
        let (doing, address) = ("erasing", self.address(sector.index * SECTOR_SIZE));
        let bank = if sector.bank == 1 { flash::CR_BKSEL } else { 0 };
        let control = flash::CR_SER | flash::CR_STRT | sector.number << flash::CR_SNB_SHIFT | bank;
        self.control(session, control).map_err(|error| FlashError::Interrupted {
            doing,
            address,
            source: error.into(),
        })?;
        self.wait(session, doing, address)
    }

    /// Programs runs of whole quad-words into an erased sector: offset in it, and bytes.
    pub(super) fn program(
        self,
        session: &mut Session,
        sector: &Sector,
        runs: &[(usize, &[u8])],
    ) -> Result<(), FlashError> {
        let base = self.address(sector.index * SECTOR_SIZE);
        let (doing, mut address) = ("programming", base);
        let mut write = || {
            self.control(session, flash::CR_PG)?;
            for (at, bytes) in runs {
                address = base + *at as u32;
                self.ap1(session).write_block32(address, &words(bytes))?;
            }
            Ok(())
        };
        write().map_err(|error: LinkError| FlashError::Interrupted { doing, address, source: error.into() })?;
        self.wait(session, doing, base)
    }

    /// Waits until nothing runs, and reports the error flags of what ran.
    fn wait(self, session: &mut Session, doing: &'static str, address: u32) -> Result<(), FlashError> {
        let end = session.now() + TIMEOUT;
        loop {
            let status = self.status(session).map_err(|error| FlashError::Interrupted {
                doing,
                address,
                source: error.into(),
            })?;
            let over = session.now() >= end;
            if status & ERRORS != 0 || (status & BUSY != 0 && over) {
                return Err(FlashError::Controller { doing, address, status });
            }
            if status & BUSY == 0 {
                return Ok(());
            }
            session.sleep(POLL);
        }
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}
