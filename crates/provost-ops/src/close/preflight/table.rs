//! The table: each rule's statement, source, confidence and weight.

use provost_chip::sources::Confidence::{self, Code, Documented, Inferred, Observed, Staff};

use super::{
    Answer, Check,
    Weight::{self, Firm, Refuses, Warns},
    checks, credential,
};
use crate::close::facts::Facts;

const fn check(
    id: &'static str,
    says: &'static str,
    (confidence, source): (Confidence, &'static [&'static str]),
    weight: Weight,
    test: fn(&Facts) -> Answer,
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
        checks::start_open,
    ),
    check(
        "P-NO-CHAIN",
        "A final state is reached straight from Provisioning; from iROT-Provisioned or TZ-Closed a debugger does not get further.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        checks::no_chain,
    ),
    check(
        "P-NO-PENDING",
        "No option change waits for a reset: the close would make it take effect unseen.",
        (Inferred, &["PROVOST"]),
        Firm,
        checks::no_pending,
    ),
    check(
        "P-UID",
        "The unique id can be read: plan, phrase, rehearsal and receipt are bound to it.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        checks::uid,
    ),
    check(
        "P-PART",
        "The crypto class is known; DEV_ID leaves it open for some parts, and then the part must be named.",
        (Documented, &["CMSIS", "PRGDB"]),
        Firm,
        checks::part,
    ),
    check(
        "P-TARGET",
        "The target is a closed state that a write from Provisioning reaches; TZ-Closed needs TrustZone on.",
        (Documented, &["CUBEH5-ROT", "WIKI-PS"]),
        Firm,
        checks::target,
    ),
    check(
        "P-NOT-FOR-EVER",
        "Locked has no way back at all; it is never offered, and must be asked for in so many words.",
        (Documented, &["SEGGER", "KB-RDP"]),
        Firm,
        checks::not_for_ever,
    ),
    check(
        "P-CREDENTIAL",
        "A credential is held that can be read: a chip that is closed without one is lost.",
        (Staff, &["ST-694861"]),
        Firm,
        credential::credential,
    ),
    check(
        "P-METHOD",
        "The credential is of the kind that TZEN asks for: a certificate chain with TrustZone on, a password with TrustZone off.",
        (Documented, &["WIKI-DA", "LAT"]),
        Firm,
        credential::method,
    ),
    check(
        "P-CUSTODY",
        "The credential does not lie in a temporary folder only: it is the only way back.",
        (Inferred, &["PROVOST"]),
        Refuses,
        credential::custody,
    ),
    check(
        "P-OBJECT",
        "The Debug Authentication object is whole: size, and the hash over its content.",
        (Documented, &["CUBEH5-ROT"]),
        Firm,
        credential::object,
    ),
    check(
        "P-OBJECT-PLACE",
        "The object goes to 0x0FFD0100; anywhere else the ROM does not look for it.",
        (Documented, &["CUBEH5-ROT"]),
        Firm,
        credential::object_place,
    ),
    check(
        "P-OBJECT-ENCRYPTION",
        "The object asks for encryption on parts with secure AES, and only there; the wrong form is stored and never authenticates.",
        (Documented, &["SEGGER", "HOTSPOT", "ST-789419", "ST-674542"]),
        Firm,
        credential::object_encryption,
    ),
    check(
        "P-HOST-KEY",
        "The hash in the object is that of the root key, or of the password, held here.",
        (Documented, &["AN6008"]),
        Firm,
        credential::host_key,
    ),
    check(
        "P-TOKEN",
        "The private key at hand signs a token that the chain verifies.",
        (Documented, &["ADAC"]),
        Firm,
        credential::token,
    ),
    check(
        "P-PERMISSION",
        "Full Regression is granted by the product, the object, every certificate and the token.",
        (Documented, &["AN6008"]),
        Firm,
        credential::permission,
    ),
    check(
        "P-NOT-A-SAMPLE",
        "The credential is none of ST's published samples: anybody could open the chip with them.",
        (Code, &["CUBEH5-ROT", "WOLFTRUST"]),
        Refuses,
        credential::not_a_sample,
    ),
    check(
        "P-NRST",
        "The probe's reset line reaches NRST: without it Debug Authentication cannot start, and there is no way back.",
        (Staff, &["ST-895809", "ST-846375"]),
        Firm,
        checks::nrst,
    ),
    check(
        "P-BOOT-UBE",
        "BOOT_UBE is 0xB4: with 0xC3 and no ST-iRoT data the chip does not boot once it has left Provisioning.",
        (Documented, &["HOTSPOT"]),
        Refuses,
        checks::boot_ube,
    ),
    check(
        "P-BOOT-ADDRESS",
        "The boot address points into the user flash; it cannot be changed after Provisioning.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        checks::boot_address,
    ),
    check(
        "P-WATERMARK",
        "With TrustZone on, the secure boot address lies in a secure watermark; the watermarks cannot be changed after Open.",
        (Documented, &["CUBEH5-TZ", "HAL"]),
        Refuses,
        checks::watermark,
    ),
    check(
        "P-FIRMWARE",
        "At the boot address stands a vector table: a stack pointer in RAM and a reset handler in flash.",
        (Inferred, &["PROVOST"]),
        Refuses,
        checks::firmware,
    ),
    check(
        "P-FIRMWARE-NS",
        "With TrustZone on, a vector table stands at NSBOOTADD, in a non-secure sector: the secure firmware may start it there.",
        (Inferred, &["PROVOST"]),
        Warns,
        checks::ns_firmware,
    ),
    check(
        "P-OPTIONS",
        "The option bytes given with --options are in force; HDP, write protection and boot locks come before Provisioning.",
        (Documented, &["CUBEH5-ROT"]),
        Refuses,
        checks::options,
    ),
    check(
        "P-IMAGES",
        "The images given are in the flash, byte for byte; in later states they can no longer be read back.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        checks::images,
    ),
    check(
        "P-IMAGE-WORLDS",
        "Each image given lies in sectors of the world that it is linked for: 0x0C… in a secure watermark, 0x08… outside.",
        (Documented, &["CUBEH5-TZ", "HAL"]),
        Refuses,
        checks::image_worlds,
    ),
    check(
        "P-WATCHDOG",
        "The watchdogs are started by software: one that runs from reset interrupts what the ROM does.",
        (Inferred, &["PROVOST"]),
        Refuses,
        checks::watchdog,
    ),
    check(
        "P-REHEARSED",
        "Where the chip may take an object in the wrong form without complaint, the credential has been used on this very chip.",
        (Observed, &["ST-789419", "WOLFTRUST"]),
        Refuses,
        checks::rehearsed,
    ),
    check(
        "P-KEPT",
        "What a rehearsal erases can be written again: the flash was read back, or its images were given.",
        (Inferred, &["PROVOST"]),
        Firm,
        checks::kept,
    ),
    check(
        "P-OTP",
        "An STM32H503 keeps its password for life: it is written only if that is asked for by name.",
        (Documented, &["CUBEH5-ROT"]),
        Refuses,
        checks::otp,
    ),
    check(
        "P-SUPPLY",
        "The chip's supply is within 1.71 to 3.6 V, where the probe can tell.",
        (Documented, &["CMSIS"]),
        Refuses,
        checks::supply,
    ),
    check(
        "P-LOCKS",
        "The boot addresses are locked (SECBOOT_LOCK, NSBOOT_LOCK) before Provisioning, if they are to be.",
        (Documented, &["CUBEH5-ROT"]),
        Warns,
        checks::locks,
    ),
    check(
        "P-PIN-SPEED",
        "High speed at low voltage (HSLV) is off: with a supply above 2.7 V it damages the pins.",
        (Documented, &["CMSIS"]),
        Warns,
        checks::pin_speed,
    ),
    check("P-BANKS", "SWAP_BANK is 0, as ST's scripts expect.", (Documented, &["CUBEH5-ROT"]), Warns, checks::banks),
    check(
        "P-SERVICE",
        "The ROM's provisioning service is known to take an object from provost on this chip; public sources leave open how it is called.",
        (Observed, &["ST-843175", "ST-887685"]),
        Warns,
        checks::service,
    ),
    check(
        "P-TARGET-USB",
        "Nothing is plugged into the chip's own USB port: objects were seen to fail with a cable in it.",
        (Observed, &["ST-829560"]),
        Warns,
        checks::target_usb,
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
