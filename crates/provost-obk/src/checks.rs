//! What speaks against writing objects to a chip. Every function gives all it finds, not the first.
//!
//! A chip takes nearly every object and says so: what is wrong shows when it has been closed and does not open again. So these are
//! asked before anything is written. Codes are stable; a finding that refuses may be overruled by a person who knows better, by its code.

mod finding;
mod objects;
mod sets;
mod stirot;

use provost_chip::parts::PartId;
use provost_chip::states::{BootUbe, DaMethod, ProductState, TrustZone};

pub use finding::{Check, Finding, Severity};

use crate::obk::{HEADER_BYTES, Obk, violations};

/// The chip that objects are meant for, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct Target {
    /// The part on the board.
    pub part: PartId,
    /// TZEN.
    pub trustzone: Option<TrustZone>,
    /// BOOT_UBE as it will be when the chip leaves Provisioning.
    pub boot_ube: Option<BootUbe>,
    /// The product state it is to reach.
    pub final_state: Option<ProductState>,
    /// What the hash in a Debug Authentication object is of, where somebody knows: the bytes do not tell.
    pub da_method: Option<DaMethod>,
}

impl Target {
    /// A part of which nothing more is known.
    pub const fn new(part: PartId) -> Self {
        Self { part, trustzone: None, boot_ube: None, final_state: None, da_method: None }
    }
}

/// Checks a file that may not even be one.
pub fn file(bytes: &[u8], target: &Target) -> Vec<Finding> {
    let broken = violations(bytes);
    if broken.is_empty()
        && let Ok(obk) = Obk::parse(bytes)
    {
        return object(&obk, target);
    }
    let destination = bytes.first_chunk::<HEADER_BYTES>().map(|&[a, b, c, d, ..]| u32::from_le_bytes([a, b, c, d]));
    let found = broken.into_iter().map(|error| Finding {
        check: Check::Format,
        destination,
        offset: Some(error.offset),
        detail: format!("{} ({})", error.rule, error.code()),
    });
    found.chain(objects::storage(destination, target)).collect()
}

/// Checks one object for itself.
pub fn object(obk: &Obk, target: &Target) -> Vec<Finding> {
    objects::check(obk, target)
}

/// Checks one object that is to say who may authenticate. Elsewhere than there nothing else of it matters. Without a target, only
/// what holds for every part.
pub fn debug_authentication(obk: &Obk, target: Option<&Target>) -> Vec<Finding> {
    match (objects::elsewhere(obk), target) {
        (Some(elsewhere), _) => vec![elsewhere],
        (None, Some(target)) => object(obk, target),
        (None, None) => objects::for_any_part(obk),
    }
}

/// Checks objects that are to be on a chip together, each for itself and all with each other.
pub fn set(objects: &[Obk], target: &Target) -> Vec<Finding> {
    let mut found: Vec<Finding> = objects.iter().flat_map(|obk| object(obk, target)).collect();
    found.extend(sets::check(objects, target));
    found
}

/// Whether one of the findings refuses.
pub fn refused(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity() == Severity::Refuse)
}
