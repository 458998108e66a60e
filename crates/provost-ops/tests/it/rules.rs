//! Rules that only show at register level, seen through the same wire as everything else.

use crate::common;

use std::time::Duration;

use common::{maker, stuck};
use provost_bench::Bench;
use provost_chip::{
    registers::{SECURE_PERIPHERAL, dbgmcu, flash, memory, rss},
    rss_status::RssStatus,
    states::{ProductState, TrustZone},
};
use provost_link::{
    Nrst,
    core::{Call, CallOutcome, Core},
};
use provost_ops::identify::identify;
use provost_twin::board::VirtualBoard;

const OPTSR: u32 = flash::BASE + flash::OPTSR_CUR as u32;

fn bench(silicon: provost_twin::silicon::Silicon) -> Bench {
    let mut bench = Bench::on_board(VirtualBoard::with_chip("chip", silicon));
    identify(&mut bench.session).unwrap();
    bench
}

#[test]
fn r_secure_alias_reads_zero() {
    let mut bench = bench(stuck("STM32H533", TrustZone::Enabled, provost_twin::presets::practice_world()));
    let mut ap1 = bench.session.ap1();
    assert_eq!(ap1.read32(OPTSR).unwrap() >> 8 & 0xFF, 0x17);
    assert_eq!(ap1.read32(OPTSR + SECURE_PERIPHERAL).unwrap(), 0);
    // The firmware lies in secure sectors: neither alias shows it.
    assert_eq!(ap1.read32(memory::FLASH + memory::SECURE_ALIAS).unwrap(), 0);
    assert_eq!(ap1.read32(memory::FLASH).unwrap(), 0);
}

#[test]
fn r_options_read_zero_in_reset() {
    // Open, where AP1 stays open under reset.
    let mut bench = bench(maker("STM32H533", ProductState::Open, TrustZone::Disabled).make());
    bench.session.set_nrst(Nrst::Asserted).unwrap();
    assert_eq!(bench.session.ap1().read32(OPTSR).unwrap(), 0);
    // AP0 answers all the same.
    let base = bench.session.dbgmcu().unwrap();
    assert_eq!(bench.session.ap0().read32(base + dbgmcu::IDCODE).unwrap() & 0xFFF, 0x478);
    bench.session.set_nrst(Nrst::Released).unwrap();
    bench.session.sleep(Duration::from_millis(10));
    assert_eq!(bench.session.ap1().read32(OPTSR).unwrap() >> 8 & 0xFF, 0xED);
}

/// Calls DataProvisioning with a request of these fields and a valid checksum.
fn provision(source: u32, destination: u32, size: u32) -> u32 {
    let mut bench = bench(stuck("STM32H533", TrustZone::Enabled, provost_twin::presets::practice_world()));
    let sram3 = 0x2003_4000;
    let mut ap1 = bench.session.ap1();
    let entry = ap1.read32(0x0BF9_FB00 + rss::DESCRIPTOR_TABLE).unwrap();
    let fields = [source, destination, size, 0];
    // The data is all zero, wherever it lies.
    let mut covered = vec![0u8; size as usize];
    covered.extend(fields.iter().flat_map(|f| f.to_le_bytes()));
    let turned: Vec<u8> = covered.chunks(4).flat_map(|w| w.iter().rev().copied()).collect();
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2).checksum(&turned);
    let [a, b, c, d] = fields;
    ap1.write_block32(sram3 + 0x2000, &[a, b, c, d, checksum]).unwrap();
    ap1.write32(sram3 + 0x2100, 0xBE00_BE00).unwrap();
    let mut core = Core::new(&mut ap1);
    core.halt(Duration::from_millis(100)).unwrap();
    let call = Call {
        function: entry,
        arguments: [sram3 + 0x2000, 0, 0, 0],
        stack: sram3 + 0x4000,
        return_address: sram3 + 0x2100,
        mask_interrupts: true,
        timeout: Duration::from_millis(500),
        poll: Duration::from_millis(1),
    };
    match core.call(&call).unwrap() {
        CallOutcome::Returned { r0 } => r0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn r_rss_source_in_sram3() {
    const SRAM3: u32 = 0x2003_4000;
    const DA: u32 = 0x0FFD_0100;
    assert_eq!(provision(SRAM3, DA, 0x60), RssStatus::Success.word());
    for (source, destination, size, what) in [
        (0x2000_8000, DA, 0x60, "source in SRAM1"),
        (SRAM3 - 0x20, DA, 0x60, "source begins before SRAM3"),
        (SRAM3 + 0xFFE0, DA, 0x60, "source ends behind SRAM3"),
        (SRAM3, DA, 0x50 + 4, "size no multiple of 16"),
        (SRAM3, DA, 0, "nothing"),
        (SRAM3, DA + 4, 0x60, "destination not aligned"),
        (SRAM3, 0x0FFD_0000, 0x60, "destination in ST's own keys"),
        (SRAM3, 0x0FFD_1FF0, 0x60, "destination runs out of the keys"),
        (SRAM3, 0x0800_0000, 0x60, "destination in flash"),
    ] {
        assert_eq!(provision(source, destination, size), RssStatus::Error.word(), "{what}");
    }
}
