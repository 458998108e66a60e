//! What a debugger reaches, by state, by what runs, and by address.

use crate::silicon_bench;

use provost_chip::{
    assumptions::{Assumptions, DbgmcuAddress},
    model::Execution,
    parts::PartId,
    registers::{core_debug, dbgmcu, flash as reg, memory, rss},
    states::{ProductState, TrustZone},
};
use provost_twin::{
    silicon::{FirmwareBehaviour, Identity, Silicon, nvm::Nvm},
    wire::dap::{Access, Bus, Size},
};
use silicon_bench::{BOOT, Code, MS, Situation, debugger::Debugger, set_option};

const SECURE: u32 = 0x1000_0000;

fn request(d: &mut Debugger) {
    d.silicon.set_nrst(true);
    d.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, dbgmcu::REQUEST_STDA);
    d.silicon.set_nrst(false);
    d.silicon.advance(BOOT);
}

/// AP1 in every state and whatever runs, written down by hand: open only in Open, in Provisioning beside the bootloader, and
/// in iROT-Provisioned and TZ-Closed beside non-secure code.
#[test]
fn ap1_is_open_where_the_table_says_and_sr_tells() {
    use ProductState as S;
    let mut cases = 0;
    for situation in Situation::every() {
        for code in [Code::None, Code::SecureOnly, Code::BothWorlds] {
            let (state, tz) = (situation.state, situation.tz);
            let non_secure = code == Code::BothWorlds || (code == Code::SecureOnly && tz == TrustZone::Disabled);
            let by_default = match state {
                S::Open | S::Provisioning => true,
                S::IrotProvisioned | S::TzClosed => non_secure,
                S::Closed | S::Locked => false,
            };
            let mut d = Debugger::new(Situation { code, ..situation }.powered(Assumptions::default()));
            let part = situation.part;
            let mut check = |d: &mut Debugger, open: bool, when: &str| {
                let sr = d.read_dbgmcu(dbgmcu::SR);
                assert_eq!(sr, if open { 0x0003_0003 } else { 0x0001_0003 }, "{part} {state} {tz} {code:?} {when}");
                assert_eq!(d.read(core_debug::CPUID).is_ok(), open);
                assert_eq!(d.silicon.ap_enabled(1), open);
                assert!(d.silicon.ap_enabled(0));
                cases += 1;
            };
            check(&mut d, by_default, "booted");
            d.silicon.set_nrst(true);
            check(&mut d, state == S::Open, "in reset");
            d.silicon.set_nrst(false);
            check(&mut d, state == S::Open, "while the RSS runs");
            d.silicon.advance(2_699_000);
            check(&mut d, state == S::Open, "just before it ends");
            d.silicon.advance(1_000);
            check(&mut d, by_default, "booted again");
            request(&mut d);
            let in_da = matches!(d.silicon.chip().runs, Execution::RssDa { .. });
            assert_eq!(in_da, !matches!(state, S::Open | S::Locked));
            check(&mut d, by_default && !in_da, "after a request");
        }
    }
    println!("{cases} looks at AP1");
}

#[test]
fn option_registers_read_zero_in_reset() {
    let mut d = Debugger::open("STM32H533");
    assert_ne!(d.flash(reg::OPTSR_CUR), 0);
    d.silicon.set_nrst(true);
    for offset in [reg::OPTSR_CUR, reg::OPTSR2_CUR, reg::NSBOOTR_CUR, reg::OPTSR_PRG] {
        assert_eq!(d.flash(offset), 0);
    }
    d.silicon.set_nrst(false);
    assert_ne!(d.flash(reg::OPTSR_CUR), 0);
}

#[test]
fn the_secure_alias_is_zero_and_deaf_to_a_non_secure_debugger() {
    let mut d = Debugger::at("STM32H533", ProductState::Provisioning, TrustZone::Enabled);
    assert!(!d.silicon.ap_spiden(1));
    let optsr = reg::BASE + u32::from(reg::OPTSR_CUR);
    assert_eq!(d.read(optsr).unwrap() >> 8 & 0xFF, 0x17);
    for secure in [false, true] {
        assert_eq!(d.access(1, optsr + SECURE, Size::Word, secure), Ok(0), "as ST's tool probes");
        assert_eq!(d.access(1, 0x0C00_0000, Size::Word, secure), Ok(0));
        assert_eq!(d.access(1, 0x0800_0000, Size::Word, secure), Ok(0), "a secure sector");
        assert_eq!(d.access(1, memory::OBK_SECURE + 0x100, Size::Word, secure), Ok(0));
    }
    for key in reg::OPT_KEYS {
        d.write_secure(reg::BASE + SECURE + u32::from(reg::OPTKEYR), key);
    }
    assert_eq!(d.flash(reg::OPTCR), 1, "the keys went nowhere");
    d.write_secure(0x3003_4000, 5);
    assert_eq!(d.read(0x2003_4000), Ok(0));
    // With TrustZone off there is one world, and ST's tool finds 0x17 at the secure alias.
    let mut off = Debugger::at("STM32H533", ProductState::Provisioning, TrustZone::Disabled);
    assert_eq!(off.read(optsr + SECURE).unwrap() >> 8 & 0xFF, 0x17);
    // In Open with TrustZone on the alias answers secure accesses alone.
    let mut open = Debugger::at("STM32H533", ProductState::Open, TrustZone::Enabled);
    assert!(open.silicon.ap_spiden(1));
    assert_eq!(open.read_secure(optsr + SECURE).unwrap() >> 8 & 0xFF, 0xED);
    assert_eq!(open.read(optsr + SECURE), Ok(0));
}

#[test]
fn unique_id_and_flash_size_are_masked_outside_open() {
    for state in [ProductState::Open, ProductState::Provisioning] {
        for tz in TrustZone::ALL {
            let mut d = Debugger::at("STM32H563", state, tz);
            let found = [0, 4, 8, 12].map(|at| d.read(memory::UID + at).unwrap());
            assert_eq!(found, if state == ProductState::Open { [0x11, 0x22, 0x33, 2048] } else { [0; 4] }, "{state}");
            assert_eq!(d.read_dbgmcu(dbgmcu::IDCODE) & 0xFFF, 0x484, "DEV_ID is not");
        }
    }
}

#[test]
fn sram_is_visible_where_somebody_has_opened_it() {
    let info = "STM32H533".parse::<PartId>().unwrap().info();
    let sees = |state, tz, code, address: u32, secure: bool| {
        let situation = Situation { code, ..Situation::of("STM32H533", state, tz) };
        let mut d = Debugger::new(situation.powered(Assumptions::default()));
        let access = Access { ap: 1, address, size: Size::Word, secure };
        d.silicon.write(access, 0x600D_CAFE).is_ok() && d.silicon.read(access) == Ok(0x600D_CAFE)
    };
    use ProductState::{Open, Provisioning, TzClosed};
    let (on, off) = (TrustZone::Enabled, TrustZone::Disabled);
    for memory in [info.sram1, info.sram2, info.sram3] {
        for address in [memory.base, memory.base + memory.size - 4] {
            let is_sram3 = memory == info.sram3;
            assert!(sees(Open, off, Code::None, address, false));
            assert!(sees(Provisioning, off, Code::None, address, false));
            assert!(sees(Provisioning, on, Code::None, address, false), "the bootloader has it open");
            assert!(sees(Open, on, Code::None, address + SECURE, true));
            assert!(!sees(Open, on, Code::None, address, false), "all secure after reset");
            assert!(!sees(Provisioning, on, Code::None, address + SECURE, true));
            assert_eq!(sees(TzClosed, on, Code::BothWorlds, address, false), is_sram3, "as the templates open it");
        }
    }
    let end = info.sram3.base + info.sram3.size;
    assert!(Debugger::open("STM32H533").read(end).is_err(), "nothing there");
}

#[test]
fn narrow_accesses_move_their_own_bytes() {
    let mut d = Debugger::open("STM32H533");
    d.write(0x2000_0000, 0x4433_2211);
    assert_eq!(
        [0, 1, 2, 3].map(|at| d.access(1, 0x2000_0000 + at, Size::Byte, false)),
        [0x11, 0x22, 0x33, 0x44].map(Ok)
    );
    assert_eq!(d.access(1, 0x2000_0002, Size::Half, false), Ok(0x4433));
    d.silicon.write(Access { ap: 1, address: 0x2000_0001, size: Size::Byte, secure: false }, 0xAA).unwrap();
    d.write_half(0x2000_0002, 0xBBCC);
    assert_eq!(d.read(0x2000_0000), Ok(0xBBCC_AA11));
}

#[test]
fn the_descriptor_stands_where_the_rom_version_says() {
    for part in PartId::all() {
        for rom_version in 0..3 {
            let flash = part.info().largest_flash();
            let identity = Identity { part, flash, uid: [1, 2, 3], rev_id: 0x1001, rom_version };
            let mut nvm = Nvm::factory(part);
            set_option(&mut nvm, part, "PRODUCT_STATE", 0x17);
            set_option(&mut nvm, part, "TZEN", 0xB4);
            let mut silicon = Silicon::new(identity, nvm, FirmwareBehaviour::default(), Assumptions::default());
            silicon.set_power(true);
            silicon.advance(BOOT);
            let mut d = Debugger::new(silicon);
            let info = part.info();
            let magic = |d: &mut Debugger, base: u32| {
                let words = [0, 4].map(|at| d.read(base + rss::DESCRIPTOR_MAGIC + at).unwrap().to_le_bytes());
                words.concat() == info.rss_magic
            };
            let found: Vec<u32> = info.rss_descriptors.iter().copied().filter(|base| magic(&mut d, *base)).collect();
            if info.trustzone {
                assert_eq!(found, [info.rss_descriptors[usize::from(rom_version)]], "{part}");
                let entry = d.read(found[0] + rss::DESCRIPTOR_TABLE).unwrap();
                assert!(entry & 1 == 1 && (0x0BF8_0000..0x0C00_0000).contains(&entry), "{entry:#x}");
            } else {
                assert!(found.is_empty(), "no service on {part}");
            }
        }
    }
}

#[test]
fn ap0_shows_dbgmcu_at_the_addresses_of_its_world_and_nothing_else() {
    for (address, shown) in [
        (DbgmcuAddress::Both, [true, true]),
        (DbgmcuAddress::E0044000, [true, false]),
        (DbgmcuAddress::E00E4000, [false, true]),
    ] {
        let world = Assumptions { dbgmcu_address: address, ..Assumptions::default() };
        let situation = Situation::of("STM32H563", ProductState::Closed, TrustZone::Enabled);
        let mut d = Debugger::new(situation.powered(world));
        for (base, shown) in dbgmcu::BASES.into_iter().zip(shown) {
            let found = d.access(0, base + dbgmcu::IDCODE, Size::Word, false).unwrap();
            assert_eq!(found, if shown { 0x1001_6484 } else { 0 }, "{address:?}");
        }
        for elsewhere in [0x0800_0000, 0x2000_0000, 0x4002_2050, core_debug::CPUID] {
            assert_eq!(d.access(0, elsewhere, Size::Word, false), Ok(0));
        }
        // The ROM table: one entry, ST's, and DBGMCU behind it.
        assert_eq!(d.access(0, 0xE00E_0000, Size::Word, false), Ok(0x4003));
        assert_eq!(d.access(0, 0xE00E_0FE0, Size::Word, false), Ok(0x84));
    }
}

#[test]
fn a_request_counts_only_when_it_is_written_in_reset_and_only_once() {
    let mut d = Debugger::at("STM32H563", ProductState::Provisioning, TrustZone::Enabled);
    d.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, dbgmcu::REQUEST_STDA);
    d.reset();
    assert_eq!(d.silicon.chip().runs, Execution::Bootloader, "written before the reset");
    d.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, dbgmcu::REQUEST_STDA);
    d.write(core_debug::AIRCR, 0x05FA_0004);
    d.silicon.advance(BOOT);
    assert_eq!(d.silicon.chip().runs, Execution::Bootloader, "no NRST");
    // In Open nobody takes it, and it is gone when the chip is in Provisioning.
    let mut d = Debugger::open("STM32H563");
    request(&mut d);
    assert!(d.set("PRODUCT_STATE", 0x17));
    d.reset();
    assert_eq!(d.silicon.chip().runs, Execution::Bootloader);
    request(&mut d);
    assert_eq!(d.silicon.chip().runs, Execution::RssDa { open: true });
    d.reset();
    assert_eq!(d.silicon.chip().runs, Execution::Bootloader);
}

#[test]
fn without_a_wire_nrst_leads_nowhere_and_power_under_reset_waits() {
    let mut d = Debugger::at("STM32H563", ProductState::Provisioning, TrustZone::Enabled);
    d.silicon.set_nrst_wired(false);
    Bus::set_nrst(&mut d.silicon, true);
    assert_eq!(d.silicon.chip().runs, Execution::Bootloader);
    d.silicon.set_nrst_wired(true);
    Bus::set_nrst(&mut d.silicon, true);
    d.silicon.set_power(false);
    assert_eq!(d.silicon.chip().runs, Execution::Off);
    d.silicon.set_power(true);
    d.silicon.advance(100 * MS);
    assert_eq!(d.silicon.chip().runs, Execution::HeldInReset);
    // The request may be written all the same.
    d.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, dbgmcu::REQUEST_STDA);
    Bus::set_nrst(&mut d.silicon, false);
    assert_eq!(d.silicon.chip().runs, Execution::RssDa { open: true });
}

#[test]
fn a_reset_from_inside_does_not_pass_a_low_pin() {
    let mut d = Debugger::open("STM32H563");
    d.silicon.set_nrst(true);
    d.write(core_debug::AIRCR, 0x05FA_0004);
    assert_eq!(d.silicon.chip().runs, Execution::HeldInReset);
}
