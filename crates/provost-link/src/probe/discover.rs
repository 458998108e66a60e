//! Which probes are attached, and which one is meant.

use std::fmt;

use probe_rs::Error;
use probe_rs::probe::list::{Accessibility, Lister};
use probe_rs::probe::sifliuart::SifliUartFactory;
use probe_rs::probe::wlink::WchLinkFactory;
use probe_rs::probe::{DebugProbeError, DebugProbeInfo, DebugProbeSelector, Probe, ProbeCreationError};

use super::trouble::Trouble;
use crate::{Access, DriverError, LinkError, ProbeInfo, ProbeSelector};

/// A probe attached to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedProbe {
    /// What it is.
    pub info: ProbeInfo,
    /// The kind of probe, as its driver calls itself: "ST-LINK", "CMSIS-DAP", …
    pub kind: String,
    /// What [`ProbeRsWire::open`](super::ProbeRsWire::open) takes to open this one: `VID:PID[-INTERFACE][:SERIAL]`.
    pub selector: String,
    /// Whether this user may open it (udev rules on Linux; true elsewhere).
    pub accessible: bool,
}

impl fmt::Display for AttachedProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {} ({})", self.selector, self.info.name, self.kind)
    }
}

pub(super) fn lister() -> Lister {
    Lister::new()
}

/// All attached probes that can speak SWD to an Arm chip. Opens none of them.
pub fn list() -> Vec<AttachedProbe> {
    lister()
        .list_all_with_access()
        .into_iter()
        .filter(|item| speaks_swd_to_arm(&item.info))
        .map(|item| AttachedProbe {
            kind: item.info.probe_type(),
            selector: DebugProbeSelector::from(&item.info).to_string(),
            accessible: item.accessibility == Accessibility::Accessible,
            info: probe_info(&item.info),
        })
        .collect()
}

/// WCH-Link is for RISC-V, and the SiFli driver for one vendor's UART.
fn speaks_swd_to_arm(info: &DebugProbeInfo) -> bool {
    !info.is_probe_type::<WchLinkFactory>() && !info.is_probe_type::<SifliUartFactory>()
}

fn probe_info(info: &DebugProbeInfo) -> ProbeInfo {
    ProbeInfo {
        name: info.identifier.clone(),
        vendor_id: info.vendor_id,
        product_id: info.product_id,
        serial: info.serial_number.clone(),
        // probe-rs 0.32 reads the firmware version of an ST-LINK but does not tell.
        firmware: None,
        virtual_chip: false,
    }
}

/// The one probe that fits `selector`.
pub(super) fn choose(selector: Option<&ProbeSelector>) -> Result<(ProbeInfo, DebugProbeSelector), LinkError> {
    let wanted = selector.map(of_probe_rs);
    let mut found: Vec<DebugProbeInfo> = lister().list(wanted.as_ref()).into_iter().filter(speaks_swd_to_arm).collect();
    pick(&mut found, wanted)
}

fn of_probe_rs(selector: &ProbeSelector) -> DebugProbeSelector {
    DebugProbeSelector {
        vendor_id: selector.vendor_id,
        product_id: selector.product_id,
        interface: selector.interface,
        serial_number: selector.serial.clone(),
    }
}

fn pick(
    found: &mut Vec<DebugProbeInfo>,
    wanted: Option<DebugProbeSelector>,
) -> Result<(ProbeInfo, DebugProbeSelector), LinkError> {
    if found.len() > 1 {
        return Err(LinkError::SeveralProbes {
            found: found.iter().map(|info| DebugProbeSelector::from(info).to_string()).collect(),
        });
    }
    match (found.pop(), wanted) {
        (Some(info), _) => Ok((probe_info(&info), DebugProbeSelector::from(&info))),
        // Probes reached over TCP are never listed, but can be opened by name: their serial number is ADDRESS:PORT.
        (None, Some(selector)) if selector.serial_number.as_deref().is_some_and(|s| s.contains(':')) => {
            Ok((unlisted_info(&selector), selector))
        }
        (None, wanted) => Err(LinkError::NoProbe { selector: wanted.map(|s| s.to_string()) }),
    }
}

fn unlisted_info(selector: &DebugProbeSelector) -> ProbeInfo {
    ProbeInfo {
        name: "debug probe".to_owned(),
        vendor_id: selector.vendor_id,
        product_id: selector.product_id,
        serial: selector.serial_number.clone(),
        firmware: None,
        virtual_chip: false,
    }
}

pub(super) fn open(selector: &DebugProbeSelector) -> Result<Probe, LinkError> {
    lister().open(selector.clone()).map_err(|error| {
        if let DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::NotFound) = error {
            return LinkError::NoProbe { selector: Some(selector.to_string()) };
        }
        let error = Error::from(error);
        match Trouble::of(&error) {
            trouble @ Trouble::FirmwareOld(_) => {
                trouble.into_error(&unlisted_info(selector), Access::Attach, None, error)
            }
            _ => LinkError::ProbeUnopenable { probe: selector.to_string(), source: DriverError::new(error) },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use probe_rs::probe::stlink::StLinkFactory;

    fn stlink(serial: &str) -> DebugProbeInfo {
        DebugProbeInfo::new("STLink V3", 0x0483, 0x374E, Some(serial.to_owned()), &StLinkFactory, None, false)
    }

    fn selector(text: &str) -> DebugProbeSelector {
        of_probe_rs(&text.parse().unwrap())
    }

    /// Ours and probe-rs's mean the same by the same text.
    #[test]
    fn selectors_are_read_as_probe_rs_reads_them() {
        for text in ["0483:374e", "0483:374E:A1", "1d50:6018-2", "1d50:6018-2:127.0.0.1:2000", "0483:374e:"] {
            assert_eq!(selector(text), text.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn one_probe_needs_no_selector() {
        let (info, selector) = pick(&mut vec![stlink("A1")], None).unwrap();
        assert_eq!(info.serial.as_deref(), Some("A1"));
        assert_eq!(selector.to_string(), "0483:374e:A1");
    }

    #[test]
    fn several_probes_are_never_guessed_between() {
        let error = pick(&mut vec![stlink("A1"), stlink("B2")], None).unwrap_err();
        assert_eq!(error.code(), "link-several-probes");
        assert!(error.to_string().contains("0483:374e:A1, 0483:374e:B2"));
    }

    #[test]
    fn no_probe() {
        let error = pick(&mut vec![], None).unwrap_err();
        assert_eq!(error.code(), "link-no-probe");
        let error = pick(&mut vec![], Some(selector("0483:374e:A1"))).unwrap_err();
        assert_eq!(error.code(), "link-no-probe");
        assert!(pick(&mut vec![], Some(selector("1d50:6018:127.0.0.1:2000"))).is_ok());
    }
}
