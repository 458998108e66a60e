//! Signing where the key is not here: a request goes out, a signature comes back, and what they make together is checked.
//!
//! What is signed is what the chip will hash: the first 148 bytes of a certificate, or the first 56 bytes of a token and the 32 bytes
//! of the challenge (Arm `psa_adac.h`). Any tool that makes ECDSA P-256 signatures over SHA-256 will do, for instance
//! `openssl dgst -sha256 -sign key.pem -out signature.der to_be_signed.bin`.
//!
//! With the feature `serde` a [`SigningRequest`] is written and read as a flat record of texts; [`SigningRequest::FORMAT`] names it.

#[cfg(feature = "serde")]
mod form;

use core::fmt;

use crate::certificate::{self, Builder, Certificate, CertificateError};
use crate::challenge::Challenge;
use crate::crypto::{Hash, sha256};
use crate::describe::{self, Part};
use crate::extensions::BadExtensionsHash;
use crate::key::{KeyError, PublicKey, SignatureError, parse_der_signature, parse_signature};
use crate::permission::PermissionMask;
use crate::tlv::{Padding, TypeId, Writer};
use crate::token::{self, Token, TokenError};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that ADAC signs")]
pub enum RequestKind {
    /// A certificate.
    Certificate,
    /// A token, good for one challenge only.
    Token,
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Token => "token",
        })
    }
}

/// Why bytes or a record are not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The bytes to sign have neither of the two lengths.
    #[error(
        "{} bytes of a certificate or {} of a token are to be signed, not {have}",
        certificate::SIGNED_BYTES,
        token::MESSAGE_BYTES
    )]
    Length {
        /// How many bytes came.
        have: usize,
    },
    /// The bytes are not the head of a certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The bytes are not the head of a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The extensions are not those whose hash is to be signed.
    #[error(transparent)]
    Extensions(#[from] BadExtensionsHash),
    /// The signer's public key is none.
    #[error("signer: {0}")]
    Signer(#[from] KeyError),
    /// A field of a record does not hold what its name says.
    #[error("{field}: {rule}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What is due.
        rule: &'static str,
    },
}

impl RequestError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "request-length",
            Self::Certificate(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Extensions(_) => "request-extensions-hash",
            Self::Signer(error) => error.code(),
            Self::Field { .. } => "request-field",
        }
    }
}

/// Why a signature makes nothing of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The bytes are no signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature is not that of the signer over these bytes.
    #[error("the signature is not that of the request's signer over the request's bytes")]
    WrongSignature,
}

impl MergeError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            Self::WrongSignature => "signature-wrong",
        }
    }
}

/// A certificate or token that has its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all that ADAC signs")]
pub enum Signed {
    /// A certificate.
    Certificate(Certificate),
    /// A token.
    Token(Token),
}

impl Signed {
    /// The bytes on the wire, without a TLV.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Certificate(certificate) => certificate.to_bytes(),
            Self::Token(token) => token.to_bytes(),
        }
    }

    /// The bytes in a TLV, as they stand in a chain and are sent.
    pub fn to_tlv(&self) -> Vec<u8> {
        let type_id = match self {
            Self::Certificate(_) => TypeId::BinaryCertificate,
            Self::Token(_) => TypeId::BinaryToken,
        };
        let mut writer = Writer::new(Padding::Padded);
        writer.push(type_id, &self.to_bytes());
        writer.finish()
    }
}

/// A certificate or token that waits for its signature, and who is to sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "form::Form", try_from = "form::Form")
)]
pub struct SigningRequest {
    signer: PublicKey,
    unsigned: Unsigned,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unsigned {
    Certificate(Box<Certificate>),
    Token(Box<Token>, Challenge),
}

impl SigningRequest {
    /// Names the record that serde reads and writes, and its version.
    pub const FORMAT: &'static str = "provost-signing-request-1";
    /// How is to be signed.
    pub const ALGORITHM: &'static str = "ECDSA P-256 SHA-256";

    /// Asks for a certificate for the key `subject`, to be signed by `issuer`; for a root the two are the same.
    pub fn certificate(what: Builder, subject: &PublicKey, issuer: &PublicKey) -> Self {
        Self { signer: *issuer, unsigned: Unsigned::Certificate(Box::new(what.unsigned(subject))) }
    }

    /// Asks for a token in answer to a challenge, to be signed by the key of the chain's last certificate. The chip must keep waiting
    /// meanwhile: every AUTH_START makes a new challenge.
    pub fn token(requested: impl Into<PermissionMask>, challenge: &Challenge, signer: &PublicKey) -> Self {
        Self::token_with_extensions(requested, &[], challenge, signer)
    }

    /// Asks for a token with extensions.
    pub fn token_with_extensions(
        requested: impl Into<PermissionMask>,
        extensions: &[u8],
        challenge: &Challenge,
        signer: &PublicKey,
    ) -> Self {
        let token = Token::unsigned(requested.into(), extensions);
        Self { signer: *signer, unsigned: Unsigned::Token(Box::new(token), *challenge) }
    }

    /// Takes the bytes to sign apart again: 148 of a certificate, or 88 of a token and its challenge; and the extensions whose hash
    /// is among them, if any.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn from_parts(to_be_signed: &[u8], extensions: &[u8], signer: &PublicKey) -> Result<Self, RequestError> {
        let whole = |head: &[u8]| [head, &[0; 64], &crate::extensions::filled(extensions)].concat();
        let unsigned = match to_be_signed.len() {
            certificate::SIGNED_BYTES => {
                let certificate = Certificate::parse(&whole(to_be_signed))?;
                certificate.verify_extensions()?;
                Unsigned::Certificate(Box::new(certificate))
            }
            token::MESSAGE_BYTES => {
                let (head, tail) = to_be_signed.split_at(token::SIGNED_BYTES);
                let mut challenge = [0; 32];
                challenge.copy_from_slice(tail);
                let token = Token::parse(&whole(head))?;
                token.verify_extensions()?;
                Unsigned::Token(Box::new(token), challenge)
            }
            have => return Err(RequestError::Length { have }),
        };
        Ok(Self { signer: *signer, unsigned })
    }

    /// What the request is about.
    pub const fn kind(&self) -> RequestKind {
        match self.unsigned {
            Unsigned::Certificate(_) => RequestKind::Certificate,
            Unsigned::Token(..) => RequestKind::Token,
        }
    }

    /// Whose signature is due.
    pub const fn signer(&self) -> &PublicKey {
        &self.signer
    }

    /// The bytes to sign: 148 or 88.
    pub fn to_be_signed(&self) -> Vec<u8> {
        match &self.unsigned {
            Unsigned::Certificate(certificate) => certificate.signed_bytes().to_vec(),
            Unsigned::Token(token, challenge) => token.message(challenge).to_vec(),
        }
    }

    /// SHA-256 of the bytes to sign, for signers that take a hash.
    pub fn digest(&self) -> Hash {
        sha256(&self.to_be_signed())
    }

    /// Extensions, which are not among the bytes to sign; empty mostly.
    pub fn extensions(&self) -> &[u8] {
        match &self.unsigned {
            Unsigned::Certificate(certificate) => certificate.extensions(),
            Unsigned::Token(token, _) => token.extensions(),
        }
    }

    /// What the signer would put a name to, field by field.
    pub fn describe(&self) -> Part {
        match &self.unsigned {
            Unsigned::Certificate(certificate) => describe::certificate_to_sign(certificate, 0),
            Unsigned::Token(token, challenge) => describe::token_to_sign(token, challenge, 0),
        }
    }

    /// Puts a signature to it: 64 bytes r and s, or an ECDSA signature in DER. Gives the very bytes that signing directly gives, if
    /// the signer signs deterministically.
    ///
    /// # Errors
    /// The bytes are no signature, or not that of the signer over these bytes.
    pub fn merge(&self, signature: &[u8]) -> Result<Signed, MergeError> {
        let message = self.to_be_signed();
        let mut found = parse_signature(signature)?;
        if self.signer.verify(&message, &found).is_err() {
            // A signature in DER may have 64 bytes by chance: then this is the other way to read it.
            found = parse_der_signature(signature).map_err(|_| MergeError::WrongSignature)?;
            self.signer.verify(&message, &found).map_err(|_| MergeError::WrongSignature)?;
        }
        Ok(match &self.unsigned {
            Unsigned::Certificate(certificate) => {
                Signed::Certificate(Certificate::clone(certificate).with_signature(found))
            }
            Unsigned::Token(token, _) => Signed::Token(Token::clone(token).with_signature(found)),
        })
    }
}
