//! Carrying a rescue out.

use std::path::PathBuf;

use provost_chip::{
    assumptions::RssChecksum,
    order_code::OrderCode,
    parts::{DaStore, PartId},
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};

use super::{
    RescueError,
    plan::{Means, Plan, Situation, plan},
    receipt::{Receipt, SCHEMA},
};
use crate::{
    Narrator,
    credential::{Binding, CredentialSet},
    drive::{
        bootloader::line_broke,
        debug_auth::{AuthError, Conversation, Discovered},
        identify::Identity,
        otp, regress,
        reset::ResetError,
        service::{EncryptWord, ServiceError},
        target::{Capability, Target, link_broke},
    },
    fault::{Failure, Result, fail},
    job::{Driver, How, Phase, ReceiptHead, Record, Step, document},
    store::{Base, Job, Secrecy},
};

const WORK: Phase = Phase::Work;
/// The receipt's name in the folder of the job.
const RECEIPT: &str = "receipt.json";
/// Where the credential made for a rescue lies in its folder.
const CREDENTIAL: &str = "credential";

/// What a rescue is asked for.
#[derive(Debug)]
pub struct Wish {
    /// What `--probe` said, for the journal.
    pub chip: String,
    /// What the user says the part is.
    pub part: Option<OrderCode>,
    /// The user's own credential; otherwise one is made.
    pub credential: Option<CredentialSet>,
    /// The credential may be in the chip already: it is asked before anything is put over it.
    pub inside: bool,
    /// The encryption word to use, where the user knows it.
    pub encrypt_word: Option<EncryptWord>,
    /// Where the folders of rescues go: credential, journal and receipt.
    pub out: Base,
    /// Go on where a closing write waits for its reset, although a wrong guess would then lose the chip.
    pub one_shot: bool,
    /// STM32H503 with blank OTP: write a password into it for the chip's whole life.
    pub once_for_life: bool,
    /// Where the chip does not say who it is: the name of the unfinished job that is of this board, or `another`.
    pub this_is: Option<String>,
}

impl Wish {
    /// What it may use.
    pub const fn means(&self) -> Means {
        Means { credential: self.credential.is_some(), inside: self.inside, once_for_life: self.once_for_life }
    }
}

/// A rescue that came to its end.
#[derive(Debug)]
pub struct Ended {
    /// What happened.
    pub receipt: Receipt,
    /// Where it is kept; `None` if nothing was written to the chip.
    pub folder: Option<PathBuf>,
    /// The steps that were performed.
    pub performed: Vec<Step>,
}

/// Brings the chip to Open, or says why not.
///
/// # Errors
/// Every way in which a rescue can stop; [`Failure::exit`] says what it means, and whatever it is, the chip is no worse.
pub fn rescue(target: &mut dyn Target, wish: Wish, narrator: &mut dyn Narrator) -> Result<Ended> {
    narrator.step("identify the chip, reading only", &[RuleId::IdentifyByAp0]);
    let before = target.identify()?;
    narrator.note(&before.to_string());
    let plan = plan(&before, &before.narrowed_to(wish.part)?, wish.means())?;
    carry_out(target, wish, before, plan, narrator)
}

/// Carries the plan of an identified chip out.
///
/// # Errors
/// As [`rescue`].
pub fn carry_out(
    target: &mut dyn Target,
    wish: Wish,
    before: Identity,
    plan: Plan,
    narrator: &mut dyn Narrator,
) -> Result<Ended> {
    let started = target.now();
    let parts = plan.parts.clone();
    let driver = Driver::new(narrator, plan.list.clone());
    let mut run = Run { target, wish, driver, parts, plan, made: None, checksum: None };
    let finish = run.from(&before).map_err(|error| run.interrupted(error))?;
    let took_ms = (run.target.now() - started).as_millis() as u64;
    run.close_books(before, finish, took_ms)
}

/// Where a rescue ended.
pub(super) struct Finish {
    after: Identity,
    discovered: Option<Discovered>,
    how: Option<How>,
}

/// What came of all attempts under one TrustZone setting.
pub(super) enum Verdict {
    Open(Box<Finish>),
    /// The service cannot be called with this setting.
    Faulted,
    /// Each attempt was refused, this many.
    Refused(usize),
}

pub(super) struct Run<'a> {
    pub(super) target: &'a mut dyn Target,
    pub(super) wish: Wish,
    pub(super) driver: Driver<'a>,
    pub(super) parts: Vec<PartId>,
    pub(super) plan: Plan,
    pub(super) made: Option<CredentialSet>,
    /// The checksum that the service was found to take.
    pub(super) checksum: Option<RssChecksum>,
}

impl Run<'_> {
    pub(super) fn set(&self) -> Option<&CredentialSet> {
        self.wish.credential.as_ref().or(self.made.as_ref())
    }

    /// A link that breaks once a journal is open is an interruption: the journal says how to go on.
    fn interrupted(&self, source: Failure) -> Failure {
        match self.driver.job() {
            Some(job) if link_broke(&source) || line_broke(&source) => {
                RescueError::Interrupted { doing: "rescuing", source, journal: job.journal().to_owned() }.into()
            }
            _ => source,
        }
    }

    fn from(&mut self, identity: &Identity) -> Result<Finish> {
        match self.plan.situation {
            Situation::Open => Ok(Finish { after: identity.clone(), discovered: None, how: None }),
            // A discovery resets the chip: not where a closing state waits for that.
            Situation::Provisioning { pending: None, .. } if self.wish.inside => {
                self.prove_nrst()?;
                self.when_shut(identity)
            }
            Situation::Provisioning { tz, pending } => self.in_provisioning(tz, pending, identity),
            Situation::Otp if self.wish.once_for_life => self.by_otp(identity),
            Situation::Otp if self.wish.credential.is_none() => fail(RescueError::OtpOnceForLife),
            Situation::Otp | Situation::Shut => self.when_shut(identity),
        }
    }

    fn in_provisioning(&mut self, tz: TrustZone, pending: Option<ProductState>, identity: &Identity) -> Result<Finish> {
        match pending {
            None => self.prove_nrst()?,
            Some(state) => self.driver.begin(Step::NotePending { state })?,
        }
        self.open_job(identity)?;
        self.have_credential(false)?;
        if let Some(state) = pending {
            self.ask_for_one_shot(state)?;
        }
        let tried = match self.with_trustzone(tz, pending.is_none())? {
            Verdict::Open(finish) => return Ok(*finish),
            Verdict::Faulted => 0,
            Verdict::Refused(tried) => tried,
        };
        if !self.flip_trustzone(tz)? {
            return if tried == 0 {
                fail(ServiceError::Unreachable { tz })
            } else {
                fail(RescueError::EveryWayRefused { tried })
            };
        }
        match self.with_trustzone(tz.flipped(), true)? {
            Verdict::Open(finish) => Ok(*finish),
            Verdict::Faulted => fail(ServiceError::Unreachable { tz: tz.flipped() }),
            Verdict::Refused(more) => fail(RescueError::EveryWayRefused { tried: tried + more }),
        }
    }

    /// Nothing is written before NRST is known to reach the chip: without it the credential could not be used.
    fn prove_nrst(&mut self) -> Result<()> {
        self.driver.begin(Step::ProveNrst)?;
        if !self.target.reset_reaches()? {
            return fail(ResetError::NrstNotWired);
        }
        self.driver.note("the core saw the reset");
        Ok(())
    }

    /// Discovery resets the chip, and the waiting state takes effect: what was stored must then be right. Parts without
    /// secure AES refuse what they cannot use; the others take anything, and one guess is all there is.
    fn ask_for_one_shot(&self, state: ProductState) -> Result<()> {
        let may_take_anything = self.parts.iter().any(|p| p.info().crypto);
        if !may_take_anything || self.wish.one_shot {
            return Ok(());
        }
        let credential = self.set().map(|s| s.folder().to_owned()).unwrap_or_default();
        fail(RescueError::OneShot { state, credential })
    }

    /// Has a credential on the disk: the user's, that of the unfinished rescue, or one made for this chip.
    fn have_credential(&mut self, password_only: bool) -> Result<()> {
        let saved = self.driver.progress().credential_saved;
        let Some(folder) = self.driver.job().map(|job| job.folder().join(CREDENTIAL)) else { return Ok(()) };
        // A folder comes whole or not at all: where there is one and no record of it, the run before was stopped in between.
        if self.wish.credential.is_none() && (saved || folder.exists()) {
            self.made = Some(CredentialSet::load(&folder)?);
        } else if self.wish.credential.is_none() {
            self.driver.begin(Step::MakeCredential { password_only })?;
            let encrypt = self.parts.iter().any(|p| p.info().crypto);
            self.made = Some(CredentialSet::make_in(&folder, encrypt)?);
            self.driver.note(&format!("saved in {}", folder.display()));
        }
        if saved {
            return Ok(());
        }
        let method = self.method();
        let uid = self.driver.job().and_then(|job| job.header().subject.uid);
        let credential = self.set().and_then(|set| Binding::of(set, method, uid));
        self.driver.record(Record::CredentialSaved { credential })
    }

    fn method(&self) -> DaMethod {
        match self.plan.situation {
            Situation::Provisioning { tz, .. } => DaMethod::for_trustzone(tz),
            _ => DaMethod::Password,
        }
    }

    pub(super) fn ask(&mut self, method: Option<DaMethod>) -> Result<Conversation> {
        self.driver.begin(Step::Discover { phase: WORK, method })?;
        let conversation = self.target.discover()?;
        self.driver.note(&conversation.summary());
        self.driver.record(Record::Seen { uid: conversation.unique_id() })?;
        Ok(conversation)
    }

    /// Leaves RSS-DA by a reset (rule `R-RSS-DA-STAYS`).
    pub(super) fn leave(&mut self) -> Result<()> {
        if self.target.reset()? { Ok(()) } else { fail(ResetError::StaysInRssDa) }
    }

    /// AP1 is shut, or the state is a closed one: Debug Authentication tells, and may lead back.
    fn when_shut(&mut self, identity: &Identity) -> Result<Finish> {
        let conversation = match self.ask(None) {
            Ok(conversation) => conversation,
            // A chip that was in the middle of a regression has finished it by now.
            Err(error) if matches!(error.of(), Some(AuthError::NoAnswer { .. })) => {
                return self.open_after_all().ok_or(error);
            }
            Err(error) => return Err(error),
        };
        let state = conversation.product_state();
        if state == Some(ProductState::Locked) {
            return fail(RescueError::Locked);
        }
        if let Some(method) = conversation.method().filter(|_| conversation.is_valid())
            && self.wish.credential.as_ref().is_some_and(|s| s.has(method))
        {
            self.open_job_of(identity, conversation.unique_id())?;
            self.have_credential(false)?;
            self.regress(&conversation, method)?;
            return self.finish(&conversation, None);
        }
        // Whether the pulse is enough to leave the ROM does not matter for what is said next.
        let _ = self.target.reset();
        match (state, conversation.method()) {
            (Some(ProductState::Provisioning) | None, _) => self.left_in_rom(),
            (Some(state), Some(method)) if conversation.is_valid() => {
                fail(RescueError::CredentialNeeded { state, method })
            }
            (Some(state), _) => fail(RescueError::ClosedWithoutData { state, integrity: conversation.integrity() }),
        }
    }

    fn open_after_all(&mut self) -> Option<Finish> {
        let after = self.target.identify().ok().filter(regress::is_regressed)?;
        Some(Finish { after, discovered: None, how: None })
    }

    /// The chip sat in RSS-DA: out of it by the pulse, it is a chip in Provisioning like any other.
    fn left_in_rom(&mut self) -> Result<Finish> {
        let identity = self.target.identify()?;
        // It has been asked.
        self.wish.inside = false;
        self.plan = plan(&identity, &self.parts, self.wish.means())?;
        self.driver.replan(self.plan.list.clone());
        match self.plan.situation {
            Situation::Shut => fail(ResetError::StaysInRssDa),
            Situation::Otp if !self.wish.once_for_life => fail(RescueError::OtpOnceForLife),
            _ => self.from(&identity),
        }
    }

    /// An STM32H503 in Provisioning with blank OTP: the one way back is a password that it then has for its whole life.
    fn by_otp(&mut self, identity: &Identity) -> Result<Finish> {
        // The lock bit takes a reset, and so does what waits.
        identity.nothing_pending()?;
        self.prove_nrst()?;
        self.open_job(identity)?;
        self.have_credential(true)?;
        let Some(password) = self.set().and_then(|s| s.password().cloned()) else {
            let (state, method) = (ProductState::Provisioning, DaMethod::Password);
            return fail(RescueError::CredentialNeeded { state, method });
        };
        let steps = otp::plan(self.target.session(Capability::Memory)?, &password)?;
        self.driver.begin(Step::WriteOtp)?;
        otp::write(self.target.session(Capability::Memory)?, &steps, self.driver.narrator())?;
        let conversation = self.ask(None)?;
        if !conversation.is_valid() {
            self.leave()?;
            return fail(RescueError::OtpNotValid { integrity: conversation.integrity() });
        }
        self.regress(&conversation, DaMethod::Password)?;
        self.finish(&conversation, Some(How::Otp))
    }

    /// The regression was granted: the chip comes back Open.
    pub(super) fn finish(&mut self, conversation: &Conversation, how: Option<How>) -> Result<Finish> {
        self.driver.begin(Step::VerifyOpen { phase: WORK })?;
        let after = self.target.until_open()?;
        self.driver.note(&after.to_string());
        Ok(Finish { after, discovered: Some(conversation.report()), how })
    }

    /// The receipt, and the last record; also for an earlier rescue whose chip has finished by itself what that one had begun.
    fn close_books(mut self, before: Identity, finish: Finish, took_ms: u64) -> Result<Ended> {
        if self.driver.job().is_none()
            && let Some(found) = self.finished_by_itself(&finish.after)?
        {
            self.driver.open(found.resume()?);
        }
        // What was written says it best, then what the chip asked for, then what it was before.
        let written = finish.how.and_then(How::attempt).map(|a| DaMethod::for_trustzone(a.trustzone));
        let asked = finish.discovered.as_ref().and_then(|d| d.method);
        let options = || before.options.map_or(DaMethod::Password, |o| DaMethod::for_trustzone(o.trustzone()));
        let method = written.or(asked).unwrap_or_else(options);
        let set = self.set();
        let receipt = Receipt {
            schema: SCHEMA,
            head: ReceiptHead::new(
                self.wish.out.store().clock().text(),
                &self.wish.chip,
                self.target.probe().virtual_chip,
                &self.plan.hash,
            ),
            before,
            discovered: finish.discovered,
            how: finish.how,
            binding: set.and_then(|set| Binding::of(set, method, finish.after.uid)),
            credential: set.map(|s| s.folder().display().to_string()),
            credential_for_life: self.parts.iter().all(|p| p.info().da_store == DaStore::Otp),
            after: finish.after,
            took_ms,
        };
        if let Some(job) = self.driver.job() {
            job.put(RECEIPT, &document(&receipt)?, Secrecy::Public)?;
            self.driver.record(Record::Done)?;
        }
        let folder = self.driver.job().map(|job: &Job<Record>| job.folder().to_owned());
        Ok(Ended { receipt, folder, performed: self.driver.performed().to_vec() })
    }
}
