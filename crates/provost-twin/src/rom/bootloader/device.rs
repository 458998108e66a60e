//! What the bootloader's commands do to the chip, and what they leave undone: it acknowledges more than it does.

use provost_bootloader::{
    device,
    memory::{After, Device, Erase, SpecialAnswer},
    special::Special,
};
use provost_chip::{
    assumptions::{BootFinalAck, BootReadoutOpcodes, BootUsbSpecial, BootVersion},
    parts::SECTOR_SIZE,
    registers::{flash, memory},
    states::ProductState,
};

use crate::{
    rom::rss::{self, Outcome},
    silicon::Silicon,
};

/// The chip, for one command.
pub(super) struct Rom<'a>(pub(super) &'a mut Silicon);

/// Opcodes that GET lists (ST's STM32H5 examples).
const OPCODES: [u8; 11] = [0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x50, 0x51];
const READOUT_PROTECT: [u8; 2] = [0x82, 0x92];

impl Rom<'_> {
    fn row(&self) -> Option<&'static device::Device> {
        device::Device::find(self.0.identity().part.info().dev_id)
    }

    fn flash(&self) -> std::ops::Range<u32> {
        memory::FLASH..memory::FLASH + self.0.identity().flash.bytes()
    }

    /// SRAM behind what the bootloader uses itself (AN2606 Table 226).
    fn ram(&self) -> std::ops::Range<u32> {
        let info = self.0.identity().part.info();
        let end = [info.sram1, info.sram2, info.sram3].iter().map(|m| m.base + m.size).max().unwrap_or(0);
        self.row().map_or(0..0, |row| row.own_ram.0 + row.own_ram.1..end)
    }

    fn image(&self, address: u32) -> Option<&'static device::OptionImage> {
        let inside = |i: &&device::OptionImage| (i.address..i.address + u32::from(i.size)).contains(&address);
        self.row().and_then(|row| row.images.iter().find(inside))
    }

    /// A reset at the end of an operation; its last word may be lost.
    fn resets(&self) -> After {
        After::Resets { acknowledged: self.0.assumptions().boot_final_ack == BootFinalAck::Sent }
    }

    /// Whole quad-words are programmed, a short tail is filled up with ones; what begins elsewhere is lost.
    fn program(&mut self, address: u32, data: &[u8]) {
        if !address.is_multiple_of(16) {
            return;
        }
        for (at, chunk) in (address..).step_by(16).zip(data.chunks(16)) {
            let mut bytes = [0xFF; 16];
            bytes[..chunk.len()].copy_from_slice(chunk);
            self.0.rom_program(at, bytes);
        }
    }

    fn provision(&mut self, request: u32) -> SpecialAnswer {
        let done = |data: Vec<u8>, after| SpecialAnswer { data, status: vec![0], after };
        if self.row().is_none_or(|row| !row.provisions) {
            // STM32H503 has no such command (AN2606).
            return SpecialAnswer { status: vec![1], ..SpecialAnswer::default() };
        }
        match rss::for_the_bootloader(self.0, request) {
            Outcome::Fault => SpecialAnswer { after: After::LocksUp, ..SpecialAnswer::default() },
            Outcome::Status(code) => done(code.to_be_bytes().to_vec(), After::Stays),
            Outcome::Stored { resets: false } => done(Vec::new(), After::Stays),
            Outcome::Stored { resets: true } => done(Vec::new(), self.resets()),
        }
    }
}

impl Device for Rom<'_> {
    fn id(&self) -> u16 {
        self.0.identity().part.info().dev_id
    }

    fn version(&self) -> u8 {
        match self.0.assumptions().boot_version {
            BootVersion::V40 => 0x40,
            BootVersion::V31 => 0x31,
        }
    }

    fn opcodes(&self) -> Vec<u8> {
        let readout = match self.0.assumptions().boot_readout_opcodes {
            BootReadoutOpcodes::Absent => &[][..],
            BootReadoutOpcodes::Present => &READOUT_PROTECT,
        };
        OPCODES.iter().chain(readout).copied().collect()
    }

    fn serves_memory(&self) -> bool {
        self.0.chip().state <= ProductState::Provisioning
    }

    fn knows(&self, address: u32) -> bool {
        let read_only = [memory::OTP..memory::FLASH_SIZE + 4, 0x0BF8_0000..0x0BFC_0000];
        self.flash().contains(&address)
            || self.ram().contains(&address)
            || self.image(address).is_some()
            || read_only.iter().any(|range| range.contains(&address))
    }

    fn read(&mut self, address: u32, length: usize) -> Option<Vec<u8>> {
        let end = address.checked_add(u32::try_from(length).ok()?)?;
        if length == 0 || !self.knows(end - 1) {
            return None;
        }
        let mut bytes = Vec::with_capacity(length);
        for at in (address & !3..end).step_by(4) {
            let word = self.0.rom_read(at)?.to_le_bytes();
            bytes.extend((at..).zip(word).filter(|(at, _)| (address..end).contains(at)).map(|(_, byte)| byte));
        }
        Some(bytes)
    }

    fn write(&mut self, address: u32, data: &[u8]) -> After {
        if let Some(image) = self.image(address) {
            // Only from its beginning (ST's example), and the chip resets whatever came of it.
            if image.address == address {
                let words: Vec<(u32, u32)> = (address..)
                    .step_by(4)
                    .zip(data.chunks_exact(4))
                    .filter(|(at, _)| *at < image.address + u32::from(image.size))
                    .map(|(at, word)| (at, word.iter().rev().fold(0, |w, byte| w << 8 | u32::from(*byte))))
                    .collect();
                self.0.rom_change_options(words.into_iter());
                return After::Resets { acknowledged: true };
            }
        } else if self.ram().contains(&address) {
            for (at, byte) in (address..).zip(data) {
                if self.ram().contains(&at) {
                    self.0.rom_write_sram(at, *byte);
                }
            }
        } else if self.flash().contains(&address) || (memory::OTP..memory::UID).contains(&address) {
            self.program(address, data);
        }
        After::Stays
    }

    fn erase(&mut self, what: &Erase) -> bool {
        let sectors = self.0.identity().flash.bytes() / SECTOR_SIZE;
        // One that fails keeps none of the others from being erased.
        let all = |range: std::ops::Range<u32>, chip: &mut Silicon| range.filter(|n| !chip.rom_erase(*n)).count() == 0;
        match what {
            Erase::All => all(0..sectors, self.0),
            Erase::Bank1 => all(0..sectors / 2, self.0),
            Erase::Bank2 => all(sectors / 2..sectors, self.0),
            Erase::Sectors(numbers) => {
                // An error of a single sector is swallowed (ST's open bootloader).
                for number in numbers {
                    self.0.rom_erase((*number).into());
                }
                true
            }
        }
    }

    fn go(&mut self, _address: u32) -> After {
        // Rule R-BOOTLOADER-GO: whoever came here by a reset does not get out by a jump.
        After::LocksUp
    }

    fn special_over_usb(&self) -> bool {
        self.0.assumptions().boot_usb_special == BootUsbSpecial::Served
    }

    fn special(&mut self, command: Special) -> SpecialAnswer {
        match command {
            Special::Reset => SpecialAnswer { status: vec![0], after: self.resets(), ..SpecialAnswer::default() },
            Special::ProductState(state) => {
                let address = flash::BASE + u32::from(flash::OPTSR_CUR) + 4;
                let before = self.0.nvm().options.get(flash::OPTSR_CUR);
                let wanted = before & !0xFF00 | u32::from(state.code()) << 8;
                self.0.rom_change_options([(address, wanted)].into_iter());
                SpecialAnswer { status: vec![0], after: self.resets(), ..SpecialAnswer::default() }
            }
            Special::Provision { request } => self.provision(request),
        }
    }
}
