//! The book is what the program does: its table of contents, its links, and every line of its console blocks, run by a shell in an empty
//! folder, one folder for each page. `SNAPSHOTS=overwrite` writes the pages anew; `…` on a page stands for lines left out.
//!
//! A block of `sh` with `file=NAME` behind it is written to that file first.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use provost_ops::credential::CredentialSet;
use provost_testkit::strangers;

use crate::sandbox::{Sandbox, VARIABLES};

/// What pages call a chip; every virtual chip has a unique id of its own.
const UID: &str = "38363236_33325117_00430052";
/// What pages call the first digits of a root key's hash.
const KEY: &str = "1f2e3d4c";

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").canonicalize().unwrap()
}

/// Every page, by its path within the book.
fn pages() -> BTreeSet<PathBuf> {
    let (mut all, mut folders) = (BTreeSet::new(), vec![book()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                all.insert(path.strip_prefix(book()).unwrap().to_owned());
            }
        }
    }
    all.remove(Path::new("SUMMARY.md"));
    all
}

/// Where the links of a page lead: text between `](` and `)`, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut fenced = false;
    let prose = text.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced
    });
    let pieces = prose.flat_map(|line| line.split("](").skip(1).filter_map(|piece| piece.split_once(')')));
    pieces.map(|(link, _)| link.to_owned()).collect()
}

/// The anchors of a page, as renderers make them: words of its headings, joined by hyphens.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        text.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn the_table_of_contents_names_every_page_once() {
    let summary = fs::read_to_string(book().join("SUMMARY.md")).unwrap();
    let named: Vec<PathBuf> = links(&summary).into_iter().map(PathBuf::from).collect();
    let once: BTreeSet<PathBuf> = named.iter().cloned().collect();
    assert_eq!(once.len(), named.len(), "a page stands there twice");
    assert_eq!(once, pages());
}

#[test]
fn every_link_leads_somewhere() {
    let (mut count, mut broken) = (0, Vec::new());
    for page in pages() {
        let text = fs::read_to_string(book().join(&page)).unwrap();
        for link in links(&text) {
            if link.starts_with("http") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => book().join(&page),
                file => book().join(&page).parent().unwrap().join(file),
            };
            let found = fs::read_to_string(&target);
            let is_there = match (&found, anchor) {
                (Err(_), _) => target.exists() && anchor.is_empty(),
                (Ok(_), "") => true,
                (Ok(text), anchor) => anchors(text).contains(anchor),
            };
            if !is_there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    println!("{count} links");
    assert!(count > 50 && broken.is_empty(), "{}", broken.join("\n"));
}

/// Hashes, keys and times change with every run and say nothing to a reader.
fn redacted(text: &str, key: &str) -> String {
    let is_hex = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_uid =
        |w: &str| w.len() == 26 && w.split('_').count() == 3 && w.split('_').all(|p| p.len() == 8 && is_hex(p));
    let word = |word: &str| match word.trim_matches([',', ';', '"', '\'', '(', ')', ':', '`']) {
        w if w.len() == 64 && is_hex(w) => word.replace(w, "SHA-256"),
        w if w.len() == 12 && is_hex(w) => word.replace(w, "DIGEST"),
        w if w.len() == 20 && w.ends_with('Z') && w.contains('T') => word.replace(w, "2026-01-01T00:00:00Z"),
        w if is_uid(w) => word.replace(w, UID),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.replace(key, KEY).lines().map(|l| line(l) + "\n").collect()
}

/// A folder in which the commands of a page are given.
struct Desk {
    s: Sandbox,
    uid: String,
    key: String,
    /// SoftHSM's library, where a page wants it.
    module: Option<&'static str>,
}

impl Desk {
    fn new(module: Option<&'static str>) -> Self {
        let s = Sandbox::new();
        // The sandbox lies in the system's folder for temporary files, in which no key should be kept.
        for folder in ["tmp", "work"] {
            fs::create_dir(s.path(folder)).unwrap();
        }
        Self { s, uid: UID.to_owned(), key: KEY.to_owned(), module }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.s.path("work").join(name)
    }

    /// What a command line prints. Of what it says on the way only an error is kept, and how it ended.
    fn run(&mut self, line: &str) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_provost"));
        let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        // Ready-made chips have an id of their own, the same each time.
        let line_here = if line.contains("twin:fresh") { line.to_owned() } else { line.replace(UID, &self.uid) };
        command.args(["-c", &line_here.replace(KEY, &self.key)]);
        command.current_dir(self.s.path("work")).stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command.env("PATH", path).env("TMPDIR", self.s.path("tmp")).env("HOME", self.s.path("work"));
        command.env("SOFTHSM2_CONF", self.s.path("softhsm2.conf")).env("MODULE", self.module.unwrap_or_default());
        let output = command.output().unwrap();
        self.learn(line);
        let mut text = redacted(std::str::from_utf8(&output.stdout).unwrap(), &self.key);
        if let Some(code) = output.status.code().filter(|code| *code != 0) {
            let error = String::from_utf8_lossy(&output.stderr);
            let error = error.find("error[").map_or("", |at| &error[at..]);
            let _ = writeln!(text, "{}(exit code {code})", redacted(error, &self.key));
        }
        text
    }

    /// What the page calls by other names from here on.
    fn learn(&mut self, line: &str) {
        if line.contains("twin new board.chip") {
            let status = self.s.command(&["status", "--probe", "twin:work/board.chip", "--json"]).output().unwrap();
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
            if let Some(uid) = status["identity"]["uid"].as_str() {
                self.uid = uid.to_owned();
            }
        }
        if line.contains("credential new --method certificate") && line.contains("--out safe/board") {
            let set = CredentialSet::load(&self.path("safe/board")).unwrap();
            self.key = set.fingerprint().unwrap()[..8].to_owned();
        }
    }
}

/// The same page as the program would write it, and how many commands are on it.
fn made(text: &str) -> (String, usize) {
    let module = needs(text).contains(&"softhsm2-util").then(strangers::softhsm).flatten();
    let (mut desk, mut out, mut commands) = (Desk::new(module), String::new(), 0);
    let mut blocks = text.split("\n```");
    out.push_str(blocks.next().unwrap());
    for (n, block) in blocks.enumerate() {
        out.push_str("\n```");
        let (kind, body) = block.split_once('\n').unwrap_or((block, ""));
        match kind.strip_prefix("sh file=") {
            _ if n % 2 == 1 => out.push_str(block),
            Some(name) => {
                fs::write(desk.path(name), format!("{body}\n")).unwrap();
                out.push_str(block);
            }
            None if kind == "console" => {
                out.push_str("console");
                for (line, expected) in pieces(body) {
                    commands += 1;
                    let printed = desk.run(&line);
                    let kept = expected.contains('…') && fits(expected.trim_end(), printed.trim_end());
                    let shown = if kept { expected } else { printed };
                    let _ = write!(out, "\n$ {line}\n{}", shown.trim_end_matches('\n'));
                    if shown.trim().is_empty() {
                        out.truncate(out.trim_end_matches('\n').len());
                    }
                }
            }
            None => out.push_str(block),
        }
    }
    (out, commands)
}

/// The command lines of a block, and what stands below each.
fn pieces(body: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in body.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), String::new())),
            (None, Some((_, below))) => {
                below.push_str(line);
                below.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Whether a text is what was expected, with anything in place of each `…`.
fn fits(expected: &str, printed: &str) -> bool {
    let mut pieces = expected.split('…').map(|piece| piece.trim_matches('\n'));
    let Some(mut rest) = printed.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut is_open = false;
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
        is_open = piece.is_empty();
    }
    is_open || rest.is_empty()
}

/// What a page needs besides the program: `<!-- needs: openssl -->` on its first line.
fn needs(text: &str) -> Vec<&str> {
    let first = text.lines().next().unwrap_or_default();
    let named = first.strip_prefix("<!-- needs: ").and_then(|rest| rest.strip_suffix(" -->"));
    named.map(|names| names.split(' ').collect()).unwrap_or_default()
}

/// Whether a program that a page needs is here; if not, the page is skipped.
fn is_installed(program: &str) -> bool {
    let found = match program {
        "softhsm2-util" => return strangers::softhsm().is_some(),
        program => strangers::runs(program, &["version"]),
    };
    if !found {
        strangers::skip(format_args!("{program} is not installed"));
    }
    found
}

#[test]
fn every_console_block_prints_what_the_page_says() {
    let texts: Vec<(PathBuf, String)> = pages()
        .into_iter()
        .map(|page| (page.clone(), fs::read_to_string(book().join(page)).unwrap()))
        .filter(|(_, text)| text.contains("\n```console\n"))
        .filter(|(_, text)| needs(text).iter().all(|program| is_installed(program)))
        .collect();
    let made: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = texts.iter().map(|(page, text)| (page, text, scope.spawn(|| made(text)))).collect();
        running.into_iter().map(|(page, text, thread)| (page, text, thread.join().unwrap())).collect()
    });
    let overwrite = std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
    let commands: usize = made.iter().map(|(.., (_, count))| count).sum();
    println!("{commands} commands on {} pages", made.len());
    assert!(commands > 80, "{commands}");
    for (page, text, (made, _)) in made {
        if overwrite {
            fs::write(book().join(page), made).unwrap();
        } else {
            snapbox::assert_data_eq!(made, snapbox::Data::text(text.clone()).raw());
        }
    }
}
