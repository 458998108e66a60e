//! `docs/close.md` and `docs/debug.md` are what the program prints: every `$ provost …` in them is run, in order, and the text below it
//! compared. `SNAPSHOTS=overwrite` writes the documents anew.

use crate::sandbox;

use std::{fmt::Write as _, path::Path};

use provost_ops::credential::CredentialSet;
use sandbox::Sandbox;

/// What the document calls the chip; every virtual chip has a unique id of its own.
const UID: &str = "38363236_33325117_00430052";

/// What the document calls the first digits of the root key's hash.
const KEY: &str = "1f2e3d4c";

fn uid_of(s: &Sandbox, chip: &str) -> String {
    let (_, status) = s.json(&format!("status --probe twin:{chip}"));
    status["identity"]["uid"].as_str().unwrap().to_owned()
}

/// Hashes and times change with every run and say nothing to a reader.
fn redacted(text: &str, uid: &str) -> String {
    let word = |word: &str| match word.trim_end_matches([',', ';']) {
        w if w.len() == 64 && w.bytes().all(|b| b.is_ascii_hexdigit()) => word.replace(w, "SHA-256"),
        w if w.len() == 12 && w.bytes().all(|b| b.is_ascii_hexdigit()) => word.replace(w, "DIGEST"),
        w if w.len() == 20 && w.ends_with('Z') && w.contains('T') => word.replace(w, "2026-01-01T00:00:00Z"),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.replace(uid, UID).lines().map(|l| line(l) + "\n").collect()
}

#[test]
fn the_page_of_the_close_is_what_the_program_prints() {
    is_what_the_program_prints("close.md", 10);
}

#[test]
fn the_page_of_debugging_is_what_the_program_prints() {
    is_what_the_program_prints("debug.md", 8);
}

fn is_what_the_program_prints(document: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let document = std::fs::read_to_string(&path).unwrap();
    let s = Sandbox::new();
    std::fs::create_dir(s.path("tmp")).unwrap();
    let redacted = |text: &str, uid: &str, key: &str| redacted(&text.replace(key, KEY), uid);
    let mut key = KEY.to_owned();
    let (mut uid, mut made, mut inside, mut commands) = (UID.to_owned(), String::new(), false, 0);
    for line in document.lines() {
        match line.strip_prefix("$ provost ") {
            _ if line.starts_with("```") => {
                inside = line == "```console";
                made.push_str(line);
                made.push('\n');
            }
            Some(command) if inside => {
                let words = words(&command.replace(UID, &uid).replace(KEY, &key));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let output = s.command(&words).env("TMPDIR", s.path("tmp")).output().unwrap();
                let _ = writeln!(made, "{line}");
                if command.starts_with("twin new board.chip") {
                    uid = uid_of(&s, "board.chip");
                }
                if command.starts_with("credential new") {
                    let set = CredentialSet::load(&s.path("safe/board")).unwrap();
                    key = set.fingerprint().unwrap()[..8].to_owned();
                }
                made.push_str(&redacted(std::str::from_utf8(&output.stdout).unwrap(), &uid, &key));
                if let Some(code) = output.status.code().filter(|c| *c != 0) {
                    let error = String::from_utf8(output.stderr).unwrap();
                    let error = error.find("error[").map_or("", |at| &error[at..]);
                    let _ = writeln!(made, "{}(exit code {code})", redacted(error, &uid, &key));
                }
                commands += 1;
            }
            None if inside => {}
            _ => {
                made.push_str(line);
                made.push('\n');
            }
        }
    }
    assert!(commands >= least, "{commands} commands");
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        std::fs::write(&path, made).unwrap();
        return;
    }
    snapbox::assert_data_eq!(made, snapbox::Data::read_from(&path, None).raw());
}

/// Words of a command line; double quotes keep words together.
fn words(line: &str) -> Vec<String> {
    line.split('"')
        .enumerate()
        .flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
