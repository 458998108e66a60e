//! Which unfinished close is of the chip at hand: told by its unique id before anything is written. An Open chip shows it over AP1,
//! any other by a discovery; where the ROM shows zeros, a person must say.

use std::path::PathBuf;

use provost_chip::{states::ProductState, unique_id::UniqueId};

use super::{CloseError, wish::Site};
use crate::{
    drive::{
        identify::{Identity, identify},
        session::Session,
    },
    fault::{Result, fail},
    job::{Progress, Record},
    store::{Found, Kind, Subject, Unfinished, find, list_unfinished},
};

/// What an earlier run left of the chip at hand.
pub(super) enum Begun {
    /// Nothing.
    Nothing,
    /// A journal, and nothing in the chip: it is Open, and no rehearsal holds its firmware.
    Over(Found<Record>),
    /// A close to go on with; or several, one of which may be of this chip.
    Unfinished(PathBuf),
}

/// The unfinished closes that may be of this chip, that with its unique id first.
pub(super) fn candidates(identity: &Identity, site: &Site) -> Result<Vec<Found<Record>>> {
    let subject = Subject { chip: site.chip.clone(), dev_id: identity.dev_id, uid: identity.uid };
    let mut all = find::<Record>(&site.out, Kind::Close, &subject)?;
    // What was never announced is in no chip but the one that it was begun on.
    all.retain(|f| Progress::of(&f.records).has_written || identity.uid.is_some());
    Ok(all)
}

/// What an earlier run left. Reads only.
pub(super) fn begun(session: &mut Session, site: &Site) -> Result<Begun> {
    // Most often there is nothing, and the chip need not be looked at for that.
    let closes = |u: &Unfinished| u.header.as_ref().is_none_or(|header| header.kind == Kind::Close);
    if !list_unfinished(&site.out)?.iter().any(closes) {
        return Ok(Begun::Nothing);
    }
    let identity = identify(session)?;
    let Some(found) = candidates(&identity, site)?.into_iter().next() else { return Ok(Begun::Nothing) };
    let progress = Progress::of(&found.records);
    let rehearsing = progress.rehearsing && progress.rehearsed.is_none();
    let open = identity.options.is_some_and(|o| o.state() == Some(ProductState::Open) && o.pending_state().is_none());
    Ok(if !progress.has_written || open && !rehearsing { Begun::Over(found) } else { Begun::Unfinished(found.folder) })
}

fn uid_of(found: &Found<Record>) -> Option<UniqueId> {
    found.header.subject.uid
}

fn is_named(found: &Found<Record>, site: &Site) -> bool {
    site.this_is.as_deref().is_some_and(|name| {
        found.folder.file_name().is_some_and(|f| f == name) || uid_of(found).is_some_and(|uid| uid.to_string() == name)
    })
}

/// What is known of who a chip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Its unique id.
    Id(UniqueId),
    /// It was asked, and shows zeros.
    Silent,
    /// It was not asked yet.
    NotAsked,
}

/// Which of the candidates is of the chip.
pub(super) enum Choice {
    /// This one. Whether it is by a person's word.
    This(Box<Found<Record>>, bool),
    /// The chip must be asked.
    Ask(Vec<Found<Record>>),
}

/// Chooses.
///
/// # Errors
/// There is none; the chip is another one; it cannot be told.
pub(super) fn choose(mut candidates: Vec<Found<Record>>, who: Who, site: &Site) -> Result<Choice> {
    let Some(first) = candidates.first() else {
        let (chip, out) = (site.chip.clone(), site.out.path().to_owned());
        return fail(CloseError::NothingToResume { chip, out });
    };
    let (expected, folder) = (uid_of(first), first.folder.clone());
    let told = |f: &Found<Record>| Progress::of(&f.records).told_since_written;
    let named = candidates.iter().position(|f| is_named(f, site));
    let at = match (who, named) {
        (Who::Id(id), _) => match candidates.iter().position(|f| uid_of(f).is_some_and(|uid| uid.same_words(id))) {
            Some(at) => at,
            None => {
                let expected = expected.map_or_else(|| "another chip".to_owned(), |uid| uid.to_string());
                return fail(CloseError::WrongChip { expected, found: id.to_string() });
            }
        },
        (Who::Silent | Who::NotAsked, Some(at)) => at,
        // It said who it is right before its power was removed, as a chip wants it that leaves its ROM by nothing else.
        (Who::Silent | Who::NotAsked, None) if candidates.len() == 1 && told(first) => 0,
        (Who::NotAsked, None) => return Ok(Choice::Ask(candidates)),
        (Who::Silent, None) => return fail(CloseError::CannotTell { folder }),
    };
    let by_word = matches!(who, Who::Silent | Who::NotAsked) && named.is_some();
    Ok(Choice::This(Box::new(candidates.swap_remove(at)), by_word))
}
