//! ADAC type-length-value fragments: reserved u16 = 0, type u16, length u32 in bytes, value (Arm psa_adac.h `psa_tlv_t`).

use core::fmt;

use crate::open_enum::open_enum;

/// Bytes in front of every value.
pub const HEADER_BYTES: usize = 8;

open_enum! {
    /// What a value is (Arm psa_adac.h `type_id_t`; 0x8000 and above from ST's STM32CubeN6 `debug_authentication.c`).
    TypeId: u16 {
        /// No type: what an empty fragment has.
        Null = 0x0000, "null";
        /// Version of ADAC the target speaks.
        AuthVersion = 0x0001, "auth_version";
        /// Vendor of the chip.
        VendorId = 0x0002, "vendor_id";
        /// Class of the chip; DEV_ID on STM32.
        SocClass = 0x0003, "soc_class";
        /// This one chip.
        SocId = 0x0004, "soc_id";
        /// Identity of the target.
        TargetIdentity = 0x0005, "target_identity";
        /// Permissions fixed in hardware.
        HwPermissionsFixed = 0x0006, "hw_permissions_fixed";
        /// Permissions that can be granted.
        HwPermissionsMask = 0x0007, "hw_permissions_mask";
        /// PSA life-cycle word.
        PsaLifecycle = 0x0008, "psa_lifecycle";
        /// Software partition.
        SwPartitionId = 0x0009, "sw_partition_id";
        /// Secure debug authenticator; ST stores its version here.
        SdaId = 0x000A, "sda_id";
        /// Version of the secure debug authenticator; not seen from ST.
        SdaVersion = 0x000B, "sda_version";
        /// Permissions in force.
        EffectivePermissions = 0x000C, "effective_permissions";
        /// Kinds of token understood.
        TokenFormats = 0x0100, "token_formats";
        /// Kinds of certificate understood.
        CertFormats = 0x0101, "cert_formats";
        /// Crypto systems understood.
        Cryptosystems = 0x0102, "cryptosystems";
        /// A token in Arm's binary form.
        BinaryToken = 0x0200, "binary_token";
        /// A certificate in Arm's binary form.
        BinaryCertificate = 0x0201, "binary_certificate";
        /// An X.509 certificate.
        X509Certificate = 0x0202, "x509_certificate";
        /// ST: in discovery the integrity status of the provisioned object, in AUTH_RESPONSE a password.
        StPassword = 0x8000, "st_password";
        /// ST: status of HDPL 1.
        StHdpl1Status = 0x8001, "st_hdpl1_status";
        /// ST: status of HDPL 2.
        StHdpl2Status = 0x8002, "st_hdpl2_status";
        /// ST: status of HDPL 3.
        StHdpl3Status = 0x8003, "st_hdpl3_status";
    }
}

impl TypeId {
    /// ST's second use of 0x8000: the integrity status of the provisioned object, in discovery.
    pub const ST_INTEGRITY: Self = Self::StPassword;
}

/// Whether a value is followed by zeros up to a multiple of four bytes. The length field never counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "filled or not")]
pub enum Padding {
    /// The next header follows at once (ST, STM32CubeN6).
    Unpadded,
    /// The next header starts at a multiple of four (Arm; ST, STM32MP21).
    Padded,
}

impl Padding {
    /// Zeros that follow a value of `length` bytes.
    const fn after(self, length: usize) -> usize {
        match self {
            Self::Unpadded => 0,
            Self::Padded => length.wrapping_neg() % 4,
        }
    }
}

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unpadded => "unpadded",
            Self::Padded => "padded",
        })
    }
}

/// One fragment: type, value, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tlv<'a> {
    /// Where its header starts in the bytes read.
    pub offset: usize,
    /// What the value is.
    pub type_id: TypeId,
    /// The value, without padding.
    pub value: &'a [u8],
}

/// A byte that breaks a rule of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {rule}")]
#[non_exhaustive]
pub struct TlvError {
    /// Where the field that breaks the rule starts.
    pub offset: usize,
    /// The rule.
    pub rule: TlvRule,
}

provost_codes::codes!(TlvError, self => self.rule, {
    TlvRule::Header { .. } => "tlv-header",
    TlvRule::Reserved { .. } => "tlv-reserved",
    TlvRule::Length { .. } => "tlv-length",
    TlvRule::PaddingMissing { .. } | TlvRule::PaddingNotZero => "tlv-padding",
});

/// A rule of the TLV format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlvRule {
    /// The header has 8 bytes.
    #[error("a TLV header has {HEADER_BYTES} bytes, {have} are left")]
    Header {
        /// How many bytes are left for a header.
        have: usize,
    },
    /// The first two bytes are zero.
    #[error("the reserved field must be 0, found {found:#06x}")]
    Reserved {
        /// What stands there.
        found: u16,
    },
    /// The value is all there.
    #[error("{announced} value bytes announced, {available} are left")]
    Length {
        /// What the length field says.
        announced: u32,
        /// Bytes left after the header.
        available: usize,
    },
    /// The padding is all there.
    #[error("{expected} padding bytes must follow, {available} are left")]
    PaddingMissing {
        /// Padding bytes due.
        expected: usize,
        /// Bytes left after the value.
        available: usize,
    },
    /// The padding is zero.
    #[error("padding must be zero")]
    PaddingNotZero,
}

/// Writes fragments one behind the other.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    padding: Padding,
}

impl Writer {
    /// An empty writer.
    pub fn new(padding: Padding) -> Self {
        Self::with_capacity(padding, 0)
    }

    /// An empty writer with room for `capacity` bytes, so that a secret is not left behind by a move.
    pub fn with_capacity(padding: Padding, capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), padding }
    }

    /// Appends one fragment. A value has fewer than 2^32 bytes.
    pub fn push(&mut self, type_id: TypeId, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&type_id.value().to_le_bytes());
        self.bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len() + self.padding.after(value.len()), 0);
        self
    }

    /// The bytes of all fragments, padded if that was asked for.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads fragments one behind the other; stops after the first error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    padding: Padding,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their start.
    pub fn new(bytes: &'a [u8], padding: Padding) -> Self {
        Self { rest: bytes, offset: 0, padding }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Result<Tlv<'a>, TlvError> {
        let offset = self.offset;
        let fail = |at: usize, rule| Err(TlvError { offset: offset + at, rule });
        let Some((header, body)) = self.rest.split_first_chunk::<HEADER_BYTES>() else {
            return fail(0, TlvRule::Header { have: self.rest.len() });
        };
        let [r0, r1, t0, t1, length @ ..] = *header;
        let reserved = u16::from_le_bytes([r0, r1]);
        if reserved != 0 {
            return fail(0, TlvRule::Reserved { found: reserved });
        }
        let announced = u32::from_le_bytes(length);
        let split = usize::try_from(announced).ok().and_then(|length| body.split_at_checked(length));
        let Some((value, after)) = split else {
            return fail(4, TlvRule::Length { announced, available: body.len() });
        };
        let expected = self.padding.after(value.len());
        let Some((padding, rest)) = after.split_at_checked(expected) else {
            return fail(HEADER_BYTES + value.len(), TlvRule::PaddingMissing { expected, available: after.len() });
        };
        if let Some(at) = padding.iter().position(|&byte| byte != 0) {
            return fail(HEADER_BYTES + value.len() + at, TlvRule::PaddingNotZero);
        }
        self.rest = rest;
        self.offset += HEADER_BYTES + value.len() + padding.len();
        Ok(Tlv { offset, type_id: u16::from_le_bytes([t0, t1]).into(), value })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let tlv = self.read();
        if tlv.is_err() {
            self.rest = &[];
        }
        Some(tlv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_fragments_name_offset_and_rule() {
        let read = |bytes: &[u8], padding| Reader::new(bytes, padding).find_map(Result::err).unwrap();
        // A good TLV of 5 value bytes in front, so that offsets are not those of the first header.
        let good = [0, 0, 1, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5];
        let table: [(&[u8], Padding, usize, TlvRule); 6] = [
            (&[0, 0, 1], Padding::Unpadded, 13, TlvRule::Header { have: 3 }),
            (&[1, 2, 1, 0, 0, 0, 0, 0], Padding::Unpadded, 13, TlvRule::Reserved { found: 0x0201 }),
            (&[0, 0, 1, 0, 2, 0, 0, 0, 9], Padding::Unpadded, 17, TlvRule::Length { announced: 2, available: 1 }),
            (
                &[0, 0, 1, 0, 255, 255, 255, 255],
                Padding::Unpadded,
                17,
                TlvRule::Length { announced: u32::MAX, available: 0 },
            ),
            (&[0], Padding::Padded, 13, TlvRule::PaddingMissing { expected: 3, available: 1 }),
            (&[0, 7, 0], Padding::Padded, 14, TlvRule::PaddingNotZero),
        ];
        for (tail, padding, offset, rule) in table {
            assert_eq!(read(&[&good, tail].concat(), padding), TlvError { offset, rule });
        }
    }

    #[test]
    fn offsets_count_the_padding() {
        let mut writer = Writer::new(Padding::Padded);
        writer.push(TypeId::Cryptosystems, &[0x80]);
        writer.push(TypeId::VendorId, &[0x20, 0x00]);
        let bytes = writer.finish();
        let offsets: Vec<usize> = Reader::new(&bytes, Padding::Padded).map(|tlv| tlv.unwrap().offset).collect();
        assert_eq!(offsets, [0, 8 + 4]);
    }

    #[test]
    fn padding_is_not_counted() {
        let mut writer = Writer::new(Padding::Padded);
        writer.push(TypeId::Cryptosystems, &[0x80]);
        assert_eq!(writer.finish(), [0, 0, 0x02, 0x01, 1, 0, 0, 0, 0x80, 0, 0, 0]);
    }
}
