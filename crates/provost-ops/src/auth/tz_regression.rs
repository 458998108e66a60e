//! The partial regression: back to TZ-Closed, the non-secure side erased, the secure side kept.

use std::{path::PathBuf, time::Duration};

use provost_adac::permission::Permission;
use provost_chip::{
    order_code::OrderCode,
    states::{DaMethod, ProductState},
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{AccessError, is_closed, may_grant, proof};
use crate::{
    Narrator,
    credential::{Binding, CredentialSet, Proof},
    drive::{
        debug_auth::{AuthError, Conversation, Discovered},
        identify::Identity,
        target::{Target, link_broke},
    },
    fault::{Failure, Result, fail},
    job::{Driver, Phase, PlanStep, ReceiptHead, Record, Step, document, hash_of},
    store::{Base, Job, Kind, Match, Secrecy, Subject, find},
};

/// Schema of the receipt.
pub const SCHEMA: &str = "provost.tz-regression/1";
const RECEIPT: &str = "receipt.json";
/// How long a chip may take to erase its non-secure side (a mass erase, with a wide margin).
const TIMEOUT: Duration = Duration::from_secs(10);
/// A discovery resets the chip: it is not asked while it may still erase.
const ERASE: Duration = Duration::from_secs(1);
const STEPS: [Step; 3] = [Step::Discover { phase: Phase::Work, method: None }, Step::RegressTz, Step::VerifyTzClosed];

/// What is asked for.
#[derive(Debug)]
pub struct TzWish {
    /// What `--probe` said, for the journal.
    pub chip: String,
    /// What the user says the part is.
    pub part: Option<OrderCode>,
    /// The certificate that was provisioned.
    pub credential: CredentialSet,
    /// Where journal and receipt go.
    pub out: Base,
}

/// What it leaves for the records.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TzReceipt {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// Which tool, when, which chip, which plan.
    #[serde(flatten)]
    pub head: ReceiptHead,
    /// Its unique id, where it shows one.
    pub uid: Option<UniqueId>,
    /// The chip before.
    pub before: Identity,
    /// What it said before.
    pub asked: Discovered,
    /// What ties the credential used to this receipt.
    pub binding: Option<Binding>,
    /// What it said afterwards.
    pub discovered: Discovered,
}

/// A partial regression that came to its end.
#[derive(Debug)]
pub struct TzEnded {
    /// What happened.
    pub receipt: TzReceipt,
    /// Where it is kept.
    pub folder: PathBuf,
    /// The steps that were performed.
    pub performed: Vec<Step>,
}

/// Brings a closed chip back to TZ-Closed with a certificate.
///
/// # Errors
/// The credential or the chip cannot, before anything is sent; the chip refuses; it is not found TZ-Closed; the link breaks, and then
/// the journal says how to go on.
pub fn tz_regression(target: &mut dyn Target, wish: TzWish, narrator: &mut dyn Narrator) -> Result<TzEnded> {
    let proof = proof(&wish.credential, Permission::TzRegression)?;
    let before = target.identify()?;
    before.narrowed_to(wish.part)?;
    is_closed(&before)?;
    let steps: Vec<PlanStep> = STEPS.map(PlanStep::from).into();
    let plan = hash_of(&before.parts, &steps)?;
    let mut driver = Driver::new(narrator, STEPS.into());
    driver.begin(STEPS[0])?;
    let conversation = target.discover()?;
    driver.note(&conversation.summary());
    if let Err(error) = may_regress(&conversation) {
        let _ = target.reset();
        return Err(error);
    }
    let subject = Subject { chip: wish.chip.clone(), dev_id: before.dev_id, uid: conversation.unique_id() };
    let job = open_job(&wish.out, &subject, &plan)?;
    driver.open(job);
    driver.record(Record::Seen { uid: conversation.unique_id() })?;
    let (folder, discovered) =
        regress(target, &mut driver, &conversation, &proof).map_err(|error| interrupted(&driver, error))?;
    let receipt = TzReceipt {
        schema: SCHEMA,
        head: ReceiptHead::new(wish.out.store().clock().text(), &wish.chip, target.probe().virtual_chip, &plan),
        uid: conversation.unique_id(),
        before,
        asked: conversation.report(),
        binding: Binding::of(&wish.credential, DaMethod::Certificate, conversation.unique_id()),
        discovered: discovered.report(),
    };
    if let Some(job) = driver.job() {
        job.put(RECEIPT, &document(&receipt)?, Secrecy::Public)?;
    }
    driver.record(Record::Done)?;
    Ok(TzEnded { receipt, folder, performed: driver.performed().to_vec() })
}

/// What such a regression is for: a chip whose certificate was provisioned before it was closed.
fn may_regress(conversation: &Conversation) -> Result<()> {
    may_grant(conversation, Permission::TzRegression)?;
    match conversation.product_state() {
        Some(state @ (ProductState::Open | ProductState::Provisioning)) => fail(AccessError::NotForState { state }),
        _ => Ok(()),
    }
}

/// The unfinished one of this chip, which is simply done again, or a new one.
fn open_job(out: &Base, subject: &Subject, plan: &str) -> Result<Job<Record>> {
    let mut all = find::<Record>(out, Kind::TzRegression, subject)?.into_iter();
    if let Some(found) = all.find(|found| found.matches(subject) == Match::Same) {
        return Ok(found.resume()?);
    }
    let mut job = Job::begin(out, Kind::TzRegression, subject)?;
    job.record(Record::Begun { plan: plan.to_owned() })?;
    Ok(job)
}

fn regress(
    target: &mut dyn Target,
    driver: &mut Driver<'_>,
    conversation: &Conversation,
    proof: &Proof<'_>,
) -> Result<(PathBuf, Conversation)> {
    let folder = driver.job().map(|job| job.folder().to_owned()).unwrap_or_default();
    driver.begin(Step::RegressTz)?;
    if let Err(error) = target.authenticate(conversation, proof.credential(), &|asked| proof.sign(asked)) {
        if matches!(error.of(), Some(AuthError::Refused { .. } | AuthError::Signer(_))) {
            // Nothing was done to the chip.
            driver.record(Record::Abandoned)?;
            let _ = target.reset();
        }
        return Err(error);
    }
    driver.begin(Step::VerifyTzClosed)?;
    let end = target.now() + TIMEOUT;
    loop {
        target.sleep(ERASE);
        match target.discover() {
            Ok(now) if now.product_state() == Some(ProductState::TzClosed) => {
                driver.note(&now.summary());
                // Whether the pulse is enough to leave the ROM cannot be seen: no non-secure code is left to open AP1.
                let _ = target.reset();
                return Ok((folder, now));
            }
            Err(error) if !matches!(error.of(), Some(AuthError::NoAnswer { .. })) => return Err(error),
            _ if target.now() >= end => {
                return fail(AccessError::NotTzClosed { waited_ms: TIMEOUT.as_millis() as u64 });
            }
            _ => {}
        }
    }
}

/// A link that breaks once the journal is open is an interruption: the journal says how to go on.
fn interrupted(driver: &Driver<'_>, source: Failure) -> Failure {
    match driver.job() {
        Some(job) if link_broke(&source) => {
            let journal = job.journal().to_owned();
            AccessError::Interrupted { doing: "regressing to TZ-Closed", source, journal }.into()
        }
        _ => source,
    }
}
