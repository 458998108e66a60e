//! What a root of trust is given, and what it would start: the objects of a close, and the images in the flash that these name.

use std::path::{Path, PathBuf};

use provost_adac::key::{PrivateKey, PublicKey};
use provost_chip::{parts::SECTOR_SIZE, registers::memory};
use provost_image::{Dependency, Image, Profile, Verification, Verified, Version, profile, verify};
use provost_obk::{
    layout::ObjectKind,
    object::{Object, Value, recognise},
    obk::Obk,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::image::Digest;
use crate::{
    credential::hex,
    store::{FilePath, files},
};

/// No object is larger than the storage.
const LARGEST_OBJECT: u64 = 0x2000 + 12;

/// An object file that was given.
#[derive(Debug, Clone)]
pub struct Given {
    /// The file.
    pub path: PathBuf,
    /// What is in it, or why it is no object.
    pub obk: Result<Obk, String>,
}

/// What a plan keeps of an object: never its bytes, which may be keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundObject {
    /// The file.
    pub file: FilePath,
    /// Where it goes.
    pub destination: u32,
    /// SHA-256 of the file.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub sha256: String,
}

impl Given {
    /// Reads a file. What is wrong with it is for the preflight to say.
    pub fn load(path: &Path) -> Self {
        let bytes = files::read(path, LARGEST_OBJECT).map_err(|error| error.to_string());
        let obk = bytes.and_then(|bytes| Obk::parse(&bytes).map_err(|error| error.to_string()));
        Self { path: path.to_owned(), obk }
    }

    /// Its name, for messages.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(|| self.path.display().to_string(), |n| n.to_string_lossy().into_owned())
    }

    /// What a plan keeps of it.
    pub fn bound(&self) -> Option<BoundObject> {
        let obk = self.obk.as_ref().ok()?;
        let sha256 = hex(&Sha256::digest(obk.to_bytes()));
        Some(BoundObject { file: self.path.clone().into(), destination: obk.destination(), sha256 })
    }
}

/// A piece of the flash in which a root of trust looks for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What it is called.
    pub name: String,
    /// From the beginning of the flash, bytes.
    pub offset: u32,
    /// What stands there.
    pub bytes: Vec<u8>,
}

impl Slot {
    /// The pieces of it that are not named yet.
    pub(super) fn not_in(&self, named: &[Digest]) -> Vec<Digest> {
        let offset = |digest: &Digest| (digest.address & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH);
        let mut others: Vec<(u32, u32)> =
            named.iter().map(|digest| (offset(digest), offset(digest).saturating_add(digest.size))).collect();
        others.sort_unstable();
        let end = self.offset.saturating_add(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        let (mut at, mut pieces) = (self.offset, Vec::new());
        for (first, behind) in others.into_iter().chain([(end, end)]) {
            let stop = first.min(end);
            if stop > at {
                let address = memory::FLASH + at;
                pieces.push(Digest { name: self.name.clone(), address, size: stop - at, sha256: String::new() });
            }
            at = at.max(behind);
        }
        pieces
    }
}

/// The configuration of ST-iRoT, as far as it names images.
struct StIrot {
    data: bool,
    execution: u32,
    download: u32,
    size: u32,
    secure: u32,
    key: Option<PublicKey>,
    decryption: Option<PrivateKey>,
}

fn of_kind(objects: &[Given], kind: ObjectKind) -> Option<Object> {
    objects.iter().filter_map(|given| given.obk.as_ref().ok()).find(|obk| recognise(obk) == kind).map(Object::from_obk)
}

fn value(object: &Object, name: &str) -> Option<Value> {
    object.layout().field(name).map(|field| object.get(field))
}

fn number(object: &Object, name: &str) -> u32 {
    match value(object, name) {
        Some(Value::Number(number)) => u32::try_from(number).unwrap_or(u32::MAX),
        _ => 0,
    }
}

fn public_key(object: &Object, name: &str) -> Option<PublicKey> {
    match value(object, name) {
        Some(Value::PublicKey(key)) => Some(key),
        _ => None,
    }
}

fn private_key(object: &Object, name: &str) -> Option<PrivateKey> {
    match value(object, name) {
        Some(Value::PrivateKey(key)) => Some(key),
        _ => None,
    }
}

fn st_irot(objects: &[Given]) -> Option<StIrot> {
    let config = of_kind(objects, ObjectKind::StirotConfig)?;
    let size = number(&config, "firmware_size");
    Some(StIrot {
        data: number(&config, "images") == 2,
        execution: number(&config, "execution_offset"),
        download: number(&config, "download_offset"),
        size,
        secure: if number(&config, "full_secure") == 0 { number(&config, "secure_size") } else { size },
        key: public_key(&config, "authentication_key"),
        decryption: private_key(&config, "encryption_key"),
    })
}

/// The pieces of flash to be read for these objects: name, offset and size. OEMiRoT is built from source, so where its images lie only
/// its owner knows: they are looked for in the pieces that are read anyway.
pub(super) fn slots(objects: &[Given]) -> Vec<(&'static str, u32, u32)> {
    let Some(config) = st_irot(objects) else { return Vec::new() };
    vec![
        ("the area it runs from", config.execution, config.size),
        ("the area for downloads", config.download, config.size),
    ]
}

/// The images at the beginning of sectors in a piece of flash.
pub(super) fn images_in(name: &str, address: u32, bytes: &[u8]) -> Vec<Slot> {
    let offset = (address & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH);
    let first = (offset.next_multiple_of(SECTOR_SIZE).wrapping_sub(offset)) as usize;
    let starts = (first..bytes.len()).step_by(SECTOR_SIZE as usize);
    let is_image = |at: &usize| bytes.get(*at..*at + 4) == Some(&profile::MCUBOOT_MAGIC.to_le_bytes()[..]);
    let slot = |at: usize| Slot {
        name: name.to_owned(),
        offset: offset.saturating_add(at as u32),
        bytes: bytes.get(at..).unwrap_or_default().to_vec(),
    };
    starts.filter(is_image).map(slot).collect()
}

/// The sectors that ST-iRoT's configuration calls secure: first and last.
pub(super) fn secure_sectors(objects: &[Given]) -> Option<(u32, u32)> {
    let config = st_irot(objects)?;
    let end = config.execution.checked_add(config.secure.max(1))?;
    Some((config.execution / SECTOR_SIZE, (end - 1) / SECTOR_SIZE))
}

/// What a root of trust makes of the images in the flash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// No configuration of a root of trust was given.
    NoConfiguration,
    /// It takes these.
    Takes(Vec<String>),
    /// It takes none, or not all that it must.
    Refuses(String),
    /// It would take it, but for a version.
    VersionTooLow(String),
}

/// Looks at the images as the root of trust will.
pub(super) fn look(objects: &[Given], slots: &[Slot]) -> Look {
    if let Some(config) = st_irot(objects) {
        return look_st_irot(&config, objects, slots);
    }
    let Some(config) = of_kind(objects, ObjectKind::OemirotConfig) else { return Look::NoConfiguration };
    let keys: Vec<PublicKey> =
        ["secure_key", "non_secure_key"].iter().filter_map(|name| public_key(&config, name)).collect();
    let decryption = private_key(&config, "encryption_key");
    let kept = of_kind(objects, ObjectKind::OemirotData);
    let mut taken = Vec::new();
    for slot in slots {
        let Ok(image) = Image::parse(&slot.bytes) else { continue };
        let header = image.header();
        let mut refused = None;
        let found = Profile::matching(header.magic, header.header_size)
            .filter(|profile| profile.keys_in == "OEMiRoT_Config")
            .find_map(|profile| {
                let mut against = Verification::of(profile).trust(&keys);
                if let Some(key) = &decryption {
                    against = against.decrypt_with(key);
                }
                verify(&image, &against).map_err(|error| refused = Some(error.to_string())).ok()
            });
        let place = format!("{} at {:#x}", slot.name, slot.offset);
        let Some(found) = found else {
            return Look::Refuses(format!("{place}: {}", refused.unwrap_or_else(|| "no image of OEMiRoT".to_owned())));
        };
        if let (Some(counter), Some(number_of)) = (found.security_counter, found.profile.image) {
            let least = kept.as_ref().map_or(0, |data| number(data, &format!("image_{number_of}_version")));
            if counter < least {
                let text = format!("{place}: security counter {counter:#x}, the data demand {least:#x}");
                return Look::VersionTooLow(text);
            }
        }
        taken.push(format!("{} {} at {:#x}", slot.name, found.version, slot.offset));
    }
    if taken.is_empty() {
        return Look::Refuses("no image at the beginning of a sector that was read (--image names them)".to_owned());
    }
    Look::Takes(taken)
}

fn look_st_irot(config: &StIrot, objects: &[Given], slots: &[Slot]) -> Look {
    let data = objects
        .iter()
        .filter_map(|given| given.obk.as_ref().ok())
        .find(|obk| matches!(recognise(obk), ObjectKind::StirotUserData | ObjectKind::OemurotConfig));
    let data = match (config.data, data) {
        (false, _) => None,
        (true, None) => return Look::Refuses("its configuration names a data image, and none is given".to_owned()),
        (true, Some(obk)) => match version_of_data(obk.payload()) {
            Ok(version) => Some(version),
            Err(why) => return Look::Refuses(format!("the data image: {why}")),
        },
    };
    let trusted: Vec<PublicKey> = config.key.into_iter().collect();
    let (mut taken, mut refused, mut too_low) = (Vec::new(), Vec::new(), None);
    for slot in slots {
        match st_irot_image(slot, config, &trusted, |found| unmet(found, data)) {
            Ok((version, None)) => taken.push(format!("{version} in {}", slot.name)),
            Ok((_, Some(why))) => too_low = Some(why),
            Err(why) => refused.push(format!("{}: {why}", slot.name)),
        }
    }
    match (taken.is_empty(), too_low) {
        (false, _) => Look::Takes(taken),
        (true, Some(why)) => Look::VersionTooLow(why),
        (true, None) => Look::Refuses(refused.join("; ")),
    }
}

/// The version of an image that ST-iRoT takes, and what is said of it.
fn st_irot_image(
    slot: &Slot,
    config: &StIrot,
    trusted: &[PublicKey],
    also: impl Fn(&Verified<'_>) -> Option<String>,
) -> Result<(Version, Option<String>), String> {
    let image = Image::parse(&slot.bytes).map_err(|error| error.to_string())?;
    let profile = Profile::named("stirot-code").ok_or("no such profile")?;
    let mut against = Verification::of(profile).trust(trusted).slot_size(config.size);
    if let Some(key) = &config.decryption {
        against = against.decrypt_with(key);
    }
    let found = verify(&image, &against).map_err(|error| error.to_string())?;
    Ok((found.version, also(&found)))
}

/// The first dependency that the data do not meet. mcuboot leaves the build number out.
fn unmet(found: &Verified<'_>, data: Option<Version>) -> Option<String> {
    let short = |v: Version| (v.major, v.minor, v.revision);
    let met = |needs: &&Dependency| needs.image == 1 && data.is_some_and(|data| short(data) >= short(needs.version));
    let needs = found.dependencies.iter().find(|needs| !met(needs))?;
    let have = data.map_or_else(|| "none".to_owned(), |version| version.to_string());
    Some(format!("the firmware needs image {} from version {} on; there is {have}", needs.image, needs.version))
}

fn version_of_data(payload: &[u8]) -> Result<Version, String> {
    let image = Image::parse(payload).map_err(|error| error.to_string())?;
    let profile = Profile::named("stirot-data-object").ok_or("no such profile")?;
    verify(&image, &Verification::of(profile)).map(|found| found.version).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_named_where_nothing_else_names_it() {
        let slot = Slot { name: "slot".to_owned(), offset: 0x1000, bytes: vec![0; 0x1000] };
        let named = |address: u32, size: u32| Digest { name: String::new(), address, size, sha256: String::new() };
        let pieces = |named: &[Digest]| -> Vec<(u32, u32)> {
            slot.not_in(named).iter().map(|piece| (piece.address, piece.size)).collect()
        };
        assert_eq!(pieces(&[]), [(0x0800_1000, 0x1000)]);
        // Either alias names the same bytes.
        assert_eq!(pieces(&[named(0x0C00_1400, 0x100)]), [(0x0800_1000, 0x400), (0x0800_1500, 0xB00)]);
        assert_eq!(pieces(&[named(0x0800_0000, 0x1200), named(0x0800_1800, 0x8000)]), [(0x0800_1200, 0x600)]);
        assert_eq!(pieces(&[named(0x0800_0000, 0x8_0000)]), []);
        assert_eq!(pieces(&[named(0x0800_2000, 0x100), named(0x0800_0000, 0x1000)]), [(0x0800_1000, 0x1000)]);
    }
}
