//! A key on a token of SoftHSM, where it is installed: found, used, and everything that can go wrong before that.
//!
//! SoftHSM takes its configuration from the environment of the process that loads it, and PKCS #11 is global to a process. So the one
//! test that runs by itself makes a token and starts this program again, with that environment, for the tests that use the token.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use provost_adac::certificate::{Certificate, Role};
use provost_adac::chain::Chain;
use provost_adac::discovery::Discovery;
use provost_adac::host::{Authentication, Credential, Progress};
use provost_adac::key::{PrivateKey, PublicKey, Signer};
use provost_adac::permission::{Permission, PermissionMask};
use provost_adac::target::{Anchor, Config, Event, Target};
use provost_adac::tlv::Padding;
use provost_pkcs11::{Error, Locator, Pin, TokenKey, keys};
use provost_testkit::strangers;

const FOLDER: &str = "PROVOST_TEST_SOFTHSM";
const PIN: &str = "481516";

fn softhsm(folder: &Path, arguments: &[&str]) -> std::io::Result<()> {
    let output =
        Command::new("softhsm2-util").args(arguments).env("SOFTHSM2_CONF", folder.join("softhsm2.conf")).output()?;
    let text = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(std::io::Error::other(text())) }
}

/// Two tokens: `vault` with the keys `root`, `leaf` and twice `twin`, and `empty`. The PEM files of the keys stay beside.
fn make_tokens(folder: &Path) -> std::io::Result<()> {
    let tokens = folder.join("tokens");
    std::fs::create_dir(&tokens)?;
    let configuration = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    std::fs::write(folder.join("softhsm2.conf"), configuration)?;
    for label in ["vault", "empty"] {
        softhsm(folder, &["--init-token", "--free", "--label", label, "--so-pin", "2342", "--pin", PIN])?;
    }
    for (label, id) in [("root", "01"), ("leaf", "02"), ("twin", "03"), ("twin", "04")] {
        let pem = folder.join(format!("{label}.pem"));
        std::fs::write(&pem, PrivateKey::generate().unwrap().to_pem().unwrap().as_bytes())?;
        let pem = pem.to_string_lossy();
        softhsm(folder, &["--import", &pem, "--token", "vault", "--label", label, "--id", id, "--pin", PIN])?;
    }
    Ok(())
}

#[test]
fn softhsm_signs() {
    if strangers::softhsm().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    make_tokens(folder.path()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--test-threads=1", "--nocapture"])
        .env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"))
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(text.contains("4 passed"), "not all tests ran: {text}");
    assert!(!text.contains(PIN), "the PIN was printed");
}

/// The folder of the tokens; nothing if a person runs the ignored tests by hand.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: softhsm_signs starts this");
    }
    folder
}

fn vault() -> Locator {
    Locator::new().module(strangers::softhsm().unwrap()).token("vault")
}

fn pin() -> Pin {
    Pin::new(PIN.to_owned())
}

fn open(label: &str) -> TokenKey {
    TokenKey::open(&vault().key(label), Some(&pin())).unwrap()
}

fn in_file(folder: &Path, label: &str) -> PublicKey {
    let bytes = std::fs::read(folder.join(format!("{label}.pem"))).unwrap();
    PrivateKey::read(&bytes, None).unwrap().public_key()
}

#[test]
#[ignore = "started by softhsm_signs"]
fn keys_are_found_by_label_id_and_uri() {
    let Some(folder) = folder() else { return };
    let root = open("root");
    assert_eq!(root.public_key(), in_file(&folder, "root"));
    assert_eq!((root.token(), root.info().label.as_str(), root.info().id.as_slice()), ("vault", "root", &[1][..]));
    let by_id = TokenKey::open(&vault().id([2]), Some(&pin())).unwrap();
    assert_eq!(by_id.public_key(), in_file(&folder, "leaf"));
    let uri = format!("pkcs11:token=vault;id=%04?module-path={}", strangers::softhsm().unwrap());
    let by_uri = TokenKey::open(&uri.parse().unwrap(), Some(&pin())).unwrap();
    // The second import overwrote the file.
    assert_eq!(by_uri.public_key(), in_file(&folder, "twin"));
    assert_eq!(keys(&vault(), Some(&pin())).unwrap().len(), 4);
    assert!(!format!("{root:?}").contains(PIN));
}

#[test]
#[ignore = "started by softhsm_signs"]
fn signatures_verify() {
    if folder().is_none() {
        return;
    }
    let key: Box<dyn Signer> = Box::new(open("root"));
    for message in [&b""[..], b"abc", &[7; 1000]] {
        let signature = key.sign(message).unwrap();
        key.public_key().verify(message, &signature).unwrap();
        key.public_key().verify(b"another", &signature).unwrap_err();
    }
}

/// Certificates and token are signed by the token, a leaf by a file: the target takes them all.
#[test]
#[ignore = "started by softhsm_signs"]
fn the_target_accepts_what_the_token_signed() {
    if folder().is_none() {
        return;
    }
    let (root, leaf) = (open("root"), open("leaf"));
    let chain = Chain::new(vec![
        Certificate::builder(Role::Root).self_sign(&root).unwrap(),
        Certificate::builder(Role::Leaf).sign(&leaf.public_key(), &root).unwrap(),
    ]);
    chain.verify_under(root.public_key().root_hash()).unwrap();
    let config = Config {
        discovery: Discovery::default(),
        padding: Padding::Unpadded,
        anchor: Some(Anchor::Certificate { root_key_hash: root.public_key().root_hash() }),
        object_mask: PermissionMask::STM32H5,
        product_mask: PermissionMask::STM32H5,
        soc_class: 0x484,
        soc_id: [0; 16],
        lifecycle: 0x2071,
    };
    let mut target = Target::new(config, [0x5A; 32]);
    let permission = Permission::FullRegression;
    let mut host = Authentication::new(Credential::Certificate { chain, key: leaf.public_key(), permission }).unwrap();
    let mut request = host.first_request();
    loop {
        let reply = target.handle(&request.to_words());
        match host.on_response(&reply.words).unwrap() {
            Progress::Continue(next) => request = next,
            Progress::Sign(asked) => {
                let signature = leaf.sign(&asked.to_be_signed()).unwrap();
                request = host.signed(&signature).unwrap();
            }
            end => {
                assert_eq!((end, reply.event), (Progress::Granted, Some(Event::Granted(permission.into()))));
                return;
            }
        }
    }
}

#[test]
#[ignore = "started by softhsm_signs"]
fn whatever_does_not_fit_has_its_code() {
    if folder().is_none() {
        return;
    }
    let module = || Locator::new().module(strangers::softhsm().unwrap());
    let wrong_pin = Pin::new("000000".to_owned());
    let table: [(Locator, Option<&Pin>, &str); 7] = [
        (vault().key("root"), None, "pkcs11-pin-needed"),
        (vault().key("root"), Some(&wrong_pin), "pkcs11-wrong-pin"),
        (module().token("nowhere"), Some(&pin()), "pkcs11-no-token"),
        (module().key("root"), Some(&pin()), "pkcs11-ambiguous-token"),
        (vault().key("nobody"), Some(&pin()), "pkcs11-no-key"),
        (vault().key("twin"), Some(&pin()), "pkcs11-ambiguous-key"),
        (module().token("empty"), Some(&pin()), "pkcs11-no-key"),
    ];
    for (locator, pin, code) in table {
        let error = TokenKey::open(&locator, pin).unwrap_err();
        assert_eq!(error.code(), code, "{locator}: {error}");
        assert!(!format!("{error:?} {error}").contains("000000"));
    }
    let Err(Error::NoKey { present }) = TokenKey::open(&vault().key("nobody"), Some(&pin())) else { panic!("found") };
    assert_eq!(present.len(), 4);
    // A library, but none of PKCS #11.
    let libc = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"]
        .into_iter()
        .find(|p| Path::new(p).exists());
    if let Some(libc) = libc {
        assert_eq!(TokenKey::open(&Locator::new().module(libc), None).unwrap_err().code(), "pkcs11-module");
    }
}
