//! The RSS descriptor: a magic and a function table whose place depends on the ROM version (STM32CubeH5 boot_hal.c).

use provost_chip::registers::rss;

use crate::silicon::Identity;

/// How far behind the descriptor the virtual chip's service entries lie; a host must read them from the table.
const ENTRY_OFFSET: u32 = 0x80;

fn base(identity: &Identity) -> Option<u32> {
    let bases = identity.part.info().rss_descriptors;
    bases.get(usize::from(identity.rom_version) % bases.len().max(1)).copied()
}

/// The entry of DataProvisioning, with the Thumb bit; `None` on a part without the service.
pub(crate) fn data_provisioning(identity: &Identity) -> Option<u32> {
    base(identity).map(|b| (b + ENTRY_OFFSET) | 1)
}

/// A word of system memory; `None` where the model knows nothing.
pub(crate) fn word(identity: &Identity, address: u32) -> Option<u32> {
    let info = identity.part.info();
    if address == info.sfsp_version {
        // How the word encodes the version is not public; where no log shows one, neither does the virtual chip.
        return info.sfsp.map(|[major, minor, patch]| u32::from_be_bytes([major, minor, patch, 0]));
    }
    if address == info.bootloader_version & !3 {
        let shift = 8 * (info.bootloader_version & 3);
        return info.bootloader_id.map(|id| u32::from(id) << shift);
    }
    let base = base(identity)?;
    let magic = |at: usize| info.rss_magic.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    match address.checked_sub(base)? {
        rss::DESCRIPTOR_TABLE => data_provisioning(identity),
        rss::DESCRIPTOR_MAGIC => magic(0),
        0xFC => magic(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::parts::PartId;

    #[test]
    fn the_magic_stands_at_exactly_one_base() {
        for part in PartId::all().filter(|p| p.info().trustzone) {
            for rom_version in 0..3 {
                let identity =
                    Identity { part, flash: part.info().largest_flash(), uid: [1, 2, 3], rev_id: 0x1000, rom_version };
                let found: Vec<_> = part
                    .info()
                    .rss_descriptors
                    .iter()
                    .filter(|b| word(&identity, **b + rss::DESCRIPTOR_MAGIC) == Some(u32::from_le_bytes(*b"DSCT")))
                    .collect();
                assert_eq!(found, [&part.info().rss_descriptors[usize::from(rom_version)]], "{part}");
            }
        }
    }

    #[test]
    fn the_h503_has_no_service() {
        let part: PartId = "STM32H503".parse().unwrap();
        let flash = part.info().largest_flash();
        let identity = Identity { part, flash, uid: [1, 2, 3], rev_id: 0x1000, rom_version: 0 };
        assert_eq!(data_provisioning(&identity), None);
    }
}
