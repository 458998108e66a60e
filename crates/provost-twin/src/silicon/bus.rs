//! Address decoding: what each access port reaches, and what an access shows or changes.

use std::time::Duration;

use provost_chip::{
    assumptions::{DbgmcuAddress, DebugWaiting, OtpBlankRead},
    model::{
        access::{Ap1, ap1, dbgmcu_sr},
        debug::DebugAccess,
    },
    parts::SECTOR_SIZE,
    registers::{SECURE_PERIPHERAL, dbgmcu, flash as reg, memory},
    states::{ProductState, TrustZone},
};

use super::{
    Silicon,
    core::{Request, Security},
    coresight,
    dbgmcu::identification,
    flash::{Context, Controller, Side},
};
use crate::{
    rom,
    wire::dap::{Access, ApKind, Bus, BusFault, Size},
};

/// SWCLK of a probe that nobody gave another one.
const SWCLK_KHZ: u32 = 4_000;
const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

impl Bus for Silicon {
    fn dpidr(&self) -> u32 {
        // Read on H533 and H563 (STMicroelectronics/OpenOCD issue 33, Black Magic issue 1440).
        0x6BA0_2477
    }

    fn targetid(&self) -> u32 {
        // Part and revision as probe-rs reads them of an STM32H533 (probe-rs issue 3075: part 0x4780, revision 1); other parts inferred.
        0x1000_0041 | u32::from(self.identity().part.info().dev_id) << 16
    }

    fn ap_kind(&self, ap: u8) -> ApKind {
        match ap {
            0 => ApKind::Apb,
            1 => ApKind::Ahb5,
            _ => ApKind::Absent,
        }
    }

    fn ap_idr(&self, ap: u8) -> u32 {
        match ap {
            0 => coresight::AP0_IDR,
            1 => coresight::AP1_IDR,
            _ => 0,
        }
    }

    fn ap_base(&self, ap: u8) -> u32 {
        match ap {
            0 => coresight::AP0_BASE,
            1 => coresight::AP1_BASE,
            _ => 0,
        }
    }

    fn ap_enabled(&self, ap: u8) -> bool {
        ap == 0 || (ap == 1 && self.ap1_is_shown())
    }

    fn ap_spiden(&self, ap: u8) -> bool {
        ap == 1 && self.view() == Ap1::Full
    }

    fn read(&mut self, access: Access) -> Result<u32, BusFault> {
        self.finish_held();
        self.settle();
        let word = match access.ap {
            0 => self.read_ap0(access.address),
            _ => self.read_ap1(access)?,
        };
        self.settle();
        Ok(word >> (8 * (access.address & (4 - access.size.bytes()))) & access.size.mask())
    }

    fn write(&mut self, access: Access, value: u32) -> Result<(), BusFault> {
        self.finish_held();
        self.settle();
        if self.holds(access) {
            self.held = Some((access, value));
            return Ok(());
        }
        match access.ap {
            0 => self.write_ap0(access.address, value),
            _ => self.write_ap1(access, value)?,
        }
        self.settle();
        Ok(())
    }

    fn stalled(&self) -> bool {
        self.held.is_some()
    }

    fn abort(&mut self) {
        self.held = None;
    }

    fn debug_power(&mut self, on: bool) {
        if !on {
            // A Debug Authentication session lives in the debug power domain (inferred: ST's tools keep it powered).
            self.end_session();
        }
    }

    fn elapse(&mut self, swclk_cycles: u32) {
        let khz = self.swclk_khz.unwrap_or(SWCLK_KHZ).max(1);
        self.advance(u64::from(swclk_cycles) * NANOSECONDS_PER_MILLISECOND / u64::from(khz));
    }

    fn wait(&mut self, time: Duration) {
        self.advance(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    fn powered(&self) -> bool {
        Silicon::powered(self)
    }

    fn cut_power(&mut self) {
        self.set_power(false);
    }

    fn set_nrst(&mut self, asserted: bool) {
        if self.bench.nrst_wired {
            Silicon::set_nrst(self, asserted);
        }
    }
}

/// A place on AP1's bus, with the alias folded away.
struct Place {
    /// Address of the non-secure alias.
    address: u32,
    /// The secure alias was used.
    secure_alias: bool,
}

impl Place {
    fn of(address: u32) -> Self {
        let (bit, region) = match address >> 28 {
            0x0 => (memory::SECURE_ALIAS, address),
            0x2..=0x5 => (SECURE_PERIPHERAL, address),
            _ => (0, address),
        };
        Self { address: region & !bit, secure_alias: region & bit != 0 }
    }
}

impl Silicon {
    /// How far AP1 is open, the first milliseconds after a reset included: until then the RSS runs.
    pub(crate) fn view(&self) -> Ap1 {
        if self.booting() && self.chip().state != ProductState::Open {
            return Ap1::Shut;
        }
        ap1(self.chip()).outcome
    }

    /// Whether AP1 is shown as open: it is, or an opening waits for its level in a world that shows that.
    fn ap1_is_shown(&self) -> bool {
        let waits = matches!(self.chip().debug, DebugAccess::Waits(_));
        self.view() > Ap1::Shut || waits && self.assumptions().debug_waiting == DebugWaiting::Shown
    }

    /// Whether an access may go to a secure alias: as a secure transfer of an open port, or where there is no other world.
    fn reaches_secure(&self, access: Access) -> bool {
        self.view() == Ap1::Full && (access.secure || self.chip().tz == TrustZone::Disabled)
    }

    /// Whether an access counts as secure, which it can with TrustZone on only.
    fn is_secure(&self, access: Access) -> bool {
        self.chip().tz == TrustZone::Enabled && self.reaches_secure(access)
    }

    /// Whether the bus holds a debugger's write: it is for user flash or OTP, whose controller is busy. Where no SWCLK was chosen such a
    /// write takes its time at once instead.
    fn holds(&self, access: Access) -> bool {
        let place = Place::of(access.address).address;
        let programs = self.flash_offset(place).is_some() || (memory::OTP..memory::UID).contains(&place);
        self.swclk_khz.is_some()
            && access.ap == 1
            && (0x0800_0000..0x0900_0000).contains(&place)
            && programs
            && self.controller.busy_until().is_some()
    }

    /// Somebody accesses the bus past the debug port, which would have said WAIT.
    fn finish_held(&mut self) {
        if self.held.is_some() {
            self.wait_for_flash();
        }
    }

    /// The register set that an access reaches. With the SAU off, as it is after a reset, a secure access is one through either alias (Arm
    /// DDI 0553, B8.3): the vendor's algorithm for secure flash reaches the secure registers through the non-secure address.
    fn side(&self, access: Access) -> Side {
        if self.is_secure(access) { Side::Secure } else { Side::NonSecure }
    }

    fn dbgmcu_offset(&self, address: u32) -> Option<u32> {
        let shown = match self.assumptions().dbgmcu_address {
            DbgmcuAddress::Both => &dbgmcu::BASES[..],
            DbgmcuAddress::E0044000 => &dbgmcu::BASES[..1],
            DbgmcuAddress::E00E4000 => &dbgmcu::BASES[1..],
        };
        shown.iter().map(|base| address.wrapping_sub(*base)).find(|offset| *offset < 0x1000)
    }

    fn read_ap0(&mut self, address: u32) -> u32 {
        match self.dbgmcu_offset(address) {
            Some(offset) => self.read_dbgmcu(offset),
            None => coresight::ap0(address & !3, self.identity().part.info().dev_id).unwrap_or(0),
        }
    }

    fn write_ap0(&mut self, address: u32, value: u32) {
        let roles = self.assumptions().ack_roles;
        if let Some(offset) = self.dbgmcu_offset(address) {
            self.mailbox().write(offset & !3, value, roles);
            self.debug_config.write(offset & !3, value);
        }
    }

    fn read_dbgmcu(&mut self, offset: u32) -> u32 {
        let offset = offset & !3;
        let identity = *self.identity();
        match offset {
            // Bits 15:12 are not zero on silicon: 0x10016484 (labwired).
            dbgmcu::IDCODE => u32::from(identity.rev_id) << 16 | 0x6000 | u32::from(identity.part.info().dev_id),
            dbgmcu::SR => {
                let open = u32::from(self.ap1_is_shown()) << 17;
                dbgmcu_sr(self.chip()) & !(1 << 17) | open
            }
            _ => {
                let roles = self.assumptions().ack_roles;
                let config = self.debug_config.read(offset);
                self.mailbox().read(offset, roles).or(config).or_else(|| identification(offset)).unwrap_or(0)
            }
        }
    }

    pub(super) fn read_ap1(&mut self, access: Access) -> Result<u32, BusFault> {
        let view = self.view();
        if view == Ap1::Shut {
            return Err(BusFault);
        }
        let address = access.address & !3;
        let place = Place::of(address);
        if place.secure_alias && !self.reaches_secure(access) {
            // Rule R-SECURE-ALIAS-READS-ZERO.
            return Ok(0);
        }
        if let Some(offset) = register_offset(place.address) {
            return Ok(self.read_flash_register(self.side(access), offset));
        }
        if let Some(word) = self.read_sbs(place.address) {
            return Ok(word);
        }
        let secure = self.is_secure(access);
        Ok(match place.address {
            0x0800_0000..0x0900_0000 => {
                let half = (access.size != Size::Word).then_some(access.address >> 1 & 1);
                self.keep_flash();
                self.read_flash_area(place.address, half, secure)?
            }
            0x0B00_0000..0x0C00_0000 => self.read_system(place.address, secure),
            0x2000_0000..0x3000_0000 if self.sram_visible(&place, secure) => {
                self.sram().read(place.address).ok_or(BusFault)?
            }
            at if self.identity().part.info().bkpsram.contains(at, 1) => self.sram().read(at).unwrap_or(0),
            0x4402_4000..0x4402_5000 => self.read_dbgmcu(place.address - dbgmcu::CPU_BASE),
            // The system bus shows the private one's DBGMCU too (probe-rs's sequence on H563ZI, NuttX's header).
            0xE004_4000..0xE004_5000 => self.read_dbgmcu(place.address - dbgmcu::BASES[0]),
            0xE000_0000..=0xFFFF_FFFF => {
                let dev_id = self.identity().part.info().dev_id;
                let security = self.security();
                self.core().read(address, security).or_else(|| coresight::ap1(address, dev_id)).unwrap_or(0)
            }
            _ => 0,
        })
    }

    /// How the core stands towards TrustZone.
    pub(crate) fn security(&self) -> Security {
        let two_worlds = self.chip().tz == TrustZone::Enabled;
        Security { two_worlds, secure_debug: two_worlds && self.view() == Ap1::Full }
    }

    pub(super) fn write_ap1(&mut self, access: Access, value: u32) -> Result<(), BusFault> {
        let view = self.view();
        if view == Ap1::Shut {
            return Err(BusFault);
        }
        let place = Place::of(access.address);
        if place.secure_alias && !self.reaches_secure(access) {
            return Ok(());
        }
        if let Some(offset) = register_offset(place.address) {
            self.write_flash_register(self.side(access), offset, value);
            return Ok(());
        }
        let secure = self.is_secure(access);
        match place.address {
            0x0800_0000..0x0900_0000 => self.write_flash_area(place.address, secure, access.size, value)?,
            0x2000_0000..0x3000_0000 if self.sram_visible(&place, secure) => {
                let shift = 8 * (access.address & 3 & (4 - access.size.bytes()));
                let kept = self.sram().read(place.address).ok_or(BusFault)? & !(access.size.mask() << shift);
                self.sram.write(place.address, kept | value << shift);
            }
            at if self.identity().part.info().bkpsram.contains(at, 1) => {
                let shift = 8 * (access.address & 3 & (4 - access.size.bytes()));
                let kept = self.sram().read(at).unwrap_or(0) & !(access.size.mask() << shift);
                self.sram.write(at, kept | value << shift);
            }
            0x4402_4000..0x4402_5000 => self.debug_config.write((place.address - dbgmcu::CPU_BASE) & !3, value),
            0xE000_0000..=0xFFFF_FFFF => {
                let security = self.security();
                match self.core().write(access.address & !3, value, security) {
                    Request::None => {}
                    Request::Resume => self.resume(),
                    Request::Step => self.single_step(),
                    Request::Reset => self.system_reset(),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the core can fetch there: user flash and SRAM, as far as AP1 sees them (default memory map, DDI 0553).
    pub(super) fn holds_code(&self, address: u32) -> bool {
        let place = Place::of(address);
        let secure = self.view() == Ap1::Full;
        let reached = secure || !place.secure_alias || self.chip().tz == TrustZone::Disabled;
        reached
            && match place.address >> 24 {
                0x08 => self.flash_offset(place.address).is_some(),
                0x20..=0x2F => self.sram_visible(&place, secure && self.chip().tz == TrustZone::Enabled),
                _ => false,
            }
    }

    /// Runs the flash controller with what it may see of the chip.
    pub(super) fn with_controller<T>(&mut self, act: impl FnOnce(&mut Controller, &mut Context<'_>) -> T) -> T {
        let view = self.view();
        let Self { controller, nvm, loaded, layout, chip, assumptions, now, .. } = self;
        let mut context = Context { nvm, loaded, layout, chip, view, assumptions, now: *now };
        act(controller, &mut context)
    }

    pub(super) fn read_flash_register(&mut self, side: Side, offset: u16) -> u32 {
        if self.in_reset() {
            // Rule R-OPTIONS-READ-ZERO-IN-RESET.
            return 0;
        }
        self.with_controller(|controller, context| controller.read(side, offset, context))
    }

    pub(super) fn write_flash_register(&mut self, side: Side, offset: u16, value: u32) {
        if !self.in_reset() {
            self.with_controller(|controller, context| controller.write(side, offset, value, context));
            if self.controller.is_idle() {
                self.keep_flash();
            }
        }
    }

    fn flash_offset(&self, address: u32) -> Option<u32> {
        let offset = address.checked_sub(memory::FLASH)?;
        (offset < self.identity().flash.bytes()).then_some(offset)
    }

    /// `half` names the half-word that a narrow access is after.
    pub(super) fn read_flash_area(&self, address: u32, half: Option<u32>, secure: bool) -> Result<u32, BusFault> {
        if let Some(offset) = self.flash_offset(address) {
            let offset = self.physical(offset);
            let hidden = self.sector_is_secure(offset / SECTOR_SIZE) && !secure;
            return Ok(if hidden { 0 } else { self.nvm.flash_word(offset) });
        }
        let open = self.chip().state == ProductState::Open;
        match address {
            memory::OTP..memory::UID => self.read_otp(((address - memory::OTP) / 2) as usize, half),
            // Masked outside Open (wolfTrust, H563).
            memory::UID..memory::FLASH_SIZE => {
                let word = self.identity().uid[((address - memory::UID) / 4) as usize];
                Ok(if open { word } else { 0 })
            }
            memory::FLASH_SIZE => Ok(if open { self.identity().flash.kb() } else { 0 }),
            _ => Err(BusFault),
        }
    }

    /// A half-word of OTP that was never programmed is an ECC double error: reading it faults, or gives ones (switch `otp-blank-read`).
    /// One that was programmed twice faults in any world.
    fn read_otp(&self, index: usize, half: Option<u32>) -> Result<u32, BusFault> {
        let ones = self.assumptions().otp_blank_read == OtpBlankRead::Ones;
        let blank = |i: usize| (ones && self.nvm.is_otp_blank(i)).then_some(u16::MAX);
        let pair = [index, index + 1].map(|i| self.nvm.otp_half(i).or_else(|| blank(i)));
        let [low, high] = match half {
            Some(half) => [0, 1].map(|i| if i == half & 1 { pair[i as usize] } else { Some(0) }),
            None => pair,
        };
        match (low, high) {
            (Some(low), Some(high)) => Ok(u32::from(low) | u32::from(high) << 16),
            _ => Err(BusFault),
        }
    }

    pub(super) fn write_flash_area(
        &mut self,
        address: u32,
        secure: bool,
        size: Size,
        value: u32,
    ) -> Result<(), BusFault> {
        if self.in_reset() {
            return Ok(());
        }
        self.wait_for_flash();
        if let Some(offset) = self.flash_offset(address).map(|o| self.physical(o)) {
            let bytes = &value.to_le_bytes()[..size.bytes() as usize];
            self.with_controller(|controller, context| controller.write_flash(secure, offset, bytes, context));
        } else if (memory::OTP..memory::UID).contains(&address) {
            let index = ((address - memory::OTP) / 2) as usize;
            let half = (size == Size::Half).then_some((value & 0xFFFF) as u16);
            self.with_controller(|controller, context| controller.write_otp(secure, index, half, context));
        } else {
            return Err(BusFault);
        }
        Ok(())
    }

    pub(super) fn read_system(&self, address: u32, secure: bool) -> u32 {
        let obk = memory::OBK..memory::OBK + memory::OBK_SIZE;
        if obk.contains(&address) {
            // Option-byte keys are read by code at the right HDPL, never by a debugger outside Open.
            let open = self.chip().state == ProductState::Open && (secure || self.chip().tz == TrustZone::Disabled);
            let at = (address - memory::OBK) as usize;
            let word = self.nvm.obk().get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
            return if open { word.unwrap_or(0) } else { 0 };
        }
        rom::descriptor::word(self.identity(), address).unwrap_or(0)
    }

    /// With TrustZone on all SRAM is secure after reset; the bootloader gets it opened, user code opens SRAM3 (templates).
    fn sram_visible(&self, place: &Place, secure: bool) -> bool {
        use provost_chip::model::Execution;
        if secure || place.secure_alias || self.chip().tz == TrustZone::Disabled {
            return true;
        }
        match self.chip().runs {
            Execution::Bootloader => true,
            _ => self.identity().part.info().sram3.contains(place.address, 4) && self.chip().firmware.non_secure,
        }
    }
}

pub(super) fn register_offset(address: u32) -> Option<u16> {
    let offset = address.wrapping_sub(reg::BASE);
    (offset < reg::SIZE).then(|| u16::try_from(offset & !3).ok()).flatten()
}
