//! A virtual chip as a file: what it keeps without power, who it is, and the world it lives in.
//!
//! JSON with a digest over the rest, so that a file changed by other hands is noticed. Replaced as a whole, so that a program that dies
//! leaves the old file or the new one, and locked while a board has it open, so that no change gets lost to another program.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use base64ct::{Base64, Encoding as _};
use provost_chip::{assumptions::Assumptions, model::debug::Hdpl, parts::PartId, registers::flash as reg};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::TwinError,
    silicon::{
        FirmwareBehaviour, Identity, Silicon,
        nvm::{Nvm, OBK_LEN, OTP_LEN, SECTOR},
    },
};

/// The format that this version writes.
pub const FORMAT: &str = "provost.chip/1";
/// A chip file holds at most a full H5F5 in base64; anything larger is none.
const LARGEST_FILE: u64 = 16 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    part: String,
    /// Where it is not the largest of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flash_kb: Option<u32>,
    uid: [u32; 3],
    rev_id: u16,
    rom_version: u8,
    assumptions: BTreeMap<String, String>,
    firmware: Firmware,
    options: BTreeMap<String, String>,
    flash: BTreeMap<u32, String>,
    obk: [String; 2],
    obk_current: u8,
    otp: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    otp_spoilt: BTreeSet<u16>,
    interrupted: u32,
    digest: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Firmware {
    non_secure: bool,
    regresses: bool,
    /// The isolation level it climbs to, where that is not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hdpl: Option<u8>,
}

/// A chip file that is open here and nowhere else, for as long as this lives.
#[derive(Debug)]
pub struct ChipFile {
    path: PathBuf,
    /// Holds the lock. Where there are no locks (WASI), nothing.
    held: Option<File>,
}

impl ChipFile {
    /// Claims a chip file and reads it; the chip has no power yet.
    ///
    /// # Errors
    /// [`TwinError::InUse`]; otherwise as [`load`].
    pub fn open(path: &Path) -> Result<(Self, Silicon), TwinError> {
        let io = |source| TwinError::Io { path: path.to_owned(), source };
        loop {
            let file = File::open(path).map_err(io)?;
            let held = claim(path, &file)?;
            // Whoever held it before may have put another file in its place meanwhile.
            if held && !fs::metadata(path).and_then(|there| is_still(&there, &file)).map_err(io)? {
                continue;
            }
            let silicon = read(path, &file)?;
            return Ok((Self { path: path.to_owned(), held: held.then_some(file) }, silicon));
        }
    }

    /// Writes a new chip file, and replaces none.
    ///
    /// # Errors
    /// [`TwinError::Exists`] if there is a file of that name by now; [`TwinError::InUse`] if another program is making it; [`TwinError::Io`].
    pub fn create(path: &Path, silicon: &Silicon) -> Result<(), TwinError> {
        if path.symlink_metadata().is_ok() {
            return Err(TwinError::Exists { path: path.to_owned() });
        }
        let part = part_of(path);
        // Held until the part is gone: who finds it until then is told that somebody makes this file.
        let _held = write_part(path, silicon)?;
        let made = fs::hard_link(&part, path);
        let removed = fs::remove_file(&part);
        match made {
            Ok(()) => removed.map_err(|source| TwinError::Io { path: part, source }),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(TwinError::Exists { path: path.to_owned() }),
            Err(source) => Err(TwinError::Io { path: path.to_owned(), source }),
        }
    }

    /// Replaces the content.
    ///
    /// # Errors
    /// [`TwinError::Io`]; the file is as it was.
    pub fn store(&mut self, silicon: &Silicon) -> Result<(), TwinError> {
        let next = write_part(&self.path, silicon)?;
        // Where an open file cannot be replaced, it must not be open.
        let held = self.held.take_if(|_| !cfg!(unix));
        drop(held);
        fs::rename(part_of(&self.path), &self.path)
            .map_err(|source| TwinError::Io { path: self.path.clone(), source })?;
        self.held = next;
        Ok(())
    }
}

/// Locks a chip file; `false` where files cannot be locked.
fn claim(path: &Path, file: &File) -> Result<bool, TwinError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Err(TwinError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(source)) => Err(TwinError::Io { path: path.to_owned(), source }),
    }
}

/// Whether a name, of which this was found, still names this file.
fn is_still(there: &fs::Metadata, file: &File) -> io::Result<bool> {
    let here = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    Ok(here.len() == there.len() && here.modified()? == there.modified()?)
}

/// Where the next content of a chip file is written before it takes its place: one name for each, so that what a killed program leaves
/// is found and used up by the next.
fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

/// Writes the next content beside the chip file, on the disk when this returns; gives the lock on it, where there are locks.
///
/// The name belongs to whoever holds the lock on the file that bears it; what is in that file is touched after that only.
fn write_part(path: &Path, silicon: &Silicon) -> Result<Option<File>, TwinError> {
    let part = part_of(path);
    let io = |source| TwinError::Io { path: path.to_owned(), source };
    // What no program of ours left there is not written through, and not removed: it is not ours.
    if fs::symlink_metadata(&part).is_ok_and(|there| !there.is_file()) {
        let source = io::Error::other("there is no file but something else of that name");
        return Err(TwinError::Io { path: part, source });
    }
    let mut file = File::options().write(true).create(true).truncate(false).open(&part).map_err(io)?;
    let held = claim(path, &file)?;
    if held && !fs::symlink_metadata(&part).and_then(|there| is_still(&there, &file)).unwrap_or(false) {
        // Whoever held it before has made the chip file of it meanwhile.
        return Err(TwinError::InUse { path: path.to_owned() });
    }
    let written = text_of(silicon)
        .and_then(|text| file.set_len(0).and_then(|()| file.write_all(&text)).and_then(|()| file.sync_all()));
    match written {
        Ok(()) => Ok(held.then_some(file)),
        Err(error) => {
            // What failed is what matters; a part that stays is used up later.
            let _ = fs::remove_file(&part);
            Err(io(error))
        }
    }
}

/// Reads a chip file that nobody need have claimed; the chip has no power yet.
///
/// # Errors
/// [`TwinError::Io`], [`TwinError::Damaged`] or [`TwinError::Newer`].
pub fn load(path: &Path) -> Result<Silicon, TwinError> {
    let file = File::open(path).map_err(|source| TwinError::Io { path: path.to_owned(), source })?;
    read(path, &file)
}

fn read(path: &Path, file: &File) -> Result<Silicon, TwinError> {
    let damaged = |what: &str| TwinError::Damaged { path: path.to_owned(), what: what.to_owned() };
    let mut text = Vec::new();
    let length = file
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut text)
        .map_err(|source| TwinError::Io { path: path.to_owned(), source })?;
    if length as u64 > LARGEST_FILE {
        return Err(damaged("it is larger than any chip"));
    }
    check_format(path, &text)?;
    let mut content: Content = serde_json::from_slice(&text).map_err(|e| damaged(&e.to_string()))?;
    let digest = std::mem::take(&mut content.digest);
    if digest != digest_of(&content) {
        return Err(damaged("its digest does not match its content"));
    }
    unpack(&content).ok_or_else(|| damaged("a field has an impossible value"))
}

fn check_format(path: &Path, text: &[u8]) -> Result<(), TwinError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let head: Head =
        serde_json::from_slice(text).map_err(|e| TwinError::Damaged { path: path.to_owned(), what: e.to_string() })?;
    if head.format == FORMAT {
        return Ok(());
    }
    Err(TwinError::Newer { path: path.to_owned(), found: head.format.chars().take(40).collect(), known: FORMAT })
}

/// Writes a chip file, in place of the one that may be there and that nobody may have open: for making benches.
///
/// # Errors
/// [`TwinError::Io`].
pub fn store(path: &Path, silicon: &Silicon) -> Result<(), TwinError> {
    ChipFile { path: path.to_owned(), held: None }.store(silicon)
}

fn text_of(silicon: &Silicon) -> io::Result<Vec<u8>> {
    let mut content = pack(silicon);
    content.digest = digest_of(&content);
    let mut text = serde_json::to_vec_pretty(&content)?;
    text.push(b'\n');
    Ok(text)
}

fn digest_of(content: &Content) -> String {
    // Serializing a struct of strings and numbers cannot fail; an empty text only makes the digest differ.
    let text = serde_json::to_vec(content).unwrap_or_default();
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pack(silicon: &Silicon) -> Content {
    let (identity, nvm, behaviour) = (silicon.identity(), silicon.nvm(), silicon.behaviour());
    let assumptions = Assumptions::switches()
        .iter()
        .filter_map(|s| Some((s.name.to_owned(), silicon.assumptions().get(s.name)?.to_owned())))
        .collect();
    let options = (reg::OPTSR_CUR..reg::SIZE as u16)
        .step_by(4)
        .filter(|offset| nvm.options.get(*offset) != 0)
        .map(|offset| (format!("{offset:#05x}"), format!("{:#010x}", nvm.options.get(offset))))
        .collect();
    Content {
        format: FORMAT.to_owned(),
        part: identity.part.info().name.to_owned(),
        flash_kb: (identity.flash != identity.part.info().largest_flash()).then_some(identity.flash.kb()),
        uid: identity.uid,
        rev_id: identity.rev_id,
        rom_version: identity.rom_version,
        assumptions,
        firmware: Firmware {
            non_secure: behaviour.non_secure,
            regresses: behaviour.regresses,
            hdpl: (behaviour.hdpl != Hdpl::One).then_some(behaviour.hdpl.number()),
        },
        options,
        flash: nvm.flash.iter().map(|(n, bytes)| (*n, Base64::encode_string(&bytes[..]))).collect(),
        obk: [0, 1].map(|i| Base64::encode_string(&nvm.obk[i][..])),
        obk_current: nvm.obk_current as u8 & 1,
        otp: Base64::encode_string(&nvm.otp.iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<_>>()),
        otp_spoilt: nvm.otp_spoilt.clone(),
        interrupted: nvm.interrupted,
        digest: String::new(),
    }
}

fn unpack(file: &Content) -> Option<Silicon> {
    let part: PartId = file.part.parse().ok()?;
    let flash = match file.flash_kb {
        Some(kb) => part.info().flash_from_register(kb)?,
        None => part.info().largest_flash(),
    };
    let mut assumptions = Assumptions::default();
    for (name, value) in &file.assumptions {
        assumptions.set(name, value).ok()?;
    }
    let mut nvm = Nvm::factory(part);
    for offset in (0..reg::SIZE as u16).step_by(4) {
        nvm.options.set(offset, 0);
    }
    for (offset, word) in &file.options {
        nvm.options.set(hex(offset)?.try_into().ok()?, hex(word)?);
    }
    for (number, text) in &file.flash {
        let inside = *number < flash.sectors();
        let mut sector = Box::new([0; SECTOR]);
        sector.copy_from_slice(Base64::decode_vec(text).ok().filter(|b| inside && b.len() == SECTOR)?.as_slice());
        nvm.flash.insert(*number, sector);
    }
    for (sector, text) in nvm.obk.iter_mut().zip(&file.obk) {
        sector.copy_from_slice(Base64::decode_vec(text).ok().filter(|b| b.len() == OBK_LEN)?.as_slice());
    }
    nvm.obk_current = usize::from(file.obk_current & 1);
    let otp = Base64::decode_vec(&file.otp).ok().filter(|b| b.len() == OTP_LEN * 2)?;
    for (half, bytes) in nvm.otp.iter_mut().zip(otp.chunks_exact(2)) {
        *half = u16::from_le_bytes([bytes[0], bytes[1]]);
    }
    nvm.otp_spoilt.clone_from(&file.otp_spoilt);
    nvm.interrupted = file.interrupted & 7;
    let identity = Identity { part, flash, uid: file.uid, rev_id: file.rev_id, rom_version: file.rom_version };
    let behaviour = FirmwareBehaviour {
        non_secure: file.firmware.non_secure,
        regresses: file.firmware.regresses,
        hdpl: Hdpl::from_number(file.firmware.hdpl.unwrap_or(1))?,
    };
    Some(Silicon::new(identity, nvm, behaviour, assumptions))
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::presets;

    fn stored() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("board.chip");
        store(&path, &presets::find("stuck-in-provisioning").unwrap().make().unwrap()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_chip_survives_the_file() {
        let (_folder, path) = stored();
        let before = presets::find("stuck-in-provisioning").unwrap().make().unwrap();
        let after = load(&path).unwrap();
        assert_eq!(after.nvm(), before.nvm());
        assert_eq!(after.identity(), before.identity());
        assert_eq!(after.assumptions(), before.assumptions());
        let text = fs::read(&path).unwrap();
        store(&path, &after).unwrap();
        assert_eq!(fs::read(&path).unwrap(), text, "the same chip is the same file");
    }

    #[test]
    fn a_chip_that_is_open_is_nobody_elses() {
        let (_folder, path) = stored();
        let (mut file, silicon) = ChipFile::open(&path).unwrap();
        let refused = |when: &str| {
            let error = ChipFile::open(&path).unwrap_err();
            assert_eq!(error.code(), "twin-file-in-use", "{when}");
            assert!(error.to_string().contains("board.chip"), "{error}");
        };
        refused("as it was opened");
        // Each store puts another file in its place.
        for _ in 0..3 {
            file.store(&silicon).unwrap();
            refused("after a store");
        }
        drop(file);
        ChipFile::open(&path).unwrap();
    }

    /// As many programs as you like: each opens, changes, stores, and no change is lost.
    #[test]
    fn no_update_is_lost() {
        const PROGRAMS: u16 = 4;
        const CHANGES: u16 = 25;
        let (_folder, path) = stored();
        std::thread::scope(|scope| {
            for program in 0..PROGRAMS {
                let path = &path;
                scope.spawn(move || {
                    for change in 0..CHANGES {
                        let (mut file, mut silicon) = loop {
                            match ChipFile::open(path) {
                                Ok(opened) => break opened,
                                Err(TwinError::InUse { .. }) => std::thread::yield_now(),
                                Err(error) => panic!("{error}"),
                            }
                        };
                        silicon.nvm_mut().program_otp(usize::from(program * CHANGES + change), 0x1234);
                        file.store(&silicon).unwrap();
                    }
                });
            }
        });
        let silicon = load(&path).unwrap();
        for index in 0..PROGRAMS * CHANGES {
            assert_eq!(silicon.nvm().otp_half(index.into()), Some(0x1234), "{index}");
        }
    }

    /// Many rounds, all makers at once: whoever is told that it made the chip made it, and nobody else did.
    #[test]
    fn a_new_chip_replaces_none() {
        const MAKERS: u32 = 8;
        let chip = |serial| presets::Maker::new("STM32H533".parse().unwrap(), serial).make();
        for round in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("board.chip");
            let start = std::sync::Barrier::new(MAKERS as usize);
            let made: Vec<u32> = std::thread::scope(|scope| {
                let makers: Vec<_> = (1..=MAKERS)
                    .map(|serial| {
                        let (path, start, silicon) = (&path, &start, chip(serial));
                        scope.spawn(move || {
                            start.wait();
                            match ChipFile::create(path, &silicon) {
                                Ok(()) => Some(serial),
                                Err(TwinError::Exists { .. } | TwinError::InUse { .. }) => None,
                                Err(error) => panic!("{error:?}"),
                            }
                        })
                    })
                    .collect();
                makers.into_iter().filter_map(|maker| maker.join().unwrap()).collect()
            });
            let [winner] = made[..] else { panic!("{made:?} made it in round {round}") };
            let there = || load(&path).unwrap().identity().uid[0];
            assert_eq!(there(), winner, "round {round}");
            assert_eq!(ChipFile::create(&path, &chip(9)).unwrap_err().code(), "twin-file-exists");
            assert_eq!(there(), winner);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        }
    }

    #[test]
    fn what_a_killed_program_left_is_used_up() {
        let (folder, path) = stored();
        for left in ["", "half a chip"] {
            fs::write(part_of(&path), left).unwrap();
            let (mut file, silicon) = ChipFile::open(&path).unwrap();
            file.store(&silicon).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        let other = folder.path().join("other.chip");
        fs::write(part_of(&other), "half a chip").unwrap();
        ChipFile::create(&other, &load(&path).unwrap()).unwrap();
        assert_eq!(load(&other).unwrap().nvm(), load(&path).unwrap().nvm());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// A name that is there by chance, or by malice, is not written through.
    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_part_is_not_followed() {
        let (folder, path) = stored();
        let victim = folder.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, part_of(&path)).unwrap();
        let (mut file, silicon) = ChipFile::open(&path).unwrap();
        let refused = file.store(&silicon).unwrap_err();
        assert_eq!(refused.code(), "twin-file-io");
        assert!(format!("{refused:?}").contains("no file but something else"), "{refused:?}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        fs::remove_file(part_of(&path)).unwrap();
        file.store(&silicon).unwrap();
        assert!(!path.is_symlink());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (_folder, path) = stored();
        let text = fs::read(&path).unwrap();
        // Every byte of the head, then a sample of the long base64 lines.
        for at in (0..1500).chain((1500..text.len() - 2).step_by(911)) {
            let mut changed = text.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            match load(&path) {
                Err(error) => assert!(["twin-file-damaged", "twin-file-newer"].contains(&error.code()), "{error}"),
                // White space is no content.
                Ok(_) => assert!(text[at].is_ascii_whitespace() || changed[at].is_ascii_whitespace(), "byte {at}"),
            }
        }
    }

    #[test]
    fn truncated_and_newer_files_are_told_apart() {
        let (_folder, path) = stored();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert_eq!(load(&path).unwrap_err().code(), "twin-file-damaged");
        fs::write(&path, text.replace(FORMAT, "provost.chip/2")).unwrap();
        let error = load(&path).unwrap_err();
        assert_eq!(error.code(), "twin-file-newer");
        assert!(error.to_string().contains("provost.chip/2"));
        fs::write(&path, b"\x7fELF").unwrap();
        assert_eq!(load(&path).unwrap_err().code(), "twin-file-damaged");
    }
}
