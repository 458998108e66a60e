//! Colour for what is printed to a terminal: which lines matter most, as data. Without colour nothing is lost, for the words say the same.

use clap::ValueEnum;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether a stream is coloured. NO_COLOR counts when it is not empty (no-color.org); a terminal that is "dumb" obeys nothing.
    pub(crate) fn holds(self, is_terminal: bool) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                is_terminal && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Select Graphic Rendition of ECMA-48.
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// First words of a line, and how they are shown.
const MARKS: &[(&str, &str)] = &[
    ("error[", RED),
    ("error:", RED),
    ("FAILED", RED),
    ("NOT closed", RED),
    ("danger", RED),
    ("do not", RED),
    ("bites:", YELLOW),
    ("warning", YELLOW),
    ("ok ", GREEN),
    ("do, in this order", BOLD),
    ("find out first", BOLD),
    ("next", BOLD),
    ("why", DIM),
];

/// The same text with its marks in colour. Each line is coloured by itself, so that a pager may begin anywhere.
pub(crate) fn paint(text: &str) -> String {
    text.split_inclusive('\n').map(line).collect()
}

fn line(line: &str) -> String {
    let body = line.trim_start_matches(' ');
    let indent = &line[..line.len() - body.len()];
    let mark = MARKS.iter().find(|(mark, _)| body.starts_with(mark) && ends_word(mark, body));
    let Some((mark, colour)) = mark else { return line.to_owned() };
    // The code of an error goes with its word.
    let end = if *mark == "error[" { body.find(']').map_or(mark.len(), |at| at + 1) } else { mark.len() };
    format!("{indent}{colour}{}{PLAIN}{}", &body[..end], &body[end..])
}

/// Whether the mark is a whole word of this line.
fn ends_word(mark: &str, body: &str) -> bool {
    let next = body[mark.len()..].chars().next();
    !mark.ends_with(char::is_alphanumeric) || next.is_none_or(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_coloured_and_every_word_stays() {
        let text = "error[nrst-not-wired]: no\n  FAILED      P-NRST\nnextdoor\n  ok          P-UID\nplain\nno end";
        let painted = paint(text);
        assert!(painted.starts_with("\u{1b}[1;31merror[nrst-not-wired]\u{1b}[0m: no\n  \u{1b}[1;31mFAILED\u{1b}[0m "));
        assert!(painted.contains("\nnextdoor\n"), "a longer word is another one");
        let mut bare = painted;
        for colour in [RED, YELLOW, GREEN, BOLD, DIM, PLAIN] {
            bare = bare.replace(colour, "");
        }
        assert_eq!(bare, text);
    }

    #[test]
    fn who_wants_none_gets_none() {
        assert!(!ColorChoice::Auto.holds(false));
        assert!(ColorChoice::Always.holds(false));
        assert!(!ColorChoice::Never.holds(true));
    }
}
