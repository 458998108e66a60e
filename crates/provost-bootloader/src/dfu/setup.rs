//! Control transfers, states and status of DFU 1.1.

use std::time::Duration;

use crate::usb::SetupPacket;

/// Requests of the class (DFU 1.1 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all of the standard")]
#[repr(u8)]
#[allow(missing_docs, reason = "names of the standard")]
pub enum Request {
    Detach = 0,
    Dnload = 1,
    Upload = 2,
    GetStatus = 3,
    ClrStatus = 4,
    GetState = 5,
    Abort = 6,
}

impl Request {
    const ALL: [Self; 7] =
        [Self::Detach, Self::Dnload, Self::Upload, Self::GetStatus, Self::ClrStatus, Self::GetState, Self::Abort];

    /// The request of a number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|request| *request as u8 == code)
    }

    /// Its name in the standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detach => "DFU_DETACH",
            Self::Dnload => "DFU_DNLOAD",
            Self::Upload => "DFU_UPLOAD",
            Self::GetStatus => "DFU_GETSTATUS",
            Self::ClrStatus => "DFU_CLRSTATUS",
            Self::GetState => "DFU_GETSTATE",
            Self::Abort => "DFU_ABORT",
        }
    }

    /// Whether the device sends the data.
    pub const fn is_in(self) -> bool {
        matches!(self, Self::Upload | Self::GetStatus | Self::GetState)
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The setup packet of a class request to the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the standard")]
pub struct Setup {
    /// `bRequest`.
    pub request: Request,
    /// `wValue`: the block number of a transfer.
    pub value: u16,
    /// `wIndex`: the interface.
    pub index: u16,
    /// `wLength`: bytes of data.
    pub length: u16,
}

impl Setup {
    /// `bmRequestType`: class, interface, and the direction.
    pub const fn request_type(&self) -> u8 {
        if self.request.is_in() { 0xA1 } else { 0x21 }
    }

    /// The same among all setup packets of USB.
    pub const fn packet(&self) -> SetupPacket {
        let Self { request, value, index, length } = *self;
        SetupPacket { request_type: self.request_type(), request: request as u8, value, index, length }
    }

    /// The class request of a setup packet; `None` if it is none to an interface.
    pub fn from_packet(packet: SetupPacket) -> Option<Self> {
        let SetupPacket { request_type, request, value, index, length } = packet;
        let setup = Self { request: Request::from_code(request)?, value, index, length };
        (setup.request_type() == request_type).then_some(setup)
    }

    /// The eight bytes.
    pub fn to_bytes(&self) -> [u8; 8] {
        self.packet().to_bytes()
    }

    /// The packet in eight bytes; `None` if it is no request of the class to an interface.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        Self::from_packet(SetupPacket::from_bytes(bytes))
    }
}

macro_rules! codes_of {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "all of the standard")]
        #[repr(u8)]
        #[allow(missing_docs, reason = "names of the standard")]
        pub enum $name { $($variant = $code,)+ }

        impl $name {
            /// The one of a code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// Its name in the standard.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

codes_of! {
    /// States of a device (DFU 1.1 §6.1.2).
    State {
        AppIdle = 0 "appIDLE",
        AppDetach = 1 "appDETACH",
        Idle = 2 "dfuIDLE",
        DnloadSync = 3 "dfuDNLOAD-SYNC",
        DnBusy = 4 "dfuDNBUSY",
        DnloadIdle = 5 "dfuDNLOAD-IDLE",
        ManifestSync = 6 "dfuMANIFEST-SYNC",
        Manifest = 7 "dfuMANIFEST",
        ManifestWaitReset = 8 "dfuMANIFEST-WAIT-RESET",
        UploadIdle = 9 "dfuUPLOAD-IDLE",
        Error = 10 "dfuERROR",
    }
}

codes_of! {
    /// Status codes (DFU 1.1 §6.1.2).
    Status {
        Ok = 0x00 "OK",
        ErrTarget = 0x01 "errTARGET",
        ErrFile = 0x02 "errFILE",
        ErrWrite = 0x03 "errWRITE",
        ErrErase = 0x04 "errERASE",
        ErrCheckErased = 0x05 "errCHECK_ERASED",
        ErrProg = 0x06 "errPROG",
        ErrVerify = 0x07 "errVERIFY",
        ErrAddress = 0x08 "errADDRESS",
        ErrNotDone = 0x09 "errNOTDONE",
        ErrFirmware = 0x0A "errFIRMWARE",
        ErrVendor = 0x0B "errVENDOR",
        ErrUsbReset = 0x0C "errUSBR",
        ErrPowerOnReset = 0x0D "errPOR",
        ErrUnknown = 0x0E "errUNKNOWN",
        ErrStalledPacket = 0x0F "errSTALLEDPKT",
    }
}

/// The answer to GET_STATUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the standard")]
pub struct StatusReport {
    /// Status of the last request.
    pub status: Status,
    /// How long to wait before the next GET_STATUS: up to 16,777,215 ms by the standard.
    pub poll: Duration,
    /// The state that this request leads to.
    pub state: State,
}

impl StatusReport {
    /// Its length in bytes.
    pub const SIZE: u16 = 6;

    /// The six bytes; the string index is 0.
    pub fn to_bytes(&self) -> [u8; 6] {
        let [a, b, c, ..] = (self.poll.as_millis().min(0xFF_FFFF) as u32).to_le_bytes();
        [self.status as u8, a, b, c, self.state as u8, 0]
    }

    /// The report in an answer; `None` if it is shorter, longer, or names what is not in the standard.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [status, a, b, c, state, _] = bytes.try_into().ok()?;
        let poll = Duration::from_millis(u32::from_le_bytes([a, b, c, 0]).into());
        Some(Self { status: Status::from_code(status)?, poll, state: State::from_code(state)? })
    }
}
