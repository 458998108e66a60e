//! The registers of one memory access port (Arm IHI 0031, MEM-AP programmers' model).

use super::dap::{Access, ApKind, Bus, BusFault, Size};

const CSW: u8 = 0x00;
const TAR: u8 = 0x04;
const DRW: u8 = 0x0C;
const BD0: u8 = 0x10;
const BD3: u8 = 0x1C;
const BASE: u8 = 0xF8;
const IDR: u8 = 0xFC;

const CSW_SIZE: u32 = 0b111;
const CSW_SIZE_WORD: u32 = 0b010;
const CSW_ADDR_INC: u32 = 0b11 << 4;
const CSW_ADDR_INC_SINGLE: u32 = 0b01 << 4;
const CSW_DEVICE_EN: u32 = 1 << 6;
const CSW_SPIDEN: u32 = 1 << 23;
const CSW_PROT: u32 = 0x7F << 24;
const CSW_HNONSEC: u32 = 1 << 30;
const CSW_DBG_SW_ENABLE: u32 = 1 << 31;

/// What an access port remembers between accesses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MemAp {
    csw: u32,
    tar: u32,
}

impl MemAp {
    /// The port after power-up. Control bits as an STM32H563 shows them (Black Magic Debug #1440: CSW 0x80000040 and 0xC3800040,
    /// size and increment masked there); the size after reset is "word", and an AHB port starts out non-secure.
    pub(super) fn new(kind: ApKind) -> Self {
        let csw = match kind {
            ApKind::Absent => 0,
            ApKind::Apb => CSW_DBG_SW_ENABLE | CSW_SIZE_WORD,
            ApKind::Ahb5 => CSW_DBG_SW_ENABLE | CSW_HNONSEC | 0b11 << 24 | CSW_SIZE_WORD,
        };
        Self { csw, tar: 0 }
    }

    /// Reads a register. Only DRW and BD0-BD3 reach the bus; what is not implemented (CFG, TAR and BASE high words…) reads 0.
    pub(super) fn read<B: Bus>(&mut self, bus: &mut B, ap: u8, offset: u8) -> Result<u32, BusFault> {
        match offset {
            CSW => Ok(self.csw_seen(bus, ap)),
            TAR => Ok(self.tar),
            BASE => Ok(bus.ap_base(ap)),
            IDR => Ok(bus.ap_idr(ap)),
            DRW => {
                let (access, shift) = self.drw(bus, ap)?;
                let value = bus.read(access)? & access.size.mask();
                self.advance(access.size);
                Ok(value << shift)
            }
            BD0..=BD3 => bus.read(self.banked(bus, ap, offset)?),
            _ => Ok(0),
        }
    }

    /// Writes a register; writes to read-only registers are ignored.
    pub(super) fn write<B: Bus>(&mut self, bus: &mut B, ap: u8, offset: u8, value: u32) -> Result<(), BusFault> {
        match offset {
            CSW => self.csw = csw_kept(bus.ap_kind(ap), value),
            TAR => self.tar = value,
            DRW => {
                let (access, shift) = self.drw(bus, ap)?;
                bus.write(access, value >> shift & access.size.mask())?;
                self.advance(access.size);
            }
            BD0..=BD3 => bus.write(self.banked(bus, ap, offset)?, value)?,
            _ => {}
        }
        Ok(())
    }

    fn csw_seen<B: Bus>(&self, bus: &B, ap: u8) -> u32 {
        let mut csw = self.csw;
        if bus.ap_enabled(ap) {
            csw |= CSW_DEVICE_EN;
        }
        if bus.ap_kind(ap) == ApKind::Ahb5 && bus.ap_spiden(ap) {
            csw |= CSW_SPIDEN;
        }
        csw
    }

    /// The access behind DRW, and the position of its byte lanes in the data word.
    ///
    /// An address that is not a multiple of the size is UNPREDICTABLE; here its lowest bits are ignored.
    fn drw<B: Bus>(&self, bus: &B, ap: u8) -> Result<(Access, u32), BusFault> {
        let size = match self.csw & CSW_SIZE {
            0 => Size::Byte,
            1 => Size::Half,
            _ => Size::Word,
        };
        let address = self.tar & !(size.bytes() - 1);
        Ok((self.access(bus, ap, address, size)?, 8 * (address & 3)))
    }

    /// The access behind BD0-BD3: always a word, in the 16 bytes that TAR points into.
    fn banked<B: Bus>(&self, bus: &B, ap: u8, offset: u8) -> Result<Access, BusFault> {
        self.access(bus, ap, self.tar & !0xF | u32::from(offset & 0xC), Size::Word)
    }

    fn access<B: Bus>(&self, bus: &B, ap: u8, address: u32, size: Size) -> Result<Access, BusFault> {
        if !bus.ap_enabled(ap) {
            return Err(BusFault);
        }
        let secure = bus.ap_kind(ap) == ApKind::Ahb5 && self.csw & CSW_HNONSEC == 0;
        Ok(Access { ap, address, size, secure })
    }

    /// TAR after a successful access. Only its ten lowest bits count: a host may not rely on more (TAR automatic increment).
    fn advance(&mut self, size: Size) {
        if self.csw & CSW_ADDR_INC == CSW_ADDR_INC_SINGLE {
            self.tar = self.tar & !0x3FF | self.tar.wrapping_add(size.bytes()) & 0x3FF;
        }
    }
}

/// The part of a value written to CSW that sticks. Packed increments are not offered; a reserved size counts as "word".
fn csw_kept(kind: ApKind, value: u32) -> u32 {
    let increment = if value & CSW_ADDR_INC == CSW_ADDR_INC_SINGLE { CSW_ADDR_INC_SINGLE } else { 0 };
    let size = value & CSW_SIZE;
    match kind {
        ApKind::Absent => 0,
        // The APB has no narrow transfers: Size is read-only.
        ApKind::Apb => value & CSW_DBG_SW_ENABLE | increment | CSW_SIZE_WORD,
        ApKind::Ahb5 => value & (CSW_PROT | CSW_DBG_SW_ENABLE) | increment | size.min(CSW_SIZE_WORD),
    }
}
