//! Objects that are to be on a chip together.

use provost_chip::parts::DaStore;
use provost_chip::states::BootUbe;

use super::{Check, Finding, Target};
use crate::layout::ObjectKind;
use crate::object::recognise;
use crate::obk::Obk;

pub(super) fn check(objects: &[Obk], target: &Target) -> Vec<Finding> {
    let kinds: Vec<ObjectKind> = objects.iter().map(recognise).collect();
    let has = |kind| kinds.contains(&kind);
    let mut found = overlaps(objects, &kinds);
    let mut push = |check, detail: String| found.push(Finding { check, destination: None, offset: None, detail });
    let stirot = kinds.iter().any(|kind| kind.is_stirot());
    let oemirot = kinds.iter().any(|kind| kind.is_oemirot());
    if stirot && oemirot {
        push(Check::MixedRoots, "objects of ST's and of an OEM's immutable root of trust are mixed".to_owned());
    }
    if !objects.is_empty() && !kinds.iter().any(|kind| kind.is_da()) {
        push(Check::NoDa, "no object says who may authenticate".to_owned());
    }
    for (first, second) in [
        (ObjectKind::OemirotConfig, ObjectKind::OemirotData),
        (ObjectKind::StirotConfig, ObjectKind::StirotData),
        (ObjectKind::OemurotConfig, ObjectKind::OemurotData),
    ] {
        if has(first) != has(second) {
            let (there, missing) = if has(first) { (first, second) } else { (second, first) };
            push(Check::Incomplete, format!("{} comes without {}", there.layout().title, missing.layout().title));
        }
    }
    // BOOT_UBE has a meaning on parts with secure AES only.
    let part = target.part.info();
    if part.da_store != DaStore::Otp && part.crypto {
        match target.boot_ube {
            Some(BootUbe::StIrot) => {
                // The Secure Manager's settings stand where STiRoT_Config would.
                let bootable =
                    has(ObjectKind::SmConfigOther) || has(ObjectKind::StirotConfig) && has(ObjectKind::StirotData);
                if !bootable {
                    push(
                        Check::StirotIncomplete,
                        "BOOT_UBE says that ST's root of trust boots, but STiRoT_Config and STiRoT_Data are not both there".to_owned(),
                    );
                }
                if oemirot {
                    push(
                        Check::OemirotNotBooted,
                        "BOOT_UBE says that ST's root of trust boots, but there are objects of an OEM's".to_owned(),
                    );
                }
            }
            Some(BootUbe::OemIrot) if stirot => {
                push(
                    Check::StirotNotBooted,
                    "BOOT_UBE says that the user flash boots, ST's root of trust will not run".to_owned(),
                );
            }
            _ => {}
        }
    }
    found
}

fn overlaps(objects: &[Obk], kinds: &[ObjectKind]) -> Vec<Finding> {
    let end = |obk: &Obk| u64::from(obk.destination()) + obk.payload().len() as u64;
    let mut found = Vec::new();
    for (index, second) in objects.iter().enumerate() {
        for (first, kind) in objects[..index].iter().zip(kinds) {
            let (one, two) = (u64::from(first.destination()), u64::from(second.destination()));
            if one < end(second) && two < end(first) {
                let titles = (kind.layout().title, kinds[index].layout().title);
                found.push(Finding {
                    check: Check::Overlap,
                    destination: Some(second.destination()),
                    offset: Some(0),
                    detail: format!(
                        "{} at {one:#010x} to {:#010x} and {} at {two:#010x} to {:#010x} overlap",
                        titles.0,
                        end(first) - 1,
                        titles.1,
                        end(second) - 1
                    ),
                });
            }
        }
    }
    found
}
