//! `provost credential show`, and the page of every other command that decodes a file.

use std::{fmt::Write as _, path::Path};

use provost_ops::{
    error::Exit,
    show::{LARGEST_FILE, Sheet, show},
    store::files,
};

use crate::output::{Page, Stop, wrap};

pub(super) fn run(file: &Path) -> Result<Page, Stop> {
    let bytes = files::read(file, LARGEST_FILE)?;
    sheet_page(&show(&file.display().to_string(), &bytes)?)
}

/// A sheet as a page. One that is not good ends with exit code 3.
pub(in crate::commands) fn sheet_page(sheet: &Sheet) -> Result<Page, Stop> {
    let mut text = format!("{}, {} bytes\n", sheet.title, sheet.bytes);
    for section in &sheet.sections {
        let _ = writeln!(text, "\n{}", section.name);
        let width = section.fields.iter().map(|f| f.name.len()).max().unwrap_or(0);
        for field in &section.fields {
            let at = match (field.offset, field.length) {
                (Some(offset), Some(length)) if length > 0 => format!("{offset:#06x}..{:#06x}", offset + length - 1),
                _ => String::new(),
            };
            let mut line = format!("  {at:<15} {:width$}  {}", field.name, field.value);
            if let Some(meaning) = &field.meaning {
                let _ = write!(line, "  ({meaning})");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    if !sheet.notes.is_empty() || !sheet.faults.is_empty() {
        text.push('\n');
    }
    for note in &sheet.notes {
        text.push_str(&wrap(&format!("note: {note}"), 0));
    }
    for fault in &sheet.faults {
        text.push_str(&wrap(&format!("WRONG: {fault}"), 0));
    }
    let page = Page::new(sheet, text)?;
    Ok(if sheet.is_good() { page } else { page.ending(Exit::Refused) })
}
