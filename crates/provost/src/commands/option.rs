//! `provost option`: option bytes by ST's names.

mod diff;

use std::{fmt::Write as _, path::Path};

use provost_bench::Bench;
use provost_chip::states::ProductState;
use provost_ops::{
    Narrator as _,
    error::Failure,
    identify::identify,
    option_bytes::{
        Applied, Assignment, Change, FieldView, OptionBytes, OptionError, OptionFile, apply, change::find, displ,
        fields, file, plan,
    },
    store::{Secrecy, files},
};

use crate::{
    cli::{Arguments, OptionCommand, OptionExport, OptionFormat, OptionImport, OptionSet},
    confirm,
    documents::{OptionChange, OptionList, OptionText},
    given::quoted,
    output::{Page, Stop, Teller, wrap},
};

pub(crate) fn run(arguments: &Arguments, command: &OptionCommand) -> Result<Page, Stop> {
    match command {
        OptionCommand::List(options) => {
            on_bytes(arguments, |bytes, bench| list(bytes, &bench.session.probe().to_string(), options.changed))
        }
        OptionCommand::Get(options) => on_bytes(arguments, |bytes, _| get(bytes, &options.names)),
        OptionCommand::Set(options) => run_set(arguments, options),
        OptionCommand::Export(options) => on_bytes(arguments, |bytes, _| export(bytes, options)),
        OptionCommand::Diff(options) => diff::run(arguments, options),
        OptionCommand::Import(options) => run_import(arguments, options),
    }
}

fn on_bytes(
    arguments: &Arguments,
    work: impl FnOnce(&OptionBytes, &mut Bench) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    super::on_chip(arguments, |bench| {
        let identity = identify(&mut bench.session)?;
        let bytes = OptionBytes::read(&mut bench.session, &identity, arguments.order_code)?;
        work(&bytes, bench)
    })
}

fn parts(bytes: &OptionBytes) -> String {
    bytes.parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn state(bytes: &OptionBytes) -> String {
    format!("{}, {}, TrustZone {}", parts(bytes), bytes.chip.state, bytes.chip.tz)
}

fn listed<'a>(bytes: &'a OptionBytes, fields: &'a [FieldView]) -> OptionList<'a> {
    OptionList { parts: &bytes.parts, product_state: bytes.chip.state, trustzone: bytes.chip.tz, fields }
}

pub(super) fn list(bytes: &OptionBytes, wire: &str, changed: bool) -> Result<Page, Stop> {
    let mut fields = fields(bytes);
    fields.retain(|field| !changed || field.changed || field.pending.is_some());
    let mut text = format!("{wire}\n{}\n", state(bytes));
    let mut register = "";
    for field in &fields {
        if std::mem::replace(&mut register, field.register) != field.register {
            let _ = writeln!(text, "\n{register}");
        }
        line(&mut text, field);
    }
    text.push('\n');
    text.push_str(&wrap(LEGEND, 0));
    Ok(Page::new(&listed(bytes, &fields), text)?)
}

const LEGEND: &str = "* differs from the factory value. Changing a field now: `yes`; `confirm`: with a phrase, for it bites; `close`: \
through a close (`provost close --to STATE --dry-run`); `open question`: public sources do not agree; `no`. `provost explain RULE` says why.";

fn line(text: &mut String, field: &FieldView) {
    let mark = if field.changed { '*' } else { ' ' };
    let mut says = match (&field.hex, &field.meaning) {
        (None, _) => "kept by the secure world".to_owned(),
        (_, Some(meaning)) => meaning.clone(),
        (_, None) => String::new(),
    };
    if let (true, Some(factory)) = (field.changed, &field.factory) {
        let _ = write!(says, " (factory {factory})");
    }
    if let Some(pending) = &field.pending {
        let _ = write!(says, "; {pending} WAITS FOR A RESET");
    }
    let access = match (field.access.verdict, field.access.rule) {
        ("yes", _) => "yes".to_owned(),
        (verdict, Some(rule)) => format!("{} [{rule}]", verdict.replace('-', " ")),
        (verdict, None) => verdict.to_owned(),
    };
    let hex = field.hex.as_deref().unwrap_or("-");
    let row = format!("{mark} {:<15} {hex:<10} {says:<48} {access}", field.name);
    let _ = writeln!(text, "{}", row.trim_end());
}

pub(super) fn get(bytes: &OptionBytes, names: &[String]) -> Result<Page, Stop> {
    let views: Vec<FieldView> = names
        .iter()
        .map(|name| Ok(fields::view(bytes, find(bytes.part(), name)?)))
        .collect::<Result<_, OptionError>>()?;
    let mut text = String::new();
    for view in &views {
        let hex = view.hex.as_deref().unwrap_or("unknown");
        let meaning = view.meaning.as_ref().map(|m| format!("  # {m}")).unwrap_or_default();
        let _ = writeln!(text, "{}={hex}{meaning}", view.name);
    }
    Ok(Page::new(&listed(bytes, &views), text)?)
}

fn run_set(arguments: &Arguments, options: &OptionSet) -> Result<Page, Stop> {
    let assignments = assignments(arguments, options)?;
    set(arguments, options.dry_run, |_| Ok(assignments))
}

/// What is to be set. What no part takes is refused before anybody is disturbed.
pub(super) fn assignments(arguments: &Arguments, options: &OptionSet) -> Result<Vec<Assignment>, OptionError> {
    let assignments: Vec<Assignment> =
        options.assignments.iter().map(|text| Assignment::parse(text)).collect::<Result<_, _>>()?;
    assignments.iter().try_for_each(|assignment| assignment.check(arguments.part()))?;
    Ok(assignments)
}

fn run_import(arguments: &Arguments, options: &OptionImport) -> Result<Page, Stop> {
    let early = OptionFile::load(&options.file, arguments.part())?;
    set(arguments, options.dry_run, |bytes| {
        let found = early.part.unwrap_or(bytes.part());
        if !bytes.parts.contains(&found) {
            let path = options.file.clone();
            return Err(OptionError::OtherPart { path, given: found.to_string(), found: parts(bytes) });
        }
        let file = OptionFile::load(&options.file, Some(found))?;
        if !file.unknown.is_empty() {
            Teller::new(arguments)
                .note(&format!("left out, for {found} has no such fields: {}", file.unknown.join(", ")));
        }
        Ok(file.assignments(found))
    })
}

/// What is confirmed where nothing bites.
pub(super) const WHAT: &str = "write option bytes";

fn set(
    arguments: &Arguments,
    dry_run: bool,
    assignments: impl FnOnce(&OptionBytes) -> Result<Vec<Assignment>, OptionError>,
) -> Result<Page, Stop> {
    on_bytes(arguments, |bytes, bench| {
        let assignments = assignments(bytes)?;
        let wire = (bench.session.probe().to_string(), confirm::asked(bench, arguments, WHAT));
        change(arguments, dry_run, bytes, &assignments, wire, |change| {
            apply(&mut bench.session, bytes, change, &mut Teller::new(arguments))
        })
    })
}

/// Plans a change, has it confirmed and carried out. Of the wire: its name, and the phrase that is asked for where nothing bites.
pub(super) fn change(
    arguments: &Arguments,
    dry_run: bool,
    bytes: &OptionBytes,
    assignments: &[Assignment],
    (wire, asked): (String, Option<String>),
    apply: impl FnOnce(Change) -> Result<Applied, Failure>,
) -> Result<Page, Stop> {
    let change = plan(bytes, assignments)?;
    let phrase = change.bites().then(|| change.phrase(bytes, &wire));
    if dry_run || change.is_empty() {
        let phrase = phrase.or(asked.filter(|_| !change.is_empty()));
        let text = plan_text(&change, phrase.as_deref());
        return change_page(bytes, &change, phrase.as_deref(), None, text);
    }
    match &phrase {
        Some(phrase) => {
            let warning = warnings_text(&change);
            if !confirm::phrase(arguments, phrase, &warning) {
                return Err((OptionError::NotConfirmed { phrase: phrase.clone() }).into());
            }
        }
        None => confirm::with(arguments, asked)?,
    }
    let applied = apply(change)?;
    let text = applied_text(&applied);
    change_page(bytes, &applied.change, phrase.as_deref(), Some(&applied), text)
}

fn change_page(
    bytes: &OptionBytes,
    change: &Change,
    phrase: Option<&str>,
    applied: Option<&Applied>,
    text: String,
) -> Result<Page, Stop> {
    let document = OptionChange {
        parts: &bytes.parts,
        product_state: applied.map_or(bytes.chip.state, |a| a.after.chip.state),
        change,
        phrase,
        written: applied.is_some(),
        reset: applied.map_or("none", |a| a.reset),
        verified: applied.is_some_and(|a| a.verified),
    };
    Ok(Page::new(&document, text)?)
}

fn fields_text(change: &Change) -> String {
    let mut text = String::new();
    for field in &change.fields {
        let means = |m: &Option<String>| m.as_ref().map(|m| format!(" ({m})")).unwrap_or_default();
        let before = format!("{}{}", field.before, means(&field.before_means));
        let _ = writeln!(text, "  {}: {before} -> {}{}", field.name, field.after, means(&field.after_means));
    }
    text
}

fn warnings_text(change: &Change) -> String {
    let mut text = String::new();
    for warning in &change.warnings {
        let rule = warning.rule.map(|r| format!(" [{r}]")).unwrap_or_default();
        let word = if warning.confirm { "bites" } else { "note" };
        text.push_str(&wrap(&format!("{word}: {}: {}{rule}", warning.field, warning.says), 2));
    }
    text
}

fn unchanged_text(change: &Change) -> String {
    match change.unchanged.as_slice() {
        [] => String::new(),
        names if names.len() > 6 => format!("  {} others are as wished already\n", names.len()),
        names => wrap(&format!("as wished already: {}", names.join(", ")), 2),
    }
}

fn plan_text(change: &Change, phrase: Option<&str>) -> String {
    if change.is_empty() {
        return format!("nothing to change: nothing was written\n{}", unchanged_text(change));
    }
    let mut text = format!("one launch, then a reset:\n{}", fields_text(change));
    text.push_str(&unchanged_text(change));
    text.push_str(&warnings_text(change));
    if let Some(phrase) = phrase {
        let _ = writeln!(text, "to be confirmed with --confirm {}", quoted(phrase));
    }
    text.push_str("nothing was written; the same command without --dry-run carries it out\n");
    text
}

fn applied_text(applied: &Applied) -> String {
    let how = match applied.reset {
        "nrst" => "reset by NRST",
        "bootloader" => "reset by the bootloader",
        _ => "reset by software, for NRST was not seen",
    };
    let checked = if applied.verified { "read back" } else { "read back as far as the chip shows them" };
    // Over a bootloader an image of option bytes is written at a time, and each write resets.
    let launch = if applied.reset == "bootloader" { "changed" } else { "changed in one launch" };
    let mut text = format!("{launch}, {how}, {checked}:\n{}", fields_text(&applied.change));
    text.push_str(&unchanged_text(&applied.change));
    text.push_str(&warnings_text(&applied.change));
    if applied.after.chip.state == ProductState::Provisioning
        && applied.change.fields.iter().any(|f| f.name == "PRODUCT_STATE")
    {
        text.push_str(
            "The chip waits for its secrets. `provost rescue` leads back to Open, erased; nothing else does.\n\
             On from here, with a credential: `provost close --to STATE --credential DIR --override P-START-OPEN --dry-run`\n",
        );
    }
    text
}

fn export(bytes: &OptionBytes, options: &OptionExport) -> Result<Page, Stop> {
    let (format, text) = match options.format {
        OptionFormat::Toml => ("toml", file::to_toml(bytes)),
        OptionFormat::Displ => ("displ", displ::format(bytes)),
    };
    let file = options.file.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = file {
        files::write(path, text.as_bytes(), Secrecy::Public, options.force)?;
    }
    let page = match file {
        // As many as a reader finds in it.
        Some(path) => {
            let written = OptionFile::parse(&text, path, Some(bytes.part()))?.values.len();
            format!("{written} option bytes written to {}\n", path.display())
        }
        None => text.clone(),
    };
    Ok(Page::new(&OptionText { file: file.map(Into::into), format, parts: &bytes.parts, text: &text }, page)?
        .verbatim())
}
