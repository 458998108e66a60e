//! What the rules of the credential and its object look at.

use provost_adac::{host::CredentialError, permission::PermissionMask};
use provost_chip::{model::authentication::PRODUCT_MASK, parts::DaStore, states::DaMethod};
use provost_obk::da::{DESTINATION, DaPayload};

use super::{
    Answer::{self, Failed, NotMeasured, Passed},
    hold,
};
use crate::{
    close::{
        custody::{Custody, grants},
        facts::Facts,
    },
    drive::otp,
    error::OpError,
};

const NO_CREDENTIAL: Answer = NotMeasured("no credential");

pub(super) fn credential(f: &Facts) -> Answer {
    let Some(custody) = &f.custody else { return Failed("none was given".to_owned()) };
    match &custody.set {
        Ok(_) => Passed(custody.folder.display().to_string()),
        // These have a rule of their own.
        Err(error) if matches!(error.of(), Some(OpError::RootMismatch { .. } | OpError::Credential(_))) => {
            Passed("it can be read".to_owned())
        }
        Err(error) if matches!(error.of(), Some(OpError::CredentialFile { path, .. }) if path.extension().is_some_and(|e| e == "obk")) => {
            Passed("it can be read".to_owned())
        }
        Err(error) => Failed(error.to_string()),
    }
}

pub(super) fn method(f: &Facts) -> Answer {
    let Some(Ok(set)) = f.custody.as_ref().map(|c| &c.set) else { return NO_CREDENTIAL };
    if f.identity.options.is_none() {
        return NotMeasured("AP1 is shut: TZEN is not visible");
    }
    let (method, tz) = (f.method(), f.trustzone());
    let found = if set.has(method) { method.as_str() } else { "only the other kind is held" };
    hold(set.has(method), format!("TrustZone {tz} asks for a {method}: {found}"))
}

pub(super) fn custody(f: &Facts) -> Answer {
    match &f.custody {
        None => NO_CREDENTIAL,
        Some(c) => match &c.temporary {
            Some(folder) => Failed(format!("{} lies in {}", c.folder.display(), folder.display())),
            None => Passed(c.folder.display().to_string()),
        },
    }
}

pub(super) fn has_obk(f: &Facts) -> bool {
    f.parts.iter().any(|p| p.info().da_store == DaStore::Obk)
}

/// What the object rules look at, or why there is nothing to look at.
fn with_object(f: &Facts, test: impl FnOnce(&provost_obk::obk::Obk, &'static str) -> Answer) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    match &custody.object {
        _ if !has_obk(f) => NotMeasured("this part has no object"),
        None => Passed("made from the credential".to_owned()),
        Some(file) => match &file.obk {
            Ok(obk) => test(obk, file.name),
            Err(error) => Failed(format!("{}: {error}", file.name)),
        },
    }
}

pub(super) fn object(f: &Facts) -> Answer {
    with_object(f, |obk, name| match DaPayload::parse(obk.payload()).and_then(|p| p.verify()) {
        Ok(()) => Passed(format!("{name} is whole")),
        Err(error) => Failed(format!("{name}: {error}")),
    })
}

pub(super) fn object_place(f: &Facts) -> Answer {
    with_object(f, |obk, name| {
        hold(obk.destination() == DESTINATION, format!("{name} goes to {:#010x}", obk.destination()))
    })
}

pub(super) fn object_encryption(f: &Facts) -> Answer {
    let crypto = f.parts.iter().any(|p| p.info().crypto);
    with_object(f, |obk, name| {
        let asks = if obk.encrypt() { "asks for encryption" } else { "asks for none" };
        let part = if crypto { "with secure AES" } else { "without secure AES" };
        hold(obk.encrypt() == crypto, format!("{name} {asks}, on a part {part}"))
    })
}

pub(super) fn host_key(f: &Facts) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    if !has_obk(f) {
        return otp_password(f);
    }
    let Some(payload) = custody.payload(f.method()) else { return NotMeasured("no object to compare with") };
    match custody.holds_the_key_to(&payload, f.method()) {
        Some(fits) => {
            let whose = if fits { "the one held here" } else { "another one, not held here" };
            hold(fits, format!("the object names {whose}"))
        }
        None => NotMeasured("no credential of this kind"),
    }
}

/// OTP is blank or holds the hash of the password that is held; and that hash can stand there.
fn otp_password(f: &Facts) -> Answer {
    let set = f.custody.as_ref().and_then(|c| c.set.as_ref().ok());
    let (Some(block), Some(password)) = (&f.otp, set.and_then(|set| set.password())) else { return NO_CREDENTIAL };
    match otp::fits(password) {
        Err(error) => Failed(error.to_string()),
        Ok(value) if value.steps(block).is_none() => Failed(otp::OtpError::Taken.to_string()),
        Ok(_) => Passed("OTP is blank or holds its hash".to_owned()),
    }
}

/// Why the set cannot authenticate anywhere, if that is what is wrong with it.
fn useless(custody: &Custody) -> Option<&CredentialError> {
    match custody.set.as_ref().err()?.of()? {
        OpError::Credential(error) => Some(error),
        _ => None,
    }
}

pub(super) fn token(f: &Facts) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    if f.method() == DaMethod::Password {
        return NotMeasured("a password signs nothing");
    }
    match (useless(custody), custody.rehearse_token()) {
        (Some(CredentialError::PermissionWithheld { .. }), _) => NotMeasured("the permission is withheld"),
        (Some(error), _) => Failed(error.to_string()),
        (_, Some(Ok(_))) => Passed("signed and verified".to_owned()),
        (_, Some(Err(error))) => Failed(error),
        (_, None) => NotMeasured("no certificate"),
    }
}

pub(super) fn permission(f: &Facts) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    if f.method() == DaMethod::Password {
        // Rule R-PASSWORD-FULL-REGRESSION-ONLY: whatever mask stands beside its hash.
        return Passed("a password grants the full regression, and nothing else".to_owned());
    }
    if let Some(error @ CredentialError::PermissionWithheld { .. }) = useless(custody) {
        return Failed(error.to_string());
    }
    let Some(payload) = custody.payload(f.method()) else { return NotMeasured("no object") };
    let granted =
        |by: &str, mask: PermissionMask| (!grants(mask)).then(|| format!("withheld by the {by} (mask {:#x})", mask.0));
    let chain = match custody.rehearse_token() {
        Some(Ok(mask)) if f.method() == DaMethod::Certificate => granted("chain or the token", mask),
        _ => None,
    };
    let product = granted("product", PermissionMask(u128::from(PRODUCT_MASK)));
    match product.or_else(|| granted("object", payload.mask)).or(chain) {
        Some(found) => Failed(found),
        None => Passed(format!("object {:#x}", payload.mask.0)),
    }
}

pub(super) fn not_a_sample(f: &Facts) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    match custody.sample(f.method(), f.site.samples) {
        Some(what) => Failed(format!("it is {what}")),
        None => Passed("none that is known".to_owned()),
    }
}
