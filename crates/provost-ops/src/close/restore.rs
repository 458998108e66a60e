//! After a rehearsal: option words and firmware as they were, and how they are kept meanwhile.

use provost_chip::{option_bytes::OptionField, parts::PartId};

use super::{
    CloseError,
    bound::Bound,
    image::{Digest, Image, to_write_again},
    words::{self, Words, with_field},
};
use crate::{
    Narrator,
    drive::{identify::identify, reset, session::Session},
    fault::{Result, fail},
    flash::Flash,
    job::Record,
    option_bytes::OptionBytes,
    store::{Job, Secrecy},
};

/// Fields that stand in the way while the flash is written, or that freeze others: they come back last.
const LAST: [&str; 4] = ["WRPSG", "HDP", "BOOT_LOCK", "BOOT_UBE"];
/// No flash is larger.
const LARGEST: u64 = 2 << 20;

fn name(digest: &Digest) -> String {
    format!("flash-{:08x}.bin", digest.address)
}

/// Keeps what was read of the flash, on the disk before the first write to the chip.
///
/// # Errors
/// It cannot be written.
pub(super) fn keep(job: &Job<Record>, image: &Image) -> Result<()> {
    job.put(&name(&image.digest()), &image.bytes, Secrecy::Secret)?;
    Ok(())
}

/// What was read of the flash.
///
/// # Errors
/// It cannot be read, or is not what was written.
pub(super) fn kept(job: &Job<Record>, digest: &Digest) -> Result<Image> {
    let name = name(digest);
    let bytes = job.read(&name, LARGEST)?.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let image = Image { name: digest.name.clone(), address: digest.address, bytes };
    if image.digest() == *digest { Ok(image) } else { fail(CloseError::KeptDamaged { path: job.folder().join(name) }) }
}

/// Makes a chip in Open what it was: TrustZone, option words, firmware, and last what would have been in the way. What is as it
/// was is left alone, so that it may be called again after an interruption.
///
/// # Errors
/// Something could not be written, or the link breaks.
pub(super) fn restore(
    session: &mut Session,
    bound: &Bound,
    images: &[Image],
    narrator: &mut dyn Narrator,
) -> Result<()> {
    let identity = identify(session)?;
    // The parts that share a DEV_ID share their memories and option words.
    let mut bytes = OptionBytes::read(session, &identity, bound.parts.first().copied().map(Into::into))?;
    let part = bytes.part();
    // TrustZone first: turning it on may erase the flash (wolfTrust). Locks and write protection stay out of the way.
    let mut first = words::of(&bytes);
    out_of_the_way(part, &mut first);
    with_field(part, &mut first, "TZEN", u32::from(bound.trustzone.code()));
    bytes = change(session, bytes, &first)?;
    let mut second = bound.words.clone();
    for (name, value) in last_fields(part, &words::of(&bytes)) {
        with_field(part, &mut second, &name, value);
    }
    bytes = change(session, bytes, &second)?;
    Flash::of(&bytes)?.write_differing(session, &to_write_again(images)?, narrator)?;
    bytes = change(session, bytes, &bound.words)?;
    let differences = words::differing(bytes.part(), &bound.words, &words::of(&bytes));
    if differences.is_empty() { Ok(()) } else { fail(CloseError::OptionsNotRestored { differences }) }
}

/// Programs what differs, resets, and reads back.
fn change(session: &mut Session, bytes: OptionBytes, wanted: &Words) -> Result<OptionBytes> {
    if words::of(&bytes) == *wanted {
        return Ok(bytes);
    }
    words::program(session, &bytes, wanted)?;
    reset::pulse(session)?;
    bytes.read_again(session)
}

fn last_fields(part: PartId, words: &Words) -> Vec<(String, u32)> {
    OptionField::of(part)
        .filter(|f| LAST.iter().any(|name| f.name.contains(name)))
        .filter_map(|f| words.get(f.register).map(|w| (f.name.to_owned(), f.get(*w))))
        .collect()
}

/// No lock, no write protection.
fn out_of_the_way(part: PartId, words: &mut Words) {
    for (name, _) in last_fields(part, &words.clone()) {
        if name.starts_with("WRPSG") {
            with_field(part, words, &name, u32::MAX);
        } else if name.ends_with("BOOT_LOCK") {
            with_field(part, words, &name, 0xC3);
        }
    }
}
