//! The PSA life-cycle word of a discovery and ST's product states behind it.

use core::fmt;

/// A product state of STM32H5, as a life-cycle word tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifecycle {
    /// Open (PRODUCT_STATE 0xED).
    Open,
    /// Provisioning (0x17).
    Provisioning,
    /// iROT-Provisioned (0x2E).
    IrotProvisioned,
    /// TZ-Closed (0xC6).
    TzClosed,
    /// Closed (0x72).
    Closed,
    /// Locked (0x5C).
    Locked,
    /// A word that names no product state, kept as received.
    Unknown(u16),
}

/// How a chip writes a product state into the life-cycle word. Which one STM32H5 uses is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LifecycleForm {
    /// PSA class in the high byte, PRODUCT_STATE with its nibbles swapped in the low byte: 0x2071 (ST, STM32CubeN6).
    NibbleSwapped,
    /// PSA class in the high byte, PRODUCT_STATE as it is in the low byte: 0x2017.
    Raw,
    /// PSA class alone: 0x2000.
    ClassOnly,
}

impl Lifecycle {
    const STATES: [Self; 6] =
        [Self::Open, Self::Provisioning, Self::IrotProvisioned, Self::TzClosed, Self::Closed, Self::Locked];

    /// PSA class and PRODUCT_STATE byte (RM0481; the class of iROT-Provisioned is our reading of the PSA model).
    const fn bytes(self) -> Option<(u8, u8)> {
        Some(match self {
            Self::Open => (0x10, 0xED),
            Self::Provisioning => (0x20, 0x17),
            Self::IrotProvisioned => (0x20, 0x2E),
            Self::TzClosed => (0x30, 0xC6),
            Self::Closed => (0x30, 0x72),
            Self::Locked => (0x30, 0x5C),
            Self::Unknown(_) => return None,
        })
    }

    /// Reads a life-cycle word of any form. The low byte decides, whatever the class: a chip opened for debug keeps its product
    /// state in the low byte under class 0x40 or 0x50. A class alone is enough for Open and Provisioning, not for the closed states.
    pub fn decode(word: u16) -> Self {
        let [low, class] = word.to_le_bytes();
        let is_state = |state: &Self| state.bytes().is_some_and(|(_, byte)| low == byte || low == byte.rotate_left(4));
        match Self::STATES.into_iter().find(is_state) {
            Some(state) => state,
            None if (class, low) == (0x10, 0) => Self::Open,
            None if (class, low) == (0x20, 0) => Self::Provisioning,
            None => Self::Unknown(word),
        }
    }

    /// The life-cycle word.
    pub const fn encode(self, form: LifecycleForm) -> u16 {
        match (self, self.bytes()) {
            (Self::Unknown(word), _) => word,
            (_, None) => 0,
            (_, Some((class, state))) => {
                let low = match form {
                    LifecycleForm::NibbleSwapped => state.rotate_left(4),
                    LifecycleForm::Raw => state,
                    LifecycleForm::ClassOnly => 0,
                };
                u16::from_le_bytes([low, class])
            }
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Open => "OPEN",
            Self::Provisioning => "PROVISIONING",
            Self::IrotProvisioned => "IROT_PROVISIONED",
            Self::TzClosed => "TZ_CLOSED",
            Self::Closed => "CLOSED",
            Self::Locked => "LOCKED",
            Self::Unknown(word) => return write!(f, "ST_LIFECYCLE_UNKNOWN ({word:#06x})"),
        };
        write!(f, "ST_LIFECYCLE_{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let table = [
            (0x10DE, Lifecycle::Open),
            (0x10ED, Lifecycle::Open),
            (0x1000, Lifecycle::Open),
            (0x2071, Lifecycle::Provisioning),
            (0x2017, Lifecycle::Provisioning),
            (0x2000, Lifecycle::Provisioning),
            (0x20E2, Lifecycle::IrotProvisioned),
            (0x306C, Lifecycle::TzClosed),
            (0x3027, Lifecycle::Closed),
            (0x5027, Lifecycle::Closed),
            (0x30C5, Lifecycle::Locked),
            (0x3000, Lifecycle::Unknown(0x3000)),
            (0xFFFF, Lifecycle::Unknown(0xFFFF)),
            (0x0000, Lifecycle::Unknown(0x0000)),
        ];
        for (word, state) in table {
            assert_eq!(Lifecycle::decode(word), state, "{word:#06x}");
        }
    }

    #[test]
    fn words_are_those_of_st() {
        // STM32CubeN6 debug_authentication.c.
        assert_eq!(Lifecycle::Open.encode(LifecycleForm::NibbleSwapped), 0x10DE);
        assert_eq!(Lifecycle::Provisioning.encode(LifecycleForm::NibbleSwapped), 0x2071);
        assert_eq!(Lifecycle::Closed.encode(LifecycleForm::NibbleSwapped), 0x3027);
        assert_eq!(Lifecycle::Provisioning.encode(LifecycleForm::Raw), 0x2017);
        assert_eq!(Lifecycle::Provisioning.encode(LifecycleForm::ClassOnly), 0x2000);
        for state in Lifecycle::STATES {
            assert_eq!(Lifecycle::decode(state.encode(LifecycleForm::NibbleSwapped)), state);
            assert_eq!(Lifecycle::decode(state.encode(LifecycleForm::Raw)), state);
        }
    }

    #[test]
    fn names_are_those_st_prints() {
        assert_eq!(Lifecycle::TzClosed.to_string(), "ST_LIFECYCLE_TZ_CLOSED");
        assert_eq!(Lifecycle::Unknown(0x3000).to_string(), "ST_LIFECYCLE_UNKNOWN (0x3000)");
    }
}
