//! Carrying a plan out: objects through the provisioning service, a password into OTP.

use provost_chip::{
    assumptions::RssChecksum,
    parts::PartId,
    states::{DaMethod, TrustZone},
};
use provost_obk::obk::Obk;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Content, ObjectError, Plan, Request, Source,
    plan::{Work, objects},
};
use crate::{
    Narrator,
    drive::{
        bootloader::line_broke,
        debug_auth::Discovered,
        otp,
        reset::ResetError,
        service::{EncryptWord, ServiceError, Stored, words_end_at_zero},
        target::{Capability, Delivery, Target, link_broke},
    },
    fault::{Result, fail},
    job::{Driver, Phase, Record, Step, deliver},
    rescue::RescueError,
    store::{Base, Job, Kind, Match, Subject, find},
};

/// What was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Written {
    /// The part.
    pub part: PartId,
    /// What went in, in order.
    #[schemars(length(min = 1))]
    pub objects: Vec<WrittenObject>,
    /// The encryption word that was found to ask for encryption, where that was seen.
    pub encrypting_word: Option<EncryptWord>,
    /// The checksum that the service takes.
    pub checksum: Option<RssChecksum>,
    /// What the chip says afterwards, if a Debug Authentication object was among them.
    pub discovered: Option<Discovered>,
    /// Whether the chip left its Debug Authentication ROM; if not, remove power.
    pub left_rom: bool,
    /// What was not proven.
    #[schemars(inner(length(min = 1)))]
    pub unproven: Vec<&'static str>,
    /// The steps that were performed.
    #[serde(skip)]
    pub performed: Vec<Step>,
}

/// One thing that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrittenObject {
    /// The file.
    #[schemars(length(min = 1))]
    pub file: String,
    /// Its kind.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// Where it went.
    pub destination: u32,
    /// How many bytes.
    pub bytes: usize,
    /// Whether the chip was asked to encrypt it.
    pub encrypted: bool,
}

const NO_READ_BACK: &str =
    "no object can be read back in Provisioning: that a root of trust finds its data shows when it boots";
const NOT_ASKED: &str =
    "nobody asked the chip: that it takes the object as valid shows a discovery, over SWD; do not close it before";
const FORM: &str = "on parts with secure AES some ROMs may show a plain object as valid (switch plain-object): an authentication proves more than a discovery";

/// Where a write takes place.
#[derive(Debug, Clone)]
pub struct Site {
    /// What `--probe` said, for the journal.
    pub chip: String,
    /// Where the journals of writes go.
    pub out: Base,
}

/// Carries the plan out; each step is announced in a journal first.
///
/// # Errors
/// The service refuses; discovery does not show 0xEAEAEAEA afterwards; the link breaks.
pub fn write(
    target: &mut dyn Target,
    plan: &Plan,
    request: &Request,
    site: &Site,
    narrator: &mut dyn Narrator,
) -> Result<Written> {
    if plan.is_empty() {
        return Ok(otp_written(plan, request, Vec::new()));
    }
    let mut driver = Driver::new(narrator, plan.list.clone());
    let subject = Subject { chip: site.chip.clone(), dev_id: plan.identity.dev_id, uid: plan.uid };
    let earlier = find::<Record>(&site.out, Kind::Provision, &subject)?.into_iter().next();
    let job = match earlier.filter(|found| found.matches(&subject) == Match::Same) {
        Some(found) => found.resume()?,
        None => Job::begin(&site.out, Kind::Provision, &subject)?,
    };
    let journal = job.journal().to_owned();
    driver.open(job);
    let result = match &plan.work {
        Work::Otp(steps) => driver
            .begin(Step::WriteOtp)
            .and_then(|()| otp::write(target.session(Capability::Memory)?, steps, driver.narrator()))
            .map(|()| otp_written(plan, request, driver.performed().to_vec())),
        Work::Objects => {
            let settled = request.encrypting_word.map(|w| Settled { encrypts: w });
            let (checksum, discovered, left_rom) = (None, None, true);
            Writer { target, plan, request, driver: &mut driver, checksum, settled, discovered, left_rom }.run()
        }
    };
    match result {
        Ok(written) => {
            driver.record(Record::Done)?;
            Ok(written)
        }
        Err(source) if link_broke(&source) || line_broke(&source) => {
            Err(RescueError::Interrupted { doing: "provisioning", source, journal }.into())
        }
        Err(error) => Err(error),
    }
}

fn otp_written(plan: &Plan, request: &Request, performed: Vec<Step>) -> Written {
    let entry = |source: &Source| WrittenObject {
        file: source.path.display().to_string(),
        kind: "otp-password".to_owned(),
        destination: provost_obk::h503::OTP_ADDRESS,
        bytes: 32,
        encrypted: false,
    };
    Written {
        part: plan.part,
        objects: request.sources.iter().map(entry).collect(),
        encrypting_word: None,
        checksum: None,
        discovered: None,
        left_rom: true,
        unproven: vec!["that the chip authenticates with this password shows when it does, and then it is erased"],
        performed,
    }
}

/// The word that was found, or given, to ask for encryption; what asks for the opposite follows from it.
#[derive(Debug, Clone, Copy)]
struct Settled {
    encrypts: EncryptWord,
}

impl Settled {
    fn word(self, encrypt: bool) -> EncryptWord {
        if encrypt { self.encrypts } else { self.encrypts.opposite() }
    }
}

struct Writer<'a, 'n> {
    target: &'a mut dyn Target,
    plan: &'a Plan,
    request: &'a Request,
    driver: &'a mut Driver<'n>,
    checksum: Option<RssChecksum>,
    settled: Option<Settled>,
    discovered: Option<Discovered>,
    left_rom: bool,
}

impl Writer<'_, '_> {
    fn run(mut self) -> Result<Written> {
        let mut order: Vec<(&Source, &Obk, bool)> = objects(self.request).collect();
        let crypto = self.plan.part.info().crypto;
        if crypto && self.settled.is_none() {
            // Only a discovery shows what a word means on such a part, and only a Debug Authentication object is discovered.
            if !order.iter().any(|(_, _, is_da)| *is_da) {
                let part = self.plan.part.to_string();
                return Err(
                    ObjectError::WordUnknown { part, first: "DA_Config.obk or DA_ConfigWithPassword.obk" }.into()
                );
            }
            order.sort_by_key(|(_, _, is_da)| !is_da);
        } else {
            // Last, so that the reset which a discovery is comes when everything is in.
            order.sort_by_key(|(_, _, is_da)| *is_da);
        }
        let mut written = Vec::new();
        for (source, obk, is_da) in order {
            if is_da {
                self.store_da(source, obk)?
            } else {
                self.store(source, obk)?
            }
            let kind = match &source.content {
                Content::Object { kind, .. } => kind.to_string(),
                Content::Password(_) => String::new(),
            };
            written.push(WrittenObject {
                file: source.path.display().to_string(),
                kind,
                destination: obk.destination(),
                bytes: obk.payload().len(),
                encrypted: obk.encrypt(),
            });
        }
        let mut unproven = Vec::new();
        if written.iter().any(|w| !w.kind.starts_with("da-")) {
            unproven.push(NO_READ_BACK);
        }
        if self.discovered.is_none() && written.iter().any(|w| w.kind.starts_with("da-")) {
            unproven.push(NOT_ASKED);
        }
        if crypto && self.discovered.is_some() {
            unproven.push(FORM);
        }
        Ok(Written {
            part: self.plan.part,
            objects: written,
            encrypting_word: self.settled.map(|s| s.encrypts),
            checksum: self.checksum,
            discovered: self.discovered,
            left_rom: self.left_rom,
            unproven,
            performed: self.driver.performed().to_vec(),
        })
    }

    /// An object that nobody can look at afterwards.
    fn store(&mut self, source: &Source, obk: &Obk) -> Result<()> {
        if !self.left_rom {
            return fail(ResetError::StaysInRssDa);
        }
        let mut refused = 0;
        for word in self.words(obk.encrypt()) {
            match self.call(source, obk, (word, None))? {
                None => return Ok(()),
                Some(status) => refused = self.refused(obk, word, status)?,
            }
        }
        fail(ObjectError::Refused { file: source.name(), status: refused })
    }

    /// A Debug Authentication object: stored, and then found valid by the chip itself.
    fn store_da(&mut self, source: &Source, obk: &Obk) -> Result<()> {
        let method = self.method();
        let (mut integrity, mut stored, mut refused) = (0, false, 0);
        for word in self.words(obk.encrypt()) {
            let encrypts = if obk.encrypt() { word } else { word.opposite() };
            if !self.left_rom {
                return fail(ObjectError::PowerCycle { file: source.name(), word: encrypts });
            }
            if let Some(status) = self.call(source, obk, (word, method))? {
                refused = self.refused(obk, word, status)?;
                continue;
            }
            stored = true;
            if !self.target.can(Capability::Unlock) {
                // The plan saw to it that there is one word, or a part that refuses the wrong one.
                self.settled = Some(Settled { encrypts });
                return Ok(());
            }
            self.driver.begin(Step::Discover { phase: Phase::Work, method })?;
            let conversation = self.target.discover()?;
            self.driver.note(&conversation.summary());
            self.driver.record(Record::Seen { uid: conversation.unique_id() })?;
            integrity = conversation.integrity();
            self.left_rom = self.target.reset()?;
            if conversation.is_valid() && conversation.lists_full_regression() {
                self.settled = Some(Settled { encrypts });
                self.discovered = Some(conversation.report());
                return Ok(());
            }
        }
        if stored {
            return fail(ObjectError::NotValid { file: source.name(), integrity });
        }
        fail(ObjectError::Refused { file: source.name(), status: refused })
    }

    /// The method of the plan, as its steps have it.
    fn method(&self) -> Option<DaMethod> {
        self.plan.list.iter().find_map(|step| match step {
            Step::Provision { method, .. } => *method,
            _ => None,
        })
    }

    /// The words to try, in the order that can do no harm.
    fn words(&self, encrypt: bool) -> Vec<EncryptWord> {
        match self.settled {
            Some(settled) => vec![settled.word(encrypt)],
            None => EncryptWord::PUBLIC.to_vec(),
        }
    }

    /// A word was refused. Where 0 is, no public word asks for encryption, and an object that needs it would be stored as it is.
    fn refused(&self, obk: &Obk, word: EncryptWord, status: u32) -> Result<u32> {
        if obk.encrypt() && word == EncryptWord::ZERO && words_end_at_zero(&[self.plan.part]) {
            return fail(ServiceError::EncryptWordUnknown { status });
        }
        Ok(status)
    }

    /// Calls the service; the status with which it refuses this word, if it does.
    fn call(
        &mut self,
        source: &Source,
        obk: &Obk,
        (word, method): (EncryptWord, Option<DaMethod>),
    ) -> Result<Option<u32>> {
        self.driver.begin(Step::Provision { phase: Phase::Work, method })?;
        self.driver.note(&format!("{} to {:#010x}", source.name(), obk.destination()));
        let tz = self.plan.identity.options.map_or(TrustZone::Disabled, |o| o.trustzone());
        let object = Delivery { destination: obk.destination(), payload: obk.payload(), word };
        match deliver(self.target, self.driver, (&[self.plan.part], tz), object, &mut self.checksum)? {
            Stored::Yes { ap1_open, .. } => {
                self.left_rom = ap1_open;
                Ok(None)
            }
            Stored::Refused { status } => {
                if !self.plan.part.info().crypto && self.settled.is_none() {
                    // A part without secure AES refuses encryption and nothing else of a good request.
                    self.settled = Some(Settled { encrypts: word });
                }
                Ok(Some(status))
            }
            Stored::Faulted => {
                self.target.reset()?;
                fail(ServiceError::Unreachable { tz })
            }
        }
    }
}
