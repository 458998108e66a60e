//! Firmware images: ELF by its load addresses, Intel HEX, plain bytes.

use std::{collections::BTreeMap, path::Path};

use object::{
    Endianness, elf,
    read::elf::{FileHeader as _, ProgramHeader as _},
};
use provost_chip::{
    flash_map::QUAD_WORD,
    parts::{FlashSize, SECTOR_SIZE},
    registers::memory,
};
use sha2::{Digest as _, Sha256};

use super::error::FlashError;
use crate::store::files;

/// Sixteen times the largest flash: an ELF file may hold debug information.
const LONGEST_FILE: u64 = 64 << 20;
const SECTOR: usize = SECTOR_SIZE as usize;

/// What an image is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// ELF, by the physical addresses of its program headers.
    Elf,
    /// Intel HEX.
    Hex,
    /// Plain bytes for one address.
    Binary,
    /// Several images at once.
    Several,
}

impl Format {
    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elf => "elf",
            Self::Hex => "hex",
            Self::Binary => "binary",
            Self::Several => "several",
        }
    }
}

/// Bytes with their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it was read from.
    pub format: Format,
    /// Address as linked → bytes; no two overlap, whatever alias they name.
    segments: BTreeMap<u32, Vec<u8>>,
}

impl Image {
    /// Reads an image file; `at` is where plain bytes belong.
    ///
    /// # Errors
    /// It cannot be read, is damaged, overlaps itself, is plain and nobody said where it belongs, or says so itself and somebody did.
    pub fn load(path: &Path, at: Option<u32>) -> Result<Self, FlashError> {
        let bytes = files::read(path, LONGEST_FILE)
            .map_err(|error| FlashError::File { path: path.to_owned(), source: error.into() })?;
        Self::parse(&bytes, path, at)
    }

    /// Several images as one, to be written in one go.
    ///
    /// # Errors
    /// Two of them overlap, whatever alias they name.
    pub fn joined(images: Vec<Self>) -> Result<Self, FlashError> {
        let format = match images.as_slice() {
            [one] => one.format,
            _ => Format::Several,
        };
        Self::from_segments(format, images.into_iter().flat_map(|image| image.segments).collect())
    }

    /// Reads an image; `path` names it in messages and, by its ending, tells HEX from plain bytes.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(bytes: &[u8], path: &Path, at: Option<u32>) -> Result<Self, FlashError> {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        let wrong = |says: String| FlashError::Image { path: path.to_owned(), says };
        let plain = !bytes.starts_with(b"\x7fELF") && !matches!(ending.as_str(), "hex" | "ihex" | "ihx");
        if let (false, Some(at)) = (plain, at) {
            return Err(FlashError::AddressIgnored { path: path.to_owned(), at });
        }
        let (format, parts) = if bytes.starts_with(b"\x7fELF") {
            (Format::Elf, elf_segments(bytes).map_err(wrong)?)
        } else if !plain {
            (Format::Hex, hex_segments(bytes).map_err(wrong)?)
        } else {
            let at = at.ok_or_else(|| FlashError::AddressNeeded { path: path.to_owned() })?;
            (Format::Binary, vec![(at, bytes.to_vec())])
        };
        let image = Self::from_segments(format, parts)?;
        if image.segments.is_empty() {
            return Err(wrong("there is nothing in it to load".to_owned()));
        }
        Ok(image)
    }

    /// An image of these pieces, neighbours joined.
    ///
    /// # Errors
    /// Two of them overlap, one runs past the end of the address space, or they are more than any flash holds.
    pub fn from_segments(format: Format, mut parts: Vec<(u32, Vec<u8>)>) -> Result<Self, FlashError> {
        let size = FlashSize::largest();
        parts.retain(|(_, bytes)| !bytes.is_empty());
        // The two aliases are one memory.
        parts.sort_by_key(|(address, _)| (folded(*address), *address));
        let mut segments: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        let mut end = None;
        for (address, bytes) in parts {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            if length > size.bytes() || address.checked_add(length).is_none() {
                return Err(FlashError::OutsideFlash { address, length, size });
            }
            if end.is_some_and(|end| folded(address) < end) {
                return Err(FlashError::Overlap { address });
            }
            end = Some(folded(address) + length);
            match segments.last_entry() {
                Some(mut last) if u64::from(*last.key()) + last.get().len() as u64 == u64::from(address) => {
                    last.get_mut().extend(bytes);
                }
                _ => drop(segments.insert(address, bytes)),
            }
        }
        Ok(Self { format, segments })
    }

    /// The pieces: address as linked, and bytes.
    pub fn segments(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.segments.iter().map(|(address, bytes)| (*address, &bytes[..]))
    }

    /// How many bytes it has, gaps not counted.
    pub fn len(&self) -> usize {
        self.segments.values().map(Vec::len).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// SHA-256 of the bytes from the lowest to the highest address, gaps filled with 0xFF: what `sha256sum` says of the same
    /// image as a gap-filled binary.
    pub fn sha256(&self) -> [u8; 32] {
        hash(self.by_place().into_iter())
    }

    /// As Intel HEX, with the addresses as linked.
    pub fn to_hex(&self) -> String {
        hex_of(self.segments())
    }

    /// The pieces by their place in flash, whatever alias they name.
    fn by_place(&self) -> Vec<(u32, &[u8])> {
        let mut parts: Vec<(u32, &[u8])> = self.segments().map(|(a, b)| (folded(a), b)).collect();
        parts.sort_by_key(|(address, _)| *address);
        parts
    }

    /// The image cut into sectors, each padded to whole quad-words with 0xFF.
    ///
    /// # Errors
    /// A piece is not within a user flash of this size.
    pub fn sectors(&self, size: FlashSize) -> Result<Vec<SectorImage>, FlashError> {
        let mut sectors: BTreeMap<u32, SectorImage> = BTreeMap::new();
        for (address, bytes) in self.by_place() {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let offset = address.wrapping_sub(memory::FLASH);
            if offset.checked_add(length).is_none_or(|end| end > size.bytes()) {
                return Err(FlashError::OutsideFlash { address, length, size });
            }
            let mut rest = bytes;
            let mut at = offset;
            while !rest.is_empty() {
                let index = at / SECTOR_SIZE;
                let start = (at % SECTOR_SIZE) as usize;
                let (now, later) = rest.split_at(rest.len().min(SECTOR - start));
                sectors.entry(index).or_insert_with(|| SectorImage::empty(index)).put(start, now);
                at += now.len() as u32;
                rest = later;
            }
        }
        Ok(sectors.into_values().collect())
    }
}

fn folded(address: u32) -> u32 {
    // Bit 26 tells the aliases of flash apart (Arm IDAU of this family), and of nothing else an image may contain.
    if address >> 28 == 0 { address & !memory::SECURE_ALIAS } else { address }
}

/// SHA-256 over pieces in order, gaps filled with 0xFF.
pub(super) fn hash<'a>(parts: impl Iterator<Item = (u32, &'a [u8])>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut end: Option<u32> = None;
    for (address, bytes) in parts {
        let gap = end.map_or(0, |end| address.saturating_sub(end)).min(FlashSize::largest().bytes());
        for _ in 0..gap {
            hasher.update([0xFF]);
        }
        hasher.update(bytes);
        end = Some(address.saturating_add(bytes.len() as u32));
    }
    hasher.finalize().into()
}

/// What of an image lies in one sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorImage {
    /// Place of the sector in the address map.
    pub index: u32,
    bytes: Box<[u8]>,
    /// One flag per byte: given by the image.
    given: Box<[bool]>,
}

impl SectorImage {
    fn empty(index: u32) -> Self {
        Self { index, bytes: vec![0xFF; SECTOR].into(), given: vec![false; SECTOR].into() }
    }

    fn put(&mut self, start: usize, bytes: &[u8]) {
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.given[start..start + bytes.len()].fill(true);
    }

    /// Whether the image gives the byte at this place of the sector.
    pub fn gives(&self, at: usize) -> bool {
        self.given.get(at).copied().unwrap_or(false)
    }

    /// How many bytes the image gives.
    pub fn given(&self) -> usize {
        self.given.iter().filter(|given| **given).count()
    }

    /// Runs of whole quad-words: offset in the sector, and bytes.
    pub fn runs(&self) -> Vec<(usize, &[u8])> {
        let quad = QUAD_WORD as usize;
        let mut runs: Vec<(usize, &[u8])> = Vec::new();
        for at in (0..SECTOR).step_by(quad).filter(|at| self.given[*at..at + quad].contains(&true)) {
            match runs.last_mut() {
                Some((start, run)) if *start + run.len() == at => *run = &self.bytes[*start..at + quad],
                _ => runs.push((at, &self.bytes[at..at + quad])),
            }
        }
        runs
    }
}

/// What the loadable program headers put at physical addresses.
fn elf_segments(bytes: &[u8]) -> Result<Vec<(u32, Vec<u8>)>, String> {
    let header = elf::FileHeader32::<Endianness>::parse(bytes).map_err(|e| format!("no 32-bit ELF: {e}"))?;
    let endian = header.endian().map_err(|e| format!("ELF header: {e}"))?;
    if header.e_machine(endian) != elf::EM_ARM {
        return Err(format!("ELF header, byte 0x12: machine {} is not Arm", header.e_machine(endian)));
    }
    let (mut parts, mut loaded) = (Vec::new(), 0);
    let headers = header.program_headers(endian, bytes).map_err(|e| format!("ELF program headers: {e}"))?;
    for (number, program) in headers.iter().enumerate() {
        if program.p_type(endian) != elf::PT_LOAD || program.p_filesz(endian) == 0 {
            continue;
        }
        let offset = program.p_offset(endian);
        let data = program
            .data(endian, bytes)
            .map_err(|()| format!("ELF program header {number}: its bytes at {offset:#x} are not in the file"))?;
        loaded += data.len();
        if loaded > bytes.len() {
            return Err(format!("ELF program header {number}: it loads bytes of the file that others load already"));
        }
        parts.push((program.p_paddr(endian), data.to_vec()));
    }
    Ok(parts)
}

/// What the data records put at addresses.
fn hex_segments(bytes: &[u8]) -> Result<Vec<(u32, Vec<u8>)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("byte {:#x} is no text", e.valid_up_to()))?;
    let mut parts: Vec<(u32, Vec<u8>)> = Vec::new();
    let (mut base, mut ended) = (0u32, false);
    for (number, line) in text.lines().enumerate().map(|(n, l)| (n + 1, l.trim())).filter(|(_, l)| !l.is_empty()) {
        if ended {
            return Err(format!("line {number}: a record after the end record"));
        }
        match ihex::Record::from_record_string(line).map_err(|e| format!("line {number}: {e}"))? {
            ihex::Record::Data { offset, value } => {
                let address = base.wrapping_add(u32::from(offset));
                match parts.last_mut() {
                    Some((start, run)) if start.wrapping_add(run.len() as u32) == address => run.extend(value),
                    _ => parts.push((address, value)),
                }
            }
            ihex::Record::ExtendedLinearAddress(high) => base = u32::from(high) << 16,
            ihex::Record::ExtendedSegmentAddress(segment) => base = u32::from(segment) << 4,
            ihex::Record::EndOfFile => ended = true,
            ihex::Record::StartLinearAddress(_) | ihex::Record::StartSegmentAddress { .. } => {}
        }
    }
    if ended { Ok(parts) } else { Err("there is no end record: the file was cut short".to_owned()) }
}

/// Bytes as Intel HEX, 16 a line.
pub fn to_hex(address: u32, bytes: &[u8]) -> String {
    hex_of(std::iter::once((address, bytes)))
}

/// Pieces in the order of their addresses as Intel HEX.
fn hex_of<'a>(pieces: impl Iterator<Item = (u32, &'a [u8])>) -> String {
    let mut records = Vec::new();
    let mut high = None;
    for (address, bytes) in pieces {
        for (at, chunk) in (address..).step_by(16).zip(bytes.chunks(16)) {
            if high.replace(at >> 16) != Some(at >> 16) {
                records.push(ihex::Record::ExtendedLinearAddress((at >> 16) as u16));
            }
            records.push(ihex::Record::Data { offset: at as u16, value: chunk.to_vec() });
        }
    }
    records.push(ihex::Record::EndOfFile);
    // The records above are well formed: at most 16 bytes, one end.
    let mut text = ihex::create_object_file_representation(&records).unwrap_or_default();
    text.push('\n');
    text
}
