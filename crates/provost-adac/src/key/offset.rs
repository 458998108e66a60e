//! Where in a key file the element stands that is to blame.

use super::{KeyError, KeyForm, KeyRule};

/// Where `inner`, a part of `outer`, starts in it.
pub(super) fn place(outer: &[u8], inner: &[u8]) -> usize {
    inner.as_ptr().addr().saturating_sub(outer.as_ptr().addr()).min(outer.len())
}

/// Where the reader of DER stopped: at the element to blame, or just behind it.
fn position(error: &der::Error) -> usize {
    error.position().and_then(|at| usize::try_from(at).ok()).unwrap_or(0)
}

/// A DER error as ours, `base` bytes into the input.
pub(super) fn der_error(form: KeyForm, base: usize) -> impl Fn(der::Error) -> KeyError {
    move |error| KeyError::Broken { offset: base + position(&error), form, rule: KeyRule::Der }
}

/// Where the AlgorithmIdentifier starts: behind the outer header, and the version if there is one.
pub(super) fn algorithm_offset(bytes: &[u8], version_bytes: usize) -> usize {
    let header = match bytes.get(1) {
        Some(length @ 0x81..) => 2 + usize::from(length & 0x7F),
        _ => 2,
    };
    header + version_bytes
}
