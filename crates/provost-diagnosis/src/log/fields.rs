//! Values in the lines of STM32CubeProgrammer.

use super::command::number;
use crate::case::{Host, OptionValue};

/// Lines that are known and say nothing that is needed.
pub(super) const FURNITURE: &[&str] = &[
    "-----",
    "Bank :",
    "Address :",
    "Size :",
    "Revision ID",
    "Flash size",
    "Device type",
    "Device CPU",
    "BL Version",
    "SFSP Version",
    "SWD freq",
    "Debug in Low Power",
    "Reset mode",
    "UPLOADING OPTION",
    "OPTION BYTE PROGRAMMING VER",
    "Reconnect",
    "ST-LINK SN",
    "SDMOpen",
    "open_comms",
    "Reading data",
    "Clear all interrupts",
    "NVM size",
    "Chip",
];

/// A few words of a header.
pub(super) fn short(value: &str) -> Option<String> {
    Some(value.chars().take(60).collect::<String>()).filter(|v| !v.is_empty())
}

/// `Windows-64Bits` and the like.
pub(super) fn host_of(text: &str) -> Option<Host> {
    let text = text.to_ascii_lowercase();
    if text.contains("windows") {
        Some(if text.contains("32") { Host::Windows32 } else { Host::Windows64 })
    } else if text.contains("linux") {
        Some(Host::Linux)
    } else if text.contains("mac") {
        Some(Host::Macos)
    } else {
        None
    }
}

/// `Expected value for Option Byte "PRODUCT_STATE": 0xED, found: 0x17`.
pub(super) fn expected(line: &str) -> Option<(OptionValue, OptionValue)> {
    let (_, rest) = line.split_once('"')?;
    let (field, rest) = rest.split_once('"')?;
    let (wanted, found) = rest.trim_start_matches([':', ' ']).split_once(',')?;
    let field = field.to_ascii_uppercase();
    let found = number(found.split_once(':')?.1.split_whitespace().next()?);
    Some((OptionValue { field: field.clone(), value: number(wanted) }, OptionValue { field, value: found }))
}

/// `Option Byte: PRODUCT_STATE, value: 0x17, was not modified.`
pub(super) fn unchanged(line: &str) -> Option<OptionValue> {
    let (_, rest) = line.split_once("Byte:")?;
    let (field, rest) = rest.split_once(',')?;
    let value = rest.split_once(':')?.1.split(',').next().and_then(number);
    Some(OptionValue { field: field.trim().to_ascii_uppercase(), value })
}

/// `BANK 1 secure flash [0, 15] : OB [0, 14]`: the secure watermark that the boot code finds in the option bytes.
pub(super) fn watermark(line: &str) -> Vec<OptionValue> {
    let bank = line.split_once("BANK ").and_then(|(_, rest)| rest.chars().next()).filter(|c| matches!(c, '1' | '2'));
    let range = line.rsplit_once("OB [").and_then(|(_, rest)| rest.split_once(']')?.0.split_once(','));
    let (Some(bank), Some((from, to))) = (bank, range) else { return Vec::new() };
    let ends = [("STRT", from), ("END", to)];
    ends.into_iter()
        .filter_map(|(end, value)| {
            Some(OptionValue { field: format!("SECWM{bank}_{end}"), value: Some(number(value)?) })
        })
        .collect()
}

/// A row of a table of option bytes, as copied from the graphical tool or made by hand: `PRODUCT_STATE | 0x17`, `TZEN 0xB4`. The
/// graphical tool leaves out the 0x of its two-digit codes.
pub(super) fn row(line: &str) -> Option<(&'static str, u64)> {
    let mut cells = line.split(|c: char| c.is_whitespace() || matches!(c, '|' | ';' | ',')).filter(|c| !c.is_empty());
    let name = cells.next().and_then(|name| super::anchor::OPTION_NAMES.get(name).copied())?;
    let value = cells.next()?.trim_matches(['*', '`']);
    let coded = matches!(name, "PRODUCT_STATE" | "TZEN" | "BOOT_UBE") && value.len() == 2;
    let value =
        if coded { u64::from_str_radix(value, 16).ok() } else { number(value).filter(|_| value.starts_with("0x")) }?;
    // A sentence that begins with the name of a field is no row.
    (cells.filter(|c| c.chars().all(char::is_lowercase)).count() < 3).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_code_tells_the_watermark_that_it_found() {
        let found = watermark("[INF] BANK 2 secure flash [0, 15] : OB [3, 14]");
        let found: Vec<_> = found.iter().map(|o| (o.field.as_str(), o.value)).collect();
        assert_eq!(found, [("SECWM2_STRT", Some(3)), ("SECWM2_END", Some(14))]);
        assert!(watermark("BANK 3 : OB [1]").is_empty() && watermark("").is_empty());
    }

    #[test]
    fn complaints_name_field_and_values() {
        let line = "Error: Expected value for Option Byte \"PRODUCT_STATE\": 0xED, found: 0x17";
        let (wanted, found) = expected(line).unwrap();
        assert_eq!((wanted.field.as_str(), wanted.value, found.value), ("PRODUCT_STATE", Some(0xED), Some(0x17)));
        let same = unchanged("Warning: Option Byte: tzen, value: 0xB4, was not modified.").unwrap();
        assert_eq!((same.field.as_str(), same.value), ("TZEN", Some(0xB4)));
        for broken in ["", "\"", "\"x\"", "\"x\": 1,", "Byte: x", "Byte: x, y"] {
            assert!(expected(broken).is_none() && unchanged(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn rows_of_tables_are_option_values() {
        for line in [
            "| PRODUCT_STATE | 0x17 | Provisioning |",
            "PRODUCT_STATE 17",
            "PRODUCT_STATE 0x17 Provisioning",
            "PRODUCT_STATE | 17",
        ] {
            assert_eq!(row(line), Some(("PRODUCT_STATE", 0x17)), "{line}");
        }
        assert_eq!(row("SECWM1_END 0x7F (0x80FFFFF)"), Some(("SECWM1_END", 0x7F)));
        for line in
            ["PRODUCT_STATE changed from 17", "SECWM1_END 15", "PRODUCT_STATE 17 was what i had before", "x 17", ""]
        {
            assert_eq!(row(line), None, "{line}");
        }
    }

    #[test]
    fn hosts_are_named() {
        assert_eq!(host_of(" Windows-64Bits"), Some(Host::Windows64));
        assert_eq!(host_of("Windows-32Bits"), Some(Host::Windows32));
        assert_eq!(host_of("Linux-64Bits"), Some(Host::Linux));
        assert_eq!(host_of(""), None);
    }
}
