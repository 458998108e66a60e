//! The host's end: which interface of a device speaks DFU, in blocks of which size. Nothing that a device says of a length is believed
//! before it was held against what arrived.

use super::{DFU_MODE, descriptor};

/// One alternate setting of a DFU interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Alternate {
    /// Its number.
    pub number: u8,
    /// Index of the string that holds its memory map; 0 for none.
    pub string: u8,
}

/// The DFU interface of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DfuInterface {
    /// `bConfigurationValue`.
    pub configuration: u8,
    /// `bInterfaceNumber`.
    pub number: u8,
    /// Its alternate settings, at least one.
    pub alternates: Vec<Alternate>,
    /// `wTransferSize`: bytes of a block, not 0.
    pub transfer: u16,
    /// `bmAttributes`.
    pub attributes: u8,
    /// `bcdDFUVersion`: 0x011A for DfuSe.
    pub version: u16,
}

/// A configuration that is none, or that of no bootloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// A descriptor that ends behind the end of what arrived, or that is shorter than its kind.
    #[error("the descriptors of the USB device are cut short at byte {at}")]
    Cut {
        /// Where it begins.
        at: usize,
    },
    /// No interface in DFU mode.
    #[error("the USB device has no interface in DFU mode")]
    NoDfu,
    /// Its functional descriptor is missing, or gives a block size of zero.
    #[error("the USB device does not say how large its blocks are")]
    NoBlocks,
}

provost_codes::codes!(DescriptorError, self => self, {
    Self::Cut { .. } => "usb-descriptor-cut",
    Self::NoDfu => "usb-no-dfu",
    Self::NoBlocks => "usb-no-blocks",
});

impl DfuInterface {
    /// Finds it in a configuration descriptor with everything behind it.
    ///
    /// ```
    /// use provost_bootloader::usb::DfuInterface;
    ///
    /// let bytes = [9, 2, 27, 0, 1, 1, 0, 0xC0, 50, 9, 4, 0, 0, 0, 0xFE, 1, 2, 4, 9, 0x21, 0x0B, 255, 0, 0, 4, 0x1A, 1];
    /// let dfu = DfuInterface::read(&bytes)?;
    /// assert_eq!((dfu.number, dfu.transfer, dfu.alternates[0].string), (0, 1024, 4));
    /// # Ok::<(), provost_bootloader::usb::DescriptorError>(())
    /// ```
    ///
    /// # Errors
    /// It is malformed, or nothing in it speaks DFU.
    pub fn read(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let (mut at, mut configuration, mut number) = (0, 1, None);
        let mut alternates = Vec::new();
        let mut functional = None;
        while let Some(&length) = bytes.get(at) {
            let cut = DescriptorError::Cut { at };
            let one = bytes.get(at..at + usize::from(length)).filter(|one| one.len() >= 2).ok_or(cut)?;
            match *one {
                [_, descriptor::CONFIGURATION, _, _, _, value, ..] => configuration = value,
                // The first one that is in DFU mode counts; functional descriptors of others are passed over.
                [_, descriptor::INTERFACE, interface, setting, _, class, subclass, protocol, string, ..]
                    if [class, subclass, protocol] == DFU_MODE && number.is_none_or(|n| n == interface) =>
                {
                    number = Some(interface);
                    alternates.push(Alternate { number: setting, string });
                }
                [_, descriptor::DFU, attributes, _, _, t0, t1, v0, v1, ..] if number.is_some() => {
                    functional =
                        functional.or(Some((attributes, u16::from_le_bytes([t0, t1]), u16::from_le_bytes([v0, v1]))));
                }
                // These three have nine bytes; an interface that is not in DFU mode is passed over.
                [0..9, descriptor::CONFIGURATION | descriptor::INTERFACE | descriptor::DFU, ..] => return Err(cut),
                _ => {}
            }
            at += usize::from(length);
        }
        let number = number.ok_or(DescriptorError::NoDfu)?;
        let (attributes, transfer, version) = functional.filter(|f| f.1 != 0).ok_or(DescriptorError::NoBlocks)?;
        Ok(Self { configuration, number, alternates, transfer, attributes, version })
    }
}

/// The text of a string descriptor; `None` if it is none. What is no text is shown as a replacement character.
pub fn text(bytes: &[u8]) -> Option<String> {
    let [length, descriptor::STRING, units @ ..] = bytes else { return None };
    let units = units.get(..usize::from(*length).checked_sub(2)?)?;
    let units: Vec<u16> =
        units.chunks_exact(2).map(|c| c.iter().rev().fold(0, |u, b| u << 8 | u16::from(*b))).collect();
    Some(String::from_utf16_lossy(&units))
}
