//! The user flash as a whole: read back, digested, and after a rehearsal written again.
//!
//! An [`Image`] is bytes at an address; who made them out of an ELF or HEX file is no business of this module.

use std::{ops::Range, time::Duration};

use provost_chip::{
    parts::{PartId, SECTOR_SIZE},
    registers::{flash, memory},
    states::TrustZone,
};
use provost_link::{LinkError, Security};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    CloseError,
    words::{View, Words, field},
};
use crate::{credential::hex, error::Result, session::Session};

/// Programming a quad-word takes 32 µs, erasing a sector 2 ms (DS14539 Tables 49-51); with a wide margin.
const TIMEOUT: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(1);
const ERRORS: u32 = flash::SR_WRPERR | flash::SR_PGSERR | flash::SR_STRBERR | flash::SR_INCERR;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// What it is called.
    pub name: String,
    /// First address, non-secure alias.
    pub address: u32,
    /// Bytes.
    pub size: u32,
    /// SHA-256.
    pub sha256: String,
}

impl Image {
    /// First byte, from the start of the user flash.
    const fn offset(&self) -> u32 {
        offset(self.address)
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        Digest {
            name: self.name.clone(),
            address: self.address & !memory::SECURE_ALIAS,
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
    /// The whole user flash of a part, not read yet.
    pub(super) fn whole_flash(part: PartId) -> Self {
        let size = part.info().flash_size;
        Self { name: "user flash".to_owned(), address: memory::FLASH, size, sha256: String::new() }
    }

    pub(super) const fn offset(&self) -> u32 {
        offset(self.address)
    }

    /// Whether it lies wholly inside the user flash of a part, on a whole quad-word.
    pub fn fits(&self, part: PartId) -> bool {
        let end = self.offset().checked_add(self.size);
        self.size != 0 && self.address.is_multiple_of(16) && end.is_some_and(|e| e <= part.info().flash_size)
    }
}

const fn offset(address: u32) -> u32 {
    (address & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH)
}

/// Which sectors belong to which world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    part: PartId,
    secure: [Range<u32>; 2],
    swapped: bool,
}

impl Map {
    pub(super) fn new(part: PartId, words: &Words, tz: TrustZone) -> Self {
        let watermark = |bank: u8| {
            let edge = |name: &str| field(part, words, &format!("SECWM{bank}_{name}"));
            match (tz, edge("STRT"), edge("END")) {
                (TrustZone::Enabled, Some(first), Some(last)) if first <= last => first..last + 1,
                _ => 0..0,
            }
        };
        let swapped = field(part, words, "SWAP_BANK") == Some(1);
        Self { part, secure: [watermark(1), watermark(2)], swapped }
    }

    fn per_bank(&self) -> u32 {
        self.part.info().flash_size / 2 / SECTOR_SIZE
    }

    /// The physical bank and the sector in it.
    fn locate(&self, sector: u32) -> (u32, u32) {
        let bank = sector / self.per_bank();
        (bank ^ u32::from(self.swapped), sector % self.per_bank())
    }

    /// Whether a sector, counted as the bus sees them, is secure.
    pub(super) fn is_secure(&self, sector: u32) -> bool {
        let (bank, sector) = self.locate(sector);
        self.secure[bank as usize & 1].contains(&sector)
    }

    /// Whether the byte at this offset of the flash is secure; `None` outside.
    pub(super) fn is_secure_at(&self, offset: u32) -> Option<bool> {
        (offset < self.part.info().flash_size).then(|| self.is_secure(offset / SECTOR_SIZE))
    }

    /// Alias and attribute for a sector: each world's sectors read as zero to the other.
    fn door(&self, sector: u32) -> (u32, Security) {
        if self.is_secure(sector) {
            (memory::FLASH + memory::SECURE_ALIAS, Security::Secure)
        } else {
            (memory::FLASH, Security::NonSecure)
        }
    }
}

/// Reads `size` bytes from this offset of the flash; both are multiples of four.
///
/// # Errors
/// The link breaks.
pub(super) fn read(session: &mut Session, map: &Map, offset: u32, size: u32) -> Result<Vec<u8>, LinkError> {
    let mut bytes = Vec::with_capacity(size as usize);
    let (mut at, end) = (offset, offset + size);
    while at < end {
        let sector = at / SECTOR_SIZE;
        let next = end.min((sector + 1) * SECTOR_SIZE);
        let mut words = vec![0; ((next - at) / 4) as usize];
        let (base, security) = map.door(sector);
        session.ap1_as(security).read_block32(base + at, &mut words)?;
        bytes.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        at = next;
    }
    Ok(bytes)
}

/// Makes the flash hold this image: what differs is erased where it must be and programmed; the rest of a sector is kept.
///
/// # Errors
/// The controller refuses, what was written reads back differently, or the link breaks.
pub(super) fn write(session: &mut Session, map: &Map, image: &Image) -> Result<()> {
    let (start, end) = (image.offset(), image.offset() + image.bytes.len() as u32);
    for sector in start / SECTOR_SIZE..end.div_ceil(SECTOR_SIZE) {
        let base = sector * SECTOR_SIZE;
        let (from, to) = (start.max(base), end.min(base + SECTOR_SIZE));
        let part = &image.bytes[(from - start) as usize..(to - start) as usize];
        let from = (from - base) as usize;
        write_part(session, map, sector, from, part)?;
    }
    Ok(())
}

fn write_part(session: &mut Session, map: &Map, sector: u32, from: usize, part: &[u8]) -> Result<()> {
    let first = sector * SECTOR_SIZE + from as u32;
    let padded = part.len().next_multiple_of(16);
    let now = read(session, map, first, padded as u32)?;
    if now[..part.len()] == *part {
        return Ok(());
    }
    let mut wanted = part.to_vec();
    wanted.resize(padded, 0xFF);
    if now.iter().all(|b| *b == 0xFF) {
        program(session, map, sector, from, &wanted)?;
    } else {
        let mut whole = read(session, map, sector * SECTOR_SIZE, SECTOR_SIZE)?;
        whole[from..from + part.len()].copy_from_slice(part);
        erase(session, map, sector)?;
        program(session, map, sector, 0, &whole)?;
    }
    let found = read(session, map, first, padded as u32)?;
    match found.iter().zip(part).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(CloseError::FlashDiffers { address: memory::FLASH + first + at as u32 }.into()),
    }
}

/// The register set of one world: key, status, control, clear.
struct Set {
    view: View,
    key: u16,
    status: u16,
    control: u16,
    clear: u16,
}

impl Set {
    const fn new(secure: bool) -> Self {
        if secure {
            Self {
                view: View::Secure,
                key: flash::SECKEYR,
                status: flash::SECSR,
                control: flash::SECCR,
                clear: flash::SECCCR,
            }
        } else {
            Self {
                view: View::NonSecure,
                key: flash::NSKEYR,
                status: flash::NSSR,
                control: flash::NSCR,
                clear: flash::NSCCR,
            }
        }
    }

    fn read(&self, session: &mut Session, offset: u16) -> Result<u32, LinkError> {
        session.ap1_as(self.view.security()).read32(self.view.register(offset))
    }

    fn write(&self, session: &mut Session, offset: u16, value: u32) -> Result<(), LinkError> {
        session.ap1_as(self.view.security()).write32(self.view.register(offset), value)
    }

    fn open(&self, session: &mut Session) -> Result<(), LinkError> {
        self.write(session, self.clear, ERRORS)?;
        if self.read(session, self.control)? & flash::CR_LOCK != 0 {
            for key in flash::KEYS {
                self.write(session, self.key, key)?;
            }
        }
        Ok(())
    }

    /// Waits for the end of an operation and closes the control register again.
    fn finish(&self, session: &mut Session, address: u32) -> Result<()> {
        let end = session.now() + TIMEOUT;
        let status = loop {
            let status = self.read(session, self.status)?;
            if status & (flash::SR_BSY | flash::SR_WBNE | flash::SR_DBNE) == 0 {
                break status;
            }
            if session.now() >= end {
                return Err(LinkError::Timeout { what: "end of a flash operation", after: TIMEOUT }.into());
            }
            session.sleep(POLL);
        };
        self.write(session, self.control, flash::CR_LOCK)?;
        if status & ERRORS == 0 { Ok(()) } else { Err(CloseError::FlashRefused { address, status }.into()) }
    }
}

fn erase(session: &mut Session, map: &Map, sector: u32) -> Result<()> {
    let set = Set::new(map.is_secure(sector));
    set.open(session)?;
    // BKSEL names the physical bank (SVD).
    let (bank, number) = map.locate(sector);
    let control = flash::CR_SER | number << flash::CR_SNB_SHIFT | (bank * flash::CR_BKSEL);
    set.write(session, set.control, control)?;
    set.write(session, set.control, control | flash::CR_STRT)?;
    set.finish(session, memory::FLASH + sector * SECTOR_SIZE)
}

/// Programs whole quad-words of a sector; those that hold nothing are left alone.
fn program(session: &mut Session, map: &Map, sector: u32, from: usize, bytes: &[u8]) -> Result<()> {
    let set = Set::new(map.is_secure(sector));
    let (base, security) = map.door(sector);
    let address = sector * SECTOR_SIZE + from as u32;
    set.open(session)?;
    set.write(session, set.control, flash::CR_PG)?;
    for (line, quad) in bytes.chunks(16).enumerate().filter(|(_, quad)| quad.iter().any(|b| *b != 0xFF)) {
        let words: Vec<u32> =
            quad.chunks(4).map(|w| w.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
        session.ap1_as(security).write_block32(base + address + 16 * line as u32, &words)?;
    }
    set.finish(session, memory::FLASH + address)
}
