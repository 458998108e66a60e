//! What runs after a reset.

use super::{Bench, Chip, Execution, Pending, debug::DebugAccess};
use crate::{
    assumptions::{Assumptions, LeaveRssDa, LeaveRssDaClosed, OpenDiscovery},
    rules::{Decision, RuleId},
    states::{BootUbe, ProductState},
};

/// Whether this state answers a Debug Authentication request.
pub fn serves_debug_authentication(state: ProductState, assumptions: &Assumptions) -> Decision<bool> {
    match state {
        ProductState::Open => Decision::new(assumptions.open_discovery == OpenDiscovery::Answers, RuleId::DaNotInOpen),
        ProductState::Locked => Decision::new(false, RuleId::LockedIsFinal),
        _ => Decision::new(true, RuleId::DaStates),
    }
}

/// Where the chip goes when it comes out of reset; `da_request` says that the magic word waits in the mailbox.
pub fn target(chip: &Chip, bench: &Bench, da_request: bool, assumptions: &Assumptions) -> Decision<Execution> {
    if da_request {
        let serves = serves_debug_authentication(chip.state, assumptions);
        if serves.outcome {
            return Decision::new(Execution::RssDa { open: true }, serves.rule);
        }
    }
    let user = if chip.firmware.boots { Execution::User } else { Execution::Nowhere };
    match chip.state {
        ProductState::Provisioning => Decision::new(Execution::Bootloader, RuleId::BootProvisioning),
        ProductState::Open if bench.boot0 && chip.boot_ube == BootUbe::OemIrot => {
            Decision::new(Execution::Bootloader, RuleId::BootOpen)
        }
        ProductState::Open => Decision::new(user, RuleId::BootOpen),
        _ if chip.part.info().crypto && chip.boot_ube == BootUbe::StIrot && !chip.st_irot_data => {
            Decision::new(Execution::Nowhere, RuleId::BootStIrotNeedsData)
        }
        _ if chip.part.info().crypto && chip.boot_ube == BootUbe::StIrot && !chip.st_irot_image => {
            Decision::new(Execution::Nowhere, RuleId::BootStIrotNeedsImage)
        }
        _ => Decision::new(user, RuleId::BootClosed),
    }
}

/// Whether an NRST pulse leads out of RSS-DA in this state; removing power always does.
pub fn nrst_leaves_rss_da(state: ProductState, assumptions: &Assumptions) -> Decision<bool> {
    let leaves = match state {
        ProductState::Open | ProductState::Provisioning => assumptions.leave_rss_da == LeaveRssDa::Nrst,
        _ => assumptions.leave_rss_da_closed == LeaveRssDaClosed::Nrst,
    };
    Decision::new(leaves, RuleId::RssDaStays)
}

/// What kind of reset happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the kinds of reset of the hardware")]
pub enum Reset {
    /// Power was removed and came back.
    Power,
    /// NRST, or a system reset from inside.
    System,
}

/// Takes the chip through a reset: pending options take effect, then it boots.
pub fn reset(chip: &mut Chip, bench: &Bench, kind: Reset, da_request: bool, assumptions: &Assumptions) {
    if !bench.powered || kind == Reset::Power {
        // Rule R-OPENED-DEBUG-ENDS.
        chip.debug = DebugAccess::Closed;
    }
    if !bench.powered {
        chip.runs = Execution::Off;
        return;
    }
    let stuck = matches!(chip.runs, Execution::RssDa { .. })
        && kind == Reset::System
        && !nrst_leaves_rss_da(chip.state, assumptions).outcome;
    if stuck {
        chip.runs = Execution::RssDa { open: da_request };
        return;
    }
    load_options(chip);
    chip.runs = target(chip, bench, da_request, assumptions).outcome;
}

/// Makes programmed option values take effect.
pub fn load_options(chip: &mut Chip) {
    let pending = std::mem::take(&mut chip.pending);
    let Pending { state, tz, boot_ube } = pending;
    chip.state = state.unwrap_or(chip.state);
    chip.tz = tz.unwrap_or(chip.tz);
    chip.boot_ube = boot_ube.unwrap_or(chip.boot_ube);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Firmware, states::TrustZone};

    fn chip(state: ProductState) -> Chip {
        let mut chip = Chip::factory("STM32H573".parse().unwrap());
        chip.state = state;
        chip.tz = TrustZone::Enabled;
        chip.firmware = Firmware { boots: true, non_secure: true, regresses: false, ..Firmware::default() };
        chip
    }

    fn boots(chip: &Chip, boot0: bool, da: bool) -> (Execution, RuleId) {
        let bench = Bench { boot0, ..Bench::default() };
        let d = target(chip, &bench, da, &Assumptions::default());
        (d.outcome, d.rule)
    }

    #[test]
    fn r_boot_provisioning_runs_the_bootloader_whatever_boot0() {
        for boot0 in [false, true] {
            let got = boots(&chip(ProductState::Provisioning), boot0, false);
            assert_eq!(got, (Execution::Bootloader, RuleId::BootProvisioning));
        }
    }

    #[test]
    fn r_boot_open_and_r_boot_closed() {
        assert_eq!(boots(&chip(ProductState::Open), true, false).0, Execution::Bootloader);
        assert_eq!(boots(&chip(ProductState::Open), false, false).0, Execution::User);
        for state in &ProductState::ALL[2..] {
            assert_eq!(boots(&chip(*state), true, false), (Execution::User, RuleId::BootClosed));
        }
    }

    #[test]
    fn r_boot_st_irot_needs_data_only_on_crypto_parts() {
        let mut c = chip(ProductState::Closed);
        c.boot_ube = BootUbe::StIrot;
        assert_eq!(boots(&c, false, false), (Execution::Nowhere, RuleId::BootStIrotNeedsData));
        c.st_irot_data = true;
        assert_eq!(boots(&c, false, false).0, Execution::User);
        c.st_irot_data = false;
        c.part = "STM32H563".parse().unwrap();
        assert_eq!(boots(&c, false, false).0, Execution::User);
    }

    #[test]
    fn r_boot_st_irot_needs_an_image_that_it_takes() {
        let mut c = chip(ProductState::Closed);
        (c.boot_ube, c.st_irot_data, c.st_irot_image) = (BootUbe::StIrot, true, false);
        assert_eq!(boots(&c, false, false), (Execution::Nowhere, RuleId::BootStIrotNeedsImage));
        c.boot_ube = BootUbe::OemIrot;
        assert_eq!(boots(&c, false, false).0, Execution::User, "the user flash starts what lies there");
    }

    #[test]
    fn r_da_states_and_r_da_not_in_open() {
        for (state, serves) in ProductState::ALL.into_iter().zip([false, true, true, true, true, false]) {
            let (runs, _) = boots(&chip(state), false, true);
            assert_eq!(matches!(runs, Execution::RssDa { .. }), serves, "{state}");
        }
        let answers = Assumptions { open_discovery: OpenDiscovery::Answers, ..Assumptions::default() };
        assert!(serves_debug_authentication(ProductState::Open, &answers).outcome);
    }

    #[test]
    fn r_rss_da_stays_until_power_is_removed_in_that_world() {
        let power = Assumptions { leave_rss_da: LeaveRssDa::Power, ..Assumptions::default() };
        let closed = Assumptions { leave_rss_da_closed: LeaveRssDaClosed::Power, ..Assumptions::default() };
        let stays = Execution::RssDa { open: false };
        for (state, boots) in
            [(ProductState::Provisioning, Execution::Bootloader), (ProductState::Closed, Execution::User)]
        {
            let provisioning = state == ProductState::Provisioning;
            for (assumptions, after_nrst) in [
                (Assumptions::default(), boots),
                (power, if provisioning { stays } else { boots }),
                (closed, if provisioning { boots } else { stays }),
            ] {
                let mut c = chip(state);
                c.runs = Execution::RssDa { open: true };
                reset(&mut c, &Bench::default(), Reset::System, false, &assumptions);
                assert_eq!(c.runs, after_nrst, "{state} {assumptions}");
                reset(&mut c, &Bench::default(), Reset::Power, false, &assumptions);
                assert_eq!(c.runs, boots);
            }
        }
    }
}
