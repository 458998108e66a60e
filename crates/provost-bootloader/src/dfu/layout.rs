//! The memory map that DfuSe puts into an interface's string: `@Internal Flash   /0x08000000/256*08Kg` (UM0391 §10).
//!
//! Read with patience: devices differ in blanks, in the unit's letter and in leading zeros, and some name one memory by another's name. So
//! the name is for people; what decides is the address.

use std::fmt;

/// What may be done with a segment: bits 0 to 2 of its letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Kind {
    /// It can be read.
    pub readable: bool,
    /// It can be erased.
    pub erasable: bool,
    /// It can be written.
    pub writable: bool,
}

/// Sectors of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Segment {
    /// How many.
    pub count: u32,
    /// Bytes of each.
    pub size: u32,
    /// What may be done with them.
    pub kind: Kind,
}

/// Segments that follow one another from an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Region {
    /// First address.
    pub address: u32,
    /// Its segments.
    pub segments: Vec<Segment>,
}

impl Region {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|s| u64::from(s.count) * u64::from(s.size)).sum()
    }
}

/// The memory map of one alternate setting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MemoryLayout {
    /// Its name, for people.
    pub name: String,
    /// Its regions.
    pub regions: Vec<Region>,
}

/// A string that is no memory map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// It does not begin with `@`: an interface that is not DfuSe's.
    #[error("the string does not begin with '@'")]
    NotDfuSe,
    /// An address that is no number of 32 bits.
    #[error("no address at character {at}")]
    Address {
        /// Where.
        at: usize,
    },
    /// A segment that is not COUNT*SIZE, unit and letter.
    #[error("no segment COUNT*SIZE and letter at character {at}")]
    Segment {
        /// Where.
        at: usize,
    },
    /// A region that ends beyond the address space.
    #[error("the region at {address:#010x} does not fit into 32 bits of address")]
    TooLarge {
        /// First address.
        address: u32,
    },
}

provost_codes::codes!(LayoutError, self => self, {
    Self::NotDfuSe => "dfu-layout-foreign",
    Self::Address { .. } | Self::Segment { .. } => "dfu-layout-malformed",
    Self::TooLarge { .. } => "dfu-layout-too-large",
});

impl MemoryLayout {
    /// Reads a string.
    ///
    /// ```
    /// use provost_bootloader::dfu::MemoryLayout;
    ///
    /// let flash = MemoryLayout::parse("@Internal Flash   /0x08000000/256*08Kg")?;
    /// assert_eq!((flash.name.as_str(), flash.regions[0].size()), ("Internal Flash", 2 << 20));
    /// # Ok::<(), provost_bootloader::dfu::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// It is no memory map.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        let body = text.strip_prefix('@').ok_or(LayoutError::NotDfuSe)?;
        let mut pieces = body.split('/');
        let name = pieces.next().unwrap_or_default().trim().to_owned();
        // Where a piece begins, for errors; the pieces are parts of `text`.
        let at = |piece: &str| {
            text.chars().count() - text[piece.as_ptr() as usize - text.as_ptr() as usize..].chars().count()
        };
        let mut regions = Vec::new();
        while let Some(piece) = pieces.next() {
            if piece.trim().is_empty() && pieces.clone().all(|rest| rest.trim().is_empty()) {
                break;
            }
            let address = number(piece.trim()).ok_or(LayoutError::Address { at: at(piece) })?;
            let list = pieces.next().unwrap_or(&text[text.len()..]);
            let segments = list
                .split(',')
                .map(|segment| Segment::parse(segment).ok_or(LayoutError::Segment { at: at(segment) }))
                .collect::<Result<Vec<_>, _>>()?;
            let region = Region { address, segments };
            if u64::from(address) + region.size() > 1 << 32 {
                return Err(LayoutError::TooLarge { address });
            }
            regions.push(region);
        }
        Ok(Self { name, regions })
    }

    /// The region that holds this many bytes from an address.
    pub fn region_of(&self, address: u32, length: u32) -> Option<&Region> {
        self.regions.iter().find(|region| {
            address >= region.address && u64::from(address - region.address) + u64::from(length) <= region.size()
        })
    }
}

/// `0x…` or decimal.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` would take a sign.
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

impl Segment {
    /// `256*08Kg`, `01*176 e`, `01*176e`, `02*01Kg`: count, size, unit (blank, K, M), letter a to g.
    fn parse(text: &str) -> Option<Self> {
        let (count, rest) = text.trim().split_once('*')?;
        let mut rest = rest.trim().to_owned();
        let letter = rest.pop().filter(|c| matches!(c, 'a'..='g'))?;
        let bits = letter as u8 - b'a' + 1;
        let (digits, unit) = match rest.trim_end().strip_suffix(['K', 'M', 'B']) {
            Some(digits) if rest.trim_end().ends_with('K') => (digits, 1 << 10),
            Some(digits) if rest.trim_end().ends_with('M') => (digits, 1 << 20),
            Some(digits) => (digits, 1),
            None => (rest.as_str(), 1),
        };
        let (count, size) = (number(count.trim())?, number(digits.trim())?.checked_mul(unit)?);
        let kind = Kind { readable: bits & 1 != 0, erasable: bits & 2 != 0, writable: bits & 4 != 0 };
        (count != 0 && size != 0).then_some(Self { count, size, kind })
    }
}

impl fmt::Display for MemoryLayout {
    /// As ST's devices write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{:<17}", self.name)?;
        for region in &self.regions {
            write!(f, "/{:#010x}/", region.address)?;
            for (n, s) in region.segments.iter().enumerate() {
                let bits = u8::from(s.kind.readable) | u8::from(s.kind.erasable) << 1 | u8::from(s.kind.writable) << 2;
                let letter = char::from(b'a' + bits.max(1) - 1);
                let (size, unit) = if s.size.is_multiple_of(1024) { (s.size / 1024, 'K') } else { (s.size, ' ') };
                write!(f, "{}{:02}*{size:02}{unit}{letter}", if n == 0 { "" } else { "," }, s.count)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> (String, u32, u32, u32, String) {
        let layout = MemoryLayout::parse(text).unwrap();
        let [region] = layout.regions.as_slice() else { panic!("{text}") };
        let [s] = region.segments.as_slice() else { panic!("{text}") };
        let may = [(s.kind.readable, 'r'), (s.kind.erasable, 'e'), (s.kind.writable, 'w')];
        (layout.name, region.address, s.count, s.size, may.iter().filter(|(on, _)| *on).map(|(_, c)| c).collect())
    }

    #[test]
    fn strings_as_devices_send_them() {
        // A real STM32H563, ST's STM32H573 and STM32C5 examples, an STM32H743.
        for (text, name, address, count, size, may) in [
            ("@Internal Flash   /0x08000000/256*08Kg", "Internal Flash", 0x0800_0000, 256, 8192, "rew"),
            ("@Internal Flash   /0x08000000/256*8Kg", "Internal Flash", 0x0800_0000, 256, 8192, "rew"),
            ("@Option Bytes   /0x40022050/01*176 e", "Option Bytes", 0x4002_2050, 1, 176, "rw"),
            ("@Option Bytes   /0x40022050/01*432e", "Option Bytes", 0x4002_2050, 1, 432, "rw"),
            ("@OTP Memory   /0x08FFF000/02*01Kg", "OTP Memory", 0x08FF_F000, 2, 1024, "rew"),
            ("@Option Bytes   /0x5200201C/01*297 e", "Option Bytes", 0x5200_201C, 1, 297, "rw"),
            ("@A/4096/1*1Ma", "A", 4096, 1, 1 << 20, "r"),
        ] {
            assert_eq!(only(text), (name.to_owned(), address, count, size, may.to_owned()), "{text}");
        }
    }

    #[test]
    fn several_segments_and_several_regions() {
        // The example of UM0391.
        let layout = MemoryLayout::parse("@Flash /0x08000000/04*016Kg,01*064Kg,07*128Kg/0x1FFF7800/1*16 a").unwrap();
        let sizes: Vec<u64> = layout.regions.iter().map(Region::size).collect();
        assert_eq!(sizes, [1 << 20, 16]);
        assert_eq!(layout.region_of(0x080F_FFFF, 1).map(|r| r.address), Some(0x0800_0000));
        assert_eq!(layout.region_of(0x080F_FFFF, 2), None);
        assert!(MemoryLayout::parse("@Device ID/").unwrap().regions.is_empty());
    }

    #[test]
    fn what_is_none_says_where() {
        for (text, error) in [
            ("Internal Flash", LayoutError::NotDfuSe),
            ("", LayoutError::NotDfuSe),
            ("@Device ID/0x484,@Revision ID/0x0001", LayoutError::Address { at: 11 }),
            ("@F/0x08000000/", LayoutError::Segment { at: 14 }),
            ("@F/0x08000000/256*8Kz", LayoutError::Segment { at: 14 }),
            ("@F/0x08000000/1*1Kg,x", LayoutError::Segment { at: 20 }),
            ("@F/+8/1*1Kg", LayoutError::Address { at: 3 }),
            ("@F/0/0*1Kg", LayoutError::Segment { at: 5 }),
            ("@F/0/1*4096Mg", LayoutError::Segment { at: 5 }),
            ("@F/0xFFFFFC00/2*1Kg", LayoutError::TooLarge { address: 0xFFFF_FC00 }),
        ] {
            assert_eq!(MemoryLayout::parse(text), Err(error), "{text}");
        }
    }
}
