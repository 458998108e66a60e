//! The forms in which files hold certificate chains.

use core::fmt;

use base64ct::{Base64, Encoding as _};

use super::Chain;
use crate::certificate::{Certificate, CertificateError};
use crate::pem;
use crate::tlv::{HEADER_BYTES, Padding, Reader, TlvError, TypeId, Writer};

/// Label of a chain in PEM (Arm's adac-rs).
const PEM_LABEL: &str = "ADAC CERTIFICATE CHAIN";

/// Why bytes or text are not a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFormatError {
    /// The text is not standard base64.
    #[error("byte {offset}: not base64")]
    Base64 {
        /// Where in the text.
        offset: usize,
    },
    /// The text has PEM blocks, but none of a chain.
    #[error("no PEM block \"{PEM_LABEL}\"")]
    NoPemBlock,
    /// The bytes are not TLVs.
    #[error("not a row of TLVs: {0}")]
    Tlv(#[from] TlvError),
    /// A TLV is not a certificate.
    #[error("byte {offset}: a {} TLV is due, found {found}", TypeId::BinaryCertificate)]
    Type {
        /// Where the TLV starts.
        offset: usize,
        /// The type that stands there.
        found: TypeId,
    },
    /// A certificate breaks its format.
    #[error("certificate {index} at byte {offset}: {error}")]
    Certificate {
        /// Position in the chain, the root is 0.
        index: usize,
        /// Where its TLV starts.
        offset: usize,
        /// What is broken.
        error: CertificateError,
    },
    /// A certificate without a TLV around it breaks its format.
    #[error(transparent)]
    Bare(CertificateError),
}

provost_codes::codes!(ChainFormatError, self => self, {
    Self::Base64 { .. } => "chain-base64",
    Self::NoPemBlock => "chain-no-pem-block",
    Self::Type { .. } => "chain-tlv-type",
    ;
    Self::Tlv(error) => error.code(),
    Self::Certificate { error, .. } | Self::Bare(error) => error.code(),
});

impl ChainFormatError {
    /// The byte that breaks the rule: of the text for [`Self::Base64`], otherwise of the bytes that base64 stands for.
    pub const fn offset(&self) -> Option<usize> {
        match self {
            Self::NoPemBlock => None,
            Self::Base64 { offset } => Some(*offset),
            Self::Tlv(error) => Some(error.offset),
            Self::Type { offset, .. } => Some(*offset + 2),
            Self::Certificate { offset, error, .. } => Some(*offset + HEADER_BYTES + error.offset),
            Self::Bare(error) => Some(error.offset),
        }
    }
}

/// The form of a chain file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChainForm {
    /// Base64 of TLVs: what ST's tools write and read (`cert_leaf_chain.b64`).
    Base64,
    /// Base64 of one certificate without a TLV around it (`cert_root.cert` beside ST's NUCLEO-H533RE).
    Base64Bare,
    /// TLVs in a PEM block `ADAC CERTIFICATE CHAIN` (Arm's adac-rs).
    Pem,
    /// TLVs.
    Tlv,
    /// One certificate without a TLV around it.
    Bare,
}

impl fmt::Display for ChainForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "base64 of TLVs",
            Self::Base64Bare => "base64 of a certificate without TLV",
            Self::Pem => "PEM",
            Self::Tlv => "TLVs",
            Self::Bare => "certificate without TLV",
        })
    }
}

impl Chain {
    /// Reads a chain in whatever form, and tells which.
    ///
    /// # Errors
    /// The offset and the rule that is broken, for the form the bytes seem to have.
    pub fn read(bytes: &[u8]) -> Result<(Self, ChainForm), ChainFormatError> {
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=".contains(byte);
        match core::str::from_utf8(bytes) {
            Ok(text) if pem::blocks(text).next().is_some() => Ok((Self::from_pem(text)?, ChainForm::Pem)),
            // Certificate and TLV begin with bytes that are no text.
            Ok(text) if !bytes.is_empty() && bytes.iter().all(is_base64) => {
                let bytes = pem::decode_base64(text).map_err(|offset| ChainFormatError::Base64 { offset })?;
                let (chain, bare) = Self::read_binary(&bytes)?;
                Ok((chain, if bare { ChainForm::Base64Bare } else { ChainForm::Base64 }))
            }
            _ => {
                let (chain, bare) = Self::read_binary(bytes)?;
                Ok((chain, if bare { ChainForm::Bare } else { ChainForm::Tlv }))
            }
        }
    }

    /// A certificate begins with its major version 1, a TLV with its reserved field 0.
    fn read_binary(bytes: &[u8]) -> Result<(Self, bool), ChainFormatError> {
        if bytes.first() == Some(&1) {
            let certificate = Certificate::parse(bytes).map_err(ChainFormatError::Bare)?;
            return Ok((Self::new(vec![certificate]), true));
        }
        Self::from_tlv(bytes).map(|chain| (chain, false))
    }

    /// Reads one TLV per certificate.
    ///
    /// # Errors
    /// Names the offset and the rule that is broken.
    pub fn from_tlv(bytes: &[u8]) -> Result<Self, ChainFormatError> {
        let mut certificates = Vec::new();
        // A certificate is a multiple of four, so the question of padding does not arise; Arm's rule is to pad.
        for (index, tlv) in Reader::new(bytes, Padding::Padded).enumerate() {
            let tlv = tlv?;
            if tlv.type_id != TypeId::BinaryCertificate {
                return Err(ChainFormatError::Type { offset: tlv.offset, found: tlv.type_id });
            }
            let certificate = Certificate::parse(tlv.value);
            let named = |error| ChainFormatError::Certificate { index, offset: tlv.offset, error };
            certificates.push(certificate.map_err(named)?);
        }
        Ok(Self { certificates })
    }

    /// One TLV per certificate.
    pub fn to_tlv(&self) -> Vec<u8> {
        let mut writer = Writer::new(Padding::Padded);
        for certificate in &self.certificates {
            writer.push(TypeId::BinaryCertificate, &certificate.to_bytes());
        }
        writer.finish()
    }

    /// Reads ST's `.b64` file: base64 of the TLVs. White space is skipped.
    ///
    /// # Errors
    /// Not base64, or not a chain.
    pub fn from_base64(text: &str) -> Result<Self, ChainFormatError> {
        Self::from_tlv(&pem::decode_base64(text).map_err(|offset| ChainFormatError::Base64 { offset })?)
    }

    /// ST's `.b64` file: one line without a line end.
    pub fn to_base64(&self) -> String {
        Base64::encode_string(&self.to_tlv())
    }

    /// Reads Arm's PEM file: TLVs in a block `ADAC CERTIFICATE CHAIN`.
    ///
    /// # Errors
    /// No such block, not base64, or not a chain.
    pub fn from_pem(text: &str) -> Result<Self, ChainFormatError> {
        let block = pem::blocks(text).find(|block| block.label == PEM_LABEL).ok_or(ChainFormatError::NoPemBlock)?;
        Self::from_tlv(&block.decode().map_err(|offset| ChainFormatError::Base64 { offset })?)
    }

    /// Arm's PEM file.
    pub fn to_pem(&self) -> String {
        String::clone(&pem::encode(PEM_LABEL, &self.to_tlv()))
    }
}
