//! Provisioning through the secure system services (RSS DataProvisioning).

use super::{Chip, DaRecord, Execution};
use crate::{
    assumptions::{Assumptions, RssChecksum, RssEncryptWord, RssReturn, RssTzOff},
    parts::DaStore,
    rss_status::RssStatus,
    rules::{Decision, RuleId},
    states::{ProductState, TrustZone},
};

/// How the service is called, as far as its outcome depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct Call {
    /// The checksum that the caller computed.
    pub checksum: RssChecksum,
    /// The encryption word.
    pub word: EncryptionWord,
}

/// The encryption word of a request, as far as its meaning depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that the life cycle tells apart")]
pub enum EncryptionWord {
    /// 0, which stands for every word that nobody gives a meaning.
    Zero,
    /// 0xCACA0AA0, the one word seen in public.
    Caca,
    /// The word with which ST's tool asks for encryption: not public.
    Unpublished,
}

impl EncryptionWord {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Zero, Self::Caca, Self::Unpublished];

    /// Those that a host has without being told.
    pub const PUBLIC: [Self; 2] = [Self::Zero, Self::Caca];

    /// The word with which somebody who knows them all asks for this form.
    pub fn asking_for(encryption: bool, assumptions: &Assumptions) -> Self {
        let asks = |word: &Self| word.encrypts(assumptions) == Some(encryption);
        Self::ALL.into_iter().find(asks).unwrap_or(Self::Unpublished)
    }

    /// Whether it asks for encryption; `None` where the service does not know it.
    pub fn encrypts(self, assumptions: &Assumptions) -> Option<bool> {
        match (assumptions.rss_encrypt_word, self) {
            (RssEncryptWord::Strict, Self::Zero) => None,
            (RssEncryptWord::Strict, word) => Some(word == Self::Unpublished),
            (RssEncryptWord::CacaIsPlain, word) => Some(word != Self::Caca),
            (RssEncryptWord::CacaIsEncrypted, word) => Some(word == Self::Caca),
        }
    }
}

/// What the service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that a caller must tell apart")]
pub enum Service {
    /// The call faults: the core locks up and nothing is written.
    Faults,
    /// It returns this status; nothing is written.
    Refuses(RssStatus),
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
    if chip.runs != Execution::Bootloader || chip.state > ProductState::Provisioning {
        return Decision::new(Service::Refuses(RssStatus::Error), RuleId::ProvisionOnlyInProvisioning);
    }
    if call.checksum != assumptions.rss_checksum || call.checksum == RssChecksum::Unlisted {
        return Decision::new(Service::Refuses(RssStatus::Checksum), RuleId::RssChecksum);
    }
    let Some(encrypted) = call.word.encrypts(assumptions) else {
        return Decision::new(Service::Refuses(RssStatus::EncryptionWord), RuleId::RssEncryptWord);
    };
    if encrypted && !chip.part.info().crypto {
        return Decision::new(Service::Refuses(RssStatus::NoCryptography), RuleId::PlainPartsRefuseEncryption);
    }
    let resets = assumptions.rss_return == RssReturn::Resets;
    Decision::new(Service::Stores { encrypted, resets }, RuleId::ProvisionOverwrites)
}

/// What the service does when the ROM bootloader calls it for a host (special command 0x0083). Secure code calls it, so TrustZone
/// does not stand in its way.
pub fn service_by_bootloader(chip: &Chip, call: Call, assumptions: &Assumptions) -> Decision<Service> {
    let decision = service(chip, call, &Assumptions { rss_tz_off: RssTzOff::Works, ..*assumptions });
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
        chip.runs = Execution::Bootloader;
        chip
    }

    const fn call(word: EncryptionWord) -> Call {
        Call { checksum: RssChecksum::Crc32Words, word }
    }

    const PLAIN: Call = call(EncryptionWord::Caca);
    const ENCRYPT: Call = call(EncryptionWord::Unpublished);

    #[test]
    fn r_plain_parts_refuse_encryption_and_crypto_parts_take_both() {
        let a = Assumptions::default();
        let refused = Service::Refuses(RssStatus::NoCryptography);
        assert_eq!(service(&chip("STM32H563"), ENCRYPT, &a).outcome, refused);
        let stored = |encrypted| Service::Stores { encrypted, resets: false };
        assert_eq!(service(&chip("STM32H563"), PLAIN, &a).outcome, stored(false));
        assert_eq!(service(&chip("STM32H533"), PLAIN, &a).outcome, stored(false));
        assert_eq!(service(&chip("STM32H533"), ENCRYPT, &a).outcome, stored(true));
    }

    #[test]
    fn r_rss_encrypt_word_turns_with_its_switch() {
        use EncryptionWord::{Caca, Unpublished, Zero};
        let world = |rss_encrypt_word| Assumptions { rss_encrypt_word, ..Assumptions::default() };
        for (switch, zero, caca) in [
            (RssEncryptWord::Strict, None, Some(false)),
            (RssEncryptWord::CacaIsPlain, Some(true), Some(false)),
            (RssEncryptWord::CacaIsEncrypted, Some(false), Some(true)),
        ] {
            let a = world(switch);
            assert_eq!((Zero.encrypts(&a), Caca.encrypts(&a)), (zero, caca), "{a}");
            for encryption in [true, false] {
                assert_eq!(EncryptionWord::asking_for(encryption, &a).encrypts(&a), Some(encryption), "{a}");
            }
        }
        let strict = Assumptions::default();
        for part in ["STM32H533", "STM32H563"] {
            let got = service(&chip(part), call(Zero), &strict);
            let refused = Service::Refuses(RssStatus::EncryptionWord);
            assert_eq!((got.outcome, got.rule), (refused, RuleId::RssEncryptWord), "{part}");
        }
        assert_eq!(EncryptionWord::asking_for(true, &strict), Unpublished);
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
                let got =
                    service(&chip("STM32H533"), Call { checksum, word: EncryptionWord::Unpublished }, &assumptions)
                        .outcome;
                let right = checksum == assumptions.rss_checksum && checksum != RssChecksum::Unlisted;
                assert_eq!(got == Service::Refuses(RssStatus::Checksum), !right, "{checksum:?} {assumptions}");
            }
        }
    }

    #[test]
    fn r_provision_only_in_provisioning() {
        for state in ProductState::ALL {
            for runs in [Execution::Bootloader, Execution::User, Execution::Nowhere] {
                let mut c = chip("STM32H533");
                (c.state, c.runs) = (state, runs);
                let stores = matches!(service(&c, ENCRYPT, &Assumptions::default()).outcome, Service::Stores { .. });
                // In Open the bootloader runs with BOOT0 = 1 (STM32CubeH5 NUCLEO-H533RE obkey_provisioning.sh).
                let open = state <= ProductState::Provisioning;
                assert_eq!(stores, open && runs == Execution::Bootloader, "{state} {runs:?}");
            }
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
