//! What a close leaves for the records: everything measured, nothing secret; and the list of all receipts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use provost_chip::states::ProductState;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{bound::Bound, preflight::Finding};
use crate::{
    drive::debug_auth::Discovered,
    fault::Result,
    job::{How, ReceiptHead},
    store::{FilePath, StoreError, Unfinished, files, list_unfinished},
};

/// Schema of the receipt.
pub const SCHEMA: &str = "provost.close-receipt/1";
/// No receipt is larger.
const LARGEST: u64 = 4 << 20;

/// The receipt of a close, or of a rehearsal.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Receipt {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// Which tool, when, which chip, which plan.
    #[serde(flatten)]
    pub head: ReceiptHead,
    /// What it was bound to: the chip as it was before.
    pub bound: Bound,
    /// What the preflight found.
    pub checks: Vec<Finding>,
    /// How the object got into the chip.
    pub how: Option<How>,
    /// Whether the credential was used on this chip before it was closed.
    pub rehearsed: bool,
    /// What the last discovery showed.
    pub discovered: Option<Discovered>,
    /// How long it took, in milliseconds of the chip's time; of the last run, if there were several.
    pub took_ms: u64,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// When, UTC.
    pub time: String,
    /// `close`, `rehearsal` or `rescue`; `unreadable` for a receipt that is none.
    #[schemars(extend("enum" = ["close", "rehearsal", "rescue", "unreadable"]))]
    pub kind: String,
    /// Unique id, where it is known.
    #[schemars(with = "Option<provost_chip::unique_id::UniqueId>")]
    pub uid: Option<String>,
    /// What `--probe` said.
    pub chip: String,
    /// The state that it ended in.
    pub state: String,
    /// The plan's hash.
    pub plan: String,
    /// Hash of the credential's root key.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub root_key_hash: Option<String>,
    /// Rules that were passed over.
    pub overrides: Vec<String>,
    /// The receipt.
    pub receipt: FilePath,
}

/// Every receipt in these folders, oldest first; those of one chip if `uid` names it, whole or in part.
///
/// # Errors
/// A folder is there and cannot be read.
pub fn history(folders: &[PathBuf], uid: Option<&str>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for folder in folders.iter().filter(|f| f.exists()) {
        let error = |source| StoreError::Journal { path: folder.clone(), source };
        for item in fs::read_dir(folder).map_err(error)? {
            let path = item.map_err(error)?.path().join("receipt.json");
            if path.is_file() {
                entries.push(entry(&path));
            }
        }
    }
    let wanted = uid.map(|u| u.to_ascii_uppercase());
    entries.retain(|e| wanted.as_ref().is_none_or(|w| e.uid.as_ref().is_some_and(|u| u.contains(w.as_str()))));
    entries.sort_by(|a, b| (&a.time, &a.receipt).cmp(&(&b.time, &b.receipt)));
    Ok(entries)
}

/// What was begun in these folders and did not come to its end, the oldest first.
///
/// # Errors
/// A folder is there and cannot be read.
pub fn unfinished(folders: &[PathBuf]) -> Result<Vec<Unfinished>> {
    let mut all = Vec::new();
    for folder in folders {
        all.extend(list_unfinished(folder)?);
    }
    all.sort_by(|a, b| (&a.last, &a.folder).cmp(&(&b.last, &b.folder)));
    Ok(all)
}

fn entry(path: &Path) -> Entry {
    let bytes = files::read(path, LARGEST).ok();
    let value: Value = bytes.and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or(Value::Null);
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let yes = |pointer: &str| value.pointer(pointer).and_then(Value::as_bool) == Some(true);
    let (kind, uid, state, root_key_hash) = match text("/schema").as_deref() {
        Some(SCHEMA) if yes("/bound/rehearse_only") => {
            ("rehearsal", text("/bound/uid"), Some("open".to_owned()), text("/bound/binding/root_key_hash"))
        }
        Some(SCHEMA) => ("close", text("/bound/uid"), text("/bound/target"), text("/bound/binding/root_key_hash")),
        Some(crate::rescue::RECEIPT_SCHEMA) => {
            ("rescue", rescued(&value), Some("open".to_owned()), text("/binding/root_key_hash"))
        }
        Some(crate::auth::TZ_RECEIPT_SCHEMA) => {
            ("partial", text("/uid"), Some(ProductState::TzClosed.as_str().to_owned()), text("/binding/root_key_hash"))
        }
        _ => ("unreadable", None, None, None),
    };
    let overrides = value.pointer("/bound/overrides").and_then(Value::as_array);
    Entry {
        time: text("/time").unwrap_or_default(),
        kind: kind.to_owned(),
        uid,
        chip: text("/chip").unwrap_or_default(),
        state: state.unwrap_or_default(),
        plan: text("/plan").unwrap_or_default(),
        root_key_hash,
        overrides: overrides.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        receipt: path.into(),
    }
}

fn rescued(value: &Value) -> Option<String> {
    value.pointer("/after/uid")?.as_str().map(str::to_owned)
}
