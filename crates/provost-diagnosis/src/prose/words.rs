//! Words and marks of a line, each with what it stands for (`data/prose.toml`) and where it is.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use crate::{remarks::stem, tables::CONCEPTS};

/// What a word of a report stands for; the words are rows of `data/prose.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concept {
    /// Attaching.
    Connect,
    /// Hot plug.
    HotPlug,
    /// Under reset.
    UnderReset,
    /// The ordinary mode.
    NormalMode,
    /// Erasing.
    Erase,
    /// Programming.
    Flash,
    /// A discovery.
    Discover,
    /// An authentication.
    Authenticate,
    /// A regression.
    Regress,
    /// Provisioning, as a deed.
    Provision,
    /// A password.
    Password,
    /// A certificate.
    Certificate,
    /// An object.
    Object,
    /// The bootloader over USB.
    Dfu,
    /// The bootloader over a serial port.
    Uart,
    /// Power removed.
    PowerCycle,
    /// A reset by hand.
    ResetButton,
    /// PRODUCT_STATE.
    ProductState,
    /// A state.
    State,
    /// TZEN.
    Trustzone,
    /// Secure and non-secure side by side.
    BothWorlds,
    /// BOOT_UBE.
    BootUbe,
    /// Option bytes.
    OptionBytes,
    /// Open.
    Open,
    /// Provisioning.
    Provisioning,
    /// iROT-Provisioned.
    IrotProvisioned,
    /// TZ-Closed.
    TzClosed,
    /// Closed.
    Closed,
    /// Locked.
    Locked,
    /// A change is made.
    Write,
    /// Something is seen.
    Is,
    /// Within a state.
    In,
    /// Towards.
    To,
    /// Away from.
    From,
    /// It failed.
    Fail,
    /// It worked.
    Work,
    /// Being able.
    Able,
    /// The link was lost.
    Lost,
    /// It stood still.
    Hang,
    /// No answer in time.
    Timeout,
    /// It was refused.
    Refused,
    /// Nobody was found.
    Missing,
    /// A negation.
    Not,
    /// The one who reports.
    Me,
    /// The one who is spoken to.
    You,
    /// A wish, an advice, a guess, a question.
    Modal,
    /// A condition.
    If,
    /// It was tried.
    Try,
    /// The reset line.
    Nrst,
    /// Connected by a wire.
    Wired,
    /// Things of the wiring.
    Wiring,
    /// Without.
    Without,
    /// The boot pin.
    Boot0,
    /// Low.
    Low,
    /// High.
    High,
    /// It can be reached.
    Reachable,
    /// Fixed by the board.
    Tied,
    /// Switched on.
    On,
    /// Switched off.
    Off,
    /// Another chip or board.
    Another,
    /// Earlier than what was told so far.
    Before,
    /// The chip.
    Chip,
    /// Later.
    After,
    /// A new clause.
    Conjunction,
}

/// A set of concepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Set(u128);

impl Set {
    pub(super) const fn has(self, concept: Concept) -> bool {
        self.0 >> concept as u32 & 1 == 1
    }

    pub(super) fn any(self, concepts: &[Concept]) -> bool {
        concepts.iter().any(|c| self.has(*c))
    }

    const fn with(self, concept: Concept) -> Self {
        Self(self.0 | 1 << concept as u32)
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A mark between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The end of a sentence.
    Sentence,
    /// A question mark.
    Question,
    /// The end of a clause.
    Clause,
    /// A comma.
    Comma,
    /// An arrow.
    Arrow,
    /// An equals sign, or a colon.
    Equals,
}

/// A word or a mark.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Its bytes in the line.
    pub(super) span: Range<usize>,
    /// In lower case, without apostrophes.
    pub(super) text: String,
    /// What it stands for.
    pub(super) is: Set,
    /// The mark, if it is one.
    pub(super) mark: Option<Mark>,
}

impl Token {
    /// A number that is marked as hexadecimal.
    pub(super) fn hex(&self) -> Option<u64> {
        u64::from_str_radix(self.text.strip_prefix("0x")?, 16).ok()
    }
}

/// Phrases by their first word.
struct Vocabulary {
    exact: HashMap<String, Vec<(Vec<Word>, Concept)>>,
    prefixes: Vec<(String, Concept)>,
    /// Words without blanks between them, the longest first.
    unspaced: Vec<(&'static str, Concept)>,
}

#[derive(Debug)]
enum Word {
    Exact(String),
    Stem(String),
}

impl Word {
    fn is(&self, text: &str, stemmed: &str) -> bool {
        match self {
            Self::Exact(word) => word == text,
            Self::Stem(word) => word == stemmed,
        }
    }
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut vocabulary = Vocabulary { exact: HashMap::new(), prefixes: Vec::new(), unspaced: Vec::new() };
    for (concept, said) in CONCEPTS {
        for phrase in *said {
            if phrase.chars().any(is_unspaced) {
                vocabulary.unspaced.push((phrase, *concept));
            } else if let Some(prefix) = phrase.strip_suffix('*') {
                vocabulary.prefixes.push((prefix.to_owned(), *concept));
            } else {
                let exact = phrase.strip_prefix('=');
                let words: Vec<Word> = match exact {
                    Some(word) => vec![Word::Exact(word.to_owned())],
                    None => phrase.split('_').map(|w| Word::Stem(stem(w))).collect(),
                };
                let first = match &words[0] {
                    Word::Exact(w) => format!("={w}"),
                    Word::Stem(w) => w.clone(),
                };
                vocabulary.exact.entry(first).or_default().push((words, *concept));
            }
        }
    }
    vocabulary.unspaced.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
    vocabulary
});

/// Scripts that put no blanks between words.
const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}')
}

/// The words and marks of a line.
pub(super) fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        let rest = &line[at..];
        let len = if is_unspaced(c) {
            unspaced(rest, at, &mut tokens)
        } else if c.is_alphanumeric() {
            word(rest, at, &mut tokens)
        } else {
            mark(line, at, c, &mut tokens)
        };
        at += len;
    }
    phrases(&mut tokens);
    tokens
}

fn unspaced(rest: &str, at: usize, tokens: &mut Vec<Token>) -> usize {
    let known = VOCABULARY.unspaced.iter().find(|(phrase, _)| rest.starts_with(phrase));
    let len = known.map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), |(phrase, _)| phrase.len());
    let mut is = Set::default();
    // The same characters may stand for several things.
    for (phrase, concept) in VOCABULARY.unspaced.iter().filter(|(phrase, _)| rest[..len] == **phrase) {
        let _ = phrase;
        is = is.with(*concept);
    }
    tokens.push(Token { span: at..at + len, text: rest[..len].to_owned(), is, mark: None });
    len
}

fn word(rest: &str, at: usize, tokens: &mut Vec<Token>) -> usize {
    let mut text = String::new();
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let inside = next.is_some_and(char::is_alphanumeric);
        match c {
            c if is_unspaced(c) => break,
            c if c.is_alphanumeric() => text.extend(c.to_lowercase()),
            // French elides: "l'état" is two words, "don't" is one.
            '\'' | '’' | '`'
                if inside && matches!(text.as_str(), "l" | "d" | "c" | "n" | "s" | "m" | "t" | "j" | "qu") =>
            {
                break;
            }
            '\'' | '’' | '`' if inside => {}
            '.' if inside && text.ends_with(|c: char| c.is_ascii_digit()) => text.push('.'),
            _ => break,
        }
        end = i + c.len_utf8();
        if end > 64 {
            break;
        }
    }
    let end = end.max(rest.chars().next().map_or(1, char::len_utf8));
    tokens.push(Token { span: at..at + end, text, is: Set::default(), mark: None });
    end
}

fn mark(line: &str, at: usize, c: char, tokens: &mut Vec<Token>) -> usize {
    let rest = &line[at..];
    let spaced = |len: usize| {
        line[..at].ends_with(char::is_whitespace)
            && line.get(at + len..).is_none_or(|r| r.is_empty() || r.starts_with(char::is_whitespace))
    };
    let arrow = ["-->", "==>", "->", "=>", "→", "➔", "➜", "⇒"].iter().find(|a| rest.starts_with(**a));
    let (mark, len) = if let Some(arrow) = arrow {
        (Some(Mark::Arrow), arrow.len())
    } else {
        let len = c.len_utf8();
        let mark = match c {
            '.' if rest[1..].starts_with(|c: char| !c.is_whitespace() && !matches!(c, '"' | ')' | '”')) => None,
            '.' | '!' | '。' | '！' | '\u{2022}' => Some(Mark::Sentence),
            '#' if !tokens.is_empty() && spaced(rest.len() - rest.trim_start_matches('#').len()) => {
                Some(Mark::Sentence)
            }
            '?' | '？' => Some(Mark::Question),
            ',' | '，' | '、' => Some(Mark::Comma),
            ';' | '(' | ')' | '—' | '–' | '；' | '（' | '）' | '[' | ']' => Some(Mark::Clause),
            '-' if spaced(1) => Some(Mark::Clause),
            ':' | '=' | '：' => Some(Mark::Equals),
            _ => None,
        };
        (mark, len)
    };
    if mark.is_some() {
        tokens.push(Token { span: at..at + len, text: String::new(), is: Set::default(), mark });
    }
    len
}

/// Gives words their concepts; the words of a phrase become one.
fn phrases(tokens: &mut Vec<Token>) {
    let stems: Vec<String> = tokens.iter().map(|t| stem(&t.text)).collect();
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        let mut token = tokens[i].clone();
        let mut longest = 1;
        if token.mark.is_none() {
            let keys = [format!("={}", token.text), stems[i].clone()];
            let known = keys.iter().filter_map(|key| VOCABULARY.exact.get(key)).flatten();
            let mut found: Vec<(usize, Concept)> = known
                .filter(|(words, _)| {
                    words.iter().enumerate().all(|(k, word)| {
                        tokens.get(i + k).is_some_and(|t| t.mark.is_none() && word.is(&t.text, &stems[i + k]))
                    })
                })
                .map(|(words, concept)| (words.len(), *concept))
                .collect();
            found.extend(
                VOCABULARY.prefixes.iter().filter(|(p, _)| token.text.starts_with(p.as_str())).map(|(_, c)| (1, *c)),
            );
            longest = found.iter().map(|(len, _)| *len).max().unwrap_or(1);
            for (_, concept) in found.into_iter().filter(|(len, _)| *len == longest) {
                token.is = token.is.with(concept);
            }
            token.span.end = tokens[i + longest - 1].span.end;
        }
        out.push(token);
        i += longest;
    }
    *tokens = out;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concepts(line: &str) -> Vec<Concept> {
        let of = |t: &Token| CONCEPTS.iter().map(|(c, _)| *c).filter(|c| t.is.has(*c)).collect::<Vec<_>>();
        tokens(line).iter().flat_map(of).collect()
    }

    #[test]
    fn every_concept_is_said_somehow_and_fits_into_a_set() {
        assert_eq!(CONCEPTS.len(), Concept::Conjunction as usize + 1);
        assert!(CONCEPTS.len() <= 128);
    }

    #[test]
    fn phrases_of_four_languages_mean_the_same() {
        for line in ["Hot-Plug", "hot plug", "HOTPLUG", "热插拔"] {
            assert_eq!(concepts(line), [Concept::HotPlug], "{line}");
        }
        for line in ["I cannot connect", "Ich kann nicht verbinden"] {
            let all = concepts(line);
            assert!([Concept::Me, Concept::Not, Concept::Connect].iter().all(|c| all.contains(c)), "{line} {all:?}");
        }
        assert!(concepts("我无法连接").contains(&Concept::Not));
    }

    #[test]
    fn places_are_those_of_the_line() {
        let line = "état: 0x17 → ED, don’t";
        for token in tokens(line) {
            assert!(line.is_char_boundary(token.span.start) && line.is_char_boundary(token.span.end));
        }
        let words: Vec<String> = tokens(line).into_iter().filter(|t| t.mark.is_none()).map(|t| t.text).collect();
        assert_eq!(words, ["état", "0x17", "ed", "dont"]);
        assert_eq!(tokens("0x17")[0].hex(), Some(0x17));
    }
}
