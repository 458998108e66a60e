//! What Debug Authentication does besides the way back to Open: debug opened without erasing, closed again, and the way back to
//! TZ-Closed.

mod close_debug;
mod error;
mod open;
mod tz_regression;

pub use close_debug::{Closed, close_debug};
pub use error::AccessError;
pub use open::{Opened, open_debug};
pub use tz_regression::{SCHEMA as TZ_RECEIPT_SCHEMA, TzEnded, TzReceipt, TzWish, tz_regression};

use provost_adac::permission::Permission;
use provost_chip::states::{DaMethod, ProductState};

use crate::{
    credential::{CredentialSet, Proof, masks},
    drive::{debug_auth::Conversation, identify::Identity},
    fault::{Result, fail},
};

/// What a set has for a permission that takes a certificate; looked at before the chip is touched.
fn proof(set: &CredentialSet, permission: Permission) -> Result<Proof<'_>> {
    let Some(proof) = set.certificate_for(permission) else {
        return fail(AccessError::NoCertificate { permission });
    };
    match masks(set.chain(), None).withheld_by(permission) {
        Some(by) => fail(AccessError::Withheld { permission, by }),
        None => Ok(proof),
    }
}

/// Whether there is anything to authenticate for. A product state that waits for a reset would take effect on the way.
fn is_closed(identity: &Identity) -> Result<()> {
    identity.nothing_pending()?;
    match identity.state()? {
        Some(ProductState::Open) => fail(AccessError::IsOpen),
        _ => Ok(()),
    }
}

/// Whether the chip can grant it, by what it says of itself.
fn may_grant(conversation: &Conversation, permission: Permission) -> Result<()> {
    if conversation.method() == Some(DaMethod::Password) {
        return fail(AccessError::AsksForPassword { permission });
    }
    if !conversation.is_valid() {
        return fail(AccessError::NothingProvisioned { integrity: conversation.integrity() });
    }
    if !conversation.lists(permission) {
        return fail(AccessError::NotListed { permission });
    }
    Ok(())
}
