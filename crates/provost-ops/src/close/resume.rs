//! Going on with a close that was interrupted: where the chip is, is measured; how far it had come, the journal says.

use provost_chip::{rules::RuleId, states::ProductState};
use provost_link::Nrst;

use super::{
    CloseError,
    facts::{Request, measure, prove_nrst},
    folder::CloseFolder,
    plan::{Bound, ClosePlan},
    preflight,
    receipt::Receipt,
    record::{Progress, checksum_of},
    run::{Run, as_planned, held},
    survey::Consent,
};
use crate::{
    Narrator,
    debug_auth::Conversation,
    error::{OpError, Result},
    fault::fail,
    identify::{Identity, identify},
    session::Session,
};

/// How often a chip is looked at again that finishes by itself what was begun.
const LOOKS: usize = 20;
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Whether nothing is left of an unfinished close but its journal: the chip is Open, and no rehearsal holds its firmware.
pub(super) fn is_over(session: &mut Session, folder: &CloseFolder) -> Result<bool> {
    let progress = Progress::of(folder.journal()?.records());
    if !progress.has_written() {
        return Ok(true);
    }
    if progress.rehearsing && progress.rehearsed.is_none() {
        return Ok(false);
    }
    let options = identify(session)?.options;
    Ok(options.is_some_and(|o| o.state() == Some(ProductState::Open) && o.pending_state().is_none()))
}

/// Goes on with the unfinished close of this chip.
///
/// # Errors
/// There is none; the chip is another one, or not where the close left it; and every way in which a close can stop.
pub fn resume(
    session: &mut Session,
    request: &Request,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Receipt> {
    let started = session.now();
    let (unfinished, _) = CloseFolder::find(&request.out, &request.chip)?;
    let Some(folder) = unfinished else {
        let (chip, out) = (request.chip.clone(), request.out.clone());
        return Err(CloseError::NothingToResume { chip, out }.into());
    };
    narrator.step("go on with the close that was begun", &[]);
    let plan = ClosePlan::load(&folder.plan())?;
    let phrase = plan.bound.phrase();
    if !consent.is_possible(&phrase) {
        return Err(CloseError::StoppedBeforeTheDoor { phrase }.into());
    }
    let request = as_planned(&plan.bound, request)?;
    let (set, payload) = held(&plan, &request)?;
    let journal = folder.journal()?;
    let progress = Progress::of(journal.records());
    let remembered = super::rehearsal::Rehearsal::remembered(&request.out, &plan.bound.uid)
        .filter(|r| r.root_key_hash == plan.bound.root_key_hash && r.object == plan.bound.object)
        .filter(|r| r.attempt.trustzone == plan.bound.trustzone && r.method == plan.bound.method)
        .map(|r| (r.attempt, r.checksum));
    let kept = if plan.bound.rehearse {
        plan.bound.images.iter().map(|d| folder.kept(d)).collect::<Result<Vec<_>>>()?
    } else {
        Vec::new()
    };
    let mut run = Run {
        session,
        request: &request,
        consent,
        narrator,
        parts: plan.bound.part_ids(),
        plan,
        folder,
        journal,
        set,
        payload,
        kept,
        known: progress.rehearsed.clone().or(remembered),
        started,
        rehearsed: false,
    };
    run.go_on(&progress).map_err(|e| run.interrupted(e))
}

/// Where a chip was found.
enum Place {
    /// AP1 shows its state.
    Seen(Identity, ProductState),
    /// Discovery shows a later state.
    Told(Box<Conversation>),
    /// It does not answer at all.
    Silent,
}

impl Run<'_> {
    fn go_on(&mut self, progress: &Progress) -> Result<Receipt> {
        match self.locate()? {
            Place::Seen(identity, ProductState::Open) => self.go_on_from_open(&identity, progress),
            Place::Seen(identity, ProductState::Provisioning) => self.go_on_from_provisioning(&identity, progress),
            Place::Seen(_, state) if progress.final_written && self.bound().target()? == state => self.verify(),
            Place::Seen(_, state) => Err(CloseError::Elsewhere { found: state.to_string() }.into()),
            Place::Told(conversation) if progress.final_written => self.verified(&conversation),
            Place::Told(conversation) => {
                let found = conversation.product_state().map_or("a later state".to_owned(), |s| s.to_string());
                Err(CloseError::Elsewhere { found }.into())
            }
            Place::Silent => self.finish(None),
        }
    }

    /// Finds out where the chip is. A killed program may have left NRST low, and a chip that regresses takes its time.
    fn locate(&mut self) -> Result<Place> {
        self.session.set_nrst(Nrst::Released)?;
        for look in 0..LOOKS {
            identify(self.session)?;
            self.session.wait_for_ap1()?;
            let identity = identify(self.session)?;
            if let Some(state) = identity.state()? {
                return Ok(Place::Seen(identity, state));
            }
            if look > 0 {
                self.session.sleep(LOOK_AGAIN);
            }
            match self.discover() {
                Ok(conversation) => match conversation.product_state() {
                    // It sat in its ROM.
                    Some(ProductState::Provisioning | ProductState::Open) | None => self.leave()?,
                    Some(_) => return Ok(Place::Told(Box::new(conversation))),
                },
                Err(error) if matches!(error.of(), Some(OpError::NoDaAnswer { .. })) => {
                    let locked = self.progress().final_written && self.bound().target()? == ProductState::Locked;
                    match (locked, look + 1 == LOOKS) {
                        (true, _) if look > 0 => return Ok(Place::Silent),
                        (false, true) => return Err(error),
                        _ => {}
                    }
                }
                Err(error) => return Err(error),
            }
        }
        fail(OpError::StaysInRssDa)
    }

    fn go_on_from_open(&mut self, identity: &Identity, progress: &Progress) -> Result<Receipt> {
        let found = identity.uid.map(|id| id.to_string()).unwrap_or_default();
        let expected = self.bound().uid.clone();
        if found != expected {
            return Err(CloseError::WrongChip { expected, found }.into());
        }
        if let Some(state) = identity.options.and_then(|o| o.pending_state()) {
            if state == ProductState::Provisioning && progress.has_written() {
                // Programmed and not reset, or not even launched: after a reset it is seen which.
                self.session.pulse_nrst()?;
                return self.go_on(progress);
            }
            return fail(OpError::PendingState { state });
        }
        // Half a key sequence of the run before locks the flash controller until a reset.
        self.leave()?;
        if self.bound().rehearse && progress.rehearsed.is_none() && progress.rehearsing {
            self.restore()?;
            if let Some(attempt) = progress.granted {
                let checksum = checksum_of(self.journal.records(), attempt).unwrap_or_default();
                self.record_rehearsal(attempt, checksum)?;
            }
        }
        self.compare()?;
        self.start_from_open()
    }

    /// Whether the chip is as planned and still passes.
    fn compare(&mut self) -> Result<()> {
        let mut facts = measure(self.session, self.request, self.narrator)?;
        self.narrator.step("prove that NRST reaches the chip", &[RuleId::DaNeedsNrst]);
        if facts.pending().is_empty() {
            facts.nrst = Some(prove_nrst(self.session)?);
        }
        preflight::pass(&preflight::preflight(&facts))?;
        let Some(found) = Bound::of(&facts) else {
            return Err(CloseError::Elsewhere { found: "not measured completely".to_owned() }.into());
        };
        let differences = self.bound().differences(&found);
        if differences.is_empty() { Ok(()) } else { Err(CloseError::PlanDiffers { differences }.into()) }
    }

    fn go_on_from_provisioning(&mut self, identity: &Identity, progress: &Progress) -> Result<Receipt> {
        let rehearsing = self.bound().rehearse && progress.rehearsed.is_none();
        let ours = if rehearsing { progress.rehearsing } else { progress.entered };
        let options = identity.options;
        let same =
            options.is_some_and(|o| o.trustzone() == self.bound().tz()) && identity.dev_id == self.bound().dev_id;
        if !ours || !same {
            return Err(CloseError::Elsewhere { found: ProductState::Provisioning.to_string() }.into());
        }
        if let Some(state) = options.and_then(|o| o.pending_state()) {
            if progress.final_written && state == self.bound().target()? {
                // The last step was programmed and not reset, or not even launched: after a reset it is seen which.
                self.session.pulse_nrst()?;
                return self.go_on(progress);
            }
            return fail(OpError::PendingState { state });
        }
        self.leave()?;
        if rehearsing {
            self.rehearse()?;
            return self.after_rehearsal();
        }
        match progress.proven.clone() {
            // A discovery may cost a power cycle, and this one was made: without it the way could never end on such a chip.
            Some(how) => {
                self.provision_again(how)?;
                self.last_step()
            }
            None => self.in_provisioning(),
        }
    }
}
