//! Causes and next steps of errors about option bytes and flash.

use super::{Hint, hint};

pub(super) const HINTS: &[Hint] = &[
    hint(
        "option-not-visible",
        &["the chip is closed, or its ROM or secure code runs", "the chip is being reset"],
        &["`provost status` says what is open; option bytes are shown and changed in Open and Provisioning"],
    ),
    hint(
        "option-assignment",
        &["the name or the value is missing"],
        &["write NAME=VALUE, as in `provost option set SECWM1_END=0x1F`; nothing was written"],
    ),
    hint(
        "option-unknown-field",
        &["a misspelt name", "a field that this part does not have"],
        &["`provost option list` prints the names; nothing was written"],
    ),
    hint(
        "option-value",
        &["a number that the field cannot hold", "a misspelt name of a value"],
        &["use one of the values that the message names; nothing was written"],
    ),
    hint("option-twice", &["the same field stands twice on the command line"], &["give it once; nothing was written"]),
    hint(
        "option-part-unclear",
        &["DEV_ID does not tell parts with secure AES from those without"],
        &["read the marking on the package and give it with --part; nothing was written"],
    ),
    hint(
        "option-frozen",
        &[
            "the product state, TrustZone or a lock does not allow this field to be changed",
            "the value is one that the field only ever leaves",
        ],
        &["`provost option list` says of every field whether it may be changed now; nothing was written"],
    ),
    hint(
        "option-use-close",
        &["closing is more than an option byte: without a provisioned credential that you hold it loses the chip"],
        &[
            "go to Provisioning with `provost option set PRODUCT_STATE=provisioning`, and on from there with `provost close`; nothing was written",
        ],
    ),
    hint(
        "option-unwise",
        &["the chip would take the value and be of no use afterwards"],
        &["leave the field as it is; if the part is another one, say so with --part; nothing was written"],
    ),
    hint(
        "option-not-confirmed",
        &["the change cannot simply be changed back, and the phrase is missing or that of another change or chip"],
        &["read the warnings that `--dry-run` prints, then give the phrase with --confirm; nothing was written"],
    ),
    hint(
        "option-write-ignored",
        &[
            "the option registers did not unlock: a wrong key was written earlier, which lasts until the next reset",
            "the register is the secure world's, and this access is not secure",
        ],
        &["reset the chip and run the same command again; no option byte was changed"],
    ),
    hint(
        "option-change-refused",
        &[
            "a field may not be changed in this state, under a lock that is on, or to this value",
            "an open question about the chip is answered by this refusal",
        ],
        &[
            "leave out the fields that the message names: the chip takes or refuses a change as a whole",
            "please report it with the output of `provost option list`, if no rule forbids the change",
        ],
    ),
    hint(
        "option-not-verified",
        &["the chip ignored the field without saying so", "the change was interrupted by a watchdog or a supply dip"],
        &["`provost option list` shows what is in force now; run the command again if nothing forbids the change"],
    ),
    hint(
        "option-needs-reset",
        &["the probe's reset line does not reach the chip, and its firmware forbids a software reset"],
        &["remove power and give it back, then look with `provost option list`"],
    ),
    hint(
        "option-interrupted",
        &["the link broke half-way: power, cable or probe"],
        &["mend it and run `provost option list`: the chip holds either the old or the new values"],
    ),
    hint(
        "option-file",
        &["the folder does not exist or is not writable", "the file exists already"],
        &["name another file, or give --force"],
    ),
    hint(
        "option-file-format",
        &["the file was edited by hand or cut short", "it is neither ours nor what `-ob displ` prints"],
        &["mend the line that the message names; nothing was written"],
    ),
    hint(
        "option-file-part",
        &["the file was exported from another part"],
        &["export from a chip like this one; fields and widths differ between parts; nothing was written"],
    ),
    hint(
        "flash-file",
        &["the file does not exist, cannot be read or written, or exists already"],
        &["name another file, or give --force where one is to be made"],
    ),
    hint(
        "flash-image",
        &["the file is damaged, cut short, or of another kind than its ending says"],
        &["build or export it again; nothing was written"],
    ),
    hint(
        "flash-address-needed",
        &["plain bytes do not say where they belong"],
        &["give --at, as in `--at 0x08000000`; nothing was written"],
    ),
    hint(
        "flash-image-overlap",
        &["two sections are linked to the same place", "one is linked to 0x08…, the other to the same place at 0x0C…"],
        &["look at the linker script; nothing was written"],
    ),
    hint(
        "flash-outside",
        &["the image is linked for a larger part or for RAM", "the address is not that of user flash"],
        &["user flash begins at 0x08000000, for secure code at 0x0C000000; nothing was written"],
    ),
    hint(
        "flash-not-reachable",
        &["the chip is closed, or its ROM or secure code runs"],
        &["`provost status` says what is open; flash is programmed in Open"],
    ),
    hint(
        "flash-secure-sectors",
        &["TrustZone is on and the chip is no longer Open: the secure world keeps these sectors"],
        &["program them in Open, before Provisioning; nothing was written"],
    ),
    hint(
        "flash-write-protected",
        &["a WRPSG bit of these sectors is 0"],
        &["in Open, `provost option set` takes the protection off (all ones); nothing was written"],
    ),
    hint(
        "flash-data-sectors",
        &["EDATA gives these sectors to high-cycle data"],
        &["link the image elsewhere, or set EDATA1_EN or EDATA2_EN to 0; nothing was written"],
    ),
    hint(
        "flash-locked",
        &["a wrong key was written earlier, which lasts until the next reset"],
        &["reset the chip and run the same command again; nothing was written"],
    ),
    hint(
        "flash-refused",
        &[
            "firmware that runs meanwhile uses the flash controller too",
            "sectors were hidden (HDP) or made secure (SECBB) by the firmware since reset",
        ],
        &["reset the chip and run the same command again: what is in flash now is incomplete"],
    ),
    hint(
        "flash-mismatch",
        &["a write was interrupted", "another image is in flash", "the supply sags"],
        &["`provost flash write` the image again; `provost flash read` shows what is there"],
    ),
    hint(
        "flash-unreadable",
        &["a write or an erase was interrupted there"],
        &["erase the sector and program it again"],
    ),
    hint(
        "flash-interrupted",
        &["the link broke half-way: power, cable or probe"],
        &["mend it and run the same command again: every sector is erased before it is programmed"],
    ),
];
