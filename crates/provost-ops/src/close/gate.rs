//! The gates between Provisioning and the final state: what a discovery must show.

use provost_chip::{
    states::{DaMethod, ProductState},
    unique_id::UniqueId,
};

use super::CloseError;
use crate::{
    drive::debug_auth::Conversation,
    fault::{Result, fail},
};

/// The gate that is shut, if one is.
pub(super) fn shut(conversation: &Conversation, held: DaMethod) -> Option<(&'static str, String)> {
    let state = conversation.product_state();
    if let Some(state) = state.filter(|s| *s != ProductState::Provisioning) {
        return Some(("P-IN-PROVISIONING", format!("discovery says {state}")));
    }
    if !conversation.is_valid() {
        return Some(("P-DA-VALID", format!("integrity {:#010x}", conversation.integrity())));
    }
    if !conversation.lists_full_regression() {
        return Some(("P-DA-PERMISSION", "Full Regression is not listed".to_owned()));
    }
    match conversation.method() {
        Some(method) if method != held => {
            Some(("P-DA-METHOD", format!("the chip asks for a {method}, a {held} is held")))
        }
        _ => None,
    }
}

/// Rule P-SAME-CHIP. Some chips show zeros; in which order the words stand was read off one log, so any order will do.
///
/// # Errors
/// The chip is another one.
pub(super) fn same_chip(conversation: &Conversation, expected: UniqueId) -> Result<()> {
    match conversation.unique_id() {
        Some(found) if !found.same_words(expected) => {
            let found = format!("{expected} was meant, discovery shows {found}");
            fail(CloseError::Gate { rule: "P-SAME-CHIP", found })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use provost_adac::{
        crypto::CryptoSystem,
        discovery::{Discovery, Integrity},
        lifecycle::{Lifecycle, LifecycleForm},
        permission::PermissionMask,
    };

    use super::*;

    fn told(change: impl FnOnce(&mut Discovery)) -> Option<&'static str> {
        let mut discovery = Discovery {
            psa_lifecycle: Some(Lifecycle::Provisioning.encode(LifecycleForm::NibbleSwapped)),
            permissions_mask: Some(PermissionMask::STM32H5),
            cryptosystems: Some(vec![CryptoSystem::EcdsaP256Sha256]),
            integrity: Some(Integrity::Valid),
            ..Discovery::default()
        };
        change(&mut discovery);
        shut(&Conversation::told(discovery), DaMethod::Certificate).map(|(rule, _)| rule)
    }

    #[test]
    fn each_gate_shuts_alone() {
        assert_eq!(told(|_| ()), None);
        let closed = Lifecycle::Closed.encode(LifecycleForm::NibbleSwapped);
        assert_eq!(told(|d| d.psa_lifecycle = Some(closed)), Some("P-IN-PROVISIONING"));
        assert_eq!(told(|d| d.integrity = Some(Integrity::Invalid)), Some("P-DA-VALID"));
        assert_eq!(told(|d| d.integrity = None), Some("P-DA-VALID"));
        assert_eq!(told(|d| d.permissions_mask = Some(PermissionMask(0x1077))), Some("P-DA-PERMISSION"));
        assert_eq!(told(|d| d.cryptosystems = Some(vec![CryptoSystem::StPassword])), Some("P-DA-METHOD"));
    }

    #[test]
    fn another_chip_is_told_by_its_id_and_zeros_say_nothing() {
        let expected = UniqueId::new([1, 2, 3]).unwrap();
        let shows = |words: [u32; 3]| {
            let mut soc_id = [0; 16];
            soc_id.chunks_exact_mut(4).zip(words).for_each(|(slot, word)| slot.copy_from_slice(&word.to_le_bytes()));
            same_chip(&Conversation::told(Discovery { soc_id: Some(soc_id), ..Discovery::default() }), expected)
        };
        assert!(shows([1, 2, 3]).is_ok() && shows([3, 2, 1]).is_ok() && shows([0; 3]).is_ok());
        assert_eq!(shows([1, 2, 4]).unwrap_err().code(), "close-gate");
    }
}
