//! The CoreSight ROM tables that a debugger walks, and the identification behind them.
//!
//! Values of the scan log of an STM32H563 (Black Magic Debug issue 1440): AP0 lists DBGMCU, AP1 lists Arm's table for the
//! Cortex-M33 with SCS, DWT, BPU and ITM. The log ends there; TPIU, ETM and CTI are those of Arm 100230, inferred.

/// `BASE` of AP0.
pub(crate) const AP0_BASE: u32 = 0xE00E_0003;
/// `BASE` of AP1.
pub(crate) const AP1_BASE: u32 = 0xE00F_E003;
/// `IDR` of AP0, an APB-AP.
pub(crate) const AP0_IDR: u32 = 0x5477_0002;
/// `IDR` of AP1, an AHB5-AP.
pub(crate) const AP1_IDR: u32 = 0x8477_0001;

const AP0_TABLE: u32 = AP0_BASE & !0xFFF;
const AP1_TABLE: u32 = AP1_BASE & !0xFFF;
const M33_TABLE: u32 = 0xE00F_F000;
/// An entry of a ROM table is there, and 32 bits wide.
const PRESENT: u32 = 3;

/// Class of a ROM table (CIDR1).
const ROM_TABLE: u32 = 1;
/// Class of a CoreSight component.
const CORESIGHT: u32 = 9;

struct Component {
    base: u32,
    class: u32,
    part: u32,
    designer: (u32, u32),
    devarch: u32,
    devtype: u32,
    /// MEMTYPE: the bus shows the system's memory too.
    system_memory: bool,
}

/// JEP106 code and its continuation.
const ST: (u32, u32) = (0x20, 0);
const ARM: (u32, u32) = (0x3B, 4);

const fn table(base: u32, part: u32, designer: (u32, u32), system_memory: bool) -> Component {
    Component { base, class: ROM_TABLE, part, designer, devarch: 0, devtype: 0, system_memory }
}

const fn component(base: u32, devarch: u32, devtype: u32) -> Component {
    Component { base, class: CORESIGHT, part: 0xD21, designer: ARM, devarch, devtype, system_memory: false }
}

/// What the core's table lists, in its order.
const M33: [Component; 7] = [
    component(0xE000_E000, 0x4770_2A04, 0x00),
    component(0xE000_1000, 0x4770_1A02, 0x00),
    component(0xE000_2000, 0x4770_1A03, 0x00),
    component(0xE000_0000, 0x4770_1A01, 0x43),
    component(0xE004_0000, 0x0000_0000, 0x11),
    component(0xE004_1000, 0x4772_4A13, 0x13),
    component(0xE004_2000, 0x4770_1A14, 0x14),
];

/// A word of AP0's ROM table; `None` outside of it.
pub(crate) fn ap0(address: u32, dev_id: u16) -> Option<u32> {
    match address {
        // DBGMCU, 0x4000 further.
        AP0_TABLE => Some(0x4000 | PRESENT),
        _ => word(&table(AP0_TABLE, u32::from(dev_id), ST, false), address),
    }
}

/// A word of AP1's ROM tables or of the core's identification; `None` outside of them.
pub(crate) fn ap1(address: u32, dev_id: u16) -> Option<u32> {
    if address == AP1_TABLE {
        return Some((M33_TABLE - AP1_TABLE) | PRESENT);
    }
    if let Some(listed) = M33.get((address.wrapping_sub(M33_TABLE) / 4) as usize) {
        return Some(listed.base.wrapping_sub(M33_TABLE) | PRESENT);
    }
    let tables = [table(AP1_TABLE, u32::from(dev_id), ST, true), table(M33_TABLE, 0x4C9, ARM, true)];
    tables.iter().chain(&M33).find_map(|c| word(c, address))
}

fn word(component: &Component, address: u32) -> Option<u32> {
    let offset = address.checked_sub(component.base).filter(|o| *o < 0x1000)?;
    let (jep106, continuation) = component.designer;
    Some(match offset {
        0xFBC if component.class == CORESIGHT => component.devarch,
        0xFCC if component.class == CORESIGHT => component.devtype,
        0xFCC => component.system_memory.into(),
        0xFD0 => continuation,
        0xFE0 => component.part & 0xFF,
        0xFE4 => component.part >> 8 & 0xF | (jep106 & 0xF) << 4,
        0xFE8 => jep106 >> 4 & 7 | 8,
        0xFF0 => 0x0D,
        0xFF4 => component.class << 4,
        0xFF8 => 0x05,
        0xFFC => 0xB1,
        // The rest of a ROM table is its end mark; other components show nothing.
        _ if component.class == ROM_TABLE => 0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of the log.
    #[test]
    fn the_tables_are_those_of_the_log() {
        let at = |address| ap1(address, 0x484).unwrap();
        assert_eq!(at(AP1_TABLE), 0x1003);
        let entries: Vec<_> = (0..8).map(|n| at(M33_TABLE + 4 * n)).collect();
        assert_eq!(entries[..4], [0xFFF0_F003, 0xFFF0_2003, 0xFFF0_3003, 0xFFF0_1003]);
        assert_eq!(entries[7], 0, "end of the table");
        for (base, devarch) in [
            (0xE000_E000, 0x4770_2A04),
            (0xE000_1000, 0x4770_1A02),
            (0xE000_2000, 0x4770_1A03),
            (0xE000_0000, 0x4770_1A01),
        ] {
            assert_eq!(at(base + 0xFBC), devarch);
            let pidr = [0xFE0, 0xFE4, 0xFE8, 0xFD0].map(|offset| at(base + offset));
            assert_eq!(pidr, [0x21, 0xBD, 0x0B, 0x04], "PIDR 0x04000bbd21");
        }
        assert_eq!([at(AP1_TABLE + 0xFCC), at(M33_TABLE + 0xFCC), ap0(AP0_TABLE + 0xFCC, 0x484).unwrap()], [1, 1, 0]);
    }
}
