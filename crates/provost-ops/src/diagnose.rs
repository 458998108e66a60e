//! A live chip as a case for the diagnosis: what identification measured, and, if asked for, what discovery said.

use provost_adac::discovery::Integrity;
use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::{
    Diagnosis, Given,
    answer::{self, Oddity, PlanStep},
    case::{Act, Case, ConnectMode, Discovery, Finding, Goal, OptionValue, Outcome, Step},
    diagnose_for,
    moves::Move,
    signs::Sign,
    unusual,
    verdict::Verdict,
};
use provost_link::LinkError;

use crate::{
    close::{
        facts,
        preflight::{Answer, Check, vector_table},
    },
    drive::{
        debug_auth::{self, AuthError},
        identify::{Identity, identify},
        reset,
        session::Session,
    },
    fault::Result,
    flash::Flash,
    option_bytes::OptionBytes,
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
    if in_open(&identity) {
        let options = OptionBytes::read(session, &identity, None)?;
        look_around(session, &identity, &options, &mut case)?;
    }
    if discover {
        identity.nothing_pending()?;
        case.steps.push(discovery(session)?);
        // Out of the ROM again where a reset does it.
        reset::pulse(session)?;
    }
    case.steps.iter_mut().for_each(|step| step.measured = true);
    Ok(Measured { identity: Some(identity), case })
}

fn in_open(identity: &Identity) -> bool {
    identity.options.and_then(|o| o.state()) == Some(ProductState::Open)
}

/// In Open: the option bytes that were read, and whether a vector table stands where the chip boots.
fn look_around(session: &mut Session, identity: &Identity, options: &OptionBytes, case: &mut Case) -> Result<()> {
    let fields = OptionField::of(options.part());
    case.options = fields
        .filter_map(|field| {
            Some(OptionValue { field: field.name.to_owned(), value: Some(options.value(field)?.into()) })
        })
        .collect();
    let tz = identity.options.map_or(TrustZone::Disabled, |o| o.trustzone());
    let Some((name, at)) = facts::boot(options, tz) else { return Ok(()) };
    // A flash whose size nobody shows cannot be looked into.
    let Ok(flash) = Flash::of(options) else { return Ok(()) };
    let (id, sign, found) = match facts::vectors(session, &flash, at)? {
        None => ("P-BOOT-ADDRESS", Sign::BootAddressWrong, format!("{name} leads to offset {at:#x}, beyond the flash")),
        Some(words) => match vector_table(words, flash.map().size) {
            Answer::Failed(found) => ("P-FIRMWARE", Sign::NoVectorTable, format!("{found}, by {name}")),
            _ => return Ok(()),
        },
    };
    if let Some(check) = Check::find(id) {
        let Check { id, says, confidence, source, .. } = *check;
        case.findings.push(Finding { id, says, found: found.clone(), confidence, source });
        case.steps.push(Step { signs: vec![sign], ..Step::new(Act::Observe(found), None) });
    }
    Ok(())
}

/// What the read-only checks of a chip that is Open find unusual: boot address and what stands there, watermarks, hidden areas, bank
/// swap, lock bits, watchdogs; nothing of a chip in another state.
///
/// # Errors
/// The probe fails.
pub fn triage(session: &mut Session, identity: &Identity) -> Result<Vec<Oddity>> {
    let mut case = Case::default();
    if in_open(identity) {
        // Only what may be found unusual, or says where the chip boots and which sectors are whose, is read.
        let options =
            OptionBytes::glance(session, identity, &|field| unusual::speaks_of(field.name) || field.name == "TZEN")?;
        look_around(session, identity, &options, &mut case)?;
    }
    Ok(answer::unusual(&case))
}

fn attached(ap: Option<u8>, outcome: Outcome) -> Step {
    Step::new(Act::Connect { mode: Some(ConnectMode::HotPlug), ap }, Some(outcome))
}

/// What identification measured, as steps.
pub fn of_identity(identity: &Identity) -> Case {
    let mut case = Case::default();
    case.chip.dev_id = Some(identity.dev_id);
    // What a bootloader read says nothing of access ports.
    let debugger = identity.debug.is_some();
    if debugger {
        case.steps.push(attached(Some(0), Outcome::Ok));
    }
    let Some(options) = identity.options else {
        case.steps.push(attached(Some(1), Outcome::Error));
        return case;
    };
    if let Some(state) = opened_by_authentication(identity) {
        // By itself AP1 is shut there; that somebody was let in shows what a discovery would.
        case.steps.push(attached(Some(1), Outcome::Error));
        let seen =
            Discovery { lifecycle: Some(state), integrity: Some(true), password: Some(false), ..Discovery::default() };
        case.steps.push(Step::new(Act::Discover(seen), Some(Outcome::Ok)));
        case.chip.state = Some(state);
        case.chip.tz = Some(options.trustzone());
        return case;
    }
    if debugger {
        case.steps.push(attached(Some(1), Outcome::Ok));
    }
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
    case.chip.pending = options.pending_state();
    case
}

/// The state of a chip whose AP1 no state opens by itself, and which is open: Debug Authentication has let somebody in.
pub fn opened_by_authentication(identity: &Identity) -> Option<ProductState> {
    identity.debug.as_ref()?;
    identity.options?.state().filter(|state| *state >= ProductState::Closed)
}

/// What the diagnosis makes of an identified chip. `status` prints it, `rescue` takes its steps from it: all answers are one.
///
/// # Errors
/// AP1 shows a word that is no product state.
pub fn outlook(identity: &Identity, parts: &[PartId], given: &Given) -> Result<Diagnosis> {
    found(identity, parts, given, None)
}

fn found(identity: &Identity, parts: &[PartId], given: &Given, goal: Option<Goal>) -> Result<Diagnosis> {
    identity.state()?;
    let mut case = of_identity(identity);
    case.goal = goal;
    case.steps.iter_mut().for_each(|step| step.measured = true);
    if let [part] = parts {
        case.chip.part = Some(part.to_string());
    }
    Ok(diagnose_for(&case, given))
}

/// The verdict, and the steps of the plan.
pub type Advice = (Verdict, Vec<Move>);

/// What is advised for an identified chip that shall go back to Open.
///
/// # Errors
/// As [`outlook`].
pub fn advice(identity: &Identity, parts: &[PartId]) -> Result<Advice> {
    let diagnosis = found(identity, parts, &Given::default(), Some(Goal::Open))?;
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

#[cfg(test)]
mod tests {
    use provost_chip::model::{
        Action, Chip, World,
        search::{Means, host_actions, way_to_open},
    };

    use super::*;
    use crate::drive::identify::{DebugPort, Options};

    fn identity(part: PartId, state: ProductState, tz: TrustZone, pending: ProductState) -> Identity {
        let word = |state: ProductState| u32::from(state.code()) << 8;
        let optsr2 = u32::from(tz.code()) << 24;
        let options =
            Options { optsr_cur: word(state), optsr_prg: word(pending), optsr2_cur: optsr2, optsr2_prg: optsr2 };
        let dev_id = part.info().dev_id;
        Identity {
            debug: Some(DebugPort { dpidr: 0x6BA0_2477, dbgmcu: 0xE004_4000, rev_id: 0x1000, sr: 0 }),
            dev_id,
            parts: PartId::with_dev_id(dev_id).collect(),
            options: Some(options),
            uid: None,
            flash: None,
        }
    }

    fn names(diagnosis: &Diagnosis) -> Vec<&str> {
        diagnosis.never.iter().map(|n| n.step.as_str()).collect()
    }

    /// Every write that the search of the model finds to lose a chip with nothing provisioned is warned of.
    #[test]
    fn what_loses_a_chip_is_among_what_must_not_be_done() {
        let actions = host_actions(&Means { person: true, ..Means::default() });
        let mut warned = 0;
        for part in PartId::all() {
            for state in [ProductState::Open, ProductState::Provisioning] {
                for tz in TrustZone::ALL.into_iter().filter(|tz| part.info().trustzone || *tz == TrustZone::Disabled) {
                    let found = outlook(&identity(part, state, tz, state), &[part], &Given::default()).unwrap();
                    for to in ProductState::ALL {
                        let mut chip = Chip::factory(part);
                        (chip.state, chip.tz) = (state, tz);
                        let mut world = World::new(chip);
                        world.step(Action::WriteProductState(to));
                        if way_to_open(world, &actions).is_none() {
                            let name = Move::WriteState(to).to_string();
                            assert!(names(&found).contains(&name.as_str()), "{part} {state} {tz}: {name}");
                            warned += 1;
                        }
                    }
                }
            }
        }
        assert!(warned > 20, "{warned}");
    }

    #[test]
    fn a_closing_write_that_waits_forbids_every_reset() {
        let part = "STM32H533".parse().unwrap();
        let waits = identity(part, ProductState::Provisioning, TrustZone::Enabled, ProductState::TzClosed);
        let found = outlook(&waits, &[part], &Given::default()).unwrap();
        assert_eq!(found.verdict, Verdict::Recoverable);
        for step in ["reset", "power-cycle", "connect:under-reset"] {
            assert!(names(&found).contains(&step), "{step}");
        }
        let place = |name: &str| found.plan.iter().position(|s| s.step == name);
        assert!(place("provision-da:certificate") < place("discover"), "the credential comes before any reset");
        assert!(place("provision-da:certificate").is_some());
        let commands: Vec<&str> = found.plan.iter().map(|s| s.commands.provost.as_str()).collect();
        assert!(commands.iter().any(|c| c.contains("--one-shot")), "{commands:?}");
    }
}
