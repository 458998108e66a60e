//! `.obk` files: destination u32, payload size u32, encryption flag u32, then the payload, and nothing else.

use core::fmt;

use zeroize::Zeroizing;

use crate::memory::Range;

/// Bytes in front of the payload.
pub const HEADER_BYTES: usize = 12;
/// Destination and payload size are multiples of this: the quad-word the flash writes.
pub const ALIGN: usize = 16;

/// A byte that breaks a rule of the `.obk` format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {rule}")]
#[non_exhaustive]
pub struct ObkError {
    /// Where the field that breaks the rule starts in the file.
    pub offset: usize,
    /// The rule.
    pub rule: ObkRule,
}

/// A rule of the `.obk` format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObkRule {
    /// The header is all there.
    #[error("an .obk file starts with {HEADER_BYTES} header bytes, got {have}")]
    Header {
        /// How many bytes the file has.
        have: usize,
    },
    /// The destination is aligned.
    #[error("destination {found:#010x} must be a multiple of {ALIGN}")]
    DestinationAlignment {
        /// What stands there.
        found: u32,
    },
    /// The destination is in the storage.
    #[error("destination {found:#010x} lies in no HDPL range of the OBK storage")]
    Destination {
        /// What stands there.
        found: u32,
    },
    /// The file ends where the payload ends.
    #[error("payload of {announced} bytes announced, {have} follow the header")]
    Length {
        /// What the size field says.
        announced: u32,
        /// Bytes after the header.
        have: usize,
    },
    /// The payload is whole quad-words, at least one.
    #[error("payload of {found} bytes must be a positive multiple of {ALIGN}")]
    Size {
        /// Bytes of the payload.
        found: usize,
    },
    /// The payload ends in the range it starts in.
    #[error("payload ends at {end:#010x}, behind the end of its HDPL range at {limit:#010x}")]
    RangeEnd {
        /// First address behind the payload.
        end: u64,
        /// First address behind the range.
        limit: u32,
    },
    /// The flag is 0 or 1.
    #[error("encryption flag must be 0 or 1, found {found:#x}")]
    EncryptionFlag {
        /// What stands there.
        found: u32,
    },
}

provost_codes::codes!(ObkError, self => self.rule, {
    ObkRule::Header { .. } => "obk-header",
    ObkRule::DestinationAlignment { .. } => "obk-alignment",
    ObkRule::Destination { .. } => "obk-destination",
    ObkRule::Length { .. } => "obk-length",
    ObkRule::Size { .. } => "obk-size",
    ObkRule::RangeEnd { .. } => "obk-range-end",
    ObkRule::EncryptionFlag { .. } => "obk-encryption-flag",
});

impl ObkError {
    /// How to put it right.
    pub const fn fix(&self) -> &'static str {
        match self.rule {
            ObkRule::Header { .. } | ObkRule::Length { .. } => "the file is cut off or no .obk file: build it again",
            ObkRule::EncryptionFlag { .. } => "the file is no .obk file of an STM32H5: build it again",
            ObkRule::DestinationAlignment { .. } | ObkRule::Destination { .. } => {
                "give an address from 0x0FFD0000 to 0x0FFD1FEF, a multiple of 16; other families have other objects"
            }
            ObkRule::Size { .. } => "pad the payload with zeros to a multiple of 16 (GlobalAlign in ST's XML)",
            ObkRule::RangeEnd { .. } => {
                "move the object or make it smaller: it must end in the HDPL range it starts in"
            }
        }
    }
}

/// A provisioning object. The payload may be a key: it is wiped on drop and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Obk {
    destination: u32,
    encrypt: bool,
    payload: Zeroizing<Vec<u8>>,
}

impl Obk {
    /// An object for an address of the secure alias.
    ///
    /// `encrypt` must be set on parts with crypto accelerators (STM32H533, H573) and clear on the others; the chip does not refuse
    /// the wrong flag, it fails to authenticate once closed.
    ///
    /// # Errors
    /// The rule that is broken, with the offset its field has in the file.
    pub fn new(destination: u32, encrypt: bool, payload: Vec<u8>) -> Result<Self, ObkError> {
        let payload = Zeroizing::new(payload);
        if let Some(&error) = placement(destination, payload.len()).first() {
            return Err(error);
        }
        Ok(Self { destination, encrypt, payload })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The offset and the rule that is broken; the first of [`violations`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ObkError> {
        if let Some(&error) = violations(bytes).first() {
            return Err(error);
        }
        let Some((header, payload)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(ObkError { offset: 0, rule: ObkRule::Header { have: bytes.len() } });
        };
        let [destination, _, encrypt] = header_words(header);
        Self::new(destination, encrypt == 1, payload.to_vec())
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + self.payload.len()));
        bytes.extend_from_slice(&self.destination.to_le_bytes());
        bytes.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&u32::from(self.encrypt).to_le_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Where the payload goes, in the secure alias.
    pub const fn destination(&self) -> u32 {
        self.destination
    }

    /// Whether the chip shall encrypt the payload.
    pub const fn encrypt(&self) -> bool {
        self.encrypt
    }

    /// What goes to the chip, in clear text.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The HDPL range the payload goes to.
    pub fn range(&self) -> Option<&'static Range> {
        Range::of(self.destination)
    }
}

impl fmt::Debug for Obk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Obk")
            .field("destination", &format_args!("{:#010x}", self.destination))
            .field("encrypt", &self.encrypt)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

/// Every rule that a file breaks, in the order in which it is read.
pub fn violations(bytes: &[u8]) -> Vec<ObkError> {
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return vec![ObkError { offset: 0, rule: ObkRule::Header { have: bytes.len() } }];
    };
    let [destination, announced, encrypt] = header_words(header);
    let mut found = Vec::new();
    if usize::try_from(announced) != Ok(payload.len()) {
        found.push(ObkError { offset: 4, rule: ObkRule::Length { announced, have: payload.len() } });
    }
    if encrypt > 1 {
        found.push(ObkError { offset: 8, rule: ObkRule::EncryptionFlag { found: encrypt } });
    }
    found.extend(placement(destination, payload.len()));
    found
}

fn header_words(header: &[u8; HEADER_BYTES]) -> [u32; 3] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *header;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_le_bytes)
}

/// The rules for destination and size that are broken.
fn placement(destination: u32, size: usize) -> Vec<ObkError> {
    let mut found = Vec::new();
    if !(destination as usize).is_multiple_of(ALIGN) {
        found.push(ObkError { offset: 0, rule: ObkRule::DestinationAlignment { found: destination } });
    }
    let range = Range::of(destination);
    if range.is_none() {
        found.push(ObkError { offset: 0, rule: ObkRule::Destination { found: destination } });
    }
    if size == 0 || !size.is_multiple_of(ALIGN) {
        found.push(ObkError { offset: 4, rule: ObkRule::Size { found: size } });
    }
    let end = u64::from(destination) + size as u64;
    if let Some(limit) = range.map(Range::end).filter(|&limit| end > u64::from(limit)) {
        found.push(ObkError { offset: 4, rule: ObkRule::RangeEnd { end, limit } });
    }
    found
}
