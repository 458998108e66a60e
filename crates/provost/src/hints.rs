//! Errors for people: what was measured, the likely causes in order, the next step, and the rules behind it.

mod bench;
mod close;
mod credential;
mod memory;
mod obk;

use std::{error::Error as _, fmt::Write as _};

use provost_chip::rules::Rule;
use provost_ops::error::{Exit, Failure};
use serde::Serialize;

use crate::output::wrap;

/// Causes and next steps of an error, by its stable code.
#[derive(Debug)]
pub(crate) struct Hint {
    code: &'static str,
    causes: &'static [&'static str],
    next: &'static [&'static str],
}

pub(crate) const fn hint(code: &'static str, causes: &'static [&'static str], next: &'static [&'static str]) -> Hint {
    Hint { code, causes, next }
}

const HINTS: &[Hint] = &[
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
    hint(
        "other-family",
        &["the report comes from another board", "the tool was set to another target"],
        &[
            "other STM32 families have other life cycles (RDP levels, BSEC): what holds for the STM32H5 does not help there",
        ],
    ),
    hint(
        "not-text",
        &["a picture, an archive or a firmware image was given"],
        &["save what the tool printed as text: STM32_Programmer_CLI … > log.txt"],
    ),
    hint(
        "case-syntax",
        &["the file is not TOML"],
        &[
            "give a tool's output under another name than .toml; a case file has the tables [chip], [bench] and [[step]]",
        ],
    ),
    hint("case-unknown-key", &["a misspelt key"], &["take the key that the error names"]),
    hint("case-unknown-word", &["a misspelt word"], &["take the word that the error names"]),
    hint("case-wrong-value", &["a number in quotes, or a word without"], &["write the value as the error says"]),
    hint("case-missing-key", &["a step without its action"], &["add the key that the error names"]),
    hint(
        "case-too-large",
        &["a log was given under the name of a case file"],
        &["give logs under another name than .toml"],
    ),
    hint(
        "case-too-many-steps",
        &["a log was turned into a case file"],
        &["give the log itself, or leave out repeated steps"],
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
        "rescue-not-open",
        &["the mass erase takes longer than expected", "the supply sagged"],
        &["remove power, give it back, run `provost status`"],
    ),
    hint(
        "not-confirmed",
        &["this would write to a real chip, and provost has never met one: it asks before it writes"],
        &["type the phrase when asked, or give it with --confirm; nothing was written"],
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

/// Every hint.
fn hints() -> impl Iterator<Item = &'static Hint> {
    HINTS.iter().chain(bench::HINTS).chain(close::HINTS).chain(credential::HINTS).chain(memory::HINTS).chain(obk::HINTS)
}

/// The hint of a code; what a token says is advised on as a whole, unless there is better.
fn find(code: &str) -> Option<&'static Hint> {
    let family = if code.starts_with("pkcs11-") { "pkcs11-call" } else { code };
    hints().find(|h| h.code == code).or_else(|| hints().find(|h| h.code == family))
}

/// An error as a value.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    code: &'static str,
    exit: u8,
    message: String,
    causes: Vec<String>,
    likely: Vec<String>,
    next: Vec<String>,
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
        likely: owned(&["a misspelt or missing word on the command line"]),
        next: owned(&["`provost --help` lists the commands, `provost COMMAND --help` the options of one"]),
        rules: Vec::new(),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Everything there is to say about an error.
pub(crate) fn report(error: &Failure) -> Report {
    let code = error.code();
    let found = find(code).unwrap_or(&OTHERWISE);
    // What a check found is better advice than what can be said of its code.
    let advice = error.of::<provost_ops::objects::ObjectError>().and_then(|object| object.advice());
    let (likely, next) = advice.unwrap_or_else(|| (owned(found.causes), owned(found.next)));
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
        likely,
        next,
        rules: error.rules().iter().map(|r| r.rule().into()).collect(),
    }
}

/// The same for people.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!("error[{}]: {}\n", report.code, report.message);
    for cause in &report.causes {
        let _ = writeln!(text, "  caused by: {cause}");
    }
    let mut list = |title: &str, items: &[String]| {
        if !items.is_empty() {
            let _ = writeln!(text, "  {title}:");
            for (n, item) in items.iter().enumerate() {
                let wrapped = wrap(item, 7);
                let _ = write!(text, "    {}. {}", n + 1, wrapped.trim_start());
            }
        }
    };
    list("likely causes, in order", &report.likely);
    list("next", &report.next);
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
    let Some(hint) = find(code) else {
        let (says, fix) = provost_ops::objects::explain(code)?;
        return Some(format!("error code {code}\n{}  next:\n{}", wrap(&says, 4), wrap(fix, 4)));
    };
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
    use provost_ops::error::OpError;

    use super::*;

    #[test]
    fn every_hint_has_causes_and_a_next_step_and_a_code_of_its_own() {
        let all: Vec<&Hint> = hints().collect();
        for (n, hint) in all.iter().enumerate() {
            assert!(!hint.causes.is_empty() && !hint.next.is_empty(), "{}", hint.code);
            assert!(all[..n].iter().all(|h| h.code != hint.code), "{}", hint.code);
        }
    }

    #[test]
    fn what_a_person_must_do_is_always_said() {
        for error in [OpError::NrstNotWired, OpError::StaysInRssDa, OpError::Locked, OpError::OtpOnceForLife] {
            assert!(!report(&error.into()).next.is_empty());
        }
    }
}
