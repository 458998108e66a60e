//! An encrypted copy of a credential, for the safe: `age -d escrow.age | tar x` brings it back.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::CloseError;
use crate::error::Result;

const BLOCK: usize = 512;
/// No file of a credential is larger.
const LARGEST: u64 = 64 << 10;

/// Writes every file of a credential's folder, as a tar archive, encrypted to these age recipients (`age1…`).
///
/// # Errors
/// No recipient, one that is none, a file that is there already or cannot be read or written.
pub fn escrow(credential: &Path, to: &Path, recipients: &[String], force: bool) -> Result<()> {
    let error = |source| CloseError::Escrow { path: to.to_owned(), source };
    let invalid = |what: String| error(io::Error::new(io::ErrorKind::InvalidInput, what));
    if to.exists() && !force {
        return Err(error(io::ErrorKind::AlreadyExists.into()).into());
    }
    let recipients = recipients
        .iter()
        .map(|r| r.parse::<age::x25519::Recipient>().map_err(|e| invalid(format!("{r:?} is no age recipient: {e}"))))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let encryptor = age::Encryptor::with_recipients(recipients.iter().map(|r| r as &dyn age::Recipient))
        .map_err(|e| invalid(e.to_string()))?;
    let archive = archive(credential).map_err(error)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(error)?;
    writer.write_all(&archive).and_then(|()| writer.finish().map(drop)).map_err(error)?;
    use crate::store::Store as _;
    Ok(crate::store::FolderStore::new().put(
        to,
        &sealed,
        crate::store::Secrecy::Secret,
        crate::store::Replace::Whole,
    )?)
}

/// The files of a folder as a POSIX ustar archive.
fn archive(folder: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<_>>()?;
    files.retain(|p| p.is_file());
    files.sort();
    let mut archive = Zeroizing::new(Vec::new());
    for path in files {
        if fs::metadata(&path)?.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is too large", path.display())));
        }
        let bytes = Zeroizing::new(fs::read(&path)?);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        archive.extend_from_slice(&header(&name, bytes.len())?);
        archive.extend_from_slice(&bytes);
        let padded = archive.len().next_multiple_of(BLOCK);
        archive.resize(padded, 0);
    }
    let end = archive.len() + 2 * BLOCK;
    archive.resize(end, 0);
    Ok(archive)
}

/// One header block (POSIX.1-1988 ustar): octal numbers, checksum over itself with the checksum field blank.
fn header(name: &str, size: usize) -> io::Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    if name.len() >= 100 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a file name is too long"));
    }
    put(0, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_in_escrow_comes_out_again_and_says_nothing_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        fs::create_dir(&set).unwrap();
        fs::write(set.join("password.bin"), b"open sesame, as they say").unwrap();
        let key = age::x25519::Identity::generate();
        let to = folder.path().join("escrow.age");
        let recipients = [key.to_public().to_string()];
        escrow(&set, &to, &recipients, false).unwrap();
        let sealed = fs::read(&to).unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"sesame"));
        let mut opened = Vec::new();
        let decryptor = age::Decryptor::new(&sealed[..]).unwrap();
        decryptor.decrypt(std::iter::once(&key as &dyn age::Identity)).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(&opened[..12], b"password.bin");
        assert_eq!(&opened[512..536], b"open sesame, as they say");
        assert_eq!(opened.len() % 512, 0);
        assert_eq!(escrow(&set, &to, &recipients, false).unwrap_err().code(), "escrow", "nothing is overwritten");
        assert_eq!(escrow(&set, &to, &[], true).unwrap_err().code(), "escrow", "nobody could open it");
        assert_eq!(escrow(&set, &to, &["age1nobody".to_owned()], true).unwrap_err().code(), "escrow");
    }

    #[test]
    fn the_archive_is_one_that_tar_reads() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        fs::create_dir(&set).unwrap();
        fs::write(set.join("a.txt"), b"one").unwrap();
        fs::write(set.join("b.txt"), vec![b'x'; 700]).unwrap();
        let path = folder.path().join("set.tar");
        fs::write(&path, &*archive(&set).unwrap()).unwrap();
        let Ok(run) = std::process::Command::new("tar").arg("tvf").arg(&path).output() else { return };
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success() && text.contains("a.txt") && text.contains("700"), "{text}");
    }
}
