//! What free words hint at: phrases of reports, as data (`data/remarks.toml` says how they are written).

use std::sync::LazyLock;

use crate::{
    signs::Sign,
    tables::{REMARKS, RESET_LINES},
};

/// Only so many bytes of a text are looked at.
const MAX_TEXT: usize = 8 << 10;

static PHRASES: LazyLock<Vec<(Sign, Vec<Phrase>)>> = LazyLock::new(|| parsed(REMARKS));
static RESETS: LazyLock<Vec<(bool, Vec<Phrase>)>> = LazyLock::new(|| parsed(RESET_LINES));

fn parsed<T: Copy>(rows: &[(T, &[&str])]) -> Vec<(T, Vec<Phrase>)> {
    rows.iter().map(|(row, phrases)| (*row, phrases.iter().map(|p| Phrase::parse(p)).collect())).collect()
}

/// The signs in a free text, in the order of the table, each once.
pub fn signs_in(text: &str) -> Vec<Sign> {
    signs(&Text::parse(text), false)
}

/// The signs in a text whose subject is the chip's own firmware, named or not.
pub fn signs_in_firmware(text: &str) -> Vec<Sign> {
    signs(&Text::parse(text), true)
}

/// Whether a probe so described brings a reset line to the chip; `None` if the words do not tell.
pub fn probe_has_reset(text: &str) -> Option<bool> {
    let text = Text::parse(text);
    RESETS.iter().find(|(_, phrases)| phrases.iter().any(|p| p.fits(&text, false))).map(|(wired, _)| *wired)
}

fn signs(text: &Text, firmware: bool) -> Vec<Sign> {
    let fits = |phrases: &[Phrase]| phrases.iter().any(|p| p.fits(text, firmware));
    PHRASES.iter().filter(|(_, phrases)| fits(phrases)).map(|(sign, _)| *sign).collect()
}

/// What a clause has to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Polarity {
    Affirmed,
    Negated,
    Either,
}

#[derive(Debug)]
struct Phrase {
    polarity: Polarity,
    wide: bool,
    firmware: bool,
    volts_below: Option<f64>,
    terms: Vec<Term>,
    absent: Vec<Term>,
}

/// One of several words, or rows of words.
#[derive(Debug)]
struct Term(Vec<Vec<Word>>);

#[derive(Debug)]
enum Word {
    Stem(String),
    Prefix(String),
    Suffix(String),
}

impl Phrase {
    fn parse(phrase: &str) -> Self {
        let mut parsed = Self {
            polarity: Polarity::Affirmed,
            wide: false,
            firmware: false,
            volts_below: None,
            terms: Vec::new(),
            absent: Vec::new(),
        };
        for term in phrase.split_whitespace() {
            match term {
                "NOT" => parsed.polarity = Polarity::Negated,
                "ANY" => parsed.polarity = Polarity::Either,
                "WIDE" => parsed.wide = true,
                "FW" => parsed.firmware = true,
                _ => match (term.strip_prefix('-'), term.strip_prefix('<').and_then(|t| t.strip_suffix('V'))) {
                    (Some(absent), _) => parsed.absent.push(Term::parse(absent)),
                    (_, Some(volts)) => parsed.volts_below = volts.parse().ok(),
                    _ => parsed.terms.push(Term::parse(term)),
                },
            }
        }
        parsed
    }

    fn fits(&self, text: &Text, firmware: bool) -> bool {
        if self.wide {
            text.sentences.iter().any(|s| self.fits_words(&s.concat(), firmware))
        } else {
            text.sentences.iter().flatten().any(|clause| self.fits_words(clause, firmware))
        }
    }

    fn fits_words(&self, words: &[Token], firmware: bool) -> bool {
        let negated = words.iter().enumerate().any(|(i, w)| w.negates && !is_fine(words.get(i + 1)));
        let polarity = match self.polarity {
            Polarity::Affirmed => !negated,
            Polarity::Negated => negated,
            Polarity::Either => true,
        };
        polarity
            && self.volts_below.is_none_or(|limit| words.iter().any(|w| w.volts.is_some_and(|v| v < limit && v > 0.2)))
            && (!self.firmware || firmware || words.iter().any(Token::is_firmware))
            && self.terms.iter().all(|t| t.is_in(words))
            && !self.absent.iter().any(|t| t.is_in(words))
    }
}

/// "No problem" negates nothing.
fn is_fine(next: Option<&Token>) -> bool {
    next.is_some_and(|w| matches!(w.stem.as_str(), "problem" | "issu" | "troubl" | "error" | "doubt" | "only"))
}

impl Term {
    fn parse(term: &str) -> Self {
        let word = |w: &str| match (w.strip_suffix('*'), w.strip_prefix('*')) {
            (Some(prefix), _) => Word::Prefix(prefix.to_owned()),
            (_, Some(suffix)) => Word::Suffix(suffix.to_owned()),
            _ => Word::Stem(stem(w)),
        };
        Self(term.split('/').map(|alternative| alternative.split('_').map(word).collect()).collect())
    }

    fn is_in(&self, words: &[Token]) -> bool {
        self.0.iter().any(|row| {
            words.windows(row.len()).any(|window| row.iter().zip(window).all(|(wanted, token)| wanted.is(token)))
        })
    }
}

impl Word {
    fn is(&self, token: &Token) -> bool {
        match self {
            Self::Stem(stem) => *stem == token.stem,
            Self::Prefix(prefix) => token.word.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => token.word.ends_with(suffix.as_str()),
        }
    }
}

/// A text as sentences of clauses of words.
#[derive(Debug)]
struct Text {
    sentences: Vec<Vec<Vec<Token>>>,
}

#[derive(Debug, Clone)]
struct Token {
    word: String,
    stem: String,
    negates: bool,
    volts: Option<f64>,
}

impl Token {
    fn new(word: String) -> Self {
        let stem = stem(&word);
        let negates = NEGATIONS.contains(&word.as_str()) || matches!(stem.as_str(), "fail" | "refus" | "stop");
        let volts = word.strip_suffix("volts").or_else(|| word.strip_suffix('v')).and_then(|v| v.parse().ok());
        Self { word, stem, negates, volts }
    }

    fn is_firmware(&self) -> bool {
        matches!(self.stem.as_str(), "firmwar" | "cod" | "application" | "app" | "program" | "softwar" | "menu")
    }
}

/// Words that turn a clause into its contrary; apostrophes are dropped before.
const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "never",
    "none",
    "neither",
    "nor",
    "nothing",
    "nobody",
    "cannot",
    "cant",
    "unable",
    "dont",
    "doesnt",
    "didnt",
    "isnt",
    "wasnt",
    "arent",
    "werent",
    "wont",
    "couldnt",
    "wouldnt",
    "hasnt",
    "havent",
    "hadnt",
    "impossible",
];

/// Words that begin a new clause.
const CONJUNCTIONS: &[&str] =
    &["and", "but", "yet", "while", "although", "though", "whereas", "because", "then", "however"];

impl Text {
    fn parse(text: &str) -> Self {
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut parsed = Self { sentences: vec![vec![Vec::new()]] };
        let mut word = String::new();
        let mut chars = text[..end].chars().peekable();
        while let Some(c) = chars.next() {
            let inside = chars.peek().is_some_and(|next| next.is_alphanumeric());
            match c {
                '\'' | '’' | '`' if !word.is_empty() => {}
                '.' if !word.is_empty() && inside => word.push('.'),
                c if c.is_alphanumeric() => word.extend(c.to_lowercase()),
                '.' | '!' | '?' | '\n' => {
                    parsed.push(&mut word);
                    parsed.sentences.push(vec![Vec::new()]);
                }
                ',' | ';' | ':' | '(' | ')' => {
                    parsed.push(&mut word);
                    parsed.clause();
                }
                _ => parsed.push(&mut word),
            }
        }
        parsed.push(&mut word);
        parsed
    }

    fn clause(&mut self) {
        if let Some(sentence) = self.sentences.last_mut() {
            sentence.push(Vec::new());
        }
    }

    fn push(&mut self, word: &mut String) {
        if word.is_empty() {
            return;
        }
        let word = std::mem::take(word);
        if CONJUNCTIONS.contains(&word.as_str()) {
            self.clause();
            return;
        }
        let Some(clause) = self.sentences.last_mut().and_then(|s| s.last_mut()) else { return };
        // "2.39 V" is one word.
        if let (Some(last), "v" | "volt" | "volts") = (clause.last_mut(), word.as_str())
            && let Ok(volts) = last.word.parse()
        {
            last.volts = Some(volts);
            return;
        }
        clause.push(Token::new(word));
    }
}

/// The stem of an English word, roughly: the same for `run`, `runs` and `running`.
pub(crate) fn stem(word: &str) -> String {
    let stem = bare(word);
    // "Note" is no negation.
    if NEGATIONS.contains(&stem.as_str()) { word.to_owned() } else { stem }
}

fn bare(word: &str) -> String {
    let cut = ["ing", "ed", "es", "s"].iter().find_map(|ending| {
        word.strip_suffix(ending).filter(|rest| rest.len() > 2 && !(*ending == "s" && rest.ends_with('s')))
    });
    let Some(rest) = cut else { return word.strip_suffix('e').filter(|r| r.len() > 2).unwrap_or(word).to_owned() };
    let bytes = rest.as_bytes();
    let doubled = rest.is_ascii()
        && bytes.len() > 3
        && bytes[bytes.len() - 1] == bytes[bytes.len() - 2]
        && !rest.ends_with(['l', 's', 'z']);
    if doubled { rest[..rest.len() - 1].to_owned() } else { rest.strip_suffix('e').unwrap_or(rest).to_owned() }
}
