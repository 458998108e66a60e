//! Where in a line a tool begins to speak. What stands before it does not matter: time stamps, levels, prompts, names of hosts and scripts.

use std::{collections::BTreeSet, sync::LazyLock};

use aho_corasick::AhoCorasick;
use provost_chip::{option_bytes::OptionField, parts::PartId};

use super::fields::FURNITURE;

/// Beginnings of lines that tools print, besides the names of option bytes.
const BEGINNINGS: &[&str] = &[
    "discovery:",
    "STM32CubeProgrammer v",
    "STM32CubeProgrammer API v",
    "Open On-Chip Debugger ",
    "st-flash ",
    "st-info ",
    "SEGGER J-Link Commander ",
    "PROGRAMMING OPTION BYTES",
    "Download in Progress",
    "Memory Programming",
    "r ap ",
];
/// Keys of headers; a colon follows.
const HEADER: &[&str] = &[
    "ST-LINK FW",
    "ST-LINK SN",
    "Board",
    "Voltage",
    "Connect mode",
    "Reset mode",
    "Device ID",
    "Chip ID",
    "chipid",
    "Device name",
    "USB speed",
    "OBK Input file",
];

/// Names of the option bytes of all parts.
pub(super) static OPTION_NAMES: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| PartId::all().flat_map(OptionField::of).map(|field| field.name).collect());

struct Anchors {
    automaton: Option<AhoCorasick>,
    /// Whether a colon must follow.
    keys: Vec<bool>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let words = BEGINNINGS.iter().map(|w| (*w, false));
    let furniture = FURNITURE.iter().map(|w| (*w, false));
    let keys = HEADER.iter().copied().chain(OPTION_NAMES.iter().copied()).map(|w| (w, true));
    let all: Vec<(&str, bool)> = words.chain(furniture).chain(keys).collect();
    // Constants of this crate; a test shows that the automaton is built.
    Anchors {
        automaton: AhoCorasick::new(all.iter().map(|(w, _)| w)).ok(),
        keys: all.into_iter().map(|(_, key)| key).collect(),
    }
});

/// Most words of a sentence that may stand before what a tool printed.
const MAX_WORDS_BEFORE: usize = 3;

/// The cleaned line from where the tool speaks, if something of the kind is in it.
pub(super) fn spoken(line: &str) -> Option<&str> {
    let automaton = ANCHORS.automaton.as_ref()?;
    let begins = automaton.find_overlapping_iter(line).filter(|hit| {
        let (before, after) = (&line[..hit.start()], &line[hit.end()..]);
        let colon = !ANCHORS.keys.get(hit.pattern().as_usize()).copied().unwrap_or(false)
            || after.trim_start().starts_with(':');
        colon && is_prefix(before)
    });
    begins.map(|hit| hit.start()).min().and_then(|at| line.get(at..))
}

/// Whether this may stand before a line of a tool: nothing, or something that ends with a mark, a number or a level, and is no sentence.
fn is_prefix(before: &str) -> bool {
    let trimmed = before.trim_end();
    let Some(last) = trimmed.chars().next_back() else { return true };
    let mut words = trimmed.rsplit(' ');
    let word = words.next().unwrap_or_default();
    let digit = |w: &str| w.bytes().any(|b| b.is_ascii_digit());
    let capitals = word.bytes().all(|b| b.is_ascii_uppercase());
    // INFO, or the D and I of tools that count milliseconds.
    let level = capitals && (word.len() > 3 || word.len() == 1 && words.next().is_some_and(digit));
    let ends = !last.is_alphanumeric() && !matches!(last, '.' | ',' | '_' | '"' | '\'')
        || before.len() > trimmed.len() && (digit(word) || level);
    let sentence = |w: &&str| w.len() > 1 && w.chars().all(char::is_lowercase);
    ends && trimmed.split(' ').filter(sentence).count() <= MAX_WORDS_BEFORE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_line_is_cut() {
        assert!(ANCHORS.automaton.is_some());
        for before in [
            "",
            "> ",
            "[INFO] ",
            "| ",
            "host: ",
            "2026-01-05 08:00:01,002 - line - DEBUG - ",
            "12:00:01 ",
            "0001332 I ",
            "INFO ",
            "* ",
            "  12 | ",
        ] {
            for line in [
                "PRODUCT_STATE: 0x17 (Provisioning)",
                "discovery: PSA lifecycle..:ST_LIFECYCLE_CLOSED",
                "Device ID : 0x484",
            ] {
                assert_eq!(spoken(&format!("{before}{line}")), Some(line), "{before}");
            }
        }
    }

    #[test]
    fn a_sentence_is_no_prefix() {
        for line in [
            "then I changed the PRODUCT_STATE: 0x17",
            "as I said before, it was not like this: PRODUCT_STATE: 0xED",
            "MYPRODUCT_STATE: 0x17",
            "no Board here",
        ] {
            assert_eq!(spoken(line), None);
        }
    }
}
