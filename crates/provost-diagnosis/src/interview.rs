//! The interview: from nothing to a report, one question at a time. It does no I/O: it says the next question, takes an answer,
//! stops when the diagnosis is sure, and its answers are a case file.

mod questions;
mod worth;

pub use questions::{Choice, Question, Subject};
use questions::{Place, QUESTIONS};

use provost_chip::order_code::OrderCode;

use crate::{
    Diagnosis,
    answer::{self, Glance},
    case::{Case, Goal},
    case_file, diagnose,
};

/// No interview asks more.
pub const MOST_QUESTIONS: usize = 5;

/// An interview in progress.
#[derive(Debug, Clone, Default)]
pub struct Interview {
    /// What was known before it began, as a part of a case file.
    known: Vec<(Place, String)>,
    given: Vec<&'static Choice>,
    /// What is not asked any more.
    asked: Vec<Subject>,
    /// What was asked, and not known.
    unknown: Vec<Subject>,
}

impl Interview {
    /// An interview in which nothing was asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, where the part or the goal is known: neither is asked.
    #[must_use]
    pub fn knowing(mut self, part: Option<&OrderCode>, goal: Option<Goal>) -> Self {
        if let Some(part) = part {
            self.known.push((Place::Chip, format!("part = \"{part}\"")));
            self.asked.push(Subject::Part);
        }
        if let Some(goal) = goal {
            self.known.push((Place::Root, format!("goal = \"{}\"", goal.as_str())));
            self.asked.push(Subject::Goal);
        }
        self
    }

    /// The next question, the one whose answer would change most; `None` when no answer would change what is said, or when enough
    /// was asked.
    pub fn next(&self) -> Option<&'static Question> {
        if self.asked() >= MOST_QUESTIONS {
            return None;
        }
        let now = self.glance();
        QUESTIONS
            .iter()
            .filter(|q| !self.asked.contains(&q.subject))
            .map(|q| (q, worth::of(self, q, &now)))
            .filter(|(_, worth)| *worth >= worth::WORTH_ASKING)
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(q, _)| q)
    }

    /// Takes an answer to a question: the place of a choice, or `None` for "I don't know". It is not asked again.
    pub fn answer(&mut self, question: &'static Question, choice: Option<usize>) {
        self.asked.push(question.subject);
        match choice.and_then(|place| question.choices.get(place)) {
            Some(choice) => self.given.push(choice),
            None => self.unknown.push(question.subject),
        }
    }

    fn is_unknown(&self, subject: Subject) -> bool {
        self.unknown.contains(&subject)
    }

    fn has_answered(&self, subject: Subject) -> bool {
        let of_it = QUESTIONS.iter().filter(|q| q.subject == subject).flat_map(|q| q.choices);
        of_it.into_iter().any(|choice| self.given.contains(&choice))
    }

    fn glance(&self) -> Glance {
        answer::glance(&self.case())
    }

    /// The interview with one more answer.
    fn with(&self, choice: &'static Choice) -> Self {
        let mut then = self.clone();
        then.given.push(choice);
        then
    }

    /// How many questions were asked.
    pub fn asked(&self) -> usize {
        // What was known beforehand is not among them.
        self.asked.len() - self.known.len()
    }

    /// What the answers come to.
    pub fn case(&self) -> Case {
        // The choices are tested to be case files, alone and together.
        case_file::read(&self.case_file()).unwrap_or_default()
    }

    /// The answers as a case file, for `provost diagnose` and for whoever helps.
    pub fn case_file(&self) -> String {
        let of = |wanted: Place| {
            let known = self.known.iter().map(|(place, says)| (*place, says.as_str()));
            let given = self.given.iter().flat_map(|choice| choice.says).copied();
            known.chain(given).filter(move |(place, _)| *place == wanted).map(|(_, says)| says)
        };
        let mut text = String::new();
        of(Place::Root).for_each(|says| text.push_str(&format!("{says}\n")));
        for (place, header) in [(Place::Chip, "[chip]"), (Place::Bench, "[bench]")] {
            let lines: Vec<&str> = of(place).collect();
            if !lines.is_empty() {
                text.push_str(&format!("\n{header}\n{}\n", lines.join("\n")));
            }
        }
        let passed = of(Place::There).next().is_some() && of(Place::Before).next().is_none();
        let begin = of(Place::Begin).filter(|_| !passed);
        let in_full = self.has_answered(Subject::Connect);
        let vaguely = of(Place::Vaguely).filter(|_| !in_full);
        let steps = begin.chain([Place::Before, Place::There].into_iter().flat_map(of)).chain(vaguely);
        let steps = steps.chain(of(Place::Since));
        steps.for_each(|says| text.push_str(&format!("\n[[step]]\n{says}\n")));
        text
    }

    /// What is diagnosed of the answers so far.
    pub fn diagnosis(&self) -> Diagnosis {
        diagnose(&self.case())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn every_answer_is_a_case_file() {
        for question in QUESTIONS {
            for place in 0..question.choices.len() {
                let mut interview = Interview::new();
                interview.answer(question, Some(place));
                let text = interview.case_file();
                assert!(case_file::read(&text).is_ok(), "{}: {text}", question.ask);
            }
        }
    }

    /// What an answer says in words must mean something to the diagnosis.
    #[test]
    fn every_answer_in_words_is_understood() {
        for choice in QUESTIONS.iter().flat_map(|q| q.choices) {
            let case = Interview::new().with(choice).case();
            for step in &case.steps {
                if let crate::case::Act::Observe(what) = &step.act {
                    assert!(step.all_signs().next().is_some(), "{what}");
                }
            }
        }
    }

    #[test]
    fn an_interview_ends_whatever_is_answered() {
        for pick in 0..4 {
            let mut interview = Interview::new();
            while let Some(question) = interview.next() {
                let choice = (pick < question.choices.len()).then_some(pick);
                interview.answer(question, choice);
            }
            assert!(interview.asked() <= MOST_QUESTIONS);
            assert!(case_file::read(&interview.case_file()).is_ok());
        }
    }

    #[test]
    fn who_knows_nothing_is_told_what_to_find_out() {
        let mut interview = Interview::new();
        while let Some(question) = interview.next() {
            interview.answer(question, None);
        }
        let diagnosis = interview.diagnosis();
        assert_eq!((diagnosis.verdict, diagnosis.understood), (Verdict::Undetermined, false));
        assert!(!diagnosis.ask.is_empty());
    }
}
