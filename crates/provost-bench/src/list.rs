//! What there is to choose from.

use provost_twin::presets::Preset;
use schemars::JsonSchema;
use serde::Serialize;

/// A line of the list: a debug probe, a serial port, a USB bootloader, or a ready-made virtual chip.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Listed {
    /// The option that takes it: `--probe`, `--uart` or `--dfu`.
    pub option: &'static str,
    /// What that option takes.
    pub selector: String,
    /// What it is.
    pub name: String,
    /// Kind of probe, `serial port`, `DFU device`, or `virtual`.
    pub kind: String,
    /// Whether this user may open it.
    pub accessible: bool,
    /// What to do where not.
    pub advice: Option<String>,
}

/// The probes, serial ports and USB bootloaders attached, and the virtual chips that are always there.
pub fn list() -> Vec<Listed> {
    let virtual_chips = Preset::all().iter().map(|p| Listed {
        option: "--probe",
        selector: format!("twin:{}", p.name),
        name: p.summary.to_owned(),
        kind: "virtual".to_owned(),
        accessible: true,
        advice: None,
    });
    probes().into_iter().chain(ports()).chain(devices()).chain(virtual_chips).collect()
}

#[cfg(feature = "probe-rs")]
fn probes() -> Vec<Listed> {
    let listed = |p: provost_link::AttachedProbe| {
        Listed {
        option: "--probe",
        selector: p.selector,
        name: p.info.name,
        kind: p.kind,
        accessible: p.accessible,
        advice: (!p.accessible).then(|| {
            "your user may not open it: on Linux the udev rules of its maker or of probe-rs give it; then plug it in again"
                .to_owned()
        }),
    }
    };
    provost_link::list().into_iter().map(listed).collect()
}

#[cfg(not(feature = "probe-rs"))]
const fn probes() -> Vec<Listed> {
    Vec::new()
}

#[cfg(feature = "usb")]
fn devices() -> Vec<Listed> {
    crate::dfu::list()
}

#[cfg(not(feature = "usb"))]
const fn devices() -> Vec<Listed> {
    Vec::new()
}

/// Ports of USB converters and of cards; the others are there on every machine, whether or not anything hangs on them.
#[cfg(feature = "serial")]
fn ports() -> Vec<Listed> {
    use serialport::SerialPortType;

    // The library takes it for granted.
    if cfg!(target_os = "linux") && !std::path::Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    let listed = |port: serialport::SerialPortInfo| {
        let name = match port.port_type {
            SerialPortType::UsbPort(usb) => usb.product.or(usb.manufacturer).unwrap_or_else(|| "USB".to_owned()),
            SerialPortType::PciPort => "PCI".to_owned(),
            _ => return None,
        };
        let (accessible, advice) = crate::rights::serial(&port.port_name);
        let kind = "serial port".to_owned();
        Some(Listed { option: "--uart", selector: port.port_name, name, kind, accessible, advice })
    };
    serialport::available_ports().unwrap_or_default().into_iter().filter_map(listed).collect()
}

#[cfg(not(feature = "serial"))]
const fn ports() -> Vec<Listed> {
    Vec::new()
}
