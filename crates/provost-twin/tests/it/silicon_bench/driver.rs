//! Performs the model's actions on silicon, as a debugger and a person at the bench would, and says what they see.

use provost_adac::{
    crypto::CryptoSystem,
    discovery::Integrity,
    host::{self, Authentication, Credential, Progress, Step},
    key::Signer as _,
    lifecycle::Lifecycle,
    permission,
};
use provost_chip::{
    assumptions::{DebugWaiting, ReplyWord, RssChecksum},
    model::{
        Action, Observation,
        authentication::{Permission, Presented},
        debug::DebugAccess,
        provisioning::{Call, EncryptionWord},
    },
    option_bytes::OptionField,
    parts::PartId,
    registers::{core_debug, dbgmcu, flash as reg, memory, rss},
    rss_status::RssStatus,
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_twin::wire::dap::Bus as _;

use super::{BOOT, Key, MS, debugger::Debugger, payload};

/// What the debugger cannot tell: which rule refused. Only some have a status of their own.
const REFUSED: RuleId = RuleId::BackOnlyByDa;

/// The observation without what no debugger sees.
pub(crate) fn seen(observation: Observation) -> Observation {
    match observation {
        Observation::ProvisioningRefused(
            RuleId::RssChecksum | RuleId::RssEncryptWord | RuleId::PlainPartsRefuseEncryption,
        ) => observation,
        Observation::ProvisioningRefused(_) => Observation::ProvisioningRefused(REFUSED),
        Observation::Refused(_) => Observation::Refused(REFUSED),
        other => other,
    }
}

/// Somebody at a bench, with a debugger and credentials.
#[derive(Debug)]
pub(crate) struct Driver<'a> {
    pub(crate) debugger: Debugger,
    pub(crate) keys: &'a [Key],
}

impl Driver<'_> {
    /// Performs an action; `None` for what silicon has no way to do: another host's bootloader protocol.
    pub(crate) fn perform(&mut self, action: Action) -> Option<Observation> {
        Some(match action {
            Action::HotPlug => self.look(),
            Action::ConnectUnderReset => self.connect_under_reset(),
            Action::WriteProductState(to) => self.write_option("PRODUCT_STATE", reg::OPTSR_CUR, to.code()),
            Action::WriteTrustZone(to) => self.write_option("TZEN", reg::OPTSR2_CUR, to.code()),
            Action::WriteBootUbe(to) => self.write_option("BOOT_UBE", reg::OPTSR_CUR, to.code()),
            Action::Provision { call, id, mask } => self.provision(call, id, mask),
            Action::RequestDebugAuthentication => self.request(),
            Action::Discover => self.discover(),
            Action::Authenticate(presented, permission) => self.authenticate(presented, permission),
            Action::MassErase => self.mass_erase(),
            Action::Reset => {
                if self.debugger.silicon.bench().nrst_wired {
                    self.debugger.reset();
                }
                Observation::Done
            }
            Action::PowerCycle => {
                self.debugger.silicon.set_power(false);
                self.debugger.silicon.advance(MS);
                self.debugger.silicon.set_power(true);
                self.debugger.silicon.advance(BOOT);
                Observation::Done
            }
            Action::SetBoot0(level) => {
                self.debugger.silicon.set_boot0(level);
                Observation::Done
            }
            Action::AskFirmwareToRegress => {
                let asked = self.debugger.silicon.ask_firmware_to_regress();
                self.debugger.silicon.advance(BOOT);
                if asked { Observation::Granted } else { Observation::Ignored }
            }
            _ => return None,
        })
    }

    fn ap1_open(&mut self) -> bool {
        let shown = self.debugger.read_dbgmcu(dbgmcu::SR) >> 17 & 1 == 1;
        assert_eq!(shown, self.debugger.silicon.ap_enabled(1));
        let open = self.debugger.read(core_debug::CPUID).is_ok();
        let silicon = &self.debugger.silicon;
        let waits = silicon.assumptions().debug_waiting == DebugWaiting::Shown
            && matches!(silicon.chip().debug, DebugAccess::Waits(_));
        assert_eq!(shown, open || waits);
        open
    }

    fn look(&mut self) -> Observation {
        if !self.ap1_open() {
            return Observation::Ap1Shut;
        }
        let state = ProductState::from_code((self.debugger.flash(reg::OPTSR_CUR) >> 8) as u8).unwrap();
        let tz = TrustZone::from_code((self.debugger.flash(reg::OPTSR2_CUR) >> 24) as u8);
        Observation::State { state, tz: tz.unwrap_or(TrustZone::Disabled) }
    }

    fn connect_under_reset(&mut self) -> Observation {
        if !self.debugger.silicon.bench().nrst_wired {
            return self.look();
        }
        self.debugger.silicon.set_nrst(true);
        let open = self.ap1_open();
        if open {
            self.debugger.write(core_debug::DHCSR, 0xA05F_0001);
            self.debugger.write(core_debug::DEMCR, 1);
        }
        self.debugger.silicon.advance(MS);
        self.debugger.silicon.set_nrst(false);
        let seen = self.look();
        if open {
            assert_ne!(self.debugger.read(core_debug::DHCSR).unwrap() & 1 << 17, 0, "stopped at the first instruction");
            self.debugger.write(core_debug::DEMCR, 0);
            self.debugger.write(core_debug::DHCSR, 0xA05F_0000);
        }
        self.debugger.silicon.advance(BOOT);
        seen
    }

    fn write_option(&mut self, name: &str, offset: u16, code: u8) -> Observation {
        if !self.ap1_open() {
            return Observation::Ap1Shut;
        }
        let part = self.debugger.silicon.identity().part;
        // Where the part lacks the field, its place on the other parts.
        let elsewhere = || PartId::all().find_map(|part| OptionField::find(part, name));
        let mask = OptionField::find(part, name).or_else(elsewhere).unwrap().mask();
        let before = self.debugger.flash(offset) & mask;
        let accepted = self.debugger.change_option(offset, mask, u32::from(code) << mask.trailing_zeros());
        let changed = accepted && self.debugger.flash(offset + 4) & mask != before;
        self.debugger.reset();
        if changed { Observation::Written } else { Observation::Ignored }
    }

    fn mass_erase(&mut self) -> Observation {
        if !self.ap1_open() {
            return Observation::Ap1Shut;
        }
        let info = *self.debugger.silicon.identity();
        let trustzone = self.debugger.silicon.chip().tz == TrustZone::Enabled;
        let d = &mut self.debugger;
        d.unlock_flash();
        if trustzone && d.silicon.ap_spiden(1) {
            // Each bank by the register set of its world.
            d.unlock_secure_flash();
            for (bank, watermark) in [(0, reg::SECWM1R_CUR), (reg::CR_BKSEL, reg::SECWM2R_CUR)] {
                let word = d.flash(watermark);
                let command = bank | reg::CR_BER | reg::CR_STRT;
                if word & 0xFFFF > word >> 16 {
                    d.set_flash(reg::NSCR, command);
                } else {
                    d.set_secure_flash(reg::SECCR, command);
                }
                d.silicon.advance(2000 * MS);
            }
        } else {
            d.set_flash(reg::NSCR, reg::CR_MER | reg::CR_STRT);
            d.silicon.advance(2000 * MS);
        }
        // Where AP1 was open for the firmware's sake only, it has shut with it.
        let status = d.read(reg::BASE + u32::from(reg::NSSR));
        if status.is_ok_and(|word| word & reg::SR_WRPERR != 0) {
            return Observation::Ignored;
        }
        assert!(d.silicon.nvm().flash.is_empty(), "{info:?}");
        self.debugger.reset();
        Observation::Done
    }

    fn provision(&mut self, call: Call, id: u32, mask: u32) -> Observation {
        if !self.ap1_open() {
            return Observation::Ap1Shut;
        }
        let key = self.keys.iter().find(|key| key.id() == id).unwrap();
        let data = payload(key.hash(), mask);
        let refused = Observation::ProvisioningRefused(REFUSED);
        self.debugger.write(core_debug::DHCSR, 0xA05F_0003);
        let Some(entry) = self.service_entry() else {
            self.debugger.reset();
            return refused;
        };
        let interrupted_at = self.debugger.read_core(15);
        self.call_service(entry, &data, call);
        self.debugger.silicon.advance(MS / 10);
        let status = if self.ap1_open() { self.debugger.read(core_debug::DHCSR).unwrap() } else { 1 << 25 };
        let (reset, lockup, halted) = (status >> 25 & 1 == 1, status >> 19 & 1 == 1, status >> 17 & 1 == 1);
        if reset {
            self.debugger.silicon.advance(BOOT);
            return Observation::Provisioned;
        }
        if lockup {
            self.debugger.reset();
            return refused;
        }
        assert!(halted, "the service came back to the breakpoint");
        let status = self.debugger.read_core(0);
        // What was interrupted goes on.
        self.debugger.write_core(15, interrupted_at);
        self.debugger.write(core_debug::DHCSR, 0xA05F_0000);
        match RssStatus::from_word(status) {
            Some(RssStatus::Success) => {
                self.debugger.reset();
                Observation::Provisioned
            }
            Some(RssStatus::Checksum) => Observation::ProvisioningRefused(RuleId::RssChecksum),
            Some(RssStatus::EncryptionWord) => Observation::ProvisioningRefused(RuleId::RssEncryptWord),
            Some(RssStatus::NoCryptography) => Observation::ProvisioningRefused(RuleId::PlainPartsRefuseEncryption),
            Some(RssStatus::Error) => refused,
            _ => panic!("{status:#x}"),
        }
    }

    fn service_entry(&mut self) -> Option<u32> {
        let info = self.debugger.silicon.identity().part.info();
        let magic = [0, 4].map(|at| info.rss_magic.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap())));
        let here = |d: &mut Debugger, base: u32, at: u32| d.read(base + rss::DESCRIPTOR_MAGIC + at).unwrap();
        let base = info
            .rss_descriptors
            .iter()
            .find(|base| [0, 4].map(|at| Some(here(&mut self.debugger, **base, at))) == magic)?;
        Some(self.debugger.read(base + rss::DESCRIPTOR_TABLE).unwrap())
    }

    fn call_service(&mut self, entry: u32, data: &[u8], call: Call) {
        let sram3 = self.debugger.silicon.identity().part.info().sram3.base;
        let request = sram3 + data.len() as u32;
        let breakpoint = request + 20;
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let mut image = words(data);
        let word = match call.word {
            EncryptionWord::Zero => 0,
            EncryptionWord::Caca => rss::ENCRYPT_WORD_CACA,
            EncryptionWord::Unpublished => provost_twin::INVENTED_ENCRYPT_WORD,
        };
        image.extend([sram3, memory::OBK_SECURE + memory::OBK_DA_OFFSET, data.len() as u32, word]);
        image.extend([checksum(call.checksum, &image), 0xBE00_BE00]);
        let secure = self.debugger.silicon.chip().tz == TrustZone::Enabled && self.debugger.silicon.ap_spiden(1);
        for (word, at) in image.iter().zip((sram3..).step_by(4)) {
            if secure {
                self.debugger.write_secure(at + 0x1000_0000, *word);
            } else {
                self.debugger.write(at, *word);
            }
        }
        for (register, value) in [(0, request), (13, sram3 + 0x1000), (14, breakpoint | 1), (15, entry), (16, 1 << 24)]
        {
            self.debugger.write_core(register, value);
        }
        // Forget resets seen before.
        self.debugger.read(core_debug::DHCSR).unwrap();
        self.debugger.write(core_debug::DHCSR, 0xA05F_0001);
    }

    fn request(&mut self) -> Observation {
        // Over the pin, which may lead nowhere.
        provost_twin::wire::dap::Bus::set_nrst(&mut self.debugger.silicon, true);
        self.debugger.silicon.advance(MS);
        self.debugger.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, dbgmcu::REQUEST_STDA);
        provost_twin::wire::dap::Bus::set_nrst(&mut self.debugger.silicon, false);
        self.debugger.silicon.advance(BOOT);
        let reply = match self.debugger.silicon.assumptions().reply_word {
            ReplyWord::Stda => dbgmcu::REQUEST_STDA,
            ReplyWord::Daok => dbgmcu::REPLY_DAOK,
        };
        match self.debugger.receive_word() {
            Some(word) if word == reply => Observation::Answers,
            Some(other) => panic!("{other:#x}"),
            None => Observation::NoAnswer,
        }
    }

    fn discover(&mut self) -> Observation {
        let Some(words) = self.debugger.exchange(&host::discovery_request().to_words()) else {
            return Observation::NoAnswer;
        };
        let (discovery, _) = host::discovery_response(&words).unwrap();
        let state = match discovery.lifecycle().unwrap() {
            Lifecycle::Open => ProductState::Open,
            Lifecycle::Provisioning => ProductState::Provisioning,
            Lifecycle::IrotProvisioned => ProductState::IrotProvisioned,
            Lifecycle::TzClosed => ProductState::TzClosed,
            Lifecycle::Closed => ProductState::Closed,
            other => panic!("{other}"),
        };
        let method = match discovery.cryptosystems.unwrap()[..] {
            [CryptoSystem::EcdsaP256Sha256] => DaMethod::Certificate,
            [CryptoSystem::StPassword] => DaMethod::Password,
            ref other => panic!("{other:?}"),
        };
        Observation::Discovered { state, valid: discovery.integrity == Some(Integrity::Valid), method }
    }

    fn authenticate(&mut self, presented: Presented, permission: Permission) -> Observation {
        let key = self.keys.iter().find(|key| key.id() == presented.id && key.method() == presented.method).unwrap();
        let credential = match key {
            Key::Password(password) => Credential::Password(password.clone()),
            Key::Certificate(signer, chain) => {
                let permission = permission::Permission::from_bit(permission.bit() as u8).unwrap();
                Credential::Certificate { chain: chain.clone(), key: signer.public_key(), permission }
            }
        };
        // What is opened is to outlive a system reset.
        self.debugger.write_dbgmcu(dbgmcu::CR, dbgmcu::CR_DCRT);
        let mut authentication = Authentication::new(credential).unwrap();
        let mut request = authentication.first_request();
        loop {
            let Some(words) = self.debugger.exchange(&request.to_words()) else { return Observation::NoAnswer };
            match authentication.on_response(&words).unwrap() {
                Progress::Continue(next) => request = next,
                Progress::Sign(asked) => {
                    let Key::Certificate(signer, _) = key else { unreachable!("a password signs nothing") };
                    request = authentication.signed(&signer.sign(&asked.to_be_signed()).unwrap()).unwrap();
                }
                // A session that is over says so before anything is shown to it.
                Progress::Refused { step: Step::AuthStart, .. } => return Observation::NoAnswer,
                Progress::Refused { .. } => return Observation::Refused(REFUSED),
                Progress::Granted => break,
            }
        }
        self.debugger.silicon.advance(200 * MS);
        Observation::Granted
    }
}

/// Over the words of data and request, in the flavours a host may try.
fn checksum(flavour: RssChecksum, image: &[u32]) -> u32 {
    const POLYNOMIAL: u32 = 0x04C1_1DB7;
    let shift = |crc: u32| if crc >> 31 == 1 { crc << 1 ^ POLYNOMIAL } else { crc << 1 };
    let steps = |crc: u32, bits: u32| (0..bits).fold(crc, |crc, _| shift(crc));
    let bytes = || image.iter().flat_map(|word| word.to_le_bytes());
    match flavour {
        RssChecksum::Crc32Words => image.iter().fold(u32::MAX, |crc, word| steps(crc ^ word, 32)),
        RssChecksum::Crc32Bytes => bytes().fold(u32::MAX, |crc, byte| steps(crc ^ u32::from(byte) << 24, 8)),
        // The reflected form, by reflecting what goes in and what comes out.
        RssChecksum::Crc32Iso => {
            let crc = bytes().fold(u32::MAX, |crc, byte| steps(crc ^ u32::from(byte.reverse_bits()) << 24, 8));
            !crc.reverse_bits()
        }
        RssChecksum::Unlisted => 0x0BAD_C5C5,
    }
}
