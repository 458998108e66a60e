//! DBGMCU: identity, which access ports are open, and the Debug Authentication mailbox.

use provost_chip::{assumptions::AckRoles, registers::dbgmcu};

/// What DBG_AUTH_DEVICE shows while no ROM serves it (ST's STM32MP21 code writes such a dummy).
const IDLE_WORD: u32 = 0xBADF_00D0;

/// The one-word mailbox between host and ROM.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    host: u32,
    device: u32,
    host_full: bool,
    device_full: bool,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { host: 0, device: IDLE_WORD, host_full: false, device_full: false }
    }
}

impl Mailbox {
    /// The device side: takes the host's word, if one waits.
    pub(crate) fn take(&mut self) -> Option<u32> {
        std::mem::take(&mut self.host_full).then_some(self.host)
    }

    /// The device side: the last word the host wrote, waiting or not.
    pub(crate) const fn host_word(&self) -> u32 {
        self.host
    }

    /// The device side: puts a word for the host, if it has read the last one.
    pub(crate) fn put(&mut self, word: u32) -> bool {
        if self.device_full {
            return false;
        }
        (self.device, self.device_full) = (word, true);
        true
    }

    /// Whether the host has still to read a word.
    pub(crate) const fn device_full(&self) -> bool {
        self.device_full
    }

    /// The ROM leaves: nothing waits any more, the request word is consumed.
    pub(crate) fn idle(&mut self) {
        *self = Self::default();
    }

    fn acknowledge(&self, roles: AckRoles) -> u32 {
        let (host, device) = (u32::from(self.host_full), u32::from(self.device_full));
        match roles {
            AckRoles::Code => host | device << 1,
            AckRoles::Svd => device | host << 1,
        }
    }

    /// A read from the host side; `None` if the offset is no mailbox register.
    pub(crate) fn read(&mut self, offset: u32, roles: AckRoles) -> Option<u32> {
        Some(match offset {
            dbgmcu::DBG_AUTH_HOST => self.host,
            dbgmcu::DBG_AUTH_DEVICE => {
                if roles == AckRoles::Code {
                    self.device_full = false;
                }
                self.device
            }
            dbgmcu::DBG_AUTH_ACK => self.acknowledge(roles),
            _ => return None,
        })
    }

    /// A write from the host side.
    pub(crate) fn write(&mut self, offset: u32, value: u32, roles: AckRoles) {
        match (offset, roles) {
            (dbgmcu::DBG_AUTH_HOST, _) => (self.host, self.host_full) = (value, true),
            // Writing a 0 over the device's bit is how the host hands the mailbox back in the SVD's reading, and harmless in
            // the other.
            (dbgmcu::DBG_AUTH_ACK, AckRoles::Svd) => self.device_full &= value & 1 != 0,
            (dbgmcu::DBG_AUTH_ACK, AckRoles::Code) => self.device_full &= value & 2 != 0,
            _ => {}
        }
    }
}

/// What a debugger sets up: DBGMCU_CR and the registers that freeze peripherals while the core is halted. They survive a reset of the
/// system; a reset at power-on clears them (SVD). All bits of the freeze registers are kept, whichever timers a part has.
#[derive(Debug, Clone, Default)]
pub(crate) struct DebugConfig {
    words: [u32; Self::ROWS.len()],
}

impl DebugConfig {
    /// Offset and writable bits: CR (DBG_STOP, DBG_STANDBY, TRACE_IOEN, TRACE_EN, TRACE_MODE, DCRT), APB1LFZR, APB1HFZR, APB2FZR,
    /// APB3FZR, AHB1FZR (SVD).
    const ROWS: [(u32, u32); 6] = [
        (dbgmcu::CR, 0x0001_00F6),
        (0x08, u32::MAX),
        (0x0C, u32::MAX),
        (0x10, u32::MAX),
        (0x14, u32::MAX),
        (0x20, u32::MAX),
    ];

    /// Whether opened debug outlives a system reset (DBGMCU_CR.DCRT).
    pub(crate) const fn outlives_system_reset(&self) -> bool {
        self.words[0] & dbgmcu::CR_DCRT != 0
    }

    /// `None` if the offset is none of these registers.
    pub(crate) fn read(&self, offset: u32) -> Option<u32> {
        Self::ROWS.iter().zip(&self.words).find(|((at, _), _)| *at == offset).map(|(_, word)| *word)
    }

    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        if let Some(((_, mask), word)) = Self::ROWS.iter().zip(&mut self.words).find(|((at, _), _)| *at == offset) {
            *word = value & mask;
        }
    }
}

/// CoreSight component identification (PIDR, CIDR) of DBGMCU, by offset (SVD).
pub(crate) const fn identification(offset: u32) -> Option<u32> {
    Some(match offset {
        0xFD0..=0xFDC | 0xFE0 | 0xFE4 | 0xFEC => 0x00,
        0xFE8 => 0x0A,
        0xFF0 => 0x0D,
        0xFF4 => 0xF0,
        0xFF8 => 0x05,
        0xFFC => 0xB1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_keeps_the_bits_there_are() {
        let mut config = DebugConfig::default();
        for (offset, value, kept) in [(dbgmcu::CR, 6, 6), (0x08, 0x1800, 0x1800), (dbgmcu::CR, u32::MAX, 0x0001_00F6)] {
            config.write(offset, value);
            assert_eq!(config.read(offset), Some(kept));
        }
        assert_eq!(config.read(dbgmcu::SR), None);
    }

    #[test]
    fn reading_clears_the_device_bit_in_st_s_code() {
        let mut m = Mailbox::default();
        m.write(dbgmcu::DBG_AUTH_HOST, 1, AckRoles::Code);
        assert_eq!(m.read(dbgmcu::DBG_AUTH_ACK, AckRoles::Code), Some(1));
        assert_eq!(m.take(), Some(1));
        assert_eq!(m.take(), None);
        assert!(m.put(7));
        assert!(!m.put(8), "the host has not read yet");
        assert_eq!(m.read(dbgmcu::DBG_AUTH_ACK, AckRoles::Code), Some(2));
        assert_eq!(m.read(dbgmcu::DBG_AUTH_DEVICE, AckRoles::Code), Some(7));
        assert_eq!(m.read(dbgmcu::DBG_AUTH_ACK, AckRoles::Code), Some(0));
    }

    #[test]
    fn the_host_clears_the_device_bit_in_the_svd_text() {
        let mut m = Mailbox::default();
        m.write(dbgmcu::DBG_AUTH_HOST, 1, AckRoles::Svd);
        assert_eq!(m.read(dbgmcu::DBG_AUTH_ACK, AckRoles::Svd), Some(2));
        m.take();
        m.put(7);
        assert_eq!(m.read(dbgmcu::DBG_AUTH_DEVICE, AckRoles::Svd), Some(7));
        assert_eq!(m.read(dbgmcu::DBG_AUTH_ACK, AckRoles::Svd), Some(1), "still set after the read");
        m.write(dbgmcu::DBG_AUTH_ACK, 0, AckRoles::Svd);
        assert_eq!(m.read(dbgmcu::DBG_AUTH_ACK, AckRoles::Svd), Some(0));
    }
}
