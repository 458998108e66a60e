//! Every command line in a text that somebody may read is one: in the tables of errors and rules, in the help, in the documents.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use provost_ops::close::preflight::Check;

/// Words as a shell splits them, with what stands for something filled in.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => (quote, any) = (Some(c), true),
            (c, Some(q)) if c == q => quote = None,
            // A comment, or where the output goes.
            ('#' | '>', None) if word.is_empty() && !any => break,
            (c, None) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (c, _) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    let filled = |word: String| match word.as_str() {
        "STATE" => "closed".to_owned(),
        "METHOD" => "certificate".to_owned(),
        "COMMAND" => "status".to_owned(),
        "SHELL" => "bash".to_owned(),
        _ => word,
    };
    words.into_iter().map(filled).collect()
}

/// What is wrong with a line, if it is none. A command that is only named, with nothing behind it, is not meant to be typed so.
fn wrong(line: &str) -> Option<String> {
    let words = words(line);
    let mut command = &crate::cli::command();
    let mut named = 1;
    while let Some(inner) = words.get(named).and_then(|word| command.find_subcommand(word)) {
        (command, named) = (inner, named + 1);
    }
    if words.len() == named {
        return (named == 1).then(|| "no such command".to_owned());
    }
    match crate::cli::command().try_get_matches_from(&words) {
        Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Some(error.to_string())
        }
        _ => None,
    }
}

fn between_backquotes(text: &str) -> Vec<String> {
    let mut pieces = text.split("`provost ");
    pieces.next();
    let line = |piece: &str| piece.split_once('`').map(|(line, _)| format!("provost {}", line.replace('\n', " ")));
    pieces.filter_map(line).collect()
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                all.push(path);
            }
        }
    }
    all
}

/// Looks at every text in the tables of errors and of the close's rules, with what it is of.
fn in_tables(look: &mut dyn FnMut(&str, &str)) {
    for code in crate::error::codes() {
        let row = crate::error::row(code).unwrap();
        row.causes.iter().chain(row.next).for_each(|text| look(code, text));
    }
    for check in Check::all() {
        look(check.id, check.says);
        check.next.iter().for_each(|text| look(check.id, text));
    }
}

#[test]
fn in_the_tables_of_errors_and_rules() {
    let (mut lines, mut found) = (0, Vec::new());
    let mut look = |of: &str, text: &str| {
        for line in between_backquotes(text) {
            lines += 1;
            found.extend(wrong(&line).map(|why| format!("{of}: {line}: {why}")));
        }
    };
    in_tables(&mut look);
    assert!(lines > 80, "{lines}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn in_the_documents() {
    let (mut lines, mut found) = (0, Vec::new());
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut fenced = false;
        let mut all = Vec::new();
        for line in text.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                let command = line.strip_prefix("$ ").unwrap_or(line);
                all.extend(command.starts_with("provost ").then(|| command.to_owned()));
            }
        }
        all.extend(between_backquotes(&text));
        for line in all.iter().filter(|line| !line.contains(['…', '|', '<'])) {
            lines += 1;
            found.extend(wrong(line).map(|why| format!("{}: {line}: {why}", path.display())));
        }
    }
    assert!(lines > 80, "{lines}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What a table calls an option byte is one: a person types it.
#[test]
fn option_bytes_that_are_named_exist() {
    use provost_chip::{option_bytes::OptionField, parts::PartId};
    // A field of DBGMCU_IDCODE, registers of SBS, and variables of the environment.
    const OTHERS: [&str; 6] =
        ["DEV_ID", "SBS_DBGCR", "SBS_DBGLOCKR", "PROVOST_PASSPHRASE", "PROVOST_PIN", "SOFTHSM2_CONF"];
    let is_name = |word: &&str| {
        word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.contains(|c: char| c.is_ascii_lowercase())
    };
    let (mut names, mut unknown) = (0, Vec::new());
    let mut look = |of: &str, text: &str| {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(is_name) {
            names += 1;
            if !OTHERS.contains(&word) && PartId::all().all(|part| OptionField::find(part, word).is_none()) {
                unknown.push(format!("{of}: {word}"));
            }
        }
    };
    in_tables(&mut look);
    assert!(names > 20, "{names}");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
