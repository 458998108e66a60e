//! Files that are not what they should be: a stable code, the right exit code, a next step, no panic, and nothing written.

use crate::sandbox;

use std::fs;

use sandbox::Sandbox;

/// A stuck chip, and a credential folder called `set`.
fn prepared() -> Sandbox {
    let s = Sandbox::new();
    for chip in ["board.chip", "spare.chip"] {
        assert_eq!(s.run(&format!("twin new {chip} --preset stuck-in-provisioning")).code, 0);
    }
    assert_eq!(s.run("rescue --probe twin:spare.chip --out spare").code, 0);
    fs::rename(s.path("spare/twin-spare-chip/credential"), s.path("set")).unwrap();
    s
}

fn expect(s: &Sandbox, line: &str, codes: &[&str], exit: i32) {
    let before = s.read("board.chip");
    let (got, value) = s.json(line);
    let code = value["code"].as_str().unwrap_or_else(|| panic!("{line}: {value:#}"));
    // A star stands for the rule that is broken.
    let means = |known: &&str| known.strip_suffix('*').map_or(*known == code, |family| code.starts_with(family));
    assert!(codes.iter().any(means), "{line}: {value:#}");
    assert_eq!(got, exit, "{line}: {value:#}");
    assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
    let text = s.run(line);
    assert!(text.err.contains(&format!("error[{code}]")) && text.out.is_empty(), "{line}: {}{}", text.out, text.err);
    assert!(text.err.contains("next:") && !text.err.contains("panicked"), "{line}: {}", text.err);
    assert_eq!(s.read("board.chip"), before, "{line}: nothing is written");
}

#[test]
fn credential_files() {
    type Spoil = fn(&mut Vec<u8>);
    let spoils: &[(&str, &str, Spoil, &[&str])] = &[
        ("empty key", "key_3_leaf.pem", |b| b.clear(), &["key-*"]),
        ("key of another kind", "key_3_leaf.pem", |b| *b = PEM_OF_A_CERTIFICATE.into(), &["key-*"]),
        ("key without its end", "key_3_leaf.pem", |b| b.truncate(100), &["key-*"]),
        ("key in bytes that are no text", "key_3_leaf.pem", |b| b.fill(0xFF), &["key-*"]),
        ("key larger than any", "key_3_leaf.pem", |b| b.resize(1 << 20, b'A'), &["file-too-large"]),
        ("empty chain", "cert_leaf_chain.b64", |b| b.clear(), &["chain-*", "tlv-*", "certificate-*"]),
        ("half a chain", "cert_leaf_chain.b64", |b| b.truncate(b.len() / 2), &["chain-*", "tlv-*", "certificate-*"]),
        ("chain of letters", "cert_leaf_chain.b64", |b| b.fill(b'A'), &["chain-*", "tlv-*", "certificate-*"]),
        ("one bit of a signature", "cert_leaf_chain.b64", |b| b[200] ^= 1, &["chain-*", "tlv-*", "certificate-*"]),
        ("empty object", "DA_Config.obk", |b| b.clear(), &["file-malformed"]),
        ("half an object", "DA_Config.obk", |b| b.truncate(50), &["file-malformed"]),
        (
            "one bit of an object's hash",
            "DA_Config.obk",
            |b| b[20] ^= 1,
            &["file-malformed", "credential-root-mismatch"],
        ),
        ("empty password", "password.bin", |b| b.clear(), &["password-*"]),
        ("password without its head", "password.bin", |b| drop(b.drain(..8)), &["password-*"]),
        ("password shorter than it says", "password.bin", |b| b.truncate(20), &["password-*"]),
        ("password of 3 bytes", "password.bin", |b| *b = password(b"abc"), &["password-*"]),
        ("password of 17 bytes", "password.bin", |b| *b = password(&[b'x'; 17]), &["password-*"]),
        ("password of 2^32 bytes", "password.bin", |b| b[4..8].fill(0xFF), &["password-*"]),
    ];
    let s = prepared();
    for (what, name, spoil, codes) in spoils {
        let path = s.path("set").join(name);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        spoil(&mut bytes);
        fs::write(&path, bytes).unwrap();
        println!("{what}");
        // A file too large to read is no file of ours; the others are, and are refused.
        let exit = if codes == &["file-too-large"] { 1 } else { 3 };
        expect(&s, "rescue --credential set --probe twin:board.chip", codes, exit);
        fs::write(&path, whole).unwrap();
    }
    assert!(!s.path("provost-rescue").exists(), "no rescue was begun");
    assert_eq!(s.run("rescue --credential set --probe twin:board.chip").code, 0, "the set itself is good");
}

/// STM32CubeH5 password files: 0x80000000, length, text.
fn password(text: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0x80, text.len() as u8, 0, 0, 0], text].concat()
}

const PEM_OF_A_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

#[test]
fn folders_where_files_should_be() {
    let s = prepared();
    for name in ["key_3_leaf.pem", "cert_leaf_chain.b64", "password.bin", "DA_Config.obk"] {
        let path = s.path("set").join(name);
        fs::rename(&path, s.path("aside")).unwrap();
        fs::create_dir(&path).unwrap();
        expect(&s, "rescue --credential set --probe twin:board.chip", &["file-kind"], 1);
        fs::remove_dir(&path).unwrap();
        fs::rename(s.path("aside"), &path).unwrap();
    }
    expect(&s, "rescue --credential board.chip --probe twin:board.chip", &["file-malformed"], 3);
    fs::create_dir(s.path("folder.chip")).unwrap();
    expect(&s, "status --probe twin:folder.chip", &["twin-not-found"], 2);
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read_or_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let s = prepared();
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(s.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(s.path("shut")).unwrap();
    mode("shut", 0o500);
    if fs::write(s.path("shut/probe"), "").is_ok() {
        println!("SKIPPED: this user may write everywhere");
        return;
    }
    expect(&s, "rescue --out shut/below --probe twin:board.chip", &["journal-io"], 1);
    mode("set/key_3_leaf.pem", 0);
    expect(&s, "rescue --credential set --probe twin:board.chip", &["credential-file"], 3);
    mode("set/key_3_leaf.pem", 0o600);
}

#[cfg(target_os = "linux")]
#[test]
fn a_place_where_nobody_can_write() {
    let s = prepared();
    expect(&s, "rescue --out /proc/provost --probe twin:board.chip", &["journal-io"], 1);
    expect(&s, "twin new /proc/board.chip", &["file-missing"], 2);
}

/// Runs it where no file may grow beyond a kilobyte, which a program meets as it does a full disk: a write comes to nothing.
#[cfg(unix)]
fn without_room(s: &Sandbox, line: &str) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f 1; exec '{}' {line}", env!("CARGO_BIN_EXE_provost"));
    std::process::Command::new("bash").args(["-c", &script]).current_dir(s.path("")).output().unwrap()
}

#[cfg(unix)]
#[test]
fn what_does_not_fit_on_the_disk_leaves_nothing_behind() {
    let s = prepared();
    let there = || -> Vec<_> {
        let names = std::fs::read_dir(s.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let before = there();
    for line in [
        "option export FILE --probe twin:board.chip",
        "option export FILE --format displ --probe twin:board.chip",
        "flash read FILE --at 0x08000000 --size 8192 --probe twin:fresh",
        "twin new FILE --preset fresh",
    ] {
        let line = line.replace("FILE", "kept");
        let ended = without_room(&s, &line);
        let err = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{line}: {err}");
        assert_eq!(there(), before, "{line}: nothing is left behind");
        // With room again the same command does it.
        let again = s.run(&line);
        assert_eq!(again.code, 0, "{line}: {}", again.err);
        std::fs::remove_file(s.path("kept")).unwrap();
    }
}

#[test]
fn chip_files() {
    let s = prepared();
    let whole = s.read("board.chip");
    let damaged = ["twin-file-damaged", "twin-file-newer"];
    for length in [0, 1, 20, 100, 500, whole.len() / 2, whole.len() - 3] {
        fs::write(s.path("cut.chip"), &whole[..length]).unwrap();
        expect(&s, "status --probe twin:cut.chip", &damaged, 3);
    }
    for at in (5..whole.len() - 5).step_by(whole.len() / 12) {
        let mut bytes = whole.clone();
        bytes[at] = if bytes[at] == b'7' { b'6' } else { b'7' };
        fs::write(s.path("edited.chip"), bytes).unwrap();
        expect(&s, "rescue --probe twin:edited.chip", &damaged, 3);
    }
    fs::write(s.path("huge.chip"), vec![b' '; 17 << 20]).unwrap();
    expect(&s, "status --probe twin:huge.chip", &damaged, 3);
    for (line, code, exit) in [
        ("status --probe twin:", "twin-not-found", 2),
        ("status --probe twin:?", "twin-not-found", 2),
        ("status --probe twin:board.chip?cut-power=soon", "twin-option", 2),
        ("status --probe twin:board.chip?cut-power=-1", "twin-option", 2),
        ("status --probe twin:board.chip?unplug=99999999999999999999999", "twin-option", 2),
        ("status --probe twin:board.chip?nrst", "twin-option", 2),
        ("status --probe twin:board.chip?nrst=wired=twice", "twin-option", 2),
        ("status --probe twin:board.chip?=", "twin-switch", 2),
        ("status --probe \u{1F980}", "link-bad-selector", 2),
        ("status --probe 0483", "link-bad-selector", 2),
    ] {
        expect(&s, line, &[code], exit);
    }
    // Nobody's vendor id; a machine without any USB says that it cannot look.
    for line in ["status --probe ffff:ffff", "rescue --probe ffff:ffff:NOBODY"] {
        expect(&s, line, &["link-no-probe", "link-probe-unopenable"], 4);
    }
}

#[test]
fn a_journal_that_was_damaged_stops_the_rescue_and_a_torn_end_does_not() {
    let s = prepared();
    assert_eq!(s.run("rescue --probe twin:board.chip?cut-power=700").code, 5);
    let journal = s.path("provost-rescue/twin-board-chip/journal");
    let whole = fs::read(&journal).unwrap();
    assert!(whole.iter().filter(|b| **b == b'\n').count() >= 3, "{}", String::from_utf8_lossy(&whole));
    for at in [0, 8, 9, 30, 60] {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&journal, &bytes).unwrap();
        expect(&s, "rescue --probe twin:board.chip", &["journal-damaged"], 4);
        assert_eq!(fs::read(&journal).unwrap(), bytes, "it is left for a person to look at");
    }
    fs::write(&journal, [&whole[..], b"0123"].concat()).unwrap();
    let run = s.run("rescue --probe twin:board.chip");
    assert_eq!(run.code, 0, "{}", run.err);
}
