//! The model's view of the chip, read out of its memories: whenever one of them has changed, and at no other time.

use provost_chip::{
    model::{self, DaRecord, Firmware},
    parts::{DaStore, PartId, SECTOR_SIZE},
    registers::{flash as reg, memory},
    states::{BootUbe, ProductState, TrustZone},
};

use super::{FirmwareBehaviour, Silicon, nvm::OptionWords};
use crate::rom::{self, st_irot::Verdict};

/// Where the vector table of the ROM is taken to lie: the beginning of system memory (AN2606 names the bootloader's own places).
const ROM_VECTORS: u32 = 0x0BF8_0000;

impl Silicon {
    /// Reads the model's view out of the memories.
    pub(crate) fn project(&mut self) {
        let options = &self.loaded;
        let optsr = options.get(reg::OPTSR_CUR);
        self.chip.state = ProductState::from_code(product_state_code(options)).unwrap_or(ProductState::Locked);
        self.chip.tz = trustzone(self.identity.part, options);
        self.chip.boot_ube = BootUbe::from_code((optsr >> 22) as u8).unwrap_or(BootUbe::OemIrot);
        self.chip.firmware = self.firmware();
        self.chip.da = self.da_record();
        // ST-iRoT's data counts as present when its two objects carry their own hash.
        self.chip.st_irot_data =
            rom::rss::object(self, 0x200..0x300).is_some() && rom::rss::object(self, 0x400..0x460).is_some();
        let stored = &self.nvm.options;
        let (state, tz) = (product_state_code(stored), trustzone(self.identity.part, stored));
        self.chip.pending = model::Pending {
            state: ProductState::from_code(state).filter(|s| *s != self.chip.state),
            tz: Some(tz).filter(|t| *t != self.chip.tz),
            boot_ube: BootUbe::from_code((stored.get(reg::OPTSR_CUR) >> 22) as u8).filter(|u| *u != self.chip.boot_ube),
        };
    }

    pub(super) fn firmware(&self) -> Firmware {
        // The physical sector of the vector table that this register points at, if there is one.
        let code_at = |register: u16, alias: u32| {
            let offset = (self.loaded.get(register) & !0xFF).wrapping_sub(alias);
            let physical = (offset < self.identity.flash.bytes()).then(|| self.physical(offset))?;
            (self.nvm.flash_word(physical + 4) != u32::MAX).then_some(physical / SECTOR_SIZE)
        };
        let non_secure = code_at(reg::NSBOOTR_CUR, memory::FLASH);
        let (boots, non_secure) = match self.chip.tz {
            TrustZone::Disabled => (non_secure.is_some(), true),
            TrustZone::Enabled => {
                let callable = non_secure.is_some_and(|sector| !self.sector_is_secure(sector));
                let secure = code_at(reg::SECBOOTR_CUR, memory::FLASH + memory::SECURE_ALIAS);
                // What ST-iRoT starts stands where its configuration says.
                (self.st_irot.is_some() || secure.is_some(), self.behaviour.non_secure && callable)
            }
        };
        // With the code goes what it does.
        let FirmwareBehaviour { regresses, hdpl, .. } =
            if boots { self.behaviour } else { FirmwareBehaviour::default() };
        Firmware { boots, non_secure: boots && non_secure, regresses, hdpl }
    }

    /// Where the core finds its vector table after this reset: where the boot register points if the owner's code runs, else in the ROM.
    pub(super) fn vector_table(&self) -> u32 {
        let register = match self.chip.tz {
            TrustZone::Enabled => reg::SECBOOTR_CUR,
            TrustZone::Disabled => reg::NSBOOTR_CUR,
        };
        match self.chip.runs {
            model::Execution::User => match self.st_irot {
                Some(offset) => memory::FLASH + memory::SECURE_ALIAS + offset,
                None => self.loaded.get(register) & !0xFF,
            },
            _ => ROM_VECTORS,
        }
    }

    /// The first two words of a vector table in flash; elsewhere an entry just behind it, with nothing known of the stack.
    pub(super) fn vectors(&self, vtor: u32) -> [u32; 2] {
        let offset = (vtor & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH);
        if offset >= self.identity.flash.bytes() {
            return [0, vtor | 1];
        }
        let physical = self.physical(offset);
        [self.nvm.flash_word(physical), self.nvm.flash_word(physical + 4)]
    }

    /// ST-iRoT has its say, where it boots: it looks at what it would start, once for each boot.
    pub(super) fn ask_st_irot(&mut self) {
        let chip = &self.chip;
        let boots = chip.part.info().crypto
            && chip.boot_ube == BootUbe::StIrot
            && chip.st_irot_data
            && chip.state > ProductState::Provisioning;
        let verdict = if boots { rom::st_irot::look(self) } else { Verdict::Unread };
        self.chip.st_irot_image = verdict != Verdict::Refuses;
        self.st_irot = match verdict {
            Verdict::Starts(vectors) => Some(vectors),
            Verdict::Unread | Verdict::Refuses => None,
        };
        self.chip.firmware = self.firmware();
    }

    /// A slot of the user flash as the core sees it.
    pub(crate) fn flash_bytes(&self, offset: u32, size: u32) -> Vec<u8> {
        let words = (offset..offset + size).step_by(4);
        words.flat_map(|at| self.nvm.flash_word(self.physical(at)).to_le_bytes()).collect()
    }

    /// An update takes the place of what ran before, and is gone from where it lay.
    pub(crate) fn install(&mut self, at: u32, slot: &[u8], from: u32) {
        let sectors = (0u32..).step_by(SECTOR_SIZE as usize).zip(slot.chunks(SECTOR_SIZE as usize));
        for (offset, bytes) in sectors {
            let (to, gone) = (self.physical(at + offset), self.physical(from + offset));
            let nvm = self.nvm_mut();
            nvm.flash.remove(&(gone / SECTOR_SIZE));
            nvm.flash.remove(&(to / SECTOR_SIZE));
            nvm.load_flash(to, bytes);
        }
    }

    /// Whether a sector lies in a secure watermark (with TrustZone on).
    pub(crate) fn sector_is_secure(&self, sector: u32) -> bool {
        self.layout.is_secure(sector, self.chip.tz, &self.loaded)
    }

    /// With banks swapped the second bank is seen first.
    pub(super) fn physical(&self, offset: u32) -> u32 {
        let swapped = self.loaded.get(reg::OPTSR_CUR) >> 31 == 1;
        if swapped { (offset + self.identity.flash.bank()) % self.identity.flash.bytes() } else { offset }
    }

    fn da_record(&self) -> Option<DaRecord> {
        if self.identity.part.info().da_store == DaStore::Otp {
            let [a, b, c, d, ..] = rom::debug_auth::otp_hash(self)?;
            let mask = model::authentication::PRODUCT_MASK;
            return Some(DaRecord { id: u32::from_le_bytes([a, b, c, d]), encrypted: false, mask });
        }
        let (payload, encrypted) = rom::rss::da_payload(self)?;
        let id = u32::from_le_bytes(payload.get(32..36)?.try_into().ok()?);
        let mask = u32::from_le_bytes(payload.get(64..68)?.try_into().ok()?);
        Some(DaRecord { id, encrypted, mask })
    }
}

pub(super) fn product_state_code(options: &OptionWords) -> u8 {
    (options.get(reg::OPTSR_CUR) >> 8) as u8
}

fn trustzone(part: PartId, options: &OptionWords) -> TrustZone {
    if !part.info().trustzone {
        return TrustZone::Disabled;
    }
    TrustZone::from_code((options.get(reg::OPTSR2_CUR) >> 24) as u8).unwrap_or(TrustZone::Disabled)
}
