//! Text in lines: as wide as the terminal is, with what is there to be copied left whole.

use crate::term;

/// Text in lines as wide as the terminal, indented. What stands between backquotes stays on one line: it is there to be copied.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
    wrap_behind(&" ".repeat(indent), text)
}

/// The same behind the head of a line, with what follows below its text.
pub(crate) fn wrap_behind(head: &str, text: &str) -> String {
    wrap_to(term::width(), head, text)
}

pub(crate) fn wrap_to(width: usize, head: &str, text: &str) -> String {
    let indent = head.chars().count();
    let mut out = String::new();
    let mut line = head.to_owned();
    let mut is_empty = true;
    for word in words(text) {
        if std::mem::take(&mut is_empty) {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            out.push_str(&line);
            out.push('\n');
            line = format!("{}{word}", " ".repeat(indent));
        }
    }
    out.push_str(&line);
    out.push('\n');
    out
}

/// Words, with what stands between backquotes as one of them.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if inside => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        inside ^= word.matches('`').count() % 2 == 1;
    }
    words
}

/// Text whose lines are no wider than this, as far as they can be broken: what goes on stands below the last column of its line. Command
/// lines, and rows of which the last column begins far right, stay as they are.
pub(crate) fn fold(text: &str, width: usize) -> String {
    text.split_inclusive('\n').map(|line| fold_line(line, width)).collect()
}

fn fold_line(line: &str, width: usize) -> String {
    let (bare, end) = line.strip_suffix('\n').map_or((line, ""), |bare| (bare, "\n"));
    let first = bare.trim_start_matches(' ');
    let column = bare.rfind("  ").map_or(0, |at| at + 2).max(bare.len() - first.len());
    let (head, rest) = bare.split_at(column);
    if bare.chars().count() <= width || first.starts_with("$ ") || head.chars().count() * 3 > width * 2 {
        return line.to_owned();
    }
    let folded = wrap_to(width, head, rest);
    format!("{}{end}", folded.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_every_word() {
        let text = "word ".repeat(60);
        for width in [60, 80, 100] {
            let wrapped = wrap_to(width, "    ", &text);
            assert_eq!(wrapped.split_whitespace().count(), 60);
            assert!(wrapped.lines().all(|l| l.chars().count() <= width && l.starts_with("    ")));
        }
        assert_eq!(wrap(&text, 4).split_whitespace().count(), 60);
        let command = format!("`provost {}`", "word ".repeat(30).trim_end());
        assert!(wrap(&format!("{text} {command}; and on"), 4).lines().any(|l| l.trim().starts_with(&command)));
    }

    #[test]
    fn what_goes_on_stands_below_its_column() {
        let row = "verdict       undetermined: recoverable 60 %, lost 34 %\n";
        assert_eq!(fold(row, 40), "verdict       undetermined: recoverable\n              60 %, lost 34 %\n");
        assert_eq!(fold(row, 80), row);
        let command = "    $ provost auth discover --probe twin:tz-closed-without-object\n";
        assert_eq!(fold(command, 40), command);
        let table = "  name                 value             a column far right\n";
        assert_eq!(fold(table, 40), table);
        assert_eq!(fold("a line with no end", 12), "a line with\nno end");
    }
}
