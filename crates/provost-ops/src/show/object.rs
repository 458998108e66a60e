//! Provisioning objects as tables: the byte ranges that `provost-obk` names.

use provost_chip::parts::PartId;
use provost_obk::{
    checks::{self, Finding, Severity, Target},
    inspect::{Inspection, Integrity},
    samples::SampleRisk,
};

use super::sheet::{Section, Sheet, malformed};
use crate::error::Result;

/// An object, if the bytes look like one: a destination in the storage.
pub(super) fn show(bytes: &[u8]) -> Result<Option<Sheet>> {
    let Some((&[a, b, c, d], _)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    if u32::from_le_bytes([a, b, c, d]) >> 16 != 0x0FFD {
        return Ok(None);
    }
    inspect(bytes, None).map(Some)
}

/// An object, byte range by byte range; for a part, also whether it fits.
///
/// # Errors
/// [`crate::credential::SetError::Malformed`] with the byte and the rule broken.
pub fn inspect(bytes: &[u8], part: Option<PartId>) -> Result<Sheet> {
    let found = provost_obk::inspect(bytes).map_err(|e| malformed("object", e))?;
    let mut sheet = table(&found, bytes.len());
    if let Some(part) = part {
        for finding in checks::file(bytes, &Target::new(part)) {
            let says = says(&finding);
            match finding.severity() {
                Severity::Refuse => sheet.faults.push(says),
                Severity::Warn => sheet.notes.push(says),
            }
        }
    } else {
        sheet
            .notes
            .push("say --part to see whether it fits: DEV_ID does not tell which encryption flag is right".to_owned());
    }
    Ok(sheet)
}

/// A finding as one sentence: what, the code, what to do.
pub fn says(finding: &Finding) -> String {
    format!("{} [{}]: {}", finding.detail, finding.code(), finding.check.fix())
}

fn table(found: &Inspection, bytes: usize) -> Sheet {
    let mut sheet = Sheet::new("object", format!("{}, read by {}", found.title, found.reader), bytes);
    let (mut header, mut payload) = (Section::new("header"), Section::new(format!("payload: {}", found.kind)));
    for range in &found.ranges {
        let section = if range.offset < provost_obk::obk::HEADER_BYTES { &mut header } else { &mut payload };
        let field = section.at(range.offset, range.length, range.name, range.value.clone());
        field.means(range.meaning);
        if let Some(trouble) = range.trouble {
            sheet.faults.push(format!("{}: {trouble}", range.name));
        }
        if let Some(sample) = range.sample {
            sheet.notes.push(format!("{}: {} of {}{}", range.name, sample.what, sample.source, risk(sample.risk)));
        }
    }
    sheet.sections.extend([header, payload]);
    if let Some(sample) = found.sample {
        sheet.notes.push(format!("the file is {} of {}{}", sample.what, sample.source, risk(sample.risk)));
    }
    if found.integrity == Integrity::Bad && sheet.faults.is_empty() {
        sheet.faults.push("the digest inside is wrong: the chip takes the object for absent".to_owned());
    }
    sheet
}

const fn risk(risk: SampleRisk) -> &'static str {
    match risk {
        SampleRisk::PublicSecret => ": everybody has its key",
        SampleRisk::Settings => ": settings made for ST's boards",
        _ => "",
    }
}
