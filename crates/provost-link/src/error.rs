//! Everything that can go wrong on a wire, each with a stable code and what was measured.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::core::Dhcsr;
use crate::{Access, Ap, Csw, Dpidr};

/// What the driver below a wire saw when an access failed: in its own words, with its own causes behind them.
///
/// [`LinkError`] says what it means. The driver's type is not part of it, so that a driver may change, or be left out.
#[derive(Debug)]
pub struct DriverError(Box<dyn Error + Send + Sync>);

impl DriverError {
    /// Around a driver's error, or a text.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for DriverError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// An error on a wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A person stopped the work: nothing goes out any more.
    #[error("stopped")]
    Stopped,

    /// No probe is attached, or none that fits the selector.
    #[error("no debug probe found{}", .selector.as_ref().map(|s| format!(" for {s}")).unwrap_or_default())]
    NoProbe {
        /// The selector that was asked for.
        selector: Option<String>,
    },

    /// More than one probe fits, and picking one would be a guess.
    #[error("{} debug probes found, choose one: {}", .found.len(), .found.join(", "))]
    SeveralProbes {
        /// Selectors of the probes that fit.
        found: Vec<String>,
    },

    /// A selector that is not `VID:PID[-INTERFACE][:SERIAL]`.
    #[error("'{given}' is not a probe selector (VID:PID or VID:PID:SERIAL, hexadecimal)")]
    BadSelector {
        /// What was given.
        given: String,
    },

    /// The probe is there, but cannot be opened: in use by another program, or not permitted.
    #[error("debug probe {probe} cannot be opened")]
    ProbeUnopenable {
        /// The probe.
        probe: String,
        /// Why.
        source: DriverError,
    },

    /// The probe does not answer over USB any more.
    #[error("debug probe {probe} was lost during {access}")]
    ProbeLost {
        /// The probe.
        probe: String,
        /// What was being done.
        access: Access,
        /// What the host saw.
        source: DriverError,
    },

    /// The probe's firmware cannot do this.
    #[error("the firmware of debug probe {probe} is too old for {access}: needs {needed}, found {}", .found.as_deref().unwrap_or("an older one"))]
    ProbeFirmwareOld {
        /// The probe.
        probe: String,
        /// What was being done.
        access: Access,
        /// The firmware that can do it.
        needed: String,
        /// The firmware found, where the probe says.
        found: Option<String>,
    },

    /// The probe, or its driver, cannot do this at all.
    #[error("debug probe {probe} does not support {feature}")]
    ProbeUnsupported {
        /// The probe.
        probe: String,
        /// What it cannot do.
        feature: &'static str,
        /// What its driver says.
        source: DriverError,
    },

    /// The probe reports a failure that fits no other class.
    #[error("debug probe {probe} failed during {access}")]
    ProbeFailed {
        /// The probe.
        probe: String,
        /// What was being done.
        access: Access,
        /// What its driver says.
        source: DriverError,
    },

    /// The probe has no control over NRST.
    #[error("debug probe {probe} cannot drive NRST")]
    NrstUnsupported {
        /// The probe.
        probe: String,
    },

    /// The wire was never attached, or lost its link since.
    #[error("{access} without a link: attach first")]
    NotAttached {
        /// What was asked.
        access: Access,
    },

    /// The chip does not answer: no power, no ground, wires swapped, or SWD pins reused.
    #[error("no acknowledge from the chip during {access}")]
    NoAck {
        /// What was being done.
        access: Access,
        /// The failing transfer.
        source: DriverError,
    },

    /// The chip kept answering WAIT until the probe gave up.
    #[error("the chip kept answering WAIT to the {access}")]
    Wait {
        /// What was being done.
        access: Access,
        /// The failing transfer.
        source: DriverError,
    },

    /// The chip answered FAULT: an error is sticky, or the bus behind the AP refused the transfer.
    #[error("the chip answered FAULT to the {access}")]
    Fault {
        /// What was being done.
        access: Access,
        /// CTRL/STAT before its sticky flags were cleared. A driver may have cleared some itself.
        ctrl_stat: Option<u32>,
        /// The failing transfer.
        source: DriverError,
    },

    /// A word arrived with wrong parity: noise, a long cable, or too fast a clock.
    #[error("wrong parity in the {access}")]
    Parity {
        /// What was being done.
        access: Access,
        /// The failing transfer.
        source: DriverError,
    },

    /// The acknowledge was neither OK, WAIT, FAULT nor absent.
    #[error("protocol error during {access}")]
    Protocol {
        /// What was being done.
        access: Access,
        /// The failing transfer.
        source: DriverError,
    },

    /// The debug port did not acknowledge its power request.
    #[error("the debug port did not power up")]
    PowerUp {
        /// What the driver saw.
        source: DriverError,
    },

    /// Something answers, but not as a debug port does.
    #[error("DPIDR reads {dpidr}, which no Arm debug port has")]
    NotADebugPort {
        /// What was read.
        dpidr: Dpidr,
    },

    /// There is no such access port.
    #[error("{ap} does not exist")]
    ApAbsent {
        /// The access port.
        ap: Ap,
    },

    /// The access port exists, but its DeviceEn is 0: no transfer was tried.
    #[error("{ap} is disabled (CSW {csw}, IDR {idr:#010x})")]
    ApDisabled {
        /// The access port.
        ap: Ap,
        /// Its CSW.
        csw: Csw,
        /// Its IDR.
        idr: u32,
    },

    /// The access port cannot make transfers of this size.
    #[error("{ap} cannot make {bits}-bit transfers (CSW {csw})")]
    SizeUnsupported {
        /// The access port.
        ap: Ap,
        /// Width asked for, in bits.
        bits: u8,
        /// CSW after the attempt to select it.
        csw: Csw,
    },

    /// An address that does not fit the width of the transfer. Nothing was sent.
    #[error("address {address:#010x} is not a multiple of {alignment}")]
    Unaligned {
        /// The address.
        address: u32,
        /// What it must be a multiple of, in bytes.
        alignment: u32,
    },

    /// A block that runs past the end of the 32-bit address space. Nothing was sent.
    #[error("{words} words from {address:#010x} run past the end of the address space")]
    AddressRange {
        /// Start of the block.
        address: u32,
        /// Length of the block, in 32-bit words.
        words: usize,
    },

    /// A byte offset outside of a banked window (0, 4, 8 or 12). Nothing was sent.
    #[error("offset {offset:#x} is not in the 16-byte window at {base:#010x}")]
    OutsideWindow {
        /// Start of the window.
        base: u32,
        /// The offset, in bytes.
        offset: u32,
    },

    /// The operation needs a halted core. Nothing was changed.
    #[error("the core is not halted ({dhcsr:?})")]
    CoreNotHalted {
        /// Its DHCSR.
        dhcsr: Dhcsr,
    },

    /// A trace is played again, and its chip was not asked this.
    #[error("the trace does not say what came of the {access}")]
    OffTrace {
        /// What was being done.
        access: Access,
    },

    /// A wait came to its end.
    #[error("{what} did not come within {after:?}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
}

provost_codes::codes!(LinkError, self => self, {
    Self::Stopped => "link-stopped",
    Self::NoProbe { .. } => "link-no-probe",
    Self::SeveralProbes { .. } => "link-several-probes",
    Self::BadSelector { .. } => "link-bad-selector",
    Self::ProbeUnopenable { .. } => "link-probe-unopenable",
    Self::ProbeLost { .. } => "link-probe-lost",
    Self::ProbeFirmwareOld { .. } => "link-probe-firmware-old",
    Self::ProbeUnsupported { .. } => "link-probe-unsupported",
    Self::ProbeFailed { .. } => "link-probe-failed",
    Self::NrstUnsupported { .. } => "link-nrst-unsupported",
    Self::NotAttached { .. } => "link-not-attached",
    Self::NoAck { .. } => "link-no-ack",
    Self::Wait { .. } => "link-wait",
    Self::Fault { .. } => "link-fault",
    Self::Parity { .. } => "link-parity",
    Self::Protocol { .. } => "link-protocol",
    Self::PowerUp { .. } => "link-power-up",
    Self::NotADebugPort { .. } => "link-not-a-debug-port",
    Self::ApAbsent { .. } => "link-ap-absent",
    Self::ApDisabled { .. } => "link-ap-disabled",
    Self::SizeUnsupported { .. } => "link-size-unsupported",
    Self::Unaligned { .. } => "link-unaligned",
    Self::AddressRange { .. } => "link-address-range",
    Self::OutsideWindow { .. } => "link-outside-window",
    Self::CoreNotHalted { .. } => "link-core-not-halted",
    Self::OffTrace { .. } => "link-off-trace",
    Self::Timeout { .. } => "link-timeout",
});

impl LinkError {
    /// Whether the debug port must be attached again before anything else can work.
    pub fn is_link_lost(&self) -> bool {
        matches!(
            self,
            Self::ProbeLost { .. }
                | Self::NotAttached { .. }
                | Self::NoAck { .. }
                | Self::Protocol { .. }
                | Self::PowerUp { .. }
                | Self::NotADebugPort { .. }
        )
    }
}
