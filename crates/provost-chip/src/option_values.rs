//! What the value of an option-byte field means, which values are legal, and how people write them.

use crate::{
    option_bytes::OptionField,
    parts::{FlashSize, SECTOR_SIZE},
    registers::memory,
    states::{ProductState, TrustZone},
};

/// What kind of value a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// One of the codes of the table; no other value is legal.
    Codes,
    /// One bit per sector group, 0 = protected.
    ProtectionBits,
    /// One bit per OTP block, 1 = locked for ever.
    LockBits,
    /// A sector number within a bank.
    Sector,
    /// Bits 31:8 of a boot address.
    Address,
    /// A number.
    Number,
    /// Nothing public says what it is: it is kept as it is.
    Reserved,
}

/// Why a text is no value of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Neither a number nor a name of the field's table.
    #[error("{text:?} is no value of {field}: {expected}")]
    NotAValue {
        /// Name of the field, such as `TZEN`.
        field: &'static str,
        /// What was written.
        text: String,
        /// What the field takes, in words.
        expected: String,
    },
    /// Too large for the field.
    #[error("{value:#x} does not fit into the {bits} bits of {field}: {expected}")]
    TooLarge {
        /// Name of the field, such as `TZEN`.
        field: &'static str,
        /// The value that was given.
        value: u64,
        /// Width of the field.
        bits: u8,
        /// What the field takes, in words.
        expected: String,
    },
    /// The field holds bits 31:8 of an address.
    #[error("{value:#x} is no boot address: {field} takes multiples of 0x100")]
    NotAligned {
        /// Name of the field, such as `SECBOOTADD`.
        field: &'static str,
        /// The value that was given.
        value: u64,
    },
    /// Fits, but is no code of the field.
    #[error("{value:#04x} is no code of {field}: {expected}")]
    NotACode {
        /// Name of the field, such as `TZEN`.
        field: &'static str,
        /// The value that was given.
        value: u32,
        /// What the field takes, in words.
        expected: String,
    },
    /// Undocumented bits are not written.
    #[error("{field} is undocumented: it is kept as it is")]
    Reserved {
        /// Name of the field, such as `TZEN`.
        field: &'static str,
    },
}

impl OptionField {
    /// Width in bits.
    pub const fn bits(&self) -> u8 {
        self.high - self.low + 1
    }

    /// What kind of value it holds.
    pub fn kind(&self) -> FieldKind {
        match self.name {
            name if name.starts_with("RESERVED") => FieldKind::Reserved,
            name if name.starts_with("WRPSG") => FieldKind::ProtectionBits,
            "LOCKBL" => FieldKind::LockBits,
            "NSBOOTADD" | "SECBOOTADD" => FieldKind::Address,
            "EDATA1_STRT" | "EDATA2_STRT" | "NS_EPOCH" | "SEC_EPOCH" => FieldKind::Number,
            name if name.ends_with("_STRT") || name.ends_with("_END") => FieldKind::Sector,
            _ => FieldKind::Codes,
        }
    }

    /// The codes of the table, with their meanings.
    pub fn codes(&self) -> impl Iterator<Item = (u32, &'static str)> {
        let coded = self.kind() == FieldKind::Codes;
        items(self.encodings).filter(move |_| coded).filter_map(|item| {
            let (code, meaning) = item.split_once('=')?;
            // A sentence may stand before the first code: "reset on Shutdown entry: 0=reset".
            let code = code.rsplit(' ').next().unwrap_or(code);
            Some((number(code)?.try_into().ok()?, without_remark(meaning.trim())))
        })
    }

    /// Whether the field can hold this value.
    pub fn is_legal(&self, value: u32) -> bool {
        u64::from(value) <= u64::from(self.mask() >> self.low)
            && match self.kind() {
                FieldKind::Codes => self.codes().any(|(code, _)| code == value),
                FieldKind::Reserved => false,
                _ => true,
            }
    }

    /// Reads a value as people write it: a number, a name, or for boot addresses the whole address.
    ///
    /// # Errors
    /// It is no legal value of the field.
    pub fn parse_value(&self, text: &str) -> Result<u32, ValueError> {
        if self.kind() == FieldKind::Reserved {
            return Err(ValueError::Reserved { field: self.name });
        }
        let Some(value) = number(text) else {
            return self.named(text).ok_or_else(|| ValueError::NotAValue {
                field: self.name,
                text: text.chars().take(60).collect(),
                expected: self.expected(),
            });
        };
        let largest = u64::from(self.mask() >> self.low);
        let address = u32::try_from(value).is_ok() && value > largest && self.kind() == FieldKind::Address;
        if address && !value.is_multiple_of(0x100) {
            return Err(ValueError::NotAligned { field: self.name, value });
        }
        // ST's tools take bits 31:8; people write the address.
        let value = if address { value >> 8 } else { value };
        let fits = u32::try_from(value).ok().filter(|_| value <= largest);
        let value = fits.ok_or_else(|| ValueError::TooLarge {
            field: self.name,
            value,
            bits: self.bits(),
            expected: self.expected(),
        })?;
        if self.is_legal(value) {
            Ok(value)
        } else {
            Err(ValueError::NotACode { field: self.name, value, expected: self.expected() })
        }
    }

    /// The value with this name: a product state, `on` and `off` where they are plain, or the beginning of a meaning.
    fn named(&self, text: &str) -> Option<u32> {
        let word = slug(text);
        let plain = match (self.name, word.as_str()) {
            ("PRODUCT_STATE", _) => word.parse::<ProductState>().ok().map(|s| u32::from(s.code())),
            ("TZEN", "on" | "enabled") => Some(TrustZone::Enabled.code().into()),
            ("TZEN", "off" | "disabled") => Some(TrustZone::Disabled.code().into()),
            ("SECBOOT_LOCK" | "NSBOOT_LOCK", "on" | "locked") => Some(0xB4),
            ("SECBOOT_LOCK" | "NSBOOT_LOCK", "off" | "unlocked") => Some(0xC3),
            ("SWAP_BANK" | "EDATA1_EN" | "EDATA2_EN", "on") => Some(1),
            ("SWAP_BANK" | "EDATA1_EN" | "EDATA2_EN", "off") => Some(0),
            _ => None,
        };
        plain.or_else(|| {
            let exact = self.codes().find(|(_, meaning)| slug(meaning) == word);
            exact.map(|(code, _)| code).or_else(|| {
                let mut starting = self.codes().filter(|(_, m)| !word.is_empty() && slug(m).starts_with(&word));
                let first = starting.next()?;
                starting.next().is_none().then_some(first.0)
            })
        })
    }

    /// What the field takes, in words.
    pub fn expected(&self) -> String {
        let largest = self.mask() >> self.low;
        match self.kind() {
            FieldKind::Codes => {
                let codes: Vec<String> = self.codes().map(|(c, m)| format!("{} = {m}", self.hex(c))).collect();
                format!("it takes {}", codes.join(", "))
            }
            FieldKind::Address => format!("it takes an address, or its bits 31:8 (0 to {largest:#x})"),
            FieldKind::Reserved => "it is not written".to_owned(),
            FieldKind::Sector => format!("it takes a sector number, 0 to {largest:#x}"),
            _ => format!("it takes 0 to {largest:#x}"),
        }
    }

    /// The value in hexadecimal, one digit per four bits.
    pub fn hex(&self, value: u32) -> String {
        let width = usize::from(self.bits().div_ceil(4)) + 2;
        format!("{value:#0width$X}").replacen("0X", "0x", 1)
    }

    /// The address that a sector number stands for: of the sector's last byte for the end of a range. `None` in the second bank of a
    /// chip whose flash size is not known.
    pub fn sector_address(&self, flash: Option<FlashSize>, value: u32) -> Option<u32> {
        let bank = if self.name.contains('2') { flash?.bank() } else { 0 };
        let edge = if self.name.ends_with("_END") { SECTOR_SIZE - 1 } else { 0 };
        Some(memory::FLASH + bank + value * SECTOR_SIZE + edge)
    }

    /// What a value means on a chip with this flash; `None` where the table has no words for it. Where the size is not known, no
    /// address is named that depends on it.
    pub fn describe(&self, flash: Option<FlashSize>, value: u32) -> Option<String> {
        match self.kind() {
            FieldKind::Codes => self.codes().find(|(code, _)| *code == value).map(|(_, m)| m.to_owned()),
            FieldKind::Address => Some(format!("{:#010x}", u64::from(value) << 8)),
            FieldKind::Sector => {
                let beyond = flash.is_some_and(|size| value >= size.sectors_per_bank());
                let beyond = if beyond { ", beyond the bank" } else { "" };
                Some(match self.sector_address(flash, value) {
                    Some(address) => format!("sector {value} ({address:#010x}{beyond})"),
                    None => {
                        format!("sector {value} of bank 2 (its address depends on the flash size, which is not known)")
                    }
                })
            }
            FieldKind::ProtectionBits => {
                let zeros = (!value & self.mask() >> self.low).count_ones();
                Some(match zeros {
                    0 => "nothing protected".to_owned(),
                    n if n == u32::from(self.bits()) => "all protected".to_owned(),
                    1 => "1 group of sectors protected".to_owned(),
                    n => format!("{n} groups of sectors protected"),
                })
            }
            FieldKind::LockBits => Some(match value.count_ones() {
                0 => "no OTP block locked".to_owned(),
                1 => "1 OTP block locked for ever".to_owned(),
                n => format!("{n} OTP blocks locked for ever"),
            }),
            FieldKind::Number | FieldKind::Reserved => None,
        }
    }
}

/// The items of a list of encodings: a semicolon in brackets separates nothing.
fn items(encodings: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0u32;
    encodings.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ';' && depth == 0
    })
}

/// A meaning without what it says in brackets about its source and its scope.
fn without_remark(meaning: &'static str) -> &'static str {
    match meaning.split_once('(') {
        Some((head, remark)) if ["SVD", "XML", "header", "applied at"].iter().any(|s| remark.contains(s)) => {
            head.trim_end()
        }
        _ => meaning,
    }
}

/// A number in decimal or, after `0x`, in hexadecimal.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16).ok(),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// `OEM-iRoT (user flash)` → `oem-irot`.
fn slug(text: &str) -> String {
    let head = text.split('(').next().unwrap_or(text);
    let words = head.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{order_code::OrderCode, parts::PartId};

    fn field(part: &str, name: &str) -> &'static OptionField {
        OptionField::find(part.parse().unwrap(), name).unwrap()
    }

    #[test]
    fn values_are_read_as_names_and_as_numbers() {
        for (name, text, value) in [
            ("PRODUCT_STATE", "provisioning", 0x17),
            ("PRODUCT_STATE", "0x17", 0x17),
            ("PRODUCT_STATE", "23", 0x17),
            ("TZEN", "on", 0xB4),
            ("TZEN", "TrustZone disabled", 0xC3),
            ("TZEN", "disabled", 0xC3),
            ("BOOT_UBE", "st-irot", 0xC3),
            ("SECBOOT_LOCK", "locked", 0xB4),
            ("IWDG_SW", "software-watchdog", 1),
            ("IWDG_SW", "hardware", 0),
            ("NRST_STOP", "no-reset", 1),
            ("SRAM2_RST", "kept", 1),
            ("NSBOOTADD", "0x080000", 0x08_0000),
            ("NSBOOTADD", "0x08010000", 0x08_0100),
            ("SECWM1_END", "0x1f", 0x1F),
            ("WRPSGn1", "0xF8", 0xF8),
            ("BOR_LEV", "3", 3),
            ("SWAP_BANK", "on", 1),
            ("SWAP_BANK", "off", 0),
            ("EDATA1_EN", "off", 0),
        ] {
            assert_eq!(field("STM32H533", name).parse_value(text), Ok(value), "{name}={text}");
        }
    }

    #[test]
    fn what_the_field_cannot_hold_is_refused() {
        let code = |name: &str, text: &str| match field("STM32H533", name).parse_value(text) {
            Ok(value) => format!("{value:#x}"),
            Err(ValueError::NotAValue { .. }) => "not-a-value".to_owned(),
            Err(ValueError::TooLarge { .. }) => "too-large".to_owned(),
            Err(ValueError::NotACode { .. }) => "not-a-code".to_owned(),
            Err(ValueError::NotAligned { .. }) => "not-aligned".to_owned(),
            Err(ValueError::Reserved { .. }) => "reserved".to_owned(),
        };
        for (name, text, expected) in [
            ("PRODUCT_STATE", "0x18", "not-a-code"),
            ("PRODUCT_STATE", "0x117", "too-large"),
            ("PRODUCT_STATE", "shut", "not-a-value"),
            ("TZEN", "1", "not-a-code"),
            ("SECBOOTADD", "0x0C001234", "not-aligned"),
            ("SECWM1_END", "0x20", "too-large"),
            ("SECWM1_END", "-1", "not-a-value"),
            ("SECWM1_END", "+1", "not-a-value"),
            ("SECWM1_END", "", "not-a-value"),
            ("NSBOOTADD", "0x08010080", "not-aligned"),
            ("WRPSGn1", "0x1FF", "too-large"),
            ("LOCKBL", "0x100000000", "too-large"),
            ("LOCKBL", "0xFFFFFFFFFFFFFFFFFF", "not-a-value"),
            ("RESERVED5", "1", "reserved"),
            ("SWAP_BANK", "maybe", "not-a-value"),
            // Both meanings begin so.
            ("SRAM2_ECC", "ecc", "not-a-value"),
        ] {
            assert_eq!(code(name, text), expected, "{name}={text}");
        }
    }

    #[test]
    fn every_field_of_every_part_has_a_kind_that_fits_its_table() {
        for part in PartId::all() {
            for field in OptionField::of(part) {
                let all = 1u64 << field.bits();
                match field.kind() {
                    FieldKind::Codes => {
                        let codes: Vec<u32> = field.codes().map(|(c, _)| c).collect();
                        assert!(codes.len() >= 2, "{part} {}", field.name);
                        assert!(codes.iter().all(|c| field.is_legal(*c)), "{part} {}: {codes:?}", field.name);
                        // Every code of a narrow field is named; wide ones keep a distance between theirs.
                        assert!(field.bits() == 8 || codes.len() as u64 == all, "{part} {}", field.name);
                    }
                    FieldKind::Reserved => {
                        assert!(field.encodings.contains("undocumented"));
                        assert_eq!(field.expected(), "it is not written");
                    }
                    FieldKind::Sector => assert!(field.encodings.contains("sector"), "{part} {}", field.name),
                    FieldKind::Address => assert!(field.encodings.contains("address"), "{part} {}", field.name),
                    _ => assert_eq!(field.codes().count(), 0, "{part} {}", field.name),
                }
                if let Some(default) = field.default.filter(|_| field.kind() != FieldKind::Reserved) {
                    assert_eq!(field.parse_value(&field.hex(default)), Ok(default), "{part} {}", field.name);
                    assert!(field.kind() == FieldKind::Number || field.describe(None, default).is_some());
                }
            }
        }
    }

    #[test]
    fn descriptions_name_addresses_and_protection() {
        let size = |code: &str| code.parse::<OrderCode>().unwrap().flash;
        let says = |name: &str, value| field("STM32H533", name).describe(size("STM32H533RE"), value).unwrap();
        assert_eq!(says("SECWM1_STRT", 2), "sector 2 (0x08004000)");
        assert_eq!(says("SECWM2_END", 0x1F), "sector 31 (0x0807ffff)");
        assert_eq!(says("SECBOOTADD", 0x0C_0000), "0x0c000000");
        // The same field on half the flash, and where nobody knows how much there is.
        let h523 = |code: &str, value| field("STM32H523", "SECWM2_STRT").describe(size(code), value).unwrap();
        assert_eq!(h523("STM32H523CC", 2), "sector 2 (0x08024000)");
        assert_eq!(h523("STM32H523CC", 16), "sector 16 (0x08040000, beyond the bank)");
        assert_eq!(h523("STM32H523CE", 16), "sector 16 (0x08060000)");
        assert!(h523("STM32H523", 2).contains("not known"));
        assert_eq!(field("STM32H523", "SECWM1_STRT").describe(None, 2).unwrap(), "sector 2 (0x08004000)");
        assert_eq!(says("WRPSGn1", 0xFF), "nothing protected");
        assert_eq!(says("WRPSGn2", 0xFC), "2 groups of sectors protected");
        assert_eq!(says("LOCKBL", 1), "1 OTP block locked for ever");
        assert_eq!(field("STM32H533", "LOCKBL").hex(1), "0x00000001");
        assert_eq!(field("STM32H533", "SWAP_BANK").hex(1), "0x1");
    }
}
