//! Going on with a close that was interrupted: where the chip is, is measured; who it is, is asked before anything is written; how
//! far the close had come, the journal says.

use std::time::Duration;

use provost_chip::states::ProductState;
use provost_link::Nrst;

use super::{
    CloseError,
    bound::Bound,
    facts::measure,
    plan::ClosePlan,
    preflight,
    rehearsal::Rehearsal,
    restore,
    run::{Ended, PLAN, Run, as_planned, held, objects},
    survey::Consent,
    whose::{self, Choice, Who},
    wish::Site,
};
use crate::{
    Narrator,
    drive::{
        debug_auth::{AuthError, Conversation, discover},
        identify::{IdentifyError, Identity, identify},
        reset::{self, ResetError},
        session::Session,
    },
    fault::{Failure, Result, fail},
    job::{Driver, Progress, Record, Step},
};

/// How often a chip is looked at again that finishes by itself what was begun.
const LOOKS: usize = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Where a chip was found.
enum Place {
    /// AP1 shows its state.
    Seen(Identity, ProductState),
    /// Discovery shows a later state.
    Told(Box<Conversation>),
    /// It does not answer at all.
    Silent,
    /// It said who it is, and does not leave its ROM.
    InRom,
}

/// Goes on with the unfinished close of this chip.
///
/// # Errors
/// There is none; the chip is another one, does not say who it is, or is not where the close left it; and every way in which a
/// close can stop.
pub fn resume(
    session: &mut Session,
    site: &Site,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Ended> {
    let started = session.now();
    narrator.step("go on with the close that was begun", &[]);
    let identity = identify(session)?;
    let candidates = whose::candidates(&identity, site)?;
    if candidates.is_empty() {
        whose::choose(candidates, Who::NotAsked, site)?;
        return fail(CloseError::Elsewhere { found: identity.to_string() });
    }
    let locked = candidates.iter().any(|f| Progress::announced_final(&f.records) == Some(ProductState::Locked));
    let (mut place, mut who) = locate(session, locked)?;
    let found = match whose::choose(candidates, who, site)? {
        Choice::This(found, by_word) => {
            if by_word {
                who = Who::Silent;
            }
            found
        }
        Choice::Ask(candidates) => {
            // Only a chip in Provisioning is left to ask: what waits for a reset there was announced, and takes effect by any.
            let waits = identity_of(&place).and_then(|i| i.options).and_then(|o| o.pending_state());
            let ours = candidates.iter().position(|f| Progress::announced_final(&f.records) == waits);
            match (waits, ours) {
                (Some(_), Some(at)) => {
                    let mut candidates = candidates;
                    Box::new(candidates.swap_remove(at))
                }
                (Some(state), None) => return fail(IdentifyError::PendingState { state }),
                (None, _) => {
                    narrator.step(&Step::AskWho.doing(), Step::AskWho.rules());
                    let conversation = discover(session)?;
                    narrator.note(&conversation.summary());
                    who = conversation.unique_id().map_or(Who::Silent, Who::Id);
                    let left = reset::pulse(session)?;
                    if !left {
                        place = Place::InRom;
                    }
                    match whose::choose(candidates, who, site)? {
                        Choice::This(found, _) => found,
                        Choice::Ask(_) => return fail(ResetError::StaysInRssDa),
                    }
                }
            }
        }
    };
    let plan = ClosePlan::load(&found.folder.join(PLAN))?;
    let phrase = plan.bound.phrase();
    if !consent.is_possible(&phrase) {
        return fail(CloseError::StoppedBeforeTheDoor { phrase });
    }
    let (set, payload) = held(&plan, site)?;
    let objects = objects(&plan)?;
    let mut job = found.resume()?;
    if let Some(escrow) = &site.escrow {
        escrow.keep(&job, set.folder())?;
    }
    match who {
        Who::Id(uid) => job.record(Record::Seen { uid: Some(uid) })?,
        Who::Silent => job.record(Record::Seen { uid: None })?,
        Who::NotAsked => {}
    }
    if matches!(place, Place::InRom) {
        return fail(ResetError::StaysInRssDa);
    }
    let progress = Progress::of(job.records());
    let remembered = Rehearsal::remembered(&site.out, plan.bound.uid).filter(|r| plan.bound.is_rehearsed_by(r).is_ok());
    let kept = if plan.bound.rehearse {
        plan.bound.images.iter().map(|digest| restore::kept(&job, digest)).collect::<Result<Vec<_>>>()?
    } else {
        Vec::new()
    };
    let mut driver = Driver::new(narrator, plan.list());
    driver.open(job);
    let known = progress.rehearsed.or(remembered.map(|r| r.how));
    let mut run =
        Run { session, site, consent, driver, plan, set, payload, objects, kept, known, started, rehearsed: false };
    run.go_on(place, &progress).map_err(|e| run.interrupted(e))
}

fn identity_of(place: &Place) -> Option<&Identity> {
    match place {
        Place::Seen(identity, _) => Some(identity),
        _ => None,
    }
}

/// Finds out where the chip is, and on the way perhaps who. A killed program may have left NRST low, and a chip that regresses
/// takes its time.
fn locate(session: &mut Session, locked: bool) -> Result<(Place, Who)> {
    session.set_nrst(Nrst::Released)?;
    let mut who = Who::NotAsked;
    for look in 0..LOOKS {
        identify(session)?;
        session.wait_for_ap1()?;
        let identity = identify(session)?;
        if let Some(state) = identity.state()? {
            return Ok((Place::Seen(identity.clone(), state), identity.uid.map_or(who, Who::Id)));
        }
        if look > 0 {
            session.sleep(LOOK_AGAIN);
        }
        match discover(session) {
            Ok(conversation) => {
                who = conversation.unique_id().map_or(Who::Silent, Who::Id);
                match conversation.product_state() {
                    // It sat in its ROM.
                    Some(ProductState::Provisioning | ProductState::Open) | None => {
                        if !reset::pulse(session)? {
                            return Ok((Place::InRom, who));
                        }
                    }
                    Some(_) => return Ok((Place::Told(Box::new(conversation)), who)),
                }
            }
            Err(error) if is_no_answer(&error) => match (locked, look + 1 == LOOKS) {
                (true, _) if look > 0 => return Ok((Place::Silent, who)),
                (false, true) => return Err(error),
                _ => {}
            },
            Err(error) => return Err(error),
        }
    }
    fail(ResetError::StaysInRssDa)
}

fn is_no_answer(error: &Failure) -> bool {
    matches!(error.of(), Some(AuthError::NoAnswer { .. }))
}

impl Run<'_> {
    fn go_on(&mut self, place: Place, progress: &Progress) -> Result<Ended> {
        match place {
            Place::Seen(identity, ProductState::Open) => self.go_on_from_open(&identity, progress),
            Place::Seen(identity, ProductState::Provisioning) => self.go_on_from_provisioning(&identity, progress),
            Place::Seen(_, state) if progress.final_written && self.bound().target == state => self.verify(),
            Place::Seen(_, state) => fail(CloseError::Elsewhere { found: state.to_string() }),
            Place::Told(conversation) if progress.final_written => self.verified(&conversation),
            Place::Told(conversation) => {
                let found = conversation.product_state().map_or("a later state".to_owned(), |s| s.to_string());
                fail(CloseError::Elsewhere { found })
            }
            Place::Silent => self.finish(None),
            Place::InRom => fail(ResetError::StaysInRssDa),
        }
    }

    /// What was programmed and not reset, or not even launched: after a reset it is seen which.
    fn reset_and_go_on(&mut self, progress: &Progress) -> Result<Ended> {
        self.session.pulse_nrst()?;
        let (place, _) = locate(self.session, self.bound().target == ProductState::Locked)?;
        self.go_on(place, progress)
    }

    fn go_on_from_open(&mut self, identity: &Identity, progress: &Progress) -> Result<Ended> {
        if let Some(state) = identity.options.and_then(|o| o.pending_state()) {
            if state == ProductState::Provisioning && progress.has_written {
                return self.reset_and_go_on(progress);
            }
            return fail(IdentifyError::PendingState { state });
        }
        // Half a key sequence of the run before locks the flash controller until a reset.
        self.leave()?;
        if self.bound().rehearse && progress.rehearsed.is_none() && progress.rehearsing {
            self.restore()?;
            if let Some(attempt) = progress.granted
                && let Some(checksum) = progress.checksum_of(attempt)
            {
                self.record_rehearsal(crate::job::How::Service { attempt, checksum })?;
            }
        }
        self.compare()?;
        self.start_from_open()
    }

    /// Whether the chip is as planned and still passes.
    fn compare(&mut self) -> Result<()> {
        let wish = as_planned(self.bound(), self.site);
        let mut facts = measure(self.session, &wish, self.site, self.driver.narrator())?;
        self.driver.begin(Step::ProveNrst)?;
        if facts.pending().is_empty() {
            facts.nrst = Some(reset::reaches(self.session)?);
        }
        preflight::pass(&preflight::preflight(&facts))?;
        let Some(found) = Bound::of(&facts) else {
            return fail(CloseError::Elsewhere { found: "not measured completely".to_owned() });
        };
        let differences = self.bound().differences(&found);
        if differences.is_empty() { Ok(()) } else { fail(CloseError::PlanDiffers { differences }) }
    }

    fn go_on_from_provisioning(&mut self, identity: &Identity, progress: &Progress) -> Result<Ended> {
        let rehearsing = self.bound().rehearse && progress.rehearsed.is_none();
        let ours = if rehearsing { progress.rehearsing } else { self.begun(progress) };
        let options = identity.options;
        let same =
            options.is_some_and(|o| o.trustzone() == self.bound().trustzone) && identity.dev_id == self.bound().dev_id;
        if !ours || !same {
            return fail(CloseError::Elsewhere { found: ProductState::Provisioning.to_string() });
        }
        if let Some(state) = options.and_then(|o| o.pending_state()) {
            if progress.final_written && state == self.bound().target {
                return self.reset_and_go_on(progress);
            }
            return fail(IdentifyError::PendingState { state });
        }
        self.leave()?;
        if rehearsing {
            self.rehearse()?;
            return self.after_rehearsal();
        }
        match progress.proven {
            // A discovery may cost a power cycle, and this one was made: without it the way could never end on such a chip.
            Some(how) => {
                self.provision_again(how)?;
                self.last_step()
            }
            None => self.in_provisioning(),
        }
    }
}
