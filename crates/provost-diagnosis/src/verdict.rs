//! The verdict: what the hypotheses come to together.

use provost_chip::states::ProductState;
use serde::Serialize;

use crate::{
    belief::Belief,
    case::Goal,
    causes::Cause,
    evidence::Evidence,
    hypothesis::{Fate, Hypothesis},
    signs::Sign,
};

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A plan leads back to Open with what the owner has or can make.
    Recoverable,
    /// The same, once a named condition holds.
    RecoverableIf,
    /// No known way back.
    Lost,
    /// Nobody is locked out.
    NotLocked,
    /// The evidence fits chips with different verdicts.
    Undetermined,
}

impl Verdict {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recoverable => "recoverable",
            Self::RecoverableIf => "recoverable-if",
            Self::Lost => "lost",
            Self::NotLocked => "not-locked",
            Self::Undetermined => "undetermined",
        }
    }
}

/// What stands between a chip and its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// The probe's reset line must reach NRST.
    Nrst,
    /// The host's tool must be able to do Debug Authentication.
    Host,
    /// The credential must be found.
    Credential,
    /// The owner's firmware must request the regression.
    Firmware,
}

/// What one hypothesis means for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    NotLocked,
    Recoverable,
    RecoverableIf(Vec<Condition>),
    Lost,
    /// Nothing reaches the chip: what it is cannot be told.
    OutOfReach,
}

pub(crate) fn standing(h: &Hypothesis, evidence: &Evidence<'_>) -> Standing {
    let fate = h.fate();
    // An Open chip is not locked, whatever keeps the probe from it.
    if fate == Fate::Open {
        return Standing::NotLocked;
    }
    if !h.link {
        return Standing::OutOfReach;
    }
    if does_what_it_is_meant_to(h, fate, evidence) {
        return Standing::NotLocked;
    }
    let mut conditions = Vec::new();
    match fate {
        Fate::Lost(_) => return Standing::Lost,
        Fate::AskFirmware => return Standing::RecoverableIf(vec![Condition::Firmware]),
        Fate::FindCredential => conditions.push(Condition::Credential),
        _ => {}
    }
    if !h.world.bench.nrst_wired {
        conditions.push(Condition::Nrst);
    }
    if !h.host {
        conditions.push(Condition::Host);
    }
    if conditions.is_empty() { Standing::Recoverable } else { Standing::RecoverableIf(conditions) }
}

/// The complaint is about code that runs, or that waits for the power to go: the life cycle refuses nothing that is wanted.
///
/// Own firmware that runs proves nothing else: a chip that nothing will ever open runs all the same, and its owner may want no more than
/// that. Where nobody saw it run, such a chip is lost.
fn does_what_it_is_meant_to(h: &Hypothesis, fate: Fate, evidence: &Evidence<'_>) -> bool {
    let lost = matches!(fate, Fate::Lost(_));
    let dead = evidence.has(Sign::ApplicationDead);
    h.world.chip.state > ProductState::Provisioning
        && evidence.goal == Goal::Boot
        && if lost { evidence.has(Sign::ApplicationRuns) && !dead } else { !dead || evidence.may_stay_in_rom() }
}

/// Why a verdict is not given although the weights would give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Nothing shows that the chip is Open.
    NothingShowsOpen,
    /// Debug Authentication was not tried.
    NotDiscovered,
    /// The way back is another one in Provisioning than later.
    TwoPlans,
}

/// The shares of the verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shares {
    /// Recoverable as things stand.
    pub recoverable: f64,
    /// Recoverable once something holds.
    pub recoverable_if: f64,
    /// Lost.
    pub lost: f64,
    /// Not locked.
    pub not_locked: f64,
    /// Out of reach.
    pub out_of_reach: f64,
}

/// Above this share of lost worlds nothing is promised.
pub const LOST_AT_MOST: f64 = 0.07;
/// Above this share of lost worlds a closed chip is not called well.
const LOST_IF_CLOSED: f64 = 0.02;
/// A verdict other than `undetermined` needs this share.
pub const SURE: f64 = 0.85;

impl Shares {
    /// The shares in a belief.
    pub fn of(belief: &Belief, evidence: &Evidence<'_>) -> Self {
        let mut shares = Self::default();
        for (hypothesis, weight) in &belief.hypotheses {
            let share = match standing(hypothesis, evidence) {
                Standing::NotLocked => &mut shares.not_locked,
                Standing::Recoverable => &mut shares.recoverable,
                Standing::RecoverableIf(_) => &mut shares.recoverable_if,
                Standing::Lost => &mut shares.lost,
                Standing::OutOfReach => &mut shares.out_of_reach,
            };
            *share += weight;
        }
        shares
    }

    /// The verdict, given what the report shows and whether the plan would be one plan.
    ///
    /// Three things are not believed on weight alone: that a chip is Open when nothing shows it, that it is lost before Debug
    /// Authentication was tried, and a way back that is another one in Provisioning than in the later states.
    ///
    /// With the verdict comes the doubt that is left.
    pub(crate) fn judged(&self, belief: &Belief, evidence: &Evidence<'_>) -> (Verdict, f64, Option<Doubt>) {
        let (verdict, certainty) = self.verdict();
        if self.is_closed_as_meant(belief, evidence) {
            return (Verdict::NotLocked, certainty, None);
        }
        let doubt = match verdict {
            Verdict::NotLocked => {
                // A bootloader that does not answer says nothing, for in every later state there is none; nor does an
                // application that does not run: closed before its secure boot was in order, a chip shows the same.
                let says = |sign: &Sign| !matches!(sign, Sign::BootloaderFails | Sign::ApplicationDead);
                let signs = evidence.signs.iter().copied().filter(says).collect();
                let cause = Cause::behind(&signs).next().is_some();
                let quiet = !evidence.shut_out || evidence.tool_is_blind();
                let closed_as_meant = belief.share(|h| h.world.chip.state > ProductState::Open) > 0.5;
                let well = closed_as_meant && self.lost <= LOST_IF_CLOSED;
                let shown = evidence.shows_open() || well || (!closed_as_meant && cause && quiet);
                (!shown).then_some(Doubt::NothingShowsOpen)
            }
            Verdict::Lost => (!evidence.da_was_tried()).then_some(Doubt::NotDiscovered),
            Verdict::Recoverable | Verdict::RecoverableIf => {
                let saved = belief.given(|h| h.link && !matches!(h.fate(), Fate::Lost(_) | Fate::Open));
                let provisioning = saved.share(|h| h.world.chip.state == ProductState::Provisioning);
                (0.15..0.85).contains(&provisioning).then_some(Doubt::TwoPlans)
            }
            Verdict::Undetermined => None,
        };
        match doubt {
            None => (verdict, certainty, None),
            Some(_) => (Verdict::Undetermined, 1.0 - certainty, doubt),
        }
    }

    /// The owner asks only whether all is well, or wants the chip closed, and it is: with a credential that opens it, as far as
    /// can be known without using it.
    fn is_closed_as_meant(&self, belief: &Belief, evidence: &Evidence<'_>) -> bool {
        let own = |h: &Hypothesis| {
            h.world.chip.state > ProductState::Provisioning && matches!(h.fate(), Fate::Authenticate(_))
        };
        matches!(evidence.goal, Goal::Check | Goal::Forward)
            && !evidence.has(Sign::ApplicationDead)
            && self.lost <= LOST_IF_CLOSED
            && belief.share(own) >= SURE
    }

    /// The verdict by weight alone and how sure it is, from 0 to 1.
    pub fn verdict(&self) -> (Verdict, f64) {
        let saved = self.recoverable + self.recoverable_if;
        if self.lost >= 0.9 {
            return (Verdict::Lost, self.lost);
        }
        if self.lost <= LOST_AT_MOST {
            if self.not_locked >= 0.7 {
                return (Verdict::NotLocked, self.not_locked);
            }
            // Open or not: the same plan is safe for both, and leads to Open.
            if saved + self.not_locked >= SURE && saved > 2.0 * self.not_locked {
                let which =
                    if self.recoverable >= self.recoverable_if { Verdict::Recoverable } else { Verdict::RecoverableIf };
                return (which, saved + self.not_locked);
            }
        }
        (Verdict::Undetermined, 1.0 - self.lost.max(saved).max(self.not_locked).max(self.out_of_reach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_promised_while_too_many_worlds_are_lost() {
        for lost in [0.0, 0.05, 0.13, 0.5, 0.89, 0.95] {
            let shares = Shares { lost, recoverable: 1.0 - lost, ..Shares::default() };
            let expected = match lost {
                l if l <= LOST_AT_MOST => Verdict::Recoverable,
                l if l >= 0.9 => Verdict::Lost,
                _ => Verdict::Undetermined,
            };
            assert_eq!(shares.verdict().0, expected, "{lost}");
        }
    }
}
