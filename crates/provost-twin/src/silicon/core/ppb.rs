//! Registers of the private peripheral bus that identify the core or only keep what is written to them, as rows.
//!
//! Whatever acts when it is accessed (DHCSR, DCRSR, AIRCR…) is not here: see [`super`].

use std::collections::BTreeMap;

/// Which reset gives a register its value back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    /// Any reset of the system.
    System,
    /// Loss of power alone: what a debugger sets up survives a system reset.
    Power,
}
use Domain::{Power, System};

/// `count` equal registers, `stride` bytes apart.
struct Row {
    address: u32,
    count: u32,
    stride: u32,
    reset: u32,
    /// Bits that keep what is written.
    writable: u32,
    domain: Domain,
}

const fn row(address: u32, reset: u32, writable: u32, domain: Domain) -> Row {
    Row { address, count: 1, stride: 4, reset, writable, domain }
}

const fn rows(address: u32, count: u32, stride: u32, writable: u32, domain: Domain) -> Row {
    Row { address, count, stride, reset: 0, writable, domain }
}

const ALL: u32 = u32::MAX;

/// Sources: registers and their bits, Arm DDI 0553 §D1.2; values of a Cortex-M33, Arm 100230 (debug units §B, system control §B2).
/// How many comparators, regions and interrupts there are is the integrator's choice: eight breakpoints and four watchpoints, eight
/// regions of each kind, 131 interrupts (STM32H563) are inferred from what Cortex-M33 parts of this class have.
const ROWS: &[Row] = &[
    // Instrumentation trace: ports that nobody listens to, TER, TPR, TCR.
    rows(0xE000_0000, 32, 4, 0, Power),
    row(0xE000_0E00, 0, ALL, Power),
    row(0xE000_0E40, 0, 0xF, Power),
    row(0xE000_0E80, 0, 0x007F_0F3F, Power),
    // DWT_CTRL: NUMCOMP 4; then CYCCNT and five profiling counters, four pairs of COMP and FUNCTION.
    row(0xE000_1000, 0x4000_0000, 0x007F_1FFF, Power),
    row(0xE000_1004, 0, ALL, Power),
    rows(0xE000_1008, 5, 4, 0xFF, Power),
    rows(0xE000_1020, 4, 16, ALL, Power),
    row(0xE000_1028, 0x5800_0000, 0x0C3F, Power),
    row(0xE000_1038, 0xF000_0000, 0x0C3F, Power),
    row(0xE000_1048, 0x5000_0000, 0x0C3F, Power),
    row(0xE000_1058, 0xF000_0000, 0x0C3F, Power),
    // FP_CTRL: REV 1, eight comparators. Only ENABLE is kept, see `write`.
    row(FP_CTRL, 0x1000_0080, 1, Power),
    rows(FP_COMP, FP_COMPARATORS, 4, ALL, Power),
    // ICTR, ACTLR, SysTick.
    row(0xE000_E004, 4, 0, System),
    row(0xE000_E008, 0, 0x2000_1605, System),
    row(0xE000_E010, 4, 0x0000_0007, System),
    rows(0xE000_E014, 2, 4, 0x00FF_FFFF, System),
    // ITNS and priorities of the interrupts; none of them is ever pending.
    rows(0xE000_E380, 5, 4, ALL, System),
    rows(0xE000_E400, 33, 4, 0xE0E0_E0E0, System),
    // SCR, CCR, SHPR1-3, SHCSR, CPACR.
    row(0xE000_ED10, 0, 0x0000_001E, System),
    row(0xE000_ED14, 0x0000_0201, 0x0007_071A, System),
    rows(0xE000_ED18, 3, 4, 0xE0E0_E0E0, System),
    row(0xE000_ED24, 0, 0x003F_FDBF, System),
    row(0xE000_ED88, 0, 0x00F0_FFFF, System),
    // MMFAR, BFAR, AFSR.
    rows(0xE000_ED34, 3, 4, ALL, System),
    // ID_PFR0, ID_DFR0, ID_AFR0, ID_MMFR0-3, ID_ISAR0-5; ID_PFR1 depends on TrustZone.
    row(0xE000_ED40, 0x0000_0030, 0, System),
    row(0xE000_ED48, 0x0020_0000, 0, System),
    row(0xE000_ED50, 0x0010_1F40, 0, System),
    row(0xE000_ED58, 0x0100_0000, 0, System),
    row(0xE000_ED60, 0x0110_1110, 0, System),
    row(0xE000_ED64, 0x0221_2000, 0, System),
    row(0xE000_ED68, 0x2023_2232, 0, System),
    row(0xE000_ED6C, 0x0111_1131, 0, System),
    row(0xE000_ED70, 0x0131_0132, 0, System),
    // CTR: no cache in the core.
    row(0xE000_ED7C, 0x8000_C000, 0, System),
    // MPU_TYPE: eight regions; CTRL, RNR, RBAR, RLAR and their aliases, MAIR0-1.
    row(0xE000_ED90, 0x0000_0800, 0, System),
    row(0xE000_ED94, 0, 7, System),
    row(0xE000_ED98, 0, 7, System),
    rows(0xE000_ED9C, 8, 4, ALL, System),
    rows(0xE000_EDC0, 2, 4, ALL, System),
    // SAU_CTRL, RNR, RBAR, RLAR, SFSR, SFAR; SAU_TYPE depends on TrustZone.
    row(0xE000_EDD0, 0, 3, System),
    row(0xE000_EDD8, 0, 7, System),
    rows(0xE000_EDDC, 2, 4, !0x1C, System),
    // FPCCR, FPCAR, FPDSCR, MVFR0-2: single precision.
    row(0xE000_EF34, 0xC000_0004, 0xFC00_0FFF, System),
    row(0xE000_EF38, 0, !7, System),
    row(0xE000_EF3C, 0, 0x07C0_0000, System),
    row(0xE000_EF40, 0x1011_0021, 0, System),
    row(0xE000_EF44, 0x1100_0011, 0, System),
    row(0xE000_EF48, 0x0000_0040, 0, System),
];

/// `FP_CTRL`; a write counts with KEY (bit 1) set.
const FP_CTRL: u32 = 0xE000_2000;
const FP_CTRL_KEY: u32 = 1 << 1;
const FP_COMP: u32 = 0xE000_2008;
const FP_COMPARATORS: u32 = 8;

/// What the rows have been told.
#[derive(Debug, Clone, Default)]
pub(super) struct Ppb {
    written: BTreeMap<u32, u32>,
}

fn find(address: u32) -> Option<&'static Row> {
    ROWS.iter().find(|row| {
        let offset = address.wrapping_sub(row.address);
        offset.is_multiple_of(row.stride) && offset / row.stride < row.count
    })
}

impl Ppb {
    /// A system reset.
    pub(super) fn reset(&mut self) {
        self.written.retain(|address, _| find(*address).is_some_and(|row| row.domain == Power));
    }

    /// The register at an address; `None` where no row has one.
    pub(super) fn read(&self, address: u32) -> Option<u32> {
        let row = find(address)?;
        let kept = self.written.get(&address).map_or(row.reset & row.writable, |value| value & row.writable);
        Some(row.reset & !row.writable | kept)
    }

    /// Keeps what may be written.
    pub(super) fn write(&mut self, address: u32, value: u32) {
        let Some(row) = find(address) else { return };
        let unlocked = address != FP_CTRL || value & FP_CTRL_KEY != 0;
        if row.writable != 0 && unlocked {
            self.written.insert(address, value);
        }
    }

    /// Where the FPB's breakpoints stand (revision 1: BPADDR in bits 31:1, BE in bit 0).
    pub(super) fn breakpoints(&self) -> impl Iterator<Item = u32> {
        let enabled = self.read(FP_CTRL).is_some_and(|word| word & 1 == 1);
        let count = if enabled { FP_COMPARATORS } else { 0 };
        (0..count).filter_map(|n| self.read(FP_COMP + 4 * n)).filter(|word| word & 1 == 1).map(|word| word & !1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_do_not_overlap() {
        for (index, row) in ROWS.iter().enumerate() {
            for address in (0..row.count).map(|n| row.address + n * row.stride) {
                let owners: Vec<_> = ROWS
                    .iter()
                    .filter(|r| (0..r.count).any(|n| r.address + n * r.stride == address))
                    .map(|r| r.address)
                    .collect();
                assert_eq!(owners, [row.address], "row {index}, {address:#x}");
            }
        }
    }

    #[test]
    fn the_breakpoint_unit_is_enabled_by_its_key_and_survives_a_system_reset() {
        let mut ppb = Ppb::default();
        ppb.write(FP_CTRL, 1);
        assert_eq!(ppb.read(FP_CTRL), Some(0x1000_0080), "no key");
        ppb.write(FP_CTRL, 3);
        assert_eq!(ppb.read(FP_CTRL), Some(0x1000_0081));
        ppb.write(FP_COMP + 4, 0x0800_0201);
        assert_eq!(ppb.breakpoints().collect::<Vec<_>>(), [0x0800_0200]);
        ppb.reset();
        assert_eq!(ppb.breakpoints().collect::<Vec<_>>(), [0x0800_0200]);
        ppb.write(FP_CTRL, 2);
        assert_eq!(ppb.breakpoints().count(), 0);
    }

    #[test]
    fn what_software_sets_up_does_not_survive_a_system_reset() {
        let mut ppb = Ppb::default();
        ppb.write(0xE000_ED94, 0xFFFF_FFFF);
        assert_eq!(ppb.read(0xE000_ED94), Some(7));
        ppb.reset();
        assert_eq!(ppb.read(0xE000_ED94), Some(0));
        ppb.write(0xE000_ED90, 0);
        assert_eq!(ppb.read(0xE000_ED90), Some(0x800), "MPU_TYPE is what it is");
        assert_eq!(ppb.read(0xE000_EDF0), None, "DHCSR acts, so it has no row");
    }
}
