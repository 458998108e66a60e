//! Option bytes as STM32CubeProgrammer's `-ob displ` prints them: banks, groups, and lines `NAME : 0xVALUE (meaning)`.
//!
//! The shape is that of a public dump of an STM32H563 (wolfBoot, docs/STM32-TZ.md). What a line says in brackets is not read.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use provost_chip::{
    option_bytes::OptionField,
    option_values::FieldKind,
    parts::{PartId, SECTOR_SIZE},
};

use super::{error::OptionError, read::OptionBytes};

/// Lines of the tool's log that look like a field.
const LOG: [&str; 4] = ["Bank", "Address", "Size", "Voltage"];

/// The values by ST's names, and the names that the part does not have.
pub(super) type Listed = (BTreeMap<&'static str, u32>, Vec<String>);

/// Reads the tool's output, log lines and colours included.
pub(super) fn parse(text: &str, path: &Path, part: Option<PartId>) -> Result<Listed, OptionError> {
    let at = |line, says: String| OptionError::Format { path: path.to_owned(), line, says };
    let plain = without_colours(text);
    let lines: Vec<(usize, &str, &str)> = plain
        .lines()
        .enumerate()
        .filter_map(|(number, line)| {
            let (name, rest) = line.split_once(':')?;
            let name = name.trim();
            let value = rest.split_whitespace().next().filter(|v| v.starts_with("0x"))?;
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            (is_name && !LOG.contains(&name)).then_some((number + 1, name, value))
        })
        .collect();
    // The text names no part: without one, the first whose table has every field decides.
    let knows = |part: &PartId| lines.iter().all(|(_, name, _)| OptionField::find(*part, name).is_some());
    let Some(part) = part.or_else(|| PartId::all().find(knows)) else {
        return Err(at(1, "the fields are those of no STM32H5; name the part with --part".to_owned()));
    };
    let (mut values, mut unknown) = (BTreeMap::new(), Vec::new());
    for (line, name, text) in lines {
        let Some(field) = OptionField::find(part, name) else {
            unknown.push(name.chars().take(60).collect());
            continue;
        };
        let value = field.parse_value(text).map_err(|e| at(line, e.to_string()))?;
        if values.insert(field.name, value).is_some_and(|earlier| earlier != value) {
            return Err(at(line, format!("{} is given twice, with two values", field.name)));
        }
    }
    if values.is_empty() {
        return Err(at(1, "no line NAME : 0xVALUE was found".to_owned()));
    }
    Ok((values, unknown))
}

/// The text without escape sequences (ECMA-48 control sequences: ESC, `[`, up to a letter).
fn without_colours(text: &str) -> String {
    let mut rest = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Banks and groups: heading, and the fields in the tool's order, as far as the part has them.
const BANKS: [&[(&str, &[&str])]; 10] = [
    &[
        ("Product state", &["PRODUCT_STATE"]),
        ("BOR Level", &["BOR_LEV", "BORH_EN"]),
        (
            "User Configuration",
            &[
                "IO_VDD_HSLV",
                "IO_VDDIO2_HSLV",
                "IWDG_STOP",
                "IWDG_STDBY",
                "BOOT_UBE",
                "SWAP_BANK",
                "IWDG_SW",
                "WWDG_SW",
                "NRST_STOP",
                "NRST_STDBY",
            ],
        ),
    ],
    &[(
        "User Configuration 2",
        &[
            "TZEN",
            "SRAM1_ECC",
            "SRAM2_ECC",
            "SRAM3_ECC",
            "BKPRAM_ECC",
            "USBPD_DIS",
            "SRAM1_RST",
            "SRAM2_RST",
            "SRAM1_3_RST",
            "SRAM1_3_4_5_RST",
        ],
    )],
    &[("Boot Configuration", &["NSBOOTADD", "NSBOOT_LOCK", "SECBOOT_LOCK", "SECBOOTADD"])],
    &[
        ("Bank1 - Flash watermark area definition", &["SECWM1_STRT", "SECWM1_END"]),
        ("Write sector group protection 1", &["WRPSGn1", "WRPSG11", "WRPSG12"]),
    ],
    &[
        ("Bank2 - Flash watermark area definition", &["SECWM2_STRT", "SECWM2_END"]),
        ("Write sector group protection 2", &["WRPSGn2", "WRPSG21", "WRPSG22"]),
    ],
    &[("OTP write protection", &["LOCKBL"])],
    &[("Flash data bank 1 sectors", &["EDATA1_EN", "EDATA1_STRT"])],
    &[("Flash data bank 2 sectors", &["EDATA2_EN", "EDATA2_STRT"])],
    &[("Flash HDP bank 1", &["HDP1_STRT", "HDP1_END"])],
    &[("Flash HDP bank 2", &["HDP2_STRT", "HDP2_END"])],
];

/// Writes option bytes in that shape. Fields that the tool does not show (RESERVED5, the epochs, HUK_PUF, WWDG_SW outside the
/// STM32H503) are left out.
pub fn format(bytes: &OptionBytes) -> String {
    let part = bytes.part();
    let mut text = String::new();
    let mut bank = 0;
    for groups in BANKS {
        let mut body = String::new();
        for (heading, names) in groups {
            let shown: Vec<String> = names.iter().filter_map(|name| line(bytes, part, name)).collect();
            if !shown.is_empty() {
                let _ = writeln!(body, "\n   {heading}:\n\n{}", shown.join("\n"));
            }
        }
        if !body.is_empty() {
            let _ = write!(text, "OPTION BYTES BANK: {bank}\n{body}");
            bank += 1;
        }
    }
    text
}

fn line(bytes: &OptionBytes, part: PartId, name: &str) -> Option<String> {
    let field = OptionField::find(part, name).filter(|f| f.name != "WWDG_SW" || f.source.contains(&"PRGDB"))?;
    let value = bytes.value(field)?;
    let means = match field.kind() {
        FieldKind::Codes => format!(" ({})", field.describe(bytes.flash, value).unwrap_or_default()),
        FieldKind::Address => format!("  (0x{:X})", u64::from(value) << 8),
        FieldKind::Sector if name.starts_with("SECWM") => match field.sector_address(bytes.flash, value) {
            Some(address) => format!("  (0x{:X})", address & !(SECTOR_SIZE - 1)),
            None => String::new(),
        },
        FieldKind::Sector => format!("  (0x{:X})", value * SECTOR_SIZE),
        _ => format!("  (0x{value:X})"),
    };
    Some(format!("     {name:<13}: 0x{value:X}{means}"))
}
