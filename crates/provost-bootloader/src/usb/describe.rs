//! The device's end: what a bootloader in DFU mode answers to standard requests.

use super::{DFU_MODE, ENGLISH, SetupPacket, descriptor, request};

/// What a device in DFU mode tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the standards")]
pub struct Description {
    /// `idVendor`.
    pub vendor: u16,
    /// `idProduct`.
    pub product: u16,
    /// `bcdDevice`: 0x0300 is 3.00, ST's version of the protocol.
    pub release: u16,
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub name: String,
    /// Its serial number.
    pub serial: String,
    /// The memory maps of its alternate settings, in their order.
    pub alternates: Vec<String>,
    /// Further strings, by index.
    pub strings: Vec<(u8, String)>,
    /// `wTransferSize` of the functional descriptor.
    pub transfer: u16,
    /// `bmAttributes` of the functional descriptor (DFU 1.1 Table 4.2).
    pub attributes: u8,
}

const MANUFACTURER: u8 = 1;
const NAME: u8 = 2;
const SERIAL: u8 = 3;
/// The string of the first alternate setting; the others follow.
const FIRST_ALTERNATE: u8 = 4;
/// DfuSe 1.1a.
const DFU_VERSION: u16 = 0x011A;

impl Description {
    /// The device descriptor.
    pub fn device(&self) -> [u8; 18] {
        let [v0, v1] = self.vendor.to_le_bytes();
        let [p0, p1] = self.product.to_le_bytes();
        let [r0, r1] = self.release.to_le_bytes();
        // USB 2.0, control packets of 64 bytes, one configuration.
        [18, descriptor::DEVICE, 0, 2, 0, 0, 0, 64, v0, v1, p0, p1, r0, r1, MANUFACTURER, NAME, SERIAL, 1]
    }

    /// The configuration with its interface, an alternate setting for each memory map.
    pub fn configuration(&self) -> Vec<u8> {
        let [class, subclass, protocol] = DFU_MODE;
        let mut bytes = vec![9, descriptor::CONFIGURATION, 0, 0, 1, 1, 0, 0xC0, 50];
        for (number, _) in (0u8..).zip(&self.alternates) {
            let string = FIRST_ALTERNATE + number;
            bytes.extend([9, descriptor::INTERFACE, 0, number, 0, class, subclass, protocol, string]);
        }
        let [t0, t1] = self.transfer.to_le_bytes();
        let [d0, d1] = DFU_VERSION.to_le_bytes();
        bytes.extend([9, descriptor::DFU, self.attributes, 255, 0, t0, t1, d0, d1]);
        let total = (bytes.len() as u16).to_le_bytes();
        if let Some(place) = bytes.get_mut(2..4) {
            place.copy_from_slice(&total);
        }
        bytes
    }

    fn string(&self, index: u8) -> Option<&str> {
        match index {
            MANUFACTURER => Some(&self.manufacturer),
            NAME => Some(&self.name),
            SERIAL => Some(&self.serial),
            _ => {
                let alternate = index.checked_sub(FIRST_ALTERNATE).and_then(|n| self.alternates.get(usize::from(n)));
                let further = self.strings.iter().find(|(number, _)| *number == index).map(|(_, text)| text);
                alternate.or(further).map(String::as_str)
            }
        }
    }

    fn descriptor(&self, kind: u8, index: u8) -> Option<Vec<u8>> {
        match (kind, index) {
            (descriptor::DEVICE, 0) => Some(self.device().to_vec()),
            (descriptor::CONFIGURATION, 0) => Some(self.configuration()),
            (descriptor::STRING, 0) => Some(string_of(&[ENGLISH])),
            (descriptor::STRING, _) => {
                self.string(index).map(|text| string_of(&text.encode_utf16().collect::<Vec<_>>()))
            }
            _ => None,
        }
    }

    /// Answers a standard request that changes nothing, cut to the length that was asked for; `None` is a stall. `alternate` is the setting
    /// in force.
    pub fn answer(&self, setup: &SetupPacket, alternate: u8) -> Option<Vec<u8>> {
        let [index, kind] = setup.value.to_le_bytes();
        let bytes = match (setup.request_type, setup.request) {
            (0x80, request::GET_DESCRIPTOR) => self.descriptor(kind, index)?,
            (0x80, request::GET_CONFIGURATION) => vec![1],
            (0x81, request::GET_INTERFACE) if setup.index == 0 => vec![alternate],
            (0x80..=0x82, request::GET_STATUS) => vec![0, 0],
            (0x00, request::SET_ADDRESS) => Vec::new(),
            (0x00, request::SET_CONFIGURATION) if matches!(setup.value, 0 | 1) => Vec::new(),
            (0x02, request::CLEAR_FEATURE) => Vec::new(),
            _ => return None,
        };
        Some(bytes.into_iter().take(setup.length.into()).collect())
    }
}

/// A string descriptor; one holds 126 units at most.
fn string_of(units: &[u16]) -> Vec<u8> {
    let units = units.get(..units.len().min(126)).unwrap_or_default();
    let mut bytes = vec![(units.len() * 2 + 2) as u8, descriptor::STRING];
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes
}
