//! User flash through the ROM bootloader: sectors by flat number, quad-words, and everything read back, for an acknowledgement proves
//! nothing (rule `R-BOOTLOADER-ACK`). The chip is not reset, and what was written does not run until it is.

use provost_bootloader::memory::Erase;
use provost_chip::{flash_map::Sector, parts::SECTOR_SIZE, side::Side};

use super::{Flash, FlashError, Verified, Written, bytes_of, hex, image::Image, spans};
use crate::{
    Narrator,
    drive::bootloader::{Bootloader, BootloaderError},
    fault::{Result, fail},
};

impl Flash<'_> {
    /// Erases the sectors that the image touches, programs it, and reads it back.
    ///
    /// # Errors
    /// Nothing is written if the image does not fit, a sector is protected, or it belongs to the secure world, which the bootloader is not
    /// of. Otherwise the read-back differs, or the line breaks: the same command again begins anew.
    pub fn write_by_bootloader(
        &self,
        boot: &mut Bootloader,
        image: &Image,
        narrator: &mut dyn Narrator,
    ) -> Result<Written> {
        let parts = image.sectors(self.map.size)?;
        let sectors: Vec<Sector> = parts.iter().map(|p| self.map.sector(p.index)).collect();
        no_secure(&sectors)?;
        self.may_write(&sectors)?;
        narrator.step(&format!("erase {}, program {} bytes and read them back", spans(&sectors), image.len()), &[]);
        for (done, part) in parts.iter().enumerate() {
            narrator.progress(done as u64 * u64::from(SECTOR_SIZE), bytes_of(&sectors));
            erase_sector(boot, part.index)?;
            for (at, bytes) in part.runs() {
                boot.write(Side::NonSecure.flash(part.index * SECTOR_SIZE + at as u32), bytes)?;
            }
        }
        narrator.progress(bytes_of(&sectors), bytes_of(&sectors));
        Ok(Written {
            format: image.format.as_str(),
            bytes: image.len(),
            sectors: sectors.len(),
            secure_sectors: 0,
            sha256: hex(&image.sha256()),
            kept: 0,
            warnings: self.warnings(image),
        })
    }

    /// Compares flash with the image. Reads only.
    ///
    /// # Errors
    /// A byte differs, a sector belongs to the secure world, or the line breaks.
    pub fn verify_by_bootloader(
        &self,
        boot: &mut Bootloader,
        image: &Image,
        narrator: &mut dyn Narrator,
    ) -> Result<Verified> {
        let parts = image.sectors(self.map.size)?;
        let sectors: Vec<Sector> = parts.iter().map(|p| self.map.sector(p.index)).collect();
        no_secure(&sectors)?;
        narrator.step(&format!("read {} bytes and compare", image.len()), &[]);
        let (mut differing, mut first) = (0, None);
        for (done, part) in parts.iter().enumerate() {
            narrator.progress(done as u64 * u64::from(SECTOR_SIZE), bytes_of(&sectors));
            for (at, wanted) in part.runs() {
                let address = Side::NonSecure.flash(part.index * SECTOR_SIZE + at as u32);
                let found = boot.read(address, wanted.len())?;
                let pairs = wanted.iter().zip(&found).enumerate();
                for (n, (wanted, found)) in pairs.filter(|(n, (w, f))| part.gives(at + n) && w != f) {
                    differing += 1;
                    first = first.or(Some((address + n as u32, *wanted, *found)));
                }
            }
        }
        narrator.progress(bytes_of(&sectors), bytes_of(&sectors));
        match first {
            None => Ok(Verified { format: image.format.as_str(), bytes: image.len(), sha256: hex(&image.sha256()) }),
            Some((address, wanted, found)) => {
                let found = format!("{found:#04x}");
                Err(FlashError::Mismatch { address, wanted, found, differing, bytes: image.len() }.into())
            }
        }
    }

    /// Erases every sector of a range, and looks; returns how many.
    ///
    /// # Errors
    /// As [`write_by_bootloader`](Self::write_by_bootloader).
    pub fn erase_by_bootloader(
        &self,
        boot: &mut Bootloader,
        address: u32,
        length: u32,
        narrator: &mut dyn Narrator,
    ) -> Result<usize> {
        let sectors = self.sectors_of(address, length)?;
        no_secure(&sectors)?;
        self.may_write(&sectors)?;
        narrator.step(&format!("erase {} and look", spans(&sectors)), &[]);
        for (done, sector) in sectors.iter().enumerate() {
            narrator.progress(done as u64 * u64::from(SECTOR_SIZE), bytes_of(&sectors));
            erase_sector(boot, sector.index)?;
        }
        narrator.progress(bytes_of(&sectors), bytes_of(&sectors));
        Ok(sectors.len())
    }

    /// Reads a range, of any alignment.
    ///
    /// # Errors
    /// It is not in flash, belongs to the secure world, or the line breaks.
    pub fn read_by_bootloader(
        &self,
        boot: &mut Bootloader,
        address: u32,
        length: u32,
        narrator: &mut dyn Narrator,
    ) -> Result<Vec<u8>> {
        no_secure(&self.sectors_of(address, length)?)?;
        let offset = self.map.offset(address).unwrap_or(0);
        let mut bytes = Vec::with_capacity(length as usize);
        while bytes.len() < length as usize {
            narrator.progress(bytes.len() as u64, length.into());
            let count = (length as usize - bytes.len()).min(SECTOR_SIZE as usize);
            bytes.extend(boot.read(Side::NonSecure.flash(offset + bytes.len() as u32), count)?);
        }
        narrator.progress(length.into(), length.into());
        Ok(bytes)
    }
}

/// Erases a sector and looks: the number that the bootloader wants for bank 2 of a part with half the flash is not known, and the erase of
/// a sector is acknowledged whatever came of it.
fn erase_sector(boot: &mut Bootloader, index: u32) -> Result<()> {
    let number = u16::try_from(index).unwrap_or(u16::MAX);
    boot.erase(&Erase::Sectors(vec![number]))?;
    let address = Side::NonSecure.flash(index * SECTOR_SIZE);
    let found = boot.read(address, SECTOR_SIZE as usize)?;
    let wrong = found.iter().filter(|byte| **byte != 0xFF).count();
    match wrong {
        0 => Ok(()),
        wrong => fail(BootloaderError::NotWritten { address, length: found.len(), wrong }),
    }
}

fn no_secure(sectors: &[Sector]) -> Result<(), BootloaderError> {
    let secure: Vec<Sector> = sectors.iter().copied().filter(|s| s.secure).collect();
    if secure.is_empty() { Ok(()) } else { Err(BootloaderError::SecureSectors { sectors: super::are(&secure) }) }
}
