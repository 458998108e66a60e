//! The flash controller at register level: locks, erase, program, OTP, and what is left of them without power.

use crate::silicon_bench;

use provost_chip::{
    assumptions::Assumptions,
    model::Execution,
    parts::{PartId, SECTOR_SIZE},
    registers::{core_debug, flash as reg, memory},
    states::{ProductState, TrustZone},
};
use provost_twin::wire::dap::{Access, Bus as _, Size};
use silicon_bench::{BOOT, Code, MS, Situation, debugger::Debugger};

const FLASH: u32 = memory::FLASH;

/// Unlocks and sets PG.
fn ready_to_program(d: &mut Debugger) {
    d.unlock_flash();
    d.set_flash(reg::NSCR, reg::CR_PG);
}

#[test]
fn a_wrong_key_and_a_second_unlock_lock_until_reset() {
    for (key, control, lock, keys) in [
        (reg::NSKEYR, reg::NSCR, reg::CR_LOCK, reg::KEYS),
        (reg::OPTKEYR, reg::OPTCR, reg::OPTCR_OPTLOCK, reg::OPT_KEYS),
    ] {
        for spoil in [&[0x1234_5678][..], &[keys[1]], &[keys[0], keys[0]], &[keys[0], keys[1], keys[0]]] {
            let mut d = Debugger::open("STM32H533");
            spoil.iter().for_each(|k| d.set_flash(key, *k));
            for _ in 0..2 {
                keys.iter().for_each(|k| d.set_flash(key, *k));
                assert_ne!(d.flash(control) & lock, 0, "{key:#x} after {spoil:x?}");
            }
            d.reset();
            keys.iter().for_each(|k| d.set_flash(key, *k));
            assert_eq!(d.flash(control) & lock, 0);
            // Locking again by hand is no offence.
            d.set_flash(control, lock);
            assert_ne!(d.flash(control) & lock, 0);
            keys.iter().for_each(|k| d.set_flash(key, *k));
            assert_eq!(d.flash(control) & lock, 0);
        }
    }
}

#[test]
fn registers_after_reset_are_those_read_on_silicon() {
    let mut d = Debugger::open("STM32H563");
    // ACR and OPTSR of a NUCLEO-H563ZI (labwired), OBKCFGR of an H533 (ST community td-p/859095).
    assert_eq!(d.flash(reg::ACR), 0x13);
    assert_eq!((d.flash(reg::NSCR), d.flash(reg::OPTCR)), (1, 1));
    assert_eq!(d.flash(reg::NSOBKCFGR), 0x01FF_0001);
    assert_eq!(d.flash(reg::OPTSR_CUR), 0x2D30_EDF8);
    assert_eq!((d.flash(reg::NSSR), d.flash(reg::OPSR)), (0, 0));
    d.set_flash(reg::ACR, u32::MAX);
    assert_eq!(d.flash(reg::ACR) & !0x33F, 0, "only its own bits stick");
}

#[test]
fn erase_and_program_that_lose_power_leave_the_old_content_and_name_themselves() {
    for (command, code) in [(reg::CR_SER, 3), (reg::CR_BER, 4), (reg::CR_MER, 5), (reg::CR_PG, 1)] {
        let mut d = Debugger::new(
            Situation { code: Code::BothWorlds, ..Situation::of("STM32H533", ProductState::Open, TrustZone::Disabled) }
                .powered(Assumptions::default()),
        );
        d.unlock_flash();
        if command == reg::CR_PG {
            d.set_flash(reg::NSCR, command);
            (0..4).for_each(|i| d.write(FLASH + 4 * i, 0));
        } else {
            d.set_flash(reg::NSCR, command | reg::CR_STRT);
        }
        assert_eq!(d.flash(reg::NSSR) & reg::SR_BSY, reg::SR_BSY);
        d.silicon.advance(10_000);
        d.cut_power();
        assert_eq!(d.read(FLASH), Ok(0x1111_1111));
        assert_eq!(d.flash(reg::OPSR), code << 29);
    }
}

#[test]
fn erase_takes_what_it_names_and_nothing_protected() {
    let part: PartId = "STM32H533".parse().unwrap();
    let mut chip = Situation::of("STM32H533", ProductState::Open, TrustZone::Disabled).memory();
    (0..part.info().largest_flash().sectors()).for_each(|n| chip.load_flash(n * SECTOR_SIZE, &[n as u8]));
    let fill = |d: &mut Debugger| d.silicon.nvm().flash.len();
    let make = |protect: bool| {
        let mut memory = chip.clone();
        if protect {
            // Group 1 of bank 2: its sectors 4 to 7.
            silicon_bench::set_option(&mut memory, part, "WRPSGn2", 0xFD);
        }
        let identity = *Debugger::open("STM32H533").silicon.identity();
        let mut silicon =
            provost_twin::silicon::Silicon::new(identity, memory, Default::default(), Assumptions::default());
        silicon.set_power(true);
        silicon.advance(BOOT);
        let mut d = Debugger::new(silicon);
        d.unlock_flash();
        d
    };
    let erase = |d: &mut Debugger, command: u32| {
        d.set_flash(reg::NSCCR, u32::MAX);
        d.set_flash(reg::NSCR, command | reg::CR_STRT);
        d.wait_for_flash()
    };
    let sector = |n: u32| reg::CR_SER | n << reg::CR_SNB_SHIFT;
    let mut d = make(false);
    assert_eq!(erase(&mut d, sector(5)), reg::SR_EOP);
    assert_eq!(d.read(FLASH + 5 * SECTOR_SIZE), Ok(u32::MAX));
    assert_eq!((fill(&mut d), d.read(FLASH + 4 * SECTOR_SIZE)), (63, Ok(0xFFFF_FF04)));
    assert_eq!(erase(&mut d, reg::CR_BER | reg::CR_BKSEL), reg::SR_EOP);
    assert_eq!(fill(&mut d), 31);
    assert_eq!(erase(&mut d, reg::CR_MER), reg::SR_EOP);
    assert_eq!(fill(&mut d), 0);
    assert_eq!(erase(&mut d, 0), reg::SR_PGSERR, "no kind of erase");
    assert_eq!(erase(&mut d, reg::CR_SER | reg::CR_MER), reg::SR_PGSERR, "two kinds");

    let mut d = make(true);
    for refused in [sector(4) | reg::CR_BKSEL, sector(7) | reg::CR_BKSEL, reg::CR_BER | reg::CR_BKSEL, reg::CR_MER] {
        assert_eq!(erase(&mut d, refused), reg::SR_WRPERR, "{refused:#x}");
    }
    assert_eq!(fill(&mut d), 64);
    for granted in [sector(8) | reg::CR_BKSEL, sector(4), reg::CR_BER] {
        assert_eq!(erase(&mut d, granted), reg::SR_EOP, "{granted:#x}");
    }
    assert_eq!(fill(&mut d), 31);
    // Banks swapped: the map changes, BKSEL stays physical (SVD).
    assert!(d.set("SWAP_BANK", 1));
    assert_eq!(d.read(FLASH), Ok(u32::MAX));
    d.reset();
    assert_eq!(d.read(FLASH), Ok(0xFFFF_FF20));
    assert_eq!(d.flash(reg::OPTCR) >> 31, 1);
    d.unlock_flash();
    assert_eq!(erase(&mut d, sector(0) | reg::CR_BKSEL), reg::SR_EOP);
    assert_eq!(d.read(FLASH), Ok(u32::MAX));
}

#[test]
fn a_quad_word_is_programmed_when_it_is_whole() {
    let mut d = Debugger::open("STM32H563");
    ready_to_program(&mut d);
    d.write(FLASH + 0x10, 1);
    assert_eq!(d.flash(reg::NSSR), reg::SR_WBNE, "as on an H563 (labwired)");
    [(0x1C, 4), (0x14, 2), (0x18, 3)].iter().for_each(|(at, word)| d.write(FLASH + at, *word));
    assert_eq!(d.flash(reg::NSSR), reg::SR_BSY);
    assert_eq!(d.wait_for_flash(), reg::SR_EOP);
    assert_eq!([0x10, 0x14, 0x18, 0x1C].map(|at| d.read(FLASH + at).unwrap()), [1, 2, 3, 4]);
    assert_eq!(d.read(FLASH), Ok(u32::MAX));
    // The next one need not be polled for: the bus waits.
    (0x20..0x60).step_by(4).for_each(|at| d.write(FLASH + at, at));
    d.wait_for_flash();
    assert!((0x20..0x60).step_by(4).all(|at| d.read(FLASH + at) == Ok(at)));
    // A second program gives the AND (labwired).
    [6, u32::MAX, 0, 4].iter().zip((0x10..).step_by(4)).for_each(|(word, at)| d.write(FLASH + at, *word));
    d.wait_for_flash();
    assert_eq!([0x10, 0x14, 0x18, 0x1C].map(|at| d.read(FLASH + at).unwrap()), [0, 2, 0, 4]);
    // Bytes fill the buffer as well.
    for at in 0x80..0x90 {
        d.silicon.write(Access { ap: 1, address: FLASH + at, size: Size::Byte, secure: false }, at).unwrap();
    }
    d.wait_for_flash();
    assert_eq!(d.read(FLASH + 0x8C), Ok(0x8F8E_8D8C));
}

#[test]
fn what_spoils_a_quad_word_is_named_and_nothing_is_programmed() {
    let mut d = Debugger::open("STM32H563");
    d.write(FLASH, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_PGSERR, "locked");
    d.set_flash(reg::NSCCR, reg::SR_PGSERR);
    d.unlock_flash();
    d.write(FLASH, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_PGSERR, "without PG");
    d.set_flash(reg::NSCCR, reg::SR_PGSERR);
    d.set_flash(reg::NSCR, reg::CR_PG);
    // Four words at a misaligned address: INCERR alone, 0x00100000 (labwired).
    (0x8..0x18).step_by(4).for_each(|at| d.write(FLASH + at, 0));
    assert_eq!(d.flash(reg::NSSR), 0x0010_0000);
    d.set_flash(reg::NSCCR, reg::SR_INCERR);
    d.write(FLASH, 0);
    d.write(FLASH, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_STRBERR, "the same bytes twice");
    d.set_flash(reg::NSCCR, reg::SR_STRBERR);
    assert!((0..0x20).step_by(4).all(|at| d.read(FLASH + at) == Ok(u32::MAX)));
    // FW forces out an unfinished one, filled up with ones.
    d.write(FLASH + 4, 0x55);
    d.set_flash(reg::NSCR, reg::CR_PG | reg::CR_FW);
    assert_eq!(d.wait_for_flash(), reg::SR_EOP);
    assert_eq!([0, 4, 8].map(|at| d.read(FLASH + at).unwrap()), [u32::MAX, 0x55, u32::MAX]);
    assert!(d.set("WRPSGn1", 0xFFFF_FFFE));
    d.reset();
    ready_to_program(&mut d);
    d.write(FLASH + 3 * SECTOR_SIZE, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_WRPERR, "group 0 covers sectors 0 to 3");
}

#[test]
fn each_world_programs_its_own_sectors() {
    let chip =
        Situation { code: Code::BothWorlds, ..Situation::of("STM32H563", ProductState::Open, TrustZone::Enabled) };
    let mut d = Debugger::new(chip.powered(Assumptions::default()));
    let bank2 = FLASH + d.silicon.identity().flash.bank();
    ready_to_program(&mut d);
    d.unlock_secure_flash();
    d.set_secure_flash(reg::SECCR, reg::CR_PG);
    d.write(FLASH + 0x20, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_WRPERR, "non-secure to secure");
    d.write_secure(bank2 + memory::SECURE_ALIAS + 0x20, 0);
    assert_eq!(d.read_secure(reg::BASE + 0x1000_0000 + u32::from(reg::SECSR)), Ok(reg::SR_WRPERR));
    d.set_flash(reg::NSCCR, u32::MAX);
    d.set_secure_flash(reg::SECCCR, u32::MAX);
    (0x20..0x30).step_by(4).for_each(|at| d.write(bank2 + at, 7));
    assert_eq!(d.wait_for_flash(), reg::SR_EOP);
    (0x20..0x30).step_by(4).for_each(|at| d.write_secure(FLASH + memory::SECURE_ALIAS + at, 8));
    d.silicon.advance(MS);
    assert_eq!(d.read_secure(FLASH + memory::SECURE_ALIAS + 0x20), Ok(8));
    assert_eq!((d.read(FLASH + 0x20), d.read(bank2 + 0x20)), (Ok(0), Ok(7)), "the secure sector reads as zero");
}

#[test]
fn otp_is_programmed_by_half_words_once_and_can_be_locked() {
    let mut d = Debugger::at("STM32H503", ProductState::Provisioning, TrustZone::Disabled);
    assert!(d.read(memory::OTP).is_err(), "virgin: an ECC double error");
    ready_to_program(&mut d);
    d.write_half(memory::OTP, 0x1234);
    d.wait_for_flash();
    assert!(d.read(memory::OTP).is_err(), "its neighbour is virgin still");
    assert_eq!(d.access(1, memory::OTP, Size::Half, false), Ok(0x1234));
    d.write_half(memory::OTP + 2, 0xABCD);
    assert_eq!(d.wait_for_flash(), reg::SR_EOP);
    assert_eq!(d.read(memory::OTP), Ok(0xABCD_1234));
    d.write_half(memory::OTP, 0x0F0F);
    d.wait_for_flash();
    assert!(d.access(1, memory::OTP, Size::Half, false).is_err(), "a second value spoils the ECC for ever");
    assert_eq!(d.access(1, memory::OTP + 2, Size::Half, false).map(|w| w & 0xFFFF), Ok(0xABCD), "its neighbour stays");
    d.set_flash(reg::NSCCR, u32::MAX);
    d.write(memory::OTP + 4, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_PGSERR, "16 bits and nothing else");
    assert!(d.set("LOCKBL", 1));
    d.reset();
    ready_to_program(&mut d);
    d.write_half(memory::OTP + 4, 0);
    assert_eq!(d.flash(reg::NSSR), reg::SR_WRPERR);
    d.set_flash(reg::NSCCR, u32::MAX);
    d.write_half(memory::OTP + 64, 5);
    assert_eq!(d.wait_for_flash(), reg::SR_EOP, "the next block is not locked");
    assert_eq!(d.silicon.chip().runs, Execution::Bootloader);
    assert_eq!(d.read(core_debug::CPUID), Ok(0x410F_D214));
}
