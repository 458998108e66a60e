//! What USB itself asks of a device and tells about it: setup packets and descriptors (USB 2.0 §9), as far as a bootloader needs them.

mod describe;
mod read;

pub use self::{
    describe::Description,
    read::{Alternate, DescriptorError, DfuInterface, text},
};

/// Standard requests (USB 2.0 Table 9-4).
pub mod request {
    /// GET_STATUS.
    pub const GET_STATUS: u8 = 0;
    /// CLEAR_FEATURE.
    pub const CLEAR_FEATURE: u8 = 1;
    /// SET_ADDRESS.
    pub const SET_ADDRESS: u8 = 5;
    /// GET_DESCRIPTOR: the kind in the high byte of `wValue`, an index in the low one.
    pub const GET_DESCRIPTOR: u8 = 6;
    /// GET_CONFIGURATION.
    pub const GET_CONFIGURATION: u8 = 8;
    /// SET_CONFIGURATION.
    pub const SET_CONFIGURATION: u8 = 9;
    /// GET_INTERFACE.
    pub const GET_INTERFACE: u8 = 10;
    /// SET_INTERFACE: `wValue` is the alternate setting.
    pub const SET_INTERFACE: u8 = 11;
}

/// Kinds of descriptors (USB 2.0 Table 9-5, DFU 1.1 §4.1.3).
pub mod descriptor {
    /// Of the device: 18 bytes.
    pub const DEVICE: u8 = 1;
    /// Of a configuration, with everything in it.
    pub const CONFIGURATION: u8 = 2;
    /// A text in UTF-16; index 0 is the list of languages.
    pub const STRING: u8 = 3;
    /// Of an alternate setting of an interface: 9 bytes.
    pub const INTERFACE: u8 = 4;
    /// DFU's own: 9 bytes.
    pub const DFU: u8 = 0x21;
}

/// The language of the strings: English, United States.
pub const ENGLISH: u16 = 0x0409;
/// Interface class, subclass and protocol of a device in DFU mode (DFU 1.1 §4.2.3).
pub const DFU_MODE: [u8; 3] = [0xFE, 1, 2];
/// The string in which ST's STM32H5 examples tell DEV_ID and REV_ID: `@Device ID/0x484,@Revision ID/0x0001`.
pub const DEVICE_ID_STRING: u8 = 0x14;

/// The setup packet of any control transfer (USB 2.0 §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the standard")]
pub struct SetupPacket {
    /// `bmRequestType`: bit 7 is set where the device sends the data.
    pub request_type: u8,
    /// `bRequest`.
    pub request: u8,
    /// `wValue`.
    pub value: u16,
    /// `wIndex`.
    pub index: u16,
    /// `wLength`: bytes of data.
    pub length: u16,
}

impl SetupPacket {
    /// A standard request to the device (USB 2.0 §9.4).
    pub const fn get_descriptor(kind: u8, index: u8, language: u16, length: u16) -> Self {
        let value = (kind as u16) << 8 | index as u16;
        Self { request_type: 0x80, request: request::GET_DESCRIPTOR, value, index: language, length }
    }

    /// Chooses an alternate setting.
    pub const fn set_interface(interface: u16, alternate: u8) -> Self {
        let value = alternate as u16;
        Self { request_type: 0x01, request: request::SET_INTERFACE, value, index: interface, length: 0 }
    }

    /// Whether the device sends the data.
    pub const fn is_in(&self) -> bool {
        self.request_type & 0x80 != 0
    }

    /// The eight bytes.
    pub fn to_bytes(&self) -> [u8; 8] {
        let [v0, v1] = self.value.to_le_bytes();
        let [i0, i1] = self.index.to_le_bytes();
        let [l0, l1] = self.length.to_le_bytes();
        [self.request_type, self.request, v0, v1, i0, i1, l0, l1]
    }

    /// The packet in eight bytes.
    pub const fn from_bytes([request_type, request, v0, v1, i0, i1, l0, l1]: [u8; 8]) -> Self {
        Self {
            request_type,
            request,
            value: u16::from_le_bytes([v0, v1]),
            index: u16::from_le_bytes([i0, i1]),
            length: u16::from_le_bytes([l0, l1]),
        }
    }
}
