//! Ready-made virtual chips that reproduce known situations, and the maker behind `twin new`.

use provost_chip::{
    assumptions::{Assumptions, RssEncryptWord},
    option_bytes::OptionField,
    order_code::OrderCode,
    parts::{DaStore, FlashSize, PartId, UnknownPart},
    registers::{flash as reg, memory},
    states::{ProductState, TrustZone},
};

use crate::silicon::{FirmwareBehaviour, Identity, Silicon, nvm::Nvm};

/// A situation with a name.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Preset {
    /// What `twin:NAME` takes.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    part: &'static str,
    state: ProductState,
    tz: TrustZone,
    firmware: bool,
}

const PRESETS: &[Preset] = &[
    Preset {
        name: "stuck-in-provisioning",
        summary: "STM32H533RE, TrustZone on, stopped in Provisioning on the way to TZ-Closed, nothing provisioned",
        part: "STM32H533RE",
        state: ProductState::Provisioning,
        tz: TrustZone::Enabled,
        firmware: true,
    },
    Preset {
        name: "tz-closed-without-object",
        summary: "the same chip after 0x17 -> 0xC6: TZ-Closed, nothing provisioned",
        part: "STM32H533RE",
        state: ProductState::TzClosed,
        tz: TrustZone::Enabled,
        firmware: true,
    },
    Preset {
        name: "provisioning-without-trustzone",
        summary: "STM32H563ZI, TrustZone off, in Provisioning, nothing provisioned",
        part: "STM32H563ZI",
        state: ProductState::Provisioning,
        tz: TrustZone::Disabled,
        firmware: true,
    },
    Preset {
        name: "fresh",
        summary: "STM32H533RE as it leaves the factory: Open, TrustZone off, empty",
        part: "STM32H533RE",
        state: ProductState::Open,
        tz: TrustZone::Disabled,
        firmware: false,
    },
    Preset {
        name: "h503-in-provisioning",
        summary: "STM32H503RB in Provisioning, no password in OTP",
        part: "STM32H503RB",
        state: ProductState::Provisioning,
        tz: TrustZone::Disabled,
        firmware: true,
    },
];

impl Preset {
    /// All presets.
    pub const fn all() -> &'static [Preset] {
        PRESETS
    }

    /// Makes the chip, without power.
    ///
    /// # Errors
    /// None in practice: the table names known parts only, which a test holds.
    pub fn make(&self) -> Result<Silicon, UnknownPart> {
        let part: PartId = self.part.parse()?;
        let mut maker = Maker::new(part, 0x0043_0052);
        maker.state = self.state;
        maker.tz = self.tz;
        if self.firmware {
            maker.firmware = Some(FirmwareBehaviour::default());
        }
        Ok(maker.make())
    }
}

/// The preset with this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|p| p.name == name)
}

/// The world of a chip that is made to practise on: as the public sources have it likeliest, but for one switch. Where words are strict
/// no public word asks for encryption, and every rescue of a part with secure AES stops and asks for ST's tool; somebody who practises
/// sees that with `rss-encrypt-word=strict`.
pub fn practice_world() -> Assumptions {
    Assumptions { rss_encrypt_word: RssEncryptWord::CacaIsPlain, ..Assumptions::default() }
}

/// Makes chips of any part in any state.
#[derive(Debug, Clone)]
pub struct Maker {
    /// The part.
    pub part: PartId,
    /// How large its flash is.
    pub flash: FlashSize,
    /// 96-bit unique id.
    pub uid: [u32; 3],
    /// Product state.
    pub state: ProductState,
    /// TrustZone setting.
    pub tz: TrustZone,
    /// Firmware in flash, and what it does.
    pub firmware: Option<FirmwareBehaviour>,
    /// Which descriptor address its ROM uses.
    pub rom_version: u8,
    /// The world it lives in.
    pub assumptions: Assumptions,
    /// Debug Authentication data as `-sdp` would have left it: 96 bytes, of which the STM32H503 has the hash in its OTP.
    pub da_payload: Option<[u8; 96]>,
}

impl Maker {
    /// A factory-fresh chip with the largest flash of its line, whose unique id is made from `serial`.
    pub fn new(part: PartId, serial: u32) -> Self {
        Self::of(part.into(), serial)
    }

    /// The same by order code: the size of its flash is kept.
    pub fn of(code: OrderCode, serial: u32) -> Self {
        Self {
            part: code.part,
            flash: code.flash_or_largest(),
            uid: [serial, 0x3332_5117, 0x3836_3236],
            state: ProductState::Open,
            tz: TrustZone::Disabled,
            firmware: None,
            rom_version: 0,
            assumptions: practice_world(),
            da_payload: None,
        }
    }

    /// Makes it, without power.
    pub fn make(&self) -> Silicon {
        let mut nvm = Nvm::factory(self.part);
        let set = |nvm: &mut Nvm, name: &str, value: u32| {
            if let Some(field) = OptionField::find(self.part, name) {
                let word = field.set(nvm.options.get(field.offset_cur), value);
                nvm.options.set(field.offset_cur, word);
            }
        };
        set(&mut nvm, "PRODUCT_STATE", u32::from(self.state.code()));
        set(&mut nvm, "TZEN", u32::from(self.tz.code()));
        if let Some(firmware) = self.firmware {
            let two_worlds = self.tz == TrustZone::Enabled;
            let register = if two_worlds { reg::SECBOOTR_CUR } else { reg::NSBOOTR_CUR };
            load_code(&mut nvm, 0, register);
            if two_worlds && firmware.non_secure {
                // As ST's templates have it: bank 1 secure, bank 2 non-secure.
                let bank = self.flash.bank();
                set(&mut nvm, "SECWM2_STRT", 1);
                set(&mut nvm, "SECWM2_END", 0);
                set(&mut nvm, "NSBOOTADD", (memory::FLASH + bank) >> 8);
                load_code(&mut nvm, bank, reg::NSBOOTR_CUR);
            }
        }
        let in_otp = self.part.info().da_store == DaStore::Otp;
        if let Some(payload) = self.da_payload.as_ref().filter(|_| in_otp) {
            // The STM32H503 keeps the hash alone, in the first block of its OTP, which is then locked.
            for (index, half) in payload[32..64].chunks_exact(2).enumerate() {
                nvm.program_otp(index, u16::from_le_bytes([half[0], half[1]]));
            }
            set(&mut nvm, "LOCKBL", 1);
        }
        let identity = Identity {
            part: self.part,
            flash: self.flash,
            uid: self.uid,
            rev_id: self.part.info().revisions.first().map_or(0x1000, |(_, id)| *id),
            rom_version: self.rom_version,
        };
        let mut silicon = Silicon::new(identity, nvm, self.firmware.unwrap_or_default(), self.assumptions);
        if let Some(payload) = self.da_payload.as_ref().filter(|_| !in_otp) {
            silicon.provision_as_the_chip_would(payload);
        }
        silicon
    }
}

/// A vector table (stack top, reset handler) and a loop, where this boot register points.
fn load_code(nvm: &mut Nvm, offset: u32, boot_register: u16) {
    let entry = nvm.options.get(boot_register) & 0xFFFF_FF00 | 0x201;
    let vectors = [0x3000_4000, entry].map(u32::to_le_bytes).concat();
    nvm.load_flash(offset, &vectors);
    nvm.load_flash(offset + 0x200, &[0xFE, 0xE7]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_what_they_say() {
        for preset in Preset::all() {
            let chip = preset.make().unwrap();
            assert_eq!((chip.chip().state, chip.chip().tz), (preset.state, preset.tz), "{}", preset.name);
            assert_eq!(chip.chip().da, None);
            assert_eq!(chip.chip().firmware.boots, preset.firmware, "{}", preset.name);
        }
    }

    #[test]
    fn a_maker_provisions_what_the_part_can_use() {
        use sha2::{Digest as _, Sha256};
        for part in PartId::all() {
            let mut payload = [7; 96];
            let hash = Sha256::digest(&payload[32..]);
            payload[..32].copy_from_slice(&hash);
            let mut maker = Maker::new(part, 1);
            maker.da_payload = Some(payload);
            let da = maker.make().chip().da.expect("valid data");
            assert_eq!(da.encrypted, part.info().crypto, "{part}");
        }
    }
}
