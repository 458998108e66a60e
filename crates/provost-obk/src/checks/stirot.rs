//! The flash areas in `STiRoT_Config`: what is wrong with them shows only when nothing boots.

use provost_chip::parts::SECTOR_SIZE;

use super::objects::Findings;
use super::{Check, Target};
use crate::bytes::number;
use crate::object::Object;

struct Area {
    offset_name: &'static str,
    offset: u64,
    size_name: &'static str,
    size: u64,
}

impl Area {
    fn end(&self) -> u64 {
        self.offset + self.size
    }
}

pub(super) fn check(object: &Object, target: &Target, findings: &mut Findings) {
    let layout = object.layout();
    let get = |name: &str| layout.field(name).map_or(0, |field| number(object.bytes(field)));
    let area = |offset_name, size_name| Area { offset_name, offset: get(offset_name), size_name, size: get(size_name) };
    let mut areas = vec![area("execution_offset", "firmware_size"), area("download_offset", "firmware_size")];
    // With one image the data area is not used; ST's sample for STM32H553 has nonsense there.
    let data = get("images") == 2;
    if data {
        areas.push(area("data_download_offset", "data_download_size"));
        let (offset, size) = (get("data_offset"), get("data_size"));
        if size == 0 || offset + size > 0x2F0 {
            findings.field(
                Check::FlashLayout,
                layout,
                "data_size",
                format!("data at {offset:#x} of {size:#x} bytes does not fit the 0x2f0 bytes of HDPL 2"),
            );
        }
    }
    // Lines with ST-iRoT are made in one size each.
    let flash = u64::from(target.part.info().largest_flash().bytes());
    let sector = u64::from(SECTOR_SIZE);
    for area in &areas {
        for (name, value) in [(area.offset_name, area.offset), (area.size_name, area.size)] {
            if value % sector != 0 {
                findings.field(
                    Check::FlashLayout,
                    layout,
                    name,
                    format!("{name} {value:#x} is not whole sectors of 8 KB"),
                );
            }
        }
        if area.size == 0 || area.end() > flash {
            findings.field(
                Check::FlashLayout,
                layout,
                area.offset_name,
                format!(
                    "{} {:#x} with {:#x} bytes does not fit the {flash:#x} bytes of flash of {}",
                    area.offset_name, area.offset, area.size, target.part
                ),
            );
        }
    }
    for (index, area) in areas.iter().enumerate() {
        for other in &areas[..index] {
            if area.offset < other.end() && other.offset < area.end() {
                findings.field(
                    Check::FlashLayout,
                    layout,
                    area.offset_name,
                    format!("the areas at {} and {} overlap", other.offset_name, area.offset_name),
                );
            }
        }
    }
    let (secure, firmware) = (get("secure_size"), get("firmware_size"));
    if get("full_secure") == 0 && (secure == 0 || secure > firmware || secure % sector != 0) {
        findings.field(
            Check::FlashLayout,
            layout,
            "secure_size",
            format!(
                "secure_size {secure:#x} must be whole sectors of 8 KB, from one up to the firmware size {firmware:#x}"
            ),
        );
    }
}
