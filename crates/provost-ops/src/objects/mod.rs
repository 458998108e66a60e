//! Writing provisioning objects, and the password of an STM32H503, into a chip: everything is checked first, and what is known to
//! kill a chip is refused.
//!
//! `load → plan → (confirm) → write`. The plan touches the chip by reading, and by one discovery, which resets it.

mod build;
mod error;
mod plan;
mod write;

use std::path::{Path, PathBuf};

use provost_adac::password::Password;
use provost_chip::{order_code::OrderCode, states::DaMethod};
pub use provost_obk::checks::Finding;
use provost_obk::{checks::Severity, layout::ObjectKind, object::recognise, obk::Obk};

pub use self::{
    build::{Built, build},
    error::{ObjectError, explain},
    plan::{Plan, plan},
    write::{Site, Written, WrittenObject, write},
};
use crate::{
    credential::{CERTIFICATE_OBJECT, PASSWORD_OBJECT},
    drive::service::EncryptWord,
    error::Result,
    store::files,
};

/// No object is larger than the storage.
const LARGEST_FILE: u64 = 0x2000 + 12;

/// A file that is to go into a chip.
#[derive(Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub content: Content,
}

/// What is to go into a chip.
#[derive(Debug)]
pub enum Content {
    /// An object.
    Object {
        /// The object.
        obk: Obk,
        /// Its kind.
        kind: ObjectKind,
        /// What the hash in a Debug Authentication object is of, as far as the files beside it tell.
        method: Option<DaMethod>,
    },
    /// The password of an STM32H503.
    Password(Password),
}

impl Source {
    /// Reads an object, or a password file.
    ///
    /// # Errors
    /// The file cannot be read or is neither.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = files::read(path, LARGEST_FILE)?;
        // A password file begins with the type of its one fragment.
        if bytes.starts_with(&[0x00, 0x00, 0x00, 0x80]) {
            return Ok(Self { path: path.to_owned(), content: Content::Password(Password::from_file(&bytes)?) });
        }
        let obk = Obk::parse(&bytes).map_err(|source| ObjectError::Malformed { path: path.to_owned(), source })?;
        let kind = recognise(&obk);
        let method = if kind.is_da() { method_by_neighbours(path, &obk) } else { None };
        Ok(Self { path: path.to_owned(), content: Content::Object { obk, kind, method } })
    }

    /// Its name, for messages.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(|| self.path.display().to_string(), |n| n.to_string_lossy().into_owned())
    }
}

/// The bytes of a Debug Authentication object do not tell what its hash is of; the credential that lies beside it does.
fn method_by_neighbours(path: &Path, obk: &Obk) -> Option<DaMethod> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let payload = provost_obk::da::DaPayload::from_obk(obk).ok()?;
    let by_chain = || {
        let text = crate::credential::read_optional(&folder.join(crate::credential::LEAF_CHAIN)).ok()??;
        let chain = provost_adac::chain::Chain::from_base64(std::str::from_utf8(&text).ok()?).ok()?;
        let root = crate::credential::root_key(&chain).ok()?;
        payload.fits_root_key(&root).then_some(DaMethod::Certificate)
    };
    let by_password = || {
        let bytes = crate::credential::read_password_file(folder).ok()??;
        payload.fits_password(&Password::from_file(&bytes).ok()?).then_some(DaMethod::Password)
    };
    let by_name = || match path.file_name()?.to_str()? {
        CERTIFICATE_OBJECT => Some(DaMethod::Certificate),
        PASSWORD_OBJECT => Some(DaMethod::Password),
        _ => None,
    };
    by_chain().or_else(by_password).or_else(by_name)
}

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// The files, in any order.
    pub sources: Vec<Source>,
    /// What the user says the part is.
    pub part: Option<OrderCode>,
    /// What the user says the hash in the Debug Authentication object is of.
    pub method: Option<DaMethod>,
    /// Replace valid Debug Authentication data.
    pub replace: bool,
    /// Which word asks for encryption, if the user knows it from an earlier write.
    pub encrypting_word: Option<EncryptWord>,
    /// Codes of checks that the user overrules.
    pub allowed: Vec<String>,
    /// The user wants a password in OTP for the chip's whole life.
    pub once_for_life: bool,
}

/// Refuses if a finding does that was not allowed.
fn refuse(findings: &[(&str, Vec<Finding>)], allowed: &[String]) -> Result<(), ObjectError> {
    for (file, found) in findings {
        let refusing: Vec<Finding> = found
            .iter()
            .filter(|f| f.severity() == Severity::Refuse && !allowed.iter().any(|code| code == f.code()))
            .cloned()
            .collect();
        if !refusing.is_empty() {
            return Err(ObjectError::refusal(file, &refusing));
        }
    }
    Ok(())
}
