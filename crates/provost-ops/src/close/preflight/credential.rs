//! What the rules of the credential and its object look at.

use provost_adac::{host::CredentialError, permission::Permission};
use provost_chip::{parts::DaStore, states::DaMethod};
use provost_obk::{
    checks::{Check, Severity},
    obk::Obk,
};

use super::{
    Answer::{self, Failed, NotMeasured, Passed},
    hold,
};
use crate::{
    close::{custody::Custody, facts::Facts},
    credential::{Aspect, CredentialSet, masks, object_findings},
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

/// What the objects' own table says of the object file under this aspect.
fn object_file(f: &Facts, aspect: Aspect, holds: impl FnOnce(&Obk) -> String) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    match &custody.object {
        _ if !has_obk(f) => NotMeasured("this part has no object"),
        None => Passed("made from the credential".to_owned()),
        Some(file) => match &file.obk {
            Ok(obk) => {
                let found = object_findings(obk, &f.parts, f.method());
                let refused =
                    |by| found.iter().find(|of| of.severity() == Severity::Refuse && Aspect::of(of.check) == Some(by));
                match refused(aspect) {
                    None if refused(Aspect::Place).is_some() => NotMeasured("it goes elsewhere"),
                    Some(finding) => Failed(format!("{}: {finding}", file.name)),
                    None => Passed(format!("{} {}", file.name, holds(obk))),
                }
            }
            Err(error) => Failed(format!("{}: {error}", file.name)),
        },
    }
}

pub(super) fn object(f: &Facts) -> Answer {
    object_file(f, Aspect::Whole, |_| "is whole".to_owned())
}

pub(super) fn object_place(f: &Facts) -> Answer {
    object_file(f, Aspect::Place, |obk| format!("goes to {:#010x}", obk.destination()))
}

pub(super) fn object_encryption(f: &Facts) -> Answer {
    if has_obk(f) && !f.is_of_one_class() {
        return NotMeasured("it depends on the part");
    }
    object_file(f, Aspect::Encryption, |obk| {
        let asks = if obk.encrypt() { "asks for encryption" } else { "asks for none" };
        format!("{asks}, as the part needs it")
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
        (_, Some(Ok(()))) => Passed("signed and verified".to_owned()),
        (_, Some(Err(error))) => Failed(error.to_string()),
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
    let chain = custody.set.as_ref().ok().and_then(CredentialSet::chain);
    match masks(chain, Some(&payload)).withheld_by(Permission::FullRegression) {
        Some(by) => Failed(format!("withheld by the {by}; the object's mask is {:#x}", payload.mask.0)),
        None => Passed(format!("object {:#x}", payload.mask.0)),
    }
}

pub(super) fn not_a_sample(f: &Facts) -> Answer {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    match custody.sample(f.method(), f.site.samples) {
        Some(what) => Failed(format!("it is {what}")),
        None if !f.objects.is_empty() => {
            match super::roots::findings(f).iter().find(|finding| finding.check == Check::Sample) {
                Some(finding) => Failed(finding.to_string()),
                None => Passed("none that is known, nor is one of the objects".to_owned()),
            }
        }
        None => Passed("none that is known".to_owned()),
    }
}
