//! Option changes at register level: what is accepted, when it is in force, and what a power cut leaves.

use crate::silicon_bench;

use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    registers::flash as reg,
    states::{BootUbe, ProductState, TrustZone},
};
use silicon_bench::{MS, debugger::Debugger};

#[test]
fn program_registers_mirror_the_current_ones_after_reset_on_every_part() {
    for part in PartId::all() {
        let mut d = Debugger::open(part.info().name);
        for field in OptionField::of(part) {
            assert_eq!(d.flash(field.offset_prg), d.flash(field.offset_cur), "{part} {}", field.register);
        }
        d.unlock_options();
        for field in OptionField::of(part) {
            let word = !d.flash(field.offset_cur);
            d.set_flash(field.offset_prg, word);
            assert_eq!(d.flash(field.offset_prg), word);
        }
        d.reset();
        for field in OptionField::of(part) {
            assert_eq!(d.flash(field.offset_prg), d.flash(field.offset_cur), "{part} {}", field.register);
        }
    }
}

#[test]
fn optlock_guards_the_program_registers_and_the_start() {
    let mut d = Debugger::open("STM32H533");
    let before = d.flash(reg::NSBOOTR_CUR);
    d.set_flash(reg::NSBOOTR_CUR + 4, 0x0801_00C3);
    assert_eq!(d.flash(reg::NSBOOTR_CUR + 4), before);
    d.unlock_options();
    d.set_flash(reg::NSBOOTR_CUR + 4, 0x0801_00C3);
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTLOCK);
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
    assert_eq!(d.flash(reg::NSSR) & reg::SR_BSY, 0, "not started");
    d.unlock_options();
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
    assert_eq!(d.flash(reg::NSSR), reg::SR_BSY);
    assert_eq!(d.flash(reg::OPTCR), reg::OPTCR_OPTSTRT);
    d.set_flash(reg::NSBOOTR_CUR + 4, 0);
    assert_eq!(d.wait_for_flash(), reg::SR_EOP);
    assert_eq!(d.flash(reg::OPTCR), 0, "OPTSTRT clears itself");
    assert_eq!(d.flash(reg::NSBOOTR_CUR + 4), 0x0801_00C3, "protected while the change runs");
    assert_eq!(d.flash(reg::NSBOOTR_CUR), before, "in force at the next reset only");
    d.reset();
    assert_eq!(d.flash(reg::NSBOOTR_CUR), 0x0801_00C3);
}

#[test]
fn a_refused_change_changes_nothing_and_blocks_the_next_until_cleared() {
    let mut d = Debugger::open("STM32H533");
    d.unlock_options();
    let (optsr, boot) = (d.flash(reg::OPTSR_CUR), d.flash(reg::NSBOOTR_CUR));
    d.set_flash(reg::OPTSR_PRG, optsr & !0xFF00 | 0x9A00);
    d.set_flash(reg::NSBOOTR_CUR + 4, 0x0801_00C3);
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
    assert_eq!(d.wait_for_flash(), reg::SR_OPTCHANGEERR);
    assert_eq!((d.flash(reg::OPTSR_PRG), d.flash(reg::NSBOOTR_CUR + 4)), (optsr, boot), "not even the other word");
    d.set_flash(reg::NSBOOTR_CUR + 4, 0x0801_00C3);
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
    assert_eq!(d.flash(reg::NSSR), reg::SR_OPTCHANGEERR, "not started");
    d.set_flash(reg::NSCCR, reg::SR_OPTCHANGEERR);
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
    assert_eq!(d.wait_for_flash(), reg::SR_EOP);
    d.reset();
    assert_eq!(d.flash(reg::NSBOOTR_CUR), 0x0801_00C3);
}

#[test]
fn only_codes_of_stable_states_are_taken_and_none_backward() {
    for code in 0..=u8::MAX {
        let mut d = Debugger::at("STM32H533", ProductState::Provisioning, TrustZone::Enabled);
        let forward = [0x2E, 0xC6, 0x72, 0x5C].contains(&code);
        // Writing the state in force is no change, and no error either.
        assert_eq!(d.set("PRODUCT_STATE", u32::from(code)), forward || code == 0x17, "{code:#x}");
        d.reset();
        let expected = if forward { code } else { 0x17 };
        assert_eq!(d.silicon.chip().state.code(), expected, "{code:#x}");
    }
    // What waits for its reset cannot be taken back.
    let mut d = Debugger::at("STM32H533", ProductState::Provisioning, TrustZone::Enabled);
    assert!(d.set("PRODUCT_STATE", 0x5C));
    assert!(!d.set("PRODUCT_STATE", 0x2E));
    assert!(!d.set("PRODUCT_STATE", 0x17));
    d.reset();
    assert_eq!(d.silicon.chip().state, ProductState::Locked);
}

#[test]
fn tzen_and_boot_ube_take_their_codes_only() {
    let mut d = Debugger::open("STM32H573");
    for (name, codes) in [("TZEN", [0xB4, 0xC3]), ("BOOT_UBE", [0xC3, 0xB4])] {
        for junk in [0, 0xFF, 0x5A] {
            assert!(!d.set(name, junk), "{name} {junk:#x}");
        }
        // There, and back before a reset.
        assert!(d.set(name, codes[0]) && d.set(name, codes[1]), "{name}");
        assert!(d.set(name, codes[0]), "{name}");
    }
    d.reset();
    assert_eq!((d.get("TZEN"), d.get("BOOT_UBE")), (0xB4, 0xC3));
    assert_eq!((d.silicon.chip().tz, d.silicon.chip().boot_ube), (TrustZone::Enabled, BootUbe::StIrot));
}

#[test]
fn boot_locks_freeze_what_the_table_says() {
    let mut d = Debugger::open("STM32H533");
    assert!(d.set("SECBOOT_LOCK", 0xB4) && d.set("NSBOOT_LOCK", 0xB4));
    assert!(d.set("NSBOOTADD", 0x08_0100), "in force at the next reset");
    d.reset();
    for (name, value) in [("SECBOOTADD", 0x0C_0100), ("NSBOOTADD", 0x08_0200), ("BOOT_UBE", 0xC3)] {
        assert!(!d.set(name, value), "{name}");
    }
    assert!(d.set("SWAP_BANK", 1), "TrustZone is off");
    assert!(d.set("SWAP_BANK", 0));
    assert!(d.set("TZEN", 0xB4));
    d.reset();
    assert!(!d.set("SWAP_BANK", 1), "frozen with TrustZone on");
    assert!(d.set("NSBOOT_LOCK", 0xC3), "Open takes the lock back");
    let mut d = Debugger::open("STM32H503");
    assert!(d.set("NSBOOT_LOCK", 0xB4));
    d.reset();
    assert!(!d.set("SWAP_BANK", 1), "frozen on H503");
    assert!(d.set("PRODUCT_STATE", 0x17));
    d.reset();
    assert!(!d.set("NSBOOT_LOCK", 0xC3), "Provisioning does not");
    assert!(d.set("LOCKBL", 0b101) && !d.set("LOCKBL", 0b100), "set only");
}

#[test]
fn reserved_bits_stay_on_every_part() {
    for part in PartId::all() {
        let mut d = Debugger::open(part.info().name);
        let named = OptionField::of(part).filter(|f| f.offset_cur == reg::OPTSR_CUR).fold(0, |m, f| m | f.mask());
        let before = d.flash(reg::OPTSR_CUR);
        assert!(d.change_option(reg::OPTSR_CUR, !named, !before));
        d.reset();
        assert_eq!(d.flash(reg::OPTSR_CUR), before, "{part}");
    }
}

#[test]
fn secure_options_are_written_through_the_secure_alias_only() {
    let mut d = Debugger::at("STM32H563", ProductState::Open, TrustZone::Enabled);
    d.unlock_options();
    for offset in [reg::SECWM1R_CUR, reg::SECWM2R_CUR, reg::SECBOOTR_CUR] {
        let before = d.flash(offset + 4);
        d.set_flash(offset + 4, !before);
        assert_eq!(d.flash(offset + 4), before, "{offset:#x} by the non-secure alias");
        d.set_secure_flash(offset + 4, before ^ 1);
        assert_eq!(d.flash(offset + 4), before ^ 1, "{offset:#x} by the secure alias");
    }
    let mut off = Debugger::open("STM32H563");
    assert!(off.set("SECWM1_END", 0x3F), "with TrustZone off there is one world");
}

#[test]
fn a_power_cut_during_an_option_change_leaves_the_old_words_and_tells_once() {
    for (at, after) in (0..6 * MS).step_by(250_000).map(|at| (at, at >= 5 * MS)) {
        let mut d = Debugger::at("STM32H533", ProductState::Open, TrustZone::Disabled);
        d.unlock_options();
        let word = d.flash(reg::OPTSR_CUR) & !0xFF00 | 0x1700;
        d.set_flash(reg::OPTSR_PRG, word);
        d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
        d.silicon.advance(at);
        let nrst = at % 500_000 == 0;
        if nrst {
            d.reset()
        } else {
            d.cut_power()
        }
        let expected = if after { ProductState::Provisioning } else { ProductState::Open };
        assert_eq!(d.silicon.chip().state, expected, "{at} ns");
        assert_eq!(d.flash(reg::OPSR), if after { 0 } else { 6 << 29 }, "{at} ns");
        d.reset();
        assert_eq!(d.flash(reg::OPSR), 0, "told once");
        d.cut_power();
        assert_eq!(d.flash(reg::OPSR), 0);
    }
}
