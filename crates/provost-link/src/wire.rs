//! The wire itself, as everything above sees it.

use std::fmt;
use std::ops::BitOr;

use crate::{Ap, ApRegister, Clock, DpRead, DpWrite, Dpidr, LinkError};

/// Serial Wire Debug and NRST of one chip.
///
/// After an error of class no-ack, protocol or probe-lost the wire counts as unattached: every access then fails with
/// [`LinkError::NotAttached`] until [`attach`](Self::attach) succeeds again, because the chip may have lost its AP
/// selection and an access could reach the wrong port. After a WAIT, FAULT or parity error the sticky flags have been
/// cleared and the next access works.
pub trait SwdWire: fmt::Debug + Send {
    /// The probe at the near end.
    fn describe(&self) -> &ProbeInfo;

    /// What the probe can do; complete after the first [`attach`](Self::attach).
    fn capabilities(&self) -> Capabilities;

    /// Connects to the debug port and requests its power.
    ///
    /// Resets the line and selects SWD where the probe lets the host do so. Never halts, never resets the chip.
    /// May be called again at any time, and must be after a lost link.
    fn attach(&mut self) -> Result<Dpidr, LinkError>;

    /// Reads a debug port register.
    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError>;

    /// Writes a debug port register.
    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError>;

    /// Reads an access port register.
    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError>;

    /// Writes an access port register.
    ///
    /// The probe may queue the write and report its failure with a later access; [`flush`](Self::flush) completes it.
    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError>;

    /// Drives NRST low, or lets go of it. Waits for nothing: the caller decides how long the pulse lasts.
    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError>;

    /// The supply of the chip in volts, where the probe can tell; as measured at the first [`attach`](Self::attach).
    fn target_voltage(&self) -> Option<f32> {
        None
    }

    /// What was asked of this wire since it was made.
    fn stats(&self) -> WireStats;

    /// The clock by which waits on this wire are measured.
    fn clock(&mut self) -> &mut dyn Clock;

    /// Reads one register `values.len()` times, as one transfer where the probe can.
    fn read_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &mut [u32]) -> Result<(), LinkError> {
        for value in values {
            *value = self.read_ap(ap, register)?;
        }
        Ok(())
    }

    /// Writes one register once per value, as one transfer where the probe can. May be queued like [`write_ap`](Self::write_ap).
    fn write_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Result<(), LinkError> {
        for &value in values {
            self.write_ap(ap, register, value)?;
        }
        Ok(())
    }

    /// Completes all queued writes and reports their failure.
    fn flush(&mut self) -> Result<(), LinkError> {
        Ok(())
    }
}

/// Level of the reset pin, which is active low.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nrst {
    /// Driven low: the chip is held in reset.
    Asserted,
    /// Not driven: the chip's pull-up takes it high.
    Released,
}

/// The probe at the near end of a wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeInfo {
    /// Human-readable name.
    pub name: String,
    /// USB vendor id; 0 for a virtual probe.
    pub vendor_id: u16,
    /// USB product id; 0 for a virtual probe.
    pub product_id: u16,
    /// Serial number, if it has one.
    pub serial: Option<String>,
    /// Firmware version, where it is known.
    pub firmware: Option<String>,
    /// Whether the chip at the far end is a virtual one.
    pub virtual_chip: bool,
}

impl ProbeInfo {
    /// A probe in front of a virtual chip.
    pub fn virtual_chip(name: impl Into<String>) -> Self {
        Self { name: name.into(), vendor_id: 0, product_id: 0, serial: None, firmware: None, virtual_chip: true }
    }
}

impl fmt::Display for ProbeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.virtual_chip {
            return write!(f, "{} (virtual)", self.name);
        }
        write!(f, "{} {:04x}:{:04x}", self.name, self.vendor_id, self.product_id)?;
        match &self.serial {
            Some(serial) => write!(f, ":{serial}"),
            None => Ok(()),
        }
    }
}

/// A set of things a probe can do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Drives NRST.
    pub const NRST_CONTROL: Self = Self(1);
    /// Lets the host make the line reset and every single DP transfer itself.
    pub const RAW_DP: Self = Self(1 << 1);
    /// Reaches access ports other than AP0.
    pub const MULTIPLE_APS: Self = Self(1 << 2);
    /// Lets the host choose secure or non-secure transfers, by writing CSW.
    pub const SECURE_SELECT: Self = Self(1 << 3);

    const NAMES: [(Self, &'static str); 4] = [
        (Self::NRST_CONTROL, "NRST_CONTROL"),
        (Self::RAW_DP, "RAW_DP"),
        (Self::MULTIPLE_APS, "MULTIPLE_APS"),
        (Self::SECURE_SELECT, "SECURE_SELECT"),
    ];

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This set without `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Self::NAMES.iter().filter(|(one, _)| self.contains(*one)).map(|(_, name)| name)).finish()
    }
}

/// What was asked of a wire. Words of a repeated access count one each; the wire's own recovery is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WireStats {
    /// AP register reads.
    pub ap_reads: u64,
    /// AP register writes.
    pub ap_writes: u64,
    /// DP register reads.
    pub dp_reads: u64,
    /// DP register writes.
    pub dp_writes: u64,
    /// Changes of the NRST level; the first drive counts as one.
    pub nrst_edges: u64,
    /// Attaches, successful or not.
    pub attaches: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_a_set() {
        let set = Capabilities::NRST_CONTROL | Capabilities::RAW_DP;
        assert!(set.contains(Capabilities::RAW_DP));
        assert!(!set.contains(Capabilities::RAW_DP | Capabilities::MULTIPLE_APS));
        assert_eq!(set.without(Capabilities::RAW_DP), Capabilities::NRST_CONTROL);
        assert_eq!(format!("{set:?}"), r#"{"NRST_CONTROL", "RAW_DP"}"#);
        assert!(Capabilities::NONE.contains(Capabilities::NONE));
    }

    #[test]
    fn probe_info_reads_like_a_selector() {
        let mut info = ProbeInfo {
            name: "STLink V3".into(),
            vendor_id: 0x0483,
            product_id: 0x374E,
            serial: Some("0042".into()),
            firmware: None,
            virtual_chip: false,
        };
        assert_eq!(info.to_string(), "STLink V3 0483:374e:0042");
        info.serial = None;
        assert_eq!(info.to_string(), "STLink V3 0483:374e");
        assert_eq!(ProbeInfo::virtual_chip("twin").to_string(), "twin (virtual)");
    }
}
