//! The reference of the book, made from the tables that the program itself prints from. `SNAPSHOTS=overwrite cargo test -p provost
//! reference` writes it anew.

use std::{fmt::Write as _, path::Path};

use clap::Command;

use crate::{
    cli,
    commands::explain::words::{EXITS, GLOSSARY, PHRASES},
    documents, error,
};

const MADE: &str = "This page is made from the program, by a test.";

fn is(name: &str, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    snapbox::assert_data_eq!(text, snapbox::Data::read_from(&path, None).raw());
}

/// Help of a command and of those below it.
fn help(command: &Command, path: &str, out: &mut String) {
    let subcommands: Vec<&Command> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
    let alone = command.clone().bin_name(path).term_width(100).color(clap::ColorChoice::Never);
    // What holds for every command stands once, at the top.
    let alone = if path.contains(' ') {
        alone.mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg })
    } else {
        alone
    };
    let text = alone.clone().render_long_help().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let _ = write!(out, "\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for inner in subcommands {
        help(inner, &format!("{path} {}", inner.get_name()), out);
    }
}

#[test]
fn commands() {
    let mut text = format!(
        "# Commands\n\n{MADE} What stands at the top of it holds for every command, and is not repeated below.\n"
    );
    help(&cli::command(), "provost", &mut text);
    is("commands.md", text);
}

#[test]
fn codes() {
    let mut text = format!("# Exit codes and error codes\n\n{MADE}\n\n| exit code | meaning |\n|---|---|\n");
    for (code, says) in EXITS {
        let _ = writeln!(text, "| {code} | {says} |");
    }
    text.push_str("\nAn error has a stable code. `provost explain CODE` prints its line; the error itself says more, for it knows what was measured.\n\n| error code | exit | likely causes, in order | next |\n|---|---|---|---|\n");
    let cell = |items: &[&str]| items.join("<br>").replace('|', "\\|").replace('\n', " ");
    for code in error::codes() {
        let Some(row) = error::row(code) else { continue };
        let _ = writeln!(text, "| `{code}` | {} | {} | {} |", row.exit.code(), cell(row.causes), cell(row.next));
    }
    is("codes.md", text);
}

#[test]
fn phrases() {
    let mut text = format!(
        "# Phrases\n\n{MADE} What they are for, and how a script finds them: [Scripts and phrases](../scripts.md#phrases).\n\n| phrase | asked for by | |\n|---|---|---|\n"
    );
    for (phrase, of, when) in PHRASES {
        let _ = writeln!(text, "| `{phrase}` | {of} | {when} |");
    }
    is("phrases.md", text);
    // What scripts are told is what is asked for.
    let scripts = include_str!("../../../docs/scripts.md");
    for (phrase, ..) in PHRASES {
        let beginning = phrase.split(" UNIQUE-ID").next().unwrap_or(phrase);
        assert!(scripts.contains(beginning), "{phrase} is missing in docs/scripts.md");
    }
}

#[test]
fn glossary() {
    let mut text = format!(
        "# Glossary\n\n{MADE} `provost explain WORD` prints one of them; `provost explain index` names everything that has a name.\n\n| word | what it means here |\n|---|---|\n"
    );
    for (word, says) in GLOSSARY {
        let _ = writeln!(text, "| {word} | {says} |");
    }
    is("glossary.md", text);
}

#[test]
fn schemas() {
    let mut text = format!(
        "# JSON documents\n\n{MADE} With `--json` a command prints one document, whose `schema` field names one of these; the schemas (JSON Schema 2020-12) are in `crates/provost/schemas/`.\n\n| schema | document |\n|---|---|\n"
    );
    for (name, title) in documents::TITLES {
        let _ = writeln!(text, "| [provost.{name}/1](../../crates/provost/schemas/{name}.schema.json) | {title} |");
    }
    is("schemas.md", text);
}

#[test]
fn the_readme_knows_every_exit_code() {
    let readme = include_str!("../../../README.md");
    for (code, _) in EXITS {
        assert!(readme.contains(&format!("\n| {code} | ")), "exit code {code}");
    }
}
