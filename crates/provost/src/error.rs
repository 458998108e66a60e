//! What can stop the face itself: a word it does not know, a file that is no report, a phrase that was not given.

use std::{io, path::PathBuf};

use provost_diagnosis::case_file::CaseError;
use provost_ops::fault::{self, Row, faults};

faults! {
    /// Why a command stopped before, or after, the operation it calls.
    pub(crate) enum FaceError (fault by told) {
        /// A word that nothing is known of.
        #[error("nothing is known of {what:?}; {known}")]
        UnknownTopic {
            /// The word, as it was given.
            what: String,
            /// What is known.
            known: String,
        } = "unknown-topic", Usage {
            causes: ["a misspelt word"],
            next: ["`provost explain --list` lists everything that can be explained"],
        }
        /// A case file is not as it should be.
        #[error("{path}: {source}")]
        BadCase {
            /// The file.
            path: PathBuf,
            /// What is wrong with it.
            source: CaseError,
        } = "case-file", Refused {
            causes: ["the case file has a key or a value that does not belong there"],
            next: ["the message names line and key"],
        }
        /// A report about another kind of chip.
        #[error("{path} is about {family}, and provost knows the STM32H5 only")]
        OtherFamily {
            /// The report.
            path: PathBuf,
            /// The family it tells of.
            family: String,
        } = "other-family", Refused {
            causes: ["the report comes from another board", "the tool was set to another target"],
            next: [
                "other STM32 families have other life cycles (RDP levels, BSEC): what holds for the STM32H5 does not help there",
            ],
        }
        /// A file that is no text.
        #[error("{path} is no text: a case file or what a tool printed is wanted")]
        NotText {
            /// The file.
            path: PathBuf,
        } = "not-text", Refused {
            causes: ["a picture, an archive or a firmware image was given"],
            next: ["save what the tool printed as text: STM32_Programmer_CLI … > log.txt"],
        }
        /// No report, no probe, and nobody to ask.
        #[error("there is nothing to diagnose: no file is named, no probe is attached, and this is no terminal to ask at")]
        NothingToDiagnose = "nothing-to-diagnose", Usage {
            causes: ["the file is missing on the command line", "what is piped in needs the name `-`"],
            next: [
                "name a report, or `-` for standard input: `provost diagnose FILE`",
                "or a chip: connect its probe; where there are several, --probe says which, and `provost probes` lists them",
                "or answer questions, from a pipe too: `provost diagnose --ask`",
            ],
        }
        /// A claim is to be left out that is not there.
        #[error("there is no claim {number}: {of} were read")]
        NoClaim {
            /// The number, as it was given.
            number: usize,
            /// How many there are.
            of: usize,
        } = "no-such-claim", Usage {
            causes: ["the numbers are those of another report, or of other files"],
            next: ["the same command without --strike, with --explain, lists all claims and their numbers"],
        }
        /// What was asked for cannot be printed.
        #[error("the result cannot be printed: {0}")]
        Output(#[source] io::Error) = "output", Failed {
            causes: ["the disk is full, or stdout is closed"],
            next: ["what the command does was done; only what it had to say is lost: mend stdout and ask again, such as with `provost status`"],
        }
        /// A result that is no JSON.
        #[error("the result cannot be written as JSON: {0}")]
        Document(#[source] serde_json::Error) = "document", Failed {
            causes: ["a fault in provost"],
            next: ["what the command does was done; please report it, and ask again without --json, such as with `provost status`"],
        }
        /// A report from which nothing is believed of a chip.
        #[error("{path} tells of no chip that could be made")]
        NothingBelieved {
            /// The report, or the diagnosis.
            path: PathBuf,
        } = "nothing-believed", Refused {
            causes: ["nothing of the report was understood", "the document is no diagnosis, or of another version"],
            next: ["`provost diagnose FILE` says what is understood of it, and what to find out"],
        }
        /// A virtual chip of which there is no real one.
        #[error("there is no such chip: {says}")]
        NoSuchChip {
            /// Why not.
            says: String,
        } = "no-such-chip", Usage {
            causes: ["part, --tzen and --state contradict each other"],
            next: ["`provost explain tz-closed` says what a state needs; no file was made"],
        }
        /// A switch without its value.
        #[error("--switch {switch}: a name and a value are due, NAME=VALUE")]
        SwitchValue {
            /// What was given.
            switch: String,
        } = "switch-value", Usage {
            causes: ["the value is missing"],
            next: ["`provost explain leave-rss-da` lists the values of that switch; give one, as in --switch leave-rss-da=power"],
        }
        /// A command that a bootloader cannot serve.
        #[error("this command does not go over a bootloader")]
        NotByUart = "uart-not-here", Usage {
            causes: ["--uart or --dfu was given to a command that needs no chip, or more of it than its bootloader shows"],
            next: ["leave it out; with a chip, name a debug probe: --probe VID:PID"],
        }
        /// The page cannot be served.
        #[error("the page cannot be served on port {port}: {source}")]
        PageDoor {
            /// The port.
            port: u16,
            /// Why.
            source: std::io::Error,
        } = "page-door", Failed {
            causes: ["another program has the port"],
            next: ["leave --port out: the system then chooses one that is free"],
        }
        /// Two ways to one chip, and a command that goes one of them.
        #[error("this command goes over one wire: --probe, --uart or --dfu")]
        TwoWires = "uart-and-probe", Usage {
            causes: ["both were given; only a rescue and a write of objects use both"],
            next: ["leave one of them out"],
        }
        /// The phrase that confirms a write to a real chip is missing or wrong.
        #[error("this writes to a real chip, and was not confirmed: expected the phrase {phrase:?}")]
        NotConfirmed {
            /// The phrase, letter by letter.
            phrase: String,
        } = "not-confirmed", Refused {
            causes: ["this would write to a real chip, and provost has never met one: it asks before it writes"],
            next: ["type the phrase when asked, or give it with --confirm; nothing was written"],
        }
    }
}

impl FaceError {
    /// The row that speaks for it.
    fn told(&self) -> &'static Row {
        match self {
            Self::BadCase { source, .. } => fault::find(source.code()).unwrap_or(self.row()),
            _ => self.row(),
        }
    }
}

/// All error codes, and those of the checks of objects.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    let rows = FaceError::ROWS.iter().chain(fault::rows()).chain(provost_bench::rows()).map(|row| row.code);
    rows.collect::<std::collections::BTreeSet<_>>().into_iter()
}

/// The row of an error code: of the face, of an operation, or of the bench.
pub(crate) fn row(code: &str) -> Option<&'static Row> {
    FaceError::ROWS.iter().chain(fault::rows()).chain(provost_bench::rows()).find(|row| row.code == code)
}
