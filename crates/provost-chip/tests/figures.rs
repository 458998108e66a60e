//! The tables against ST's CMSIS headers, figure by figure: `figures/cmsis_device_h5.csv` was taken out of them by
//! `figures/from_headers.py`, which knows nothing of the tables.
#![allow(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::collections::{BTreeMap, BTreeSet};

use provost_chip::{
    option_bytes::OptionField,
    order_code::OrderCode,
    parts::{Memory, Part, PartId, SECTOR_SIZE},
    registers::{dbgmcu, memory, rss},
};

const FIGURES: &str = include_str!("figures/cmsis_device_h5.csv");

/// One line: kind, name, and up to four figures.
type Figure = (&'static str, &'static str, Vec<u32>);

fn number(text: &str) -> u32 {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

fn by_part() -> BTreeMap<&'static str, Vec<Figure>> {
    let mut parts: BTreeMap<_, Vec<Figure>> = BTreeMap::new();
    for line in FIGURES.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let figures = cells[3..].iter().filter(|cell| !cell.is_empty()).map(|cell| number(cell)).collect();
        parts.entry(cells[0]).or_default().push((cells[1], cells[2], figures));
    }
    parts
}

/// The figures of a part of one kind, by name.
fn of<'a>(figures: &'a [Figure], kind: &str) -> BTreeMap<&'static str, &'a [u32]> {
    figures.iter().filter(|(k, ..)| *k == kind).map(|(_, name, values)| (*name, &values[..])).collect()
}

fn part(name: &str) -> &'static Part {
    name.parse::<PartId>().unwrap().info()
}

#[test]
fn every_part_with_a_header_is_held() {
    assert!(FIGURES.starts_with("# Made by from_headers.py from cmsis-device-h5 v1.6.0"));
    let held: BTreeSet<&str> = by_part().into_keys().collect();
    let without: Vec<&str> = PartId::all().map(|p| p.info().name).filter(|name| !held.contains(name)).collect();
    assert_eq!((held.len(), without), (10, vec!["STM32H543", "STM32H553"]), "no header describes these");
}

#[test]
fn dev_ids_and_secure_aes_are_those_of_the_header() {
    for (name, figures) in by_part() {
        assert_eq!(of(&figures, "dev_id")["DEV_ID"], [u32::from(part(name).dev_id)], "{name}");
        assert_eq!(of(&figures, "crypto")["SAES"], [u32::from(part(name).crypto)], "{name}");
    }
}

#[test]
fn the_largest_flash_is_the_default_of_the_header() {
    for (name, figures) in by_part() {
        let [size, sectors] = of(&figures, "flash")["FLASH_SIZE_DEFAULT"] else { unreachable!("{name}") };
        let largest = OrderCode::from(name.parse::<PartId>().unwrap()).flash_or_largest();
        assert_eq!(largest.bytes(), *size, "{name}");
        assert_eq!((largest.sectors_per_bank(), largest.bytes() / SECTOR_SIZE), (*sectors, 2 * sectors), "{name}");
    }
}

#[test]
fn memories_are_those_of_the_header_and_no_others() {
    for (name, figures) in by_part() {
        let part = part(name);
        let ours: BTreeMap<&str, Memory> = [
            ("SRAM1", part.sram1),
            ("SRAM2", part.sram2),
            ("SRAM3", part.sram3),
            ("SRAM4", part.sram4),
            ("SRAM5", part.sram5),
            ("BKPSRAM", part.bkpsram),
        ]
        .into_iter()
        .filter(|(_, memory)| memory.size > 0)
        .collect();
        let ours: BTreeMap<&str, Vec<u32>> = ours.into_iter().map(|(n, m)| (n, vec![m.base, m.size])).collect();
        let header = of(&figures, "memory").into_iter().map(|(n, values)| (n, values.to_vec())).collect();
        assert_eq!(ours, header, "{name}");
    }
}

#[test]
fn addresses_are_those_of_the_header() {
    let mut held = 0;
    for (name, figures) in by_part() {
        for (what, value) in of(&figures, "address") {
            let ours = match what {
                "UID_BASE" => memory::UID,
                "FLASHSIZE_BASE" => memory::FLASH_SIZE,
                "FLASH_OTP_BASE" => memory::OTP,
                "FLASH_OBK_BASE_NS" => memory::OBK,
                "FLASH_OBK_BASE_S" => memory::OBK_SECURE,
                "DBGMCU_BASE" => dbgmcu::CPU_BASE,
                // The header knows the first ROM; newer ones have moved, and boot code looks for all of them.
                "RSSLIB_PFUNC_BASE" => {
                    let tables = part(name).rss_descriptors.iter().map(|base| base + rss::DESCRIPTOR_TABLE);
                    tables.into_iter().find(|table| [*table] == *value).unwrap_or(0)
                }
                other => unreachable!("{name}: {other}"),
            };
            assert_eq!([ours], *value, "{name} {what}");
            held += 1;
        }
    }
    // Seven on each part with TrustZone, four on the STM32H503.
    assert_eq!(held, 9 * 7 + 4);
}

/// The header has one definition for a register of both banks or both worlds; the table names each field.
fn without_place(name: &str) -> String {
    let name = name.trim_start_matches("NS_").trim_start_matches("SEC_");
    let name = match name {
        "NSBOOTADD" | "SECBOOTADD" => "BOOTADD",
        "NSBOOT_LOCK" | "SECBOOT_LOCK" => "BOOT_LOCK",
        name if name.starts_with("WRPSG") => "WRPSG",
        name => name,
    };
    for banked in ["SECWM", "HDP", "EDATA"] {
        if let Some(rest) = name.strip_prefix(banked) {
            return format!("{banked}{}", rest.trim_start_matches(['1', '2']));
        }
    }
    name.to_owned()
}

#[test]
fn option_bytes_are_those_of_the_header_bit_for_bit() {
    let mut fields = 0;
    for (name, figures) in by_part() {
        let id: PartId = name.parse().unwrap();
        let ours: BTreeSet<(String, Vec<u32>)> = OptionField::of(id)
            .filter(|field| field.source.contains(&"CMSIS"))
            .map(|f| {
                let register = f.register.trim_start_matches("FLASH_");
                let place = [f.offset_cur.into(), f.offset_prg.into(), f.high.into(), f.low.into()];
                (format!("{register}.{}", without_place(f.name)), place.to_vec())
            })
            .collect();
        let header: BTreeSet<(String, Vec<u32>)> =
            of(&figures, "field").into_iter().map(|(n, values)| (n.to_owned(), values.to_vec())).collect();
        let differences: Vec<_> = ours.symmetric_difference(&header).collect();
        assert_eq!(differences, [] as [&(String, Vec<u32>); 0], "{name}");
        fields += header.len();
    }
    assert!(fields > 350, "{fields}");
}
