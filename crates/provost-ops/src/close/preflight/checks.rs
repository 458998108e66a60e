//! The rules of the preflight, one by one.

use provost_adac::permission::PermissionMask;
use provost_chip::{
    assumptions::Assumptions,
    model::authentication::PRODUCT_MASK,
    parts::DaStore,
    registers::memory,
    sources::Confidence::{self, Code, Documented, Inferred, Observed, Staff},
    states::{BootUbe, DaMethod, ProductState, TrustZone},
    transitions::{Writer, product_state_write},
};
use provost_obk::da::{DESTINATION, DaPayload};

use super::{
    Check,
    Verdict::{self, Failed, NotMeasured, Passed},
    Weight::{self, Firm, Refuses, Warns},
};
use crate::{
    close::{custody::grants, facts::Facts},
    error::OpError,
};

const fn check(
    id: &'static str,
    says: &'static str,
    (confidence, source): (Confidence, &'static [&'static str]),
    weight: Weight,
    test: fn(&Facts) -> Verdict,
) -> Check {
    Check { id, says, confidence, source, weight, test: Some(test) }
}

const fn gate(
    id: &'static str,
    says: &'static str,
    (confidence, source): (Confidence, &'static [&'static str]),
) -> Check {
    Check { id, says, confidence, source, weight: Firm, test: None }
}

pub(super) const TABLE: &[Check] = &[
    check(
        "P-START-OPEN",
        "A close starts in Open: only there can the unique id, the option words and the firmware be read.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        start_open,
    ),
    check(
        "P-NO-CHAIN",
        "A final state is reached straight from Provisioning; from iROT-Provisioned or TZ-Closed a debugger does not get further.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        no_chain,
    ),
    check(
        "P-NO-PENDING",
        "No option change waits for a reset: the close would make it take effect unseen.",
        (Inferred, &["PROVOST"]),
        Firm,
        no_pending,
    ),
    check(
        "P-UID",
        "The unique id can be read: plan, phrase, rehearsal and receipt are bound to it.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        uid,
    ),
    check(
        "P-PART",
        "The crypto class is known; DEV_ID leaves it open for some parts, and then the part must be named.",
        (Documented, &["CMSIS", "PRGDB"]),
        Firm,
        part,
    ),
    check(
        "P-TARGET",
        "The target is a closed state that a write from Provisioning reaches; TZ-Closed needs TrustZone on.",
        (Documented, &["CUBEH5-ROT", "WIKI-PS"]),
        Firm,
        target,
    ),
    check(
        "P-NOT-FOR-EVER",
        "Locked has no way back at all; it is never offered, and must be asked for in so many words.",
        (Documented, &["SEGGER", "KB-RDP"]),
        Firm,
        not_for_ever,
    ),
    check(
        "P-CREDENTIAL",
        "A credential is held that can be read: a chip that is closed without one is lost.",
        (Staff, &["ST-694861"]),
        Firm,
        credential,
    ),
    check(
        "P-METHOD",
        "The credential is of the kind that TZEN asks for: a certificate chain with TrustZone on, a password with TrustZone off.",
        (Documented, &["WIKI-DA", "LAT"]),
        Firm,
        method,
    ),
    check(
        "P-CUSTODY",
        "The credential does not lie in a temporary folder only: it is the only way back.",
        (Inferred, &["PROVOST"]),
        Refuses,
        custody,
    ),
    check(
        "P-OBJECT",
        "The Debug Authentication object is whole: size, and the hash over its content.",
        (Documented, &["CUBEH5-ROT"]),
        Firm,
        object,
    ),
    check(
        "P-OBJECT-PLACE",
        "The object goes to 0x0FFD0100; anywhere else the ROM does not look for it.",
        (Documented, &["CUBEH5-ROT"]),
        Firm,
        object_place,
    ),
    check(
        "P-OBJECT-ENCRYPTION",
        "The object asks for encryption on parts with secure AES, and only there; the wrong form is stored and never authenticates.",
        (Documented, &["SEGGER", "HOTSPOT", "ST-789419", "ST-674542"]),
        Firm,
        object_encryption,
    ),
    check(
        "P-HOST-KEY",
        "The hash in the object is that of the root key, or of the password, held here.",
        (Documented, &["AN6008"]),
        Firm,
        host_key,
    ),
    check(
        "P-TOKEN",
        "The private key at hand signs a token that the chain verifies.",
        (Documented, &["ADAC"]),
        Firm,
        token,
    ),
    check(
        "P-PERMISSION",
        "Full Regression is granted by the product, the object, every certificate and the token.",
        (Documented, &["AN6008"]),
        Firm,
        permission,
    ),
    check(
        "P-NOT-A-SAMPLE",
        "The credential is none of ST's published samples: anybody could open the chip with them.",
        (Code, &["CUBEH5-ROT", "WOLFTRUST"]),
        Refuses,
        not_a_sample,
    ),
    check(
        "P-NRST",
        "The probe's reset line reaches NRST: without it Debug Authentication cannot start, and there is no way back.",
        (Staff, &["ST-895809", "ST-846375"]),
        Firm,
        nrst,
    ),
    check(
        "P-BOOT-UBE",
        "BOOT_UBE is 0xB4: with 0xC3 and no ST-iRoT data the chip does not boot once it has left Provisioning.",
        (Documented, &["HOTSPOT"]),
        Refuses,
        boot_ube,
    ),
    check(
        "P-BOOT-ADDRESS",
        "The boot address points into the user flash; it cannot be changed after Provisioning.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        boot_address,
    ),
    check(
        "P-WATERMARK",
        "With TrustZone on, the secure boot address lies in a secure watermark; the watermarks cannot be changed after Open.",
        (Documented, &["CUBEH5-TZ", "HAL"]),
        Refuses,
        watermark,
    ),
    check(
        "P-FIRMWARE",
        "At the boot address stands a vector table: a stack pointer in RAM and a reset handler in flash.",
        (Inferred, &["PROVOST"]),
        Refuses,
        firmware,
    ),
    check(
        "P-IMAGES",
        "The images given are in the flash, byte for byte; in later states they can no longer be read back.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        images,
    ),
    check(
        "P-WATCHDOG",
        "The independent watchdog is started by software: one that runs from reset interrupts what the ROM does.",
        (Inferred, &["PROVOST"]),
        Refuses,
        watchdog,
    ),
    check(
        "P-REHEARSED",
        "Where the chip may take an object in the wrong form without complaint, the credential has been used on this very chip.",
        (Observed, &["ST-789419", "WOLFTRUST"]),
        Refuses,
        rehearsed,
    ),
    check(
        "P-KEPT",
        "What a rehearsal erases can be written again: the flash was read back, or its images were given.",
        (Inferred, &["PROVOST"]),
        Firm,
        kept,
    ),
    check(
        "P-OTP",
        "An STM32H503 keeps its password for life: it is written only if that is asked for by name.",
        (Documented, &["CUBEH5-ROT"]),
        Refuses,
        otp,
    ),
    check(
        "P-SUPPLY",
        "The chip's supply is within 1.71 to 3.6 V, where the probe can tell.",
        (Documented, &["CMSIS"]),
        Refuses,
        supply,
    ),
    check(
        "P-LOCKS",
        "The boot addresses are locked (SECBOOT_LOCK, NSBOOT_LOCK) before Provisioning, if they are to be.",
        (Documented, &["CUBEH5-ROT"]),
        Warns,
        locks,
    ),
    check("P-BANKS", "SWAP_BANK is 0, as ST's scripts expect.", (Documented, &["CUBEH5-ROT"]), Warns, banks),
    check(
        "P-SERVICE",
        "The ROM's provisioning service is known to take an object from provost on this chip; public sources leave open how it is called.",
        (Observed, &["ST-843175", "ST-887685"]),
        Warns,
        service,
    ),
    gate(
        "P-IN-PROVISIONING",
        "The chip is in Provisioning, with TZEN as planned, before anything is provisioned.",
        (Documented, &["CUBEH5-ROT"]),
    ),
    gate(
        "P-SAME-CHIP",
        "Discovery shows the unique id that the plan is bound to, where it shows one.",
        (Observed, &["WOLFTRUST"]),
    ),
    gate(
        "P-DA-VALID",
        "Discovery shows integrity 0xEAEAEAEA: the chip accepts the object.",
        (Observed, &["WOLFTRUST", "ST-836233"]),
    ),
    gate("P-DA-PERMISSION", "Discovery lists Full Regression.", (Observed, &["WOLFTRUST"])),
    gate("P-DA-METHOD", "Discovery asks for the kind of credential that is held.", (Documented, &["WIKI-DA"])),
];

const NOT_OPEN: Verdict = NotMeasured("readable in Open only");
const NO_CREDENTIAL: Verdict = NotMeasured("no credential");

fn hold(holds: bool, found: impl Into<String>) -> Verdict {
    if holds { Passed(found.into()) } else { Failed(found.into()) }
}

fn start_open(f: &Facts) -> Verdict {
    match f.state() {
        Some(ProductState::Open) => Passed("Open".to_owned()),
        // Rule P-NO-CHAIN has more to say.
        Some(state) if state > ProductState::Provisioning => NotMeasured("a later state"),
        Some(state) => Failed(format!("the chip is in {state}")),
        None => Failed("AP1 is shut, so the chip is not Open".to_owned()),
    }
}

fn no_chain(f: &Facts) -> Verdict {
    match f.state() {
        Some(state) if state > ProductState::Provisioning => Failed(format!("the chip is {state} already")),
        Some(state) => Passed(state.to_string()),
        None => NotMeasured("AP1 is shut"),
    }
}

fn no_pending(f: &Facts) -> Verdict {
    let state = f.identity.options.and_then(|o| o.pending_state());
    match (f.pending.is_empty(), state) {
        (_, Some(state)) => Failed(format!("PRODUCT_STATE = {state} waits for a reset")),
        (false, None) => Failed(format!("waiting for a reset: {}", f.pending.join(", "))),
        (true, None) => Passed("nothing waits".to_owned()),
    }
}

fn uid(f: &Facts) -> Verdict {
    match f.identity.uid {
        _ if f.state() != Some(ProductState::Open) => NOT_OPEN,
        Some(id) if id != [0; 3] && id != [u32::MAX; 3] => Passed(crate::close::facts::uid_text(id)),
        Some(id) => Failed(format!("it reads {}", crate::close::facts::uid_text(id))),
        None => Failed("it cannot be read".to_owned()),
    }
}

fn part(f: &Facts) -> Verdict {
    let names: Vec<String> = f.parts.iter().map(ToString::to_string).collect();
    let mut classes = f.parts.iter().map(|p| p.info().crypto);
    let first = classes.next();
    let one_class = first.is_some() && classes.all(|c| Some(c) == first);
    hold(one_class, names.join(" or "))
}

fn target(f: &Facts) -> Verdict {
    let (from, to) = (ProductState::Provisioning, f.request.target);
    if f.identity.options.is_none() {
        return NotMeasured("AP1 is shut");
    }
    let decision = product_state_write(from, to, f.trustzone(), Writer::Debugger, &Assumptions::default());
    let found = format!("{to} with TrustZone {} ({})", f.trustzone(), decision.rule.rule().id);
    hold(decision.outcome == Some(to), found)
}

fn not_for_ever(f: &Facts) -> Verdict {
    match f.request.target {
        ProductState::Locked if f.request.forever => Passed("Locked, asked for in so many words".to_owned()),
        ProductState::Locked => Failed("the target is Locked".to_owned()),
        state => Passed(state.title().to_owned()),
    }
}

fn credential(f: &Facts) -> Verdict {
    let Some(custody) = &f.custody else { return Failed("none was given".to_owned()) };
    match &custody.set {
        Ok(_) => Passed(custody.folder.display().to_string()),
        // These have a rule of their own.
        Err(OpError::RootMismatch { .. } | OpError::Credential(_)) => Passed("it can be read".to_owned()),
        Err(OpError::CredentialFile { path, .. }) if path.extension().is_some_and(|e| e == "obk") => {
            Passed("it can be read".to_owned())
        }
        Err(error) => Failed(error.to_string()),
    }
}

fn method(f: &Facts) -> Verdict {
    let Some(Ok(set)) = f.custody.as_ref().map(|c| &c.set) else { return NO_CREDENTIAL };
    let (method, tz) = (f.method(), f.trustzone());
    let found = if set.has(method) { method.as_str() } else { "only the other kind is held" };
    hold(set.has(method), format!("TrustZone {tz} asks for a {method}: {found}"))
}

fn custody(f: &Facts) -> Verdict {
    match &f.custody {
        None => NO_CREDENTIAL,
        Some(c) => match &c.temporary {
            Some(folder) => Failed(format!("{} lies in {}", c.folder.display(), folder.display())),
            None => Passed(c.folder.display().to_string()),
        },
    }
}

fn has_obk(f: &Facts) -> bool {
    f.parts.iter().any(|p| p.info().da_store == DaStore::Obk)
}

/// What the object rules look at, or why there is nothing to look at.
fn with_object(f: &Facts, test: impl FnOnce(&provost_obk::obk::Obk, &'static str) -> Verdict) -> Verdict {
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

fn object(f: &Facts) -> Verdict {
    with_object(f, |obk, name| match DaPayload::parse(obk.payload()).and_then(|p| p.verify()) {
        Ok(()) => Passed(format!("{name} is whole")),
        Err(error) => Failed(format!("{name}: {error}")),
    })
}

fn object_place(f: &Facts) -> Verdict {
    with_object(f, |obk, name| {
        hold(obk.destination() == DESTINATION, format!("{name} goes to {:#010x}", obk.destination()))
    })
}

fn object_encryption(f: &Facts) -> Verdict {
    let crypto = f.parts.iter().any(|p| p.info().crypto);
    with_object(f, |obk, name| {
        let asks = if obk.encrypt() { "asks for encryption" } else { "asks for none" };
        let part = if crypto { "with secure AES" } else { "without secure AES" };
        hold(obk.encrypt() == crypto, format!("{name} {asks}, on a part {part}"))
    })
}

fn host_key(f: &Facts) -> Verdict {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    if !has_obk(f) {
        return otp_password(f);
    }
    let Some(payload) = custody.payload(f.method()) else { return NotMeasured("no object to compare with") };
    match custody.holds_the_key_to(&payload, f.method()) {
        Some(fits) => hold(fits, if fits { "it is" } else { "it is another one's" }),
        None => NotMeasured("no credential of this kind"),
    }
}

/// A password that stands in OTP already must be the one held.
fn otp_password(f: &Facts) -> Verdict {
    match (f.otp.and_then(|o| o.hash), own_hash(f)) {
        (Some(there), Some(mine)) => {
            hold(there == mine, if there == mine { "it stands in OTP" } else { "another one's stands in OTP" })
        }
        (None, Some(_)) => Passed("nothing stands in OTP yet".to_owned()),
        (_, None) => NO_CREDENTIAL,
    }
}

fn own_hash(f: &Facts) -> Option<[u8; 32]> {
    let set = f.custody.as_ref()?.set.as_ref().ok()?;
    set.object(DaMethod::Password).ok()?.map(|o| o.payload().hash)
}

fn token(f: &Facts) -> Verdict {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    if f.method() == DaMethod::Password {
        return NotMeasured("a password signs nothing");
    }
    match (&custody.set, custody.rehearse_token()) {
        (Err(OpError::Credential(provost_adac::host::CredentialError::PermissionWithheld { .. })), _) => {
            NotMeasured("the permission is withheld")
        }
        (Err(OpError::Credential(error)), _) => Failed(error.to_string()),
        (_, Some(Ok(_))) => Passed("signed and verified".to_owned()),
        (_, Some(Err(error))) => Failed(error),
        (_, None) => NotMeasured("no certificate"),
    }
}

fn permission(f: &Facts) -> Verdict {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    if f.method() == DaMethod::Password {
        // Rule R-PASSWORD-FULL-REGRESSION-ONLY: whatever mask stands beside its hash.
        return Passed("a password grants the full regression, and nothing else".to_owned());
    }
    if let Err(OpError::Credential(error @ provost_adac::host::CredentialError::PermissionWithheld { .. })) =
        &custody.set
    {
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

fn not_a_sample(f: &Facts) -> Verdict {
    let Some(custody) = &f.custody else { return NO_CREDENTIAL };
    match custody.sample(f.method(), f.request.samples) {
        Some(what) => Failed(format!("it is {what}")),
        None => Passed("none that is known".to_owned()),
    }
}

fn nrst(f: &Facts) -> Verdict {
    match f.nrst {
        Some(true) => Passed("the core saw the pulse".to_owned()),
        Some(false) => Failed("NRST was driven low and the core saw no reset".to_owned()),
        None => NotMeasured("proven by a pulse when it is carried out"),
    }
}

fn boot_ube(f: &Facts) -> Verdict {
    match f.field("BOOT_UBE") {
        None => NotMeasured("no such option, or not readable here"),
        Some(value) => hold(value == u32::from(BootUbe::OemIrot.code()), format!("BOOT_UBE = {value:#04X}")),
    }
}

fn boot_address(f: &Facts) -> Verdict {
    let (Some((name, offset)), Some(part)) = (f.boot(), f.part()) else { return NOT_OPEN };
    let value = f.field(name).unwrap_or(0);
    hold(offset < part.info().flash_size, format!("{name} = {value:#08X}"))
}

fn watermark(f: &Facts) -> Verdict {
    if f.trustzone() == TrustZone::Disabled {
        return NotMeasured("TrustZone is off");
    }
    let (Some((name, offset)), Some(map)) = (f.boot(), f.map()) else { return NOT_OPEN };
    match map.is_secure_at(offset) {
        Some(true) => Passed(format!("{name} lies in a secure sector")),
        Some(false) => Failed(format!("{name} lies in a sector that no watermark makes secure")),
        None => NotMeasured("the boot address is outside the flash"),
    }
}

fn firmware(f: &Facts) -> Verdict {
    if f.state() != Some(ProductState::Open) {
        return NOT_OPEN;
    }
    let (Some([stack, reset]), Some(part)) = (f.vectors, f.part()) else { return NotMeasured("no boot address") };
    let in_ram = matches!(stack >> 28, 2 | 3);
    let offset = (reset & !memory::SECURE_ALIAS).wrapping_sub(memory::FLASH);
    let in_flash = reset & 1 == 1 && offset < part.info().flash_size;
    let found = format!("stack pointer {stack:#010x}, reset handler {reset:#010x}");
    hold(in_ram && in_flash, found)
}

fn images(f: &Facts) -> Verdict {
    if f.state() != Some(ProductState::Open) {
        return NOT_OPEN;
    }
    let bad = f.images.iter().find(|i| i.found.as_ref() != Some(&i.wanted.sha256));
    match bad {
        Some(i) if i.found.is_none() => {
            Failed(format!("{} does not lie in the user flash, on a multiple of 16 bytes", i.wanted.name))
        }
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

fn watchdog(f: &Facts) -> Verdict {
    match f.field("IWDG_SW") {
        None => NOT_OPEN,
        Some(value) => hold(value == 1, format!("IWDG_SW = {value}")),
    }
}

fn rehearsed(f: &Facts) -> Verdict {
    let may_take_anything = f.parts.iter().any(|p| p.info().crypto);
    let required = f.request.policy.close.require_rehearsal;
    if f.state() != Some(ProductState::Open) {
        return NOT_OPEN;
    }
    if !may_take_anything && !required {
        return Passed("this part refuses what it cannot use".to_owned());
    }
    if f.request.rehearse {
        return Passed("it is the first part of this plan".to_owned());
    }
    match &f.rehearsed {
        None => Failed("no rehearsal on this chip is remembered, and none is asked for".to_owned()),
        Some(rehearsal) => match rehearsal.counts_for(f) {
            Ok(()) => Passed(format!("rehearsed at {}", rehearsal.time)),
            Err(why) => Failed(format!("the rehearsal of {} does not count: {why}", rehearsal.time)),
        },
    }
}

fn kept(f: &Facts) -> Verdict {
    let otp = f.parts.iter().all(|p| p.info().da_store == DaStore::Otp);
    if !f.request.rehearse {
        return NotMeasured("no rehearsal");
    }
    if f.state() != Some(ProductState::Open) {
        return NOT_OPEN;
    }
    if otp {
        return Failed("a part with its password in OTP cannot rehearse writing it".to_owned());
    }
    if f.kept.iter().all(crate::close::image::Image::is_blank) {
        return Passed("the flash is empty".to_owned());
    }
    let bytes: usize = f.kept.iter().map(|i| i.bytes.len()).sum();
    let rest = if f.request.images.is_empty() { "" } else { "; anything else in the flash is lost" };
    Passed(format!("{bytes} bytes read back, to be written again{rest}"))
}

fn otp(f: &Facts) -> Verdict {
    match f.otp {
        None => NotMeasured("no password in OTP on this part"),
        Some(otp) if otp.hash.is_some() && otp.locked => Passed("a password stands in OTP, locked".to_owned()),
        Some(_) => Failed("the hash of the password would be written and locked for the life of the chip".to_owned()),
    }
}

fn supply(f: &Facts) -> Verdict {
    match f.volts {
        None => NotMeasured("this probe cannot tell"),
        Some(volts) => hold((1.71..=3.6).contains(&volts), format!("{volts:.2} V")),
    }
}

fn locks(f: &Facts) -> Verdict {
    if f.words.is_empty() {
        return NOT_OPEN;
    }
    let open: Vec<&str> =
        ["SECBOOT_LOCK", "NSBOOT_LOCK"].into_iter().filter(|name| f.field(name).is_some_and(|v| v != 0xB4)).collect();
    hold(
        open.is_empty(),
        if open.is_empty() { "locked".to_owned() } else { format!("not locked: {}", open.join(", ")) },
    )
}

fn banks(f: &Facts) -> Verdict {
    match f.field("SWAP_BANK") {
        None => NOT_OPEN,
        Some(value) => hold(value == 0, format!("SWAP_BANK = {value}")),
    }
}

fn service(f: &Facts) -> Verdict {
    if !has_obk(f) {
        return NotMeasured("no service on this part");
    }
    match &f.rehearsed {
        Some(rehearsal) => Passed(format!("it did at {}", rehearsal.time)),
        None => Failed(
            "not seen yet: if it refuses, the chip stays in Provisioning until STM32CubeProgrammer provisions it (-sdp)".to_owned(),
        ),
    }
}
