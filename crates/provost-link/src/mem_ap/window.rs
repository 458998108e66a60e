//! Four words that cost one AP access each.

use super::{MemAp, Size};
use crate::{ApRegister, Clock, LinkError};

/// A 16-byte window on the bus, accessed through the banked data registers BD0 to BD3.
///
/// TAR is written once; from then on each read or write is a single AP access, which suits a mailbox or a debug
/// register block that is polled hundreds of times.
#[derive(Debug)]
pub struct BankedWindow<'m, 'a> {
    bus: &'m mut MemAp<'a>,
    base: u32,
}

impl<'m, 'a> BankedWindow<'m, 'a> {
    pub(super) fn new(bus: &'m mut MemAp<'a>, base: u32) -> Self {
        Self { bus, base }
    }

    /// Reads the word at byte `offset` 0, 4, 8 or 12.
    pub fn read(&mut self, offset: u32) -> Result<u32, LinkError> {
        let register = self.register(offset)?;
        let base = self.base;
        self.bus.run(|bus| {
            bus.point_window_to(base)?;
            bus.wire.read_ap(bus.ap, register)
        })
    }

    /// Writes the word at byte `offset` 0, 4, 8 or 12. Returns when the probe has made the write.
    pub fn write(&mut self, offset: u32, value: u32) -> Result<(), LinkError> {
        let register = self.register(offset)?;
        let base = self.base;
        self.bus.run(|bus| {
            bus.point_window_to(base)?;
            bus.wire.write_ap(bus.ap, register, value)?;
            bus.wire.flush()
        })
    }

    /// The clock of the wire.
    pub fn clock(&mut self) -> &mut dyn Clock {
        self.bus.clock()
    }

    fn register(&self, offset: u32) -> Result<ApRegister, LinkError> {
        match offset {
            0x0 => Ok(ApRegister::BD0),
            0x4 => Ok(ApRegister::BD1),
            0x8 => Ok(ApRegister::BD2),
            0xC => Ok(ApRegister::BD3),
            _ => Err(LinkError::OutsideWindow { base: self.base, offset }),
        }
    }
}

impl MemAp<'_> {
    /// Makes CSW fit and TAR point anywhere into the window: BDn replace TAR\[3:0\].
    fn point_window_to(&mut self, base: u32) -> Result<(), LinkError> {
        // BDn do not move TAR.
        self.set_up_for(Size::Word, false)?;
        match self.state().tar {
            Some(tar) if tar & !0xF == base => Ok(()),
            _ => self.point_to(base),
        }
    }
}
