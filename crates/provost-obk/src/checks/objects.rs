//! One object for itself.

use provost_adac::key::Signer as _;
use provost_adac::permission::{Permission, PermissionMask};
use provost_chip::parts::DaStore;
use provost_chip::sources::Confidence;
use provost_chip::states::{DaMethod, ProductState, TrustZone};

use super::{Check, Finding, Target, stirot};
use crate::bytes::number;
use crate::da::DESTINATION;
use crate::inspect::trouble;
use crate::layout::{Encoding, Layout, ObjectKind};
use crate::memory::Level;
use crate::object::{Object, Value};
use crate::obk::{HEADER_BYTES, Obk};
use crate::samples::{self, SampleRisk};

/// Collects findings about one object.
pub(super) struct Findings {
    destination: Option<u32>,
    found: Vec<Finding>,
}

impl Findings {
    pub(super) fn push(&mut self, check: Check, offset: Option<usize>, detail: impl Into<String>) {
        self.found.push(Finding { check, destination: self.destination, offset, detail: detail.into() });
    }

    /// About a field of the payload.
    pub(super) fn field(&mut self, check: Check, layout: &Layout, name: &str, detail: impl Into<String>) {
        let offset = layout.field(name).map(|field| HEADER_BYTES + field.offset);
        self.push(check, offset, detail);
    }
}

pub(super) fn storage(destination: Option<u32>, target: &Target) -> Option<Finding> {
    (target.part.info().da_store == DaStore::Otp).then(|| Finding {
        check: Check::NoStorage,
        destination,
        offset: None,
        detail: format!("{} has no storage for objects", target.part),
    })
}

pub(super) fn check(obk: &Obk, target: &Target) -> Vec<Finding> {
    let object = Object::from_obk(obk);
    let kind = object.kind();
    let mut findings = Findings { destination: Some(obk.destination()), found: Vec::new() };
    findings.found.extend(storage(Some(obk.destination()), target));
    findings.found.extend(for_any_part(obk));
    flag(obk, kind, target, &mut findings);
    if kind.is_da() {
        debug_authentication(&object, target, &mut findings);
    }
    root_of_trust(kind, target, &mut findings);
    if let Some(field) = object.layout().field("minimal_state") {
        minimal_state(number(object.bytes(field)), object.layout(), target, &mut findings);
    }
    if kind == ObjectKind::StirotConfig {
        stirot::check(&object, target, &mut findings);
    }
    findings.found
}

/// What is wrong with an object wherever it goes.
pub(super) fn for_any_part(obk: &Obk) -> Vec<Finding> {
    let object = Object::from_obk(obk);
    let mut findings = Findings { destination: Some(obk.destination()), found: Vec::new() };
    place(obk, object.kind(), &mut findings);
    contents(&object, &mut findings);
    published(obk, &mut findings);
    reused(&object, &mut findings);
    findings.found
}

/// An object that does not go where Debug Authentication reads its data.
pub(super) fn elsewhere(obk: &Obk) -> Option<Finding> {
    (obk.destination() != DESTINATION).then(|| Finding {
        check: Check::NotDa,
        destination: Some(obk.destination()),
        offset: Some(0),
        detail: format!(
            "it goes to {:#010x}, Debug Authentication reads its data at {DESTINATION:#010x}",
            obk.destination()
        ),
    })
}

fn place(obk: &Obk, kind: ObjectKind, findings: &mut Findings) {
    if obk.range().is_some_and(|range| range.level == Level::Hdpl0) {
        findings.push(Check::StLevel, Some(0), format!("{:#010x} lies in HDPL 0, which is ST's", obk.destination()));
    }
    if !matches!(kind, ObjectKind::Data | ObjectKind::HashedData) {
        return;
    }
    let size = obk.payload().len();
    let known = ObjectKind::ALL
        .into_iter()
        .map(ObjectKind::layout)
        .find(|layout| layout.destination == Some(obk.destination()) && layout.size.is_some_and(|due| due != size));
    // HDPL 1 is read by roots of trust only; what lies higher may be anybody's.
    match known.filter(|_| obk.range().is_some_and(|range| range.level == Level::Hdpl1)) {
        Some(layout) => {
            let due = layout.size.unwrap_or(layout.max_size);
            findings.push(
                Check::WrongSize,
                Some(4),
                format!("{} has {due:#x} bytes of payload, this object {size:#x}", layout.title),
            );
        }
        None => findings.push(
            Check::Unknown,
            Some(0),
            format!("no object that is known goes to {:#010x}", obk.destination()),
        ),
    }
}

fn flag(obk: &Obk, kind: ObjectKind, target: &Target, findings: &mut Findings) {
    let part = target.part.info();
    if part.da_store == DaStore::Otp {
        return;
    }
    match (kind.is_always_plain(), part.crypto, obk.encrypt()) {
        (true, _, true) => {
            findings.push(Check::EncryptedRecords, Some(8), format!("{} must not be encrypted", kind.layout().title));
        }
        (false, true, false) => findings.push(
            Check::PlainOnCrypto,
            Some(8),
            format!("{} has secure AES and needs objects encrypted, this one is not", target.part),
        ),
        (false, false, true) => findings.push(
            Check::EncryptedOnPlain,
            Some(8),
            format!("{} has no secure AES, this object asks for encryption", target.part),
        ),
        _ => {}
    }
    if part.confidence == Confidence::Inferred {
        findings.push(
            Check::UncertainPart,
            None,
            format!("no public source says outright how {} wants its objects", target.part),
        );
    }
}

fn contents(object: &Object, findings: &mut Findings) {
    for field in object.layout().fields {
        let Some(trouble) = trouble(object, field) else { continue };
        let check = match field.encoding {
            Encoding::Digest { .. } => Check::Integrity,
            Encoding::Zero => Check::NotZero,
            _ => Check::Value,
        };
        findings.push(check, Some(HEADER_BYTES + field.offset), format!("{}: {trouble}", field.name));
    }
}

fn published(obk: &Obk, findings: &mut Findings) {
    for (field, sample) in samples::samples_in(obk) {
        let check = match sample.risk {
            SampleRisk::PublicSecret => Check::Sample,
            SampleRisk::Settings => Check::SampleSettings,
            SampleRisk::Constant => continue,
        };
        findings.push(
            check,
            None,
            match field {
                Some(field) => format!("{field} is that of ST's sample {} ({})", sample.what, sample.source),
                None => format!("the file is ST's sample {} ({})", sample.what, sample.source),
            },
        );
    }
}

fn reused(object: &Object, findings: &mut Findings) {
    let keys: Vec<_> = object
        .layout()
        .fields
        .iter()
        .filter_map(|field| match object.get(field) {
            Value::PublicKey(key) => Some((field.name, key)),
            Value::PrivateKey(key) => Some((field.name, key.public_key())),
            _ => None,
        })
        .collect();
    for (index, (name, key)) in keys.iter().enumerate() {
        if let Some((first, _)) = keys[..index].iter().find(|(_, other)| other == key) {
            findings.field(Check::KeyReused, object.layout(), name, format!("{name} is the same key as {first}"));
        }
    }
}

fn debug_authentication(object: &Object, target: &Target, findings: &mut Findings) {
    let method = target.da_method.unwrap_or(match object.kind() {
        ObjectKind::DaPassword => DaMethod::Password,
        _ => DaMethod::Certificate,
    });
    if let Some(trustzone) = target.trustzone.filter(|&trustzone| DaMethod::for_trustzone(trustzone) != method) {
        let due = DaMethod::for_trustzone(trustzone);
        findings.push(
            Check::MethodTrustZone,
            Some(HEADER_BYTES + 32),
            format!(
                "TrustZone is {}, which needs a {}; this object is for a {}",
                trustzone.as_str(),
                due.as_str(),
                method.as_str()
            ),
        );
    }
    let mask = object.payload().get(64..80).and_then(|mask| <[u8; 16]>::try_from(mask).ok());
    let mask = mask.map_or(PermissionMask::NONE, PermissionMask::from_le_bytes);
    if method == DaMethod::Certificate {
        if !mask.contains(Permission::FullRegression) {
            findings.push(
                Check::NoFullRegression,
                Some(HEADER_BYTES + 64),
                format!("permissions {:#x} leave out full regression (bit 14)", mask.0),
            );
        }
        if !mask.unnamed().is_empty() {
            findings.push(
                Check::UnknownPermissions,
                Some(HEADER_BYTES + 64),
                format!("permissions {:#x} are not known on STM32H5", mask.unnamed().0),
            );
        }
    }
}

fn root_of_trust(kind: ObjectKind, target: &Target, findings: &mut Findings) {
    let part = target.part.info();
    let title = kind.layout().title;
    if part.da_store == DaStore::Otp {
        return;
    }
    if kind.is_stirot() && !part.crypto {
        findings.push(
            Check::StirotNeedsCrypto,
            Some(0),
            format!("{title} is for ST's immutable root of trust, which {} does not have", target.part),
        );
    }
    if kind.is_secure_manager() && part.name != "STM32H573" {
        findings.push(
            Check::SecureManagerPart,
            Some(0),
            format!("{title} is for the Secure Manager, not known for {}", target.part),
        );
    }
    let root = kind.is_stirot() || kind.is_oemirot() || kind.is_secure_manager();
    if root && target.trustzone == Some(TrustZone::Disabled) {
        findings.push(Check::RootNeedsTrustZone, None, format!("{title} is of no use with TrustZone off"));
    }
}

fn minimal_state(word: u64, layout: &Layout, target: &Target, findings: &mut Findings) {
    let minimal = u8::try_from(word >> 8).ok().and_then(ProductState::from_code);
    let (Some(minimal), Some(planned)) = (minimal, target.final_state) else { return };
    if planned < minimal {
        findings.field(
            Check::MinimalState,
            layout,
            "minimal_state",
            format!("the firmware is started from {} on, the chip is to stay in {}", minimal.title(), planned.title()),
        );
    }
}
