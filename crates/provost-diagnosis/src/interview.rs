//! The interview: from nothing to a report, one question at a time. It does no I/O: it says the next question, takes an answer,
//! stops when the diagnosis is sure, and its answers are a case file.

mod questions;

use std::fmt::Write as _;

pub use questions::{Choice, Question};
use questions::{QUESTIONS, Subject, Table};

use crate::{
    Diagnosis,
    case::{Case, Goal},
    case_file, diagnose,
    verdict::Verdict,
};

/// No interview asks more.
pub const MOST_QUESTIONS: usize = 5;

/// An interview in progress.
#[derive(Debug, Clone, Default)]
pub struct Interview {
    given: Vec<&'static Choice>,
    asked: Vec<Subject>,
}

impl Interview {
    /// An interview in which nothing was asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next question; `None` when the diagnosis is sure, or when there is nothing left to ask.
    pub fn next(&self) -> Option<&'static Question> {
        if self.asked.len() >= MOST_QUESTIONS {
            return None;
        }
        let diagnosis = self.diagnosis();
        QUESTIONS.iter().find(|q| !self.asked.contains(&q.subject) && self.bears(q.subject, &diagnosis))
    }

    /// Takes an answer to a question: the place of a choice, or `None` for "I don't know".
    pub fn answer(&mut self, question: &'static Question, choice: Option<usize>) {
        self.asked.push(question.subject);
        self.given.extend(choice.and_then(|place| question.choices.get(place)));
    }

    /// How many questions were asked.
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    /// What the answers come to.
    pub fn case(&self) -> Case {
        // The choices are tested to be case files, alone and together.
        case_file::read(&self.case_file()).unwrap_or_default()
    }

    /// The answers as a case file, for `provost diagnose` and for whoever helps.
    pub fn case_file(&self) -> String {
        let mut text = String::new();
        let of = |table: Table| self.given.iter().filter(move |c| c.table == table).filter(|c| !c.says.is_empty());
        of(Table::Root).for_each(|choice| {
            let _ = writeln!(text, "{}", choice.says);
        });
        for (table, header) in [(Table::Chip, "[chip]"), (Table::Bench, "[bench]")] {
            if of(table).next().is_some() {
                let _ = writeln!(text, "\n{header}");
                of(table).for_each(|choice| {
                    let _ = writeln!(text, "{}", choice.says);
                });
            }
        }
        for choice in of(Table::Steps) {
            let _ = writeln!(text, "\n{}", choice.says);
        }
        text
    }

    /// What is diagnosed of the answers so far.
    pub fn diagnosis(&self) -> Diagnosis {
        diagnose(&self.case())
    }

    /// Whether an answer to this question could still matter.
    fn bears(&self, subject: Subject, d: &Diagnosis) -> bool {
        let open = d.verdict == Verdict::Undetermined;
        let state = d.believed.product_state;
        let closed = matches!(state, "irot-provisioned" | "tz-closed" | "closed");
        let saved = matches!(d.verdict, Verdict::Recoverable | Verdict::RecoverableIf);
        match subject {
            Subject::State => open,
            // Where nobody is locked out, or a closed chip may do what it shall, the complaint says what is wrong.
            Subject::Complaint => !saved && d.verdict != Verdict::Lost && d.plan.is_empty(),
            Subject::Connect => open && !closed,
            Subject::Discovery => open,
            Subject::Credential => closed && (open || saved || d.verdict == Verdict::NotLocked),
            Subject::Reset => saved && d.believed.product_state != "open" || open,
            Subject::TrustZone => saved && d.believed.tzen == "unknown",
            Subject::Goal => closed && self.case().goal.is_none() && d.goal != Goal::Open.as_str() && saved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
