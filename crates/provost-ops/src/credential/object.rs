//! What speaks against the object beside a credential. The checks are those of the objects' own table; here they are only sorted by what a
//! person asks: `credential check` prints them under its names, the preflight of a close under its rules.

use provost_adac::{
    chain::Chain,
    permission::{Effective, MaskSource, NamedMask, PermissionMask, effective},
};
use provost_chip::{parts::PartId, states::DaMethod};
use provost_obk::{
    checks::{self, Check, Finding, Target},
    da::DaPayload,
    obk::Obk,
};

/// What a check of the object's table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aspect {
    /// Whether it is what it says: sizes, values, the hash over it.
    Whole,
    /// Whether the ROM finds it.
    Place,
    /// Whether it comes in the form that the part needs.
    Encryption,
    /// Whether it grants the way back.
    Permission,
    /// Whether everybody has its credential.
    Published,
    /// Nothing that an object of Debug Authentication can be refused for.
    Elsewhere,
}

impl Aspect {
    /// Of a check. `None`: it belongs to no aspect, and an object must not pass it silently.
    pub(crate) const fn of(check: Check) -> Option<Self> {
        Some(match check {
            Check::Format | Check::WrongSize | Check::Integrity | Check::Value | Check::NotZero => Self::Whole,
            Check::NotDa | Check::StLevel | Check::Unknown => Self::Place,
            Check::NoStorage | Check::PlainOnCrypto | Check::EncryptedOnPlain | Check::UncertainPart => {
                Self::Encryption
            }
            Check::NoFullRegression | Check::UnknownPermissions => Self::Permission,
            Check::Sample => Self::Published,
            // Of TZEN, of roots of trust, of several objects together, of OTP.
            Check::MethodTrustZone
            | Check::EncryptedRecords
            | Check::SampleSettings
            | Check::KeyReused
            | Check::StirotNeedsCrypto
            | Check::RootNeedsTrustZone
            | Check::MixedRoots
            | Check::Overlap
            | Check::StirotIncomplete
            | Check::OemirotNotBooted
            | Check::StirotNotBooted
            | Check::Incomplete
            | Check::NoDa
            | Check::MinimalState
            | Check::FlashLayout
            | Check::SecureManagerPart
            | Check::OtpForEver
            | Check::OtpNotBlank
            | Check::OtpLocked
            | Check::OtpInterrupted
            | Check::OtpSame
            | Check::OtpWrongPart => Self::Elsewhere,
            _ => return None,
        })
    }
}

/// All that speaks against the object as one of Debug Authentication, on any of the parts that the chip may be; without parts, what holds
/// for every part.
pub(crate) fn object_findings(obk: &Obk, parts: &[PartId], method: DaMethod) -> Vec<Finding> {
    if parts.is_empty() {
        return checks::debug_authentication(obk, None);
    }
    let mut found: Vec<Finding> = Vec::new();
    for part in parts {
        let target = Target { da_method: Some(method), ..Target::new(*part) };
        for finding in checks::debug_authentication(obk, Some(&target)) {
            if !found.iter().any(|earlier| earlier.check == finding.check && earlier.offset == finding.offset) {
                found.push(finding);
            }
        }
    }
    found
}

/// What is left of the permissions when product, object and every certificate have had their say (rule `R-DA-FOUR-MASKS`).
pub(crate) fn masks(chain: Option<&Chain>, object: Option<&DaPayload>) -> Effective {
    let mut masks = effective([NamedMask { source: MaskSource::Product, mask: PermissionMask::STM32H5 }]);
    if let Some(payload) = object {
        masks.and(MaskSource::Object, payload.mask);
    }
    for (index, certificate) in chain.into_iter().flat_map(Chain::certificates).enumerate() {
        masks.and(MaskSource::Certificate { index, role: certificate.role() }, certificate.header().permissions_mask);
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_of_objects_is_about_something() {
        let missing: Vec<&Check> = Check::ALL.iter().filter(|check| Aspect::of(**check).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_product_grants_what_the_model_says() {
        let product = provost_chip::model::authentication::PRODUCT_MASK;
        assert_eq!(PermissionMask::STM32H5, PermissionMask(u128::from(product)));
    }
}
