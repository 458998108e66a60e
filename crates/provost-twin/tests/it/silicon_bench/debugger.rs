//! A debugger at the level of the access ports: what MEM-APs ask of the bus, and the mailbox behind AP0.

use super::Situation;

use provost_chip::{
    assumptions::{AckRoles, Assumptions, DbgmcuAddress},
    option_bytes::OptionField,
    registers::{core_debug, dbgmcu, flash as reg},
    states::{ProductState, TrustZone},
};
use provost_twin::{
    silicon::Silicon,
    wire::dap::{Access, Bus as _, BusFault, Size},
};

/// How often a flag is looked at, and how long between two looks (in nanoseconds), before it is given up.
const LOOKS: u32 = 40;
const BETWEEN: u64 = 10_000;

/// A debugger plugged into a chip.
#[derive(Debug)]
pub(crate) struct Debugger {
    pub(crate) silicon: Silicon,
}

impl Debugger {
    pub(crate) const fn new(silicon: Silicon) -> Self {
        Self { silicon }
    }

    /// A debugger at a chip that has booted, in the default world.
    pub(crate) fn at(part: &str, state: ProductState, tz: TrustZone) -> Self {
        Self::new(Situation::of(part, state, tz).powered(Assumptions::default()))
    }

    /// The same in Open with TrustZone off.
    pub(crate) fn open(part: &str) -> Self {
        Self::at(part, ProductState::Open, TrustZone::Disabled)
    }

    /// Writes an option field by its name and tells whether the chip took it.
    pub(crate) fn set(&mut self, name: &str, value: u32) -> bool {
        let field = OptionField::find(self.silicon.identity().part, name).unwrap();
        self.change_option(field.offset_cur, field.mask(), value << field.low)
    }

    /// An option field in force.
    pub(crate) fn get(&mut self, name: &str) -> u32 {
        let field = OptionField::find(self.silicon.identity().part, name).unwrap();
        field.get(self.flash(field.offset_cur))
    }

    pub(crate) fn cut_power(&mut self) {
        self.silicon.set_power(false);
        self.silicon.advance(100 * super::MS);
        self.silicon.set_power(true);
        self.silicon.advance(super::BOOT);
    }

    pub(crate) fn access(&mut self, ap: u8, address: u32, size: Size, secure: bool) -> Result<u32, BusFault> {
        self.silicon.read(Access { ap, address, size, secure })
    }

    /// A non-secure word read on AP1.
    pub(crate) fn read(&mut self, address: u32) -> Result<u32, BusFault> {
        self.access(1, address, Size::Word, false)
    }

    pub(crate) fn read_secure(&mut self, address: u32) -> Result<u32, BusFault> {
        self.access(1, address, Size::Word, true)
    }

    /// A non-secure word write on AP1.
    pub(crate) fn write(&mut self, address: u32, value: u32) {
        self.silicon.write(Access { ap: 1, address, size: Size::Word, secure: false }, value).unwrap();
    }

    pub(crate) fn write_secure(&mut self, address: u32, value: u32) {
        self.silicon.write(Access { ap: 1, address, size: Size::Word, secure: true }, value).unwrap();
    }

    pub(crate) fn write_half(&mut self, address: u32, value: u16) {
        self.silicon.write(Access { ap: 1, address, size: Size::Half, secure: false }, u32::from(value)).unwrap();
    }

    /// A register of the flash controller, through its non-secure alias.
    pub(crate) fn flash(&mut self, offset: u16) -> u32 {
        self.read(reg::BASE + u32::from(offset)).unwrap()
    }

    pub(crate) fn set_flash(&mut self, offset: u16, value: u32) {
        self.write(reg::BASE + u32::from(offset), value);
    }

    pub(crate) fn set_secure_flash(&mut self, offset: u16, value: u32) {
        self.write_secure(reg::BASE + 0x1000_0000 + u32::from(offset), value);
    }

    pub(crate) fn unlock_options(&mut self) {
        if self.flash(reg::OPTCR) & reg::OPTCR_OPTLOCK != 0 {
            reg::OPT_KEYS.into_iter().for_each(|key| self.set_flash(reg::OPTKEYR, key));
        }
    }

    pub(crate) fn unlock_flash(&mut self) {
        if self.flash(reg::NSCR) & reg::CR_LOCK != 0 {
            reg::KEYS.into_iter().for_each(|key| self.set_flash(reg::NSKEYR, key));
        }
    }

    pub(crate) fn unlock_secure_flash(&mut self) {
        reg::KEYS.into_iter().for_each(|key| self.set_secure_flash(reg::SECKEYR, key));
    }

    /// Waits until the controller is idle, and returns the flags.
    pub(crate) fn wait_for_flash(&mut self) -> u32 {
        while self.flash(reg::NSSR) & reg::SR_BSY != 0 {
            self.silicon.advance(100_000);
        }
        self.flash(reg::NSSR)
    }

    /// Programs some bits of an option word; `true` if the chip took it. The words in force follow at the next reset.
    pub(crate) fn change_option(&mut self, offset_cur: u16, mask: u32, value: u32) -> bool {
        self.unlock_options();
        self.set_flash(reg::NSCCR, reg::SR_OPTCHANGEERR | reg::SR_EOP);
        let word = self.flash(offset_cur + 4) & !mask | value & mask;
        self.set_flash(offset_cur + 4, word);
        self.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
        let accepted = self.wait_for_flash() & reg::SR_OPTCHANGEERR == 0;
        self.set_flash(reg::OPTCR, reg::OPTCR_OPTLOCK);
        accepted
    }

    /// A reset: NRST where it is wired, else SYSRESETREQ where AP1 lets through.
    pub(crate) fn reset(&mut self) {
        if self.silicon.bench().nrst_wired {
            self.silicon.set_nrst(true);
            self.silicon.advance(100_000);
            self.silicon.set_nrst(false);
        } else if self.silicon.ap_enabled(1) {
            self.write(core_debug::AIRCR, 0x05FA_0004);
        }
        self.silicon.advance(super::BOOT);
    }

    fn dbgmcu(&self) -> u32 {
        match self.silicon.assumptions().dbgmcu_address {
            DbgmcuAddress::E00E4000 => dbgmcu::BASES[1],
            _ => dbgmcu::BASES[0],
        }
    }

    pub(crate) fn read_dbgmcu(&mut self, offset: u32) -> u32 {
        self.access(0, self.dbgmcu() + offset, Size::Word, false).unwrap()
    }

    pub(crate) fn write_dbgmcu(&mut self, offset: u32, value: u32) {
        let address = self.dbgmcu() + offset;
        self.silicon.write(Access { ap: 0, address, size: Size::Word, secure: false }, value).unwrap();
    }

    /// Waits for a flag of DBG_AUTH_ACK: that of the host's word, or that of the device's.
    fn acknowledged(&mut self, host: bool, level: bool) -> bool {
        let code = self.silicon.assumptions().ack_roles == AckRoles::Code;
        let bit = if host == code { 1 } else { 2 };
        for _ in 0..LOOKS {
            if (self.read_dbgmcu(dbgmcu::DBG_AUTH_ACK) & bit != 0) == level {
                return true;
            }
            self.silicon.advance(BETWEEN);
        }
        false
    }

    pub(crate) fn send(&mut self, words: &[u32]) -> bool {
        words.iter().all(|word| {
            let free = self.acknowledged(true, false);
            self.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, *word);
            free
        })
    }

    pub(crate) fn receive_word(&mut self) -> Option<u32> {
        if !self.acknowledged(false, true) {
            return None;
        }
        let word = self.read_dbgmcu(dbgmcu::DBG_AUTH_DEVICE);
        if self.silicon.assumptions().ack_roles == AckRoles::Svd {
            self.write_dbgmcu(dbgmcu::DBG_AUTH_ACK, 0);
        }
        Some(word)
    }

    /// One packet: status, length, data.
    pub(crate) fn receive(&mut self) -> Option<Vec<u32>> {
        let mut words = vec![self.receive_word()?, self.receive_word()?];
        for _ in 0..words[1] {
            words.push(self.receive_word()?);
        }
        Some(words)
    }

    /// A request and its answer.
    pub(crate) fn exchange(&mut self, words: &[u32]) -> Option<Vec<u32>> {
        if self.send(words) { self.receive() } else { None }
    }

    /// A core register by its DCRSR number.
    pub(crate) fn write_core(&mut self, register: u32, value: u32) {
        self.write(core_debug::DCRDR, value);
        self.write(core_debug::DCRSR, 1 << 16 | register);
    }

    pub(crate) fn read_core(&mut self, register: u32) -> u32 {
        self.write(core_debug::DCRSR, register);
        self.read(core_debug::DCRDR).unwrap()
    }
}
