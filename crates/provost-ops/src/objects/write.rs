//! Carrying a plan out: objects through the provisioning service, a password into OTP.

use provost_adac::discovery::Integrity;
use provost_chip::{assumptions::RssChecksum, rules::RuleId};
use provost_obk::obk::Obk;
use serde::Serialize;

use super::{
    Content, ObjectError, Plan, Request, Source, otp,
    plan::{Work, objects},
};
use crate::{
    Narrator,
    debug_auth::{Discovered, discover},
    error::{Failure, OpError, Result},
    fault::fail,
    provisioning::{Answer, CHECKSUMS, EncryptWord, Service},
    session::Session,
};

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// The part.
    pub part: String,
    /// What went in, in order.
    pub objects: Vec<WrittenObject>,
    /// The encryption word that was found to ask for encryption, where that was seen.
    pub encrypting_word: Option<String>,
    /// The checksum that the service takes.
    pub checksum: Option<String>,
    /// What the chip says afterwards, if a Debug Authentication object was among them.
    pub discovered: Option<Discovered>,
    /// Whether the chip left its Debug Authentication ROM; if not, remove power.
    pub left_rom: bool,
    /// What was not proven.
    pub unproven: Vec<&'static str>,
}

/// One thing that was written.
#[derive(Debug, Clone, Serialize)]
pub struct WrittenObject {
    /// The file.
    pub file: String,
    /// Its kind.
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
const FORM: &str = "on parts with secure AES some ROMs may show a plain object as valid (switch plain-object): an authentication proves more than a discovery";

/// Carries the plan out.
///
/// # Errors
/// The service refuses; discovery does not show 0xEAEAEAEA afterwards; the link breaks.
pub fn write(session: &mut Session, plan: &Plan, request: &Request, narrator: &mut dyn Narrator) -> Result<Written> {
    match &plan.work {
        Work::Otp(steps) => {
            otp::write(session, steps, narrator)?;
            Ok(otp_written(plan, request))
        }
        Work::Objects => {
            let service = Service::find(session, &[plan.part])?;
            let settled = request.encrypting_word.map(|w| Settled { encrypts: w });
            let writer = Writer {
                session,
                plan,
                request,
                narrator,
                service,
                checksum: None,
                settled,
                discovered: None,
                left_rom: true,
            };
            writer.run()
        }
    }
}

fn otp_written(plan: &Plan, request: &Request) -> Written {
    let entry = |source: &Source| WrittenObject {
        file: source.path.display().to_string(),
        kind: "otp-password".to_owned(),
        destination: provost_obk::h503::OTP_ADDRESS,
        bytes: 32,
        encrypted: false,
    };
    Written {
        part: plan.part.to_string(),
        objects: request.sources.iter().map(entry).collect(),
        encrypting_word: None,
        checksum: None,
        discovered: None,
        left_rom: true,
        unproven: vec!["that the chip authenticates with this password shows when it does, and then it is erased"],
    }
}

/// What one encryption word was found to mean; the other one means the opposite.
#[derive(Debug, Clone, Copy)]
struct Settled {
    encrypts: EncryptWord,
}

impl Settled {
    fn word(self, encrypt: bool) -> EncryptWord {
        if encrypt { self.encrypts } else { self.encrypts.other() }
    }
}

struct Writer<'a> {
    session: &'a mut Session,
    plan: &'a Plan,
    request: &'a Request,
    narrator: &'a mut dyn Narrator,
    service: Service,
    checksum: Option<RssChecksum>,
    settled: Option<Settled>,
    discovered: Option<Discovered>,
    left_rom: bool,
}

impl Writer<'_> {
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
        if crypto && self.discovered.is_some() {
            unproven.push(FORM);
        }
        Ok(Written {
            part: self.plan.part.to_string(),
            objects: written,
            encrypting_word: self.settled.map(|s| s.encrypts.as_str().to_owned()),
            checksum: self.checksum.map(|c| c.as_str().to_owned()),
            discovered: self.discovered,
            left_rom: self.left_rom,
            unproven,
        })
    }

    /// An object that nobody can look at afterwards.
    fn store(&mut self, source: &Source, obk: &Obk) -> Result<()> {
        if !self.left_rom {
            return fail(OpError::StaysInRssDa);
        }
        for word in self.words(obk.encrypt()) {
            if self.call(source, obk, word)? {
                return Ok(());
            }
        }
        Err(self.refused(source))
    }

    /// A Debug Authentication object: stored, and then found valid by the chip itself.
    fn store_da(&mut self, source: &Source, obk: &Obk) -> Result<()> {
        let mut integrity = 0;
        let mut stored = false;
        for word in self.words(obk.encrypt()) {
            if !self.left_rom {
                let encrypts = if obk.encrypt() { word } else { word.other() };
                return Err(ObjectError::PowerCycle { file: source.name(), word: encrypts.as_str() }.into());
            }
            if !self.call(source, obk, word)? {
                continue;
            }
            stored = true;
            self.narrator.step("discover: does the chip find it valid?", &[RuleId::DaNeedsValidData]);
            let conversation = discover(self.session)?;
            let valid = conversation.is_valid() && conversation.lists_full_regression();
            integrity = conversation.discovery.integrity.map_or(0, Integrity::value);
            self.narrator.note(&format!("integrity {integrity:#010x}"));
            self.session.pulse_nrst()?;
            self.left_rom = self.session.wait_for_ap1()?;
            if valid {
                self.settled = Some(Settled { encrypts: if obk.encrypt() { word } else { word.other() } });
                self.discovered = Some(conversation.report());
                return Ok(());
            }
        }
        if stored {
            return Err(ObjectError::NotValid { file: source.name(), integrity }.into());
        }
        Err(self.refused(source))
    }

    fn refused(&self, source: &Source) -> Failure {
        ObjectError::Refused { file: source.name(), status: provost_chip::registers::rss::ERROR }.into()
    }

    /// The words to try, in the order that can do no harm.
    fn words(&self, encrypt: bool) -> Vec<EncryptWord> {
        match self.settled {
            Some(settled) => vec![settled.word(encrypt)],
            None => EncryptWord::ALL.to_vec(),
        }
    }

    /// Calls the service; `false` if it refuses this word.
    fn call(&mut self, source: &Source, obk: &Obk, word: EncryptWord) -> Result<bool> {
        self.narrator.step(
            &format!("provision {} at {:#010x} (encryption word {})", source.name(), obk.destination(), word.as_str()),
            &[RuleId::ProvisionOverwrites, RuleId::RssEncryptWord],
        );
        let candidates: Vec<RssChecksum> = self.checksum.map_or_else(|| CHECKSUMS.to_vec(), |known| vec![known]);
        let mut last = 0;
        for &checksum in &candidates {
            let object = (obk.destination(), obk.payload());
            match self.service.provision(self.session, object, checksum, word)? {
                Answer::WrongChecksum { status } => last = status,
                Answer::Stored => {
                    self.checksum = Some(checksum);
                    self.narrator.note("the service stored it");
                    return Ok(true);
                }
                Answer::Reset => {
                    self.checksum = Some(checksum);
                    self.narrator.note("the chip has reset: stored");
                    self.left_rom = self.session.wait_for_ap1()?;
                    return Ok(true);
                }
                Answer::Refused { status } => {
                    self.checksum = Some(checksum);
                    self.narrator.note(&format!("refused ({status:#010x}), nothing was written"));
                    if !self.plan.part.info().crypto && self.settled.is_none() {
                        // A part without secure AES refuses encryption and nothing else of a good request.
                        self.settled = Some(Settled { encrypts: word });
                    }
                    return Ok(false);
                }
                Answer::Faulted => {
                    self.session.pulse_nrst()?;
                    self.session.wait_for_ap1()?;
                    let tz = self.plan.identity.options.map_or("off", |o| o.trustzone().as_str());
                    return fail(OpError::ServiceUnreachable { tz });
                }
            }
        }
        fail(OpError::ChecksumUnknown { tried: candidates.len(), status: last })
    }
}
