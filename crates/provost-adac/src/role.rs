//! The three places of a certificate in its chain (Arm `psa_adac.h`).

use core::fmt;

/// Place of a certificate in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three places that the format knows")]
pub enum Role {
    /// First, signed by its own key, whose hash is provisioned in the chip.
    Root,
    /// Any number between root and leaf.
    Intermediate,
    /// Last: its key signs the token.
    Leaf,
}

impl Role {
    /// The value in a certificate: 1, 2 or 3.
    pub const fn value(self) -> u8 {
        match self {
            Self::Root => 1,
            Self::Intermediate => 2,
            Self::Leaf => 3,
        }
    }

    pub(crate) const fn from_value(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Root),
            2 => Some(Self::Intermediate),
            3 => Some(Self::Leaf),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
            Self::Leaf => "leaf",
        })
    }
}
