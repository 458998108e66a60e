//! `provost history`: the receipts, oldest first.

use std::fmt::Write as _;

use provost_ops::close::{self, Entry};

use crate::{
    cli::History,
    documents,
    output::{Page, Stop},
};

pub(crate) fn run(options: &History) -> Result<Page, Stop> {
    let entries = close::history(&options.folders, options.uid.as_deref())?;
    let mut text = String::new();
    for entry in &entries {
        text.push_str(&entry_text(entry));
    }
    if entries.is_empty() {
        text.push_str("no receipts\n");
    }
    Ok(Page::new(&documents::History { receipts: &entries }, text)?)
}

fn entry_text(entry: &Entry) -> String {
    let uid = entry.uid.as_deref().unwrap_or("chip not known");
    let mut text = format!("{} {:<10} {uid} to {}\n", entry.time, entry.kind, entry.state);
    let _ = writeln!(text, "    plan {}, {}", entry.plan.get(..12).unwrap_or("none"), entry.receipt.display());
    if let Some(hash) = &entry.root_key_hash {
        let _ = writeln!(text, "    root key {hash}");
    }
    if !entry.overrides.is_empty() {
        let _ = writeln!(text, "    passed over: {}", entry.overrides.join(", "));
    }
    text
}
