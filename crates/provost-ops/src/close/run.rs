//! Carrying a close out, from a chip in Open.

use std::time::Duration;

use provost_chip::{
    parts::{DaStore, PartId},
    rules::RuleId,
    states::{DaMethod, ProductState},
};

use provost_link::LinkError;

use super::{
    CloseError,
    custody::Custody,
    facts::Request,
    folder::CloseFolder,
    image::Image,
    plan::{Bound, ClosePlan, Difference},
    preflight,
    receipt::{Receipt, SCHEMA},
    record::{Progress, Record},
    rehearsal::{Rehearsal, restore, wait_until_open},
    survey::{Consent, survey},
    words::write_product_state,
};
use crate::{
    Narrator,
    credential::CredentialSet,
    debug_auth::{Discovered, authenticate},
    error::{Failure, OpError, Result},
    fault::fail,
    identify::read_options,
    journal::{Attempt, AttemptOutcome, Journal},
    option_bytes::Alias,
    session::Session,
};

/// What a chip takes to settle after its final state was written, before it is asked (wolfTrust waits some seconds; discovery
/// resets it again anyway).
const SETTLE: Duration = Duration::from_millis(500);

/// Closes the chip, or says why not. An unfinished close of this chip with the same end is gone on with.
///
/// # Errors
/// Every way in which a close can stop; [`OpError::exit`] says what it means.
pub fn close(
    session: &mut Session,
    request: &Request,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Receipt> {
    start(session, request, None, consent, narrator)
}

/// Carries out exactly this plan on exactly its chip, or refuses and says what is different. `request` says where things are.
///
/// # Errors
/// As [`close`], and [`CloseError::PlanDiffers`].
pub fn apply(
    session: &mut Session,
    plan: &ClosePlan,
    request: &Request,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Receipt> {
    start(session, &as_planned(&plan.bound, request)?, Some(plan), consent, narrator)
}

/// What a plan asks for.
pub(super) fn as_planned(bound: &Bound, request: &Request) -> Result<Request> {
    Ok(Request {
        target: bound.target()?,
        // Several names stand for a DEV_ID that leaves the part open.
        part: match bound.part_ids()[..] {
            [part] => Some(part),
            _ => request.part,
        },
        credential: request.credential.clone().or_else(|| Some(bound.credential.clone())),
        images: bound.images.clone(),
        rehearse: bound.rehearse,
        rehearse_only: bound.rehearse_only,
        overrides: bound.overrides.clone(),
        forever: bound.forever,
        ..request.clone()
    })
}

fn start(
    session: &mut Session,
    request: &Request,
    planned: Option<&ClosePlan>,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Receipt> {
    let started = session.now();
    let (unfinished, fresh) = CloseFolder::find(&request.out, &request.chip)?;
    if let Some(folder) = unfinished {
        if !super::resume::is_over(session, &folder)? {
            let same = ClosePlan::load(&folder.plan())?.bound.target == request.target.as_str();
            if !same || planned.is_some() {
                return Err(CloseError::Unfinished { folder: folder.path().to_owned() }.into());
            }
            return super::resume::resume(session, request, consent, narrator);
        }
        folder.journal()?.append(Record::Abandoned)?;
    }
    let survey = survey(session, request, true, narrator)?;
    preflight::pass(&survey.findings)?;
    let (mut facts, findings) = (survey.facts, survey.findings);
    let Some(found) = survey.plan else {
        // Every way in which a plan is missing fails a rule that nobody may override.
        return Err(CloseError::Elsewhere { found: "not measured completely".to_owned() }.into());
    };
    let plan = match planned {
        None => found,
        Some(planned) => {
            let differences = planned.bound.differences(&found.bound);
            if !differences.is_empty() {
                return Err(CloseError::PlanDiffers { differences }.into());
            }
            ClosePlan { checks: findings, ..planned.clone() }
        }
    };
    let phrase = plan.bound.phrase();
    if !consent.is_possible(&phrase) || plan.bound.rehearse && !consent.ask_to_rehearse(&phrase) {
        return Err(CloseError::NotConfirmed { phrase }.into());
    }
    for finding in plan.checks.iter().filter(|f| f.verdict == "overridden" || f.verdict == "warning") {
        narrator.note(&format!("{} {}: {}", finding.rule, finding.verdict, finding.found));
    }
    narrator.step("write plan and journal, and read the credential back", &[RuleId::BackOnlyByDa]);
    let kept = std::mem::take(&mut facts.kept);
    let folder = fresh;
    let mut journal = folder.journal()?;
    for image in &kept {
        folder.keep(image)?;
    }
    plan.save(&folder.plan(), true)?;
    let (set, payload) = held(&plan, request)?;
    journal.append(Record::CloseBegun {
        chip: request.chip.clone(),
        dev_id: plan.bound.dev_id,
        uid: plan.bound.uid.clone(),
        plan: plan.hash.clone(),
        root_key_hash: plan.bound.root_key_hash.clone(),
    })?;
    let remembered = facts.rehearsed.take().filter(|r| r.counts_for(&facts).is_ok());
    let mut run = Run {
        session,
        request,
        consent,
        narrator,
        parts: plan.bound.part_ids(),
        plan,
        folder,
        journal,
        set,
        payload,
        kept,
        known: remembered.map(|r| (r.attempt, r.checksum)),
        started,
        rehearsed: false,
    };
    run.start_from_open().map_err(|e| run.interrupted(e))
}

/// The credential of the plan and the payload of its object, on the disk for good and read back from there.
pub(super) fn held(plan: &ClosePlan, request: &Request) -> Result<(CredentialSet, Vec<u8>)> {
    let folder = request.credential.as_ref().unwrap_or(&plan.bound.credential);
    let custody = Custody::of(folder, plan.bound.da_method(), &request.temporary);
    custody.sync()?;
    let set = custody.set.as_ref().ok().filter(|s| plan.fits(s)).cloned();
    if let (Some(set), Some(payload)) = (set, custody.payload(plan.bound.da_method())) {
        return Ok((set, payload.to_bytes().to_vec()));
    }
    let differences = vec![Difference {
        what: "credential".to_owned(),
        planned: plan.bound.root_key_hash.clone().unwrap_or_else(|| plan.bound.method.clone()),
        found: "another one, or none".to_owned(),
    }];
    Err(CloseError::PlanDiffers { differences }.into())
}

/// A close under way.
pub(super) struct Run<'a> {
    pub(super) session: &'a mut Session,
    pub(super) request: &'a Request,
    pub(super) consent: &'a mut dyn Consent,
    pub(super) narrator: &'a mut dyn Narrator,
    pub(super) parts: Vec<PartId>,
    pub(super) plan: ClosePlan,
    pub(super) folder: CloseFolder,
    pub(super) journal: Journal<Record>,
    pub(super) set: CredentialSet,
    pub(super) payload: Vec<u8>,
    pub(super) kept: Vec<Image>,
    /// How an object is known to be provisioned on this chip: by a rehearsal, or by an earlier run.
    pub(super) known: Option<(Attempt, String)>,
    pub(super) started: Duration,
    pub(super) rehearsed: bool,
}

impl Run<'_> {
    pub(super) fn record(&mut self, record: Record) -> Result<()> {
        self.journal.append(record)
    }

    pub(super) fn progress(&self) -> Progress {
        Progress::of(self.journal.records())
    }

    /// A link that breaks once the journal is open is an interruption: the journal says how to go on.
    pub(super) fn interrupted(&self, error: Failure) -> Failure {
        let journal = &self.journal;
        if error.of::<LinkError>().is_none() {
            return error;
        }
        OpError::Interrupted { doing: "closing", source: error, journal: journal.path().to_owned() }.into()
    }

    pub(super) fn bound(&self) -> &Bound {
        &self.plan.bound
    }

    pub(super) fn method(&self) -> DaMethod {
        self.plan.bound.da_method()
    }

    pub(super) fn is_otp(&self) -> bool {
        self.parts.iter().all(|p| p.info().da_store == DaStore::Otp)
    }

    /// The chip is Open and as planned.
    pub(super) fn start_from_open(&mut self) -> Result<Receipt> {
        if self.bound().rehearse && self.progress().rehearsed.is_none() {
            self.enter(true)?;
            self.rehearse()?;
        }
        self.after_rehearsal()
    }

    /// The chip is Open and as planned, and what there was to rehearse is rehearsed.
    pub(super) fn after_rehearsal(&mut self) -> Result<Receipt> {
        if self.bound().rehearse_only {
            return self.finish(None);
        }
        self.enter(false)?;
        self.in_provisioning()
    }

    /// Open → Provisioning.
    fn enter(&mut self, rehearsal: bool) -> Result<()> {
        let why = [RuleId::OpenToProvisioning, RuleId::BareProvisioningIsRescuable];
        let to = ProductState::Provisioning;
        self.narrator.step(&format!("{}write PRODUCT_STATE = {to} and reset", prefix(rehearsal)), &why);
        self.record(Record::WritingState { to: to.as_str().to_owned(), rehearsal })?;
        write_product_state(self.session, to, Alias::of(ProductState::Open, self.bound().tz()))?;
        self.session.pulse_nrst()?;
        self.session.wait_for_ap1()?;
        let options = read_options(self.session)?;
        let found = options.map(|o| (o.state(), o.trustzone()));
        if found == Some((Some(to), self.bound().tz())) {
            return Ok(());
        }
        let found = match found {
            Some((Some(state), tz)) => format!("the chip is in {state}, TrustZone {tz}"),
            _ => "AP1 shows no product state".to_owned(),
        };
        Err(CloseError::Gate { rule: "P-IN-PROVISIONING", found }.into())
    }

    /// The rehearsal from Provisioning on: the credential is used, and the chip made what it was.
    pub(super) fn rehearse(&mut self) -> Result<()> {
        let (attempt, checksum) = self.provision_and(true)?.0;
        self.narrator.step("rehearse: wait for the chip to come back Open", &[RuleId::FullRegressionEffect]);
        wait_until_open(self.session)?;
        self.restore()?;
        self.record_rehearsal(attempt, checksum)
    }

    pub(super) fn record_rehearsal(&mut self, attempt: Attempt, checksum: String) -> Result<()> {
        let rehearsal = Rehearsal::new(self.bound(), &self.plan.hash, attempt, checksum.clone());
        rehearsal.remember(&self.request.out)?;
        self.record(Record::Rehearsed { attempt, checksum: checksum.clone() })?;
        self.narrator.note("the credential has opened this chip; it is remembered");
        self.known = Some((attempt, checksum));
        self.rehearsed = true;
        Ok(())
    }

    /// Option words and firmware as they were.
    pub(super) fn restore(&mut self) -> Result<()> {
        self.narrator
            .step("rehearse: restore option words and firmware", &[RuleId::FullRegressionEffect, RuleId::TzenInOpen]);
        self.record(Record::Restoring)?;
        let Some(&part) = self.parts.first() else { return Ok(()) };
        restore(self.session, &self.plan.bound, part, &self.kept, self.narrator)?;
        self.narrator.note("every option word and every byte of flash as before");
        Ok(())
    }

    /// Authenticates the full regression; `false` if the chip refused.
    pub(super) fn use_credential(
        &mut self,
        attempt: Attempt,
        conversation: &crate::debug_auth::Conversation,
    ) -> Result<bool> {
        self.narrator
            .step("rehearse: authenticate a full regression", &[RuleId::FullRegressionEffect, RuleId::DaFourMasks]);
        self.record(Record::Authenticating { attempt })?;
        let method = self.method();
        let Some(credential) = self.set.credential(method) else {
            return fail(OpError::CredentialNeeded { state: ProductState::Provisioning, method });
        };
        let outcome = match authenticate(self.session, &conversation.mailbox, credential) {
            Ok(()) => AttemptOutcome::Granted,
            Err(error) => match error.of() {
                Some(OpError::AuthenticationRefused { status, step }) => {
                    self.narrator.note(&format!("refused ({status} to {step})"));
                    AttemptOutcome::AuthenticationRefused
                }
                _ => return Err(error),
            },
        };
        self.record(Record::Outcome { attempt, outcome })?;
        Ok(outcome == AttemptOutcome::Granted)
    }

    /// From Provisioning to the end: the object, the proof, the phrase, the final state.
    pub(super) fn in_provisioning(&mut self) -> Result<Receipt> {
        self.provision_and(false)?;
        self.leave()?;
        self.last_step()
    }

    /// The object is in the chip and proven: the phrase, and the final state.
    pub(super) fn last_step(&mut self) -> Result<Receipt> {
        let phrase = self.bound().phrase();
        if !self.consent.ask(&phrase) {
            return Err(CloseError::StoppedBeforeTheDoor { phrase }.into());
        }
        self.record(Record::Confirmed)?;
        let target = self.bound().target()?;
        self.narrator.step(
            &format!("write PRODUCT_STATE = {target} and reset"),
            &[RuleId::ForwardFromProvisioning, RuleId::ClosingWithoutDaLoses],
        );
        self.record(Record::WritingState { to: target.as_str().to_owned(), rehearsal: false })?;
        write_product_state(self.session, target, Alias::of(ProductState::Provisioning, self.bound().tz()))?;
        self.session.pulse_nrst()?;
        self.verify()
    }

    /// What is there now: discovery tells.
    pub(super) fn verify(&mut self) -> Result<Receipt> {
        self.session.sleep(SETTLE);
        self.session.attach()?;
        let target = self.bound().target()?;
        let conversation = match self.discover() {
            Ok(conversation) => conversation,
            // Rule R-LOCKED-IS-FINAL: a chip that is Locked does not answer.
            Err(error) if target == ProductState::Locked && matches!(error.of(), Some(OpError::NoDaAnswer { .. })) => {
                return self.finish(None);
            }
            Err(error) => return Err(error),
        };
        self.verified(&conversation)
    }

    pub(super) fn verified(&mut self, conversation: &crate::debug_auth::Conversation) -> Result<Receipt> {
        let target = self.bound().target()?;
        let report = conversation.report();
        // Out of the ROM again; whether the pulse is enough for that does not matter for what is said next.
        let _ = self.session.pulse_nrst();
        match conversation.product_state() {
            Some(state) if state == target && conversation.is_valid() => self.finish(Some(report)),
            Some(state) if state == target => {
                let integrity = report.integrity.unwrap_or(0);
                fail(OpError::ClosedWithoutData { state, integrity })
            }
            state => {
                let found = state.map_or("a life cycle that it does not name".to_owned(), |s| s.to_string());
                Err(CloseError::NotTaken { wanted: target, found }.into())
            }
        }
    }

    pub(super) fn finish(&mut self, discovered: Option<Discovered>) -> Result<Receipt> {
        let progress = self.progress();
        let how = progress.proven.or(progress.rehearsed.clone());
        let (attempt, checksum) = how.unzip();
        let receipt = Receipt {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            time: Receipt::now(),
            chip: self.request.chip.clone(),
            virtual_chip: self.session.probe().virtual_chip,
            plan: self.plan.hash.clone(),
            bound: self.plan.bound.clone(),
            checks: self.plan.checks.clone(),
            attempt,
            checksum: checksum.filter(|c| !c.is_empty()),
            rehearsed: self.rehearsed || progress.rehearsed.is_some() || self.known.is_some() && progress.entered,
            discovered,
            took_ms: (self.session.now() - self.started).as_millis() as u64,
        };
        receipt.write(&self.folder)?;
        self.record(Record::Done)?;
        Ok(receipt)
    }
}

pub(super) const fn prefix(rehearsal: bool) -> &'static str {
    if rehearsal { "rehearse: " } else { "" }
}
