//! What was given on the command line, repeated in every command line that is printed: each works as it stands.

use std::borrow::Cow;

use clap::{ArgMatches, Command, parser::ValueSource};

use crate::cli::command;

/// Commands that work on a chip.
pub(crate) const ON_CHIP: &[&str] = &[
    "status",
    "doctor",
    "diagnose",
    "rescue",
    "selfcheck",
    "close",
    "apply",
    "auth discover",
    "auth open",
    "auth close-debug",
    "auth regress",
    "option list",
    "option get",
    "option set",
    "option export",
    "option diff",
    "option import",
    "flash write",
    "flash verify",
    "flash erase",
    "flash read",
    "obk write",
];
/// Commands that work on a chip through its bootloader, too.
const ON_LINE: &[&str] = &[
    "status",
    "option list",
    "option get",
    "option set",
    "flash write",
    "flash verify",
    "flash erase",
    "flash read",
    "obk write",
];
/// Commands that go over a bootloader and a probe at once.
const BESIDE: &[&str] = &["rescue", "obk write"];
/// Commands that ask for a part without a chip.
const FOR_PART: &[&str] = &["credential new", "credential check", "obk build", "obk inspect"];
const WITH_CREDENTIAL: &[&str] = &["rescue", "auth open", "auth regress", "close", "apply"];
const BACK: &[&str] = &["rescue", "auth regress", "selfcheck"];
const OWNER: &[&str] = &["rescue", "auth open", "auth regress", "credential check"];
const FORWARD: &[&str] = &["close", "apply"];
const CLOSE: &[&str] = &["close"];

/// Options that are repeated, and the commands among which they mean the same.
const REPEATED: &[(&str, &[&str])] = &[
    ("probe", ON_CHIP),
    ("uart", ON_LINE),
    ("uart", BESIDE),
    ("dfu", ON_LINE),
    ("dfu", BESIDE),
    ("part", ON_CHIP),
    ("part", FOR_PART),
    ("speed", ON_CHIP),
    ("credential", OWNER),
    ("out", BACK),
    ("out", FORWARD),
    ("out", &["obk write"]),
    ("policy", FORWARD),
    ("to", CLOSE),
    ("credential", CLOSE),
    ("obk", CLOSE),
    ("image", CLOSE),
    ("options", CLOSE),
    ("override", CLOSE),
    ("rehearse", CLOSE),
    ("rehearse-only", CLOSE),
    ("escrow", CLOSE),
    ("recipient", CLOSE),
];
/// Options that say how to reach the key of a credential: repeated with it.
const KEYS: &[&str] = &["passphrase-file", "pkcs11", "token-label", "key-label", "pin-file", "sign-in", "wait"];
/// Words that stand for a value of an option: that which was given, if it was.
const STAND_FOR: &[(&str, &str)] = &[("credential", "DIR"), ("to", "STATE")];
/// Options that may be given several times.
const SEVERAL: &[&str] = &["obk", "image", "override", "recipient", "key-label"];

/// Options and values of the command that runs.
#[derive(Debug, Default, Clone)]
pub(crate) struct Given {
    command: String,
    options: Vec<(String, Vec<String>)>,
}

impl Given {
    /// What was typed. Defaults, and what the environment says, hold for the next command by themselves.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let tree = command();
        let (mut at, mut matches, mut names) = (&tree, matches, Vec::new());
        while let Some((name, inner)) = matches.subcommand() {
            let Some(found) = at.find_subcommand(name) else { break };
            (at, matches) = (found, inner);
            names.push(name);
        }
        let typed = |id: &str| {
            matches.ids().any(|known| known.as_str() == id)
                && matches.value_source(id) == Some(ValueSource::CommandLine)
        };
        let options = tree
            .get_arguments()
            .chain(at.get_arguments())
            .filter_map(|arg| Some((arg, arg.get_id().as_str(), arg.get_long()?)))
            .filter(|(_, id, _)| typed(id))
            .map(|(arg, id, long)| {
                let raw = arg.get_action().takes_values().then(|| matches.get_raw(id)).flatten();
                (long.to_owned(), raw.into_iter().flatten().map(|v| v.to_string_lossy().into_owned()).collect())
            })
            .collect();
        Self { command: names.join(" "), options }
    }

    /// A text with every command line in it, between backquotes, completed.
    pub(crate) fn complete<'a>(&self, text: &'a str) -> Cow<'a, str> {
        const MARK: &str = "`provost ";
        if !text.contains(MARK) {
            return text.into();
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once(MARK) {
            let Some((line, behind)) = after.split_once('`') else { break };
            out.push_str(before);
            out.push('`');
            out.push_str(&self.command_line(&format!("provost {line}")));
            out.push('`');
            rest = behind;
        }
        out.push_str(rest);
        out.into()
    }

    /// A command line with what was given and holds for it, too.
    pub(crate) fn command_line(&self, line: &str) -> String {
        let tree = command();
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let name = name_of(&tree, &words);
        if name.is_empty() || words.iter().any(|w| w == "--help") {
            return words.join(" ");
        }
        for (option, placeholder) in STAND_FOR {
            let flag = format!("--{option}");
            let given = self.options.iter().find(|(name, _)| name == option).and_then(|(_, values)| values.first());
            if let (Some(value), Some(at)) = (given, words.iter().position(|w| *w == flag))
                && let Some(word) = words.get_mut(at + 1).filter(|w| w == placeholder)
            {
                *word = quoted(value);
            }
        }
        for (option, values) in &self.options {
            let flag = format!("--{option}");
            let several = SEVERAL.contains(&option.as_str());
            if words.contains(&flag) && !several || !self.is_repeated(option, &name, &words) {
                continue;
            }
            if values.is_empty() {
                words.push(flag.clone());
            }
            for value in
                values.iter().map(|value| quoted(value)).filter(|value| !words.contains(value)).collect::<Vec<_>>()
            {
                words.extend([flag.clone(), value]);
            }
        }
        words.join(" ")
    }

    /// The same without these options.
    pub(crate) fn without(mut self, options: &[&str]) -> Self {
        self.options.retain(|(name, _)| !options.contains(&name.as_str()));
        self
    }

    /// Whether this option was typed.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|(name, _)| name == option)
    }

    fn is_repeated(&self, option: &str, name: &str, words: &[String]) -> bool {
        if KEYS.contains(&option) {
            let uses = name == "apply" || words.iter().any(|w| w == "--credential");
            return uses && WITH_CREDENTIAL.contains(&name) && takes(name, option);
        }
        // What holds for the chip or the part at hand holds wherever it can be said.
        let anywhere = ["probe", "uart", "dfu", "part", "speed"].contains(&option);
        REPEATED.iter().any(|(known, among)| {
            *known == option && among.contains(&name) && (anywhere || among.contains(&self.command.as_str()))
        }) && takes(name, option)
            // Rules of the system are for every probe.
            && !(name == "doctor" && words.iter().any(|word| word == "--udev" || word == "--install-udev"))
            // A line goes in place of a probe, or beside it.
            && (!["uart", "dfu"].contains(&option) || if self.has("probe") { BESIDE } else { ON_LINE }.contains(&name))
            // Two files are compared without a chip.
            && !(name == "option diff" && option == "probe" && words.iter().skip(3).filter(|w| !w.starts_with('-')).count() > 1)
    }
}

/// Whether a command works on a chip.
pub(crate) fn is_on_chip(command: &str) -> bool {
    ON_CHIP.contains(&command)
}

/// Whether a command without a chip is for a part.
pub(crate) fn is_for_part(command: &str) -> bool {
    FOR_PART.contains(&command)
}

/// Whether an option is the command's own.
pub(crate) fn takes_itself(name: &str, option: &str) -> bool {
    let tree = command();
    let at = name.split(' ').try_fold(&tree, |at, word| at.find_subcommand(word));
    at.is_some_and(|at| at.get_arguments().any(|arg| arg.get_long() == Some(option)))
}

/// The subcommand that a line calls; empty if it calls none.
pub(crate) fn name_of(tree: &Command, words: &[String]) -> String {
    let (mut at, mut names) = (tree, Vec::new());
    for word in words.iter().skip(1) {
        let Some(found) = at.find_subcommand(word) else { break };
        at = found;
        names.push(word.as_str());
    }
    names.join(" ")
}

fn takes(name: &str, option: &str) -> bool {
    let tree = command();
    let at = name.split(' ').try_fold(&tree, |at, word| at.find_subcommand(word));
    let known = |at: &Command| at.get_arguments().any(|arg| arg.get_long() == Some(option));
    known(&tree) || at.is_some_and(known)
}

/// A word as a POSIX shell takes it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &[&str]) -> Given {
        Given::of(&command().try_get_matches_from(line).unwrap())
    }

    #[test]
    fn what_was_given_is_repeated_where_it_holds() {
        let g = given(&["provost", "status", "--probe", "twin:a.chip?nrst=not-wired", "--part", "STM32H533"]);
        let probe = "--probe 'twin:a.chip?nrst=not-wired'";
        for (line, completed) in [
            ("provost rescue --dry-run", format!("provost rescue --dry-run {probe} --part STM32H533")),
            ("provost explain closed", "provost explain closed".to_owned()),
            ("provost twin ledger", "provost twin ledger".to_owned()),
            ("provost status --probe twin:b", "provost status --probe twin:b --part STM32H533".to_owned()),
            ("provost has never met", "provost has never met".to_owned()),
            ("provost credential new --out x", "provost credential new --out x --part STM32H533".to_owned()),
        ] {
            assert_eq!(g.command_line(line), completed);
        }
        let by_line = given(&["provost", "status", "--uart", "COM3"]);
        assert_eq!(by_line.command_line("provost option list"), "provost option list --uart COM3");
        assert_eq!(by_line.command_line("provost rescue"), "provost rescue", "that takes a probe");
        let by_usb = given(&["provost", "status", "--dfu"]);
        assert_eq!(by_usb.command_line("provost option list"), "provost option list --dfu dfu");
        let by_usb = given(&["provost", "status", "--dfu", "2003675E3650"]);
        assert_eq!(by_usb.command_line("provost option set"), "provost option set --dfu 2003675E3650");
        let both = given(&["provost", "rescue", "--uart", "COM3", "--probe", "twin:a"]);
        assert_eq!(both.command_line("provost rescue"), "provost rescue --probe twin:a --uart COM3");
        assert_eq!(both.command_line("provost status"), "provost status --probe twin:a");
        assert_eq!(
            g.complete("see `provost auth discover`, or `provost twin list`."),
            format!("see `provost auth discover {probe} --part STM32H533`, or `provost twin list`.")
        );
    }

    #[test]
    fn folders_and_keys_go_with_the_credential() {
        let g = given(&[
            "provost",
            "close",
            "--to",
            "closed",
            "--credential",
            "my keys",
            "--out",
            "o",
            "--passphrase-file",
            "p",
            "--override",
            "P-CUSTODY",
            "--probe",
            "twin:a",
        ]);
        for (line, completed) in [
            ("provost apply --resume", "provost apply --resume --probe twin:a --out o --passphrase-file p"),
            ("provost rescue", "provost rescue --probe twin:a"),
            (
                "provost auth regress --credential DIR",
                "provost auth regress --credential 'my keys' --probe twin:a --passphrase-file p",
            ),
        ] {
            assert_eq!(sorted(&g.command_line(line)), sorted(completed), "{line}");
        }
        let again = g.command_line("provost close --dry-run");
        for part in ["--to closed", "--credential 'my keys'", "--out o", "--override P-CUSTODY", "--probe twin:a"] {
            assert!(again.contains(part), "{again}");
        }
    }

    /// The words of a line; in which order options stand says nothing.
    fn sorted(line: &str) -> Vec<&str> {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.sort_unstable();
        words
    }
}
