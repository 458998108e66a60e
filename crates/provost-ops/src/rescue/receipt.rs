//! What a rescue leaves for the records: everything measured, nothing secret.

use std::{io::Write as _, path::Path, time::SystemTime};

use serde::Serialize;

use super::RescueFolder;
use crate::{
    debug_auth::Discovered,
    error::{OpError, Result},
    identify::Identity,
    journal::Attempt,
};

/// Schema of the receipt.
pub const SCHEMA: &str = "provost.receipt/1";

/// The receipt of a rescue.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the tool.
    pub version: &'static str,
    /// When it ended, UTC.
    pub time: String,
    /// What `--probe` said.
    pub chip: String,
    /// Whether the chip is a virtual one.
    pub virtual_chip: bool,
    /// Hash of the plan that was carried out.
    pub plan: String,
    /// The chip before.
    pub before: Identity,
    /// What the last discovery showed.
    pub discovered: Option<Discovered>,
    /// The way that worked, if a credential was provisioned.
    pub attempt: Option<Attempt>,
    /// The checksum that the provisioning service took.
    pub checksum: Option<String>,
    /// Hash of the root key of the credential used.
    pub root_key_hash: Option<String>,
    /// Where the credential lies.
    pub credential: Option<String>,
    /// The chip after.
    pub after: Identity,
    /// How long it took, in milliseconds of the chip's time.
    pub took_ms: u64,
}

impl Receipt {
    pub(super) fn time() -> String {
        humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
    }

    /// Writes it into the rescue's folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, folder: &RescueFolder) -> Result<()> {
        let path = folder.receipt();
        let error = |source| OpError::Journal { path: path.clone(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|e| error(e.into()))?;
        let parent = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(parent).map_err(error)?;
        file.write_all(&text).and_then(|()| file.write_all(b"\n")).map_err(error)?;
        file.as_file().sync_all().map_err(error)?;
        file.persist(&path).map_err(|e| error(e.error))?;
        Ok(())
    }
}
