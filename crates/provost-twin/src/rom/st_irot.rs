//! ST-iRoT, as far as it decides whether anything starts: it reads its configuration in the option-byte keys, installs a newer image
//! from the area for downloads, and starts the one in the area it runs from if that verifies.
//!
//! The places are those of `STiRoT_Config.xml` in STM32CubeH5, read here a second time and not shared with the tables by which objects
//! are made; what an image must be is mcuboot's `bootutil_img_validate`.

use std::ops::Range;

use provost_adac::key::{PrivateKey, PublicKey};
use provost_chip::{parts::SECTOR_SIZE, states::ProductState};
use provost_image::{Dependency, Image, Profile, Verification, Version, verify};

use super::rss::{carries_its_hash, opened};
use crate::silicon::Silicon;

const CONFIG: Range<usize> = 0x200..0x300;
const DATA_IMAGE: Range<usize> = 0x900..0xC00;
const IMAGES: usize = 32;
const EXECUTION: usize = 36;
const DOWNLOAD: usize = 40;
const SIZE: usize = 44;
const DATA_OFFSET: usize = 48;
const DATA_SIZE: usize = 52;
const MINIMAL_STATE: usize = 76;
const ENCRYPTION_KEY: Range<usize> = 80..150;
/// A SubjectPublicKeyInfo of P-256, whose last 64 bytes are the point.
const AUTHENTICATION_KEY: Range<usize> = 152..243;
const POINT: usize = 27;
/// Bytes in front of the vector table of an image.
const HEADER: u32 = 0x400;

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is no configuration with keys in it. What the ROM makes of one that does not read is not public: nothing is decided here.
    Unread,
    /// It starts nothing.
    Refuses,
    /// It starts the image whose vector table is so many bytes behind the beginning of the flash.
    Starts(u32),
}

struct Config {
    data: bool,
    execution: u32,
    download: u32,
    size: u32,
    data_at: Range<usize>,
    minimal_state: Option<ProductState>,
    encryption: PrivateKey,
    authentication: PublicKey,
}

fn read(silicon: &Silicon) -> Option<Config> {
    let bytes = opened(silicon, CONFIG).filter(|bytes| carries_its_hash(bytes))?;
    let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let data_at = DATA_IMAGE.start.checked_add(word(DATA_OFFSET)? as usize)?;
    let spki = bytes.get(AUTHENTICATION_KEY)?;
    Some(Config {
        data: *bytes.get(IMAGES)? == 2,
        execution: word(EXECUTION)?,
        download: word(DOWNLOAD)?,
        size: word(SIZE)?,
        data_at: data_at..data_at.checked_add(word(DATA_SIZE)? as usize)?.min(DATA_IMAGE.end),
        minimal_state: ProductState::from_code((word(MINIMAL_STATE)? >> 8) as u8),
        encryption: PrivateKey::from_minimal(bytes.get(ENCRYPTION_KEY)?).ok()?,
        authentication: PublicKey::from_bytes(spki.get(POINT..)?.try_into().ok()?).ok()?,
    })
}

/// Looks, and installs what is to be installed.
pub(crate) fn look(silicon: &mut Silicon) -> Verdict {
    let Some(config) = read(silicon) else { return Verdict::Unread };
    let data = config.data.then(|| data_version(silicon, &config)).flatten();
    let may_run = config.minimal_state.is_some_and(|least| silicon.chip().state >= least);
    if !may_run || config.data && data.is_none() {
        return Verdict::Refuses;
    }
    let fits = |at: u32| {
        at.is_multiple_of(SECTOR_SIZE)
            && at.checked_add(config.size).is_some_and(|end| end <= silicon.identity().flash.bytes())
    };
    // Where its areas do not lie on sectors of the flash it could install nothing.
    if !fits(config.execution) || !fits(config.download) {
        return Verdict::Refuses;
    }
    let slot = |at: u32| silicon.flash_bytes(at, config.size);
    let runs = taken(&slot(config.execution), &config, data);
    let comes = taken(&slot(config.download), &config, data);
    if let Some((version, plain)) = comes
        && runs.as_ref().is_none_or(|(old, _)| newer(version, *old))
    {
        silicon.install(config.execution, &plain, config.download);
        return Verdict::Starts(config.execution + HEADER);
    }
    if runs.is_some() { Verdict::Starts(config.execution + HEADER) } else { Verdict::Refuses }
}

/// The version of an image that it takes, and its slot with the body in the clear.
fn taken(slot: &[u8], config: &Config, data: Option<Version>) -> Option<(Version, Vec<u8>)> {
    let profile = Profile::named("stirot-code")?;
    let image = Image::parse(slot).ok()?;
    let trusted = [config.authentication];
    let against = Verification::of(profile).trust(&trusted).decrypt_with(&config.encryption).slot_size(config.size);
    let verified = verify(&image, &against).ok()?;
    if !verified.dependencies.iter().all(|needs| is_met(needs, data)) {
        return None;
    }
    let mut plain = slot.to_vec();
    let start = usize::from(image.header().header_size);
    plain.get_mut(start..start + verified.body().len())?.copy_from_slice(verified.body());
    Some((verified.version, plain))
}

/// Image 0 is the firmware itself, image 1 its data.
fn is_met(needs: &Dependency, data: Option<Version>) -> bool {
    needs.image == 1 && data.is_some_and(|data| !newer(needs.version, data))
}

/// mcuboot leaves the build number out.
fn newer(one: Version, other: Version) -> bool {
    (one.major, one.minor, one.revision) > (other.major, other.minor, other.revision)
}

fn data_version(silicon: &Silicon, config: &Config) -> Option<Version> {
    let profile = Profile::named("stirot-data-object")?;
    // Stored encrypted, in one piece; how long it is, its header says.
    let stored = opened(silicon, config.data_at.clone())?;
    let image = Image::parse(&stored).ok()?;
    verify(&image, &Verification::of(profile)).ok().map(|found| found.version)
}
