//! Errors for people: what was measured, the likely causes in order, the next step, and the rules behind it.

use std::{error::Error as _, fmt::Write as _};

use provost_chip::rules::Rule;
use provost_ops::error::{Exit, OpError};
use serde::Serialize;

use crate::output::wrap;

/// Causes and next steps of an error, by its stable code.
#[derive(Debug)]
struct Hint {
    code: &'static str,
    causes: &'static [&'static str],
    next: &'static [&'static str],
}

const fn hint(code: &'static str, causes: &'static [&'static str], next: &'static [&'static str]) -> Hint {
    Hint { code, causes, next }
}

const HINTS: &[Hint] = &[
    hint(
        "link-no-probe",
        &["no debug probe is plugged in", "the operating system does not let you open it (udev rules on Linux)"],
        &[
            "plug a probe in and run `provost probes`",
            "or try it first on a virtual chip: --probe twin:stuck-in-provisioning",
        ],
    ),
    hint(
        "link-several-probes",
        &["more than one probe is plugged in"],
        &["name one: --probe VID:PID:SERIAL, as `provost probes` lists them"],
    ),
    hint(
        "link-bad-selector",
        &["the selector is misspelt"],
        &["use VID:PID[:SERIAL] as `provost probes` prints it, or twin:NAME"],
    ),
    hint(
        "link-probe-unopenable",
        &["another program holds the probe", "no permission"],
        &["close the other program, check permissions, try again"],
    ),
    hint(
        "link-probe-firmware-old",
        &["an ST-LINK/V2 before V2J28 cannot reach access port 1"],
        &["update the probe's firmware with ST's STSW-LINK007"],
    ),
    hint(
        "link-nrst-unsupported",
        &["this probe cannot drive its reset line"],
        &["use another probe: Debug Authentication needs NRST"],
    ),
    hint(
        "link-no-ack",
        &[
            "the chip has no power",
            "SWDIO, SWCLK or GND is not connected",
            "the lines are too long or the clock too fast",
        ],
        &["check supply and wiring, then run the same command again"],
    ),
    hint(
        "link-power-up",
        &["the debug port does not power up: no supply, or not an Arm debug port"],
        &["check supply and wiring"],
    ),
    hint(
        "link-not-a-debug-port",
        &["another kind of chip", "noise on the wire", "SWDIO and SWCLK are swapped"],
        &["check wiring and supply, and the marking on the package; nothing was written"],
    ),
    hint(
        "link-probe-unsupported",
        &["this probe or its driver lacks what is needed"],
        &["update its firmware, or use another probe: ST-LINK/V3, CMSIS-DAP v2 or J-Link"],
    ),
    hint(
        "link-timeout",
        &["the supply sags", "the chip was reset or unplugged meanwhile"],
        &["check supply and wiring, then run the same command again"],
    ),
    hint(
        "link-probe-lost",
        &["the probe's USB cable was pulled or the probe crashed"],
        &["plug it in again and run the same command again"],
    ),
    hint(
        "twin-not-found",
        &["neither a preset nor a file of that name exists"],
        &["`provost twin list` names the presets, `provost twin new FILE` makes a chip"],
    ),
    hint(
        "twin-file-damaged",
        &["the file was edited by hand or cut short"],
        &["make a new one: `provost twin new FILE`; this one was not touched"],
    ),
    hint("twin-file-newer", &["a newer version of provost wrote it"], &["update provost; the file was not touched"]),
    hint(
        "twin-file-io",
        &["the folder does not exist or is not writable", "the disk is full"],
        &["choose another place, or mend this one, and run the same command again"],
    ),
    hint(
        "twin-door",
        &["another program listens on that port", "the port is not for this user"],
        &["name another port, or 0 to let the system choose"],
    ),
    hint(
        "twin-switch",
        &["a misspelt switch or value"],
        &["`provost explain SWITCH` lists the values of one switch; `provost twin ledger` ends with all of them"],
    ),
    hint(
        "twin-option",
        &["a misspelt option behind the question mark, or one without =VALUE"],
        &["separate options by commas: twin:board.chip?leave-rss-da=power,nrst=not-wired"],
    ),
    hint("part-unknown", &["a misspelt part, or one of another family"], &["name it as it is written on the chip"]),
    hint("twin-file-exists", &["a file of that name is there"], &["choose another name; nothing was overwritten"]),
    hint(
        "chip-unknown-part",
        &["the chip is of another family, or a part newer than this program"],
        &["check the marking on the package; nothing was written"],
    ),
    hint(
        "chip-part-mismatch",
        &["--part names another part than the one on the wire"],
        &["correct --part, or leave it out; nothing was written"],
    ),
    hint(
        "chip-no-dbgmcu",
        &["the chip is no STM32H5", "noise on the wire"],
        &["check the marking on the package and the wiring; nothing was written"],
    ),
    hint(
        "nrst-not-wired",
        &[
            "the reset line of the probe is not connected to NRST of the chip (four-wire adapters leave it out)",
            "a reset supervisor or a capacitor holds NRST",
        ],
        &["connect NRST, then run the same command again; nothing was written"],
    ),
    hint(
        "da-no-answer",
        &[
            "NRST is not wired: the request word must be written while the chip is held in reset",
            "the chip is Open and simply boots (`provost status` shows it)",
            "the chip is Locked: it never answers",
            "the supply sags at reset",
        ],
        &[
            "connect NRST and run the same command again",
            "if NRST is certain: remove power for some seconds, give it back, try once more",
        ],
    ),
    hint(
        "da-power-cycle-needed",
        &["this chip leaves its Debug Authentication ROM only when power is removed"],
        &[
            "remove all power (target USB too) for some seconds, give it back, run the same command again: the journal goes on where it stopped",
        ],
    ),
    hint(
        "rss-checksum-unknown",
        &["the ROM expects a checksum that is not among those that provost knows"],
        &[
            "nothing was written and the chip is as rescuable as before (where `status` shows a pending state: do not reset it): provision DA_Config.obk from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
            "please report it with -vv: one trace settles this question for everybody",
        ],
    ),
    hint(
        "rss-unreachable",
        &["with TrustZone off this ROM does not let the debugger call its provisioning service"],
        &[
            "nothing was written and the chip is as rescuable as before: provision DA_ConfigWithPassword.obk from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
        ],
    ),
    hint(
        "rss-no-descriptor",
        &["a ROM version that provost does not know"],
        &["please report DEV_ID and revision; nothing was written"],
    ),
    hint(
        "rescue-every-way-refused",
        &["the chip keeps what is stored and cannot use it"],
        &[
            "the chip is still in Provisioning and as rescuable as before; use STM32CubeProgrammer (-sdp) with the objects of the credential folder",
        ],
    ),
    hint(
        "chip-closed-without-data",
        &["the product state was moved on from Provisioning before Debug Authentication data had been provisioned"],
        &[
            "AP1 is shut, the bootloader is reached only in Open and Provisioning, and no credential can match data that is not there: from outside there is nothing left to try",
            "the one door that may remain: if your own secure firmware runs and can be asked, let it write PRODUCT_STATE = 0x9A at HDPL1",
            "otherwise the chip is lost: keep the board, replace the chip, and provision before you close the next one",
        ],
    ),
    hint(
        "credential-needed",
        &["the chip was closed with a credential: whoever provisioned it has the key or the password"],
        &[
            "find the credential and run `provost rescue --credential DIR`",
            "if ST's example scripts closed the chip, the credential is ST's public sample",
        ],
    ),
    hint(
        "da-refused",
        &[
            "not the credential that was provisioned",
            "a certificate or the object withholds the permission",
            "a plain object on a part with secure AES: accepted, and never usable",
        ],
        &["try the credential that was provisioned last; remove power before each further attempt"],
    ),
    hint(
        "rescue-one-shot",
        &[
            "a closing product state was programmed and its reset has not come; this part may have secure AES, and then it takes an object in the wrong form without complaint",
        ],
        &[
            "do not reset and do not remove power; nothing was written to the chip, and the credential is saved in the rescue's folder",
            "safest: provision its DA_Config.obk (TrustZone on) or DA_ConfigWithPassword.obk (off) with STM32CubeProgrammer, `-c port=SWD ap=1 mode=Hotplug -sdp FILE`, then `provost auth regress --credential DIR`",
            "if the package says H523, H562 or H563, say so with --part: such parts refuse what they cannot use",
            "otherwise `provost rescue --one-shot` makes the one attempt with the likelier form",
        ],
    ),
    hint(
        "da-malformed-answer",
        &["noise on the wire", "a ROM version that provost does not know"],
        &["remove power, give it back and try once more", "if it stays so, please report it with -vv"],
    ),
    hint(
        "chip-unknown-state",
        &["the option words were read while the chip was resetting", "noise on the wire"],
        &["run `provost status` again; nothing was written"],
    ),
    hint(
        "credential-make",
        &["the operating system gave no random numbers"],
        &["run the same command again; nothing was written to the chip"],
    ),
    hint("unknown-topic", &["a misspelt word"], &["`provost twin ledger` lists rules and switches"]),
    hint(
        "chip-pending-state",
        &["a later product state was programmed, and the reset that makes it take effect has not come yet"],
        &[
            "do not reset and do not remove power: `provost rescue` puts a credential into the chip before it resets it; nothing was written",
        ],
    ),
    hint("chip-locked", &["PRODUCT_STATE was set to 0x5C"], &["Locked is final: replace the chip"]),
    hint(
        "h503-otp",
        &["the STM32H503 has no option-byte keys: its password lives in OTP, for ever"],
        &[
            "if a password was written before: `provost auth regress --password …`",
            "otherwise decide for yourself whether a password for life is what you want; nothing was written",
        ],
    ),
    hint(
        "rescue-not-open",
        &["the mass erase takes longer than expected", "the supply sagged"],
        &["remove power, give it back, run `provost status`"],
    ),
    hint(
        "not-confirmed",
        &["this would erase a real chip, and provost has never met one: it asks before it writes"],
        &["type the phrase when asked, or give it with --confirm; nothing was written"],
    ),
    hint(
        "credential-file",
        &["the folder is wrong, a file is missing or cannot be read"],
        &[
            "point --credential at the folder with key_3_leaf.pem and cert_leaf_chain.b64, or password.bin; nothing was written",
        ],
    ),
    hint(
        "credential-key",
        &["the file is no P-256 private key in PEM, or is encrypted"],
        &["use an unencrypted PKCS#8 or SEC1 PEM file; nothing was written"],
    ),
    hint(
        "credential-chain",
        &["the file is no certificate chain in ST's base64 form"],
        &["use cert_leaf_chain.b64 as the tools made it; nothing was written"],
    ),
    hint(
        "credential-password",
        &["a password has 4 to 16 bytes"],
        &["give the password that was provisioned; nothing was written"],
    ),
    hint(
        "credential-root-mismatch",
        &["chain and object come from different sets"],
        &["use files of one set; nothing was written"],
    ),
    hint(
        "credential-useless",
        &["the key is not that of the last certificate, a signature is wrong, or Full Regression is withheld"],
        &["use files of one set; nothing was written"],
    ),
    hint(
        "close-refused",
        &["a rule of the preflight does not hold: what was measured stands behind its id"],
        &[
            "`provost explain P-…` says what a rule is about, `provost close --dry-run` shows all of them",
            "mend it and run the same command again; nothing was written",
            "some rules can be passed over by name with --override; the receipt keeps it",
        ],
    ),
    hint(
        "close-override",
        &["a misspelt id, or a rule without which the close cannot work"],
        &["`provost close --dry-run` lists the rules; nothing was written"],
    ),
    hint(
        "close-gate",
        &[
            "the chip does not accept what was provisioned",
            "the credential does not fit the chip's TrustZone setting",
            "the chip on the wire was exchanged",
        ],
        &[
            "the final state was not written: `provost rescue` brings the chip back to Open, erased",
            "or mend it and go on: `provost apply --resume`",
        ],
    ),
    hint(
        "close-wrong-chip",
        &["another board is on the wire than the one that the plan or the journal tells of"],
        &["connect the right board, or give this one a plan and an --out of its own; nothing was written"],
    ),
    hint(
        "plan-differs",
        &["the chip, its firmware, its option bytes or the credential changed after the plan was made"],
        &[
            "look at the differences; if they are wanted, make a new plan with `provost close --save`; nothing was written",
        ],
    ),
    hint(
        "plan-file",
        &["the file is missing, is there already, is no plan, or was changed after it was made"],
        &["make it anew with `provost close --save`, --force overwrites; nothing was written"],
    ),
    hint(
        "close-not-confirmed",
        &["a close is confirmed by a phrase that names the chip and where it goes"],
        &["type the phrase when asked, or give it with --confirm; nothing was written"],
    ),
    hint(
        "close-stopped",
        &["the phrase was not given, or not letter by letter"],
        &[
            "`provost apply --resume` asks again",
            "or `provost rescue` brings the chip back to Open, erased: the final state was not written",
        ],
    ),
    hint(
        "close-unfinished",
        &["an earlier close of this chip was interrupted, and it had another end or another plan"],
        &[
            "`provost apply --resume` finishes it",
            "or `provost rescue` brings the chip back to Open, and a new close can begin",
        ],
    ),
    hint(
        "close-nothing-to-resume",
        &["no close of this chip was interrupted", "another --probe name or another --out than then"],
        &["use the same --probe and --out, or begin with `provost close`; nothing was written"],
    ),
    hint(
        "close-elsewhere",
        &["somebody wrote another product state meanwhile", "another board of the same name is on the wire"],
        &["`provost status` and `provost auth discover` show where it is; nothing was written"],
    ),
    hint(
        "close-not-taken",
        &["the chip ignored the write", "the supply sagged at the reset"],
        &[
            "`provost status` shows where it is; in Provisioning `provost apply --resume` writes it again",
            "`provost rescue --credential DIR` brings the chip back to Open, erased",
        ],
    ),
    hint(
        "close-options-not-restored",
        &["the regression left an option byte that this tool does not know how to set back", "noise on the wire"],
        &["`provost apply --resume` tries again; the values stand in plan.json of the close's folder"],
    ),
    hint(
        "flash-write",
        &["a sector is write-protected or belongs to the other world", "the supply sagged"],
        &["`provost apply --resume` tries again; what was read of the flash lies in the close's folder"],
    ),
    hint(
        "otp-taken",
        &["another password was written into this chip, for its life"],
        &["use the credential that was written; the chip is in Provisioning, and nothing further was written"],
    ),
    hint(
        "image-file",
        &["the file is missing, or the address behind @ is no hexadecimal number"],
        &["give images as FILE@0x08000000; nothing was written"],
    ),
    hint(
        "policy-file",
        &["the file is missing, or a word in it is misspelt"],
        &["mend the policy; nothing was written"],
    ),
    hint(
        "escrow",
        &["no recipient, one that is no age recipient (age1…), or the file is there already"],
        &[
            "give --recipient or [escrow] recipients in provost.toml, --force overwrites; nothing was written to the chip",
        ],
    ),
    hint(
        "journal-io",
        &["disk full, folder not writable, or the journal was damaged"],
        &["nothing is done that the journal does not say first: mend the folder or give another --out"],
    ),
    hint(
        "interrupted",
        &["the link broke half-way: power, cable or probe"],
        &["mend it and run the same command again: the journal goes on where it stopped"],
    ),
];

/// For the errors of the link and of the program that have no better advice.
const OTHERWISE: Hint = hint(
    "",
    &["noise on the wire or a weak supply", "a fault in provost or in the probe's firmware"],
    &["check supply and wiring, then run the same command again", "if it stays so, please report it with -vv"],
);

/// An error as a value.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    code: &'static str,
    exit: u8,
    message: String,
    causes: Vec<String>,
    likely: &'static [&'static str],
    next: &'static [&'static str],
    rules: Vec<RuleReport>,
}

#[derive(Debug, Serialize)]
struct RuleReport {
    id: &'static str,
    says: &'static str,
    confidence: &'static str,
    source: &'static [&'static str],
}

impl From<&'static Rule> for RuleReport {
    fn from(rule: &'static Rule) -> Self {
        Self { id: rule.id, says: rule.says, confidence: rule.confidence.as_str(), source: rule.source }
    }
}

/// A command line that clap refuses, by its message.
pub(crate) fn usage(message: &str) -> Report {
    let first = message.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    Report {
        code: "usage",
        exit: Exit::Usage.code(),
        message: first.split_whitespace().collect::<Vec<_>>().join(" "),
        causes: Vec::new(),
        likely: &["a misspelt or missing word on the command line"],
        next: &["`provost --help` lists the commands, `provost COMMAND --help` the options of one"],
        rules: Vec::new(),
    }
}

/// Everything there is to say about an error.
pub(crate) fn report(error: &OpError) -> Report {
    let code = error.code();
    let found = HINTS.iter().find(|h| h.code == code).unwrap_or(&OTHERWISE);
    let mut causes = Vec::new();
    let mut at = error.source();
    while let Some(cause) = at {
        let text = cause.to_string();
        // Many messages end with that of their cause; once is enough.
        if !error.to_string().contains(&text) {
            causes.push(text);
        }
        at = cause.source();
    }
    Report {
        code,
        exit: error.exit().code(),
        message: error.to_string(),
        causes,
        likely: found.causes,
        next: found.next,
        rules: error.rules().iter().map(|r| r.rule().into()).collect(),
    }
}

/// The same for people.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!("error[{}]: {}\n", report.code, report.message);
    for cause in &report.causes {
        let _ = writeln!(text, "  caused by: {cause}");
    }
    let mut list = |title: &str, items: &[&str]| {
        if !items.is_empty() {
            let _ = writeln!(text, "  {title}:");
            for (n, item) in items.iter().enumerate() {
                let wrapped = wrap(item, 7);
                let _ = write!(text, "    {}. {}", n + 1, wrapped.trim_start());
            }
        }
    };
    list("likely causes, in order", report.likely);
    list("next", report.next);
    if !report.rules.is_empty() {
        text.push_str("  why:\n");
        for rule in &report.rules {
            let _ = writeln!(text, "    {} ({}; {})", rule.id, rule.confidence, rule.source.join(", "));
            text.push_str(&wrap(rule.says, 7));
        }
    }
    text
}

/// What is known of an error code, for `explain`.
pub(crate) fn explain(code: &str) -> Option<String> {
    let hint = HINTS.iter().find(|h| h.code == code)?;
    let mut text = format!("error code {code}\n  likely causes, in order:\n");
    for cause in hint.causes {
        text.push_str(&wrap(cause, 4));
    }
    text.push_str("  next:\n");
    for next in hint.next {
        text.push_str(&wrap(next, 4));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hint_has_causes_and_a_next_step_and_a_code_of_its_own() {
        for (n, hint) in HINTS.iter().enumerate() {
            assert!(!hint.causes.is_empty() && !hint.next.is_empty(), "{}", hint.code);
            assert!(HINTS[..n].iter().all(|h| h.code != hint.code), "{}", hint.code);
        }
    }

    #[test]
    fn what_a_person_must_do_is_always_said() {
        for error in [OpError::NrstNotWired, OpError::StaysInRssDa, OpError::Locked, OpError::OtpOnceForLife] {
            assert!(!report(&error).next.is_empty(), "{}", error.code());
        }
    }
}
