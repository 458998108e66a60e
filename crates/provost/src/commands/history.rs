//! `provost history`: the receipts, oldest first; and what was begun and not finished.

use std::{fmt::Write as _, path::PathBuf};

use provost_ops::{
    close::{self, Entry},
    store::{Kind, StoreError, Unfinished},
};

use crate::{
    cli::History,
    documents::{self, Begun},
    given::quoted,
    output::{Page, Stop},
};

/// Where closes and rescues keep what they leave, unless `--out` says otherwise.
const FOLDERS: [&str; 2] = ["provost-close", "provost-rescue"];

pub(crate) fn run(options: &History) -> Result<Page, Stop> {
    // A folder that was named must be there; those that nobody named come with the first close and the first rescue.
    if let Some(path) = options.folders.iter().find(|folder| !folder.exists()) {
        return Err(StoreError::File { path: path.clone(), source: std::io::ErrorKind::NotFound.into() }.into());
    }
    let named = !options.folders.is_empty();
    let folders = if named { options.folders.clone() } else { FOLDERS.map(PathBuf::from).to_vec() };
    let entries = close::history(&folders, options.uid.as_deref())?;
    let mut begun = close::unfinished(&folders)?;
    if let Some(wanted) = &options.uid {
        begun.retain(|u| uid_of(u).is_none_or(|uid| uid.contains(&wanted.to_ascii_uppercase())));
    }
    let mut text = String::new();
    for entry in &entries {
        text.push_str(&entry_text(entry));
    }
    for unfinished in &begun {
        text.push_str(&unfinished_text(unfinished));
    }
    if entries.is_empty() && begun.is_empty() {
        text.push_str("no receipts\n");
    }
    let unfinished = begun.iter().map(shown).collect();
    Ok(Page::new(&documents::History { receipts: &entries, unfinished }, text)?)
}

fn uid_of(unfinished: &Unfinished) -> Option<String> {
    unfinished.header.as_ref()?.subject.uid.map(|uid| uid.to_string())
}

/// What goes on with it: the same command with the same `--probe` and `--out`.
fn road_on(unfinished: &Unfinished) -> Option<String> {
    let header = unfinished.header.as_ref()?;
    let out = quoted(&unfinished.folder.parent()?.display().to_string());
    let probe = quoted(&header.subject.chip);
    match header.kind {
        Kind::Close => Some(format!("provost apply --resume --probe {probe} --out {out}")),
        Kind::Rescue => Some(format!("provost rescue --probe {probe} --out {out}")),
        Kind::TzRegression => {
            Some(format!("provost auth regress --to tz-closed --credential DIR --probe {probe} --out {out}"))
        }
        Kind::Provision | Kind::Options => None,
    }
}

fn shown(unfinished: &Unfinished) -> Begun<'_> {
    Begun {
        folder: &unfinished.folder,
        kind: unfinished.header.as_ref().map(|h| h.kind),
        uid: unfinished.header.as_ref().and_then(|h| h.subject.uid),
        last: unfinished.last.as_deref(),
        next: road_on(unfinished),
    }
}

fn unfinished_text(unfinished: &Unfinished) -> String {
    let kind = match unfinished.header.as_ref().map(|h| h.kind) {
        Some(Kind::Rescue) => "rescue",
        Some(Kind::Close) => "close",
        Some(Kind::Provision) => "write of objects",
        Some(Kind::Options) => "change of option bytes",
        Some(Kind::TzRegression) => "regression to TZ-Closed",
        None => "job",
    };
    let uid = uid_of(unfinished).unwrap_or_else(|| "chip not known".to_owned());
    let last = unfinished.last.as_deref().unwrap_or("begun");
    let mut text = format!("{last} {kind} of {uid} NOT FINISHED\n    {}\n", unfinished.folder.display());
    if let Some(line) = road_on(unfinished) {
        let _ = writeln!(text, "    on with this board at the probe: `{line}`");
    }
    text
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
