//! The CoreSight ROM tables that a debugger walks, and the identification behind them.
//!
//! Values of the scan log of an STM32H563 (Black Magic Debug issue 1440): AP0 lists DBGMCU, AP1 lists Arm's table for the
//! Cortex-M33.

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
const SCS: u32 = 0xE000_E000;

struct Component {
    base: u32,
    class: u32,
    part: u32,
    jep106: u32,
    continuation: u32,
}

const ST: (u32, u32) = (0x20, 0);
const ARM: (u32, u32) = (0x3B, 4);

const fn component(base: u32, class: u32, part: u32, designer: (u32, u32)) -> Component {
    Component { base, class, part, jep106: designer.0, continuation: designer.1 }
}

/// A word of AP0's ROM table; `None` outside of it.
pub(crate) fn ap0(address: u32, dev_id: u16) -> Option<u32> {
    let table = component(AP0_TABLE, 1, u32::from(dev_id), ST);
    match address {
        // DBGMCU, 0x4000 further.
        AP0_TABLE => Some(0x4003),
        _ => word(&table, address),
    }
}

/// A word of AP1's ROM tables or of the core's identification; `None` outside of them.
pub(crate) fn ap1(address: u32, dev_id: u16) -> Option<u32> {
    match address {
        AP1_TABLE => return Some(0x1003),
        M33_TABLE => return Some(SCS.wrapping_sub(M33_TABLE) | 3),
        // DEVARCH of the SCS: Armv8-M, so that a debugger knows the core.
        0xE000_EFBC => return Some(0x4770_2A04),
        _ => {}
    }
    [component(AP1_TABLE, 1, u32::from(dev_id), ST), component(M33_TABLE, 1, 0x4C9, ARM), component(SCS, 9, 0xD21, ARM)]
        .iter()
        .find_map(|c| word(c, address))
}

fn word(component: &Component, address: u32) -> Option<u32> {
    let offset = address.checked_sub(component.base).filter(|o| *o < 0x1000)?;
    Some(match offset {
        0xFD0 => component.continuation,
        0xFE0 => component.part & 0xFF,
        0xFE4 => component.part >> 8 & 0xF | (component.jep106 & 0xF) << 4,
        0xFE8 => component.jep106 >> 4 & 7 | 8,
        0xFF0 => 0x0D,
        0xFF4 => component.class << 4,
        0xFF8 => 0x05,
        0xFFC => 0xB1,
        // The rest of a ROM table is its end mark; other components show nothing.
        _ if component.class == 1 => 0,
        _ => return None,
    })
}
