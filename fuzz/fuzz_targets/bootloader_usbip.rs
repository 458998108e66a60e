//! USB/IP: any bytes of a client reach the exported device, however cut; any bytes of a server reach the client's end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_bootloader::{
    dfu::{Setup, Stall, Target},
    usb::{Description, SetupPacket},
};
use provost_fuzz::{device::Ram, frugally};
use provost_twin::{
    board::{Attached, UsbError},
    doors::usbip::{
        Exported, Session,
        message::{Asked, Done, Submit, Told},
    },
};

struct Device(Target, Ram);

impl Exported for Device {
    fn attached(&mut self) -> Option<Attached> {
        let description = Description {
            vendor: 0x0483,
            product: 0xDF11,
            release: 0x0300,
            manufacturer: "STMicroelectronics".to_owned(),
            name: "DFU in FS Mode".to_owned(),
            serial: "0".to_owned(),
            alternates: vec!["@Internal Flash   /0x08000000/256*08Kg".to_owned()],
            strings: Vec::new(),
            transfer: 64,
            attributes: 0x0B,
        };
        Some(Attached { since: 1, description })
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, UsbError> {
        let setup = Setup::from_packet(setup).ok_or(UsbError::Stalled(Stall))?;
        Ok(self.0.control(setup, data, &mut self.1)?.0)
    }
}

fuzz_target!(|data: &[u8]| {
    // A request of eight bytes may be answered by a list, and one of 48 by 64 bytes.
    frugally(data.len(), 0x2_0000, 256, || {
        let Some((first, rest)) = data.split_first() else { return };
        let chunk = usize::from(*first % 64) + 1;
        let bytes = if first & 0x40 == 0 {
            [Asked::Import("1-1".to_owned()).to_bytes(), rest.to_vec()].concat()
        } else {
            rest.to_vec()
        };
        let serve = |chunk: usize| {
            let (mut session, mut device) = (Session::default(), Device(Target::new(64), Ram::default()));
            let mut answers = Vec::new();
            for piece in bytes.chunks(chunk) {
                if !session.receive(piece, &mut device, &mut answers) {
                    break;
                }
            }
            answers
        };
        assert_eq!(serve(chunk), serve(usize::MAX));
        let _ = Told::take(rest);
        let setup = SetupPacket::get_descriptor(1, 0, 0, 18);
        let submit = Submit { number: 1, endpoint: 0, is_in: true, length: 18, setup, data: Vec::new() };
        if let Ok(Some(done)) = Done::take(rest, &submit) {
            assert!(done.data.len() <= 18);
        }
    });
});
