//! How a builder gets at the files that a description names.

use std::io;

use zeroize::Zeroizing;

/// Most bytes of a file that a description may name: more than any key file and than the whole storage.
pub const MAX_BYTES: usize = 0x1_0000;

/// Where the files lie that a description names.
///
/// Paths arrive as they stand in the description, with `\` turned into `/`; they are relative to the folder of the description. A
/// closure `Fn(&str) -> io::Result<Zeroizing<Vec<u8>>>` will do.
pub trait Files {
    /// The contents of a file.
    ///
    /// # Errors
    /// Those of the file system.
    fn read(&self, path: &str) -> io::Result<Zeroizing<Vec<u8>>>;
}

impl<F: Fn(&str) -> io::Result<Zeroizing<Vec<u8>>>> Files for F {
    fn read(&self, path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        self(path)
    }
}

/// No files at all: for descriptions that name none.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "has nothing in it, and never will")]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// `path` with `/` only, as every system takes it.
pub(crate) fn portable(path: &str) -> String {
    path.trim().replace('\\', "/")
}

/// Whether a path names a PEM file: what decides between key and plain contents, in ST's tool too.
pub(crate) fn is_pem(path: &str) -> bool {
    path.len() >= 4 && path.as_bytes()[path.len() - 4..].eq_ignore_ascii_case(b".pem")
}

/// Reads a file, and refuses one that is larger than anything it could be.
pub(crate) fn read(files: &dyn Files, path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let bytes = files.read(path)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}
