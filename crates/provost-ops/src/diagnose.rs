//! A live chip as a case for the diagnosis: what identification measured, and, if asked for, what discovery said.

use provost_adac::discovery::Integrity;
use provost_chip::{parts::PartId, states::DaMethod};
use provost_diagnosis::{
    answer::PlanStep,
    case::{Act, Case, ConnectMode, Discovery, Goal, OptionValue, Outcome, Step},
    diagnose,
    moves::Move,
    verdict::Verdict,
};
use provost_link::LinkError;

use crate::{
    drive::{
        debug_auth::{self, AuthError},
        identify::{Identity, identify},
        reset,
        session::Session,
    },
    fault::Result,
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
        identity.nothing_pending()?;
        case.steps.push(discovery(session)?);
        // Out of the ROM again where a reset does it.
        reset::pulse(session)?;
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
    if identity.parts.iter().any(|p| p.info().trustzone) {
        read("TZEN", options.optsr2_cur >> 24);
        case.chip.tz = Some(options.trustzone());
    }
    case.chip.state = options.state();
    case
}

/// What the diagnosis makes of an identified chip: the verdict, and the steps of its plan.
pub type Advice = (Verdict, Vec<Move>);

/// What the diagnosis advises for an identified chip. `rescue` takes its steps from here, so that advice and action are one.
///
/// # Errors
/// AP1 shows a word that is no product state.
pub fn advice(identity: &Identity, parts: &[PartId]) -> Result<Advice> {
    identity.state()?;
    let mut case = of_identity(identity);
    // Who calls for a rescue wants the chip back in Open.
    case.goal = Some(Goal::Open);
    case.steps.iter_mut().for_each(|step| step.measured = true);
    if let [part] = parts {
        case.chip.part = Some(part.to_string());
    }
    let diagnosis = diagnose(&case);
    Ok((diagnosis.verdict, diagnosis.plan.iter().filter_map(PlanStep::action).collect()))
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
        Err(error) if matches!(error.of(), Some(AuthError::NoAnswer { .. })) => {
            Ok(step(Discovery::default(), Outcome::Timeout))
        }
        Err(error) => Err(error),
    }
}
