//! Where a certificate holds: usage, life cycle, OEM constraint, chip class, one chip.

use core::fmt;

use crate::open_enum::open_enum;

open_enum! {
    /// What a certificate is for.
    Usage: u8 {
        /// Leaves the use to the other certificates of the chain.
        Neutral = 0, "neutral";
        /// Debug authentication.
        Standard = 1, "standard";
        /// Return of a chip to its maker.
        Rma = 2, "RMA";
    }
}

/// The scope fields of a certificate. Zero is neutral in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the five fields of the format")]
pub struct Scope {
    /// What the certificate is for.
    pub usage: Usage,
    /// PSA life-cycle word, 0 for any.
    pub lifecycle: u16,
    /// OEM constraint, 0 for none.
    pub oem_constraint: u16,
    /// Class of chips, 0 for any; DEV_ID on STM32 (0x484: STM32H56x/573, 0x478: STM32H52x/53x).
    pub soc_class: u32,
    /// One chip, zeros for any.
    pub soc_id: [u8; 16],
}

/// A field of [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScopeField {
    /// What the certificate is for.
    Usage,
    /// The PSA life-cycle word.
    Lifecycle,
    /// OEM constraint.
    OemConstraint,
    /// Class of chips.
    SocClass,
    /// The unique id of one chip.
    SocId,
}

impl fmt::Display for ScopeField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usage => "usage",
            Self::Lifecycle => "lifecycle",
            Self::OemConstraint => "oem_constraint",
            Self::SocClass => "soc_class",
            Self::SocId => "soc_id",
        })
    }
}

impl Scope {
    /// Holds everywhere.
    pub const NEUTRAL: Self =
        Self { usage: Usage::Neutral, lifecycle: 0, oem_constraint: 0, soc_class: 0, soc_id: [0; 16] };

    /// Holds for debug authentication everywhere: what ST's tool writes unless told otherwise.
    pub const STANDARD: Self = Self { usage: Usage::Standard, ..Self::NEUTRAL };

    /// What holds under both scopes.
    ///
    /// # Errors
    /// The field in which both are not neutral and differ (psa-arch-tests S_ADAC_013).
    pub fn merge(self, other: Self) -> Result<Self, ScopeField> {
        fn field<T: PartialEq>(a: T, b: T, neutral: T, field: ScopeField) -> Result<T, ScopeField> {
            if a == neutral || a == b {
                Ok(b)
            } else if b == neutral {
                Ok(a)
            } else {
                Err(field)
            }
        }
        Ok(Self {
            usage: field(self.usage, other.usage, Usage::Neutral, ScopeField::Usage)?,
            lifecycle: field(self.lifecycle, other.lifecycle, 0, ScopeField::Lifecycle)?,
            oem_constraint: field(self.oem_constraint, other.oem_constraint, 0, ScopeField::OemConstraint)?,
            soc_class: field(self.soc_class, other.soc_class, 0, ScopeField::SocClass)?,
            soc_id: field(self.soc_id, other.soc_id, [0; 16], ScopeField::SocId)?,
        })
    }

    /// Whether this scope holds for a chip, described by a scope without neutral fields.
    ///
    /// # Errors
    /// The first field that does not hold.
    pub fn admits(self, chip: Self) -> Result<(), ScopeField> {
        let admits = |holds: bool, field| if holds { Ok(()) } else { Err(field) };
        admits(self.usage == Usage::Neutral || self.usage == chip.usage, ScopeField::Usage)?;
        admits(self.lifecycle == 0 || self.lifecycle == chip.lifecycle, ScopeField::Lifecycle)?;
        admits(self.oem_constraint == 0 || self.oem_constraint == chip.oem_constraint, ScopeField::OemConstraint)?;
        admits(self.soc_class == 0 || self.soc_class == chip.soc_class, ScopeField::SocClass)?;
        admits(self.soc_id == [0; 16] || self.soc_id == chip.soc_id, ScopeField::SocId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutral_fields_take_the_other_value() {
        let bound =
            Scope { soc_class: 0x478, soc_id: [1; 16], lifecycle: 0x2071, oem_constraint: 7, usage: Usage::Rma };
        assert_eq!(Scope::NEUTRAL.merge(bound), Ok(bound));
        assert_eq!(bound.merge(Scope::NEUTRAL), Ok(bound));
        assert_eq!(bound.merge(bound), Ok(bound));
    }

    #[test]
    fn each_conflict_and_each_mismatch_is_named() {
        let chip =
            Scope { soc_class: 0x484, soc_id: [1; 16], lifecycle: 0x2071, oem_constraint: 7, usage: Usage::Standard };
        let table = [
            (Scope { usage: Usage::Rma, ..chip }, ScopeField::Usage),
            (Scope { lifecycle: 0x3027, ..chip }, ScopeField::Lifecycle),
            (Scope { oem_constraint: 8, ..chip }, ScopeField::OemConstraint),
            (Scope { soc_class: 0x478, ..chip }, ScopeField::SocClass),
            (Scope { soc_id: [2; 16], ..chip }, ScopeField::SocId),
        ];
        for (other, field) in table {
            assert_eq!(chip.merge(other), Err(field));
            assert_eq!(other.admits(chip), Err(field));
        }
        assert_eq!(Scope::NEUTRAL.admits(chip), Ok(()));
        assert_eq!(chip.admits(chip), Ok(()));
    }
}
