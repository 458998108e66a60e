//! No wrong turn: every command line that provost prints is carried out, as printed, in the situation in which it was printed.
//!
//! What must hold of a page that names command lines:
//! - each is understood (never exit code 2);
//! - each does what its name says (a rescue that ends well leaves an Open chip, a close the state it was asked for), or is refused and
//!   leaves the chip as it is: alternatives hang on what a person knows and the page does not;
//! - at least one of them ends well: no page leads nowhere.

mod situations;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;
use situations::{BY_BOOTLOADER, COMMANDS, Situation, all, at_a_bootloader};

use crate::sandbox::{Run, Sandbox};

/// A folder in which commands are given, with a temporary folder of its own beside it: the sandbox itself lies in the system's.
pub struct Desk {
    s: Sandbox,
}

impl Desk {
    pub fn new() -> Self {
        let s = Sandbox::new();
        for folder in ["tmp", "work"] {
            std::fs::create_dir(s.path(folder)).unwrap();
        }
        Self { s }
    }

    fn copy(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.s.path("work"), &copy.s.path("work"));
        copy
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.s.path("work").join(name)
    }

    pub fn run(&self, words: &[String]) -> Run {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.s.command(&words);
        let output = command.current_dir(self.s.path("work")).env("TMPDIR", self.s.path("tmp")).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, giving the phrase that is asked for, as a person would who means it.
    pub fn confirmed(&self, words: &[String]) -> Run {
        let with = |more: &[&str]| [words, &more.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()].concat();
        let told = self.run(&with(&["--json"]));
        let value: Value =
            serde_json::from_str(&told.out).unwrap_or_else(|e| panic!("{words:?}: {e}\n{}{}", told.out, told.err));
        match value["confirm"].as_str().filter(|_| told.code != 0 && value["schema"] == "provost.error/1") {
            Some(phrase) => self.run(&with(&["--json", "--confirm", phrase])),
            None => told,
        }
    }

    fn chip(&self) -> Vec<u8> {
        std::fs::read(self.path("board.chip")).unwrap_or_default()
    }

    fn state(&self) -> Option<String> {
        let words = ["status", "--probe", "twin:board.chip", "--json"].map(str::to_owned);
        let value: Value = serde_json::from_str(&self.run(&words).out).ok()?;
        value["product_state"].as_str().map(str::to_owned)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// The command lines in a text: what stands between backquotes and begins with the program's name.
fn lines_in(text: &str) -> BTreeSet<String> {
    let mut pieces = text.split("`provost ");
    pieces.next();
    pieces.filter_map(|piece| piece.split_once('`')).map(|(line, _)| format!("provost {line}")).collect()
}

/// A line as a shell splits it.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What a line that was carried out came to.
enum Came {
    Well,
    Refused,
    Wrong(String),
}

/// Carries a printed line out where it was printed, after whatever a person was told to mend has been mended.
fn follow(desk: &Desk, situation: &Situation, line: &str) -> Came {
    let desk = desk.copy();
    let mended = line.replace(&format!("'{}'", situation.probe), "twin:board.chip");
    let words: Vec<String> = words(&mended).into_iter().skip(1).map(|w| situation.fill(&w, &mended)).collect();
    let before = desk.chip();
    let run = desk.confirmed(&words);
    let value: Value = serde_json::from_str(&run.out).unwrap_or(Value::Null);
    let is = |name: &str| mended.split_whitespace().skip(1).zip(name.split(' ')).all(|(a, b)| a == b);
    let dry = words.iter().any(|w| w == "--dry-run");
    let wanted = match words.iter().position(|w| w == "--to") {
        _ if dry => None,
        Some(at) if is("close") || is("auth regress") => words.get(at + 1).cloned(),
        _ if is("rescue") || is("auth regress") => Some("open".to_owned()),
        _ => None,
    };
    match run.code {
        0 => {
            let state = desk.state();
            // AP1 is shut in later states: only a discovery tells, and the receipt has it.
            let seen = state.or_else(|| value["discovered"]["product_state"].as_str().map(str::to_owned));
            match wanted {
                Some(wanted) if seen.as_ref() != Some(&wanted) => {
                    Came::Wrong(format!("{wanted} was promised, {seen:?} was reached"))
                }
                _ => Came::Well,
            }
        }
        3 if dry => Came::Well,
        3 | 4 if desk.chip() == before || is("auth discover") => Came::Refused,
        // It was asked who it is, and that resets it: as told.
        3 | 4 if is("rescue") || is("auth regress") || is("apply") => Came::Refused,
        _ => Came::Wrong(format!("exit code {}: {} {}", run.code, value["code"], value["message"])),
    }
}

/// What a walk came to.
#[derive(Default)]
struct Walked {
    pages: usize,
    lines: usize,
    wrong: Vec<String>,
}

/// Gives each command in each situation, over this wire, and follows what is printed.
fn walk(by: &str, situations: &[Situation], commands: &[&str]) -> Walked {
    let mut walked = Walked::default();
    for situation in situations {
        let desk = situation.make();
        for command in commands {
            let given = format!("provost {command} --{by} '{}' --part {}", situation.probe, situation.part);
            let on = desk.copy();
            let words: Vec<String> = words(&given).into_iter().skip(1).collect();
            let run = on.run(&words);
            let text = format!("{}\n{}", run.out, run.err);
            let printed = lines_in(&text);
            walked.pages += 1;
            let (mut well, mut said) = (0, Vec::new());
            for line in &printed {
                walked.lines += 1;
                match follow(&on, situation, line) {
                    Came::Well => well += 1,
                    Came::Refused => said.push(line.clone()),
                    Came::Wrong(why) => {
                        walked.wrong.push(format!("{}: `{command}` prints `{line}`: {why}", situation.name));
                    }
                }
            }
            // An explanation is about its topic, whatever the chip at hand may be; a bootloader sends its host to a probe.
            if !printed.is_empty() && well == 0 && !command.starts_with("explain") && by == "probe" {
                walked.wrong.push(format!("{}: `{command}` leads nowhere: {said:#?}", situation.name));
            }
        }
    }
    let Walked { pages, lines, wrong } = &walked;
    println!(
        "{lines} printed command lines on {pages} pages in {} situations by --{by}, {} wrong",
        situations.len(),
        wrong.len()
    );
    walked
}

#[test]
fn every_command_line_that_is_printed_leads_where_the_text_says() {
    let Walked { lines, wrong, .. } = walk("probe", &all(), COMMANDS);
    // As docs/figures.md says.
    assert!(lines > 800 && all().len() >= 17, "the walk finds what it is about: {lines}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_line_that_is_printed_over_a_bootloader_leads_where_the_text_says() {
    for by in ["uart", "dfu"] {
        let Walked { lines, wrong, .. } = walk(by, &at_a_bootloader(), BY_BOOTLOADER);
        assert!(lines > 20, "the walk finds what it is about: {lines}");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
