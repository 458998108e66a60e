//! A path need not be text: every command that takes one does its work with bytes that no UTF-8 has, and what it prints is text.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::PathBuf,
    process::Command,
};

use crate::sandbox::{Sandbox, validate};

/// Stands for the byte that is no UTF-8 in what follows.
const MARK: u8 = b'%';

/// A word with the mark replaced by a byte that no UTF-8 holds (RFC 3629 §3).
fn word(text: &str) -> OsString {
    OsString::from_vec(text.bytes().map(|b| if b == MARK { 0xFF } else { b }).collect())
}

struct Desk(Sandbox);

impl Desk {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path("").join(word(name))
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.0.command(&[]);
        command.args(line.split(' ').map(word)).env("TMPDIR", self.0.path("tmp"));
        command
    }

    /// Runs it as a document; twice the same work would be another one, so what people read is looked at by `read`.
    fn does(&self, line: &str) -> serde_json::Value {
        let output = self.command(&format!("{line} --json")).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let value: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{line}: {e}\n{err}"));
        assert_eq!(output.status.code(), Some(0), "{line}: {value:#}\n{err}");
        validate(&value, line);
        value
    }

    /// The same as a page.
    fn reads(&self, line: &str) {
        let output = self.command(line).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {err}");
        assert!(std::str::from_utf8(&output.stdout).is_ok(), "{line}");
    }

    /// Stops with this code, and does not panic.
    fn stops(&self, line: &str, code: i32) {
        let output = self.command(line).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {err}");
        assert!(!err.contains("panicked"), "{line}: {err}");
    }
}

fn desk() -> Desk {
    let s = Sandbox::new();
    fs::create_dir(s.path("tmp")).unwrap();
    Desk(s)
}

#[test]
fn credentials() {
    let d = desk();
    let made = d.does("credential new --method certificate --part H533 --out set%");
    assert_eq!(made["folder"], "set\u{FFFD}");
    d.reads("credential new --method password --part H533 --out pw%");
    assert!(d.exists("set%/DA_Config.obk") && d.exists("pw%/password.bin"));
    d.does("credential check set% --part H533");
    d.reads("credential check set% --part H533");
    d.does("credential show set%/cert_leaf_chain.b64");
    d.reads("credential show set%/cert_leaf_chain.b64");
    let kept = d.does("credential new --method password --part H533 --out pw% --force");
    assert!(kept["kept"].as_str().unwrap().ends_with("pw\u{FFFD}.old-1"));

    fs::write(d.path("word%"), "open sesame").unwrap();
    d.does("credential new --method password --part H533 --out own% --password-file word%");
    d.does("credential new --method certificate --part H533 --out sealed% --encrypt-keys --passphrase-file word%");
    d.does("credential check sealed% --part H533 --passphrase-file word%");
    d.does("credential new --method certificate --part H533 --out rooted% --root-key set%/key_1_root.pem");
}

#[test]
fn signing_elsewhere() {
    let d = desk();
    d.does("credential new --method certificate --part H533 --out set%");
    for (key, public) in [("key_1_root.pem", "root%.pub"), ("key_3_leaf.pem", "leaf%.pub")] {
        let status = Command::new("openssl")
            .args(["pkey", "-pubout", "-in"])
            .arg(d.path(&format!("set%/{key}")))
            .arg("-out")
            .arg(d.path(public))
            .status();
        assert!(status.unwrap().success());
    }
    let made =
        d.does("credential prepare certificate --role root --signer root%.pub --subject root%.pub --out root%.tbs");
    assert_eq!(made["files"][0]["path"], "root\u{FFFD}.tbs");
    fs::write(d.path("challenge%"), [7; 32]).unwrap();
    d.does("credential prepare token --challenge challenge% --signer leaf%.pub --out token%.tbs");
    let status = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .arg(d.path("set%/key_1_root.pem"))
        .arg("-out")
        .arg(d.path("root%.sig"))
        .arg(d.path("root%.tbs"))
        .status();
    assert!(status.unwrap().success());
    d.does("credential merge root%.tbs root%.sig --signer root%.pub --out root%.b64");
    assert!(d.exists("root%.b64"));
}

#[test]
fn objects_and_images() {
    let d = desk();
    d.does("twin new board.chip --part STM32H533RE --tzen on --state provisioning");
    d.does("credential new --method certificate --part H533 --out set%");
    d.does("obk inspect set%/DA_Config.obk --part H533");
    d.does("obk write --dry-run set%/DA_Config.obk --out jobs% --part H533 --probe twin:board.chip");
    let written = d.does("obk write set%/DA_Config.obk --out jobs% --part H533 --probe twin:board.chip");
    assert_eq!(written["written"]["objects"][0]["file"], "set\u{FFFD}/DA_Config.obk");
    assert!(d.exists("jobs%"), "the journal of the write");
    fs::write(d.path("config%.toml"), "kind = \"da-password\"\npassword_file = \"word%\"\n").unwrap();
    d.stops("obk build config%.toml --out made%.obk --part H533", 3);

    fs::write(d.path("app%.bin"), [0xA5; 4096]).unwrap();
    let sign = "obk image sign app%.bin --profile mcuboot --image-version 1.2.3 --slot-size 0x8000 --out app%.img";
    d.does(&format!("{sign} --key set%/key_3_leaf.pem"));
    d.does("obk image inspect app%.img");
    assert!(d.exists("app%.img"));
    d.stops("obk image verify app%.img --key nowhere%.pem", 2);
}

#[test]
fn option_bytes_and_flash() {
    let d = desk();
    d.does("twin new board.chip --part STM32H533RE --tzen on");
    let chip = "--part H533 --probe twin:board.chip";
    let made = d.does(&format!("option export options%.toml {chip}"));
    assert_eq!(made["file"], "options\u{FFFD}.toml");
    d.does(&format!("option diff options%.toml {chip}"));
    d.reads(&format!("option diff options%.toml {chip}"));
    d.does("option diff options%.toml options%.toml --part H533");
    d.does(&format!("option import options%.toml {chip}"));
    fs::write(d.path("app%.bin"), [0x5A; 4096]).unwrap();
    d.does(&format!("flash write app%.bin --at 0x08000000 {chip}"));
    d.does(&format!("flash verify app%.bin --at 0x08000000 {chip}"));
    let read = d.does(&format!("flash read back%.bin --at 0x08000000 --size 4096 {chip}"));
    assert_eq!(read["file"], "back\u{FFFD}.bin");
    assert_eq!(fs::read(d.path("back%.bin")).unwrap(), [0x5A; 4096]);
    d.reads(&format!("flash read back%.bin --force --at 0x08000000 --size 4096 {chip}"));
}

#[test]
fn a_rescue_a_regression_and_their_history() {
    let d = desk();
    d.does("twin new board.chip --part STM32H533RE --tzen on --state provisioning");
    d.does("credential new --method certificate --part H533 --out set%");
    d.does("rescue --dry-run --credential set% --out rescues% --part H533 --probe twin:board.chip");
    let receipt = d.does("rescue --credential set% --out rescues% --part H533 --probe twin:board.chip");
    assert_eq!(receipt["credential"], "set\u{FFFD}");
    assert!(d.exists("rescues%/twin-board-chip/receipt.json"));
    let history = d.does("history --in rescues%");
    assert_eq!(history["receipts"][0]["receipt"], "rescues\u{FFFD}/twin-board-chip/receipt.json");
    d.reads("history --in rescues%");
    // An Open chip: nothing to do, and the folders are looked at.
    d.reads("auth regress --credential set% --out rescues% --probe twin:board.chip");
    fs::write(d.path("log%.txt"), "Error: Cannot connect to access port 1!\n").unwrap();
    let told = d.does("diagnose log%.txt");
    assert_eq!(told["inputs"][0]["name"], "log\u{FFFD}.txt");
    d.reads("diagnose log%.txt");
}

#[test]
fn a_close_and_its_plan() {
    let d = desk();
    d.does("twin new board.chip --part STM32H563ZI --tzen on");
    d.does("credential new --method certificate --part H563 --out set%");
    fs::write(d.path("house%.toml"), "").unwrap();
    let close = "close --probe twin:board.chip --part STM32H563ZI --credential set% --out closes% --policy house%.toml --to tz-closed";
    let survey = d.does(&format!("{close} --dry-run"));
    assert_eq!(survey["plan"]["bound"]["credential"], "set\u{FFFD}");
    d.does(&format!("{close} --save plan%.json"));
    assert!(d.exists("plan%.json"));
    d.stops("apply nowhere%.json --probe twin:board.chip", 2);
    let key = survey["plan"]["bound"]["binding"]["root_key_hash"].as_str().unwrap();
    let uid = survey["plan"]["bound"]["uid"].as_str().unwrap();
    let output = d
        .command("apply plan%.json --credential set% --out closes% --policy house%.toml --probe twin:board.chip --json")
        .arg("--confirm")
        .arg(format!("close {uid} to tz-closed with key {}", &key[..8]))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let receipt: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(receipt["bound"]["credential"], "set\u{FFFD}");
    let history = d.does("history --in closes%");
    assert_eq!(history["receipts"].as_array().unwrap().len(), 1);
}

#[test]
fn virtual_chips() {
    let d = desk();
    let made = d.does("twin new board%.chip --part STM32H533RE");
    assert_eq!(made["file"], "board\u{FFFD}.chip");
    assert!(d.exists("board%.chip"));
    d.reads("twin new other%.chip --part STM32H533RE");
    // What names a probe is text.
    d.stops("status --probe twin:board%.chip", 2);
    assert!(OsStr::from_bytes(b"\xFF").to_str().is_none());
}
