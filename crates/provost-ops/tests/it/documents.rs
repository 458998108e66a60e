//! What the documents take from the model is what the model says. `SNAPSHOTS=overwrite` writes it anew.

use std::{fs, path::PathBuf};

use provost_ops::picture;

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn holds(name: &str, wanted: &str) {
    let path = docs(name);
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        fs::write(&path, wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(
        found == wanted,
        "docs/{name} is not what the model says: SNAPSHOTS=overwrite cargo test -p provost-ops --test it documents"
    );
}

#[test]
fn the_picture_of_the_states_is_the_models() {
    holds("product-states.svg", &picture::product_states());
}

#[test]
fn the_table_of_the_states_is_the_models() {
    let page = fs::read_to_string(docs("is-my-stm32h5-dead.md")).unwrap();
    let begin = "<!-- states: made from the model -->\n";
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let wanted = format!("{before}{begin}\n{}\n<!-- end -->{after}", picture::state_table());
    holds("is-my-stm32h5-dead.md", &wanted);
}
