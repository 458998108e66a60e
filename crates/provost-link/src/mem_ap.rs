//! A 32-bit bus behind a MEM-AP, by raw CSW, TAR, DRW and BDn accesses only, so that every probe behaves alike.

mod cache;
mod window;

pub use cache::MemApCache;
pub use window::BankedWindow;

use crate::{Ap, ApRegister, Clock, Csw, LinkError, SwdWire};
use cache::ApState;

/// TAR auto-increment is only guaranteed within 1 KB (Arm IHI 0031, "Auto-incrementing the TAR").
const INCREMENT_BLOCK: u32 = 0x400;

/// HNONSEC and HPROT\[3:0\] of an AHB5-AP, as ST's own OpenOCD sets them for this family (tcl/target/stm32h5x.cfg).
const PROTECTION_MASK: u32 = 0x4F00_0000;
const PROTECTION_NON_SECURE: u32 = 0x4B00_0000;
const PROTECTION_SECURE: u32 = 0x0B00_0000;

/// With which security attribute transfers are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// HNONSEC = 0: secure, where the chip permits it (CSW.SPIDEN).
    Secure,
    /// HNONSEC = 1: non-secure.
    NonSecure,
    /// Leaves the protection bits of CSW as they are, for an AP without that attribute, such as an APB-AP.
    AsFound,
}

impl Security {
    /// Bits to clear and bits to set.
    fn protection(self) -> (u32, u32) {
        match self {
            Self::Secure => (PROTECTION_MASK, PROTECTION_SECURE),
            Self::NonSecure => (PROTECTION_MASK, PROTECTION_NON_SECURE),
            Self::AsFound => (0, 0),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Half,
    Word,
}

/// A bus behind a MEM-AP.
///
/// Cheap to make: no I/O until the first access. CSW and TAR are written only when they change; what they hold is
/// remembered in a [`MemApCache`], which outlives the borrow of the wire.
///
/// The first access to an AP reads its CSW. If the AP is absent or disabled that is reported and the bus is not
/// touched.
#[derive(Debug)]
pub struct MemAp<'a> {
    wire: &'a mut dyn SwdWire,
    cache: &'a mut MemApCache,
    ap: Ap,
    security: Security,
}

impl<'a> MemAp<'a> {
    /// The bus behind `ap`. Use one cache per wire, for all its APs.
    pub fn new(wire: &'a mut dyn SwdWire, cache: &'a mut MemApCache, ap: Ap, security: Security) -> Self {
        Self { wire, cache, ap, security }
    }

    /// The wire below, for accesses other than to this bus.
    pub fn wire(&mut self) -> &mut dyn SwdWire {
        self.wire
    }

    /// The clock of the wire.
    pub fn clock(&mut self) -> &mut dyn Clock {
        self.wire.clock()
    }

    /// Reads the AP's Control/Status Word. One AP access.
    pub fn csw(&mut self) -> Result<Csw, LinkError> {
        self.wire.read_ap(self.ap, ApRegister::CSW).map(Csw)
    }

    /// Reads the AP's Identification Register; 0 means there is no such AP. One AP access.
    pub fn idr(&mut self) -> Result<u32, LinkError> {
        self.wire.read_ap(self.ap, ApRegister::IDR)
    }

    /// Reads the word at `address`, a multiple of 4. At most two AP accesses once CSW is set up.
    pub fn read32(&mut self, address: u32) -> Result<u32, LinkError> {
        aligned(address, 4)?;
        self.run(|bus| {
            // One word needs no increment.
            bus.set_up_for(Size::Word, false)?;
            bus.point_to(address)?;
            let value = bus.wire.read_ap(bus.ap, ApRegister::DRW)?;
            bus.advance(address, 1);
            Ok(value)
        })
    }

    /// Writes the word at `address`, a multiple of 4. At most two AP accesses once CSW is set up.
    pub fn write32(&mut self, address: u32, value: u32) -> Result<(), LinkError> {
        self.write_block32(address, &[value])
    }

    /// Reads the halfword at `address`, a multiple of 2. Needs an AP with 16-bit transfers.
    pub fn read16(&mut self, address: u32) -> Result<u16, LinkError> {
        aligned(address, 2)?;
        self.run(|bus| {
            bus.set_up(Size::Half)?;
            // An increment by two is of no use to the next word access.
            bus.state().tar = None;
            bus.wire.write_ap(bus.ap, ApRegister::TAR, address)?;
            let lanes = bus.wire.read_ap(bus.ap, ApRegister::DRW)?;
            // Data appears in the byte lanes of its address (Arm IHI 0031, "Byte lanes").
            Ok((lanes >> ((address & 2) * 8)) as u16)
        })
    }

    /// Writes the halfword at `address`, a multiple of 2. Needs an AP with 16-bit transfers.
    pub fn write16(&mut self, address: u32, value: u16) -> Result<(), LinkError> {
        aligned(address, 2)?;
        self.run(|bus| {
            bus.set_up(Size::Half)?;
            bus.state().tar = None;
            bus.wire.write_ap(bus.ap, ApRegister::TAR, address)?;
            // Data goes into the byte lanes of its address (Arm IHI 0031, "Byte lanes").
            bus.wire.write_ap(bus.ap, ApRegister::DRW, u32::from(value) << ((address & 2) * 8))?;
            bus.wire.flush()
        })
    }

    /// Reads `words.len()` words from `address`, a multiple of 4: one AP access per word, and one more per 1 KB block.
    ///
    /// After an error the content of `words` is undefined.
    pub fn read_block32(&mut self, address: u32, words: &mut [u32]) -> Result<(), LinkError> {
        block(address, words.len())?;
        if let [word] = words {
            *word = self.read32(address)?;
            return Ok(());
        }
        self.run(|bus| {
            let (mut address, mut rest) = (address, words);
            while !rest.is_empty() {
                bus.set_up(Size::Word)?;
                bus.point_to(address)?;
                let (chunk, more) = rest.split_at_mut(words_to_boundary(address, rest.len()));
                bus.wire.read_ap_repeated(bus.ap, ApRegister::DRW, chunk)?;
                address = bus.advance(address, chunk.len());
                rest = more;
            }
            Ok(())
        })
    }

    /// Writes `words` from `address`, a multiple of 4: one AP access per word, and one more per 1 KB block.
    ///
    /// Returns when the probe has made all writes. After an error some of them may have been made.
    pub fn write_block32(&mut self, address: u32, words: &[u32]) -> Result<(), LinkError> {
        block(address, words.len())?;
        self.run(|bus| {
            let (mut address, mut rest) = (address, words);
            while !rest.is_empty() {
                bus.set_up(Size::Word)?;
                bus.point_to(address)?;
                let (chunk, more) = rest.split_at(words_to_boundary(address, rest.len()));
                match chunk {
                    [word] => bus.wire.write_ap(bus.ap, ApRegister::DRW, *word)?,
                    _ => bus.wire.write_ap_repeated(bus.ap, ApRegister::DRW, chunk)?,
                }
                address = bus.advance(address, chunk.len());
                rest = more;
            }
            bus.wire.flush()
        })
    }

    /// The four words at `base`, a multiple of 16, each to be read and written by a single AP access. No I/O.
    pub fn window(&mut self, base: u32) -> Result<BankedWindow<'_, 'a>, LinkError> {
        aligned(base, 16)?;
        Ok(BankedWindow::new(self, base))
    }

    fn state(&mut self) -> &mut ApState {
        self.cache.state(self.ap)
    }

    /// Runs accesses; after an error nothing is known about CSW and TAR.
    fn run<T>(&mut self, accesses: impl FnOnce(&mut Self) -> Result<T, LinkError>) -> Result<T, LinkError> {
        self.cache.follow(self.wire.stats());
        let result = accesses(self);
        if result.is_err() {
            *self.state() = ApState::default();
        }
        result
    }

    /// Makes CSW fit; no access if it does already. All other bits stay as the AP showed them.
    fn set_up(&mut self, size: Size) -> Result<(), LinkError> {
        self.set_up_for(size, true)
    }

    /// The same where TAR need not count on by itself: then CSW may say so or not.
    fn set_up_for(&mut self, size: Size, increment: bool) -> Result<(), LinkError> {
        let current = match self.state().csw {
            Some(csw) => csw,
            None => self.first_csw()?,
        };
        let (clear, set) = self.security.protection();
        let size_bits = match size {
            Size::Half => Csw::SIZE_16,
            Size::Word => Csw::SIZE_32,
        };
        let keep = !(Csw::SIZE_MASK | Csw::ADDR_INC_MASK | Csw::TR_IN_PROG | clear);
        let mut wanted = current & keep | set | size_bits | Csw::ADDR_INC_SINGLE;
        if !increment && wanted & !Csw::ADDR_INC_MASK == current & !(Csw::ADDR_INC_MASK | Csw::TR_IN_PROG) {
            wanted = current;
        }
        if wanted != current {
            self.wire.write_ap(self.ap, ApRegister::CSW, wanted)?;
        }
        if size == Size::Half && wanted != current {
            // An AP that knows only words ignores the size, and would read a wrong one.
            let csw = self.csw()?;
            if csw.0 & Csw::SIZE_MASK != size_bits {
                return Err(LinkError::SizeUnsupported { ap: self.ap, bits: 16, csw });
            }
        }
        self.state().csw = Some(wanted);
        Ok(())
    }

    fn first_csw(&mut self) -> Result<u32, LinkError> {
        let csw = self.csw()?;
        if csw.device_enabled() {
            return Ok(csw.0);
        }
        match self.idr()? {
            0 => Err(LinkError::ApAbsent { ap: self.ap }),
            idr => Err(LinkError::ApDisabled { ap: self.ap, csw, idr }),
        }
    }

    /// Makes TAR hold `address`; no access if it does already.
    fn point_to(&mut self, address: u32) -> Result<(), LinkError> {
        if self.state().tar != Some(address) {
            self.wire.write_ap(self.ap, ApRegister::TAR, address)?;
            self.state().tar = Some(address);
        }
        Ok(())
    }

    /// Follows the increments of TAR by `words` data accesses. Returns the address after them.
    fn advance(&mut self, address: u32, words: usize) -> u32 {
        let next = address.wrapping_add((words as u32).wrapping_mul(4));
        let counts = self.state().csw.is_some_and(|csw| csw & Csw::ADDR_INC_MASK == Csw::ADDR_INC_SINGLE);
        self.state().tar = (counts && !next.is_multiple_of(INCREMENT_BLOCK)).then_some(next);
        next
    }
}

fn aligned(address: u32, alignment: u32) -> Result<(), LinkError> {
    if address.is_multiple_of(alignment) { Ok(()) } else { Err(LinkError::Unaligned { address, alignment }) }
}

fn block(address: u32, words: usize) -> Result<(), LinkError> {
    aligned(address, 4)?;
    let room = (1u64 << 32) - u64::from(address);
    match (words as u64).checked_mul(4) {
        Some(bytes) if bytes <= room => Ok(()),
        _ => Err(LinkError::AddressRange { address, words }),
    }
}

/// How many of `words` fit before the next 1 KB boundary.
fn words_to_boundary(address: u32, words: usize) -> usize {
    words.min(((INCREMENT_BLOCK - address % INCREMENT_BLOCK) / 4) as usize)
}

#[cfg(test)]
mod tests;
