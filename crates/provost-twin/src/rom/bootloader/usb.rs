//! The bootloader as a USB device: what it tells about itself, and its DFU interface.

use std::time::Duration;

use provost_bootloader::{
    device,
    dfu::{self, EXAMPLE_POLL, PRODUCT, Setup, Stall, TRANSFER_SIZE, VENDOR},
    memory::{After, Device},
    usb::{DEVICE_ID_STRING, Description, SetupPacket, request},
};
use provost_chip::{
    assumptions::{Assumptions, BootUsbDeviceId, BootUsbOptions, BootUsbPoll},
    parts::SECTOR_SIZE,
};

use crate::silicon::Silicon;

/// `bcdDevice`, which is ST's version 3.0 of the protocol (an STM32H563, AN3156).
const RELEASE: u16 = 0x0300;
/// Can download and upload, and will detach by itself (ST's STM32H573 example).
const ATTRIBUTES: u8 = 0x0B;
/// The one option area of ST's example for a sister family.
const ONE_AREA: u16 = 432;

/// What the bootloader of this chip tells about itself (an STM32H563 of the field, ST's STM32H573 example).
pub(crate) fn describe(silicon: &Silicon) -> Description {
    let (identity, world) = (silicon.identity(), silicon.assumptions());
    let id = identity.part.info().dev_id;
    let area = |address: u32, size: u16| format!("@Option Bytes   /{address:#010X}/01*{size} e").replace("0X", "0x");
    let images = device::Device::find(id).map_or(&[][..], |row| &row.images);
    let mut alternates = vec![format!("@Internal Flash   /0x08000000/{}*08Kg", identity.flash.bytes() / SECTOR_SIZE)];
    match world.boot_usb_options {
        BootUsbOptions::TwoAreas => alternates.extend(images.iter().map(|i| area(i.address, i.size))),
        BootUsbOptions::OneArea => alternates.extend(images.first().map(|i| area(i.address, ONE_AREA))),
        BootUsbOptions::Absent => {}
    }
    alternates.push("@OTP Memory   /0x08FFF000/02*01Kg".to_owned());
    let strings = match world.boot_usb_device_id {
        BootUsbDeviceId::Told => {
            vec![(DEVICE_ID_STRING, format!("@Device ID/{id:#05x},@Revision ID/{:#06x}", identity.rev_id))]
        }
        BootUsbDeviceId::Absent => Vec::new(),
    };
    let [a, b, c] = identity.uid;
    Description {
        vendor: VENDOR,
        product: PRODUCT,
        release: RELEASE,
        manufacturer: "STMicroelectronics".to_owned(),
        name: "DFU in FS Mode".to_owned(),
        // As ST's devices make it of the unique id.
        serial: format!("{:08X}{:04X}", a.wrapping_add(c), b >> 16),
        alternates,
        strings,
        transfer: TRANSFER_SIZE,
        attributes: ATTRIBUTES,
    }
}

/// The device, from the first transfer of a host on.
#[derive(Debug)]
pub(super) struct UsbDevice {
    target: dfu::Target,
    alternate: u8,
}

impl UsbDevice {
    /// One that nobody has spoken to yet.
    pub(super) fn new(world: &Assumptions) -> Self {
        let poll = match world.boot_usb_poll {
            BootUsbPoll::Example => EXAMPLE_POLL,
            BootUsbPoll::Short => Duration::from_millis(1),
        };
        Self { target: dfu::Target::new(TRANSFER_SIZE).polled_after(poll), alternate: 0 }
    }

    /// Serves a control transfer.
    pub(super) fn control(
        &mut self,
        setup: SetupPacket,
        data: &[u8],
        description: &Description,
        rom: &mut dyn Device,
    ) -> Result<(Vec<u8>, After), Stall> {
        if setup.request_type & 0x60 != 0 {
            let class = Setup::from_packet(setup).filter(|class| class.index == 0).ok_or(Stall)?;
            return self.target.control(class, data, rom);
        }
        if (setup.request_type, setup.request) == (0x01, request::SET_INTERFACE) {
            let known = setup.index == 0 && usize::from(setup.value) < description.alternates.len();
            self.alternate = u8::try_from(setup.value).ok().filter(|_| known).ok_or(Stall)?;
            return Ok((Vec::new(), After::Stays));
        }
        let answer = description.answer(&setup, self.alternate).ok_or(Stall)?;
        Ok((answer, After::Stays))
    }
}
