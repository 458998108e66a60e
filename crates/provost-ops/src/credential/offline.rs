//! Signing where the key is not here: the bytes to sign go out as a file, the signature comes back as one.
//!
//! What is signed, and how a signature is put to it, is [`provost_adac::offline`]; here is the waiting for it.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use provost_adac::key::{PublicKey, Signature, Signer, SignerError, parse_signature};

use super::SetError;
use crate::{
    error::Result,
    fault::fail,
    store::{Secrecy, StoreError, files},
};

/// How often a signature is looked for.
const POLL: Duration = Duration::from_millis(200);
/// How long a file that somebody is still writing may be wrong.
const PATIENCE: Duration = Duration::from_secs(2);
/// No signature file is larger.
const LARGEST_SIGNATURE: u64 = 4096;

/// A signer that is somewhere else: what it is to sign is written to a file, and the signature is waited for.
///
/// Debug Authentication stands still meanwhile, outside of its state machine, and the chip waits with its challenge. Another AUTH_START
/// would make another challenge, so the signature is of use in this session only (Arm DEN0101: the challenge is new with each
/// AUTH_START); that is why nothing is let go of while waiting.
#[derive(Debug)]
pub struct OfflineSigner {
    key: PublicKey,
    folder: PathBuf,
    wait: Duration,
    tell: fn(&Path, &Path),
}

impl OfflineSigner {
    /// A signer for the holder of this key, by way of files in `folder`. `tell` is called with the file to sign and the file that is
    /// waited for, for at most `wait`.
    pub fn new(key: PublicKey, folder: &Path, wait: Duration, tell: fn(&Path, &Path)) -> Self {
        Self { key, folder: folder.to_owned(), wait, tell }
    }

    /// The file that is to be signed.
    pub fn to_sign(&self) -> PathBuf {
        self.folder.join("token.tbs")
    }

    /// The file that is waited for.
    pub fn signature(&self) -> PathBuf {
        self.folder.join("token.sig")
    }

    /// Hands over what is to be signed, and says where.
    fn ask(&self, message: &[u8]) -> Result<()> {
        files::make_folder(&self.folder, Secrecy::Public)?;
        let path = self.signature();
        if path.symlink_metadata().is_ok() {
            // A signature over an earlier challenge is of no use, and must not be taken for the one that is waited for.
            return fail(StoreError::Exists { path });
        }
        files::write(&self.to_sign(), message, Secrecy::Public, true)?;
        (self.tell)(&self.to_sign(), &path);
        Ok(())
    }

    /// Looks once: nothing yet, a signature, or a file that is none.
    fn look(&self, message: &[u8]) -> Result<Option<Result<Signature, SetError>>> {
        let bytes = files::read_optional(&self.signature(), LARGEST_SIGNATURE)?;
        Ok(bytes.filter(|b| !b.is_empty()).map(|bytes| self.accept(message, &bytes)))
    }

    /// Looks until the signature is there.
    fn wait(&self, message: &[u8]) -> Result<Signature> {
        let (end, mut wrong_since) = (Instant::now() + self.wait, None);
        loop {
            match self.look(message)? {
                Some(Ok(signature)) => {
                    // It was for this one; the next token needs another.
                    let path = self.signature();
                    std::fs::remove_file(&path).map_err(|source| StoreError::File { path, source })?;
                    return Ok(signature);
                }
                Some(Err(error)) if wrong_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE => {
                    return Err(error.into());
                }
                Some(Err(_)) | None if Instant::now() < end => thread::sleep(POLL),
                Some(Err(_)) | None => return Err(SetError::NotSigned { seconds: self.wait.as_secs() }.into()),
            }
        }
    }

    fn accept(&self, message: &[u8], bytes: &[u8]) -> Result<Signature, SetError> {
        let signature =
            parse_signature(bytes).map_err(|e| SetError::Malformed { what: "signature", rule: e.to_string() })?;
        match self.key.verify(message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(SetError::WrongSignature { what: "the token" }),
        }
    }
}

impl Signer for OfflineSigner {
    fn public_key(&self) -> PublicKey {
        self.key
    }

    fn sign(&self, message: &[u8]) -> std::result::Result<Signature, SignerError> {
        self.ask(message).and_then(|()| self.wait(message)).map_err(SignerError::new)
    }
}
