//! A device on a USB port of this machine.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use nusb::{
    Device, DeviceInfo, ErrorKind, Interface, MaybeFuture as _,
    descriptors::language_id::US_ENGLISH,
    transfer::{ControlIn, ControlOut, ControlType, Recipient, TransferError},
};
use provost_bootloader::{
    dfu::{PRODUCT, VENDOR},
    usb::{DFU_MODE, SetupPacket, request},
};
use provost_ops::drive::bootloader::{Plug, PlugError};

use crate::{Listed, rights};

/// How long a control transfer may take: the device does its work between them, not in them.
const PATIENCE: Duration = Duration::from_secs(5);

/// A device that was taken up.
pub(super) struct UsbPlug {
    name: String,
    serial: Option<String>,
    open: Option<(Device, Interface)>,
    opened: Instant,
}

impl fmt::Debug for UsbPlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsbPlug").field("name", &self.name).finish_non_exhaustive()
    }
}

fn other(error: nusb::Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
        ErrorKind::Busy => io::ErrorKind::ResourceBusy,
        ErrorKind::Disconnected => io::ErrorKind::NotConnected,
        ErrorKind::NotFound => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// ST's DFU devices, or that of a serial number.
fn devices(serial: Option<&str>) -> io::Result<Vec<DeviceInfo>> {
    let all = nusb::list_devices().wait().map_err(other)?;
    let ours = all.filter(|d| (d.vendor_id(), d.product_id()) == (VENDOR, PRODUCT));
    Ok(ours.filter(|d| serial.is_none_or(|wanted| d.serial_number() == Some(wanted))).collect())
}

/// The interface in DFU mode, or the first one where the system does not tell.
fn interface_of(info: &DeviceInfo) -> u8 {
    let dfu = info.interfaces().find(|i| [i.class(), i.subclass(), i.protocol()] == DFU_MODE);
    dfu.map_or(0, nusb::InterfaceInfo::interface_number)
}

/// A line for each device. Opens none of them.
pub(crate) fn list() -> Vec<Listed> {
    let line = |d: DeviceInfo| {
        let (accessible, advice) = rights::usb(&d);
        Listed {
            option: "--dfu",
            selector: d.serial_number().unwrap_or("dfu").to_owned(),
            name: d.product_string().unwrap_or("STM32 BOOTLOADER").to_owned(),
            kind: "DFU device".to_owned(),
            accessible,
            advice,
        }
    };
    devices(None).unwrap_or_default().into_iter().map(line).collect()
}

impl UsbPlug {
    pub(super) fn open(serial: Option<&str>) -> io::Result<Self> {
        let found = devices(serial)?;
        let info = match found.as_slice() {
            [] => return Err(io::Error::new(io::ErrorKind::NotFound, "no such DFU device (0483:df11) is attached")),
            [one] => one,
            several => {
                let serials: Vec<&str> = several.iter().map(|d| d.serial_number().unwrap_or("?")).collect();
                let says = format!("there are several: {}", serials.join(", "));
                return Err(io::Error::new(io::ErrorKind::InvalidInput, says));
            }
        };
        let serial = info.serial_number().map(str::to_owned);
        let name = serial.as_ref().map_or_else(|| "DFU device".to_owned(), |s| format!("DFU device {s}"));
        let mut plug = Self { name, serial, open: None, opened: Instant::now() };
        plug.take_up(info)?;
        Ok(plug)
    }

    fn take_up(&mut self, info: &DeviceInfo) -> io::Result<()> {
        self.open = None;
        let device = info.open().wait().map_err(other)?;
        let interface = device.claim_interface(interface_of(info)).wait().map_err(other)?;
        self.open = Some((device, interface));
        Ok(())
    }
}

fn failed(error: TransferError) -> PlugError {
    match error {
        TransferError::Stall => PlugError::Stalled,
        TransferError::Disconnected => PlugError::Gone(io::ErrorKind::NotConnected.into()),
        TransferError::Cancelled => PlugError::Gone(io::ErrorKind::TimedOut.into()),
        error => PlugError::Gone(io::Error::other(error)),
    }
}

impl Plug for UsbPlug {
    fn name(&self) -> &str {
        &self.name
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, PlugError> {
        let Some((device, interface)) = &self.open else {
            return Err(PlugError::Gone(io::ErrorKind::NotConnected.into()));
        };
        let SetupPacket { request, value, index, length, .. } = setup;
        let (control_type, recipient) = (ControlType::Class, Recipient::Interface);
        match (setup.request_type, request) {
            // By way of the system, which has its own calls for these two.
            (0x80, request::GET_DESCRIPTOR) => {
                let [number, kind] = value.to_le_bytes();
                let language = if index == 0 { 0 } else { US_ENGLISH };
                let mut bytes =
                    device.get_descriptor(kind, number, language, PATIENCE).wait().map_err(|e| match e {
                        nusb::GetDescriptorError::Transfer(error) => failed(error),
                        _ => PlugError::Stalled,
                    })?;
                bytes.truncate(length.into());
                Ok(bytes)
            }
            (0x01, request::SET_INTERFACE) => {
                let [alternate, _] = value.to_le_bytes();
                let chosen = interface.set_alt_setting(alternate).wait();
                chosen.map(|()| Vec::new()).map_err(|e| match e.kind() {
                    ErrorKind::Disconnected => PlugError::Gone(other(e)),
                    _ => PlugError::Stalled,
                })
            }
            _ if setup.is_in() => interface
                .control_in(ControlIn { control_type, recipient, request, value, index, length }, PATIENCE)
                .wait()
                .map_err(failed),
            _ => interface
                .control_out(ControlOut { control_type, recipient, request, value, index, data }, PATIENCE)
                .wait()
                .map(|()| Vec::new())
                .map_err(failed),
        }
    }

    fn replug(&mut self) -> io::Result<bool> {
        self.open = None;
        let found = devices(self.serial.as_deref())?;
        let [info] = found.as_slice() else { return Ok(false) };
        match self.take_up(info) {
            Ok(()) => Ok(true),
            // Just gone, or the system has not set it up yet: its rights come after it.
            Err(error) => {
                tracing::debug!(%error, "not yet");
                Ok(false)
            }
        }
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.opened.elapsed()
    }
}
