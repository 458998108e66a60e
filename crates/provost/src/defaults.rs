//! What a project or the environment says once for every command: probe, part, clock, credential, policy.
//!
//! What is typed counts most, then the environment (`PROVOST_PROBE`, `PROVOST_PART`, `PROVOST_SPEED`, `PROVOST_CREDENTIAL`,
//! `PROVOST_POLICY`), then `[defaults]` of `provost.toml` in the present folder.

use std::ffi::OsString;

use clap::{ArgMatches, Command, error::ErrorKind};
use provost_ops::{close::Policy, error::Failure};

use crate::given;

/// An option, the variable that stands for it, and where it holds.
struct Default {
    option: &'static str,
    variable: &'static str,
    /// With one of these typed it is not wanted.
    beside: &'static [&'static str],
}

const DEFAULTS: &[Default] = &[
    Default { option: "probe", variable: "PROVOST_PROBE", beside: &["uart", "dfu"] },
    Default { option: "part", variable: "PROVOST_PART", beside: &[] },
    Default { option: "speed", variable: "PROVOST_SPEED", beside: &["uart", "dfu"] },
    Default { option: "credential", variable: "PROVOST_CREDENTIAL", beside: &["password"] },
    Default { option: "policy", variable: "PROVOST_POLICY", beside: &[] },
];

/// Which commands take a default: those on a chip, those for a part, and those that have the option themselves.
fn holds(command: &str, option: &str) -> bool {
    match option {
        "probe" | "speed" => given::is_on_chip(command),
        "part" => given::is_on_chip(command) || given::is_for_part(command),
        _ => given::is_on_chip(command) && given::takes_itself(command, option),
    }
}

/// Words of a command line, and which options were added to them.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) words: Vec<OsString>,
    pub(crate) added: Vec<&'static str>,
}

/// Adds what the project and the environment say and the command line does not.
///
/// # Errors
/// `provost.toml` cannot be read, and the command would need it.
pub(crate) fn complete(tree: &Command, words: Vec<OsString>) -> Result<Completed, Failure> {
    let plain = Completed { words, added: Vec::new() };
    let texts: Vec<String> = plain.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let command = given::name_of(tree, &texts);
    if !given::is_on_chip(&command) && !given::is_for_part(&command) {
        return Ok(plain);
    }
    let typed = |option: &str| {
        let flag = format!("--{option}");
        texts.iter().any(|word| *word == flag || word.starts_with(&format!("{flag}=")))
    };
    let project = Policy::load(None)?.defaults;
    let mut completed = Completed { words: plain.words.clone(), added: Vec::new() };
    for Default { option, variable, beside } in DEFAULTS {
        if !holds(&command, option) || typed(option) || beside.iter().any(|other| typed(other)) {
            continue;
        }
        let told = std::env::var_os(variable).filter(|value| !value.is_empty());
        let told = told.or_else(|| project.get(option).map(OsString::from));
        if let Some(value) = told {
            completed.words.extend([OsString::from(format!("--{option}")), value]);
            completed.added.push(option);
        }
    }
    // Where a default and what was typed exclude each other, what was typed holds.
    let excluded = |words: &[OsString]| {
        tree.clone().try_get_matches_from(words).is_err_and(|error| error.kind() == ErrorKind::ArgumentConflict)
    };
    Ok(if !completed.added.is_empty() && excluded(&completed.words) { plain } else { completed })
}

/// What a command line comes to, and whether its probe was typed.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) matches: ArgMatches,
    pub(crate) given: given::Given,
}

/// The command line of this process with its defaults.
///
/// # Errors
/// It is no command line, or `provost.toml` is not as it should be.
pub(crate) fn read(tree: &Command) -> Result<Read, Refused> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let Completed { words, added } = complete(tree, words).map_err(Refused::Project)?;
    let matches = tree.clone().try_get_matches_from(words).map_err(Refused::Line)?;
    // What the project says holds for the next command by itself: it is not repeated.
    let given = given::Given::of(&matches).without(&added);
    Ok(Read { matches, given })
}

/// Why a command line is not carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is none.
    Line(clap::Error),
    /// The project's file.
    Project(Failure),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Line(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_an_option_and_every_key_of_the_file_one_of_them() {
        let folder = tempfile::tempdir().unwrap();
        for Default { option, .. } in DEFAULTS {
            assert!(given::ON_CHIP.iter().any(|command| holds(command, option)), "{option} holds nowhere");
            let path = folder.path().join("provost.toml");
            std::fs::write(&path, format!("[defaults]\n{option} = \"1\"\n")).unwrap();
            assert_eq!(Policy::load(Some(&path)).unwrap().defaults.get(option), Some("1"));
        }
    }
}
