//! The table: each rule's statement, source, confidence, weight and remedy.

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
    next: &'static [&'static str],
) -> Check {
    Check { id, says, confidence, source, weight, test: Some(test), next }
}

const fn gate(
    id: &'static str,
    says: &'static str,
    (confidence, source): (Confidence, &'static [&'static str]),
    next: &'static [&'static str],
) -> Check {
    Check { id, says, confidence, source, weight: Firm, test: None, next }
}

pub(super) const TABLE: &[Check] = &[
    check(
        "P-START-OPEN",
        "A close starts in Open: only there can the firmware and all option words be looked at, and changed.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        checks::start_open,
        &[
            "`provost rescue` brings the chip back to Open, erased, and a close begins there",
            "where firmware and option bytes are known to be right, as after `provost obk write FILE`: `provost close --to STATE --credential DIR --override P-START-OPEN` goes on from here",
        ],
    ),
    check(
        "P-NO-CHAIN",
        "A final state is reached straight from Provisioning; from iROT-Provisioned or TZ-Closed a debugger does not get further.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        checks::no_chain,
        &[
            "`provost auth discover`, which resets the chip, says in which state it is and whether it holds a credential",
            "back to Open, erased, with that credential: `provost auth regress --credential DIR`",
        ],
    ),
    check(
        "P-NO-PENDING",
        "No option change waits for a reset: the close would make it take effect unseen.",
        (Inferred, &["PROVOST"]),
        Firm,
        checks::no_pending,
        &[
            "`provost status` shows what waits and `provost explain R-OPTION-CHANGE-WHOLE` how it takes effect; a reset makes it do so, then close",
        ],
    ),
    check(
        "P-UID",
        "The unique id can be read: plan, phrase, rehearsal and receipt are bound to it.",
        (Observed, &["WOLFTRUST"]),
        Firm,
        checks::uid,
        &[
            "in Provisioning a chip shows its unique id to a discovery only, and this one shows none: `provost rescue` brings it back to Open, erased",
        ],
    ),
    check(
        "P-PART",
        "The crypto class is known; DEV_ID leaves it open for some parts, and then the part must be named.",
        (Documented, &["CMSIS", "PRGDB"]),
        Firm,
        checks::part,
        &["read the marking on the package and say it: --part STM32H533, for example"],
    ),
    check(
        "P-TARGET",
        "The target is a closed state that a write from Provisioning reaches; TZ-Closed needs TrustZone on.",
        (Documented, &["CUBEH5-ROT", "WIKI-PS"]),
        Firm,
        checks::target,
        &[
            "say --to irot-provisioned, --to tz-closed (TrustZone on) or --to closed; `provost explain closed` says what each means",
        ],
    ),
    check(
        "P-NOT-FOR-EVER",
        "Locked has no way back at all; it is never offered, and must be asked for in so many words.",
        (Documented, &["SEGGER", "KB-RDP"]),
        Firm,
        checks::not_for_ever,
        &["say --to closed: it has a way back"],
    ),
    check(
        "P-CREDENTIAL",
        "A credential is held that can be read: a chip that is closed without one is lost.",
        (Staff, &["ST-694861"]),
        Firm,
        credential::credential,
        &[
            "make one: `provost credential new --method METHOD --out DIR`, with certificate as the method where TrustZone is on and password where it is off; then give --credential DIR",
        ],
    ),
    check(
        "P-METHOD",
        "The credential is of the kind that TZEN asks for: a certificate chain with TrustZone on, a password with TrustZone off.",
        (Documented, &["WIKI-DA", "LAT"]),
        Firm,
        credential::method,
        &[
            "make one of the other kind: `provost credential new --method METHOD --out DIR`; or set TZEN, in Open, to what the credential is for",
        ],
    ),
    check(
        "P-CUSTODY",
        "The credential does not lie in a temporary folder only: it is the only way back.",
        (Inferred, &["PROVOST"]),
        Refuses,
        credential::custody,
        &["move the folder to where it is kept, and give that with --credential"],
    ),
    check(
        "P-OBJECT",
        "The Debug Authentication object is whole: size, and the hash over its content.",
        (Documented, &["CUBEH5-ROT"]),
        Firm,
        credential::object,
        &[
            "make the set anew: `provost credential new --method METHOD --out DIR`; or take the object file out of the folder, and it is made from the credential",
        ],
    ),
    check(
        "P-OBJECT-PLACE",
        "The object goes to 0x0FFD0100; anywhere else the ROM does not look for it.",
        (Documented, &["CUBEH5-ROT"]),
        Firm,
        credential::object_place,
        &["take the object file out of the folder, and it is made from the credential"],
    ),
    check(
        "P-OBJECT-ENCRYPTION",
        "The object asks for encryption on parts with secure AES, and only there; the wrong form is stored and never authenticates.",
        (Documented, &["SEGGER", "HOTSPOT", "ST-789419", "ST-674542"]),
        Firm,
        credential::object_encryption,
        &[
            "name the part on the package with --part, or take the object file out of the folder, and it is made for this part",
        ],
    ),
    check(
        "P-HOST-KEY",
        "The hash in the object is that of the root key, or of the password, held here.",
        (Documented, &["AN6008"]),
        Firm,
        credential::host_key,
        &[
            "give the folder whose key is named in the object; `provost credential check DIR` holds one against the other",
        ],
    ),
    check(
        "P-TOKEN",
        "The private key at hand signs a token that the chain verifies.",
        (Documented, &["ADAC"]),
        Firm,
        credential::token,
        &["use the leaf key that the chain ends in; `provost credential check DIR` says which file is wrong"],
    ),
    check(
        "P-PERMISSION",
        "Full Regression is granted by the product, the object, every certificate and the token.",
        (Documented, &["AN6008"]),
        Firm,
        credential::permission,
        &["make a set that allows everything: `provost credential new --method METHOD --permissions all --out DIR`"],
    ),
    check(
        "P-NOT-A-SAMPLE",
        "The credential is none of ST's published samples: anybody could open the chip with them.",
        (Code, &["CUBEH5-ROT", "WOLFTRUST"]),
        Refuses,
        credential::not_a_sample,
        &["make your own: `provost credential new --method METHOD --out DIR`"],
    ),
    check(
        "P-NRST",
        "The probe's reset line reaches NRST: without it Debug Authentication cannot start, and there is no way back.",
        (Staff, &["ST-895809", "ST-846375"]),
        Firm,
        checks::nrst,
        &["connect the probe's reset line to NRST, and run the same command again"],
    ),
    check(
        "P-BOOT-UBE",
        "BOOT_UBE is 0xB4: with 0xC3 and no ST-iRoT data the chip does not boot once it has left Provisioning.",
        (Documented, &["HOTSPOT"]),
        Refuses,
        checks::boot_ube,
        &["set it: `provost option set BOOT_UBE=oem-irot`"],
    ),
    check(
        "P-BOOT-ADDRESS",
        "The boot address points into the user flash; it cannot be changed after Provisioning.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        checks::boot_address,
        &[
            "`provost option list` shows the boot addresses; set the one that is wrong in Open: `provost option set SECBOOTADD=0x0C000000`, with TrustZone off `provost option set NSBOOTADD=0x08000000`",
        ],
    ),
    check(
        "P-WATERMARK",
        "With TrustZone on, the secure boot address lies in a secure watermark; the watermarks cannot be changed after Open.",
        (Documented, &["CUBEH5-TZ", "HAL"]),
        Refuses,
        checks::watermark,
        &[
            "widen the watermark around it, or move the boot address into it: `provost option list` shows SECWM1_STRT, SECWM1_END, SECWM2_STRT and SECWM2_END",
        ],
    ),
    check(
        "P-FIRMWARE",
        "At the boot address stands a vector table: a stack pointer in RAM and a reset handler in flash.",
        (Inferred, &["PROVOST"]),
        Refuses,
        checks::firmware,
        &["put the firmware in: `provost flash write FILE`; or point the boot address at it"],
    ),
    check(
        "P-FIRMWARE-NS",
        "With TrustZone on, a vector table stands at NSBOOTADD, in a non-secure sector: the secure firmware may start it there.",
        (Inferred, &["PROVOST"]),
        Warns,
        checks::ns_firmware,
        &["put the non-secure firmware in: `provost flash write FILE`; or leave it, if there is none"],
    ),
    check(
        "P-OPTIONS",
        "The option bytes given with --options are in force; HDP, write protection and boot locks come before Provisioning.",
        (Documented, &["CUBEH5-ROT"]),
        Refuses,
        checks::options,
        &["bring them in force: `provost option import FILE`, with the file given to --options"],
    ),
    check(
        "P-IMAGES",
        "The images given are in the flash, byte for byte; in later states they can no longer be read back.",
        (Observed, &["WOLFTRUST"]),
        Refuses,
        checks::images,
        &["put it in: `provost flash write FILE`; `provost flash verify FILE` compares"],
    ),
    check(
        "P-IMAGE-WORLDS",
        "Each image given lies in sectors of the world that it is linked for: 0x0C… in a secure watermark, 0x08… outside.",
        (Documented, &["CUBEH5-TZ", "HAL"]),
        Refuses,
        checks::image_worlds,
        &["link the image for the other alias, or move the watermarks: `provost option list` shows them"],
    ),
    check(
        "P-WATCHDOG",
        "The watchdogs are started by software: one that runs from reset interrupts what the ROM does.",
        (Inferred, &["PROVOST"]),
        Refuses,
        checks::watchdog,
        &["set it: `provost option set IWDG_SW=1`, and WWDG_SW=1 where the part has it"],
    ),
    check(
        "P-REHEARSED",
        "Where the chip may take an object in the wrong form without complaint, the credential has been used on this very chip.",
        (Observed, &["ST-789419", "WOLFTRUST"]),
        Refuses,
        checks::rehearsed,
        &[
            "`provost close --to STATE --credential DIR --rehearse` uses the credential on this very chip, and restores firmware and option bytes; it starts in Open",
        ],
    ),
    check(
        "P-KEPT",
        "What a rehearsal erases can be written again: the flash was read back, or its images were given.",
        (Inferred, &["PROVOST"]),
        Firm,
        checks::kept,
        &["close without --rehearse"],
    ),
    check(
        "P-OTP",
        "An STM32H503 keeps its password for life: it is written only if that is asked for by name.",
        (Documented, &["CUBEH5-ROT"]),
        Refuses,
        checks::otp,
        &["to write it for the chip's life: `provost close --to STATE --credential DIR --override P-OTP`"],
    ),
    check(
        "P-SUPPLY",
        "The chip's supply is within 1.71 to 3.6 V, where the probe can tell.",
        (Documented, &["CMSIS"]),
        Refuses,
        checks::supply,
        &["mend the supply, and run the same command again"],
    ),
    check(
        "P-LOCKS",
        "The boot addresses are locked (SECBOOT_LOCK, NSBOOT_LOCK) before Provisioning, if they are to be.",
        (Documented, &["CUBEH5-ROT"]),
        Warns,
        checks::locks,
        &[
            "set them, if nobody is to move the boot addresses: `provost option list` shows SECBOOT_LOCK and NSBOOT_LOCK",
        ],
    ),
    check(
        "P-PIN-SPEED",
        "High speed at low voltage (HSLV) is off: with a supply above 2.7 V it damages the pins.",
        (Documented, &["CMSIS"]),
        Warns,
        checks::pin_speed,
        &["switch it off: `provost option set IO_VDD_HSLV=0`"],
    ),
    check(
        "P-BANKS",
        "SWAP_BANK is 0, as ST's scripts expect.",
        (Documented, &["CUBEH5-ROT"]),
        Warns,
        checks::banks,
        &["swap the banks back: `provost option set SWAP_BANK=0`"],
    ),
    check(
        "P-SERVICE",
        "The ROM's provisioning service is known to take an object from provost on this chip; public sources leave open how it is called.",
        (Observed, &["ST-843175", "ST-887685"]),
        Warns,
        checks::service,
        &["`provost close --to STATE --credential DIR --rehearse` finds out without losing anything"],
    ),
    check(
        "P-TARGET-USB",
        "Nothing is plugged into the chip's own USB port: objects were seen to fail with a cable in it.",
        (Observed, &["ST-829560"]),
        Warns,
        checks::target_usb,
        &["pull the cable of the chip's own USB port"],
    ),
    gate(
        "P-IN-PROVISIONING",
        "The chip is in Provisioning, with TZEN as planned, before anything is provisioned.",
        (Documented, &["CUBEH5-ROT"]),
        &["`provost status` says where the chip is"],
    ),
    gate(
        "P-SAME-CHIP",
        "Discovery shows the unique id that the plan is bound to, where it shows one.",
        (Observed, &["WOLFTRUST"]),
        &["connect the board that was meant"],
    ),
    gate(
        "P-DA-VALID",
        "Discovery shows integrity 0xEAEAEAEA: the chip accepts the object.",
        (Observed, &["WOLFTRUST", "ST-836233"]),
        &[
            "in Provisioning `provost rescue` brings the chip back to Open, erased; in a later state nothing leads out any more: `provost diagnose --discover` says why, and what remains",
        ],
    ),
    gate(
        "P-DA-PERMISSION",
        "Discovery lists Full Regression.",
        (Observed, &["WOLFTRUST"]),
        &["make a set that allows everything: `provost credential new --method METHOD --permissions all --out DIR`"],
    ),
    gate(
        "P-DA-METHOD",
        "Discovery asks for the kind of credential that is held.",
        (Documented, &["WIKI-DA"]),
        &["make a credential of the kind that TZEN asks for: `provost credential new --method METHOD --out DIR`"],
    ),
    gate(
        "P-AT-TARGET",
        "After a close the chip is in the state that it was closed to.",
        (Documented, &["WIKI-PS"]),
        &[
            "`provost history` lists what was begun and not finished, and how to go on",
            "`provost auth discover`, which resets the chip, shows what it says",
        ],
    ),
];
