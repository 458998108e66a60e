//! The answer to DISCOVERY: who the chip is and what it would grant.
//!
//! TLVs and their order as in ST's STM32CubeN6 `debug_authentication.c`, whose answer STM32CubeProgrammer prints like that of STM32H5.
//! Whether STM32H5 pads its TLVs is not public, so [`Discovery::decode`] finds out.

use core::fmt;

use crate::crypto::CryptoSystem;
use crate::lifecycle::Lifecycle;
use crate::packet::bytes_to_words;
use crate::permission::PermissionMask;
use crate::tlv::{Padding, Reader, Tlv, TlvError, TypeId, Writer};

/// ST's integrity status of the provisioned object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by `Other`")]
pub enum Integrity {
    /// 0xEAEAEAEA: an object is provisioned and intact. Only then can anybody authenticate.
    Valid,
    /// 0xF5F5F5F5: nothing provisioned, erased, or damaged.
    Invalid,
    /// A value whose meaning is not public.
    Other(u32),
}

impl Integrity {
    /// The value on the wire.
    pub const fn value(self) -> u32 {
        match self {
            Self::Valid => 0xEAEA_EAEA,
            Self::Invalid => 0xF5F5_F5F5,
            Self::Other(value) => value,
        }
    }
}

impl From<u32> for Integrity {
    fn from(value: u32) -> Self {
        match value {
            0xEAEA_EAEA => Self::Valid,
            0xF5F5_F5F5 => Self::Invalid,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value();
        match self {
            Self::Valid => write!(f, "valid ({value:#010x})"),
            Self::Invalid => write!(f, "invalid ({value:#010x})"),
            Self::Other(_) => write!(f, "unknown ({value:#010x})"),
        }
    }
}

/// Why bytes are not a discovery under one padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadingError {
    /// The TLV format is broken.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// A value has not the length of its type.
    #[error("byte {offset}: {type_id} has {found} bytes, {expected} are due")]
    Length {
        /// Where the TLV starts.
        offset: usize,
        /// The type of the TLV.
        type_id: TypeId,
        /// Bytes due, or the unit they are a multiple of.
        expected: usize,
        /// How many bytes its value has.
        found: usize,
    },
    /// A type comes twice.
    #[error("byte {offset}: {type_id} comes a second time")]
    Duplicate {
        /// Where the second TLV starts.
        offset: usize,
        /// The type of the TLV.
        type_id: TypeId,
    },
    /// There is no TLV.
    #[error("there is no TLV")]
    Empty,
}

/// Why bytes are not a discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// Neither padding makes sense of them.
    #[error("not a discovery: unpadded: {unpadded}; padded: {padded}")]
    Malformed {
        /// What breaks when read without padding.
        unpadded: ReadingError,
        /// What breaks when read with padding.
        padded: ReadingError,
    },
    /// Both paddings make sense of them, and not the same sense.
    #[error("the discovery reads differently with and without padding")]
    Ambiguous,
}

impl DiscoveryError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "discovery-malformed",
            Self::Ambiguous => "discovery-ambiguous",
        }
    }
}

/// A TLV this crate does not take apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the wire")]
pub struct OtherTlv {
    /// Its type.
    pub type_id: TypeId,
    /// Its value, as received and without padding.
    pub value: Vec<u8>,
}

/// What a chip says about itself. A TLV that did not come is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that its maker fills in, one field per TLV")]
pub struct Discovery {
    /// Version of ADAC: major, minor.
    pub auth_version: Option<(u8, u8)>,
    /// Vendor, as received: ST's own code has 20 00 and 00 20.
    pub vendor_id: Option<[u8; 2]>,
    /// DEV_ID: 0x484 is STM32H56x/573, 0x478 is STM32H52x/53x.
    pub soc_class: Option<u32>,
    /// Unique id: 96 bits and four zero bytes. STM32H56x with SFSP up to 2.5.0 shows zeros once Closed.
    pub soc_id: Option<[u8; 16]>,
    /// What could be granted. Says nothing about whether anything is provisioned.
    pub permissions_mask: Option<PermissionMask>,
    /// PSA life-cycle word; see [`Discovery::lifecycle`].
    pub psa_lifecycle: Option<u16>,
    /// Version of the secure debug authenticator, as received: 02 04 00 00 is 2.4.0. ST sends it as type 0x000A.
    pub sda_version: Option<[u8; 4]>,
    /// Kinds of token understood.
    pub token_formats: Option<Vec<TypeId>>,
    /// Kinds of certificate understood.
    pub cert_formats: Option<Vec<TypeId>>,
    /// Crypto systems understood: P-256 with TrustZone on, ST's password with TrustZone off.
    pub cryptosystems: Option<Vec<CryptoSystem>>,
    /// Integrity status of the provisioned object.
    pub integrity: Option<Integrity>,
    /// Status of HDPL 1, 2 and 3; meaning not public, 0xFFFFFFFF is usual.
    pub hdpl_status: [Option<u32>; 3],
    /// Everything else, in order.
    pub other: Vec<OtherTlv>,
}

impl Discovery {
    /// Reads the data of a discovery response, and tells which padding held. Zeros after the last TLV are skipped: ST announces
    /// `(n + 5) / 4` words for `n` bytes.
    ///
    /// Unpadded goes first. A reading whose every type is known wins over one with unknown types, because a wrong padding mostly shows
    /// as a wrong type.
    ///
    /// # Errors
    /// No padding makes sense of the bytes, or both do and disagree.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Padding), DiscoveryError> {
        let (unpadded, padded) = (Self::read(bytes, Padding::Unpadded), Self::read(bytes, Padding::Padded));
        match (unpadded, padded) {
            (Ok(unpadded), Ok(padded)) => match (unpadded.is_known(), padded.is_known()) {
                _ if unpadded == padded => Ok((unpadded, Padding::Unpadded)),
                (true, false) => Ok((unpadded, Padding::Unpadded)),
                (false, true) => Ok((padded, Padding::Padded)),
                _ => Err(DiscoveryError::Ambiguous),
            },
            (Ok(unpadded), Err(_)) => Ok((unpadded, Padding::Unpadded)),
            (Err(_), Ok(padded)) => Ok((padded, Padding::Padded)),
            (Err(unpadded), Err(padded)) => Err(DiscoveryError::Malformed { unpadded, padded }),
        }
    }

    /// The TLVs in ST's order.
    pub fn encode(&self, padding: Padding) -> Vec<u8> {
        let mut writer = Writer::new(padding);
        let mut push = |type_id, value: Option<&[u8]>| {
            if let Some(value) = value {
                writer.push(type_id, value);
            }
        };
        push(
            TypeId::AuthVersion,
            self.auth_version.map(|(major, minor)| [major, minor]).as_ref().map(<[_; 2]>::as_slice),
        );
        push(TypeId::VendorId, self.vendor_id.as_ref().map(<[_; 2]>::as_slice));
        push(TypeId::SocClass, self.soc_class.map(u32::to_le_bytes).as_ref().map(<[_; 4]>::as_slice));
        push(TypeId::SocId, self.soc_id.as_ref().map(<[_; 16]>::as_slice));
        let mask = self.permissions_mask.map(PermissionMask::to_le_bytes);
        push(TypeId::HwPermissionsMask, mask.as_ref().map(<[_; 16]>::as_slice));
        push(TypeId::PsaLifecycle, self.psa_lifecycle.map(u16::to_le_bytes).as_ref().map(<[_; 2]>::as_slice));
        push(TypeId::SdaId, self.sda_version.as_ref().map(<[_; 4]>::as_slice));
        let formats = |list: &[TypeId]| -> Vec<u8> { list.iter().flat_map(|id| id.value().to_le_bytes()).collect() };
        push(TypeId::TokenFormats, self.token_formats.as_deref().map(formats).as_deref());
        push(TypeId::CertFormats, self.cert_formats.as_deref().map(formats).as_deref());
        let systems = |list: &[CryptoSystem]| -> Vec<u8> { list.iter().map(|system| system.value()).collect() };
        push(TypeId::Cryptosystems, self.cryptosystems.as_deref().map(systems).as_deref());
        let integrity = self.integrity.map(|integrity| integrity.value().to_le_bytes());
        push(TypeId::ST_INTEGRITY, integrity.as_ref().map(<[_; 4]>::as_slice));
        for (type_id, status) in HDPL_TYPES.into_iter().zip(self.hdpl_status) {
            push(type_id, status.map(u32::to_le_bytes).as_ref().map(<[_; 4]>::as_slice));
        }
        for tlv in &self.other {
            push(tlv.type_id, Some(&tlv.value));
        }
        writer.finish()
    }

    /// The data words of a discovery response. Unpadded as ST's STM32CubeN6 announces them: `(n + 5) / 4` words for `n` bytes.
    pub fn to_words(&self, padding: Padding) -> Vec<u32> {
        let bytes = self.encode(padding);
        let mut words = bytes_to_words(&bytes);
        if padding == Padding::Unpadded {
            words.resize((bytes.len() + 5) / 4, 0);
        }
        words
    }

    /// The product state behind the life-cycle word.
    pub fn lifecycle(&self) -> Option<Lifecycle> {
        self.psa_lifecycle.map(Lifecycle::decode)
    }

    /// True if every TLV has a type this crate names.
    fn is_known(&self) -> bool {
        self.other.iter().all(|tlv| tlv.type_id.is_known() && tlv.type_id != TypeId::Null)
    }

    fn read(bytes: &[u8], padding: Padding) -> Result<Self, ReadingError> {
        let mut discovery = Self::default();
        let mut seen: Vec<TypeId> = Vec::new();
        let mut reader = Reader::new(bytes, padding);
        while reader.rest().iter().any(|&byte| byte != 0) {
            let Some(tlv) = reader.next() else { break };
            let tlv = tlv?;
            if seen.contains(&tlv.type_id) {
                return Err(ReadingError::Duplicate { offset: tlv.offset, type_id: tlv.type_id });
            }
            seen.push(tlv.type_id);
            discovery.take(tlv)?;
        }
        if seen.is_empty() { Err(ReadingError::Empty) } else { Ok(discovery) }
    }

    fn take(&mut self, tlv: Tlv<'_>) -> Result<(), ReadingError> {
        match tlv.type_id {
            TypeId::AuthVersion => self.auth_version = Some(fixed(&tlv).map(|[major, minor]| (major, minor))?),
            TypeId::VendorId => self.vendor_id = Some(fixed(&tlv)?),
            TypeId::SocClass => self.soc_class = Some(fixed(&tlv).map(u32::from_le_bytes)?),
            TypeId::SocId => self.soc_id = Some(fixed(&tlv)?),
            TypeId::HwPermissionsMask => {
                self.permissions_mask = Some(fixed(&tlv).map(PermissionMask::from_le_bytes)?);
            }
            TypeId::PsaLifecycle => self.psa_lifecycle = Some(fixed(&tlv).map(u16::from_le_bytes)?),
            TypeId::SdaId => self.sda_version = Some(fixed(&tlv)?),
            TypeId::TokenFormats => self.token_formats = Some(formats(&tlv)?),
            TypeId::CertFormats => self.cert_formats = Some(formats(&tlv)?),
            TypeId::Cryptosystems => {
                self.cryptosystems = Some(tlv.value.iter().copied().map(CryptoSystem::from).collect());
            }
            TypeId::ST_INTEGRITY => {
                self.integrity = Some(fixed(&tlv).map(|bytes| Integrity::from(u32::from_le_bytes(bytes)))?);
            }
            TypeId::StHdpl1Status => self.hdpl_status[0] = Some(fixed(&tlv).map(u32::from_le_bytes)?),
            TypeId::StHdpl2Status => self.hdpl_status[1] = Some(fixed(&tlv).map(u32::from_le_bytes)?),
            TypeId::StHdpl3Status => self.hdpl_status[2] = Some(fixed(&tlv).map(u32::from_le_bytes)?),
            type_id => self.other.push(OtherTlv { type_id, value: tlv.value.to_vec() }),
        }
        Ok(())
    }
}

const HDPL_TYPES: [TypeId; 3] = [TypeId::StHdpl1Status, TypeId::StHdpl2Status, TypeId::StHdpl3Status];

fn length_error(tlv: &Tlv<'_>, expected: usize) -> ReadingError {
    ReadingError::Length { offset: tlv.offset, type_id: tlv.type_id, expected, found: tlv.value.len() }
}

fn fixed<const N: usize>(tlv: &Tlv<'_>) -> Result<[u8; N], ReadingError> {
    tlv.value.try_into().map_err(|_| length_error(tlv, N))
}

fn formats(tlv: &Tlv<'_>) -> Result<Vec<TypeId>, ReadingError> {
    let (pairs, rest) = tlv.value.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(length_error(tlv, 2));
    }
    Ok(pairs.iter().map(|&pair| u16::from_le_bytes(pair).into()).collect())
}
