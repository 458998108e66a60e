//! Every field of a credential with its place, its value and its meaning, for people and for machines.
//!
//! The fields of a [`Part`] follow one another without gaps, so that a reader can account for every byte. Names are Arm's (psa_adac.h).

use core::fmt::Write as _;

use crate::certificate::{self, Certificate};
use crate::chain::Chain;
use crate::lifecycle::Lifecycle;
use crate::permission::PermissionMask;
use crate::tlv::{self, TypeId};
use crate::token::{self, Token};

/// One field: its place, its name, its value, and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Field {
    /// Where it starts in the input, bytes.
    pub offset: usize,
    /// Its length, bytes.
    pub length: usize,
    /// Its name, as `psa_adac.h` has it where it does.
    pub name: &'static str,
    /// Its value: a number, or bytes in hex as they stand.
    pub value: String,
    /// What the value means; empty where it speaks for itself.
    pub meaning: String,
}

/// A row of fields that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Part {
    /// What the fields make up together: `root certificate`, `TLV header`.
    pub title: String,
    /// Where it starts in the input, bytes.
    pub offset: usize,
    /// The fields, in order and without gaps.
    pub fields: Vec<Field>,
}

impl Part {
    fn new(title: impl Into<String>, offset: usize) -> Self {
        Self { title: title.into(), offset, fields: Vec::new() }
    }

    fn push(&mut self, length: usize, name: &'static str, value: impl Into<String>, meaning: impl Into<String>) {
        let offset = self.end();
        self.fields.push(Field { offset, length, name, value: value.into(), meaning: meaning.into() });
    }

    /// Fields of no bytes are not there.
    fn push_if_any(&mut self, bytes: &[u8], name: &'static str, meaning: &str) {
        if !bytes.is_empty() {
            self.push(bytes.len(), name, hex(bytes), meaning);
        }
    }

    /// Where it ends in the input: the first byte behind it.
    pub fn end(&self) -> usize {
        self.fields.last().map_or(self.offset, |field| field.offset + field.length)
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The permissions of a mask by name and bit, from the highest bit down; bits that STM32H5 does not have as a number.
pub fn permissions(mask: PermissionMask) -> String {
    let mut names: Vec<String> = mask.permissions().map(|p| format!("{} ({})", p.name(), p.bit())).collect();
    if !mask.unnamed().is_empty() {
        names.push(format!("unknown bits {}", mask.unnamed()));
    }
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// A chain as TLVs: header and certificate of each.
pub fn chain(chain: &Chain) -> Vec<Part> {
    let mut at = 0;
    let mut parts = Vec::new();
    for certificate in chain.certificates() {
        let length = certificate.to_bytes().len();
        parts.push(tlv_header(at, TypeId::BinaryCertificate, length));
        parts.push(self::certificate(certificate, at + tlv::HEADER_BYTES));
        at += tlv::HEADER_BYTES + length;
    }
    parts
}

/// The header of a TLV that starts at `offset` and has `length` value bytes.
pub fn tlv_header(offset: usize, type_id: TypeId, length: usize) -> Part {
    let mut part = Part::new("TLV header", offset);
    part.push(2, "reserved", "0x0000", "");
    part.push(2, "type_id", format!("{:#06x}", type_id.value()), type_id.to_string());
    part.push(4, "length_in_bytes", length.to_string(), "");
    part
}

/// A certificate that starts at `offset`.
pub fn certificate(certificate: &Certificate, offset: usize) -> Part {
    let mut part = certificate_to_sign(certificate, offset);
    part.title = format!("{} certificate", certificate.role());
    part.push(
        64,
        "signature",
        hex(certificate.signature()),
        "r and s; covers everything from the header to the extensions hash",
    );
    extensions(&mut part, certificate.extensions());
    part
}

/// The bytes of a certificate that its signature covers.
pub fn certificate_to_sign(certificate: &Certificate, offset: usize) -> Part {
    let (header, scope) = (certificate.header(), certificate.header().scope);
    let mut part = Part::new(format!("{} certificate to sign", certificate.role()), offset);
    version(&mut part, header.format_version);
    part.push(
        1,
        "signature_type",
        format!("{:#04x}", header.signature_type.value()),
        header.signature_type.to_string(),
    );
    part.push(1, "key_type", format!("{:#04x}", header.key_type.value()), header.key_type.to_string());
    part.push(1, "role", header.role.value().to_string(), header.role.to_string());
    part.push(1, "usage", scope.usage.value().to_string(), scope.usage.to_string());
    part.push(2, "policies", format!("{:#06x}", header.policies), "reserved in ADAC 1.0");
    let lifecycle = match scope.lifecycle {
        0 => "any".to_owned(),
        word => Lifecycle::decode(word).to_string(),
    };
    part.push(2, "lifecycle", format!("{:#06x}", scope.lifecycle), lifecycle);
    let constraint = if scope.oem_constraint == 0 { "none" } else { "" };
    part.push(2, "oem_constraint", format!("{:#06x}", scope.oem_constraint), constraint);
    part.push(4, "extensions_bytes", header.extensions_bytes.to_string(), "");
    let class = if scope.soc_class == 0 { "any" } else { "DEV_ID" };
    part.push(4, "soc_class", format!("{:#x}", scope.soc_class), class);
    let chip = if scope.soc_id == [0; 16] { "any chip" } else { "one chip" };
    part.push(16, "soc_id", hex(&scope.soc_id), chip);
    part.push(16, "permissions_mask", header.permissions_mask.to_string(), permissions(header.permissions_mask));
    let key = match certificate.public_key() {
        Ok(key) => format!("X and Y; SHA-256 {}", hex(&key.root_hash())),
        Err(error) => error.to_string(),
    };
    part.push(64, "public_key", hex(certificate.public_key_bytes()), key);
    extensions_hash(&mut part, certificate.extensions_hash(), certificate.verify_extensions().is_ok());
    debug_assert_eq!(part.end() - offset, certificate::SIGNED_BYTES);
    part
}

/// A token that starts at `offset`.
pub fn token(token: &Token, offset: usize) -> Part {
    let mut part = token_head(token, offset);
    part.title = "token".to_owned();
    part.push(64, "signature", hex(token.signature()), "r and s; covers everything before it and the challenge");
    extensions(&mut part, token.extensions());
    part
}

/// What the signature of a token covers: its head and the challenge.
pub fn token_to_sign(token: &Token, challenge: &crate::challenge::Challenge, offset: usize) -> Part {
    let mut part = token_head(token, offset);
    part.push(32, "challenge", hex(challenge), "of one AUTH_START only");
    part
}

fn token_head(token: &Token, offset: usize) -> Part {
    let system = crate::crypto::CryptoSystem::EcdsaP256Sha256;
    let mask = token.requested_permissions();
    let mut part = Part::new("token to sign", offset);
    version(&mut part, token.format_version());
    part.push(1, "signature_type", format!("{:#04x}", system.value()), system.to_string());
    part.push(1, "reserved", "0x00", "");
    part.push(4, "extensions_bytes", token.extensions().len().to_string(), "");
    part.push(16, "requested_permissions", mask.to_string(), permissions(mask));
    extensions_hash(&mut part, token.extensions_hash(), token.verify_extensions().is_ok());
    debug_assert_eq!(part.end() - offset, token::SIGNED_BYTES);
    part
}

fn version(part: &mut Part, (major, minor): (u8, u8)) {
    part.push(2, "format_version", format!("{major}.{minor}"), "");
}

fn extensions_hash(part: &mut Part, hash: &[u8; 32], holds: bool) {
    let meaning = match (holds, *hash == [0; 32]) {
        (true, true) => "no extensions",
        (true, false) => "SHA-256 of the extensions",
        (false, _) => "WRONG: not the hash of the extensions",
    };
    part.push(32, "extensions_hash", hex(hash), meaning);
}

fn extensions(part: &mut Part, extensions: &[u8]) {
    part.push_if_any(extensions, "extensions", "not interpreted");
    let padding = vec![0; extensions.len().wrapping_neg() % 4];
    part.push_if_any(&padding, "padding", "");
}
