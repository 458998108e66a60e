//! One step done to a virtual chip as any tool would do it: no plan, no journal, nothing refused but by the chip. So a wrong step can be seen.

use std::time::Duration;

use provost_chip::{registers::flash, side::Side, states::ProductState};
use provost_diagnosis::moves::Move;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Narrator,
    drive::{
        identify::{Identity, identify},
        launch, reset,
        session::Session,
        state,
    },
    fault::{Result, fail, faults},
};

faults! {
    /// Why a step is not practised.
    pub enum PractiseError {
        /// The chip is a real one.
        #[error("only a virtual chip is for trying: {probe} is a real probe, and nothing was written")]
        RealChip {
            /// The probe.
            probe: String,
        } = "not-a-virtual-chip", Refused {
            causes: ["a step without plan and journal can lose a chip"],
            next: ["`provost twin new FILE --like FILE` makes a virtual chip of a report"],
        }
        /// The step is none that a tool does to a chip.
        #[error("{step} is no step that a tool does to a chip")]
        NoSuchStep {
            /// Its name, as it was given.
            step: String,
        } = "no-such-step", Usage {
            causes: ["a misspelt step, or one that a person does"],
            next: ["name it as `provost diagnose --json` does, such as erase:flash or write-option:PRODUCT_STATE=0xC6"],
        }
        /// The port that the step needs is shut.
        #[error("the chip does not let a debugger do that: AP1 is shut")]
        Shut = "practise-shut", Refused {
            causes: ["past Provisioning the port to the core is shut to debuggers"],
            next: ["nothing was written; `provost status` says what is open"],
        }
    }
}

/// What came of a step.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Practised {
    /// The step, by its name.
    pub step: String,
    /// The same in words.
    pub words: String,
    /// What the chip was before.
    #[schemars(with = "Option<ProductState>")]
    pub before: Option<&'static str>,
    /// What it is after it; none where nothing shows it any more.
    #[schemars(with = "Option<ProductState>")]
    pub after: Option<&'static str>,
}

/// How long a mass erase may take.
const ERASE: Duration = Duration::from_secs(2);

/// Does one step over the wire, and a reset behind it.
///
/// # Errors
/// The chip is no virtual one, the step is none over the wire, or its port is shut.
pub fn practise(session: &mut Session, step: Move, narrator: &mut dyn Narrator) -> Result<Practised> {
    if !session.probe().virtual_chip {
        return fail(PractiseError::RealChip { probe: session.probe().to_string() });
    }
    let before = identify(session)?;
    narrator.step(&step.words(), &[]);
    if !before.ap1_open() {
        return fail(PractiseError::Shut);
    }
    let options = before.options.as_ref();
    let side = options.and_then(|o| Some(launch::side_of(o.state()?, o.trustzone()))).unwrap_or(Side::NonSecure);
    match step {
        Move::WriteState(to) => state::write_product_state(session, to, side)?,
        Move::WriteTrustZone(to) => {
            state::write_trustzone(session, to)?;
        }
        Move::EraseFlash => erase(session, side)?,
        other => return fail(PractiseError::NoSuchStep { step: other.to_string() }),
    }
    // A chip that has closed answers no more, and that is what is to be seen.
    let _ = reset::pulse(session)?;
    let after = identify(session)?;
    Ok(Practised { step: step.to_string(), words: step.words(), before: shown(&before), after: shown(&after) })
}

fn shown(identity: &Identity) -> Option<&'static str> {
    identity.options.as_ref()?.state().map(ProductState::as_str)
}

/// A mass erase, as ST's tool does it.
fn erase(session: &mut Session, side: Side) -> Result<()> {
    let mut ap1 = session.ap1_as(side);
    if ap1.read32(launch::register(side, flash::NSCR))? & flash::CR_LOCK != 0 {
        for key in flash::KEYS {
            ap1.write32(launch::register(side, flash::NSKEYR), key)?;
        }
    }
    ap1.write32(launch::register(side, flash::NSCR), flash::CR_MER | flash::CR_STRT)?;
    session.sleep(ERASE);
    Ok(())
}
