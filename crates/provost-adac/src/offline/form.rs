//! The record in which a signing request travels: flat, all texts, so that JSON and TOML hold it alike.

use serde::{Deserialize, Serialize};

use super::{RequestError, RequestKind, SigningRequest};
use crate::describe::hex;
use crate::key::PublicKey;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    format: String,
    kind: String,
    algorithm: String,
    /// X and Y in hex.
    signer: String,
    /// The bytes to sign in hex.
    to_be_signed: String,
    /// Their SHA-256 in hex.
    sha256: String,
    /// In hex; left out if there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    extensions: String,
    /// For people. Not believed when read: what counts is the bytes.
    #[serde(default)]
    description: Vec<String>,
}

impl From<SigningRequest> for Form {
    fn from(request: SigningRequest) -> Self {
        let line = |field: &crate::describe::Field| match field.meaning.as_str() {
            "" => format!("{}: {}", field.name, field.value),
            meaning => format!("{}: {} ({meaning})", field.name, field.value),
        };
        Self {
            format: SigningRequest::FORMAT.to_owned(),
            kind: request.kind().to_string(),
            algorithm: SigningRequest::ALGORITHM.to_owned(),
            signer: hex(&request.signer.to_bytes()),
            to_be_signed: hex(&request.to_be_signed()),
            sha256: hex(&request.digest()),
            extensions: hex(request.extensions()),
            description: request.describe().fields.iter().map(line).collect(),
        }
    }
}

impl TryFrom<Form> for SigningRequest {
    type Error = RequestError;

    fn try_from(form: Form) -> Result<Self, RequestError> {
        let due = |holds: bool, field, rule| if holds { Ok(()) } else { Err(RequestError::Field { field, rule }) };
        due(form.format == Self::FORMAT, "format", "provost-signing-request-1 is due")?;
        due(form.algorithm == Self::ALGORITHM, "algorithm", "ECDSA P-256 SHA-256 is due")?;
        let signer = unhex("signer", &form.signer)?;
        let signer = <[u8; 64]>::try_from(signer)
            .map_err(|_| RequestError::Field { field: "signer", rule: "X and Y are due, 64 bytes" })?;
        let to_be_signed = unhex("to_be_signed", &form.to_be_signed)?;
        let extensions = unhex("extensions", &form.extensions)?;
        let request = Self::from_parts(&to_be_signed, &extensions, &PublicKey::from_bytes(&signer)?)?;
        let kinds = [RequestKind::Certificate, RequestKind::Token].map(|kind| kind.to_string());
        due(kinds.contains(&form.kind), "kind", "certificate or token is due")?;
        due(form.kind == request.kind().to_string(), "kind", "the bytes to sign are of the other kind")?;
        due(unhex("sha256", &form.sha256)? == request.digest(), "sha256", "the hash of to_be_signed is due")?;
        due(extensions == request.extensions(), "extensions", "a multiple of four bytes is due")?;
        Ok(request)
    }
}

fn unhex(field: &'static str, text: &str) -> Result<Vec<u8>, RequestError> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let digits = digits.ok_or(RequestError::Field { field, rule: "pairs of hex digits are due" })?;
    Ok(digits.as_chunks::<2>().0.iter().map(|[high, low]| (high << 4 | low) as u8).collect())
}
