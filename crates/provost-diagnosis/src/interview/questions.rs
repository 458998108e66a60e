//! The questions of the interview with their answers, as data. In which order they are asked is the business of [`super::worth`].

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever answers by a program must know all of them")]
pub enum Subject {
    /// The product state.
    State,
    /// What is wanted.
    Goal,
    /// What is wrong.
    Wrong,
    /// How connecting goes.
    Connect,
    /// What was provisioned.
    Credential,
    /// What discovery says.
    Discovery,
    /// What Debug Authentication was used for.
    Used,
    /// The reset line.
    Reset,
    /// TrustZone.
    TrustZone,
    /// The part.
    Part,
}

/// Where a piece of an answer goes in a case file: its tables, then the steps in the order in which things happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the tables.
    Root,
    /// `[chip]`.
    Chip,
    /// `[bench]`.
    Bench,
    /// How the chip came to Provisioning; left out where it is known to have gone on, and not what was done there.
    Begin,
    /// What was done in Provisioning.
    Before,
    /// The step to its state.
    There,
    /// How connecting goes, told without saying how; left out where it is told in full.
    Vaguely,
    /// What was done and seen since.
    Since,
}

/// A question.
#[derive(Debug, PartialEq)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// The question.
    pub ask: &'static str,
    /// The answers; "I don't know" is always possible.
    pub choices: &'static [Choice],
    /// How readily it is answered, in percent.
    pub(super) ease: u8,
    /// Whether it takes the probe to answer it.
    pub(super) with_probe: bool,
}

/// An answer.
#[derive(Debug, PartialEq)]
pub struct Choice {
    /// The answer in words.
    pub text: &'static str,
    /// What it says, as parts of a case file.
    pub(super) says: &'static [(Place, &'static str)],
    /// How often it is the answer, beside the others and before anything is known; an estimate from the public reports.
    pub(super) often: f64,
}

const fn says(text: &'static str, says: &'static [(Place, &'static str)]) -> Choice {
    Choice { text, says, often: 1.0 }
}

/// Seldom the answer, although nothing speaks against it.
const fn rarely(choice: Choice) -> Choice {
    Choice { often: 0.1, ..choice }
}

/// The answer of most.
const fn mostly(choice: Choice) -> Choice {
    Choice { often: 2.0, ..choice }
}

/// Answered from memory at once.
const AT_ONCE: u8 = 100;
/// From a long list.
const FROM_A_LIST: u8 = 80;
/// By who remembers what was done long ago.
const FROM_LONG_AGO: u8 = 70;
/// By looking with the probe.
const WITH_THE_PROBE: u8 = 50;
/// By a discovery, which resets the chip, and tells most.
const BY_DISCOVERY: u8 = 50;

use Place::{Before, Begin, Bench, Chip, Root, Since, There, Vaguely};

/// What nobody who provisions leaves out.
const TO_PROVISIONING: &str = "action = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x17\"\nresult = \"ok\"";

const RUNS: &str = "action = \"observe\"\nwhat = \"application runs\"";
const RUNS_NOT: &str = "action = \"observe\"\nwhat = \"application does not run\"";

/// The questions.
pub(super) static QUESTIONS: &[Question] = &[
    Question {
        subject: Subject::State,
        ask: "Which product state was written or read last?",
        ease: AT_ONCE,
        with_probe: false,
        choices: &[
            says("Open (0xED), or nobody ever wrote another", &[(Chip, "state = \"open\"")]),
            says("Provisioning (0x17)", &[(Chip, "state = \"provisioning\""), (Begin, TO_PROVISIONING)]),
            says(
                "iROT-Provisioned (0x2E)",
                &[
                    (Chip, "state = \"irot-provisioned\""),
                    (Begin, TO_PROVISIONING),
                    (There, "action = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x2E\""),
                ],
            ),
            says(
                "TZ-Closed (0xC6)",
                &[
                    (Chip, "state = \"tz-closed\""),
                    (Begin, TO_PROVISIONING),
                    (There, "action = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0xC6\""),
                ],
            ),
            says(
                "Closed (0x72)",
                &[
                    (Chip, "state = \"closed\""),
                    (Begin, TO_PROVISIONING),
                    (There, "action = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x72\""),
                ],
            ),
            says(
                "Locked (0x5C)",
                &[
                    (Chip, "state = \"locked\""),
                    (There, "action = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x5C\""),
                ],
            ),
            rarely(says(
                "a closed one, and the chip granted a regression since",
                &[(There, "action = \"authenticate\"\npermission = \"full-regression\"\nresult = \"ok\"")],
            )),
            says(
                "options were changed, and nobody knows to what",
                &[(
                    There,
                    "action = \"observe\"\nwhat = \"options were changed; no record is left of what was written\"",
                )],
            ),
        ],
    },
    Question {
        subject: Subject::Goal,
        ask: "What do you want of the chip?",
        ease: AT_ONCE,
        with_probe: false,
        choices: &[
            says("back to Open; everything on it may be erased", &[(Root, "goal = \"open\"")]),
            says("debug it, nothing may be erased", &[(Root, "goal = \"debug\"")]),
            says("on to a closed state", &[(Root, "goal = \"forward\"")]),
            says("only know whether all is well", &[(Root, "goal = \"check\"")]),
            says("make it boot, or work as it should", &[(Root, "goal = \"boot\"")]),
        ],
    },
    Question {
        subject: Subject::Wrong,
        ask: "What is wrong?",
        ease: FROM_A_LIST,
        with_probe: false,
        choices: &[
            says("nothing: the application runs", &[(Since, RUNS)]),
            says("the application does not run", &[(Since, RUNS_NOT)]),
            says(
                "it did not run, and does again since all power was removed",
                &[(Since, RUNS_NOT), (Since, "action = \"power-cycle\""), (Since, RUNS)],
            ),
            says("no tool connects", &[(Vaguely, "action = \"connect\"\nmode = \"normal\"\nresult = \"error\"")]),
            says(
                "no tool connects, under reset neither",
                &[
                    (Vaguely, "action = \"connect\"\nmode = \"normal\"\nresult = \"error\""),
                    (Since, "action = \"connect\"\nmode = \"under-reset\"\nresult = \"error\""),
                ],
            ),
            says("erasing or programming the flash fails", &[(Since, "action = \"erase\"\nresult = \"error\"")]),
            says("the flash reads as zeros", &[(Since, "action = \"observe\"\nwhat = \"the flash reads all zeros\"")]),
            says(
                "my own code runs, and faults or stalls at something",
                &[(Since, RUNS), (Since, "action = \"firmware\"\nwhat = \"own code faults\"\nresult = \"error\"")],
            ),
            says(
                "the boot code prints that option bytes or data are not as it expects",
                &[(Since, "action = \"observe\"\nwhat = \"the boot code rejects the option bytes\"")],
            ),
            says("the tool crashes", &[(Since, "action = \"observe\"\nwhat = \"the tool crashes\"")]),
            says(
                "the tool does not know this chip",
                &[(Since, "action = \"observe\"\nwhat = \"the tool does not know this chip\"")],
            ),
            says(
                "an object is refused",
                &[(Since, "action = \"provision\"\nobject = \"da-certificate\"\nresult = \"error\"")],
            ),
            says(
                "ST's secure installer (SFI, Secure Manager) does not start",
                &[(Since, "action = \"observe\"\nwhat = \"the secure installer does not start\"")],
            ),
            says("the bootloader does not answer", &[(Since, "action = \"dfu\"\nresult = \"error\"")]),
        ],
    },
    Question {
        subject: Subject::Connect,
        ask: "Attach by hot plug, without reset, on access port 1 (`provost status`): what is seen?",
        ease: WITH_THE_PROBE,
        with_probe: true,
        choices: &[
            says(
                "PRODUCT_STATE 0xED",
                &[(Since, "action = \"read-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0xED\"\nresult = \"ok\"")],
            ),
            says(
                "PRODUCT_STATE 0x17",
                &[(Since, "action = \"read-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x17\"\nresult = \"ok\"")],
            ),
            says(
                "a tool attaches, and erases or programs the flash",
                &[(Since, "action = \"flash\"\nresult = \"ok\"")],
            ),
            says(
                "a tool attaches under reset",
                &[(Since, "action = \"connect\"\nmode = \"under-reset\"\nap = 1\nresult = \"ok\"")],
            ),
            says(
                "a tool attaches after a reset by software",
                &[(Since, "action = \"connect\"\nmode = \"normal\"\nap = 1\nresult = \"ok\"")],
            ),
            says(
                "the probe finds the chip, AP1 is shut",
                &[(Since, "action = \"connect\"\nmode = \"hot-plug\"\nap = 1\nresult = \"error\"")],
            ),
            says(
                "nobody answers",
                &[(Since, "action = \"connect\"\nmode = \"hot-plug\"\nap = 1\nresult = \"no-device\"")],
            ),
        ],
    },
    Question {
        subject: Subject::Credential,
        ask: "Which credential was provisioned before the chip was closed, or before it stopped answering?",
        ease: FROM_LONG_AGO,
        with_probe: false,
        choices: &[
            says(
                "a password, without an error; I have it",
                &[(Before, "action = \"provision\"\nobject = \"da-password\"\nresult = \"ok\"")],
            ),
            says(
                "a certificate, without an error; I have the key and its chain",
                &[(Before, "action = \"provision\"\nobject = \"da-certificate\"\nresult = \"ok\"")],
            ),
            says(
                "one that I do not have, or not any more",
                &[(Since, "action = \"observe\"\nwhat = \"the password is lost\"")],
            ),
            says(
                "none: storing it failed",
                &[(Before, "action = \"provision\"\nobject = \"da-password\"\nresult = \"error\"")],
            ),
            says(
                "none: nobody tried, or the tool had no file to send",
                &[(Since, "action = \"observe\"\nwhat = \"no credential was provisioned\"")],
            ),
        ],
    },
    Question {
        subject: Subject::Discovery,
        ask: "What does Debug Authentication discovery say of integrity and method (`provost auth discover`; it resets the chip)?",
        ease: BY_DISCOVERY,
        with_probe: true,
        choices: &[
            says(
                "0xEAEAEAEA, ST Password",
                &[(
                    Since,
                    "action = \"discover\"\nintegrity = \"0xeaeaeaea\"\ncryptosystem = \"ST Password\"\nresult = \"ok\"",
                )],
            ),
            says(
                "0xEAEAEAEA, ECDSA P-256",
                &[(
                    Since,
                    "action = \"discover\"\nintegrity = \"0xeaeaeaea\"\ncryptosystem = \"Ecdsa-P256 SHA256\"\nresult = \"ok\"",
                )],
            ),
            says(
                "0xEAEAEAEA, I did not see the method",
                &[(Since, "action = \"discover\"\nintegrity = \"0xeaeaeaea\"\nresult = \"ok\"")],
            ),
            says("0xF5F5F5F5", &[(Since, "action = \"discover\"\nintegrity = \"0xf5f5f5f5\"\nresult = \"ok\"")]),
            says("it does not answer", &[(Since, "action = \"discover\"\nresult = \"timeout\"")]),
            says(
                "the same error, with the probe unplugged too",
                &[
                    (Since, "action = \"discover\"\nresult = \"error\""),
                    (Since, "action = \"observe\"\nwhat = \"the same error comes with the probe unplugged\""),
                ],
            ),
        ],
    },
    Question {
        subject: Subject::Used,
        ask: "What was tried by Debug Authentication since?",
        ease: AT_ONCE,
        with_probe: false,
        choices: &[
            mostly(says("nothing", &[])),
            says(
                "a regression, the way back to Open; it was refused, or failed",
                &[(Since, "action = \"authenticate\"\npermission = \"full-regression\"\nresult = \"error\"")],
            ),
            says(
                "a debug session, and power was not removed since",
                &[
                    (Since, "action = \"authenticate\"\npermission = \"debug\"\nresult = \"ok\""),
                    (Since, "action = \"close-debug\""),
                ],
            ),
            rarely(says(
                "nothing, but my own firmware can write option bytes, or be updated to",
                &[(Since, "action = \"observe\"\nwhat = \"the firmware can request a regression\"")],
            )),
        ],
    },
    Question {
        subject: Subject::Reset,
        ask: "Does the probe's reset line reach NRST?",
        ease: AT_ONCE,
        with_probe: false,
        choices: &[
            says("yes", &[(Bench, "nrst = \"wired\"")]),
            says("no: four wires, or three", &[(Bench, "nrst = \"not-wired\"")]),
        ],
    },
    Question {
        subject: Subject::TrustZone,
        ask: "Is TrustZone on (TZEN)?",
        ease: AT_ONCE,
        with_probe: false,
        choices: &[
            says("on (0xB4)", &[(Chip, "tzen = \"on\"")]),
            says("off (0xC3), or an STM32H503", &[(Chip, "tzen = \"off\"")]),
        ],
    },
    Question {
        subject: Subject::Part,
        ask: "Which chip is it?",
        ease: AT_ONCE,
        with_probe: false,
        choices: &[
            says("STM32H503", &[(Chip, "part = \"STM32H503\"")]),
            says("STM32H523", &[(Chip, "part = \"STM32H523\"")]),
            says("STM32H533", &[(Chip, "part = \"STM32H533\"")]),
            says("STM32H562", &[(Chip, "part = \"STM32H562\"")]),
            says("STM32H563", &[(Chip, "part = \"STM32H563\"")]),
            says("STM32H573", &[(Chip, "part = \"STM32H573\"")]),
        ],
    },
];
