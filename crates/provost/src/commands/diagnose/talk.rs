//! The interview with a person: one question after the other, answered by a number. It asks on stderr and reads lines; what is
//! asked, and when it ends, is the business of `provost_diagnosis::interview`.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use provost_bench::list;
use provost_diagnosis::interview::{Interview, Question};
use provost_ops::store::{FilePath, Secrecy, StoreError, files};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{Arguments, Diagnose},
    error::FaceError,
    events::{self, Event},
    given::quoted,
    output::{Stop, wrap},
    stop, term,
};

/// Words that say "I don't know"; so does an empty line.
const UNKNOWN: [&str; 3] = ["?", "-", "don't know"];
/// Words that end the interview, as the end of the input does.
const ENOUGH: [&str; 3] = ["q", "quit", "end"];

/// Whether there is nothing to go by but what a person can be asked.
///
/// # Errors
/// Nobody is there to be asked either.
pub(super) fn is_wanted(arguments: &Arguments, options: &Diagnose) -> Result<bool, FaceError> {
    if options.ask || options.save.is_some() {
        return Ok(true);
    }
    let given = !options.files.is_empty() || options.discover || arguments.named_probe().is_some();
    if given || list().iter().any(|probe| probe.kind != "virtual") {
        return Ok(false);
    }
    let asks = !arguments.non_interactive && io::stdin().is_terminal();
    if asks { Ok(true) } else { Err(FaceError::NothingToDiagnose) }
}

/// What came of an interview.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answers {
    /// How many questions were asked.
    pub(super) questions: usize,
    /// The answers, as a case file that can be sent.
    pub(super) case_file: String,
    /// Where it was saved.
    pub(super) saved: Option<FilePath>,
}

impl Answers {
    /// Where the answers are, or how they are kept.
    pub(super) fn text(&self) -> String {
        match &self.saved {
            Some(path) => {
                let file = quoted(&path.to_string());
                wrap(
                    &format!(
                        "your answers were saved: `provost diagnose {file}` says this again, and they can be sent"
                    ),
                    0,
                )
            }
            None => "your answers were not kept: --save FILE does\n".to_owned(),
        }
    }
}

/// The interview, and the answers kept where that was asked for.
///
/// # Errors
/// The file of `--save` is there already, or cannot be written.
pub(super) fn hold(arguments: &Arguments, options: &Diagnose) -> Result<(Interview, Answers), Stop> {
    // Before the first question, not after the last.
    if let Some(path) = options.save.as_ref().filter(|path| path.symlink_metadata().is_ok()) {
        return Err(StoreError::Exists { path: path.clone() }.into());
    }
    let interview = Interview::new().knowing(arguments.order_code.as_ref(), options.goal.map(Into::into));
    let interview = ask(interview, &mut next_line, &mut term::tell);
    let case_file = interview.case_file();
    let saved = match &options.save {
        Some(path) => {
            save(&case_file, path)?;
            Some(path.clone())
        }
        None if interview.asked() > 0 && io::stdin().is_terminal() => offer(&case_file),
        None => None,
    };
    let answers = Answers { questions: interview.asked(), case_file, saved: saved.map(|path| path.as_path().into()) };
    Ok((interview, answers))
}

/// Keeps the answers, for their owner only: a report may say more than everybody shall know.
fn save(case_file: &str, path: &Path) -> Result<(), StoreError> {
    files::write(path, case_file.as_bytes(), Secrecy::Secret, false)
}

/// Asks for a file until the answers are in one, or nobody wants that.
fn offer(case_file: &str) -> Option<PathBuf> {
    loop {
        term::tell("Keep your answers as a case file, to be sent or gone on with? A file name, or Enter for no: ");
        let path = PathBuf::from(next_line().filter(|line| !line.trim().is_empty())?.trim());
        match save(case_file, &path) {
            Ok(()) => return Some(path),
            Err(error) => term::tell(&format!("{error}\n")),
        }
    }
}

/// Asks until nothing more is worth asking, or nobody answers any more.
fn ask(mut interview: Interview, line: &mut dyn FnMut() -> Option<String>, tell: &mut dyn FnMut(&str)) -> Interview {
    let by_number =
        "Answer by number; Enter or ? for \"I don't know\"; Ctrl-D, or q, for an answer from what is said so far.\n";
    if !events::are_wanted() {
        tell(by_number);
    }
    while let Some(question) = interview.next() {
        let number = interview.asked() + 1;
        let choices = question.choices.iter().map(|choice| choice.text).collect();
        if !events::tell(&Event::Question { number, ask: question.ask, choices }) {
            tell(&put(question, number));
        }
        let Some(choice) = answered(question, line, tell) else { break };
        interview.answer(question, choice);
    }
    if !events::are_wanted() {
        tell("\n");
    }
    interview
}

/// A question with its answers.
fn put(question: &Question, number: usize) -> String {
    let mut text = format!("\n{}", wrap(&format!("{number}. {}", question.ask), 0));
    for (place, choice) in question.choices.iter().enumerate() {
        text.push_str(&wrap(&format!("{:>2}  {}", place + 1, choice.text), 3));
    }
    text.push_str("> ");
    text
}

/// The place of the answer, inside it `None` for "I don't know"; outside `None` at the end of the input.
fn answered(
    question: &Question,
    line: &mut dyn FnMut() -> Option<String>,
    tell: &mut dyn FnMut(&str),
) -> Option<Option<usize>> {
    loop {
        let said = line()?;
        let said = said.trim().to_lowercase();
        if ENOUGH.contains(&said.as_str()) {
            return None;
        }
        if said.is_empty() || UNKNOWN.contains(&said.as_str()) {
            return Some(None);
        }
        match said.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
            Some(place) if place < question.choices.len() => return Some(Some(place)),
            _ => tell(&format!("a number from 1 to {}, or Enter\n> ", question.choices.len())),
        }
    }
}

/// The next line of standard input; `None` at its end, where it cannot be read, and after Ctrl-C.
fn next_line() -> Option<String> {
    stop::or_stopped(|| {
        let mut line = String::new();
        io::stdin().lock().take(LONGEST_LINE).read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line)
    })
    .flatten()
}

/// Longest line that is read, in bytes.
const LONGEST_LINE: u64 = 1024;

#[cfg(test)]
mod tests {
    use provost_diagnosis::case_file;

    use super::*;

    /// An interview with these lines, and what was told.
    fn held(lines: &[&str]) -> (Interview, String) {
        let mut lines = lines.iter().map(|l| (*l).to_owned());
        let mut told = String::new();
        let interview = ask(Interview::new(), &mut || lines.next(), &mut |text| told.push_str(text));
        (interview, told)
    }

    #[test]
    fn the_end_of_the_input_ends_it_with_what_was_said() {
        let (nothing, _) = held(&[]);
        assert!(!nothing.diagnosis().understood);
        let (one, told) = held(&["2"]);
        assert_eq!(one.asked(), 1);
        assert!(one.diagnosis().understood, "{told}");
    }

    #[test]
    fn what_is_no_answer_is_asked_again_and_not_counted() {
        let (interview, told) = held(&["99", "0", "yes", "-1", "2", "q", "1"]);
        assert_eq!(interview.asked(), 1);
        assert_eq!(told.matches("a number from 1 to").count(), 4, "{told}");
    }

    #[test]
    fn who_does_not_know_is_not_asked_again() {
        let (interview, told) = held(&["?", "", "-", "don't know", "?", "?", "?", "?", "?", "?", "?"]);
        let asked: Vec<&str> = told.lines().filter(|l| l.ends_with('?') || l.ends_with("?)")).collect();
        let mut once = asked.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((asked.len(), once.len()), (interview.asked(), interview.asked()), "{told}");
        assert!(case_file::read(&interview.case_file()).is_ok());
    }
}
