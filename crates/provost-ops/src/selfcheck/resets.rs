//! What resets tell: whether NRST arrives, how the mailbox works, and whether Debug Authentication answers in Open.

use provost_adac::lifecycle::Lifecycle;
use provost_chip::rules::RuleId;

use super::{Findings, Hands, cycle_power, formats};
use crate::{
    Narrator,
    drive::{
        debug_auth::{AuthError, discover},
        look, reset,
        session::Session,
    },
    fault::Result,
};

/// Resets the chip three times, once with a request for Debug Authentication.
pub(super) fn ask(
    session: &mut Session,
    findings: &mut Findings,
    hands: &mut dyn Hands,
    narrator: &mut dyn Narrator,
) -> Result<()> {
    narrator.step("prove that NRST reaches the chip", &[RuleId::DaNeedsNrst]);
    reset::prove(session)?;
    narrator.step("look at the mailbox while NRST is low", &[RuleId::DaNeedsNrst]);
    formats::note_roles(look::host_bit(session)?, findings);
    session.wait_for_ap1()?;
    narrator.step("ask for Debug Authentication in Open", &[RuleId::DaNotInOpen]);
    match discover(session) {
        Ok(conversation) => {
            narrator.note("it answers");
            findings.settle("open-discovery", "answers", conversation.summary());
            formats::note(&conversation, Lifecycle::Open, findings);
            leave(session, findings, hands, narrator)
        }
        Err(error) if matches!(error.of(), Some(AuthError::NoAnswer { .. })) => {
            narrator.note("no answer, as is documented");
            findings.settle("open-discovery", "silent", "no reply to the request within the time of any other state");
            session.wait_for_ap1()?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Leaves the ROM after a discovery, by NRST or by hand, and notes which it took.
pub(super) fn leave(
    session: &mut Session,
    findings: &mut Findings,
    hands: &mut dyn Hands,
    narrator: &mut dyn Narrator,
) -> Result<()> {
    let name = "leave-rss-da";
    // In Open AP1 may be open whatever runs: there only the mailbox tells whether the ROM is left.
    if reset::pulse(session)? && !look::mailbox_is_read(session)? {
        findings.settle(name, "nrst", "after a discovery and an NRST pulse AP1 is open, and nobody reads the mailbox");
        return Ok(());
    }
    findings.settle(name, "power", "after a discovery and an NRST pulse the chip is still in its ROM");
    cycle_power(session, hands, narrator).map(drop)
}
