//! Pieces of the user flash: given as images or read back, digested, and after a rehearsal written again.

use std::path::Path;

use provost_chip::{flash_map::QUAD_WORD, parts::FlashSize, registers::memory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    credential::hex,
    flash::{self, FlashError, image::Format},
};

/// Bytes that belong at an address of the user flash; either alias may name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it is called: a file name.
    pub name: String,
    /// First address.
    pub address: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a plan and a receipt keep of a piece of flash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Digest {
    /// What it is called.
    pub name: String,
    /// First address, as the image was linked.
    pub address: u32,
    /// Bytes.
    pub size: u32,
    /// SHA-256.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub sha256: String,
}

impl Image {
    /// The pieces of image files: ELF, Intel HEX, or plain bytes with their address.
    ///
    /// # Errors
    /// One cannot be read or is damaged, or two of all the pieces overlap.
    pub fn load(files: &[(&Path, Option<u32>)]) -> Result<Vec<Self>, FlashError> {
        let (mut pieces, mut all) = (Vec::new(), Vec::new());
        for (path, at) in files {
            let file = flash::image::Image::load(path, *at)?;
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
            for (address, bytes) in file.segments() {
                all.push((address, bytes.to_vec()));
                pieces.push(Self { name: name.clone(), address, bytes: bytes.to_vec() });
            }
        }
        flash::image::Image::from_segments(Format::Binary, all)?;
        Ok(pieces)
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        Digest {
            name: self.name.clone(),
            address: self.address,
            size: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            sha256: hex(&Sha256::digest(&self.bytes)),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(|b| *b == 0xFF)
    }
}

impl Digest {
    /// The whole user flash of a chip, not read yet.
    pub(super) fn whole_flash(flash: FlashSize) -> Self {
        let size = flash.bytes();
        Self { name: "user flash".to_owned(), address: memory::FLASH, size, sha256: String::new() }
    }

    /// Whether it lies wholly inside the user flash of a chip.
    pub fn fits(&self, flash: FlashSize) -> bool {
        let offset = (self.address & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH);
        self.size != 0 && offset.checked_add(self.size).is_some_and(|end| end <= flash.bytes())
    }

    /// Whether it is linked for the secure world.
    pub const fn is_secure(&self) -> bool {
        self.address & memory::SECURE_ALIAS != 0
    }
}

/// One image of what was kept, without the quad-words in which there is nothing: a chip that was erased has those already.
///
/// # Errors
/// Two pieces overlap.
pub(super) fn to_write_again(kept: &[Image]) -> Result<flash::image::Image, FlashError> {
    let quad = QUAD_WORD as usize;
    let mut runs: Vec<(u32, Vec<u8>)> = Vec::new();
    for piece in kept {
        // Pieces may begin anywhere; what is programmed at once does not.
        let mut at = piece.address;
        let mut rest = &piece.bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(quad - at as usize % quad));
            if now.iter().any(|b| *b != 0xFF) {
                runs.push((at, now.to_vec()));
            }
            at = at.wrapping_add(now.len() as u32);
            rest = later;
        }
    }
    flash::image::Image::from_segments(Format::Binary, runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(address: u32, bytes: Vec<u8>) -> Image {
        Image { name: "piece".to_owned(), address, bytes }
    }

    #[test]
    fn only_quad_words_that_hold_something_are_written_again() {
        let mut bytes = vec![0xFF; 64];
        bytes[20] = 1;
        bytes[63] = 2;
        let image = to_write_again(&[piece(0x0C00_0008, bytes)]).unwrap();
        let runs: Vec<(u32, usize)> = image.segments().map(|(a, b)| (a, b.len())).collect();
        assert_eq!(runs, [(0x0C00_0010, 16), (0x0C00_0040, 8)]);
    }

    #[test]
    fn pieces_that_overlap_are_an_error() {
        let two = [piece(0x0800_0000, vec![1; 32]), piece(0x0C00_0010, vec![1; 32])];
        assert!(matches!(to_write_again(&two), Err(FlashError::Overlap { .. })));
    }

    #[test]
    fn a_piece_fits_only_whole() {
        let part = "STM32H503".parse::<provost_chip::parts::PartId>().unwrap().info().largest_flash();
        let digest = |address, size| Digest { size, ..piece(address, Vec::new()).digest() };
        assert!(digest(0x0801_FFFF, 1).fits(part) && digest(0x0C00_0000, 0x2_0000).fits(part));
        for (address, size) in [(0x0801_FFFF, 2), (0x0800_0000, 0), (0x07FF_FFFF, 1), (0x0800_0000, u32::MAX)] {
            assert!(!digest(address, size).fits(part), "{address:#x}");
        }
    }
}
