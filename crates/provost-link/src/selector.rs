//! Which probe is meant.

use std::fmt;
use std::str::FromStr;

use crate::LinkError;

/// A probe on this machine, as `VID:PID[-INTERFACE][:SERIAL]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProbeSelector {
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// USB interface, where a probe has several.
    pub interface: Option<u8>,
    /// Serial number; `ADDRESS:PORT` for a probe reached over TCP.
    pub serial: Option<String>,
}

impl FromStr for ProbeSelector {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        parse(text).ok_or_else(|| LinkError::BadSelector { given: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<ProbeSelector> {
    let mut parts = text.splitn(3, ':');
    let vendor_id = u16::from_str_radix(parts.next()?, 16).ok()?;
    let product = parts.next()?;
    let (product, interface) = match product.split_once('-') {
        Some((product, interface)) => (product, Some(interface.parse().ok()?)),
        None => (product, None),
    };
    let product_id = u16::from_str_radix(product, 16).ok()?;
    Some(ProbeSelector { vendor_id, product_id, interface, serial: parts.next().map(str::to_owned) })
}

impl fmt::Display for ProbeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor_id, self.product_id)?;
        if let Some(interface) = self.interface {
            write!(f, "-{interface}")?;
        }
        self.serial.as_ref().map_or(Ok(()), |serial| write!(f, ":{serial}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_checked() {
        for text in ["", "0483", "xyzw:374e", "0483:10000", "0483:374e-x", "0483:374e-300", ":", "twin:fresh"] {
            assert_eq!(text.parse::<ProbeSelector>().unwrap_err().code(), "link-bad-selector", "{text}");
        }
        let full: ProbeSelector = "1D50:6018-2:127.0.0.1:2000".parse().unwrap();
        assert_eq!((full.vendor_id, full.product_id, full.interface), (0x1D50, 0x6018, Some(2)));
        assert_eq!(full.serial.as_deref(), Some("127.0.0.1:2000"));
        assert_eq!(full.to_string(), "1d50:6018-2:127.0.0.1:2000");
    }
}
