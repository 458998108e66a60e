//! The vocabulary of plans and of tests: everything that the answer may tell a person to do, or not to do.

use std::fmt;

use provost_chip::states::{ProductState, TrustZone};

/// One step of a plan, or one next test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Move {
    /// Connect the probe's reset line.
    WireNrst,
    /// Unplug the chip's own USB.
    UnplugTargetUsb,
    /// Use a 64-bit host.
    Host64Bit,
    /// Use another probe.
    OtherProbe,
    /// Use another tool, or another version of it.
    OtherTool,
    /// Tie BOOT0 high.
    Boot0High,
    /// Remove power and give it back.
    PowerCycle,
    /// Reset.
    Reset,
    /// Connect once more.
    RetryConnect,
    /// Debug Authentication discovery.
    Discover,
    /// Attach under reset.
    ConnectUnderReset,
    /// Attach by hot plug.
    ConnectHotPlug,
    /// Provision a certificate object.
    ProvisionCertificate,
    /// Provision a password object; on the STM32H503 the password in OTP.
    ProvisionPassword,
    /// Authenticate for a full regression.
    FullRegression,
    /// Authenticate for a partial regression.
    TzRegression,
    /// Authenticate to debug the chip as it is.
    OpenDebug,
    /// Find the credential.
    FindCredential,
    /// Let the owner's firmware request the regression.
    AskFirmware,
    /// Write the product state.
    WriteState(ProductState),
    /// Write TZEN.
    WriteTrustZone(TrustZone),
    /// `debugauth=3`.
    CloseDebug,
    /// Erase the whole flash over SWD.
    EraseFlash,
    /// Look at something.
    Check(Subject),
}

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// Supply voltage.
    Supply,
    /// Cables, jumpers, solder joints.
    Wiring,
    /// TZEN.
    Tzen,
    /// Secure watermarks.
    Secwm,
    /// Boot addresses and the bank swap.
    BootAddress,
    /// Firmware of the probe.
    ProbeFirmware,
    /// Version of the ROM bootloader.
    Bootloader,
    /// Size of the object.
    ObjectSize,
    /// Encryption flag of the object.
    ObjectEncryption,
    /// Write protection.
    Wrp,
    /// The flash itself.
    Flash,
    /// The owner's code.
    Firmware,
}

impl Subject {
    /// The word after `check:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::Wiring => "wiring",
            Self::Tzen => "tzen",
            Self::Secwm => "secwm",
            Self::BootAddress => "boot-address",
            Self::ProbeFirmware => "probe-firmware",
            Self::Bootloader => "bootloader",
            Self::ObjectSize => "object-size",
            Self::ObjectEncryption => "object-encryption",
            Self::Wrp => "wrp",
            Self::Flash => "flash",
            Self::Firmware => "firmware",
        }
    }

    /// The subject in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Supply => "the supply",
            Self::Wiring => "cables, jumpers and solder joints",
            Self::Tzen => "TZEN",
            Self::Secwm => "the secure watermarks",
            Self::BootAddress => "boot addresses and bank swap",
            Self::ProbeFirmware => "the probe's firmware",
            Self::Bootloader => "the version of the ROM",
            Self::ObjectSize => "the size of the object",
            Self::ObjectEncryption => "the encryption flag of the object",
            Self::Wrp => "the write protection",
            Self::Flash => "the flash itself",
            Self::Firmware => "your own code",
        }
    }

    /// All subjects.
    pub const ALL: [Self; 12] = [
        Self::Supply,
        Self::Wiring,
        Self::Tzen,
        Self::Secwm,
        Self::BootAddress,
        Self::ProbeFirmware,
        Self::Bootloader,
        Self::ObjectSize,
        Self::ObjectEncryption,
        Self::Wrp,
        Self::Flash,
        Self::Firmware,
    ];
}

impl Move {
    /// The step as an instruction, in words.
    pub fn words(self) -> String {
        let fixed = match self {
            Self::WireNrst => "connect the probe's reset line to NRST",
            Self::UnplugTargetUsb => "unplug the chip's own USB",
            Self::Host64Bit => "use provost, or a 64-bit build of ST's tool",
            Self::OtherProbe => "use another probe",
            Self::OtherTool => "use another tool, or a newer version of it",
            Self::Boot0High => "set BOOT0 high and cycle the power",
            Self::PowerCycle => "remove all power for ten seconds",
            Self::Reset => "reset",
            Self::RetryConnect => "connect once more",
            Self::Discover => "ask by Debug Authentication discovery, NRST wired",
            Self::ConnectUnderReset => "connect under reset",
            Self::ConnectHotPlug => "connect by hot plug on AP1",
            Self::ProvisionCertificate => "provision a certificate object",
            Self::ProvisionPassword => "provision a password",
            Self::FullRegression => "authenticate for a full regression",
            Self::OpenDebug => {
                "authenticate for debug access with the credential that is inside (auth open); nothing is erased"
            }
            Self::TzRegression => "authenticate for a partial regression",
            Self::FindCredential => "find the credential",
            Self::AskFirmware => "let your firmware request the regression",
            Self::WriteState(state) => return format!("write PRODUCT_STATE = 0x{:02X}", state.code()),
            Self::WriteTrustZone(tz) => return format!("write TZEN = 0x{:02X}", tz.code()),
            Self::CloseDebug => "close the debug session (debugauth=3)",
            Self::EraseFlash => "erase the whole flash over SWD",
            Self::Check(subject) => return format!("look at {}", subject.words()),
        };
        fixed.to_owned()
    }

    /// Every step, one of each kind that takes a value included.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = [
            Self::WireNrst,
            Self::UnplugTargetUsb,
            Self::Host64Bit,
            Self::OtherProbe,
            Self::OtherTool,
            Self::Boot0High,
            Self::PowerCycle,
            Self::Reset,
            Self::RetryConnect,
            Self::Discover,
            Self::ConnectUnderReset,
            Self::ConnectHotPlug,
            Self::ProvisionCertificate,
            Self::ProvisionPassword,
            Self::FullRegression,
            Self::TzRegression,
            Self::OpenDebug,
            Self::FindCredential,
            Self::AskFirmware,
            Self::CloseDebug,
            Self::EraseFlash,
        ];
        plain
            .into_iter()
            .chain(ProductState::ALL.map(Self::WriteState))
            .chain(TrustZone::ALL.map(Self::WriteTrustZone))
            .chain(Subject::ALL.map(Self::Check))
    }

    /// The step of this name, such as `provision-da:certificate`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|m| m.to_string().eq_ignore_ascii_case(name))
    }
}

/// The name of the step: `wire:nrst`, `write-option:PRODUCT_STATE=0x17`.
impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::WireNrst => "wire:nrst",
            Self::UnplugTargetUsb => "unplug:target-usb",
            Self::Host64Bit => "use:host-64bit",
            Self::OtherProbe => "use:other-probe",
            Self::OtherTool => "use:other-tool",
            Self::Boot0High => "set:boot0-high",
            Self::PowerCycle => "power-cycle",
            Self::Reset => "reset",
            Self::RetryConnect => "retry:connect",
            Self::Discover => "discover",
            Self::ConnectUnderReset => "connect:under-reset",
            Self::ConnectHotPlug => "connect:hot-plug",
            Self::ProvisionCertificate => "provision-da:certificate",
            Self::ProvisionPassword => "provision-da:password",
            Self::FullRegression => "authenticate:full-regression",
            Self::TzRegression => "authenticate:tz-regression",
            Self::OpenDebug => "authenticate:debug",
            Self::FindCredential => "find:credential",
            Self::AskFirmware => "ask:firmware-regression",
            Self::CloseDebug => "close-debug",
            Self::EraseFlash => "erase:flash",
            Self::WriteState(state) => return write!(f, "write-option:PRODUCT_STATE=0x{:02X}", state.code()),
            Self::WriteTrustZone(tz) => return write!(f, "write-option:TZEN=0x{:02X}", tz.code()),
            Self::Check(subject) => return write!(f, "check:{}", subject.as_str()),
        };
        f.pad(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_step() {
        for step in Move::all() {
            assert_eq!(Move::from_name(&step.to_string()), Some(step));
        }
        assert_eq!(Move::WriteState(ProductState::Provisioning).to_string(), "write-option:PRODUCT_STATE=0x17");
        assert_eq!(Move::from_name("write-option:PRODUCT_STATE=0x18"), None);
    }
}
