//! Certificates, chains, tokens and passwords as tables: the fields that `provost-adac` describes, and what they come to.

use provost_adac::{
    certificate::Certificate,
    chain::{Chain, ChainError},
    describe::{self, Part},
    key::PublicKey,
    offline::{RequestKind, SigningRequest},
    password::Password,
    permission::Permission,
    tlv::HEADER_BYTES as TLV_HEADER,
    token::Token,
};
use provost_chip::parts::PartId;
use provost_obk::samples;

use super::sheet::{Section, Sheet};

fn section(part: Part) -> Section {
    let mut section = Section::new(part.title);
    for field in part.fields {
        let class = (field.name == "soc_class").then(|| parts_of(&field.value)).flatten();
        let row = section.at(field.offset, field.length, field.name, field.value);
        match class {
            Some(names) => row.means(format!("{}: {names}", field.meaning)),
            None if field.meaning.is_empty() => {}
            None => row.means(field.meaning),
        }
    }
    section
}

/// The parts of a class, which is a DEV_ID.
fn parts_of(class: &str) -> Option<String> {
    let id = u16::from_str_radix(class.strip_prefix("0x")?, 16).ok().filter(|id| *id != 0)?;
    let names: Vec<String> = PartId::with_dev_id(id).map(|p| p.to_string()).collect();
    Some(if names.is_empty() { "no STM32H5".to_owned() } else { names.join(", ") })
}

pub(super) fn chain(chain: &Chain, bytes: usize) -> Sheet {
    let count = chain.certificates().len();
    let mut sheet = Sheet::new("certificate-chain", format!("certificate chain, {count} certificates"), bytes);
    sheet.sections.extend(describe::chain(chain).into_iter().map(section));
    match chain.verify() {
        Ok(verified) => {
            let mut whole = Section::new("the chain as a whole");
            whole.says("signatures", "each verifies under the key before it");
            let mask = verified.permissions.mask();
            whole.says("effective permissions", mask.to_string()).means(describe::permissions(mask));
            for permission in Permission::ALL {
                if let Some(by) = verified.permissions.withheld_by(permission) {
                    whole.says("withheld", permission.to_string()).means(format!("by the {by}"));
                }
            }
            sheet.sections.push(whole);
        }
        Err(ChainError::Incomplete) => {
            sheet.notes.push("a beginning of a chain: without a leaf certificate it cannot authenticate".to_owned());
        }
        Err(error) => sheet.faults.push(error.to_string()),
    }
    sample(chain.certificates().first(), &mut sheet);
    sheet
}

pub(super) fn certificate(certificate: &Certificate, bytes: usize) -> Sheet {
    let mut sheet = Sheet::new("certificate", format!("{} certificate", certificate.role()), bytes);
    sheet.sections.push(section(describe::certificate(certificate, 0)));
    let own = certificate.public_key().is_ok_and(|key| certificate.verify(&key).is_ok());
    sheet.notes.push(if own {
        "signed by its own key".to_owned()
    } else {
        "not signed by its own key: by whom, only the certificate before it in a chain tells".to_owned()
    });
    sample(Some(certificate).filter(|_| own), &mut sheet);
    sheet
}

fn sample(root: Option<&Certificate>, sheet: &mut Sheet) {
    if let Some(key) = root.and_then(|c| c.public_key().ok()) {
        sample_key(&key, sheet);
    }
}

pub(super) fn sample_key(key: &PublicKey, sheet: &mut Sheet) {
    if let Some(sample) = samples::public_key(key) {
        sheet.notes.push(format!("{} of {}: everybody has its private half", sample.what, sample.source));
    }
}

pub(super) fn token(token: &Token, base: usize, bytes: usize) -> Sheet {
    let mut sheet = Sheet::new("token", "token: what is asked for, in answer to one challenge", bytes);
    sheet.sections.push(section(describe::token(token, base)));
    sheet.notes.push(
        "the signature covers the challenge as well, which is not in the token: it holds for one session only"
            .to_owned(),
    );
    sheet
}

/// 148 bytes of a certificate, or 88 of a token and its challenge, that wait for a signature.
pub(super) fn to_sign(bytes: &[u8]) -> Option<Sheet> {
    // What is to be signed does not depend on by whom; any key will do for the description.
    let request = SigningRequest::from_parts(bytes, &[], &any_key()?).ok()?;
    let kind = match request.kind() {
        RequestKind::Certificate => "certificate-to-sign",
        RequestKind::Token => "token-to-sign",
    };
    let mut sheet = Sheet::new(kind, format!("{} that waits for its signature", request.kind()), bytes.len());
    sheet.sections.push(section(request.describe()));
    sheet.notes.push("sign all of it: ECDSA P-256 over SHA-256; then `provost credential merge`".to_owned());
    Some(sheet)
}

/// The base point of P-256 (SEC 2 §2.4.2), the public key of the number 1.
fn any_key() -> Option<PublicKey> {
    use provost_adac::key::{PrivateKey, Signer as _};
    let mut one = [0; 32];
    one[31] = 1;
    PrivateKey::from_scalar(&one).ok().map(|key| key.public_key())
}

/// The password is not shown: a table may be pasted anywhere.
pub(super) fn password(password: &Password, bytes: usize) -> Sheet {
    let length = password.expose().len();
    let mut sheet = Sheet::new("password", "password file, as it is sent to the chip", bytes);
    let mut section = Section::new("fragment");
    section.at(0, 2, "reserved", "0");
    section.at(2, 2, "type_id", "0x8000").means("ST password");
    section.at(4, 4, "length_in_bytes", length.to_string());
    section.at(TLV_HEADER, length, "password", "not shown");
    sheet.sections.push(section);
    if let Some(sample) = samples::password(&password.hash()) {
        sheet.notes.push(format!("{} of {}: everybody knows it", sample.what, sample.source));
    }
    if length == 64 {
        sheet.notes.push(
            "64 bytes are what the public key of a root has: such a password opens a chip that holds a certificate object with TrustZone off"
                .to_owned(),
        );
    }
    sheet
}
