//! Who else can get at a credential: what its folder and its files let others do.

use std::{fmt, fs, path::Path};

use serde::Serialize;

use super::{H503_OTP, H503_PASSWORD, KEYS, PASSWORD, PASSWORD_OBJECT};

/// Files of a set that nobody but its owner may read.
const SECRETS: [&str; 7] = [KEYS[0], KEYS[1], KEYS[2], PASSWORD, PASSWORD_OBJECT, H503_PASSWORD, H503_OTP];

/// How others can get at something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Exposed {
    /// A file that others may read or write.
    Mode {
        /// Its name.
        name: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that belongs to somebody else.
    Owner {
        /// Its name.
        name: String,
        /// Its owner's number.
        owner: u32,
    },
    /// The folder: others may put other files in place of those in it.
    Folder {
        /// Its permission bits.
        mode: u32,
    },
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode { name, mode } => write!(f, "{name} has mode {mode:o}: others may read it (chmod 600)"),
            Self::Owner { name, owner } => write!(f, "{name} belongs to user {owner}, who may read and change it"),
            Self::Folder { mode } => {
                write!(f, "the folder has mode {mode:o}: others may exchange the files in it (chmod 700)")
            }
        }
    }
}

/// What lets others get at the secrets of a set. Nothing is known of it where files have no modes.
pub fn exposed(folder: &Path) -> Vec<Exposed> {
    let mut all = Vec::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let me = rustix::process::geteuid().as_raw();
        let bits = |meta: &fs::Metadata| meta.mode() & 0o7777;
        if let Ok(meta) = fs::metadata(folder)
            && bits(&meta) & 0o022 != 0
        {
            all.push(Exposed::Folder { mode: bits(&meta) });
        }
        for name in SECRETS {
            let Ok(meta) = fs::metadata(folder.join(name)) else { continue };
            if bits(&meta) & 0o077 != 0 {
                all.push(Exposed::Mode { name: name.to_owned(), mode: bits(&meta) });
            }
            // The administrator reads everything anyway, and works for others.
            if meta.uid() != me && me != 0 && meta.uid() != 0 {
                all.push(Exposed::Owner { name: name.to_owned(), owner: meta.uid() });
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, &mut all, fs::metadata::<&Path>, SECRETS);
    all
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_others_may_read_or_exchange_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for name in SECRETS {
            fs::write(folder.path().join(name), "").unwrap();
            mode(&folder.path().join(name), 0o600);
        }
        mode(folder.path(), 0o755);
        assert!(exposed(folder.path()).is_empty(), "others may look, and neither read nor write");
        for name in SECRETS {
            for bits in [0o640, 0o604, 0o620, 0o602] {
                mode(&folder.path().join(name), bits);
                assert_eq!(exposed(folder.path()), [Exposed::Mode { name: name.to_owned(), mode: bits }]);
            }
            mode(&folder.path().join(name), 0o600);
        }
        for bits in [0o720, 0o702, 0o777] {
            mode(folder.path(), bits);
            assert_eq!(exposed(folder.path()), [Exposed::Folder { mode: bits }]);
        }
    }
}
