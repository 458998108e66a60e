//! A virtual chip as a file: what it keeps without power, who it is, and the world it lives in.
//!
//! JSON with a digest over the rest, so that a file changed by other hands is noticed. Written atomically.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64ct::{Base64, Encoding as _};
use provost_chip::{assumptions::Assumptions, parts::SECTOR_SIZE, registers::flash as reg};
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
struct File {
    format: String,
    part: String,
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
}

/// Reads a chip file; the chip has no power yet.
///
/// # Errors
/// [`TwinError::Io`], [`TwinError::Damaged`] or [`TwinError::Newer`].
pub fn load(path: &Path) -> Result<Silicon, TwinError> {
    let io = |source| TwinError::Io { path: path.to_owned(), source };
    let damaged = |what: &str| TwinError::Damaged { path: path.to_owned(), what: what.to_owned() };
    if fs::metadata(path).map_err(io)?.len() > LARGEST_FILE {
        return Err(damaged("it is larger than any chip"));
    }
    let text = fs::read(path).map_err(io)?;
    check_format(path, &text)?;
    let mut file: File = serde_json::from_slice(&text).map_err(|e| damaged(&e.to_string()))?;
    let digest = std::mem::take(&mut file.digest);
    if digest != digest_of(&file) {
        return Err(damaged("its digest does not match its content"));
    }
    unpack(&file).ok_or_else(|| damaged("a field has an impossible value"))
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

/// Writes a chip file atomically: a program that dies leaves the old file or the new one.
///
/// # Errors
/// [`TwinError::Io`].
pub fn store(path: &Path, silicon: &Silicon) -> Result<(), TwinError> {
    let io = |source| TwinError::Io { path: path.to_owned(), source };
    let mut file = pack(silicon);
    file.digest = digest_of(&file);
    let text = serde_json::to_vec_pretty(&file).map_err(|e| io(e.into()))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or(PathBuf::from("."), Path::to_owned);
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    temporary.write_all(&text).map_err(io)?;
    temporary.write_all(b"\n").map_err(io)?;
    temporary.as_file().sync_all().map_err(io)?;
    temporary.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}

fn digest_of(file: &File) -> String {
    // Serializing a struct of strings and numbers cannot fail; an empty text only makes the digest differ.
    let text = serde_json::to_vec(file).unwrap_or_default();
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pack(silicon: &Silicon) -> File {
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
    File {
        format: FORMAT.to_owned(),
        part: identity.part.info().name.to_owned(),
        uid: identity.uid,
        rev_id: identity.rev_id,
        rom_version: identity.rom_version,
        assumptions,
        firmware: Firmware { non_secure: behaviour.non_secure, regresses: behaviour.regresses },
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

fn unpack(file: &File) -> Option<Silicon> {
    let part = file.part.parse().ok()?;
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
        let inside = *number < part.info().flash_size / SECTOR_SIZE;
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
    let identity = Identity { part, uid: file.uid, rev_id: file.rev_id, rom_version: file.rom_version };
    let behaviour = FirmwareBehaviour { non_secure: file.firmware.non_secure, regresses: file.firmware.regresses };
    Some(Silicon::new(identity, nvm, behaviour, assumptions))
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
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
