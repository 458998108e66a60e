//! What else stands in the sectors that an image touches, kept: flash is erased by sectors, and an image seldom ends with one.

use provost_chip::{flash_map::QUAD_WORD, parts::SECTOR_SIZE};

use super::{
    Flash, Written,
    controller::Controller,
    hex,
    image::{Image, SectorImage},
};
use crate::{Narrator, fault::Result, session::Session};

impl Flash<'_> {
    /// The image with the other bytes of its sectors, as they are on the chip. Reads only. What is erased stays so: a quad-word that is
    /// programmed with ones is no longer blank.
    ///
    /// # Errors
    /// The image does not fit, a sector is out of reach or cannot be read, or the link breaks.
    pub fn with_the_rest(&self, session: &mut Session, image: &Image) -> Result<Image> {
        let parts = image.sectors(self.map.size)?;
        let sectors: Vec<_> = parts.iter().map(|part| self.map.sector(part.index)).collect();
        self.may_reach(&sectors)?;
        let mut pieces: Vec<(u32, Vec<u8>)> = image.segments().map(|(at, bytes)| (at, bytes.to_vec())).collect();
        for (part, sector) in parts.iter().zip(&sectors).filter(|(part, _)| part.given() < SECTOR_SIZE as usize) {
            let found = self.read_sector(session, sector, 0, SECTOR_SIZE)?;
            let base = Controller::of(sector).address(part.index * SECTOR_SIZE);
            pieces.extend(rest(part, &found).map(|(at, byte)| (base + at, vec![byte])));
        }
        Ok(Image::from_segments(image.format, pieces)?)
    }

    /// Writes the image with [the rest of its sectors](Self::with_the_rest), which was read before.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_with_the_rest(
        &self,
        session: &mut Session,
        image: &Image,
        whole: &Image,
        narrator: &mut dyn Narrator,
    ) -> Result<Written> {
        let written = self.write(session, whole, narrator)?;
        let kept = whole.len() - image.len();
        Ok(Written {
            bytes: image.len(),
            sha256: hex(&image.sha256()),
            kept,
            warnings: self.warnings(image),
            ..written
        })
    }
}

/// The bytes of a sector that the image does not give, of each quad-word in which one of them is not blank.
fn rest<'a>(part: &'a SectorImage, found: &'a [u8]) -> impl Iterator<Item = (u32, u8)> + 'a {
    let quads = found.chunks(QUAD_WORD as usize).enumerate();
    quads.flat_map(move |(quad, bytes)| {
        let others = bytes.iter().enumerate().map(move |(n, byte)| (quad * QUAD_WORD as usize + n, *byte));
        let others: Vec<(usize, u8)> = others.filter(|(at, _)| !part.gives(*at)).collect();
        let blank = others.iter().all(|(_, byte)| *byte == 0xFF);
        others.into_iter().filter(move |_| !blank).map(|(at, byte)| (at as u32, byte))
    })
}
