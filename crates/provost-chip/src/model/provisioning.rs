//! Provisioning through the secure system services (RSS DataProvisioning).

use super::{Chip, DaRecord};
use crate::{
    assumptions::{Assumptions, RssChecksum, RssEncryptWord, RssReturn, RssTzOff},
    parts::DaStore,
    rules::{Decision, RuleId},
    states::{ProductState, TrustZone},
};

/// How the service is called, as far as its outcome depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct Call {
    /// The checksum that the caller computed.
    pub checksum: RssChecksum,
    /// Whether the encryption word is 0xCACA0AA0.
    pub caca: bool,
}

/// What the service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that a caller must tell apart")]
pub enum Service {
    /// The call faults: the core locks up and nothing is written.
    Faults,
    /// It returns RSSLIB_ERROR; nothing is written.
    Refuses,
    /// It returns 0xF5F58080; nothing is written.
    RefusesChecksum,
    /// It stores the data, encrypted or as it is, and returns or resets.
    Stores {
        /// The chip encrypts what it stores.
        encrypted: bool,
        /// The chip resets instead of returning.
        resets: bool,
    },
}

/// What a call of the provisioning service does on this chip.
pub fn service(chip: &Chip, call: Call, assumptions: &Assumptions) -> Decision<Service> {
    if chip.part.info().da_store == DaStore::Otp {
        return Decision::new(Service::Faults, RuleId::H503Otp);
    }
    if chip.tz == TrustZone::Disabled && assumptions.rss_tz_off == RssTzOff::Faults {
        return Decision::new(Service::Faults, RuleId::RssTzOff);
    }
    if chip.state != ProductState::Provisioning {
        return Decision::new(Service::Refuses, RuleId::ProvisionOnlyInProvisioning);
    }
    if call.checksum != assumptions.rss_checksum || call.checksum == RssChecksum::Unlisted {
        return Decision::new(Service::RefusesChecksum, RuleId::RssChecksum);
    }
    let encrypted = encrypts(call.caca, assumptions);
    if encrypted && !chip.part.info().crypto {
        return Decision::new(Service::Refuses, RuleId::PlainPartsRefuseEncryption);
    }
    let resets = assumptions.rss_return == RssReturn::Resets;
    Decision::new(Service::Stores { encrypted, resets }, RuleId::ProvisionOverwrites)
}

/// What the service does when the ROM bootloader calls it for a host (special command 0x0083): as for a debugger in Provisioning, and in
/// Open too. Secure code calls it, so TrustZone does not stand in its way.
pub fn service_by_bootloader(chip: &Chip, call: Call, assumptions: &Assumptions) -> Decision<Service> {
    let mut chip = *chip;
    if chip.state == ProductState::Open {
        chip.state = ProductState::Provisioning;
    }
    let decision = service(&chip, call, &Assumptions { rss_tz_off: RssTzOff::Works, ..*assumptions });
    match decision.outcome {
        Service::Stores { .. } => Decision::new(decision.outcome, RuleId::BootloaderProvisions),
        _ => decision,
    }
}

/// Whether the password's hash can be written into OTP: on the STM32H503, while it is blank, in Open or Provisioning.
pub fn write_otp(chip: &Chip) -> Decision<bool> {
    let blank = chip.part.info().da_store == DaStore::Otp && chip.da.is_none();
    Decision::new(blank && chip.state <= ProductState::Provisioning, RuleId::H503Otp)
}

/// Whether an encryption word asks for encryption.
pub fn encrypts(caca: bool, assumptions: &Assumptions) -> bool {
    caca == (assumptions.rss_encrypt_word == RssEncryptWord::CacaIsEncrypted)
}

/// The record that a successful call leaves.
pub fn store(chip: &mut Chip, id: u32, mask: u32, encrypted: bool) {
    chip.da = Some(DaRecord { id, encrypted, mask });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chip(part: &str) -> Chip {
        let mut chip = Chip::factory(part.parse().unwrap());
        (chip.state, chip.tz) = (ProductState::Provisioning, TrustZone::Enabled);
        chip
    }

    const PLAIN: Call = Call { checksum: RssChecksum::Crc32Words, caca: true };
    const ENCRYPT: Call = Call { checksum: RssChecksum::Crc32Words, caca: false };

    #[test]
    fn r_plain_parts_refuse_encryption_and_crypto_parts_take_both() {
        let a = Assumptions::default();
        assert_eq!(service(&chip("STM32H563"), ENCRYPT, &a).outcome, Service::Refuses);
        let stored = |encrypted| Service::Stores { encrypted, resets: false };
        assert_eq!(service(&chip("STM32H563"), PLAIN, &a).outcome, stored(false));
        assert_eq!(service(&chip("STM32H533"), PLAIN, &a).outcome, stored(false));
        assert_eq!(service(&chip("STM32H533"), ENCRYPT, &a).outcome, stored(true));
    }

    #[test]
    fn r_rss_encrypt_word_turns_with_its_switch() {
        let other = Assumptions { rss_encrypt_word: RssEncryptWord::CacaIsEncrypted, ..Assumptions::default() };
        assert!(encrypts(true, &other) && !encrypts(false, &other));
        assert!(!encrypts(true, &Assumptions::default()));
    }

    #[test]
    fn the_otp_takes_one_password_once() {
        let mut c = chip("STM32H503");
        c.tz = TrustZone::Disabled;
        for (state, takes) in ProductState::ALL.into_iter().zip([true, true, false, false, false, false]) {
            c.state = state;
            assert_eq!(write_otp(&c).outcome, takes, "{state}");
        }
        c.state = ProductState::Provisioning;
        store(&mut c, 1, 0, false);
        assert!(!write_otp(&c).outcome, "once");
        assert!(!write_otp(&chip("STM32H533")).outcome, "the others have no OTP password");
    }

    #[test]
    fn r_rss_checksum_refuses_every_other_flavour() {
        for assumptions in Assumptions::combinations(&["rss-checksum"]) {
            for &checksum in RssChecksum::ALL {
                let got = service(&chip("STM32H533"), Call { checksum, caca: false }, &assumptions).outcome;
                let right = checksum == assumptions.rss_checksum && checksum != RssChecksum::Unlisted;
                assert_eq!(got == Service::RefusesChecksum, !right, "{checksum:?} {assumptions}");
            }
        }
    }

    #[test]
    fn r_provision_only_in_provisioning() {
        for state in ProductState::ALL {
            let mut c = chip("STM32H533");
            c.state = state;
            let stores = matches!(service(&c, ENCRYPT, &Assumptions::default()).outcome, Service::Stores { .. });
            assert_eq!(stores, state == ProductState::Provisioning, "{state}");
        }
    }

    #[test]
    fn r_bootloader_provisions_in_open_and_in_provisioning() {
        let faults = Assumptions { rss_tz_off: RssTzOff::Faults, ..Assumptions::default() };
        for tz in [TrustZone::Disabled, TrustZone::Enabled] {
            for state in ProductState::ALL {
                let mut c = chip("STM32H563");
                (c.state, c.tz) = (state, tz);
                let decision = service_by_bootloader(&c, PLAIN, &faults);
                let stores = matches!(decision.outcome, Service::Stores { .. });
                assert_eq!(stores, state <= ProductState::Provisioning, "{state}");
                assert_eq!(decision.rule == RuleId::BootloaderProvisions, stores);
            }
        }
    }

    #[test]
    fn r_rss_tz_off_and_r_h503_otp_fault() {
        let mut c = chip("STM32H533");
        c.tz = TrustZone::Disabled;
        let faults = Assumptions { rss_tz_off: RssTzOff::Faults, ..Assumptions::default() };
        assert_eq!(service(&c, ENCRYPT, &faults).outcome, Service::Faults);
        assert!(matches!(service(&c, ENCRYPT, &Assumptions::default()).outcome, Service::Stores { .. }));
        let mut h503 = chip("STM32H503");
        h503.tz = TrustZone::Disabled;
        let decision = service(&h503, PLAIN, &Assumptions::default());
        assert_eq!((decision.outcome, decision.rule), (Service::Faults, RuleId::H503Otp));
    }

    #[test]
    fn r_rss_return_resets_in_that_world() {
        let resets = Assumptions { rss_return: RssReturn::Resets, ..Assumptions::default() };
        assert_eq!(
            service(&chip("STM32H533"), ENCRYPT, &resets).outcome,
            Service::Stores { encrypted: true, resets: true }
        );
    }
}
