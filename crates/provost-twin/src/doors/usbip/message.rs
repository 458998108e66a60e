//! USB/IP as bytes (Linux, `Documentation/usb/usbip_protocol.rst`, version 1.1.1): both ends, no I/O. Numbers are most significant byte
//! first; a length is held against what may be before it is believed.

use provost_bootloader::usb::SetupPacket;

/// Version of the protocol: 1.1.1.
const VERSION: u16 = 0x0111;
const REQ_DEVLIST: u16 = 0x8005;
const REP_DEVLIST: u16 = 0x0005;
const REQ_IMPORT: u16 = 0x8003;
const REP_IMPORT: u16 = 0x0003;
const CMD_SUBMIT: u32 = 1;
const CMD_UNLINK: u32 = 2;
const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;
/// Version, code, status.
const COMMON: usize = 8;
const BUS_ID: usize = 32;
const PATH: usize = 256;
/// A device in a list, without its interfaces.
const DEVICE: usize = PATH + BUS_ID + 24;
/// Every command and answer between kernel and device has this head.
const HEAD: usize = 48;
/// The most data that a control transfer moves.
pub const LARGEST: u32 = 0xFFFF;
/// The most devices and interfaces that a client believes in.
const MANY: u32 = 64;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all of the protocol that a client says")]
pub enum Asked {
    /// Which devices there are.
    List,
    /// To have this device.
    Import(String),
    /// A transfer.
    Submit(Submit),
    /// To take back a transfer.
    Unlink {
        /// Number of this command.
        number: u32,
    },
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct Submit {
    /// Its number.
    pub number: u32,
    /// Its endpoint.
    pub endpoint: u32,
    /// Whether the device sends the data.
    pub is_in: bool,
    /// How much data there may be, at most [`LARGEST`].
    pub length: u32,
    /// Setup packet of a control transfer.
    pub setup: SetupPacket,
    /// What the host sends.
    pub data: Vec<u8>,
}

/// Bytes that are not of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not of the USB/IP protocol")]
#[expect(clippy::exhaustive_structs, reason = "there is no more to say")]
pub struct Malformed;

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A text that ends at its first zero.
fn fixed(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn padded(text: &str, size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = text.bytes().take(size - 1).collect();
    bytes.resize(size, 0);
    bytes
}

impl Asked {
    /// The first one in `bytes`, and how many of them it takes; `None` as long as it is not there as a whole. Once a device is imported
    /// only transfers follow.
    ///
    /// # Errors
    /// [`Malformed`], as soon as that is seen.
    pub fn take(bytes: &[u8], imported: bool) -> Result<Option<(Self, usize)>, Malformed> {
        if imported { Self::transfer(bytes) } else { Self::operation(bytes) }
    }

    fn operation(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let (Some(version), Some(code)) = (half(bytes, 0), half(bytes, 2)) else {
            // Whoever speaks something else is found out by its first bytes.
            let begun = VERSION.to_be_bytes();
            return if begun.starts_with(bytes.get(..bytes.len().min(2)).unwrap_or_default()) {
                Ok(None)
            } else {
                Err(Malformed)
            };
        };
        // Later versions of the same protocol differ in the last digit.
        if version >> 4 != VERSION >> 4 {
            return Err(Malformed);
        }
        match code {
            REQ_DEVLIST => Ok((bytes.len() >= COMMON).then_some((Self::List, COMMON))),
            REQ_IMPORT => {
                let end = COMMON + BUS_ID;
                Ok(bytes.get(COMMON..end).map(|id| (Self::Import(fixed(id)), end)))
            }
            _ => Err(Malformed),
        }
    }

    fn transfer(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let Some(command) = word(bytes, 0) else { return Ok(None) };
        if !matches!(command, CMD_SUBMIT | CMD_UNLINK) {
            return Err(Malformed);
        }
        let Some(head) = bytes.get(..HEAD) else { return Ok(None) };
        let at = |place| word(head, place).unwrap_or(0);
        let number = at(4);
        if command == CMD_UNLINK {
            return Ok(Some((Self::Unlink { number }, HEAD)));
        }
        let (is_in, length, packets) = (at(12) == 1, at(24), at(32));
        // A device without isochronous endpoints: packets are 0, or -1 as newer kernels say.
        if at(12) > 1 || length > LARGEST || !matches!(packets, 0 | u32::MAX) {
            return Err(Malformed);
        }
        let end = if is_in { HEAD } else { HEAD + length as usize };
        let Some(data) = bytes.get(HEAD..end) else { return Ok(None) };
        let setup = head.get(40..48).and_then(|b| b.try_into().ok()).map(SetupPacket::from_bytes).ok_or(Malformed)?;
        Ok(Some((Self::Submit(Submit { number, endpoint: at(16), is_in, length, setup, data: data.to_vec() }), end)))
    }

    /// Its bytes, as a client sends them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let operation = |code: u16| [VERSION.to_be_bytes(), code.to_be_bytes(), [0; 2], [0; 2]].concat();
        match self {
            Self::List => operation(REQ_DEVLIST),
            Self::Import(id) => [operation(REQ_IMPORT), padded(id, BUS_ID)].concat(),
            Self::Unlink { number } => {
                let mut bytes = [CMD_UNLINK, *number, 0, 0, 0].map(u32::to_be_bytes).concat();
                bytes.resize(HEAD, 0);
                bytes
            }
            Self::Submit(Submit { number, endpoint, is_in, length, setup, data }) => {
                let head = [CMD_SUBMIT, *number, 0, u32::from(*is_in), *endpoint, 0, *length, 0, 0, 0];
                [head.map(u32::to_be_bytes).concat(), setup.to_bytes().to_vec(), data.clone()].concat()
            }
        }
    }
}

/// A device in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields that a client needs")]
pub struct Listed {
    /// Where it is plugged in.
    pub bus_id: String,
    /// `idVendor`.
    pub vendor: u16,
    /// `idProduct`.
    pub product: u16,
    /// `bcdDevice`.
    pub release: u16,
    /// Class, subclass and protocol of its interfaces.
    pub interfaces: Vec<[u8; 3]>,
}

impl Listed {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = padded(&format!("/sys/devices/virtual/{}", self.bus_id), PATH);
        bytes.extend(padded(&self.bus_id, BUS_ID));
        // Bus 1, device 1, full speed.
        bytes.extend([1u32, 1, 2].map(u32::to_be_bytes).concat());
        bytes.extend([self.vendor, self.product, self.release].map(u16::to_be_bytes).concat());
        bytes.extend([0, 0, 0, 1, 1, self.interfaces.len() as u8]);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<(Self, u8)> {
        let rest = bytes.get(PATH + BUS_ID..DEVICE)?;
        let bus_id = fixed(bytes.get(PATH..PATH + BUS_ID)?);
        let (vendor, product, release) = (half(rest, 12)?, half(rest, 14)?, half(rest, 16)?);
        Some((Self { bus_id, vendor, product, release, interfaces: Vec::new() }, *rest.get(23)?))
    }
}

/// What a server answers to an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "both answers of the protocol")]
pub enum Told {
    /// These devices there are.
    Devices(Vec<Listed>),
    /// The device is the client's now; `None` where it cannot be had.
    Imported(Option<Listed>),
}

impl Told {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let common =
            |code: u16, status: u32| [&VERSION.to_be_bytes()[..], &code.to_be_bytes(), &status.to_be_bytes()].concat();
        match self {
            Self::Devices(devices) => {
                let mut bytes = common(REP_DEVLIST, 0);
                bytes.extend((devices.len() as u32).to_be_bytes());
                for device in devices {
                    bytes.extend(device.to_bytes());
                    bytes.extend(device.interfaces.iter().flat_map(|[c, s, p]| [*c, *s, *p, 0]));
                }
                bytes
            }
            Self::Imported(Some(device)) => [common(REP_IMPORT, 0), device.to_bytes()].concat(),
            Self::Imported(None) => common(REP_IMPORT, 1),
        }
    }

    /// The answer in `bytes`; `None` as long as it is not there as a whole.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn take(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let (Some(version), Some(code), Some(status)) = (half(bytes, 0), half(bytes, 2), word(bytes, 4)) else {
            return Ok(None);
        };
        match (version >> 4 == VERSION >> 4, code, status) {
            (true, REP_IMPORT, 0) => {
                Ok(bytes.get(COMMON..).and_then(Listed::read).map(|(d, _)| Self::Imported(Some(d))))
            }
            (true, REP_IMPORT, _) => Ok(Some(Self::Imported(None))),
            (true, REP_DEVLIST, 0) => Self::devices(bytes),
            _ => Err(Malformed),
        }
    }

    fn devices(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some(count) = word(bytes, COMMON) else { return Ok(None) };
        if count > MANY {
            return Err(Malformed);
        }
        let mut at = COMMON + 4;
        let mut devices = Vec::new();
        for _ in 0..count {
            let Some((mut device, interfaces)) = bytes.get(at..).and_then(Listed::read) else { return Ok(None) };
            at += DEVICE;
            let end = at + 4 * usize::from(interfaces);
            let Some(list) = bytes.get(at..end) else { return Ok(None) };
            device.interfaces = list.chunks_exact(4).map(|c| [c[0], c[1], c[2]]).collect();
            at = end;
            devices.push(device);
        }
        Ok(Some(Self::Devices(devices)))
    }
}

/// The end of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct Done {
    /// Number of the command.
    pub number: u32,
    /// 0, or a negated error number of Linux.
    pub status: i32,
    /// Bytes that were moved.
    pub moved: u32,
    /// What the device sends.
    pub data: Vec<u8>,
}

impl Done {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = [RET_SUBMIT, self.number, 0, 0, 0, self.status.cast_unsigned(), self.moved, 0, 0, 0, 0, 0];
        [head.map(u32::to_be_bytes).concat(), self.data.clone()].concat()
    }

    /// The answer to that a transfer is taken back which has ended already.
    pub fn unlinked(number: u32) -> Vec<u8> {
        let mut bytes = [RET_UNLINK, number].map(u32::to_be_bytes).concat();
        bytes.resize(HEAD, 0);
        bytes
    }

    /// The end of the transfer `submitted` in `bytes`; `None` as long as it is not there as a whole.
    ///
    /// # Errors
    /// [`Malformed`]: another transfer's, or more data than was asked for.
    pub fn take(bytes: &[u8], submitted: &Submit) -> Result<Option<Self>, Malformed> {
        let Some(head) = bytes.get(..HEAD) else { return Ok(None) };
        let at = |place| word(head, place).unwrap_or(0);
        let (number, status, moved) = (at(4), at(20).cast_signed(), at(24));
        if at(0) != RET_SUBMIT || number != submitted.number || moved > submitted.length {
            return Err(Malformed);
        }
        let end = if submitted.is_in { HEAD + moved as usize } else { HEAD };
        Ok(bytes.get(HEAD..end).map(|data| Self { number, status, moved, data: data.to_vec() }))
    }
}
