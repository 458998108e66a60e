//! The bootloader of each device id: what no GET tells.

use provost_chip::sources::Confidence;

/// A run of option registers that is read and written as a whole.
///
/// In a write the `_PRG` words count. It therefore also carries words that can only be set, so every `_PRG` word is filled from its `_CUR`
/// word before one is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionImage {
    /// Address of its first byte.
    pub address: u32,
    /// Size in bytes.
    pub size: u16,
}

/// One bootloader.
#[derive(Debug)]
#[non_exhaustive]
pub struct Device {
    /// The device id that it answers with, which is DEV_ID.
    pub id: u16,
    /// The two option images.
    pub images: [OptionImage; 2],
    /// RAM that the bootloader keeps for itself: first address and size in bytes.
    pub own_ram: (u32, u32),
    /// Whether it has the data-provisioning command.
    pub provisions: bool,
    /// How sure the row is.
    pub confidence: Confidence,
    /// Keys of [`provost_chip::sources::Source`].
    pub source: &'static [&'static str],
}

const A: OptionImage = OptionImage { address: 0x4002_2050, size: 0xB0 };

const fn row(id: u16, (address, size): (u32, u16), provisions: bool, confidence: Confidence) -> Device {
    Device {
        id,
        images: [A, OptionImage { address, size }],
        // AN2606: 16 KB from the beginning of SRAM1; Table 226 contradicts it for 0x484 and the longer range is kept.
        own_ram: (0x2000_0000, 0x4000),
        provisions,
        confidence,
        source: &["AN2606", "PRGDB"],
    }
}

const DEVICES: &[Device] = &[
    row(0x474, (0x4002_21E8, 0x18), false, Confidence::Documented),
    row(0x478, (0x4002_21E0, 0x20), true, Confidence::Documented),
    row(0x484, (0x4002_21E0, 0x20), true, Confidence::Documented),
    row(0x47A, (0x4002_2198, 0x68), true, Confidence::Inferred),
    row(0x47C, (0x4002_2198, 0x68), true, Confidence::Inferred),
];

impl Device {
    /// All of them.
    pub const fn all() -> &'static [Self] {
        DEVICES
    }

    /// The one of a device id.
    ///
    /// ```
    /// use provost_bootloader::device::Device;
    ///
    /// let h563 = Device::find(0x484).unwrap();
    /// assert_eq!((h563.images[1].address, h563.images[1].size), (0x4002_21E0, 32));
    /// assert!(Device::find(0x450).is_none());
    /// ```
    pub fn find(id: u16) -> Option<&'static Self> {
        DEVICES.iter().find(|device| device.id == id)
    }
}

#[cfg(test)]
mod tests {
    use provost_chip::{option_bytes::OptionField, parts::PartId, registers::flash, sources::Source};

    use super::*;

    #[test]
    fn every_part_has_a_bootloader_and_every_source_is_known() {
        for part in PartId::all() {
            let device = Device::find(part.info().dev_id).unwrap();
            assert_eq!(device.provisions, !part.info().rss_descriptors.is_empty(), "{part}");
            assert!(device.source.iter().all(|key| Source::find(key).is_some()));
        }
    }

    #[test]
    fn the_images_hold_every_option_register_of_the_table() {
        // The two tables were made from different columns of the same data base.
        for part in PartId::all() {
            let images = Device::find(part.info().dev_id).unwrap().images;
            for field in OptionField::of(part) {
                let holds = |offset: u16| {
                    let address = flash::BASE + u32::from(offset);
                    images.iter().any(|i| address >= i.address && address + 4 <= i.address + u32::from(i.size))
                };
                assert!(holds(field.offset_cur) && holds(field.offset_prg), "{part} {}", field.name);
            }
        }
    }
}
