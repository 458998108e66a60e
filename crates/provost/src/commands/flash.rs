//! `provost flash`: user flash.

use std::fmt::Write as _;

use provost_bench::Bench;
use provost_ops::{
    Narrator as _,
    error::OpError,
    flash::{Flash, FlashError, Verified, Written, image, image::Image},
    identify::identify,
    option_bytes::OptionBytes,
    store::{Secrecy, files},
};
use sha2::{Digest as _, Sha256};

use crate::{
    cli::{self, Arguments, FlashCommand, FlashErase, FlashImage, FlashWrite, ImageAt},
    confirm,
    documents::{FileFormat, FlashErased, FlashRead},
    output::{Page, Stop, Teller},
};

pub(crate) fn run(arguments: &Arguments, command: &FlashCommand) -> Result<Page, Stop> {
    match command {
        FlashCommand::Write(options) => run_write(arguments, options),
        FlashCommand::Verify(options) => run_verify(arguments, options),
        FlashCommand::Erase(options) => run_erase(arguments, options),
        FlashCommand::Read(options) => run_read(arguments, options),
    }
}

fn on_flash(
    arguments: &Arguments,
    work: impl FnOnce(&Flash<'_>, &mut Bench) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    super::on_chip(arguments, |bench| {
        let identity = identify(&mut bench.session)?;
        let bytes =
            OptionBytes::read(&mut bench.session, &identity, arguments.order_code).map_err(|error| {
                match error.of() {
                    Some(provost_ops::option_bytes::OptionError::NotVisible) => FlashError::NotReachable.into(),
                    _ => error,
                }
            })?;
        work(&Flash::of(&bytes).map_err(provost_ops::error::Failure::from)?, bench)
    })
}

pub(super) fn load(options: &FlashImage) -> Result<Image, provost_ops::error::Failure> {
    if let (Some(at), [_, _, ..]) = (options.at, options.images.as_slice()) {
        return Err(FlashError::AtOfSeveral { at }.into());
    }
    let load = |image: &ImageAt| Image::load(&image.path, options.at.or(image.at));
    Ok(Image::joined(options.images.iter().map(load).collect::<Result<_, _>>()?)?)
}

fn run_write(arguments: &Arguments, options: &FlashWrite) -> Result<Page, Stop> {
    let image = load(&options.image)?;
    on_flash(arguments, |flash, bench| {
        let mut teller = Teller::new(arguments);
        for says in flash.beforehand(&image, options.keep.is_some())? {
            teller.note(&format!("warning: {says}"));
        }
        confirm::write_to(bench, arguments, "write flash")?;
        let written = match &options.keep {
            Some(file) => {
                let whole = flash.with_the_rest(&mut bench.session, &image)?;
                files::write(file, whole.to_hex().as_bytes(), Secrecy::Public, false)?;
                teller.note(&format!("all that is about to be written is in {}", file.display()));
                flash.write_with_the_rest(&mut bench.session, &image, &whole, &mut teller)?
            }
            None => flash.write(&mut bench.session, &image, &mut teller)?,
        };
        self::written(&written, "The chip was reset and runs what is in flash now.\n")
    })
}

/// What was written, and how it goes on.
pub(super) fn written(written: &Written, end: &str) -> Result<Page, Stop> {
    let mut text = format!("{} bytes programmed and read back\n", written.bytes);
    let _ = writeln!(
        text,
        "  sectors     {} erased and programmed, {} of them secure",
        written.sectors, written.secure_sectors
    );
    if written.kept > 0 {
        let _ = writeln!(text, "  kept        {} other bytes of these sectors", written.kept);
    }
    let _ = writeln!(text, "  sha256      {}", written.sha256);
    text.push_str(end);
    Ok(Page::new(written, text)?)
}

fn run_verify(arguments: &Arguments, options: &FlashImage) -> Result<Page, Stop> {
    let image = load(options)?;
    on_flash(arguments, |flash, bench| {
        let verified = flash.verify(&mut bench.session, &image, &mut Teller::new(arguments))?;
        self::verified(&verified)
    })
}

/// What was compared.
pub(super) fn verified(verified: &Verified) -> Result<Page, Stop> {
    let text = format!("{} bytes are as in the image\n  sha256      {}\n", verified.bytes, verified.sha256);
    Ok(Page::new(verified, text)?)
}

fn run_erase(arguments: &Arguments, options: &FlashErase) -> Result<Page, Stop> {
    on_flash(arguments, |flash, bench| {
        confirm::write_to(bench, arguments, "erase flash")?;
        let (address, size) = flash.range(options.at, options.size);
        let sectors = flash.erase(&mut bench.session, address, size, &mut Teller::new(arguments))?;
        erased((address, size, sectors), "; the chip was reset")
    })
}

/// What was erased, and what else happened.
pub(super) fn erased((address, size, sectors): (u32, u32, usize), end: &str) -> Result<Page, Stop> {
    let text = match sectors {
        1 => format!("1 sector of 8 KB erased{end}\n"),
        n => format!("{n} sectors of 8 KB erased{end}\n"),
    };
    Ok(Page::new(&FlashErased { address, size, sectors }, text)?)
}

fn run_read(arguments: &Arguments, options: &cli::FlashRead) -> Result<Page, Stop> {
    on_flash(arguments, |flash, bench| {
        may_keep(options)?;
        let (address, size) = flash.range(options.at, options.size);
        let mut teller = Teller::new(arguments);
        teller.step(&format!("read {size} bytes at {address:#010x}"), &[]);
        let bytes = flash.read(&mut bench.session, address, size, &mut teller)?;
        keep(options, address, &bytes)
    })
}

/// Minutes of reading are not for a file that cannot be made.
pub(super) fn may_keep(options: &cli::FlashRead) -> Result<(), OpError> {
    if !options.force && options.file.exists() {
        return Err(OpError::Exists { path: options.file.clone() });
    }
    Ok(())
}

/// Bytes that were read, into their file.
pub(super) fn keep(options: &cli::FlashRead, address: u32, bytes: &[u8]) -> Result<Page, Stop> {
    let size = bytes.len() as u32;
    let is_hex = options.file.extension().is_some_and(|e| e.eq_ignore_ascii_case("hex"));
    let (format, content) = if is_hex {
        (FileFormat::Hex, image::to_hex(address, bytes).into_bytes())
    } else {
        (FileFormat::Binary, bytes.to_vec())
    };
    files::write(&options.file, &content, Secrecy::Public, options.force)?;
    let sha256: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    let mut text = format!("{size} bytes at {address:#010x} written to {}\n", options.file.display());
    let _ = writeln!(text, "  sha256      {sha256}");
    let file = options.file.as_path().into();
    Ok(Page::new(&FlashRead { file, format, address, size, sha256 }, text)?)
}
