//! What each rule of the preflight looks at.

use super::{
    Answer::{self, Failed, NotMeasured, Passed},
    hold, roots,
};
use crate::{
    close::{
        facts::{Asked, Facts},
        image::Image,
        root_of_trust::{self, Look},
    },
    flash::Flash,
    option_bytes::{diff, file::values},
};
use provost_chip::{
    assumptions::Assumptions,
    parts::{DaStore, FlashSize, SECTOR_SIZE},
    registers::memory,
    states::{BootUbe, ProductState, TrustZone},
    transitions::{Writer, product_state_write},
};

const NOT_OPEN: Answer = NotMeasured("readable in Open only");
const NO_OTP: Answer = NotMeasured("no password in OTP on this part");

pub(super) fn start_open(f: &Facts) -> Answer {
    match f.state() {
        Some(ProductState::Open) => Passed("Open".to_owned()),
        // Rule P-NO-CHAIN has more to say.
        Some(state) if state > ProductState::Provisioning => NotMeasured("a later state"),
        Some(state) => Failed(format!("the chip is in {state}")),
        None => NotMeasured("AP1 is shut"),
    }
}

pub(super) fn no_chain(f: &Facts) -> Answer {
    match f.state() {
        Some(state) if state > ProductState::Provisioning => Failed(format!("the chip is {state} already")),
        Some(state) => Passed(state.to_string()),
        None => Failed("AP1 is shut: a later state, or a chip that sits in its ROM".to_owned()),
    }
}

pub(super) fn no_pending(f: &Facts) -> Answer {
    let state = f.identity.options.and_then(|o| o.pending_state());
    let pending = f.pending();
    match (pending.is_empty(), state) {
        (_, Some(state)) => Failed(format!("PRODUCT_STATE = {state} waits for a reset")),
        (false, None) => Failed(format!("waiting for a reset: {}", pending.join(", "))),
        (true, None) => Passed("nothing waits".to_owned()),
    }
}

pub(super) fn uid(f: &Facts) -> Answer {
    match f.identity.uid {
        Some(id) => Passed(id.to_string()),
        None if f.asked == Asked::Not && f.state() != Some(ProductState::Open) => {
            NotMeasured("a discovery asks for it when it is carried out")
        }
        None => Failed("the chip shows none".to_owned()),
    }
}

pub(super) fn part(f: &Facts) -> Answer {
    let names: Vec<String> = f.parts.iter().map(ToString::to_string).collect();
    hold(f.is_of_one_class(), names.join(" or "))
}

pub(super) fn target(f: &Facts) -> Answer {
    let (from, to) = (ProductState::Provisioning, f.wish.target);
    if to <= from {
        return Failed(format!("{to} is no closed state"));
    }
    if f.identity.options.is_none() {
        return NotMeasured("AP1 is shut");
    }
    let decision = product_state_write(from, to, f.trustzone(), Writer::Debugger, &Assumptions::default());
    let found = format!("{to} with TrustZone {} ({})", f.trustzone(), decision.rule.rule().id);
    hold(decision.outcome == Some(to), found)
}

pub(super) fn not_for_ever(f: &Facts) -> Answer {
    match f.wish.target {
        ProductState::Locked if f.wish.forever => Passed("Locked, asked for in so many words".to_owned()),
        ProductState::Locked => Failed("the target is Locked".to_owned()),
        state => Passed(state.title().to_owned()),
    }
}

pub(super) fn nrst(f: &Facts) -> Answer {
    match f.nrst {
        Some(true) => Passed("the core saw the pulse".to_owned()),
        Some(false) => Failed("NRST was driven low and the core saw no reset".to_owned()),
        None => NotMeasured("proven by a pulse when it is carried out"),
    }
}

pub(super) fn boot_ube(f: &Facts) -> Answer {
    match f.field("BOOT_UBE") {
        None => NotMeasured("no such option, or not readable here"),
        Some(value) if value == u32::from(BootUbe::OemIrot.code()) => Passed(format!("BOOT_UBE = {value:#04X}")),
        Some(value) => {
            let found = format!("BOOT_UBE = {value:#04X}");
            match root_of_trust::look(&f.objects, &f.slots) {
                _ if !roots::st_irot_boots(f) => Failed(found),
                Look::NoConfiguration => Failed(format!("{found}, and its configuration is not given")),
                _ if f.state() != Some(ProductState::Open) => {
                    Failed(format!("{found}, and what it would start can be looked at in Open only"))
                }
                // Rules P-OBJECTS, P-ROT-IMAGE and P-ROT-VERSION have more to say.
                _ => Passed(format!("{found}, with its objects")),
            }
        }
    }
}

pub(super) fn boot_address(f: &Facts) -> Answer {
    let (Some((name, offset)), Some(flash)) = (f.boot(), f.flash()) else { return NOT_OPEN };
    let value = f.field(name).unwrap_or(0);
    hold(offset < flash.map().size.bytes(), format!("{name} = {value:#08X}"))
}

pub(super) fn watermark(f: &Facts) -> Answer {
    if f.trustzone() == TrustZone::Disabled {
        return NotMeasured("TrustZone is off");
    }
    if let (true, Some((first, last)), Some(flash)) =
        (roots::st_irot_boots(f), root_of_trust::secure_sectors(&f.objects), f.flash())
    {
        let last = last.min(flash.map().sectors() - 1);
        return match (first..=last).find(|index| !flash.map().sector(*index).secure) {
            None => Passed(format!("what ST-iRoT starts as secure lies in secure sectors ({first} to {last})")),
            Some(index) => Failed(format!("sector {index} is to run secure, and no watermark makes it so")),
        };
    }
    let (Some((name, offset)), Some(flash)) = (f.boot(), f.flash()) else { return NOT_OPEN };
    if offset >= flash.map().size.bytes() {
        return NotMeasured("the boot address is outside the flash");
    }
    match flash.map().sector(offset / SECTOR_SIZE).secure {
        true => Passed(format!("{name} lies in a secure sector")),
        false => Failed(format!("{name} lies in a sector that no watermark makes secure")),
    }
}

pub(super) fn firmware(f: &Facts) -> Answer {
    if f.state() != Some(ProductState::Open) {
        return NOT_OPEN;
    }
    if roots::st_irot_boots(f) {
        return NotMeasured("ST-iRoT starts an image: rule P-ROT-IMAGE");
    }
    match (f.vectors, f.flash()) {
        (Some(vectors), Some(flash)) => vector_table(vectors, flash.map().size),
        _ => NotMeasured("no boot address"),
    }
}

pub(super) fn ns_firmware(f: &Facts) -> Answer {
    match (f.ns_boot(), f.ns_vectors, f.flash()) {
        _ if f.state() != Some(ProductState::Open) => NOT_OPEN,
        _ if f.trustzone() == TrustZone::Disabled => NotMeasured("TrustZone is off"),
        (_, Some(vectors), Some(flash)) => vector_table(vectors, flash.map().size),
        (Some((_, at)), None, Some(flash)) if at < flash.map().size.bytes() => {
            Failed(format!("NSBOOTADD = {:#010x} lies in a secure sector", memory::FLASH + at))
        }
        _ => Failed("NSBOOTADD does not point into the user flash".to_owned()),
    }
}

/// Whether these two words begin a vector table.
pub(crate) fn vector_table([stack, reset]: [u32; 2], flash: FlashSize) -> Answer {
    let in_ram = matches!(stack >> 28, 2 | 3);
    let offset = (reset & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH);
    let in_flash = reset & 1 == 1 && offset < flash.bytes();
    hold(in_ram && in_flash, format!("stack pointer {stack:#010x}, reset handler {reset:#010x}"))
}

pub(super) fn images(f: &Facts) -> Answer {
    if f.state() != Some(ProductState::Open) {
        return NOT_OPEN;
    }
    let bad = f.images.iter().find(|i| i.found.as_ref() != Some(&i.wanted.sha256));
    match bad {
        Some(i) if i.found.is_none() => Failed(format!("{} does not lie in the user flash", i.wanted.name)),
        Some(i) => Failed(format!("{} is not what the flash holds", i.wanted.name)),
        None => Passed(
            f.images
                .iter()
                .map(|i| format!("{}: {}", i.wanted.name, &i.wanted.sha256[..12]))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    }
}

pub(super) fn image_worlds(f: &Facts) -> Answer {
    let Some(flash) = f.flash() else { return NOT_OPEN };
    // The flash as a whole was not linked for anything.
    let given: Vec<_> = f.wish.images.iter().filter(|i| i.size != flash.map().size.bytes()).collect();
    if given.is_empty() {
        return NotMeasured("no images given");
    }
    for image in given {
        let Some(first) = flash.map().offset(image.address) else { continue };
        let last = first.saturating_add(image.size.max(1) - 1).min(flash.map().size.bytes() - 1);
        let strange =
            (first / SECTOR_SIZE..=last / SECTOR_SIZE).find(|i| flash.map().sector(*i).secure != image.is_secure());
        if let Some(index) = strange {
            let (linked, sector) = if image.is_secure() { ("secure", "not secure") } else { ("non-secure", "secure") };
            let (name, address) = (&image.name, image.address);
            return Failed(format!("{name} is linked to {address:#010x}, {linked}; sector {index} is {sector}"));
        }
    }
    Passed("each lies in sectors of the world that it is linked for".to_owned())
}

pub(super) fn watchdog(f: &Facts) -> Answer {
    if f.options.is_none() {
        return NOT_OPEN;
    }
    // Only some parts have the option for the window watchdog.
    let found: Vec<(&str, u32)> =
        ["IWDG_SW", "WWDG_SW"].into_iter().filter_map(|name| Some((name, f.field(name)?))).collect();
    let text: Vec<String> = found.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    hold(found.iter().all(|(_, value)| *value == 1), text.join(", "))
}

pub(super) fn rehearsed(f: &Facts) -> Answer {
    let may_take_anything = f.parts.iter().any(|p| p.info().crypto);
    let required = f.site.policy.close.require_rehearsal;
    if !f.is_startable() {
        return NOT_OPEN;
    }
    if !may_take_anything && !required {
        return Passed("this part refuses what it cannot use".to_owned());
    }
    if f.wish.rehearse {
        return Passed("it is the first part of this plan".to_owned());
    }
    let when = f.rehearsed.as_ref().map_or("", |rehearsal| &rehearsal.time);
    match f.rehearsal_that_counts() {
        None => Failed("no rehearsal on this chip is remembered, and none is asked for".to_owned()),
        Some(Ok(_)) => Passed(format!("rehearsed at {when}")),
        Some(Err(why)) => Failed(format!("the rehearsal of {when} does not count: {why}")),
    }
}

pub(super) fn kept(f: &Facts) -> Answer {
    let otp = f.parts.iter().all(|p| p.info().da_store == DaStore::Otp);
    if !f.wish.rehearse {
        return NotMeasured("no rehearsal");
    }
    if f.state() != Some(ProductState::Open) {
        // Where a close may begin in Provisioning, a rehearsal may not.
        let begins_here = f.wish.overrides.iter().any(|id| id.eq_ignore_ascii_case("P-START-OPEN"));
        return if begins_here { Failed("a rehearsal starts in Open".to_owned()) } else { NOT_OPEN };
    }
    if otp {
        return Failed("a part with its password in OTP cannot rehearse writing it".to_owned());
    }
    let data = |flash: Flash<'_>| (0..flash.map().sectors()).any(|index| flash.map().sector(index).data);
    if f.flash().is_some_and(data) {
        return Failed("part of the flash is for high-cycle data (EDATA), which is not read back".to_owned());
    }
    if f.kept.iter().all(Image::is_blank) {
        return Passed("the flash is empty".to_owned());
    }
    let bytes: usize = f.kept.iter().map(|i| i.bytes.len()).sum();
    let rest = if f.wish.images.is_empty() { "" } else { "; anything else in the flash is lost" };
    Passed(format!("{bytes} bytes read back, to be written again{rest}"))
}

pub(super) fn otp(f: &Facts) -> Answer {
    match &f.otp {
        None => NO_OTP,
        Some(block) if block.locked => Passed("a password stands in OTP, locked".to_owned()),
        Some(_) => Failed("the hash of the password would be written and locked for the life of the chip".to_owned()),
    }
}

pub(super) fn supply(f: &Facts) -> Answer {
    match f.volts {
        None => NotMeasured("this probe cannot tell"),
        Some(volts) => hold((1.71..=3.6).contains(&volts), format!("{volts:.2} V")),
    }
}

pub(super) fn options(f: &Facts) -> Answer {
    if f.wish.options.is_empty() {
        return NotMeasured("no option bytes were given to hold them against");
    }
    let Some(options) = &f.options else { return NOT_OPEN };
    let differ: Vec<String> = diff((options.part(), options.flash), &values(options), &f.wish.options, false)
        .into_iter()
        .filter(|d| d.name != "PRODUCT_STATE")
        .map(|d| format!("{} = {}, not {}", d.name, d.left.unwrap_or_default(), d.right.unwrap_or_default()))
        .collect();
    let unseen = f.wish.options.keys().filter(|name| f.field(name).is_none()).copied().collect::<Vec<_>>();
    match (differ.is_empty(), unseen.is_empty()) {
        (false, _) => Failed(differ.join(", ")),
        (true, false) => Failed(format!("not readable: {}", unseen.join(", "))),
        (true, true) => Passed(format!("{} fields as given", f.wish.options.len())),
    }
}

pub(super) fn pin_speed(f: &Facts) -> Answer {
    let on: Vec<&str> = ["IO_VDD_HSLV", "IO_VDDIO2_HSLV"].into_iter().filter(|name| f.field(name) == Some(1)).collect();
    match (&f.options, on.is_empty()) {
        (None, _) => NOT_OPEN,
        (_, true) => Passed("off".to_owned()),
        (_, false) => Failed(format!("on: {}", on.join(", "))),
    }
}

pub(super) fn locks(f: &Facts) -> Answer {
    if f.options.is_none() {
        return NOT_OPEN;
    }
    let open: Vec<&str> =
        ["SECBOOT_LOCK", "NSBOOT_LOCK"].into_iter().filter(|name| f.field(name).is_some_and(|v| v != 0xB4)).collect();
    hold(
        open.is_empty(),
        if open.is_empty() { "locked".to_owned() } else { format!("not locked: {}", open.join(", ")) },
    )
}

pub(super) fn banks(f: &Facts) -> Answer {
    match f.field("SWAP_BANK") {
        None => NOT_OPEN,
        Some(value) => hold(value == 0, format!("SWAP_BANK = {value}")),
    }
}

pub(super) fn service(f: &Facts) -> Answer {
    if !super::credential::has_obk(f) {
        return NotMeasured("no service on this part");
    }
    match &f.rehearsed {
        Some(rehearsal) => Passed(format!("it did at {}", rehearsal.time)),
        None => Failed(
            "not seen yet: if it refuses, the chip stays in Provisioning until STM32CubeProgrammer provisions it (-sdp)".to_owned(),
        ),
    }
}

pub(super) fn target_usb(_: &Facts) -> Answer {
    NotMeasured("a debugger cannot see it: pull the cable of the chip's own USB port, if there is one")
}
