//! What the documents take from the tables is what the tables say. `SNAPSHOTS=overwrite` writes it anew.

use std::{fs, path::PathBuf};

use provost_obk::layout;

#[test]
fn the_objects_are_those_of_the_tables() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md");
    let page = fs::read_to_string(&path).unwrap();
    let begin = "<!-- objects: made from the tables -->\n";
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let wanted = format!("{before}{begin}\n{}<!-- end -->{after}", layout::markdown());
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(
        found == wanted,
        "docs/formats.md is not what the tables say: SNAPSHOTS=overwrite cargo test -p provost-obk --test obk documents"
    );
}
