//! What an error of probe-rs means for the link.

use std::error::Error;
use std::io;

use probe_rs::architecture::arm::dp::DebugPortError;
use probe_rs::architecture::arm::{ArmError, DapError};
use probe_rs::probe::stlink::StlinkError;
use probe_rs::probe::{DebugProbeError, ProbeCreationError};

use crate::{Access, Ap, DriverError, LinkError, ProbeInfo};

/// Classes of trouble, by what has to be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    NoAck,
    Wait,
    Fault,
    Parity,
    Protocol,
    PowerUp,
    ProbeLost,
    /// Needs at least this ST-LINK JTAG/SWD firmware, the `n` of `VxJn`.
    FirmwareOld(u8),
    ApAbsent,
    Unsupported(&'static str),
    Other,
}

impl Trouble {
    /// The AP selection and the sticky flags can be repaired without a new attach.
    pub(super) fn is_recoverable(self) -> bool {
        matches!(self, Self::Wait | Self::Fault | Self::Parity)
    }

    /// Attaching again in a moment may help.
    pub(super) fn may_pass(self) -> bool {
        !matches!(self, Self::ProbeLost | Self::FirmwareOld(_) | Self::Unsupported(_) | Self::Other)
    }

    /// Nothing can be assumed about the debug port any more.
    pub(super) fn loses_link(self) -> bool {
        matches!(self, Self::NoAck | Self::Protocol | Self::PowerUp | Self::ProbeLost)
    }

    pub(super) fn of(error: &probe_rs::Error) -> Self {
        match error {
            probe_rs::Error::Arm(error) => Self::of_arm(error),
            probe_rs::Error::Probe(error) => Self::of_probe(error),
            probe_rs::Error::Timeout => Self::ProbeLost,
            probe_rs::Error::NotImplemented(what) => Self::Unsupported(what),
            _ => Self::Other,
        }
    }

    fn of_arm(error: &ArmError) -> Self {
        match error {
            ArmError::NoTargetResponse { source } => match Self::of_arm(source) {
                lost @ Self::ProbeLost => lost,
                _ => Self::NoAck,
            },
            ArmError::Dap(error) => Self::of_dap(error),
            ArmError::Probe(error) => Self::of_probe(error),
            ArmError::DebugPort(error) => match error {
                DebugPortError::TargetPowerUpFailed | DebugPortError::Timeout => Self::PowerUp,
                DebugPortError::Dap(error) => Self::of_dap(error),
                DebugPortError::DebugProbe(error) => Self::of_probe(error),
                _ => Self::Other,
            },
            ArmError::ApDoesNotExist(_) => Self::ApAbsent,
            ArmError::Timeout => Self::Wait,
            ArmError::NotImplemented(what) => Self::Unsupported(what),
            _ => Self::Other,
        }
    }

    fn of_dap(error: &DapError) -> Self {
        match error {
            DapError::Protocol(_) => Self::Protocol,
            DapError::NoAcknowledge => Self::NoAck,
            DapError::FaultResponse => Self::Fault,
            DapError::WaitResponse => Self::Wait,
            DapError::IncorrectParity => Self::Parity,
        }
    }

    fn of_probe(error: &DebugProbeError) -> Self {
        match error {
            DebugProbeError::Usb(_) | DebugProbeError::Timeout => Self::ProbeLost,
            DebugProbeError::TargetNotFound => Self::NoAck,
            DebugProbeError::UnsupportedProtocol(_) => Self::Unsupported("SWD"),
            DebugProbeError::InterfaceNotAvailable { interface_name } => Self::Unsupported(interface_name),
            DebugProbeError::NotImplemented { function_name } => Self::Unsupported(function_name),
            DebugProbeError::CommandNotSupportedByProbe { command_name } => Self::Unsupported(command_name),
            DebugProbeError::ProbeSpecific(inner) => match inner.downcast_ref::<StlinkError>() {
                Some(error) => Self::of_stlink(error),
                None if usb_failed(inner) => Self::ProbeLost,
                None => Self::Other,
            },
            DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::ProbeSpecific(inner)) => {
                match inner.downcast_ref::<StlinkError>() {
                    Some(error) => Self::of_stlink(error),
                    None => Self::ProbeLost,
                }
            }
            DebugProbeError::ProbeCouldNotBeCreated(_) => Self::ProbeLost,
            _ => Self::Other,
        }
    }

    fn of_stlink(error: &StlinkError) -> Self {
        match error {
            StlinkError::Usb(_) | StlinkError::NotEnoughBytesWritten { .. } => Self::ProbeLost,
            StlinkError::ProbeFirmwareOutdated(needed) => Self::FirmwareOld(*needed),
            // Banked DP registers came with V2J32 (probe-rs 0.32 probe/stlink, MIN_JTAG_VERSION_DP_BANK_SEL).
            StlinkError::BanksNotAllowedOnDPRegister => Self::FirmwareOld(32),
            StlinkError::CommandFailed(status) => Self::of_stlink_status(&format!("{status:?}")),
            _ => Self::Other,
        }
    }

    /// The status type is public but has no public name, so its `Debug` names are all there is to match.
    fn of_stlink_status(status: &str) -> Self {
        match status {
            "SwdApFault"
            | "SwdDpFault"
            | "SwdApError"
            | "SwdApWdataError"
            | "SwdApStickyError"
            | "SwdApStickyorunError" => Self::Fault,
            "SwdApWait" | "SwdDpWait" | "JtagCmdWait" => Self::Wait,
            "SwdApParityError" | "SwdDpParityError" => Self::Parity,
            "SwdDpError" | "JtagNoDeviceConnected" | "JtagGetIdcodeError" | "JtagUnknownJtagChain" => Self::NoAck,
            "JtagDbgPowerError" => Self::PowerUp,
            "BadApError" => Self::ApAbsent,
            _ => Self::Other,
        }
    }

    /// Says it in our words.
    pub(super) fn into_error(
        self,
        info: &ProbeInfo,
        access: Access,
        ctrl_stat: Option<u32>,
        error: probe_rs::Error,
    ) -> LinkError {
        let probe = || info.to_string();
        let source = DriverError::new(error);
        match (self, access) {
            (Self::Unsupported(_), Access::Nrst) => LinkError::NrstUnsupported { probe: probe() },
            (Self::NoAck, _) => LinkError::NoAck { access, source },
            (Self::Wait, _) => LinkError::Wait { access, source },
            (Self::Fault, _) => LinkError::Fault { access, ctrl_stat, source },
            (Self::Parity, _) => LinkError::Parity { access, source },
            (Self::Protocol, _) => LinkError::Protocol { access, source },
            (Self::PowerUp, _) => LinkError::PowerUp { source },
            (Self::ApAbsent, Access::ReadAp(ap, _) | Access::WriteAp(ap, _)) => LinkError::ApAbsent { ap },
            (Self::ProbeLost, _) => LinkError::ProbeLost { probe: probe(), access, source },
            (Self::FirmwareOld(needed), _) => LinkError::ProbeFirmwareOld {
                probe: probe(),
                access,
                needed: format!("J{needed}"),
                found: info.firmware.clone(),
            },
            (Self::Unsupported(feature), _) => LinkError::ProbeUnsupported { probe: probe(), feature, source },
            (Self::Other | Self::ApAbsent, _) => LinkError::ProbeFailed { probe: probe(), access, source },
        }
    }

    /// Whether this trouble with an access other than to AP0 shows a probe that knows only AP0.
    pub(super) fn shows_ap0_only(self, access: Access) -> bool {
        matches!(self, Self::FirmwareOld(_))
            && matches!(access, Access::ReadAp(ap, _) | Access::WriteAp(ap, _) if ap != Ap(0))
    }
}

/// Whether a driver's own error is about USB. The drivers' error types are private (CMSIS-DAP, J-Link), so this looks
/// for an I/O error below it, and for the names CMSIS-DAP gives its own.
fn usb_failed(error: &(dyn Error + 'static)) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        let name = format!("{error:?}");
        if error.is::<io::Error>() || name.starts_with("UsbError(") || name == "Timeout" {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApRegister;
    use probe_rs::probe::WireProtocol;

    fn code(error: impl Into<DebugProbeError>, access: Access) -> &'static str {
        let error = probe_rs::Error::Probe(error.into());
        Trouble::of(&error).into_error(&ProbeInfo::virtual_chip("test"), access, None, error).code()
    }

    const READ_AP1: Access = Access::ReadAp(Ap(1), ApRegister::IDR);

    #[test]
    fn dap_errors() {
        for (error, code) in [
            (DapError::NoAcknowledge, "link-no-ack"),
            (DapError::FaultResponse, "link-fault"),
            (DapError::WaitResponse, "link-wait"),
            (DapError::IncorrectParity, "link-parity"),
            (DapError::Protocol(WireProtocol::Swd), "link-protocol"),
        ] {
            // No answer to the very first read is "nobody there", whatever the bits looked like.
            let first = probe_rs::Error::Arm(ArmError::NoTargetResponse { source: Box::new(error.into()) });
            assert_eq!(Trouble::of(&first), Trouble::NoAck);

            let error = probe_rs::Error::Arm(error.into());
            let trouble = Trouble::of(&error);
            let info = ProbeInfo::virtual_chip("test");
            let mapped = trouble.into_error(&info, READ_AP1, None, error);
            assert_eq!(mapped.code(), code);
            assert_eq!(mapped.is_link_lost(), trouble.loses_link());
        }
    }

    #[test]
    fn an_old_st_link_says_what_it_needs() {
        // V2J27 and older know one AP (probe-rs 0.32 probe/stlink, MIN_JTAG_VERSION_MULTI_AP).
        let error = probe_rs::Error::Probe(StlinkError::ProbeFirmwareOutdated(28).into());
        let trouble = Trouble::of(&error);
        assert!(trouble.shows_ap0_only(READ_AP1));
        assert!(!trouble.shows_ap0_only(Access::Attach));
        let mut info = ProbeInfo::virtual_chip("STLink V2");
        info.firmware = Some("V2J26S6".into());
        let error = trouble.into_error(&info, READ_AP1, None, error);
        assert_eq!(error.code(), "link-probe-firmware-old");
        let message = error.to_string();
        assert!(message.contains("needs J28, found V2J26S6"), "{message}");
        assert_eq!(code(StlinkError::BanksNotAllowedOnDPRegister, Access::Attach), "link-probe-firmware-old");
    }

    #[test]
    fn probe_errors() {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        assert_eq!(code(StlinkError::Usb(gone()), READ_AP1), "link-probe-lost");
        assert_eq!(code(DebugProbeError::Usb(gone()), READ_AP1), "link-probe-lost");
        assert_eq!(code(DebugProbeError::Timeout, READ_AP1), "link-probe-lost");
        assert_eq!(code(StlinkError::UnknownMode, READ_AP1), "link-probe-failed");
        let unsupported = || DebugProbeError::CommandNotSupportedByProbe { command_name: "swj_pins" };
        assert_eq!(code(unsupported(), Access::Nrst), "link-nrst-unsupported");
        assert_eq!(code(unsupported(), READ_AP1), "link-probe-unsupported");
    }

    /// A driver's private error with an I/O error below, as J-Link's.
    #[test]
    fn usb_errors_are_found_below_private_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("private")]
        struct Private(#[source] io::Error);
        impl probe_rs::probe::ProbeError for Private {}
        let gone = io::Error::from(io::ErrorKind::NotConnected);
        assert_eq!(code(Private(gone), READ_AP1), "link-probe-lost");
    }

    /// Names as probe-rs 0.32 prints them; values from its table (0x11 SWD_AP_FAULT and so on).
    #[test]
    fn st_link_statuses() {
        for (status, trouble) in [
            ("SwdApFault", Trouble::Fault),
            ("SwdDpWait", Trouble::Wait),
            ("SwdDpParityError", Trouble::Parity),
            ("JtagGetIdcodeError", Trouble::NoAck),
            ("BadApError", Trouble::ApAbsent),
            ("Other(7)", Trouble::Other),
        ] {
            assert_eq!(Trouble::of_stlink_status(status), trouble);
        }
    }
}
