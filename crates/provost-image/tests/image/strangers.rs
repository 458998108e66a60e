//! Other people's tools read our images. They are skipped, with the reason printed, where a tool is not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use provost_adac::key::Signer as _;
use provost_image::{SignOptions, sign};
use provost_testkit::strangers;

use crate::{body, key, plain_options, profile};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("key.pem", key("authentication").public_key().to_pem().as_bytes());
        folder.write("other.pem", key("other").public_key().to_pem().as_bytes());
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn key(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The tool, if it runs.
fn tool(program: &str, first: &[&str]) -> Option<impl Fn(&[&Path]) -> (bool, String) + use<>> {
    let (program, first) = (program.to_owned(), first.iter().map(|&s| s.to_owned()).collect::<Vec<_>>());
    let run = move |arguments: &[&Path]| {
        let output = Command::new(&program).args(&first).args(arguments).output();
        output.map_or((false, String::new()), |output| {
            let text = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&text).into_owned())
        })
    };
    run(&[Path::new("version")]).0.then_some(run)
}

#[test]
fn imgtool_verifies_and_dumps_ours() {
    let Some(imgtool) = tool("imgtool", &[]) else {
        return strangers::skip("imgtool is not installed (Python package imgtool)");
    };
    let folder = Folder::new();
    let mut clear = SignOptions::install(profile("oemirot-secure-code"), "1.2.3+4".parse().unwrap());
    clear.slot_size = Some(0x1000);
    clear.encrypt_for = Some(key("encryption").public_key());
    let mut dependent = plain_options("mcuboot");
    dependent.dependencies = vec!["1,1.0.0".parse().unwrap()];
    for (name, options) in [("plain.bin", plain_options("mcuboot")), ("dependent.bin", dependent), ("clear.bin", clear)]
    {
        let file = folder.write(name, &sign(&body(500), &options, Some(&key("authentication"))).unwrap());
        let (good, said) = imgtool(&["verify".as_ref(), "-k".as_ref(), &folder.key("key.pem"), &file]);
        assert!(good && said.contains("Image was correctly validated"), "{name}: {said}");
        assert!(said.contains(&format!("Image version: {}", options.version)), "{name}: {said}");
    }
    let described = folder.write("described.bin", &crate::descriptions::made(&crate::descriptions::for_imgtool()));
    let (good, said) = imgtool(&["verify".as_ref(), "-k".as_ref(), &folder.key("key.pem"), &described]);
    assert!(good && said.contains("Image was correctly validated"), "{said}");
    let file = folder.key("dependent.bin");
    let (good, said) = imgtool(&["verify".as_ref(), "-k".as_ref(), &folder.key("other.pem"), &file]);
    assert!(!good, "{said}");
    let (good, said) = imgtool(&["dumpinfo".as_ref(), &file]);
    assert!(
        good && ["SEC_CNT", "DEPENDENCY", "SHA256", "KEYHASH", "ECDSASIG"].iter().all(|tlv| said.contains(tlv)),
        "{said}"
    );
}

/// `ST_IMGTOOL` is the path of `scripts/imgtool.py` in a checkout of STMicroelectronics/stm32-mw-mcuboot.
#[test]
fn st_imgtool_verifies_ours() {
    let script = std::env::var("ST_IMGTOOL").unwrap_or_default();
    let Some(imgtool) = (!script.is_empty()).then(|| tool("python3", &[&script])).flatten() else {
        println!("SKIPPED: ST_IMGTOOL names no imgtool.py of stm32-mw-mcuboot that runs");
        return;
    };
    let folder = Folder::new();
    for name in ["stirot-code", "oemirot-secure-data"] {
        let mut options = SignOptions::install(profile(name), "1.2.3".parse().unwrap());
        options.slot_size = Some(0x1000);
        options.encrypt_for = Some(key("encryption").public_key());
        // Signatures of all lengths: their numbers have a leading zero in half of the cases.
        for length in 100..103 {
            let file = folder.write(
                &format!("{name}-{length}.bin"),
                &sign(&body(length), &options, Some(&key("authentication"))).unwrap(),
            );
            let (good, said) = imgtool(&["verify".as_ref(), "-k".as_ref(), &folder.key("key.pem"), &file]);
            assert!(good && said.contains("Image was correctly validated"), "{name}: {said}");
        }
    }
}
