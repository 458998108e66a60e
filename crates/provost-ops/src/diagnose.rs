//! A live chip as a case for the diagnosis: what identification measured, and, if asked for, what discovery said.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use provost_adac::discovery::Integrity;
use provost_chip::{
    parts::PartId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::{
    answer::PlanStep,
    case::{Act, Case, ConnectMode, Discovery, OptionValue, Outcome, Step},
    diagnose,
    moves::Move,
    verdict::Verdict,
};
use provost_link::LinkError;

use crate::{
    debug_auth,
    error::{OpError, Result},
    fault::fail,
    identify::{Identity, identify},
    session::Session,
};

/// What was measured on a chip.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Who it is; `None` if nobody answered.
    pub identity: Option<Identity>,
    /// The same as a report that the diagnosis reads.
    pub case: Case,
}

/// Looks at a chip without touching it. With `discover` it also enters Debug Authentication, which resets the chip.
///
/// A chip that does not answer is evidence too; only a probe that fails is an error.
///
/// # Errors
/// The probe fails, the chip is no STM32H5, or a discovery would let a waiting product state take effect.
pub fn measure(session: &mut Session, discover: bool) -> Result<Measured> {
    let identity = match identify(session) {
        Ok(identity) => identity,
        Err(error) if matches!(error.of(), Some(LinkError::NoAck { .. } | LinkError::NotADebugPort { .. })) => {
            let mut case = Case::default();
            case.steps.push(attached(None, Outcome::NoDevice));
            return Ok(Measured { identity: None, case });
        }
        Err(error) => return Err(error),
    };
    let mut case = of_identity(&identity);
    if discover {
        if let Some(state) = identity.options.and_then(|o| o.pending_state()) {
            return fail(OpError::PendingState { state });
        }
        case.steps.push(discovery(session)?);
        // Out of the ROM again where a reset does it.
        session.pulse_nrst()?;
        session.wait_for_ap1()?;
    }
    case.steps.iter_mut().for_each(|step| step.measured = true);
    Ok(Measured { identity: Some(identity), case })
}

fn attached(ap: Option<u8>, outcome: Outcome) -> Step {
    Step::new(Act::Connect { mode: Some(ConnectMode::HotPlug), ap }, Some(outcome))
}

/// What identification measured, as steps.
pub fn of_identity(identity: &Identity) -> Case {
    let mut case = Case::default();
    case.chip.dev_id = Some(identity.dev_id);
    case.steps.push(attached(Some(0), Outcome::Ok));
    let Some(options) = identity.options else {
        case.steps.push(attached(Some(1), Outcome::Error));
        return case;
    };
    case.steps.push(attached(Some(1), Outcome::Ok));
    let mut read = |field: &str, value: u32| {
        let option = OptionValue { field: field.to_owned(), value: Some(u64::from(value)) };
        case.steps.push(Step::new(Act::ReadOption(option), Some(Outcome::Ok)));
    };
    read("PRODUCT_STATE", options.optsr_cur >> 8 & 0xFF);
    if identity.part_ids().any(|p| p.info().trustzone) {
        read("TZEN", options.optsr2_cur >> 24);
        case.chip.tz = Some(options.trustzone());
    }
    case.chip.state = options.state();
    case
}

/// What the diagnosis makes of an identified chip: the verdict, and the steps of its plan.
pub type Advice = (Verdict, Vec<Move>);

/// What advice depends on: the parts it may be, and what AP1 showed.
type Shown = (Vec<PartId>, Option<(ProductState, TrustZone)>);

/// What the diagnosis advises for an identified chip. `rescue` takes its steps from here, so that advice and action are one.
///
/// The same chip gives the same advice: it is worked out once.
///
/// # Errors
/// AP1 shows a word that is no product state.
pub fn advice(identity: &Identity, parts: &[PartId]) -> Result<Advice> {
    static GIVEN: LazyLock<Mutex<HashMap<Shown, Advice>>> = LazyLock::new(Mutex::default);
    let shown = (parts.to_vec(), identity.state()?.zip(identity.options.map(|o| o.trustzone())));
    if let Some(given) = GIVEN.lock().ok().and_then(|given| given.get(&shown).cloned()) {
        return Ok(given);
    }
    let mut case = of_identity(identity);
    case.steps.iter_mut().for_each(|step| step.measured = true);
    if let [part] = parts {
        case.chip.part = Some(part.to_string());
    }
    let diagnosis = diagnose(&case);
    let advice = (diagnosis.verdict, diagnosis.plan.iter().filter_map(PlanStep::action).collect::<Vec<Move>>());
    if let Ok(mut given) = GIVEN.lock() {
        given.insert(shown, advice.clone());
    }
    Ok(advice)
}

fn discovery(session: &mut Session) -> Result<Step> {
    let step = |discovery, outcome| Step::new(Act::Discover(discovery), Some(outcome));
    match debug_auth::discover(session) {
        Ok(conversation) => {
            let seen = Discovery {
                lifecycle: conversation.product_state(),
                integrity: conversation.discovery.integrity.map(|i| i == Integrity::Valid),
                hdpl1: conversation.discovery.hdpl_status[0],
                permissions: Some(conversation.report().permissions),
                password: conversation.method().map(|m| m == DaMethod::Password),
                empty_answer: false,
            };
            Ok(step(seen, Outcome::Ok))
        }
        Err(error) if matches!(error.of(), Some(OpError::NoDaAnswer { .. })) => {
            Ok(step(Discovery::default(), Outcome::Timeout))
        }
        Err(error) => Err(error),
    }
}
