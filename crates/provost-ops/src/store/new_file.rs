//! Files that are to be, and what is said of them once they are.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{FilePath, Secrecy};

/// A file that is to be.
#[derive(Debug)]
pub struct NewFile {
    /// Where.
    pub path: PathBuf,
    /// What is in it. Not shown by `Debug`.
    pub bytes: Content,
    /// Who may read it.
    pub secrecy: Secrecy,
}

/// The content of a file, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Zeroizing<Vec<u8>>);

impl Content {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

impl NewFile {
    /// For everybody to read.
    pub fn public(path: impl Into<PathBuf>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(path.into(), bytes.as_ref(), Secrecy::Public)
    }

    /// For its owner only.
    pub fn secret(path: impl Into<PathBuf>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(path.into(), bytes.as_ref(), Secrecy::Secret)
    }

    fn new(path: PathBuf, bytes: &[u8], secrecy: Secrecy) -> Self {
        Self { path, bytes: Content(Zeroizing::new(bytes.to_vec())), secrecy }
    }

    /// Where it is and how large, for a report.
    pub fn made(&self) -> Made {
        Made {
            path: self.path.clone().into(),
            bytes: self.bytes.bytes().len(),
            secret: self.secrecy == Secrecy::Secret,
        }
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Made {
    /// Where.
    pub path: FilePath,
    /// How large.
    pub bytes: usize,
    /// Whether only its owner may read it.
    pub secret: bool,
}
