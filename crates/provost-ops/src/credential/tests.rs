use std::fs;

use super::*;

fn saved() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set");
    let (set, keys) = CredentialSet::generate(&path).unwrap();
    set.save(&keys, true).unwrap();
    (folder, path)
}

#[test]
fn a_set_survives_the_disk() {
    let (_guard, path) = saved();
    let set = CredentialSet::load(&path).unwrap();
    for method in [DaMethod::Certificate, DaMethod::Password] {
        assert!(set.has(method) && set.credential(method).is_some());
        let object = set.object(method).unwrap().unwrap().to_obk(true).unwrap().to_bytes();
        let name = if method == DaMethod::Certificate { CERTIFICATE_OBJECT } else { PASSWORD_OBJECT };
        assert_eq!(fs::read(path.join(name)).unwrap(), *object);
    }
}

#[cfg(unix)]
#[test]
fn secrets_are_their_owner_s_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_guard, path) = saved();
    for name in [ROOT_KEY, INTERMEDIATE_KEY, LEAF_KEY, PASSWORD, PASSWORD_OBJECT] {
        let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let (_guard, path) = saved();
    let before = fs::read(path.join(ROOT_KEY)).unwrap();
    let (set, keys) = CredentialSet::generate(&path).unwrap();
    assert_eq!(set.save(&keys, true).unwrap_err().code(), "file-exists");
    assert_eq!(fs::read(path.join(ROOT_KEY)).unwrap(), before);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (_guard, path) = saved();
    let (_other_guard, other) = saved();
    let swap = |name: &str| fs::copy(other.join(name), path.join(name)).unwrap();
    swap(CERTIFICATE_OBJECT);
    assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "credential-root-mismatch");
    swap(LEAF_KEY);
    assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "credential-key-mismatch");
    fs::write(path.join(LEAF_KEY), "no key").unwrap();
    assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "key-unknown-form");
    fs::write(path.join(LEAF_CHAIN), "no chain").unwrap();
    assert_eq!(CredentialSet::load(&path).unwrap_err().code(), "chain-base64");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(CredentialSet::load(empty.path()).unwrap_err().code(), "credential-file");
}

#[test]
fn no_secret_in_debug() {
    let (_guard, path) = saved();
    let text = format!("{:?}", CredentialSet::load(&path).unwrap());
    let password = fs::read(path.join(PASSWORD)).unwrap();
    assert!(!text.contains(std::str::from_utf8(&password[8..]).unwrap()));
}
