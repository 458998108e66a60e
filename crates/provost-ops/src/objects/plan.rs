//! What will be written, after everything has been looked at: the files, the chip, and the two together.

use provost_chip::{
    option_bytes::OptionField,
    parts::{DaStore, PartId},
    registers::flash,
    rules::RuleId,
    states::{BootUbe, DaMethod, ProductState, TrustZone},
    unique_id::UniqueId,
};
use provost_obk::{
    checks::{self, Finding},
    h503,
    obk::Obk,
};

use super::{Content, ObjectError, Request, Source, refuse};
use crate::{
    Narrator,
    drive::{
        identify::{Identity, parts_text},
        otp,
        reset::ResetError,
        target::{Capability, Target},
    },
    fault::{Result, fail},
    job::{Phase, Step},
    rescue::RescueError,
};

/// A write that nothing speaks against.
#[derive(Debug)]
pub struct Plan {
    /// The chip.
    pub identity: Identity,
    /// The part.
    pub part: PartId,
    /// What to think about, and what was allowed although it refuses.
    pub findings: Vec<Finding>,
    pub(super) work: Work,
    /// Its unique id, if a discovery has shown it.
    pub(super) uid: Option<UniqueId>,
    /// The steps that are left.
    pub(super) list: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Work {
    Objects,
    Otp(Vec<h503::Step>),
}

impl Plan {
    /// The steps that are left.
    pub fn list(&self) -> &[Step] {
        &self.list
    }

    /// Whether anything is left to write.
    pub fn is_empty(&self) -> bool {
        matches!(&self.work, Work::Otp(steps) if steps.is_empty())
    }

    /// What a person confirms.
    pub const fn asks(&self) -> &'static str {
        match self.work {
            Work::Objects => "provision the chip",
            Work::Otp(_) => "write a password for life",
        }
    }
}

/// Looks at the chip and at everything that speaks against the write. Reads, and discovers where the wire can, which resets the chip;
/// writes nothing.
///
/// # Errors
/// Whatever speaks against it; the link breaks.
pub fn plan(target: &mut dyn Target, request: &Request, narrator: &mut dyn Narrator) -> Result<Plan> {
    narrator.step("identify the chip, reading only", &[RuleId::IdentifyByAp0]);
    let mut identity = target.identify()?;
    if identity.state()?.is_none() && target.can(Capability::Reset) {
        // An interrupted discovery leaves a chip in its ROM, where nothing can wait for a reset any more.
        narrator.note("AP1 is shut: reset the chip and look again");
        if target.reset()? {
            identity = target.identify()?;
        }
    }
    let part = one_part(&identity, request)?;
    let state = identity.state()?;
    narrator.note(&format!("{part}, {}", state.map_or_else(|| "AP1 shut".to_owned(), |s| s.to_string())));
    let (Some(options), Some(ProductState::Provisioning)) = (identity.options, state) else {
        return Err(ObjectError::WrongState { found: super::error::found(state) }.into());
    };
    identity.nothing_pending()?;
    let mut into = checks::Target::new(part);
    into.trustzone = Some(options.trustzone());
    into.boot_ube = boot_ube(part, options.optsr_cur);
    if part.info().da_store == DaStore::Otp {
        return plan_otp(target, request, identity, part, &into);
    }
    into.da_method = method(request, options.trustzone());
    let findings = check(request, &into)?;
    let has_da = objects(request).any(|(_, _, is_da)| is_da);
    let uid = prove(target, request, (part, has_da), narrator)?;
    let mut list: Vec<Step> = objects(request)
        .map(|(_, _, is_da)| Step::Provision { phase: Phase::Work, method: into.da_method.filter(|_| is_da) })
        .collect();
    if has_da && target.can(Capability::Unlock) {
        list.push(Step::Discover { phase: Phase::Work, method: into.da_method });
    }
    Ok(Plan { identity, part, findings, work: Work::Objects, uid, list })
}

/// The one part the chip can be: the encryption flag depends on it.
fn one_part(identity: &Identity, request: &Request) -> Result<PartId> {
    let parts = identity.narrowed_to(request.part)?;
    let crypto = parts.first().is_some_and(|p| p.info().crypto);
    match parts.as_slice() {
        [part, others @ ..] if others.iter().all(|p| p.info().crypto == crypto) => Ok(*part),
        _ => {
            let candidates = parts_text(&parts);
            Err(ObjectError::PartNeeded { candidates }.into())
        }
    }
}

fn boot_ube(part: PartId, optsr: u32) -> Option<BootUbe> {
    let field = OptionField::find(part, "BOOT_UBE").filter(|f| f.offset_cur == flash::OPTSR_CUR)?;
    u8::try_from(field.get(optsr)).ok().and_then(BootUbe::from_code)
}

fn plan_otp(
    target: &mut dyn Target,
    request: &Request,
    identity: Identity,
    part: PartId,
    into: &checks::Target,
) -> Result<Plan> {
    let [Source { content: Content::Password(password), .. }] = request.sources.as_slice() else {
        return Err(ObjectError::NoObjects { part: part.to_string() }.into());
    };
    let value = otp::fits(password)?;
    refuse(&[("the password", value.check(&otp::read(target.session(Capability::Memory)?)?, into))], &request.allowed)?;
    let steps = otp::plan(target.session(Capability::Memory)?, password)?;
    if !steps.is_empty() && !request.once_for_life {
        return fail(RescueError::OtpOnceForLife);
    }
    let list = if steps.is_empty() { Vec::new() } else { vec![Step::WriteOtp] };
    Ok(Plan { identity, part, findings: Vec::new(), work: Work::Otp(steps), uid: None, list })
}

/// The objects of a request: file, object, whether it decides who may authenticate.
pub(super) fn objects(request: &Request) -> impl Iterator<Item = (&Source, &Obk, bool)> {
    request.sources.iter().filter_map(|source| match &source.content {
        Content::Object { obk, kind, .. } => Some((source, obk, kind.is_da())),
        Content::Password(_) => None,
    })
}

/// What the hash is of: as the user says, as the files beside it tell, or not known.
fn method(request: &Request, tz: TrustZone) -> Option<DaMethod> {
    let told = request.sources.iter().find_map(|source| match source.content {
        Content::Object { method, .. } => method,
        Content::Password(_) => None,
    });
    // A user who contradicts the files is believed by the check that refuses, whichever of the two it is.
    let wrong = DaMethod::for_trustzone(tz.flipped());
    match (request.method, told) {
        (Some(a), Some(b)) if a != b => Some(wrong),
        (said, told) => said.or(told),
    }
}

fn check(request: &Request, target: &checks::Target) -> Result<Vec<Finding>> {
    if let Some(source) = request.sources.iter().find(|s| matches!(s.content, Content::Password(_))) {
        return Err(ObjectError::NotAnObject { file: source.name() }.into());
    }
    let mut all = Vec::new();
    let mut list = Vec::new();
    for (source, obk, is_da) in objects(request) {
        if is_da && target.da_method.is_none() {
            return Err(ObjectError::MethodNeeded { file: source.name() }.into());
        }
        all.push((source.name(), checks::object(obk, target)));
        list.push(obk.clone());
    }
    let each: Vec<(&str, Vec<Finding>)> = all.iter().map(|(name, found)| (name.as_str(), found.clone())).collect();
    refuse(&each, &request.allowed)?;
    let together = checks::set(&list, target);
    refuse(&[("the objects together", together.clone())], &request.allowed)?;
    Ok(together)
}

/// NRST must reach the chip, and valid data are not replaced unasked. The unique id, if the chip was asked and shows it.
fn prove(
    target: &mut dyn Target,
    request: &Request,
    (part, has_da): (PartId, bool),
    narrator: &mut dyn Narrator,
) -> Result<Option<UniqueId>> {
    if !has_da {
        return Ok(None);
    }
    if !target.can(Capability::Unlock) {
        return unasked(target, request, part).map(|()| None);
    }
    if request.replace {
        narrator.step(&Step::ProveNrst.doing(), Step::ProveNrst.rules());
        return if target.reset_reaches()? { Ok(None) } else { fail(ResetError::NrstNotWired) };
    }
    narrator.step("discover, before anything is written", Step::AskWho.rules());
    let conversation = target.discover()?;
    let valid = conversation.is_valid();
    narrator.note(if valid { "valid data are there already" } else { "nothing valid is provisioned" });
    let left = target.reset()?;
    match (valid, left) {
        (true, _) => fail(ObjectError::Present),
        (false, true) => Ok(conversation.unique_id()),
        (false, false) => fail(ResetError::StaysInRssDa),
    }
}

/// A wire over which nobody can be asked: what a discovery would have said, a person must know.
fn unasked(target: &dyn Target, request: &Request, part: PartId) -> Result<()> {
    let missing = match request {
        // Which word asks for encryption shows only what the chip makes of the object.
        Request { encrypting_word: None, .. } if part.info().crypto => "--encrypt-word",
        Request { replace: false, .. } => "--force",
        _ => return Ok(()),
    };
    fail(ObjectError::NoDiscovery { wire: target.probe().name.clone(), missing })
}
