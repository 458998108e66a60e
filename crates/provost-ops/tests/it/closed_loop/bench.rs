//! A person at a bench: what they do goes over the SWD wire of the twin, as ST's tool would do it, and shows what it shows.

use std::time::Duration;

use provost_adac::discovery::Integrity;
use provost_bench::Bench;
use provost_chip::{
    assumptions::{RssChecksum, RssTzOff},
    model::{Execution, World, provisioning::EncryptionWord},
    option_bytes::OptionField,
    parts::{DaStore, PartId},
    registers::{core_debug, flash},
    states::{DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::case::{ConnectMode, Discovery, Outcome};
use provost_link::Nrst;
use provost_obk::da::DESTINATION;
use provost_ops::{
    Silent,
    credential::CredentialSet,
    debug_auth::{authenticate, discover},
    drive::{
        otp,
        service::{Answer, EncryptWord, Service},
    },
    identify::{Identity, Options, identify},
};
use provost_twin::board::VirtualBoard;

/// What a person provisions.
#[derive(Debug)]
pub struct ToProvision<'a> {
    pub set: &'a CredentialSet,
    pub method: DaMethod,
    /// The encryption flag in the file.
    pub encrypt: bool,
}

/// The bench.
#[derive(Debug)]
pub struct Workbench {
    pub board: VirtualBoard,
    pub bench: Bench,
    pub part: PartId,
    /// The firmware on it keeps debuggers out of the Open chip while it runs.
    pub bars: bool,
}

impl Workbench {
    pub fn new(board: VirtualBoard, part: PartId, bars: bool) -> Self {
        Self { bench: Bench::on_board(board.clone()), board, part, bars }
    }

    /// Whether firmware keeps a debugger out now.
    fn is_barred(&self) -> bool {
        let chip = self.world().chip;
        self.bars && chip.state == ProductState::Open && chip.runs == Execution::User
    }

    /// BOOT0 high, and power removed and given back: the bootloader runs.
    pub fn boot_the_bootloader(&mut self) {
        self.board.board().silicon_mut().set_boot0(true);
        self.power_cycle();
    }

    /// The chip, its bench and its world, as the model has them.
    pub fn world(&self) -> World {
        let board = self.board.board();
        let silicon = board.silicon();
        World { chip: *silicon.chip(), bench: *silicon.bench(), assumptions: *silicon.assumptions() }
    }

    fn settle(&mut self) {
        self.board.advance(Duration::from_millis(50));
    }

    /// Who is there, if anybody answers.
    pub fn identify(&mut self) -> Option<Identity> {
        if self.is_barred() {
            return None;
        }
        identify(&mut self.bench.session).ok()
    }

    fn ap1_is_open(&mut self) -> Result<bool, Outcome> {
        self.identify().map(|i| i.options.is_some()).ok_or(Outcome::NoDevice)
    }

    pub fn connect(&mut self, mode: ConnectMode) -> Outcome {
        self.attach(mode).0
    }

    /// How connecting goes, and the option bytes that a tool shows then.
    pub fn attach(&mut self, mode: ConnectMode) -> (Outcome, Option<Options>) {
        if mode == ConnectMode::UnderReset {
            let _ = self.bench.session.set_nrst(Nrst::Asserted);
            self.settle();
        }
        // Under reset no firmware runs that could keep anybody out.
        let past = mode == ConnectMode::UnderReset && self.world().bench.nrst_wired;
        let identity = if past { identify(&mut self.bench.session).ok() } else { self.identify() };
        let open = identity.as_ref().map(Identity::ap1_open);
        let _ = self.bench.session.set_nrst(Nrst::Released);
        self.settle();
        let outcome = match open {
            Some(true) => Outcome::Ok,
            Some(false) => Outcome::Error,
            None => Outcome::NoDevice,
        };
        (outcome, identity.and_then(|i| i.options))
    }

    /// The value of an option field, if AP1 lets it be read.
    pub fn read(&mut self, field: &str) -> Result<u64, Outcome> {
        let identity = self.identify().ok_or(Outcome::NoDevice)?;
        let options = identity.options.ok_or(Outcome::Error)?;
        let field = OptionField::find(self.part, field).ok_or(Outcome::Error)?;
        let word = if field.offset_cur == flash::OPTSR2_CUR { options.optsr2_cur } else { options.optsr_cur };
        Ok(u64::from(field.get(word)))
    }

    /// Writes an option field, resets, and reads back.
    pub fn write(&mut self, name: &str, value: u8) -> Outcome {
        match self.ap1_is_open() {
            Ok(true) => {}
            Ok(false) => return Outcome::Error,
            Err(outcome) => return outcome,
        }
        let Some(field) = OptionField::find(self.part, name) else { return Outcome::Error };
        let before = self.read(name);
        if self.change(field, u32::from(value)).is_none() {
            return Outcome::Error;
        }
        self.reset_by_tool();
        match self.read(name) {
            Ok(found) if found == u64::from(value) => Outcome::Ok,
            Ok(found) if Ok(found) == before => Outcome::Refused,
            Ok(_) => Outcome::Error,
            Err(Outcome::NoDevice) => Outcome::NoDevice,
            Err(_) => Outcome::Lost,
        }
    }

    fn change(&mut self, field: &OptionField, value: u32) -> Option<()> {
        let register = |offset: u16| flash::BASE + u32::from(offset);
        let mut ap1 = self.bench.session.ap1();
        if ap1.read32(register(flash::OPTCR)).ok()? & flash::OPTCR_OPTLOCK != 0 {
            for key in flash::OPT_KEYS {
                ap1.write32(register(flash::OPTKEYR), key).ok()?;
            }
        }
        let program = register(field.offset_cur + 4);
        let word = field.set(ap1.read32(program).ok()?, value);
        ap1.write32(program, word).ok()?;
        ap1.write32(register(flash::OPTCR), flash::OPTCR_OPTSTRT).ok()?;
        self.settle();
        let mut ap1 = self.bench.session.ap1();
        ap1.write32(register(flash::NSCCR), flash::SR_OPTCHANGEERR).ok()?;
        ap1.write32(register(flash::OPTCR), flash::OPTCR_OPTLOCK).ok()
    }

    /// What a tool does after a write: NRST where it is wired, a reset request to the core where it is not.
    fn reset_by_tool(&mut self) {
        if self.world().bench.nrst_wired {
            let _ = self.bench.session.pulse_nrst();
        } else {
            let _ = self.bench.session.ap1().write32(core_debug::AIRCR, 0x05FA_0004);
        }
        self.settle();
    }

    /// Whether the service can be reached by provost in this world: what ST's tool does beyond that is not public.
    fn only_the_tool_can(&self) -> bool {
        let World { chip, assumptions, .. } = self.world();
        assumptions.rss_checksum == RssChecksum::Unlisted
            || (assumptions.rss_tz_off == RssTzOff::Faults && chip.tz == TrustZone::Disabled)
    }

    /// Stores an object as ST's tool does, which knows the checksum and the encryption word.
    pub fn provision(&mut self, what: &ToProvision<'_>) -> Outcome {
        match self.ap1_is_open() {
            Ok(true) => {}
            Ok(false) => return Outcome::Error,
            Err(outcome) => return outcome,
        }
        if self.part.info().da_store == DaStore::Otp {
            return self.provision_otp(what);
        }
        let Ok(Some(object)) = what.set.object(what.method) else { return Outcome::Error };
        let payload = object.payload().to_bytes();
        let World { chip, assumptions, .. } = self.world();
        if self.only_the_tool_can() {
            if chip.state != ProductState::Provisioning || what.encrypt != self.part.info().crypto {
                return Outcome::Error;
            }
            self.board.board().silicon_mut().provision_as_the_chip_would(&payload);
            self.reset_by_tool();
            return Outcome::Ok;
        }
        let word = match EncryptionWord::asking_for(what.encrypt, &assumptions) {
            EncryptionWord::Zero => EncryptWord::ZERO,
            EncryptionWord::Caca => EncryptWord::CACA,
            EncryptionWord::Unpublished => EncryptWord::new(provost_twin::INVENTED_ENCRYPT_WORD),
        };
        let session = &mut self.bench.session;
        let answer = Service::find(session, &[self.part])
            .and_then(|s| Ok(s.provision(session, (DESTINATION, &payload), assumptions.rss_checksum, word)?));
        self.settle();
        self.reset_by_tool();
        match answer {
            Ok(Answer::Stored | Answer::Reset) => Outcome::Ok,
            _ => Outcome::Error,
        }
    }

    /// Whether this is a world in which ST's tool provisions and provost does not; if so, has ST's tool do it.
    pub fn provision_by_st_tool(&mut self, set: &CredentialSet) -> Option<Outcome> {
        if !self.only_the_tool_can() {
            return None;
        }
        let method = DaMethod::for_trustzone(self.world().chip.tz);
        Some(self.provision(&ToProvision { set, method, encrypt: self.part.info().crypto }))
    }

    fn provision_otp(&mut self, what: &ToProvision<'_>) -> Outcome {
        let Some(password) = what.set.password() else { return Outcome::Error };
        let session = &mut self.bench.session;
        let steps = match otp::plan(session, password) {
            Ok(steps) => steps,
            Err(_) => return Outcome::Error,
        };
        let written = otp::write(session, &steps, &mut Silent);
        if written.is_ok() { Outcome::Ok } else { Outcome::Error }
    }

    pub fn discover(&mut self) -> (Discovery, Outcome) {
        if self.identify().is_none() {
            return (Discovery::default(), Outcome::NoDevice);
        }
        match discover(&mut self.bench.session) {
            Ok(conversation) => {
                let seen = Discovery {
                    lifecycle: conversation.product_state(),
                    integrity: conversation.discovery.integrity.map(|i| i == Integrity::Valid),
                    hdpl1: None,
                    permissions: None,
                    password: conversation.method().map(|m| m == DaMethod::Password),
                    empty_answer: false,
                };
                (seen, Outcome::Ok)
            }
            Err(error) if error.code() == "da-no-answer" => (Discovery::default(), Outcome::Timeout),
            Err(_) => (Discovery::default(), Outcome::Error),
        }
    }

    /// Authenticates a full regression with what the tool would take from this set.
    pub fn authenticate(&mut self, set: &CredentialSet, with: Option<DaMethod>) -> Outcome {
        if self.identify().is_none() {
            return Outcome::NoDevice;
        }
        let conversation = match discover(&mut self.bench.session) {
            Ok(conversation) => conversation,
            Err(error) if error.code() == "da-no-answer" => return Outcome::Timeout,
            Err(_) => return Outcome::Error,
        };
        let method = with.or(conversation.method()).unwrap_or(DaMethod::Password);
        let Some(proof) = set.credential(method) else { return Outcome::Error };
        let granted = authenticate(&mut self.bench.session, &conversation.mailbox, proof.credential(), &|asked| {
            proof.sign(asked)
        })
        .is_ok();
        self.board.advance(Duration::from_secs(2));
        if granted { Outcome::Ok } else { Outcome::Error }
    }

    /// A mass erase over AP1, non-secure.
    pub fn erase(&mut self) -> Outcome {
        match self.ap1_is_open() {
            Ok(true) => {}
            Ok(false) => return Outcome::Error,
            Err(outcome) => return outcome,
        }
        let erased = self.erase_all();
        self.reset_by_tool();
        if erased == Some(true) { Outcome::Ok } else { Outcome::Error }
    }

    fn erase_all(&mut self) -> Option<bool> {
        let register = |offset: u16| flash::BASE + u32::from(offset);
        let mut ap1 = self.bench.session.ap1();
        if ap1.read32(register(flash::NSCR)).ok()? & flash::CR_LOCK != 0 {
            for key in flash::KEYS {
                ap1.write32(register(flash::NSKEYR), key).ok()?;
            }
        }
        ap1.write32(register(flash::NSCCR), flash::SR_WRPERR).ok()?;
        ap1.write32(register(flash::NSCR), flash::CR_MER | flash::CR_STRT).ok()?;
        self.board.advance(Duration::from_secs(2));
        let status = self.bench.session.ap1().read32(register(flash::NSSR)).ok()?;
        Some(status & flash::SR_WRPERR == 0)
    }

    pub fn reset(&mut self) {
        let _ = self.bench.session.pulse_nrst();
        self.settle();
    }

    pub fn power_cycle(&mut self) {
        if self.world().bench.powered {
            self.board.board().power_cycle();
        }
        self.settle();
    }

    /// Finds the loose wire, if there is one.
    pub fn mend_supply(&mut self) -> bool {
        let was_dead = !self.world().bench.powered;
        if was_dead {
            self.board.board().silicon_mut().set_power(true);
        }
        self.settle();
        was_dead
    }

    /// Connects the reset line, if it is not; `true` if that was needed.
    pub fn wire_nrst(&mut self) -> bool {
        let missing = !self.world().bench.nrst_wired;
        self.board.board().silicon_mut().set_nrst_wired(true);
        missing
    }

    pub fn ask_firmware(&mut self) -> Outcome {
        let asked = self.board.board().silicon_mut().ask_firmware_to_regress();
        self.board.advance(Duration::from_secs(2));
        if asked { Outcome::Ok } else { Outcome::Error }
    }

    pub fn runs(&self) -> Execution {
        self.world().chip.runs
    }
}
