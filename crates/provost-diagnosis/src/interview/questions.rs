//! The questions of the interview with their answers, in the order in which they are asked, as data.

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The product state.
    State,
    /// What is wrong.
    Complaint,
    /// How connecting goes.
    Connect,
    /// What discovery says.
    Discovery,
    /// Whether there is a credential.
    Credential,
    /// The reset line.
    Reset,
    /// TrustZone.
    TrustZone,
    /// What is wanted.
    Goal,
}

/// Where an answer goes in a case file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Before the tables.
    Root,
    /// `[chip]`.
    Chip,
    /// `[bench]`.
    Bench,
    /// One or more `[[step]]`.
    Steps,
}

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// The question.
    pub ask: &'static str,
    /// The answers; "I don't know" is always possible.
    pub choices: &'static [Choice],
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// The answer in words.
    pub text: &'static str,
    /// Where it goes.
    pub table: Table,
    /// What it says, as a part of a case file.
    pub says: &'static str,
}

const fn chip(text: &'static str, says: &'static str) -> Choice {
    Choice { text, table: Table::Chip, says }
}

const fn bench(text: &'static str, says: &'static str) -> Choice {
    Choice { text, table: Table::Bench, says }
}

const fn steps(text: &'static str, says: &'static str) -> Choice {
    Choice { text, table: Table::Steps, says }
}

const fn root(text: &'static str, says: &'static str) -> Choice {
    Choice { text, table: Table::Root, says }
}

/// The questions.
pub(super) static QUESTIONS: &[Question] = &[
    Question {
        subject: Subject::State,
        ask: "Which product state did you last read, or write?",
        choices: &[
            chip("Open (0xED), or nobody ever wrote one and it was read as Open", "state = \"open\""),
            chip("Provisioning (0x17)", "state = \"provisioning\""),
            chip("iROT-Provisioned (0x2E)", "state = \"irot-provisioned\""),
            chip("TZ-Closed (0xC6)", "state = \"tz-closed\""),
            chip("Closed (0x72)", "state = \"closed\""),
            chip("Locked (0x5C)", "state = \"locked\""),
            steps(
                "options were changed, and nobody knows to what",
                "[[step]]\naction = \"observe\"\nwhat = \"options were changed; no record is left of what was written\"",
            ),
        ],
    },
    Question {
        subject: Subject::Complaint,
        ask: "What is wrong?",
        choices: &[
            steps(
                "the application does not run",
                "[[step]]\naction = \"observe\"\nwhat = \"application does not run\"",
            ),
            steps("erasing or programming the flash fails", "[[step]]\naction = \"erase\"\nresult = \"error\""),
            steps("the flash reads as zeros", "[[step]]\naction = \"observe\"\nwhat = \"the flash reads all zeros\""),
            steps(
                "my own code faults or stalls at something",
                "[[step]]\naction = \"firmware\"\nwhat = \"own code faults\"\nresult = \"error\"",
            ),
            steps(
                "the tool crashes, or does not know this chip",
                "[[step]]\naction = \"observe\"\nwhat = \"the tool crashes\"",
            ),
            steps(
                "an object is refused",
                "[[step]]\naction = \"provision\"\nobject = \"da-certificate\"\nresult = \"error\"",
            ),
            steps("no tool connects", "[[step]]\naction = \"connect\"\nmode = \"normal\"\nresult = \"error\""),
            steps("nothing: it runs", "[[step]]\naction = \"observe\"\nwhat = \"application runs\""),
        ],
    },
    Question {
        subject: Subject::Connect,
        ask: "Attach by hot plug, without reset, on access port 1 (`provost status`): what is seen?",
        choices: &[
            steps(
                "PRODUCT_STATE 0xED",
                "[[step]]\naction = \"read-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0xED\"\nresult = \"ok\"",
            ),
            steps(
                "PRODUCT_STATE 0x17",
                "[[step]]\naction = \"read-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x17\"\nresult = \"ok\"",
            ),
            steps(
                "a tool attaches, normally or under reset",
                "[[step]]\naction = \"connect\"\nmode = \"normal\"\nap = 1\nresult = \"ok\"",
            ),
            steps(
                "the probe finds the chip, AP1 is shut",
                "[[step]]\naction = \"connect\"\nmode = \"hot-plug\"\nap = 1\nresult = \"error\"",
            ),
            steps(
                "nobody answers",
                "[[step]]\naction = \"connect\"\nmode = \"hot-plug\"\nap = 1\nresult = \"no-device\"",
            ),
        ],
    },
    Question {
        subject: Subject::Discovery,
        ask: "What does Debug Authentication discovery say of the integrity (`provost auth discover`; it resets the chip)?",
        choices: &[
            steps("0xEAEAEAEA", "[[step]]\naction = \"discover\"\nintegrity = \"0xeaeaeaea\"\nresult = \"ok\""),
            steps("0xF5F5F5F5", "[[step]]\naction = \"discover\"\nintegrity = \"0xf5f5f5f5\"\nresult = \"ok\""),
            steps("it does not answer", "[[step]]\naction = \"discover\"\nresult = \"timeout\""),
            steps(
                "the same error, with the probe unplugged too",
                "[[step]]\naction = \"discover\"\nresult = \"error\"\n\n[[step]]\naction = \"observe\"\nwhat = \"the same error comes with the probe unplugged\"",
            ),
        ],
    },
    Question {
        subject: Subject::Credential,
        ask: "Do you have the key and its certificate chain, or the password, that was provisioned?",
        choices: &[
            steps("yes", ""),
            steps(
                "yes, but it is refused",
                "[[step]]\naction = \"authenticate\"\npermission = \"full-regression\"\nresult = \"error\"",
            ),
            steps("no, or not any more", "[[step]]\naction = \"observe\"\nwhat = \"the password is lost\""),
            steps(
                "nothing was ever provisioned",
                "[[step]]\naction = \"provision\"\nobject = \"da-password\"\nresult = \"error\"",
            ),
        ],
    },
    Question {
        subject: Subject::Reset,
        ask: "Does the probe's reset line reach NRST?",
        choices: &[bench("yes", "nrst = \"wired\""), bench("no: four wires, or three", "nrst = \"not-wired\"")],
    },
    Question {
        subject: Subject::TrustZone,
        ask: "Is TrustZone on (TZEN)?",
        choices: &[chip("on (0xB4)", "tzen = \"on\""), chip("off (0xC3), or an STM32H503", "tzen = \"off\"")],
    },
    Question {
        subject: Subject::Goal,
        ask: "What do you want of it?",
        choices: &[
            root("back to Open; everything on it may be erased", "goal = \"open\""),
            root("debug it, nothing may be erased", "goal = \"debug\""),
            root("on to a closed state", "goal = \"forward\""),
            root("only know whether all is well", "goal = \"check\""),
            root("make it boot", "goal = \"boot\""),
        ],
    },
];
