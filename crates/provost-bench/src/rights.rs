//! Whether this user may use a port or device, and what to do where not. Nothing is opened: that alone would move the lines of a port.

/// What to do about a serial port.
#[cfg(feature = "serial")]
pub(crate) fn serial(path: &str) -> (bool, Option<String>) {
    let allowed = may_use(path);
    let advice = "your user may not open it: on Linux add it to the group that owns it (dialout), and log in again";
    (allowed, (!allowed).then(|| advice.to_owned()))
}

/// What to do about a USB device.
#[cfg(feature = "usb")]
pub(crate) fn usb(device: &nusb::DeviceInfo) -> (bool, Option<String>) {
    #[cfg(target_os = "linux")]
    {
        let allowed = may_use(&format!("/dev/bus/usb/{:03}/{:03}", device.busnum(), device.device_address()));
        let advice = "your user may not open it: `provost doctor --install-udev` installs a rule that gives it; then plug it in again";
        (allowed, (!allowed).then(|| advice.to_owned()))
    }
    #[cfg(target_os = "windows")]
    {
        let driver = device.driver().unwrap_or("none");
        let allowed = driver.eq_ignore_ascii_case("winusb");
        let advice = format!("its driver is {driver}, and WinUSB is needed: STM32CubeProgrammer installs it, or Zadig");
        (allowed, (!allowed).then_some(advice))
    }
    #[cfg(not(any(target_os = "linux", target_os = "windows")))]
    {
        let _ = device;
        (true, None)
    }
}

/// Whether this user may read and write it.
#[cfg(any(all(unix, feature = "serial"), all(target_os = "linux", feature = "usb")))]
fn may_use(path: &str) -> bool {
    use rustix::fs::{Access, access};
    access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// What else there is is found out by opening it.
#[cfg(all(not(unix), feature = "serial"))]
const fn may_use(_path: &str) -> bool {
    true
}
