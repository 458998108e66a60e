//! What is known of a close before anything is done: facts, findings, plan; and who may confirm it.

use super::{
    bound::Bound,
    facts::{Asked, Facts, measure},
    plan::ClosePlan,
    preflight::{self, Finding},
    rehearsal::Rehearsal,
    wish::{Site, Wish},
};
use provost_chip::states::ProductState;

use crate::{
    Narrator,
    drive::{debug_auth::discover, reset, session::Session},
    fault::Result,
    job::Step,
};

/// Somebody who may give the phrase that confirms the last step.
pub trait Consent {
    /// Whether the phrase may still be given; asked before anything is written.
    fn is_possible(&mut self, phrase: &str) -> bool;
    /// Asks for the phrase before the final state is written; `false` if it was not given.
    fn ask(&mut self, phrase: &str) -> bool;
    /// Asks for the phrase before a rehearsal, which erases the chip on its way.
    fn ask_to_rehearse(&mut self, phrase: &str) -> bool {
        self.ask(phrase)
    }
}

impl<F: FnMut(&str) -> bool> Consent for F {
    fn is_possible(&mut self, _phrase: &str) -> bool {
        true
    }

    fn ask(&mut self, phrase: &str) -> bool {
        self(phrase)
    }
}

/// What is known before anything is done.
#[derive(Debug)]
pub struct Survey {
    /// What was measured.
    pub facts: Facts,
    /// What the preflight says of it.
    pub findings: Vec<Finding>,
    /// The plan, if everything that it is bound to could be measured.
    pub plan: Option<ClosePlan>,
}

/// Measures, and makes the plan. With `touch`, NRST is pulsed once every other rule has passed, and a chip in Provisioning is asked
/// who it is.
///
/// # Errors
/// An override that is none; nobody answers; the link breaks.
pub fn survey(
    session: &mut Session,
    wish: &Wish,
    site: &Site,
    touch: bool,
    narrator: &mut dyn Narrator,
) -> Result<Survey> {
    preflight::check_overrides(&wish.overrides, &site.policy)?;
    let mut facts = measure(session, wish, site, narrator)?;
    let mut findings = preflight::preflight(&facts);
    if touch && preflight::pass(&findings).is_ok() {
        narrator.step(&Step::ProveNrst.doing(), Step::ProveNrst.rules());
        facts.nrst = Some(reset::reaches(session)?);
        if facts.nrst == Some(true) && facts.state() == Some(ProductState::Provisioning) {
            ask_who(session, &mut facts, narrator)?;
        }
        findings = preflight::preflight(&facts);
    }
    let plan = Bound::of(&facts).map(|bound| ClosePlan::new(bound, findings.clone())).transpose()?;
    Ok(Survey { facts, findings, plan })
}

/// In Provisioning nothing but a discovery tells who the chip is.
fn ask_who(session: &mut Session, facts: &mut Facts, narrator: &mut dyn Narrator) -> Result<()> {
    narrator.step(&Step::AskWho.doing(), Step::AskWho.rules());
    let conversation = discover(session)?;
    narrator.note(&conversation.summary());
    facts.identity.uid = conversation.unique_id();
    facts.asked = Asked::Answered { in_rom: !reset::pulse(session)? };
    if let Some(uid) = facts.identity.uid {
        facts.rehearsed = Rehearsal::remembered(&facts.site.out, uid);
    }
    Ok(())
}
