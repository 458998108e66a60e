//! Beginning a close: an unfinished one of this chip is gone on with, or the chip is surveyed, and the plan put on the disk first.

use super::{
    CloseError,
    facts::Asked,
    plan::ClosePlan,
    preflight, restore,
    resume::resume,
    run::{Ended, PLAN, Run, as_planned, held, objects},
    survey::{Consent, survey},
    whose::{self, Begun},
    wish::{Site, Wish},
};
use crate::{
    Narrator,
    drive::session::Session,
    fault::{Result, fail},
    job::{Driver, Record, Step, document},
    store::{Job, Kind, Secrecy, Subject},
};

/// Closes the chip, or says why not. An unfinished close of this chip with the same end is gone on with.
///
/// # Errors
/// Every way in which a close can stop; [`Failure::exit`](crate::fault::Failure::exit) says what it means.
pub fn close(
    session: &mut Session,
    wish: &Wish,
    site: &Site,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Ended> {
    start(session, wish, site, None, consent, narrator)
}

/// Carries out exactly this plan on exactly its chip, or refuses and says what is different.
///
/// # Errors
/// As [`close`], and [`CloseError::PlanDiffers`].
pub fn apply(
    session: &mut Session,
    plan: &ClosePlan,
    site: &Site,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Ended> {
    start(session, &as_planned(&plan.bound, site), site, Some(plan), consent, narrator)
}

fn start(
    session: &mut Session,
    wish: &Wish,
    site: &Site,
    planned: Option<&ClosePlan>,
    consent: &mut dyn Consent,
    narrator: &mut dyn Narrator,
) -> Result<Ended> {
    let started = session.now();
    match whose::begun(session, site)? {
        Begun::Nothing => {}
        // Nothing is left of it but its journal.
        Begun::Over(found) => found.resume()?.record(Record::Abandoned)?,
        Begun::Unfinished(folder) => {
            let same = ClosePlan::load(&folder.join(PLAN))?.bound.target == wish.target;
            if !same || planned.is_some() {
                return fail(CloseError::Unfinished { folder });
            }
            return resume(session, site, consent, narrator);
        }
    }
    let survey = survey(session, wish, site, true, narrator)?;
    preflight::pass(&survey.findings)?;
    let (mut facts, findings) = (survey.facts, survey.findings);
    let Some(found) = survey.plan else {
        // Every way in which a plan is missing fails a rule that nobody may override.
        return fail(CloseError::Elsewhere { found: "not measured completely".to_owned() });
    };
    let plan = match planned {
        None => found,
        Some(planned) => {
            let differences = planned.bound.differences(&found.bound);
            if !differences.is_empty() {
                return fail(CloseError::PlanDiffers { differences });
            }
            ClosePlan { checks: findings, ..planned.clone() }
        }
    };
    if let Some(escrow) = &site.escrow {
        escrow.is_free()?;
    }
    for finding in plan.checks.iter().filter(|f| f.verdict.is_let_pass()) {
        narrator.note(&format!("{} {}: {}", finding.rule, finding.verdict, finding.found));
    }
    let phrase = plan.bound.phrase();
    if !consent.is_possible(&phrase) || plan.bound.rehearse && !consent.ask_to_rehearse(&phrase) {
        return fail(CloseError::NotConfirmed { phrase });
    }
    let mut driver = Driver::new(narrator, plan.list());
    driver.already(Step::ProveNrst);
    driver.begin(Step::ReadCredential)?;
    let kept = std::mem::take(&mut facts.kept);
    let bound = &plan.bound;
    let subject = Subject { chip: site.chip.clone(), dev_id: bound.dev_id, uid: Some(bound.uid) };
    let mut job = Job::begin(&site.out, Kind::Close, &subject)?;
    for image in &kept {
        restore::keep(&job, image)?;
    }
    job.put(PLAN, &document(&plan)?, Secrecy::Secret)?;
    let (set, payload) = held(&plan, site)?;
    let objects = objects(&plan)?;
    if let Some(escrow) = &site.escrow {
        escrow.keep(&job, set.folder())?;
    }
    job.record(Record::Begun { plan: plan.hash.clone() })?;
    job.record(Record::CredentialSaved { credential: Some(bound.binding.clone()) })?;
    driver.open(job);
    let known = facts.rehearsal_that_counts().and_then(Result::ok);
    let asked = facts.asked;
    let mut run =
        Run { session, site, consent, driver, plan, set, payload, objects, kept, known, started, rehearsed: false };
    match asked {
        Asked::Not => run.start_from_open(),
        Asked::Answered { in_rom } => run.start_in_provisioning(in_rom),
    }
    .map_err(|e| run.interrupted(e))
}
