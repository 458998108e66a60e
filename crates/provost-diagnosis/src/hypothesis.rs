//! One way things could be: a chip and a bench in one of the model's worlds, and what may be wrong around them.

use provost_chip::{
    model::{
        DaRecord, Execution, Firmware, World, authentication,
        boot::{self, serves_debug_authentication},
    },
    parts::{DaStore, PartId},
    rules::RuleId,
    states::{DaMethod, ProductState},
};

/// Hashes, by whose they are. Equal numbers are equal hashes.
pub mod hash {
    /// The owner's certificate root.
    pub const OWN_CERTIFICATE: u32 = 1;
    /// The owner's password.
    pub const OWN_PASSWORD: u32 = 2;
    /// The certificate root of ST's published samples.
    pub const SAMPLE_CERTIFICATE: u32 = 3;
    /// The password of ST's published samples.
    pub const SAMPLE_PASSWORD: u32 = 4;
    /// Somebody else's.
    pub const STRANGER: u32 = 9;
    /// Bytes that are no hash of anything.
    pub const BROKEN: u32 = 13;
}

/// One hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hypothesis {
    /// Chip, bench and assumptions.
    pub world: World,
    /// The owner's firmware, as it is or will be flashed.
    pub firmware: Firmware,
    /// The probe reaches the chip at all: wires, supply, a living chip.
    pub link: bool,
    /// The host's tool can do Debug Authentication at all.
    pub host: bool,
    /// The objects that the owner makes carry the encryption flag that fits the part, where the report does not tell.
    pub flag_fits: bool,
    /// The chip's own firmware keeps debuggers out while it runs: pins, sleep, clocks, a watchdog.
    pub bars: bool,
    /// The state that the owner is sure of has been passed.
    pub claim_met: bool,
    /// TrustZone has stood at some time as the owner says.
    pub tz_met: bool,
}

/// How a request for Debug Authentication goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DaPath {
    /// The chip answers.
    Answers,
    /// The chip is Open and boots instead.
    Open,
    /// The chip is Locked.
    Locked,
    /// The magic word is lost: NRST does not reach the chip.
    NoReset,
    /// The host's tool cannot.
    NoHost,
    /// Nothing reaches the chip.
    NoLink,
}

impl Hypothesis {
    /// How a request for Debug Authentication would go now.
    pub fn da_path(&self) -> DaPath {
        if !self.host {
            DaPath::NoHost
        } else if !self.link {
            DaPath::NoLink
        } else if !self.world.bench.nrst_wired {
            DaPath::NoReset
        } else if serves_debug_authentication(self.world.chip.state, &self.world.assumptions).outcome {
            DaPath::Answers
        } else if self.world.chip.state == ProductState::Open {
            DaPath::Open
        } else {
            DaPath::Locked
        }
    }

    /// What becomes of the chip.
    pub fn fate(&self) -> Fate {
        fate(&self.world)
    }

    /// Whether the firmware that runs now keeps debuggers out of a chip that is Open.
    pub fn is_barred(&self) -> bool {
        self.bars && self.world.chip.state == ProductState::Open && self.world.chip.runs == Execution::User
    }

    /// Forgets where the core happens to be, so that hypotheses that differ in nothing else are one.
    pub(crate) fn settle(&mut self) {
        if matches!(self.world.chip.runs, Execution::Nowhere | Execution::User) && !self.world.chip.firmware.boots {
            self.world.chip.runs = Execution::Nowhere;
        }
    }
}

/// What can become of a chip when nothing around it is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is Open.
    Open,
    /// It stands in Provisioning: a credential can be provisioned and used.
    Provision,
    /// The owner's credential opens it.
    Authenticate(With),
    /// A credential opens it that the owner has to find.
    FindCredential,
    /// The owner's firmware can request the regression.
    AskFirmware,
    /// There is no way.
    Lost(RuleId),
}

/// What opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum With {
    /// The owner's own certificate chain.
    Certificate,
    /// The owner's own password.
    Password,
    /// ST's published sample credential.
    Sample,
    /// A password file that holds X and Y of the root public key: its hash is what a certificate object stores.
    RootKeyAsPassword,
}

/// The fate of a chip: what the model lets anybody do with it, given time, wires and care.
///
/// The test `fates_are_what_the_search_finds` holds this against an exhaustive walk through the model.
pub fn fate(world: &World) -> Fate {
    let chip = &world.chip;
    match chip.state {
        ProductState::Open => return Fate::Open,
        ProductState::Locked => return Fate::Lost(RuleId::LockedIsFinal),
        ProductState::Provisioning if provisionable(chip.part, chip.da) => return Fate::Provision,
        _ => {}
    }
    let opens = |method, id| {
        let presented = authentication::Presented { method, id, mask: u32::MAX };
        authentication::authorise(chip, presented, authentication::Permission::FullRegression)
    };
    for (with, method, id) in [
        (With::Certificate, DaMethod::Certificate, hash::OWN_CERTIFICATE),
        (With::Password, DaMethod::Password, hash::OWN_PASSWORD),
        (With::Sample, DaMethod::Certificate, hash::SAMPLE_CERTIFICATE),
        (With::Sample, DaMethod::Password, hash::SAMPLE_PASSWORD),
        (With::RootKeyAsPassword, DaMethod::Password, hash::OWN_CERTIFICATE),
    ] {
        if opens(method, id).outcome {
            return Fate::Authenticate(with);
        }
    }
    let method = DaMethod::for_trustzone(chip.tz);
    if opens(method, hash::STRANGER).outcome {
        return Fate::FindCredential;
    }
    let runs = boot::target(chip, &world.bench, false, &world.assumptions).outcome == Execution::User;
    if runs && chip.firmware.regresses {
        return Fate::AskFirmware;
    }
    let why = match chip.da {
        None => RuleId::ClosingWithoutDaLoses,
        Some(_) if authentication::usable(chip).is_none() => RuleId::CryptoNeedsEncrypted,
        Some(da) if da.id == hash::BROKEN => RuleId::DaNeedsValidData,
        Some(_) if chip.part.info().da_store == DaStore::Otp => RuleId::H503Otp,
        Some(_) => RuleId::DaMethodFollowsTzen,
    };
    Fate::Lost(why)
}

/// Whether a credential of the owner can still be stored in Provisioning.
const fn is_blank(da: Option<DaRecord>) -> bool {
    da.is_none()
}

fn provisionable(part: PartId, da: Option<DaRecord>) -> bool {
    part.info().da_store == DaStore::Obk || is_blank(da)
}
