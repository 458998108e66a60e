//! Every rule names a test that shows it, and that test exists somewhere in the workspace.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use provost_chip::rules::Rule;

fn sources(folder: &Path, out: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_rule_is_shown_by_a_test() {
    let mut code = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut code);
    for rule in Rule::all() {
        let head = format!("#[test]\n    fn {}()", rule.shown_by);
        let top_level = format!("#[test]\nfn {}()", rule.shown_by);
        assert!(code.contains(&head) || code.contains(&top_level), "{}: no test {}", rule.id, rule.shown_by);
    }
}
