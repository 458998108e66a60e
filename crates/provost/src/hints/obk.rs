//! Hints about objects and what they do to a chip. Those of the checks before a write are with the checks.

use super::{Hint, hint};

pub(super) const HINTS: &[Hint] = &[
    hint(
        "obk-malformed",
        &["the file is no .obk object, or was cut short"],
        &["build it again: `provost obk build`; the message names the byte and the rule; nothing was written"],
    ),
    hint(
        "obk-description",
        &["the description has an element, a key or a value that is not known, or names a file that cannot be read"],
        &["correct it; paths count from where the description lies; nothing was written"],
    ),
    hint(
        "obk-wrong-state",
        &["the chip is Open: Provisioning comes first", "the chip is closed: only Debug Authentication leads back"],
        &[
            "`provost status` says where it stands; everything that must be set in Open (TZEN, watermarks, boot) is set before Provisioning",
            "nothing was written",
        ],
    ),
    hint(
        "obk-method-needed",
        &[
            "a Debug Authentication object holds a hash, and nothing beside it tells whether of a root key or of a password",
        ],
        &["say --method certificate or --method password, or keep the object with its credential; nothing was written"],
    ),
    hint(
        "obk-present",
        &["an earlier run, or ST's tool, has provisioned this chip"],
        &["if its credential is not needed any more: --force; nothing was written"],
    ),
    hint(
        "obk-word-unknown",
        &["the ROM's word for `encrypt` is not public, and a wrong guess stores an object that nobody can read"],
        &[
            "write the Debug Authentication object in the same command: the chip then shows what the word means",
            "or give the word that an earlier write to this kind of chip reported; nothing was written",
        ],
    ),
    hint(
        "obk-power-cycle",
        &["this ROM takes the other word for `encrypt`, and leaves Debug Authentication only when power is removed"],
        &["remove power, then run the same command again with --force and the --encrypt-word that the message names"],
    ),
    hint(
        "obk-refused",
        &["the ROM knows a rule that provost does not", "the chip is not the part that was named"],
        &["check --part; try the object with STM32CubeProgrammer (-sdp); please report it with -vv"],
    ),
    hint(
        "obk-not-valid",
        &["the object is in a form that this chip cannot use", "the wrong part was named"],
        &[
            "the chip is still in Provisioning and as rescuable as before: do not move its product state on",
            "check --part, then write again with --force; or provision it with STM32CubeProgrammer (-sdp)",
        ],
    ),
    hint(
        "obk-not-for-part",
        &["the STM32H503 has no option-byte keys"],
        &[
            "make a password (`provost credential new --method password --part STM32H503`) and write its password.bin; nothing was written",
        ],
    ),
    hint(
        "obk-not-an-object",
        &["password.bin is what the host sends; what goes into a chip with option-byte keys is an object"],
        &["write DA_ConfigWithPassword.obk; nothing was written"],
    ),
    hint(
        "h503-otp",
        &["the STM32H503 has no option-byte keys: its password lives in OTP, for ever"],
        &[
            "if a password was written before: `provost auth regress --credential DIR` with its password.bin",
            "otherwise decide whether a password for the chip's whole life is what you want; then --once-for-life; nothing was written",
        ],
    ),
    hint(
        "otp-write",
        &["the supply sagged while OTP was programmed", "the OTP of this chip is worn or damaged"],
        &["do not move the product state on: a chip without a good password cannot come back from a closed state"],
    ),
    hint(
        "otp-hash",
        &["one password in four thousand has such a hash"],
        &["choose another password; nothing was written"],
    ),
];
