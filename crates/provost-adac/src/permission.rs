//! Debug permissions and the 128-bit masks that grant or withhold them.
//!
//! STM32H5 grants what *every* mask grants: the product's, the provisioned object's, each certificate's and the token's
//! (AN6008 §5.4.3). Bits 14, 12 and 6 are as STM32CubeProgrammer prints them on real STM32H563; the others follow from the order of
//! its list and ST's default mask 0x5077.

use core::fmt;
use core::ops::{BitAnd, BitOr, Not};

use crate::role::Role;

/// Something a debugger may be allowed on STM32H5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// Erase everything of the user's and return to Open.
    FullRegression,
    /// Erase the non-secure side and return to TZ-Closed.
    TzRegression,
    /// Secure and non-secure debug once firmware has reached HDPL 3.
    IntrusiveDebugLevel3,
    /// Secure and non-secure debug once firmware has reached HDPL 2.
    IntrusiveDebugLevel2,
    /// Secure and non-secure debug once firmware has reached HDPL 1.
    IntrusiveDebugLevel1,
    /// Non-secure debug once firmware has reached HDPL 3.
    NonSecureDebugLevel3,
    /// Non-secure debug once firmware has reached HDPL 2.
    NonSecureDebugLevel2,
    /// Non-secure debug once firmware has reached HDPL 1.
    NonSecureDebugLevel1,
}

impl Permission {
    /// Every permission of STM32H5, from the highest bit to the lowest, which is the order of ST's list.
    pub const ALL: [Self; 8] = [
        Self::FullRegression,
        Self::TzRegression,
        Self::IntrusiveDebugLevel3,
        Self::IntrusiveDebugLevel2,
        Self::IntrusiveDebugLevel1,
        Self::NonSecureDebugLevel3,
        Self::NonSecureDebugLevel2,
        Self::NonSecureDebugLevel1,
    ];

    /// Its bit in a mask.
    pub const fn bit(self) -> u8 {
        match self {
            Self::FullRegression => 14,
            Self::TzRegression => 12,
            Self::IntrusiveDebugLevel3 => 6,
            Self::IntrusiveDebugLevel2 => 5,
            Self::IntrusiveDebugLevel1 => 4,
            Self::NonSecureDebugLevel3 => 2,
            Self::NonSecureDebugLevel2 => 1,
            Self::NonSecureDebugLevel1 => 0,
        }
    }

    /// The permission of a bit, if STM32H5 has one there.
    pub fn from_bit(bit: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.bit() == bit)
    }

    /// The name STM32CubeProgrammer prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullRegression => "Full Regression",
            Self::TzRegression => "To TZ Regression",
            Self::IntrusiveDebugLevel3 => "Level 3 Intrusive Debug",
            Self::IntrusiveDebugLevel2 => "Level 2 Intrusive Debug",
            Self::IntrusiveDebugLevel1 => "Level 1 Intrusive Debug",
            Self::NonSecureDebugLevel3 => "Level 3 Intrusive Non Secure Debug",
            Self::NonSecureDebugLevel2 => "Level 2 Intrusive Non Secure Debug",
            Self::NonSecureDebugLevel1 => "Level 1 Intrusive Non Secure Debug",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions: 128 bits, 16 little-endian bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "128 bits with a name")]
pub struct PermissionMask(pub u128);

impl PermissionMask {
    /// No permission.
    pub const NONE: Self = Self(0);
    /// All 128 bits.
    pub const ALL: Self = Self(u128::MAX);
    /// Every permission of STM32H5, 0x5077: the default of ST's DA_Config.xml.
    pub const STM32H5: Self = Self(0x5077);

    /// From the 16 bytes of the wire.
    pub const fn from_le_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// The 16 bytes of the wire.
    pub const fn to_le_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// True without any bit.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if every bit of `other` is set here.
    pub fn contains(self, other: impl Into<Self>) -> bool {
        let other = other.into();
        self & other == other
    }

    /// Sets the bits of `other`.
    pub fn insert(&mut self, other: impl Into<Self>) {
        *self = *self | other.into();
    }

    /// Clears the bits of `other`.
    pub fn remove(&mut self, other: impl Into<Self>) {
        *self = *self & !other.into();
    }

    /// The permissions of STM32H5 in this mask, from the highest bit to the lowest.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |&permission| self.contains(permission))
    }

    /// The bits that are no permission of STM32H5.
    pub fn unnamed(self) -> Self {
        self & !Self::STM32H5
    }

    /// The letter STM32CubeProgrammer gives to a permission in the list of this mask: `a` for the first. Another mask shifts the
    /// letters, so the bit number is the name to prefer.
    pub fn letter(self, permission: Permission) -> Option<char> {
        let position = self.permissions().position(|listed| listed == permission)?;
        ('a'..='z').nth(position)
    }
}

impl From<Permission> for PermissionMask {
    fn from(permission: Permission) -> Self {
        Self(1 << permission.bit())
    }
}

impl FromIterator<Permission> for PermissionMask {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, |mask, permission| mask | permission.into())
    }
}

impl BitAnd for PermissionMask {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for PermissionMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Not for PermissionMask {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Display for PermissionMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// Whose mask it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaskSource {
    /// The product: fixed by ST.
    Product,
    /// The provisioned Debug Authentication object.
    Object,
    /// A certificate of the chain.
    Certificate {
        /// Position in the chain, the root is 0.
        index: usize,
        /// Its role in the chain.
        role: Role,
    },
    /// The token: what was asked for.
    Token,
}

impl MaskSource {
    /// A short stable name, for machines; all certificates share one.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Object => "object",
            Self::Certificate { .. } => "certificate",
            Self::Token => "token",
        }
    }
}

impl fmt::Display for MaskSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product => f.write_str("product"),
            Self::Object => f.write_str("provisioned object"),
            Self::Certificate { index, role } => write!(f, "{role} certificate ({index})"),
            Self::Token => f.write_str("token"),
        }
    }
}

/// A mask with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a row that its user fills in")]
pub struct NamedMask {
    /// Whose mask it is.
    pub source: MaskSource,
    /// The permissions it leaves.
    pub mask: PermissionMask,
}

/// The intersection of masks that still knows who withheld what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    masks: Vec<NamedMask>,
}

impl Effective {
    /// Adds one more mask to the intersection.
    pub fn and(&mut self, source: MaskSource, mask: PermissionMask) {
        self.masks.push(NamedMask { source, mask });
    }

    /// What all masks grant; everything if there is none.
    pub fn mask(&self) -> PermissionMask {
        self.masks.iter().fold(PermissionMask::ALL, |all, named| all & named.mask)
    }

    /// The first mask that withholds a bit of `wanted`.
    pub fn withheld_by(&self, wanted: impl Into<PermissionMask>) -> Option<MaskSource> {
        let wanted = wanted.into();
        self.masks.iter().find(|named| !named.mask.contains(wanted)).map(|named| named.source)
    }

    /// Every mask that withholds a bit of `wanted`, in the order they were added.
    pub fn withholders(&self, wanted: impl Into<PermissionMask>) -> impl Iterator<Item = MaskSource> {
        let wanted = wanted.into();
        self.masks.iter().filter(move |named| !named.mask.contains(wanted)).map(|named| named.source)
    }

    /// What becomes of each permission of STM32H5, from the highest bit to the lowest.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |permission| Verdict { permission, withheld_by: self.withholders(permission).collect() };
        Permission::ALL.map(verdict).into()
    }

    /// The masks, in the order they were added.
    pub fn masks(&self) -> &[NamedMask] {
        &self.masks
    }
}

/// What becomes of one permission under all masks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The permission this is about.
    pub permission: Permission,
    /// The masks that withhold it; it is granted if there is none.
    pub withheld_by: Vec<MaskSource>,
}

impl Verdict {
    /// True if every mask grants the permission.
    pub fn is_granted(&self) -> bool {
        self.withheld_by.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.permission)?;
        match self.withheld_by.split_first() {
            None => f.write_str("granted"),
            Some((first, rest)) => {
                write!(f, "withheld by {first}")?;
                rest.iter().try_for_each(|source| write!(f, ", {source}"))
            }
        }
    }
}

impl Extend<NamedMask> for Effective {
    fn extend<I: IntoIterator<Item = NamedMask>>(&mut self, masks: I) {
        self.masks.extend(masks);
    }
}

/// The intersection of `masks`.
pub fn effective(masks: impl IntoIterator<Item = NamedMask>) -> Effective {
    Effective { masks: masks.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sts_default_mask_has_every_permission_with_sts_letters() {
        let mask: PermissionMask = Permission::ALL.into_iter().collect();
        assert_eq!(mask, PermissionMask::STM32H5);
        assert_eq!(mask.to_le_bytes()[..3], [0x77, 0x50, 0x00]);
        let letters: String = Permission::ALL.iter().filter_map(|&p| mask.letter(p)).collect();
        assert_eq!(letters, "abcdefgh");
        // "(a/14) ==> Full Regression", "(b/12)": printed for a real STM32H563.
        assert_eq!(mask.letter(Permission::FullRegression), Some('a'));
        assert_eq!(mask.letter(Permission::TzRegression), Some('b'));
    }

    #[test]
    fn letters_follow_the_list_of_the_mask() {
        let mask = PermissionMask(0x5000);
        assert_eq!(mask.letter(Permission::TzRegression), Some('b'));
        assert_eq!(PermissionMask(0x1000).letter(Permission::TzRegression), Some('a'));
        assert_eq!(mask.letter(Permission::IntrusiveDebugLevel1), None);
    }

    #[test]
    fn bits_outside_stm32h5_are_kept_and_told_apart() {
        // STM32H7RS uses bit 127.
        let mask = PermissionMask::from_le_bytes([0x07, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
        assert_eq!(mask.0, 0x8000_0000_0000_0000_0000_0000_0000_5007);
        assert_eq!(mask.unnamed(), PermissionMask(1 << 127));
        assert_eq!(Permission::from_bit(127), None);
        assert_eq!(Permission::from_bit(14), Some(Permission::FullRegression));
    }

    #[test]
    fn set_operations() {
        let mut mask = PermissionMask::STM32H5;
        mask.remove(Permission::FullRegression);
        assert_eq!(mask, PermissionMask(0x1077));
        assert!(!mask.contains(Permission::FullRegression) && mask.contains(Permission::TzRegression));
        mask.insert(Permission::FullRegression);
        assert_eq!(mask, PermissionMask::STM32H5);
    }

    #[test]
    fn effective_names_the_mask_that_withholds() {
        let leaf = MaskSource::Certificate { index: 1, role: Role::Leaf };
        let effective = effective([
            NamedMask { source: MaskSource::Product, mask: PermissionMask(0x5077) },
            NamedMask { source: MaskSource::Object, mask: PermissionMask(0x5007) },
            NamedMask { source: leaf, mask: PermissionMask(0x1077) },
        ]);
        assert_eq!(effective.mask(), PermissionMask(0x1007));
        assert_eq!(effective.withheld_by(Permission::FullRegression), Some(leaf));
        assert_eq!(effective.withheld_by(Permission::IntrusiveDebugLevel1), Some(MaskSource::Object));
        assert_eq!(effective.withheld_by(Permission::TzRegression), None);
        assert_eq!(leaf.to_string(), "leaf certificate (1)");
    }

    #[test]
    fn a_verdict_names_every_mask_that_withholds() {
        let leaf = MaskSource::Certificate { index: 1, role: Role::Leaf };
        let verdicts = effective([
            NamedMask { source: MaskSource::Product, mask: PermissionMask(0x5077) },
            NamedMask { source: MaskSource::Object, mask: PermissionMask(0x5007) },
            NamedMask { source: leaf, mask: PermissionMask(0x1007) },
            NamedMask { source: MaskSource::Token, mask: PermissionMask(0x1000) },
        ])
        .verdicts();
        let of = |bit| verdicts.iter().find(|verdict| verdict.permission.bit() == bit).unwrap();
        assert_eq!(verdicts.len(), 8);
        assert!(of(12).is_granted());
        assert_eq!(of(14).withheld_by, [leaf, MaskSource::Token]);
        assert_eq!(of(6).withheld_by, [MaskSource::Object, leaf, MaskSource::Token]);
        assert_eq!(of(0).withheld_by, [MaskSource::Token]);
        assert_eq!(of(12).to_string(), "To TZ Regression: granted");
        assert_eq!(of(14).to_string(), "Full Regression: withheld by leaf certificate (1), token");
    }
}
