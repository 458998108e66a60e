//! Product states, TrustZone and the boot entry: the three option fields that decide a chip's life.

use std::{fmt, str::FromStr};

/// A stable product state, `FLASH_OPTSR.PRODUCT_STATE`.
///
/// The codes are a Hamming(8,4) code (SVD); they are those of the HAL's `OB_PROD_STATE_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the values of the hardware")]
pub enum ProductState {
    /// 0xED: everything open.
    Open,
    /// 0x17: waiting for its secrets; only ROM code runs.
    Provisioning,
    /// 0x2E: the immutable root of trust is provisioned.
    IrotProvisioned,
    /// 0xC6: the secure side is closed, the non-secure side may be debugged.
    TzClosed,
    /// 0x72: closed; only Debug Authentication leads back.
    Closed,
    /// 0x5C: closed for ever.
    Locked,
}

impl ProductState {
    /// All states, in the order of the life cycle.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Provisioning, Self::IrotProvisioned, Self::TzClosed, Self::Closed, Self::Locked];

    /// The option-byte code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Open => 0xED,
            Self::Provisioning => 0x17,
            Self::IrotProvisioned => 0x2E,
            Self::TzClosed => 0xC6,
            Self::Closed => 0x72,
            Self::Locked => 0x5C,
        }
    }

    /// The stable state with this option-byte code. The transient commands [`REGRESSION`] and [`NS_REGRESSION`] are none.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0xED => Self::Open,
            0x17 => Self::Provisioning,
            0x2E => Self::IrotProvisioned,
            0xC6 => Self::TzClosed,
            0x72 => Self::Closed,
            0x5C => Self::Locked,
            _ => return None,
        })
    }

    /// The word for tables, the command line and JSON: `tz-closed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Provisioning => "provisioning",
            Self::IrotProvisioned => "irot-provisioned",
            Self::TzClosed => "tz-closed",
            Self::Closed => "closed",
            Self::Locked => "locked",
        }
    }

    /// ST's name: `TZ-Closed`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Provisioning => "Provisioning",
            Self::IrotProvisioned => "iROT-Provisioned",
            Self::TzClosed => "TZ-Closed",
            Self::Closed => "Closed",
            Self::Locked => "Locked",
        }
    }
}

/// PRODUCT_STATE command code of a full regression in progress (HAL `OB_PROD_STATE_REGRESSION`).
pub const REGRESSION: u8 = 0x9A;
/// PRODUCT_STATE command code of a non-secure (partial) regression (HAL `OB_PROD_STATE_NS_REGRESSION`).
pub const NS_REGRESSION: u8 = 0xA3;

impl fmt::Display for ProductState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#04X})", self.title(), self.code())
    }
}

/// A word that names no product state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown product state {word:?}; known: open, provisioning, irot-provisioned, tz-closed, closed, locked, or a code such as 0x17"
)]
#[non_exhaustive]
pub struct UnknownState {
    /// The word or number that was given, cut to 40 characters.
    pub word: String,
}

impl FromStr for ProductState {
    type Err = UnknownState;

    /// Accepts `tz-closed`, `TZ-Closed`, `tz_closed` and the code `0xC6`.
    fn from_str(word: &str) -> Result<Self, UnknownState> {
        let unknown = || UnknownState { word: word.chars().take(40).collect() };
        let lower = word.to_ascii_lowercase().replace('_', "-");
        if let Some(hex) = lower.strip_prefix("0x") {
            return u8::from_str_radix(hex, 16).ok().and_then(Self::from_code).ok_or_else(unknown);
        }
        match lower.as_str() {
            "provisioned" | "irot" => Ok(Self::IrotProvisioned),
            _ => Self::ALL.into_iter().find(|s| s.as_str() == lower).ok_or_else(unknown),
        }
    }
}

/// `FLASH_OPTSR2.TZEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two values of the hardware")]
pub enum TrustZone {
    /// 0xC3.
    Disabled,
    /// 0xB4.
    Enabled,
}

impl TrustZone {
    /// Both values.
    pub const ALL: [Self; 2] = [Self::Disabled, Self::Enabled];

    /// The option-byte code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Disabled => 0xC3,
            Self::Enabled => 0xB4,
        }
    }

    /// The value with this option-byte code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0xC3 => Some(Self::Disabled),
            0xB4 => Some(Self::Enabled),
            _ => None,
        }
    }

    /// `on` or `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "off",
            Self::Enabled => "on",
        }
    }

    /// The other value.
    pub const fn flipped(self) -> Self {
        match self {
            Self::Disabled => Self::Enabled,
            Self::Enabled => Self::Disabled,
        }
    }
}

impl fmt::Display for TrustZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is neither of two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is neither {first} nor {second}")]
#[non_exhaustive]
pub struct NeitherWord {
    /// The word.
    pub word: String,
    /// One word that would have been accepted.
    pub first: &'static str,
    /// The other.
    pub second: &'static str,
}

impl NeitherWord {
    fn new(word: &str, first: &'static str, second: &'static str) -> Self {
        Self { word: word.chars().take(40).collect(), first, second }
    }
}

impl FromStr for TrustZone {
    type Err = NeitherWord;

    /// Accepts `on` and `off`.
    fn from_str(word: &str) -> Result<Self, NeitherWord> {
        let [off, on] = Self::ALL;
        Self::ALL
            .into_iter()
            .find(|tz| tz.as_str() == word)
            .ok_or_else(|| NeitherWord::new(word, on.as_str(), off.as_str()))
    }
}

/// `FLASH_OPTSR.BOOT_UBE`, the unique boot entry; meaningful on parts with secure AES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the values of the hardware")]
pub enum BootUbe {
    /// 0xB4: the user flash is the root of trust.
    OemIrot,
    /// 0xC3: ST's immutable root of trust in system flash boots first.
    StIrot,
}

impl BootUbe {
    /// The option-byte code.
    pub const fn code(self) -> u8 {
        match self {
            Self::OemIrot => 0xB4,
            Self::StIrot => 0xC3,
        }
    }

    /// The value with this option-byte code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0xB4 => Some(Self::OemIrot),
            0xC3 => Some(Self::StIrot),
            _ => None,
        }
    }
}

/// How a chip authenticates its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two kinds of credential")]
pub enum DaMethod {
    /// A certificate chain and a signed token (TrustZone on).
    Certificate,
    /// A password (TrustZone off, and the STM32H503).
    Password,
}

impl DaMethod {
    /// The one method that authenticates with this TrustZone setting (rule `R-DA-METHOD-FOLLOWS-TZEN`).
    pub const fn for_trustzone(tz: TrustZone) -> Self {
        match tz {
            TrustZone::Enabled => Self::Certificate,
            TrustZone::Disabled => Self::Password,
        }
    }

    /// `certificate` or `password`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Password => "password",
        }
    }
}

impl FromStr for DaMethod {
    type Err = NeitherWord;

    /// Accepts `certificate` and `password`.
    fn from_str(word: &str) -> Result<Self, NeitherWord> {
        [Self::Certificate, Self::Password]
            .into_iter()
            .find(|m| m.as_str() == word)
            .ok_or_else(|| NeitherWord::new(word, Self::Certificate.as_str(), Self::Password.as_str()))
    }
}

impl fmt::Display for DaMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_hal() {
        // stm32h5xx_hal_flash_ex.h, OB_PROD_STATE_*
        let hal = [0xED, 0x17, 0x2E, 0xC6, 0x72, 0x5C];
        assert_eq!(ProductState::ALL.map(ProductState::code), hal);
        for code in 0..=u8::MAX {
            assert_eq!(ProductState::from_code(code).is_some(), hal.contains(&code));
        }
    }

    /// What stands on command lines, in plans and in receipts stays.
    #[test]
    fn words_are_read_back() {
        assert_eq!(
            ProductState::ALL.map(ProductState::as_str),
            ["open", "provisioning", "irot-provisioned", "tz-closed", "closed", "locked"]
        );
        assert_eq!(TrustZone::ALL.map(TrustZone::as_str), ["off", "on"]);
        for (method, word) in [(DaMethod::Certificate, "certificate"), (DaMethod::Password, "password")] {
            assert_eq!((method.as_str(), word.parse()), (word, Ok(method)));
        }
        for tz in TrustZone::ALL {
            assert_eq!(tz.as_str().parse(), Ok(tz));
        }
        // stm32h5xx_hal_flash_ex.h, OB_UBE_OEM_IROT and OB_UBE_ST_IROT.
        for (boot, code) in [(BootUbe::OemIrot, 0xB4), (BootUbe::StIrot, 0xC3)] {
            assert_eq!((boot.code(), BootUbe::from_code(code)), (code, Some(boot)));
        }
        assert_eq!(BootUbe::from_code(0), None);
    }

    #[test]
    fn codes_are_at_least_four_bits_apart() {
        // Hamming(8,4) with parity: minimum distance 4 (SVD: "based on Hamming 8,4").
        let mut codes: Vec<u8> = ProductState::ALL.map(ProductState::code).to_vec();
        codes.extend([REGRESSION, NS_REGRESSION]);
        for (i, a) in codes.iter().enumerate() {
            for b in &codes[i + 1..] {
                assert!((a ^ b).count_ones() >= 4, "{a:#04x} {b:#04x}");
            }
        }
    }

    #[test]
    fn words_and_codes_parse() {
        for state in ProductState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(state.title().parse(), Ok(state));
            assert_eq!(format!("{:#04x}", state.code()).parse(), Ok(state));
        }
        assert!("0x9A".parse::<ProductState>().is_err());
        assert!("opened".parse::<ProductState>().is_err());
        assert!("0xEDED".parse::<ProductState>().is_err());
    }
}
