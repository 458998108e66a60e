//! `provost credential`: makes, shows and checks what a chip is opened with; everything that is printed is of its schema, nothing
//! secret is in it, nothing is overwritten unasked.

use crate::sandbox;

use std::fs;

use sandbox::Sandbox;
use serde_json::Value;

fn json(s: &Sandbox, line: &str) -> Value {
    let (code, value) = s.json(line);
    assert_eq!(code, 0, "{line}: {value:#}");
    value
}

fn fails(s: &Sandbox, line: &str, code: &str, exit: i32) {
    let (got, value) = s.json(line);
    assert_eq!((value["code"].as_str(), got), (Some(code), exit), "{line}: {value:#}");
    assert!(!value["next"].as_array().unwrap().is_empty(), "{line}: what next?");
    let likely = value["likely"][0].as_str().unwrap();
    assert!(!likely.starts_with("noise on the wire"), "{line}: a hint of its own");
}

fn finding<'a>(report: &'a Value, check: &str) -> Option<&'a str> {
    let list = report["findings"].as_array().unwrap();
    list.iter().find(|f| f["check"] == check).and_then(|f| f["outcome"].as_str())
}

#[test]
fn a_set_for_every_part_has_st_s_names_and_passes_its_own_check() {
    for part in provost_chip::parts::PartId::all() {
        let s = Sandbox::new();
        let info = part.info();
        for method in ["certificate", "password"] {
            let line = format!("credential new --method {method} --part {part} --out {method}");
            if method == "certificate" && !info.trustzone {
                fails(&s, &line, "credential-no-certificates", 3);
                assert!(!s.path(method).exists());
                continue;
            }
            let made = json(&s, &line);
            let object = match (method, info.trustzone) {
                ("certificate", _) => "DA_Config.obk",
                (_, true) => "DA_ConfigWithPassword.obk",
                _ => "board_password.bin",
            };
            let names: Vec<&str> =
                made["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
            assert!(names.contains(&format!("{method}/{object}").as_str()), "{part}: {names:?}");
            if object.ends_with(".obk") {
                // Byte 8 is the encryption flag; the payload follows the 12 bytes of the header (STM32CubeH5 samples).
                let bytes = s.read(&format!("{method}/{object}"));
                assert_eq!((bytes.len(), bytes[8]), (108, u8::from(info.crypto)), "{part}");
            }
            let report = json(&s, &format!("credential check {method} --part {part}"));
            assert_eq!(report["passed"], true, "{part} {method}");
        }
    }
}

#[test]
fn wrong_sets_are_not_good() {
    let s = Sandbox::new();
    json(&s, "credential new --method certificate --part H533 --out set");
    json(&s, "credential new --method certificate --part H563 --out other");
    json(&s, "credential new --method password --part H533 --out pw");
    let bad = |file: &str, from: &str, check: &str, line: &str| {
        let kept = s.read(file);
        fs::write(s.path(file), s.read(from)).unwrap();
        let (code, report) = s.json(line);
        assert_eq!((code, &report["passed"]), (3, &Value::from(false)), "{file}");
        assert_eq!(finding(&report, check), Some("failed"), "{file}: {report:#}");
        fs::write(s.path(file), kept).unwrap();
    };
    let check = "credential check set --part H533";
    bad("set/DA_Config.obk", "other/DA_Config.obk", "object-root-hash", check);
    bad("set/DA_Config.obk", "other/DA_Config.obk", "part-flag", check);
    bad("set/key_3_leaf.pem", "other/key_3_leaf.pem", "token-signs", check);
    bad("set/cert_root.b64", "other/cert_root.b64", "chain-files-agree", check);
    bad("set/key_1_root_pub.pem", "other/key_1_root_pub.pem", "keys-match", check);
    bad("set/DA_Config.obk", "set/cert_root.b64", "object-format", check);
    bad("set/cert_leaf_chain.b64", "set/DA_Config.obk", "chain-format", check);
    bad("pw/password.bin", "pw/DA_ConfigWithPassword.obk", "password-format", "credential check pw --part H533");
    // The part the set was not made for.
    let (code, report) = s.json("credential check set --part H563");
    assert_eq!((code, finding(&report, "part-flag")), (3, Some("failed")));
    let (code, report) = s.json("credential check set --part H503");
    assert_eq!((code, finding(&report, "part-method")), (3, Some("failed")));
    // Without a part the flag cannot be judged, and that is said.
    assert_eq!(finding(&json(&s, "credential check set"), "part-flag"), Some("skipped"));
    assert_eq!(json(&s, check)["passed"], true, "as it was");
}

#[test]
fn st_s_public_samples_are_known() {
    let s = Sandbox::new();
    // The password of STM32CubeH5's samples, which is printed in ST's documentation of them.
    fs::write(s.path("sample.txt"), "0123456789012345\n").unwrap();
    json(&s, "credential new --method password --part H563 --out pw --password-file sample.txt");
    let (code, report) = s.json("credential check pw --part H563");
    assert_eq!((code, finding(&report, "sample-password")), (3, Some("failed")));
    let report = json(&s, "credential check pw --part H563 --allow-sample-keys");
    assert_eq!(finding(&report, "sample-password"), Some("warning"));
}

#[test]
fn masks_and_scope_are_what_was_asked_for() {
    let s = Sandbox::new();
    let made = json(
        &s,
        "credential new --method certificate --part H563 --out set --permissions 14,12 --leaf-permissions 14 --object-permissions 0x5000 \
         --soc-class H563 --lifecycle closed --oem-constraint 7 --soc-id 0x00000000_38363236_33325117_003D005E",
    );
    assert_eq!(made["notes"].as_array().unwrap().len(), 1, "a leaf for one chip: {made:#}");
    let sheet = json(&s, "credential show set/cert_leaf_chain.b64");
    let field = |certificate: usize, name: &str| {
        let title = ["root certificate", "intermediate certificate", "leaf certificate"][certificate];
        let section = sheet["sections"].as_array().unwrap().iter().find(|s| s["name"] == title).unwrap();
        let fields = section["fields"].as_array().unwrap();
        fields.iter().find(|f| f["name"] == name).unwrap()["value"].as_str().unwrap().to_owned()
    };
    assert_eq!([0, 1, 2].map(|n| field(n, "permissions_mask")), ["0x00005000", "0x00005000", "0x00004000"]);
    assert_eq!([0, 1, 2].map(|n| field(n, "soc_class")), ["0x0", "0x0", "0x484"]);
    assert_eq!((field(2, "lifecycle"), field(2, "oem_constraint")), ("0x3027".into(), "0x0007".into()));
    assert!(field(2, "soc_id").starts_with("5e003d00"));
    // Bytes 64 and 65 of the payload are the low half of the mask.
    assert_eq!(s.read("set/DA_Config.obk")[76..78], [0x00, 0x50]);
    let report = json(&s, "credential check set --part H563");
    assert_eq!(finding(&report, "scope-soc-class"), Some("passed"));
    // A chain that can never regress is made, and said to be one.
    let made = json(&s, "credential new --method certificate --part H563 --out debug-only --permissions 4");
    assert!(made["notes"][0].as_str().unwrap().contains("Full Regression"));
    let (code, report) = s.json("credential check debug-only --part H563");
    assert_eq!((code, finding(&report, "permission-full-regression")), (3, Some("failed")));
}

#[test]
fn nothing_is_overwritten_without_force() {
    let s = Sandbox::new();
    json(&s, "credential new --method password --part H533 --out pw");
    let before = s.read("pw/password.bin");
    fails(&s, "credential new --method password --part H533 --out pw", "file-exists", 3);
    assert_eq!(s.read("pw/password.bin"), before);
    json(&s, "credential new --method password --part H533 --out pw --force");
    assert_ne!(s.read("pw/password.bin"), before);
    json(&s, "credential new --method certificate --part H533 --out set");
    fs::write(s.path("challenge"), [7; 32]).unwrap();
    let prepare = "credential prepare token --challenge challenge --signer set/key_3_leaf_pub.pem --out t";
    json(&s, prepare);
    fails(&s, prepare, "file-exists", 3);
    json(&s, &format!("{prepare} --force"));
}

#[cfg(unix)]
#[test]
fn secrets_are_their_owner_s_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let s = Sandbox::new();
    for (method, part) in [("certificate", "H533"), ("password", "H563"), ("password", "H503")] {
        let made = json(&s, &format!("credential new --method {method} --part {part} --out {part}"));
        for file in made["files"].as_array().unwrap() {
            let mode = fs::metadata(s.path(file["path"].as_str().unwrap())).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if file["secret"] == true { 0o600 } else { 0o644 }, "{file}");
        }
    }
    fs::set_permissions(s.path("H533/key_1_root.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(finding(&json(&s, "credential check H533 --part H533"), "file-mode"), Some("warning"));
}

#[test]
fn everything_is_shown_and_nothing_secret_is() {
    let s = Sandbox::new();
    json(&s, "credential new --method certificate --part H533 --out set");
    json(&s, "credential new --method password --part H533 --out pw");
    fs::write(s.path("challenge"), [7; 32]).unwrap();
    json(&s, "credential prepare token --challenge challenge --signer set/key_3_leaf_pub.pem --out token.tbs");
    let leaf = "--role leaf --subject set/key_3_leaf_pub.pem --signer set/key_2_intermediate_pub.pem";
    json(&s, &format!("credential prepare certificate {leaf} --out leaf.tbs"));
    for (file, kind) in [
        ("set/key_1_root.pem", "private-key"),
        ("set/key_1_root_pub.pem", "public-key"),
        ("set/cert_root.b64", "certificate-chain"),
        ("set/cert_intermediate_chain.b64", "certificate-chain"),
        ("set/cert_leaf_chain.b64", "certificate-chain"),
        ("set/DA_Config.obk", "object"),
        ("pw/password.bin", "password"),
        ("pw/DA_ConfigWithPassword.obk", "object"),
        ("token.tbs", "token-to-sign"),
        ("leaf.tbs", "certificate-to-sign"),
    ] {
        let sheet = json(&s, &format!("credential show {file}"));
        assert_eq!((sheet["kind"].as_str(), sheet["faults"].as_array().unwrap().len()), (Some(kind), 0), "{file}");
    }
    let password = s.read("pw/password.bin")[8..].to_vec();
    for line in [
        "credential show pw/password.bin",
        "credential check pw --part H533 -vv",
        "credential show pw/password.bin --json",
    ] {
        let run = s.run(line);
        let text = std::str::from_utf8(&password).unwrap();
        assert!(!run.out.contains(text) && !run.err.contains(text), "{line}");
    }
    let shown = s.run("credential show pw/DA_ConfigWithPassword.obk").out;
    let hash: String = s.read("pw/DA_ConfigWithPassword.obk")[44..76].iter().map(|b| format!("{b:02x}")).collect();
    assert!(!shown.contains(&hash), "a password can be guessed from its hash");
    fs::write(s.path("noise"), [9; 77]).unwrap();
    fails(&s, "credential show noise", "file-unknown", 3);
    let mut broken = s.read("set/DA_Config.obk");
    broken[100] ^= 1;
    fs::write(s.path("broken.obk"), &broken).unwrap();
    let (code, sheet) = s.json("credential show broken.obk");
    assert_eq!((code, sheet["faults"].as_array().unwrap().is_empty()), (3, false), "{sheet:#}");
    fs::write(s.path("short.obk"), &broken[..60]).unwrap();
    fails(&s, "credential show short.obk", "credential-malformed", 3);
    fails(&s, "credential show nowhere", "file-missing", 2);
}

#[test]
fn a_check_against_the_chip_knows_what_can_be_known() {
    let s = Sandbox::new();
    json(&s, "credential new --method certificate --part H533 --out set");
    json(&s, "credential new --method password --part H533 --out pw");
    s.run("twin new board.chip --part H533 --tzen on --state provisioning");
    let empty = json(&s, "credential check set --part H533 --probe twin:board.chip");
    assert_eq!(finding(&empty, "chip-integrity"), Some("warning"));
    let (code, report) = s.json("credential check pw --part H533 --probe twin:board.chip");
    assert_eq!((code, finding(&report, "chip-method")), (3, Some("failed")));
    json(&s, "obk write set/DA_Config.obk --part H533 --probe twin:board.chip");
    let full = json(&s, "credential check set --part H533 --probe twin:board.chip");
    assert_eq!((&full["on_chip"], finding(&full, "chip-integrity")), (&Value::from(true), Some("passed")));
    assert_eq!(finding(&full, "chip-credential"), Some("skipped"), "no chip shows the hash it holds");
    fails(&s, "credential check set --part H563 --probe twin:board.chip", "chip-part-mismatch", 3);
}

#[test]
fn words_that_make_no_sense() {
    let s = Sandbox::new();
    fails(&s, "credential new --method certificate --out set", "part-needed", 2);
    for line in [
        "credential",
        "credential new --method fingerprint --part H533 --out x",
        "credential new --method certificate --part H533 --out x --permissions everything",
        "credential new --method certificate --part H533 --out x --soc-class F407",
        "credential new --method certificate --part H533 --out x --key-label a",
        "credential check",
        "credential prepare",
        "credential prepare token --challenge x",
        "credential merge a",
    ] {
        let (code, value) = s.json(line);
        assert_eq!((code, value["code"].as_str()), (2, Some("usage")), "{line}: {value:#}");
    }
    fails(&s, "credential check nowhere", "credential-file", 2);
    fs::write(s.path("long.txt"), "seventeen letters").unwrap();
    fails(&s, "credential new --method password --part H533 --out x --password-file long.txt", "password-length", 3);
    fs::write(s.path("short"), [1; 31]).unwrap();
    json(&s, "credential new --method certificate --part H533 --out set");
    let prepare = "credential prepare token --challenge short --signer set/key_3_leaf_pub.pem --out t";
    fails(&s, prepare, "credential-malformed", 3);
}

/// What OpenSSL would do with the key file: ECDSA P-256 over SHA-256, r and s.
fn sign(s: &Sandbox, key: &str, file: &str, signature: &str) {
    use provost_adac::key::{PrivateKey, Signer as _};
    let pem = String::from_utf8(s.read(key)).unwrap();
    let bytes = PrivateKey::from_pem(&pem).unwrap().sign(&s.read(file)).unwrap();
    fs::write(s.path(signature), bytes).unwrap();
}

#[test]
fn prepared_signed_elsewhere_and_merged_is_the_same_as_signed_here() {
    let s = Sandbox::new();
    json(&s, "credential new --method certificate --part H533 --out set");
    let mut chain = String::new();
    for (n, (role, subject, signer, of)) in [
        ("root", "key_1_root", "key_1_root", "cert_root.b64"),
        ("intermediate", "key_2_intermediate", "key_1_root", "cert_intermediate_chain.b64"),
        ("leaf", "key_3_leaf", "key_2_intermediate", "cert_leaf_chain.b64"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = format!("--role {role} --subject set/{subject}_pub.pem --signer set/{signer}_pub.pem --out {n}.tbs");
        json(&s, &format!("credential prepare certificate {line}"));
        sign(&s, &format!("set/{signer}.pem"), &format!("{n}.tbs"), &format!("{n}.sig"));
        json(&s, &format!("credential merge {n}.tbs {n}.sig --signer set/{signer}_pub.pem {chain} --out {n}.b64"));
        assert_eq!(s.read(&format!("{n}.b64")), s.read(&format!("set/{of}")), "{role}");
        chain = format!("--chain {n}.b64");
    }
    // Another key's signature is not taken.
    sign(&s, "set/key_1_root.pem", "2.tbs", "wrong.sig");
    let line = "credential merge 2.tbs wrong.sig --signer set/key_2_intermediate_pub.pem --out wrong.b64";
    fails(&s, line, "credential-wrong-signature", 3);
    fs::write(s.path("short.sig"), [1; 63]).unwrap();
    let line = "credential merge 2.tbs short.sig --signer set/key_2_intermediate_pub.pem --out wrong.b64";
    fails(&s, line, "credential-malformed", 3);
    assert!(!s.path("wrong.b64").exists());
}

#[test]
fn a_chip_is_opened_by_a_token_that_was_signed_elsewhere() {
    let s = Sandbox::new();
    json(&s, "credential new --method certificate --part H533 --out set");
    s.run("twin new board.chip --part H533 --tzen on --state provisioning");
    json(&s, "obk write set/DA_Config.obk --part H533 --probe twin:board.chip");
    fs::rename(s.path("set/key_3_leaf.pem"), s.path("safe.pem")).unwrap();
    fails(&s, "auth regress --credential set --probe twin:board.chip", "credential-file", 2);
    let line = "auth regress --credential set --sign-in exchange --wait 60 --part H533 --probe twin:board.chip";
    let words: Vec<&str> = line.split_whitespace().collect();
    let child =
        s.command(&words).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !s.path("exchange/token.tbs").exists() {
        assert!(std::time::Instant::now() < end, "nothing to sign appeared");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(json(&s, "credential show exchange/token.tbs")["kind"], "token-to-sign");
    sign(&s, "safe.pem", "exchange/token.tbs", "exchange/half");
    fs::rename(s.path("exchange/half"), s.path("exchange/token.sig")).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json(&s, "status --probe twin:board.chip")["product_state"], "open");
}

#[test]
fn nobody_signs_and_the_chip_is_not_erased() {
    let s = Sandbox::new();
    json(&s, "credential new --method certificate --part H533 --out set");
    s.run("twin new board.chip --part H533 --tzen on --state provisioning");
    fs::remove_file(s.path("set/key_3_leaf.pem")).unwrap();
    let line = "auth regress --credential set --sign-in exchange --wait 0 --part H533 --probe twin:board.chip";
    fails(&s, line, "credential-not-signed", 4);
    assert_eq!(json(&s, "status --probe twin:board.chip")["product_state"], "provisioning");
    // What an earlier attempt left behind must not be taken for an answer.
    fs::write(s.path("exchange/token.sig"), [1; 64]).unwrap();
    fails(&s, &line.replace("--wait 0", "--wait 0 --out other"), "file-exists", 3);
}

#[test]
fn encrypted_keys_need_their_passphrase_everywhere() {
    let s = Sandbox::new();
    fs::write(s.path("words"), "correct horse\n").unwrap();
    fs::write(s.path("wrong"), "battery staple\n").unwrap();
    let new = "credential new --method certificate --part H533 --out set --encrypt-keys";
    fails(&s, new, "secret-needed", 4);
    json(&s, &format!("{new} --passphrase-file words"));
    for name in ["key_1_root.pem", "key_2_intermediate.pem", "key_3_leaf.pem"] {
        assert_eq!(json(&s, &format!("credential show set/{name}"))["kind"], "encrypted-private-key");
    }
    let check = "credential check set --part H533";
    fails(&s, check, "secret-needed", 4);
    assert_eq!(json(&s, &format!("{check} --passphrase-file words"))["passed"], true);
    let (code, report) = s.json(&format!("{check} --passphrase-file wrong"));
    assert_eq!((code, finding(&report, "key-file")), (3, Some("failed")));
    s.run("twin new board.chip --part H533 --tzen on --state provisioning");
    let regress = "auth regress --credential set --part H533 --probe twin:board.chip";
    fails(&s, regress, "secret-needed", 4);
    fails(&s, &format!("{regress} --passphrase-file wrong"), "key-passphrase", 4);
    let run = s.run(&format!("{regress} --passphrase-file words -vv"));
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(!run.err.contains("correct horse") && !run.out.contains("correct horse"));
    // The environment will do as well.
    let words: Vec<&str> = check.split_whitespace().collect();
    let output = s.command(&words).env("PROVOST_PASSPHRASE", "correct horse").output().unwrap();
    assert!(output.status.success());
}
