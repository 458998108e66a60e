//! What the access ports reach.

use super::{Chip, Execution, debug};
use crate::{
    rules::{Decision, RuleId},
    states::{ProductState, TrustZone},
};

/// How far AP1, the core's access port, opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "all that a caller must tell apart")]
pub enum Ap1 {
    /// Shut: every access faults.
    Shut,
    /// Open for non-secure accesses; secure aliases read as zero.
    NonSecure,
    /// Open for everything.
    Full,
}

/// How far AP1 is open now: by the product state, or further by what Debug Authentication has opened.
pub fn ap1(chip: &Chip) -> Decision<Ap1> {
    let (state, debug) = (by_state(chip), debug::ap1(chip));
    if debug.outcome > state.outcome { debug } else { state }
}

const fn by_state(chip: &Chip) -> Decision<Ap1> {
    if matches!(chip.runs, Execution::Off) {
        return Decision::new(Ap1::Shut, RuleId::Ap1ShutInRom);
    }
    match chip.state {
        ProductState::Open => Decision::new(Ap1::Full, RuleId::Ap1Open),
        ProductState::Provisioning => match (chip.runs, chip.tz) {
            (Execution::Bootloader, TrustZone::Enabled) => Decision::new(Ap1::NonSecure, RuleId::Ap1Provisioning),
            (Execution::Bootloader, TrustZone::Disabled) => Decision::new(Ap1::Full, RuleId::Ap1Provisioning),
            _ => Decision::new(Ap1::Shut, RuleId::Ap1ShutInRom),
        },
        ProductState::IrotProvisioned | ProductState::TzClosed => match chip.runs {
            Execution::User if chip.firmware.non_secure => Decision::new(Ap1::NonSecure, RuleId::Ap1ClosedStates),
            Execution::HeldInReset | Execution::RssDa { .. } => Decision::new(Ap1::Shut, RuleId::Ap1ShutInRom),
            _ => Decision::new(Ap1::Shut, RuleId::Ap1ClosedStates),
        },
        ProductState::Closed | ProductState::Locked => Decision::new(Ap1::Shut, RuleId::Ap1ClosedStates),
    }
}

/// `DBGMCU_SR`: which access ports exist (15:0) and which are open (31:16). AP0 always is (rule `R-AP0-ALWAYS`).
pub fn dbgmcu_sr(chip: &Chip) -> u32 {
    let ap1_open = u32::from(ap1(chip).outcome > Ap1::Shut);
    (ap1_open << 17) | 0x0001_0003
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Firmware;

    fn chip(state: ProductState, tz: TrustZone, runs: Execution, non_secure: bool) -> Chip {
        let mut chip = Chip::factory("STM32H533".parse().unwrap());
        (chip.state, chip.tz, chip.runs) = (state, tz, runs);
        chip.firmware = Firmware { boots: true, non_secure, regresses: false, ..Firmware::default() };
        chip
    }

    #[test]
    fn r_ap1_provisioning_needs_the_bootloader_running() {
        use Execution::{Bootloader, HeldInReset, RssDa};
        let state = ProductState::Provisioning;
        for (tz, runs, expected) in [
            (TrustZone::Enabled, Bootloader, Ap1::NonSecure),
            (TrustZone::Disabled, Bootloader, Ap1::Full),
            (TrustZone::Enabled, HeldInReset, Ap1::Shut),
            (TrustZone::Enabled, RssDa { open: true }, Ap1::Shut),
            (TrustZone::Disabled, RssDa { open: false }, Ap1::Shut),
        ] {
            assert_eq!(ap1(&chip(state, tz, runs, true)).outcome, expected, "{tz} {runs:?}");
        }
    }

    #[test]
    fn r_ap1_closed_states_need_non_secure_code() {
        for state in [ProductState::IrotProvisioned, ProductState::TzClosed] {
            let open = ap1(&chip(state, TrustZone::Enabled, Execution::User, true));
            let shut = ap1(&chip(state, TrustZone::Enabled, Execution::User, false));
            assert_eq!((open.outcome, shut.outcome), (Ap1::NonSecure, Ap1::Shut));
        }
        for state in [ProductState::Closed, ProductState::Locked] {
            let decision = ap1(&chip(state, TrustZone::Enabled, Execution::User, true));
            assert_eq!((decision.outcome, decision.rule), (Ap1::Shut, RuleId::Ap1ClosedStates));
        }
    }

    #[test]
    fn r_ap0_always_and_r_identify_by_ap0() {
        for state in ProductState::ALL {
            for runs in [Execution::HeldInReset, Execution::User, Execution::RssDa { open: true }] {
                let sr = dbgmcu_sr(&chip(state, TrustZone::Enabled, runs, false));
                assert_eq!(sr & 0x0001_0003, 0x0001_0003, "AP0 present and open, AP1 present");
                assert_eq!(sr & 0x2_0000 != 0, state == ProductState::Open, "{state}");
            }
        }
    }
}
