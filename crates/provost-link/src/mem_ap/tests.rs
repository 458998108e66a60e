//! Exact AP access sequences, and a toy memory for what they do. Access counts follow from Arm IHI 0031: one for TAR
//! when it does not already hold the address, one per word.

use proptest::prelude::*;

use super::*;
use crate::Nrst;
use crate::testing::{FakeWire, ToyAp};

const AP0: Ap = Ap(0);
const AP1: Ap = Ap(1);

/// Sets CSW up, so that only what follows is in the log.
fn warm(wire: &mut FakeWire, cache: &mut MemApCache, ap: Ap, security: Security) {
    MemAp::new(wire, cache, ap, security).read32(0x2000_0100).unwrap();
    wire.take_log();
}

#[test]
fn first_read_sets_up_csw_and_keeps_its_other_bits() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    wire.memory.insert(0x2000_0000, 0x1234_5678);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    assert_eq!(bus.read32(0x2000_0000).unwrap(), 0x1234_5678);
    // 0xC3800040 (blackmagic #1440) with HPROT 0xB, HNONSEC, size word, single increment.
    assert_eq!(wire.take_log(), ["R AP1 CSW", "W AP1 CSW cb800052", "W AP1 TAR 20000000", "R AP1 DRW"]);
}

#[test]
fn security_is_hnonsec() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    MemAp::new(&mut wire, &mut cache, AP1, Security::Secure).read32(0x2000_0104).unwrap();
    assert_eq!(wire.take_log(), ["W AP1 CSW 8b800052", "R AP1 DRW"]);
}

#[test]
fn as_found_leaves_an_apb_ap_alone() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    MemAp::new(&mut wire, &mut cache, AP0, Security::AsFound).read32(0xE004_4000).unwrap();
    // One word needs no increment, and 0x80000042 (blackmagic #1440) is set to words: nothing is left to write.
    assert_eq!(wire.take_log(), ["R AP0 CSW", "W AP0 TAR e0044000", "R AP0 DRW"]);
    MemAp::new(&mut wire, &mut cache, AP0, Security::AsFound).read32(0xE004_4004).unwrap();
    assert_eq!(wire.take_log(), ["W AP0 TAR e0044004", "R AP0 DRW"], "TAR has not counted on");
    MemAp::new(&mut wire, &mut cache, AP0, Security::AsFound).read_block32(0xE004_4000, &mut [0; 2]).unwrap();
    assert_eq!(wire.take_log(), ["W AP0 CSW 80000052", "W AP0 TAR e0044000", "R AP0 DRW", "R AP0 DRW"]);
}

#[test]
fn tar_follows_the_increments_and_survives_the_borrow() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.read32(0x2000_0104).unwrap();
    bus.write32(0x2000_0108, 7).unwrap();
    bus.read32(0x2000_0108).unwrap();
    assert_eq!(wire.take_log(), ["R AP1 DRW", "W AP1 DRW 00000007", "W AP1 TAR 20000108", "R AP1 DRW"]);
}

#[test]
fn two_aps_keep_their_own_tar() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    warm(&mut wire, &mut cache, AP0, Security::AsFound);
    MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure).read32(0x2000_0104).unwrap();
    assert_eq!(wire.take_log(), ["R AP1 DRW"]);
}

#[test]
fn block_is_cut_at_1_kb() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.write_block32(0x2000_03F8, &[1, 2, 3]).unwrap();
    let mut back = [0; 3];
    bus.read_block32(0x2000_03F8, &mut back).unwrap();
    assert_eq!(back, [1, 2, 3]);
    assert_eq!(
        wire.take_log(),
        [
            "W AP1 TAR 200003f8",
            "W AP1 DRW 00000001",
            "W AP1 DRW 00000002",
            "W AP1 TAR 20000400",
            "W AP1 DRW 00000003",
            "W AP1 TAR 200003f8",
            "R AP1 DRW",
            "R AP1 DRW",
            "W AP1 TAR 20000400",
            "R AP1 DRW"
        ]
    );
}

#[test]
fn empty_block_costs_nothing() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.read_block32(0x2000_0000, &mut []).unwrap();
    bus.write_block32(0x2000_0000, &[]).unwrap();
    assert!(wire.take_log().is_empty());
}

#[test]
fn window_costs_one_access_each() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP0, Security::AsFound);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP0, Security::AsFound);
    let mut mailbox = bus.window(0xE004_4100).unwrap();
    mailbox.write(0x0, 0x5354_4441).unwrap();
    mailbox.read(0x8).unwrap();
    assert_eq!(mailbox.read(0x0).unwrap(), 0x5354_4441);
    assert_eq!(mailbox.read(0x10).unwrap_err().code(), "link-outside-window");
    assert_eq!(mailbox.read(0x2).unwrap_err().code(), "link-outside-window");
    // A second window on the same words, after a borrow, needs no TAR either.
    MemAp::new(&mut wire, &mut cache, AP0, Security::AsFound).window(0xE004_4100).unwrap().read(0x4).unwrap();
    assert_eq!(wire.take_log(), ["W AP0 TAR e0044100", "W AP0 BD0 53544441", "R AP0 BD2", "R AP0 BD0", "R AP0 BD1"]);
    assert_eq!(wire.memory[&0xE004_4100], 0x5354_4441);
}

#[test]
fn window_is_content_with_tar_anywhere_inside() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    // The word read before left TAR at 0x2000_0104.
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.window(0x2000_0100).unwrap().read(0xC).unwrap();
    assert_eq!(wire.take_log(), ["R AP1 BD3"]);
}

#[test]
fn halfwords_come_from_their_lane() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    wire.memory.insert(0x0BF8_FFFC, 0xAABB_CCDD);
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    assert_eq!(bus.read16(0x0BF8_FFFE).unwrap(), 0xAABB);
    assert_eq!(bus.read16(0x0BF8_FFFC).unwrap(), 0xCCDD);
    assert_eq!(bus.read32(0x0BF8_FFFC).unwrap(), 0xAABB_CCDD);
    assert_eq!(
        wire.take_log(),
        [
            "W AP1 CSW cb800051",
            "R AP1 CSW",
            "W AP1 TAR 0bf8fffe",
            "R AP1 DRW",
            "W AP1 TAR 0bf8fffc",
            "R AP1 DRW",
            "W AP1 CSW cb800052",
            "W AP1 TAR 0bf8fffc",
            "R AP1 DRW"
        ]
    );
}

#[test]
fn halfwords_go_into_their_lane() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    assert_eq!(bus.write16(0x08FF_F001, 0).unwrap_err().code(), "link-unaligned");
    bus.write16(0x08FF_F002, 0xAABB).unwrap();
    assert_eq!(wire.memory.get(&0x08FF_F002).or(wire.memory.get(&0x08FF_F000)), Some(&0xAABB_0000));
    assert_eq!(wire.take_log(), ["W AP1 CSW cb800051", "R AP1 CSW", "W AP1 TAR 08fff002", "W AP1 DRW aabb0000"]);
}

#[test]
fn halfwords_are_refused_where_the_ap_has_only_words() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    let mut bus = MemAp::new(&mut wire, &mut cache, AP0, Security::AsFound);
    assert_eq!(bus.read16(0xE004_4002).unwrap_err().code(), "link-size-unsupported");
    assert!(!wire.take_log().iter().any(|access| access.contains("DRW")));
}

#[test]
fn a_disabled_or_absent_ap_is_not_tried() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    wire.aps[1].csw &= !Csw::DEVICE_EN;
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    assert_eq!(bus.read32(0).unwrap_err().code(), "link-ap-disabled");
    assert_eq!(wire.take_log(), ["R AP1 CSW", "R AP1 IDR"]);
    wire.aps[1] = ToyAp { idr: 0, csw: 0, csw_writable: 0, tar: 0 };
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    assert_eq!(bus.read32(0).unwrap_err().code(), "link-ap-absent");
    // Enabled meanwhile: nothing stale is believed.
    wire.aps[1] = ToyAp::AHB;
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.read32(0).unwrap();
}

#[test]
fn bad_addresses_never_reach_the_wire() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    assert_eq!(bus.read32(2).unwrap_err().code(), "link-unaligned");
    assert_eq!(bus.write32(1, 0).unwrap_err().code(), "link-unaligned");
    assert_eq!(bus.read16(1).unwrap_err().code(), "link-unaligned");
    assert_eq!(bus.window(4).unwrap_err().code(), "link-unaligned");
    assert_eq!(bus.read_block32(0xFFFF_FFFC, &mut [0; 2]).unwrap_err().code(), "link-address-range");
    assert!(wire.take_log().is_empty());
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.read_block32(0xFFFF_FFF8, &mut [0; 2]).unwrap();
}

#[test]
fn after_an_error_everything_is_set_up_again() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    warm(&mut wire, &mut cache, AP1, Security::NonSecure);
    wire.fail_in = Some(1);
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.write_block32(0x2000_0104, &[1, 2]).unwrap_err();
    wire.take_log();
    let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
    bus.read32(0x2000_0104).unwrap();
    // CSW is as wanted, so it is only read.
    assert_eq!(wire.take_log(), ["R AP1 CSW", "W AP1 TAR 20000104", "R AP1 DRW"]);
}

#[test]
fn attach_and_nrst_make_the_cache_forget() {
    let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
    for disturb in [|wire: &mut FakeWire| wire.attach().map(drop), |wire: &mut FakeWire| wire.set_nrst(Nrst::Asserted)]
    {
        warm(&mut wire, &mut cache, AP1, Security::NonSecure);
        disturb(&mut wire).unwrap();
        wire.aps[1] = ToyAp::AHB;
        MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure).read32(0x2000_0104).unwrap();
        assert_eq!(wire.take_log(), ["R AP1 CSW", "W AP1 CSW cb800052", "W AP1 TAR 20000104", "R AP1 DRW"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written is read back, in the cheapest number of accesses: one per word, one TAR per 1 KB block touched.
    #[test]
    fn blocks_round_trip(start in 0u32..0x400, words in prop::collection::vec(any::<u32>(), 1..600)) {
        let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
        let address = 0x2000_0000 + start * 4;
        let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::NonSecure);
        bus.read32(0x0800_0000).unwrap();
        bus.write_block32(address, &words).unwrap();
        let mut back = vec![0; words.len()];
        bus.read_block32(address, &mut back).unwrap();
        prop_assert_eq!(&back, &words);
        let last = address + 4 * (words.len() as u32 - 1);
        let blocks = (last / 0x400 - address / 0x400 + 1) as usize;
        prop_assert_eq!(wire.take_log().len(), 4 + 2 * (words.len() + blocks));
        for (i, word) in words.iter().enumerate() {
            prop_assert_eq!(wire.memory[&(address + 4 * i as u32)], *word);
        }
    }

    /// Single and banked accesses in any order see one memory.
    #[test]
    fn any_order_of_accesses_sees_one_memory(ops in prop::collection::vec((0u8..4, 0u32..64, any::<u32>()), 1..80)) {
        let (mut wire, mut cache) = (FakeWire::new(), MemApCache::default());
        let mut model = std::collections::BTreeMap::new();
        for (op, index, value) in ops {
            let address = 0x2000_03C0 + index * 4;
            let mut bus = MemAp::new(&mut wire, &mut cache, AP1, Security::Secure);
            match op {
                0 => prop_assert_eq!(bus.read32(address).unwrap(), *model.get(&address).unwrap_or(&0)),
                1 => bus.write32(address, value).unwrap(),
                2 => prop_assert_eq!(
                    bus.window(address & !0xF).unwrap().read(address & 0xF).unwrap(),
                    *model.get(&address).unwrap_or(&0)
                ),
                _ => bus.window(address & !0xF).unwrap().write(address & 0xF, value).unwrap(),
            }
            if op & 1 == 1 {
                model.insert(address, value);
            }
        }
    }
}
