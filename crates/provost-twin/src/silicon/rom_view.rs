//! The chip as the code of the ROM bootloader reaches it: the non-secure bus, the flash controller by its registers, and what SFSP does for
//! it in Open (ST, article on the GO command).

use provost_chip::{
    model::Execution,
    parts::SECTOR_SIZE,
    registers::{flash as reg, memory},
    states::{ProductState, TrustZone},
};

use super::{Silicon, Time, bus::register_offset, flash::Side, layout::OptionRegister};
use crate::wire::dap::Size;

/// Errors of one operation.
const ERRORS: u32 = reg::SR_WRPERR | reg::SR_PGSERR | reg::SR_STRBERR | reg::SR_INCERR;
/// Where ST's code and its version words lie.
const SYSTEM_MEMORY: std::ops::Range<u32> = 0x0BF8_0000..0x0BFC_0000;
const CLEAR: u32 = ERRORS | reg::SR_EOP | reg::SR_OPTCHANGEERR;

impl Silicon {
    /// When the bootloader that runs now was started, if one runs and is not stopped.
    pub(crate) fn bootloader_since(&self) -> Option<Time> {
        let runs = self.chip.runs == Execution::Bootloader && !self.nrst_low && !self.booting();
        (runs && !self.core.is_halted() && !self.core.is_locked_up()).then_some(self.booted_at)
    }

    /// The word that the bootloader reads at an aligned address; `None` where it has no memory or the bus faults.
    pub(crate) fn rom_read(&mut self, address: u32) -> Option<u32> {
        if let Some(offset) = register_offset(address) {
            return Some(self.read_flash_register(self.rom_side(), offset));
        }
        match address {
            0x0800_0000..0x0900_0000 => {
                self.keep_flash();
                self.read_flash_area(address, None, false).ok()
            }
            _ if SYSTEM_MEMORY.contains(&address) => Some(self.read_system(address, false)),
            _ => self.sram.read(address),
        }
    }

    /// Writes a byte of SRAM; one that is not there is passed over.
    pub(crate) fn rom_write_sram(&mut self, address: u32, byte: u8) {
        let shift = 8 * (address & 3);
        if let Some(word) = self.sram.read(address & !3) {
            self.sram.write(address & !3, word & !(0xFF << shift) | u32::from(byte) << shift);
        }
    }

    /// Secure option words are reached through SFSP, in Open; elsewhere the bootloader is non-secure.
    fn rom_side(&self) -> Side {
        match (self.chip.state, self.chip.tz) {
            (ProductState::Open, TrustZone::Enabled) => Side::Secure,
            _ => Side::NonSecure,
        }
    }

    /// A write of the control register that no debugger makes: what it does to flash is kept with the next thing that builds on it.
    fn rom_control(&mut self, offset: u16, value: u32) {
        self.with_controller(|controller, context| controller.write(Side::NonSecure, offset, value, context));
    }

    /// Runs an operation with the controller unlocked; whether it raised no error.
    fn rom_unlocked(&mut self, work: impl FnOnce(&mut Self)) -> bool {
        for key in reg::KEYS {
            self.rom_control(reg::NSKEYR, key);
        }
        self.rom_control(reg::NSCCR, CLEAR);
        work(self);
        self.wait_for_flash();
        let status = self.with_controller(|controller, context| controller.read(Side::NonSecure, reg::NSSR, context));
        self.rom_control(reg::NSCCR, CLEAR);
        self.rom_control(reg::NSCR, reg::CR_LOCK);
        status & ERRORS == 0
    }

    /// Programs a quad-word of user flash, or half-words of OTP.
    pub(crate) fn rom_program(&mut self, address: u32, bytes: [u8; 16]) {
        self.rom_unlocked(|chip| {
            chip.rom_control(reg::NSCR, reg::CR_PG);
            let otp = (memory::OTP..memory::UID).contains(&address);
            let (size, step) = if otp { (Size::Half, 2) } else { (Size::Word, 4) };
            for (at, unit) in (address..).step_by(step).zip(bytes.chunks(step)) {
                let value = unit.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                // Filling up with ones leaves OTP as it is, were it not for its ECC; the model leaves it alone.
                if !(otp && value == 0xFFFF) {
                    let _ = chip.write_flash_area(at, false, size, value);
                }
            }
        });
    }

    /// Erases the sector at this place of the address map; whether it could.
    pub(crate) fn rom_erase(&mut self, sector: u32) -> bool {
        if sector >= self.identity().flash.bytes() / SECTOR_SIZE {
            return false;
        }
        let per_bank = self.identity().flash.bytes() / 2 / SECTOR_SIZE;
        let physical = self.physical(sector * SECTOR_SIZE) / SECTOR_SIZE;
        let bank = if physical >= per_bank { reg::CR_BKSEL } else { 0 };
        let control = reg::CR_SER | (physical % per_bank) << reg::CR_SNB_SHIFT | bank;
        self.rom_unlocked(|chip| chip.rom_control(reg::NSCR, control | reg::CR_STRT))
    }

    /// Programs the option registers among these and launches; what is no program register is passed over. The chip must be reset
    /// afterwards.
    pub(crate) fn rom_change_options(&mut self, words: impl Iterator<Item = (u32, u32)>) -> bool {
        let side = self.rom_side();
        for key in reg::OPT_KEYS {
            self.write_flash_register(side, reg::OPTKEYR, key);
        }
        self.write_flash_register(side, reg::NSCCR, CLEAR);
        for (address, word) in words {
            let program = register_offset(address)
                .filter(|offset| matches!(self.layout.register(*offset), Some(OptionRegister::Program(_))));
            if let Some(offset) = program {
                self.write_flash_register(side, offset, word);
            }
        }
        self.write_flash_register(side, reg::OPTCR, reg::OPTCR_OPTSTRT);
        let refused = self.read_flash_register(Side::NonSecure, reg::NSSR) & reg::SR_OPTCHANGEERR != 0;
        self.wait_for_flash();
        !refused
    }

    /// The core has locked up.
    pub(crate) fn rom_locks_up(&mut self) {
        self.core.lock_up();
    }
}
