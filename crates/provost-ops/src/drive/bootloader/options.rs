//! Option words through the bootloader: two images, read and written as a whole.

use std::collections::BTreeMap;

use provost_chip::{option_bytes::OptionField, parts::PartId, registers::flash};

use super::{Bootloader, BootloaderError, words};
use crate::{
    drive::identify::Options,
    fault::{Result, fail},
};

/// The option registers as the images give them, by offset in the register window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionImages(BTreeMap<u16, u32>);

impl OptionImages {
    /// The register at an offset; zero where there is none.
    pub fn register(&self, offset: u16) -> u32 {
        self.0.get(&offset).copied().unwrap_or(0)
    }

    /// The words that decide a chip's life.
    pub fn options(&self) -> Options {
        Options {
            optsr_cur: self.register(flash::OPTSR_CUR),
            optsr_prg: self.register(flash::OPTSR_CUR + 4),
            optsr2_cur: self.register(flash::OPTSR2_CUR),
            optsr2_prg: self.register(flash::OPTSR2_CUR + 4),
        }
    }
}

impl Bootloader {
    /// Reads both images.
    ///
    /// # Errors
    /// They are refused, or the line breaks.
    pub fn option_images(&mut self) -> Result<OptionImages> {
        let mut registers = BTreeMap::new();
        for image in self.device.images {
            let bytes = self.read(image.address, image.size.into())?;
            let first = (image.address - flash::BASE) as u16;
            registers.extend((first..).step_by(4).zip(words(&bytes)));
        }
        Ok(OptionImages(registers))
    }

    /// Changes program registers (offset, what is there, what is to be), an image and a reset at a time; every other one is filled from the
    /// word in force, so that a whole-image write carries nothing that nobody asked for. What was done must be read back.
    ///
    /// An answer carries no checksum, and some words can only be set: the image is read twice and held against what was planned.
    ///
    /// # Errors
    /// The readings differ, and nothing was written; the bootloader does not come back; the line breaks.
    pub fn change_options(&mut self, part: PartId, changes: &[(u16, u32, u32)]) -> Result<()> {
        for image in self.device.images {
            let first = (image.address - flash::BASE) as u16;
            let range = first..first + image.size;
            let mine: Vec<_> = changes.iter().filter(|(offset, ..)| range.contains(offset)).collect();
            if mine.is_empty() {
                continue;
            }
            let mut bytes = self.read(image.address, image.size.into())?;
            let registers: BTreeMap<u16, u32> = range.clone().step_by(4).zip(words(&bytes)).collect();
            let as_planned = mine.iter().all(|(offset, before, _)| registers.get(offset) == Some(before));
            if !as_planned || self.read(image.address, image.size.into())? != bytes {
                return fail(BootloaderError::ReadsDiffer { address: image.address });
            }
            let program = OptionField::of(part).filter(|f| range.contains(&f.offset_prg));
            let filled = program.filter_map(|f| Some((f.offset_prg, *registers.get(&f.offset_cur)?)));
            for (offset, word) in
                filled.chain(mine.into_iter().map(|(offset, _, after)| (*offset, *after))).collect::<Vec<_>>()
            {
                let at = usize::from(offset - first);
                if let Some(place) = bytes.get_mut(at..at + 4) {
                    place.copy_from_slice(&word.to_le_bytes());
                }
            }
            self.carrier.write_image(image.address, &bytes)?;
            if !self.comes_back()? {
                return fail(BootloaderError::Gone { doing: "the change of option bytes" });
            }
        }
        Ok(())
    }
}
