//! `provost option diff`: two sides of a comparison, each a file or a chip.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use provost_bench::{Bench, Probe};
use provost_chip::{
    option_bytes::OptionField,
    parts::{FlashSize, PartId},
};
use provost_ops::{
    identify::identify,
    option_bytes::{Difference, OptionBytes, OptionError, OptionFile, diff, file},
};

use crate::{
    cli::{Arguments, OptionDiff, Side},
    commands::on_bench,
    documents::OptionDifferences,
    output::{Page, Stop, wrap},
};

pub(super) fn run(arguments: &Arguments, options: &OptionDiff) -> Result<Page, Stop> {
    // A file that is none is told before anybody is disturbed.
    for side in [Some(&options.one), options.other.as_ref()].into_iter().flatten() {
        if let Side::File(path) = side {
            OptionFile::load(path, arguments.part())?;
        }
    }
    let page = match (&options.one, options.other.as_ref()) {
        (Side::File(one), Some(Side::File(other))) => files(arguments, one, other)?,
        (Side::File(path), None) => with_file(arguments, path, arguments.probe.as_ref(), "the chip", false)?,
        (Side::File(path), Some(Side::Chip(probe))) => {
            with_file(arguments, path, Some(probe), &probe.to_string(), false)?
        }
        (Side::Chip(probe), Some(Side::File(path))) => {
            with_file(arguments, path, Some(probe), &probe.to_string(), true)?
        }
        (Side::Chip(one), None) => chips(arguments, one, arguments.probe.as_ref(), "the chip")?,
        (Side::Chip(one), Some(Side::Chip(other))) => chips(arguments, one, Some(other), &other.to_string())?,
    };
    Ok(page.0.ending_if(options.exit_code && page.1))
}

/// A page, and whether there are differences.
type Compared = (Page, bool);

fn files(arguments: &Arguments, one: &Path, other: &Path) -> Result<Compared, Stop> {
    let left = OptionFile::load(one, arguments.part())?;
    let part = arguments.part().or(left.part);
    let right = OptionFile::load(other, part)?;
    let Some(part) = part.or(right.part).or_else(|| knows(&left.values)) else {
        let (path, says) = (one.to_owned(), "name the part with --part".to_owned());
        return Err((OptionError::Format { path, line: 1, says }).into());
    };
    let size = arguments.order_code.and_then(|code| code.flash);
    let found = diff((part, size), &left.values, &right.values, true);
    let unknown = [left.unknown, right.unknown].concat();
    compared([&one.display().to_string(), &other.display().to_string()], part, &found, &unknown)
}

/// A file and a chip; what the file does not name counts for nothing.
fn with_file(
    arguments: &Arguments,
    path: &Path,
    probe: Option<&Probe>,
    name: &str,
    chip_first: bool,
) -> Result<Compared, Stop> {
    let mut differs = false;
    let page = on_chip(arguments, probe, |bytes| {
        let file = load_for(bytes, path)?;
        let (of, on_chip) = ((bytes.part(), bytes.flash), file::values(bytes));
        let shown = path.display().to_string();
        let page = if chip_first {
            compared([name, &shown], of.0, &diff(of, &on_chip, &file.values, false), &file.unknown)?
        } else {
            compared([&shown, name], of.0, &diff(of, &file.values, &on_chip, false), &file.unknown)?
        };
        differs = page.1;
        Ok(page.0)
    })?;
    Ok((page, differs))
}

/// Two chips, one after the other: they may hang on one probe in turn, as far as their names differ.
fn chips(arguments: &Arguments, one: &Probe, other: Option<&Probe>, name: &str) -> Result<Compared, Stop> {
    let mut left: Option<(PartId, Option<FlashSize>, BTreeMap<&'static str, u32>)> = None;
    on_chip(arguments, Some(one), |bytes| {
        left = Some((bytes.part(), bytes.flash, file::values(bytes)));
        compared([name, name], bytes.part(), &[], &[]).map(|(page, _)| page)
    })?;
    let mut differs = false;
    let page = on_chip(arguments, other, |bytes| {
        let right = file::values(bytes);
        let (part, size, left) = left.take().unwrap_or_else(|| (bytes.part(), bytes.flash, BTreeMap::new()));
        let foreign = right.keys().filter(|field| OptionField::find(part, field).is_none());
        let foreign: Vec<String> = foreign.map(|field| (*field).to_owned()).collect();
        let found = diff((part, size), &left, &right, true);
        differs = !found.is_empty() || !foreign.is_empty();
        compared([&one.to_string(), name], part, &found, &foreign).map(|(page, _)| page)
    })?;
    Ok((page, differs))
}

fn on_chip(
    arguments: &Arguments,
    probe: Option<&Probe>,
    work: impl FnOnce(&OptionBytes) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    on_bench(Bench::open_at(probe, arguments.speed)?, |bench| {
        let identity = identify(&mut bench.session)?;
        work(&OptionBytes::read(&mut bench.session, &identity, arguments.order_code)?)
    })
}

/// The file as one of the parts that the chip may be.
fn load_for(bytes: &OptionBytes, path: &Path) -> Result<OptionFile, Stop> {
    let given = OptionFile::load(path, None).ok().and_then(|f| f.part).filter(|p| bytes.parts.contains(p));
    Ok(OptionFile::load(path, Some(given.unwrap_or(bytes.part())))?)
}

fn knows(values: &BTreeMap<&'static str, u32>) -> Option<PartId> {
    PartId::all().find(|part| values.keys().all(|name| OptionField::find(*part, name).is_some()))
}

fn compared(
    [left, right]: [&str; 2],
    part: PartId,
    differences: &[Difference],
    unknown: &[String],
) -> Result<Compared, Stop> {
    let mut text = match differences.len() {
        0 => "no difference\n".to_owned(),
        n => format!("{n} of the option bytes differ: {left} -> {right}\n"),
    };
    for d in differences {
        let side = |hex: &Option<String>, means: &Option<String>| match (hex, means) {
            (Some(hex), Some(means)) => format!("{hex} ({means})"),
            (Some(hex), None) => hex.clone(),
            (None, _) => "not given".to_owned(),
        };
        let _ = writeln!(text, "  {}: {} -> {}", d.name, side(&d.left, &d.left_means), side(&d.right, &d.right_means));
    }
    if !unknown.is_empty() {
        text.push_str(&wrap(&format!("not option bytes of {part}: {}", unknown.join(", ")), 2));
    }
    let page = Page::new(&OptionDifferences { left, right, part, differences, unknown }, text)?;
    Ok((page, !differences.is_empty()))
}
