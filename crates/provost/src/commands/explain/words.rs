//! Words that provost itself prints and that are no name of a state, a rule or a switch: checks, causes, steps, exit codes, phrases,
//! permissions, and the words of its own language. The reference in `docs/reference/` is made from the same tables.

use provost_adac::permission::Permission;
use provost_diagnosis::{causes::Cause, moves::Move};
use provost_ops::credential::CHECKS;

use super::told_page;
use crate::{
    documents::Explanation,
    output::{Page, Stop, wrap},
};

/// What each exit code means to a script.
pub(crate) const EXITS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed; with `option diff --exit-code`: there are differences"),
    (2, "called wrongly: a word, a file or a part that is not there, or must be told"),
    (3, "refused, nothing was written: the chip, the credential or a file does not allow it"),
    (4, "a person must act first: wire, power, credential"),
    (5, "interrupted half-way; run the same command again, and it goes on"),
    (6, "`provost diagnose` understood nothing of what it was given: no verdict, only questions"),
];

/// How the phrases begin that `--confirm` takes, what asks for each, and when.
pub(crate) const PHRASES: &[(&str, &str, &str)] = &[
    ("close UNIQUE-ID to STATE with key DIGITS", "`close`, `apply`: the last step", "always"),
    (
        "rehearse UNIQUE-ID to STATE with key DIGITS",
        "`close --rehearse`, `close --rehearse-only`: the round trip",
        "always",
    ),
    ("set NAME=VALUE on UNIQUE-ID", "`option set`, `option import` of what bites", "always"),
    ("write option bytes on PROBE", "`option set`, `option import` of the rest", "on a real chip"),
    ("erase the chip on PROBE", "`rescue`, `auth regress`, `selfcheck --level 3`", "on a real chip"),
    ("write flash on PROBE", "`flash write`", "on a real chip"),
    ("erase flash on PROBE", "`flash erase`", "on a real chip"),
    ("provision the chip on PROBE", "`obk write`", "on a real chip"),
    ("write a password for life on PROBE", "`obk write` into the OTP of an STM32H503", "on a real chip"),
];

/// Words of the chip and of provost, as they are used here.
pub(crate) const GLOSSARY: &[(&str, &str)] = &[
    (
        "0x9A",
        "PRODUCT_STATE while a regression runs: firmware at HDPL1 writes it to start one (R-FIRMWARE-REGRESSION); a regression that loses power is completed at the next boot",
    ),
    ("0xA3", "PRODUCT_STATE while a regression of the non-secure side runs"),
    (
        "0xCACA0AA0",
        "a word of the ROM's provisioning service that says whether the object is to be encrypted; what it asks for is an open question: `provost explain rss-encrypt-word`",
    ),
    ("0xEAEAEAEA", "integrity word of a discovery: valid Debug Authentication data are provisioned"),
    ("0xF5F5F5F5", "integrity word of a discovery: no valid Debug Authentication data are provisioned"),
    ("AP0", "the access port that always answers: DBGMCU and the mailbox of Debug Authentication lie behind it"),
    ("AP1", "the access port to the core and all memories; the product state opens and shuts it"),
    (
        "bites",
        "said of an option-byte change that may cost more than it seems: it asks for a phrase, on a virtual chip too",
    ),
    ("challenge", "32 random bytes that the chip sends and a token signs; a new attempt gets a new one"),
    ("confidence", "how sure a statement is: documented, staff, observed, code or inferred, in this order"),
    (
        "credential",
        "what opens a chip: a certificate chain with its leaf key where TrustZone is on, a password where it is off",
    ),
    ("custody", "who can reach the keys and passwords on the disk: P-CUSTODY refuses files that others can read"),
    (
        "discovery",
        "the first exchange of Debug Authentication: life cycle, integrity, method and permissions; it begins with a reset",
    ),
    (
        "HDPL",
        "temporal isolation level, 0 to 3: the ROM runs in 0, boot code in 1 and 2, the application in 3; it only rises until a reset",
    ),
    ("hot plug", "to attach without halting and without a reset, as provost always does"),
    ("integrity", "a word of a discovery that says whether valid Debug Authentication data are provisioned"),
    (
        "journal",
        "the file in which each step is announced before it is done: after a power cut the same command goes on by it",
    ),
    ("leaf", "the last certificate of a chain, and its key: it signs the answer to the challenge"),
    ("NRST", "the chip's reset pin: Debug Authentication begins with a word written while the probe holds it low"),
    ("OBK", "option-byte key: provisioned data that the ROM keeps in secure storage, .obk as a file"),
    ("pending", "said of an option write that was accepted and takes effect at the next reset"),
    ("plan", "the list of steps that `--dry-run` prints; what is carried out is exactly that"),
    (
        "receipt",
        "the file that says what was done to which chip, with hashes of all that went in; `provost history` lists them",
    ),
    (
        "regression",
        "the way back: full to Open, which erases all of the user's; partial to TZ-Closed, which erases the non-secure side",
    ),
    (
        "rehearsal",
        "the whole round trip of a close on this very chip before the door is shut: `provost close --to STATE --rehearse`",
    ),
    (
        "switch",
        "a question that public sources leave open, as a setting of the virtual chip; `provost twin ledger` ends with all",
    ),
    ("token", "the signed answer to a challenge, with the permissions that are asked for"),
    ("twin", "the virtual chip, and the chip file that keeps it: `provost twin new FILE`"),
    ("watermark", "SECWM1 and SECWM2: the first and last secure sector of each bank, with TrustZone on"),
    ("world", "one setting of everything that is not known of a chip: its history, and the open questions"),
];

/// Option bytes that people ask for because of what they did to a board, and where to go from there.
pub(super) const WAYS: &[(&str, &str)] = &[
    (
        "TZEN",
        "on by mistake: in Open setting TZEN=off takes it back, with a phrase; in Provisioning and later only a regression does",
    ),
    (
        "PRODUCT_STATE",
        "forward: `provost close --to STATE --credential DIR --dry-run`; back: `provost rescue --dry-run`",
    ),
    ("SECBOOTADD", "a chip that does not boot: `provost status` says whether a vector table stands there"),
    ("NSBOOTADD", "a chip that does not boot: `provost status` says whether a vector table stands there"),
    ("SWAP_BANK", "a chip that does not boot: `provost status` says whether a vector table stands where it boots"),
];

/// The page of a word that is meant as it stands.
pub(super) fn page(what: &str) -> Option<Result<Page, Stop>> {
    if let Some(check) = CHECKS.iter().find(|c| c.name.eq_ignore_ascii_case(what)) {
        let text = format!("{}, a check of `provost credential check DIR`\n{}", check.name, wrap(check.says, 4));
        return Some(told_page(Explanation::Check, check.name, &[], text));
    }
    if let Some(cause) = Cause::all().iter().find(|c| c.id.eq_ignore_ascii_case(what)) {
        let mut text =
            format!("{} ({}; {})\n{}", cause.id, cause.confidence, cause.source.join(", "), wrap(cause.why, 4));
        text.push_str(&step_line(cause.step));
        return Some(told_page(Explanation::Cause, cause.id, cause.source, text));
    }
    if let Some(step) = Move::from_name(what) {
        let name = step.to_string();
        let text = format!("{name}, a step of plans and of `provost diagnose`\n{}", wrap(&step.words(), 4));
        return Some(told_page(Explanation::Step, &name, &[], text));
    }
    let number = what.strip_prefix("exit code ").or_else(|| what.strip_prefix("exit ")).unwrap_or(what);
    if let Some((code, says)) = number.parse().ok().and_then(|code: u8| EXITS.iter().find(|(c, _)| *c == code)) {
        let text = format!("exit code {code}\n{}", wrap(says, 4));
        return Some(told_page(Explanation::ExitCode, &code.to_string(), &[], text));
    }
    if let Some(permission) = Permission::ALL.into_iter().find(|p| is_permission(*p, what)) {
        return Some(permission_page(permission));
    }
    let (id, says) = GLOSSARY.iter().find(|(word, _)| word.eq_ignore_ascii_case(what))?;
    Some(told_page(Explanation::Word, id, &[], format!("{id}\n{}", wrap(says, 4))))
}

/// The page of a phrase, as it was asked for or as it is listed.
pub(super) fn unfolded(what: &str) -> Option<Result<Page, Stop>> {
    let (phrase, of, when) = PHRASES.iter().find(|(phrase, ..)| is_phrase(phrase, what))?;
    let mut text = format!("{phrase}, a phrase that `--confirm` takes\n");
    text.push_str(&wrap(&format!("asked for by {of}, {when}"), 4));
    text.push_str(&wrap(
        "errors and --dry-run show it whole, as `confirm` in --json; with --as-real a virtual chip is asked for it, too",
        4,
    ));
    Some(told_page(Explanation::Phrase, phrase, &[], text))
}

/// Words of a phrase in capitals stand for something. Its beginning is enough, with two of the other words in it.
fn is_phrase(phrase: &str, what: &str) -> bool {
    let fixed = |word: &str| !word.contains(|c: char| c.is_ascii_uppercase());
    let given: Vec<&str> = what.split_whitespace().collect();
    let pairs: Vec<(&str, &str)> = phrase.split(' ').zip(given.iter().copied()).collect();
    given.len() == pairs.len()
        && pairs.iter().all(|(p, w)| !fixed(p) || p == w)
        && pairs.iter().filter(|(p, _)| fixed(p)).count() >= 2
}

fn step_line(step: &str) -> String {
    match Move::from_name(step) {
        Some(found) => wrap(&format!("step: {} ({step})", found.words()), 4),
        None => wrap(&format!("step: {step}"), 4),
    }
}

fn is_permission(permission: Permission, what: &str) -> bool {
    permission.name().eq_ignore_ascii_case(what) || permission.name().replace(' ', "-").eq_ignore_ascii_case(what)
}

fn permission_page(permission: Permission) -> Result<Page, Stop> {
    let effect = match permission {
        Permission::FullRegression => {
            "erases all of the user's and leads back to Open: `provost auth regress --credential DIR`"
        }
        Permission::TzRegression => {
            "erases the non-secure side and leads back to TZ-Closed: `provost auth regress --to tz-closed --credential DIR`"
        }
        Permission::IntrusiveDebugLevel1 | Permission::IntrusiveDebugLevel2 | Permission::IntrusiveDebugLevel3 => {
            "secure and non-secure debug from that HDPL on; nothing is erased"
        }
        _ => "non-secure debug from that HDPL on; nothing is erased",
    };
    let how = match permission {
        Permission::FullRegression | Permission::TzRegression => String::new(),
        _ => wrap(
            &format!(
                "`provost auth open --permission {} --credential DIR`",
                permission.name().to_ascii_lowercase().replace(' ', "-")
            ),
            4,
        ),
    };
    let text = format!(
        "{}, bit {} of a permission mask\n{}{how}{}",
        permission.name(),
        permission.bit(),
        wrap(effect, 4),
        wrap("granted where object, every certificate of the chain and token all have the bit (AN6008 §5.4.3)", 4),
    );
    told_page(Explanation::Permission, permission.name(), &["AN6008"], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_known_by_its_beginning_and_as_it_was_asked_for() {
        let meant = |what: &str| PHRASES.iter().find(|(phrase, ..)| is_phrase(phrase, what)).map(|(p, ..)| *p);
        for (what, phrase) in [
            ("erase the chip", Some("erase the chip on PROBE")),
            ("erase the chip on 0483:374e:0042", Some("erase the chip on PROBE")),
            ("write flash on twin:a.chip", Some("write flash on PROBE")),
            ("write option bytes on COM3:115200", Some("write option bytes on PROBE")),
            ("set TZEN=0xB4 on 38363236_33325117_00430052", Some("set NAME=VALUE on UNIQUE-ID")),
            (
                "close 38363236_33325117_00430052 to closed with key 1f2e3d4c",
                Some("close UNIQUE-ID to STATE with key DIGITS"),
            ),
            ("regression", None),
            ("erase everything", None),
            ("close the door", None),
        ] {
            assert_eq!(meant(what), phrase, "{what}");
        }
    }

    #[test]
    fn every_word_is_there_once_and_in_order() {
        let words: Vec<String> = GLOSSARY.iter().map(|(word, _)| word.to_ascii_lowercase()).collect();
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]), "{words:?}");
        assert!(EXITS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
