//! What the rules of a root of trust look at: its objects, and the images that it would start.

use provost_chip::{
    parts::SECTOR_SIZE,
    states::{BootUbe, DaMethod, ProductState},
};
use provost_obk::{
    checks::{self, Check, Finding, Severity, Target},
    da::DESTINATION,
    object::recognise,
    obk::Obk,
};

use super::Answer::{self, Failed, NotMeasured, Passed};
use crate::close::{
    facts::Facts,
    root_of_trust::{Given, Look, look},
};

const NOT_OPEN: Answer = NotMeasured("readable in Open only");
const NONE: Answer = NotMeasured("no root of trust is given its objects");

/// Whether ST-iRoT boots, once the chip has left Provisioning.
pub(super) fn st_irot_boots(f: &Facts) -> bool {
    let crypto = f.parts.iter().any(|part| part.info().crypto);
    crypto && f.field("BOOT_UBE") == Some(u32::from(BootUbe::StIrot.code()))
}

/// What speaks against the objects, each for itself and together with the credential's.
pub(super) fn findings(f: &Facts) -> Vec<Finding> {
    let Some(part) = f.part() else { return Vec::new() };
    let given = f.objects.iter().filter_map(|given| given.obk.as_ref().ok()).cloned();
    let payload = f.custody.as_ref().and_then(|custody| custody.payload(f.method()));
    let own = payload.and_then(|p| Obk::new(DESTINATION, part.info().crypto, p.to_bytes().to_vec()).ok());
    let objects: Vec<Obk> = own.into_iter().chain(given).collect();
    let code = f.field("BOOT_UBE").and_then(|value| u8::try_from(value).ok());
    let mut target = Target::new(part);
    target.trustzone = Some(f.trustzone());
    target.boot_ube = code.and_then(BootUbe::from_code);
    target.final_state = Some(f.wish.target);
    target.da_method = Some(DaMethod::for_trustzone(f.trustzone()));
    checks::set(&objects, &target).into_iter().filter(|finding| finding.severity() == Severity::Refuse).collect()
}

pub(super) fn objects(f: &Facts) -> Answer {
    if f.objects.is_empty() {
        return NONE;
    }
    let is_da = |given: &&Given| given.obk.as_ref().is_ok_and(|obk| recognise(obk).is_da());
    if let Some((given, why)) = f.objects.iter().find_map(|given| Some((given, given.obk.as_ref().err()?))) {
        return Failed(format!("{}: {why}", given.name()));
    }
    if let Some(given) = f.objects.iter().find(is_da) {
        return Failed(format!("{} says who may authenticate: it comes from --credential", given.name()));
    }
    if f.options.is_none() {
        return NOT_OPEN;
    }
    let found = findings(f);
    match found.iter().find(|finding| finding.check != Check::Sample) {
        Some(finding) => Failed(finding.to_string()),
        None => Passed(f.objects.iter().map(Given::name).collect::<Vec<_>>().join(", ")),
    }
}

pub(super) fn rot_image(f: &Facts) -> Answer {
    match look(&f.objects, &f.slots) {
        Look::NoConfiguration => NONE,
        _ if f.state() != Some(ProductState::Open) => NOT_OPEN,
        Look::Takes(images) => Passed(images.join(", ")),
        Look::Refuses(why) => Failed(why),
        Look::VersionTooLow(_) => Passed("it verifies".to_owned()),
    }
}

pub(super) fn rot_version(f: &Facts) -> Answer {
    match look(&f.objects, &f.slots) {
        Look::NoConfiguration => NONE,
        _ if f.state() != Some(ProductState::Open) => NOT_OPEN,
        Look::Takes(_) => Passed("every version that is asked for is there".to_owned()),
        Look::Refuses(_) => NotMeasured("it takes no image"),
        Look::VersionTooLow(why) => Failed(why),
    }
}

/// No image of a root of trust lies in sectors that are hidden once its boot loader hands over.
pub(super) fn hidden(f: &Facts) -> Answer {
    let Some(flash) = f.flash() else { return NOT_OPEN };
    if f.slots.is_empty() {
        return NONE;
    }
    let bank = flash.map().size.bytes() / 2 / SECTOR_SIZE;
    let within = |index: u32, start: &str, end: &str, first: u32| {
        let (Some(start), Some(end)) = (f.field(start), f.field(end)) else { return false };
        (start..=end).contains(&index.wrapping_sub(first))
    };
    let is_hidden =
        |index: u32| within(index, "HDP1_STRT", "HDP1_END", 0) || within(index, "HDP2_STRT", "HDP2_END", bank);
    match f.slots.iter().find(|slot| is_hidden(slot.offset / SECTOR_SIZE)) {
        Some(slot) => Failed(format!("{} at {:#x} lies in a hidden sector (HDP)", slot.name, slot.offset)),
        None => Passed("none of its images is hidden".to_owned()),
    }
}
