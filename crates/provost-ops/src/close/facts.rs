//! What is measured of a chip before it is closed: everything that the preflight looks at.

use std::{collections::BTreeMap, path::PathBuf};

use provost_chip::{
    option_bytes::OptionField,
    parts::{DaStore, PartId, SECTOR_SIZE},
    registers::memory,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_link::LinkError;

use super::{
    custody::{Custody, Samples},
    image::{Digest, Image},
    policy::Policy,
    rehearsal::Rehearsal,
};
use crate::{
    Narrator, Silent,
    error::Result,
    flash::Flash,
    identify::{Identity, identify},
    option_bytes::OptionBytes,
    session::Session,
};

/// What a close is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// What `--probe` said, for journal and receipt.
    pub chip: String,
    /// What the user says the part is.
    pub part: Option<PartId>,
    /// The state to end in.
    pub target: ProductState,
    /// The folder with the credential that will be the way back.
    pub credential: Option<PathBuf>,
    /// What must be in the flash, by its digest. Without any, the whole flash is read and digested.
    pub images: Vec<Digest>,
    /// Option bytes that must be in force, by ST's names.
    pub options: BTreeMap<&'static str, u32>,
    /// The whole round trip first.
    pub rehearse: bool,
    /// Nothing but the round trip.
    pub rehearse_only: bool,
    /// Rules to pass over, by id.
    pub overrides: Vec<String>,
    /// The one who asks wants Locked, for ever.
    pub forever: bool,
    /// Where plan, journal, receipt and rehearsals go.
    pub out: PathBuf,
    /// What the house demands.
    pub policy: Policy,
    /// Folders in which no credential is left.
    pub temporary: Vec<PathBuf>,
    /// Which credentials are published samples.
    pub samples: Samples,
}

/// An image and what is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What shall be there.
    pub wanted: Digest,
    /// Digest of what is there; `None` if it lies outside the flash.
    pub found: Option<String>,
}

/// What was measured.
#[derive(Debug)]
pub struct Facts {
    /// Who it is.
    pub identity: Identity,
    /// The parts it may be.
    pub parts: Vec<PartId>,
    /// The option bytes; none unless the chip is Open.
    pub options: Option<OptionBytes>,
    /// Whether NRST reaches the chip; `None` if it was not tried.
    pub nrst: Option<bool>,
    /// The credential.
    pub custody: Option<Custody>,
    /// The two words at the boot address: initial stack pointer and reset handler.
    pub vectors: Option<[u32; 2]>,
    /// The same where the non-secure world begins, with TrustZone on and NSBOOTADD in a non-secure sector.
    pub ns_vectors: Option<[u32; 2]>,
    /// The images asked for, or the whole flash.
    pub images: Vec<Found>,
    /// What was read back of them, to be written again after a rehearsal.
    pub kept: Vec<Image>,
    /// The first block of OTP and its lock, on a part that keeps its password there.
    pub otp: Option<Otp>,
    /// The supply, where the probe can tell, in volts.
    pub volts: Option<f32>,
    /// The rehearsal remembered of this chip.
    pub rehearsed: Option<Rehearsal>,
    /// What was asked for.
    pub request: Request,
}

/// The one-time password of an STM32H503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Otp {
    /// The hash, if one was ever written.
    pub hash: Option<[u8; 32]>,
    /// Whether its block is locked.
    pub locked: bool,
}

impl Facts {
    /// The product state, if AP1 shows one.
    pub fn state(&self) -> Option<ProductState> {
        self.identity.options.and_then(|o| o.state())
    }

    /// The TrustZone setting; off where it cannot be seen.
    pub fn trustzone(&self) -> TrustZone {
        self.identity.options.map_or(TrustZone::Disabled, |o| o.trustzone())
    }

    /// The one method that can authenticate with this setting.
    pub fn method(&self) -> DaMethod {
        DaMethod::for_trustzone(self.trustzone())
    }

    /// The first of the parts it may be: those that share a DEV_ID share their memories and option words.
    pub fn part(&self) -> Option<PartId> {
        self.parts.first().copied()
    }

    /// An option field.
    pub fn field(&self, name: &str) -> Option<u32> {
        let options = self.options.as_ref()?;
        options.value(OptionField::find(options.part(), name)?)
    }

    /// The option fields whose programmed value waits for a reset.
    pub fn pending(&self) -> Vec<&'static str> {
        self.options.as_ref().map_or(Vec::new(), |o| o.pending().into_iter().map(|(field, _)| field.name).collect())
    }

    /// The user flash as the option bytes divide it.
    pub fn flash(&self) -> Option<Flash<'_>> {
        self.options.as_ref().map(Flash::new)
    }

    /// The unique id as one word.
    pub fn uid(&self) -> Option<String> {
        self.identity.uid.map(|id| id.to_string())
    }

    /// Where the chip will boot: the register's name and the offset in the flash that it points at.
    pub fn boot(&self) -> Option<(&'static str, u32)> {
        match self.trustzone() {
            TrustZone::Enabled => {
                let address = self.field("SECBOOTADD")? << 8;
                Some(("SECBOOTADD", address.wrapping_sub(memory::FLASH + memory::SECURE_ALIAS)))
            }
            TrustZone::Disabled => self.ns_boot(),
        }
    }

    /// Where the non-secure world begins, in the same way.
    pub fn ns_boot(&self) -> Option<(&'static str, u32)> {
        Some(("NSBOOTADD", (self.field("NSBOOTADD")? << 8).wrapping_sub(memory::FLASH)))
    }
}

/// Measures, by reads that nobody notices: no halt, no reset, no write.
///
/// # Errors
/// Nobody answers, it is no STM32H5, or the link breaks.
pub fn measure(session: &mut Session, request: &Request, narrator: &mut dyn Narrator) -> Result<Facts> {
    narrator.step("identify the chip and measure what a close depends on", &[RuleId::IdentifyByAp0]);
    let identity = identify(session)?;
    let parts = identity.narrowed_to(request.part)?;
    let mut facts = Facts {
        identity,
        parts,
        options: None,
        nrst: None,
        custody: None,
        vectors: None,
        ns_vectors: None,
        images: Vec::new(),
        kept: Vec::new(),
        otp: None,
        volts: session.target_voltage(),
        rehearsed: None,
        request: request.clone(),
    };
    let method = facts.method();
    facts.custody = request.credential.as_deref().map(|f| Custody::of(f, method, &request.temporary));
    if let Some(uid) = facts.uid() {
        facts.rehearsed = Rehearsal::remembered(&request.out, &uid);
    }
    if let (Some(ProductState::Open), Some(part)) = (facts.state(), facts.part()) {
        facts.options = Some(OptionBytes::read(session, &facts.identity, request.part)?);
        read_flash(session, &mut facts, narrator)?;
        if part.info().da_store == DaStore::Otp {
            facts.otp = Some(read_otp(session, &facts)?);
        }
    }
    Ok(facts)
}

fn read_flash(session: &mut Session, facts: &mut Facts, narrator: &mut dyn Narrator) -> Result<()> {
    let (Some(part), Some(flash)) = (facts.part(), facts.flash()) else { return Ok(()) };
    let mut vectors_at = |at: u32| -> Result<Option<[u32; 2]>> {
        if at.checked_add(8).is_none_or(|end| end > flash.map().size) {
            return Ok(None);
        }
        let bytes = flash.read(session, memory::FLASH + at, 8, &mut Silent)?;
        let word = |i: usize| bytes[4 * i..4 * i + 4].iter().rev().fold(0, |w, b| w << 8 | u32::from(*b));
        Ok(Some([word(0), word(1)]))
    };
    let vectors = facts.boot().map_or(Ok(None), |(_, at)| vectors_at(at))?;
    let ns = facts.ns_boot().filter(|_| facts.trustzone() == TrustZone::Enabled);
    let ns = ns.filter(|(_, at)| !flash.map().sector(at / SECTOR_SIZE).secure);
    let ns_vectors = ns.map_or(Ok(None), |(_, at)| vectors_at(at))?;
    let (mut images, mut kept) = (Vec::new(), Vec::new());
    let whole = Digest::whole_flash(part);
    let wanted = if facts.request.images.is_empty() { vec![whole] } else { facts.request.images.clone() };
    for mut wanted in wanted {
        let mut found = None;
        if wanted.fits(part) {
            let bytes = flash.read(session, wanted.address, wanted.size, narrator)?;
            let image = Image { name: wanted.name.clone(), address: wanted.address, bytes };
            found = Some(image.digest().sha256);
            if facts.request.rehearse {
                kept.push(image);
            }
        }
        if wanted.sha256.is_empty() {
            wanted.sha256 = found.clone().unwrap_or_default();
        }
        images.push(Found { wanted, found });
    }
    (facts.vectors, facts.ns_vectors, facts.images, facts.kept) = (vectors, ns_vectors, images, kept);
    Ok(())
}

/// Whether the core sees a reset when NRST is pulsed (rule `R-DA-NEEDS-NRST`).
///
/// # Errors
/// The link breaks.
pub(super) fn prove_nrst(session: &mut Session) -> Result<bool, LinkError> {
    // Reading clears what an earlier reset left.
    session.core_saw_reset()?;
    session.pulse_nrst()?;
    session.wait_for_ap1()?;
    session.core_saw_reset()
}

fn read_otp(session: &mut Session, facts: &Facts) -> Result<Otp, LinkError> {
    let mut hash = [0; 32];
    let mut written = true;
    for (at, slot) in (memory::OTP..).step_by(2).zip(hash.chunks_exact_mut(2)) {
        match session.ap1().read16(at) {
            Ok(half) => slot.copy_from_slice(&half.to_le_bytes()),
            // What was never programmed faults (ST community td-p/889964).
            Err(LinkError::Fault { .. }) => {
                written = false;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Otp { hash: written.then_some(hash), locked: facts.field("LOCKBL").unwrap_or(0) & 1 == 1 })
}
