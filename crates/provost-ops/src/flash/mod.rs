//! User flash: an image in, verified, and bytes out, sector by sector through AP1.
//!
//! Sectors that the secure world owns are reached through the secure alias where the debugger has secure access (Open), all others
//! through the non-secure one. What can be refused is refused before the first write.

mod bootloader;
mod controller;
pub mod error;
mod halted;
pub mod image;
mod keep;

use provost_chip::{
    flash_map::{FlashMap, Sector},
    model::access::Ap1,
    parts::SECTOR_SIZE,
    registers::memory,
    side::Side,
};
use provost_link::LinkError;
use schemars::JsonSchema;
use serde::Serialize;

use self::{
    controller::Controller,
    halted::halted,
    image::{Image, SectorImage},
};
pub use error::FlashError;

use crate::{
    Narrator,
    drive::identify::{IdentifyError, parts_text},
    fault::{Result, fail},
    option_bytes::OptionBytes,
    session::Session,
};

/// What writing an image came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Written {
    /// Format of the image.
    #[schemars(extend("enum" = ["elf", "hex", "binary", "several"]))]
    pub format: &'static str,
    /// Bytes of the image.
    pub bytes: usize,
    /// Sectors erased.
    pub sectors: usize,
    /// Of them, sectors written through the secure alias.
    pub secure_sectors: usize,
    /// SHA-256 of the image, gaps filled with 0xFF, as read back.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub sha256: String,
    /// Other bytes of these sectors that were read first and written again.
    pub kept: usize,
    /// What to know.
    pub warnings: Vec<String>,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// Format of the image.
    #[schemars(extend("enum" = ["elf", "hex", "binary", "several"]))]
    pub format: &'static str,
    /// Bytes compared.
    pub bytes: usize,
    /// SHA-256 of the image, gaps filled with 0xFF.
    #[schemars(regex(pattern = crate::schema::SHA256))]
    pub sha256: String,
}

/// The flash of the chip at hand.
#[derive(Debug)]
pub struct Flash<'a> {
    bytes: &'a OptionBytes,
    map: FlashMap,
}

impl<'a> Flash<'a> {
    /// The flash as the option bytes divide it. No I/O.
    ///
    /// # Errors
    /// [`FlashError::SizeUnknown`].
    pub fn of(bytes: &'a OptionBytes) -> Result<Self, FlashError> {
        let Some(size) = bytes.flash else {
            return Err(FlashError::SizeUnknown { parts: parts_text(&bytes.parts) });
        };
        let map = FlashMap::new(bytes.part(), size, bytes.chip.tz, |offset| bytes.register(offset));
        Ok(Self { bytes, map })
    }

    /// Its sectors.
    pub const fn map(&self) -> &FlashMap {
        &self.map
    }

    /// Erases the sectors that the image touches, programs it, and reads it back.
    ///
    /// # Errors
    /// Nothing is written if the image does not fit or a sector is protected. Otherwise the controller refuses, the read-back
    /// differs, or the link breaks.
    pub fn write(&self, session: &mut Session, image: &Image, narrator: &mut dyn Narrator) -> Result<Written> {
        self.write_sectors(session, image, &image.sectors(self.map.size)?, narrator)
    }

    /// As [`write`](Self::write), but leaves sectors alone that hold what the image gives them.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_differing(
        &self,
        session: &mut Session,
        image: &Image,
        narrator: &mut dyn Narrator,
    ) -> Result<Written> {
        let parts = image.sectors(self.map.size)?;
        let sectors: Vec<Sector> = parts.iter().map(|p| self.map.sector(p.index)).collect();
        self.may_reach(&sectors)?;
        let mut differing = Vec::with_capacity(parts.len());
        for part in parts {
            if !self.differences(session, &part)?.is_empty() {
                differing.push(part);
            }
        }
        self.write_sectors(session, image, &differing, narrator)
    }

    fn write_sectors(
        &self,
        session: &mut Session,
        image: &Image,
        parts: &[SectorImage],
        narrator: &mut dyn Narrator,
    ) -> Result<Written> {
        let sectors: Vec<Sector> = parts.iter().map(|p| self.map.sector(p.index)).collect();
        self.may_write(&sectors)?;
        let written = Written {
            format: image.format.as_str(),
            bytes: image.len(),
            sectors: sectors.len(),
            secure_sectors: sectors.iter().filter(|s| s.secure).count(),
            sha256: hex(&image.sha256()),
            kept: 0,
            warnings: self.warnings(image),
        };
        if sectors.is_empty() {
            return Ok(written);
        }
        narrator.step(&format!("erase {} and program {} bytes", spans(&sectors), image.len()), &[]);
        halted(self.bytes, session, narrator, |session, narrator| {
            unlocked(session, &sectors, |session| {
                for (done, (part, sector)) in parts.iter().zip(&sectors).enumerate() {
                    narrator.progress(done as u64 * u64::from(SECTOR_SIZE), bytes_of(&sectors));
                    Controller::of(sector).erase(session, sector)?;
                    Controller::of(sector).program(session, sector, &part.runs())?;
                }
                narrator.progress(bytes_of(&sectors), bytes_of(&sectors));
                Ok(())
            })?;
            narrator.step("read back and compare", &[]);
            self.compare(session, image, parts, narrator).map_err(|error| {
                if error.of::<LinkError>().is_none() {
                    return error;
                }
                let address = Controller::of(&sectors[0]).address(parts[0].index * SECTOR_SIZE);
                FlashError::Interrupted { doing: "reading back what was programmed", address, source: error }.into()
            })
        })?;
        Ok(written)
    }

    /// What somebody should know before an image is written: where it will not run, and what goes with the sectors it touches, where
    /// that is not kept.
    ///
    /// # Errors
    /// The image does not fit.
    pub fn beforehand(&self, image: &Image, kept: bool) -> Result<Vec<String>> {
        let parts = image.sectors(self.map.size)?;
        let mut says = self.warnings(image);
        let given: usize = parts.iter().map(SectorImage::given).sum();
        match parts.len() * SECTOR_SIZE as usize - given {
            _ if kept => {}
            0 => {}
            others => says.push(format!(
                "flash is erased by sectors of 8 KB: {others} other bytes of the {} that the image touches are erased, too; --keep FILE keeps them",
                if parts.len() == 1 { "sector".to_owned() } else { format!("{} sectors", parts.len()) }
            )),
        }
        Ok(says)
    }

    /// Compares flash with the image. Reads only.
    ///
    /// # Errors
    /// A byte differs or cannot be read, a sector is out of reach, or the link breaks.
    pub fn verify(&self, session: &mut Session, image: &Image, narrator: &mut dyn Narrator) -> Result<Verified> {
        let parts = image.sectors(self.map.size)?;
        let sectors: Vec<Sector> = parts.iter().map(|p| self.map.sector(p.index)).collect();
        self.may_reach(&sectors)?;
        narrator.step(&format!("read {} bytes and compare", image.len()), &[]);
        self.compare(session, image, &parts, narrator)?;
        Ok(Verified { format: image.format.as_str(), bytes: image.len(), sha256: hex(&image.sha256()) })
    }

    /// First address and length of what is meant: from the beginning, as far as the flash goes, where nothing else is said.
    pub fn range(&self, at: Option<u32>, length: Option<u32>) -> (u32, u32) {
        (at.unwrap_or(memory::FLASH), length.unwrap_or(self.map.size.bytes()))
    }

    /// Erases every sector of a range; returns how many.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn erase(
        &self,
        session: &mut Session,
        address: u32,
        length: u32,
        narrator: &mut dyn Narrator,
    ) -> Result<usize> {
        let sectors = self.sectors_of(address, length)?;
        self.may_write(&sectors)?;
        narrator.step(&format!("erase {}", spans(&sectors)), &[]);
        halted(self.bytes, session, narrator, |session, narrator| {
            unlocked(session, &sectors, |session| {
                for (done, sector) in sectors.iter().enumerate() {
                    narrator.progress(done as u64 * u64::from(SECTOR_SIZE), bytes_of(&sectors));
                    Controller::of(sector).erase(session, sector)?;
                }
                narrator.progress(bytes_of(&sectors), bytes_of(&sectors));
                Ok(())
            })
        })?;
        Ok(sectors.len())
    }

    /// Reads a range, of any alignment.
    ///
    /// # Errors
    /// It is not in flash, is out of reach, cannot be read, or the link breaks.
    pub fn read(
        &self,
        session: &mut Session,
        address: u32,
        length: u32,
        narrator: &mut dyn Narrator,
    ) -> Result<Vec<u8>> {
        let sectors = self.sectors_of(address, length)?;
        self.may_reach(&sectors)?;
        let offset = self.map.offset(address).unwrap_or(0);
        let mut bytes = Vec::with_capacity(length as usize);
        for sector in &sectors {
            narrator.progress(bytes.len() as u64, length.into());
            let base = sector.index * SECTOR_SIZE;
            let from = offset.max(base) - base;
            let to = (offset + length).min(base + SECTOR_SIZE) - base;
            bytes.extend(self.read_sector(session, sector, from, to)?);
        }
        narrator.progress(length.into(), length.into());
        Ok(bytes)
    }

    /// Bytes `from..to` of one sector.
    fn read_sector(&self, session: &mut Session, sector: &Sector, from: u32, to: u32) -> Result<Vec<u8>> {
        let (first, last) = (from & !3, to.next_multiple_of(4));
        let mut words = vec![0; ((last - first) / 4) as usize];
        let address = Controller::of(sector).address(sector.index * SECTOR_SIZE + first);
        match Controller::of(sector).ap1(session).read_block32(address, &mut words) {
            Ok(()) => {}
            Err(LinkError::Fault { .. }) => return Err(FlashError::Unreadable { address }.into()),
            Err(error) => return Err(error.into()),
        }
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        Ok(bytes[(from - first) as usize..(to - first) as usize].to_vec())
    }

    fn compare(
        &self,
        session: &mut Session,
        image: &Image,
        parts: &[SectorImage],
        narrator: &mut dyn Narrator,
    ) -> Result<()> {
        let (mut differing, mut first) = (0, None);
        let total = parts.len() as u64 * u64::from(SECTOR_SIZE);
        for (done, part) in parts.iter().enumerate() {
            narrator.progress(done as u64 * u64::from(SECTOR_SIZE), total);
            let found = self.differences(session, part)?;
            differing += found.len();
            first = first.or(found.first().copied());
        }
        narrator.progress(total, total);
        match first {
            None => Ok(()),
            Some((address, wanted, found)) => {
                let found = found.map_or("nothing could be".to_owned(), |b| format!("{b:#04x}"));
                Err(FlashError::Mismatch { address, wanted, found, differing, bytes: image.len() }.into())
            }
        }
    }

    /// The bytes of a sector that are not as the image gives them: address, wanted, found where it can be read.
    fn differences(&self, session: &mut Session, part: &SectorImage) -> Result<Vec<(u32, u8, Option<u8>)>> {
        let mut differing = Vec::new();
        let sector = self.map.sector(part.index);
        for (at, wanted) in part.runs() {
            let found = match self.read_sector(session, &sector, at as u32, (at + wanted.len()) as u32) {
                Ok(found) => Some(found),
                Err(error) if matches!(error.of(), Some(FlashError::Unreadable { .. })) => None,
                Err(error) => return Err(error),
            };
            for (n, byte) in wanted.iter().enumerate().filter(|(n, _)| part.gives(at + n)) {
                let read = found.as_ref().and_then(|f| f.get(n)).copied();
                if read != Some(*byte) {
                    let address = Controller::of(&sector).address(part.index * SECTOR_SIZE + (at + n) as u32);
                    differing.push((address, *byte, read));
                }
            }
        }
        Ok(differing)
    }

    fn sectors_of(&self, address: u32, length: u32) -> Result<Vec<Sector>, FlashError> {
        let size = self.map.size;
        let outside = FlashError::OutsideFlash { address, length, size };
        match self.map.offset(address) {
            Some(offset) if length > 0 && offset.checked_add(length).is_some_and(|end| end <= size.bytes()) => {
                let last = (offset + length - 1) / SECTOR_SIZE;
                Ok((offset / SECTOR_SIZE..=last).map(|index| self.map.sector(index)).collect())
            }
            _ => Err(outside),
        }
    }

    fn may_reach(&self, sectors: &[Sector]) -> Result<(), FlashError> {
        if self.bytes.view == Ap1::Shut {
            return Err(FlashError::NotReachable);
        }
        let secure: Vec<Sector> = sectors.iter().copied().filter(|s| s.secure).collect();
        if self.bytes.view != Ap1::Full && !secure.is_empty() {
            return Err(FlashError::SecureSectors { sectors: are(&secure) });
        }
        Ok(())
    }

    fn may_write(&self, sectors: &[Sector]) -> Result<()> {
        self.may_reach(sectors)?;
        if let Some(state) = self.bytes.pending_state() {
            // The reset at the end would make it take effect.
            return fail(IdentifyError::PendingState { state });
        }
        let some = |pick: fn(&Sector) -> bool| {
            let found: Vec<Sector> = sectors.iter().copied().filter(pick).collect();
            (!found.is_empty()).then(|| are(&found))
        };
        if let Some(sectors) = some(|s| s.write_protected) {
            return Err(FlashError::WriteProtected { sectors }.into());
        }
        if let Some(sectors) = some(|s| s.data) {
            return Err(FlashError::DataSectors { sectors }.into());
        }
        Ok(())
    }

    /// Where an image names another alias than the one its sectors belong to.
    fn warnings(&self, image: &Image) -> Vec<String> {
        image
            .segments()
            .filter_map(|(address, bytes)| {
                let offset = self.map.offset(address)?;
                let linked_secure = Controller(Side::Secure).address(offset) == address;
                let last = (offset + bytes.len() as u32 - 1) / SECTOR_SIZE;
                let fits = |index| self.map.sector(index).secure == linked_secure;
                if (offset / SECTOR_SIZE..=last).all(fits) {
                    return None;
                }
                let (is, are) = if linked_secure { ("secure", "not all secure") } else { ("non-secure", "not all non-secure") };
                Some(format!("{address:#010x} is a {is} address, and the sectors there are {are} (TZEN, SECWM): it is programmed, and will not run so"))
            })
            .collect()
    }
}

/// Works with the control registers of the worlds concerned unlocked, and locks them again.
fn unlocked(
    session: &mut Session,
    sectors: &[Sector],
    work: impl FnOnce(&mut Session) -> Result<(), FlashError>,
) -> Result<()> {
    let worlds: Vec<Controller> = [Controller(Side::NonSecure), Controller(Side::Secure)]
        .into_iter()
        .filter(|w| sectors.iter().any(|s| Controller::of(s) == *w))
        .collect();
    for world in &worlds {
        world.unlock(session)?;
    }
    let result = work(session);
    for world in &worlds {
        let locked = world.lock(session);
        if result.is_ok() {
            locked?;
        }
    }
    Ok(result?)
}

const fn bytes_of(sectors: &[Sector]) -> u64 {
    sectors.len() as u64 * SECTOR_SIZE as u64
}

/// `sectors 0-3, 8`, by their place in the address map.
fn spans(sectors: &[Sector]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for sector in sectors {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == sector.index => *last = sector.index,
            _ => spans.push((sector.index, sector.index)),
        }
    }
    let each: Vec<String> =
        spans.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
    let noun = if sectors.len() == 1 { "sector" } else { "sectors" };
    format!("{noun} {}", each.join(", "))
}

fn are(sectors: &[Sector]) -> String {
    format!("{} {}", spans(sectors), if sectors.len() == 1 { "is" } else { "are" })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
