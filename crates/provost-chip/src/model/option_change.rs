//! What an option change makes of the values a host wants, field by field.

use super::{Chip, access::Ap1, options};
use crate::{
    assumptions::Assumptions,
    option_bytes::OptionField,
    rules::{Decision, RuleId},
    states::{BootUbe, NS_REGRESSION, ProductState, REGRESSION, TrustZone},
    transitions::Writer,
};

/// The code of a lock that is on.
const LOCKED: u32 = 0xB4;

/// A chip whose option bytes are about to be changed, and by what view of it.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct OptionChange<'a> {
    /// The chip.
    pub chip: &'a Chip,
    /// How far AP1 is open for whoever writes.
    pub view: Ap1,
    /// The words in force, by the offset of their `_CUR` register.
    pub loaded: &'a dyn Fn(u16) -> u32,
    /// The words as programmed, which the next reset brings, by the same offset.
    pub stored: &'a dyn Fn(u16) -> u32,
    /// The world.
    pub assumptions: &'a Assumptions,
}

impl std::fmt::Debug for OptionChange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OptionChange").field("chip", self.chip).field("view", &self.view).finish_non_exhaustive()
    }
}

impl OptionChange<'_> {
    /// What the field becomes at the next reset; `None` if it may not be changed to `after` now, which refuses the whole change
    /// (rule `R-OPTION-CHANGE-WHOLE`).
    pub fn field(&self, field: &OptionField, after: u32) -> Decision<Option<u32>> {
        let chip = self.chip;
        let before = field.get((self.stored)(field.offset_cur));
        let writable = options::register_writable(chip, field.offset_cur, self.view);
        let taken = |decision: Decision<bool>| Decision::new(decision.outcome.then_some(after), decision.rule);
        let unless = |frozen: bool, rule: RuleId| {
            if writable.outcome && frozen { Decision::new(None, rule) } else { taken(writable) }
        };
        match field.name {
            "PRODUCT_STATE" => self.product_state(before, after),
            "TZEN" => {
                // Asked for the other value: back to the one in force is no change of its own, yet as allowed as the way there.
                let decision = options::write_trustzone(chip, chip.tz.flipped(), self.assumptions);
                let known = TrustZone::ALL.iter().any(|tz| u32::from(tz.code()) == after);
                Decision::new((decision.outcome.is_some() && known).then_some(after), decision.rule)
            }
            "BOOT_UBE" => {
                let decision = self.boot_ube(after);
                if decision.outcome.is_some() && self.is_locked("SECBOOT_LOCK") {
                    return Decision::new(None, RuleId::BootLocks);
                }
                decision
            }
            "SECBOOTADD" => unless(self.is_locked("SECBOOT_LOCK"), RuleId::BootLocks),
            "NSBOOTADD" => unless(self.is_locked("NSBOOT_LOCK"), RuleId::BootLocks),
            // A lock freezes the banks too, on parts with TrustZone only while it is on (SVD).
            "SWAP_BANK" => {
                let counts = chip.tz == TrustZone::Enabled || !chip.part.info().trustzone;
                let locked = self.is_locked("NSBOOT_LOCK") || self.is_locked("SECBOOT_LOCK");
                unless(counts && locked, RuleId::BootLocks)
            }
            // ST's scripts take the locks back in Open only.
            "NSBOOT_LOCK" | "SECBOOT_LOCK" if before == LOCKED => {
                unless(chip.state != ProductState::Open, RuleId::BootLocksOpenOnly)
            }
            "LOCKBL" => unless(before & !after != 0, RuleId::OtpLockSetOnly),
            "NS_EPOCH" | "SEC_EPOCH" => unless(after < before, RuleId::EpochCountsUp),
            _ => taken(writable),
        }
    }

    fn is_locked(&self, name: &str) -> bool {
        OptionField::find(self.chip.part, name).is_some_and(|f| f.get((self.loaded)(f.offset_cur)) == LOCKED)
    }

    fn product_state(&self, before: u32, after: u32) -> Decision<Option<u32>> {
        let code = u8::try_from(after).unwrap_or(0);
        // A debugger's request for a regression is no forward step.
        if code == REGRESSION || code == NS_REGRESSION {
            return Decision::new(None, RuleId::FirmwareRegression);
        }
        let Some(to) = ProductState::from_code(code) else { return Decision::new(None, RuleId::BackwardIgnored) };
        let decision = options::write_product_state(self.chip, to, Writer::Debugger, self.assumptions);
        let Some(reached) = decision.outcome else { return Decision::new(None, decision.rule) };
        // A later state that waits for its reset cannot be taken back either.
        let stored = u8::try_from(before).ok().and_then(ProductState::from_code);
        if stored.is_some_and(|stored| reached < stored) {
            return Decision::new(None, RuleId::BackwardIgnored);
        }
        Decision::new(Some(reached.code().into()), decision.rule)
    }

    fn boot_ube(&self, after: u32) -> Decision<Option<u32>> {
        let known = u8::try_from(after).ok().and_then(BootUbe::from_code);
        let other = match self.chip.boot_ube {
            BootUbe::OemIrot => BootUbe::StIrot,
            BootUbe::StIrot => BootUbe::OemIrot,
        };
        let decision = options::write_boot_ube(self.chip, other);
        Decision::new((known.is_some() && decision.outcome.is_some()).then_some(after), decision.rule)
    }
}

/// What a value does that cannot be taken back by another option change, or that changes who may reach the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bite {
    /// In plain words.
    pub says: &'static str,
    /// The rule behind it, where one is.
    pub rule: Option<RuleId>,
}

/// What must be said, and confirmed, before a field is changed to this value.
pub fn bite(chip: &Chip, field: &OptionField, after: u32) -> Option<Bite> {
    let bite = |says, rule| Some(Bite { says, rule });
    let tzen = match chip.state {
        ProductState::Open => RuleId::TzenInOpen,
        _ => RuleId::TzenInProvisioning,
    };
    match (field.name, after) {
        ("PRODUCT_STATE", _) => bite(
            "an option change never leads back to Open: from Provisioning the way back is Debug Authentication, and for that a credential must be provisioned and kept",
            Some(RuleId::BackOnlyByDa),
        ),
        ("TZEN", _) if chip.tz == TrustZone::Disabled => bite(
            "turning TrustZone on makes the whole flash secure until SECWM says otherwise, and has been reported to erase user flash: what is in it must be programmed again",
            Some(tzen),
        ),
        ("TZEN", _) => bite(
            "turning TrustZone off gives the secure world up: count on user flash and SRAM being erased, and program them again",
            Some(tzen),
        ),
        ("BOOT_UBE", code) if code == u32::from(BootUbe::StIrot.code()) => bite(
            "the chip boots ST-iRoT from system flash: without its data and a valid image it does not boot once it has left Provisioning",
            Some(RuleId::BootStIrotNeedsData),
        ),
        ("SECBOOT_LOCK" | "NSBOOT_LOCK", LOCKED) => {
            bite("the boot address is frozen; the lock can be taken back in Open only", Some(RuleId::BootLocksOpenOnly))
        }
        ("LOCKBL", _) => bite(
            "the OTP block is locked for the life of the chip, whatever stands in it",
            Some(RuleId::OtpLockSetOnly),
        ),
        ("NS_EPOCH" | "SEC_EPOCH", _) => {
            bite("the counter cannot be lowered again, and keys derived from it change", Some(RuleId::EpochCountsUp))
        }
        ("HUK_PUF", _) => {
            bite("another hardware unique key: what was encrypted under the present one can no longer be read", None)
        }
        ("IO_VDD_HSLV" | "IO_VDDIO2_HSLV", 1) => {
            bite("with the supply above 2.7 V (2.5 V says ST's tool) this damages the pins", None)
        }
        _ => None,
    }
}

/// What the chip may take and nobody should write: a reason and its rule, or `None`.
pub fn unwise(chip: &Chip, field: &OptionField, after: u32) -> Option<Bite> {
    let st_irot = after == u32::from(BootUbe::StIrot.code());
    (field.name == "BOOT_UBE" && st_irot && !chip.part.info().crypto).then_some(Bite {
        says: "this part has no secure AES and no ST-iRoT: with BOOT_UBE = 0xC3 it would boot into nothing",
        rule: Some(RuleId::UbeNeedsCrypto),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::option_bytes::factory_words;

    /// What becomes of NAME=after on this chip, with one word of it as given.
    fn outcome(chip: &Chip, with: &[(&str, u32)], name: &str, after: u32) -> (Option<u32>, &'static str) {
        let mut words = factory_words(chip.part);
        for (name, value) in with {
            let field = OptionField::find(chip.part, name).unwrap();
            let word = &mut words.get_mut(&field.offset_cur).unwrap().1;
            *word = field.set(*word, *value);
        }
        let get = |offset: u16| words.get(&offset).map_or(0, |w| w.1);
        let assumptions = Assumptions::default();
        let view = super::super::access::ap1(chip).outcome;
        let change = OptionChange { chip, view, loaded: &get, stored: &get, assumptions: &assumptions };
        let decision = change.field(OptionField::find(chip.part, name).unwrap(), after);
        (decision.outcome, decision.rule.rule().id)
    }

    fn open(part: &str, tz: TrustZone) -> Chip {
        let mut chip = Chip::factory(part.parse().unwrap());
        chip.tz = tz;
        chip
    }

    #[test]
    fn r_boot_locks() {
        let on = open("STM32H533", TrustZone::Enabled);
        let off = open("STM32H533", TrustZone::Disabled);
        let h503 = open("STM32H503", TrustZone::Disabled);
        let (sec, ns) = (&[("SECBOOT_LOCK", 0xB4)][..], &[("NSBOOT_LOCK", 0xB4)][..]);
        for (chip, with, name, after, taken) in [
            (&on, sec, "SECBOOTADD", 0x0C_0100, false),
            (&on, sec, "BOOT_UBE", 0xC3, false),
            (&on, sec, "SWAP_BANK", 1, false),
            (&on, sec, "NSBOOTADD", 0x08_0100, true),
            (&on, ns, "NSBOOTADD", 0x08_0100, false),
            (&on, ns, "SECBOOTADD", 0x0C_0100, true),
            (&on, ns, "SWAP_BANK", 1, false),
            (&off, sec, "SWAP_BANK", 1, true),
            (&off, ns, "SWAP_BANK", 1, true),
            (&h503, ns, "SWAP_BANK", 1, false),
            (&on, &[], "SECBOOTADD", 0x0C_0100, true),
        ] {
            let (got, rule) = outcome(chip, with, name, after);
            assert_eq!(got, taken.then_some(after), "{name} with {with:?}, TrustZone {}", chip.tz);
            assert!(taken || rule == "R-BOOT-LOCKS", "{name}: {rule}");
        }
    }

    #[test]
    fn r_boot_locks_are_taken_back_in_open_only() {
        let mut chip = open("STM32H563", TrustZone::Disabled);
        for name in ["NSBOOT_LOCK", "SECBOOT_LOCK"] {
            assert_eq!(outcome(&chip, &[(name, 0xB4)], name, 0xC3).0, Some(0xC3));
        }
        (chip.state, chip.runs) = (ProductState::Provisioning, super::super::Execution::Bootloader);
        for name in ["NSBOOT_LOCK", "SECBOOT_LOCK"] {
            assert_eq!(outcome(&chip, &[(name, 0xB4)], name, 0xC3), (None, "R-BOOT-LOCKS-OPEN-ONLY"));
            assert_eq!(outcome(&chip, &[], name, 0xB4).0, Some(0xB4), "locking is allowed");
        }
    }

    /// `OB_TZEN_ENABLE` and `OB_TZEN_DISABLE` of stm32h5xx_hal_flash_ex.h; nothing else is a value.
    #[test]
    fn tzen_takes_its_two_codes_only() {
        let chip = open("STM32H533", TrustZone::Disabled);
        for code in 0..=0xFF {
            let known = [0xB4, 0xC3].contains(&code);
            assert_eq!(outcome(&chip, &[], "TZEN", code).0, known.then_some(code), "{code:#04x}");
        }
    }

    #[test]
    fn r_otp_lock_set_only() {
        let chip = open("STM32H503", TrustZone::Disabled);
        assert_eq!(outcome(&chip, &[("LOCKBL", 1)], "LOCKBL", 3).0, Some(3));
        assert_eq!(outcome(&chip, &[("LOCKBL", 1)], "LOCKBL", 2), (None, "R-OTP-LOCK-SET-ONLY"));
    }

    #[test]
    fn r_epoch_counts_up() {
        let chip = open("STM32H573", TrustZone::Disabled);
        for name in ["NS_EPOCH", "SEC_EPOCH"] {
            assert_eq!(outcome(&chip, &[(name, 4)], name, 5).0, Some(5));
            assert_eq!(outcome(&chip, &[(name, 4)], name, 3), (None, "R-EPOCH-COUNTS-UP"));
        }
    }

    #[test]
    fn r_ube_needs_crypto() {
        for part in crate::parts::PartId::all().filter(|p| p.info().trustzone) {
            let field = OptionField::find(part, "BOOT_UBE").unwrap();
            let chip = Chip::factory(part);
            assert_eq!(unwise(&chip, field, 0xC3).is_none(), part.info().crypto, "{part}");
            assert!(unwise(&chip, field, 0xB4).is_none(), "{part}");
        }
    }

    #[test]
    fn a_state_is_never_taken_back_nor_a_regression_asked_for() {
        let chip = open("STM32H563", TrustZone::Enabled);
        assert_eq!(outcome(&chip, &[], "PRODUCT_STATE", 0x17), (Some(0x17), "R-OPEN-TO-PROVISIONING"));
        assert_eq!(outcome(&chip, &[], "PRODUCT_STATE", 0xC6), (Some(0x17), "R-OPEN-STOPS-AT-PROVISIONING"));
        assert_eq!(outcome(&chip, &[], "PRODUCT_STATE", 0x9A), (None, "R-FIRMWARE-REGRESSION"));
        assert_eq!(outcome(&chip, &[("PRODUCT_STATE", 0x17)], "PRODUCT_STATE", 0xED), (None, "R-BACKWARD-IGNORED"));
    }

    #[test]
    fn what_cannot_be_taken_back_bites() {
        let chip = open("STM32H573", TrustZone::Disabled);
        let bites = |name: &str, after| bite(&chip, OptionField::find(chip.part, name).unwrap(), after).is_some();
        assert!(bites("PRODUCT_STATE", 0x17) && bites("TZEN", 0xB4) && bites("BOOT_UBE", 0xC3) && bites("LOCKBL", 1));
        assert!(bites("SECBOOT_LOCK", 0xB4) && !bites("SECBOOT_LOCK", 0xC3) && !bites("BOOT_UBE", 0xB4));
        assert!(bites("NS_EPOCH", 1) && bites("SEC_EPOCH", 1) && bites("IO_VDD_HSLV", 1) && !bites("IO_VDD_HSLV", 0));
        assert!(!bites("NSBOOTADD", 0x08_0100) && !bites("WRPSGn1", 0) && !bites("IWDG_SW", 0));
    }
}
