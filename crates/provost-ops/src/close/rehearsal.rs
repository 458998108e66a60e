//! The rehearsal: what is remembered of one, and how option words and firmware come back after it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use provost_chip::{parts::PartId, states::ProductState};
use provost_link::LinkError;
use serde::{Deserialize, Serialize};

use super::{
    CloseError,
    facts::Facts,
    image::{Image, to_write_again},
    plan::{Bound, Difference},
    words::{self, Words, with_field},
};
use crate::{
    Narrator,
    error::{OpError, Result},
    fault::fail,
    flash::Flash,
    identify::{Identity, identify},
    journal::Attempt,
    option_bytes::OptionBytes,
    session::Session,
};

/// Schema of a remembered rehearsal.
pub const SCHEMA: &str = "provost.rehearsal/1";

/// How long a chip may take to erase itself and come back Open (mass erase plus boot, with a wide margin).
const REGRESSION_TIMEOUT: Duration = Duration::from_secs(10);
const REGRESSION_POLL: Duration = Duration::from_millis(50);

/// Fields that stand in the way while the flash is written, or that freeze others: they come back last.
const LAST: [&str; 4] = ["WRPSG", "HDP", "BOOT_LOCK", "BOOT_UBE"];

/// What is remembered of a rehearsal: this credential was used on this chip, in this way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of the tool.
    pub version: String,
    /// When, UTC.
    pub time: String,
    /// Unique id.
    pub uid: String,
    /// DEV_ID.
    pub dev_id: u16,
    /// How the object was provisioned.
    pub attempt: Attempt,
    /// The checksum that the service took.
    pub checksum: String,
    /// `certificate` or `password`.
    pub method: String,
    /// Hash of the credential's root key.
    pub root_key_hash: Option<String>,
    /// SHA-256 of the object, for a certificate.
    pub object: Option<String>,
    /// SHA-256 of what the flash held, piece by piece.
    pub images: Vec<String>,
    /// The plan's hash.
    pub plan: String,
}

impl Rehearsal {
    fn path(out: &Path, uid: &str) -> PathBuf {
        out.join("rehearsals").join(format!("{uid}.json"))
    }

    /// The rehearsal of the chip with this unique id, if one is remembered.
    pub fn remembered(out: &Path, uid: &str) -> Option<Self> {
        let bytes = fs::read(Self::path(out, uid)).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|r: &Self| r.schema == SCHEMA && r.uid == uid)
    }

    /// Remembers it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn remember(&self, out: &Path) -> Result<()> {
        let path = Self::path(out, &self.uid);
        let error = |source| OpError::Journal { path: path.clone(), source };
        fs::create_dir_all(out.join("rehearsals")).map_err(error)?;
        let text = serde_json::to_vec_pretty(self).map_err(|e| error(e.into()))?;
        Ok(super::folder::write_synced(&path, &text).map_err(error)?)
    }

    pub(super) fn new(bound: &Bound, plan: &str, attempt: Attempt, checksum: String) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            uid: bound.uid.clone(),
            dev_id: bound.dev_id,
            attempt,
            checksum,
            method: bound.method.clone(),
            root_key_hash: bound.root_key_hash.clone(),
            object: bound.object.clone(),
            images: bound.images.iter().map(|i| i.sha256.clone()).collect(),
            plan: plan.to_owned(),
        }
    }

    /// Whether it speaks for the chip as it is now, or why not.
    ///
    /// # Errors
    /// What is different now.
    pub fn counts_for(&self, facts: &Facts) -> Result<(), String> {
        let Some(bound) = Bound::of(facts) else { return Err("the credential cannot be read".to_owned()) };
        let differs = [
            ("another TrustZone setting", self.attempt.trustzone != bound.trustzone),
            ("another kind of credential", self.method != bound.method),
            ("another root key", self.root_key_hash != bound.root_key_hash),
            ("another object", self.object != bound.object),
            ("another DEV_ID", self.dev_id != bound.dev_id),
        ];
        if let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) {
            return Err((*what).to_owned());
        }
        let Ok(Some(most)) = facts.request.policy.max_age() else { return Ok(()) };
        let then = humantime::parse_rfc3339(&self.time).map_err(|e| e.to_string())?;
        match SystemTime::now().duration_since(then) {
            Ok(age) if age <= most => Ok(()),
            _ => Err(format!("it is older than {}", humantime::format_duration(most))),
        }
    }
}

/// Waits until a chip that erases itself is back in Open; an immediate connect may fail (wolfTrust).
pub(super) fn wait_until_open(session: &mut Session) -> Result<Identity> {
    let end = session.now() + REGRESSION_TIMEOUT;
    loop {
        session.sleep(REGRESSION_POLL);
        let found = match identify(session) {
            Ok(identity) if identity.options.is_some_and(|o| o.state() == Some(ProductState::Open)) => {
                return Ok(identity);
            }
            Err(error) if matches!(error.of(), Some(LinkError::ProbeLost { .. })) => return Err(error),
            other => other,
        };
        if session.now() >= end {
            let waited_ms = REGRESSION_TIMEOUT.as_millis() as u64;
            let found = found?.options.map_or("AP1 shut".to_owned(), |o| format!("option word {:#010x}", o.optsr_cur));
            return fail(OpError::NotOpenAfterRegression { waited_ms, found });
        }
    }
}

/// Makes a chip in Open what it was: TrustZone, option words, firmware, and last what would have been in the way. What is as it
/// was is left alone, so that it may be called again after an interruption.
///
/// # Errors
/// Something could not be written, or the link breaks.
pub(super) fn restore(
    session: &mut Session,
    bound: &Bound,
    part: PartId,
    images: &[Image],
    narrator: &mut dyn Narrator,
) -> Result<()> {
    let identity = identify(session)?;
    let mut bytes = OptionBytes::read(session, &identity, Some(part))?;
    // TrustZone first: turning it on may erase the flash (wolfTrust). Locks and write protection stay out of the way.
    let mut first = words::of(&bytes);
    out_of_the_way(part, &mut first);
    with_field(part, &mut first, "TZEN", u32::from(bound.tz().code()));
    bytes = change(session, bytes, &first)?;
    let mut second = bound.words.clone();
    for (name, value) in last_fields(part, &words::of(&bytes)) {
        with_field(part, &mut second, &name, value);
    }
    bytes = change(session, bytes, &second)?;
    Flash::new(&bytes).write_differing(session, &to_write_again(images)?, narrator)?;
    bytes = change(session, bytes, &bound.words)?;
    let differences = differences(&bound.words, &words::of(&bytes));
    if differences.is_empty() { Ok(()) } else { Err(CloseError::OptionsNotRestored { differences }.into()) }
}

/// Programs what differs, resets, and reads back.
fn change(session: &mut Session, bytes: OptionBytes, wanted: &Words) -> Result<OptionBytes> {
    if words::of(&bytes) == *wanted {
        return Ok(bytes);
    }
    words::program(session, &bytes, wanted)?;
    session.pulse_nrst()?;
    session.wait_for_ap1()?;
    bytes.read_again(session)
}

fn last_fields(part: PartId, words: &Words) -> Vec<(String, u32)> {
    provost_chip::option_bytes::OptionField::of(part)
        .filter(|f| LAST.iter().any(|name| f.name.contains(name)))
        .filter_map(|f| words.get(f.register).map(|w| (f.name.to_owned(), f.get(*w))))
        .collect()
}

/// No lock, no write protection.
fn out_of_the_way(part: PartId, words: &mut Words) {
    for (name, _) in last_fields(part, &words.clone()) {
        if name.starts_with("WRPSG") {
            with_field(part, words, &name, u32::MAX);
        } else if name.ends_with("BOOT_LOCK") {
            with_field(part, words, &name, 0xC3);
        }
    }
}

fn differences(planned: &Words, found: &Words) -> Vec<Difference> {
    let word = |words: &Words, name: &str| words.get(name).map_or("none".to_owned(), |w| format!("{w:#010x}"));
    planned
        .keys()
        .filter(|name| planned.get(*name) != found.get(*name))
        .map(|name| Difference { what: name.clone(), planned: word(planned, name), found: word(found, name) })
        .collect()
}
