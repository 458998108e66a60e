//! Names and register layouts of the Arm Debug Interface (ADIv5, Arm IHI 0031).

use std::fmt;

/// An access port, by its APSEL number (ADIv5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ap(pub u8);

impl fmt::Display for Ap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AP{}", self.0)
    }
}

/// A register of an access port: its byte offset in the AP's 256-byte register space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApRegister(u8);

impl ApRegister {
    /// Control/Status Word.
    pub const CSW: Self = Self(0x00);
    /// Transfer Address Register.
    pub const TAR: Self = Self(0x04);
    /// Data Read/Write register.
    pub const DRW: Self = Self(0x0C);
    /// Banked Data 0: the word at TAR\[31:4\] + 0x0.
    pub const BD0: Self = Self(0x10);
    /// Banked Data 1: the word at TAR\[31:4\] + 0x4.
    pub const BD1: Self = Self(0x14);
    /// Banked Data 2: the word at TAR\[31:4\] + 0x8.
    pub const BD2: Self = Self(0x18);
    /// Banked Data 3: the word at TAR\[31:4\] + 0xC.
    pub const BD3: Self = Self(0x1C);
    /// Configuration register.
    pub const CFG: Self = Self(0xF4);
    /// Debug base address: the ROM table.
    pub const BASE: Self = Self(0xF8);
    /// Identification register.
    pub const IDR: Self = Self(0xFC);

    /// The register at byte `offset`; `None` unless it is a multiple of 4.
    pub const fn new(offset: u8) -> Option<Self> {
        if offset & 3 == 0 { Some(Self(offset)) } else { None }
    }

    /// Byte offset, 0x00 to 0xFC.
    pub const fn offset(self) -> u8 {
        self.0
    }

    /// The APBANKSEL field of SELECT, in place (bits 7:4).
    pub const fn bank(self) -> u32 {
        (self.0 & 0xF0) as u32
    }
}

impl fmt::Display for ApRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::CSW => "CSW",
            Self::TAR => "TAR",
            Self::DRW => "DRW",
            Self::BD0 => "BD0",
            Self::BD1 => "BD1",
            Self::BD2 => "BD2",
            Self::BD3 => "BD3",
            Self::CFG => "CFG",
            Self::BASE => "BASE",
            Self::IDR => "IDR",
            Self(offset) => return write!(f, "register {offset:#04x}"),
        };
        f.write_str(name)
    }
}

/// A debug port register that can be read.
///
/// SELECT is missing on purpose: the wire owns bank and AP selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DpRead {
    /// Identification of the debug port.
    Dpidr,
    /// Power requests and acknowledges, sticky error flags.
    CtrlStat,
    /// Identification of the chip behind the debug port (DPv2).
    Targetid,
    /// Data link protocol identification (DPv2).
    Dlpidr,
    /// Result of the last AP read.
    Rdbuff,
}

impl DpRead {
    /// Its address, and the bank that SELECT.DPBANKSEL must name if the address has several.
    pub const fn address(self) -> (u8, u32) {
        match self {
            Self::Dpidr => (dp::DPIDR, 0),
            Self::CtrlStat => (dp::CTRL_STAT, 0),
            Self::Targetid => (dp::CTRL_STAT, 2),
            Self::Dlpidr => (dp::CTRL_STAT, 3),
            Self::Rdbuff => (dp::RDBUFF, 0),
        }
    }
}

/// A debug port register that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DpWrite {
    /// Clears sticky errors, aborts an AP transaction.
    Abort,
    /// Power requests.
    CtrlStat,
}

impl DpWrite {
    /// Its address, in bank 0.
    pub const fn address(self) -> u8 {
        match self {
            Self::Abort => dp::ABORT,
            Self::CtrlStat => dp::CTRL_STAT,
        }
    }
}

/// CTRL/STAT, ABORT and SELECT of the debug port: addresses and fields.
pub mod dp {
    /// Identification; read.
    pub const DPIDR: u8 = 0x0;
    /// Clears sticky errors, aborts a transaction; written at the same address.
    pub const ABORT: u8 = 0x0;
    /// Power and sticky errors, in bank 0.
    pub const CTRL_STAT: u8 = 0x4;
    /// Access port and register banks; written only.
    pub const SELECT: u8 = 0x8;
    /// The result of the last AP access.
    pub const RDBUFF: u8 = 0xC;

    /// ABORT: STKCMPCLR, STKERRCLR, WDERRCLR, ORUNERRCLR.
    pub const ABORT_CLEAR_STICKY: u32 = 0x1E;
    /// ABORT: DAPABORT.
    pub const ABORT_DAPABORT: u32 = 0x01;
    /// CTRL/STAT: CSYSPWRUPREQ, CDBGPWRUPREQ.
    pub const POWER_REQUEST: u32 = 0x5000_0000;
    /// CTRL/STAT: CSYSPWRUPACK, CDBGPWRUPACK.
    pub const POWER_ACK: u32 = 0xA000_0000;
    /// CTRL/STAT: all byte lanes; not present on a MINDP.
    pub const MASKLANE_ALL: u32 = 0x0000_0F00;
}

/// Line resets and switching sequences of an SWJ-DP, as (bits, count), first bit lowest (Arm IHI 0031).
pub mod swj {
    /// At least 50 clocks with SWDIO high; any further ones are low.
    pub const LINE_RESET: (u64, u32) = (0x0007_FFFF_FFFF_FFFF, 51);
    /// Clocks with SWDIO low between a line reset and the first packet.
    pub const IDLE_AFTER_RESET: u32 = 3;
    /// A port that is in SWD already ignores it.
    pub const JTAG_TO_SWD: (u64, u32) = (0xE79E, 16);
    /// JTAG to dormant, selection alert, dormant to SWD.
    pub const WAKE_FROM_DORMANT: [(u64, u32); 5] =
        [(0x33BB_BBBA, 31), (0xFF, 8), (0x8685_2D95_6209_F392, 64), (0x19BC_0EA2_E3DD_AFE9, 64), (0x1A0, 12)];
}

/// The DPIDR of a debug port.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dpidr(pub u32);

impl Dpidr {
    /// JEP106 designer code, 11 bits (0x23B is Arm).
    pub const fn designer(self) -> u16 {
        ((self.0 >> 1) & 0x7FF) as u16
    }

    /// Version of the DP architecture: 1 or 2 (ADIv5), 3 (ADIv6).
    pub const fn version(self) -> u8 {
        ((self.0 >> 12) & 0xF) as u8
    }

    /// Whether this is a Minimal Debug Port, without pushed operations and byte lanes.
    pub const fn is_minimal(self) -> bool {
        self.0 & (1 << 16) != 0
    }

    /// Part number of the debug port, 8 bits.
    pub const fn part(self) -> u8 {
        ((self.0 >> 20) & 0xFF) as u8
    }

    /// Revision of the debug port, 4 bits.
    pub const fn revision(self) -> u8 {
        (self.0 >> 28) as u8
    }

    /// Bit 0 reads as one on every debug port; a line stuck at a level gives all zeros or all ones.
    pub const fn is_plausible(self) -> bool {
        self.0 & 1 == 1 && self.0 != u32::MAX
    }
}

impl fmt::Debug for Dpidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dpidr({:#010x})", self.0)
    }
}

impl fmt::Display for Dpidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// The Control/Status Word of a MEM-AP.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Csw(pub u32);

impl Csw {
    pub(crate) const SIZE_MASK: u32 = 0x7;
    pub(crate) const SIZE_16: u32 = 0x1;
    pub(crate) const SIZE_32: u32 = 0x2;
    pub(crate) const ADDR_INC_MASK: u32 = 0x30;
    pub(crate) const ADDR_INC_SINGLE: u32 = 0x10;
    pub(crate) const DEVICE_EN: u32 = 1 << 6;
    pub(crate) const TR_IN_PROG: u32 = 1 << 7;

    /// DeviceEn: transfers are permitted at all.
    pub const fn device_enabled(self) -> bool {
        self.0 & Self::DEVICE_EN != 0
    }

    /// SPIDEN: secure transfers are permitted (read-only status).
    pub const fn secure_enabled(self) -> bool {
        self.0 & (1 << 23) != 0
    }

    /// HNONSEC: transfers are made with the non-secure attribute.
    pub const fn non_secure(self) -> bool {
        self.0 & (1 << 30) != 0
    }
}

impl fmt::Debug for Csw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Csw({:#010x})", self.0)
    }
}

impl fmt::Display for Csw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// What was being done on the wire when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Connecting to the debug port and powering it up.
    Attach,
    /// Reading a debug port register.
    ReadDp(DpRead),
    /// Writing a debug port register.
    WriteDp(DpWrite),
    /// Reading an access port register.
    ReadAp(Ap, ApRegister),
    /// Writing an access port register.
    WriteAp(Ap, ApRegister),
    /// Completing writes that the probe had queued.
    Flush,
    /// Driving the reset pin.
    Nrst,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attach => f.write_str("attach"),
            Self::ReadDp(register) => write!(f, "read of DP {register}"),
            Self::WriteDp(register) => write!(f, "write of DP {register}"),
            Self::ReadAp(ap, register) => write!(f, "read of {ap} {register}"),
            Self::WriteAp(ap, register) => write!(f, "write of {ap} {register}"),
            Self::Flush => f.write_str("completion of queued writes"),
            Self::Nrst => f.write_str("drive of NRST"),
        }
    }
}

impl fmt::Display for DpRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpidr => "DPIDR",
            Self::CtrlStat => "CTRL/STAT",
            Self::Targetid => "TARGETID",
            Self::Dlpidr => "DLPIDR",
            Self::Rdbuff => "RDBUFF",
        })
    }
}

impl fmt::Display for DpWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Abort => "ABORT",
            Self::CtrlStat => "CTRL/STAT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Logged from silicon: STM32H533 and STM32H563 both show 0x6BA02477 (STMicroelectronics/OpenOCD #33, blackmagic #1440).
    #[test]
    fn dpidr_fields() {
        let dpidr = Dpidr(0x6BA0_2477);
        assert_eq!(dpidr.designer(), 0x23B);
        assert_eq!(dpidr.version(), 2);
        assert_eq!(dpidr.part(), 0xBA);
        assert_eq!(dpidr.revision(), 6);
        assert!(!dpidr.is_minimal());
        assert!(Dpidr(0x0BE1_2477).is_minimal());
        assert!(dpidr.is_plausible());
        assert!(!Dpidr(0).is_plausible());
        assert!(!Dpidr(u32::MAX).is_plausible());
    }

    #[test]
    fn csw_fields() {
        // AP1 and AP0 of an STM32H563 (blackmagic #1440).
        let ahb = Csw(0xC380_0040);
        assert!(ahb.device_enabled() && ahb.secure_enabled() && ahb.non_secure());
        let apb = Csw(0x8000_0040);
        assert!(apb.device_enabled() && !apb.secure_enabled() && !apb.non_secure());
    }

    #[test]
    fn register_names_and_banks() {
        assert_eq!(ApRegister::new(0x0D), None);
        assert_eq!(ApRegister::new(0x0C), Some(ApRegister::DRW));
        assert_eq!(ApRegister::BD3.bank(), 0x10);
        assert_eq!(ApRegister::IDR.bank(), 0xF0);
        assert_eq!(Access::ReadAp(Ap(1), ApRegister::DRW).to_string(), "read of AP1 DRW");
        assert_eq!(ApRegister(0x20).to_string(), "register 0x20");
    }
}
