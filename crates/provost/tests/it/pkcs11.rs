//! Keys that never leave a PKCS #11 token: what they sign is taken where a file's signature is. Needs SoftHSM2; skipped with a line
//! where it is absent, unless PROVOST_REQUIRE_STRANGERS=1 says that it must be there.

use crate::sandbox;

use std::{fs, process::Command};

use provost_testkit::strangers;
use sandbox::{Run, Sandbox};
use serde_json::Value;

/// A sandbox with a token of its own in it.
struct Bench {
    s: Sandbox,
    module: &'static str,
}

impl Bench {
    fn new() -> Option<Self> {
        let module = strangers::softhsm()?;
        let bench = Self { s: Sandbox::new(), module };
        fs::create_dir(bench.s.path("tokens")).unwrap();
        let tokens = bench.s.path("tokens");
        fs::write(bench.s.path("softhsm2.conf"), format!("directories.tokendir = {}\n", tokens.display())).unwrap();
        fs::write(bench.s.path("pin"), "1234\n").unwrap();
        bench.tool("--init-token --free --label vault --pin 1234 --so-pin 5678");
        Some(bench)
    }

    fn tool(&self, line: &str) {
        let output = Command::new("softhsm2-util")
            .args(line.split_whitespace())
            .current_dir(self.s.path("."))
            .env("SOFTHSM2_CONF", self.s.path("softhsm2.conf"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Moves a key file's key onto the token; the file is gone.
    fn import(&self, file: &str, label: &str, id: &str) {
        self.tool(&format!("--import {file} --token vault --label {label} --id {id} --pin 1234"));
        fs::remove_file(self.s.path(file)).unwrap();
    }

    fn run(&self, line: &str) -> Run {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = self.s.command(&words).env("SOFTHSM2_CONF", self.s.path("softhsm2.conf")).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn json(&self, line: &str) -> (i32, Value) {
        let run = self.run(&format!("{line} --json"));
        let value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{line}: {e}\n{}{}", run.out, run.err));
        sandbox::validate(&value, line);
        (run.code, value)
    }

    fn key(&self, label: &str) -> String {
        format!("--pkcs11 {} --token-label vault --key-label {label} --pin-file pin", self.module)
    }
}

#[test]
fn a_leaf_key_on_a_token_opens_the_chip_as_its_file_does() {
    let Some(b) = Bench::new() else { return };
    assert_eq!(b.json("credential new --method certificate --part H533 --out set").0, 0);
    for chip in ["file", "token"] {
        b.run(&format!("twin new {chip}.chip --part H533 --tzen on --state provisioning"));
        let write = format!("obk write set/DA_Config.obk --part H533 --probe twin:{chip}.chip");
        assert_eq!(b.json(&write).0, 0);
    }
    let regress = |chip: &str, more: &str| {
        b.json(&format!("auth regress --credential set --part H533 --probe twin:{chip}.chip {more}"))
    };
    assert_eq!(regress("file", "").0, 0, "signed by the file");
    b.import("set/key_3_leaf.pem", "leaf", "03");
    let (code, report) = b.json(&format!("credential check set --part H533 {}", b.key("leaf")));
    assert_eq!((code, &report["passed"]), (0, &Value::from(true)), "{report:#}");
    assert_eq!(regress("token", "").1["code"], "credential-file", "there is no file any more");
    let (code, receipt) = regress("token", &b.key("leaf"));
    assert_eq!(code, 0, "signed by the token: {receipt:#}");
}

#[test]
fn a_root_key_on_a_token_signs_certificates_and_stays_there() {
    let Some(b) = Bench::new() else { return };
    assert_eq!(b.json("credential new --method certificate --part H563 --out first").0, 0);
    b.import("first/key_1_root.pem", "root", "01");
    let new = format!("credential new --method certificate --part H563 --out second {}", b.key("root=root"));
    let (code, made) = b.json(&new);
    assert_eq!(code, 0, "{made:#}");
    assert!(!b.s.path("second/key_1_root.pem").exists(), "it stays on the token");
    assert_eq!(b.s.read("first/DA_Config.obk"), b.s.read("second/DA_Config.obk"), "the same root");
    assert_ne!(b.s.read("first/key_3_leaf_pub.pem"), b.s.read("second/key_3_leaf_pub.pem"), "another leaf");
    assert_eq!(b.json("credential check second --part H563").0, 0);
}

#[test]
fn what_is_wrong_with_a_token_is_said() {
    let Some(b) = Bench::new() else { return };
    assert_eq!(b.json("credential new --method certificate --part H533 --out set").0, 0);
    b.import("set/key_3_leaf.pem", "leaf", "03");
    fs::write(b.s.path("wrong-pin"), "0000").unwrap();
    let check = |more: &str| b.json(&format!("credential check set --part H533 {more}"));
    for (more, code) in [
        (b.key("other"), "pkcs11-no-key"),
        (b.key("leaf").replace("vault", "elsewhere"), "pkcs11-no-token"),
        (b.key("leaf").replace("--pin-file pin", "--pin-file wrong-pin"), "pkcs11-wrong-pin"),
        (b.key("leaf").replace("--pin-file pin", ""), "secret-needed"),
        (b.key("leaf").replace(b.module, "/nowhere.so"), "pkcs11-module"),
    ] {
        let (exit, value) = check(&more);
        assert_eq!((exit, value["code"].as_str()), (4, Some(code)), "{more}: {value:#}");
        assert!(!value["next"].as_array().unwrap().is_empty());
    }
    let run = b.run(&format!("credential check set --part H533 {} -vv", b.key("leaf")));
    assert!(run.code == 0 && !run.err.contains("1234") && !run.out.contains("1234"), "the PIN is not told");
}
