//! What an option-byte write from outside does.

use super::{Chip, access::Ap1};
use crate::{
    assumptions::{Assumptions, TzenInProvisioning},
    registers::flash,
    rules::{Decision, RuleId},
    states::{BootUbe, ProductState, TrustZone},
    transitions::{Writer, product_state_write},
};

/// PRODUCT_STATE: the state the next reset brings, or `None` if the write is ignored.
pub fn write_product_state(
    chip: &Chip,
    to: ProductState,
    by: Writer,
    assumptions: &Assumptions,
) -> Decision<Option<ProductState>> {
    product_state_write(chip.state, to, chip.tz, by, assumptions)
}

/// TZEN: the setting the next reset brings, or `None` if the write is ignored.
pub fn write_trustzone(chip: &Chip, to: TrustZone, assumptions: &Assumptions) -> Decision<Option<TrustZone>> {
    let takes_effect = (chip.part.info().trustzone && to != chip.tz).then_some(to);
    match chip.state {
        ProductState::Open => Decision::new(takes_effect, RuleId::TzenInOpen),
        ProductState::Provisioning => match assumptions.tzen_in_provisioning {
            TzenInProvisioning::Writable => Decision::new(takes_effect, RuleId::TzenInProvisioning),
            TzenInProvisioning::Ignored => Decision::new(None, RuleId::TzenInProvisioning),
        },
        _ => Decision::new(None, RuleId::TzenFrozenWhenClosed),
    }
}

/// BOOT_UBE: the entry the next reset brings, or `None` if the write is ignored.
pub fn write_boot_ube(chip: &Chip, to: BootUbe) -> Decision<Option<BootUbe>> {
    match chip.state {
        // The STM32H503, the part without TrustZone, has no such field.
        ProductState::Open if !chip.part.info().trustzone => Decision::new(None, RuleId::BootOpen),
        ProductState::Open => Decision::new((to != chip.boot_ube).then_some(to), RuleId::BootOpen),
        _ => Decision::new(None, RuleId::OptionsFrozenWhenClosed),
    }
}

/// Whether the other fields of an option register may be changed, for a debugger with this view of AP1.
///
/// `offset_cur` is the offset of the `_CUR` register.
pub fn register_writable(chip: &Chip, offset_cur: u16, view: Ap1) -> Decision<bool> {
    let secure_only = chip.tz == TrustZone::Enabled
        && matches!(offset_cur, flash::SECEPOCHR_CUR | flash::SECBOOTR_CUR | flash::SECWM1R_CUR | flash::SECWM2R_CUR);
    match chip.state {
        ProductState::Open | ProductState::Provisioning if secure_only => {
            Decision::new(view == Ap1::Full, RuleId::SecureOptionsNeedSecureAccess)
        }
        ProductState::Open | ProductState::Provisioning => {
            Decision::new(view > Ap1::Shut, RuleId::OptionsFrozenWhenClosed)
        }
        _ => Decision::new(false, RuleId::OptionsFrozenWhenClosed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chip(part: &str, state: ProductState, tz: TrustZone) -> Chip {
        let mut chip = Chip::factory(part.parse().unwrap());
        (chip.state, chip.tz) = (state, tz);
        chip
    }

    #[test]
    fn r_tzen_by_state_and_switch() {
        use ProductState as S;
        for assumptions in Assumptions::combinations(&["tzen-in-provisioning"]) {
            let writable = assumptions.tzen_in_provisioning == TzenInProvisioning::Writable;
            for (state, takes) in
                [(S::Open, true), (S::Provisioning, writable), (S::TzClosed, false), (S::Closed, false)]
            {
                for tz in TrustZone::ALL {
                    let c = chip("STM32H533", state, tz);
                    let got = write_trustzone(&c, tz.flipped(), &assumptions).outcome;
                    assert_eq!(got, takes.then_some(tz.flipped()), "{state} {tz}");
                }
            }
        }
        let h503 = chip("STM32H503", S::Open, TrustZone::Disabled);
        assert_eq!(write_trustzone(&h503, TrustZone::Enabled, &Assumptions::default()).outcome, None);
    }

    #[test]
    fn r_secure_options_need_secure_access() {
        let c = chip("STM32H563", ProductState::Provisioning, TrustZone::Enabled);
        assert!(!register_writable(&c, flash::SECWM1R_CUR, Ap1::NonSecure).outcome);
        assert!(register_writable(&c, flash::NSBOOTR_CUR, Ap1::NonSecure).outcome);
        let open = chip("STM32H563", ProductState::Open, TrustZone::Enabled);
        assert!(register_writable(&open, flash::SECWM1R_CUR, Ap1::Full).outcome);
        let off = chip("STM32H563", ProductState::Provisioning, TrustZone::Disabled);
        assert!(register_writable(&off, flash::SECBOOTR_CUR, Ap1::Full).outcome);
    }

    #[test]
    fn r_options_frozen_when_closed() {
        for state in &ProductState::ALL[2..] {
            let c = chip("STM32H563", *state, TrustZone::Enabled);
            assert!(!register_writable(&c, flash::WRP1R_CUR, Ap1::NonSecure).outcome, "{state}");
        }
    }
}
