//! Which unfinished rescue goes on: that of this chip, told by its unique id before anything is written.
//!
//! A chip in Provisioning does not show its unique id to the debugger; a discovery does, where the ROM does not show zeros. So a
//! rescue that was interrupted asks before it writes again. One that never learnt whose it is, is left as it stands and a new one
//! begins: an object may be stored over another. Only what was learnt of refused forms is worth a question to the person.

use provost_chip::unique_id::UniqueId;

use super::{RescueError, run::Run};
use crate::{
    drive::{identify::Identity, reset::ResetError},
    fault::{Result, fail},
    job::{Progress, Record, Step},
    store::{Found, Job, Kind, Match, Subject, find},
};

/// What a person says where the chip says nothing: that it is another board than that of any unfinished job.
const ANOTHER: &str = "another";

/// Whether an unfinished rescue is of the chip at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// It is, or nothing of it is in any chip yet.
    Ours,
    /// It is of another chip, or never learnt of which.
    Other,
    /// A discovery will tell.
    Ask,
    /// The chip was asked and showed zeros: a person must tell.
    Person,
}

/// The unique id that a job is known to be of: by its header, or by a discovery since.
fn uid_of(found: &Found<Record>) -> Option<UniqueId> {
    found.header.subject.uid.or_else(|| Progress::of(&found.records).seen)
}

fn whose(found: &Found<Record>, subject: &Subject) -> Whose {
    let progress = Progress::of(&found.records);
    match (uid_of(found), subject.uid) {
        (Some(a), Some(b)) if a.same_words(b) => Whose::Ours,
        (Some(_), Some(_)) => Whose::Other,
        _ if found.matches(subject) == Match::Other => Whose::Other,
        _ if !progress.has_written => Whose::Ours,
        // It said who it is right before its power was removed, as a chip asks for that leaves its ROM by nothing else.
        (Some(_), None) if progress.told_since_written => Whose::Ours,
        (Some(_), None) => Whose::Ask,
        (None, _) if progress.seen_since_written => Whose::Person,
        (None, _) => Whose::Other,
    }
}

impl Run<'_> {
    fn subject(&self, identity: &Identity, uid: Option<UniqueId>) -> Subject {
        Subject { chip: self.wish.chip.clone(), dev_id: identity.dev_id, uid: identity.uid.or(uid) }
    }

    /// Opens the journal for a chip that does not show its unique id: that of its unfinished rescue, or a new one.
    pub(super) fn open_job(&mut self, identity: &Identity) -> Result<()> {
        let subject = self.subject(identity, None);
        let mut ask = Vec::new();
        for found in find::<Record>(&self.wish.out, Kind::Rescue, &subject)? {
            if self.is_named(&found) {
                return self.go_on(found);
            }
            match whose(&found, &subject) {
                Whose::Ours => return self.go_on(found),
                Whose::Other => {}
                Whose::Person if self.wish.this_is.as_deref() == Some(ANOTHER) => {}
                Whose::Person => return fail(RescueError::CannotTell { folder: found.folder }),
                Whose::Ask => ask.push(found),
            }
        }
        if ask.is_empty() || self.plan.is_pending() {
            // What waits for a reset must not be asked: that resets it.
            return self.begin_job(&subject);
        }
        self.ask_who(identity, ask)
    }

    /// Opens the journal for a chip that has just been asked: for what follows nothing needs to be remembered.
    pub(super) fn open_job_of(&mut self, identity: &Identity, uid: Option<UniqueId>) -> Result<()> {
        let subject = self.subject(identity, uid);
        let all = find::<Record>(&self.wish.out, Kind::Rescue, &subject)?;
        match all.into_iter().find(|f| self.is_named(f) || whose(f, &subject) == Whose::Ours) {
            Some(found) => self.go_on(found)?,
            None => self.begin_job(&subject)?,
        }
        self.driver.record(Record::Seen { uid })
    }

    fn is_named(&self, found: &Found<Record>) -> bool {
        let Some(name) = self.wish.this_is.as_deref() else { return false };
        found.folder.file_name().is_some_and(|f| f == name) || uid_of(found).is_some_and(|uid| uid.to_string() == name)
    }

    /// Discovery says who it is, before anything is written.
    fn ask_who(&mut self, identity: &Identity, unfinished: Vec<Found<Record>>) -> Result<()> {
        self.driver.also(Step::AskWho);
        self.driver.begin(Step::AskWho)?;
        let uid = self.target.discover()?.unique_id();
        self.driver.note(&uid.map_or_else(|| "it does not say who it is".to_owned(), |uid| format!("it is {uid}")));
        let ours = unfinished.into_iter().find(|found| uid.zip(uid_of(found)).is_some_and(|(a, b)| a.same_words(b)));
        match ours {
            Some(found) => self.go_on(found)?,
            None => self.begin_job(&self.subject(identity, uid))?,
        }
        self.driver.record(Record::Seen { uid })?;
        if self.target.reset()? { Ok(()) } else { fail(ResetError::StaysInRssDa) }
    }

    fn begin_job(&mut self, subject: &Subject) -> Result<()> {
        let mut job = Job::begin(&self.wish.out, Kind::Rescue, subject)?;
        job.record(Record::Begun { plan: self.plan.hash.clone() })?;
        self.driver.open(job);
        Ok(())
    }

    fn go_on(&mut self, found: Found<Record>) -> Result<()> {
        self.driver.note("an earlier rescue of this chip was not finished: going on with it");
        self.driver.open(found.resume()?);
        Ok(())
    }

    /// The unfinished rescue of a chip that has finished by itself what was begun: an Open chip says who it is.
    pub(super) fn finished_by_itself(&self, identity: &Identity) -> Result<Option<Found<Record>>> {
        let subject = self.subject(identity, None);
        let all = find::<Record>(&self.wish.out, Kind::Rescue, &subject)?;
        Ok(all.into_iter().find(|f| {
            let same = uid_of(f).zip(subject.uid).is_some_and(|(a, b)| a.same_words(b));
            same && Progress::of(&f.records).has_written
        }))
    }
}
