//! The plan of a rescue as a value: the steps, by what the diagnosis advises for the chip.

use provost_chip::{
    parts::{DaStore, PartId},
    states::{DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::{moves::Move, verdict::Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    diagnose::advice,
    drive::identify::Identity,
    fault::Result,
    job::{Phase, PlanStep, Step, hash_of},
};

/// Schema of a plan.
pub const SCHEMA: &str = "provost.plan/1";

/// Where a chip stands, as far as can be seen without resetting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// It is Open already.
    Open,
    /// It is in Provisioning, with AP1 open.
    Provisioning {
        /// TrustZone setting.
        tz: TrustZone,
        /// A later state that a reset would bring: then the credential goes in before any reset.
        pending: Option<ProductState>,
    },
    /// It keeps its Debug Authentication data in OTP.
    Otp,
    /// It is in a later state, or shows none: only Debug Authentication can tell, and that resets the chip.
    Shut,
}

/// A plan; equal plans have equal hashes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Plan {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// The parts the chip may be.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartId>,
    /// Steps in order, as people read them.
    pub steps: Vec<PlanStep>,
    /// SHA-256 over the rest.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub hash: String,
    /// The same steps, as they are carried out.
    #[serde(skip)]
    pub(super) list: Vec<Step>,
    /// Where the chip stands.
    #[serde(skip)]
    pub(super) situation: Situation,
}

impl Plan {
    /// Whether a later state waits for a reset.
    pub(super) const fn is_pending(&self) -> bool {
        matches!(self.situation, Situation::Provisioning { pending: Some(_), .. })
    }

    /// Whether the rescue would stop at once, having done nothing.
    pub fn is_refusal(&self) -> bool {
        self.list.contains(&Step::FindCredential)
    }

    /// The steps.
    pub fn list(&self) -> &[Step] {
        &self.list
    }
}

/// What a rescue may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Means {
    /// The user has a credential.
    pub credential: bool,
    /// And it may be in the chip already.
    pub inside: bool,
    /// The user wants a password in OTP for the chip's whole life, where there is no other way.
    pub once_for_life: bool,
}

/// The plan for an identified chip.
///
/// # Errors
/// AP1 shows a word that is no product state.
pub fn plan(identity: &Identity, parts: &[PartId], means: Means) -> Result<Plan> {
    let situation = situation(identity, parts)?;
    let list = match situation {
        Situation::Open => Vec::new(),
        Situation::Provisioning { pending: None, .. } if means.inside => {
            [Step::ProveNrst].into_iter().chain(shut()).collect()
        }
        Situation::Provisioning { tz, pending } => provisioning(tz, pending, means.credential),
        Situation::Otp if means.once_for_life => write_otp(means.credential),
        Situation::Otp if !means.credential => vec![Step::FindCredential],
        Situation::Otp | Situation::Shut => shut(),
    };
    let steps: Vec<PlanStep> = list.iter().copied().map(PlanStep::from).collect();
    let hash = hash_of(&parts, &steps)?;
    Ok(Plan { schema: SCHEMA, parts: parts.to_vec(), steps, hash, list, situation })
}

/// Where the identified chip stands, by what the diagnosis advises for it.
fn situation(identity: &Identity, parts: &[PartId]) -> Result<Situation> {
    let (verdict, steps) = advice(identity, parts)?;
    let otp = parts.iter().all(|p| p.info().da_store == DaStore::Otp);
    let method = steps.iter().find_map(|step| match step {
        Move::ProvisionCertificate => Some(TrustZone::Enabled),
        Move::ProvisionPassword => Some(TrustZone::Disabled),
        _ => None,
    });
    Ok(match (verdict, method, identity.options) {
        (Verdict::NotLocked, ..) => Situation::Open,
        (_, Some(tz), Some(options)) if !otp => Situation::Provisioning { tz, pending: options.pending_state() },
        (_, Some(_), _) => Situation::Otp,
        _ => Situation::Shut,
    })
}

const WORK: Phase = Phase::Work;

fn provisioning(tz: TrustZone, pending: Option<ProductState>, own_credential: bool) -> Vec<Step> {
    let method = Some(DaMethod::for_trustzone(tz));
    let first = pending.map_or(Step::ProveNrst, |state| Step::NotePending { state });
    let make = (!own_credential).then_some(Step::MakeCredential { password_only: false });
    [first]
        .into_iter()
        .chain(make)
        .chain([
            Step::Provision { phase: WORK, method },
            Step::Discover { phase: WORK, method },
            Step::Regress { phase: WORK },
            Step::Fallback { to: tz.flipped() },
            Step::VerifyOpen { phase: WORK },
        ])
        .collect()
}

fn write_otp(own_credential: bool) -> Vec<Step> {
    let make = (!own_credential).then_some(Step::MakeCredential { password_only: true });
    [Step::ProveNrst].into_iter().chain(make).chain([Step::WriteOtp]).chain(shut()).collect()
}

fn shut() -> Vec<Step> {
    vec![Step::Discover { phase: WORK, method: None }, Step::Regress { phase: WORK }, Step::VerifyOpen { phase: WORK }]
}
