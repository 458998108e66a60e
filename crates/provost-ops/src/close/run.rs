//! Carrying a close out, from a chip in Open.

use std::{path::PathBuf, time::Duration};

use provost_chip::{side::Side, states::ProductState};

use super::{
    CloseError,
    bound::Bound,
    custody::Custody,
    image::Image,
    plan::ClosePlan,
    receipt::{Receipt, SCHEMA},
    restore,
    root_of_trust::{BoundObject, Given},
    survey::Consent,
    wish::{Site, Wish},
    words::Difference,
};
use crate::{
    credential::CredentialSet,
    drive::{
        debug_auth::{AuthError, Conversation, Discovered},
        identify::read_options,
        launch, regress,
        reset::{self, ResetError},
        session::Session,
        state::write_product_state,
        target::link_broke,
    },
    fault::{Failure, Result, fail},
    job::{Driver, How, Phase, Progress, ReceiptHead, Record, Step, document},
    rescue::RescueError,
    store::Secrecy,
};

/// What a chip takes to settle after its final state was written, before it is asked (wolfTrust waits some seconds; discovery
/// resets it again anyway).
const SETTLE: Duration = Duration::from_millis(500);
/// Names in the folder of a close.
pub(super) const PLAN: &str = "plan.json";
const RECEIPT: &str = "receipt.json";

/// A close that came to its end.
#[derive(Debug)]
pub struct Ended {
    /// What happened.
    pub receipt: Receipt,
    /// Where it is kept.
    pub folder: PathBuf,
    /// The steps that were performed.
    pub performed: Vec<Step>,
}

/// What a plan asks for.
pub(super) fn as_planned(bound: &Bound, site: &Site) -> Wish {
    Wish {
        target: bound.target,
        // Several names stand for a DEV_ID that leaves the part open.
        part: match bound.parts[..] {
            [part] => Some(part.into()),
            _ => None,
        },
        credential: Some(site.credential.clone().unwrap_or_else(|| bound.credential.to_path_buf())),
        objects: bound.objects.iter().map(|object| object.file.to_path_buf()).collect(),
        images: bound.images.clone(),
        // What was to be in force was looked at when the plan was made, and all option words are bound.
        options: std::collections::BTreeMap::new(),
        encrypt_word: bound.encrypt_word,
        rehearse: bound.rehearse,
        rehearse_only: bound.rehearse_only,
        overrides: bound.overrides.clone(),
        forever: bound.forever,
    }
}

/// The credential of the plan and the payload of its object, on the disk for good and read back from there.
pub(super) fn held(plan: &ClosePlan, site: &Site) -> Result<(CredentialSet, Vec<u8>)> {
    let bound = &plan.bound;
    let folder = site.credential.as_deref().unwrap_or(&bound.credential);
    let custody = Custody::of(folder, bound.method, &site.keys, &site.temporary);
    custody.sync()?;
    let set = custody.set.as_ref().ok().filter(|s| bound.fits(s)).cloned();
    if let (Some(set), Some(payload)) = (set, custody.payload(bound.method)) {
        return Ok((set, payload.to_bytes().to_vec()));
    }
    let found = "another one, or none".to_owned();
    let differences = vec![Difference { what: "credential".to_owned(), planned: bound.binding.short(), found }];
    fail(CloseError::PlanDiffers { differences })
}

/// The objects of the plan, as they lie on the disk now.
pub(super) fn objects(plan: &ClosePlan) -> Result<Vec<Given>> {
    let same = |planned: &BoundObject| {
        let given = Given::load(&planned.file);
        if given.bound().is_some_and(|found| found.sha256 == planned.sha256) {
            return Ok(given);
        }
        let what = format!("object {}", planned.file);
        let found = "another one, or none".to_owned();
        fail(CloseError::PlanDiffers { differences: vec![Difference { what, planned: planned.sha256.clone(), found }] })
    };
    plan.bound.objects.iter().map(same).collect()
}

/// A close under way.
pub(super) struct Run<'a> {
    pub(super) session: &'a mut Session,
    pub(super) site: &'a Site,
    pub(super) consent: &'a mut dyn Consent,
    pub(super) driver: Driver<'a>,
    pub(super) plan: ClosePlan,
    pub(super) set: CredentialSet,
    pub(super) payload: Vec<u8>,
    pub(super) objects: Vec<Given>,
    pub(super) kept: Vec<Image>,
    /// How an object is known to be provisioned on this chip: by a rehearsal, or by an earlier run.
    pub(super) known: Option<How>,
    pub(super) started: Duration,
    pub(super) rehearsed: bool,
}

impl Run<'_> {
    /// A link that breaks once the journal is open is an interruption: the journal says how to go on.
    pub(super) fn interrupted(&self, source: Failure) -> Failure {
        match self.driver.job() {
            Some(job) if link_broke(&source) => {
                RescueError::Interrupted { doing: "closing", source, journal: job.journal().to_owned() }.into()
            }
            _ => source,
        }
    }

    /// Whether the work itself was begun, behind a rehearsal.
    pub(super) fn begun(&self, progress: &Progress) -> bool {
        progress.entered || self.bound().start == ProductState::Provisioning
    }

    pub(super) const fn bound(&self) -> &Bound {
        &self.plan.bound
    }

    /// The chip is Open and as planned.
    pub(super) fn start_from_open(&mut self) -> Result<Ended> {
        if self.bound().rehearse && self.driver.progress().rehearsed.is_none() {
            self.enter(Phase::Rehearsal)?;
            self.rehearse()?;
        }
        self.after_rehearsal()
    }

    /// The chip was found in Provisioning, and discovery has said who it is. Where only a power cycle leads out of the ROM again, the
    /// journal keeps that answer for the next run.
    pub(super) fn start_in_provisioning(&mut self, in_rom: bool) -> Result<Ended> {
        let (method, uid) = (self.bound().method, self.bound().uid);
        self.driver.already(Step::AskWho);
        self.driver.record(Record::Doing(Step::Provision { phase: Phase::Work, method: Some(method) }))?;
        self.driver.record(Record::Seen { uid: Some(uid) })?;
        if in_rom {
            return fail(ResetError::StaysInRssDa);
        }
        self.in_provisioning()
    }

    /// The chip is Open and as planned, and what there was to rehearse is rehearsed.
    pub(super) fn after_rehearsal(&mut self) -> Result<Ended> {
        if self.bound().rehearse_only {
            return self.finish(None);
        }
        self.enter(Phase::Work)?;
        self.in_provisioning()
    }

    /// Open → Provisioning.
    fn enter(&mut self, phase: Phase) -> Result<()> {
        let tz = self.bound().trustzone;
        let to = ProductState::Provisioning;
        self.driver.begin(Step::EnterProvisioning { phase, tz })?;
        write_product_state(self.session, to, launch::side_of(ProductState::Open, tz))?;
        reset::pulse(self.session)?;
        let options = read_options(self.session)?;
        let found = match options.map(|o| (o.state(), o.trustzone())) {
            Some((Some(state), found)) if (state, found) == (to, tz) => return Ok(()),
            Some((Some(state), tz)) => format!("the chip is in {state}, TrustZone {tz}"),
            _ => "AP1 shows no product state".to_owned(),
        };
        fail(CloseError::Gate { rule: "P-IN-PROVISIONING", found })
    }

    /// The rehearsal from Provisioning on: the credential is used, and the chip made what it was.
    pub(super) fn rehearse(&mut self) -> Result<()> {
        let how = self.provision_and_prove(Phase::Rehearsal)?;
        self.driver.begin(Step::VerifyOpen { phase: Phase::Rehearsal })?;
        regress::until_open(self.session)?;
        self.restore()?;
        self.record_rehearsal(how)
    }

    pub(super) fn record_rehearsal(&mut self, how: How) -> Result<()> {
        let time = self.site.out.store().clock().text();
        self.bound().rehearsed(&self.plan.hash, how, time).remember(&self.site.out)?;
        self.driver.record(Record::Rehearsed { how })?;
        self.driver.note("the credential has opened this chip; it is remembered");
        (self.known, self.rehearsed) = (Some(how), true);
        Ok(())
    }

    /// Option words and firmware as they were.
    pub(super) fn restore(&mut self) -> Result<()> {
        self.driver.begin(Step::Restore)?;
        restore::restore(self.session, &self.plan.bound, &self.kept, self.driver.narrator())?;
        self.driver.note("every option word and every byte of flash as before");
        Ok(())
    }

    /// Leaves RSS-DA by an NRST pulse (rule `R-RSS-DA-STAYS`).
    pub(super) fn leave(&mut self) -> Result<()> {
        reset::leave_rom(self.session)
    }

    /// From Provisioning to the end: the object, the proof, the phrase, the final state.
    pub(super) fn in_provisioning(&mut self) -> Result<Ended> {
        self.provision_and_prove(Phase::Work)?;
        self.leave()?;
        self.last_step()
    }

    /// The object is in the chip and proven: those of a root of trust, the phrase, and the final state.
    pub(super) fn last_step(&mut self) -> Result<Ended> {
        self.provision_objects()?;
        let phrase = self.bound().phrase();
        if !self.consent.ask(&phrase) {
            return fail(CloseError::StoppedBeforeTheDoor { phrase });
        }
        self.driver.record(Record::Confirmed)?;
        let to = self.bound().target;
        self.driver.begin(Step::WriteFinal { to })?;
        write_product_state(self.session, to, Side::NonSecure)?;
        self.session.pulse_nrst()?;
        self.verify()
    }

    /// What is there now: discovery tells.
    pub(super) fn verify(&mut self) -> Result<Ended> {
        self.session.sleep(SETTLE);
        self.session.attach()?;
        self.driver.begin(Step::VerifyFinal)?;
        match self.look() {
            Ok(conversation) => self.verified(&conversation),
            // Rule R-LOCKED-IS-FINAL: a chip that is Locked does not answer.
            Err(error)
                if self.bound().target == ProductState::Locked
                    && matches!(error.of(), Some(AuthError::NoAnswer { .. })) =>
            {
                self.finish(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn verified(&mut self, conversation: &Conversation) -> Result<Ended> {
        let target = self.bound().target;
        let report = conversation.report();
        // Out of the ROM again; whether the pulse is enough for that does not matter for what is said next.
        let _ = self.session.pulse_nrst();
        match conversation.product_state() {
            Some(state) if state == target && conversation.is_valid() => self.finish(Some(report)),
            Some(state) if state == target => {
                fail(RescueError::ClosedWithoutData { state, integrity: conversation.integrity() })
            }
            state => {
                let found = state.map_or("a life cycle that it does not name".to_owned(), |s| s.to_string());
                fail(CloseError::NotTaken { wanted: target, found })
            }
        }
    }

    pub(super) fn finish(&mut self, discovered: Option<Discovered>) -> Result<Ended> {
        let progress = self.driver.progress();
        let receipt = Receipt {
            schema: SCHEMA,
            head: ReceiptHead::new(
                self.site.out.store().clock().text(),
                &self.site.chip,
                self.session.probe().virtual_chip,
                &self.plan.hash,
            ),
            bound: self.plan.bound.clone(),
            checks: self.plan.checks.clone(),
            how: progress.proven.or(progress.rehearsed),
            rehearsed: self.rehearsed || progress.rehearsed.is_some() || self.known.is_some() && self.begun(&progress),
            discovered,
            took_ms: (self.session.now() - self.started).as_millis() as u64,
        };
        let mut folder = PathBuf::new();
        if let Some(job) = self.driver.job() {
            job.put(RECEIPT, &document(&receipt)?, Secrecy::Secret)?;
            folder = job.folder().to_owned();
        }
        self.driver.record(Record::Done)?;
        Ok(Ended { receipt, folder, performed: self.driver.performed().to_vec() })
    }
}
