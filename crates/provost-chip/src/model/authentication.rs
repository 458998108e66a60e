//! Debug Authentication: what discovery says, who is let in, and what a regression does.

use super::{
    Chip, DaRecord, Execution, Firmware, Pending,
    debug::{DebugAccess, Opening},
};
use crate::{
    assumptions::{Assumptions, PlainObject, SocId},
    parts::DaStore,
    rules::{Decision, RuleId},
    side::Side,
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};

/// What a host asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that the life cycle knows of them")]
pub enum Permission {
    /// Bit 14: back to Open, everything erased.
    FullRegression,
    /// Bit 12: back to TZ-Closed, non-secure side erased.
    TzRegression,
    /// Bits 0 to 2 for the non-secure side, 4 to 6 for both: debug from an isolation level on; nothing is erased.
    Debug(Opening),
}

impl Permission {
    /// All that STM32H5 knows.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::FullRegression, Self::TzRegression].into_iter().chain(Opening::all().map(Self::Debug))
    }

    /// The bit in a permission mask.
    pub const fn bit(self) -> u32 {
        match self {
            Self::FullRegression => 14,
            Self::TzRegression => 12,
            Self::Debug(Opening { side: Side::Secure, level }) => 3 + level.number() as u32,
            Self::Debug(Opening { side: Side::NonSecure, level }) => level.number() as u32 - 1,
        }
    }

    /// The permission of a bit, if STM32H5 has one there.
    pub fn from_bit(bit: u32) -> Option<Self> {
        Self::all().find(|permission| permission.bit() == bit)
    }
}

/// The permissions that the product itself allows: bits 0-2, 4-6, 12 and 14 (ST's default masks and H563 logs).
pub const PRODUCT_MASK: u32 = 0x5077;

/// The credential that a host presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct Presented {
    /// Whether it is a certificate or a password.
    pub method: DaMethod,
    /// Stands for the hash that the chip would have to hold.
    pub id: u32,
    /// The low bits of the AND of the certificates' and the token's masks; all ones for a password.
    pub mask: u32,
}

/// Whether the ROM can use the stored data.
pub fn usable(chip: &Chip) -> Option<DaRecord> {
    chip.da.filter(|da| da.encrypted || !chip.part.info().crypto)
}

/// Whether discovery reports integrity 0xEAEAEAEA.
pub fn looks_valid(chip: &Chip, assumptions: &Assumptions) -> Decision<bool> {
    if usable(chip).is_some() {
        return Decision::new(true, RuleId::DaNeedsValidData);
    }
    let plain = chip.da.is_some() && assumptions.plain_object == PlainObject::LooksValid;
    Decision::new(plain, if chip.da.is_some() { RuleId::CryptoNeedsEncrypted } else { RuleId::DaNeedsValidData })
}

/// Whether discovery gives the unique id as the SoC id; otherwise it is zero, and certificates are compared with that.
pub fn shows_soc_id(chip: &Chip, assumptions: &Assumptions) -> Decision<bool> {
    let shown = match assumptions.soc_id {
        SocId::UniqueId => true,
        SocId::ZeroInClosed => chip.state != ProductState::Closed,
        SocId::Zero => false,
    };
    Decision::new(shown, RuleId::SocIdMayReadZero)
}

/// Whether the credential gets this permission.
pub fn authorise(chip: &Chip, presented: Presented, permission: Permission) -> Decision<bool> {
    let Some(da) = chip.da else {
        return Decision::new(false, RuleId::DaNeedsValidData);
    };
    if usable(chip).is_none() {
        return Decision::new(false, RuleId::CryptoNeedsEncrypted);
    }
    if presented.method != DaMethod::for_trustzone(chip.tz) || presented.id != da.id {
        return Decision::new(false, RuleId::DaMethodFollowsTzen);
    }
    match presented.method {
        DaMethod::Password => {
            Decision::new(permission == Permission::FullRegression, RuleId::PasswordFullRegressionOnly)
        }
        DaMethod::Certificate => {
            let granted = (PRODUCT_MASK & da.mask & presented.mask) >> permission.bit() & 1 == 1;
            Decision::new(granted, RuleId::DaFourMasks)
        }
    }
}

/// What a full regression leaves; the chip has yet to reset itself (rule `R-FULL-REGRESSION-EFFECT`).
pub fn full_regression(chip: &mut Chip) {
    *chip = Chip {
        part: chip.part,
        state: ProductState::Open,
        tz: TrustZone::Disabled,
        boot_ube: BootUbe::OemIrot,
        // Rule R-H503-OTP: what stands in OTP stays.
        da: chip.da.filter(|_| chip.part.info().da_store == DaStore::Otp),
        st_irot_data: false,
        st_irot_image: true,
        firmware: Firmware::default(),
        pending: Pending::default(),
        runs: Execution::Nowhere,
        debug: DebugAccess::Closed,
    };
}

/// What a partial regression leaves: TZ-Closed, the non-secure side erased (rule `R-TZ-REGRESSION`).
pub fn tz_regression(chip: &mut Chip) {
    chip.state = ProductState::TzClosed;
    chip.firmware.non_secure = false;
    chip.debug = DebugAccess::Closed;
    // The state is written anew; other options that wait for a reset take effect with the one that follows.
    chip.pending.state = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: u32 = 7;

    fn chip(part: &str, tz: TrustZone, encrypted: bool) -> Chip {
        let mut chip = Chip::factory(part.parse().unwrap());
        (chip.state, chip.tz) = (ProductState::Closed, tz);
        chip.da = Some(DaRecord { id: MINE, encrypted, mask: PRODUCT_MASK });
        chip
    }

    fn present(method: DaMethod) -> Presented {
        Presented { method, id: MINE, mask: u32::MAX }
    }

    fn granted(chip: &Chip, presented: Presented) -> bool {
        authorise(chip, presented, Permission::FullRegression).outcome
    }

    #[test]
    fn r_da_method_follows_tzen() {
        for tz in TrustZone::ALL {
            let c = chip("STM32H533", tz, true);
            assert!(granted(&c, present(DaMethod::for_trustzone(tz))));
            assert!(!granted(&c, present(DaMethod::for_trustzone(tz.flipped()))));
            assert!(!granted(&c, Presented { id: MINE + 1, ..present(DaMethod::for_trustzone(tz)) }));
        }
    }

    #[test]
    fn r_crypto_needs_encrypted_and_discovery_may_not_tell() {
        let plain = chip("STM32H533", TrustZone::Enabled, false);
        assert!(!granted(&plain, present(DaMethod::Certificate)));
        assert!(!looks_valid(&plain, &Assumptions::default()).outcome);
        let lies = Assumptions { plain_object: PlainObject::LooksValid, ..Assumptions::default() };
        assert!(looks_valid(&plain, &lies).outcome);
        assert!(granted(&chip("STM32H563", TrustZone::Enabled, false), present(DaMethod::Certificate)));
    }

    #[test]
    fn r_da_needs_valid_data() {
        let mut c = chip("STM32H563", TrustZone::Enabled, false);
        c.da = None;
        assert!(!granted(&c, present(DaMethod::Certificate)));
        assert!(!looks_valid(&c, &Assumptions::default()).outcome);
    }

    #[test]
    fn r_da_four_masks_are_anded() {
        let all = Permission::all().fold(0, |mask, permission| mask | 1 << permission.bit());
        assert_eq!(all, PRODUCT_MASK, "a bit for each permission, and no other");
        for bit in Permission::all() {
            let mut c = chip("STM32H563", TrustZone::Enabled, false);
            assert!(authorise(&c, present(DaMethod::Certificate), bit).outcome);
            let narrow = Presented { mask: !(1 << bit.bit()), ..present(DaMethod::Certificate) };
            assert!(!authorise(&c, narrow, bit).outcome);
            c.da = Some(DaRecord { id: MINE, encrypted: false, mask: PRODUCT_MASK & !(1 << bit.bit()) });
            assert!(!authorise(&c, present(DaMethod::Certificate), bit).outcome);
        }
    }

    #[test]
    fn r_password_full_regression_only() {
        let c = chip("STM32H563", TrustZone::Disabled, false);
        assert!(authorise(&c, present(DaMethod::Password), Permission::FullRegression).outcome);
        for other in Permission::all().filter(|p| *p != Permission::FullRegression) {
            assert!(!authorise(&c, present(DaMethod::Password), other).outcome, "{other:?}");
        }
    }

    #[test]
    fn r_full_regression_effect() {
        let mut c = chip("STM32H573", TrustZone::Enabled, true);
        c.firmware = Firmware { boots: true, non_secure: true, regresses: true, ..Firmware::default() };
        c.boot_ube = BootUbe::StIrot;
        full_regression(&mut c);
        assert_eq!(c, Chip::factory(c.part));
    }
}
