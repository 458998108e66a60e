//! Wrong input is answered with a stable code, the right exit code and a next step, and changes nothing.
//!
//! Two probes at once cannot be had here; `provost-link` tests that choice. Nor can a DEV_ID that is in no table:
//! `provost-ops` tests that.

use crate::sandbox;

use std::fs;

use sandbox::Sandbox;

/// A sandbox with a stuck chip and a credential of another one.
fn prepared() -> Sandbox {
    let s = Sandbox::new();
    for chip in ["board", "spare", "third"] {
        s.run(&format!("twin new {chip}.chip --tzen on --state provisioning"));
    }
    assert_eq!(s.run("rescue --probe twin:spare.chip --out kept").code, 0);
    assert_eq!(s.run("rescue --probe twin:third.chip --out other").code, 0);
    fs::rename(s.path("kept/twin-spare-chip/credential"), s.path("credential")).unwrap();
    fs::rename(s.path("other/twin-third-chip/credential"), s.path("other-credential")).unwrap();
    s
}

fn expect(s: &Sandbox, line: &str, code: &str, exit: i32) {
    let before = s.read("board.chip");
    let (got, value) = s.json(line);
    assert_eq!((value["code"].as_str(), got), (Some(code), exit), "{line}: {value:#}");
    assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
    assert_eq!(s.read("board.chip"), before, "{line}: nothing is written");
    let text = s.run(line);
    assert!(text.err.contains(&format!("error[{code}]")), "{line}: {}", text.err);
    assert!(text.out.is_empty(), "{line}: {}", text.out);
}

#[test]
fn probes_and_chips() {
    let s = prepared();
    fs::write(s.path("garbage.chip"), [0x7F, b'E', b'L', b'F', 0, 0xFF]).unwrap();
    let text = fs::read_to_string(s.path("board.chip")).unwrap();
    fs::write(s.path("cut.chip"), &text[..text.len() / 3]).unwrap();
    fs::write(s.path("newer.chip"), text.replace("provost.chip/1", "provost.chip/9")).unwrap();
    fs::write(s.path("edited.chip"), text.replacen("\"rom_version\": 0", "\"rom_version\": 1", 1)).unwrap();
    for (line, code, exit) in [
        ("status --probe nonsense", "link-bad-selector", 2),
        ("status --probe twin:nowhere.chip", "twin-not-found", 2),
        ("status --probe twin:garbage.chip", "twin-file-damaged", 3),
        ("status --probe twin:cut.chip", "twin-file-damaged", 3),
        ("rescue --probe twin:edited.chip", "twin-file-damaged", 3),
        ("status --probe twin:newer.chip", "twin-file-newer", 3),
        ("status --probe twin:board.chip?colour=red", "twin-switch", 2),
        ("status --probe twin:board.chip?leave-rss-da=never", "twin-switch", 2),
        ("status --probe twin:board.chip?nrst=maybe", "twin-option", 2),
        ("rescue --part STM32H573 --probe twin:board.chip", "chip-part-mismatch", 3),
        ("twin new board.chip", "twin-file-exists", 3),
        ("twin new x.chip --preset nothing", "twin-not-found", 2),
        ("twin new x.chip --switch leave-rss-da", "switch-value", 2),
    ] {
        expect(&s, line, code, exit);
    }
}

#[test]
fn no_probe() {
    let s = prepared();
    let (_, probes) = s.json("probes");
    if probes["probes"].as_array().unwrap().iter().any(|p| p["kind"] != "virtual") {
        println!("SKIPPED: a debug probe is attached, and no test touches what is behind it");
        return;
    }
    expect(&s, "status", "link-no-probe", 4);
    expect(&s, "rescue", "link-no-probe", 4);
}

#[test]
fn words_that_clap_refuses() {
    let s = Sandbox::new();
    for line in ["", "rescue-me", "status --part STM32F407", "twin new x.chip --state shut", "auth regress", "explain"]
    {
        assert_eq!(s.run(line).code, 2, "{line}");
    }
}

#[test]
fn credentials() {
    let s = prepared();
    fs::create_dir(s.path("empty")).unwrap();
    for (copy, name, content) in [
        ("bad-key", "key_3_leaf.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("bad-chain", "cert_leaf_chain.b64", "no chain at all"),
        ("bad-password", "password.bin", "\0\0\0\u{7f}abcd"),
    ] {
        copy_folder(&s, "credential", copy);
        fs::write(s.path(copy).join(name), content).unwrap();
    }
    for (copy, name) in [("other-object", "DA_Config.obk"), ("other-leaf", "key_3_leaf.pem")] {
        copy_folder(&s, "credential", copy);
        fs::copy(s.path("other-credential").join(name), s.path(copy).join(name)).unwrap();
    }
    copy_folder(&s, "credential", "no-key");
    fs::remove_file(s.path("no-key/key_3_leaf.pem")).unwrap();
    for (folder, code, exit) in [
        ("missing", "credential-file", 2),
        ("empty", "credential-file", 2),
        ("no-key", "credential-file", 2),
        ("bad-key", "key-malformed", 3),
        ("bad-chain", "tlv-reserved", 3),
        ("bad-password", "password-tlv", 3),
        ("other-object", "credential-root-mismatch", 3),
        ("other-leaf", "credential-key-mismatch", 3),
    ] {
        expect(&s, &format!("rescue --probe twin:board.chip --credential {folder}"), code, exit);
        expect(&s, &format!("auth regress --probe twin:board.chip --credential {folder}"), code, exit);
    }
    for password in ["abc", "12345678901234567"] {
        expect(&s, &format!("auth regress --probe twin:board.chip --password {password}"), "password-length", 3);
    }
}

fn copy_folder(s: &Sandbox, from: &str, to: &str) {
    fs::create_dir(s.path(to)).unwrap();
    for entry in fs::read_dir(s.path(from)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), s.path(to).join(entry.file_name())).unwrap();
    }
}

#[test]
fn places_that_cannot_be_written() {
    let s = prepared();
    fs::write(s.path("a-file"), "in the way").unwrap();
    expect(&s, "rescue --probe twin:board.chip --out a-file", "journal-io", 1);
    fs::create_dir_all(s.path("spoilt/twin-board-chip")).unwrap();
    fs::write(s.path("spoilt/twin-board-chip/journal"), "not a journal\nnor this\n").unwrap();
    // A folder that is not ours is left as it is, and the rescue takes its own beside it.
    let run = s.run("rescue --probe twin:board.chip --out spoilt");
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(s.read("spoilt/twin-board-chip/journal"), b"not a journal\nnor this\n");
    assert!(s.path("spoilt/twin-board-chip-2/journal").exists());
}
