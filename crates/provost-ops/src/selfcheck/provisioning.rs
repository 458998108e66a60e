//! To Provisioning and back with a throw-away credential, which the ROM has taken before the chip leaves Open.

use std::path::PathBuf;

use provost_adac::lifecycle::Lifecycle;
use provost_chip::{
    assumptions::RssChecksum,
    parts::{DaStore, PartId},
    rss_status::{self, RssStatus},
    rules::RuleId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_obk::da::DESTINATION;

use super::{Findings, Hands, SelfcheckError, Wish, formats, reading::Before, resets};
use crate::{
    Narrator,
    credential::CredentialSet,
    drive::{
        debug_auth::{Conversation, authenticate, discover},
        identify::{identify, parts_text},
        launch::side_of,
        regress, reset,
        service::{self, CHECKSUMS, EncryptWord, Service},
        session::Session,
        state,
    },
    fault::{Failure, Result, fail},
    job::refusal,
    rescue,
};

const WORD: &str = "rss-encrypt-word";
const PLAIN: &str = "plain-object";

/// What a call of the service came to, once its checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    Stored,
    Refused(u32),
    Faulted,
    /// No checksum that we know is right.
    NoChecksum,
}

struct Trip<'a> {
    session: &'a mut Session,
    wish: &'a Wish,
    findings: &'a mut Findings,
    hands: &'a mut dyn Hands,
    narrator: &'a mut dyn Narrator,
    parts: &'a [PartId],
    /// The part has secure AES.
    crypto: bool,
    set: CredentialSet,
    tz: TrustZone,
    checksum: Option<RssChecksum>,
    /// The word by which the chip was last given an object, and under which TrustZone setting.
    inside: Option<(EncryptWord, TrustZone)>,
}

/// Goes there and back; says why not, if not.
///
/// # Errors
/// The bench or the part is not right for it; the link breaks.
pub(super) fn travel(
    session: &mut Session,
    wish: &Wish,
    before: &Before,
    findings: &mut Findings,
    hands: &mut dyn Hands,
    narrator: &mut dyn Narrator,
) -> Result<Option<String>> {
    let parts = before.parts.as_slice();
    if parts.iter().any(|part| part.info().da_store == DaStore::Otp) {
        return fail(SelfcheckError::OnceForLife);
    }
    let crypto = parts.iter().any(|part| part.info().crypto);
    if crypto != parts.iter().all(|part| part.info().crypto) {
        return fail(SelfcheckError::PartNeeded { parts: parts_text(parts) });
    }
    if !crypto {
        findings.unseen(PLAIN, "this part has no secure AES");
    }
    narrator.step("make a throw-away credential and save it", &[]);
    let folder = free_folder(wish);
    let set = CredentialSet::make_in(&folder, crypto)?;
    narrator.note(&format!("saved in {}", folder.display()));
    let tz = TrustZone::Disabled;
    let mut trip =
        Trip { session, wish, findings, hands, narrator, parts, crypto, set, tz, checksum: None, inside: None };
    let word = match trip.prove_in_open() {
        Ok(Ok(word)) => word,
        Ok(Err(why)) => {
            trip.back_to_delivered()?;
            return Ok(Some(why));
        }
        Err(error) => {
            // The link may be gone; what stopped it says more.
            let _ = trip.back_to_delivered();
            return Err(error);
        }
    };
    trip.narrator.step("write PRODUCT_STATE = Provisioning and reset", &[RuleId::BareProvisioningIsRescuable]);
    state::write_product_state(trip.session, ProductState::Provisioning, side_of(ProductState::Open, trip.tz))?;
    let there = |source: Failure| SelfcheckError::InProvisioning { source }.into();
    trip.in_provisioning(word).map_err(there).map(|()| None)
}

/// A folder for the credential that nothing lies in.
fn free_folder(wish: &Wish) -> PathBuf {
    let base = wish.out.path().join("selfcheck");
    let names = (1u32..).map(|n| base.join(format!("credential-{n}")));
    names.into_iter().find(|folder| !folder.exists()).unwrap_or(base)
}

impl Trip<'_> {
    /// Has the object of the credential stored that fits the TrustZone setting.
    fn call(&mut self, word: EncryptWord) -> Result<Called> {
        let method = DaMethod::for_trustzone(self.tz);
        let Some(object) = self.set.object(method)? else { return Ok(Called::NoChecksum) };
        let payload = object.payload().to_bytes();
        let service = Service::find(self.session, self.parts)?;
        let candidates: Vec<RssChecksum> = self.checksum.map_or_else(|| CHECKSUMS.to_vec(), |known| vec![known]);
        for checksum in candidates {
            let answer = service.provision(self.session, (DESTINATION, &payload), checksum, word)?;
            let (called, returned) = match answer {
                service::Answer::WrongChecksum { .. } => continue,
                service::Answer::Faulted => return Ok(Called::Faulted),
                service::Answer::Refused { status } if status == RssStatus::Error.word() => {
                    // The reason is not named: nothing says that the checksum was looked at.
                    return Ok(Called::Refused(status));
                }
                service::Answer::Refused { status } => (Called::Refused(status), None),
                service::Answer::Stored => (Called::Stored, Some("returns")),
                service::Answer::Reset => (Called::Stored, Some("resets")),
            };
            self.checksum = Some(checksum);
            self.findings.settle("rss-checksum", checksum.as_str(), "the service took a request with it");
            if let Some(value) = returned {
                self.findings.settle("rss-return", value, "what the service did when it had stored the object");
                self.inside = Some((word, self.tz));
                self.session.wait_for_ap1()?;
            }
            self.narrator.note(&match called {
                Called::Refused(status) => format!("word {word}: {}", rss_status::describe(status)),
                _ => format!("word {word}: stored"),
            });
            return Ok(called);
        }
        Ok(Called::NoChecksum)
    }

    /// Has the ROM take the credential while the chip is Open, and finds the word for it; `Err` says why that cannot be.
    fn prove_in_open(&mut self) -> Result<std::result::Result<EncryptWord, String>> {
        self.narrator.step(
            "have the provisioning service take it while the chip is Open",
            &[RuleId::ProvisionOnlyInProvisioning, RuleId::RssEncryptWord],
        );
        reset::pulse(self.session)?;
        let mut first = self.call(EncryptWord::ZERO)?;
        if first == Called::Faulted {
            self.findings.settle("rss-tz-off", "faults", "the call faulted with TrustZone off");
            self.narrator.note("the call faults with TrustZone off");
            reset::pulse(self.session)?;
            self.set_trustzone(TrustZone::Enabled)?;
            if self.tz == TrustZone::Disabled {
                return Ok(Err("the service faults with TrustZone off, and TZEN did not take effect".to_owned()));
            }
            first = self.call(EncryptWord::ZERO)?;
        } else {
            self.findings.settle("rss-tz-off", "works", "the call was answered with TrustZone off");
        }
        self.word_of(first)
    }

    /// What the answer to word 0 says of the words, and which one makes an object that this chip can use.
    fn word_of(&mut self, first: Called) -> Result<std::result::Result<EncryptWord, String>> {
        let word = match first {
            Called::NoChecksum => {
                self.findings.settle("rss-checksum", "unlisted", "the service refuses every checksum that is known");
                return Ok(Err("the service takes none of the known checksums".to_owned()));
            }
            Called::Faulted => return Ok(Err("the service faults with either setting of TrustZone".to_owned())),
            Called::Refused(status) if status == RssStatus::Error.word() => {
                return fail(SelfcheckError::NoBootloader { status: rss_status::describe(status) });
            }
            Called::Refused(status) if status == RssStatus::EncryptionWord.word() => {
                self.findings.settle(WORD, "strict", format!("word 0: {}", rss_status::describe(status)));
                match self.wish.encrypt_word {
                    Some(word) => word,
                    None if self.crypto => {
                        return Ok(Err("no public word makes an object that this part can use".to_owned()));
                    }
                    None => EncryptWord::CACA,
                }
            }
            Called::Refused(status) if status == RssStatus::NoCryptography.word() && !self.crypto => {
                self.findings.settle(WORD, "caca-is-plain", format!("word 0: {}", rss_status::describe(status)));
                EncryptWord::CACA
            }
            Called::Refused(status) => {
                return Ok(Err(format!("the service refuses word 0: {}", rss_status::describe(status))));
            }
            Called::Stored if self.crypto => {
                let values = ["caca-is-plain", "caca-is-encrypted"];
                self.findings.narrow(
                    WORD,
                    &values,
                    "word 0 was taken, and whether it asks for encryption was not seen",
                );
                return Ok(Ok(EncryptWord::ZERO));
            }
            Called::Stored => {
                self.findings.settle(WORD, "caca-is-encrypted", "word 0 was taken by a part without secure AES");
                return Ok(Ok(EncryptWord::ZERO));
            }
        };
        match self.call(word)? {
            Called::Stored => Ok(Ok(word)),
            _ => Ok(Err(format!("the service does not take word {word} either"))),
        }
    }

    /// Writes TZEN and resets, in Open or Provisioning; what the chip then has is noted.
    fn set_trustzone(&mut self, to: TrustZone) -> Result<()> {
        let state = identify(self.session)?.state()?.unwrap_or(ProductState::Open);
        state::write_trustzone_as(self.session, to, side_of(state, self.tz))?;
        let options = identify(self.session)?.options;
        self.tz = options.map_or(self.tz, |options| options.trustzone());
        Ok(())
    }

    /// A chip that stays Open gets its TrustZone setting back, and a core that is free.
    fn back_to_delivered(&mut self) -> Result<()> {
        reset::pulse(self.session)?;
        if self.tz == TrustZone::Enabled {
            self.set_trustzone(TrustZone::Disabled)?;
        }
        Ok(())
    }

    fn in_provisioning(&mut self, word: EncryptWord) -> Result<()> {
        reset::leave_rom(self.session)?;
        let there = identify(self.session)?;
        self.narrator.note(&there.to_string());
        if there.state()? == Some(ProductState::Provisioning) {
            self.try_trustzone()?;
            if self.inside != Some((word, self.tz)) {
                self.call(word)?;
            }
            if self.explore(word)? {
                return Ok(());
            }
        }
        self.come_back()
    }

    /// Whether TZEN can be written here: there, and back again.
    fn try_trustzone(&mut self) -> Result<()> {
        self.narrator.step("write TZEN in Provisioning, and back", &[RuleId::TzenInProvisioning]);
        let was = self.tz;
        self.set_trustzone(was.flipped())?;
        let value = if self.tz == was { "ignored" } else { "writable" };
        self.findings.settle("tzen-in-provisioning", value, "TZEN after it was written and the chip was reset");
        if self.tz != was {
            self.set_trustzone(was)?;
        }
        Ok(())
    }

    fn discover(&mut self) -> Result<Conversation> {
        self.narrator.step("ask for Debug Authentication in Provisioning", &[RuleId::DaStates]);
        let conversation = discover(self.session)?;
        self.narrator.note(&conversation.summary());
        formats::note(&conversation, Lifecycle::Provisioning, self.findings);
        Ok(conversation)
    }

    /// Out of the ROM, and another object in.
    fn exchange(&mut self, word: EncryptWord) -> Result<Called> {
        resets::leave(self.session, self.findings, self.hands, self.narrator)?;
        self.call(word)
    }

    /// Discovers, and on a part with secure AES tells the words apart; an object that the chip can use is inside afterwards. Whether the
    /// chip is Open already.
    fn explore(&mut self, word: EncryptWord) -> Result<bool> {
        let first = self.discover()?.is_valid();
        if self.crypto && word != EncryptWord::ZERO {
            // The word is the user's: what a plain object looks like is all that is open.
            if word != EncryptWord::CACA && self.exchange(EncryptWord::CACA)? == Called::Stored {
                let looks = if self.discover()?.is_valid() { "looks-valid" } else { "invalid" };
                self.findings.settle(PLAIN, looks, "a discovery with an object stored by 0xCACA0AA0");
            }
            self.exchange(word)?;
            return Ok(false);
        }
        if !self.crypto {
            resets::leave(self.session, self.findings, self.hands, self.narrator)?;
            return Ok(false);
        }
        if !first {
            self.plain(EncryptWord::ZERO, "invalid", "a discovery finds the object invalid that word 0 stored");
            self.exchange(EncryptWord::CACA)?;
            return Ok(false);
        }
        if self.exchange(EncryptWord::CACA)? != Called::Stored {
            return Ok(false);
        }
        let second = self.discover()?;
        if !second.is_valid() {
            self.plain(EncryptWord::CACA, "invalid", "a discovery finds the object invalid that 0xCACA0AA0 stored");
            self.exchange(EncryptWord::ZERO)?;
            return Ok(false);
        }
        // Both look valid, and one of them is plain: only a use of it tells.
        let method = DaMethod::for_trustzone(self.tz);
        let Some(proof) = self.set.credential(method) else { return Ok(false) };
        match authenticate(self.session, &second.mailbox, proof.credential(), &|asked| proof.sign(asked)) {
            Ok(()) => {
                self.plain(EncryptWord::ZERO, "looks-valid", "the object that 0xCACA0AA0 stored authenticates");
                regress::until_open(self.session)?;
                Ok(true)
            }
            Err(error) if refusal(&error).is_some() => {
                let because = "the object that 0xCACA0AA0 stored looks valid and does not authenticate";
                self.plain(EncryptWord::CACA, "looks-valid", because);
                self.exchange(EncryptWord::ZERO)?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// This word stores as it is, and so an object looks.
    fn plain(&mut self, word: EncryptWord, looks: &'static str, because: &str) {
        let value = if word == EncryptWord::CACA { "caca-is-plain" } else { "caca-is-encrypted" };
        self.findings.settle(WORD, value, because);
        self.findings.settle(PLAIN, looks, because);
    }

    /// The way back is that of a rescue, with a journal of its own.
    fn come_back(&mut self) -> Result<()> {
        let credential = CredentialSet::load(self.set.folder())?;
        let wish = rescue::Wish {
            chip: self.wish.chip.clone(),
            part: self.wish.part,
            credential: Some(credential),
            inside: true,
            encrypt_word: self.inside.map(|(word, _)| word),
            out: (&self.wish.out).into(),
            one_shot: false,
            once_for_life: false,
            this_is: None,
        };
        rescue::rescue(self.session, wish, self.narrator).map(drop)
    }
}
