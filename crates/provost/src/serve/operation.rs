//! What the page can ask for. None of these has a word for a real chip but [`Operation::Live`], which looks at it and reads only;
//! [`Operation::History`] reads the receipts beside it.

use serde::Deserialize;

use super::http::Status;

/// The virtual chip's file, in the folder of a run.
const CHIP: &str = "board.chip";

/// A file name in the folder of a run: no path, and no option of a command line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let good = name.len() <= 80 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain);
        if good { Ok(Self(name)) } else { Err("not a file name") }
    }
}

/// An option of a virtual chip's bench: `nrst=not-wired`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct BenchWord(String);

impl TryFrom<String> for BenchWord {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let good = word.len() <= 60 && word.split_once('=').is_some_and(|(name, value)| plain(name) && plain(value));
        if good { Ok(Self(word)) } else { Err("not an option of a bench") }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Operation {
    Diagnose {
        inputs: Vec<Name>,
        #[serde(default)]
        strike: Vec<u32>,
        #[serde(default)]
        before: Option<u32>,
    },
    Ask {
        answers: Vec<String>,
    },
    Map,
    Twins,
    Version,
    New {
        like: Option<Name>,
        preset: Option<Name>,
    },
    Look(OnTwin),
    Inside(OnTwin),
    Status(OnTwin),
    Plan(OnTwin),
    Rescue(OnTwin),
    Discover(OnTwin),
    Try {
        step: String,
        #[serde(default)]
        bench: Vec<BenchWord>,
    },
    /// Looks at the chip on the desk.
    Live,
    /// Lists the receipts in the folder in which the server was started, and what was not finished there.
    History,
}

/// Something done to the virtual chip of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct OnTwin {
    #[serde(default)]
    bench: Vec<BenchWord>,
    #[serde(default)]
    part: Option<Name>,
}

impl OnTwin {
    fn probe(&self) -> Vec<String> {
        let mut words = vec!["--probe".to_owned(), format!("twin:{}", chip(&self.bench))];
        words.extend(self.part.iter().flat_map(|part| ["--part".to_owned(), part.0.clone()]));
        words
    }
}

fn chip(bench: &[BenchWord]) -> String {
    let words: Vec<&str> = bench.iter().map(|word| word.0.as_str()).collect();
    if words.is_empty() { CHIP.to_owned() } else { format!("{CHIP}?{}", words.join(",")) }
}

impl Operation {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn read(value: serde_json::Value) -> Result<Self, Status> {
        serde_json::from_value(value).map_err(|_| Status::Malformed)
    }

    /// Whether it looks at what is on the desk, where the server was started, and not at the files of the page.
    pub(super) const fn is_on_desk(&self) -> bool {
        matches!(self, Self::Live | Self::History)
    }

    /// What a person would have typed in.
    pub(super) fn stdin(&self) -> String {
        match self {
            Self::Ask { answers } => {
                answers.iter().map(|line| format!("{}\n", line.replace(['\n', '\r'], " "))).collect()
            }
            _ => String::new(),
        }
    }

    /// The command line; `live` is the probe that the server was given.
    pub(super) fn arguments(&self, live: Option<&str>) -> Vec<String> {
        let words = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
        let on_twin = |first: &[&str], twin: &OnTwin, last: &str| [words(first), twin.probe(), words(&[last])].concat();
        match self {
            Self::Diagnose { inputs, strike, before } => {
                let strike: Vec<String> = strike.iter().map(ToString::to_string).collect();
                let mut line = words(&["diagnose", "--json"]);
                line.extend(inputs.iter().map(|name| name.0.clone()));
                if !strike.is_empty() {
                    line.extend(["--strike".to_owned(), strike.join(",")]);
                }
                line.extend(before.iter().flat_map(|step| ["--before".to_owned(), step.to_string()]));
                line
            }
            Self::Ask { .. } => words(&["diagnose", "--ask", "--json", "--events"]),
            Self::Map => words(&["explain", "map", "--json"]),
            Self::Twins => words(&["twin", "list", "--json"]),
            Self::Version => words(&["--version"]),
            Self::New { like, preset } => {
                let like = like.iter().flat_map(|name| ["--like".to_owned(), name.0.clone()]);
                let preset = preset.iter().flat_map(|name| ["--preset".to_owned(), name.0.clone()]);
                words(&["twin", "new", CHIP, "--json"]).into_iter().chain(like).chain(preset).collect()
            }
            Self::Look(twin) => on_twin(&["diagnose"], twin, "--json"),
            Self::Inside(twin) => on_twin(&["diagnose", "--discover"], twin, "--json"),
            Self::Status(twin) => on_twin(&["status"], twin, "--events"),
            Self::Plan(twin) => on_twin(&["rescue", "--dry-run"], twin, "--events"),
            Self::Rescue(twin) => on_twin(&["rescue"], twin, "--events"),
            Self::Discover(twin) => on_twin(&["auth", "discover"], twin, "--events"),
            Self::Try { step, bench } => words(&["twin", "try", "--events", "--", &chip(bench), step]),
            Self::History => words(&["history", "--json"]),
            Self::Live => {
                let mut line = words(&["status", "--json"]);
                line.extend(live.iter().flat_map(|probe| ["--probe".to_owned(), (*probe).to_owned()]));
                line
            }
        }
    }
}
