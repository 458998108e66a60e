//! Nothing secret leaves the files that hold it: not printed, not logged, not journalled, not in a public file.

use crate::sandbox;

use base64ct::{Base64, Encoding as _};
use provost_chip::states::DaMethod;
use sandbox::{Run, Sandbox};

const PRIVATE: [&str; 3] = ["key_1_root.pem", "key_2_intermediate.pem", "key_3_leaf.pem"];

/// The forms in which these bytes could show up.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let list = bytes.iter().take(8).map(u8::to_string).collect::<Vec<_>>().join(", ");
    let mut forms = vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes(), list.into_bytes()];
    for word in bytes.chunks_exact(4) {
        let word = u32::from_le_bytes(word.try_into().unwrap());
        forms.push(format!("{word:08x}").into_bytes());
        forms.push(format!("{word:08X}").into_bytes());
    }
    forms
}

/// Everything secret of a credential folder: password, private scalars, bodies of the key files.
fn secrets(s: &Sandbox, folder: &str) -> Vec<Vec<u8>> {
    // STM32CubeH5 password files: 0x80000000, length, text.
    let mut secrets = forms(&s.read(&format!("{folder}/password.bin"))[8..]);
    for name in PRIVATE {
        let pem = String::from_utf8(s.read(&format!("{folder}/{name}"))).unwrap();
        let body: Vec<&str> = pem.lines().filter(|l| !l.starts_with("-----")).collect();
        let der = Base64::decode_vec(&body.concat()).unwrap();
        // RFC 5915 ECPrivateKey: version 1, then the scalar as an octet string of 32 bytes.
        let at = der.windows(5).position(|w| w == [2, 1, 1, 4, 32]).unwrap() + 5;
        secrets.extend(forms(&der[at..at + 32]));
        // Lines of 48 bytes; those without a byte of the scalar hold the public key, which may be seen.
        let lines = at / 48..=(at + 31) / 48;
        secrets.extend(body[lines].iter().map(|l| l.as_bytes().to_vec()));
    }
    secrets
}

fn assert_absent(what: &str, text: &[u8], secrets: &[Vec<u8>]) {
    for secret in secrets {
        assert!(!text.windows(secret.len()).any(|w| w == secret), "{what} shows a secret");
    }
}

fn assert_silent(line: &str, run: &Run, secrets: &[Vec<u8>]) {
    assert_absent(&format!("{line}: stdout"), run.out.as_bytes(), secrets);
    assert_absent(&format!("{line}: stderr"), run.err.as_bytes(), secrets);
}

#[test]
fn a_rescue_tells_no_secret() {
    for (preset, tz) in [("stuck-in-provisioning", "on"), ("provisioning-without-trustzone", "off")] {
        for options in ["", "--json", "-v", "-vv --stats"] {
            let s = Sandbox::new();
            s.run(&format!("twin new board.chip --preset {preset}"));
            let line = format!("rescue --probe twin:board.chip {options}");
            let run = s.run(&line);
            assert_eq!(run.code, 0, "{line}");
            let folder = "provost-rescue/twin-board-chip";
            let secrets = secrets(&s, &format!("{folder}/credential"));
            assert_silent(&format!("TrustZone {tz}, {line}"), &run, &secrets);
            for public in [
                "journal",
                "receipt.json",
                "credential/DA_Config.obk",
                "credential/cert_root.b64",
                "credential/cert_leaf_chain.b64",
                "credential/key_1_root_pub.pem",
                "credential/key_3_leaf_pub.pem",
            ] {
                assert_absent(public, &s.read(&format!("{folder}/{public}")), &secrets);
            }
            assert_absent("the chip", &s.read("board.chip"), &secrets);
        }
    }
}

#[test]
fn neither_does_a_failure() {
    let s = Sandbox::new();
    s.run("twin new board.chip --preset stuck-in-provisioning");
    s.run("rescue --probe twin:board.chip");
    std::fs::rename(s.path("provost-rescue/twin-board-chip/credential"), s.path("mine")).unwrap();
    let secrets = secrets(&s, "mine");
    std::fs::copy(s.path("mine/key_1_root.pem"), s.path("mine/key_3_leaf.pem")).unwrap();
    for line in [
        "rescue --credential mine --probe twin:stuck-in-provisioning -vv",
        "auth regress --credential mine --probe twin:tz-closed-without-object -vv",
    ] {
        let run = s.run(line);
        assert_eq!(run.code, 3, "{line}: {}", run.err);
        assert_silent(line, &run, &secrets);
    }
    // Passwords of the command line are not repeated, whether they could be one or not.
    for password in ["ThisIsFarTooLongToBeAPassword", "pw7", "Sixteen-Letters!"] {
        for more in ["", " --json", " -vv"] {
            let line = format!("auth regress --password {password} --probe twin:tz-closed-without-object{more}");
            let run = s.run(&line);
            assert_eq!(run.code, 3, "{line}: {}", run.err);
            assert_silent("a password given", &run, &forms(password.as_bytes()));
        }
    }
}

#[test]
fn a_close_tells_no_secret() {
    for (tzen, state) in [("on", "tz-closed"), ("off", "closed")] {
        for options in ["", "--json", "-vv --stats"] {
            let s = Sandbox::new();
            s.run(&format!("twin new board.chip --part STM32H533RE --tzen {tzen}"));
            let (set, keys) = provost_ops::credential::CredentialSet::generate(&s.path("safe/board")).unwrap();
            set.save(&keys, true).unwrap();
            std::fs::create_dir(s.path("tmp")).unwrap();
            let secrets = secrets(&s, "safe/board");
            let (_, status) = s.json("status --probe twin:board.chip");
            let uid = status["identity"]["uid"].as_str().unwrap().parse().unwrap();
            let method = if tzen == "on" { DaMethod::Certificate } else { DaMethod::Password };
            let binding = provost_ops::credential::Binding::of(&set, method, Some(uid)).unwrap();
            let phrase = format!("close {uid} to {state} with {}", binding.short());
            let line = format!(
                "close --probe twin:board.chip --part STM32H533RE --to {state} --credential safe/board --rehearse"
            );
            let mut words: Vec<&str> = line.split(' ').chain(options.split_whitespace()).collect();
            words.extend(["--confirm", &phrase]);
            let output = s.command(&words).env("TMPDIR", s.path("tmp")).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            assert_absent(&format!("{line}: stdout"), &output.stdout, &secrets);
            assert_absent(&format!("{line}: stderr"), &output.stderr, &secrets);
            for file in std::fs::read_dir(s.path("provost-close/twin-board-chip")).unwrap() {
                let path = file.unwrap().path();
                assert_absent(&path.display().to_string(), &std::fs::read(&path).unwrap(), &secrets);
            }
            for file in std::fs::read_dir(s.path("provost-close/rehearsals")).unwrap() {
                assert_absent("a rehearsal", &std::fs::read(file.unwrap().path()).unwrap(), &secrets);
            }
            assert_absent("the chip", &s.read("board.chip"), &secrets);
        }
    }
}
