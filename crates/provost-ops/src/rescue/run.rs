//! Carrying a rescue out.

use std::time::Duration;

use provost_chip::{
    assumptions::RssChecksum,
    parts::PartId,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_link::LinkError;

use super::{
    Receipt, RescueFolder,
    attempts::Verdict,
    plan::{Means, Situation, plan, situation},
    receipt::SCHEMA,
};
use crate::{
    Narrator,
    credential::CredentialSet,
    debug_auth::{Conversation, Discovered, authenticate, discover_aloud},
    error::{Failure, OpError, Result},
    fault::fail,
    identify::{Identity, identify},
    journal::{Attempt, Journal, Record},
    session::Session,
};

/// How long a chip may take to erase itself and come back Open (mass erase plus boot, with a wide margin).
const REGRESSION_TIMEOUT: Duration = Duration::from_secs(10);
const REGRESSION_POLL: Duration = Duration::from_millis(50);

/// What a rescue is asked for.
#[derive(Debug)]
pub struct Request {
    /// What `--probe` said, for the journal.
    pub chip: String,
    /// What the user says the part is.
    pub part: Option<PartId>,
    /// The user's own credential; otherwise one is made.
    pub credential: Option<CredentialSet>,
    /// Where credential, journal and receipt go.
    pub folder: RescueFolder,
    /// Go on where a closing write waits for its reset, although a wrong guess would then lose the chip.
    pub one_shot: bool,
    /// STM32H503 with blank OTP: write a password into it for the chip's whole life.
    pub once_for_life: bool,
}

impl Request {
    const fn means(&self) -> Means {
        Means { credential: self.credential.is_some(), once_for_life: self.once_for_life }
    }
}

/// Brings the chip to Open, or says why not.
///
/// # Errors
/// Every way in which a rescue can stop; [`OpError::exit`] says what it means, and whatever it is, the chip is no worse.
pub fn rescue(session: &mut Session, request: Request, narrator: &mut dyn Narrator) -> Result<Receipt> {
    let started = session.now();
    narrator.step("identify the chip, reading only", &[RuleId::IdentifyByAp0]);
    let before = identify(session)?;
    let parts = before.narrowed_to(request.part)?;
    narrator.note(&describe(&before));
    let plan = plan(&before, &parts, request.means())?;
    let situation = situation(&before, &parts)?;
    let mut run = Run { session, request, narrator, parts, journal: None, made: None, checksum: None };
    let ended = match situation {
        Situation::Open => Ended { after: before.clone(), discovered: None, attempt: None },
        Situation::Provisioning { tz, pending } => {
            run.rescue_provisioning(tz, pending, &before, &plan.hash).map_err(|e| run.interrupted(e))?
        }
        Situation::Otp if run.request.once_for_life => {
            run.rescue_by_otp(&before, &plan.hash).map_err(|e| run.interrupted(e))?
        }
        Situation::Otp if run.request.credential.is_none() => return fail(OpError::OtpOnceForLife),
        Situation::Otp | Situation::Shut => run.rescue_shut(&before, &plan.hash).map_err(|e| run.interrupted(e))?,
    };
    let set = run.set();
    let receipt = Receipt {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        time: Receipt::time(),
        chip: run.request.chip.clone(),
        virtual_chip: run.session.probe().virtual_chip,
        plan: plan.hash,
        before,
        discovered: ended.discovered,
        attempt: ended.attempt,
        checksum: run.checksum.map(|c| c.as_str().to_owned()),
        root_key_hash: set.and_then(CredentialSet::fingerprint),
        credential: set.map(|s| s.folder().display().to_string()),
        after: ended.after,
        took_ms: (run.session.now() - started).as_millis() as u64,
    };
    if run.journal.is_none() && run.request.folder.is_unfinished() {
        // An earlier run was interrupted, and the chip finished by itself what that one had begun.
        run.journal = Some(run.request.folder.journal()?);
    }
    if let Some(journal) = &mut run.journal {
        receipt.write(&run.request.folder)?;
        journal.append(Record::Done)?;
    }
    Ok(receipt)
}

fn describe(identity: &Identity) -> String {
    let parts = identity.parts.join(" or ");
    match identity.options {
        Some(options) => match options.state() {
            Some(state) => format!("{parts}, {state}, TrustZone {}", options.trustzone()),
            None => format!("{parts}, option word {:#010x}", options.optsr_cur),
        },
        None => format!("{parts}, AP1 shut"),
    }
}

pub(super) struct Ended {
    pub(super) after: Identity,
    pub(super) discovered: Option<Discovered>,
    pub(super) attempt: Option<Attempt>,
}

pub(super) struct Run<'a> {
    pub(super) session: &'a mut Session,
    pub(super) request: Request,
    pub(super) narrator: &'a mut dyn Narrator,
    pub(super) parts: Vec<PartId>,
    pub(super) journal: Option<Journal>,
    pub(super) made: Option<CredentialSet>,
    /// The checksum that the service was found to take.
    pub(super) checksum: Option<RssChecksum>,
}

impl Run<'_> {
    pub(super) fn set(&self) -> Option<&CredentialSet> {
        self.request.credential.as_ref().or(self.made.as_ref())
    }

    pub(super) fn record(&mut self, record: Record) -> Result<()> {
        match &mut self.journal {
            Some(journal) => journal.append(record),
            None => Ok(()),
        }
    }

    /// A link that breaks once something has been written is an interruption: the journal says how to go on.
    fn interrupted(&self, error: Failure) -> Failure {
        let Some(journal) = &self.journal else { return error };
        if error.of::<LinkError>().is_none() {
            return error;
        }
        OpError::Interrupted { doing: "rescuing", source: error, journal: journal.path().to_owned() }.into()
    }

    fn rescue_provisioning(
        &mut self,
        tz: TrustZone,
        pending: Option<ProductState>,
        identity: &Identity,
        plan: &str,
    ) -> Result<Ended> {
        match pending {
            None => self.prove_nrst()?,
            Some(state) => self
                .narrator
                .note(&format!("a write of {state} waits for the next reset; the credential goes in before any reset")),
        }
        self.begin(identity, plan)?;
        if let Some(state) = pending {
            self.ask_for_one_shot(state)?;
        }
        let verdict = self.with_trustzone(tz, pending.is_none())?;
        let tried = match verdict {
            Verdict::Open(ended) => return Ok(*ended),
            Verdict::Faulted => 0,
            Verdict::Refused(tried) => tried,
        };
        if !self.flip_trustzone(tz)? {
            return Err(if tried == 0 {
                OpError::ServiceUnreachable { tz: tz.as_str() }.into()
            } else {
                OpError::EveryWayRefused { tried }.into()
            });
        }
        match self.with_trustzone(tz.flipped(), true)? {
            Verdict::Open(ended) => Ok(*ended),
            Verdict::Faulted => fail(OpError::ServiceUnreachable { tz: tz.flipped().as_str() }),
            Verdict::Refused(more) => fail(OpError::EveryWayRefused { tried: tried + more }),
        }
    }

    /// Discovery resets the chip, and the waiting state takes effect: what was stored must then be right. Parts without
    /// secure AES refuse what they cannot use; the others take anything, and one guess is all there is.
    fn ask_for_one_shot(&self, state: ProductState) -> Result<()> {
        let may_take_anything = self.parts.iter().any(|p| p.info().crypto);
        if !may_take_anything || self.request.one_shot {
            return Ok(());
        }
        let credential = self.set().map(|s| s.folder().to_owned()).unwrap_or_default();
        fail(OpError::OneShot { state, credential })
    }

    /// Nothing is written before NRST is known to reach the chip: without it the credential could not be used.
    pub(super) fn prove_nrst(&mut self) -> Result<()> {
        self.narrator.step("prove that NRST reaches the chip", &[RuleId::DaNeedsNrst]);
        self.session.prove_nrst()?;
        self.narrator.note("the core saw the reset");
        Ok(())
    }

    /// Opens the journal and has a credential on the disk.
    pub(super) fn begin(&mut self, identity: &Identity, plan: &str) -> Result<()> {
        let journal = self.request.folder.journal()?;
        let fresh = journal.records().is_empty();
        if journal.dev_id().is_some_and(|id| id != identity.dev_id) {
            let source = std::io::Error::other("it tells of a chip with another DEV_ID: give this one another --out");
            return fail(OpError::Journal { path: journal.path().to_owned(), source });
        }
        self.journal = Some(journal);
        if fresh {
            let begin =
                Record::Begin { chip: self.request.chip.clone(), dev_id: identity.dev_id, plan: plan.to_owned() };
            self.record(begin)?;
        } else {
            self.narrator.note("an earlier rescue of this chip was not finished: going on with it");
        }
        if self.request.credential.is_none() {
            self.made = Some(self.credential_of_its_own()?);
        }
        let saved = self
            .journal
            .as_ref()
            .is_some_and(|j| j.records().iter().any(|r| matches!(r, Record::CredentialSaved { .. })));
        if !saved {
            let root_key_hash = self.set().and_then(CredentialSet::fingerprint);
            self.record(Record::CredentialSaved { root_key_hash })?;
        }
        Ok(())
    }

    fn credential_of_its_own(&mut self) -> Result<CredentialSet> {
        let folder = self.request.folder.credential();
        let saved = self
            .journal
            .as_ref()
            .is_some_and(|j| j.records().iter().any(|r| matches!(r, Record::CredentialSaved { .. })));
        if saved {
            return CredentialSet::load(&folder);
        }
        self.narrator.step(
            "make a credential for this chip and save it before it is sent",
            &[RuleId::BareProvisioningIsRescuable],
        );
        if folder.exists() {
            // Half a set, from a run that ended before it was announced: nothing was ever sent of it.
            std::fs::remove_dir_all(&folder)
                .map_err(|source| OpError::CredentialFile { path: folder.clone(), source })?;
        }
        let (set, keys) = CredentialSet::generate(&folder)?;
        set.save(&keys, self.parts.iter().any(|p| p.info().crypto))?;
        self.narrator.note(&format!("saved in {}", folder.display()));
        Ok(set)
    }

    pub(super) fn ask(&mut self) -> Result<Conversation> {
        discover_aloud(self.session, self.narrator)
    }

    pub(super) fn regress(&mut self, conversation: &Conversation, method: DaMethod) -> Result<()> {
        self.narrator.step(
            "authenticate a full regression: this erases the chip",
            &[RuleId::FullRegressionEffect, RuleId::DaFourMasks],
        );
        let set = self.request.credential.as_ref().or(self.made.as_ref());
        let Some(credential) = set.and_then(|s| s.credential(method)) else {
            let state = conversation.product_state().unwrap_or(ProductState::Provisioning);
            return fail(OpError::CredentialNeeded { state, method });
        };
        authenticate(self.session, &conversation.mailbox, credential)?;
        self.narrator.note("granted");
        Ok(())
    }

    /// Leaves RSS-DA by an NRST pulse (rule `R-RSS-DA-STAYS`).
    pub(super) fn leave(&mut self) -> Result<()> {
        self.session.pulse_nrst()?;
        if self.session.wait_for_ap1()? { Ok(()) } else { fail(OpError::StaysInRssDa) }
    }

    /// AP1 is shut, or the state is a closed one: Debug Authentication tells, and may lead back.
    fn rescue_shut(&mut self, identity: &Identity, plan: &str) -> Result<Ended> {
        let conversation = match self.ask() {
            Ok(conversation) => conversation,
            // A chip that was in the middle of a regression has finished it by now.
            Err(error) if matches!(error.of(), Some(OpError::NoDaAnswer { .. })) => {
                return self.open_after_all().ok_or(error);
            }
            Err(error) => return Err(error),
        };
        let state = conversation.product_state();
        if state == Some(ProductState::Locked) {
            return fail(OpError::Locked);
        }
        let integrity = conversation.discovery.integrity.map_or(0, provost_adac::discovery::Integrity::value);
        if let Some(method) = conversation.method().filter(|_| conversation.is_valid())
            && self.request.credential.as_ref().is_some_and(|s| s.has(method))
        {
            self.begin(identity, plan)?;
            self.regress(&conversation, method)?;
            let after = self.wait_until_open()?;
            return Ok(Ended { after, discovered: Some(conversation.report()), attempt: None });
        }
        self.leave_quietly();
        match (state, conversation.method()) {
            (Some(ProductState::Provisioning) | None, _) => self.rescue_left_in_rom(),
            (Some(state), Some(method)) if conversation.is_valid() => fail(OpError::CredentialNeeded { state, method }),
            (Some(state), _) => fail(OpError::ClosedWithoutData { state, integrity }),
        }
    }

    fn open_after_all(&mut self) -> Option<Ended> {
        let after = identify(self.session).ok().filter(is_open)?;
        Some(Ended { after, discovered: None, attempt: None })
    }

    fn leave_quietly(&mut self) {
        // Whether the pulse is enough does not matter for what is said next.
        if self.session.pulse_nrst().is_ok() {
            let _ = self.session.wait_for_ap1();
        }
    }

    /// The chip sat in RSS-DA: out of it by the pulse, it is a chip in Provisioning like any other.
    fn rescue_left_in_rom(&mut self) -> Result<Ended> {
        let identity = identify(self.session)?;
        let plan = plan(&identity, &self.parts, self.request.means())?;
        match situation(&identity, &self.parts)? {
            Situation::Provisioning { tz, pending } => self.rescue_provisioning(tz, pending, &identity, &plan.hash),
            Situation::Open => Ok(Ended { after: identity, discovered: None, attempt: None }),
            Situation::Otp if self.request.once_for_life => self.rescue_by_otp(&identity, &plan.hash),
            Situation::Otp => fail(OpError::OtpOnceForLife),
            Situation::Shut => fail(OpError::StaysInRssDa),
        }
    }

    /// The chip erases itself and resets; an immediate connect may fail (wolfTrust), so it is tried again for a while.
    pub(super) fn wait_until_open(&mut self) -> Result<Identity> {
        self.narrator.step("wait for the chip to come back Open", &[RuleId::FullRegressionEffect]);
        let end = self.session.now() + REGRESSION_TIMEOUT;
        loop {
            self.session.sleep(REGRESSION_POLL);
            let found = match identify(self.session) {
                Ok(identity) if is_open(&identity) => {
                    self.narrator.note(&describe(&identity));
                    return Ok(identity);
                }
                Err(error) if matches!(error.of(), Some(LinkError::ProbeLost { .. })) => return Err(error),
                other => other,
            };
            if self.session.now() >= end {
                let waited_ms = REGRESSION_TIMEOUT.as_millis() as u64;
                let found = describe(&found?);
                return fail(OpError::NotOpenAfterRegression { waited_ms, found });
            }
        }
    }
}

fn is_open(identity: &Identity) -> bool {
    identity.options.is_some_and(|o| o.state() == Some(ProductState::Open) && o.trustzone() == TrustZone::Disabled)
}
