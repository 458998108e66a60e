//! `provost credential prepare` and `merge`: signing where the key is not here.

use std::{io, path::Path};

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::PublicKey,
    offline::{MergeError, Signed, SigningRequest},
};
use provost_ops::{
    credential::SetError,
    error::OpError,
    store::{NewFile, StoreError, files},
};

use super::new::scope;
use crate::{
    cli::{Merge, Prepare, RoleWord},
    documents::MadeFiles,
    given::quoted,
    output::{Page, Stop, made_text},
};

const LARGEST: u64 = 64 << 10;

pub(super) fn prepare(command: &Prepare) -> Result<Page, Stop> {
    let (request, signer, out, force) = match command {
        Prepare::Certificate(options) => {
            let what =
                Certificate::builder(role(options.role)).scope(scope(&options.scope)).permissions(options.permissions);
            let (subject, signer) = (public_key(&options.subject)?, public_key(&options.signer)?);
            (SigningRequest::certificate(what, &subject, &signer), &options.signer, &options.out, options.force)
        }
        Prepare::Token(options) => {
            let challenge = files::read(&options.challenge, LARGEST)?;
            let challenge = challenge
                .as_slice()
                .try_into()
                .map_err(|_| malformed("challenge", format!("32 bytes are due, not {}", challenge.len())))?;
            let signer = public_key(&options.signer)?;
            (
                SigningRequest::token(options.permission, &challenge, &signer),
                &options.signer,
                &options.out,
                options.force,
            )
        }
    };
    let made = files::write_all(&[NewFile::public(out, request.to_be_signed())], force)?;
    // All but a root's certificate go behind the chain so far.
    let chain = match prepare_role(command) {
        None | Some(Role::Root) => "",
        Some(Role::Intermediate) => " --chain cert_root.b64",
        Some(_) => " --chain cert_intermediate_chain.b64",
    };
    let (out, signer) = (quoted(&out.display().to_string()), quoted(&signer.display().to_string()));
    let text = format!(
        "{}sign all of it: ECDSA P-256 over SHA-256, such as\n  openssl dgst -sha256 -sign KEY.pem -out SIGNATURE {out}\n\
         next: `provost credential merge {out} SIGNATURE --signer {signer}{chain} --out FILE`\n",
        made_text(&made),
    );
    let what = format!("{}-to-sign", request.kind());
    Ok(Page::new(&MadeFiles { what: &what, files: made, findings: None }, text)?)
}

pub(super) fn merge(options: &Merge) -> Result<Page, Stop> {
    let prepared = files::read(&options.prepared, LARGEST)?;
    let signature = files::read(&options.signature, LARGEST)?;
    let request = SigningRequest::from_parts(&prepared, &[], &public_key(&options.signer)?)
        .map_err(|e| malformed("file to sign", e.to_string()))?;
    let signed = request.merge(&signature).map_err(|error| match error {
        MergeError::WrongSignature => SetError::WrongSignature { what: "what was prepared" }.into(),
        other => malformed("signature", other.to_string()),
    })?;
    let (what, bytes) = match signed {
        Signed::Certificate(certificate) => {
            let mut certificates = match &options.chain {
                Some(path) => chain(path)?.certificates().to_vec(),
                None if certificate.role() == Role::Root => Vec::new(),
                None => return Err(SetError::ChainNeeded.into()),
            };
            certificates.push(certificate);
            ("certificate-chain", Chain::new(certificates).to_base64().into_bytes())
        }
        Signed::Token(token) => ("token", token.to_bytes()),
    };
    let made = files::write_all(&[NewFile::public(&options.out, bytes)], options.force)?;
    let text = format!("the signature is that of {}\n{}", options.signer.display(), made_text(&made));
    Ok(Page::new(&MadeFiles { what, files: made, findings: None }, text)?)
}

/// The place in its chain of what is to be signed, if it is a certificate.
fn prepare_role(command: &Prepare) -> Option<Role> {
    match command {
        Prepare::Certificate(options) => Some(role(options.role)),
        Prepare::Token(_) => None,
    }
}

fn malformed(what: &'static str, rule: String) -> provost_ops::error::Failure {
    SetError::Malformed { what, rule }.into()
}

fn role(word: RoleWord) -> Role {
    match word {
        RoleWord::Root => Role::Root,
        RoleWord::Intermediate => Role::Intermediate,
        RoleWord::Leaf => Role::Leaf,
    }
}

fn public_key(path: &Path) -> Result<PublicKey, provost_ops::error::Failure> {
    let bytes = files::read(path, LARGEST)?;
    Ok(PublicKey::read(&bytes).map_err(|source| OpError::KeyFile { path: path.to_owned(), source })?)
}

fn chain(path: &Path) -> Result<Chain, provost_ops::error::Failure> {
    let text = files::read(path, LARGEST)?;
    let text = std::str::from_utf8(&text).map_err(|e| StoreError::File {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, e),
    })?;
    Ok(Chain::from_base64(text).map_err(|source| OpError::ChainFile { path: path.to_owned(), source })?)
}
