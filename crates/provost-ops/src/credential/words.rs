//! The words in which a person says what a certificate shall hold: permissions, class, one chip, life cycle.

use provost_adac::{
    lifecycle::{Lifecycle, LifecycleForm},
    permission::{Permission, PermissionMask},
};
use provost_chip::{parts::PartId, states::ProductState};
pub use provost_obk::config::permission_word;

use super::SetError;

/// One permission: a word, or the number of its bit.
///
/// # Errors
/// [`SetError::UnknownPermission`].
pub fn permission(word: &str) -> Result<Permission, SetError> {
    let by_word = Permission::ALL.into_iter().find(|p| permission_word(*p).eq_ignore_ascii_case(word));
    by_word.or_else(|| word.parse().ok().and_then(Permission::from_bit)).ok_or_else(|| SetError::UnknownPermission {
        word: word.chars().take(40).collect(),
        known: Permission::ALL.map(permission_word).join(", "),
    })
}

/// A mask: words or bit numbers separated by commas, `all`, or the mask itself in hexadecimal.
///
/// # Errors
/// [`SetError::UnknownPermission`].
pub fn permissions(text: &str) -> Result<PermissionMask, SetError> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(PermissionMask::STM32H5);
    }
    if let Some(mask) = text.strip_prefix("0x").and_then(|digits| u128::from_str_radix(digits, 16).ok()) {
        return Ok(PermissionMask(mask));
    }
    text.split(',').map(|word| permission(word.trim())).collect()
}

/// A class of chips: a part, or its DEV_ID in hexadecimal.
///
/// # Errors
/// [`SetError::Field`].
pub fn soc_class(text: &str) -> Result<u32, SetError> {
    let by_part = || text.parse::<PartId>().ok().map(|p| u32::from(p.info().dev_id));
    hexadecimal(text).or_else(by_part).ok_or_else(|| field("soc_class", text, "a DEV_ID such as 0x484, or a part"))
}

/// One chip, as ST's tool and `auth discover` print it: highest word first.
///
/// # Errors
/// [`SetError::Field`].
pub fn soc_id(text: &str) -> Result<[u8; 16], SetError> {
    let digits = text.strip_prefix("0x").unwrap_or(text).replace('_', "");
    let value = Some(&digits).filter(|d| d.len() <= 32).and_then(|d| u128::from_str_radix(d, 16).ok());
    let expected = "up to 32 hexadecimal digits as `provost auth discover` prints them, such as 0x00000000_38363236_33325117_003D005E";
    value.map(u128::to_le_bytes).ok_or_else(|| field("soc_id", text, expected))
}

/// A life-cycle word in hexadecimal, or a product state, in the form of ST's STM32CubeN6 code.
///
/// # Errors
/// [`SetError::Field`].
pub fn lifecycle(text: &str) -> Result<u16, SetError> {
    if let Ok(state) = text.parse::<ProductState>() {
        let lifecycle = match state {
            ProductState::Open => Lifecycle::Open,
            ProductState::Provisioning => Lifecycle::Provisioning,
            ProductState::IrotProvisioned => Lifecycle::IrotProvisioned,
            ProductState::TzClosed => Lifecycle::TzClosed,
            ProductState::Closed => Lifecycle::Closed,
            ProductState::Locked => Lifecycle::Locked,
        };
        return Ok(lifecycle.encode(LifecycleForm::NibbleSwapped));
    }
    small(text).ok_or_else(|| field("lifecycle", text, "a word such as 0x3027, or a product state such as closed"))
}

/// An OEM constraint.
///
/// # Errors
/// [`SetError::Field`].
pub fn oem_constraint(text: &str) -> Result<u16, SetError> {
    small(text).ok_or_else(|| field("oem_constraint", text, "a number from 0 to 0xFFFF"))
}

fn small(text: &str) -> Option<u16> {
    hexadecimal(text).and_then(|v| u16::try_from(v).ok()).or_else(|| text.parse().ok())
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn field(field: &'static str, word: &str, expected: &'static str) -> SetError {
    SetError::Field { field, word: word.chars().take(60).collect(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault as _;

    #[test]
    fn masks_are_said_in_three_ways() {
        assert_eq!(permissions("all").unwrap(), PermissionMask(0x5077));
        assert_eq!(permissions("0x5000").unwrap(), PermissionMask(0x5000));
        assert_eq!(permissions("full-regression, 12").unwrap(), PermissionMask(0x5000));
        assert_eq!(permissions("level-1-intrusive-non-secure-debug").unwrap(), PermissionMask(1));
        for wrong in ["", "13", "0x", "everything", "full-regression,"] {
            assert_eq!(permissions(wrong).unwrap_err().code(), "credential-permission", "{wrong}");
        }
        for permission in Permission::ALL {
            assert_eq!(super::permission(&permission_word(permission)).unwrap(), permission);
        }
    }

    #[test]
    fn scope_fields_are_read_as_they_are_printed() {
        assert_eq!(soc_class("STM32H563ZI").unwrap(), 0x484);
        assert_eq!(soc_class("0x478").unwrap(), 0x478);
        // UID words 0x003D005E 0x33325117 0x38363236, as ST's tool prints them for a real STM32H563.
        let id = soc_id("0x00000000_38363236_33325117_003D005E").unwrap();
        assert_eq!(id[..4], 0x003D_005Eu32.to_le_bytes());
        assert_eq!(id[8..12], 0x3836_3236u32.to_le_bytes());
        assert_eq!(lifecycle("closed").unwrap(), 0x3027);
        assert_eq!(lifecycle("0x2071").unwrap(), 0x2071);
        for error in [
            soc_class("H7").err(),
            soc_id("xyz").err(),
            soc_id(&"0".repeat(33)).err(),
            lifecycle("shut").err(),
            oem_constraint("70000").err(),
        ] {
            assert_eq!(error.unwrap().code(), "credential-field");
        }
    }
}
