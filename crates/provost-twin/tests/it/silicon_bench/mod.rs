//! A debugger at the access ports of a virtual chip, and chips in every situation: what the tests of the silicon share.

pub(crate) mod debugger;
pub(crate) mod driver;

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::{PrivateKey, Signer as _},
    password::Password,
    permission::PermissionMask,
    scope::Scope,
};
use provost_chip::{
    assumptions::Assumptions,
    model::{Chip, DaRecord, Firmware, authentication::PRODUCT_MASK, debug::Hdpl},
    option_bytes::OptionField,
    parts::{DaStore, PartId},
    registers::memory,
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};
use provost_twin::silicon::{FirmwareBehaviour, Identity, Silicon, nvm::Nvm};
use sha2::{Digest as _, Sha256};

pub(crate) const MS: u64 = 1_000_000;
/// Longer than any boot.
pub(crate) const BOOT: u64 = 5 * MS;

/// A credential that a host may hold.
#[derive(Debug)]
pub(crate) enum Key {
    Certificate(PrivateKey, Chain),
    Password(Password),
}

impl Key {
    pub(crate) fn certificate(seed: u8) -> Self {
        let key = PrivateKey::from_scalar(&[seed; 32]).unwrap();
        let builder = Certificate::builder(Role::Root).scope(Scope::STANDARD).permissions(PermissionMask::STM32H5);
        let root = builder.self_sign(&key).unwrap();
        Self::Certificate(key, Chain::new(vec![root]))
    }

    pub(crate) fn password(bytes: &[u8]) -> Self {
        Self::Password(Password::new(bytes).unwrap())
    }

    /// The password that is the public key of a certificate: SHA-256 of both is the same.
    pub(crate) fn public_key_as_password(&self) -> Self {
        let Self::Certificate(key, _) = self else { panic!("no certificate") };
        Self::Password(Password::from_wire(&key.public_key().to_bytes()).unwrap())
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        match self {
            Self::Certificate(key, _) => key.public_key().root_hash(),
            Self::Password(password) => password.hash(),
        }
    }

    pub(crate) const fn method(&self) -> DaMethod {
        match self {
            Self::Certificate(..) => DaMethod::Certificate,
            Self::Password(_) => DaMethod::Password,
        }
    }

    /// What stands for the hash in the model.
    pub(crate) fn id(&self) -> u32 {
        u32::from_le_bytes(self.hash()[..4].try_into().unwrap())
    }
}

/// A Debug Authentication payload: SHA-256 of the rest, hash of the credential, mask, zeros.
pub(crate) fn payload(hash: [u8; 32], mask: u32) -> [u8; 96] {
    let mut bytes = [0; 96];
    bytes[32..64].copy_from_slice(&hash);
    bytes[64..68].copy_from_slice(&mask.to_le_bytes());
    let digest = Sha256::digest(&bytes[32..]);
    bytes[..32].copy_from_slice(&digest);
    bytes
}

/// What is provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Provisioned {
    pub(crate) hash: [u8; 32],
    pub(crate) mask: u32,
    /// Stored as it came, even where the chip would have had to encrypt it.
    pub(crate) plain: bool,
}

/// What is in flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    None,
    /// Secure code alone; meaningful with TrustZone on.
    SecureOnly,
    /// Secure code in bank 1, non-secure code in bank 2, as in ST's templates.
    BothWorlds,
    /// The same, and it can be asked for a regression.
    Regresses,
}

/// A chip to make, twice: for the model and as silicon.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation {
    pub(crate) part: PartId,
    pub(crate) tz: TrustZone,
    pub(crate) state: ProductState,
    pub(crate) boot_ube: BootUbe,
    pub(crate) code: Code,
    pub(crate) da: Option<Provisioned>,
    /// The isolation level that the code climbs to.
    pub(crate) hdpl: Hdpl,
}

impl Situation {
    pub(crate) fn new(part: PartId, tz: TrustZone, state: ProductState) -> Self {
        Self { part, tz, state, boot_ube: BootUbe::OemIrot, code: Code::None, da: None, hdpl: Hdpl::One }
    }

    /// A part by its name.
    pub(crate) fn of(part: &str, state: ProductState, tz: TrustZone) -> Self {
        Self::new(part.parse().unwrap(), tz, state)
    }

    /// Every part with every TrustZone setting it has, in every state it has.
    pub(crate) fn every() -> Vec<Self> {
        let mut all = Vec::new();
        for part in PartId::all() {
            for tz in TrustZone::ALL.into_iter().filter(|tz| part.info().trustzone || *tz == TrustZone::Disabled) {
                for state in ProductState::ALL {
                    if state != ProductState::TzClosed || tz == TrustZone::Enabled {
                        all.push(Self::new(part, tz, state));
                    }
                }
            }
        }
        all
    }

    /// The chip as the model has it.
    pub(crate) fn chip(&self) -> Chip {
        let info = self.part.info();
        let mut chip = Chip::factory(self.part);
        (chip.state, chip.tz) = (self.state, self.tz);
        if info.trustzone {
            chip.boot_ube = self.boot_ube;
        }
        let boots = self.code != Code::None;
        chip.firmware = Firmware {
            boots,
            non_secure: boots && self.code != Code::SecureOnly,
            regresses: self.code == Code::Regresses,
            hdpl: if boots { self.hdpl } else { Hdpl::One },
        };
        chip.da = self.da.map(|da| DaRecord {
            id: u32::from_le_bytes(da.hash[..4].try_into().unwrap()),
            encrypted: info.crypto && !da.plain,
            mask: if info.da_store == DaStore::Otp { PRODUCT_MASK } else { da.mask },
        });
        chip
    }

    /// The chip as silicon, without power.
    pub(crate) fn silicon(&self, assumptions: Assumptions) -> Silicon {
        let nvm = self.memory();
        let identity = Identity {
            part: self.part,
            flash: self.part.info().largest_flash(),
            uid: [0x11, 0x22, 0x33],
            rev_id: 0x1001,
            rom_version: 1,
        };
        let behaviour = FirmwareBehaviour {
            non_secure: self.code != Code::SecureOnly,
            regresses: self.code == Code::Regresses,
            hdpl: self.hdpl,
        };
        let mut silicon = Silicon::new(identity, nvm, behaviour, assumptions);
        if let Some(da) = self.da.filter(|da| !da.plain && self.part.info().da_store == DaStore::Obk) {
            silicon.provision_as_the_chip_would(&payload(da.hash, da.mask));
        }
        silicon
    }

    /// The same with power, booted.
    pub(crate) fn powered(&self, assumptions: Assumptions) -> Silicon {
        let mut silicon = self.silicon(assumptions);
        silicon.set_power(true);
        silicon.advance(BOOT);
        silicon
    }

    pub(crate) fn memory(&self) -> Nvm {
        let part = self.part;
        let mut nvm = Nvm::factory(part);
        set_option(&mut nvm, part, "PRODUCT_STATE", u32::from(self.state.code()));
        set_option(&mut nvm, part, "TZEN", u32::from(self.tz.code()));
        set_option(&mut nvm, part, "BOOT_UBE", u32::from(self.boot_ube.code()));
        let bank = part.info().largest_flash().bank();
        if self.code != Code::None {
            nvm.load_flash(0, &[0x11; 8]);
        }
        if matches!(self.code, Code::BothWorlds | Code::Regresses) {
            nvm.load_flash(bank, &[0x22; 8]);
            set_option(&mut nvm, part, "NSBOOTADD", (memory::FLASH + bank) >> 8);
            set_option(&mut nvm, part, "SECWM2_STRT", 1);
            set_option(&mut nvm, part, "SECWM2_END", 0);
        }
        if let Some(da) = self.da {
            if part.info().da_store == DaStore::Otp {
                for (half, bytes) in nvm.otp.iter_mut().zip(da.hash.chunks_exact(2)) {
                    *half = u16::from_le_bytes([bytes[0], bytes[1]]);
                }
                set_option(&mut nvm, part, "LOCKBL", 1);
            } else if da.plain {
                nvm.replace_obk(memory::OBK_DA_OFFSET as usize, &payload(da.hash, da.mask));
            }
        }
        nvm
    }
}

/// Sets an option field, where the part has it.
pub(crate) fn set_option(nvm: &mut Nvm, part: PartId, name: &str, value: u32) {
    if let Some(field) = OptionField::find(part, name) {
        let word = field.set(nvm.options.get(field.offset_cur), value);
        nvm.options.set(field.offset_cur, word);
    }
}
