//! What is measured of a chip before it is closed: everything that the preflight looks at.

use provost_chip::{
    option_bytes::OptionField,
    parts::{DaStore, PartId, SECTOR_SIZE},
    registers::memory,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_obk::h503::OtpBlock;

use super::{
    custody::Custody,
    image::{Digest, Image},
    rehearsal::Rehearsal,
    root_of_trust::{self, Given, Slot},
    wish::{Site, Wish},
};
use crate::{
    Narrator, Silent,
    drive::{
        identify::{Identity, identify},
        otp,
        session::Session,
    },
    fault::Result,
    flash::Flash,
    option_bytes::OptionBytes,
};

/// An image and what is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What shall be there.
    pub wanted: Digest,
    /// Digest of what is there; `None` if it lies outside the flash.
    pub found: Option<String>,
}

/// Whether the chip was asked who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// No: in Open it need not be.
    Not,
    /// By a discovery.
    Answered {
        /// It still sits in its ROM: an NRST pulse did not lead out.
        in_rom: bool,
    },
}

/// What was measured.
#[derive(Debug)]
pub struct Facts {
    /// Who it is.
    pub identity: Identity,
    /// The parts it may be.
    pub parts: Vec<PartId>,
    /// The option bytes; none unless the chip is Open or in Provisioning.
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
    /// The objects that were given for a root of trust.
    pub objects: Vec<Given>,
    /// Where that looks for images, and what stands there.
    pub slots: Vec<Slot>,
    /// The first block of OTP and its lock, on a part that keeps its password there.
    pub otp: Option<OtpBlock>,
    /// The supply, where the probe can tell, in volts.
    pub volts: Option<f32>,
    /// The rehearsal remembered of this chip.
    pub rehearsed: Option<Rehearsal>,
    /// Whether it was asked who it is, in Provisioning, where nothing else tells.
    pub asked: Asked,
    /// What was asked for.
    pub wish: Wish,
    /// Where, and what the house demands.
    pub site: Site,
}

impl Facts {
    /// The product state, if AP1 shows one.
    pub fn state(&self) -> Option<ProductState> {
        self.identity.options.and_then(|o| o.state())
    }

    /// Whether a close can begin here: in Open, or in Provisioning.
    pub fn is_startable(&self) -> bool {
        matches!(self.state(), Some(ProductState::Open | ProductState::Provisioning))
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

    /// Whether all the parts it may be have secure AES, or none has.
    pub fn is_of_one_class(&self) -> bool {
        let mut classes = self.parts.iter().map(|p| p.info().crypto);
        let first = classes.next();
        first.is_some() && classes.all(|class| Some(class) == first)
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
        Flash::of(self.options.as_ref()?).ok()
    }

    /// Where the chip will boot: the register's name and the offset in the flash that it points at.
    pub fn boot(&self) -> Option<(&'static str, u32)> {
        boot(self.options.as_ref()?, self.trustzone())
    }

    /// Where the non-secure world begins, in the same way.
    pub fn ns_boot(&self) -> Option<(&'static str, u32)> {
        boot(self.options.as_ref()?, TrustZone::Disabled)
    }
}

/// Where a chip with these option bytes boots: the register's name and the offset in the flash that it points at.
pub(crate) fn boot(options: &OptionBytes, tz: TrustZone) -> Option<(&'static str, u32)> {
    let (name, base) = match tz {
        TrustZone::Enabled => ("SECBOOTADD", memory::FLASH + memory::SECURE_ALIAS),
        TrustZone::Disabled => ("NSBOOTADD", memory::FLASH),
    };
    let value = options.value(OptionField::find(options.part(), name)?)?;
    Some((name, (value << 8).wrapping_sub(base)))
}

/// The two words at an offset of the flash; `None` beyond its end.
pub(crate) fn vectors(session: &mut Session, flash: &Flash<'_>, at: u32) -> Result<Option<[u32; 2]>> {
    if at.checked_add(8).is_none_or(|end| end > flash.map().size.bytes()) {
        return Ok(None);
    }
    let bytes = flash.read(session, memory::FLASH + at, 8, &mut Silent)?;
    let word = |i: usize| bytes[4 * i..4 * i + 4].iter().rev().fold(0, |w, b| w << 8 | u32::from(*b));
    Ok(Some([word(0), word(1)]))
}

/// Measures, by reads that nobody notices: no halt, no reset, no write.
///
/// # Errors
/// Nobody answers, it is no STM32H5, or the link breaks.
pub fn measure(session: &mut Session, wish: &Wish, site: &Site, narrator: &mut dyn Narrator) -> Result<Facts> {
    narrator.step("identify the chip and measure what a close depends on", &[RuleId::IdentifyByAp0]);
    let identity = identify(session)?;
    let parts = identity.narrowed_to(wish.part)?;
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
        objects: wish.objects.iter().map(|path| Given::load(path)).collect(),
        slots: Vec::new(),
        otp: None,
        volts: session.target_voltage(),
        rehearsed: None,
        asked: Asked::Not,
        wish: wish.clone(),
        site: site.clone(),
    };
    let method = facts.method();
    facts.custody = wish.credential.as_deref().map(|f| Custody::of(f, method, &site.keys, &site.temporary));
    if let Some(uid) = facts.identity.uid {
        facts.rehearsed = Rehearsal::remembered(&site.out, uid);
    }
    let Some(part) = facts.part().filter(|_| facts.is_startable()) else { return Ok(facts) };
    let options = OptionBytes::read(session, &facts.identity, wish.part)?;
    if facts.state() == Some(ProductState::Open) {
        // What the flash holds is a part of what is closed.
        Flash::of(&options)?;
        facts.options = Some(options);
        read_flash(session, &mut facts, narrator)?;
    } else {
        facts.options = Some(options);
        read_flash(session, &mut facts, narrator)?;
    }
    if part.info().da_store == DaStore::Otp {
        facts.otp = Some(otp::read(session)?);
    }
    Ok(facts)
}

fn read_flash(session: &mut Session, facts: &mut Facts, narrator: &mut dyn Narrator) -> Result<()> {
    let Some(flash) = facts.flash() else { return Ok(()) };
    let mut vectors_at = |at: u32| vectors(session, &flash, at);
    let own = facts.boot().map_or(Ok(None), |(_, at)| vectors_at(at))?;
    let ns = facts.ns_boot().filter(|_| facts.trustzone() == TrustZone::Enabled);
    let ns = ns.filter(|(_, at)| !flash.map().sector(at / SECTOR_SIZE).secure);
    let ns_vectors = ns.map_or(Ok(None), |(_, at)| vectors_at(at))?;
    let (mut images, mut kept, mut slots) = (Vec::new(), Vec::new(), Vec::new());
    for (name, offset, size) in root_of_trust::slots(&facts.objects) {
        if offset.checked_add(size).is_some_and(|end| end <= flash.map().size.bytes()) && size > 0 {
            let bytes = flash.read(session, memory::FLASH + offset, size, narrator)?;
            slots.push(Slot { name: name.to_owned(), offset, bytes });
        }
    }
    let looks_for_images = !facts.objects.is_empty() && slots.is_empty();
    let whole = Digest::whole_flash(flash.map().size);
    let mut wanted = if facts.wish.images.is_empty() { vec![whole] } else { facts.wish.images.clone() };
    // What a root of trust will look at is a part of what is closed, and comes back after a rehearsal.
    for slot in &slots {
        wanted.extend(slot.not_in(&wanted));
    }
    for mut wanted in wanted {
        let mut found = None;
        if wanted.fits(flash.map().size) {
            let bytes = flash.read(session, wanted.address, wanted.size, narrator)?;
            if looks_for_images {
                slots.extend(root_of_trust::images_in(&wanted.name, wanted.address, &bytes));
            }
            let image = Image { name: wanted.name.clone(), address: wanted.address, bytes };
            found = Some(image.digest().sha256);
            if facts.wish.rehearse {
                kept.push(image);
            }
        }
        if wanted.sha256.is_empty() {
            wanted.sha256 = found.clone().unwrap_or_default();
        }
        images.push(Found { wanted, found });
    }
    (facts.vectors, facts.ns_vectors, facts.images, facts.kept) = (own, ns_vectors, images, kept);
    facts.slots = slots;
    Ok(())
}
