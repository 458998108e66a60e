//! Credentials, and virtual chips of every kind that hold them.

use std::path::Path;

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
    option_bytes::OptionField,
    parts::{DaStore, PartId},
    registers::memory,
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::case::Goal;
use provost_ops::credential::CredentialSet;
use provost_twin::{
    board::VirtualBoard,
    presets::Maker,
    silicon::{FirmwareBehaviour, Silicon, nvm::Nvm},
};
use sha2::{Digest as _, Sha256};

use provost_testkit::Random;

/// A chain with its key and a password, or a password alone, and what a chip stores of them.
#[derive(Debug)]
pub struct Credential {
    pub set: CredentialSet,
}

impl Credential {
    fn make(folder: &Path, seed: u8, password: &[u8]) -> Self {
        let key = PrivateKey::from_scalar(&[seed; 32]).unwrap();
        let builder = Certificate::builder(Role::Root).scope(Scope::STANDARD).permissions(PermissionMask::STM32H5);
        let root = builder.self_sign(&key).unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("cert_leaf_chain.b64"), Chain::new(vec![root]).to_base64()).unwrap();
        std::fs::write(folder.join("key_3_leaf.pem"), key.to_pem().unwrap().as_bytes()).unwrap();
        std::fs::write(folder.join("password.bin"), Password::new(password).unwrap().to_file()).unwrap();
        Self { set: CredentialSet::load(folder).unwrap() }
    }

    pub fn payload(&self, method: DaMethod) -> [u8; 96] {
        self.set.object(method).unwrap().unwrap().payload().to_bytes()
    }

    /// What stands for the stored hash in the model.
    pub fn id(&self, method: DaMethod) -> u32 {
        u32::from_le_bytes(self.payload(method)[32..36].try_into().unwrap())
    }
}

/// Everybody's credentials.
#[derive(Debug)]
pub struct Credentials {
    /// The owner's.
    pub own: Credential,
    /// X and Y of the owner's root key, as a password: its hash is what a certificate object stores.
    pub own_root: CredentialSet,
    /// One that is published, as ST's samples are.
    pub sample: Credential,
    /// One that the owner has to find.
    pub stranger: Credential,
}

impl Credentials {
    pub fn make(folder: &Path) -> Self {
        let root = PrivateKey::from_scalar(&[1; 32]).unwrap().public_key().to_bytes();
        Self {
            own: Credential::make(&folder.join("own"), 1, b"my own password"),
            own_root: CredentialSet::from_password(Password::from_wire(&root).unwrap()),
            sample: Credential::make(&folder.join("sample"), 2, b"published"),
            stranger: Credential::make(&folder.join("stranger"), 3, b"somebody else's"),
        }
    }
}

/// Whose credential a chip holds at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Nothing,
    Own,
    Sample,
    Stranger,
    /// The owner's, but of the kind that this TrustZone setting does not take.
    OwnOfWrongKind,
    /// The owner's, not encrypted.
    OwnPlain,
}

/// A chip and its bench at the beginning of a story.
#[derive(Debug, Clone)]
pub struct Situation {
    pub part: PartId,
    pub state: ProductState,
    pub tz: TrustZone,
    pub boot_ube: BootUbe,
    pub st_irot_data: bool,
    pub stored: Stored,
    pub firmware: Option<FirmwareBehaviour>,
    pub assumptions: Assumptions,
    pub nrst_wired: bool,
    pub boot0: bool,
    /// Nothing reaches the chip: a supply wire has come loose.
    pub dead_link: bool,
    /// The owner's firmware keeps debuggers out of the Open chip while it runs.
    pub bars: bool,
    /// What the owner wants, and whether it is told.
    pub goal: (Goal, bool),
}

impl Situation {
    pub fn random(random: &mut Random) -> Self {
        use ProductState as S;
        let parts: Vec<(PartId, u32)> = PartId::all().map(|p| (p, 1)).collect();
        let part = random.of(&parts);
        let info = part.info();
        let states = [
            (S::Open, 50),
            (S::Provisioning, 22),
            (S::IrotProvisioned, 4),
            (S::TzClosed, 8),
            (S::Closed, 14),
            (S::Locked, 2),
        ];
        let mut state = random.of(&states);
        let mut tz = if info.trustzone && random.percent(50) { TrustZone::Enabled } else { TrustZone::Disabled };
        if state == S::TzClosed {
            match info.trustzone {
                true => tz = TrustZone::Enabled,
                false => state = S::Closed,
            }
        }
        let st_irot = info.crypto && random.percent(7);
        let stored = match (state, info.da_store) {
            (S::Open, DaStore::Obk) => Stored::Nothing,
            (S::Open, DaStore::Otp) => random.of(&[(Stored::Nothing, 85), (Stored::Own, 12), (Stored::Stranger, 3)]),
            (S::Provisioning, DaStore::Obk) => random.of(&[
                (Stored::Nothing, 75),
                (Stored::Own, 8),
                (Stored::Sample, 4),
                (Stored::Stranger, 3),
                (Stored::OwnOfWrongKind, 5),
                (Stored::OwnPlain, 5),
            ]),
            (_, DaStore::Obk) => random.of(&[
                (Stored::Nothing, 30),
                (Stored::Own, 30),
                (Stored::Sample, 8),
                (Stored::Stranger, 16),
                (Stored::OwnOfWrongKind, 10),
                (Stored::OwnPlain, 6),
            ]),
            (_, DaStore::Otp) => random.of(&[(Stored::Nothing, 50), (Stored::Own, 35), (Stored::Stranger, 15)]),
        };
        let firmware = random.percent(70).then(|| FirmwareBehaviour {
            non_secure: random.percent(65),
            regresses: random.percent(5),
            ..FirmwareBehaviour::default()
        });
        Self {
            part,
            state,
            tz,
            boot_ube: if st_irot { BootUbe::StIrot } else { BootUbe::OemIrot },
            st_irot_data: st_irot && random.percent(60),
            stored,
            firmware,
            assumptions: assumptions(random),
            nrst_wired: random.percent(78),
            boot0: random.percent(8),
            dead_link: random.percent(3),
            bars: firmware.is_some() && random.percent(6),
            goal: (
                random.of(&[
                    (Goal::Open, 60),
                    (Goal::Check, 14),
                    (Goal::Boot, 8),
                    (Goal::Debug, 8),
                    (Goal::Forward, 10),
                ]),
                random.percent(50),
            ),
        }
    }

    /// The board, powered unless a wire is loose.
    pub fn board(&self, credentials: &Credentials) -> VirtualBoard {
        let board = VirtualBoard::with_chip("chip", self.silicon(credentials));
        {
            let mut board = board.board();
            board.silicon_mut().set_nrst_wired(self.nrst_wired);
            board.silicon_mut().set_boot0(self.boot0);
            board.power_cycle();
            board.silicon_mut().advance(1_000_000_000);
            board.silicon_mut().set_power(!self.dead_link);
        }
        board
    }

    fn silicon(&self, credentials: &Credentials) -> Silicon {
        let mut maker = Maker::new(self.part, 0x0042_0017);
        (maker.state, maker.tz, maker.firmware) = (self.state, self.tz, self.firmware);
        maker.assumptions = self.assumptions;
        let payload = self.payload(credentials);
        let in_keys = self.part.info().da_store == DaStore::Obk;
        let plain = self.stored == Stored::OwnPlain;
        let made = maker.make();
        let mut nvm = made.nvm().clone();
        set_option(&mut nvm, self.part, "BOOT_UBE", u32::from(self.boot_ube.code()));
        if self.st_irot_data {
            for (at, size) in [(0x200, 0x100), (0x400, 0x60)] {
                let mut object = vec![0x5A; size];
                let hash = Sha256::digest(&object[32..]);
                object[..32].copy_from_slice(&hash);
                nvm.replace_obk(at, &object);
            }
        }
        match payload {
            Some(payload) if !in_keys => {
                for (half, bytes) in nvm.otp.iter_mut().zip(payload[32..64].chunks_exact(2)) {
                    *half = u16::from_le_bytes([bytes[0], bytes[1]]);
                }
                set_option(&mut nvm, self.part, "LOCKBL", 1);
            }
            Some(payload) if plain => nvm.replace_obk(memory::OBK_DA_OFFSET as usize, &payload),
            _ => {}
        }
        let mut silicon = Silicon::new(*made.identity(), nvm, self.firmware.unwrap_or_default(), self.assumptions);
        if let Some(payload) = payload.filter(|_| in_keys && !plain) {
            silicon.provision_as_the_chip_would(&payload);
        }
        silicon
    }

    fn payload(&self, credentials: &Credentials) -> Option<[u8; 96]> {
        let fits = DaMethod::for_trustzone(self.tz);
        let (whose, method) = match self.stored {
            Stored::Nothing => return None,
            Stored::Own | Stored::OwnPlain => (&credentials.own, fits),
            Stored::OwnOfWrongKind => (&credentials.own, DaMethod::for_trustzone(self.tz.flipped())),
            Stored::Sample => (&credentials.sample, fits),
            Stored::Stranger => (&credentials.stranger, fits),
        };
        Some(whose.payload(method))
    }
}

/// A world, in which a switch is as most sources say more often than not.
fn assumptions(random: &mut Random) -> Assumptions {
    let mut assumptions = provost_twin::presets::practice_world();
    // What opens debug bears on no way back.
    for switch in Assumptions::switches().iter().filter(|switch| !switch.name.starts_with("debug-")) {
        if random.percent(30) {
            let other = 1 + random.below(switch.values.len() - 1);
            assumptions.set(switch.name, switch.values[other]).unwrap();
        }
    }
    assumptions
}

fn set_option(nvm: &mut Nvm, part: PartId, name: &str, value: u32) {
    if let Some(field) = OptionField::find(part, name) {
        let word = field.set(nvm.options.get(field.offset_cur), value);
        nvm.options.set(field.offset_cur, word);
    }
}
